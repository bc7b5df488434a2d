/* Answers: heads without formatting by the library, bodies without a copy. */
#include "io/http_internal.h"

#include "base/mem.h"

#include <stdio.h>
#include <time.h>

/* Bytes of answers that a client has not taken; above, its next request waits. */
enum { QUEUED_MAX = 256 * 1024 };

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
    } else {
        (void)io_stream_write(c->stream, buf_bytes(out));
        if (!is_head && body_len)
            (void)io_stream_write_buf(c->stream, body); /* both go out together */
    }
}

/* What the connection does next, after the answer to a request in `before`. */
static void go_on(struct io_http_connection *c, enum io_http_state before)
{
    io_http_set_deadline(c, c->server->options.write_ms);
    c->state = IO_HTTP_HEAD;
    /* A connection that ends with the answer is not read on: io_stream_finish drops what still comes. */
    if (before == IO_HTTP_BODY && !c->close_after && c->left > 0 && c->left <= IO_HTTP_SKIP_MAX) {
        c->state = IO_HTTP_SKIPPING;
        io_http_set_deadline(c, c->server->options.read_ms);
    } else if (!c->close_after && io_stream_queued(c->stream) > QUEUED_MAX) {
        c->state = IO_HTTP_WAITING;
    }
}

void io_http_answer(struct io_http_request *request, unsigned status,
                    const struct io_http_field *fields, size_t count, struct buf *body)
{
    struct io_http_connection *c = request->connection;
    assert(!request->answered);
    request->answered = true;
    if (c) {
        enum io_http_state before = c->state;
        if (before == IO_HTTP_BODY &&
            (request->head.chunked || request->head.expects_continue || c->left > IO_HTTP_SKIP_MAX))
            c->close_after = true; /* where its next request would begin is not known */
        write_answer(c, request->wants_head, status, fields, count, body);
        c->request = NULL;
        go_on(c, before);
    }
    if (body)
        buf_release(body);
    io_http_request_free(request);
    if (c)
        io_http_run(c);
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
    assert(c->running && c->state == IO_HTTP_HANDLING);
    buf_append_text(&out, "HTTP/1.1 101 Switching Protocols\r\n");
    append_fields(&out, fields, count);
    buf_append_text(&out, "\r\n");
    (void)io_stream_write_buf(stream, &out);
    buf_release(&out);
    io_http_forget_taken(c);
    *ret_rest = c->in;
    buf_init(&c->in);
    if (c->paused)
        io_stream_resume(stream);
    c->stream = NULL;
    c->request = NULL;
    c->state = IO_HTTP_GIVEN;
    io_http_request_free(request);
    return stream;
}
