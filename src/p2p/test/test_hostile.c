/* A server and peers made by hand, who keep no rule or stay silent, over real sockets on loopback. */
#include "base/mem.h"
#include "crypto/random.h"
#include "p2p/rlpx/message.h"
#include "p2p/test/server_net.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* Speaks RLPx and then whatever the test wants. */
struct raw {
    struct io_stream *stream;
    struct crypto_private_key key;
    struct p2p_enode target;
    struct p2p_handshake handshake;
    struct p2p_frames in, out;
    struct buf got;   /* bytes not worked off */
    struct buf codes; /* of the messages that came: a byte each */
    size_t body;      /* of the frame whose head has come */
    enum p2p_reason reason;
    bool framed, headed, closed, disconnected;
};

static void raw_connected(void *context, struct io_stream *stream)
{
    struct raw *raw = context;
    struct bytes auth;
    assert_int_equal(p2p_handshake_start(&raw->handshake, &raw->target.key, &auth), 0);
    io_stream_write(stream, auth);
}

static void take_off(struct buf *b, size_t len)
{
    memmove(b->data, b->data + len, b->len - len);
    b->len -= len;
}

static void take_message(struct raw *raw, struct bytes message)
{
    struct bytes packed;
    uint32_t code;
    assert_int_equal(p2p_message_split(message, &code, &packed), P2P_MESSAGE_OK);
    buf_append_byte(&raw->codes, (uint8_t)code);
    if (code != P2P_DISCONNECT)
        return;
    raw->disconnected = true;
    struct buf plain = BUF_INIT;
    if (p2p_message_unpack(&plain, packed, 100) == P2P_MESSAGE_OK)
        packed = buf_bytes(&plain);
    raw->reason = p2p_disconnect_decode(packed);
    buf_release(&plain);
}

static void raw_read(void *context, struct io_stream *stream, struct bytes data)
{
    struct raw *raw = context;
    (void)stream;
    buf_append_bytes(&raw->got, data);
    size_t len;
    if (!raw->framed) {
        struct p2p_session session;
        if (p2p_handshake_finish(&raw->handshake, buf_bytes(&raw->got), &len, &session) !=
            P2P_HANDSHAKE_DONE)
            return;
        take_off(&raw->got, len);
        assert_int_equal(p2p_frames_init(&raw->in, &session, false), 0);
        assert_int_equal(p2p_frames_init(&raw->out, &session, true), 0);
        raw->framed = true;
    }
    while (raw->got.len >= P2P_FRAME_HEAD) {
        uint8_t head[P2P_FRAME_HEAD];
        memcpy(head, raw->got.data, sizeof(head));
        if (!raw->headed)
            assert_int_equal(p2p_frame_open_head(&raw->in, head, &raw->body), P2P_FRAME_OPEN);
        raw->headed = raw->got.len < p2p_frame_size(raw->body); /* the system cuts anywhere */
        if (raw->headed)
            return;
        assert_int_equal(p2p_frame_open_body(&raw->in, raw->got.data + P2P_FRAME_HEAD, raw->body),
                         P2P_FRAME_OPEN);
        take_message(raw, bytes_of(raw->got.data + P2P_FRAME_HEAD, raw->body));
        take_off(&raw->got, p2p_frame_size(raw->body));
    }
}

static void raw_closed(void *context, struct io_stream *stream, int status, const char *message)
{
    (void)stream;
    (void)status;
    (void)message;
    struct raw *raw = context;
    raw->closed = true;
    raw->stream = NULL;
}

static const struct io_stream_ops raw_ops = {
    .connected = raw_connected, .read = raw_read, .closed = raw_closed};

static void raw_start(struct raw *raw, const struct node *target)
{
    struct p2p_handshake_entropy entropy;
    *raw = (struct raw){.target = target->enode};
    assert_int_equal(crypto_private_key_new(&raw->key), 0);
    assert_int_equal(p2p_handshake_entropy_make(&entropy), 0);
    p2p_handshake_init(&raw->handshake, &raw->key, &entropy);
    assert_int_equal(
        io_connect_tcp(&raw->stream, loop, "127.0.0.1", target->enode.tcp, 0, &raw_ops, raw), 0);
}

static void raw_stop(struct raw *raw)
{
    io_stream_close(raw->stream);
    p2p_handshake_release(&raw->handshake);
    p2p_frames_release(&raw->in);
    p2p_frames_release(&raw->out);
    buf_release(&raw->got);
    buf_release(&raw->codes);
}

/* A frame around a code and bytes as they are. */
static void raw_send(struct raw *raw, uint32_t code, struct bytes packed)
{
    struct buf frame = BUF_INIT;
    uint8_t *at = buf_extend(&frame, p2p_frame_size(P2P_MESSAGE_CODE_MAX + packed.len));
    size_t len = p2p_message_put_code(at + P2P_FRAME_HEAD, code);
    if (packed.len)
        memcpy(at + P2P_FRAME_HEAD + len, packed.data, packed.len);
    len += packed.len;
    assert_int_equal(p2p_frame_seal(&raw->out, at, len), 0);
    io_stream_write(raw->stream, bytes_of(at, p2p_frame_size(len)));
    buf_release(&frame);
}

static void raw_hello(struct raw *raw, uint64_t version, bool own_key)
{
    struct p2p_hello hello = {.version = version, .name = "raw"};
    struct buf b = BUF_INIT;
    hello.capabilities[0] = (struct p2p_capability){"eth", 66};
    hello.capability_count = 1;
    assert_true(crypto_public_key_of(&hello.key, &raw->key));
    if (!own_key)
        hello.key = raw->target.key;
    p2p_hello_encode(&b, &hello);
    raw_send(raw, P2P_HELLO, buf_bytes(&b));
    buf_release(&b);
}

/* A connection whose Hellos have been exchanged. */
static void raw_open(struct raw *raw, struct node *target)
{
    unsigned before = target->opened;
    raw_start(raw, target);
    until(raw->framed && raw->codes.len == 1);
    raw_hello(raw, 5, true);
    until(target->opened == before + 1);
}

static void hostile_first_messages(void **state)
{
    (void)state;
    struct node b;
    struct raw raw;
    node_prepare(&b);
    node_start(&b);
    static const struct {
        uint64_t version;
        bool own_key;
        enum p2p_reason reason;
    } hellos[] = {{4, true, P2P_BAD_VERSION}, {5, false, P2P_UNEXPECTED_IDENTITY}};
    for (size_t i = 0; i < BASE_COUNT(hellos); i++) {
        raw_start(&raw, &b);
        until(raw.framed);
        raw_hello(&raw, hellos[i].version, hellos[i].own_key);
        until(raw.closed);
        assert_true(raw.disconnected);
        assert_int_equal(raw.reason, hellos[i].reason);
        raw_stop(&raw);
    }
    /* Something else first; a Hello over 2 KiB; no Hello at all but an end. */
    static uint8_t large[3000];
    static const struct {
        uint32_t code;
        struct bytes payload;
    } first[] = {{16, {(const uint8_t *)"x", 1}}, {0, {large, sizeof(large)}}, {0, {large, 100}}};
    for (size_t i = 0; i < BASE_COUNT(first); i++) {
        raw_start(&raw, &b);
        until(raw.framed);
        raw_send(&raw, first[i].code, first[i].payload);
        until(raw.closed);
        assert_int_equal(raw.reason, P2P_PROTOCOL_BREACH);
        raw_stop(&raw);
    }
    raw_start(&raw, &b);
    until(raw.framed);
    buf_clear(&b.reports);
    raw_send(&raw, P2P_DISCONNECT, bytes_str("\xc1\x04"));
    until(raw.closed);
    assert_true(node_reported(&b, "too many peers (by peer)"));
    raw_stop(&raw);
    assert_int_equal(b.opened, 0);

    /* Bytes that are no handshake; an end in the middle of one. */
    for (int i = 0; i < 2; i++) {
        struct raw noise = {0};
        static const struct io_stream_ops noise_ops = {.read = raw_read, .closed = raw_closed};
        buf_clear(&b.reports);
        assert_int_equal(
            io_connect_tcp(&noise.stream, loop, "127.0.0.1", b.enode.tcp, 0, &noise_ops, &noise),
            0);
        io_stream_write(noise.stream, bytes_of(large, i ? 100 : 1000));
        if (i) {
            io_stream_finish(noise.stream, 60000);
            until(node_reported(&b, "peer gone"));
        } else {
            until(noise.closed);
            assert_true(node_reported(&b, p2p_handshake_text(P2P_HANDSHAKE_BAD_SIZE)));
        }
    }
    node_stop(&b);
}

static void hostile_messages(void **state)
{
    (void)state;
    struct node b;
    struct raw raw;
    node_prepare(&b);
    node_start(&b);
    /* Claims of 4 GiB and of one byte too many; not Snappy; a code beyond the windows; a huge code; a base message
     * that is too large; each ends the connection, none takes memory. */
    static const struct {
        uint32_t code;
        const char *packed;
        size_t len;
    } rows[] = {
        {17, "\xff\xff\xff\xff\x0f\x00", 6},
        {17, "\x81\x80\x80\x05\x00", 5},
        {18, "\xff\xff\xff\xff\xff\xff", 6},
        {33, "\x00", 1},
        {UINT32_MAX, "\x00", 1},
        {2, "\x81\x80\x80\x05\x00", 5},
        {16, "", 0},
    };
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        raw_open(&raw, &b);
        raw_send(&raw, rows[i].code, bytes_of(rows[i].packed, rows[i].len));
        until(raw.closed && b.closed == b.opened);
        assert_true(raw.disconnected);
        assert_int_equal(raw.reason, P2P_PROTOCOL_BREACH);
        assert_true(b.server->scratch.capacity < 4096);
        raw_stop(&raw);
    }
    /* A frame that says it has 16 MiB: refused by its head. */
    raw_open(&raw, &b);
    uint8_t *frame = mem_alloc(p2p_frame_size(P2P_FRAME_BODY_MAX));
    memset(frame, 0, p2p_frame_size(P2P_FRAME_BODY_MAX));
    assert_int_equal(p2p_frame_seal(&raw.out, frame, P2P_FRAME_BODY_MAX), 0);
    io_stream_write(raw.stream, bytes_of(frame, P2P_FRAME_HEAD));
    until(raw.closed);
    assert_int_equal(raw.reason, P2P_PROTOCOL_BREACH);
    raw_stop(&raw);
    /* One of 10 MiB that never comes: no memory for it but for what came. */
    raw_open(&raw, &b);
    assert_int_equal(p2p_frame_seal(&raw.out, frame, 10 << 20), 0);
    io_stream_write(raw.stream, bytes_of(frame, P2P_FRAME_HEAD + 1000));
    until(b.peer->have_head && b.peer->end - b.peer->begin == 1000);
    assert_true(b.peer->capacity <= 2 * P2P_READ_BUFFER);
    /* A changed byte: the MAC. */
    frame[P2P_FRAME_HEAD + 2000] ^= 1;
    buf_clear(&b.reports);
    io_stream_write(raw.stream,
                    bytes_of(frame + P2P_FRAME_HEAD + 1000, p2p_frame_tail(10 << 20) - 1000));
    until(raw.closed);
    assert_true(node_reported(&b, "bad frame MAC"));
    assert_false(raw.disconnected);
    raw_stop(&raw);
    mem_free(frame);
    node_stop(&b);
}

/* CVE-2023-40591: pings without end, from a peer that reads no answers. */
static void ping_flood(void **state)
{
    (void)state;
    struct node b;
    struct raw raw;
    node_prepare(&b);
    node_start(&b);
    raw_open(&raw, &b);
    io_stream_pause(raw.stream);
    static const uint8_t ping[] = {0x01, 0x00, 0xc0}; /* Snappy's form of c0 */
    for (int round = 0; round < 100; round++) {
        for (int i = 0; i < 2000; i++)
            raw_send(&raw, P2P_PING, bytes_of(ping, sizeof(ping)));
        until_flushed(io_stream_queued(raw.stream) == 0);
        assert_true(b.peer && p2p_peer_queued(b.peer) <= 2 * P2P_PONG_QUEUE);
    }
    io_stream_resume(raw.stream);
    raw_send(&raw, P2P_PING, bytes_of(ping, sizeof(ping)));
    until(raw.codes.len > 1 && raw.codes.data[raw.codes.len - 1] == P2P_PONG);
    assert_int_equal(b.closed, 0);
    raw_stop(&raw);
    until(b.closed == 1);
    node_stop(&b);
}

/* Any number of connections that begin and never go on: only so many are kept. */
static void half_open_flood(void **state)
{
    (void)state;
    struct node b;
    static struct raw raws[80];
    node_prepare(&b);
    node_start(&b);
    static const struct io_stream_ops silent_ops = {.read = raw_read, .closed = raw_closed};
    for (size_t i = 0; i < BASE_COUNT(raws); i++) {
        raws[i] = (struct raw){0};
        assert_int_equal(io_connect_tcp(&raws[i].stream, loop, "127.0.0.1", b.enode.tcp, 0,
                                        &silent_ops, &raws[i]),
                         0);
    }
    size_t closed = 0;
    while (closed < BASE_COUNT(raws) - P2P_MAX_PENDING) {
        io_loop_turn(loop, true);
        closed = 0;
        for (size_t i = 0; i < BASE_COUNT(raws); i++)
            closed += raws[i].closed;
    }
    assert_int_equal(closed, BASE_COUNT(raws) - P2P_MAX_PENDING);
    /* once they have been silent for a while, one that keeps the rules gets in among them */
    for (struct p2p_peer *peer = b.server->connections; peer; peer = peer->next)
        peer->accepted_at -= P2P_GIVE_WAY;
    struct raw good;
    raw_open(&good, &b);
    assert_non_null(b.peer);
    raw_stop(&good);
    until(b.closed == 1);
    for (size_t i = 0; i < BASE_COUNT(raws); i++)
        io_stream_close(raws[i].stream);
    node_stop(&b);
}

/* Nor do those keep others out who show a key, and then say nothing. */
static void half_open_strangers(void **state)
{
    (void)state;
    struct node b;
    struct raw good;
    static struct raw raws[P2P_MAX_PENDING];
    node_prepare(&b);
    node_start(&b);
    for (size_t i = 0; i < BASE_COUNT(raws); i++) {
        raw_start(&raws[i], &b);
        until(raws[i].codes.len == 1); /* the Hello of the other side */
    }
    raw_start(&good, &b);
    until(good.closed);
    raw_stop(&good);
    for (struct p2p_peer *peer = b.server->connections; peer; peer = peer->next)
        peer->accepted_at -= P2P_GIVE_WAY_HELLO;
    raw_open(&good, &b);
    assert_non_null(b.peer);
    raw_stop(&good);
    until(b.closed == 1);
    for (size_t i = 0; i < BASE_COUNT(raws); i++)
        raw_stop(&raws[i]);
    node_stop(&b);
}

/* What time does, without waiting for it: pings, silence, a peer that does not read. */
static void ticks(void **state)
{
    (void)state;
    struct node b;
    struct raw raw;
    node_prepare(&b);
    node_start(&b);
    raw_open(&raw, &b);
    b.peer->ping_at -= P2P_PING_AFTER;
    p2p_peer_tick(b.peer);
    until(raw.codes.len == 2);
    assert_int_equal(raw.codes.data[1], P2P_PING);
    b.peer->read_at -= P2P_IDLE_TIMEOUT;
    p2p_peer_pause(b.peer); /* silence is not held against one who is held back */
    p2p_peer_tick(b.peer);
    assert_int_equal(b.peer->state, P2P_OPEN);
    p2p_peer_resume(b.peer);
    p2p_peer_tick(b.peer);
    assert_int_equal(b.peer->state, P2P_OPEN);
    b.peer->read_at -= P2P_IDLE_TIMEOUT;
    b.peer->tick_at -= P2P_IDLE_TIMEOUT; /* nor when it was this node that slept */
    p2p_peer_tick(b.peer);
    assert_int_equal(b.peer->state, P2P_OPEN);
    b.peer->read_at -= P2P_IDLE_TIMEOUT;
    p2p_peer_tick(b.peer);
    until(raw.closed && b.closed == 1);
    assert_int_equal(raw.reason, P2P_READ_TIMEOUT);
    raw_stop(&raw);

    raw_open(&raw, &b);
    io_stream_pause(raw.stream);
    struct buf big = BUF_INIT;
    assert_int_equal(crypto_random(buf_extend(&big, P2P_MESSAGE_MAX), P2P_MESSAGE_MAX), 0);
    assert_int_equal(p2p_peer_send(b.peer, "eth", 1, buf_bytes(&big)), 0);
    for (int i = 0; i < 20; i++)
        io_loop_turn(loop, false);
    p2p_peer_tick(b.peer); /* some of it has gone */
    assert_int_equal(b.peer->state, P2P_OPEN);
    b.peer->write_at -= P2P_WRITE_TIMEOUT;
    p2p_peer_tick(b.peer);
    until(b.closed == 2);
    assert_true(node_reported(&b, "write timeout"));
    raw_stop(&raw);

    /* Or it is so much that waiting is not worth it. */
    raw_open(&raw, &b);
    io_stream_pause(raw.stream);
    for (int i = 0; i < 8 && b.closed == 2 && b.peer->state == P2P_OPEN; i++)
        (void)p2p_peer_send(b.peer, "eth", 1, buf_bytes(&big));
    until(b.closed == 3);
    assert_true(node_reported(&b, "it does not read"));
    raw_stop(&raw);
    buf_release(&big);
    node_stop(&b);
}

/* A node whose machine lost power comes again: the old connection, which nobody has closed, gives way; but not while
 * something still comes over it. */
static void came_again(void **state)
{
    (void)state;
    struct node b;
    struct raw first, second;
    node_prepare(&b);
    node_start(&b);
    raw_open(&first, &b);
    raw_start(&second, &b);
    second.key = first.key;
    until(second.closed);
    assert_int_equal(second.reason, P2P_ALREADY_CONNECTED);
    raw_stop(&second);
    assert_int_equal(b.closed, 0);
    b.peer->opened_at -= P2P_STALE_AGE;
    b.peer->read_at -= P2P_STALE_SILENCE;
    buf_clear(&b.log);
    raw_start(&second, &b);
    second.key = first.key;
    until(second.framed && second.codes.len == 1);
    raw_hello(&second, 5, true);
    until(b.opened == 2 && first.closed);
    assert_string_equal(buf_text(&b.log), " -1+");
    assert_int_equal(p2p_server_peer_count(b.server), 1);
    raw_stop(&first);
    raw_stop(&second);
    node_stop(&b);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, loop_new, loop_free)
    const struct CMUnitTest tests[] = {
        TEST(hostile_first_messages),
        TEST(hostile_messages),
        TEST(ping_flood),
        TEST(half_open_flood),
        TEST(half_open_strangers),
        TEST(ticks),
        TEST(came_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
