/*
 * `crypto` is the mathematics that the rest of the stack relies on: hashes, signatures, key files
 * and the curves of the precompiled contracts. Nothing here knows of gas, forks or accounts. Read
 * this file first, then secp256k1.h and hash.h; each of the others stands alone.
 *
 * Keccak-256 as Ethereum uses it: the sponge of FIPS 202 with rate 1088, but with the padding of
 * the original submission (first padding byte 0x01 where SHA-3 has 0x06); Yellow Paper, appendix B.
 * The permutation that suits this processor best is chosen when the program is loaded; all give
 * the same bytes.
 *
 * All functions are safe to call from any thread and cannot fail. Inputs may overlap outputs.
 */
#ifndef CRYPTO_KECCAK_H
#define CRYPTO_KECCAK_H

#include "base/types.h"

enum { CRYPTO_KECCAK256_RATE = 136 }; /* bytes absorbed per permutation */

/* Of the empty input: the code hash of an account without code (Yellow Paper, section 4.1). */
extern const struct hash256 crypto_keccak256_empty;

/* Of `data`. */
void crypto_keccak256(struct hash256 *ret_hash, struct bytes data);

/* ret_hashes[i] = Keccak-256 of inputs[i], for i below `count`. Independent inputs share vector
 * registers where the processor has them: it pays from two or three inputs on, best when neighbours
 * are of similar length. Here no output may overlap any input. */
void crypto_keccak256_many(struct hash256 *ret_hashes, const struct bytes *inputs, size_t count);

/* In pieces. After final, the object must be initialised again before further use; the state may
 * be copied at any time, to hash many inputs with a common beginning. */
struct crypto_keccak256 {
    uint64_t state[25];
    size_t used; /* bytes of the open block that are in `state` already, < CRYPTO_KECCAK256_RATE */
};

void crypto_keccak256_init(struct crypto_keccak256 *k);
void crypto_keccak256_update(struct crypto_keccak256 *k, struct bytes data);
void crypto_keccak256_final(struct crypto_keccak256 *k, struct hash256 *ret_hash);

/* The permutation Keccak-f[1600] (FIPS 202, section 3.3); lane (x, y) is state[x + 5 * y]. */
void crypto_keccak_f1600(uint64_t state[25]);

/* "scalar", "bmi2", … : the permutation chosen for one input, for benchmarks and bug reports. */
const char *crypto_keccak_implementation(void);

/* The plain twins: the standard written down, nothing else. Tests compare with them. */
void crypto_keccak256_plain(struct hash256 *ret_hash, struct bytes data);
void crypto_keccak_f1600_plain(uint64_t state[25]);

#endif
