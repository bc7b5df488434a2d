#include "rpc/json/json.h"

enum {
    BEFORE_VALUE,
    ARRAY_FIRST,  /* behind '[': a value or ']' */
    OBJECT_FIRST, /* behind '{': a key or '}' */
    BEFORE_KEY,   /* behind ',' of an object */
    BEFORE_COLON,
    AFTER_VALUE, /* ',' or a closing bracket */
    STRING,
    KEY,
    STRING_ESCAPE,
    KEY_ESCAPE,
    STRING_HEX,
    KEY_HEX,
    LITERAL,
    NUMBER_SIGN,     /* '-' came: a digit must */
    NUMBER_ZERO,     /* 0 at the beginning: no digit may follow */
    NUMBER_INTEGER,  /* digits */
    NUMBER_POINT,    /* '.': a digit must follow */
    NUMBER_FRACTION, /* digits */
    NUMBER_E,        /* 'e': a sign or digit must follow */
    NUMBER_E_SIGN,   /* a digit must follow */
    NUMBER_EXPONENT, /* digits */
    COMPLETE,
    BROKEN,
};

static const char *const literals[] = {"true", "false", "null"};

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static int hex_digit(uint8_t c)
{
    if (is_digit(c))
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void rpc_json_scanner_init(struct rpc_json_scanner *s)
{
    s->state = BEFORE_VALUE;
    s->begun = false;
    s->depth = 0;
}

static uint8_t push(struct rpc_json_scanner *s, bool is_object)
{
    if (s->depth == RPC_JSON_DEPTH_MAX)
        return BROKEN;
    uint8_t bit = (uint8_t)(1 << s->depth % 8);
    if (is_object)
        s->stack[s->depth / 8] |= bit;
    else
        s->stack[s->depth / 8] &= (uint8_t)~bit;
    s->depth++;
    return is_object ? OBJECT_FIRST : ARRAY_FIRST;
}

static bool in_object(const struct rpc_json_scanner *s)
{
    return s->depth > 0 && s->stack[(s->depth - 1) / 8] >> (s->depth - 1) % 8 & 1;
}

static uint8_t value_end(const struct rpc_json_scanner *s)
{
    return s->depth ? AFTER_VALUE : COMPLETE;
}

static uint8_t pop(struct rpc_json_scanner *s)
{
    s->depth--;
    return value_end(s);
}

static uint8_t begin_value(struct rpc_json_scanner *s, uint8_t c)
{
    switch (c) {
    case '{':
        return push(s, true);
    case '[':
        return push(s, false);
    case '"':
        return STRING;
    case '-':
        return NUMBER_SIGN;
    case '0':
        return NUMBER_ZERO;
    case 't':
    case 'f':
    case 'n':
        s->literal = c == 't' ? 0 : c == 'f' ? 1 : 2;
        s->literal_at = 1;
        return LITERAL;
    default:
        return is_digit(c) ? NUMBER_INTEGER : BROKEN;
    }
}

/* A byte between values; white space is skipped by the caller. */
static uint8_t between(struct rpc_json_scanner *s, uint8_t c)
{
    switch (s->state) {
    case BEFORE_VALUE:
        return begin_value(s, c);
    case ARRAY_FIRST:
        return c == ']' ? pop(s) : begin_value(s, c);
    case OBJECT_FIRST:
        return c == '}' ? pop(s) : c == '"' ? KEY : BROKEN;
    case BEFORE_KEY:
        return c == '"' ? KEY : BROKEN;
    case BEFORE_COLON:
        return c == ':' ? BEFORE_VALUE : BROKEN;
    default: /* AFTER_VALUE */
        if (c == ',')
            return in_object(s) ? BEFORE_KEY : BEFORE_VALUE;
        return c == (in_object(s) ? '}' : ']') ? pop(s) : BROKEN;
    }
}

static uint8_t in_text(struct rpc_json_scanner *s, uint8_t c)
{
    bool key = s->state == KEY || s->state == KEY_ESCAPE || s->state == KEY_HEX;
    uint8_t inside = key ? KEY : STRING;
    switch (s->state) {
    case STRING:
    case KEY:
        if (c == '"')
            return key ? BEFORE_COLON : value_end(s);
        if (c == '\\')
            return key ? KEY_ESCAPE : STRING_ESCAPE;
        return c < 32 ? BROKEN : inside;
    case STRING_ESCAPE:
    case KEY_ESCAPE:
        if (c == 'u') {
            s->hex_left = 4;
            return key ? KEY_HEX : STRING_HEX;
        }
        return c && strchr("\"\\/bfnrt", c) ? inside : BROKEN;
    default: /* …_HEX */
        if (hex_digit(c) < 0)
            return BROKEN;
        return --s->hex_left ? s->state : inside;
    }
}

static bool number_may_end(uint8_t state)
{
    return state == NUMBER_ZERO || state == NUMBER_INTEGER || state == NUMBER_FRACTION ||
           state == NUMBER_EXPONENT;
}

/* The state behind one more character of a number; COMPLETE when the character is none of it. */
static uint8_t in_number(uint8_t state, uint8_t c)
{
    bool d = is_digit(c), e = c == 'e' || c == 'E';
    switch (state) {
    case NUMBER_SIGN:
        return c == '0' ? NUMBER_ZERO : d ? NUMBER_INTEGER : BROKEN;
    case NUMBER_ZERO:
        return c == '.' ? NUMBER_POINT : e ? NUMBER_E : COMPLETE;
    case NUMBER_INTEGER:
        return d ? NUMBER_INTEGER : c == '.' ? NUMBER_POINT : e ? NUMBER_E : COMPLETE;
    case NUMBER_POINT:
        return d ? NUMBER_FRACTION : BROKEN;
    case NUMBER_FRACTION:
        return d ? NUMBER_FRACTION : e ? NUMBER_E : COMPLETE;
    case NUMBER_E:
        return d ? NUMBER_EXPONENT : c == '+' || c == '-' ? NUMBER_E_SIGN : BROKEN;
    case NUMBER_E_SIGN:
        return d ? NUMBER_EXPONENT : BROKEN;
    default: /* NUMBER_EXPONENT */
        return d ? NUMBER_EXPONENT : COMPLETE;
    }
}

/* Of eight characters those that end a run: the lowest bit that is set is in the first of them, those above may be wrong. */
static uint64_t special(uint64_t word)
{
    const uint64_t ones = UINT64_MAX / 255, high = ones << 7;
    uint64_t quote = word ^ ones * '"', escape = word ^ ones * '\\';
    return (((quote - ones) & ~quote) | ((escape - ones) & ~escape) |
            ((word - ones * 32) & ~word)) &
           high;
}

/* The end of the run of plain characters of a string. */
static size_t plain_run(struct bytes data, size_t at)
{
    uint64_t word, found;
    for (; data.len - at >= sizeof(word); at += sizeof(word)) {
        memcpy(&word, data.data + at, sizeof(word));
        if ((found = special(word)))
            return at + (size_t)__builtin_ctzll(found) / 8;
    }
    while (at < data.len && data.data[at] != '"' && data.data[at] != '\\' && data.data[at] >= 32)
        at++;
    return at;
}

enum rpc_json_status rpc_json_scan(struct rpc_json_scanner *s, size_t *ret_used, struct bytes data)
{
    size_t at = 0;
    while (at < data.len && s->state != COMPLETE && s->state != BROKEN) {
        uint8_t c = data.data[at];
        if (s->state <= AFTER_VALUE) {
            if (!is_space(c)) {
                s->begun = true;
                s->state = between(s, c);
            }
        } else if (s->state <= KEY_HEX) {
            if (s->state == STRING || s->state == KEY) {
                at = plain_run(data, at);
                if (at == data.len)
                    break;
                c = data.data[at];
            }
            s->state = in_text(s, c);
        } else if (s->state == LITERAL) {
            const char *literal = literals[s->literal];
            s->state = c == (uint8_t)literal[s->literal_at] ? LITERAL : BROKEN;
            if (s->state == LITERAL && !literal[++s->literal_at])
                s->state = value_end(s);
        } else {
            uint8_t next = in_number(s->state, c);
            if (next == COMPLETE) { /* `c` is not of it and is looked at again */
                s->state = value_end(s);
                continue;
            }
            s->state = next;
        }
        at++;
    }
    *ret_used = at;
    return s->state == COMPLETE ? RPC_JSON_VALUE
           : s->state == BROKEN ? RPC_JSON_BAD
                                : RPC_JSON_MORE;
}

enum rpc_json_status rpc_json_scan_end(const struct rpc_json_scanner *s)
{
    if (s->state == COMPLETE || (s->depth == 0 && number_may_end(s->state)))
        return RPC_JSON_VALUE;
    return s->begun ? RPC_JSON_BAD : RPC_JSON_MORE;
}

static struct bytes skip_space(struct bytes text)
{
    size_t at = 0;
    while (at < text.len && is_space(text.data[at]))
        at++;
    return bytes_slice(text, at, text.len - at);
}

enum rpc_json_status rpc_json_first(struct bytes *ret_value, struct bytes text)
{
    struct rpc_json_scanner s;
    size_t used;
    text = skip_space(text);
    rpc_json_scanner_init(&s);
    enum rpc_json_status status = rpc_json_scan(&s, &used, text);
    if (status == RPC_JSON_MORE)
        status = rpc_json_scan_end(&s);
    if (status == RPC_JSON_VALUE)
        *ret_value = bytes_slice(text, 0, used);
    return status;
}

/* --- Values --- */

enum rpc_json_kind rpc_json_kind(struct bytes value)
{
    switch (value.data[0]) {
    case '{':
        return RPC_JSON_OBJECT;
    case '[':
        return RPC_JSON_ARRAY;
    case '"':
        return RPC_JSON_STRING;
    case 't':
    case 'f':
        return RPC_JSON_BOOL;
    case 'n':
        return RPC_JSON_NULL;
    default:
        return RPC_JSON_NUMBER;
    }
}

const char *rpc_json_kind_name(enum rpc_json_kind kind)
{
    static const char *const names[] = {"null", "bool", "number", "string", "array", "object"};
    return names[kind];
}

/* The length of the value that `text` begins with. */
static size_t value_length(struct bytes text)
{
    size_t depth = 0, at = 0;
    do {
        uint8_t c = text.data[at++];
        if (c == '"') {
            while (text.data[at = plain_run(text, at)] != '"')
                at += 2; /* an escape */
            at++;
        } else if (c == '{' || c == '[') {
            depth++;
        } else if (c == '}' || c == ']') {
            depth--;
        } else if (depth == 0) { /* a number or literal */
            while (at < text.len && !is_space(text.data[at]) && text.data[at] != ',' &&
                   text.data[at] != ']' && text.data[at] != '}')
                at++;
        }
    } while (depth > 0);
    return at;
}

void rpc_json_walk_begin(struct rpc_json_walk *walk, struct bytes value)
{
    walk->rest = bytes_slice(value, 1, value.len - 1);
}

static struct bytes take_value(struct rpc_json_walk *walk)
{
    struct bytes rest = skip_space(walk->rest);
    size_t len = value_length(rest);
    walk->rest = bytes_slice(rest, len, rest.len - len);
    return bytes_slice(rest, 0, len);
}

/* Over the comma before the next one; false at the closing bracket. */
static bool walk_on(struct rpc_json_walk *walk)
{
    struct bytes rest = skip_space(walk->rest);
    if (rest.len == 0 || rest.data[0] == ']' || rest.data[0] == '}') {
        walk->rest = bytes_none();
        return false;
    }
    walk->rest = rest.data[0] == ',' ? bytes_slice(rest, 1, rest.len - 1) : rest;
    return true;
}

bool rpc_json_element(struct rpc_json_walk *walk, struct bytes *ret_value)
{
    if (!walk_on(walk))
        return false;
    *ret_value = take_value(walk);
    return true;
}

bool rpc_json_member(struct rpc_json_walk *walk, struct bytes *ret_key, struct bytes *ret_value)
{
    if (!walk_on(walk))
        return false;
    *ret_key = take_value(walk);
    struct bytes rest = skip_space(walk->rest);
    walk->rest = bytes_slice(rest, 1, rest.len - 1); /* ':' */
    *ret_value = take_value(walk);
    return true;
}

size_t rpc_json_count(struct bytes value)
{
    bool is_object = rpc_json_kind(value) == RPC_JSON_OBJECT;
    struct rpc_json_walk walk;
    struct bytes key, item;
    size_t count = 0;
    rpc_json_walk_begin(&walk, value);
    while (is_object ? rpc_json_member(&walk, &key, &item) : rpc_json_element(&walk, &item))
        count++;
    return count;
}

struct bytes rpc_json_find(struct bytes value, const char *name)
{
    struct rpc_json_walk walk;
    struct bytes key, found;
    if (value.len == 0 || rpc_json_kind(value) != RPC_JSON_OBJECT)
        return bytes_none();
    rpc_json_walk_begin(&walk, value);
    while (rpc_json_member(&walk, &key, &found))
        if (rpc_json_key_is(key, name))
            return found;
    return bytes_none();
}

bool rpc_json_key_is(struct bytes key, const char *name)
{
    size_t len = strlen(name);
    if (key.len != len + 2)
        return false;
    for (size_t i = 0; i < len; i++) {
        uint8_t a = key.data[i + 1], b = (uint8_t)name[i];
        bool same_letter = (a ^ b) == 0x20 && (b | 0x20) >= 'a' && (b | 0x20) <= 'z';
        if (a != b && !same_letter)
            return false;
    }
    return true;
}

static unsigned hex4(const uint8_t *at)
{
    unsigned value = 0;
    for (int i = 0; i < 4; i++)
        value = value << 4 | (unsigned)hex_digit(at[i]);
    return value;
}

static uint8_t *put_utf8(uint8_t *out, unsigned c)
{
    if (c < 0x80) {
        *out++ = (uint8_t)c;
        return out;
    }
    if (c < 0x800) {
        *out++ = (uint8_t)(0xc0 | c >> 6);
    } else {
        if (c < 0x10000) {
            *out++ = (uint8_t)(0xe0 | c >> 12);
        } else {
            *out++ = (uint8_t)(0xf0 | c >> 18);
            *out++ = (uint8_t)(0x80 | (c >> 12 & 0x3f));
        }
        *out++ = (uint8_t)(0x80 | (c >> 6 & 0x3f));
    }
    *out++ = (uint8_t)(0x80 | (c & 0x3f));
    return out;
}

/* \uXXXX, at its 'u', and the second half of a pair. */
static const uint8_t *take_unicode(const uint8_t *at, const uint8_t *end, uint8_t **out)
{
    unsigned c = hex4(at + 1);
    at += 5;
    if (c >= 0xd800 && c < 0xe000) {
        unsigned low = 0;
        if (c < 0xdc00 && end - at >= 6 && at[0] == '\\' && at[1] == 'u')
            low = hex4(at + 2);
        if (low >= 0xdc00 && low < 0xe000) {
            c = 0x10000 + ((c & 0x3ff) << 10 | (low & 0x3ff));
            at += 6;
        } else {
            c = 0xfffd;
        }
    }
    *out = put_utf8(*out, c);
    return at;
}

struct bytes rpc_json_string(struct bytes value, struct arena *arena)
{
    struct bytes text = bytes_slice(value, 1, value.len - 2);
    if (text.len == 0 || !memchr(text.data, '\\', text.len))
        return text;
    uint8_t *copy = arena_alloc(arena, text.len); /* escapes are longer than what they mean */
    if (!copy)
        return bytes_none();
    uint8_t *out = copy;
    const uint8_t *at = text.data, *end = text.data + text.len;
    while (at < end) {
        if (*at != '\\') {
            *out++ = *at++;
            continue;
        }
        at++;
        if (*at == 'u') {
            at = take_unicode(at, end, &out);
            continue;
        }
        static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
        *out++ = (uint8_t)to[strchr(from, *at++) - from];
    }
    return bytes_of(copy, (size_t)(out - copy));
}

/* --- Writing --- */

/* The length of the UTF-8 character at `at`, 0 when it is none (RFC 3629, section 4). */
static size_t utf8_length(const uint8_t *at, size_t left)
{
    uint8_t c = at[0];
    if (c < 0x80)
        return 1;
    size_t len = c >= 0xc2 && c < 0xe0 ? 2 : (c & 0xf0) == 0xe0 ? 3 : c >= 0xf0 && c < 0xf5 ? 4 : 0;
    if (len == 0 || len > left)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    bool bad = (c == 0xe0 && at[1] < 0xa0) || (c == 0xed && at[1] >= 0xa0) ||
               (c == 0xf0 && at[1] < 0x90) || (c == 0xf4 && at[1] >= 0x90);
    return bad ? 0 : len;
}

static bool is_plain(uint8_t c)
{
    return c >= 32 && c < 0x80 && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&';
}

void rpc_json_write_string(struct buf *b, struct bytes text)
{
    buf_append_byte(b, '"');
    size_t at = 0;
    while (at < text.len) {
        size_t run = at;
        while (run < text.len && is_plain(text.data[run]))
            run++;
        buf_append(b, text.data + at, run - at);
        at = run;
        if (at == text.len)
            break;
        uint8_t c = text.data[at];
        size_t len = utf8_length(text.data + at, text.len - at);
        if (c == '"' || c == '\\')
            buf_append_format(b, "\\%c", c);
        else if (c == '\n' || c == '\r' || c == '\t')
            buf_append_format(b, "\\%c", c == '\n' ? 'n' : c == '\r' ? 'r' : 't');
        else if (len == 0)
            buf_append_text(b, "\\ufffd");
        else if (len == 1)
            buf_append_format(b, "\\u%04x", c);
        else if (len == 3 && c == 0xe2 && text.data[at + 1] == 0x80 &&
                 (text.data[at + 2] | 1) == 0xa9) /* U+2028, U+2029 */
            buf_append_format(b, "\\u20%02x", text.data[at + 2] & 0x3f);
        else
            buf_append(b, text.data + at, len);
        at += len ? len : 1;
    }
    buf_append_byte(b, '"');
}
