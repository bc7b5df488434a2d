/* Borrowed bytes: a pointer with its length. Never owns; the lender says how long it lives. */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include "base/compiler.h"

#include <stdbool.h>
#include <string.h>

struct bytes {
    const uint8_t *data; /* may be NULL when len is 0 */
    size_t len;
};

static inline struct bytes bytes_of(const void *data, size_t len)
{
    return (struct bytes){data, len};
}

static inline struct bytes bytes_none(void)
{
    return (struct bytes){NULL, 0};
}

/* The characters of a C string, without its end mark. */
static inline struct bytes bytes_str(const char *text)
{
    return (struct bytes){(const uint8_t *)text, strlen(text)};
}

/* `from` and `len` must lie within `b`. */
static inline struct bytes bytes_slice(struct bytes b, size_t from, size_t len)
{
    assert(from <= b.len && len <= b.len - from);
    return (struct bytes){b.data ? b.data + from : NULL, len};
}

static inline bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* <0, 0, >0: lexicographic, a prefix comes first. */
static inline int bytes_compare(struct bytes a, struct bytes b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int order = n ? memcmp(a.data, b.data, n) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

#endif
