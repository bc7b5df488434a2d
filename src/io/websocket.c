#include "io/websocket.h"

#include "base/mem.h"
#include "io/held.h"
#include "io/timer.h"

#include <openssl/rand.h>

enum {
    CLOSE_MS = 1000, /* to send a last frame */
    /* Bytes that a client may send ahead while it is paused. */
    AHEAD_MAX = 64 * 1024,
    IDLE_MEMORY = 4096,
    /* Bytes that a client has not taken, behind which only the last of its pings is answered, when it has (RFC 6455, section 5.5.3): who pings on without
     * reading costs no more. */
    PONG_QUEUED_MAX = 64 * 1024,
};

struct io_websocket {
    struct io_loop *loop;
    struct io_stream *stream;
    const struct io_websocket_ops *ops;
    void *context;
    struct io_websocket_options options;
    struct io_websocket_reader reader;
    struct buf message; /* under way */
    struct buf in;      /* came while it was paused; from `taken` on it has not been looked at */
    size_t taken;       /* less than all of `in`, or 0 */
    size_t held;        /* bytes that both add to io_held */
    struct io_timer timer;
    uint64_t heard; /* by io_loop_now */
    uint64_t begun; /* likewise, the message under way; 0: there is none */
    bool asked;     /* a ping is out */
    bool owes_pong; /* this: */
    uint8_t pong[IO_WEBSOCKET_CONTROL_MAX], pong_len;
    bool paused, is_held;
    bool running; /* in run(), which frees it at its end when `ended` */
    bool ended;   /* its owner has closed it */
};

static void websocket_free(struct io_websocket *ws)
{
    io_timer_stop(&ws->timer);
    io_held_set(&ws->held, 0);
    buf_release(&ws->message);
    buf_release(&ws->in);
    mem_free(ws);
}

/* The owner is told, and the stream has gone or goes. */
static void end(struct io_websocket *ws)
{
    if (!ws->ended)
        ws->ops->closed(ws->context, ws);
    ws->ended = true;
    if (!ws->running)
        websocket_free(ws);
}

static void send_header(struct io_websocket *ws, enum io_websocket_opcode opcode, size_t payload)
{
    uint8_t header[IO_WEBSOCKET_HEADER_MAX];
    size_t len = io_websocket_header(header, opcode, payload);
    (void)io_stream_write(ws->stream, bytes_of(header, len));
}

/* A client's frame. The mask is against scripts in browsers that choose what is sent; here nobody does, so that it need not be
 * beyond guessing. */
static void send_masked(struct io_websocket *ws, enum io_websocket_opcode opcode,
                        struct bytes payload)
{
    uint8_t header[IO_WEBSOCKET_HEADER_MAX], mask[4] = {0};
    size_t len = io_websocket_header(header, opcode, payload.len);
    header[1] |= IO_WEBSOCKET_MASKED;
    (void)RAND_bytes(mask, sizeof(mask));
    uint8_t *to = io_stream_write_room(ws->stream, len + sizeof(mask) + payload.len);
    if (!to)
        return;
    memcpy(to, header, len);
    memcpy(to + len, mask, sizeof(mask));
    to += len + sizeof(mask);
    for (size_t i = 0; i < payload.len; i++)
        to[i] = payload.data[i] ^ mask[i % 4];
}

static void send_frame(struct io_websocket *ws, enum io_websocket_opcode opcode,
                       struct bytes payload)
{
    if (ws->options.client) {
        send_masked(ws, opcode, payload);
        return;
    }
    send_header(ws, opcode, payload.len);
    (void)io_stream_write(ws->stream, payload);
}

static void send_close(struct io_websocket *ws, unsigned code)
{
    uint8_t payload[2] = {(uint8_t)(code >> 8), (uint8_t)code};
    bool none = code == IO_WEBSOCKET_NO_CODE;
    send_frame(ws, IO_WEBSOCKET_CLOSE, bytes_of(payload, none ? 0 : sizeof(payload)));
}

/* Ends by itself: the stream sends what is queued. */
static void finish(struct io_websocket *ws)
{
    io_stream_finish(ws->stream, CLOSE_MS);
    ws->stream = NULL;
    end(ws);
}

static void on_timer(void *context)
{
    struct io_websocket *ws = context;
    uint64_t now = io_loop_now(ws->loop), silent = now - ws->heard;
    bool late = ws->begun && now - ws->begun >= ws->options.ping_ms;
    if (!late && silent < ws->options.ping_ms) {
        ws->asked = false;
        io_timer_start(&ws->timer, ws->options.ping_ms - silent);
    } else if (!late && !ws->asked) {
        ws->asked = true;
        send_frame(ws, IO_WEBSOCKET_PING, bytes_none());
        io_timer_start(&ws->timer, ws->options.pong_ms);
    } else {
        io_stream_close(ws->stream);
        ws->stream = NULL;
        end(ws);
    }
}

/* A control frame; false when it was the last one. */
static bool on_control(struct io_websocket *ws)
{
    struct bytes payload = bytes_of(ws->reader.control, ws->reader.control_len);
    if (ws->reader.control_opcode == IO_WEBSOCKET_PING) {
        ws->owes_pong = io_stream_queued(ws->stream) > PONG_QUEUED_MAX;
        if (!ws->owes_pong)
            send_frame(ws, IO_WEBSOCKET_PONG, payload);
        else if (payload.len)
            memcpy(ws->pong, payload.data, payload.len);
        ws->pong_len = ws->reader.control_len;
    } else if (ws->reader.control_opcode == IO_WEBSOCKET_CLOSE) {
        send_close(ws, ws->reader.code);
        return false;
    }
    return true;
}

static void give(struct io_websocket *ws)
{
    struct buf message = ws->message;
    buf_init(&ws->message);
    ws->begun = 0;
    ws->ops->message(ws->context, ws, &message);
    buf_release(&message);
}

/* Goes through what came as far as the owner wants it; *ret_used bytes. False when it is over. */
static bool go_through(struct io_websocket *ws, size_t *ret_used, struct bytes data)
{
    *ret_used = 0;
    while (*ret_used < data.len && !ws->paused && !ws->ended) {
        size_t used;
        enum io_websocket_event event = io_websocket_read(
            &ws->reader, &ws->message, &used, bytes_slice(data, *ret_used, data.len - *ret_used));
        *ret_used += used;
        if (buf_status(&ws->message))
            return false;
        if (event == IO_WEBSOCKET_WRONG) {
            send_close(ws, ws->reader.code);
            return false;
        }
        if (event == IO_WEBSOCKET_CONTROL && !on_control(ws))
            return false;
        if (event == IO_WEBSOCKET_MESSAGE)
            give(ws);
    }
    if (ws->message.len && !ws->begun)
        ws->begun = io_loop_now(ws->loop);
    return true;
}

/* Counts what there is; false: a message has grown that may not. */
static bool may_go_on(struct io_websocket *ws)
{
    if (io_held_may_grow(&ws->held, ws->message.capacity + ws->in.capacity, ws->options.held_max) ||
        ws->message.len == 0)
        return true;
    send_close(ws, IO_WEBSOCKET_TRY_LATER);
    return false;
}

/* While it is paused no more is read than it may have. */
static void hold_back(struct io_websocket *ws)
{
    size_t ahead = ws->in.len - ws->taken;
    bool hold = ws->paused && ahead && (ahead > AHEAD_MAX || io_held_is_full(ws->options.held_max));
    if (hold == ws->is_held)
        return;
    ws->is_held = hold;
    if (hold)
        io_stream_pause(ws->stream);
    else
        io_stream_resume(ws->stream);
}

/* Once for all that was taken, not for each of thousands of messages that came together. */
static void forget_taken(struct io_websocket *ws)
{
    if (ws->taken == 0)
        return;
    ws->in.len -= ws->taken;
    memmove(ws->in.data, ws->in.data + ws->taken, ws->in.len);
    ws->taken = 0;
}

static void run(struct io_websocket *ws, struct bytes fresh)
{
    size_t used;
    if (ws->running) {
        buf_append_bytes(&ws->in, fresh);
        return;
    }
    bool more = true;
    ws->running = true;
    if (ws->in.len == 0) {
        more = go_through(ws, &used, fresh);
        buf_append_bytes(&ws->in, bytes_slice(fresh, used, fresh.len - used));
    } else {
        forget_taken(ws);
        buf_append_bytes(&ws->in, fresh);
    }
    while (more && ws->taken < ws->in.len && !ws->paused && !ws->ended) {
        more = go_through(ws, &used,
                          bytes_slice(buf_bytes(&ws->in), ws->taken, ws->in.len - ws->taken));
        ws->taken += used;
    }
    if (ws->taken == ws->in.len)
        forget_taken(ws);
    if (ws->in.len == 0 && ws->in.capacity > IDLE_MEMORY)
        buf_release(&ws->in);
    ws->running = false;
    if (ws->ended)
        websocket_free(ws);
    else if (!more || buf_status(&ws->in) || !may_go_on(ws))
        finish(ws);
    else
        hold_back(ws);
}

static void on_read(void *context, struct io_stream *stream, struct bytes data)
{
    (void)stream;
    struct io_websocket *ws = context;
    ws->heard = io_loop_now(ws->loop);
    run(ws, data);
}

static void on_drained(void *context, struct io_stream *stream)
{
    (void)stream;
    struct io_websocket *ws = context;
    if (ws->owes_pong)
        send_frame(ws, IO_WEBSOCKET_PONG, bytes_of(ws->pong, ws->pong_len));
    ws->owes_pong = false;
    if (ws->ops->drained)
        ws->ops->drained(ws->context, ws);
}

static void on_closed(void *context, struct io_stream *stream, int status, const char *message)
{
    (void)stream;
    (void)status;
    (void)message;
    struct io_websocket *ws = context;
    ws->stream = NULL;
    end(ws);
}

static const struct io_stream_ops stream_ops = {
    .read = on_read,
    .drained = on_drained,
    .closed = on_closed,
};

static void go_on(void *context)
{
    /* What came with the request waits for the first turn. */
    struct io_websocket *ws = context;
    io_timer_init(&ws->timer, ws->loop, on_timer, ws);
    io_timer_start(&ws->timer, ws->options.ping_ms);
    run(ws, bytes_none());
}

int io_websocket_new(struct io_websocket **ret_ws, struct io_loop *loop, struct io_stream *stream,
                     struct buf *rest, const struct io_websocket_options *options,
                     const struct io_websocket_ops *ops, void *context)
{
    struct io_websocket *ws = mem_alloc(sizeof(*ws));
    if (!ws) {
        io_stream_close(stream);
        return ERR_NOMEM;
    }
    *ws = (struct io_websocket){.loop = loop,
                                .stream = stream,
                                .ops = ops,
                                .context = context,
                                .options = *options,
                                .in = *rest,
                                .heard = io_loop_now(loop)};
    buf_init(rest);
    buf_init(&ws->message);
    io_websocket_reader_init(&ws->reader, !options->client, options->message_max);
    io_timer_init(&ws->timer, loop, go_on, ws);
    io_timer_start(&ws->timer, 0);
    io_stream_limit(stream, options->pong_ms);
    io_stream_hand_over(stream, &stream_ops, ws);
    *ret_ws = ws;
    return 0;
}

void io_websocket_send(struct io_websocket *ws, struct bytes text)
{
    send_frame(ws, IO_WEBSOCKET_TEXT, text);
}

void io_websocket_send_buf(struct io_websocket *ws, struct buf *text)
{
    if (ws->options.client) {
        send_masked(ws, IO_WEBSOCKET_TEXT, buf_bytes(text));
        buf_clear(text);
        return;
    }
    send_header(ws, IO_WEBSOCKET_TEXT, text->len);
    (void)io_stream_write_buf(ws->stream, text);
}

unsigned io_websocket_code(const struct io_websocket *ws)
{
    return ws->reader.code;
}

size_t io_websocket_queued(const struct io_websocket *ws)
{
    return io_stream_queued(ws->stream);
}

void io_websocket_pause(struct io_websocket *ws)
{
    ws->paused = true;
}

void io_websocket_resume(struct io_websocket *ws)
{
    ws->paused = false;
    run(ws, bytes_none());
}

struct io_stream *io_websocket_release(struct io_websocket *ws, struct buf *ret_rest)
{
    struct io_stream *stream = ws->stream;
    assert(ws->paused && !ws->running && ws->message.len == 0);
    forget_taken(ws);
    *ret_rest = ws->in;
    buf_init(&ws->in);
    websocket_free(ws);
    return stream;
}

static void leave(struct io_websocket *ws)
{
    io_stream_finish(ws->stream, CLOSE_MS);
    ws->stream = NULL;
    ws->ended = true;
    if (!ws->running)
        websocket_free(ws);
}

void io_websocket_close(struct io_websocket *ws, enum io_websocket_code code)
{
    if (!ws)
        return;
    send_close(ws, code);
    leave(ws);
}

void io_websocket_drop(struct io_websocket *ws)
{
    if (ws)
        leave(ws);
}
