#include "rpcload.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

void answer_init(struct answer *a, enum rpcload_transport transport)
{
    *a = (struct answer){.transport = transport, .in = BUF_INIT, .body = BUF_INIT};
    io_websocket_reader_init(&a->frames, false, RPCLOAD_ANSWER_MAX);
}

void answer_release(struct answer *a)
{
    buf_release(&a->in);
    buf_release(&a->body);
}

/* The value of a field of the head, which ends in an empty line; NULL. */
static const char *field(const char *head, size_t len, const char *name)
{
    size_t name_len = strlen(name);
    for (const char *line = head; line < head + len;) {
        const char *end = memchr(line, '\n', (size_t)(head + len - line));
        if (!end)
            return NULL;
        if ((size_t)(end - line) > name_len && strncasecmp(line, name, name_len) == 0)
            return line + name_len;
        line = end + 1;
    }
    return NULL;
}

/* What of `data` belongs to the body. */
static int add(struct answer *a, struct bytes data)
{
    a->length += data.len;
    if (!a->keep)
        return 0;
    buf_append_bytes(&a->body, data);
    return buf_status(&a->body);
}

static int chunks(struct answer *a, struct bytes data)
{
    size_t used, before = a->body.len;
    enum io_http_verdict verdict =
        io_http_chunks_feed(&a->chunks, &a->body, &used, data, RPCLOAD_ANSWER_MAX);
    a->length += a->body.len - before;
    if (!a->keep)
        buf_clear(&a->body);
    if (verdict == IO_HTTP_MORE)
        return buf_status(&a->body);
    return verdict == IO_HTTP_OK ? 1 : ERR_INPUT;
}

static int http_body(struct answer *a, struct bytes data)
{
    if (a->is_chunked)
        return chunks(a, data);
    if (data.len > a->left)
        return ERR_INPUT; /* nothing was asked that could follow */
    a->left -= data.len;
    int status = add(a, data);
    return status ? status : a->left == 0;
}

/* The length of a head with that status; 0: it is not whole, SIZE_MAX: it is another. */
static size_t head_length(struct bytes data, const char *status)
{
    size_t len = io_http_head_length(data, 0);
    if (len == 0 || (len > 12 && memcmp(data.data, "HTTP/1.1 ", 9) == 0 &&
                     memcmp(data.data + 9, status, 3) == 0))
        return len;
    return SIZE_MAX;
}

/* From the beginning of an answer. */
static int http_begin(struct answer *a, struct bytes data)
{
    size_t head = head_length(data, "200");
    if (head == 0 || head == SIZE_MAX)
        return head ? ERR_INPUT : 0;
    const char *length = field((const char *)data.data, head, "content-length:");
    a->in_body = true;
    a->is_chunked = !length;
    if (length)
        a->left = strtoull(length, NULL, 10);
    else
        io_http_chunks_init(&a->chunks);
    if (a->left > RPCLOAD_ANSWER_MAX)
        return ERR_INPUT;
    return http_body(a, bytes_slice(data, head, data.len - head));
}

/* Heads come in one piece nearly always. */
static int http(struct answer *a, struct bytes data)
{
    if (a->in_body)
        return http_body(a, data);
    if (a->in.len == 0) {
        int status = http_begin(a, data);
        if (status || a->in_body)
            return status;
    }
    buf_append_bytes(&a->in, data);
    if (buf_status(&a->in))
        return ERR_NOMEM;
    int status = http_begin(a, buf_bytes(&a->in));
    if (a->in_body)
        buf_clear(&a->in);
    return status;
}

/* A line: one answer is under way, so that nothing follows. */
static int ipc(struct answer *a, struct bytes data)
{
    int status = add(a, data);
    return status ? status : data.len && data.data[data.len - 1] == '\n';
}

static int ws(struct answer *a, struct bytes data)
{
    size_t used;
    enum io_websocket_event event = IO_WEBSOCKET_MORE;
    while (data.len && event != IO_WEBSOCKET_MESSAGE && event != IO_WEBSOCKET_WRONG) {
        event = io_websocket_read(&a->frames, &a->body, &used, data);
        data = bytes_slice(data, used, data.len - used);
    }
    a->length = a->body.len;
    if (buf_status(&a->body))
        return ERR_NOMEM;
    return event == IO_WEBSOCKET_MESSAGE ? 1 : event == IO_WEBSOCKET_WRONG ? ERR_INPUT : 0;
}

int answer_feed(struct answer *a, struct bytes data)
{
    if (a->is_whole) {
        a->is_whole = a->in_body = a->is_chunked = false;
        a->length = a->left = 0;
        buf_clear(&a->body);
    }
    int status = a->transport == RPCLOAD_HTTP ? http(a, data)
                 : a->transport == RPCLOAD_WS ? ws(a, data)
                                              : ipc(a, data);
    a->is_whole = status == 1;
    return status;
}

int answer_feed_opening(struct answer *a, struct bytes data)
{
    buf_append_bytes(&a->in, data);
    if (buf_status(&a->in))
        return ERR_NOMEM;
    size_t head = head_length(buf_bytes(&a->in), "101");
    if (head == 0 || head == SIZE_MAX)
        return head ? ERR_INPUT : 0;
    buf_clear(&a->in); /* nothing was asked yet */
    return 1;
}
