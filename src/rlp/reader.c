#include "rlp/rlp.h"

/* The header of one item: where its content is. */
struct item {
    const uint8_t *content;
    size_t len;
    bool is_list;
};

const char *rlp_status_text(enum rlp_status status)
{
    static const char *const texts[] = {
#define X(name, text) text,
        RLP_STATUS_LIST(X)
#undef X
    };
    return texts[status];
}

/* The length in `k` bytes after the first one; in canonical form, and within `room`, the bytes
 * after them. */
static enum rlp_status long_length(const uint8_t *at, size_t left, size_t k, size_t *ret_len)
{
    if (k > left - 1)
        return RLP_TOO_LONG;
    if (at[1] == 0)
        return RLP_SIZE_LEADING_ZERO;
    uint64_t len = 0;
    for (size_t i = 1; i <= k; i++)
        len = len << 8 | at[i];
    if (len < 56)
        return RLP_SIZE_NOT_SHORT;
    if (len > left - 1 - k)
        return RLP_TOO_LONG;
    *ret_len = len;
    return RLP_OK;
}

/* Reads the header at `at`, which has `left` > 0 bytes. */
BASE_ALWAYS_INLINE enum rlp_status parse(struct item *ret_item, const uint8_t *at, size_t left)
{
    uint8_t first = *at;
    if (first < 0x80) {
        *ret_item = (struct item){at, 1, false};
        return RLP_OK;
    }
    bool is_list = first >= 0xc0;
    size_t len = first & 0x3f;
    if (len > 55) {
        size_t k = len - 55;
        enum rlp_status status = long_length(at, left, k, &len);
        if (status != RLP_OK)
            return status;
        *ret_item = (struct item){at + 1 + k, len, is_list};
        return RLP_OK;
    }
    if (len > left - 1)
        return RLP_TOO_LONG;
    if (first == 0x81 && at[1] < 0x80)
        return RLP_BYTE_NOT_ITSELF;
    *ret_item = (struct item){at + 1, len, is_list};
    return RLP_OK;
}

void rlp_reader_init(struct rlp_reader *r, struct bytes input)
{
    r->at = r->start = input.data;
    r->end = input.data ? input.data + input.len : NULL;
    r->status = RLP_OK;
    r->depth = 0;
    r->fault_offset = 0;
    r->fault_name = NULL;
}

BASE_COLD static void poison(struct rlp_reader *r, enum rlp_status status, const uint8_t *at,
                             const char *name)
{
    if (r->status != RLP_OK)
        return;
    r->status = status;
    r->fault_offset = (size_t)(at - r->start);
    r->fault_name = name;
    r->at = r->end;
}

void rlp_fail(struct rlp_reader *r, enum rlp_status status, const char *name)
{
    poison(r, status, r->at, name);
}

/* Passes over the next item. False, with the reader poisoned, when there is none. */
BASE_ALWAYS_INLINE bool next(struct rlp_reader *r, struct item *ret_item, const char *name)
{
    if (BASE_UNLIKELY(r->at == r->end)) {
        poison(r, RLP_END, r->at, name);
        return false;
    }
    enum rlp_status status = parse(ret_item, r->at, rlp_left(r));
    if (BASE_UNLIKELY(status != RLP_OK)) {
        poison(r, status, r->at, name);
        return false;
    }
    r->at = ret_item->content + ret_item->len;
    return true;
}

/* The same for a string; *ret_at is where it begins, for the message of a fault in its content. */
BASE_ALWAYS_INLINE bool next_string(struct rlp_reader *r, struct item *ret_item,
                                    const uint8_t **ret_at, const char *name)
{
    *ret_at = r->at;
    if (!next(r, ret_item, name))
        return false;
    if (BASE_UNLIKELY(ret_item->is_list)) {
        poison(r, RLP_NOT_STRING, *ret_at, name);
        return false;
    }
    return true;
}

void rlp_enter(struct rlp_reader *r, const char *name)
{
    const uint8_t *at = r->at;
    struct item item;
    if (!next(r, &item, name))
        return;
    if (!item.is_list) {
        poison(r, RLP_NOT_LIST, at, name);
    } else if (r->depth == RLP_DEPTH_MAX) {
        poison(r, RLP_TOO_DEEP, at, name);
    } else {
        r->ends[r->depth++] = r->end;
        r->at = item.content;
        r->end = item.content + item.len;
    }
}

void rlp_leave(struct rlp_reader *r, const char *name)
{
    if (r->status == RLP_OK && r->at != r->end)
        poison(r, RLP_EXCESS, r->at, name);
    if (r->status != RLP_OK)
        return;
    assert(r->depth > 0);
    r->end = r->ends[--r->depth];
}

size_t rlp_count(struct rlp_reader *r, size_t smallest, const char *name)
{
    size_t count = 0;
    for (const uint8_t *at = r->at; at != r->end; count++) {
        struct item item;
        enum rlp_status status = parse(&item, at, (size_t)(r->end - at));
        if (status == RLP_OK && (size_t)(item.content + item.len - at) < smallest)
            status = RLP_TOO_FEW_BYTES;
        if (status != RLP_OK) {
            poison(r, status, at, name);
            return 0;
        }
        at = item.content + item.len;
    }
    return count;
}

struct bytes rlp_read_bytes(struct rlp_reader *r, const char *name)
{
    struct item item;
    const uint8_t *at;
    return next_string(r, &item, &at, name) ? bytes_of(item.content, item.len) : bytes_none();
}

struct bytes rlp_read_list(struct rlp_reader *r, const char *name)
{
    const uint8_t *at = r->at;
    struct item item;
    if (!next(r, &item, name))
        return bytes_none();
    if (!item.is_list) {
        poison(r, RLP_NOT_LIST, at, name);
        return bytes_none();
    }
    return bytes_of(item.content, item.len);
}

struct bytes rlp_read_raw(struct rlp_reader *r, const char *name)
{
    const uint8_t *at = r->at;
    struct item item;
    return next(r, &item, name) ? bytes_of(at, (size_t)(r->at - at)) : bytes_none();
}

void rlp_skip(struct rlp_reader *r, const char *name)
{
    struct item item;
    next(r, &item, name);
}

/* The bytes of an integer of at most `largest` bytes; len 0 after a fault. */
BASE_ALWAYS_INLINE struct bytes read_integer(struct rlp_reader *r, size_t largest, const char *name)
{
    struct item item;
    const uint8_t *at;
    if (!next_string(r, &item, &at, name) || item.len == 0)
        return bytes_none();
    if (BASE_UNLIKELY(item.content[0] == 0)) {
        poison(r, RLP_LEADING_ZERO, at, name);
        return bytes_none();
    }
    if (BASE_UNLIKELY(item.len > largest)) {
        poison(r, RLP_OVERFLOW, at, name);
        return bytes_none();
    }
    return bytes_of(item.content, item.len);
}

uint64_t rlp_read_u64(struct rlp_reader *r, const char *name)
{
    struct bytes digits = read_integer(r, sizeof(uint64_t), name);
    uint64_t value = 0;
    for (size_t i = 0; i < digits.len; i++)
        value = value << 8 | digits.data[i];
    return value;
}

struct u256 rlp_read_u256(struct rlp_reader *r, const char *name)
{
    struct bytes digits = read_integer(r, sizeof(struct u256), name);
    if (digits.len > sizeof(uint64_t))
        return u256_load_short(digits.data, digits.len);
    uint64_t value = 0;
    for (size_t i = 0; i < digits.len; i++)
        value = value << 8 | digits.data[i];
    return u256_from(value);
}

bool rlp_read_bool(struct rlp_reader *r, const char *name)
{
    const uint8_t *at = r->at;
    uint64_t value = rlp_read_u64(r, name);
    if (value > 1)
        poison(r, RLP_OVERFLOW, at, name);
    return value == 1;
}

/* The content of a string of exactly `len` bytes, NULL after a fault. */
BASE_ALWAYS_INLINE const uint8_t *read_exact(struct rlp_reader *r, size_t len, const char *name)
{
    struct item item;
    const uint8_t *at;
    if (!next_string(r, &item, &at, name))
        return NULL;
    if (BASE_UNLIKELY(item.len != len)) {
        poison(r, item.len < len ? RLP_TOO_FEW_BYTES : RLP_TOO_MANY_BYTES, at, name);
        return NULL;
    }
    return item.content;
}

void rlp_read_fixed(struct rlp_reader *r, void *ret_data, size_t len, const char *name)
{
    const uint8_t *content = read_exact(r, len, name);
    if (content)
        memcpy(ret_data, content, len);
    else
        memset(ret_data, 0, len);
}

struct hash256 rlp_read_hash(struct rlp_reader *r, const char *name)
{
    struct hash256 hash = {{0}};
    const uint8_t *content = read_exact(r, sizeof(hash.b), name);
    if (content)
        memcpy(hash.b, content, sizeof(hash.b));
    return hash;
}

struct address rlp_read_address(struct rlp_reader *r, const char *name)
{
    struct address address = {{0}};
    const uint8_t *content = read_exact(r, sizeof(address.b), name);
    if (content)
        memcpy(address.b, content, sizeof(address.b));
    return address;
}

bool rlp_read_optional_address(struct rlp_reader *r, struct address *ret_address, const char *name)
{
    *ret_address = (struct address){{0}};
    if (rlp_more(r) && *r->at == 0x80) {
        r->at++;
        return false;
    }
    *ret_address = rlp_read_address(r, name);
    return rlp_ok(r);
}

int rlp_finish(struct rlp_reader *r, struct err_detail *detail, const char *what)
{
    assert(r->status != RLP_OK || r->depth == 0);
    if (r->status == RLP_OK && r->at != r->end)
        poison(r, RLP_TRAILING, r->at, NULL);
    if (r->status == RLP_OK)
        return ERR_OK;
    return err_set(detail, ERR_INPUT, "%s: %s%sat byte %zu: %s", what,
                   r->fault_name ? r->fault_name : "", r->fault_name ? " " : "", r->fault_offset,
                   rlp_status_text(r->status));
}

enum rlp_status rlp_validate(struct bytes input)
{
    const uint8_t *ends[RLP_DEPTH_MAX];
    unsigned depth = 0;
    const uint8_t *at = input.data, *end = input.len ? at + input.len : at;
    if (at == end)
        return RLP_END;
    do {
        struct item item;
        enum rlp_status status = parse(&item, at, (size_t)(end - at));
        if (status != RLP_OK)
            return status;
        at = item.content;
        if (!item.is_list) {
            at += item.len;
        } else {
            if (depth == RLP_DEPTH_MAX)
                return RLP_TOO_DEEP;
            ends[depth++] = end;
            end = at + item.len;
        }
        while (depth > 0 && at == end)
            end = ends[--depth];
    } while (depth > 0);
    return at == end ? RLP_OK : RLP_TRAILING;
}
