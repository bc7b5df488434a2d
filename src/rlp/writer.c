#include "rlp/rlp.h"

/* Room that rlp_begin leaves for the header: right for 56 to 255 bytes of content, which most
 * transactions have; others are moved when the list ends. */
enum { HEADER_GUESS = 2, STRING_OFFSET = 0x80, LIST_OFFSET = 0xc0 };

/* The digits of an integer, big endian, the first one not zero. */
static uint8_t *put_digits(uint8_t *at, uint64_t value, unsigned count)
{
    for (unsigned i = count; i-- > 0;)
        *at++ = (uint8_t)(value >> (8 * i));
    return at;
}

static unsigned digit_count(uint64_t value)
{
    return (71 - (unsigned)__builtin_clzll(value)) / 8;
}

static uint8_t *put_header(uint8_t *at, size_t content_size, unsigned offset)
{
    if (content_size < 56) {
        *at++ = (uint8_t)(offset + content_size);
        return at;
    }
    unsigned count = digit_count(content_size);
    *at++ = (uint8_t)(offset + 55 + count);
    return put_digits(at, content_size, count);
}

uint8_t *rlp_put_list_header(uint8_t *at, size_t content_size)
{
    return put_header(at, content_size, LIST_OFFSET);
}

uint8_t *rlp_put_string_header(uint8_t *at, size_t content_size)
{
    return put_header(at, content_size, STRING_OFFSET);
}

uint8_t *rlp_put_bytes(uint8_t *at, struct bytes data)
{
    if (data.len == 1 && data.data[0] < 0x80) {
        *at++ = data.data[0];
        return at;
    }
    at = put_header(at, data.len, STRING_OFFSET);
    if (data.len)
        memcpy(at, data.data, data.len);
    return at + data.len;
}

uint8_t *rlp_put_u64(uint8_t *at, uint64_t value)
{
    if (value < 0x80) {
        *at++ = value ? (uint8_t)value : STRING_OFFSET;
        return at;
    }
    unsigned count = digit_count(value);
    *at++ = (uint8_t)(STRING_OFFSET + count);
    return put_digits(at, value, count);
}

uint8_t *rlp_put_u256(uint8_t *at, const struct u256 *value)
{
    if (u256_is_u64(value))
        return rlp_put_u64(at, value->w[0]);
    uint8_t digits[32];
    u256_store(digits, value);
    unsigned count = u256_byte_length(value);
    *at++ = (uint8_t)(STRING_OFFSET + count);
    memcpy(at, digits + sizeof(digits) - count, count);
    return at + count;
}

uint8_t *rlp_put_hash(uint8_t *at, const struct hash256 *hash)
{
    *at++ = STRING_OFFSET + sizeof(hash->b);
    memcpy(at, hash->b, sizeof(hash->b));
    return at + sizeof(hash->b);
}

/* Room for an item of at most `size` bytes, or NULL; the caller then says where it ended. */
static inline uint8_t *room(struct buf *b, size_t size)
{
    bool fits = b->status == ERR_OK && size <= b->capacity - b->len;
    return fits || buf_reserve(b, size) == ERR_OK ? b->data + b->len : NULL;
}

static inline void ended(struct buf *b, const uint8_t *at)
{
    b->len = (size_t)(at - b->data);
}

size_t rlp_begin(struct buf *b)
{
    size_t begin = b->len;
    if (room(b, HEADER_GUESS))
        b->len += HEADER_GUESS;
    return begin;
}

/* Puts the header before the content that stands at begin + HEADER_GUESS, moving it as needed. */
static void end_with(struct buf *b, size_t begin, unsigned offset)
{
    if (!room(b, RLP_HEADER_MAX - HEADER_GUESS))
        return;
    uint8_t *at = b->data + begin, *content = at + HEADER_GUESS;
    assert(b->len >= begin + HEADER_GUESS);
    size_t size = b->len - begin - HEADER_GUESS;
    bool is_itself = offset == STRING_OFFSET && size == 1 && content[0] < 0x80;
    size_t header_size = is_itself ? 0 : rlp_size_header(size);
    if (header_size != HEADER_GUESS)
        memmove(at + header_size, content, size);
    if (!is_itself)
        put_header(at, size, offset);
    b->len = begin + header_size + size;
}

void rlp_end_list(struct buf *b, size_t begin)
{
    end_with(b, begin, LIST_OFFSET);
}

void rlp_end_string(struct buf *b, size_t begin)
{
    end_with(b, begin, STRING_OFFSET);
}

void rlp_write_bytes(struct buf *b, struct bytes data)
{
    uint8_t *at = room(b, RLP_HEADER_MAX + data.len);
    if (at)
        ended(b, rlp_put_bytes(at, data));
}

void rlp_write_u64(struct buf *b, uint64_t value)
{
    uint8_t *at = room(b, 1 + sizeof(value));
    if (at)
        ended(b, rlp_put_u64(at, value));
}

void rlp_write_u256(struct buf *b, const struct u256 *value)
{
    uint8_t *at = room(b, 1 + sizeof(*value));
    if (at)
        ended(b, rlp_put_u256(at, value));
}

void rlp_write_bool(struct buf *b, bool value)
{
    rlp_write_u64(b, value);
}

void rlp_write_hash(struct buf *b, const struct hash256 *hash)
{
    uint8_t *at = room(b, 1 + sizeof(hash->b));
    if (at)
        ended(b, rlp_put_hash(at, hash));
}

void rlp_write_address(struct buf *b, const struct address *address)
{
    rlp_write_bytes(b, bytes_of(address->b, sizeof(address->b)));
}

void rlp_write_optional_address(struct buf *b, const struct address *address)
{
    rlp_write_bytes(b, address ? bytes_of(address->b, sizeof(address->b)) : bytes_none());
}

void rlp_write_raw(struct buf *b, struct bytes items)
{
    buf_append_bytes(b, items);
}
