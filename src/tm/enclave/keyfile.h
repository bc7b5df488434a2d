/*
 * Key files of Tessera and of Constellation. NAME.pub is the public key in base64; NAME.key is JSON:
 *
 *   { "type": "unlocked",   "data": { "bytes": private key } }
 *   { "type": "argon2sbox", "data": { "snonce", "asalt", "sbox", "aopts": { "variant": "i" | "d" | "id",
 *                                     "iterations", "memory" (KiB), "parallelism", "version"?: "1.3" | "1.0" } } }
 *
 * all bytes in base64; sbox is the private key sealed under Argon2(password, asalt). Constellation writes the version,
 * Tessera does not; without one it is 1.3. Parsing is apart from opening, which is slow by intention and takes
 * `memory` KiB (the default: 1 GiB): one at a time.
 */
#ifndef TM_ENCLAVE_KEYFILE_H
#define TM_ENCLAVE_KEYFILE_H

#include "crypto/argon2.h"
#include "crypto/secret.h"
#include "tm/enclave/encryptor.h"

enum {
    TM_KEYFILE_MAX_TEXT = 64 << 10,    /* real ones have 400 bytes */
    TM_KEYFILE_MAX_SALT = 256,         /* Tessera 16, Constellation 32 */
    TM_KEYFILE_MAX_PASSWORD = 4 << 10, /* bytes */
};

struct tm_keyfile {
    bool locked;
    struct crypto_argon2 argon2; /* of a locked one */
    bool says_version;           /* "version" stands in the file */
    uint8_t salt[TM_KEYFILE_MAX_SALT];
    size_t salt_len;
    uint8_t nonce[TM_ENCRYPTOR_NONCE_MAX];
    size_t nonce_len;
    uint8_t
        box[TM_ENCRYPTOR_PRIVATE_MAX + TM_ENCRYPTOR_MAC]; /* or, unlocked, the private key itself */
    size_t box_len;
};

/* What -keygen uses when nothing else is said: variant i, 1 GiB, 10 iterations, parallelism 4. */
extern const struct crypto_argon2 tm_keyfile_argon2_default;

/* Reads the text of a .key file (or the `config` object of a configuration). Unknown members are ignored. ERR_INPUT
 * with the member at fault, ERR_UNSUPPORTED (another type), ERR_LIMIT (work above crypto/argon2.h's bounds),
 * ERR_NOMEM. The caller wipes *ret_keyfile: it may hold a key. */
int tm_keyfile_parse(struct tm_keyfile *ret_keyfile, struct bytes text,
                     struct err_detail *detail) BASE_NODISCARD;
/* Appends the text as Tessera writes it: no newline at the end. */
void tm_keyfile_format(struct buf *text, const struct tm_keyfile *keyfile);

/* Reads Argon2 options as `-keygenconfig FILE` has them: variant (or algorithm), memory, iterations, parallelism.
 * ERR_INPUT, ERR_LIMIT, ERR_NOMEM. */
int tm_keyfile_parse_options(struct crypto_argon2 *ret_options, struct bytes text,
                             struct err_detail *detail) BASE_NODISCARD;

enum tm_keyfile_result {
    TM_KEYFILE_OPEN,
    TM_KEYFILE_WRONG_PASSWORD, /* or a damaged file: the two cannot be told apart */
    TM_KEYFILE_NEEDS_PASSWORD, /* locked, and the password is empty */
};

/* Takes the private key out, into locked memory. Returns an enum tm_keyfile_result; ERR_NOMEM, ERR_CRYPTO. A password
 * for a file that is not locked is ignored. *ret_private is written for TM_KEYFILE_OPEN only; crypto_secret_free. */
int tm_keyfile_open(struct crypto_secret **ret_private, const struct tm_encryptor *e,
                    const struct tm_keyfile *keyfile, struct bytes password,
                    struct err_detail *detail) BASE_NODISCARD;

/* A new pair in PATH.pub (mode 0644) and PATH.key (mode 0600), as -keygen and --generatekeys do: fails when one of
 * them exists (ERR_EXISTS), leaving nothing. *ret_public (may be NULL) gets the base64 of the public key. */
int tm_keyfile_generate(struct buf *ret_public, const struct tm_encryptor *e, const char *path,
                        struct bytes password, const struct crypto_argon2 *options,
                        struct err_detail *detail) BASE_NODISCARD;

/* Opens the .key file at `path` with the old password and writes it anew under the new one (-updatepassword): by a file
 * beside it and a rename, mode 0600. Returns an enum tm_keyfile_result, or a failure; the file is as it was unless
 * TM_KEYFILE_OPEN. */
int tm_keyfile_update(const struct tm_encryptor *e, const char *path, struct bytes old_password,
                      struct bytes new_password, const struct crypto_argon2 *options,
                      struct err_detail *detail) BASE_NODISCARD;

#endif
