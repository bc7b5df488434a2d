/* Each state takes an input, a block at every step, and the next input as soon as it is through: so
 * inputs of different lengths share the permutations without waiting for each other. */
#include "crypto/keccak.h"
#include "crypto/keccak_internal.h"

#include <stdalign.h>

struct slot {
    struct bytes rest;    /* of its input, not yet absorbed */
    struct hash256 *hash; /* where the result goes; NULL when the slot is idle */
    bool ended;           /* the padding is absorbed */
};

struct batch {
    alignas(64) uint64_t lanes[25 * CRYPTO_KECCAK_MAX_WIDTH];
    struct slot slots[CRYPTO_KECCAK_MAX_WIDTH];
    unsigned width;
};

static void absorb(uint64_t *column, unsigned width, const uint8_t *block)
{
    for (unsigned i = 0; i < CRYPTO_KECCAK256_RATE / 8; i++) {
        uint64_t lane;
        memcpy(&lane, block + 8 * i, sizeof(lane));
        column[i * width] ^= lane;
    }
}

static void start(struct batch *b, unsigned at, struct bytes input, struct hash256 *ret_hash)
{
    b->slots[at] = (struct slot){.rest = input, .hash = ret_hash};
    for (unsigned i = 0; i < 25; i++)
        b->lanes[i * b->width + at] = 0;
}

static void step(struct batch *b, unsigned at)
{
    struct slot *slot = &b->slots[at];
    struct bytes rest = slot->rest;
    if (rest.len >= CRYPTO_KECCAK256_RATE) {
        absorb(b->lanes + at, b->width, rest.data);
        slot->rest = bytes_slice(rest, CRYPTO_KECCAK256_RATE, rest.len - CRYPTO_KECCAK256_RATE);
        return;
    }
    uint8_t block[CRYPTO_KECCAK256_RATE] = {0};
    if (rest.len)
        memcpy(block, rest.data, rest.len);
    block[rest.len] = 0x01;
    block[CRYPTO_KECCAK256_RATE - 1] |= 0x80;
    absorb(b->lanes + at, b->width, block);
    slot->ended = true;
}

static void finish(struct batch *b, unsigned at)
{
    for (unsigned i = 0; i < 4; i++)
        memcpy(b->slots[at].hash->b + 8 * i, &b->lanes[i * b->width + at], 8);
    b->slots[at].hash = NULL;
}

void crypto_keccak_many_with(const struct crypto_keccak_wide *wide, struct hash256 *ret_hashes,
                             const struct bytes *inputs, size_t count)
{
    struct batch b = {.width = wide->width};
    size_t next = 0, left = count;
    while (left > 0) {
        for (unsigned at = 0; at < b.width; at++) {
            if (!b.slots[at].hash && next < count) {
                start(&b, at, inputs[next], &ret_hashes[next]);
                next++;
            }
            if (b.slots[at].hash)
                step(&b, at);
        }
        wide->permute(b.lanes);
        for (unsigned at = 0; at < b.width; at++) {
            if (b.slots[at].hash && b.slots[at].ended) {
                finish(&b, at);
                left--;
            }
        }
    }
}
