/* Signatures over NIST P-256 (secp256r1), as the precompile of EIP-7951 (first RIP-7212) checks
 * them. */
#ifndef CRYPTO_P256_H
#define CRYPTO_P256_H

#include "base/error.h"

#include <stdbool.h>

/*
 * Checks a signature. `input` is hash, r, s and the public key's x and y, 32 bytes each,
 * big-endian. *ret_valid is false when r or s is 0 or not below the order, when x or y is not below
 * the field's prime or the point is not on the curve, and when the signature is not the hash's; a
 * high s is fine. Returns 0, ERR_NOMEM or ERR_CRYPTO. From any thread.
 */
int crypto_p256_verify(bool *ret_valid, const uint8_t input[160]) BASE_NODISCARD;

#endif
