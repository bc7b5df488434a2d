#include "base/mem.h"
#include "p2p/server_internal.h"

#include <stdarg.h>
#include <stdio.h>

/* ---- the end ---- */

static void say_why(struct p2p_peer *peer, const char *format, va_list args)
{
    vsnprintf(peer->why, sizeof(peer->why), format, args);
}

static void end(struct p2p_peer *peer, enum p2p_reason reason, bool by_peer, bool tell)
{
    bool was_open = peer->state == P2P_OPEN;
    peer->reason = reason;
    peer->by_peer = by_peer;
    if (tell && peer->framed && peer->stream && !by_peer && reason != P2P_NETWORK_ERROR) {
        struct buf payload = BUF_INIT;
        p2p_disconnect_encode(&payload, reason);
        (void)p2p_peer_send_base(peer, P2P_DISCONNECT, buf_bytes(&payload));
        buf_release(&payload);
        if (peer->stream)
            io_stream_finish(peer->stream, P2P_FINISH_TIMEOUT);
    } else {
        io_stream_close(peer->stream);
    }
    peer->stream = NULL;
    peer->state = P2P_ENDED;
    io_timer_stop(&peer->timer);
    io_timer_start(&peer->kick, 0);
    p2p_report(peer->server, was_open ? P2P_REPORT_INFO : P2P_REPORT_DEBUG,
               "peer gone: id=%02x%02x%02x%02x %s%s: %s%s", peer->node.id.b[0], peer->node.id.b[1],
               peer->node.id.b[2], peer->node.id.b[3], p2p_reason_text(reason),
               by_peer ? " (by peer)" : "", peer->why,
               peer->inbound ? " [inbound]" : " [outbound]");
}

void p2p_peer_end(struct p2p_peer *peer, enum p2p_reason reason, bool by_peer, const char *format,
                  ...)
{
    if (peer->state == P2P_ENDED)
        return;
    va_list args;
    va_start(args, format);
    say_why(peer, format, args);
    va_end(args);
    end(peer, reason, by_peer, true);
}

void p2p_peer_drop(struct p2p_peer *peer, const char *format, ...)
{
    if (peer->state == P2P_ENDED)
        return;
    va_list args;
    va_start(args, format);
    say_why(peer, format, args);
    va_end(args);
    end(peer, P2P_NETWORK_ERROR, false, false);
}

void p2p_peer_settle(struct p2p_peer *peer)
{
    struct p2p_server *server = peer->server;
    io_timer_stop(&peer->timer);
    io_timer_stop(&peer->kick);
    p2p_server_gone(server, peer);
    if (peer->opened) {
        for (size_t i = 0; i < peer->window_count; i++) {
            const struct p2p_protocol *protocol = &server->protocols[peer->windows[i].offer];
            protocol->ops->closed(protocol->context, peer, peer->reason, peer->by_peer);
        }
        if (server->options.peer)
            server->options.peer(server->options.context, peer,
                                 peer->hung_up ? "EOF" : p2p_reason_text(peer->reason));
    }
    if (peer->handshaking)
        p2p_handshake_release(&peer->handshake);
    p2p_frames_release(&peer->in);
    p2p_frames_release(&peer->out);
    mem_free(peer->buffer);
    mem_free(peer->hello);
    mem_free(peer->capability_texts);
    mem_free(peer);
}

/* ---- handshakes ---- */

/* The encryption handshake is done: who it is, is known. */
static void identified(struct p2p_peer *peer, const struct p2p_session *session)
{
    struct p2p_server *server = peer->server;
    int status = p2p_frames_init(&peer->in, session, false);
    if (status == 0)
        status = p2p_frames_init(&peer->out, session, true);
    p2p_handshake_release(&peer->handshake);
    peer->handshaking = false;
    if (status < 0) {
        p2p_peer_drop(peer, "%s", err_text(status));
        return;
    }
    peer->framed = true;
    if (peer->inbound) {
        p2p_enode_make(&peer->node, &session->remote, &peer->remote, peer->remote.port,
                       peer->remote.port);
        p2p_enode_address(&peer->address, &peer->node);
    }
    if (server->options.permit &&
        !server->options.permit(server->options.context, &peer->node, !peer->inbound)) {
        p2p_peer_drop(peer, "permission denied"); /* without a word, as GoQuorum does */
        return;
    }
    enum p2p_reason refused = p2p_server_admit(server, peer);
    if (refused != P2P_REQUESTED) {
        p2p_peer_end(peer, refused, false, "refused");
        return;
    }
    struct p2p_hello *hello = mem_alloc_zeroed(1, sizeof(*hello));
    struct buf payload = BUF_INIT;
    if (!hello) {
        p2p_peer_drop(peer, "out of memory");
        return;
    }
    hello->version = P2P_VERSION;
    hello->key = server->key;
    snprintf(hello->name, sizeof(hello->name), "%s", server->name);
    for (size_t i = 0; i < server->protocol_count; i++) {
        struct p2p_capability *c = &hello->capabilities[hello->capability_count++];
        snprintf(c->name, sizeof(c->name), "%s", server->offers[i].name);
        c->version = server->offers[i].version;
    }
    p2p_capabilities_sort(hello->capabilities, hello->capability_count);
    p2p_hello_encode(&payload, hello);
    mem_free(hello);
    peer->state = P2P_WAIT_HELLO;
    io_timer_start(&peer->timer, P2P_HANDSHAKE_TIMEOUT);
    (void)p2p_peer_send_base(peer, P2P_HELLO, buf_bytes(&payload));
    buf_release(&payload);
}

/* Works on a handshake packet. Whether there may be more to do with what has come. */
static bool work_handshake(struct p2p_peer *peer)
{
    struct p2p_session session;
    struct bytes ack, input = bytes_of(peer->buffer + peer->begin, peer->end - peer->begin);
    size_t size = 0;
    bool responder = peer->state == P2P_WAIT_AUTH;
    int status = responder ? p2p_handshake_respond(&peer->handshake, input, &size, &ack, &session)
                           : p2p_handshake_finish(&peer->handshake, input, &size, &session);
    if (status == P2P_HANDSHAKE_MORE)
        return false;
    if (status != P2P_HANDSHAKE_DONE) {
        p2p_peer_drop(peer, "%s",
                      status < 0 ? err_text(status)
                                 : p2p_handshake_text((enum p2p_handshake_status)status));
        return false;
    }
    if (responder) {
        (void)io_stream_write(peer->stream, ack);
        peer->server->traffic.egress += ack.len;
    }
    peer->begin += size;
    identified(peer, &session);
    mem_wipe(&session, sizeof(session));
    return true;
}

/* ---- frames ---- */

/* Works on the next piece of a frame. Whether there may be more to do. */
static bool work_frame(struct p2p_peer *peer)
{
    uint8_t *at = peer->buffer + peer->begin;
    size_t have = peer->end - peer->begin;
    int status;
    if (!peer->have_head) {
        if (have < P2P_FRAME_HEAD)
            return false;
        status = p2p_frame_open_head(&peer->in, at, &peer->body);
        peer->begin += P2P_FRAME_HEAD;
        peer->have_head = true;
        /* Snappy makes what it cannot compress longer by a sixth at most. */
        size_t max = peer->state == P2P_OPEN ? P2P_MESSAGE_MAX + P2P_MESSAGE_MAX / 6 + 64
                                             : P2P_HELLO_MAX + 1;
        if (status == P2P_FRAME_OPEN && peer->body > max) {
            p2p_peer_end(peer, P2P_PROTOCOL_BREACH, false, "message too big: %zu bytes",
                         peer->body);
            return false;
        }
    } else {
        size_t tail = p2p_frame_tail(peer->body);
        if (have < tail)
            return false;
        status = p2p_frame_open_body(&peer->in, at, peer->body);
        peer->begin += tail;
        peer->have_head = false;
        if (status == P2P_FRAME_OPEN)
            p2p_peer_body(peer, bytes_of(at, peer->body));
    }
    if (status != P2P_FRAME_OPEN) {
        p2p_peer_end(peer, P2P_NETWORK_ERROR, false, "%s",
                     status < 0 ? err_text(status) : p2p_frame_text((enum p2p_frame_status)status));
        return false;
    }
    return true;
}

/* Works off what has come, as far as it goes. */
static void work(struct p2p_peer *peer)
{
    bool more = true;
    peer->working = true;
    while (more && peer->state != P2P_ENDED && !peer->paused)
        more = peer->state == P2P_WAIT_AUTH || peer->state == P2P_WAIT_ACK ? work_handshake(peer)
                                                                           : work_frame(peer);
    peer->working = false;
    if (peer->begin == peer->end)
        peer->begin = peer->end = 0;
}

static void on_kick(void *context)
{
    struct p2p_peer *peer = context;
    if (peer->state == P2P_ENDED)
        p2p_peer_settle(peer);
    else
        work(peer);
}

static void on_timer(void *context)
{
    struct p2p_peer *peer = context;
    if (peer->state == P2P_OPEN)
        p2p_peer_tick(peer);
    else if (peer->state == P2P_WAIT_HELLO)
        p2p_peer_end(peer, P2P_READ_TIMEOUT, false, "no Hello in time");
    else
        p2p_peer_drop(peer, "no handshake in time");
}

/* ---- the stream ---- */

/* The buffer grows with what has really come, never with what a frame says it will be. */
static bool make_room(struct p2p_peer *peer)
{
    size_t have = peer->end - peer->begin;
    if (have == 0 && peer->capacity > 4 * P2P_READ_BUFFER && !peer->have_head) {
        mem_free(peer->buffer);
        peer->buffer = NULL;
        peer->capacity = 0;
    }
    if (have == 0)
        peer->begin = peer->end = 0;
    if (peer->buffer && peer->capacity - peer->end >= P2P_READ_BUFFER / 4)
        return true;
    if (peer->buffer && peer->begin >= peer->capacity / 2) {
        memmove(peer->buffer, peer->buffer + peer->begin, have);
    } else {
        size_t capacity = peer->capacity ? 2 * peer->capacity : P2P_READ_BUFFER;
        uint8_t *buffer = mem_alloc(capacity);
        if (!buffer)
            return false;
        if (have)
            memcpy(buffer, peer->buffer + peer->begin, have);
        mem_free(peer->buffer);
        peer->buffer = buffer;
        peer->capacity = capacity;
    }
    peer->begin = 0;
    peer->end = have;
    return true;
}

static uint8_t *on_room(void *context, struct io_stream *stream, size_t *ret_len)
{
    (void)stream;
    struct p2p_peer *peer = context;
    if (!make_room(peer)) {
        p2p_peer_drop(peer, "out of memory");
        return NULL;
    }
    *ret_len = peer->capacity - peer->end;
    return peer->buffer + peer->end;
}

static void on_read(void *context, struct io_stream *stream, struct bytes data)
{
    (void)stream;
    struct p2p_peer *peer = context;
    peer->end += data.len;
    peer->server->traffic.ingress += data.len;
    peer->read_at = io_loop_now(peer->server->loop);
    work(peer);
}

static void on_drained(void *context, struct io_stream *stream)
{
    (void)stream;
    struct p2p_peer *peer = context;
    for (size_t i = 0; i < peer->window_count && peer->state == P2P_OPEN; i++) {
        const struct p2p_protocol *protocol = &peer->server->protocols[peer->windows[i].offer];
        if (protocol->ops->drained)
            protocol->ops->drained(protocol->context, peer);
    }
}

/* Neither side has been understood by the other: a wrong certificate, or no TLS there. */
static void report_tls(const struct p2p_peer *peer, const char *message)
{
    const struct p2p_server_options *options = &peer->server->options;
    char text[IO_ADDRESS_TEXT];
    bool begun = peer->state == P2P_WAIT_AUTH || peer->state == P2P_WAIT_ACK;
    if (!(peer->inbound ? options->tls_server : options->tls_client) || !begun || peer->end)
        return;
    io_address_format(text, &peer->remote);
    p2p_report(peer->server, peer->inbound ? P2P_REPORT_INFO : P2P_REPORT_WARN,
               "TLS with %s does not come about: %s", text,
               *message ? message : "the other side has closed the connection");
}

static void on_stream_closed(void *context, struct io_stream *stream, int status,
                             const char *message)
{
    (void)stream;
    struct p2p_peer *peer = context;
    peer->stream = NULL;
    peer->hung_up = status == 0;
    report_tls(peer, message);
    p2p_peer_drop(peer, "%s", message);
}

static void take_addresses(struct p2p_peer *peer)
{
    peer->remote = *io_stream_peer(peer->stream);
    peer->local = *io_stream_local(peer->stream);
}

static void on_connected(void *context, struct io_stream *stream)
{
    struct p2p_peer *peer = context;
    struct bytes auth;
    peer->server->traffic.dials++;
    take_addresses(peer);
    if (peer->node.host[0] && !peer->node.raft) {
        /* Known by its address from now on, as in GoQuorum; one with a raftport keeps its name. */
        peer->node.ip = peer->remote;
        peer->node.ip.port = 0;
        peer->node.host[0] = 0;
    }
    int status = p2p_handshake_start(&peer->handshake, &peer->node.key, &auth);
    if (status < 0) {
        p2p_peer_drop(peer, "%s", err_text(status));
        return;
    }
    (void)io_stream_write(stream, auth);
    peer->server->traffic.egress += auth.len;
    peer->state = P2P_WAIT_ACK;
    io_timer_start(&peer->timer, P2P_HANDSHAKE_TIMEOUT);
}

static const struct io_stream_ops stream_ops = {
    .connected = on_connected,
    .room = on_room,
    .read = on_read,
    .drained = on_drained,
    .closed = on_stream_closed,
};

/* ---- the beginning ---- */

static int make(struct p2p_peer **ret_peer, struct p2p_server *server)
{
    struct p2p_handshake_entropy entropy;
    struct p2p_peer *peer = mem_alloc_zeroed(1, sizeof(*peer));
    int status = peer ? p2p_handshake_entropy_make(&entropy) : ERR_NOMEM;
    if (status < 0) {
        mem_free(peer);
        return status;
    }
    peer->server = server;
    p2p_handshake_init(&peer->handshake, &server->options.key, &entropy);
    mem_wipe(&entropy, sizeof(entropy));
    peer->handshaking = true;
    io_timer_init(&peer->timer, server->loop, on_timer, peer);
    io_timer_init(&peer->kick, server->loop, on_kick, peer);
    peer->next = server->connections;
    if (peer->next)
        peer->next->back = &peer->next;
    peer->back = &server->connections;
    server->connections = peer;
    *ret_peer = peer;
    return 0;
}

int p2p_peer_dial(struct p2p_server *server, const struct p2p_enode *node, bool is_static)
{
    struct p2p_peer *peer;
    char ip[IO_ADDRESS_TEXT];
    int status = make(&peer, server);
    if (status < 0)
        return status;
    peer->node = *node;
    peer->is_static = is_static;
    peer->state = P2P_CONNECTING;
    p2p_enode_address(&peer->address, node);
    io_address_format_ip(ip, &node->ip);
    const char *host = node->host[0] ? node->host : ip;
    status = server->options.tls_client
                 ? io_connect_tls(&peer->stream, server->loop, host, node->tcp,
                                  server->options.tls_client, P2P_DIAL_TIMEOUT, &stream_ops, peer)
                 : io_connect_tcp(&peer->stream, server->loop, host, node->tcp, P2P_DIAL_TIMEOUT,
                                  &stream_ops, peer);
    if (status < 0)
        p2p_peer_drop(peer, "%s", err_text(status));
    return 0;
}

void p2p_peer_accept(struct p2p_server *server, struct io_stream *stream)
{
    struct p2p_peer *peer;
    if (make(&peer, server) < 0)
        return;
    peer->inbound = true;
    server->traffic.serves++;
    peer->state = P2P_WAIT_AUTH;
    peer->stream = stream;
    peer->accepted_at = io_loop_now(server->loop);
    take_addresses(peer);
    io_timer_start(&peer->timer, P2P_HANDSHAKE_TIMEOUT);
    io_stream_accept(stream, &stream_ops, peer);
}

/* ---- holding back ---- */

void p2p_peer_pause(struct p2p_peer *peer)
{
    if (peer->paused++ == 0 && peer->stream)
        io_stream_pause(peer->stream);
}

void p2p_peer_resume(struct p2p_peer *peer)
{
    assert(peer->paused > 0);
    if (--peer->paused > 0 || !peer->stream)
        return;
    peer->read_at = io_loop_now(peer->server->loop);
    io_stream_resume(peer->stream);
    io_timer_start(&peer->kick, 0); /* what has come already */
}
