/*
 * The two ciphers of payloads: NaCl's box (the default, and all of Constellation), and Tessera's EC, which is ECDH on a
 * curve and AES-GCM. The whole network uses the same one; nothing on the wire says which.
 *
 * Keys are bytes of the encryptor's own form: NaCl 32 and 32; EC SubjectPublicKeyInfo and PKCS#8, both DER. Functions
 * are safe to call from any thread.
 */
#ifndef TM_ENCLAVE_ENCRYPTOR_H
#define TM_ENCLAVE_ENCRYPTOR_H

#include "tmproto/payload.h"

enum tm_encryptor_kind { TM_ENCRYPTOR_NACL, TM_ENCRYPTOR_EC };

enum {
    TM_ENCRYPTOR_SHARED_MAX = 32,  /* bytes of a shared or a master key */
    TM_ENCRYPTOR_NONCE_MAX = 64,   /* NaCl 24 */
    TM_ENCRYPTOR_MAC = 16,         /* added by sealing, in both */
    TM_ENCRYPTOR_PRIVATE_MAX = 512 /* bytes of a private key */
};

struct tm_encryptor {
    enum tm_encryptor_kind kind;
    int curve;         /* of EC: OpenSSL's NID */
    size_t nonce_len;  /* EC: property nonceLength, default 24 */
    size_t shared_len; /* of master keys; EC: property sharedKeyLength, default 32 */
};

void tm_encryptor_init_nacl(struct tm_encryptor *e);
/* Tessera's `encryptor`: type NACL, CUSTOM (the same algorithm in another library there) or EC; and its properties,
 * each NULL for the default: symmetricCipher AES/GCM/NoPadding, ellipticCurve secp256r1, nonceLength 24,
 * sharedKeyLength 32. ERR_INPUT or ERR_UNSUPPORTED naming the member and what is possible. */
int tm_encryptor_init(struct tm_encryptor *ret_e, const char *type, const char *symmetric_cipher,
                      const char *elliptic_curve, const char *nonce_length,
                      const char *shared_key_length, struct err_detail *detail) BASE_NODISCARD;

/* Appends a new pair's keys. The caller keeps private keys in locked memory or wipes them. ERR_NOMEM, ERR_IO,
 * ERR_CRYPTO. */
int tm_encryptor_generate(const struct tm_encryptor *e, struct buf *public_key,
                          struct buf *private_key) BASE_NODISCARD;
/* Appends the public key that belongs to a private one. ERR_INPUT when it is none, ERR_NOMEM, ERR_CRYPTO. */
int tm_encryptor_public(const struct tm_encryptor *e, struct buf *public_key,
                        struct bytes private_key) BASE_NODISCARD;
/* Whether these bytes can be a public key of this encryptor. */
bool tm_encryptor_is_public(const struct tm_encryptor *e, struct bytes key);

/* The key that two parties share; 32 bytes. ERR_INPUT when a key is none, ERR_NOMEM, ERR_CRYPTO. */
int tm_encryptor_shared(const struct tm_encryptor *e, uint8_t ret_shared[TM_ENCRYPTOR_SHARED_MAX],
                        struct bytes public_key, struct bytes private_key) BASE_NODISCARD;

/* Writes data.len + TM_ENCRYPTOR_MAC bytes. `key` and `nonce` of the encryptor's lengths. ERR_NOMEM, ERR_CRYPTO. */
int tm_encryptor_seal(const struct tm_encryptor *e, uint8_t *ret_box, struct bytes data,
                      struct bytes nonce, struct bytes key) BASE_NODISCARD;
/* Writes box.len - TM_ENCRYPTOR_MAC bytes. 1 = opened, 0 = not under this key and nonce (nothing of use is written).
 * ERR_NOMEM, ERR_CRYPTO. */
int tm_encryptor_open(const struct tm_encryptor *e, uint8_t *ret_data, struct bytes box,
                      struct bytes nonce, struct bytes key) BASE_NODISCARD;

#endif
