/* Frames of WebSocket by RFC 6455, and the server's side over real connections on loopback. */
#include "io/held.h"
#include "io/http.h"
#include "io/websocket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/sockios.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* --- Frames --- */

/* A client's frame. */
static void put(struct buf *b, uint8_t first, const void *payload, size_t len)
{
    static const uint8_t mask[4] = {0x37, 0xfa, 0x21, 0x3d};
    uint8_t header[IO_WEBSOCKET_HEADER_MAX];
    size_t header_len = io_websocket_header(header, IO_WEBSOCKET_TEXT, len);
    header[0] = first;
    header[1] |= 0x80;
    buf_append(b, header, header_len);
    buf_append(b, mask, sizeof(mask));
    for (size_t i = 0; i < len; i++)
        buf_append_byte(b, ((const uint8_t *)payload)[i] ^ mask[i % 4]);
}

static void put_text(struct buf *b, uint8_t first, const char *text)
{
    put(b, first, text, strlen(text));
}

static enum io_websocket_event read_one(struct io_websocket_reader *r, struct buf *message,
                                        struct buf *wire)
{
    size_t used;
    enum io_websocket_event event = io_websocket_read(r, message, &used, buf_bytes(wire));
    memmove(wire->data, wire->data + used, wire->len - used);
    wire->len -= used;
    return event;
}

static void test_fragments(void **state)
{
    (void)state;
    struct io_websocket_reader r;
    struct buf wire = BUF_INIT, message = BUF_INIT;
    io_websocket_reader_init(&r, true, 1000);
    put_text(&wire, 0x01, "Hel");
    put_text(&wire, 0x89, "are you there");
    put_text(&wire, 0x00, "");
    put_text(&wire, 0x80, "lo \xe2\x82\xac");
    put_text(&wire, 0x82, "\xff");
    put(&wire, 0x88,
        "\x03\xe8"
        "bye",
        5);
    assert_int_equal(read_one(&r, &message, &wire), IO_WEBSOCKET_CONTROL);
    assert_int_equal(r.control_opcode, IO_WEBSOCKET_PING);
    assert_memory_equal(r.control, "are you there", r.control_len);
    assert_int_equal(read_one(&r, &message, &wire), IO_WEBSOCKET_MESSAGE);
    assert_string_equal(buf_text(&message), "Hello \xe2\x82\xac");
    buf_clear(&message);
    assert_int_equal(read_one(&r, &message, &wire), IO_WEBSOCKET_MESSAGE);
    assert_true(bytes_equal(buf_bytes(&message), bytes_str("\xff")));
    assert_int_equal(read_one(&r, &message, &wire), IO_WEBSOCKET_CONTROL);
    assert_int_equal(r.control_opcode, IO_WEBSOCKET_CLOSE);
    assert_int_equal(r.code, 1000);
    assert_int_equal(wire.len, 0);
    buf_release(&wire);
    buf_release(&message);
}

static void test_example(void **state)
{
    /* Section 5.7: a single masked text message, "Hello". */
    (void)state;
    static const uint8_t wire[] = {0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d,
                                   0x7f, 0x9f, 0x4d, 0x51, 0x58};
    struct io_websocket_reader r;
    struct buf message = BUF_INIT;
    size_t used;
    io_websocket_reader_init(&r, true, 5);
    assert_int_equal(io_websocket_read(&r, &message, &used, bytes_of(wire, sizeof(wire))),
                     IO_WEBSOCKET_MESSAGE);
    assert_string_equal(buf_text(&message), "Hello");
    buf_release(&message);
}

static void check_wrong(struct buf *wire, unsigned code)
{
    struct io_websocket_reader r;
    struct buf message = BUF_INIT;
    enum io_websocket_event event;
    io_websocket_reader_init(&r, true, 100000);
    do {
        event = read_one(&r, &message, wire);
    } while (event == IO_WEBSOCKET_CONTROL);
    assert_int_equal(event, IO_WEBSOCKET_WRONG);
    assert_int_equal(r.code, code);
    buf_release(&message);
    buf_release(wire);
}

static void test_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *wire; /* headers as they are, with a mask of zeros */
        size_t len;
        unsigned code;
    } cases[] = {
        {"\x81\x05Hello", 7, 1002},                           /* no mask */
        {"\xc1\x80\0\0\0\0", 6, 1002},                        /* reserved bit */
        {"\x83\x80\0\0\0\0", 6, 1002},                        /* unknown opcode */
        {"\x8b\x80\0\0\0\0", 6, 1002},                        /* unknown control */
        {"\x09\x80\0\0\0\0", 6, 1002},                        /* control in fragments */
        {"\x89\xfe\0\x7e\0\0\0\0", 8, 1002},                  /* control too long */
        {"\x80\x80\0\0\0\0", 6, 1002},                        /* continues nothing */
        {"\x01\x80\0\0\0\0\x81\x80\0\0\0\0", 12, 1002},       /* begins inside */
        {"\x81\xfe\0\x7d\0\0\0\0", 8, 1002},                  /* not the shortest */
        {"\x81\xff\0\0\0\0\0\0\xff\xff\0\0\0\0", 14, 1002},   /* the same */
        {"\x81\xff\xff\0\0\0\0\0\0\0\0\0\0\0", 14, 1002},     /* topmost bit */
        {"\x81\xff\0\0\0\0\0\x01\x86\xa1\0\0\0\0", 14, 1009}, /* too big */
        {"\x81\x82\0\0\0\0\xc0\xaf", 8, 1007},                /* overlong */
        {"\x81\x83\0\0\0\0\xed\xa0\x80", 9, 1007},            /* surrogate */
        {"\x81\x84\0\0\0\0\xf4\x90\x80\x80", 10, 1007},       /* above U+10FFFF */
        {"\x81\x81\0\0\0\0\xe2", 7, 1007},                    /* ends inside */
        {"\x01\x81\0\0\0\0\xe2\x80\x81\0\0\0\0x", 14, 1007},  /* in fragments */
        {"\x88\x81\0\0\0\0\x03", 7, 1002},                    /* half a code */
        {"\x88\x82\0\0\0\0\x03\xed", 8, 1002},                /* 1005 */
        {"\x88\x82\0\0\0\0\x03\xe7", 8, 1002},                /* 999 */
        {"\x88\x83\0\0\0\0\x03\xe8\xff", 9, 1007},            /* reason no UTF-8 */
    };
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        struct buf wire = BUF_INIT;
        buf_append(&wire, cases[i].wire, cases[i].len);
        check_wrong(&wire, cases[i].code);
    }
    struct buf wire = BUF_INIT;
    put_text(&wire, 0x01, "x");
    for (size_t i = 0; i < IO_WEBSOCKET_FRAGMENTS_MAX; i++)
        put_text(&wire, 0x00, "");
    check_wrong(&wire, 1009);
}

static void test_handshake(void **state)
{
    (void)state;
    static const struct {
        const char *head;
        unsigned status;
    } cases[] = {
#define HEAD(line, connection, version, key)                                                       \
    line "\r\nHost: a\r\nUpgrade: WebSocket\r\nConnection: " connection                            \
         "\r\nSec-WebSocket-Version: " version "\r\nSec-WebSocket-Key: " key "\r\n\r\n"
        {HEAD("GET / HTTP/1.1", "keep-alive, Upgrade", "13", "dGhlIHNhbXBsZSBub25jZQ=="), 101},
        {HEAD("POST / HTTP/1.1", "Upgrade", "13", "dGhlIHNhbXBsZSBub25jZQ=="), 405},
        {HEAD("GET / HTTP/1.0", "Upgrade", "13", "dGhlIHNhbXBsZSBub25jZQ=="), 400},
        {HEAD("GET / HTTP/1.1", "Upgrade", "8", "dGhlIHNhbXBsZSBub25jZQ=="), 400},
        {HEAD("GET / HTTP/1.1", "Upgrade", "13", "c2hvcnQ="), 400},
        {HEAD("GET / HTTP/1.1", "close", "13", "dGhlIHNhbXBsZSBub25jZQ=="), 400},
    };
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        struct io_http_head head;
        char accept[IO_WEBSOCKET_ACCEPT_LEN + 1];
        assert_int_equal(io_http_head_read(&head, bytes_str(cases[i].head)), IO_HTTP_OK);
        assert_int_equal(io_websocket_handshake(accept, &head), cases[i].status);
        if (cases[i].status == 101) /* section 1.3 */
            assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }
}

/* --- Over the wire: a server that sends back what comes --- */

struct server {
    struct io_loop *loop;
    struct io_http_server *http;
    struct io_websocket *ws;
    struct io_websocket_options options;
    size_t messages;
    bool closed, hold, drop_next;
    int fd;         /* a client, */
    struct buf got; /* and what it has been sent */
};

static void on_message(void *context, struct io_websocket *ws, struct buf *message)
{
    struct server *s = context;
    s->messages++;
    if (s->hold)
        io_websocket_pause(ws);
    if (s->drop_next) {
        io_websocket_close(ws, IO_WEBSOCKET_GOING_AWAY);
        s->ws = NULL;
        return;
    }
    io_websocket_send(ws, buf_bytes(message));
}

static void on_closed(void *context, struct io_websocket *ws)
{
    (void)ws;
    struct server *s = context;
    s->ws = NULL;
    s->closed = true;
}

static const struct io_websocket_ops ops = {.message = on_message, .closed = on_closed};

static void on_request(void *context, struct io_http_request *request)
{
    struct server *s = context;
    char accept[IO_WEBSOCKET_ACCEPT_LEN + 1];
    struct buf rest;
    assert_int_equal(io_websocket_handshake(accept, &request->head), 101);
    struct io_http_field fields[] = {
        {"Upgrade", "websocket"}, {"Connection", "Upgrade"}, {"Sec-WebSocket-Accept", accept}};
    struct io_stream *stream = io_http_upgrade(request, fields, BASE_COUNT(fields), &rest);
    assert_int_equal(io_websocket_new(&s->ws, s->loop, stream, &rest, &s->options, &ops, s), 0);
}

static void server_begin(struct server *s)
{
    struct err_detail detail;
    *s = (struct server){.options = {.message_max = 100000, .ping_ms = 60000, .pong_ms = 30000}};
    struct io_http_options options = {.context = s,
                                      .request = on_request,
                                      .body_max = 100,
                                      .connections_max = 10,
                                      .read_ms = 30000,
                                      .write_ms = 30000,
                                      .idle_ms = 30000};
    assert_int_equal(io_loop_new(&s->loop), 0);
    assert_int_equal(io_http_new(&s->http, s->loop, &options), 0);
    assert_int_equal(io_http_listen_tcp(s->http, "127.0.0.1", 0, &detail), 0);
}

/* The client, with a request for WebSocket, and what is to be sent behind it, in `b`. */
static void connect_client(struct server *s, struct buf *b)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(io_http_address(s->http)->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    s->fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(s->fd, (struct sockaddr *)&to, sizeof(to)), 0);
    buf_append_text(b, HEAD("GET / HTTP/1.1", "Upgrade", "13", "dGhlIHNhbXBsZSBub25jZQ=="));
}

static void server_end(struct server *s)
{
    close(s->fd);
    buf_release(&s->got);
    io_websocket_drop(s->ws);
    io_http_free(s->http);
    for (int i = 0; i < 10; i++)
        io_loop_turn(s->loop, false);
    io_loop_free(s->loop);
}

static void send_all(const struct server *s, struct buf *b)
{
    assert_int_equal(send(s->fd, b->data, b->len, MSG_NOSIGNAL), (ssize_t)b->len);
    buf_release(b);
}

/* Reads until what came ends with `end`, or the server closes (end NULL), be it before it has read all. */
static void expect(struct server *s, const void *end, size_t len)
{
    for (;;) {
        uint8_t piece[4096];
        ssize_t got = recv(s->fd, piece, sizeof(piece), MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno == ECONNRESET)) {
            assert_null(end);
            return;
        }
        if (got > 0)
            buf_append(&s->got, piece, (size_t)got);
        if (end && s->got.len >= len && memcmp(s->got.data + s->got.len - len, end, len) == 0)
            return;
        if (got < 0)
            io_loop_turn(s->loop, false);
    }
}

static void test_echo(void **state)
{
    (void)state;
    struct server s;
    struct buf b = BUF_INIT;
    server_begin(&s);
    connect_client(&s, &b);
    put_text(&b, 0x81, "with the request");
    put_text(&b, 0x89, "ping");
    send_all(&s, &b);
    expect(&s, "\x81\x10with the request\x8a\x04ping", 24);
    assert_non_null(strstr(buf_text(&s.got), "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    assert_int_equal(io_http_connections(s.http), 0);
    put(&b, 0x88, "\x03\xe8", 2);
    send_all(&s, &b);
    expect(&s, "\x88\x02\x03\xe8", 4);
    expect(&s, NULL, 0);
    assert_true(s.closed);
    server_end(&s);
}

static void test_paused(void **state)
{
    (void)state;
    struct server s;
    struct buf b = BUF_INIT;
    server_begin(&s);
    s.hold = true;
    connect_client(&s, &b);
    put_text(&b, 0x81, "one");
    put_text(&b, 0x81, "two");
    send_all(&s, &b);
    expect(&s, "\x81\x03one", 5);
    for (int i = 0; i < 10; i++)
        io_loop_turn(s.loop, false);
    assert_int_equal(s.messages, 1);
    io_websocket_resume(s.ws);
    expect(&s, "\x81\x03two", 5);
    s.drop_next = true;
    io_websocket_resume(s.ws);
    put_text(&b, 0x81, "three");
    send_all(&s, &b);
    expect(&s, "\x88\x02\x03\xe9", 4);
    assert_null(s.ws);
    server_end(&s);
}

static void test_faults(void **state)
{
    (void)state;
    struct server s;
    struct buf b = BUF_INIT;
    server_begin(&s);
    connect_client(&s, &b);
    buf_append(&b, "\x81\x05Hello", 7);
    send_all(&s, &b);
    expect(&s, "\x88\x02\x03\xea", 4);
    assert_true(s.closed);
    server_end(&s);
}

/* A client that has gone without a word is asked, and closed. */
static void test_half_open(void **state)
{
    (void)state;
    struct server s;
    struct buf b = BUF_INIT;
    server_begin(&s);
    s.options.ping_ms = 20;
    s.options.pong_ms = 20;
    connect_client(&s, &b);
    send_all(&s, &b);
    expect(&s, "\x89\x00", 2);
    put(&b, 0x8a, "", 0);
    send_all(&s, &b);
    expect(&s, "\x89\x00", 2);
    expect(&s, NULL, 0);
    assert_true(s.closed);
    server_end(&s);
}

/* A message that never comes to its end is not kept for ever. */
static void test_slow(void **state)
{
    (void)state;
    struct server s;
    struct buf b = BUF_INIT;
    server_begin(&s);
    s.options.ping_ms = 20;
    connect_client(&s, &b);
    put(&b, 0x02, "begins", 6);
    alarm(60);
    while (!s.closed) {
        if (b.len && send(s.fd, b.data, b.len, MSG_NOSIGNAL) != (ssize_t)b.len)
            break;
        buf_clear(&b);
        put(&b, 0x00, "and goes on", 1);
        io_loop_turn(s.loop, false);
        usleep(1000);
    }
    alarm(0);
    while (!s.closed)
        io_loop_turn(s.loop, false);
    assert_int_equal(s.messages, 0);
    buf_release(&b);
    server_end(&s);
}

/* One that asks, and goes on to speak, but never reads an answer, is closed likewise. */
static void test_deaf(void **state)
{
    (void)state;
    struct server s;
    struct buf b = BUF_INIT;
    uint8_t *text = calloc(1, 60000);
    server_begin(&s);
    s.options.pong_ms = 50;
    connect_client(&s, &b);
    for (int i = 0; i < 200; i++)
        put(&b, 0x82, text, 60000);
    alarm(60);
    while (!s.closed) {
        ssize_t len = b.len ? send(s.fd, b.data, b.len, MSG_NOSIGNAL | MSG_DONTWAIT) : 0;
        if (len > 0) {
            b.len -= (size_t)len;
            memmove(b.data, b.data + len, b.len);
        } else if (b.len == 0) {
            put(&b, 0x8a, "", 0);
        }
        io_loop_turn(s.loop, false);
    }
    alarm(0);
    buf_release(&b);
    free(text);
    server_end(&s);
}

/* Until the server has read all that was sent, so many bytes at most: what the system has of it comes within as many turns. */
static void until_read(const struct server *s, size_t len)
{
    enum { TURN = 4096 };
    int left = 0;
    do {
        io_loop_turn(s->loop, false);
        assert_int_equal(ioctl(s->fd, SIOCOUTQ, &left), 0);
    } while (left > 0);
    for (size_t i = 0; i < len / TURN; i++)
        io_loop_turn(s->loop, false);
}

/* Who asks for an answer that he does not read, and pings on and on, is owed one pong: the last. */
static void test_pings(void **state)
{
    (void)state;
    enum { PINGS = 20000, SIZE = 4 << 20 };
    struct server s;
    struct buf b = BUF_INIT;
    char payload[IO_WEBSOCKET_CONTROL_MAX];
    uint8_t *text = calloc(1, SIZE);
    assert_non_null(text);
    server_begin(&s);
    s.options.message_max = SIZE;
    connect_client(&s, &b);
    put(&b, 0x82, text, SIZE);
    for (int i = 0; i < PINGS; i++) {
        memset(payload, i == PINGS - 1 ? 'z' : 'a', sizeof(payload));
        put(&b, 0x89, payload, sizeof(payload));
    }
    for (size_t sent = 0; sent < b.len;) {
        ssize_t len = send(s.fd, b.data + sent, b.len - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        sent += len > 0 ? (size_t)len : 0;
        io_loop_turn(s.loop, false);
    }
    until_read(&s, b.len);
    buf_release(&b);
    assert_in_range(io_streams_waiting(), 1, SIZE + (1 << 20));
    buf_append(&b, "\x8a\x7d", 2);
    buf_append(&b, payload, sizeof(payload));
    expect(&s, b.data, b.len);
    assert_in_range(s.got.len, SIZE, SIZE + (1 << 20));
    assert_int_equal(io_streams_waiting(), 0);
    buf_release(&b);
    free(text);
    server_end(&s);
}

/* A message that grows when all together have enough; what has come of one counts. */
static void test_crowd(void **state)
{
    (void)state;
    enum { SIZE = 90000 };
    struct server s;
    struct buf b = BUF_INIT;
    uint8_t *text = calloc(1, SIZE);
    size_t others = 0;
    assert_non_null(text);
    server_begin(&s);
    s.options.held_max = 1 << 20;
    connect_client(&s, &b);
    put(&b, 0x02, text, SIZE);
    send_all(&s, &b);
    while (!io_held())
        io_loop_turn(s.loop, false);
    assert_in_range(io_held(), SIZE, 3 * SIZE);
    put(&b, 0x80, "the end", 7);
    send_all(&s, &b);
    expect(&s, "the end", 7);
    assert_int_equal(io_held(), 0);
    io_held_set(&others, (1 << 20) + 1);
    put(&b, 0x82, text, 60000);
    put(&b, 0x81, "small", 5);
    send_all(&s, &b);
    expect(&s, "\x81\x05small", 7);
    /* What is sent behind one that is served waits, and is served. */
    s.hold = true;
    put(&b, 0x81, "held", 4);
    send_all(&s, &b);
    expect(&s, "\x81\x04held", 6);
    for (int i = 0; i < 2; i++) { /* no more than the system takes */
        put(&b, 0x82, text, 60000);
        send_all(&s, &b);
        for (int turn = 0; turn < 10; turn++)
            io_loop_turn(s.loop, false);
    }
    assert_int_equal(io_held(), others);
    s.hold = false;
    io_websocket_resume(s.ws);
    while (s.messages < 6)
        io_loop_turn(s.loop, false);
    put(&b, 0x02, text, SIZE);
    send_all(&s, &b);
    expect(&s, "\x88\x02\x03\xf5", 4);
    assert_true(s.closed);
    assert_int_equal(io_held(), others);
    io_held_set(&others, 0);
    free(text);
    server_end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_example), cmocka_unit_test(test_fragments),
        cmocka_unit_test(test_wrong),   cmocka_unit_test(test_handshake),
        cmocka_unit_test(test_echo),    cmocka_unit_test(test_paused),
        cmocka_unit_test(test_faults),  cmocka_unit_test(test_half_open),
        cmocka_unit_test(test_deaf),    cmocka_unit_test(test_slow),
        cmocka_unit_test(test_pings),   cmocka_unit_test(test_crowd),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
