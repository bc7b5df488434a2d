#include "eth/bloom.h"

#include "crypto/keccak.h"

/* The low 11 bits of each of the first three pairs of bytes of its Keccak. */
struct eth_bloom_bits eth_bloom_bits_of(struct bytes value)
{
    struct eth_bloom_bits found;
    struct hash256 hash;
    crypto_keccak256(&hash, value);
    for (int i = 0; i < ETH_BLOOM_BITS; i++)
        found.bits[i] = (uint16_t)((hash.b[2 * i] << 8 | hash.b[2 * i + 1]) & 0x7ff);
    return found;
}

static uint8_t *byte_of(struct eth_bloom *bloom, uint16_t bit)
{
    return &bloom->b[sizeof(bloom->b) - 1 - bit / 8];
}

void eth_bloom_add(struct eth_bloom *bloom, struct bytes value)
{
    struct eth_bloom_bits found = eth_bloom_bits_of(value);
    for (int i = 0; i < ETH_BLOOM_BITS; i++)
        *byte_of(bloom, found.bits[i]) |= (uint8_t)(1 << found.bits[i] % 8);
}

bool eth_bloom_test(const struct eth_bloom *bloom, struct bytes value)
{
    struct eth_bloom_bits found = eth_bloom_bits_of(value);
    return eth_bloom_has(bloom, &found);
}

void eth_bloom_merge(struct eth_bloom *bloom, const struct eth_bloom *other)
{
    for (size_t i = 0; i < sizeof(bloom->b); i++)
        bloom->b[i] |= other->b[i];
}
