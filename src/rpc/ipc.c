#include "rpc/ipc.h"

#include "base/list.h"
#include "base/mem.h"
#include "io/stream.h"
#include "rpc/json/json.h"
#include "rpc/session.h"

enum {
    CONNECTIONS_MAX = 1000, /* the owner's own programs; far below the limit of open files */
    /* Bytes of answers that the client has not taken: above, its next message waits. */
    QUEUED_MAX = 1024 * 1024,
    IDLE_MEMORY = 4096, /* that a connection keeps while nothing comes */
    CLOSE_MS = 1000,    /* to send a last answer */
};

struct connection {
    struct rpc_ipc *ipc;
    struct io_stream *stream;
    struct list_item item;
    struct rpc_session session;
    struct rpc_exchange *exchange; /* under way on the worker */
    struct rpc_json_scanner scanner;
    struct buf in;
    size_t scanned;
    bool asking;  /* a message is with the dispatcher */
    bool running; /* in run() */
    bool paused, ending;
};

struct rpc_ipc {
    struct rpc *rpc;
    struct io_listener *listener;
    struct list_item *connections;
    size_t count;
};

static void run(struct connection *c);

static void connection_free(struct connection *c)
{
    rpc_forget(c->exchange);
    rpc_session_release(&c->session);
    list_remove(&c->item);
    c->ipc->count--;
    buf_release(&c->in);
    mem_free(c);
}

/* --- What the session asks for --- */

static void on_send(void *context, struct bytes text)
{
    struct connection *c = context;
    (void)io_stream_write(c->stream, text);
}

static size_t on_unread(void *context)
{
    struct connection *c = context;
    return io_stream_queued(c->stream);
}

static void on_overrun(void *context)
{
    struct connection *c = context;
    io_stream_close(c->stream);
    connection_free(c);
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
    if (answer->len)
        (void)io_stream_write_buf(c->stream, answer); /* failures end the stream */
    buf_release(answer);
    rpc_session_answered(&c->session);
    run(c);
}

/* The next message, cut out of what came. */
static enum rpc_json_status take_message(struct connection *c, struct buf *ret_message)
{
    size_t used;
    struct bytes fresh = bytes_slice(buf_bytes(&c->in), c->scanned, c->in.len - c->scanned);
    enum rpc_json_status status = rpc_json_scan(&c->scanner, &used, fresh);
    c->scanned += used;
    if (status != RPC_JSON_VALUE)
        return status;
    buf_append(ret_message, c->in.data, c->scanned);
    c->in.len -= c->scanned;
    memmove(c->in.data, c->in.data + c->scanned, c->in.len);
    c->scanned = 0;
    rpc_json_scanner_init(&c->scanner);
    if (c->in.len == 0 && c->in.capacity > IDLE_MEMORY)
        buf_release(&c->in);
    return status;
}

/* What is no JSON ends the connection, after a word about it. */
static void refuse(struct connection *c, const char *text)
{
    struct buf answer = BUF_INIT;
    buf_append_format(
        &answer,
        "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,\"message\":\"%s\"}}\n", text);
    (void)io_stream_write_buf(c->stream, &answer);
    buf_release(&answer);
    c->ending = true;
}

static bool step(struct connection *c)
{
    struct buf message = BUF_INIT;
    if (c->asking || c->ending || io_stream_queued(c->stream) > QUEUED_MAX || c->in.len == 0)
        return false;
    enum rpc_json_status status = take_message(c, &message);
    if (status == RPC_JSON_BAD) {
        refuse(c, "parse error");
    } else if (status == RPC_JSON_VALUE) {
        c->asking = true;
        struct rpc_exchange *exchange = rpc_session_ask(&c->session, &message, on_answer, c);
        if (exchange)
            c->exchange = exchange;
        return true;
    } else if (c->in.len > RPC_IPC_MAX) {
        refuse(c, "message too large");
    }
    return false;
}

static void run(struct connection *c)
{
    if (c->running)
        return;
    c->running = true;
    while (step(c))
        ;
    c->running = false;
    if (c->ending) {
        io_stream_finish(c->stream, CLOSE_MS);
        connection_free(c);
        return;
    }
    /* While it waits for an answer, or the client for its own, no more than a message is read ahead. */
    hold(c, c->in.len > RPC_IPC_MAX);
}

static void on_read(void *context, struct io_stream *stream, struct bytes data)
{
    struct connection *c = context;
    buf_append_bytes(&c->in, data);
    if (buf_status(&c->in)) {
        io_stream_close(stream);
        connection_free(c);
        return;
    }
    run(c);
}

static void on_drained(void *context, struct io_stream *stream)
{
    (void)stream;
    run(context);
}

static void on_closed(void *context, struct io_stream *stream, int status, const char *message)
{
    (void)stream;
    (void)status;
    (void)message;
    connection_free(context);
}

static const struct io_stream_ops stream_ops = {
    .read = on_read,
    .drained = on_drained,
    .closed = on_closed,
};

static void on_accept(void *context, struct io_stream *stream)
{
    struct rpc_ipc *ipc = context;
    struct connection *c = ipc->count < CONNECTIONS_MAX ? mem_alloc(sizeof(*c)) : NULL;
    if (!c)
        return;
    /* The scanner's stack is large and needs no clearing. */
    c->ipc = ipc;
    c->stream = stream;
    c->exchange = NULL;
    c->scanned = 0;
    c->asking = c->running = c->paused = c->ending = false;
    buf_init(&c->in);
    rpc_json_scanner_init(&c->scanner);
    struct rpc_access access = rpc_access_all();
    access.psi_in_id = true;
    rpc_session_init(&c->session, ipc->rpc, access);
    c->session.context = c;
    c->session.send = on_send;
    c->session.unread = on_unread;
    c->session.overrun = on_overrun;
    list_add(&ipc->connections, &c->item);
    ipc->count++;
    io_stream_accept(stream, &stream_ops, c);
}

int rpc_ipc_start(struct rpc_ipc **ret_ipc, struct rpc *rpc, const char *path,
                  struct err_detail *detail)
{
    struct rpc_ipc *ipc = mem_alloc_zeroed(1, sizeof(*ipc));
    if (!ipc)
        return err_set(detail, ERR_NOMEM, "IPC server: out of memory");
    ipc->rpc = rpc;
    int status = io_listen_unix(&ipc->listener, rpc_loop(rpc), path, on_accept, ipc, detail);
    if (status) {
        mem_free(ipc);
        return status;
    }
    *ret_ipc = ipc;
    return 0;
}

void rpc_ipc_stop(struct rpc_ipc *ipc)
{
    if (!ipc)
        return;
    io_listener_close(ipc->listener);
    while (ipc->connections) {
        struct connection *c = LIST_OWNER(ipc->connections, struct connection, item);
        io_stream_close(c->stream);
        connection_free(c);
    }
    mem_free(ipc);
}
