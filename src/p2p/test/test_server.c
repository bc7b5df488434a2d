/* Servers that talk to each other, and to hostile peers, over real sockets on loopback. */
#include "base/mem.h"
#include "crypto/random.h"
#include "p2p/rlpx/message.h"
#include "p2p/server_internal.h"
#include "rlp/rlp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* ---- nodes ---- */

struct node {
    struct p2p_server *server;
    struct p2p_enode enode;
    struct p2p_protocol protocols[3];
    struct p2p_server_options options;
    struct buf log; /* what happened: "eth+", "eth 3:payload", "eth-4" … */
    struct buf reports;
    struct p2p_peer *peer; /* the last that was opened */
    unsigned opened, closed, asked;
    bool refuse, last_by_peer, report_off;
    enum p2p_reason last_reason;
    size_t received;
};

static struct io_loop *loop;

static int new_loop(void **state)
{
    (void)state;
    return io_loop_new(&loop);
}

static int free_loop(void **state)
{
    (void)state;
    io_loop_free(loop);
    return 0;
}

static void on_opened(void *context, struct p2p_peer *peer)
{
    struct node *node = context;
    node->peer = peer;
    node->opened++;
    buf_append_text(&node->log, "+");
}

static void on_message(void *context, struct p2p_peer *peer, unsigned code, struct bytes payload)
{
    struct node *node = context;
    assert_ptr_equal(peer, node->peer);
    node->received += payload.len;
    buf_append_format(&node->log, " %u:%.*s", code, payload.len < 20 ? (int)payload.len : 0,
                      payload.len ? (const char *)payload.data : "");
}

static void on_closed(void *context, struct p2p_peer *peer, enum p2p_reason reason, bool by_peer)
{
    struct node *node = context;
    node->closed++;
    node->last_reason = reason;
    node->last_by_peer = by_peer;
    if (node->peer == peer)
        node->peer = NULL;
    buf_append_format(&node->log, " -%d", (int)reason);
}

static const struct p2p_protocol_ops ops = {
    .opened = on_opened, .message = on_message, .closed = on_closed};

static bool permit(void *context, const struct p2p_enode *other, bool outgoing)
{
    struct node *node = context;
    (void)outgoing;
    assert_false(p2p_enode_incomplete(other));
    node->asked++;
    return !node->refuse;
}

static void report(void *context, enum p2p_report level, const char *message)
{
    struct node *node = context;
    (void)level;
    if (node->report_off)
        return;
    buf_append_format(&node->reports, "%s\n", message);
}

/* A node with eth/65, eth/66 and istanbul/100, listening; started by start(). */
static void prepare(struct node *node)
{
    *node = (struct node){0};
    node->protocols[0] = (struct p2p_protocol){"istanbul", 100, 22, P2P_MESSAGE_MAX, &ops, node};
    node->protocols[1] = (struct p2p_protocol){"eth", 65, 17, P2P_MESSAGE_MAX, &ops, node};
    node->protocols[2] = (struct p2p_protocol){"eth", 66, 17, P2P_MESSAGE_MAX, &ops, node};
    node->options = (struct p2p_server_options){
        .loop = loop,
        .name = "test/v1",
        .listen = true,
        .listen_host = "127.0.0.1",
        .max_peers = 50,
        .permit = permit,
        .report = report,
        .context = node,
        .protocols = node->protocols,
        .protocol_count = 3,
    };
    assert_int_equal(crypto_private_key_new(&node->options.key), 0);
}

static void start(struct node *node)
{
    struct err_detail detail;
    assert_int_equal(p2p_server_new(&node->server, &node->options, &detail), 0);
    assert_int_equal(p2p_server_start(node->server, &detail), 0);
    p2p_server_self(node->server, &node->enode);
}

static void stop(struct node *node)
{
    p2p_server_free(node->server);
    assert_int_equal(node->opened, node->closed);
    buf_release(&node->log);
    buf_release(&node->reports);
}

#define until(condition)                                                                           \
    while (!(condition))                                                                           \
    io_loop_turn(loop, true)

/* For what becomes true without an event: queues that are flushed before the loop waits. */
#define until_flushed(condition)                                                                   \
    while (!(condition))                                                                           \
    io_loop_turn(loop, false)

static bool reported(struct node *node, const char *text)
{
    return strstr(buf_text(&node->reports), text) != NULL;
}

static void two_nodes_talk(void **state)
{
    (void)state;
    struct node a, b;
    prepare(&a);
    prepare(&b);
    start(&b);
    start(&a);
    assert_int_equal(p2p_server_add_peer(a.server, &b.enode), 0);
    until(a.opened == 2 && b.opened == 2);
    assert_int_equal(a.asked, 1);
    assert_int_equal(b.asked, 1);
    assert_int_equal(p2p_server_peer_count(a.server), 1);
    assert_ptr_equal(p2p_server_peer(a.server, 0), a.peer);
    assert_ptr_equal(p2p_server_find(a.server, &b.enode.id), a.peer);
    struct address address;
    p2p_enode_address(&address, &b.enode);
    assert_ptr_equal(p2p_server_find_address(a.server, &address), a.peer);
    assert_null(p2p_server_find(a.server, &a.enode.id));
    assert_int_equal(p2p_peer_version(a.peer, "eth"), 66);
    assert_int_equal(p2p_peer_version(a.peer, "istanbul"), 100);
    assert_int_equal(p2p_peer_version(a.peer, "snap"), 0);
    assert_string_equal(p2p_peer_name(a.peer), "test/v1");
    assert_string_equal(p2p_peer_capability(a.peer, 0), "eth/65");
    assert_string_equal(p2p_peer_capability(a.peer, 2), "istanbul/100");
    assert_null(p2p_peer_capability(a.peer, 3));
    assert_true(p2p_peer_static(a.peer) && !p2p_peer_inbound(a.peer) && p2p_peer_inbound(b.peer));
    assert_true(io_address_equal(p2p_peer_remote(a.peer), p2p_peer_local(b.peer)));
    p2p_peer_set_data(a.peer, "eth", &a);
    assert_ptr_equal(p2p_peer_data(a.peer, "eth"), &a);
    assert_null(p2p_peer_data(a.peer, "istanbul"));

    buf_clear(&b.log);
    assert_int_equal(p2p_peer_send(a.peer, "eth", 0, bytes_str("first")), 0);
    assert_int_equal(p2p_peer_send(a.peer, "istanbul", 21, bytes_str("last")), 0);
    assert_int_equal(p2p_peer_send(a.peer, "eth", 16, bytes_none()), 0);
    assert_int_equal(p2p_peer_send(a.peer, "eth", 17, bytes_none()), ERR_USAGE);
    assert_int_equal(p2p_peer_send(a.peer, "snap", 0, bytes_none()), ERR_USAGE);
    struct buf packed = BUF_INIT;
    assert_int_equal(p2p_pack(&packed, bytes_str("packed once")), 0);
    assert_int_equal(p2p_peer_send_packed(a.peer, "eth", 2, buf_bytes(&packed)), 0);
    buf_release(&packed);
    until(b.received == 20);
    assert_string_equal(buf_text(&b.log), " 0:first 21:last 16: 2:packed once");

    /* The largest message, incompressible, while the other side talks as well. */
    struct buf big = BUF_INIT;
    assert_int_equal(crypto_random(buf_extend(&big, P2P_MESSAGE_MAX), P2P_MESSAGE_MAX), 0);
    assert_int_equal(p2p_peer_send(a.peer, "eth", 1, buf_bytes(&big)), 0);
    assert_true(p2p_peer_queued(a.peer) > P2P_MESSAGE_MAX);
    buf_append_byte(&big, 0);
    assert_int_equal(p2p_peer_send(a.peer, "eth", 1, buf_bytes(&big)), ERR_LIMIT);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(p2p_peer_send(b.peer, "istanbul", 1, bytes_str("small")), 0);
    until(b.received == 20 + P2P_MESSAGE_MAX && a.received == 5000);
    buf_release(&big);

    p2p_peer_disconnect(a.peer, P2P_USELESS_PEER);
    assert_int_equal(a.closed, 0); /* in the next turn */
    assert_int_equal(p2p_peer_send(a.peer, "eth", 0, bytes_str("too late")), 0);
    assert_null(p2p_server_find(a.server, &b.enode.id));
    until(a.closed == 2 && b.closed == 2);
    assert_int_equal(b.last_reason, P2P_USELESS_PEER);
    assert_true(b.last_by_peer && !a.last_by_peer);
    assert_int_equal(p2p_server_peer_count(b.server), 0);
    stop(&a);
    stop(&b);
}

static void pausing_holds_back(void **state)
{
    (void)state;
    struct node a, b;
    prepare(&a);
    prepare(&b);
    start(&b);
    a.options.static_nodes = &b.enode;
    a.options.static_count = 1;
    start(&a);
    until(a.opened == 2 && b.opened == 2);
    p2p_peer_pause(b.peer);
    p2p_peer_pause(b.peer);
    for (int i = 0; i < 100; i++)
        p2p_peer_send(a.peer, "eth", 1, bytes_str("held"));
    until_flushed(p2p_peer_queued(a.peer) == 0);
    p2p_peer_resume(b.peer);
    for (int i = 0; i < 20; i++)
        io_loop_turn(loop, false);
    assert_int_equal(b.received, 0);
    p2p_peer_resume(b.peer);
    until(b.received == 400);
    stop(&a);
    until(b.closed == 2);
    assert_int_equal(b.last_reason, P2P_QUITTING);
    stop(&b);
}

/* Connections that must not come about: what either side gets to know of it. */
static void refusals(void **state)
{
    (void)state;
    struct node a, b;
    /* No permission: a bare end before Hello. */
    prepare(&a);
    prepare(&b);
    b.refuse = true;
    start(&b);
    a.options.static_nodes = &b.enode;
    a.options.static_count = 1;
    start(&a);
    until(reported(&a, "peer gone") && reported(&b, "peer gone"));
    assert_true(reported(&b, "permission denied"));
    assert_false(reported(&a, "by peer"));
    stop(&a);
    stop(&b);

    /* Too many, each with its Disconnect. */
    prepare(&a);
    prepare(&b);
    b.options.max_peers = 0;
    start(&b);
    a.options.static_nodes = &b.enode;
    a.options.static_count = 1;
    start(&a);
    until(reported(&a, "too many peers (by peer)"));
    /* A trusted node may come nevertheless. */
    assert_int_equal(p2p_server_add_trusted(b.server, &a.enode), 0);
    until(a.opened == 2 && b.opened == 2);
    assert_true(p2p_peer_trusted(b.peer));
    p2p_server_remove_trusted(b.server, &a.enode);
    assert_false(p2p_peer_trusted(b.peer));
    p2p_server_remove_peer(a.server, &b.enode);
    until(a.closed == 2 && b.closed == 2);
    assert_int_equal(b.last_reason, P2P_REQUESTED);
    stop(&a);
    stop(&b);

    /* Nothing in common. */
    prepare(&a);
    prepare(&b);
    b.protocols[0].version = 1;
    b.protocols[1].version = 1;
    b.protocols[2].version = 2;
    start(&b);
    a.options.static_nodes = &b.enode;
    a.options.static_count = 1;
    start(&a);
    until(reported(&a, "useless peer") && reported(&b, "useless peer"));
    stop(&a);
    stop(&b);

    /* Another key than the one that was dialled: the other side cannot even read what is sent. */
    prepare(&a);
    prepare(&b);
    start(&b);
    start(&a);
    struct p2p_enode wrong = b.enode;
    struct p2p_enode itself = a.enode;
    p2p_enode_make(&wrong, &a.enode.key, &b.enode.ip, b.enode.tcp, 0);
    struct crypto_private_key other;
    struct crypto_public_key other_public;
    assert_int_equal(crypto_private_key_new(&other), 0);
    assert_true(crypto_public_key_of(&other_public, &other));
    p2p_enode_make(&wrong, &other_public, &b.enode.ip, b.enode.tcp, 0);
    assert_int_equal(p2p_server_add_peer(a.server, &wrong), 0);
    assert_int_equal(p2p_server_add_peer(a.server, &itself), 0); /* never dialled */
    until(reported(&b, p2p_handshake_text(P2P_HANDSHAKE_BAD_PACKET)));
    assert_int_equal(a.opened + b.opened, 0);
    stop(&a);
    stop(&b);
}

/* Both dial each other at once: one connection comes of it, the same for both, every time. */
static void both_dial(void **state)
{
    (void)state;
    for (int round = 0; round < 20; round++) {
        struct node a, b;
        prepare(&a);
        prepare(&b);
        start(&a);
        start(&b);
        assert_int_equal(p2p_server_add_peer(a.server, &b.enode), 0);
        for (int i = 0; i < round % 5; i++)
            io_loop_turn(loop, false);
        assert_int_equal(p2p_server_add_peer(b.server, &a.enode), 0);
        until(a.opened == 2 && b.opened == 2 && !a.server->connections->next &&
              !b.server->connections->next);
        assert_int_equal(a.closed + b.closed, 0);
        assert_true(io_address_equal(p2p_peer_remote(a.peer), p2p_peer_local(b.peer)));
        stop(&a);
        stop(&b);
    }
}

/* Two that end in one turn of the loop: neither is dialled again at once. */
static void ends_together(void **state)
{
    (void)state;
    struct node a, b, c;
    prepare(&a);
    prepare(&b);
    prepare(&c);
    start(&b);
    start(&c);
    struct p2p_enode both[] = {b.enode, c.enode};
    a.options.static_nodes = both;
    a.options.static_count = 2;
    start(&a);
    until(a.opened == 4 && b.opened == 2 && c.opened == 2);
    for (struct p2p_peer *peer = a.server->connections; peer; peer = peer->next)
        p2p_peer_disconnect(peer, P2P_REQUESTED);
    until(a.closed == 4);
    for (int i = 0; i < 2; i++) {
        assert_false(p2p_dial_connected(a.server, &both[i].id));
        assert_true(p2p_dial_find(a.server, &both[i].id)->due > io_loop_now(loop));
    }
    stop(&a);
    stop(&b);
    stop(&c);
}

static void penalties(void **state)
{
    (void)state;
    struct node a, b;
    prepare(&a);
    prepare(&b);
    start(&b);
    a.options.static_nodes = &b.enode;
    a.options.static_count = 1;
    start(&a);
    until(a.opened == 2 && b.opened == 2);
    p2p_peer_penalize(b.peer, 60, "an announced block that it does not have");
    assert_int_equal(p2p_server_peer_count(b.server), 1);
    p2p_peer_penalize(b.peer, 60, "again");
    until(a.closed == 2 && b.closed == 2);
    assert_int_equal(a.last_reason, P2P_USELESS_PEER);
    /* It comes again after a second, and is not let in. */
    buf_clear(&a.reports);
    until(reported(&a, "useless peer (by peer)"));
    assert_int_equal(b.opened, 2);
    stop(&a);
    stop(&b);
}

/* ---- a hostile peer ---- */

/* Speaks RLPx and then whatever the test wants. */
struct raw {
    struct io_stream *stream;
    struct crypto_private_key key;
    struct p2p_enode target;
    struct p2p_handshake handshake;
    struct p2p_frames in, out;
    struct buf got;   /* bytes not worked off */
    struct buf codes; /* of the messages that came: a byte each */
    enum p2p_reason reason;
    bool framed, closed, disconnected, deaf;
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
        struct p2p_frames before = raw->in;
        uint8_t head[P2P_FRAME_HEAD];
        memcpy(head, raw->got.data, sizeof(head));
        assert_int_equal(p2p_frame_open_head(&raw->in, head, &len), P2P_FRAME_OPEN);
        assert_true(raw->got.len >= p2p_frame_size(len)); /* small ones come whole here */
        (void)before;
        assert_int_equal(p2p_frame_open_body(&raw->in, raw->got.data + P2P_FRAME_HEAD, len),
                         P2P_FRAME_OPEN);
        struct bytes packed;
        uint32_t code;
        assert_int_equal(
            p2p_message_split(bytes_of(raw->got.data + P2P_FRAME_HEAD, len), &code, &packed),
            P2P_MESSAGE_OK);
        buf_append_byte(&raw->codes, (uint8_t)code);
        if (code == P2P_DISCONNECT) {
            raw->disconnected = true;
            struct buf plain = BUF_INIT;
            if (p2p_message_unpack(&plain, packed, 100) == P2P_MESSAGE_OK)
                packed = buf_bytes(&plain);
            raw->reason = p2p_disconnect_decode(packed);
            buf_release(&plain);
        }
        take_off(&raw->got, p2p_frame_size(len));
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
    prepare(&b);
    start(&b);
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
    assert_true(reported(&b, "too many peers (by peer)"));
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
            until(reported(&b, "peer gone"));
        } else {
            until(noise.closed);
            assert_true(reported(&b, p2p_handshake_text(P2P_HANDSHAKE_BAD_SIZE)));
        }
    }
    stop(&b);
}

static void hostile_messages(void **state)
{
    (void)state;
    struct node b;
    struct raw raw;
    prepare(&b);
    start(&b);
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
    assert_true(reported(&b, "bad frame MAC"));
    assert_false(raw.disconnected);
    raw_stop(&raw);
    mem_free(frame);
    stop(&b);
}

/* CVE-2023-40591: pings without end, from a peer that reads no answers. */
static void ping_flood(void **state)
{
    (void)state;
    struct node b;
    struct raw raw;
    prepare(&b);
    start(&b);
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
    stop(&b);
}

/* Any number of connections that begin and never go on: only so many are kept. */
static void half_open_flood(void **state)
{
    (void)state;
    struct node b;
    static struct raw raws[80];
    prepare(&b);
    start(&b);
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
    for (size_t i = 0; i < BASE_COUNT(raws); i++)
        io_stream_close(raws[i].stream);
    stop(&b);
}

/* Two that know only a third find each other. */
static void discovery_brings_together(void **state)
{
    (void)state;
    struct node boot, a, b;
    struct err_detail detail;
    struct p2p_enode third;
    char text[P2P_ENODE_TEXT];
    prepare(&boot);
    /* Discovery alone, as the program bootnode has it. */
    boot.options.discovery = true;
    boot.options.listen = false;
    boot.options.no_dial = true;
    boot.options.max_peers = 0;
    start(&boot);
    p2p_enode_format(text, &boot.enode);
    char wanted[64];
    snprintf(wanted, sizeof(wanted), "@127.0.0.1:0?discport=%u", boot.enode.udp);
    assert_non_null(strstr(text, wanted));
    assert_memory_equal(p2p_server_enr(boot.server), "enr:-", 5);
    /* Another value of "eth" is another record, the same value is not. */
    char first[P2P_RECORD_TEXT], second[P2P_RECORD_TEXT];
    static const uint8_t entry[P2P_ETH_ENTRY_MAX + 1] = {0xc7, 0xc6, 0x84, 1, 2, 3, 4, 0x80};
    snprintf(first, sizeof(first), "%s", p2p_server_enr(boot.server));
    assert_int_equal(p2p_server_set_eth_entry(boot.server, bytes_of(entry, 8)), 0);
    snprintf(second, sizeof(second), "%s", p2p_server_enr(boot.server));
    assert_string_not_equal(second, first);
    assert_int_equal(p2p_server_set_eth_entry(boot.server, bytes_of(entry, 8)), 0);
    assert_string_equal(p2p_server_enr(boot.server), second);
    assert_int_equal(p2p_server_set_eth_entry(boot.server, bytes_of(entry, sizeof(entry))),
                     ERR_LIMIT);
    assert_string_equal(p2p_server_enr(boot.server), second);
    /* By its name, which is looked up. */
    char *at = strstr(text, "127.0.0.1");
    snprintf(at, (size_t)(text + sizeof(text) - at), "localhost:0?discport=%u", boot.enode.udp);
    assert_int_equal(p2p_enode_parse(&third, text, &detail), 0);
    prepare(&a);
    prepare(&b);
    a.options.discovery = b.options.discovery = true;
    a.options.boot_nodes = b.options.boot_nodes = &third;
    a.options.boot_count = b.options.boot_count = 1;
    start(&a);
    start(&b);
    p2p_enode_format(text, &a.enode);
    assert_null(strchr(text, '?')); /* UDP on the same port */
    until(p2p_server_find(a.server, &b.enode.id) && p2p_server_find(b.server, &a.enode.id));
    stop(&a);
    stop(&b);
    stop(&boot);
}

/* What time does, without waiting for it: pings, silence, a peer that does not read. */
static void ticks(void **state)
{
    (void)state;
    struct node b;
    struct raw raw;
    prepare(&b);
    start(&b);
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
    assert_true(reported(&b, "write timeout"));
    raw_stop(&raw);

    /* Or it is so much that waiting is not worth it. */
    raw_open(&raw, &b);
    io_stream_pause(raw.stream);
    for (int i = 0; i < 8 && b.closed == 2 && b.peer->state == P2P_OPEN; i++)
        (void)p2p_peer_send(b.peer, "eth", 1, buf_bytes(&big));
    until(b.closed == 3);
    assert_true(reported(&b, "it does not read"));
    raw_stop(&raw);
    buf_release(&big);
    stop(&b);
}

/* A node whose machine lost power comes again: the old connection, which nobody has closed, gives way; but not while
 * something still comes over it. */
static void came_again(void **state)
{
    (void)state;
    struct node b;
    struct raw first, second;
    prepare(&b);
    start(&b);
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
    stop(&b);
}

/* Each allocation fails once: while a server is made, and while two connect and talk; then all goes on. */
static void out_of_memory(void **state)
{
    (void)state;
    struct node a, b;
    struct err_detail detail;
    prepare(&a);
    prepare(&b);
    start(&b);
    a.options.static_nodes = a.options.trusted_nodes = &b.enode;
    a.options.static_count = a.options.trusted_count = 1;
    size_t failures = 0;
    for (size_t n = 1;; n++, failures++) {
        mem_fail_at(n, 1);
        int status = p2p_server_new(&a.server, &a.options, &detail);
        mem_fail_at(0, 0);
        if (status == 0)
            break;
        assert_int_equal(status, ERR_NOMEM);
    }
    assert_true(failures >= 5);
    p2p_server_free(a.server);

    a.report_off = b.report_off = true; /* logs of the test take memory too */
    for (size_t n = 1; n < 60; n++) {
        unsigned opened = a.opened;
        struct err_detail start_detail;
        assert_int_equal(p2p_server_new(&a.server, &a.options, &detail), 0);
        assert_int_equal(p2p_server_start(a.server, &start_detail), 0);
        mem_fail_at(n, 1);
        for (int i = 0; i < 40; i++)
            io_loop_turn(loop, false);
        mem_fail_at(0, 0);
        /* Unless it has come about in spite of it, it does at the next try. */
        until(a.opened == opened + 2 || a.server->connections == NULL);
        p2p_server_free(a.server);
        assert_int_equal(a.opened, a.closed);
        until(b.opened == b.closed && !b.server->connections);
    }
    assert_true(a.opened > 20);
    a.server = NULL;
    stop(&a);
    stop(&b);
}

static void wrong_options(void **state)
{
    (void)state;
    struct node a;
    struct p2p_server *server;
    struct err_detail detail;
    prepare(&a);
    memset(a.options.key.b, 0, 32);
    assert_int_equal(p2p_server_new(&server, &a.options, &detail), ERR_INPUT);
    assert_string_equal(detail.text, "node key: not a valid private key");
    prepare(&a);
    a.options.external_ip = "nowhere";
    assert_int_equal(p2p_server_new(&server, &a.options, &detail), ERR_INPUT);
    assert_string_equal(detail.text, "external IP \"nowhere\": not an IP address");
    prepare(&a);
    a.options.external_ip = "10.1.2.3";
    a.options.discovery = false;
    start(&a);
    char text[P2P_ENODE_TEXT], wanted[40];
    p2p_enode_format(text, &a.enode);
    snprintf(wanted, sizeof(wanted), "@10.1.2.3:%u?discport=0", p2p_server_address(a.server)->port);
    assert_non_null(strstr(text, wanted));
    struct node b;
    prepare(&b);
    b.options.port = a.enode.tcp;
    assert_int_equal(p2p_server_new(&b.server, &b.options, &detail), 0);
    assert_int_equal(p2p_server_start(b.server, &detail), ERR_IO);
    assert_non_null(strstr(detail.text, "address already in use"));
    stop(&b);
    stop(&a);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, new_loop, free_loop)
    const struct CMUnitTest tests[] = {
        TEST(two_nodes_talk),
        TEST(pausing_holds_back),
        TEST(refusals),
        TEST(both_dial),
        TEST(ends_together),
        TEST(penalties),
        TEST(hostile_first_messages),
        TEST(hostile_messages),
        TEST(ping_flood),
        TEST(half_open_flood),
        TEST(ticks),
        TEST(came_again),
        TEST(out_of_memory),
        TEST(discovery_brings_together),
        TEST(wrong_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
