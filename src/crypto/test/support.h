/* Shared by the tests of crypto: hexadecimal constants in and out. */
#ifndef CRYPTO_TEST_SUPPORT_H
#define CRYPTO_TEST_SUPPORT_H

#include "base/hex.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define expect_hex(actual, len, expected) _expect_hex(actual, len, expected, __FILE__, __LINE__)

static inline void _expect_hex(const void *actual, size_t len, const char *expected,
                               const char *file, int line)
{
    struct buf text = BUF_INIT;
    char *digits = (char *)buf_extend(&text, 2 * len);
    if (len)
        hex_encode(digits, bytes_of(actual, len));
    _assert_string_equal(buf_text(&text), expected, file, line);
    buf_release(&text);
}

/* Exactly `len` bytes. */
static inline void take_hex(void *ret_data, size_t len, const char *text)
{
    assert_true(hex_decode_exact(text, ret_data, len));
}

/* Test data without a pattern that matters: the same on every run (splitmix64). */
static inline uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static inline void fill_random(void *ret_data, size_t len, uint64_t *state)
{
    for (size_t i = 0; i < len; i++)
        ((uint8_t *)ret_data)[i] = (uint8_t)next_random(state);
}

#endif
