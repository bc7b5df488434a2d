/* Clients that threads of their own answer: what these have not, the loop's desk gives, on the same connections; who subscribes goes there. */
#include "io/websocket_frame.h"
#include "rpc/events/events.h"
#include "rpc/test/world.h"
#include "rpc/transport/http.h"
#include "rpc/transport/ipc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

struct client {
    struct world *world;
    struct io_stream *stream;
    struct buf got;
    bool closed;
};

static void client_read(void *context, struct io_stream *stream, struct bytes data)
{
    struct client *c = context;
    (void)stream;
    buf_append_bytes(&c->got, data);
}

static void client_closed(void *context, struct io_stream *stream, int status, const char *message)
{
    struct client *c = context;
    (void)stream;
    (void)status;
    (void)message;
    c->closed = true;
    c->stream = NULL;
}

static void connect_client(struct client *c, struct world *w, const struct rpc_http *http)
{
    static const struct io_stream_ops ops = {.read = client_read, .closed = client_closed};
    *c = (struct client){.world = w};
    assert_int_equal(io_connect_tcp(&c->stream, w->backend.loop, "127.0.0.1",
                                    rpc_http_address(http)->port, 0, &ops, c),
                     0);
}

static void end_client(struct client *c)
{
    io_stream_close(c->stream);
    buf_release(&c->got);
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

static bool has_come(const struct client *c, const char *text)
{
    return c->got.len && memmem(c->got.data, c->got.len, text, strlen(text));
}

/* Waits for `text`, and forgets all that came. */
static void await(struct client *c, const char *text)
{
    while (!c->closed && !has_come(c, text))
        io_loop_turn(c->world->backend.loop, true);
    if (!has_come(c, text))
        fail_msg("%s did not come, but: %s", text, buf_text(&c->got));
    buf_clear(&c->got);
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
        await(&c, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"1337\"}\n");
        post(&c, "{\"id\":2,\"method\":\"eth_syncing\"}");
        await(&c, "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":false}\n");
        post(&c, "[{\"id\":3,\"method\":\"net_version\"},{\"id\":4,\"method\":\"eth_syncing\"},"
                 "{\"method\":\"eth_syncing\"},{\"id\":5,\"method\":\"net_version\"},"
                 "{\"id\":6,\"method\":\"eth_nothing\"}]");
        await(&c, "[{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":\"1337\"},"
                  "{\"jsonrpc\":\"2.0\",\"id\":4,\"result\":false},"
                  "{\"jsonrpc\":\"2.0\",\"id\":5,\"result\":\"1337\"},"
                  "{\"jsonrpc\":\"2.0\",\"id\":6,\"error\":{\"code\":-32601,\"message\":\"the "
                  "method eth_nothing does not exist/is not available\"}}]\n");
        /* The head's snapshot goes, and is opened again. */
        rpc_tell_head(w.rpc, 1, 0);
        post(&c,
             "{\"id\":7,\"method\":\"eth_getBalance\",\"params\":[\"0x00000000000000000000000000"
             "00000000000042\",\"latest\"]}");
        await(&c, "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":\"0x0\"}\n");
    }
    end_client(&c);
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
    await(&c, "1337");
    struct rpc_http_options o = options("elsewhere");
    assert_int_equal(rpc_http_enable(http, &o, &detail), 0);
    post(&c, "{\"id\":1,\"method\":\"net_version\"}");
    await(&c, "invalid host specified");
    o.prefix = "no slash";
    assert_int_equal(rpc_http_enable(http, &o, &detail), ERR_INPUT);
    o = options("*");
    assert_int_equal(rpc_http_enable(http, &o, &detail), 0);
    post(&c, "{\"id\":1,\"method\":\"net_version\"}");
    await(&c, "1337");
    end_client(&c);
    rpc_http_stop(http);
    world_end(&w);
}

static void put_message(struct client *c, const char *text)
{
    struct buf b = BUF_INIT;
    uint8_t header[IO_WEBSOCKET_HEADER_MAX];
    size_t len = io_websocket_header(header, IO_WEBSOCKET_TEXT, strlen(text));
    header[1] |= 0x80;
    buf_append(&b, header, len);
    buf_append(&b, "\0\0\0\0", 4);
    buf_append_text(&b, text);
    assert_int_equal(io_stream_write(c->stream, buf_bytes(&b)), 0);
    buf_release(&b);
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
    const struct rpc_websocket_options websocket = {.origins = "",
                                                    .access = rpc_access_parse("net,eth", NULL)};
    connect_client(&c, &w, http);
    post(&c, "{\"id\":1,\"method\":\"net_version\"}");
    await(&c, "1337");
    assert_int_equal(io_stream_write(c.stream, bytes_str(upgrade)), 0);
    await(&c, "404 Not Found");
    assert_int_equal(rpc_http_set_websocket(http, &websocket, "/ws", &detail), 0);
    assert_true(rpc_http_serves_websocket(http));
    assert_int_equal(io_stream_write(c.stream, bytes_str(upgrade)), 0);
    put_message(&c, "{\"id\":2,\"method\":\"net_version\"}"); /* not waiting for the answer */
    await(&c, "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":\"1337\"}");
    put_message(&c,
                "[{\"id\":3,\"method\":\"eth_syncing\"},{\"id\":4,\"method\":\"net_version\"}]");
    put_message(&c, "{\"id\":5,\"method\":\"eth_subscribe\",\"params\":[\"syncing\"]}");
    put_message(&c, "{\"id\":6,\"method\":\"net_version\"}");
    await(&c, "\"id\":6,\"result\":\"1337\"");
    rpc_tell_sync(w.rpc, true);
    await(&c, "\"method\":\"eth_subscription\"");
    put_message(&c, "{\"id\":7,\"method\":\"net_version\"}");
    await(&c, "\"id\":7,\"result\":\"1337\"");
    assert_int_equal(rpc_http_set_websocket(http, NULL, "", &detail), 0);
    while (!c.closed)
        io_loop_turn(w.backend.loop, true);
    end_client(&c);
    rpc_http_stop(http);
    world_end(&w);
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
    struct rpc_ipc *ipc;
    struct client clients[BASE_COUNT(subscribes)];
    struct err_detail detail;
    char path[] = "/tmp/quorate-desks-XXXXXX", socket[64];
    static const struct io_stream_ops ops = {.read = client_read, .closed = client_closed};
    assert_non_null(mkdtemp(path));
    snprintf(socket, sizeof(socket), "%s/geth.ipc", path);
    world_begin_empty(&w);
    if (rpc_ipc_start(&ipc, w.rpc, socket, &detail))
        fail_msg("%s", detail.text);
    for (size_t i = 0; i < BASE_COUNT(subscribes); i++) {
        struct client *c = &clients[i];
        *c = (struct client){.world = &w};
        assert_int_equal(io_connect_unix(&c->stream, w.backend.loop, socket, &ops, c), 0);
        assert_int_equal(io_stream_write(c->stream, bytes_str(subscribes[i])), 0);
        await(c, "\"id\":3,\"result\":\"0x");
        assert_int_equal(io_stream_write(c->stream, bytes_str("\"net_version\"}")), 0);
        await(c, "\"id\":4,\"result\":\"1337\"");
    }
    rpc_tell_sync(w.rpc, true);
    for (size_t i = 0; i < BASE_COUNT(subscribes); i++)
        await(&clients[i], "\"method\":\"eth_subscription\"");
    end_client(&clients[0]); /* the others are there at the end */
    rpc_ipc_stop(ipc);
    for (size_t i = 1; i < BASE_COUNT(subscribes); i++) {
        while (!clients[i].closed)
            io_loop_turn(w.backend.loop, true);
        end_client(&clients[i]);
    }
    world_end(&w);
    rmdir(path);
}

/* The end, with requests on their way between the desks, and clients that do not wait for it. */
static void test_end(void **state)
{
    (void)state;
    for (int round = 0; round < 20; round++) {
        struct world w;
        struct client clients[4];
        world_begin_empty(&w);
        const struct rpc_websocket_options websocket = {
            .origins = "", .access = rpc_access_parse("net,eth", NULL)};
        struct err_detail detail;
        struct rpc_http *http = start(&w);
        assert_int_equal(rpc_http_set_websocket(http, &websocket, "/ws", &detail), 0);
        for (size_t i = 0; i < BASE_COUNT(clients); i++) {
            connect_client(&clients[i], &w, http);
            for (int k = 0; k < 3; k++)
                post(&clients[i], "[{\"id\":1,\"method\":\"eth_syncing\"},"
                                  "{\"id\":2,\"method\":\"net_version\"}]");
            if (i % 2)
                continue;
            assert_int_equal(io_stream_write(clients[i].stream, bytes_str(upgrade)), 0);
            put_message(&clients[i], "{\"id\":3,\"method\":\"eth_syncing\"}");
            put_message(&clients[i],
                        "{\"id\":5,\"method\":\"eth_subscribe\",\"params\":[\"syncing\"]}");
        }
        for (int turn = 0; turn < round; turn++)
            io_loop_turn(w.backend.loop, false);
        for (size_t i = 0; i < BASE_COUNT(clients); i++)
            end_client(&clients[i]);
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
    await(&c, "\"1337\"},{\"jsonrpc\":\"2.0\",\"id\":2,");
    end_client(&c);
    rpc_http_stop(http);
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both), cmocka_unit_test(test_rules), cmocka_unit_test(test_websocket),
        cmocka_unit_test(test_ipc),  cmocka_unit_test(test_end),   cmocka_unit_test(test_alone),
    };
    return cmocka_run_group_tests_name("desks", tests, NULL, NULL);
}
