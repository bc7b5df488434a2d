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

/* Forgets what has been used up. */
static void consume(struct answer *a, size_t len)
{
    memmove(a->in.data, a->in.data + len, a->in.len - len);
    a->in.len -= len;
    a->scanned = 0;
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

/* The length of the head in `in`; 0 while it is not complete. */
static size_t head_length(struct answer *a, const char *status)
{
    size_t len = io_http_head_length(buf_bytes(&a->in), a->scanned);
    a->scanned = a->in.len;
    if (len == 0 || (len > 12 && memcmp(a->in.data, "HTTP/1.1 ", 9) == 0 &&
                     memcmp(a->in.data + 9, status, 3) == 0))
        return len;
    return SIZE_MAX;
}

static int http_body(struct answer *a)
{
    size_t head = head_length(a, "200"), used = 0;
    if (head == 0 || head == SIZE_MAX)
        return head ? ERR_INPUT : 0;
    const char *text = (const char *)a->in.data;
    const char *length = field(text, head, "content-length:");
    struct bytes rest = bytes_of(a->in.data + head, a->in.len - head);
    a->scanned = 0; /* looked at anew when it is not whole: answers mostly come in one piece */
    buf_clear(&a->body);
    if (length) {
        used = (size_t)strtoull(length, NULL, 10);
        if (used > RPCLOAD_ANSWER_MAX)
            return ERR_INPUT;
        if (rest.len < used)
            return 0;
        buf_append_bytes(&a->body, bytes_of(rest.data, used));
    } else {
        struct io_http_chunks chunks;
        io_http_chunks_init(&chunks);
        enum io_http_verdict verdict =
            io_http_chunks_feed(&chunks, &a->body, &used, rest, RPCLOAD_ANSWER_MAX);
        if (verdict == IO_HTTP_MORE)
            return 0;
        if (verdict != IO_HTTP_OK)
            return ERR_INPUT;
    }
    consume(a, head + used);
    return buf_status(&a->body) ? ERR_NOMEM : 1;
}

/* A line, or a JSON value whose last byte is the last that came: one answer is under way, so that nothing follows. */
static int ipc_body(struct answer *a)
{
    const uint8_t *end = NULL;
    if (a->in.len > a->scanned)
        end = memchr(a->in.data + a->scanned, '\n', a->in.len - a->scanned);
    a->scanned = a->in.len;
    if (!end)
        return 0;
    buf_clear(&a->body);
    buf_append_bytes(&a->body, bytes_of(a->in.data, (size_t)(end - a->in.data)));
    consume(a, (size_t)(end - a->in.data) + 1);
    return buf_status(&a->body) ? ERR_NOMEM : 1;
}

static int ws_body(struct answer *a)
{
    size_t at = 0, used;
    enum io_websocket_event event = IO_WEBSOCKET_MORE;
    if (a->frames.message_opcode == 0 && !a->frames.in_payload)
        buf_clear(&a->body);
    while (at < a->in.len && event != IO_WEBSOCKET_MESSAGE && event != IO_WEBSOCKET_WRONG) {
        event = io_websocket_read(&a->frames, &a->body, &used,
                                  bytes_of(a->in.data + at, a->in.len - at));
        at += used;
    }
    consume(a, at);
    if (buf_status(&a->body))
        return ERR_NOMEM;
    return event == IO_WEBSOCKET_MESSAGE ? 1 : event == IO_WEBSOCKET_WRONG ? ERR_INPUT : 0;
}

int answer_feed(struct answer *a, struct bytes data)
{
    buf_append_bytes(&a->in, data);
    if (buf_status(&a->in))
        return ERR_NOMEM;
    switch (a->transport) {
    case RPCLOAD_HTTP:
        return http_body(a);
    case RPCLOAD_WS:
        return ws_body(a);
    default:
        return ipc_body(a);
    }
}

int answer_feed_opening(struct answer *a, struct bytes data)
{
    buf_append_bytes(&a->in, data);
    if (buf_status(&a->in))
        return ERR_NOMEM;
    size_t head = head_length(a, "101");
    if (head == 0 || head == SIZE_MAX)
        return head ? ERR_INPUT : 0;
    consume(a, head);
    return 1;
}
