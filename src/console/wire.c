#include "console/wire.h"

#include "base/base64.h"
#include "console/client.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <strings.h>

/* --- HTTP --- */

struct line {
    struct bytes text; /* without its end */
    size_t next;       /* where the next begins */
};

static bool take_line(struct line *ret_line, struct bytes data, size_t from)
{
    if (from >= data.len)
        return false;
    const uint8_t *end = memchr(data.data + from, '\n', data.len - from);
    if (!end)
        return false;
    size_t len = (size_t)(end - data.data) - from;
    ret_line->next = from + len + 1;
    while (len && data.data[from + len - 1] == '\r')
        len--;
    ret_line->text = bytes_slice(data, from, len);
    return true;
}

/* The value of a header with this name. */
static bool header(struct bytes line, const char *name, struct bytes *ret_value)
{
    size_t len = strlen(name);
    if (line.len <= len || line.data[len] != ':' ||
        strncasecmp((const char *)line.data, name, len) != 0)
        return false;
    size_t from = len + 1;
    while (from < line.len && (line.data[from] == ' ' || line.data[from] == '\t'))
        from++;
    *ret_value = bytes_slice(line, from, line.len - from);
    return true;
}

static bool number(struct bytes text, unsigned base, size_t *ret_number)
{
    size_t value = 0, i = 0;
    for (; i < text.len; i++) {
        uint8_t c = text.data[i];
        unsigned digit = c >= '0' && c <= '9'   ? c - 48u /* '0' */
                         : c >= 'a' && c <= 'f' ? c - 'a' + 10u
                         : c >= 'A' && c <= 'F' ? c - 'A' + 10u
                                                : 99u;
        if (digit >= base)
            break;
        value = value * base + digit;
        if (value > CONSOLE_ANSWER_MAX)
            return false;
    }
    *ret_number = value;
    return i > 0;
}

static bool has_word(struct bytes value, const char *word)
{
    size_t len = strlen(word);
    for (size_t i = 0; i + len <= value.len; i++)
        if (strncasecmp((const char *)value.data + i, word, len) == 0)
            return true;
    return false;
}

static enum console_wire read_chunks(struct console_http *http, struct buf *body, struct bytes data)
{
    struct line line;
    size_t at = http->used, size, before = body->len;
    for (;;) {
        if (!take_line(&line, data, at)) {
            body->len = before;
            return data.len - at > 4096 ? CONSOLE_WIRE_BAD : CONSOLE_WIRE_MORE;
        }
        if (!number(line.text, 16, &size) || size + body->len > CONSOLE_ANSWER_MAX)
            return CONSOLE_WIRE_BAD;
        at = line.next;
        if (size == 0)
            break;
        if (data.len - at < size + 2) {
            body->len = before;
            return CONSOLE_WIRE_MORE;
        }
        buf_append(body, data.data + at, size);
        at += size + 2; /* and the end of line behind it */
    }
    do { /* trailers, up to an empty line */
        if (!take_line(&line, data, at)) {
            body->len = before;
            return CONSOLE_WIRE_MORE;
        }
        at = line.next;
    } while (line.text.len);
    http->used = at;
    return CONSOLE_WIRE_DONE;
}

static bool status_line(struct console_http *http, struct bytes line)
{
    if (line.len < 12 || memcmp(line.data, "HTTP/1.", 7) != 0)
        return false;
    size_t status;
    if (!number(bytes_slice(line, 9, 3), 10, &status))
        return false;
    http->status = (unsigned)status;
    http->keep_alive = line.data[7] == '1';
    size_t len = line.len > 13 ? line.len - 13 : 0;
    snprintf(http->reason, sizeof(http->reason), "%.*s", (int)(len < 60 ? len : 60),
             len ? (const char *)line.data + 13 : "");
    return true;
}

enum console_wire console_http_read(struct console_http *ret_http, struct buf *body,
                                    struct bytes data, bool closed)
{
    struct console_http http = {0};
    struct line line;
    struct bytes value;
    size_t length = 0;
    bool has_length = false, chunked = false;
    if (!take_line(&line, data, 0))
        return data.len > CONSOLE_HEAD_MAX || closed ? CONSOLE_WIRE_BAD : CONSOLE_WIRE_MORE;
    if (!status_line(&http, line.text))
        return CONSOLE_WIRE_BAD;
    do {
        if (!take_line(&line, data, line.next))
            return data.len > CONSOLE_HEAD_MAX || closed ? CONSOLE_WIRE_BAD : CONSOLE_WIRE_MORE;
        if (header(line.text, "content-length", &value)) {
            if (!number(value, 10, &length))
                return CONSOLE_WIRE_BAD;
            has_length = true;
        } else if (header(line.text, "transfer-encoding", &value)) {
            chunked = has_word(value, "chunked");
        } else if (header(line.text, "connection", &value)) {
            http.keep_alive =
                !has_word(value, "close") && (http.keep_alive || has_word(value, "keep-alive"));
        }
    } while (line.text.len);
    http.used = line.next;
    enum console_wire result = CONSOLE_WIRE_DONE;
    if (http.status == 101 || http.status == 204 || http.status == 304) {
        /* no body */
    } else if (chunked) {
        result = read_chunks(&http, body, data);
        result = result == CONSOLE_WIRE_MORE && closed ? CONSOLE_WIRE_BAD : result;
    } else if (has_length) {
        if (data.len - http.used < length)
            return closed ? CONSOLE_WIRE_BAD : CONSOLE_WIRE_MORE;
        buf_append(body, data.data + http.used, length);
        http.used += length;
    } else {
        if (!closed)
            return data.len > CONSOLE_ANSWER_MAX ? CONSOLE_WIRE_BAD : CONSOLE_WIRE_MORE;
        buf_append(body, data.data + http.used, data.len - http.used);
        http.used = data.len;
        http.keep_alive = false;
    }
    if (result == CONSOLE_WIRE_DONE)
        *ret_http = http;
    return result;
}

/* --- WebSocket --- */

enum console_wire console_frame_read(struct console_frame *ret_frame, struct bytes data)
{
    if (data.len < 2)
        return CONSOLE_WIRE_MORE;
    unsigned kind = data.data[0] & 0x0f;
    uint64_t len = data.data[1] & 0x7f;
    size_t at = 2, more = len == 126 ? 2 : len == 127 ? 8 : 0;
    if (data.data[0] & 0x70 || data.data[1] & 0x80 || (kind > 2 && kind < 8) || kind > 10)
        return CONSOLE_WIRE_BAD;
    if (kind >= 8 && (more || !(data.data[0] & 0x80)))
        return CONSOLE_WIRE_BAD; /* control frames are short and whole */
    if (data.len < at + more)
        return CONSOLE_WIRE_MORE;
    if (more)
        len = 0;
    for (; more; more--)
        len = len << 8 | data.data[at++];
    if (len > CONSOLE_ANSWER_MAX)
        return CONSOLE_WIRE_BAD;
    if (data.len - at < len)
        return CONSOLE_WIRE_MORE;
    *ret_frame = (struct console_frame){kind, data.data[0] & 0x80, bytes_slice(data, at, len),
                                        at + (size_t)len};
    return CONSOLE_WIRE_DONE;
}

void console_frame_write(struct buf *b, enum console_frame_kind kind, struct bytes payload,
                         const uint8_t mask[4])
{
    buf_append_byte(b, (uint8_t)(0x80 | kind));
    unsigned more = payload.len < 126 ? 0 : payload.len < 65536 ? 2 : 8;
    buf_append_byte(b, (uint8_t)(0x80 | (more == 0 ? payload.len : more == 2 ? 126 : 127)));
    while (more--)
        buf_append_byte(b, (uint8_t)((uint64_t)payload.len >> 8 * more));
    buf_append(b, mask, 4);
    uint8_t *to = buf_extend(b, payload.len);
    for (size_t i = 0; to && i < payload.len; i++)
        to[i] = payload.data[i] ^ mask[i % 4];
}

void console_ws_accept(char ret_text[32], const char *key)
{
    char joined[128];
    uint8_t digest[SHA_DIGEST_LENGTH];
    int len = snprintf(joined, sizeof(joined), "%.60s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
    SHA1((const uint8_t *)joined, (size_t)len, digest);
    base64_encode(ret_text, bytes_of(digest, sizeof(digest)));
    ret_text[base64_length(sizeof(digest))] = 0;
}

/* --- JSON --- */

enum console_wire console_json_end(struct console_scan *scan, struct bytes data)
{
    for (; scan->at < data.len; scan->at++) {
        uint8_t c = data.data[scan->at];
        if (scan->in_string) {
            if (scan->escaped)
                scan->escaped = false;
            else if (c == '\\')
                scan->escaped = true;
            else if (c == '"')
                scan->in_string = false;
        } else if (c == '"') {
            scan->in_string = true;
        } else if (c == '{' || c == '[') {
            scan->depth++;
        } else if (c == '}' || c == ']') {
            if (scan->depth == 0)
                return CONSOLE_WIRE_BAD;
            if (--scan->depth == 0) {
                scan->at++;
                return CONSOLE_WIRE_DONE;
            }
        } else if (scan->depth == 0 && c > ' ') {
            return CONSOLE_WIRE_BAD; /* answers are objects or arrays */
        }
    }
    return CONSOLE_WIRE_MORE;
}
