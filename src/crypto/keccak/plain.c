#include "crypto/keccak.h"

#include "crypto/keccak/internal.h"

static uint64_t rotate(uint64_t lane, unsigned by)
{
    return by ? lane << by | lane >> (64 - by) : lane;
}

static void theta(uint64_t a[25])
{
    uint64_t column[5];
    for (unsigned x = 0; x < 5; x++)
        column[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20];
    for (unsigned x = 0; x < 5; x++)
        for (unsigned y = 0; y < 5; y++)
            a[x + 5 * y] ^= column[(x + 4) % 5] ^ rotate(column[(x + 1) % 5], 1);
}

/* Walks the lanes in the order in which pi moves them; the t-th is rotated by the t-th triangular
 * number. Lane (0, 0) stays. */
static void rho_pi(uint64_t a[25])
{
    unsigned x = 1, y = 0;
    uint64_t moved = a[1];
    for (unsigned t = 0; t < 24; t++) {
        unsigned next_y = (2 * x + 3 * y) % 5;
        x = y;
        y = next_y;
        uint64_t replaced = a[x + 5 * y];
        a[x + 5 * y] = rotate(moved, (t + 1) * (t + 2) / 2 % 64);
        moved = replaced;
    }
}

static void chi(uint64_t a[25])
{
    for (unsigned y = 0; y < 5; y++) {
        uint64_t row[5];
        memcpy(row, a + 5 * y, sizeof(row));
        for (unsigned x = 0; x < 5; x++)
            a[x + 5 * y] = row[x] ^ (~row[(x + 1) % 5] & row[(x + 2) % 5]);
    }
}

void crypto_keccak_f1600_plain(uint64_t state[25])
{
    for (unsigned round = 0; round < 24; round++) {
        theta(state);
        rho_pi(state);
        chi(state);
        state[0] ^= crypto_keccak_round_constants[round];
    }
}

void crypto_keccak256_plain(struct hash256 *ret_hash, struct bytes data)
{
    uint64_t state[25] = {0};
    uint8_t *sponge = (uint8_t *)state;
    size_t at = 0;
    for (size_t i = 0; i < data.len; i++) {
        sponge[at++] ^= data.data[i];
        if (at == CRYPTO_KECCAK256_RATE) {
            crypto_keccak_f1600_plain(state);
            at = 0;
        }
    }
    sponge[at] ^= 0x01;
    sponge[CRYPTO_KECCAK256_RATE - 1] ^= 0x80;
    crypto_keccak_f1600_plain(state);
    memcpy(ret_hash->b, sponge, sizeof(ret_hash->b));
}
