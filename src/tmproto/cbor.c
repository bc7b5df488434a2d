/*
 * The CBOR codec (RFC 8949) as Tessera 22.1 writes it: one map of eleven pairs, in this order; all lengths definite.
 *
 *   sender, cipherText, nonce, recipientNonce   byte strings
 *   recipientBoxes, recipients                  arrays of byte strings
 *   privacyFlag                                 unsigned
 *   affected                                    map: base64 text of the hash → byte string
 *   execHash                                    byte string, may be empty
 *   mandatoryFor                                array of byte strings
 *   privacyGroupId                              byte string, empty = none
 *
 * Read in any order; an absent key is empty. Maps and arrays may also be of indefinite length, which Java's library
 * writes when it is not told a size. Strings may not.
 */
#include "base/base64.h"
#include "tmproto/reader.h"

enum major { UNSIGNED = 0, BYTES = 2, TEXT = 3, ARRAY = 4, MAP = 5, OTHER = 7 };

struct cbor {
    struct bytes left;
    struct arena *arena;
    int status;
};

static void fail(struct cbor *c, int status)
{
    if (c->status == 0)
        c->status = status;
    c->left = bytes_none();
}

/* The head of an item: its major type and argument; *ret_open for a map or array of indefinite length. */
static unsigned read_head(struct cbor *c, uint64_t *ret_value, bool *ret_open)
{
    *ret_value = 0;
    *ret_open = false;
    if (c->left.len == 0) {
        fail(c, ERR_INPUT);
        return OTHER;
    }
    unsigned first = c->left.data[0], major = first >> 5, size = first & 31;
    size_t extra = size < 24 ? 0 : size <= 27 ? (size_t)1 << (size - 24) : 0;
    bool open = size == 31 && (major == ARRAY || major == MAP);
    if ((size > 27 && !open) || c->left.len < 1 + extra) {
        fail(c, ERR_INPUT);
        return OTHER;
    }
    uint64_t value = size < 24 ? size : 0;
    for (size_t i = 1; i <= extra; i++)
        value = value << 8 | c->left.data[i];
    c->left = bytes_slice(c->left, 1 + extra, c->left.len - 1 - extra);
    *ret_value = value;
    *ret_open = open;
    return major;
}

static struct bytes read_string(struct cbor *c, unsigned wanted)
{
    uint64_t len;
    bool open;
    if (read_head(c, &len, &open) != wanted || len > c->left.len) {
        fail(c, ERR_INPUT);
        return bytes_none();
    }
    struct bytes text = bytes_slice(c->left, 0, len);
    c->left = bytes_slice(c->left, len, c->left.len - len);
    return text;
}

/* Whether another element follows in a map or array of `count` (or less, when it is open), of which `index` were read. */
static bool another(struct cbor *c, uint64_t index, uint64_t count, bool open)
{
    if (c->status)
        return false;
    if (!open)
        return index < count;
    if (c->left.len && c->left.data[0] == 0xff) {
        c->left = bytes_slice(c->left, 1, c->left.len - 1);
        return false;
    }
    if (index == count)
        fail(c, ERR_LIMIT);
    return c->status == 0;
}

/* The head of an array or map, and room for its elements: each takes at least `least` bytes. */
static void *read_room(struct cbor *c, unsigned wanted, uint64_t *ret_count, bool *ret_open,
                       size_t least, size_t size)
{
    if (read_head(c, ret_count, ret_open) != wanted)
        fail(c, ERR_INPUT);
    if (*ret_open)
        *ret_count =
            c->left.len / least < TMPROTO_LIST_MAX ? c->left.len / least : TMPROTO_LIST_MAX;
    if (*ret_count > c->left.len / least)
        fail(c, ERR_INPUT);
    else if (*ret_count > TMPROTO_LIST_MAX)
        fail(c, ERR_LIMIT);
    if (c->status || *ret_count == 0) {
        *ret_count = c->status ? 0 : *ret_count;
        return NULL;
    }
    void *room = arena_alloc(c->arena, *ret_count * size);
    if (!room)
        fail(c, ERR_NOMEM);
    return room;
}

static struct tmproto_list read_list(struct cbor *c)
{
    uint64_t count, i = 0;
    bool open;
    struct bytes *items = read_room(c, ARRAY, &count, &open, 1, sizeof(*items));
    for (; another(c, i, count, open); i++) {
        struct bytes item = read_string(c, BYTES);
        if (c->status)
            break;
        items[i] = item;
    }
    return (struct tmproto_list){items, i};
}

static void read_affected(struct cbor *c, struct tmproto_payload *p)
{
    uint64_t count, i = 0;
    bool open;
    struct tmproto_affected *affected = read_room(c, MAP, &count, &open, 2, sizeof(*affected));
    for (; another(c, i, count, open); i++) {
        struct bytes text = read_string(c, TEXT);
        uint8_t *hash = arena_alloc(c->arena, base64_room(text.len));
        size_t len;
        if (!hash)
            fail(c, ERR_NOMEM);
        else if (!base64_decode_into(hash, &len, text))
            fail(c, ERR_INPUT);
        struct bytes security_hash = read_string(c, BYTES);
        if (c->status)
            break;
        affected[i] = (struct tmproto_affected){bytes_of(hash, len), security_hash};
    }
    p->affected = affected;
    p->affected_count = i;
}

static void read_flag(struct cbor *c, struct tmproto_payload *p)
{
    uint64_t flag;
    bool open;
    if (read_head(c, &flag, &open) != UNSIGNED)
        fail(c, ERR_INPUT);
    p->privacy = tmproto_privacy_from(flag);
}

enum kind { KIND_BYTES, KIND_LIST, KIND_FLAG, KIND_AFFECTED };

static const struct field {
    const char *name;
    enum kind kind;
    size_t offset;
} fields[] = {
    {"sender", KIND_BYTES, offsetof(struct tmproto_payload, sender)},
    {"cipherText", KIND_BYTES, offsetof(struct tmproto_payload, cipher_text)},
    {"nonce", KIND_BYTES, offsetof(struct tmproto_payload, nonce)},
    {"recipientNonce", KIND_BYTES, offsetof(struct tmproto_payload, recipient_nonce)},
    {"recipientBoxes", KIND_LIST, offsetof(struct tmproto_payload, boxes)},
    {"recipients", KIND_LIST, offsetof(struct tmproto_payload, recipients)},
    {"privacyFlag", KIND_FLAG, 0},
    {"affected", KIND_AFFECTED, 0},
    {"execHash", KIND_BYTES, offsetof(struct tmproto_payload, exec_hash)},
    {"mandatoryFor", KIND_LIST, offsetof(struct tmproto_payload, mandatory)},
    {"privacyGroupId", KIND_BYTES, offsetof(struct tmproto_payload, group)},
};

static const struct field *find_field(struct bytes name)
{
    for (size_t i = 0; i < BASE_COUNT(fields); i++)
        if (bytes_equal(name, bytes_str(fields[i].name)))
            return &fields[i];
    return NULL;
}

static void read_value(struct cbor *c, struct tmproto_payload *p, const struct field *field)
{
    void *at = (uint8_t *)p + field->offset;
    switch (field->kind) {
    case KIND_BYTES:
        *(struct bytes *)at = read_string(c, BYTES);
        break;
    case KIND_LIST:
        *(struct tmproto_list *)at = read_list(c);
        break;
    case KIND_FLAG:
        read_flag(c, p);
        break;
    case KIND_AFFECTED:
        read_affected(c, p);
        break;
    }
}

int tmproto_cbor_decode(struct tmproto_payload *ret_payload, struct arena *arena, struct bytes data,
                        struct err_detail *detail)
{
    struct cbor c = {data, arena, 0};
    struct tmproto_payload p = {0};
    unsigned seen = 0;
    uint64_t count;
    bool open;
    const char *what = "payload";
    if (read_head(&c, &count, &open) != MAP)
        fail(&c, ERR_INPUT);
    if (open)
        count = BASE_COUNT(fields);
    for (uint64_t i = 0; another(&c, i, count, open); i++) {
        struct bytes name = read_string(&c, TEXT);
        const struct field *field = c.status ? NULL : find_field(name);
        /* twice would leave memory of the first one behind: bounded by the arena, but no sender does it */
        if (!field || seen >> (field - fields) & 1) {
            fail(&c, ERR_INPUT);
            break;
        }
        seen |= 1u << (field - fields);
        what = field->name;
        read_value(&c, &p, field);
    }
    if (c.status)
        return err_set(detail, c.status, "Unable to decode payload data. (CBOR, at %s)", what);
    *ret_payload = p;
    return 0;
}

static void write_head(struct buf *b, enum major major, uint64_t value)
{
    unsigned extra = value < 24            ? 0
                     : value <= 0xff       ? 1
                     : value <= 0xffff     ? 2
                     : value <= 0xffffffff ? 4
                                           : 8;
    unsigned size = extra == 0   ? (unsigned)value
                    : extra == 1 ? 24
                    : extra == 2 ? 25
                    : extra == 4 ? 26
                                 : 27;
    buf_append_byte(b, (uint8_t)((unsigned)major << 5 | size));
    while (extra--)
        buf_append_byte(b, (uint8_t)(value >> (8 * extra)));
}

static void write_string(struct buf *b, enum major major, struct bytes text)
{
    write_head(b, major, text.len);
    buf_append_bytes(b, text);
}

static void write_affected(struct buf *b, const struct tmproto_payload *p)
{
    write_head(b, MAP, p->affected_count);
    for (size_t i = 0; i < p->affected_count; i++) {
        write_head(b, TEXT, base64_length(p->affected[i].hash.len));
        base64_append(b, p->affected[i].hash);
        write_string(b, BYTES, p->affected[i].security_hash);
    }
}

static void write_list(struct buf *b, struct tmproto_list list)
{
    write_head(b, ARRAY, list.count);
    for (size_t i = 0; i < list.count; i++)
        write_string(b, BYTES, list.items[i]);
}

void tmproto_cbor_encode(struct buf *b, const struct tmproto_payload *p)
{
    write_head(b, MAP, BASE_COUNT(fields));
    for (size_t i = 0; i < BASE_COUNT(fields); i++) {
        const void *at = (const uint8_t *)p + fields[i].offset;
        write_string(b, TEXT, bytes_str(fields[i].name));
        switch (fields[i].kind) {
        case KIND_BYTES:
            write_string(b, BYTES, *(const struct bytes *)at);
            break;
        case KIND_LIST:
            write_list(b, *(const struct tmproto_list *)at);
            break;
        case KIND_FLAG:
            write_head(b, UNSIGNED, p->privacy);
            break;
        case KIND_AFFECTED:
            write_affected(b, p);
            break;
        }
    }
}
