#include "io/http.h"

#include "base/list.h"
#include "base/mem.h"
#include "io/timer.h"

#include <stdio.h>
#include <time.h>

enum {
    LISTENERS_MAX = 4,
    /* Bytes of a body that nobody wants, read over so that the client gets to see the answer. */
    SKIP_MAX = 16 * 1024 * 1024,
    /* Bytes that a client may send ahead while its request is with its owner. */
    AHEAD_MAX = 64 * 1024,
    /* Bytes of answers that it has not taken; above, its next request waits. */
    QUEUED_MAX = 256 * 1024,
    /* What an idle connection may keep of its buffer. */
    IDLE_MEMORY = 4096,
};

enum state {
    HEAD,     /* reading a head */
    BODY,     /* reading a body */
    HANDLING, /* the request is with its owner */
    SKIPPING, /* reading over what is left of an answered request's body */
    WAITING,  /* for the client to take answers */
    GIVEN,    /* the stream has another owner; to be freed */
};

struct io_http_connection {
    struct io_http_server *server;
    struct io_stream *stream;
    struct list_item item;
    struct io_http_request *request; /* in BODY and HANDLING */
    struct buf in;                   /* bytes that no request has taken yet */
    size_t scanned;                  /* of `in`, without the end of a head */
    uint64_t left;                   /* of a body that is read or skipped */
    uint64_t deadline;               /* by io_loop_now; 0 = none */
    struct io_http_chunks chunks;
    enum state state;
    bool running;     /* in run(), which goes on by itself */
    bool close_after; /* the answer under way is the last one */
    bool old;         /* HTTP/1.0, where staying open must be said */
    bool paused;
};

struct io_http_server {
    struct io_loop *loop;
    struct io_http_options options;
    struct io_listener *listeners[LISTENERS_MAX];
    size_t listener_count;
    struct list_item *connections;
    size_t count;
    struct io_timer sweep;
    uint64_t sweep_ms;
    uint64_t date_second;
    char date[40];
    struct buf head; /* of the answer that is being written */
};

const char *io_http_reason(unsigned status)
{
    static const struct {
        unsigned status;
        const char *reason;
    } reasons[] = {{200, "OK"},
                   {201, "Created"},
                   {204, "No Content"},
                   {400, "Bad Request"},
                   {401, "Unauthorized"},
                   {403, "Forbidden"},
                   {404, "Not Found"},
                   {405, "Method Not Allowed"},
                   {406, "Not Acceptable"},
                   {408, "Request Timeout"},
                   {409, "Conflict"},
                   {410, "Gone"},
                   {413, "Request Entity Too Large"},
                   {415, "Unsupported Media Type"},
                   {429, "Too Many Requests"},
                   {431, "Request Header Fields Too Large"},
                   {500, "Internal Server Error"},
                   {501, "Not Implemented"},
                   {502, "Bad Gateway"},
                   {503, "Service Unavailable"},
                   {505, "HTTP Version Not Supported"}};
    for (size_t i = 0; i < BASE_COUNT(reasons); i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "";
}

/* --- Connections --- */

static void run(struct io_http_connection *c);

static void set_deadline(struct io_http_connection *c, uint64_t ms)
{
    c->deadline = io_loop_now(c->server->loop) + ms;
}

static void request_free(struct io_http_request *request)
{
    buf_release(&request->memory);
    mem_free(request);
}

/* Out of the server's list; what it owns goes. The stream is the caller's matter. */
static void connection_free(struct io_http_connection *c)
{
    list_remove(&c->item);
    c->server->count--;
    struct io_http_request *asked = c->state == HANDLING ? c->request : NULL;
    const struct io_http_options *options = &c->server->options;
    if (asked)
        asked->connection = NULL;
    else if (c->request)
        request_free(c->request);
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
    uint64_t now = io_loop_now(server->loop);
    struct list_item *next;
    for (struct list_item *item = server->connections; item; item = next) {
        struct io_http_connection *c = LIST_OWNER(item, struct io_http_connection, item);
        next = item->next;
        if (c->deadline && now >= c->deadline)
            connection_close(c);
    }
    if (server->connections)
        io_timer_start(&server->sweep, server->sweep_ms);
}

static void on_read(void *context, struct io_stream *stream, struct bytes data)
{
    struct io_http_connection *c = context;
    buf_append_bytes(&c->in, data);
    if (buf_status(&c->in)) {
        connection_close(c);
        return;
    }
    if ((c->state == HANDLING || c->state == WAITING) && c->in.len > AHEAD_MAX) {
        io_stream_pause(stream);
        c->paused = true;
    }
    run(c);
}

static void on_drained(void *context, struct io_stream *stream)
{
    (void)stream;
    struct io_http_connection *c = context;
    if (c->state == WAITING) {
        c->state = HEAD;
        run(c);
    } else if (c->state == HEAD && c->in.len == 0) {
        set_deadline(c, c->server->options.idle_ms);
    }
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
    struct io_http_server *server = context;
    if (server->count >= server->options.connections_max)
        return;
    struct io_http_connection *c = mem_alloc_zeroed(1, sizeof(*c));
    if (!c)
        return;
    c->server = server;
    c->stream = stream;
    list_add(&server->connections, &c->item);
    server->count++;
    set_deadline(c, server->options.idle_ms);
    if (!io_timer_started(&server->sweep))
        io_timer_start(&server->sweep, server->sweep_ms);
    io_stream_accept(stream, &stream_ops, c);
}

/* --- Requests --- */

/* Takes the first `len` bytes of what came. */
static void take(struct io_http_connection *c, size_t len)
{
    memmove(c->in.data, c->in.data + len, c->in.len - len);
    c->in.len -= len;
    if (c->in.len == 0 && c->in.capacity > IDLE_MEMORY)
        buf_release(&c->in);
}

static struct io_http_request *request_new(struct io_http_connection *c)
{
    struct io_http_request *request = mem_alloc(sizeof(*request));
    if (!request)
        return NULL;
    request->owner = request->task = NULL;
    request->connection = c;
    request->answered = false;
    request->body = bytes_none();
    request->body_from = 0;
    buf_init(&request->memory);
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
    c->state = HANDLING;
    c->deadline = 0;
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
    buf_append(&request->memory, c->in.data, len);
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
    c->state = BODY;
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

/* Goes on with the body; false when more bytes are needed. */
static bool read_body(struct io_http_connection *c)
{
    struct io_http_request *request = c->request;
    if (request->head.chunked) {
        size_t used, max = c->server->options.body_max + request->body_from;
        enum io_http_verdict verdict =
            io_http_chunks_feed(&c->chunks, &request->memory, &used, buf_bytes(&c->in), max);
        take(c, used);
        if (verdict == IO_HTTP_OK)
            give(c);
        else if (verdict != IO_HTTP_MORE)
            refuse_chunks(c, verdict);
        return verdict != IO_HTTP_MORE;
    }
    size_t len = c->in.len < c->left ? c->in.len : (size_t)c->left;
    if (len > 0) {
        buf_append(&request->memory, c->in.data, len);
        take(c, len);
        c->left -= len;
    }
    if (c->left > 0)
        return false;
    give(c);
    return true;
}

/* Looks for a head; false when more bytes are needed. */
static bool look_for_head(struct io_http_connection *c)
{
    size_t empty = 0; /* line ends before a request (RFC 9112, section 2.2) */
    while (empty < c->in.len && (c->in.data[empty] == '\r' || c->in.data[empty] == '\n'))
        empty++;
    if (empty)
        take(c, empty);
    bool first = c->scanned == 0;
    size_t len = io_http_head_length(buf_bytes(&c->in), c->scanned);
    if (len > IO_HTTP_HEAD_MAX || (len == 0 && c->in.len > IO_HTTP_HEAD_MAX)) {
        struct io_http_request *request = request_new(c);
        c->close_after = true;
        c->request = request;
        if (request)
            refuse(c, request, IO_HTTP_TOO_LARGE);
        return false;
    }
    if (first && c->in.len > 0)
        set_deadline(c, c->server->options.read_ms);
    if (len == 0) {
        c->scanned = c->in.len;
        return false;
    }
    begin(c, len);
    return true;
}

static bool skip(struct io_http_connection *c)
{
    size_t len = c->in.len < c->left ? c->in.len : (size_t)c->left;
    if (len)
        take(c, len);
    c->left -= len;
    if (c->left > 0)
        return false;
    c->state = HEAD;
    return true;
}

static bool step(struct io_http_connection *c)
{
    switch (c->state) {
    case HEAD:
        return c->in.len > 0 && look_for_head(c);
    case BODY:
        return read_body(c);
    case SKIPPING:
        return skip(c);
    default:
        return false;
    }
}

/* Goes as far as the bytes that are there allow. */
static void run(struct io_http_connection *c)
{
    if (c->running)
        return;
    c->running = true;
    while (!(c->close_after && !c->request && c->state == HEAD) && step(c))
        ;
    c->running = false;
    if (c->state == GIVEN) {
        connection_free(c);
    } else if (c->close_after && !c->request && c->state == HEAD) {
        io_stream_finish(c->stream, c->server->options.write_ms);
        connection_free(c);
    } else if (c->paused && c->state != HANDLING && c->state != WAITING) {
        c->paused = false;
        io_stream_resume(c->stream);
    }
}

/* --- Answers --- */

static const char *date_now(struct io_http_server *server)
{
    uint64_t second = io_loop_wall_ms(server->loop) / 1000;
    if (second != server->date_second || !server->date[0]) {
        time_t t = (time_t)second;
        struct tm tm;
        gmtime_r(&t, &tm);
        strftime(server->date, sizeof(server->date), "%a, %d %b %Y %H:%M:%S GMT", &tm);
        server->date_second = second;
    }
    return server->date;
}

static void append_fields(struct buf *out, const struct io_http_field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buf_append_text(out, fields[i].name);
        buf_append_text(out, ": ");
        buf_append_text(out, fields[i].value);
        buf_append_text(out, "\r\n");
    }
}

/* A large body is moved once, so that it and its head are one buffer, which the stream takes over. */
static bool put_before(struct buf *body, struct bytes head)
{
    size_t len = body->len;
    if (!buf_extend(body, head.len))
        return false;
    memmove(body->data + head.len, body->data, len);
    memcpy(body->data, head.data, head.len);
    return true;
}

/* Without formatting by the library, which would be a tenth of the whole work for a small answer. */
static void append_head(struct io_http_connection *c, struct buf *out, unsigned status,
                        const struct io_http_field *fields, size_t count, size_t body_len)
{
    char digits[24], *at = digits + sizeof(digits) - 1;
    if (status == 200)
        buf_append_text(out, "HTTP/1.1 200 OK\r\n");
    else
        buf_append_format(out, "HTTP/1.1 %u %s\r\n", status, io_http_reason(status));
    append_fields(out, fields, count);
    buf_append_text(out, "Date: ");
    buf_append_text(out, date_now(c->server));
    buf_append_text(out, "\r\nContent-Length: ");
    *at = '\0';
    do
        *--at = (char)('0' + body_len % 10);
    while (body_len /= 10);
    buf_append_text(out, at);
    buf_append_text(out, c->close_after ? "\r\nConnection: close\r\n\r\n"
                         : c->old       ? "\r\nConnection: keep-alive\r\n\r\n"
                                        : "\r\n\r\n");
}

static void write_answer(struct io_http_connection *c, bool is_head, unsigned status,
                         const struct io_http_field *fields, size_t count, struct buf *body)
{
    struct buf *out = &c->server->head;
    size_t body_len = body ? body->len : 0;
    buf_clear(out);
    append_head(c, out, status, fields, count, body_len);
    /* Failures break the stream, which tells by `closed`. */
    if (buf_status(out)) {
        c->close_after = true; /* out of memory; without an answer */
    } else if (is_head || body_len <= IDLE_MEMORY) {
        (void)io_stream_write(c->stream, buf_bytes(out));
        if (!is_head && body_len)
            (void)io_stream_write(c->stream, buf_bytes(body)); /* both go out together */
    } else if (put_before(body, buf_bytes(out))) {
        (void)io_stream_write_buf(c->stream, body);
    } else {
        c->close_after = true;
    }
}

/* What the connection does next, after the answer to a request in `before`. */
static void go_on(struct io_http_connection *c, enum state before)
{
    set_deadline(c, c->server->options.write_ms);
    c->state = HEAD;
    /* A connection that ends with the answer is not read on: io_stream_finish drops what still comes. */
    if (before == BODY && !c->close_after && c->left > 0 && c->left <= SKIP_MAX) {
        c->state = SKIPPING;
        set_deadline(c, c->server->options.read_ms);
    } else if (!c->close_after && io_stream_queued(c->stream) > QUEUED_MAX) {
        c->state = WAITING;
    }
}

void io_http_answer(struct io_http_request *request, unsigned status,
                    const struct io_http_field *fields, size_t count, struct buf *body)
{
    struct io_http_connection *c = request->connection;
    assert(!request->answered);
    request->answered = true;
    if (c) {
        enum state before = c->state;
        if (before == BODY &&
            (request->head.chunked || request->head.expects_continue || c->left > SKIP_MAX))
            c->close_after = true; /* where its next request would begin is not known */
        write_answer(c, request->wants_head, status, fields, count, body);
        c->request = NULL;
        go_on(c, before);
    }
    if (body)
        buf_release(body);
    request_free(request);
    if (c)
        run(c);
}

void io_http_answer_text(struct io_http_request *request, unsigned status, const char *text)
{
    static const struct io_http_field fields[] = {{"Content-Type", "text/plain; charset=utf-8"},
                                                  {"X-Content-Type-Options", "nosniff"}};
    struct buf body = BUF_INIT;
    buf_append_text(&body, text);
    buf_append_byte(&body, '\n');
    io_http_answer(request, status, fields, BASE_COUNT(fields), &body);
}

struct io_stream *io_http_upgrade(struct io_http_request *request,
                                  const struct io_http_field *fields, size_t count,
                                  struct buf *ret_rest)
{
    struct io_http_connection *c = request->connection;
    struct io_stream *stream = c->stream;
    struct buf out = BUF_INIT;
    assert(c->running && c->state == HANDLING);
    buf_append_text(&out, "HTTP/1.1 101 Switching Protocols\r\n");
    append_fields(&out, fields, count);
    buf_append_text(&out, "\r\n");
    (void)io_stream_write_buf(stream, &out);
    buf_release(&out);
    *ret_rest = c->in;
    buf_init(&c->in);
    if (c->paused)
        io_stream_resume(stream);
    c->stream = NULL;
    c->request = NULL;
    c->state = GIVEN;
    request_free(request);
    return stream;
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
    if (server->listener_count == LISTENERS_MAX)
        return err_set(detail, ERR_LIMIT, "an HTTP server has at most %d listeners", LISTENERS_MAX);
    int status = io_listen_tcp(&server->listeners[server->listener_count], server->loop, host, port,
                               on_accept, server, detail);
    if (status == 0)
        server->listener_count++;
    return status;
}

int io_http_listen_tls(struct io_http_server *server, const char *host, uint16_t port,
                       struct io_tls *tls, struct err_detail *detail)
{
    if (server->listener_count == LISTENERS_MAX)
        return err_set(detail, ERR_LIMIT, "an HTTP server has at most %d listeners", LISTENERS_MAX);
    int status = io_listen_tls(&server->listeners[server->listener_count], server->loop, host, port,
                               tls, on_accept, server, detail);
    if (status == 0)
        server->listener_count++;
    return status;
}

int io_http_listen_unix(struct io_http_server *server, const char *path, struct err_detail *detail)
{
    if (server->listener_count == LISTENERS_MAX)
        return err_set(detail, ERR_LIMIT, "an HTTP server has at most %d listeners", LISTENERS_MAX);
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
    return server->count;
}

void io_http_free(struct io_http_server *server)
{
    if (!server)
        return;
    for (size_t i = 0; i < server->listener_count; i++)
        io_listener_close(server->listeners[i]);
    while (server->connections)
        connection_close(LIST_OWNER(server->connections, struct io_http_connection, item));
    io_timer_stop(&server->sweep);
    buf_release(&server->head);
    mem_free(server);
}
