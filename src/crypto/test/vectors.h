/* Rows of the files in vectors/, and how tests read them. */
#ifndef CRYPTO_TEST_VECTORS_H
#define CRYPTO_TEST_VECTORS_H

#include "base/hex.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct vector {
    const char *name, *input, *expected; /* NULL: the contract fails */
};

static inline void vector_decode(struct buf *b, const struct vector *v, const char *hex)
{
    buf_clear(b);
    if (hex_decode(hex, b) != ERR_OK)
        fail_msg("%s: not hex", v->name);
}

static inline void vector_expect(const struct vector *v, bool valid, const void *output, size_t len)
{
    if (valid != (v->expected != NULL))
        fail_msg("%s: %s", v->name, valid ? "accepted" : "rejected");
    if (!valid)
        return;
    struct buf expected = BUF_INIT;
    vector_decode(&expected, v, v->expected);
    if (expected.len != len)
        fail_msg("%s: %zu bytes expected, not %zu", v->name, expected.len, len);
    for (size_t i = 0; i < len; i++) {
        if (expected.data[i] != ((const uint8_t *)output)[i])
            fail_msg("%s: byte %zu differs", v->name, i);
    }
    buf_release(&expected);
}

#endif
