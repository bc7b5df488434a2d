/* Between the files keccak*.c: the permutations that keccak.c chooses from. */
#ifndef CRYPTO_KECCAK_INTERNAL_H
#define CRYPTO_KECCAK_INTERNAL_H

#include "base/compiler.h"

extern const uint64_t crypto_keccak_round_constants[24];

/* Portable and unrolled. */
void crypto_keccak_f1600_scalar(uint64_t state[25]);

#endif
