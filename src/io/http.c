#include "io/http.h"

#include "base/mem.h"
#include "io/descriptor.h"
#include "io/http_internal.h"

enum {
    /* Bytes that a client may send ahead while its request is with its owner. */
    AHEAD_MAX = 64 * 1024,
    /* What an idle connection may keep of its buffer. */
    IDLE_MEMORY = 4096,
};

/* --- Connections --- */

/* One timer for all connections, which wakes nobody before the first deadline. */
static void sweep_by(struct io_http_server *server, uint64_t deadline)
{
    uint64_t now = io_loop_now(server->loop), soonest = now + server->sweep_ms;
    uint64_t at = deadline > soonest ? deadline : soonest;
    if (io_timer_started(&server->sweep) && server->sweep_at <= at)
        return;
    server->sweep_at = at;
    io_timer_start(&server->sweep, at - now);
}

void io_http_set_deadline(struct io_http_connection *c, uint64_t ms)
{
    c->deadline = io_loop_now(c->server->loop) + ms;
    sweep_by(c->server, c->deadline);
}

static void request_drop(struct io_http_request *request)
{
    io_held_set(&request->held, 0);
    buf_release(&request->memory);
    mem_free(request);
}

void io_http_request_free(struct io_http_request *request)
{
    struct io_http_server *server = request->connection ? request->connection->server : NULL;
    if (server && !server->spare && request->memory.capacity <= IDLE_MEMORY)
        server->spare = request;
    else
        request_drop(request);
}

/* Out of the server's list; what it owns goes. The stream is the caller's matter. */
static void connection_free(struct io_http_connection *c)
{
    list_remove(&c->item);
    atomic_fetch_sub_explicit(&c->server->count, 1, memory_order_relaxed);
    struct io_http_request *asked = c->state == IO_HTTP_HANDLING ? c->request : NULL;
    const struct io_http_options *options = &c->server->options;
    if (asked)
        asked->connection = NULL;
    else if (c->request)
        io_http_request_free(c->request);
    io_held_set(&c->held, 0);
    buf_release(&c->in);
    mem_free(c);
    if (asked && options->gone)
        options->gone(options->context, asked);
}

static void connection_close(struct io_http_connection *c)
{
    io_stream_close(c->stream);
    connection_free(c);
}

static void on_sweep(void *context)
{
    struct io_http_server *server = context;
    uint64_t now = io_loop_now(server->loop), first = UINT64_MAX;
    struct list_item *next;
    for (struct list_item *item = server->connections; item; item = next) {
        struct io_http_connection *c = LIST_OWNER(item, struct io_http_connection, item);
        next = item->next;
        if (c->deadline && now >= c->deadline)
            connection_close(c);
        else if (c->deadline && c->deadline < first)
            first = c->deadline;
    }
    if (first != UINT64_MAX)
        sweep_by(server, first);
}

void io_http_feed(struct io_http_connection *c, struct bytes data)
{
    io_http_forget_taken(c);
    buf_append_bytes(&c->in, data);
    if (buf_status(&c->in)) {
        connection_close(c);
        return;
    }
    if (c->state == IO_HTTP_HANDLING || c->state == IO_HTTP_WAITING) {
        io_held_set(&c->held, c->in.capacity);
        if (c->in.len > (io_held_is_full(c->server->options.held_max) ? 0 : AHEAD_MAX)) {
            io_stream_pause(c->stream);
            c->paused = true;
        }
    }
    io_http_run(c);
}

static void on_read(void *context, struct io_stream *stream, struct bytes data)
{
    (void)stream;
    io_http_feed(context, data);
}

static void on_drained(void *context, struct io_stream *stream)
{
    (void)stream;
    struct io_http_connection *c = context;
    if (c->state == IO_HTTP_WAITING) {
        c->state = IO_HTTP_HEAD;
        io_http_run(c);
    } else if (c->state == IO_HTTP_HEAD && c->in.len == 0) {
        io_http_set_deadline(c, c->server->options.idle_ms);
    }
}

static bool on_ended(void *context, struct io_stream *stream)
{
    struct io_http_connection *c = context;
    const struct io_http_options *options = &c->server->options;
    (void)stream;
    if (!options->half_ms)
        return false;
    c->ended = true;
    if (c->state == IO_HTTP_HANDLING)
        io_http_set_deadline(c, options->half_ms);
    io_http_run(c);
    return true;
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
    .ended = on_ended,
    .closed = on_closed,
};

struct io_http_connection *io_http_connect(struct io_http_server *server, struct io_stream *stream)
{
    struct io_http_connection *c = mem_alloc_zeroed(1, sizeof(*c));
    if (!c) {
        atomic_fetch_sub_explicit(&server->count, 1, memory_order_relaxed);
        io_stream_close(stream);
        return NULL;
    }
    c->server = server;
    c->stream = stream;
    list_add(&server->connections, &c->item);
    io_http_set_deadline(c, server->options.idle_ms);
    io_stream_accept(stream, &stream_ops, c);
    return c;
}

static void on_accept(void *context, struct io_stream *stream)
{
    struct io_http_server *server = context;
    if (io_http_total(server) >= server->options.connections_max || io_stream_is_last(stream) ||
        io_http_pass(server, stream))
        return;
    atomic_fetch_add_explicit(&server->count, 1, memory_order_relaxed);
    (void)io_http_connect(server, stream);
}

/* --- Requests --- */

/* Once for all that was taken, not for each request: thousands may have come together. */
void io_http_forget_taken(struct io_http_connection *c)
{
    if (c->taken == 0)
        return;
    c->in.len -= c->taken;
    memmove(c->in.data, c->in.data + c->taken, c->in.len);
    c->taken = 0;
}

static struct bytes not_taken(const struct io_http_connection *c)
{
    return bytes_slice(buf_bytes(&c->in), c->taken, c->in.len - c->taken);
}

/* Takes the first `len` bytes of what came. */
static void take(struct io_http_connection *c, size_t len)
{
    c->taken += len;
    if (c->taken < c->in.len)
        return;
    c->taken = 0;
    buf_clear(&c->in);
    if (c->in.capacity > IDLE_MEMORY) {
        io_held_set(&c->held, 0);
        buf_release(&c->in);
    }
}

static struct io_http_request *request_new(struct io_http_connection *c)
{
    struct io_http_request *request = c->server->spare;
    c->server->spare = NULL;
    if (request)
        buf_clear(&request->memory);
    else if ((request = mem_alloc(sizeof(*request))))
        buf_init(&request->memory);
    else
        return NULL;
    request->owner = request->task = NULL;
    request->connection = c;
    request->answered = false;
    request->body = bytes_none();
    request->body_from = request->held = 0;
    const struct io_address *peer = io_stream_peer(c->stream);
    request->peer = peer ? *peer : (struct io_address){.ip_len = 0};
    return request;
}

static void split_target(struct io_http_request *request)
{
    struct bytes target = request->head.target;
    const uint8_t *mark = memchr(target.data, '?', target.len);
    request->has_query = mark != NULL;
    request->path = mark ? bytes_slice(target, 0, (size_t)(mark - target.data)) : target;
    request->query =
        mark ? bytes_slice(target, request->path.len + 1, target.len - request->path.len - 1)
             : bytes_none();
}

/* Reads the head that stands at the beginning of the request's memory. */
static enum io_http_verdict read_head(struct io_http_request *request)
{
    enum io_http_verdict verdict = io_http_head_read(
        &request->head, bytes_slice(buf_bytes(&request->memory), 0, request->body_from));
    if (verdict == IO_HTTP_OK) {
        request->wants_head = io_http_same_name(request->head.method, "HEAD");
        split_target(request);
    }
    return verdict;
}

/* An answer to bytes that are no request; the connection ends with it. */
static void refuse(struct io_http_connection *c, struct io_http_request *request,
                   enum io_http_verdict verdict)
{
    c->close_after = true;
    request->wants_head = false;
    io_http_answer_text(request, io_http_verdict_status(verdict), io_http_verdict_text(verdict));
}

void io_http_take_body(struct io_http_request *request, struct buf *ret_body)
{
    struct buf *memory = &request->memory, head = BUF_INIT;
    struct bytes body = request->body;
    request->body = bytes_none();
    buf_init(ret_body);
    if (memory->capacity > IO_HELD_SHARE)
        buf_append(&head, memory->data, request->body_from);
    if (memory->capacity <= IO_HELD_SHARE || buf_status(&head)) {
        buf_release(&head);
        buf_append_bytes(ret_body, body);
        return;
    }
    memmove(memory->data, body.data, body.len);
    *ret_body = *memory;
    ret_body->len = body.len;
    *memory = head;
    io_held_set(&request->held, 0);
    (void)read_head(request); /* as it was, at its new place */
}

static void give(struct io_http_connection *c)
{
    struct io_http_request *request = c->request;
    struct buf *memory = &request->memory;
    if (buf_status(memory)) {
        c->close_after = true;
        io_http_answer_text(request, 500, "out of memory");
        return;
    }
    /* The memory may have moved while the body came. */
    if (request->head.method.data != memory->data && read_head(request) != IO_HTTP_OK) {
        refuse(c, request, IO_HTTP_BAD);
        return;
    }
    request->body =
        bytes_slice(buf_bytes(memory), request->body_from, memory->len - request->body_from);
    c->state = IO_HTTP_HANDLING;
    c->deadline = 0;
    if (c->ended)
        io_http_set_deadline(c, c->server->options.half_ms);
    c->server->options.request(c->server->options.context, request);
}

/* A head of `len` bytes has come. */
static void begin(struct io_http_connection *c, size_t len)
{
    struct io_http_request *request = request_new(c);
    if (!request) {
        c->close_after = true;
        return;
    }
    buf_append_bytes(&request->memory, bytes_slice(not_taken(c), 0, len));
    take(c, len);
    c->scanned = 0;
    c->request = request;
    request->body_from = len;
    enum io_http_verdict verdict = buf_status(&request->memory) ? IO_HTTP_BAD : read_head(request);
    if (verdict != IO_HTTP_OK) {
        refuse(c, request, verdict);
        return;
    }
    const struct io_http_head *head = &request->head;
    c->state = IO_HTTP_BODY;
    c->left = head->body_length;
    c->close_after = !head->keep_alive;
    c->old = head->minor == 0;
    io_http_chunks_init(&c->chunks);
    const struct io_http_options *options = &c->server->options;
    if (options->head)
        options->head(options->context, request);
    if (c->request != request)
        return; /* answered */
    if (head->body_length > options->body_max) {
        io_http_answer_text(request, 413, "the body of the request is too large");
    } else if (head->expects_continue && (head->chunked || head->body_length > 0)) {
        (void)io_stream_write(c->stream, bytes_str("HTTP/1.1 100 Continue\r\n\r\n"));
    }
}

static void refuse_chunks(struct io_http_connection *c, enum io_http_verdict verdict)
{
    c->close_after = true;
    c->request->head.chunked = false; /* nothing is left that could be skipped */
    if (verdict == IO_HTTP_TOO_LARGE)
        io_http_answer_text(c->request, 413, "the body of the request is too large");
    else
        refuse(c, c->request, verdict);
}

/* Takes what has come of the body: OK, when that is all. */
static enum io_http_verdict take_body(struct io_http_connection *c)
{
    struct io_http_request *request = c->request;
    if (request->head.chunked) {
        size_t used, max = c->server->options.body_max + request->body_from;
        enum io_http_verdict verdict =
            io_http_chunks_feed(&c->chunks, &request->memory, &used, not_taken(c), max);
        take(c, used);
        return verdict;
    }
    struct bytes came = not_taken(c);
    size_t len = came.len < c->left ? came.len : (size_t)c->left;
    if (len > 0) {
        buf_append(&request->memory, came.data, len);
        take(c, len);
        c->left -= len;
    }
    return c->left > 0 ? IO_HTTP_MORE : IO_HTTP_OK;
}

/* Goes on with the body; false when more bytes are needed. */
static bool read_body(struct io_http_connection *c)
{
    struct io_http_request *request = c->request;
    enum io_http_verdict verdict = take_body(c);
    if (verdict != IO_HTTP_OK && verdict != IO_HTTP_MORE) {
        refuse_chunks(c, verdict);
    } else if (!io_held_may_grow(&request->held, request->memory.capacity,
                                 c->server->options.held_max)) {
        c->close_after = true;
        io_http_answer_text(request, 503, "too many large requests at a time; try again later");
    } else if (verdict == IO_HTTP_OK) {
        give(c);
    } else {
        return false;
    }
    return true;
}

/* Looks for a head; false when more bytes are needed. */
static bool look_for_head(struct io_http_connection *c)
{
    struct bytes came = not_taken(c);
    size_t empty = 0; /* line ends before a request (RFC 9112, section 2.2) */
    while (empty < came.len && (came.data[empty] == '\r' || came.data[empty] == '\n'))
        empty++;
    if (empty) {
        take(c, empty);
        came = not_taken(c);
    }
    bool first = c->scanned == 0;
    size_t len = io_http_head_length(came, c->scanned);
    bool is_other = len == 0 && came.len > 0 && !io_http_may_begin(came.data[0]);
    if (len > IO_HTTP_HEAD_MAX || (len == 0 && came.len > IO_HTTP_HEAD_MAX) || is_other) {
        struct io_http_request *request = request_new(c);
        c->close_after = true;
        c->request = request;
        if (request)
            refuse(c, request, is_other ? IO_HTTP_BAD : IO_HTTP_TOO_LARGE);
        return false;
    }
    if (first && came.len > 0)
        io_http_set_deadline(c, c->server->options.read_ms);
    if (len == 0) {
        c->scanned = came.len;
        return false;
    }
    begin(c, len);
    return true;
}

static bool skip(struct io_http_connection *c)
{
    size_t came = not_taken(c).len, len = came < c->left ? came : (size_t)c->left;
    if (len)
        take(c, len);
    c->left -= len;
    if (c->left > 0)
        return false;
    c->state = IO_HTTP_HEAD;
    return true;
}

static bool step(struct io_http_connection *c)
{
    switch (c->state) {
    case IO_HTTP_HEAD:
        return c->in.len > 0 && look_for_head(c);
    case IO_HTTP_BODY:
        return read_body(c);
    case IO_HTTP_SKIPPING:
        return skip(c);
    default:
        return false;
    }
}

/* Whether nothing is to come of it any more but what is queued. */
static bool is_over(const struct io_http_connection *c)
{
    if (c->ended) /* what is needed for the next request never comes */
        return c->state != IO_HTTP_HANDLING && c->state != IO_HTTP_WAITING;
    return c->close_after && !c->request && c->state == IO_HTTP_HEAD;
}

/* Goes as far as the bytes that are there allow. */
void io_http_run(struct io_http_connection *c)
{
    if (c->running)
        return;
    c->running = true;
    while (!(c->close_after && !c->request && c->state == IO_HTTP_HEAD) && step(c))
        ;
    c->running = false;
    if (c->state == IO_HTTP_GIVEN) {
        connection_free(c);
    } else if (is_over(c)) {
        io_stream_finish(c->stream, c->server->options.write_ms);
        connection_free(c);
    } else if (c->paused && c->state != IO_HTTP_HANDLING && c->state != IO_HTTP_WAITING) {
        c->paused = false;
        io_stream_resume(c->stream);
    }
}

/* --- Server --- */

int io_http_new(struct io_http_server **ret_server, struct io_loop *loop,
                const struct io_http_options *options)
{
    struct io_http_server *server = mem_alloc_zeroed(1, sizeof(*server));
    if (!server)
        return ERR_NOMEM;
    server->loop = loop;
    server->options = *options;
    uint64_t least = options->read_ms;
    if (options->write_ms < least)
        least = options->write_ms;
    if (options->idle_ms < least)
        least = options->idle_ms;
    server->sweep_ms = least / 4 > 1000 ? 1000 : least / 4 + 1;
    io_timer_init(&server->sweep, loop, on_sweep, server);
    *ret_server = server;
    return 0;
}

int io_http_listen_tcp(struct io_http_server *server, const char *host, uint16_t port,
                       struct err_detail *detail)
{
    if (server->listener_count == IO_HTTP_LISTENERS_MAX)
        return err_set(detail, ERR_LIMIT, "an HTTP server has at most %d listeners",
                       IO_HTTP_LISTENERS_MAX);
    int status = io_listen_tcp(&server->listeners[server->listener_count], server->loop, host, port,
                               on_accept, server, detail);
    if (status == 0)
        server->listener_count++;
    return status;
}

int io_http_listen_tls(struct io_http_server *server, const char *host, uint16_t port,
                       struct io_tls *tls, struct err_detail *detail)
{
    if (server->listener_count == IO_HTTP_LISTENERS_MAX)
        return err_set(detail, ERR_LIMIT, "an HTTP server has at most %d listeners",
                       IO_HTTP_LISTENERS_MAX);
    int status = io_listen_tls(&server->listeners[server->listener_count], server->loop, host, port,
                               tls, on_accept, server, detail);
    if (status == 0)
        server->listener_count++;
    return status;
}

int io_http_listen_unix(struct io_http_server *server, const char *path, struct err_detail *detail)
{
    if (server->listener_count == IO_HTTP_LISTENERS_MAX)
        return err_set(detail, ERR_LIMIT, "an HTTP server has at most %d listeners",
                       IO_HTTP_LISTENERS_MAX);
    int status = io_listen_unix(&server->listeners[server->listener_count], server->loop, path,
                                on_accept, server, detail);
    if (status == 0)
        server->listener_count++;
    return status;
}

const struct io_address *io_http_address(const struct io_http_server *server)
{
    assert(server->listener_count > 0);
    return io_listener_address(server->listeners[server->listener_count - 1]);
}

size_t io_http_connections(const struct io_http_server *server)
{
    return io_http_total(server);
}

void io_http_free(struct io_http_server *server)
{
    if (!server)
        return;
    for (size_t i = 0; i < server->listener_count; i++)
        io_listener_close(server->listeners[i]);
    server->ended = true;
    io_mailbox_free(server->inbox);
    while (server->connections)
        connection_close(LIST_OWNER(server->connections, struct io_http_connection, item));
    io_timer_stop(&server->sweep);
    if (server->spare)
        request_drop(server->spare);
    buf_release(&server->head);
    mem_free(server->others);
    mem_free(server);
}
