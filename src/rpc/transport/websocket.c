#include "rpc/transport/websocket.h"

#include "base/list.h"
#include "base/mem.h"
#include "io/parcel.h"
#include "io/timer.h"
#include "io/websocket.h"
#include "rpc/access/origin.h"
#include "rpc/access/psi.h"
#include "rpc/access/token.h"
#include "rpc/dispatch/desk.h"
#include "rpc/json/json.h"
#include "rpc/transport/session.h"

#include <stdatomic.h>
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
    struct io_websocket *ws; /* NULL: it has ended, and waits for the answer to what was asked */
    struct rpc_session session;
    struct rpc_exchange *exchange; /* under way elsewhere */
    bool asking;
    struct buf
        leaving; /* the message with which it goes to the loop's desk, as soon as everything is sent */
    struct io_timer moving; /* then, outside of what libuv is in */
};

/* Those of one desk. */
struct rpc_websockets {
    struct rpc_desk *desk;
    struct rpc_websocket_options options;
    char *origins;
    struct list_item *connections;
    struct rpc_websockets *main; /* where who subscribes goes; NULL: these are the loop's */
    struct io_mailbox *inbox;    /* of the loop's: they come here */
    atomic_size_t *total;    /* connections of all desks, those included that are on their way */
    atomic_size_t own_total; /* the loop's has it */
    bool ended;
};

static void connection_free(struct connection *c)
{
    rpc_session_release(&c->session);
    rpc_grant_free(c->session.access.grant);
    buf_release(&c->leaving);
    mem_free(c);
}

/* The socket has gone. */
static void leave(struct connection *c)
{
    c->ws = NULL;
    io_timer_stop(&c->moving);
    rpc_session_release(&c->session);
    list_remove(&c->item);
    atomic_fetch_sub_explicit(c->all->total, 1, memory_order_relaxed);
    if (c->exchange)
        rpc_abandon(c->exchange);
    else
        connection_free(c);
}

/* --- What the session asks for --- */

static void on_send(void *context, struct bytes text)
{
    struct connection *c = context;
    if (c->ws)
        io_websocket_send(c->ws, text);
}

static size_t on_unread(void *context)
{
    struct connection *c = context;
    return c->ws ? io_websocket_queued(c->ws) : 0;
}

static void on_overrun(void *context)
{
    struct connection *c = context;
    if (!c->ws)
        return;
    io_websocket_drop(c->ws);
    leave(c);
}

/* --- Messages --- */

/* The next message is taken when there is no other and the client takes its answers. */
static void go_on(struct connection *c)
{
    if (c->leaving.len && io_websocket_queued(c->ws) == 0)
        io_timer_start(&c->moving, 0);
    else if (!c->leaving.len && !c->asking && io_websocket_queued(c->ws) <= QUEUED_MAX)
        io_websocket_resume(c->ws);
}

static void on_answer(void *context, struct buf *answer)
{
    struct connection *c = context;
    c->exchange = NULL;
    c->asking = false;
    if (!c->ws) {
        connection_free(c);
        return;
    }
    if (answer->len)
        io_websocket_send_buf(c->ws, answer);
    buf_release(answer);
    if (!c->all->main)
        rpc_session_answered(&c->session);
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
        leave(c);
        return;
    }
    io_websocket_pause(ws);
    if (c->all->main && rpc_may_subscribe(buf_bytes(message))) {
        c->leaving = *message;
        buf_init(message);
        go_on(c);
        return;
    }
    c->asking = true;
    struct rpc_exchange *exchange =
        c->all->main ? rpc_ask_at(c->all->desk, c->session.access, message, on_answer, c)
                     : rpc_session_ask(&c->session, message, on_answer, c);
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
    leave(context);
}

static const struct io_websocket_ops ops = {
    .message = on_message,
    .drained = on_drained,
    .closed = on_closed,
};

/* --- To the loop's desk --- */

/* As the client might have sent it; as bytes, since text has been looked at, and bytes need not be text. */
static void put_frame(struct buf *b, struct bytes message)
{
    static const uint8_t mask[4];
    uint8_t header[IO_WEBSOCKET_HEADER_MAX];
    size_t len = io_websocket_header(header, IO_WEBSOCKET_BINARY, message.len);
    header[1] |= 0x80;
    buf_append(b, header, len);
    buf_append(b, mask, sizeof(mask));
    buf_append_bytes(b, message);
}

/* What it asked, and what came behind, is read there anew. */
static void move(void *context)
{
    struct connection *c = context;
    struct buf rest, bytes = BUF_INIT;
    if (io_websocket_queued(c->ws))
        return; /* `drained` comes again */
    put_frame(&bytes, buf_bytes(&c->leaving));
    struct io_stream *stream = io_websocket_release(c->ws, &rest);
    buf_append_bytes(&bytes, buf_bytes(&rest));
    buf_release(&rest);
    atomic_fetch_add_explicit(c->all->total, 1, memory_order_relaxed);
    if (!io_stream_send(stream, c->all->main->inbox, &bytes)) {
        atomic_fetch_sub_explicit(c->all->total, 1, memory_order_relaxed);
        io_stream_close(stream); /* out of memory, or of descriptors */
    }
    buf_release(&bytes);
    leave(c);
}

/* --- Opening --- */

/* Takes a stream that has been counted, and closes it without memory. */
static void connect_stream(struct rpc_websockets *all, struct io_stream *stream, struct buf *rest,
                           const struct rpc_access *access)
{
    struct connection *c = mem_alloc_zeroed(1, sizeof(*c));
    const struct io_websocket_options options = {.message_max = RPC_IPC_MAX,
                                                 .held_max = RPC_HELD_MAX,
                                                 .ping_ms = all->options.ping_ms,
                                                 .pong_ms = all->options.pong_ms};
    if (!c)
        io_stream_close(stream);
    if (!c || io_websocket_new(&c->ws, all->desk->loop, stream, rest, &options, &ops, c)) {
        atomic_fetch_sub_explicit(all->total, 1, memory_order_relaxed);
        buf_release(rest);
        mem_free(c);
        return;
    }
    rpc_session_init(&c->session, all->desk->rpc, *access);
    rpc_grant_keep(access->grant);
    c->session.context = c;
    c->session.send = on_send;
    c->session.unread = on_unread;
    c->session.overrun = on_overrun;
    c->all = all;
    buf_init(&c->leaving);
    io_timer_init(&c->moving, all->desk->loop, move, c);
    list_add(&all->connections, &c->item);
}

static void on_arrival(void *context, struct io_mail *mail)
{
    struct rpc_websockets *all = context;
    struct io_stream *stream;
    struct buf bytes = BUF_INIT;
    if (all->ended)
        io_stream_refuse(mail);
    else if (io_stream_receive(&stream, &bytes, all->desk->loop, mail))
        atomic_fetch_sub_explicit(all->total, 1, memory_order_relaxed);
    else {
        io_stream_resume(stream);
        connect_stream(all, stream, &bytes, &all->options.access);
    }
    buf_release(&bytes);
}

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

/* Counted first, and then looked at: others do the same at other desks. */
static bool take_place(struct rpc_websockets *websockets)
{
    size_t before = atomic_fetch_add_explicit(websockets->total, 1, memory_order_relaxed);
    if (before < websockets->options.connections_max)
        return true;
    atomic_fetch_sub_explicit(websockets->total, 1, memory_order_relaxed);
    return false;
}

void rpc_websockets_open(struct rpc_websockets *websockets, struct io_http_request *request,
                         struct rpc_grant *grant)
{
    char accept[IO_WEBSOCKET_ACCEPT_LEN + 1];
    const struct bytes *origin = io_http_head_field(&request->head, "origin");
    unsigned status = io_websocket_handshake(accept, &request->head);
    if (status == 101 && origin && !rpc_origin_may(websockets->origins, *origin))
        status = 403;
    if (status == 101 && !take_place(websockets))
        status = 503;
    if (status != 101) {
        refuse(request, status);
        return;
    }
    struct io_http_field fields[] = {
        {"Upgrade", "websocket"}, {"Connection", "Upgrade"}, {"Sec-WebSocket-Accept", accept}};
    struct buf rest = BUF_INIT;
    struct rpc_access access = websockets->options.access;
    rpc_psi_of_http(&access, request);
    access.grant = grant;
    struct io_stream *stream = io_http_upgrade(request, fields, BASE_COUNT(fields), &rest);
    connect_stream(websockets, stream, &rest, &access);
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

int rpc_websockets_new(struct rpc_websockets **ret_websockets, struct rpc_desk *desk,
                       struct rpc_websockets *main, const struct rpc_websocket_options *options)
{
    struct rpc_websockets *websockets = mem_alloc_zeroed(1, sizeof(*websockets));
    if (!websockets)
        return ERR_NOMEM;
    websockets->desk = desk;
    websockets->main = main;
    websockets->total = main ? &main->own_total : &websockets->own_total;
    websockets->options = *options;
    if (options->connections_max == 0)
        websockets->options.connections_max = CONNECTIONS_MAX;
    if (options->ping_ms == 0)
        websockets->options.ping_ms = PING_MS;
    if (options->pong_ms == 0)
        websockets->options.pong_ms = PONG_MS;
    websockets->origins = make_origins(options->origins);
    int status = websockets->origins ? 0 : ERR_NOMEM;
    if (status == 0 && !main && desk->loop)
        status = io_mailbox_new(&websockets->inbox, desk->loop, on_arrival, websockets);
    if (status) {
        mem_free(websockets->origins);
        mem_free(websockets);
        return status;
    }
    *ret_websockets = websockets;
    return 0;
}

void rpc_websockets_free(struct rpc_websockets *websockets)
{
    if (!websockets)
        return;
    websockets->ended = true;
    io_mailbox_free(websockets->inbox);
    while (websockets->connections) {
        struct connection *c = LIST_OWNER(websockets->connections, struct connection, item);
        io_websocket_close(c->ws, IO_WEBSOCKET_GOING_AWAY);
        leave(c);
    }
    mem_free(websockets->origins);
    mem_free(websockets);
}
