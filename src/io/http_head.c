#include "io/http_head.h"

unsigned io_http_verdict_status(enum io_http_verdict verdict)
{
    static const unsigned statuses[] = {
#define X(name, status, text) status,
        IO_HTTP_VERDICT_LIST(X)
#undef X
    };
    return statuses[verdict];
}

const char *io_http_verdict_text(enum io_http_verdict verdict)
{
    static const char *const texts[] = {
#define X(name, status, text) text,
        IO_HTTP_VERDICT_LIST(X)
#undef X
    };
    return texts[verdict];
}

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

bool io_http_same_name(struct bytes a, const char *b)
{
    size_t i = 0;
    for (; i < a.len && b[i]; i++)
        if (lower(a.data[i]) != lower((uint8_t)b[i]))
            return false;
    return i == a.len && !b[i];
}

size_t io_http_head_length(struct bytes data, size_t from)
{
    /* The end may have begun in the bytes that were looked at before: "\r\n\r" at most. */
    size_t at = from > 3 ? from - 3 : 0;
    while (at < data.len) {
        const uint8_t *lf = memchr(data.data + at, '\n', data.len - at);
        if (!lf)
            return 0;
        at = (size_t)(lf - data.data) + 1;
        if (at < data.len && data.data[at] == '\n')
            return at + 1;
        if (at + 1 < data.len && data.data[at] == '\r' && data.data[at + 1] == '\n')
            return at + 2;
    }
    return 0;
}

/* The characters of a token (RFC 9110, section 5.6.2). */
static bool is_token(struct bytes text)
{
    /* A bit for each character below 128: digits, letters and !#$%&'*+-.^_`|~ */
    static const uint64_t set[2] = {0x03ff6cfa00000000, 0x57ffffffc7fffffe};
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        if (c >= 128 || !(set[c / 64] >> c % 64 & 1))
            return false;
    }
    return text.len > 0;
}

bool io_http_may_begin(uint8_t first)
{
    return is_token(bytes_of(&first, 1));
}

static struct bytes trim(struct bytes text)
{
    while (text.len && (text.data[0] == ' ' || text.data[0] == '\t'))
        text = bytes_slice(text, 1, text.len - 1);
    while (text.len && (text.data[text.len - 1] == ' ' || text.data[text.len - 1] == '\t'))
        text.len--;
    return text;
}

/* No controls but the tab: a value cannot carry line ends or zeros. */
static bool is_value(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((text.data[i] < 32 && text.data[i] != '\t') || text.data[i] == 127)
            return false;
    return true;
}

/* Cuts the first line off, without its end. */
static struct bytes take_line(struct bytes *rest)
{
    const uint8_t *lf = memchr(rest->data, '\n', rest->len);
    if (!lf) {
        struct bytes all = *rest;
        *rest = bytes_none();
        return all;
    }
    size_t len = (size_t)(lf - rest->data);
    struct bytes line = bytes_slice(*rest, 0, len);
    *rest = bytes_slice(*rest, len + 1, rest->len - len - 1);
    if (line.len && line.data[line.len - 1] == '\r')
        line.len--;
    return line;
}

/* "HTTP/1.0" or "HTTP/1.1". */
static enum io_http_verdict read_version(struct io_http_head *h, struct bytes version)
{
    if (version.len != 8 || memcmp(version.data, "HTTP/", 5) != 0 || version.data[6] != '.')
        return IO_HTTP_BAD;
    if (version.data[5] != '1' || (version.data[7] != '0' && version.data[7] != '1'))
        return IO_HTTP_BAD_VERSION;
    h->minor = version.data[7] - '0';
    return IO_HTTP_OK;
}

static enum io_http_verdict read_request_line(struct io_http_head *h, struct bytes line)
{
    const uint8_t *first = line.len ? memchr(line.data, ' ', line.len) : NULL;
    if (!first)
        return IO_HTTP_BAD;
    size_t method_len = (size_t)(first - line.data);
    struct bytes rest = bytes_slice(line, method_len + 1, line.len - method_len - 1);
    const uint8_t *second = rest.len ? memchr(rest.data, ' ', rest.len) : NULL;
    if (!second || second == rest.data)
        return IO_HTTP_BAD;
    h->method = bytes_slice(line, 0, method_len);
    h->target = bytes_slice(rest, 0, (size_t)(second - rest.data));
    struct bytes version = bytes_slice(rest, h->target.len + 1, rest.len - h->target.len - 1);
    if (!is_token(h->method) || !is_value(h->target))
        return IO_HTTP_BAD;
    return read_version(h, version);
}

/* "HTTP/1.1 101 Switching Protocols"; what stands behind the number is free, or not there. */
static enum io_http_verdict read_status_line(struct io_http_head *h, unsigned *ret_status,
                                             struct bytes line)
{
    const uint8_t *d = line.data;
    unsigned status = 0;
    if (line.len < 12 || d[8] != ' ' || (line.len > 12 && d[12] != ' ') || !is_value(line))
        return IO_HTTP_BAD;
    for (size_t i = 9; i < 12; i++) {
        if (d[i] < '0' || d[i] > '9')
            return IO_HTTP_BAD;
        status = status * 10 + (d[i] - '0');
    }
    *ret_status = status;
    return read_version(h, bytes_slice(line, 0, 8));
}

static enum io_http_verdict read_fields(struct io_http_head *h, struct bytes rest)
{
    for (;;) {
        struct bytes line = take_line(&rest);
        if (line.len == 0)
            return rest.len ? IO_HTTP_BAD : IO_HTTP_OK;
        const uint8_t *colon = memchr(line.data, ':', line.len);
        if (!colon)
            return IO_HTTP_BAD;
        if (h->field_count == IO_HTTP_FIELDS_MAX)
            return IO_HTTP_TOO_LARGE;
        size_t len = (size_t)(colon - line.data);
        struct io_http_pair pair = {bytes_slice(line, 0, len),
                                    trim(bytes_slice(line, len + 1, line.len - len - 1))};
        if (!is_token(pair.name) || !is_value(pair.value))
            return IO_HTTP_BAD;
        h->fields[h->field_count++] = pair;
    }
}

/* Whether a list such as "keep-alive, Upgrade" has a word. */
static bool list_has(struct bytes list, const char *word)
{
    while (list.len) {
        const uint8_t *comma = memchr(list.data, ',', list.len);
        size_t len = comma ? (size_t)(comma - list.data) : list.len;
        if (io_http_same_name(trim(bytes_slice(list, 0, len)), word))
            return true;
        size_t skip = comma ? len + 1 : len;
        list = bytes_slice(list, skip, list.len - skip);
    }
    return false;
}

static bool read_length(uint64_t *ret_length, struct bytes text)
{
    uint64_t value = 0;
    if (text.len == 0 || text.len > 18) /* 18 digits do not overflow */
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        value = value * 10 + (text.data[i] - '0');
    }
    *ret_length = value;
    return true;
}

static enum io_http_verdict read_meaning(struct io_http_head *h)
{
    size_t hosts = 0;
    h->keep_alive = h->minor == 1;
    for (size_t i = 0; i < h->field_count; i++) {
        struct bytes name = h->fields[i].name, value = h->fields[i].value;
        if (io_http_same_name(name, "host")) {
            hosts++;
        } else if (io_http_same_name(name, "content-length")) {
            uint64_t length;
            if (!read_length(&length, value) || (h->has_length && length != h->body_length))
                return IO_HTTP_BAD_LENGTH;
            h->has_length = true;
            h->body_length = length;
        } else if (io_http_same_name(name, "transfer-encoding")) {
            if (!io_http_same_name(value, "chunked") || h->chunked)
                return IO_HTTP_BAD_ENCODING;
            h->chunked = true;
        } else if (io_http_same_name(name, "connection")) {
            if (list_has(value, "close"))
                h->keep_alive = false;
            else if (list_has(value, "keep-alive"))
                h->keep_alive = true;
        } else if (io_http_same_name(name, "expect")) {
            h->expects_continue = io_http_same_name(value, "100-continue") && h->minor == 1;
        }
    }
    if (h->chunked && (h->has_length || h->minor == 0))
        return IO_HTTP_BAD_LENGTH;
    if (hosts > 1 || (hosts == 0 && h->minor == 1))
        return IO_HTTP_NO_HOST;
    return IO_HTTP_OK;
}

/* What holds for any head: its length. */
static enum io_http_verdict begin_head(struct io_http_head *h, struct bytes data)
{
    h->field_count = 0;
    h->chunked = h->has_length = h->keep_alive = h->expects_continue = false;
    h->body_length = 0;
    if (data.len > IO_HTTP_HEAD_MAX)
        return IO_HTTP_TOO_LARGE;
    return io_http_head_length(data, 0) != data.len || data.len == 0 ? IO_HTTP_BAD : IO_HTTP_OK;
}

enum io_http_verdict io_http_head_read(struct io_http_head *ret_head, struct bytes data)
{
    struct bytes rest = data;
    enum io_http_verdict verdict = begin_head(ret_head, data);
    if (verdict == IO_HTTP_OK)
        verdict = read_request_line(ret_head, take_line(&rest));
    if (verdict == IO_HTTP_OK)
        verdict = read_fields(ret_head, rest);
    return verdict == IO_HTTP_OK ? read_meaning(ret_head) : verdict;
}

enum io_http_verdict io_http_reply_head_read(struct io_http_head *ret_head, unsigned *ret_status,
                                             struct bytes data)
{
    struct bytes rest = data;
    enum io_http_verdict verdict = begin_head(ret_head, data);
    ret_head->method = ret_head->target = bytes_none();
    if (verdict == IO_HTTP_OK)
        verdict = read_status_line(ret_head, ret_status, take_line(&rest));
    return verdict == IO_HTTP_OK ? read_fields(ret_head, rest) : verdict;
}

const struct bytes *io_http_head_field(const struct io_http_head *head, const char *name)
{
    for (size_t i = 0; i < head->field_count; i++)
        if (io_http_same_name(head->fields[i].name, name))
            return &head->fields[i].value;
    return NULL;
}

/* --- Chunks --- */

enum {
    SIZE,      /* digits of a size */
    EXTENSION, /* what follows them on the line */
    DATA,
    DATA_END, /* the line end behind data */
    TRAILER,  /* lines behind the last chunk */
    DONE,
};

enum {
    SIZE_DIGITS_MAX = 15, /* below 2^60: sums do not overflow */
    LINE_MAX_BYTES = 4096,
    /* Bytes of sizes' lines beside a chunk's fair share, of 16 and twice its own: a body could have 4,096 for each of its bytes (Go,
     * net/http/internal/chunked.go). */
    EXTRA_FREE = 16,
    EXTRA_MAX = 16 * 1024,
};

void io_http_chunks_init(struct io_http_chunks *chunks)
{
    *chunks = (struct io_http_chunks){.state = SIZE};
}

static int digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* What follows the size on its line is read over. */
static enum io_http_verdict extension_byte(struct io_http_chunks *c, uint8_t byte)
{
    if (byte != '\n') {
        c->extra++;
        return ++c->count > LINE_MAX_BYTES ? IO_HTTP_BAD : IO_HTTP_MORE;
    }
    uint64_t fair = EXTRA_FREE + 2 * c->left;
    c->extra = c->extra > fair ? c->extra - (unsigned)fair : 0;
    if (c->extra > EXTRA_MAX)
        return IO_HTTP_BAD;
    c->count = 0;
    c->state = c->left ? DATA : TRAILER;
    return IO_HTTP_MORE;
}

/* One byte outside of data. */
static enum io_http_verdict chunk_byte(struct io_http_chunks *c, uint8_t byte)
{
    switch (c->state) {
    case SIZE:
        if (digit(byte) >= 0 && c->count < SIZE_DIGITS_MAX) {
            c->left = c->left * 16 + (uint64_t)digit(byte);
            c->count++;
            c->extra++;
            return IO_HTTP_MORE;
        }
        if (c->count == 0 || byte == 0 || !strchr("; \t\r\n", byte))
            return IO_HTTP_BAD;
        c->count = 0;
        c->state = EXTENSION;
        return extension_byte(c, byte);
    case EXTENSION:
        return extension_byte(c, byte);
    case DATA_END:
        if (byte == '\n') {
            c->count = 0;
            c->left = 0;
            c->state = SIZE;
        } else if (byte != '\r' || c->count++) {
            return IO_HTTP_BAD;
        }
        return IO_HTTP_MORE;
    default: /* TRAILER: `left` counts all lines, `count` the one under way */
        if (byte == '\n' && c->count == 0) {
            c->state = DONE;
            return IO_HTTP_OK;
        }
        if (byte == '\n')
            c->count = 0;
        else if (byte != '\r')
            c->count++;
        return ++c->left > LINE_MAX_BYTES ? IO_HTTP_BAD : IO_HTTP_MORE;
    }
}

enum io_http_verdict io_http_chunks_feed(struct io_http_chunks *chunks, struct buf *body,
                                         size_t *ret_used, struct bytes data, size_t body_max)
{
    size_t at = 0;
    enum io_http_verdict verdict = chunks->state == DONE ? IO_HTTP_OK : IO_HTTP_MORE;
    while (verdict == IO_HTTP_MORE && at < data.len) {
        if (chunks->state != DATA) {
            verdict = chunk_byte(chunks, data.data[at++]);
            if (chunks->state == DATA &&
                (body->len > body_max || chunks->left > body_max - body->len))
                verdict = IO_HTTP_TOO_LARGE;
            continue;
        }
        size_t take = data.len - at;
        if (take > chunks->left)
            take = (size_t)chunks->left;
        buf_append(body, data.data + at, take);
        at += take;
        chunks->left -= take;
        if (chunks->left == 0)
            chunks->state = DATA_END;
    }
    *ret_used = at;
    return verdict;
}
