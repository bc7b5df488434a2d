#include "rpc/websocket.h"

#include "base/list.h"
#include "base/mem.h"
#include "io/websocket.h"
#include "rpc/access/origin.h"
#include "rpc/access/psi.h"
#include "rpc/access/token.h"
#include "rpc/json/json.h"
#include "rpc/session.h"

#include <stdio.h>
#include <unistd.h>

enum {
    CONNECTIONS_MAX = 10000, /* by default; a connection at rest takes about a kilobyte */
    PING_MS = 60000,         /* GoQuorum, rpc/websocket.go, wsPingInterval */
    PONG_MS = 30000,
    QUEUED_MAX =
        1024 * 1024, /* of answers that the client has not taken: above, its next message waits */
    ORIGINS_MAX = 600,
};

struct connection {
    struct rpc_websockets *all;
    struct list_item item;
    struct io_websocket *ws;
    struct rpc_session session;
    struct rpc_exchange *exchange; /* under way on the worker */
    bool asking;
};

struct rpc_websockets {
    struct rpc *rpc;
    struct rpc_websocket_options options;
    char *origins;
    struct list_item *connections;
    size_t count;
};

static void connection_free(struct connection *c)
{
    rpc_forget(c->exchange);
    rpc_session_release(&c->session);
    rpc_grant_free(c->session.access.grant);
    list_remove(&c->item);
    c->all->count--;
    mem_free(c);
}

/* --- What the session asks for --- */

static void on_send(void *context, struct bytes text)
{
    struct connection *c = context;
    io_websocket_send(c->ws, text);
}

static size_t on_unread(void *context)
{
    struct connection *c = context;
    return io_websocket_queued(c->ws);
}

static void on_overrun(void *context)
{
    struct connection *c = context;
    io_websocket_drop(c->ws);
    connection_free(c);
}

/* --- Messages --- */

/* The next message is taken when there is no other and the client takes its answers. */
static void go_on(struct connection *c)
{
    if (!c->asking && io_websocket_queued(c->ws) <= QUEUED_MAX)
        io_websocket_resume(c->ws);
}

static void on_answer(void *context, struct buf *answer)
{
    struct connection *c = context;
    if (answer->len)
        io_websocket_send_buf(c->ws, answer);
    buf_release(answer);
    rpc_session_answered(&c->session);
    c->exchange = NULL;
    c->asking = false;
    go_on(c);
}

static const char parse_error[] =
    "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,\"message\":\"parse error\"}}";

static void on_message(void *context, struct io_websocket *ws, struct buf *message)
{
    struct connection *c = context;
    struct bytes value;
    if (rpc_json_first(&value, buf_bytes(message)) != RPC_JSON_VALUE) {
        struct rpc_json_scanner s;
        size_t used;
        rpc_json_scanner_init(&s);
        /* GoQuorum has no word for what only begins. */
        if (rpc_json_scan(&s, &used, rpc_trim(buf_bytes(message))) == RPC_JSON_BAD)
            io_websocket_send(ws, bytes_str(parse_error));
        io_websocket_drop(ws);
        connection_free(c);
        return;
    }
    c->asking = true;
    io_websocket_pause(ws);
    struct rpc_exchange *exchange = rpc_session_ask(&c->session, message, on_answer, c);
    if (exchange)
        c->exchange = exchange;
}

static void on_drained(void *context, struct io_websocket *ws)
{
    (void)ws;
    go_on(context);
}

static void on_closed(void *context, struct io_websocket *ws)
{
    (void)ws;
    connection_free(context);
}

static const struct io_websocket_ops ops = {
    .message = on_message,
    .drained = on_drained,
    .closed = on_closed,
};

/* --- Opening --- */

static void refuse(struct io_http_request *request, unsigned status)
{
    static const struct io_http_field fields[] = {{"Content-Type", "text/plain; charset=utf-8"},
                                                  {"Sec-Websocket-Version", "13"},
                                                  {"X-Content-Type-Options", "nosniff"}};
    struct buf body = BUF_INIT;
    buf_append_text(&body, io_http_reason(status));
    buf_append_byte(&body, '\n');
    io_http_answer(request, status, fields, BASE_COUNT(fields), &body);
}

void rpc_websockets_open(struct rpc_websockets *websockets, struct io_http_request *request,
                         struct rpc_grant *grant)
{
    char accept[IO_WEBSOCKET_ACCEPT_LEN + 1];
    const struct bytes *origin = io_http_head_field(&request->head, "origin");
    unsigned status = io_websocket_handshake(accept, &request->head);
    if (status == 101 && origin && !rpc_origin_may(websockets->origins, *origin))
        status = 403;
    if (status == 101 && websockets->count >= websockets->options.connections_max)
        status = 503;
    struct connection *c = status == 101 ? mem_alloc_zeroed(1, sizeof(*c)) : NULL;
    if (!c) {
        refuse(request, status == 101 ? 503 : status);
        return;
    }
    struct io_http_field fields[] = {
        {"Upgrade", "websocket"}, {"Connection", "Upgrade"}, {"Sec-WebSocket-Accept", accept}};
    struct io_websocket_options options = {RPC_IPC_MAX, websockets->options.ping_ms,
                                           websockets->options.pong_ms};
    struct buf rest = BUF_INIT;
    struct rpc_access access = websockets->options.access;
    rpc_psi_of_http(&access, request);
    struct io_stream *stream = io_http_upgrade(request, fields, BASE_COUNT(fields), &rest);
    if (io_websocket_new(&c->ws, rpc_loop(websockets->rpc), stream, &rest, &options, &ops, c)) {
        buf_release(&rest);
        mem_free(c);
        return;
    }
    access.grant = rpc_grant_keep(grant);
    rpc_session_init(&c->session, websockets->rpc, access);
    c->session.context = c;
    c->session.send = on_send;
    c->session.unread = on_unread;
    c->session.overrun = on_overrun;
    c->all = websockets;
    list_add(&websockets->connections, &c->item);
    websockets->count++;
}

/* --- Life --- */

/* Without a list: this machine, by both its names (GoQuorum, wsHandshakeValidator). */
static char *make_origins(const char *origins)
{
    char own[ORIGINS_MAX], host[256];
    if (!origins || !*origins) {
        if (gethostname(host, sizeof(host)))
            host[0] = '\0';
        host[sizeof(host) - 1] = '\0';
        snprintf(own, sizeof(own), "http://localhost,https://localhost,http://%s,https://%s",
                 host[0] ? host : "localhost", host[0] ? host : "localhost");
        origins = own;
    }
    size_t len = strlen(origins) + 1;
    char *copy = mem_alloc(len);
    if (copy)
        memcpy(copy, origins, len);
    return copy;
}

int rpc_websockets_new(struct rpc_websockets **ret_websockets, struct rpc *rpc,
                       const struct rpc_websocket_options *options)
{
    struct rpc_websockets *websockets = mem_alloc_zeroed(1, sizeof(*websockets));
    if (!websockets)
        return ERR_NOMEM;
    websockets->rpc = rpc;
    websockets->options = *options;
    if (options->connections_max == 0)
        websockets->options.connections_max = CONNECTIONS_MAX;
    if (options->ping_ms == 0)
        websockets->options.ping_ms = PING_MS;
    if (options->pong_ms == 0)
        websockets->options.pong_ms = PONG_MS;
    websockets->origins = make_origins(options->origins);
    if (!websockets->origins) {
        mem_free(websockets);
        return ERR_NOMEM;
    }
    *ret_websockets = websockets;
    return 0;
}

void rpc_websockets_free(struct rpc_websockets *websockets)
{
    if (!websockets)
        return;
    while (websockets->connections) {
        struct connection *c = LIST_OWNER(websockets->connections, struct connection, item);
        io_websocket_close(c->ws, IO_WEBSOCKET_GOING_AWAY);
        connection_free(c);
    }
    mem_free(websockets->origins);
    mem_free(websockets);
}
