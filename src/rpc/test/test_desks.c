/* Clients that threads of their own answer: what these have not, the loop's desk gives, on the same connections; who subscribes goes there. */
#include "io/held.h"
#include "io/test/client.h"
#include "io/websocket_frame.h"
#include "io/worker.h"
#include "rpc/backend/servers.h"
#include "rpc/dispatch/priv.h"
#include "rpc/events/events.h"
#include "rpc/test/world.h"
#include "rpc/transport/http.h"
#include "rpc/transport/ipc.h"
#include "rpc/transport/session.h"

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static void connect_client(struct client *c, struct world *w, const struct rpc_http *http)
{
    client_tcp(c, w->backend.loop, rpc_http_address(http)->port);
}

static void post(struct client *c, const char *body)
{
    struct buf b = BUF_INIT;
    buf_append_format(&b,
                      "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                      "Content-Length: %zu\r\n\r\n%s",
                      strlen(body), body);
    assert_int_equal(io_stream_write(c->stream, buf_bytes(&b)), 0);
    buf_release(&b);
}

static struct rpc_http_options options(const char *vhosts)
{
    return (struct rpc_http_options){
        .host = "127.0.0.1", .vhosts = vhosts, .access = rpc_access_parse("net,web3,eth", NULL)};
}

static struct rpc_http *start(struct world *w)
{
    struct rpc_http *http;
    struct err_detail detail;
    struct rpc_http_options o = options("localhost");
    if (rpc_http_start(&http, w->rpc, &o, &detail))
        fail_msg("%s", detail.text);
    return http;
}

/* What the desk knows, what the loop does, and batches of both, whose answers stay in their order. */
static void test_both(void **state)
{
    (void)state;
    struct world w;
    struct client c;
    world_begin(&w, "qbft");
    struct rpc_http *http = start(&w);
    connect_client(&c, &w, http);
    for (int round = 0; round < 3; round++) {
        post(&c, "{\"id\":1,\"method\":\"net_version\"}");
        client_await(&c, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"1337\"}\n");
        post(&c, "{\"id\":2,\"method\":\"eth_syncing\"}");
        client_await(&c, "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":false}\n");
        post(&c, "[{\"id\":3,\"method\":\"net_version\"},{\"id\":4,\"method\":\"eth_syncing\"},"
                 "{\"method\":\"eth_syncing\"},{\"id\":5,\"method\":\"net_version\"},"
                 "{\"id\":6,\"method\":\"eth_nothing\"}]");
        client_await(&c,
                     "[{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":\"1337\"},"
                     "{\"jsonrpc\":\"2.0\",\"id\":4,\"result\":false},"
                     "{\"jsonrpc\":\"2.0\",\"id\":5,\"result\":\"1337\"},"
                     "{\"jsonrpc\":\"2.0\",\"id\":6,\"error\":{\"code\":-32601,\"message\":\"the "
                     "method eth_nothing does not exist/is not available\"}}]\n");
        /* The head's snapshot goes, and is opened again. */
        rpc_tell_head(w.rpc, 1, 0, 1);
        post(&c,
             "{\"id\":7,\"method\":\"eth_getBalance\",\"params\":[\"0x00000000000000000000000000"
             "00000000000042\",\"latest\"]}");
        client_await(&c, "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":\"0x0\"}\n");
        assert_true(atomic_load(&rpc_desk_at(w.rpc, 0)->head.is_open)); /* so that it is woken */
    }
    client_end(&c);
    rpc_http_stop(http);
    world_end(&w);
}

/* Who may ask is changed for connections that are open, too. */
static void test_rules(void **state)
{
    (void)state;
    struct world w;
    struct client c;
    struct err_detail detail;
    world_begin_empty(&w);
    struct rpc_http *http = start(&w);
    connect_client(&c, &w, http);
    post(&c, "{\"id\":1,\"method\":\"net_version\"}");
    client_await(&c, "1337");
    struct rpc_http_options o = options("elsewhere");
    assert_int_equal(rpc_http_enable(http, &o, &detail), 0);
    post(&c, "{\"id\":1,\"method\":\"net_version\"}");
    client_await(&c, "invalid host specified");
    o.prefix = "no slash";
    assert_int_equal(rpc_http_enable(http, &o, &detail), ERR_INPUT);
    o = options("*");
    assert_int_equal(rpc_http_enable(http, &o, &detail), 0);
    post(&c, "{\"id\":1,\"method\":\"net_version\"}");
    client_await(&c, "1337");
    client_end(&c);
    rpc_http_stop(http);
    world_end(&w);
}

static void put_frame(struct client *c, enum io_websocket_opcode opcode, const char *text)
{
    struct buf b = BUF_INIT;
    uint8_t header[IO_WEBSOCKET_HEADER_MAX];
    size_t len = io_websocket_header(header, opcode, strlen(text));
    header[1] |= 0x80;
    buf_append(&b, header, len);
    buf_append(&b, "\0\0\0\0", 4);
    buf_append_text(&b, text);
    assert_int_equal(io_stream_write(c->stream, buf_bytes(&b)), 0);
    buf_release(&b);
}

static void put_message(struct client *c, const char *text)
{
    put_frame(c, IO_WEBSOCKET_TEXT, text);
}

static void serve_websocket(struct rpc_http *http, const char *namespaces)
{
    const struct rpc_websocket_options o = {.origins = "",
                                            .access = rpc_access_parse(namespaces, NULL)};
    struct err_detail detail;
    assert_int_equal(rpc_http_set_websocket(http, &o, "/ws", &detail), 0);
}

static const char upgrade[] =
    "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/* A connection that has served HTTP becomes a WebSocket, and goes to the loop with its first subscription and all that is behind it; then there are
 * none any more. */
static void test_websocket(void **state)
{
    (void)state;
    struct world w;
    struct client c;
    struct err_detail detail;
    world_begin_empty(&w);
    struct rpc_http *http = start(&w);
    connect_client(&c, &w, http);
    post(&c, "{\"id\":1,\"method\":\"net_version\"}");
    client_await(&c, "1337");
    client_say(&c, upgrade);
    client_await(&c, "404 Not Found");
    serve_websocket(http, "net,eth");
    assert_true(rpc_http_serves_websocket(http));
    client_say(&c, upgrade);
    put_message(&c, "{\"id\":2,\"method\":\"net_version\"}"); /* not waiting for the answer */
    client_await(&c, "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":\"1337\"}");
    put_message(&c,
                "[{\"id\":3,\"method\":\"eth_syncing\"},{\"id\":4,\"method\":\"net_version\"}]");
    put_message(&c, "{\"id\":5,\"method\":\"eth_subscribe\",\"params\":[\"syncing\"]}");
    put_message(&c, "{\"id\":6,\"method\":\"net_version\"}");
    client_await(&c, "\"id\":6,\"result\":\"1337\"");
    rpc_tell_sync(w.rpc, true);
    client_await(&c, "\"method\":\"eth_subscription\"");
    put_message(&c, "{\"id\":7,\"method\":\"net_version\"}");
    client_await(&c, "\"id\":7,\"result\":\"1337\"");
    assert_int_equal(rpc_http_set_websocket(http, NULL, "", &detail), 0);
    client_await_close(&c);
    client_end(&c);
    rpc_http_stop(http);
    world_end(&w);
}

/* Bytes need not be text, on the way to the loop neither. */
static void test_bytes(void **state)
{
    (void)state;
    static const char message[] =
        "{\"id\":1,\"method\":\"eth_subscribe\",\"params\":[\"syncing\"],\"\xff\":0}";
    struct world w;
    struct client c;
    world_begin_empty(&w);
    struct rpc_http *http = start(&w);
    serve_websocket(http, "eth");
    connect_client(&c, &w, http);
    client_say(&c, upgrade);
    client_await(&c, "101 Switching");
    put_frame(&c, IO_WEBSOCKET_BINARY, message);
    client_await(&c, "\"id\":1,\"result\":\"0x");
    client_end(&c);
    rpc_http_stop(http);
    world_end(&w);
}

/* --- IPC --- */

struct socket {
    struct rpc_ipc *ipc;
    char folder[32], path[64];
};

static void open_socket_for(struct socket *s, struct world *w, uint64_t write_ms)
{
    struct err_detail detail;
    struct rpc_ipc_options o = {.path = s->path, .write_ms = write_ms};
    snprintf(s->folder, sizeof(s->folder), "/tmp/quorate-desks-XXXXXX");
    assert_non_null(mkdtemp(s->folder));
    snprintf(s->path, sizeof(s->path), "%s/geth.ipc", s->folder);
    if (rpc_ipc_start(&s->ipc, w->rpc, &o, &detail))
        fail_msg("%s", detail.text);
}

static void open_socket(struct socket *s, struct world *w)
{
    open_socket_for(s, w, 0);
}

static void close_socket(struct socket *s)
{
    rpc_ipc_stop(s->ipc);
    rmdir(s->folder);
}

static void connect_ipc(struct client *c, struct world *w, const struct socket *s)
{
    client_unix(c, w->backend.loop, s->path);
}

/* The same by IPC, where messages have no frames; one that begins with its subscription, and one whose name hides behind an escape. */
static void test_ipc(void **state)
{
    (void)state;
    static const char *const subscribes[] = {
        "{\"id\":1,\"method\":\"net_version\"}\n{\"id\":2,\"method\":\"eth_syncing\"}"
        "{\"id\":3,\"method\":\"eth_subscribe\",\"params\":[\"syncing\"]}{\"id\":4,\"method\":",
        "[{\"id\":3,\"method\":\"eth_subscribe\",\"params\":[\"syncing\"]}] {\"id\":4,\"method\":",
        "{\"id\":3,\"method\":\"eth_s\\u0075bscribe\",\"params\":[\"syncing\"]} "
        "{\"id\":4,\"method\":",
    };
    struct world w;
    struct socket s;
    struct client clients[BASE_COUNT(subscribes)];
    world_begin_empty(&w);
    open_socket(&s, &w);
    for (size_t i = 0; i < BASE_COUNT(subscribes); i++) {
        struct client *c = &clients[i];
        connect_ipc(c, &w, &s);
        client_say(c, subscribes[i]);
        client_await(c, "\"id\":3,\"result\":\"0x");
        client_say(c, "\"net_version\"}");
        client_await(c, "\"id\":4,\"result\":\"1337\"");
    }
    rpc_tell_sync(w.rpc, true);
    for (size_t i = 0; i < BASE_COUNT(subscribes); i++)
        client_await(&clients[i], "\"method\":\"eth_subscription\"");
    client_end(&clients[0]); /* the others are there at the end */
    close_socket(&s);
    for (size_t i = 1; i < BASE_COUNT(subscribes); i++) {
        client_await_close(&clients[i]);
        client_end(&clients[i]);
    }
    world_end(&w);
}

static int connect_raw(const struct socket *s)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    snprintf(at.sun_path, sizeof(at.sun_path), "%s", s->path);
    assert_int_equal(connect(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
    return fd;
}

/* A client that says at once that it sends nothing more, as socat does. */
static void ask_half(struct buf *ret_got, struct world *w, int fd, const char *text)
{
    char piece[4096];
    ssize_t got;
    buf_clear(ret_got);
    assert_int_equal(send(fd, text, strlen(text), 0), strlen(text));
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    while ((got = recv(fd, piece, sizeof(piece), MSG_DONTWAIT)) != 0) {
        assert_true(got > 0 || errno == EAGAIN);
        if (got > 0)
            buf_append(ret_got, piece, (size_t)got);
        io_loop_turn(w->backend.loop, false);
    }
    close(fd);
}

/* It is answered, by whichever desk, and then the connection ends. */
static void test_half_closed(void **state)
{
    (void)state;
    struct world w;
    struct socket s;
    struct buf got = BUF_INIT;
    world_begin_empty(&w);
    open_socket(&s, &w);
    struct rpc_http *http = start(&w);
    const struct sockaddr_in at = {.sin_family = AF_INET,
                                   .sin_port = htons(rpc_http_address(http)->port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
    ask_half(&got, &w, fd,
             "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
             "Content-Length: 31\r\n\r\n{\"id\":1,\"method\":\"eth_syncing\"}");
    assert_non_null(strstr(buf_text(&got), "\"result\":false}"));
    ask_half(&got, &w, connect_raw(&s),
             "{\"id\":1,\"method\":\"eth_syncing\"}{\"id\":2,\"method\":\"net_version\"}"
             "{\"id\":3,\"method\":\"eth_subscribe\",\"params\":[\"syncing\"]}"
             "{\"id\":4,\"method\":\"eth_syncing\"}{\"id\":");
    assert_non_null(strstr(buf_text(&got), "\"id\":1,\"result\":false}"));
    assert_non_null(strstr(buf_text(&got), "\"id\":2,\"result\":\"1337\"}"));
    assert_non_null(strstr(buf_text(&got), "\"id\":3,\"result\":\"0x"));
    assert_non_null(strstr(buf_text(&got), "\"id\":4,\"result\":false}"));
    buf_release(&got);
    rpc_http_stop(http);
    close_socket(&s);
    world_end(&w);
}

static void send_all(int fd, struct buf *b)
{
    size_t sent = 0;
    while (sent < b->len) {
        ssize_t len = send(fd, b->data + sent, b->len - sent, 0);
        assert_true(len > 0);
        sent += (size_t)len;
    }
    buf_release(b);
}

/* Hundreds of thousands of messages behind one that is waited for take their own time, and not that of moving all that is behind each. */
static void test_many_messages(void **state)
{
    (void)state;
    enum { COUNT = 300000 };
    struct world w;
    struct socket s;
    struct buf b = BUF_INIT;
    char got[4096];
    world_begin_empty(&w);
    open_socket(&s, &w);
    int fd = connect_raw(&s);
    io_loop_turn(w.backend.loop, true); /* the desk has it, and waits for the loop from now on */
    buf_append_text(&b, "{\"method\":\"eth_syncing\"}");
    for (size_t i = 0; i < COUNT; i++)
        buf_append_text(&b, "{\"method\":\"net_version\"}");
    buf_append_text(&b, "{\"id\":1,\"method\":\"net_version\"}");
    alarm(60);
    send_all(fd, &b);
    while (recv(fd, got, sizeof(got), MSG_DONTWAIT) < 0)
        io_loop_turn(w.backend.loop, false);
    alarm(0);
    close(fd);
    close_socket(&s);
    world_end(&w);
}

/* Others have their turn meanwhile. */
static void test_turns(void **state)
{
    (void)state;
    enum { COUNT = 1000, LEN = 41 };
    struct world w;
    struct socket s;
    struct buf b = BUF_INIT;
    char got[COUNT * LEN];
    ssize_t first, len;
    size_t all;
    world_begin_empty(&w);
    w.backend.desks = 0;
    open_socket(&s, &w);
    int fd = connect_raw(&s);
    for (size_t i = 0; i < COUNT; i++)
        buf_append_text(&b, "{\"id\":1,\"method\":\"net_version\"}");
    send_all(fd, &b);
    do
        io_loop_turn(w.backend.loop, false);
    while ((first = recv(fd, got, sizeof(got), MSG_DONTWAIT)) < 0);
    assert_true(first <= 200 * LEN);
    for (all = (size_t)first; all < sizeof(got); all += len > 0 ? (size_t)len : 0) {
        io_loop_turn(w.backend.loop, false);
        len = recv(fd, got, sizeof(got), MSG_DONTWAIT);
    }
    close(fd);
    close_socket(&s);
    world_end(&w);
}

/* Without a descriptor for the way to the loop the connection ends: it would wait for its subscription without end. */
static void test_no_descriptors(void **state)
{
    (void)state;
    struct world w;
    struct socket s;
    struct client c;
    struct rlimit before, none;
    world_begin_empty(&w);
    open_socket(&s, &w);
    connect_ipc(&c, &w, &s);
    client_say(&c, "{\"id\":1,\"method\":\"net_version\"}");
    client_await(&c, "1337");
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 3;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    client_say(&c, "{\"id\":2,\"method\":\"eth_subscribe\",\"params\":["
                   "\"syncing\"]}");
    alarm(60);
    client_await_close(&c);
    alarm(0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    client_end(&c);
    close_socket(&s);
    world_end(&w);
}

/* Who asks and does not read goes after a while; who is quiet, with a subscription or without, stays. */
static void test_deaf(void **state)
{
    (void)state;
    struct world w;
    struct socket s;
    struct client quiet, listener;
    struct buf b = BUF_INIT;
    world_begin_empty(&w);
    open_socket_for(&s, &w, 50);
    connect_ipc(&quiet, &w, &s);
    connect_ipc(&listener, &w, &s);
    client_say(&listener, "{\"id\":1,\"method\":\"eth_subscribe\","
                          "\"params\":[\"syncing\"]}");
    client_await(&listener, "\"id\":1,\"result\":\"0x");
    int fd = connect_raw(&s);
    buf_append_text(&b, "{\"method\":\"net_version\",\"id\":\"");
    memset(buf_extend(&b, 100000), 'x', 100000);
    buf_append_text(&b, "\"}");
    alarm(60);
    for (size_t at = 0;;) {
        ssize_t len = send(fd, b.data + at, b.len - at, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (len < 0 && errno != EAGAIN)
            break;
        at = len > 0 ? (at + (size_t)len) % b.len : at;
        io_loop_turn(w.backend.loop, false);
    }
    alarm(0);
    close(fd);
    buf_release(&b);
    client_say(&quiet, "{\"id\":1,\"method\":\"net_version\"}");
    client_await(&quiet, "1337");
    rpc_tell_sync(w.rpc, true);
    client_await(&listener, "\"method\":\"eth_subscription\"");
    client_end(&quiet);
    client_end(&listener);
    close_socket(&s);
    world_end(&w);
}

/* --- Memory --- */

static void put_large(struct buf *b, size_t len)
{
    buf_append_text(b, "{\"id\":1,\"method\":\"net_version\",\"more\":\"");
    memset(buf_extend(b, len), 'x', len);
    buf_append_text(b, "\"}");
}

/* While strangers have what they may, who sends more of a large request is refused; small ones, and the owner's, are served. */
static void test_crowd(void **state)
{
    (void)state;
    enum { LEN = 200000 };
    static const char small[] = "{\"id\":1,\"method\":\"net_version\"}";
    struct world w;
    struct socket s;
    struct client stranger, owner;
    struct buf large = BUF_INIT;
    size_t others = 0;
    put_large(&large, LEN);
    world_begin_empty(&w);
    open_socket(&s, &w);
    struct rpc_http *http = start(&w);
    connect_client(&stranger, &w, http);
    connect_ipc(&owner, &w, &s);
    post(&stranger, buf_text(&large));
    client_await(&stranger, "1337");
    io_held_set(&others, RPC_HELD_MAX);
    post(&stranger, small);
    client_await(&stranger, "1337");
    post(&stranger, buf_text(&large));
    client_await(&stranger, "503 Service Unavailable");
    assert_int_equal(io_stream_write(owner.stream, buf_bytes(&large)), 0);
    client_await(&owner, "1337");
    io_held_set(&others, (size_t)2 * RPC_HELD_MAX);
    client_say(&owner, small);
    client_await(&owner, "1337");
    assert_int_equal(io_stream_write(owner.stream, buf_bytes(&large)), 0);
    client_await(&owner, "{\"code\":-32000,\"message\":\"too many large requests at a time");
    client_await_close(&owner);
    io_held_set(&others, 0);
    client_end(&stranger);
    client_end(&owner);
    rpc_http_stop(http);
    close_socket(&s);
    assert_int_equal(io_held(), 0);
    buf_release(&large);
    world_end(&w);
}

static void take_answer(void *context, struct buf *answer)
{
    *(struct buf *)context = *answer;
    buf_init(answer);
}

/* A batch, or one call, with ids of so many characters. */
static bool is_answered(struct world *w, size_t count, size_t id)
{
    struct buf message = BUF_INIT, answer = BUF_INIT;
    for (size_t i = 0; i < count; i++) {
        buf_append_text(&message, i ? "," : count > 1 ? "[" : "");
        buf_append_text(&message, "{\"method\":\"net_version\",\"id\":\"");
        memset(buf_extend(&message, id), 'x', id);
        buf_append_text(&message, "\"}");
    }
    buf_append_text(&message, count > 1 ? "]" : "");
    assert_null(rpc_ask(w->rpc, rpc_access_all(), &message, take_answer, &answer));
    bool good = !strstr(buf_text(&answer), "response too large");
    assert_int_equal(good, !strstr(buf_text(&answer), "-32003"));
    assert_true(answer.len > count * id);
    buf_release(&answer);
    return good;
}

static void keep_stream(void *context, struct io_stream *stream)
{
    struct client *c = context;
    client_accept(c, c->loop, stream);
    io_stream_pause(stream);
}

static void send_nothing(void *context, struct bytes text)
{
    (void)context;
    (void)text;
}

static size_t two_megabytes(void *context)
{
    (void)context;
    return 2 << 20;
}

static void end_session(void *context)
{
    (void)context;
}

/* Whether one that is two megabytes behind is told something more. */
static bool is_told(struct world *w)
{
    struct rpc_session session;
    rpc_session_init(&session, w->rpc, rpc_access_all());
    session.send = send_nothing;
    session.unread = two_megabytes;
    session.overrun = end_session;
    rpc_session_tell(&session, bytes_str("news"));
    bool good = !session.overran;
    rpc_session_release(&session);
    return good;
}

/* What is told while an answer is under way counts with answers. */
static void test_held_back(void **state)
{
    (void)state;
    enum { LEN = 3 << 20 };
    struct world w;
    struct rpc_session session;
    struct buf text = BUF_INIT;
    memset(buf_extend(&text, LEN), 'x', LEN);
    world_begin_empty(&w);
    for (int round = 0; round < 2; round++) {
        rpc_session_init(&session, w.rpc, rpc_access_all());
        session.send = send_nothing;
        session.unread = two_megabytes;
        session.asking = 1;
        rpc_session_tell(&session, bytes_str("news"));
        assert_int_equal(io_sum_of(&w.rpc->written), 0);
        rpc_session_tell(&session, buf_bytes(&text));
        assert_int_equal(io_sum_of(&w.rpc->written), LEN + strlen("news"));
        if (round)
            rpc_session_answered(&session);
        else
            rpc_session_release(&session);
        assert_int_equal(io_sum_of(&w.rpc->written), 0);
    }
    rpc_session_release(&session);
    buf_release(&text);
    world_end(&w);
}

/* While clients have a gigabyte that they do not read, nobody is given more than a megabyte. */
static void test_memory(void **state)
{
    (void)state;
    struct world w;
    struct client talker, deaf = {.closed = false};
    struct io_listener *listener;
    struct err_detail detail;
    struct buf much = BUF_INIT;
    world_begin_empty(&w);
    struct io_loop *loop = deaf.loop = w.backend.loop;
    assert_int_equal(io_listen_tcp(&listener, loop, "127.0.0.1", 0, keep_stream, &deaf, &detail),
                     0);
    client_tcp(&talker, loop, io_listener_address(listener)->port);
    assert_true(is_answered(&w, 1000, 3000));
    assert_true(is_answered(&w, 1, 3000000));
    assert_true(is_told(&w));
    assert_non_null(buf_extend(&much, RPC_ANSWERS_MAX + (100 << 20))); /* never touched */
    (void)io_stream_write_buf(talker.stream, &much);
    while (!io_streams_waiting())
        io_loop_turn(loop, false);
    assert_false(is_answered(&w, 1000, 3000));
    assert_false(is_answered(&w, 1, 3000000));
    assert_true(is_answered(&w, 100, 3000));
    assert_false(is_told(&w));
    client_end(&talker);
    io_loop_turn(loop, false);
    assert_int_equal(io_streams_waiting(), 0);
    assert_true(is_answered(&w, 1000, 3000));
    client_end(&deaf);
    io_listener_close(listener);
    world_end(&w);
}

/* --- The servers, by a method --- */

static int start_nothing(void *context, const struct rpc_server_wish *wish,
                         struct err_detail *detail)
{
    (void)wish;
    (void)detail;
    *(bool *)context = true;
    return 0;
}

static void take_nothing(void *context, struct buf *answer)
{
    (void)answer;
    *(bool *)context = true;
}

/* What starts a server may first stop another: never below the connection that asks for it. */
static void test_start(void **state)
{
    (void)state;
    enum { LEN = 200000 };
    static const char *const methods[] = {"admin_startHTTP", "admin_startRPC", "admin_startWS"};
    struct world w;
    world_begin_empty(&w);
    assert_int_equal(io_worker_new(&w.backend.light, w.backend.loop), 0);
    for (size_t i = 0; i < BASE_COUNT(methods); i++) {
        bool started = false, answered = false;
        const struct rpc_servers servers = {
            .context = &started, .start_http = start_nothing, .start_websocket = start_nothing};
        struct buf message = BUF_INIT;
        w.backend.servers = &servers;
        buf_append_format(&message, "{\"id\":1,\"method\":\"%s\"}", methods[i]);
        memset(buf_extend(&message, LEN), ' ', LEN); /* counted while it is worked at */
        assert_non_null(rpc_ask(w.rpc, rpc_access_all(), &message, take_nothing, &answered));
        assert_false(started);
        assert_true(io_held() > LEN);
        while (!answered)
            io_loop_turn(w.backend.loop, true);
        assert_true(started);
        assert_int_equal(io_held(), 0);
    }
    io_worker_free(w.backend.light);
    world_end(&w);
}

/* The end, with requests on their way between the desks, and clients that do not wait for it. */
static void test_end(void **state)
{
    (void)state;
    for (int round = 0; round < 20; round++) {
        struct world w;
        struct client clients[4];
        world_begin_empty(&w);
        struct rpc_http *http = start(&w);
        serve_websocket(http, "net,eth");
        for (size_t i = 0; i < BASE_COUNT(clients); i++) {
            connect_client(&clients[i], &w, http);
            for (int k = 0; k < 3; k++)
                post(&clients[i], "[{\"id\":1,\"method\":\"eth_syncing\"},"
                                  "{\"id\":2,\"method\":\"net_version\"}]");
            if (i % 2)
                continue;
            client_say(&clients[i], upgrade);
            put_message(&clients[i], "{\"id\":3,\"method\":\"eth_syncing\"}");
            put_message(&clients[i],
                        "{\"id\":5,\"method\":\"eth_subscribe\",\"params\":[\"syncing\"]}");
        }
        for (int turn = 0; turn < round; turn++)
            io_loop_turn(w.backend.loop, false);
        for (size_t i = 0; i < BASE_COUNT(clients); i++)
            client_end(&clients[i]);
        if (round % 2)
            io_loop_turn(w.backend.loop, false);
        rpc_tell_sync(w.rpc, true);
        rpc_http_stop(http);
        world_end(&w);
    }
}

/* With one processor there are no other desks. */
static void test_alone(void **state)
{
    (void)state;
    struct world w;
    struct client c;
    world_begin_empty(&w);
    w.backend.desks = 0;
    struct rpc_http *http = start(&w);
    connect_client(&c, &w, http);
    post(&c, "[{\"id\":1,\"method\":\"net_version\"},{\"id\":2,\"method\":\"eth_syncing\"}]");
    client_await(&c, "\"1337\"},{\"jsonrpc\":\"2.0\",\"id\":2,");
    client_end(&c);
    rpc_http_stop(http);
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both),
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_websocket),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_ipc),
        cmocka_unit_test(test_half_closed),
        cmocka_unit_test(test_many_messages),
        cmocka_unit_test(test_turns),
        cmocka_unit_test(test_no_descriptors),
        cmocka_unit_test(test_deaf),
        cmocka_unit_test(test_crowd),
        cmocka_unit_test(test_held_back),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_start),
        cmocka_unit_test(test_end),
        cmocka_unit_test(test_alone),
    };
    return cmocka_run_group_tests_name("desks", tests, NULL, NULL);
}
