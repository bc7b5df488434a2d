/*
 * Elliptic curves of NIST (and secp256k1) with AES-GCM, by OpenSSL: the encryptor EC of transaction managers. Keys are
 * DER: public ones SubjectPublicKeyInfo, private ones PKCS#8, as Java writes them.
 */
#ifndef CRYPTO_ECDH_H
#define CRYPTO_ECDH_H

#include "base/buf.h"

#include <stdbool.h>

enum { CRYPTO_ECDH_SECRET_MAX = 66 /* P-521 */, CRYPTO_GCM_TAG = 16 };

/* A curve's number by its name ("secp256r1", "secp384r1", "secp521r1", "secp256k1", …); 0 when there is none. */
int crypto_ecdh_curve(const char *name);
/* Appends a new pair. ERR_NOMEM, ERR_CRYPTO. */
int crypto_ecdh_pair(struct buf *public_key, struct buf *private_key, int curve) BASE_NODISCARD;
/* Appends the public key of a private one. ERR_INPUT when it is none of that curve, ERR_NOMEM, ERR_CRYPTO. */
int crypto_ecdh_public(struct buf *public_key, struct bytes private_key, int curve) BASE_NODISCARD;
/* Whether `key` is a point on the curve in DER. */
bool crypto_ecdh_is_public(struct bytes key, int curve);
/* The X coordinate of the shared point. *ret_len bytes, at most CRYPTO_ECDH_SECRET_MAX. ERR_INPUT when a key is none of
 * that curve, ERR_NOMEM, ERR_CRYPTO. */
int crypto_ecdh_secret(uint8_t ret_secret[CRYPTO_ECDH_SECRET_MAX], size_t *ret_len,
                       struct bytes public_key, struct bytes private_key, int curve) BASE_NODISCARD;

/* AES-GCM with a key of 16, 24 or 32 bytes, a nonce of any length (1 … 128) and no further data: writes
 * data.len + CRYPTO_GCM_TAG bytes. ERR_NOMEM, ERR_CRYPTO. */
int crypto_gcm_seal(uint8_t *ret_box, struct bytes data, struct bytes nonce,
                    struct bytes key) BASE_NODISCARD;
/* Writes box.len - CRYPTO_GCM_TAG bytes. 1 = opened, 0 = not under this key and nonce. ERR_NOMEM, ERR_CRYPTO. */
int crypto_gcm_open(uint8_t *ret_data, struct bytes box, struct bytes nonce,
                    struct bytes key) BASE_NODISCARD;

#endif
