/* The filter of a receipt or block that tells which addresses and topics its logs may have (Yellow
 * Paper 4.3.1, the function M3:2048): three bits for each. */
#ifndef ETH_BLOOM_H
#define ETH_BLOOM_H

#include "base/types.h"

struct eth_bloom {
    uint8_t b[256]; /* big endian: bit 0 is the lowest of the last byte */
};

/* Adds an address or a topic. */
void eth_bloom_add(struct eth_bloom *bloom, struct bytes value);
/* Whether it may have been added; false is certain. */
bool eth_bloom_test(const struct eth_bloom *bloom, struct bytes value);
/* The bits of a value, for who looks for it in many filters. */
enum { ETH_BLOOM_BITS = 3 };
struct eth_bloom_bits {
    uint16_t bits[ETH_BLOOM_BITS]; /* 0 … 2047 */
};
struct eth_bloom_bits eth_bloom_bits_of(struct bytes value);
static inline bool eth_bloom_has(const struct eth_bloom *bloom, const struct eth_bloom_bits *bits)
{
    for (int i = 0; i < ETH_BLOOM_BITS; i++)
        if (!(bloom->b[sizeof(bloom->b) - 1 - bits->bits[i] / 8] >> bits->bits[i] % 8 & 1))
            return false;
    return true;
}

/* Adds all that `other` has. */
void eth_bloom_merge(struct eth_bloom *bloom, const struct eth_bloom *other);

static inline bool eth_bloom_equal(const struct eth_bloom *a, const struct eth_bloom *b)
{
    return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

#endif
