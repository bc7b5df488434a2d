/* Randomness of the system, for keys and nonces. */
#ifndef CRYPTO_RANDOM_H
#define CRYPTO_RANDOM_H

#include "base/error.h"
#include "crypto/secp256k1.h"

/* Fills `len` bytes. ERR_IO when the system gives none, which happens only where getrandom is forbidden. */
int crypto_random(void *ret_data, size_t len) BASE_NODISCARD;

/* A new private key. ERR_IO as above. */
int crypto_private_key_new(struct crypto_private_key *ret_key) BASE_NODISCARD;

#endif
