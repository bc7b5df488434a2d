#include "p2p/rlpx/message.h"

#include "base/mem.h"
#include "p2p/server_internal.h"

#include <stdio.h>

/* ---- sending ---- */

/* Seals a frame around code and payload, packed or to be packed, in the stream's queue. */
static int send_frame(struct p2p_peer *peer, uint32_t code, struct bytes payload, bool pack)
{
    if (!peer->stream)
        return 0;
    if (io_stream_queued(peer->stream) > P2P_QUEUE_MAX) {
        p2p_peer_drop(peer, "it does not read: %zu bytes wait", io_stream_queued(peer->stream));
        return 0;
    }
    size_t most = P2P_MESSAGE_CODE_MAX + (pack ? p2p_message_packed_max(payload.len) : payload.len);
    uint8_t *frame = io_stream_write_room(peer->stream, p2p_frame_size(most));
    if (!frame)
        return ERR_NOMEM;
    uint8_t *body = frame + P2P_FRAME_HEAD;
    size_t len = p2p_message_put_code(body, code);
    if (pack) {
        len += p2p_message_pack(body + len, payload);
    } else if (payload.len) {
        memcpy(body + len, payload.data, payload.len);
        len += payload.len;
    }
    int status = p2p_frame_seal(&peer->out, frame, len);
    io_stream_write_trim(peer->stream, p2p_frame_size(most) - p2p_frame_size(len));
    peer->written += p2p_frame_size(len);
    peer->server->traffic.egress += p2p_frame_size(len);
    if (status < 0)
        p2p_peer_drop(peer, "%s", err_text(status));
    return status;
}

int p2p_peer_send_base(struct p2p_peer *peer, enum p2p_base_code code, struct bytes payload)
{
    return send_frame(peer, (uint32_t)code, payload, peer->state == P2P_OPEN);
}

static const struct p2p_window *find_window(const struct p2p_peer *peer, const char *protocol)
{
    for (size_t i = 0; i < peer->window_count; i++) {
        if (strcmp(peer->server->offers[peer->windows[i].offer].name, protocol) == 0)
            return &peer->windows[i];
    }
    return NULL;
}

int p2p_peer_send(struct p2p_peer *peer, const char *protocol, unsigned code, struct bytes payload)
{
    if (peer->state != P2P_OPEN)
        return 0;
    const struct p2p_window *window = find_window(peer, protocol);
    if (!window || code >= window->length)
        return ERR_USAGE;
    if (payload.len > P2P_MESSAGE_MAX)
        return ERR_LIMIT;
    return send_frame(peer, window->offset + code, payload, true);
}

size_t p2p_peer_queued(const struct p2p_peer *peer)
{
    return peer->stream ? io_stream_queued(peer->stream) : 0;
}

/* ---- Hello ---- */

static int keep_hello(struct p2p_peer *peer, const struct p2p_hello *hello)
{
    peer->hello = mem_alloc(sizeof(*hello));
    peer->capability_texts =
        mem_alloc_zeroed(hello->capability_count + 1, sizeof(*peer->capability_texts));
    if (!peer->hello || !peer->capability_texts)
        return ERR_NOMEM;
    *peer->hello = *hello;
    for (size_t i = 0; i < hello->capability_count; i++)
        snprintf(peer->capability_texts[i], sizeof(*peer->capability_texts), "%s/%u",
                 hello->capabilities[i].name, hello->capabilities[i].version);
    return 0;
}

/* Besu's way to join IBFT networks is a capability of its own, which GoQuorum reads as one that nobody has. */
static bool besu_alone(const struct p2p_hello *hello)
{
    return hello->capability_count == 1 && hello->capabilities[0].version == 99 &&
           strcmp(hello->capabilities[0].name, "istanbul") == 0;
}

static void open_protocols(struct p2p_peer *peer)
{
    struct p2p_server *server = peer->server;
    peer->opened = true;
    /* All are told, even when one of them ends the connection: each `closed` has its `opened`. */
    for (size_t i = 0; i < peer->window_count; i++) {
        const struct p2p_protocol *protocol = &server->protocols[peer->windows[i].offer];
        protocol->ops->opened(protocol->context, peer);
    }
}

static void on_hello(struct p2p_peer *peer, struct bytes payload)
{
    struct p2p_server *server = peer->server;
    struct p2p_hello hello;
    enum p2p_reason reason = p2p_hello_decode(&hello, payload);
    if (reason == P2P_REQUESTED && memcmp(hello.key.b, peer->node.key.b, sizeof(hello.key.b)) != 0)
        reason = P2P_UNEXPECTED_IDENTITY;
    if (reason == P2P_REQUESTED && hello.version < P2P_VERSION)
        reason = P2P_BAD_VERSION;
    if (reason != P2P_REQUESTED) {
        p2p_peer_end(peer, reason, false, "its Hello");
        return;
    }
    p2p_capabilities_sort(hello.capabilities, hello.capability_count);
    if (!besu_alone(&hello))
        peer->window_count = p2p_windows(peer->windows, server->offers, server->protocol_count,
                                         hello.capabilities, hello.capability_count);
    if (peer->window_count == 0) {
        p2p_peer_end(peer, P2P_USELESS_PEER, false, "no capability in common");
        return;
    }
    reason = p2p_server_admit(server, peer); /* others may have come in meanwhile */
    if (reason != P2P_REQUESTED) {
        peer->window_count = 0;
        p2p_peer_end(peer, reason, false, "refused");
        return;
    }
    if (keep_hello(peer, &hello) < 0 || p2p_server_opened(server, peer) < 0) {
        peer->window_count = 0;
        p2p_peer_drop(peer, "out of memory");
        return;
    }
    peer->state = P2P_OPEN;
    peer->tick_at = peer->opened_at = peer->read_at = peer->ping_at = peer->write_at =
        io_loop_now(server->loop);
    io_timer_start(&peer->timer, P2P_TICK);
    char remote[IO_ADDRESS_TEXT];
    io_address_format(remote, &peer->remote);
    p2p_report(server, P2P_REPORT_INFO, "peer connected: id=%02x%02x%02x%02x %s %s%s",
               peer->node.id.b[0], peer->node.id.b[1], peer->node.id.b[2], peer->node.id.b[3],
               remote, hello.name, peer->inbound ? " [inbound]" : " [outbound]");
    if (server->options.peer)
        server->options.peer(server->options.context, peer, NULL);
    open_protocols(peer);
}

/* ---- receiving ---- */

static void on_base(struct p2p_peer *peer, uint32_t code, struct bytes payload)
{
    static const uint8_t empty_list = 0xc0;
    if (code == P2P_DISCONNECT) {
        p2p_peer_end(peer, p2p_disconnect_decode(payload), true, "Disconnect");
    } else if (code == P2P_PING && io_stream_queued(peer->stream) < P2P_PONG_QUEUE) {
        (void)p2p_peer_send_base(peer, P2P_PONG, bytes_of(&empty_list, 1));
    }
    /* The others, Pong among them, say nothing that a read has not said. */
}

/* Unpacks into the server's scratch; ends the connection when it cannot be. */
static bool unpack(struct p2p_peer *peer, uint32_t code, struct bytes packed, size_t max)
{
    static const char *const faults[] = {
        [P2P_MESSAGE_BAD_SNAPPY] = "is not compressed with Snappy",
        [P2P_MESSAGE_TOO_LARGE] = "is too large",
    };
    int status = p2p_message_unpack(&peer->server->scratch, packed, max);
    if (status == P2P_MESSAGE_OK)
        return true;
    if (status < 0)
        p2p_peer_drop(peer, "%s", err_text(status));
    else
        p2p_peer_end(peer, P2P_PROTOCOL_BREACH, false, "message 0x%02x %s", code, faults[status]);
    return false;
}

static void on_message(struct p2p_peer *peer, uint32_t code, struct bytes packed)
{
    struct p2p_server *server = peer->server;
    for (size_t i = 0; i < peer->window_count; i++) {
        const struct p2p_window *window = &peer->windows[i];
        if (code < window->offset || code - window->offset >= window->length)
            continue;
        const struct p2p_protocol *protocol = &server->protocols[window->offer];
        if (unpack(peer, code, packed, protocol->max_message))
            protocol->ops->message(protocol->context, peer, code - window->offset,
                                   buf_bytes(&server->scratch));
        if (server->scratch.capacity > P2P_SCRATCH_KEEP)
            buf_release(&server->scratch);
        return;
    }
    p2p_peer_end(peer, P2P_PROTOCOL_BREACH, false, "message code out of range: %u", code);
}

void p2p_peer_body(struct p2p_peer *peer, struct bytes body)
{
    uint32_t code;
    struct bytes packed;
    if (p2p_message_split(body, &code, &packed) != P2P_MESSAGE_OK) {
        p2p_peer_end(peer, P2P_PROTOCOL_BREACH, false, "invalid message code");
    } else if (peer->state == P2P_WAIT_HELLO) {
        if (code == P2P_HELLO)
            on_hello(peer, packed);
        else if (code == P2P_DISCONNECT)
            on_base(peer, code, packed);
        else
            p2p_peer_end(peer, P2P_PROTOCOL_BREACH, false, "expected handshake, got %x", code);
    } else if (code >= P2P_BASE_LENGTH) {
        on_message(peer, code, packed);
    } else if (unpack(peer, code, packed, P2P_HELLO_MAX)) {
        on_base(peer, code, buf_bytes(&peer->server->scratch));
    }
}

/* ---- time ---- */

void p2p_peer_tick(struct p2p_peer *peer)
{
    static const uint8_t empty_list = 0xc0;
    uint64_t now = io_loop_now(peer->server->loop);
    if (now - peer->tick_at >= 2 * P2P_TICK) {
        /* This process stood still (a suspended machine): what has come meanwhile has not been read yet. */
        peer->read_at = peer->write_at = now;
    }
    peer->tick_at = now;
    uint64_t progress = peer->written - io_stream_queued(peer->stream);
    if (progress != peer->progress || io_stream_queued(peer->stream) == 0) {
        peer->progress = progress;
        peer->write_at = now;
    }
    if (now - peer->write_at >= P2P_WRITE_TIMEOUT) {
        p2p_peer_drop(peer, "write timeout");
        return;
    }
    if (now - peer->read_at >= P2P_IDLE_TIMEOUT && !peer->paused) {
        p2p_peer_end(peer, P2P_READ_TIMEOUT, false, "nothing heard for %d s",
                     P2P_IDLE_TIMEOUT / 1000);
        return;
    }
    if (now - peer->ping_at >= P2P_PING_AFTER) {
        peer->ping_at = now;
        (void)p2p_peer_send_base(peer, P2P_PING, bytes_of(&empty_list, 1));
    }
    if (peer->state == P2P_OPEN)
        io_timer_start(&peer->timer, P2P_TICK);
}

/* ---- the peer's other functions ---- */

void p2p_peer_disconnect(struct p2p_peer *peer, enum p2p_reason reason)
{
    p2p_peer_end(peer, reason, false, "disconnected by this node");
}

void p2p_peer_penalize(struct p2p_peer *peer, unsigned points, const char *why)
{
    struct p2p_server *server = peer->server;
    uint64_t now = io_loop_now(server->loop);
    while (peer->score && now - peer->score_at >= P2P_SCORE_HALF_LIFE) {
        peer->score /= 2;
        peer->score_at += P2P_SCORE_HALF_LIFE;
    }
    if (peer->score == 0)
        peer->score_at = now;
    unsigned left = P2P_SCORE_LIMIT - peer->score;
    peer->score += points < left ? points : left;
    p2p_report(server, P2P_REPORT_DEBUG, "peer %02x%02x%02x%02x: %u points: %s", peer->node.id.b[0],
               peer->node.id.b[1], peer->node.id.b[2], peer->node.id.b[3], peer->score, why);
    if (peer->score < P2P_SCORE_LIMIT || peer->state == P2P_ENDED)
        return;
    if (!peer->trusted)
        p2p_memory_add(&server->banned, &peer->node.id, now + P2P_BAN, now);
    p2p_peer_end(peer, P2P_USELESS_PEER, false, "%s", why);
}

unsigned p2p_peer_version(const struct p2p_peer *peer, const char *protocol)
{
    const struct p2p_window *window = find_window(peer, protocol);
    return window ? peer->server->offers[window->offer].version : 0;
}

void p2p_peer_set_data(struct p2p_peer *peer, const char *protocol, void *data)
{
    const struct p2p_window *window = find_window(peer, protocol);
    assert(window);
    peer->data[window - peer->windows] = data;
}

void *p2p_peer_data(const struct p2p_peer *peer, const char *protocol)
{
    const struct p2p_window *window = find_window(peer, protocol);
    return window ? peer->data[window - peer->windows] : NULL;
}

const struct hash256 *p2p_peer_id(const struct p2p_peer *peer)
{
    return &peer->node.id;
}

const struct address *p2p_peer_address(const struct p2p_peer *peer)
{
    return &peer->address;
}

const struct p2p_enode *p2p_peer_node(const struct p2p_peer *peer)
{
    return &peer->node;
}

const char *p2p_peer_name(const struct p2p_peer *peer)
{
    return peer->hello ? peer->hello->name : "";
}

const char *p2p_peer_capability(const struct p2p_peer *peer, size_t index)
{
    return peer->hello && index < peer->hello->capability_count ? peer->capability_texts[index]
                                                                : NULL;
}

const struct io_address *p2p_peer_remote(const struct p2p_peer *peer)
{
    return &peer->remote;
}

const struct io_address *p2p_peer_local(const struct p2p_peer *peer)
{
    return &peer->local;
}

bool p2p_peer_inbound(const struct p2p_peer *peer)
{
    return peer->inbound;
}

bool p2p_peer_trusted(const struct p2p_peer *peer)
{
    return peer->trusted;
}

bool p2p_peer_static(const struct p2p_peer *peer)
{
    return peer->is_static;
}
