/*
 * Between the files keccak*.c, and for the tests and benchmarks that try each of them: the
 * implementations that keccak.c chooses from.
 *
 *   keccak_rounds.inc   the permutation, for any width of lane
 *   single.inc   one state: scalar.c (every processor), bmi2.c
 *   four.inc     four states: avx2.c, avx512vl.c
 *   many.c       many inputs over several states at once: those two, and avx512.c with eight
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
    unsigned least; /* inputs from which on it is worth while */
    /* Empties every state j whose bit j of `fresh` is set, adds the block blocks[j] to each state, and permutes all. A
     * block has CRYPTO_KECCAK256_RATE bytes, or CRYPTO_SHA3_512_RATE. */
    void (*absorb_1088)(uint64_t *lanes, const uint8_t *const *blocks, unsigned fresh);
    void (*absorb_576)(uint64_t *lanes, const uint8_t *const *blocks, unsigned fresh);
};

extern const struct crypto_keccak_wide crypto_keccak_avx2, crypto_keccak_avx512vl,
    crypto_keccak_avx512;

/* A hash as a sponge. */
struct crypto_keccak_sponge {
    size_t rate; /* CRYPTO_KECCAK256_RATE or CRYPTO_SHA3_512_RATE */
    size_t size; /* of the hash, in whole lanes */
    uint8_t pad; /* the first byte behind the input */
};

extern const struct crypto_keccak_sponge crypto_keccak256_sponge, crypto_sha3_512_sponge;

enum {
    CRYPTO_SHA3_512_RATE = 72, /* bytes, beside CRYPTO_KECCAK256_RATE */
    CRYPTO_KECCAK_SINGLES = 2,
    CRYPTO_KECCAK_WIDES = 3,
    CRYPTO_KECCAK_MAX_WIDTH = 8,
};

/* Those that this processor can run, best first; returns how many (of the second kind perhaps
 * none). */
size_t crypto_keccak_singles(const struct crypto_keccak_single *ret[CRYPTO_KECCAK_SINGLES]);
size_t crypto_keccak_wides(const struct crypto_keccak_wide *ret[CRYPTO_KECCAK_WIDES]);

/* The best one for that many inputs; NULL: one by one. */
const struct crypto_keccak_wide *crypto_keccak_wide_for(size_t count);

/* Hashes with a certain implementation; they stand behind each other in ret_hashes. */
void crypto_keccak_many_with(const struct crypto_keccak_wide *wide,
                             const struct crypto_keccak_sponge *sponge, uint8_t *ret_hashes,
                             const struct bytes *inputs, size_t count);

#endif
