/* Each state takes an input, a block at every step, and the next input as soon as it is through: so
 * inputs of different lengths share the permutations without waiting for each other. */
#include "crypto/keccak.h"
#include "crypto/keccak/internal.h"

#include <stdalign.h>

struct slot {
    struct bytes rest; /* of its input, not yet absorbed */
    uint8_t *hash;     /* where the result goes; NULL when the slot is idle */
    bool ended;        /* the padding is absorbed */
    uint8_t last[CRYPTO_KECCAK256_RATE];
};

/* The next block of the slot's input. */
static const uint8_t *take_block(struct slot *slot, const struct crypto_keccak_sponge *sponge)
{
    struct bytes rest = slot->rest;
    if (rest.len >= sponge->rate) {
        slot->rest = bytes_slice(rest, sponge->rate, rest.len - sponge->rate);
        return rest.data;
    }
    memset(slot->last, 0, sizeof(slot->last));
    if (rest.len)
        memcpy(slot->last, rest.data, rest.len);
    slot->last[rest.len] = sponge->pad;
    slot->last[sponge->rate - 1] |= 0x80;
    slot->ended = true;
    return slot->last;
}

static void finish(struct slot *slot, const struct crypto_keccak_sponge *sponge,
                   const uint64_t *column, unsigned width)
{
    for (unsigned i = 0; i < sponge->size / 8; i++)
        memcpy(slot->hash + 8 * i, column + i * width, 8);
    slot->hash = NULL;
}

void crypto_keccak_many_with(const struct crypto_keccak_wide *wide,
                             const struct crypto_keccak_sponge *sponge, uint8_t *ret_hashes,
                             const struct bytes *inputs, size_t count)
{
    void (*absorb)(uint64_t *, const uint8_t *const *, unsigned) =
        sponge->rate == CRYPTO_KECCAK256_RATE ? wide->absorb_1088 : wide->absorb_576;
    static const uint8_t idle[CRYPTO_KECCAK256_RATE];
    alignas(64) uint64_t lanes[25 * CRYPTO_KECCAK_MAX_WIDTH] = {0};
    struct slot slots[CRYPTO_KECCAK_MAX_WIDTH];
    const uint8_t *blocks[CRYPTO_KECCAK_MAX_WIDTH];
    unsigned width = wide->width;
    size_t next = 0, left = count;
    for (unsigned at = 0; at < width; at++)
        slots[at].hash = NULL;

    while (left > 0) {
        unsigned fresh = 0;
        for (unsigned at = 0; at < width; at++) {
            struct slot *slot = &slots[at];
            if (!slot->hash && next < count) {
                slot->rest = inputs[next];
                slot->hash = ret_hashes + sponge->size * next++;
                slot->ended = false;
                fresh |= 1u << at;
            }
            blocks[at] = slot->hash ? take_block(slot, sponge) : idle;
        }
        absorb(lanes, blocks, fresh);
        for (unsigned at = 0; at < width; at++) {
            if (slots[at].hash && slots[at].ended) {
                finish(&slots[at], sponge, lanes + at, width);
                left--;
            }
        }
    }
}
