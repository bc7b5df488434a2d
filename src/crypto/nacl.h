/*
 * NaCl's box by libsodium (X25519, XSalsa20, Poly1305): what transaction managers seal payloads with. Keys and nonces
 * are plain arrays; private ones belong into crypto/secret.h. All functions are safe to call from any thread.
 */
#ifndef CRYPTO_NACL_H
#define CRYPTO_NACL_H

#include "base/bytes.h"
#include "base/error.h"

#include <stdbool.h>

enum {
    CRYPTO_NACL_KEY = 32, /* public, private, shared, and secret keys */
    CRYPTO_NACL_NONCE = 24,
    CRYPTO_NACL_MAC = 16, /* in front of the cipher text */
};

/* ERR_IO when the system gives no randomness. */
int crypto_nacl_pair(uint8_t ret_public[CRYPTO_NACL_KEY],
                     uint8_t ret_private[CRYPTO_NACL_KEY]) BASE_NODISCARD;
void crypto_nacl_public(uint8_t ret_public[CRYPTO_NACL_KEY],
                        const uint8_t private_key[CRYPTO_NACL_KEY]);
/* crypto_box_beforenm: HSalsa20(X25519(private, public), 0). False for a public key of small order, with which every
 * pair would share the same key. */
bool crypto_nacl_shared(uint8_t ret_shared[CRYPTO_NACL_KEY],
                        const uint8_t public_key[CRYPTO_NACL_KEY],
                        const uint8_t private_key[CRYPTO_NACL_KEY]) BASE_NODISCARD;

/* crypto_secretbox_easy, which is box_afternm as well. Writes data.len + CRYPTO_NACL_MAC bytes; may lie over `data`. */
void crypto_nacl_seal(uint8_t *ret_box, struct bytes data, const uint8_t nonce[CRYPTO_NACL_NONCE],
                      const uint8_t key[CRYPTO_NACL_KEY]);
/* Writes box.len - CRYPTO_NACL_MAC bytes. False when it is not under this key and nonce, with nothing written. */
bool crypto_nacl_open(uint8_t *ret_data, struct bytes box, const uint8_t nonce[CRYPTO_NACL_NONCE],
                      const uint8_t key[CRYPTO_NACL_KEY]) BASE_NODISCARD;

#endif
