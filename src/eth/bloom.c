#include "eth/bloom.h"

#include "crypto/keccak.h"

enum { BITS = 3 };

/* The bits of a value: the low 11 bits of each of the first three pairs of bytes of its Keccak. */
static void find_bits(uint16_t ret_bits[BITS], struct bytes value)
{
    struct hash256 hash;
    crypto_keccak256(&hash, value);
    for (int i = 0; i < BITS; i++)
        ret_bits[i] = (uint16_t)((hash.b[2 * i] << 8 | hash.b[2 * i + 1]) & 0x7ff);
}

static uint8_t *byte_of(struct eth_bloom *bloom, uint16_t bit)
{
    return &bloom->b[sizeof(bloom->b) - 1 - bit / 8];
}

void eth_bloom_add(struct eth_bloom *bloom, struct bytes value)
{
    uint16_t bits[BITS];
    find_bits(bits, value);
    for (int i = 0; i < BITS; i++)
        *byte_of(bloom, bits[i]) |= (uint8_t)(1 << bits[i] % 8);
}

bool eth_bloom_test(const struct eth_bloom *bloom, struct bytes value)
{
    uint16_t bits[BITS];
    find_bits(bits, value);
    for (int i = 0; i < BITS; i++)
        if (!(bloom->b[sizeof(bloom->b) - 1 - bits[i] / 8] >> bits[i] % 8 & 1))
            return false;
    return true;
}

void eth_bloom_merge(struct eth_bloom *bloom, const struct eth_bloom *other)
{
    for (size_t i = 0; i < sizeof(bloom->b); i++)
        bloom->b[i] |= other->b[i];
}
