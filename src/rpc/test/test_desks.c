/* Clients of HTTP that threads of their own answer: what these have not, the loop's desk gives, on the same connections. */
#include "io/websocket_frame.h"
#include "rpc/events/events.h"
#include "rpc/http.h"
#include "rpc/test/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

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

/* Waits for `text`, and forgets all that came. */
static void await(struct client *c, const char *text)
{
    while (!c->closed && !strstr(buf_text(&c->got), text))
        io_loop_turn(c->world->backend.loop, true);
    if (!strstr(buf_text(&c->got), text))
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

/* A connection that a desk has served becomes a WebSocket, which the loop serves; then there are none any more. */
static void test_websocket(void **state)
{
    (void)state;
    static const char upgrade[] =
        "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
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
    put_message(&c, "{\"id\":3,\"method\":\"eth_subscribe\",\"params\":[\"newHeads\"]}");
    await(&c, "\"id\":3,\"result\":\"0x");
    assert_int_equal(rpc_http_set_websocket(http, NULL, "", &detail), 0);
    while (!c.closed)
        io_loop_turn(w.backend.loop, true);
    end_client(&c);
    rpc_http_stop(http);
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
        for (size_t i = 0; i < BASE_COUNT(clients); i++) {
            connect_client(&clients[i], &w, http);
            for (int k = 0; k < 3; k++)
                post(&clients[i], "[{\"id\":1,\"method\":\"eth_syncing\"},"
                                  "{\"id\":2,\"method\":\"net_version\"}]");
        }
        for (int turn = 0; turn < round; turn++)
            io_loop_turn(w.backend.loop, false);
        for (size_t i = 0; i < BASE_COUNT(clients); i++)
            end_client(&clients[i]);
        if (round % 2)
            io_loop_turn(w.backend.loop, false);
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
        cmocka_unit_test(test_end),  cmocka_unit_test(test_alone),
    };
    return cmocka_run_group_tests_name("desks", tests, NULL, NULL);
}
