#include "rpc/transport/ipc.h"

#include "base/list.h"
#include "base/mem.h"
#include "io/held.h"
#include "io/parcel.h"
#include "io/timer.h"
#include "rpc/dispatch/desk.h"
#include "rpc/json/json.h"
#include "rpc/transport/session.h"

#include <stdatomic.h>

enum {
    CONNECTIONS_MAX = 1000, /* the owner's own programs; far below the limit of open files */
    /* Bytes of answers that the client has not taken: above, its next message waits. */
    QUEUED_MAX = 1024 * 1024,
    IDLE_MEMORY = 4096, /* that a connection keeps while nothing comes */
    CLOSE_MS = 1000,    /* to send a last answer */
    WRITE_MS = 30000,   /* as HTTP and WebSocket have */
    HELD_MAX = 2 * RPC_HELD_MAX,
    TURN_MAX =
        100, /* messages of a connection in one turn of the loop, so that others have theirs */
};

/* What serves at one desk, on its thread. */
struct window {
    struct rpc_ipc *ipc;
    struct rpc_desk *desk;
    struct io_mailbox *inbox; /* connections from another window */
    struct list_item *connections;
    atomic_size_t count; /* those included that are on their way */
    bool ended;
};

struct connection {
    struct window *window;
    struct io_stream *stream; /* NULL: it has ended, and waits for the answer to what was asked */
    struct list_item item;
    struct rpc_session session;
    struct rpc_exchange *exchange; /* under way elsewhere */
    struct rpc_json_scanner scanner;
    struct buf in;
    size_t from;          /* of `in`: what is before has been asked */
    size_t scanned;       /* from there, without the end of a message */
    size_t held;          /* bytes that `in` adds to io_held */
    struct io_timer more; /* until the next turn of the loop */
    bool asking;          /* a message is with the dispatcher */
    bool running;         /* in run() */
    bool paused, ending;
    bool crowded; /* `in` has grown while all together had too much */
    bool ended;   /* the client sends nothing more, but may still read */
    bool moving;  /* to the loop's window, as soon as everything is sent */
};

struct rpc_ipc {
    struct io_listener *listener;
    uint64_t write_ms;
    struct window windows[1 + RPC_DESKS_MAX]; /* the loop's first */
    size_t window_count;
};

static void run(struct connection *c);

static void connection_free(struct connection *c)
{
    rpc_session_release(&c->session);
    io_held_set(&c->held, 0);
    buf_release(&c->in);
    mem_free(c);
}

/* The stream has gone. */
static void leave(struct connection *c)
{
    c->stream = NULL;
    io_timer_stop(&c->more);
    rpc_session_release(&c->session);
    list_remove(&c->item);
    atomic_fetch_sub_explicit(&c->window->count, 1, memory_order_relaxed);
    if (c->exchange)
        rpc_abandon(c->exchange);
    else
        connection_free(c);
}

static bool is_main(const struct window *window)
{
    return rpc_desk_is_main(window->desk);
}

/* --- What the session asks for --- */

static void on_send(void *context, struct bytes text)
{
    struct connection *c = context;
    if (c->stream)
        (void)io_stream_write(c->stream, text);
}

static size_t on_unread(void *context)
{
    struct connection *c = context;
    return c->stream ? io_stream_queued(c->stream) : 0;
}

static void on_overrun(void *context)
{
    struct connection *c = context;
    if (!c->stream)
        return;
    io_stream_close(c->stream);
    leave(c);
}

/* --- Messages --- */

static void hold(struct connection *c, bool pause)
{
    if (c->paused == pause)
        return;
    c->paused = pause;
    if (pause)
        io_stream_pause(c->stream);
    else
        io_stream_resume(c->stream);
}

static void on_answer(void *context, struct buf *answer)
{
    struct connection *c = context;
    c->asking = false;
    c->exchange = NULL;
    if (!c->stream) {
        connection_free(c);
        return;
    }
    if (answer->len)
        (void)io_stream_write_buf(c->stream, answer); /* failures end the stream */
    buf_release(answer);
    if (is_main(c->window))
        rpc_session_answered(&c->session);
    run(c);
}

/* What came and has not been asked. */
static struct bytes unasked(const struct connection *c)
{
    return bytes_slice(buf_bytes(&c->in), c->from, c->in.len - c->from);
}

/* Goes on in it, to the end of the next message. */
static enum rpc_json_status find_message(struct connection *c)
{
    size_t used;
    struct bytes fresh = bytes_slice(unasked(c), c->scanned, unasked(c).len - c->scanned);
    enum rpc_json_status status = rpc_json_scan(&c->scanner, &used, fresh);
    c->scanned += used;
    return status;
}

/* Cuts out the message that was found. */
static void take_message(struct connection *c, struct buf *ret_message)
{
    buf_append(ret_message, c->in.data + c->from, c->scanned);
    c->from += c->scanned;
    c->scanned = 0;
    rpc_json_scanner_init(&c->scanner);
    if (c->from < c->in.len)
        return;
    c->from = 0;
    c->crowded = false;
    buf_clear(&c->in);
    if (c->in.capacity > IDLE_MEMORY) {
        io_held_set(&c->held, 0);
        buf_release(&c->in);
    }
}

/* Once for all that has been asked, not for each message: of those that came together there may be 200,000. */
static void forget_asked(struct connection *c)
{
    if (c->from == 0)
        return;
    c->in.len -= c->from;
    memmove(c->in.data, c->in.data + c->from, c->in.len);
    c->from = 0;
}

/* What is no JSON, or too much of it, ends the connection, after a word about it. */
static void refuse(struct connection *c, int code, const char *text)
{
    struct buf answer = BUF_INIT;
    buf_append_format(
        &answer, "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":%d,\"message\":\"%s\"}}\n",
        code, text);
    (void)io_stream_write_buf(c->stream, &answer);
    buf_release(&answer);
    c->ending = true;
}

static void ask(struct connection *c)
{
    struct buf message = BUF_INIT;
    struct window *window = c->window;
    take_message(c, &message);
    c->asking = true;
    struct rpc_exchange *exchange =
        is_main(window) ? rpc_session_ask(&c->session, &message, on_answer, c)
                        : rpc_ask_at(window->desk, c->session.access, &message, on_answer, c);
    if (exchange)
        c->exchange = exchange;
}

static bool step(struct connection *c)
{
    if (c->asking || c->ending || c->moving || io_stream_queued(c->stream) > QUEUED_MAX ||
        unasked(c).len == 0)
        return false;
    enum rpc_json_status status = find_message(c);
    if (status == RPC_JSON_BAD) {
        refuse(c, RPC_CODE_PARSE, "parse error");
    } else if (status == RPC_JSON_VALUE) {
        c->moving =
            !is_main(c->window) && rpc_may_subscribe(bytes_slice(unasked(c), 0, c->scanned));
        if (!c->moving)
            ask(c);
        return !c->moving;
    } else if (unasked(c).len > RPC_IPC_MAX) {
        refuse(c, RPC_CODE_PARSE, "message too large");
    } else if (c->crowded) {
        refuse(c, RPC_CODE_ERROR, "too many large requests at a time; try again later");
    }
    return false;
}

/* With all that came and is not answered yet. */
static void move(struct connection *c)
{
    struct window *to = &c->window->ipc->windows[0];
    forget_asked(c);
    atomic_fetch_add_explicit(&to->count, 1, memory_order_relaxed);
    if (!io_stream_send(c->stream, to->inbox, &c->in)) {
        atomic_fetch_sub_explicit(&to->count, 1, memory_order_relaxed);
        io_stream_close(c->stream); /* out of memory, or of descriptors */
    }
    leave(c);
}

/* What has been asked is answered, and nothing more comes. */
static bool is_over(const struct connection *c)
{
    return c->ended && !c->asking && !io_timer_started(&c->more);
}

static void run(struct connection *c)
{
    int count = 0;
    if (c->running)
        return;
    c->running = true;
    while (count < TURN_MAX && step(c))
        count++;
    c->running = false;
    if (count == TURN_MAX)
        io_timer_start(&c->more, 0);
    bool is_sent = io_stream_queued(c->stream) == 0;
    if (c->ending) {
        io_stream_finish(c->stream, CLOSE_MS);
        leave(c);
    } else if (c->moving && is_sent) {
        move(c);
    } else if (is_over(c) && is_sent) {
        io_stream_close(c->stream);
        leave(c);
    } else {
        /* While it waits for an answer, or the client for its own, no more than a message is read ahead. */
        hold(c, unasked(c).len > RPC_IPC_MAX || c->crowded);
    }
}

static void on_more(void *context)
{
    run(context);
}

static void on_read(void *context, struct io_stream *stream, struct bytes data)
{
    struct connection *c = context;
    forget_asked(c);
    buf_append_bytes(&c->in, data);
    if (buf_status(&c->in)) {
        io_stream_close(stream);
        leave(c);
        return;
    }
    c->crowded |= !io_held_may_grow(&c->held, c->in.capacity, HELD_MAX);
    run(c);
}

static void on_drained(void *context, struct io_stream *stream)
{
    (void)stream;
    run(context);
}

static bool on_ended(void *context, struct io_stream *stream)
{
    struct connection *c = context;
    (void)stream;
    c->ended = true;
    run(c);
    return true;
}

static void on_closed(void *context, struct io_stream *stream, int status, const char *message)
{
    (void)stream;
    (void)status;
    (void)message;
    leave(context);
}

static const struct io_stream_ops stream_ops = {
    .read = on_read,
    .drained = on_drained,
    .ended = on_ended,
    .closed = on_closed,
};

/* Takes a stream that has been counted; NULL, without memory. */
static struct connection *connect_stream(struct window *window, struct io_stream *stream)
{
    struct connection *c = mem_alloc(sizeof(*c));
    if (!c) {
        atomic_fetch_sub_explicit(&window->count, 1, memory_order_relaxed);
        io_stream_close(stream);
        return NULL;
    }
    /* The scanner's stack is large and needs no clearing. */
    c->window = window;
    c->stream = stream;
    c->exchange = NULL;
    c->from = c->scanned = c->held = 0;
    c->asking = c->running = c->paused = c->ending = c->ended = c->moving = c->crowded = false;
    buf_init(&c->in);
    io_timer_init(&c->more, window->desk->loop, on_more, c);
    rpc_json_scanner_init(&c->scanner);
    struct rpc_access access = rpc_access_all();
    access.psi_in_id = true;
    rpc_session_init(&c->session, window->desk->rpc, access);
    c->session.context = c;
    c->session.send = on_send;
    c->session.unread = on_unread;
    c->session.overrun = on_overrun;
    list_add(&window->connections, &c->item);
    io_stream_limit(stream, window->ipc->write_ms);
    io_stream_accept(stream, &stream_ops, c);
    return c;
}

static void on_arrival(void *context, struct io_mail *mail)
{
    struct window *window = context;
    struct io_stream *stream;
    struct buf bytes = BUF_INIT;
    struct connection *c = NULL;
    if (window->ended)
        io_stream_refuse(mail);
    else if (io_stream_receive(&stream, &bytes, window->desk->loop, mail))
        atomic_fetch_sub_explicit(&window->count, 1, memory_order_relaxed);
    else
        c = connect_stream(window, stream);
    if (c && bytes.len)
        on_read(c, stream, buf_bytes(&bytes));
    buf_release(&bytes);
}

/* A new connection goes to the window that has fewest. The loop's has those that have come to it, and all when there is no other. */
static void on_accept(void *context, struct io_stream *stream)
{
    struct rpc_ipc *ipc = context;
    struct window *to = &ipc->windows[ipc->window_count > 1];
    struct buf nothing = BUF_INIT;
    size_t total = 0;
    for (size_t i = 0; i < ipc->window_count; i++) {
        size_t count = atomic_load_explicit(&ipc->windows[i].count, memory_order_relaxed);
        total += count;
        if (i > 1 && count < atomic_load_explicit(&to->count, memory_order_relaxed))
            to = &ipc->windows[i];
    }
    if (total >= CONNECTIONS_MAX)
        return;
    atomic_fetch_add_explicit(&to->count, 1, memory_order_relaxed);
    if (is_main(to))
        (void)connect_stream(to, stream);
    else if (!io_stream_send(stream, to->inbox, &nothing))
        atomic_fetch_sub_explicit(&to->count, 1, memory_order_relaxed); /* the listener closes it */
}

/* --- Life --- */

static bool open_window(struct rpc_ipc *ipc, struct rpc_desk *desk)
{
    struct window *window = &ipc->windows[ipc->window_count];
    *window = (struct window){.ipc = ipc, .desk = desk};
    if (io_mailbox_new(&window->inbox, desk->loop, on_arrival, window))
        return false;
    ipc->window_count++;
    return true;
}

static void close_window(void *context)
{
    struct window *window = context;
    window->ended = true;
    io_streams_flush(window->desk->loop); /* such as the answer to who had the node stopped */
    io_mailbox_free(window->inbox);
    while (window->connections) {
        struct connection *c = LIST_OWNER(window->connections, struct connection, item);
        io_stream_close(c->stream);
        leave(c);
    }
}

int rpc_ipc_start(struct rpc_ipc **ret_ipc, struct rpc *rpc, const struct rpc_ipc_options *options,
                  struct err_detail *detail)
{
    struct rpc_ipc *ipc = mem_alloc_zeroed(1, sizeof(*ipc));
    if (!ipc)
        return err_set(detail, ERR_NOMEM, "IPC server: out of memory");
    ipc->write_ms = options->write_ms ? options->write_ms : WRITE_MS;
    int status =
        open_window(ipc, rpc_main_desk(rpc))
            ? io_listen_unix(&ipc->listener, rpc_loop(rpc), options->path, on_accept, ipc, detail)
            : err_set(detail, ERR_NOMEM, "IPC server: out of memory");
    if (status) {
        rpc_ipc_stop(ipc);
        return status;
    }
    size_t desks = rpc_desks_open(rpc);
    for (size_t i = 0; i < desks; i++)
        if (!open_window(ipc, rpc_desk_at(rpc, i)))
            break;
    *ret_ipc = ipc;
    return 0;
}

void rpc_ipc_stop(struct rpc_ipc *ipc)
{
    if (!ipc)
        return;
    io_listener_close(ipc->listener);
    for (size_t i = 1; i < ipc->window_count; i++)
        io_thread_call(ipc->windows[i].desk->thread, close_window, &ipc->windows[i]);
    if (ipc->window_count)
        close_window(&ipc->windows[0]);
    mem_free(ipc);
}
