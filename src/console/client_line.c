#include "console/client_internal.h"

#include "base/clock.h"
#include "io/http.h"

#include <stdio.h>

enum {
    LOOK_MS = 250,           /* between two looks at the options' ends_at */
    WS_SILENCE_MS = 3600000, /* of a server that is at a long answer */
    WS_TAKEN_MS = 60000,
};

/* --- Its events --- */

static void lose(struct console_client *c, int status, const char *why)
{
    c->is_open = false;
    c->ended = true;
    c->status = status;
    snprintf(c->why, sizeof(c->why), "%s", why);
}

static void on_connected(void *context, struct io_stream *stream)
{
    (void)stream;
    struct console_client *c = context;
    c->is_open = true;
}

static void on_read(void *context, struct io_stream *stream, struct bytes data)
{
    struct console_client *c = context;
    if (c->is_whole)
        return; /* the line's end */
    buf_append_bytes(&c->in, data);
    enum console_json end = console_json_end(&c->scan, buf_bytes(&c->in));
    c->is_whole = end == CONSOLE_JSON_DONE;
    if (end == CONSOLE_JSON_MORE && !buf_status(&c->in) && c->in.len <= c->options.answer_max)
        return;
    if (c->is_whole && !buf_status(&c->in) && c->scan.at <= c->options.answer_max)
        return;
    io_stream_close(stream);
    c->stream = NULL;
    lose(c, buf_status(&c->in) ? ERR_NOMEM : end == CONSOLE_JSON_BAD ? ERR_INPUT : ERR_LIMIT, "");
}

static void on_stream_closed(void *context, struct io_stream *stream, int status,
                             const char *message)
{
    (void)stream;
    struct console_client *c = context;
    c->stream = NULL;
    lose(c, status, message);
}

static void on_message(void *context, struct io_websocket *ws, struct buf *message)
{
    (void)ws;
    struct console_client *c = context;
    buf_release(&c->in);
    c->in = *message;
    buf_init(message);
    c->is_whole = true;
}

static void on_websocket_closed(void *context, struct io_websocket *ws)
{
    struct console_client *c = context;
    c->ws = NULL;
    lose(c, io_websocket_code(ws) == IO_WEBSOCKET_TOO_BIG ? ERR_LIMIT : ERR_OK, "");
}

/* Why there is no WebSocket, as Go words it. */
static void on_dialled(void *context, struct io_websocket *ws, const char *why)
{
    struct console_client *c = context;
    const struct console_endpoint *e = &c->endpoint;
    unsigned status = io_websocket_dial_status(c->dial);
    bool reached = io_websocket_dial_reached(c->dial);
    c->dial = NULL;
    c->ws = ws;
    c->is_open = ws != NULL;
    if (ws)
        return;
    lose(c, ERR_IO, why);
    if (status)
        snprintf(c->why, sizeof(c->why), "%s (HTTP status %u %s)", why, status,
                 io_http_reason(status));
    else if (!reached && strncmp(why, "lookup ", 7) == 0)
        snprintf(c->why, sizeof(c->why), "dial tcp: %s", why);
    else if (!reached)
        snprintf(c->why, sizeof(c->why), "dial tcp %s:%s: connect: %s", e->host, e->port, why);
}

/* --- Waiting --- */

static void wake(void *context)
{
    (void)context; /* the turn has ended */
}

void console_line_close(struct console_client *c)
{
    io_websocket_dial_cancel(c->dial);
    io_websocket_close(c->ws, IO_WEBSOCKET_NORMAL);
    io_stream_close(c->stream);
    c->dial = NULL;
    c->ws = NULL;
    c->stream = NULL;
    c->is_open = false;
}

/* Until `done` or the end of the connection. ERR_TIMEOUT: it is hung up. */
static int wait_for(struct console_client *c, const bool *done, struct err_detail *detail)
{
    uint64_t patience = c->options.timeout_ms;
    uint64_t until = patience ? base_now_ms() + patience : UINT64_MAX;
    while (!*done && !c->ended) {
        uint64_t now = base_now_ms();
        uint64_t end = c->options.ends_at ? atomic_load(c->options.ends_at) : 0;
        bool given_up = end && now >= end;
        if (given_up || now >= until) {
            console_line_close(c);
            io_timer_stop(&c->timer);
            return console_client_late(c, given_up, detail);
        }
        uint64_t left = until - now;
        if (c->options.ends_at && left > LOOK_MS)
            left = LOOK_MS;
        if (left < UINT32_MAX)
            io_timer_start(&c->timer, left);
        io_loop_turn(c->loop, true);
    }
    io_timer_stop(&c->timer);
    return ERR_OK;
}

/* --- Connecting --- */

static int dial_unix(struct console_client *c, struct err_detail *detail)
{
    static const struct io_stream_ops ops = {
        .connected = on_connected, .read = on_read, .closed = on_stream_closed};
    int status = io_connect_unix(&c->stream, c->loop, c->endpoint.path, &ops, c);
    if (status == ERR_INPUT)
        return err_set(detail, ERR_USAGE, "dial unix %.300s: connect: invalid argument",
                       c->endpoint.path);
    return status == ERR_OK ? status : err_set(detail, status, "%s", err_text(status));
}

static int dial_websocket(struct console_client *c, struct err_detail *detail)
{
    static const struct io_websocket_ops ops = {.message = on_message,
                                                .closed = on_websocket_closed};
    struct io_websocket_url url;
    struct io_http_field fields[CONSOLE_FIELDS_MAX];
    const struct io_websocket_dial_options options = {
        .fields = fields,
        .field_count = console_client_fields(c, fields),
        .tls = c->tls,
        .websocket = {.message_max = c->options.answer_max,
                      .ping_ms = WS_SILENCE_MS,
                      .pong_ms = WS_TAKEN_MS},
        .ops = &ops,
        .done = on_dialled,
        .context = c,
    };
    if (io_websocket_url_read(&url, (const char *)c->endpoint.url.data) != ERR_OK)
        return err_set(detail, ERR_USAGE, "%.300s: malformed ws or wss URL", c->shown);
    int status = io_websocket_dial(&c->dial, c->loop, &url, &options);
    return status == ERR_OK ? status : err_set(detail, status, "%s", err_text(status));
}

static int connect_now(struct console_client *c, struct err_detail *detail)
{
    bool is_ipc = c->endpoint.transport == CONSOLE_IPC;
    c->ended = false;
    int status = is_ipc ? dial_unix(c, detail) : dial_websocket(c, detail);
    if (status == ERR_OK)
        status = wait_for(c, &c->is_open, detail);
    if (status != ERR_OK || c->is_open)
        return status;
    return is_ipc ? err_set(detail, ERR_IO, "dial unix %.300s: connect: %.150s", c->endpoint.path,
                            c->why)
                  : err_set(detail, ERR_IO, "%s", c->why);
}

int console_line_open(struct console_client *client, struct err_detail *detail)
{
    int status = io_loop_new(&client->loop);
    if (status != ERR_OK)
        return err_set(detail, status, "%s", err_text(status));
    io_timer_init(&client->timer, client->loop, wake, client);
    return connect_now(client, detail);
}

/* --- A question --- */

static int lost(const struct console_client *c, struct err_detail *detail)
{
    switch (c->status) {
    case ERR_LIMIT:
        return console_client_too_large(c, detail);
    case ERR_INPUT:
        return err_set(detail, ERR_INPUT, "%.300s does not answer with JSON", c->endpoint.path);
    case ERR_NOMEM:
        return err_set(detail, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
    default:
        return err_set(detail, ERR_IO, "the connection to %.300s is lost", c->shown);
    }
}

static void send_question(struct console_client *c, struct bytes request)
{
    buf_clear(&c->in);
    c->scan = (struct console_scan){0};
    c->is_whole = false;
    if (c->ws)
        io_websocket_send(c->ws, request);
    else
        (void)io_stream_write(c->stream, request);
}

int console_line_ask(struct console_client *client, struct buf *ret_answer, struct bytes request,
                     struct err_detail *detail)
{
    struct console_client *c = client;
    if (c->is_open)
        io_loop_turn(c->loop, false); /* it may have ended meanwhile */
    int status = c->is_open ? ERR_OK : connect_now(c, detail);
    if (status != ERR_OK)
        return status;
    send_question(c, request);
    status = wait_for(c, &c->is_whole, detail);
    if (status != ERR_OK)
        return status;
    if (!c->is_whole)
        return lost(c, detail);
    size_t len = c->endpoint.transport == CONSOLE_WS ? c->in.len : c->scan.at;
    buf_append(ret_answer, c->in.data, len);
    buf_release(&c->in);
    return buf_status(ret_answer);
}
