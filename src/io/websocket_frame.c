#include "io/websocket_frame.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

enum {
    FINAL = 0x80,
    RESERVED = 0x70,
    OPCODE = 0x0f,
    LENGTH = 0x7f,
    LENGTH_16 = 126,
    LENGTH_64 = 127,
};

/* --- UTF-8 (RFC 3629), a byte at a time --- */

/* What may come next: a bit for nothing open, then how many continuation bytes are due, and the narrower range that the
 * first of them has behind some leading bytes. */
enum utf8 {
    UTF8_START,
    UTF8_TAIL_1,
    UTF8_TAIL_2,
    UTF8_TAIL_3,
    UTF8_E0, /* A0..BF, no overlong form */
    UTF8_ED, /* 80..9F, no surrogate */
    UTF8_F0, /* 90..BF, no overlong form */
    UTF8_F4, /* 80..8F, not above U+10FFFF */
    UTF8_BAD,
};

static uint8_t utf8_lead(uint8_t c)
{
    if (c < 0x80)
        return UTF8_START;
    if (c < 0xc2)
        return UTF8_BAD;
    if (c < 0xe0)
        return UTF8_TAIL_1;
    if (c < 0xf0)
        return c == 0xe0 ? UTF8_E0 : c == 0xed ? UTF8_ED : UTF8_TAIL_2;
    return c == 0xf0 ? UTF8_F0 : c == 0xf4 ? UTF8_F4 : c < 0xf4 ? UTF8_TAIL_3 : UTF8_BAD;
}

static uint8_t utf8_next(uint8_t state, uint8_t c)
{
    static const struct {
        uint8_t low, high, next;
    } tails[] = {
        [UTF8_TAIL_1] = {0x80, 0xbf, UTF8_START},  [UTF8_TAIL_2] = {0x80, 0xbf, UTF8_TAIL_1},
        [UTF8_TAIL_3] = {0x80, 0xbf, UTF8_TAIL_2}, [UTF8_E0] = {0xa0, 0xbf, UTF8_TAIL_1},
        [UTF8_ED] = {0x80, 0x9f, UTF8_TAIL_1},     [UTF8_F0] = {0x90, 0xbf, UTF8_TAIL_2},
        [UTF8_F4] = {0x80, 0x8f, UTF8_TAIL_2},     [UTF8_BAD] = {1, 0, UTF8_BAD},
    };
    if (state == UTF8_START)
        return utf8_lead(c);
    return c >= tails[state].low && c <= tails[state].high ? tails[state].next : UTF8_BAD;
}

static uint8_t utf8_run(uint8_t state, struct bytes text)
{
    size_t i = 0;
    while (i < text.len && state != UTF8_BAD) {
        uint64_t eight;
        if (state == UTF8_START && text.len - i >= sizeof(eight)) {
            memcpy(&eight, text.data + i, sizeof(eight));
            if (!(eight & 0x8080808080808080u)) {
                i += sizeof(eight);
                continue;
            }
        }
        state = utf8_next(state, text.data[i++]);
    }
    return state;
}

/* --- Reading --- */

static void next_frame(struct io_websocket_reader *r)
{
    r->header_len = 0;
    r->header_want = 2;
    r->in_payload = false;
}

void io_websocket_reader_init(struct io_websocket_reader *reader, bool from_client,
                              size_t message_max)
{
    *reader = (struct io_websocket_reader){
        .from_client = from_client, .message_max = message_max, .code = IO_WEBSOCKET_NO_CODE};
    next_frame(reader);
}

static enum io_websocket_event wrong(struct io_websocket_reader *r, enum io_websocket_code code)
{
    r->code = (uint16_t)code;
    return IO_WEBSOCKET_WRONG;
}

static bool is_control(uint8_t opcode)
{
    return opcode >= IO_WEBSOCKET_CLOSE;
}

/* The first two bytes: 0, or what is wrong with them. */
static enum io_websocket_event check_start(struct io_websocket_reader *r)
{
    uint8_t first = r->header[0], second = r->header[1], length = second & LENGTH;
    r->opcode = first & OPCODE;
    r->last = first & FINAL;
    bool known = r->opcode <= IO_WEBSOCKET_BINARY ||
                 (r->opcode >= IO_WEBSOCKET_CLOSE && r->opcode <= IO_WEBSOCKET_PONG);
    if ((first & RESERVED) || !known || !(second & IO_WEBSOCKET_MASKED) == r->from_client)
        return wrong(r, IO_WEBSOCKET_PROTOCOL_ERROR);
    if (is_control(r->opcode) && (!r->last || length > IO_WEBSOCKET_CONTROL_MAX))
        return wrong(r, IO_WEBSOCKET_PROTOCOL_ERROR);
    /* A continuation continues something, and nothing else may come in between. */
    if (!is_control(r->opcode) &&
        (r->opcode == IO_WEBSOCKET_CONTINUATION) != (r->message_opcode != 0))
        return wrong(r, IO_WEBSOCKET_PROTOCOL_ERROR);
    r->header_want = (uint8_t)(2 +
                               (length == LENGTH_16   ? 2
                                : length == LENGTH_64 ? 8
                                                      : 0) +
                               (r->from_client ? 4 : 0));
    return IO_WEBSOCKET_MORE;
}

static uint64_t read_length(const struct io_websocket_reader *r, size_t *ret_at)
{
    uint8_t length = r->header[1] & LENGTH;
    size_t len = length == LENGTH_16 ? 2 : length == LENGTH_64 ? 8 : 0;
    uint64_t value = 0;
    for (size_t i = 0; i < len; i++)
        value = value << 8 | r->header[2 + i];
    *ret_at = 2 + len;
    return len ? value : length;
}

static enum io_websocket_event begin_payload(struct io_websocket_reader *r,
                                             const struct buf *message)
{
    size_t at;
    uint8_t length = r->header[1] & LENGTH;
    r->left = read_length(r, &at);
    r->done = 0;
    /* The shortest form must be used (section 5.2). */
    if ((length == LENGTH_16 && r->left < LENGTH_16) ||
        (length == LENGTH_64 && (r->left <= UINT16_MAX || r->left >> 63)))
        return wrong(r, IO_WEBSOCKET_PROTOCOL_ERROR);
    memcpy(r->mask, r->header + at, r->from_client ? sizeof(r->mask) : 0);
    r->in_payload = true;
    if (is_control(r->opcode)) {
        r->control_len = 0;
        return IO_WEBSOCKET_MORE;
    }
    if (r->opcode != IO_WEBSOCKET_CONTINUATION) {
        r->message_opcode = r->opcode;
        r->utf8 = UTF8_START;
        r->fragments = 0;
    }
    if (r->left >
            r->message_max - (message->len < r->message_max ? message->len : r->message_max) ||
        ++r->fragments > IO_WEBSOCKET_FRAGMENTS_MAX)
        return wrong(r, IO_WEBSOCKET_TOO_BIG);
    return IO_WEBSOCKET_MORE;
}

static void unmask(struct io_websocket_reader *r, uint8_t *to, struct bytes data)
{
    if (!r->from_client) {
        memcpy(to, data.data, data.len);
        return;
    }
    size_t i = 0;
    uint8_t mask[8];
    uint64_t mask8, eight;
    for (size_t k = 0; k < sizeof(mask); k++)
        mask[k] = r->mask[(r->done + k) % 4];
    memcpy(&mask8, mask, sizeof(mask8));
    for (; i + sizeof(eight) <= data.len; i += sizeof(eight)) {
        memcpy(&eight, data.data + i, sizeof(eight));
        eight ^= mask8;
        memcpy(to + i, &eight, sizeof(eight));
    }
    for (; i < data.len; i++)
        to[i] = data.data[i] ^ mask[i % 8];
}

/* Codes that may stand in a close frame (section 7.4). */
static bool is_close_code(unsigned code)
{
    return (code >= 1000 && code <= 1011 && code != 1004 && code != 1005 && code != 1006) ||
           (code >= 3000 && code <= 4999);
}

static enum io_websocket_event end_control(struct io_websocket_reader *r)
{
    r->control_opcode = r->opcode;
    if (r->opcode != IO_WEBSOCKET_CLOSE)
        return IO_WEBSOCKET_CONTROL;
    r->code = IO_WEBSOCKET_NO_CODE;
    if (r->control_len == 0)
        return IO_WEBSOCKET_CONTROL;
    unsigned code = r->control_len >= 2 ? (unsigned)r->control[0] << 8 | r->control[1] : 0;
    if (!is_close_code(code))
        return wrong(r, IO_WEBSOCKET_PROTOCOL_ERROR);
    if (utf8_run(UTF8_START, bytes_of(r->control + 2, r->control_len - 2u)) != UTF8_START)
        return wrong(r, IO_WEBSOCKET_INVALID_UTF8);
    r->code = (uint16_t)code;
    return IO_WEBSOCKET_CONTROL;
}

static enum io_websocket_event end_frame(struct io_websocket_reader *r)
{
    next_frame(r);
    if (is_control(r->opcode))
        return end_control(r);
    if (!r->last)
        return IO_WEBSOCKET_MORE;
    bool text = r->message_opcode == IO_WEBSOCKET_TEXT;
    r->message_opcode = 0;
    if (text && r->utf8 != UTF8_START)
        return wrong(r, IO_WEBSOCKET_INVALID_UTF8);
    return IO_WEBSOCKET_MESSAGE;
}

/* Takes payload bytes of the frame under way. */
static enum io_websocket_event take(struct io_websocket_reader *r, struct buf *message,
                                    struct bytes data)
{
    uint8_t *to = NULL;
    if (is_control(r->opcode)) {
        to = r->control + r->control_len;
        r->control_len += (uint8_t)data.len;
    } else {
        to = buf_extend(message, data.len);
    }
    if (to)
        unmask(r, to, data);
    r->left -= data.len;
    r->done += data.len;
    if (to && !is_control(r->opcode) && r->message_opcode == IO_WEBSOCKET_TEXT) {
        r->utf8 = utf8_run(r->utf8, bytes_of(to, data.len));
        if (r->utf8 == UTF8_BAD)
            return wrong(r, IO_WEBSOCKET_INVALID_UTF8);
    }
    return IO_WEBSOCKET_MORE;
}

enum io_websocket_event io_websocket_read(struct io_websocket_reader *reader, struct buf *message,
                                          size_t *ret_used, struct bytes data)
{
    struct io_websocket_reader *r = reader;
    enum io_websocket_event event = IO_WEBSOCKET_MORE;
    size_t at = 0;
    while (event == IO_WEBSOCKET_MORE && (at < data.len || (r->in_payload && r->left == 0))) {
        if (!r->in_payload) {
            r->header[r->header_len++] = data.data[at++];
            if (r->header_len == 2)
                event = check_start(r);
            if (event == IO_WEBSOCKET_MORE && r->header_len >= 2 && r->header_len == r->header_want)
                event = begin_payload(r, message);
            continue;
        }
        if (r->left > 0) {
            size_t len = data.len - at < r->left ? data.len - at : (size_t)r->left;
            event = take(r, message, bytes_of(data.data + at, len));
            at += len;
        }
        if (event == IO_WEBSOCKET_MORE && r->left == 0)
            event = end_frame(r);
    }
    *ret_used = at;
    return event;
}

size_t io_websocket_header(uint8_t ret_header[IO_WEBSOCKET_HEADER_MAX],
                           enum io_websocket_opcode opcode, uint64_t len)
{
    size_t bytes = len < LENGTH_16 ? 0 : len <= UINT16_MAX ? 2 : 8;
    ret_header[0] = (uint8_t)(FINAL | opcode);
    ret_header[1] = (uint8_t)(bytes == 0 ? len : bytes == 2 ? LENGTH_16 : LENGTH_64);
    for (size_t i = 0; i < bytes; i++)
        ret_header[2 + i] = (uint8_t)(len >> 8 * (bytes - 1 - i));
    return 2 + bytes;
}

/* --- The opening handshake --- */

/* Whether a list of tokens, over all fields of that name, has one. */
static bool has_token(const struct io_http_head *head, const char *name, const char *token)
{
    for (size_t i = 0; i < head->field_count; i++) {
        struct bytes rest = head->fields[i].value;
        while (io_http_same_name(head->fields[i].name, name) && rest.len) {
            const uint8_t *comma = memchr(rest.data, ',', rest.len);
            size_t len = comma ? (size_t)(comma - rest.data) : rest.len;
            struct bytes item = bytes_slice(rest, 0, len);
            while (item.len && (item.data[0] == ' ' || item.data[0] == '\t'))
                item = bytes_slice(item, 1, item.len - 1);
            while (item.len && (item.data[item.len - 1] == ' ' || item.data[item.len - 1] == '\t'))
                item.len--;
            if (io_http_same_name(item, token))
                return true;
            len += comma != NULL;
            rest = bytes_slice(rest, len, rest.len - len);
        }
    }
    return false;
}

bool io_websocket_is_wanted(const struct io_http_head *head)
{
    return has_token(head, "upgrade", "websocket") && has_token(head, "connection", "upgrade");
}

/* The key is 16 bytes in base64 (section 4.1). */
static bool is_key(const struct bytes *key)
{
    if (!key || key->len != IO_WEBSOCKET_KEY_LEN || key->data[22] != '=' || key->data[23] != '=')
        return false;
    for (size_t i = 0; i < 22; i++) {
        uint8_t c = key->data[i];
        bool digit = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                     c == '+' || c == '/';
        if (!digit)
            return false;
    }
    return true;
}

void io_websocket_accept(char ret_accept[IO_WEBSOCKET_ACCEPT_LEN + 1],
                         const char key[IO_WEBSOCKET_KEY_LEN])
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    uint8_t text[IO_WEBSOCKET_KEY_LEN + sizeof(guid) - 1], hash[SHA_DIGEST_LENGTH];
    memcpy(text, key, IO_WEBSOCKET_KEY_LEN);
    memcpy(text + IO_WEBSOCKET_KEY_LEN, guid, sizeof(guid) - 1);
    SHA1(text, sizeof(text), hash);
    EVP_EncodeBlock((unsigned char *)ret_accept, hash, sizeof(hash));
}

unsigned io_websocket_handshake(char ret_accept[IO_WEBSOCKET_ACCEPT_LEN + 1],
                                const struct io_http_head *head)
{
    const struct bytes *key = io_http_head_field(head, "sec-websocket-key");
    if (!bytes_equal(head->method, bytes_str("GET")))
        return 405;
    if (!io_websocket_is_wanted(head) || !has_token(head, "sec-websocket-version", "13") ||
        head->minor == 0 || !is_key(key))
        return 400;
    io_websocket_accept(ret_accept, (const char *)key->data);
    return 101;
}

bool io_websocket_is_accepted(const struct io_http_head *head, unsigned status, const char *accept)
{
    const struct bytes *got = io_http_head_field(head, "sec-websocket-accept");
    return status == 101 && io_websocket_is_wanted(head) && got &&
           bytes_equal(*got, bytes_str(accept)) &&
           !io_http_head_field(head, "sec-websocket-extensions") &&
           !io_http_head_field(head, "sec-websocket-protocol");
}
