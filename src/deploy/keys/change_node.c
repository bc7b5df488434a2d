/* A node's key, its accounts and their passphrase, its database's password: the secret `quorum`. */
#include "deploy/keys/change_priv.h"

#include "base/hex.h"
#include "base/mem.h"
#include "crypto/keystore.h"
#include "crypto/random.h"
#include "deploy/keys/keys_priv.h"

#include <stdio.h>

enum { PASSPHRASE_MAX = 1024 }; /* bytes */

int deploy_change_nodekey(json_t *fields, const struct deploy_import *import,
                          struct err_detail *detail)
{
    struct crypto_private_key key;
    char digits[65] = {0};
    int status = ERR_OK;
    if (import) {
        struct bytes line = deploy_first_line(import->content);
        if (line.len != 64)
            return err_set(detail, ERR_INPUT, "a nodekey has 64 hexadecimal digits");
        return deploy_set_text(fields, "nodekey", line, detail);
    }
    status = crypto_private_key_new(&key);
    if (status != ERR_OK)
        return err_set(detail, status, "the machine gives no randomness");
    hex_encode(digits, bytes_of(key.b, sizeof(key.b)));
    mem_wipe(&key, sizeof(key));
    status = deploy_set_text(fields, "nodekey", bytes_str(digits), detail);
    mem_wipe(digits, sizeof(digits));
    return status;
}

/* --- Accounts --- */

/* Those of 32 hexadecimal digits were made here, from 128 random bits: no slow derivation is needed for them. */
static enum crypto_keystore_strength strength_for(struct bytes passphrase)
{
    return passphrase.len == DEPLOY_PASSWORD_TEXT - 1 ? CRYPTO_KEYSTORE_LIGHT
                                                      : CRYPTO_KEYSTORE_STANDARD;
}

static int open_keystore(struct crypto_private_key *ret_key, struct bytes text,
                         struct bytes passphrase, struct err_detail *detail)
{
    struct crypto_keystore keystore;
    int status = crypto_keystore_parse(&keystore, text, detail);
    if (status == ERR_OK)
        status = crypto_keystore_open(ret_key, &keystore, passphrase, detail);
    if (status == CRYPTO_KEYSTORE_WRONG_PASSWORD)
        status = err_set(detail, ERR_USAGE,
                         "the account's key file does not open: a wrong passphrase, or a damaged "
                         "file");
    return status;
}

static int seal_keystore(json_t *fields, const char *name, const struct crypto_private_key *key,
                         struct bytes passphrase, struct err_detail *detail)
{
    struct crypto_keystore keystore;
    struct buf text = BUF_INIT;
    int status = crypto_keystore_seal(&keystore, key, passphrase, strength_for(passphrase), detail);
    if (status == ERR_OK) {
        crypto_keystore_format(&text, &keystore);
        status = buf_status(&text) == ERR_OK
                     ? deploy_set_text(fields, name, buf_bytes(&text), detail)
                     : err_set(detail, ERR_NOMEM, "out of memory");
    }
    buf_release(&text);
    return status;
}

int deploy_change_account(json_t *fields, const struct deploy_import *import, bool keep,
                          struct err_detail *detail)
{
    const char *passphrase;
    struct crypto_private_key key;
    int status = deploy_secrets_field(&passphrase, fields, "quorum", "gethpassword", detail);
    if (status != ERR_OK)
        return status;
    if (!import)
        status = crypto_private_key_new(&key) == ERR_OK
                     ? ERR_OK
                     : err_set(detail, ERR_IO, "the machine gives no randomness");
    else
        status = open_keystore(&key, import->content,
                               import->passphrase.len ? deploy_first_line(import->passphrase)
                                                      : bytes_str(passphrase),
                               detail);
    if (status == ERR_OK && keep)
        status = deploy_keep_former(fields, "keystore", detail);
    if (status == ERR_OK)
        status = seal_keystore(fields, "keystore", &key, bytes_str(passphrase), detail);
    mem_wipe(&key, sizeof(key));
    return status;
}

/* All accounts open with the newest passphrase. */
static int seal_all(json_t *fields, struct bytes old, struct bytes new, struct err_detail *detail)
{
    unsigned former = deploy_former_count(fields, "keystore");
    int status = ERR_OK;
    for (unsigned i = 0; status == ERR_OK && i <= former; i++) {
        char name[32] = "keystore";
        const char *text;
        struct crypto_private_key key;
        if (i)
            snprintf(name, sizeof(name), "keystore.%u", i);
        status = deploy_secrets_field(&text, fields, "quorum", name, detail);
        if (status == ERR_OK)
            status = open_keystore(&key, bytes_str(text), old, detail);
        if (status == ERR_OK)
            status = seal_keystore(fields, name, &key, new, detail);
        mem_wipe(&key, sizeof(key));
    }
    return status;
}

int deploy_change_passphrase(json_t *fields, const struct deploy_import *import,
                             struct err_detail *detail)
{
    char made[DEPLOY_PASSWORD_TEXT] = {0};
    const char *old;
    struct bytes new =
        import ? deploy_first_line(import->content) : bytes_of(made, sizeof(made) - 1);
    int status = deploy_secrets_field(&old, fields, "quorum", "gethpassword", detail);
    if (status == ERR_OK && !import)
        status = deploy_make_password(made, detail);
    if (status == ERR_OK && (new.len == 0 || new.len > PASSPHRASE_MAX))
        status = err_set(detail, ERR_INPUT, "a passphrase has 1 to %d bytes, in one line",
                         PASSPHRASE_MAX);
    if (status == ERR_OK)
        status = seal_all(fields, bytes_str(old), new, detail);
    if (status == ERR_OK)
        status = deploy_set_text(fields, "gethpassword", new, detail);
    mem_wipe(made, sizeof(made));
    return status;
}

int deploy_change_database(json_t *fields, const struct deploy_import *import,
                           struct err_detail *detail)
{
    char made[DEPLOY_PASSWORD_TEXT] = {0};
    struct bytes new =
        import ? deploy_first_line(import->content) : bytes_of(made, sizeof(made) - 1);
    int status = import ? ERR_OK : deploy_make_password(made, detail);
    if (status == ERR_OK && (new.len == 0 || new.len > PASSPHRASE_MAX))
        status =
            err_set(detail, ERR_INPUT, "a password has 1 to %d bytes, in one line", PASSPHRASE_MAX);
    if (status == ERR_OK)
        status = deploy_set_text(fields, "db_password", new, detail);
    mem_wipe(made, sizeof(made));
    return status;
}
