/*
 * The embedded store of secrets: one encrypted file.
 *
 *     line 1       JSON: {"quorate-secrets": 1, "kdf": "argon2id", "memory", "iterations", "parallelism", "salt"}
 *                  or {"quorate-secrets": 1, "kdf": "key"}; in clear, and authenticated by what follows
 *     24 bytes     nonce, new at each writing
 *     the rest     secretbox (XSalsa20, Poly1305) of a JSON text:
 *                  {"header": <line 1>, "secrets": {<path>: [<oldest fields>, …, <newest fields>]}}
 *
 * The key is derived from a passphrase (Argon2id), or stands in a key file: 64 hexadecimal digits, mode 0600. Every
 * writing replaces the file as a whole, so a reader sees all of a change or none of it. One process writes at a time.
 */
#ifndef DEPLOY_SECRETS_FILE_H
#define DEPLOY_SECRETS_FILE_H

#include "deploy/secrets/secrets.h"

enum {
    DEPLOY_SECRETS_FILE_MAX = 64 * 1024 * 1024, /* bytes: 500 peers with 20 versions each */
};

/* How the file is opened: exactly one of the two is given. */
struct deploy_secrets_key {
    const char *key_file;    /* made when neither it nor the store is there */
    struct bytes passphrase; /* the caller wipes it */
};

/*
 * Opens the store at `path`, or makes an empty one. `path` is borrowed until close. ERR_USAGE (wrong passphrase or key,
 * a key of the wrong kind), ERR_CORRUPT, ERR_BUSY (another process has it open), ERR_IO, ERR_NOMEM, ERR_LIMIT; the
 * message names the file and the remedy.
 */
int deploy_secrets_file_open(struct deploy_secrets *ret_secrets, const char *path,
                             const struct deploy_secrets_key *key,
                             struct err_detail *detail) BASE_NODISCARD;

#endif
