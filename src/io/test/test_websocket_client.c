/* The client's end of WebSocket: URLs, answers, and real connections to our own server, plain and by TLS. */
#include "io/http.h"
#include "io/websocket_client.h"
#include "tests/support/pair.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* --- URLs --- */

static void test_urls(void **state)
{
    (void)state;
    static const struct {
        const char *url, *host, *authority, *target;
        uint16_t port;
        bool tls;
    } good[] = {
        {"ws://h", "h", "h", "/", 80, false},
        {"WSS://h/api", "h", "h", "/api", 443, true},
        {"ws://h:3000/a/b?c=d", "h", "h:3000", "/a/b?c=d", 3000, false},
        {"ws://h:3000?c=d/api", "h", "h:3000", "/?c=d/api", 3000, false},
        {"ws://h:/api", "h", "h:", "/api", 80, false},
        {"wss://[::1]:65535/", "::1", "[::1]:65535", "/", 65535, true},
        {"ws://[::1]/", "::1", "[::1]", "/", 80, false},
    };
    static const char *const bad[] = {"",
                                      "h",
                                      "http://h",
                                      "ws://",
                                      "ws:///api",
                                      "ws://:80/",
                                      "ws://h:0/",
                                      "ws://h:x/",
                                      "ws://h:-1/",
                                      "ws://h:8e1/",
                                      "ws://h:65536/",
                                      "ws://h:000080/",
                                      "ws://u@h/",
                                      "ws://u:p@h/",
                                      "ws://[::1/",
                                      "ws://[]:80/",
                                      "ws://[::1]80/",
                                      "ws://h/a b",
                                      "ws://h/#f",
                                      "ws://h/\r\nX: y",
                                      "ws://h\x7f/"};
    struct io_websocket_url url;
    for (size_t i = 0; i < BASE_COUNT(good); i++) {
        assert_int_equal(io_websocket_url_read(&url, good[i].url), ERR_OK);
        assert_string_equal(url.host, good[i].host);
        assert_string_equal(url.authority, good[i].authority);
        assert_string_equal(url.target, good[i].target);
        assert_int_equal(url.port, good[i].port);
        assert_int_equal(url.tls, good[i].tls);
    }
    for (size_t i = 0; i < BASE_COUNT(bad); i++)
        assert_int_equal(io_websocket_url_read(&url, bad[i]), ERR_INPUT);
}

static void test_long_urls(void **state)
{
    (void)state;
    struct io_websocket_url url;
    char text[IO_WEBSOCKET_TARGET_MAX + 64];
    const size_t at = strlen("ws://h");
    memset(text, 'a', sizeof(text));
    memcpy(text, "ws://h/", at + 1);
    text[at + IO_WEBSOCKET_TARGET_MAX] = 0;
    assert_int_equal(io_websocket_url_read(&url, text), ERR_OK);
    assert_int_equal(strlen(url.target), IO_WEBSOCKET_TARGET_MAX);
    text[at + IO_WEBSOCKET_TARGET_MAX] = 'a';
    text[at + IO_WEBSOCKET_TARGET_MAX + 1] = 0;
    assert_int_equal(io_websocket_url_read(&url, text), ERR_INPUT);
    memset(text, 'a', 400);
    memcpy(text, "ws://", 5);
    text[5 + IO_HOST_MAX] = 0;
    assert_int_equal(io_websocket_url_read(&url, text), ERR_OK);
    text[5 + IO_HOST_MAX] = 'a';
    text[5 + IO_HOST_MAX + 1] = 0;
    assert_int_equal(io_websocket_url_read(&url, text), ERR_INPUT);
}

/* --- Answers --- */

static void test_answers(void **state)
{
    (void)state;
    static const char accept[] = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="; /* RFC 6455, section 1.3 */
    char made[IO_WEBSOCKET_ACCEPT_LEN + 1];
    io_websocket_accept(made, "dGhlIHNhbXBsZSBub25jZQ==");
    assert_string_equal(made, accept);
#define ANSWER(line, upgrade, connection, accept, more)                                            \
    line "\r\nUpgrade: " upgrade "\r\nConnection: " connection "\r\nSec-WebSocket-Accept: " accept \
         "\r\n" more "\r\n"
#define GOOD_LINE   "HTTP/1.1 101 Switching Protocols"
#define GOOD_ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    static const struct {
        const char *head;
        bool is_http, agrees;
    } cases[] = {
        {ANSWER(GOOD_LINE, "websocket", "Upgrade", GOOD_ACCEPT, ""), true, true},
        {ANSWER("HTTP/1.1 101", "WebSocket", "keep-alive, upgrade", GOOD_ACCEPT, ""), true, true},
        {ANSWER("HTTP/1.1 200 OK", "websocket", "Upgrade", GOOD_ACCEPT, ""), true, false},
        {ANSWER(GOOD_LINE, "h2c", "Upgrade", GOOD_ACCEPT, ""), true, false},
        {ANSWER(GOOD_LINE, "websocket", "close", GOOD_ACCEPT, ""), true, false},
        {ANSWER(GOOD_LINE, "websocket", "Upgrade", "S3pPLMBiTxaQ9kYGzzhZRbK+xOo=", ""), true,
         false},
        {ANSWER(GOOD_LINE, "websocket", "Upgrade", "", ""), true, false},
        {ANSWER(GOOD_LINE, "websocket", "Upgrade", GOOD_ACCEPT, "Sec-WebSocket-Protocol: a\r\n"),
         true, false},
        {ANSWER(GOOD_LINE, "websocket", "Upgrade", GOOD_ACCEPT,
                "Sec-WebSocket-Extensions: permessage-deflate\r\n"),
         true, false},
        {"HTTP/1.1 101 Switching Protocols\r\n\r\n", true, false},
        {"HTTP/2.0 101 Switching Protocols\r\n\r\n", false, false},
        {"HTTP/1.1 1x1 Switching Protocols\r\n\r\n", false, false},
        {"HTTP/1.1 1010\r\n\r\n", false, false},
        {"HTTP/1.1\r\n\r\n", false, false},
        {"HTTP/1.1 101 a\x01\r\n\r\n", false, false},
        {"SSH-2.0-OpenSSH_9.6p1 x\r\n\r\n", false, false},
        {"\r\n\r\n", false, false},
    };
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        struct io_http_head head;
        unsigned status = 0;
        struct bytes text = bytes_str(cases[i].head);
        bool is_http = io_http_reply_head_read(&head, &status, text) == IO_HTTP_OK;
        assert_int_equal(is_http, cases[i].is_http);
        if (is_http)
            assert_int_equal(io_websocket_is_accepted(&head, status, accept), cases[i].agrees);
    }
}

/* --- Over the wire --- */

struct world {
    struct io_loop *loop;
    struct io_http_server *http;
    struct io_websocket *served; /* the server's end: sends back what comes */
    struct io_websocket_dial *dial;
    struct io_websocket *ws; /* the client's */
    struct buf got, origin;
    char why[256];
    bool done, closed, reached;
    unsigned status, code;
};

static void echo(void *context, struct io_websocket *ws, struct buf *message)
{
    (void)context;
    io_websocket_send_buf(ws, message);
}

static void server_closed(void *context, struct io_websocket *ws)
{
    (void)ws;
    struct world *w = context;
    w->served = NULL;
}

static const struct io_websocket_ops server_ops = {.message = echo, .closed = server_closed};

static void on_request(void *context, struct io_http_request *request)
{
    struct world *w = context;
    char accept[IO_WEBSOCKET_ACCEPT_LEN + 1];
    struct buf rest;
    struct io_websocket_options options = {
        .message_max = 1 << 20, .ping_ms = 60000, .pong_ms = 30000};
    const struct bytes *origin = io_http_head_field(&request->head, "origin");
    buf_append_bytes(&w->origin, origin ? *origin : bytes_none());
    assert_int_equal(io_websocket_handshake(accept, &request->head), 101);
    struct io_http_field fields[] = {
        {"Upgrade", "websocket"}, {"Connection", "Upgrade"}, {"Sec-WebSocket-Accept", accept}};
    struct io_stream *stream = io_http_upgrade(request, fields, BASE_COUNT(fields), &rest);
    assert_int_equal(io_websocket_new(&w->served, w->loop, stream, &rest, &options, &server_ops, w),
                     0);
    io_websocket_send(w->served, bytes_str("hello"));
}

static void on_message(void *context, struct io_websocket *ws, struct buf *message)
{
    (void)ws;
    struct world *w = context;
    buf_append_bytes(&w->got, buf_bytes(message));
    buf_append_byte(&w->got, '|');
}

static void on_closed(void *context, struct io_websocket *ws)
{
    struct world *w = context;
    w->code = io_websocket_code(ws);
    w->ws = NULL;
    w->closed = true;
}

static const struct io_websocket_ops client_ops = {.message = on_message, .closed = on_closed};

static void on_dialled(void *context, struct io_websocket *ws, const char *why)
{
    struct world *w = context;
    w->reached = io_websocket_dial_reached(w->dial);
    w->status = io_websocket_dial_status(w->dial);
    w->dial = NULL;
    w->done = true;
    w->ws = ws;
    snprintf(w->why, sizeof(w->why), "%s", why);
}

static void world_begin(struct world *w, struct io_tls *tls)
{
    struct err_detail detail;
    *w = (struct world){.done = false};
    struct io_http_options options = {.context = w,
                                      .request = on_request,
                                      .body_max = 100,
                                      .connections_max = 10,
                                      .read_ms = 30000,
                                      .write_ms = 30000,
                                      .idle_ms = 30000};
    assert_int_equal(io_loop_new(&w->loop), 0);
    assert_int_equal(io_http_new(&w->http, w->loop, &options), 0);
    int status = tls ? io_http_listen_tls(w->http, "127.0.0.1", 0, tls, &detail)
                     : io_http_listen_tcp(w->http, "127.0.0.1", 0, &detail);
    assert_int_equal(status, 0);
    alarm(60);
}

static void world_end(struct world *w)
{
    alarm(0);
    io_websocket_drop(w->ws);
    io_websocket_drop(w->served);
    io_http_free(w->http);
    for (int i = 0; i < 10; i++)
        io_loop_turn(w->loop, false);
    io_loop_free(w->loop);
    buf_release(&w->got);
    buf_release(&w->origin);
}

static void dial(struct world *w, const char *scheme, uint16_t port, struct io_tls *tls,
                 uint64_t timeout_ms)
{
    char text[64];
    struct io_websocket_url url;
    static const struct io_http_field fields[] = {{"Origin", "http://localhost"}};
    struct io_websocket_dial_options options = {
        .fields = fields,
        .field_count = BASE_COUNT(fields),
        .tls = tls,
        .timeout_ms = timeout_ms,
        .websocket = {.message_max = 1 << 17, .ping_ms = 60000, .pong_ms = 30000},
        .ops = &client_ops,
        .done = on_dialled,
        .context = w,
    };
    snprintf(text, sizeof(text), "%s://127.0.0.1:%u/api", scheme, port);
    assert_int_equal(io_websocket_url_read(&url, text), ERR_OK);
    w->done = false;
    assert_int_equal(io_websocket_dial(&w->dial, w->loop, &url, &options), 0);
    assert_false(w->done);
}

static void dial_own(struct world *w, const char *scheme, struct io_tls *tls)
{
    dial(w, scheme, io_http_address(w->http)->port, tls, 30000);
    while (!w->done)
        io_loop_turn(w->loop, true);
}

static void exchange(struct world *w)
{
    char *large = malloc(100000);
    struct buf text = BUF_INIT;
    memset(large, 'x', 100000);
    io_websocket_send(w->ws, bytes_str("one"));
    buf_append(&text, large, 100000);
    io_websocket_send_buf(w->ws, &text);
    assert_int_equal(text.len, 0);
    while (w->got.len < 6 + 4 + 100001)
        io_loop_turn(w->loop, true);
    assert_memory_equal(w->got.data, "hello|one|xxxx", 14);
    assert_string_equal(buf_text(&w->origin), "http://localhost");
    free(large);
    buf_release(&text);
}

static void test_plain(void **state)
{
    (void)state;
    struct world w;
    world_begin(&w, NULL);
    dial_own(&w, "ws", NULL);
    assert_non_null(w.ws);
    exchange(&w);
    io_websocket_close(w.served, IO_WEBSOCKET_GOING_AWAY);
    w.served = NULL;
    while (!w.closed)
        io_loop_turn(w.loop, true);
    assert_int_equal(w.code, IO_WEBSOCKET_GOING_AWAY);
    world_end(&w);
}

static struct io_tls *tls_new(const struct io_tls_options *options)
{
    struct io_tls *tls;
    struct err_detail detail = {""};
    assert_int_equal(io_tls_new(&tls, options, &detail), 0);
    return tls;
}

/* A trusted one; one that nobody trusts; one of another host; and no TLS at all at the other side. */
static void test_tls(void **state)
{
    (void)state;
    static const char *const hosts[] = {"127.0.0.1", "127.0.0.2"};
    for (size_t i = 0; i < 4; i++) {
        struct pair pair;
        struct world w;
        pair_make(&pair, "server", hosts[i == 2], NULL);
        struct io_tls *server =
            tls_new(&(struct io_tls_options){.server = true,
                                             .certificate = buf_bytes(&pair.certificate),
                                             .key = buf_bytes(&pair.key)});
        struct io_tls *trusting =
            tls_new(&(struct io_tls_options){.authorities = buf_bytes(&pair.certificate)});
        struct io_tls *wary = tls_new(&(struct io_tls_options){.system_authorities = true});
        world_begin(&w, i == 3 ? NULL : server);
        dial_own(&w, "wss", i == 1 ? wary : trusting);
        if (i == 0) {
            assert_non_null(w.ws);
            exchange(&w);
        } else {
            assert_null(w.ws);
            assert_true(w.why[0]);
            assert_null(w.served);
        }
        if (i == 1 || i == 2)
            assert_non_null(strstr(w.why, "is not trusted: "));
        world_end(&w);
        io_tls_free(server);
        io_tls_free(trusting);
        io_tls_free(wary);
        pair_release(&pair);
    }
}

/* --- Servers that do not know how to behave --- */

static int listener(uint16_t *ret_port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, len), 0);
    assert_int_equal(listen(fd, 4), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    *ret_port = ntohs(at.sin_port);
    return fd;
}

static void expect_failure(const char *answer, size_t times, bool closes, const char *why)
{
    struct world w;
    uint16_t port;
    world_begin(&w, NULL);
    int fd = listener(&port);
    dial(&w, "ws", port, NULL, answer || closes ? 30000 : 100);
    int peer = accept(fd, NULL, NULL);
    for (size_t i = 0; i < times && !w.done; i++) {
        (void)!send(peer, answer, strlen(answer), MSG_NOSIGNAL | MSG_DONTWAIT);
        io_loop_turn(w.loop, false);
    }
    if (closes)
        shutdown(peer, SHUT_RDWR);
    while (!w.done)
        io_loop_turn(w.loop, true);
    assert_null(w.ws);
    assert_string_equal(w.why, why);
    assert_true(w.reached);
    assert_int_equal(w.status, strstr(why, "handshake") ? 404 : 0);
    close(peer);
    close(fd);
    world_end(&w);
}

static void test_bad_servers(void **state)
{
    (void)state;
    expect_failure(NULL, 0, false, "timed out");
    expect_failure(NULL, 0, true, "closed by the other side");
    expect_failure("HTTP/1.1 404 Not Found\r\n\r\n", 1, false, "websocket: bad handshake");
    expect_failure("ssh, for example\n\n", 1, false, "the answer is no HTTP");
    /* A head without an end. */
    expect_failure("Endless: as long as the other side listens, and behind that as well.\r\n",
                   100000, false, "the answer is no HTTP");
}

static void test_cancel(void **state)
{
    (void)state;
    struct world w;
    uint16_t port;
    world_begin(&w, NULL);
    int fd = listener(&port);
    dial(&w, "ws", port, NULL, 30000);
    io_loop_turn(w.loop, false);
    io_websocket_dial_cancel(w.dial);
    io_websocket_dial_cancel(NULL);
    for (int i = 0; i < 10; i++)
        io_loop_turn(w.loop, false);
    assert_false(w.done);
    close(fd);
    /* Nobody is there any more. */
    dial(&w, "ws", port, NULL, 30000);
    while (!w.done)
        io_loop_turn(w.loop, true);
    assert_string_equal(w.why, "connection refused");
    assert_false(w.reached);
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_urls),    cmocka_unit_test(test_long_urls),
        cmocka_unit_test(test_answers), cmocka_unit_test(test_plain),
        cmocka_unit_test(test_tls),     cmocka_unit_test(test_bad_servers),
        cmocka_unit_test(test_cancel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
