/*
 * Between the files keccak*.c, and for the tests and benchmarks that try each of them: the
 * implementations that keccak.c chooses from.
 *
 *   keccak_rounds.inc   the permutation, for any width of lane
 *   single.inc   one state: scalar.c (every processor), bmi2.c
 *   many.c       many inputs over several states at once: avx2.c, avx512.c
 *   plain.c      the standard written down, which all are compared with
 */
#ifndef CRYPTO_KECCAK_INTERNAL_H
#define CRYPTO_KECCAK_INTERNAL_H

#include "base/types.h"

extern const uint64_t crypto_keccak_round_constants[24];

/* One state. */
struct crypto_keccak_single {
    const char *name;
    void (*permute)(uint64_t state[25]);
    /* Keccak-256 of less than a block: len < CRYPTO_KECCAK256_RATE. */
    void (*hash_short)(struct hash256 *ret_hash, const uint8_t *data, size_t len);
};

extern const struct crypto_keccak_single crypto_keccak_scalar, crypto_keccak_bmi2;

/* Several states side by side: lane i of the state j is lanes[i * width + j], aligned to 64 bytes.
 */
struct crypto_keccak_wide {
    const char *name;
    unsigned width;
    /* Empties every state j whose bit j of `fresh` is set, adds the block (CRYPTO_KECCAK256_RATE
     * bytes) blocks[j] to each state, and permutes all. */
    void (*absorb)(uint64_t *lanes, const uint8_t *const *blocks, unsigned fresh);
};

extern const struct crypto_keccak_wide crypto_keccak_avx2, crypto_keccak_avx512;

enum {
    CRYPTO_KECCAK_SINGLES = 2,
    CRYPTO_KECCAK_WIDES = 2,
    CRYPTO_KECCAK_MAX_WIDTH = 8,
};

/* Those that this processor can run, best first; returns how many (of the second kind perhaps
 * none). */
size_t crypto_keccak_singles(const struct crypto_keccak_single *ret[CRYPTO_KECCAK_SINGLES]);
size_t crypto_keccak_wides(const struct crypto_keccak_wide *ret[CRYPTO_KECCAK_WIDES]);

/* crypto_keccak256_many with a certain implementation. */
void crypto_keccak_many_with(const struct crypto_keccak_wide *wide, struct hash256 *ret_hashes,
                             const struct bytes *inputs, size_t count);

#endif
