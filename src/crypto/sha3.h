/* SHA-3 (FIPS 202) and SHA-512/256 (FIPS 180-4): the names that transaction managers give to payloads. Safe to call
 * from any thread; cannot fail. */
#ifndef CRYPTO_SHA3_H
#define CRYPTO_SHA3_H

#include "base/types.h"

/* Of all parts, one behind the other. */
void crypto_sha3_512(uint8_t ret_hash[64], const struct bytes *parts, size_t count);
/* ret_hashes[i] = SHA3-512 of inputs[i], for i below `count`: side by side in vector registers where the processor has
 * them. No output may overlap any input. */
void crypto_sha3_512_many(uint8_t (*ret_hashes)[64], const struct bytes *inputs, size_t count);
void crypto_sha3_256(uint8_t ret_hash[32], const struct bytes *parts, size_t count);

void crypto_sha512_256(struct hash256 *ret_hash, struct bytes data);

#endif
