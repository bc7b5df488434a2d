/* Loop, timers, streams, datagrams, workers, signals: over real sockets on loopback. */
#include "base/mem.h"
#include "io/descriptor.h"
#include "io/signal.h"
#include "io/stream.h"
#include "io/timer.h"
#include "io/udp.h"
#include "io/worker.h"

#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include <pthread.h>
#include <signal.h>

static struct io_loop *new_loop(void)
{
    struct io_loop *loop;
    assert_int_equal(io_loop_new(&loop), 0);
    return loop;
}

/* ---- timers ---- */

struct mark {
    struct io_timer timer;
    struct buf *log;
    char name;
    bool again;
};

static void fire(void *context)
{
    struct mark *mark = context;
    buf_append_byte(mark->log, (uint8_t)mark->name);
    if (mark->again) {
        mark->again = false;
        io_timer_start(&mark->timer, 0);
    }
}

static void test_timers(void **state)
{
    (void)state;
    struct io_loop *loop = new_loop();
    struct buf log = BUF_INIT;
    struct mark marks[40];
    for (size_t i = 0; i < 40; i++) {
        marks[i] = (struct mark){.log = &log, .name = (char)('A' + i)};
        io_timer_init(&marks[i].timer, loop, fire, &marks[i]);
        assert_false(io_timer_started(&marks[i].timer));
    }
    /* Two of the same time in the order of starting; one that is started as it fires comes behind them. */
    io_timer_start(&marks[1].timer, 0);
    marks[1].again = true;
    io_timer_start(&marks[2].timer, 0);
    while (log.len < 3)
        io_loop_turn(loop, true);
    assert_string_equal(buf_text(&log), "BCB");
    /* Later ones first; a stopped one never. */
    for (size_t i = 40; i-- > 0;)
        io_timer_start(&marks[i].timer, 10 + 2 * i);
    for (size_t i = 0; i < 40; i++)
        if (i != 0 && i != 3)
            io_timer_stop(&marks[i].timer);
    while (log.len < 5)
        io_loop_turn(loop, true);
    assert_string_equal(buf_text(&log), "BCBAD");
    io_timer_stop(&marks[0].timer);
    buf_release(&log);
    io_loop_free(loop);
}

static void test_timer_heap(void **state)
{
    (void)state;
    struct io_loop *loop = new_loop();
    struct buf log = BUF_INIT;
    enum { COUNT = 500 };
    static struct mark marks[COUNT];
    uint64_t seed = 7;
    for (size_t i = 0; i < COUNT; i++) {
        marks[i] = (struct mark){.log = &log, .name = 'x'};
        io_timer_init(&marks[i].timer, loop, fire, &marks[i]);
    }
    /* Started, moved and stopped at random; as many fire as are left. */
    for (size_t i = 0; i < 20 * COUNT; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        struct mark *mark = &marks[(seed >> 33) % COUNT];
        if ((seed >> 20) % 3)
            io_timer_start(&mark->timer, (seed >> 40) % 5);
        else
            io_timer_stop(&mark->timer);
    }
    size_t started = 0;
    for (size_t i = 0; i < COUNT; i++)
        started += io_timer_started(&marks[i].timer);
    while (log.len < started)
        io_loop_turn(loop, true);
    for (size_t i = 0; i < COUNT; i++)
        assert_false(io_timer_started(&marks[i].timer));
    assert_int_equal(log.len, started);
    buf_release(&log);
    io_loop_free(loop);
}

/* ---- posts and workers ---- */

struct work {
    struct io_loop *loop;
    struct io_worker *worker;
    pthread_t loop_thread;
    int worked, done;
};

static void do_work(void *context)
{
    struct work *work = context;
    assert_false(pthread_equal(pthread_self(), work->loop_thread));
    work->worked++;
}

static void work_done(void *context)
{
    struct work *work = context;
    assert_true(pthread_equal(pthread_self(), work->loop_thread));
    work->done++;
    if (work->done == 1)
        assert_int_equal(io_worker_run(work->worker, do_work, work_done, work), 0);
    if (work->done == 4)
        io_loop_stop(work->loop);
}

static void test_worker(void **state)
{
    (void)state;
    struct work work = {.loop = new_loop(), .loop_thread = pthread_self()};
    assert_int_equal(io_worker_new(&work.worker, work.loop), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(io_worker_run(work.worker, do_work, work_done, &work), 0);
    io_loop_run(work.loop);
    assert_int_equal(work.worked, 4);
    assert_int_equal(io_worker_pending(work.worker), 0);

    /* Freeing waits for the jobs, and calls what is due, without the loop. */
    work.done = 0;
    for (int i = 0; i < 3; i++)
        assert_int_equal(io_worker_run(work.worker, do_work, work_done, &work), 0);
    io_worker_free(work.worker);
    assert_int_equal(work.worked, 8);
    assert_int_equal(work.done, 4);
    io_loop_free(work.loop);
}

static void stop_loop(void *context)
{
    io_loop_stop(context);
}

static void *post_stop(void *context)
{
    assert_int_equal(io_loop_post(context, stop_loop, context), 0);
    return NULL;
}

static void test_post(void **state)
{
    (void)state;
    struct io_loop *loop = new_loop();
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, post_stop, loop), 0);
    io_loop_run(loop);
    pthread_join(thread, NULL);
    assert_true(io_loop_wall_ms(loop) > 1600000000000u);
    io_loop_free(loop);
}

/* ---- streams ---- */

struct end {
    struct io_loop *loop;
    struct io_stream *stream;
    struct buf in;
    bool connected, closed, own_room, drained;
    int status;
    char message[128];
    uint8_t room[1000];
};

static void on_connected(void *context, struct io_stream *stream)
{
    struct end *end = context;
    assert_ptr_equal(stream, end->stream);
    end->connected = true;
}

static uint8_t *on_room(void *context, struct io_stream *stream, size_t *ret_len)
{
    (void)stream;
    struct end *end = context;
    *ret_len = sizeof(end->room);
    return end->room;
}

static void on_read(void *context, struct io_stream *stream, struct bytes data)
{
    (void)stream;
    struct end *end = context;
    if (end->own_room)
        assert_ptr_equal(data.data, end->room);
    buf_append_bytes(&end->in, data);
}

static void on_drained(void *context, struct io_stream *stream)
{
    assert_int_equal(io_stream_queued(stream), 0);
    ((struct end *)context)->drained = true;
}

static void on_closed(void *context, struct io_stream *stream, int status, const char *message)
{
    (void)stream;
    struct end *end = context;
    end->closed = true;
    end->status = status;
    end->stream = NULL;
    snprintf(end->message, sizeof(end->message), "%s", message);
}

static const struct io_stream_ops plain_ops = {
    .connected = on_connected, .read = on_read, .drained = on_drained, .closed = on_closed};
static const struct io_stream_ops room_ops = {.connected = on_connected,
                                              .room = on_room,
                                              .read = on_read,
                                              .drained = on_drained,
                                              .closed = on_closed};

static void accept_into(void *context, struct io_stream *stream)
{
    struct end *end = context;
    if (end->stream)
        return; /* one is enough: closed by the listener */
    end->stream = stream;
    io_stream_accept(stream, end->own_room ? &room_ops : &plain_ops, end);
}

struct pair {
    struct io_loop *loop;
    struct io_listener *listener;
    struct end a, b; /* a connected to b */
};

static void pair_open(struct pair *p, const char *host, const char *connect_host)
{
    struct err_detail detail;
    *p = (struct pair){.loop = new_loop()};
    p->b.own_room = true;
    assert_int_equal(io_listen_tcp(&p->listener, p->loop, host, 0, accept_into, &p->b, &detail), 0);
    uint16_t port = io_listener_address(p->listener)->port;
    assert_int_not_equal(port, 0);
    assert_int_equal(
        io_connect_tcp(&p->a.stream, p->loop, connect_host, port, 60000, &plain_ops, &p->a), 0);
    assert_false(p->a.connected);
    while (!p->a.connected || !p->b.stream)
        io_loop_turn(p->loop, true);
}

static void pair_close(struct pair *p)
{
    io_stream_close(p->a.stream);
    io_stream_close(p->b.stream);
    io_listener_close(p->listener);
    io_loop_free(p->loop);
    buf_release(&p->a.in);
    buf_release(&p->b.in);
}

static void test_stream(void **state)
{
    (void)state;
    struct pair p;
    pair_open(&p, "127.0.0.1", "localhost");
    char text[IO_ADDRESS_TEXT];
    assert_true(io_address_equal(io_stream_peer(p.a.stream), io_listener_address(p.listener)));
    assert_true(io_address_equal(io_stream_peer(p.b.stream), io_stream_local(p.a.stream)));
    io_address_format_ip(text, io_stream_peer(p.b.stream));
    assert_string_equal(text, "127.0.0.1");

    assert_int_equal(io_stream_write(p.a.stream, bytes_str("one ")), 0);
    memcpy(io_stream_write_room(p.a.stream, 4), "two ", 4);
    struct buf three = BUF_INIT;
    buf_append_text(&three, "three");
    assert_int_equal(io_stream_write_buf(p.a.stream, &three), 0);
    assert_int_equal(three.len, 0);
    assert_int_equal(io_stream_queued(p.a.stream), 13);
    while (p.b.in.len < 13)
        io_loop_turn(p.loop, true);
    assert_string_equal(buf_text(&p.b.in), "one two three");
    assert_true(p.a.drained);
    buf_release(&three);

    /* A finished stream sends what is queued; the other side reads it all, then the end. */
    buf_clear(&p.b.in);
    for (int i = 0; i < 100000; i++)
        io_stream_write(p.a.stream, bytes_str("0123456789"));
    io_stream_finish(p.a.stream, 600000);
    p.a.stream = NULL;
    while (!p.b.closed)
        io_loop_turn(p.loop, true);
    assert_int_equal(p.b.in.len, 1000000);
    assert_int_equal(p.b.status, 0);
    assert_false(p.a.closed);
    pair_close(&p);
}

/* What waits to be read counts, also what is written behind it. */
static void test_waiting(void **state)
{
    (void)state;
    enum { FIRST = 64 << 20, SECOND = 1 << 20 };
    struct pair p;
    struct buf text = BUF_INIT;
    pair_open(&p, "127.0.0.1", "127.0.0.1");
    io_stream_pause(p.b.stream);
    assert_non_null(buf_extend(&text, FIRST));
    assert_int_equal(io_stream_write_buf(p.a.stream, &text), 0);
    for (int i = 0; i < 10; i++)
        io_loop_turn(p.loop, false);
    size_t before = io_streams_waiting();
    assert_in_range(before, FIRST / 2, FIRST);
    assert_non_null(buf_extend(&text, SECOND));
    assert_int_equal(io_stream_write(p.a.stream, buf_bytes(&text)), 0);
    assert_int_equal(io_streams_waiting(), before + SECOND);
    io_stream_close(p.a.stream);
    p.a.stream = NULL;
    io_loop_turn(p.loop, false);
    assert_int_equal(io_streams_waiting(), 0);
    buf_release(&text);
    pair_close(&p);
}

static void finish_at_once(void *context, struct io_stream *stream)
{
    ++*(size_t *)context;
    io_stream_finish(stream, 600000);
}

static bool is_reset(int fd)
{
    struct pollfd poll_fd = {.fd = fd};
    return poll(&poll_fd, 1, 0) == 1 && (poll_fd.revents & POLLERR);
}

/* Streams that are finished, and not read to their end, are nobody's: of thousands the oldest go. */
static void test_many_finished(void **state)
{
    (void)state;
    enum { MANY = 1100, MOST = 1024 };
    struct io_loop *loop = new_loop();
    struct io_listener *listener;
    struct err_detail detail;
    int fds[MANY], gone = 0;
    size_t count = 0;
    io_descriptors_raise();
    assert_int_equal(
        io_listen_tcp(&listener, loop, "127.0.0.1", 0, finish_at_once, &count, &detail), 0);
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(io_listener_address(listener)->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    for (size_t i = 0; i < MANY; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM, 0);
        assert_int_equal(connect(fds[i], (const struct sockaddr *)&to, sizeof(to)), 0);
    }
    while (count < MANY)
        io_loop_turn(loop, true);
    for (int i = 0; i < 10; i++)
        io_loop_turn(loop, false);
    /* Whoever has been let go is answered by a reset, as soon as the system comes to it. */
    for (size_t i = 0; i < MANY; i++)
        (void)send(fds[i], "x", 1, MSG_NOSIGNAL);
    for (int look = 0; look < 100 && gone < MANY - MOST; look++) {
        gone = 0;
        for (size_t i = 0; i < MANY; i++)
            gone += is_reset(fds[i]);
        usleep(look * 1000);
    }
    assert_int_equal(gone, MANY - MOST);
    for (size_t i = 0; i < MANY; i++)
        close(fds[i]);
    io_listener_close(listener);
    io_loop_free(loop);
}

static void test_stream_back_pressure(void **state)
{
    (void)state;
    struct pair p;
    pair_open(&p, "", "::1");
    io_stream_pause(p.b.stream);
    enum { TOTAL = 32 << 20 };
    struct buf big = BUF_INIT;
    memset(buf_extend(&big, TOTAL), 7, TOTAL);
    assert_int_equal(io_stream_write_buf(p.a.stream, &big), 0);
    for (int i = 0; i < 50; i++)
        io_loop_turn(p.loop, false);
    assert_true(io_stream_queued(p.a.stream) > 0);
    assert_int_equal(p.b.in.len, 0);
    io_stream_write(p.a.stream, bytes_str("end"));
    io_stream_resume(p.b.stream);
    while (p.b.in.len < TOTAL + 3)
        io_loop_turn(p.loop, true);
    assert_memory_equal(p.b.in.data + TOTAL, "end", 3);
    while (!p.a.drained)
        io_loop_turn(p.loop, true);
    buf_release(&big);

    io_stream_close(p.b.stream);
    io_stream_close(p.b.stream);
    p.b.stream = NULL;
    while (!p.a.closed)
        io_loop_turn(p.loop, true);
    pair_close(&p);
}

/* Pieces of all sizes, copied and taken over, while the other side reads now and then: they come whole and in order. */
static void test_stream_pieces(void **state)
{
    (void)state;
    struct pair p;
    struct buf sent = BUF_INIT, piece = BUF_INIT;
    uint32_t random = 1;
    pair_open(&p, "127.0.0.1", "127.0.0.1");
    for (int i = 0; i < 400; i++) {
        random = random * 1664525 + 1013904223;
        size_t len = random >> 28 ? random >> 18 : random >> 9; /* to 16 KiB, now and then 512 */
        buf_clear(&piece);
        memset(buf_extend(&piece, len + 1), i, len + 1);
        buf_append_bytes(&sent, buf_bytes(&piece));
        if (random & 1)
            assert_int_equal(io_stream_write(p.a.stream, buf_bytes(&piece)), 0);
        else
            assert_int_equal(io_stream_write_buf(p.a.stream, &piece), 0);
        if (i % 50 == 0)
            io_stream_pause(p.b.stream);
        else if (i % 50 == 40)
            io_stream_resume(p.b.stream);
        if (i % 3 == 0)
            io_loop_turn(p.loop, false);
        assert_true(io_stream_queued(p.a.stream) + p.b.in.len <= sent.len);
    }
    io_stream_resume(p.b.stream);
    while (p.b.in.len < sent.len)
        io_loop_turn(p.loop, true);
    assert_memory_equal(p.b.in.data, sent.data, sent.len);
    buf_release(&sent);
    buf_release(&piece);
    pair_close(&p);
}

/* An owner that has no room for more, or closes when it is asked for it. */
static uint8_t *no_room(void *context, struct io_stream *stream, size_t *ret_len)
{
    struct end *end = context;
    (void)ret_len;
    end->drained = true;
    if (end->connected) {
        io_stream_close(stream);
        end->stream = NULL;
    }
    return NULL;
}

static void test_stream_no_room(void **state)
{
    (void)state;
    static const struct io_stream_ops ops = {.room = no_room, .read = on_read, .closed = on_closed};
    for (int closing = 0; closing < 2; closing++) {
        struct pair p;
        pair_open(&p, "127.0.0.1", "127.0.0.1");
        p.b.connected = closing;
        p.b.own_room = false;
        io_stream_accept(p.b.stream, &ops, &p.b);
        io_stream_write(p.a.stream, bytes_str("much"));
        while (!p.b.drained || (closing && !p.a.closed))
            io_loop_turn(p.loop, true);
        assert_int_equal(p.b.in.len, 0);
        if (!closing) { /* paused: goes on when there is room */
            io_stream_accept(p.b.stream, &plain_ops, &p.b);
            io_stream_resume(p.b.stream);
            while (p.b.in.len < 4)
                io_loop_turn(p.loop, true);
        }
        pair_close(&p);
    }
}

static void test_stream_memory(void **state)
{
    (void)state;
    struct pair p;
    pair_open(&p, "127.0.0.1", "127.0.0.1");
    mem_fail_at(1, 1);
    assert_int_equal(io_stream_write(p.a.stream, bytes_str("lost")), ERR_NOMEM);
    mem_fail_at(0, 0);
    assert_false(p.a.closed);
    while (!p.a.closed)
        io_loop_turn(p.loop, true);
    assert_int_equal(p.a.status, ERR_NOMEM);
    pair_close(&p);
}

static void test_connect_fails(void **state)
{
    (void)state;
    struct io_loop *loop = new_loop();
    struct io_listener *listener;
    struct err_detail detail;
    struct end end = {0};
    assert_int_equal(io_listen_tcp(&listener, loop, "127.0.0.1", 0, accept_into, &end, &detail), 0);
    uint16_t port = io_listener_address(listener)->port;

    struct io_listener *second;
    assert_int_equal(io_listen_tcp(&second, loop, "127.0.0.1", port, accept_into, &end, &detail),
                     ERR_IO);
    assert_non_null(strstr(detail.text, "address already in use"));
    assert_int_equal(io_listen_tcp(&second, loop, "localhost", 0, accept_into, &end, &detail),
                     ERR_INPUT);

    io_listener_close(listener);
    io_loop_turn(loop, false);
    assert_int_equal(io_connect_tcp(&end.stream, loop, "127.0.0.1", port, 0, &plain_ops, &end), 0);
    while (!end.closed)
        io_loop_turn(loop, true);
    assert_int_equal(end.status, ERR_IO);
    assert_string_equal(end.message, "connection refused");

    /* .invalid never resolves (RFC 2606). */
    end = (struct end){0};
    assert_int_equal(
        io_connect_tcp(&end.stream, loop, "no.such.host.invalid", 1, 0, &plain_ops, &end), 0);
    while (!end.closed)
        io_loop_turn(loop, true);
    assert_true(end.status == ERR_NOTFOUND || end.status == ERR_IO);
    assert_non_null(strstr(end.message, "lookup no.such.host.invalid: "));

    assert_int_equal(io_connect_tcp(&end.stream, loop, "", 1, 0, &plain_ops, &end), ERR_INPUT);
    /* Closed while the name is looked up: nothing is heard of it. */
    end = (struct end){0};
    assert_int_equal(io_connect_tcp(&end.stream, loop, "localhost", 1, 0, &plain_ops, &end), 0);
    io_stream_close(end.stream);
    io_loop_free(loop);
    assert_false(end.closed);
}

/* Without a descriptor for a connection the loop serves what it has, and takes the connection when there is one again. */
static void test_no_descriptors(void **state)
{
    (void)state;
    struct io_loop *loop = new_loop();
    struct io_listener *listener;
    struct err_detail detail;
    struct end a = {0}, b = {0};
    struct rlimit before, none;
    assert_int_equal(io_listen_tcp(&listener, loop, "127.0.0.1", 0, accept_into, &b, &detail), 0);
    uint16_t port = io_listener_address(listener)->port;
    assert_int_equal(io_connect_tcp(&a.stream, loop, "127.0.0.1", port, 0, &plain_ops, &a), 0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 3; /* not even libuv's own reserve helps */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    alarm(60); /* libuv's own way of taking connections never came back from here */
    while (!a.connected)
        io_loop_turn(loop, true);
    for (int turn = 0; turn < 5; turn++)
        io_loop_turn(loop, false);
    assert_null(b.stream);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    while (!b.stream)
        io_loop_turn(loop, true);
    alarm(0);
    io_stream_close(a.stream);
    io_stream_close(b.stream);
    io_listener_close(listener);
    io_loop_free(loop);
}

static void test_unix(void **state)
{
    (void)state;
    struct io_loop *loop = new_loop();
    struct err_detail detail;
    struct end a = {0}, b = {0};
    char folder[] = "/tmp/io-test-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/geth.ipc", folder);

    struct io_listener *listener, *second;
    assert_int_equal(io_listen_unix(&listener, loop, path, accept_into, &b, &detail), 0);
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(io_listen_unix(&second, loop, path, accept_into, &b, &detail), ERR_BUSY);
    while (!b.closed) /* the look whether somebody is there is a connection too */
        io_loop_turn(loop, true);
    b = (struct end){0};

    assert_int_equal(io_connect_unix(&a.stream, loop, path, &plain_ops, &a), 0);
    io_stream_write(a.stream, bytes_str("early"));
    while (b.in.len < 5)
        io_loop_turn(loop, true);
    assert_int_equal(io_stream_peer(b.stream)->ip_len, 0);
    io_stream_close(a.stream);
    while (!b.closed)
        io_loop_turn(loop, true);

    io_listener_close(listener);
    assert_int_not_equal(stat(path, &info), 0);

    /* A socket that a killed process left is replaced; a file is not. */
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
    close(fd);
    assert_int_equal(io_listen_unix(&listener, loop, path, accept_into, &b, &detail), 0);
    io_listener_close(listener);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);
    assert_int_equal(io_listen_unix(&listener, loop, path, accept_into, &b, &detail), ERR_EXISTS);
    unlink(path);
    char longest[200] = {0};
    memset(longest, 'x', sizeof(longest) - 1);
    assert_int_equal(io_listen_unix(&listener, loop, longest, accept_into, &b, &detail), ERR_INPUT);
    rmdir(folder);
    buf_release(&b.in);
    io_loop_free(loop);
}

/* ---- datagrams, names, signals ---- */

static void on_datagram(void *context, const struct io_address *from, struct bytes data)
{
    struct end *end = context;
    assert_int_equal(from->ip_len, 4);
    buf_append_bytes(&end->in, data);
    io_loop_stop(end->loop);
}

static void test_udp(void **state)
{
    (void)state;
    struct end end = {.loop = new_loop()};
    struct err_detail detail;
    struct io_udp *a, *b;
    assert_int_equal(io_udp_open(&a, end.loop, "127.0.0.1", 0, on_datagram, &end, &detail), 0);
    assert_int_equal(io_udp_open(&b, end.loop, "", 0, on_datagram, &end, &detail), 0);
    io_udp_send(a, &(struct io_address){{127, 0, 0, 1}, 4, io_udp_address(b)->port},
                bytes_str("there"));
    io_loop_run(end.loop);
    io_udp_send(b, io_udp_address(a), bytes_str(" and back"));
    io_loop_run(end.loop);
    assert_string_equal(buf_text(&end.in), "there and back");
    struct io_udp *c;
    assert_int_equal(
        io_udp_open(&c, end.loop, "127.0.0.1", io_udp_address(a)->port, on_datagram, &end, &detail),
        ERR_IO);
    io_udp_close(a);
    io_udp_close(b);
    buf_release(&end.in);
    io_loop_free(end.loop);
}

static void test_address(void **state)
{
    (void)state;
    static const struct {
        const char *text, *printed;
        bool lan, loopback, unspecified;
    } rows[] = {
        {"127.0.0.1", "127.0.0.1:80", true, true, false},
        {"10.1.2.3", "10.1.2.3:80", true, false, false},
        {"172.31.0.1", "172.31.0.1:80", true, false, false},
        {"172.32.0.1", "172.32.0.1:80", false, false, false},
        {"192.168.3.4", "192.168.3.4:80", true, false, false},
        {"8.8.8.8", "8.8.8.8:80", false, false, false},
        {"0.0.0.0", "0.0.0.0:80", true, false, true},
        {"::", "[::]:80", false, false, true},
        {"::1", "[::1]:80", true, true, false},
        {"fe80::1", "[fe80::1]:80", true, false, false},
        {"fd00::1", "[fd00::1]:80", true, false, false},
        {"2001:db8::1", "[2001:db8::1]:80", false, false, false},
        {"::ffff:1.2.3.4", "1.2.3.4:80", false, false, false},
    };
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        struct io_address address;
        char text[IO_ADDRESS_TEXT];
        assert_true(io_address_parse_ip(&address, rows[i].text));
        address.port = 80;
        io_address_format(text, &address);
        assert_string_equal(text, rows[i].printed);
        assert_int_equal(io_address_is_lan(&address), rows[i].lan);
        assert_int_equal(io_address_is_loopback(&address), rows[i].loopback);
        assert_int_equal(io_address_is_unspecified(&address), rows[i].unspecified);
    }
    struct io_address address;
    struct err_detail detail;
    assert_false(io_address_parse_ip(&address, "1.2.3"));
    assert_false(io_address_parse_ip(&address, ""));
    assert_int_equal(io_resolve_now(&address, "localhost", &detail), 0);
    assert_true(io_address_is_loopback(&address));
    /* Also where no file and no server knows them. */
    static const char *const here[] = {"LocalHost", "localhost.", "some.name.localhost"};
    for (size_t i = 0; i < BASE_COUNT(here); i++) {
        assert_int_equal(io_resolve_now(&address, here[i], &detail), 0);
        assert_true(io_address_is_loopback(&address));
    }
    assert_true(io_resolve_now(&address, "no.such.host.invalid", &detail) < 0);
}

static void test_signal(void **state)
{
    (void)state;
    struct io_loop *loop = new_loop();
    struct io_signal *sig;
    assert_int_equal(io_signal_new(&sig, loop, SIGUSR1, stop_loop, loop), 0);
    raise(SIGUSR1);
    io_loop_run(loop);
    io_signal_free(sig);
    io_loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timers),         cmocka_unit_test(test_timer_heap),
        cmocka_unit_test(test_worker),         cmocka_unit_test(test_post),
        cmocka_unit_test(test_stream),         cmocka_unit_test(test_waiting),
        cmocka_unit_test(test_many_finished),  cmocka_unit_test(test_stream_back_pressure),
        cmocka_unit_test(test_stream_pieces),  cmocka_unit_test(test_stream_memory),
        cmocka_unit_test(test_stream_no_room), cmocka_unit_test(test_connect_fails),
        cmocka_unit_test(test_unix),           cmocka_unit_test(test_udp),
        cmocka_unit_test(test_address),        cmocka_unit_test(test_signal),
        cmocka_unit_test(test_no_descriptors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
