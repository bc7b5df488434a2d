/* The two fixed-size values that everything else is named by. Distinct types, so that one cannot
 * stand where the other is meant. */
#ifndef BASE_TYPES_H
#define BASE_TYPES_H

#include "base/bytes.h"

struct hash256 {
    uint8_t b[32];
};

struct address {
    uint8_t b[20];
};

static inline bool hash256_equal(const struct hash256 *a, const struct hash256 *b)
{
    return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

static inline bool hash256_is_zero(const struct hash256 *h)
{
    static const struct hash256 zero;
    return hash256_equal(h, &zero);
}

static inline bool address_equal(const struct address *a, const struct address *b)
{
    return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

static inline bool address_is_zero(const struct address *a)
{
    static const struct address zero;
    return address_equal(a, &zero);
}

#endif
