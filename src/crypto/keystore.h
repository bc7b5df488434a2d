/*
 * Key files: a private key under a password, in the "Web3 Secret Storage" form, version 3, that
 * geth and the wallets share (ethereum.org, "Web3 secret storage definition"). Parsing is apart
 * from opening, because opening is made to be slow and most callers only want to know whose key a
 * file holds.
 *
 *   read:   crypto_keystore_parse, then crypto_keystore_open with the password
 *   write:  crypto_keystore_seal, then crypto_keystore_format
 */
#ifndef CRYPTO_KEYSTORE_H
#define CRYPTO_KEYSTORE_H

#include "base/buf.h"
#include "crypto/secp256k1.h"

/* A file comes from outside and says itself how much work opening it is: these bounds hold what a
 * hostile one can ask for. */
enum {
    /* Bytes of a file. Real ones have 500. */
    CRYPTO_KEYSTORE_MAX_TEXT = 64 << 10,
    /* n * r * p of scrypt, four times geth's standard (2^18 * 8 * 1): some seconds. The memory is
     * 128 bytes for each n * r and each r * p, so at most 1 GiB and a half. */
    CRYPTO_KEYSTORE_MAX_SCRYPT_WORK = 1 << 23,
    /* Iterations of PBKDF2, 64 times the usual 2^18: some seconds. */
    CRYPTO_KEYSTORE_MAX_PBKDF2_WORK = 1 << 24,
    /* Bytes. The usual is 32. */
    CRYPTO_KEYSTORE_MAX_SALT = 256,
};

enum crypto_keystore_kdf { CRYPTO_KEYSTORE_SCRYPT, CRYPTO_KEYSTORE_PBKDF2 };

/* What a file says. Nothing in it is secret without the password, and it owns nothing. */
struct crypto_keystore {
    bool has_address; /* files may leave the address out, to tell less */
    struct address address;
    uint8_t id[16]; /* a UUID; zero when the file has none */

    enum crypto_keystore_kdf kdf;
    uint32_t n, r, p;    /* of scrypt */
    uint32_t iterations; /* of PBKDF2 with HMAC-SHA-256 */
    uint8_t salt[CRYPTO_KEYSTORE_MAX_SALT];
    size_t salt_len;

    uint8_t iv[16]; /* of AES-128-CTR */
    uint8_t ciphertext[32];
    size_t ciphertext_len; /* 1 … 32; shorter when leading zeros of the key were left out */
    struct hash256 mac;
};

/*
 * Reads a file's text. Names of members match whatever the case of their letters, as they do in
 * geth; members that it does not know are ignored. ERR_INPUT with the member at fault in `detail`,
 * ERR_UNSUPPORTED (another version, cipher or derivation), ERR_LIMIT (over the bounds above),
 * ERR_NOMEM.
 */
int crypto_keystore_parse(struct crypto_keystore *ret_keystore, struct bytes text,
                          struct err_detail *detail) BASE_NODISCARD;

/* Appends the file's text, in one line. Fails as `text` does: buf_status. */
void crypto_keystore_format(struct buf *text, const struct crypto_keystore *keystore);

enum crypto_keystore_result {
    CRYPTO_KEYSTORE_OPEN,
    CRYPTO_KEYSTORE_WRONG_PASSWORD, /* or a damaged file: the two cannot be told apart */
};

/*
 * Takes the key out. Slow by intention, in time and memory (bounds above). Returns an enum
 * crypto_keystore_result; or ERR_NOMEM; or ERR_CORRUPT when what is inside is no private key or is
 * not that of the file's address. *ret_key, which the caller wipes, is written for
 * CRYPTO_KEYSTORE_OPEN only.
 */
int crypto_keystore_open(struct crypto_private_key *ret_key, const struct crypto_keystore *keystore,
                         struct bytes password, struct err_detail *detail) BASE_NODISCARD;

enum crypto_keystore_strength {
    CRYPTO_KEYSTORE_STANDARD, /* scrypt n = 2^18, r = 8, p = 1: two seconds and 256 MiB */
    CRYPTO_KEYSTORE_LIGHT,    /* scrypt n = 2^12, r = 8, p = 6: geth's --lightkdf */
};

/* Puts a key under a password, with salt, IV and id from the system's randomness. ERR_INPUT when
 * the key is not valid, ERR_NOMEM, ERR_IO when there is no randomness. */
int crypto_keystore_seal(struct crypto_keystore *ret_keystore, const struct crypto_private_key *key,
                         struct bytes password, enum crypto_keystore_strength strength,
                         struct err_detail *detail) BASE_NODISCARD;

#endif
