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
/* Adds all that `other` has. */
void eth_bloom_merge(struct eth_bloom *bloom, const struct eth_bloom *other);

static inline bool eth_bloom_equal(const struct eth_bloom *a, const struct eth_bloom *b)
{
    return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

#endif
