/* Modular exponentiation of whole numbers of any length, as in EIP-198. Nothing here is secret: the
 * time depends on the numbers. */
#ifndef CRYPTO_MODEXP_H
#define CRYPTO_MODEXP_H

#include "base/bytes.h"
#include "base/error.h"

enum {
    /* Of base and modulus, in bytes. EIP-2565 asks at least (length / 8)^2 / 3 gas, EIP-198 at
     * least length^2 / 320: over 1.3 * 10^10 gas for 2 MiB, three times the largest block gas limit
     * that Quorum networks are set up with (0xE0000000). From Osaka on EIP-7823 says 1024. */
    CRYPTO_MODEXP_MAX_MODULUS = 2 << 20,
    /* Of the exponent, in bytes. Its price is that of a squaring for each bit: with a modulus of
     * one byte 8 / 3 gas a byte in EIP-2565 and 8 / 20 in EIP-198, so 10^8 gas and more. Memory
     * for so much calldata would cost 10^11; only a tail of implied zeros can come near. */
    CRYPTO_MODEXP_MAX_EXPONENT = 256 << 20,
};

/*
 * ret_result = base ^ exponent mod modulus. All big-endian, leading zeros allowed, an empty one is
 * zero; writes exactly modulus.len bytes. As EIP-198 has it, 0 ^ 0 is 1 and a zero modulus gives
 * zeros. Returns 0; ERR_LIMIT when an operand is longer than the maxima above; ERR_NOMEM.
 * `ret_result` may overlap the inputs.
 */
int crypto_modexp(uint8_t *ret_result, struct bytes base, struct bytes exponent,
                  struct bytes modulus) BASE_NODISCARD;

#endif
