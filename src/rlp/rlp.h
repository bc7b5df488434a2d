/*
 * RLP, the encoding of everything that Ethereum hashes or sends (Yellow Paper, appendix B):
 *
 *     first byte   then                              item
 *     00 … 7f      -                                 a string of that one byte
 *     80 … b7      n = first - 80 bytes              a string of n bytes, n <= 55
 *     b8 … bf      k = first - b7 bytes, n bytes     a string of n bytes, n > 55 in k bytes big endian
 *     c0 … f7      n = first - c0 bytes              a list of items, n bytes in all, n <= 55
 *     f8 … ff      k = first - f7 bytes, n bytes     a list, n > 55 in k bytes big endian
 *
 * An integer is its big-endian bytes without leading zeros, 0 the empty string. Each value has one
 * encoding only; the reader refuses all others.
 *
 * Reading has one idiom. A cursor walks the items; the first fault poisons it, so that all later
 * reads give zeros and the caller looks once, at the end:
 *
 *     struct rlp_reader r;
 *     rlp_reader_init(&r, input);
 *     rlp_enter(&r, "header");
 *     number = rlp_read_u64(&r, "number");
 *     while (rlp_more(&r))
 *         …
 *     rlp_leave(&r, "header");
 *     return rlp_finish(&r, detail, "block");
 *
 * Writing has two: into a buffer, where the sizes of lists are put in afterwards, and into memory
 * that the caller has measured. Read this file first, then eth/header.c for both in use.
 */
#ifndef RLP_RLP_H
#define RLP_RLP_H

#include "base/buf.h"
#include "base/types.h"
#include "base/u256.h"

enum {
    /* Lists open at once. The deepest structure on the wire, a QBFT proposal with a justification
     * that has a block with access lists, has 9; a hostile one must not choose our stack. */
    RLP_DEPTH_MAX = 64,
    RLP_HEADER_MAX = 9, /* bytes before the content of an item */
};

/* Why an encoding was refused. X(name, text) */
#define RLP_STATUS_LIST(X)                                                                         \
    X(RLP_OK, "ok")                                                                                \
    X(RLP_END, "an item is missing")                                                               \
    X(RLP_TOO_LONG, "longer than the bytes that hold it")                                          \
    X(RLP_BYTE_NOT_ITSELF, "a byte below 0x80 must stand for itself")                              \
    X(RLP_SIZE_NOT_SHORT, "a length below 56 must be in the first byte")                           \
    X(RLP_SIZE_LEADING_ZERO, "a length with a leading zero")                                       \
    X(RLP_NOT_STRING, "a list where a string belongs")                                             \
    X(RLP_NOT_LIST, "a string where a list belongs")                                               \
    X(RLP_LEADING_ZERO, "an integer with a leading zero")                                          \
    X(RLP_OVERFLOW, "an integer too large")                                                        \
    X(RLP_TOO_FEW_BYTES, "fewer bytes than it must have")                                          \
    X(RLP_TOO_MANY_BYTES, "more bytes than it must have")                                          \
    X(RLP_EXCESS, "more items than it must have")                                                  \
    X(RLP_TRAILING, "bytes after the end")                                                         \
    X(RLP_TOO_DEEP, "lists nested too deep")

enum rlp_status {
#define X(name, text) name,
    RLP_STATUS_LIST(X)
#undef X
};

const char *rlp_status_text(enum rlp_status status);

enum rlp_kind {
    RLP_NONE, /* no item: the list or the input has ended, or the reader is poisoned */
    RLP_STRING,
    RLP_LIST,
};

/*
 * Every reading function takes the name of what it reads, for the message of a fault; names are
 * kept as pointers (string literals), NULL is fine.
 */
struct rlp_reader {
    const uint8_t *at;  /* the next item */
    const uint8_t *end; /* of the innermost open list */
    const uint8_t *start;
    enum rlp_status status; /* the first fault */
    unsigned depth;
    size_t fault_offset; /* where the faulty item begins */
    const char *fault_name;
    const uint8_t *ends[RLP_DEPTH_MAX]; /* of the lists around */
};

/* `input` is borrowed; spans that are read point into it. */
void rlp_reader_init(struct rlp_reader *r, struct bytes input);

/* Whether nothing was refused so far. */
static inline bool rlp_ok(const struct rlp_reader *r)
{
    return r->status == RLP_OK;
}

/* Whether the open list (or the input) has another item. False after a fault, so loops end. */
static inline bool rlp_more(const struct rlp_reader *r)
{
    return r->at != r->end;
}

/* Bytes left in the open list (or the input). 0 after a fault. */
static inline size_t rlp_left(const struct rlp_reader *r)
{
    return (size_t)(r->end - r->at);
}

/* What comes next, by its first byte alone. */
static inline enum rlp_kind rlp_peek(const struct rlp_reader *r)
{
    return r->at == r->end ? RLP_NONE : *r->at < 0xc0 ? RLP_STRING : RLP_LIST;
}

/* Poisons the reader with the caller's own reason, at the item that comes next; for rules above the
 * encoding. Does nothing when it is poisoned already. */
void rlp_fail(struct rlp_reader *r, enum rlp_status status, const char *name);

/* Opens the next item, which must be a list; rlp_leave closes it and refuses items left unread. */
void rlp_enter(struct rlp_reader *r, const char *name);
void rlp_leave(struct rlp_reader *r, const char *name);

/*
 * How many items the open list (or the input) still has, to allocate for them. Walks over their
 * headers. `smallest` is the least encoded size of a valid one: a smaller one is refused
 * (RLP_TOO_FEW_BYTES), so that the memory for a list stays in proportion to its encoding.
 */
size_t rlp_count(struct rlp_reader *r, size_t smallest, const char *name);

/* The content of a string; of a list; of either with its header. None looks inside a list. */
struct bytes rlp_read_bytes(struct rlp_reader *r, const char *name);
struct bytes rlp_read_list(struct rlp_reader *r, const char *name);
struct bytes rlp_read_raw(struct rlp_reader *r, const char *name);
void rlp_skip(struct rlp_reader *r, const char *name);

/* Integers, by the rules above. A bool is the integer 0 or 1. */
uint64_t rlp_read_u64(struct rlp_reader *r, const char *name);
struct u256 rlp_read_u256(struct rlp_reader *r, const char *name);
bool rlp_read_bool(struct rlp_reader *r, const char *name);

/* Strings of one length. After a fault the result is zeros. */
void rlp_read_fixed(struct rlp_reader *r, void *ret_data, size_t len, const char *name);
struct hash256 rlp_read_hash(struct rlp_reader *r, const char *name);
struct address rlp_read_address(struct rlp_reader *r, const char *name);
/* An address or the empty string, as in the `to` of a transaction. False for the latter. */
bool rlp_read_optional_address(struct rlp_reader *r, struct address *ret_address, const char *name);

/*
 * The end of reading: refuses bytes after the last item. Returns 0, or ERR_INPUT with the message
 * "<what>: <name> at byte <offset>: <reason>". `detail` may be NULL.
 */
int rlp_finish(struct rlp_reader *r, struct err_detail *detail, const char *what) BASE_NODISCARD;

/* Whether `input` is exactly one item, canonical through all its lists. */
enum rlp_status rlp_validate(struct bytes input);

/*
 * Writing into a buffer. Appends; a failure marks the buffer (buf_status), nothing else.
 *
 *     size_t list = rlp_begin(b);
 *     rlp_write_u64(b, nonce);
 *     rlp_end_list(b, list);
 *
 * rlp_end_string closes with the header of a string instead: RLP inside a string, as the envelope
 * of a typed transaction is.
 */
size_t rlp_begin(struct buf *b);
void rlp_end_list(struct buf *b, size_t begin);
void rlp_end_string(struct buf *b, size_t begin);

void rlp_write_bytes(struct buf *b, struct bytes data);
void rlp_write_u64(struct buf *b, uint64_t value);
void rlp_write_u256(struct buf *b, const struct u256 *value);
void rlp_write_bool(struct buf *b, bool value);
void rlp_write_hash(struct buf *b, const struct hash256 *hash);
void rlp_write_address(struct buf *b, const struct address *address);
/* The empty string when `address` is NULL. */
void rlp_write_optional_address(struct buf *b, const struct address *address);
/* An item, or several, encoded already. */
void rlp_write_raw(struct buf *b, struct bytes items);

/*
 * Writing into memory of the caller, for small things of known size such as trie nodes. Each
 * returns where the next byte goes; the caller has made room by the sizes below.
 */
uint8_t *rlp_put_list_header(uint8_t *at, size_t content_size);
uint8_t *rlp_put_string_header(uint8_t *at, size_t content_size); /* not for one byte below 0x80 */
uint8_t *rlp_put_bytes(uint8_t *at, struct bytes data);
uint8_t *rlp_put_u64(uint8_t *at, uint64_t value);
uint8_t *rlp_put_u256(uint8_t *at, const struct u256 *value);
uint8_t *rlp_put_hash(uint8_t *at, const struct hash256 *hash);

/* Encoded sizes, headers included. */
static inline size_t rlp_size_header(size_t content_size)
{
    return content_size < 56 ? 1 : 1 + (71 - (size_t)__builtin_clzll(content_size)) / 8;
}

static inline size_t rlp_size_list(size_t content_size)
{
    return rlp_size_header(content_size) + content_size;
}

static inline size_t rlp_size_bytes(struct bytes data)
{
    return data.len == 1 && data.data[0] < 0x80 ? 1 : rlp_size_header(data.len) + data.len;
}

static inline size_t rlp_size_u64(uint64_t value)
{
    return value < 0x80 ? 1 : 1 + (71 - (size_t)__builtin_clzll(value)) / 8;
}

static inline size_t rlp_size_u256(const struct u256 *value)
{
    return u256_is_u64(value) ? rlp_size_u64(value->w[0]) : 1 + u256_byte_length(value);
}

#endif
