/*
 * ECIES as devp2p uses it (devp2p, rlpx.md, "ECIES Encryption"; SEC 1, section 5.1, with the parameters
 * ECIES_AES128_SHA256 of geth): a message that only the owner of a key can read.
 *
 *     0x04 || ephemeral key (64) || IV (16) || AES-128-CTR(kE, message) || MAC (32)
 *     kE || kM = SHA-256(00000001 || ECDH x), MAC = HMAC-SHA-256(SHA-256(kM), IV || ciphertext || mac_data)
 */
#ifndef CRYPTO_ECIES_H
#define CRYPTO_ECIES_H

#include "base/buf.h"
#include "crypto/secp256k1.h"

enum {
    CRYPTO_ECIES_OVERHEAD = 65 + 16 + 32,
    /* Of a message; the handshakes of devp2p are far below. */
    CRYPTO_ECIES_MAX = 1 << 16,
};

/* Appends to `out`. `ephemeral` and `iv` are for this message alone. `mac_data` is covered by the MAC but not sent.
 * ERR_INPUT when a key is not valid, ERR_LIMIT, ERR_NOMEM. */
int crypto_ecies_seal(struct buf *out, const struct crypto_public_key *to,
                      const struct crypto_private_key *ephemeral, const uint8_t iv[16],
                      struct bytes message, struct bytes mac_data) BASE_NODISCARD;

enum crypto_ecies_result {
    CRYPTO_ECIES_OPEN,
    CRYPTO_ECIES_SHORT,     /* no room for the overhead and a byte, or over the maximum */
    CRYPTO_ECIES_BAD_POINT, /* the ephemeral key is no point of the curve in uncompressed form */
    CRYPTO_ECIES_BAD_MAC,   /* for another key, or changed on the way */
};

/* Opens in place: `ret_message` lies within `packet`. Returns an enum crypto_ecies_result; then `packet` is changed for
 * CRYPTO_ECIES_OPEN only. ERR_INPUT when the private key is not valid, ERR_NOMEM. */
int crypto_ecies_open(struct bytes *ret_message, uint8_t *packet, size_t len,
                      const struct crypto_private_key *key, struct bytes mac_data) BASE_NODISCARD;

#endif
