/* The HTTP server over real connections on loopback. */
#include "base/mem.h"
#include "io/descriptor.h"
#include "io/held.h"
#include "io/http.h"
#include "io/timer.h"

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* --- The server --- */

enum { KEPT_MAX = 4 };

struct world {
    struct io_loop *loop;
    struct io_http_server *server;
    struct io_stream *client;
    struct buf got; /* by the client */
    bool closed;    /* the client's stream, by the server */
    size_t requests;
    bool keep; /* requests are answered by hand */
    bool take; /* a request's body is taken from it before */
    struct io_http_request *kept[KEPT_MAX];
    size_t kept_count;
    size_t large; /* bytes of answers, 0 = an echo */
    size_t gone;  /* requests whose client went before the answer */
};

/* Answers with what was asked. */
static void echo(struct world *w, struct io_http_request *request)
{
    struct buf body = BUF_INIT, own = BUF_INIT;
    if (w->take) {
        struct bytes before = request->body;
        io_http_take_body(request, &own);
        assert_int_equal(request->body.len, 0);
        assert_int_equal(own.len, before.len);
        request->body = buf_bytes(&own);
    }
    buf_append_bytes(&body, request->head.method);
    buf_append_text(&body, " ");
    buf_append_bytes(&body, request->path);
    buf_append_text(&body, " ");
    buf_append_bytes(&body, request->body);
    if (w->large) {
        uint8_t *room = buf_extend(&body, w->large);
        memset(room, 'x', w->large);
    }
    struct io_http_field field = {"X-Test", "yes"};
    io_http_answer(request, 200, &field, 1, &body);
    buf_release(&own);
}

static void on_request(void *context, struct io_http_request *request)
{
    struct world *w = context;
    w->requests++;
    if (w->keep)
        w->kept[w->kept_count++] = request;
    else
        echo(w, request);
}

static void on_head(void *context, struct io_http_request *request)
{
    (void)context;
    if (io_http_same_name(request->head.method, "PUT"))
        io_http_answer_text(request, 405, "no");
}

static void client_read(void *context, struct io_stream *stream, struct bytes data)
{
    (void)stream;
    struct world *w = context;
    buf_append_bytes(&w->got, data);
}

static void client_closed(void *context, struct io_stream *stream, int status, const char *message)
{
    (void)stream;
    (void)status;
    (void)message;
    struct world *w = context;
    w->closed = true;
    w->client = NULL;
}

static const struct io_stream_ops client_ops = {.read = client_read, .closed = client_closed};

static void connect_client(struct world *w)
{
    w->closed = false;
    buf_clear(&w->got);
    assert_int_equal(io_connect_tcp(&w->client, w->loop, "127.0.0.1",
                                    io_http_address(w->server)->port, 0, &client_ops, w),
                     0);
}

static void on_gone(void *context, struct io_http_request *request)
{
    struct world *w = context;
    assert_null(request->connection);
    w->gone++;
}

static struct io_http_options options_of(struct world *w, uint64_t ms)
{
    return (struct io_http_options){.context = w,
                                    .head = on_head,
                                    .request = on_request,
                                    .gone = on_gone,
                                    .body_max = 1000,
                                    .connections_max = 2,
                                    .read_ms = ms,
                                    .write_ms = ms,
                                    .idle_ms = ms};
}

static void begin_by(struct world *w, const struct io_http_options *options)
{
    *w = (struct world){0};
    struct err_detail detail;
    assert_int_equal(io_loop_new(&w->loop), 0);
    assert_int_equal(io_http_new(&w->server, w->loop, options), 0);
    assert_int_equal(io_http_listen_tcp(w->server, "127.0.0.1", 0, &detail), 0);
    connect_client(w);
}

static void begin_with(struct world *w, uint64_t ms, uint64_t idle_ms, uint64_t half_ms)
{
    struct io_http_options options = options_of(w, ms);
    options.idle_ms = idle_ms;
    options.half_ms = half_ms;
    begin_by(w, &options);
}

static void begin(struct world *w, uint64_t ms)
{
    begin_with(w, ms, ms, 0);
}

static void end(struct world *w)
{
    io_stream_close(w->client);
    io_http_free(w->server);
    buf_release(&w->got);
    io_loop_free(w->loop);
}

static void say(struct world *w, const char *text)
{
    assert_int_equal(io_stream_write(w->client, bytes_str(text)), 0);
}

/* Serves until the client has got `count` times `text`. */
static void await(struct world *w, const char *text, size_t count)
{
    for (;;) {
        const char *at = buf_text(&w->got);
        size_t found = 0;
        while ((at = strstr(at, text))) {
            found++;
            at += strlen(text);
        }
        if (found >= count)
            return;
        assert_false(w->closed);
        io_loop_turn(w->loop, true);
    }
}

static void await_close(struct world *w)
{
    while (!w->closed)
        io_loop_turn(w->loop, true);
}

static void test_requests(void **state)
{
    (void)state;
    struct world w;
    begin(&w, 60000);
    /* Two at once, with an empty line between, then one in single bytes. */
    say(&w, "POST /a?q HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc\r\nGET /b "
            "HTTP/1.1\r\nHost: x\r\n\r\n");
    await(&w, "GET /b ", 1);
    assert_non_null(strstr(buf_text(&w.got), "HTTP/1.1 200 OK\r\nX-Test: yes\r\nDate: "));
    assert_non_null(strstr(buf_text(&w.got), "Content-Length: 11\r\n\r\nPOST /a abc"));
    static const char text[] =
        "POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n";
    for (size_t i = 0; text[i]; i++) {
        char one[2] = {text[i], 0};
        say(&w, one);
        io_loop_turn(w.loop, false);
    }
    await(&w, "POST /c hi", 1);
    buf_clear(&w.got);
    say(&w, "GET /old HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    await(&w, "Connection: keep-alive\r\n\r\nGET /old", 1);
    buf_clear(&w.got);
    say(&w, "HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    await_close(&w);
    assert_non_null(strstr(buf_text(&w.got), "Content-Length: 7\r\nConnection: close\r\n\r\n"));
    assert_null(strstr(buf_text(&w.got), "HEAD / "));
    assert_int_equal(w.requests, 5);
    end(&w);
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *text, *status;
        bool goes_on;
    } cases[] = {
        {"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n12345", "405 Method Not Allowed",
         true},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n", "413 ", false},
        {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n", "413 ", false},
        {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", "400 ", false},
        {"nonsense\r\n\r\n", "400 Bad Request", false},
        {"GET / HTTP/3.0\r\nHost: x\r\n\r\n", "505 ", false},
    };
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        struct world w;
        begin(&w, 60000);
        say(&w, cases[i].text);
        await(&w, cases[i].status, 1);
        if (cases[i].goes_on) {
            say(&w, "GET /next HTTP/1.1\r\nHost: x\r\n\r\n");
            await(&w, "GET /next", 1);
        } else if (w.client && !strstr(cases[i].text, "1001")) {
            await_close(&w);
        }
        end(&w);
    }
}

static void test_head_too_large(void **state)
{
    (void)state;
    struct world w;
    begin(&w, 60000);
    say(&w, "GET / HTTP/1.1\r\nHost: x\r\nLong: ");
    for (int i = 0; i < IO_HTTP_HEAD_MAX / 64; i++)
        say(&w, "0123456789012345678901234567890123456789012345678901234567890123");
    await(&w, "431 ", 1);
    await_close(&w);
    end(&w);
}

static void test_continue(void **state)
{
    (void)state;
    struct world w;
    begin(&w, 60000);
    say(&w, "POST /e HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    await(&w, "HTTP/1.1 100 Continue\r\n\r\n", 1);
    say(&w, "ok");
    await(&w, "POST /e ok", 1);
    end(&w);
}

static void test_later(void **state)
{
    (void)state;
    struct world w;
    begin(&w, 60000);
    w.keep = true;
    say(&w, "GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n");
    while (!w.kept_count)
        io_loop_turn(w.loop, true);
    assert_int_equal(w.kept_count, 1); /* the second waits for the first's answer */
    echo(&w, w.kept[0]);
    while (w.kept_count < 2)
        io_loop_turn(w.loop, true);
    await(&w, "GET /1", 1);
    /* The client goes; its request is answered all the same, to nobody. */
    io_stream_close(w.client);
    w.client = NULL;
    while (w.kept[1]->connection)
        io_loop_turn(w.loop, true);
    assert_int_equal(w.gone, 1);
    echo(&w, w.kept[1]);
    assert_int_equal(io_http_connections(w.server), 0);
    /* So is one that outlives the server. */
    connect_client(&w);
    say(&w, "POST /3 HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n3");
    while (w.kept_count < 3)
        io_loop_turn(w.loop, true);
    io_http_free(w.server);
    w.server = NULL;
    assert_int_equal(w.gone, 2);
    echo(&w, w.kept[2]);
    end(&w);
}

/* A client that sees nothing of the loop. */
static int connect_raw(const struct world *w, const char *text)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons(io_http_address(w->server)->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(send(fd, text, strlen(text), 0), strlen(text));
    return fd;
}

/* One that says at once that it sends nothing more. */
static int connect_half(const struct world *w, const char *text)
{
    int fd = connect_raw(w, text);
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    return fd;
}

static void turn_some(struct world *w)
{
    for (int i = 0; i < 20; i++) {
        io_loop_turn(w->loop, false);
        usleep(1000);
    }
}

/* What comes until the server closes. */
static void read_half(struct world *w, int fd)
{
    ssize_t len;
    uint8_t piece[65536];
    buf_clear(&w->got);
    while ((len = recv(fd, piece, sizeof(piece), MSG_DONTWAIT)) != 0) {
        if (len < 0)
            assert_int_equal(errno, EAGAIN);
        else
            buf_append(&w->got, piece, (size_t)len);
        io_loop_turn(w->loop, false);
    }
    close(fd);
}

/* Who only listens is answered, as long as it is worth it; what is not whole is not waited for. */
static void test_half_closed(void **state)
{
    (void)state;
    struct world w;
    begin_with(&w, 60000, 60000, 60000);
    w.keep = true;
    int fd =
        connect_half(&w, "GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\nGET");
    for (size_t i = 0; i < 2; i++) {
        while (w.kept_count == i)
            io_loop_turn(w.loop, true);
        turn_some(&w);
        w.large = i ? 4 << 20 : 0; /* more than the system takes at once */
        echo(&w, w.kept[i]);
    }
    read_half(&w, fd);
    assert_non_null(strstr(buf_text(&w.got), "GET /1"));
    assert_non_null(strstr(buf_text(&w.got), "GET /2"));
    assert_true(w.got.len > 4 << 20);
    read_half(&w, connect_half(&w, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nfour"));
    assert_int_equal(w.got.len, 0);
    read_half(&w, connect_half(&w, "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nfour"));
    assert_non_null(strstr(buf_text(&w.got), "405"));
    assert_int_equal(w.gone, 0);
    /* It says so while the last answer is on its way. */
    w.keep = false;
    fd = connect_raw(&w, "GET /3 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    while (w.requests < 3)
        io_loop_turn(w.loop, true);
    turn_some(&w);
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    turn_some(&w);
    read_half(&w, fd);
    assert_true(w.got.len > 4 << 20);
    end(&w);
    /* After a while nobody is held to be there. */
    begin_with(&w, 60000, 60000, 20);
    w.keep = true;
    fd = connect_half(&w, "GET /1 HTTP/1.1\r\nHost: x\r\n\r\n");
    read_half(&w, fd);
    assert_int_equal(w.got.len, 0);
    assert_int_equal(w.gone, 1);
    echo(&w, w.kept[0]);
    end(&w);
}

static void test_slow_clients(void **state)
{
    (void)state;
    struct world w;
    begin(&w, 20);
    await_close(&w); /* idle */
    connect_client(&w);
    say(&w, "GET / HTTP/1.1\r\nHo");
    await_close(&w); /* half a request */
    assert_int_equal(w.requests, 0);
    end(&w);
}

/* TLS at a port without it: its first record is answered at once, and not waited for. */
static void test_another_language(void **state)
{
    (void)state;
    struct world w;
    begin(&w, 60000);
    say(&w, "\x16\x03\x01");
    await_close(&w);
    assert_int_equal(w.requests, 0);
    assert_non_null(strstr(buf_text(&w.got), "HTTP/1.1 400 "));
    end(&w);
}

/* One that asks on and on without reading is served no further than memory for some answers goes. */
static void test_greedy_client(void **state)
{
    (void)state;
    struct world w;
    begin(&w, 60000);
    w.large = 1 << 20;
    struct buf many = BUF_INIT;
    for (int i = 0; i < 200; i++)
        buf_append_text(&many, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    io_stream_pause(w.client);
    assert_int_equal(io_stream_write_buf(w.client, &many), 0);
    while (w.requests == 0)
        io_loop_turn(w.loop, true);
    for (int i = 0; i < 200; i++)
        io_loop_turn(w.loop, false);
    assert_true(w.requests < 20);
    io_stream_resume(w.client);
    while (w.requests < 200)
        io_loop_turn(w.loop, true);
    buf_release(&many);
    end(&w);
}

static void test_connection_limit(void **state)
{
    (void)state;
    struct world w;
    struct io_stream *first;
    begin(&w, 60000);
    while (io_http_connections(w.server) < 1)
        io_loop_turn(w.loop, true);
    first = w.client;
    connect_client(&w);
    struct io_stream *second = w.client;
    while (io_http_connections(w.server) < 2)
        io_loop_turn(w.loop, true);
    connect_client(&w);
    await_close(&w);
    assert_int_equal(io_http_connections(w.server), 2);
    io_stream_close(first);
    io_stream_close(second);
    end(&w);
}

/* While others have a limit's last descriptors to themselves, strangers are let go. */
static void test_last_descriptors(void **state)
{
    (void)state;
    enum { FEW = 100 };
    struct world w;
    struct rlimit before, few;
    begin(&w, 60000);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = before;
    few.rlim_cur = FEW;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    int taken[FEW], count = 0;
    while ((taken[count] = dup(0)) < FEW / 2)
        count++;
    read_half(&w, connect_raw(&w, "")); /* it is closed */
    for (; count >= 0; count--)
        close(taken[count]);
    read_half(&w, connect_raw(&w, "GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
    assert_non_null(strstr(buf_text(&w.got), "GET /a"));
    io_descriptors_raise();
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &few), 0);
    assert_true(few.rlim_cur == few.rlim_max || few.rlim_cur == 1 << 20);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    end(&w);
}

/* --- What all together may have --- */

static void say_many(struct world *w, size_t len)
{
    struct buf text = BUF_INIT;
    memset(buf_extend(&text, len), 'x', len);
    assert_int_equal(io_stream_write_buf(w->client, &text), 0);
    buf_release(&text);
}

static void say_body(struct world *w, const char *path, size_t len)
{
    struct buf head = BUF_INIT;
    buf_append_format(&head, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n", path,
                      len);
    say(w, buf_text(&head));
    buf_release(&head);
    say_many(w, len);
}

static void begin_crowd(struct world *w)
{
    struct io_http_options options = options_of(w, 60000);
    options.body_max = 1 << 20;
    options.held_max = 1 << 20;
    begin_by(w, &options);
}

/* What has come counts, from its first memory to its answer; what is only said to come does not. */
static void test_held(void **state)
{
    (void)state;
    struct world w;
    begin_crowd(&w);
    w.keep = w.take = true;
    say(&w, "POST /large HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n");
    turn_some(&w);
    assert_int_equal(io_held(), 0);
    say_many(&w, 300000);
    while (io_held() < 300000)
        io_loop_turn(w.loop, true);
    turn_some(&w);
    assert_in_range(io_held(), 300000, 600000);
    say_many(&w, 700000);
    while (!w.kept_count)
        io_loop_turn(w.loop, true);
    assert_in_range(io_held(), 1000000, 2000000);
    echo(&w, w.kept[0]);
    assert_int_equal(io_held(), 0);
    await(&w, "POST /large xxx", 1);
    say_body(&w, "/small", 3);
    while (w.kept_count < 2)
        io_loop_turn(w.loop, true);
    assert_int_equal(io_held(), 0);
    echo(&w, w.kept[1]);
    await(&w, "POST /small xxx", 1);
    /* The client goes in the middle. */
    say_body(&w, "/large", 500000);
    say(&w, "POST /large HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n");
    say_many(&w, 300000);
    while (w.kept_count < 3)
        io_loop_turn(w.loop, true);
    turn_some(&w);
    assert_true(io_held() > 500000);
    end(&w);
    assert_true(io_held() > 500000);
    io_http_answer(w.kept[2], 200, NULL, 0, NULL);
    assert_int_equal(io_held(), 0);
}

/* Who has his share and wants more is told to come again, and others are served. */
static void test_crowd(void **state)
{
    (void)state;
    static const char *const heads[] = {"Content-Length: 1000000\r\n\r\n",
                                        "Transfer-Encoding: chunked\r\n\r\nf4240\r\n"};
    struct world w;
    size_t others = 0;
    begin_crowd(&w);
    for (size_t i = 0; i < BASE_COUNT(heads); i++) {
        io_held_set(&others, (1 << 20) - (256 << 10));
        say_body(&w, "/all", 200000); /* with it all have what they may */
        await(&w, "POST /all ", 1);
        io_held_set(&others, 1 << 20);
        say_body(&w, "/share", 50000);
        await(&w, "POST /share ", 1);
        assert_null(strstr(buf_text(&w.got), "503 "));
        say(&w, "POST /more HTTP/1.1\r\nHost: x\r\n");
        say(&w, heads[i]);
        say_many(&w, 200000);
        await_close(&w);
        assert_non_null(strstr(buf_text(&w.got), "503 Service Unavailable\r\n"));
        assert_non_null(
            strstr(buf_text(&w.got), "Connection: close\r\n\r\ntoo many large requests"));
        assert_int_equal(io_held(), others);
        io_held_set(&others, 0);
        connect_client(&w);
    }
    /* What is sent behind a request waits. */
    w.keep = true;
    io_held_set(&others, 2 << 20);
    say(&w, "GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n");
    while (!w.kept_count)
        io_loop_turn(w.loop, true);
    say_body(&w, "/3", 60000);
    turn_some(&w);
    for (size_t i = 0; i < 3; i++) {
        while (w.kept_count == i)
            io_loop_turn(w.loop, true);
        assert_int_equal(io_held(), others);
        echo(&w, w.kept[i]);
    }
    await(&w, "POST /3 xxx", 1);
    io_held_set(&others, 0);
    end(&w);
}

static void raise_flag(void *context)
{
    *(volatile bool *)context = true;
}

/* A connection that only waits wakes nobody: one look at the deadline of the request before, none for its own, which is far. */
static void test_no_wakes(void **state)
{
    (void)state;
    struct world w;
    volatile bool over = false;
    unsigned turns = 0;
    struct io_timer timer;
    begin_with(&w, 20, 60000, 0);
    say(&w, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    await(&w, "GET /a ", 1);
    io_timer_init(&timer, w.loop, raise_flag, (void *)(uintptr_t)&over);
    io_timer_start(&timer, 200);
    for (; !over; turns++)
        io_loop_turn(w.loop, true);
    assert_true(turns <= 5);
    assert_false(w.closed);
    end(&w);
}

/* A request on a connection that is kept is read into the memory of the one before: what is allocated is this handler's answer. */
static void test_kept_memory(void **state)
{
    enum { MANY = 1 << 20, EXCHANGES = 10, OWN = 1 };
    (void)state;
    struct world w;
    begin(&w, 60000);
    for (size_t i = 0; i < EXCHANGES + 2; i++) {
        if (i == 2) /* the first ones make room */
            mem_fail_at(MANY, 1);
        buf_clear(&w.got);
        say(&w, "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc");
        await(&w, "POST /a abc", 1);
    }
    size_t made = MANY - mem_fail_left();
    mem_fail_at(0, 0);
    assert_true(made <= OWN * EXCHANGES);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_head_too_large),
        cmocka_unit_test(test_continue),
        cmocka_unit_test(test_later),
        cmocka_unit_test(test_half_closed),
        cmocka_unit_test(test_slow_clients),
        cmocka_unit_test(test_another_language),
        cmocka_unit_test(test_greedy_client),
        cmocka_unit_test(test_connection_limit),
        cmocka_unit_test(test_last_descriptors),
        cmocka_unit_test(test_held),
        cmocka_unit_test(test_crowd),
        cmocka_unit_test(test_no_wakes),
        cmocka_unit_test(test_kept_memory),
    };
    return cmocka_run_group_tests_name("http", tests, NULL, NULL);
}
