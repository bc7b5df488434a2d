/* A transaction manager's pair, and certificates. */
#include "deploy/keys/change_priv.h"

#include "base/base64.h"
#include "base/mem.h"
#include "crypto/argon2.h"
#include "crypto/nacl.h"
#include "deploy/keys/keys_priv.h"

#include <stdio.h>

enum {
    SALT_MAX = 256, /* bytes */
    PEM_MAX = 64 << 10,
};

/* --- Key files --- */

static size_t decode(uint8_t *ret, size_t room, const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    size_t len = 0;
    if (!text || base64_room(strlen(text)) > room ||
        !base64_decode_into(ret, &len, bytes_str(text)))
        return 0;
    return len;
}

/* Tessera's and Constellation's locked form: a box under a key that Argon2 makes of the password. */
static int open_locked(uint8_t ret_key[CRYPTO_NACL_KEY], const json_t *data, struct bytes password,
                       struct err_detail *detail)
{
    const json_t *options = json_object_get(data, "aopts");
    const char *variant = json_string_value(json_object_get(options, "variant"));
    const char *version = json_string_value(json_object_get(options, "version"));
    uint8_t salt[SALT_MAX], nonce[64], box[128], key[CRYPTO_NACL_KEY], plain[CRYPTO_NACL_KEY];
    size_t salt_len = decode(salt, sizeof(salt), data, "asalt");
    size_t nonce_len = decode(nonce, sizeof(nonce), data, "snonce");
    size_t box_len = decode(box, sizeof(box), data, "sbox");
    struct crypto_argon2 argon = {
        .memory = (uint32_t)json_integer_value(json_object_get(options, "memory")),
        .iterations = (uint32_t)json_integer_value(json_object_get(options, "iterations")),
        .parallelism = (uint32_t)json_integer_value(json_object_get(options, "parallelism")),
        .version = version && strcmp(version, "1.0") == 0 ? 0x10 : 0x13};
    if (salt_len == 0 || nonce_len != CRYPTO_NACL_NONCE || !variant ||
        box_len != CRYPTO_NACL_KEY + CRYPTO_NACL_MAC ||
        !crypto_argon2_variant_parse(&argon.variant, variant))
        return err_set(detail, ERR_INPUT, "the key file is neither locked nor unlocked");
    if (password.len == 0)
        return err_set(detail, ERR_USAGE,
                       "the key file is locked; --file-passphrase names the file of its password");
    int status = crypto_argon2_check(&argon, detail);
    if (status == ERR_OK)
        status = crypto_argon2_derive(key, sizeof(key), &argon, password, bytes_of(salt, salt_len));
    if (status == ERR_OK && !crypto_nacl_open(plain, bytes_of(box, box_len), nonce, key))
        status = err_set(detail, ERR_USAGE, "the key file does not open: a wrong password");
    if (status == ERR_OK)
        memcpy(ret_key, plain, sizeof(plain));
    mem_wipe(key, sizeof(key));
    mem_wipe(plain, sizeof(plain));
    return status;
}

static int read_key(uint8_t ret_key[CRYPTO_NACL_KEY], const struct deploy_import *import,
                    struct err_detail *detail)
{
    json_t *file = json_loadb((const char *)import->content.data, import->content.len,
                              JSON_REJECT_DUPLICATES, NULL);
    const json_t *data = json_object_get(file, "data");
    const char *bytes = json_string_value(json_object_get(data, "bytes"));
    int status = ERR_OK;
    if (!file)
        status = err_set(detail, ERR_INPUT,
                         "a transaction manager's key is a file of JSON, as its keygen makes it");
    else if (!bytes)
        status = open_locked(ret_key, data, deploy_first_line(import->passphrase), detail);
    else if (!base64_decode_exact(ret_key, CRYPTO_NACL_KEY, bytes_str(bytes)))
        status = err_set(detail, ERR_INPUT, "the key file has no key of 32 bytes in base64");
    deploy_secrets_drop(file);
    return status;
}

int deploy_change_tm(json_t *fields, const struct deploy_import *import, bool keep,
                     struct err_detail *detail)
{
    uint8_t key[CRYPTO_NACL_KEY], public_key[CRYPTO_NACL_KEY];
    json_t *made = NULL;
    int status = ERR_OK;
    if (import) {
        status = read_key(key, import, detail);
        if (status == ERR_OK) {
            crypto_nacl_public(public_key, key);
            status = deploy_transaction_fields(&made, public_key, key, detail);
        }
    } else {
        status = deploy_make_transaction(&made, detail);
    }
    if (status == ERR_OK && keep)
        status = deploy_keep_former(fields, "tm.pub", detail);
    if (status == ERR_OK && keep)
        status = deploy_keep_former(fields, "tm.key", detail);
    if (status == ERR_OK && json_object_update(fields, made) != 0)
        status = err_set(detail, ERR_NOMEM, "out of memory");
    json_decref(made); /* its texts are in the fields now */
    mem_wipe(key, sizeof(key));
    return status;
}

/* --- Certificates --- */

static int set_pem(json_t *fields, const char *name, struct bytes pem, struct err_detail *detail)
{
    struct buf text = BUF_INIT;
    int status = pem.len == 0 || pem.len > PEM_MAX
                     ? err_set(detail, ERR_INPUT, "%s: a text of PEM is expected", name)
                     : ERR_OK;
    base64_append(&text, pem);
    if (status == ERR_OK)
        status = buf_status(&text) == ERR_OK
                     ? deploy_set_text(fields, name, buf_bytes(&text), detail)
                     : err_set(detail, ERR_NOMEM, "out of memory");
    mem_wipe(text.data, text.len);
    buf_release(&text);
    return status;
}

/* The last certificate of a chain. */
static struct bytes last_of(struct bytes chain)
{
    static const char begin[] = "-----BEGIN CERTIFICATE-----";
    struct bytes last = bytes_none(), rest = chain;
    for (;;) {
        const uint8_t *at = rest.len ? memmem(rest.data, rest.len, begin, sizeof(begin) - 1) : NULL;
        if (!at)
            return last;
        last = bytes_of(at, (size_t)(chain.data + chain.len - at));
        rest = bytes_of(at + 1, last.len - 1);
    }
}

int deploy_change_certificate(json_t *fields, const struct deploy_secrets *secrets,
                              const struct deploy_owner *owner, const struct deploy_import *import,
                              struct err_detail *detail)
{
    char path[DEPLOY_SECRETS_PATH_MAX + 1];
    json_t *authority = NULL, *made = NULL;
    int status = ERR_OK;
    if (import) {
        struct bytes root = import->authority.len ? import->authority : last_of(import->content);
        status = set_pem(fields, "ambassadorcrt", import->content, detail);
        if (status == ERR_OK)
            status = set_pem(fields, "ambassadorkey", import->key, detail);
        return status == ERR_OK ? set_pem(fields, "rootcapem", root, detail) : status;
    }
    deploy_secret_path(path, owner->organization, owner->peer, DEPLOY_SECRET_AUTHORITY);
    status = deploy_secrets_read(secrets, &authority, path, detail);
    if (status == ERR_OK)
        status = deploy_make_certs(&made, authority, owner, detail);
    if (status == ERR_OK && json_object_update(fields, made) != 0)
        status = err_set(detail, ERR_NOMEM, "out of memory");
    json_decref(made);
    deploy_secrets_drop(authority);
    return status;
}

int deploy_change_authority(json_t *fields, const struct deploy_owner *owner,
                            const struct deploy_import *import, struct err_detail *detail)
{
    json_t *made = NULL;
    int status;
    if (import) {
        struct io_certificate info;
        status = io_certificate_read(&info, import->content, detail);
        if (status == ERR_OK && !info.authority)
            status = err_set(detail, ERR_INPUT, "%s is no authority's certificate", info.subject);
        if (status == ERR_OK)
            status = set_pem(fields, "rootcapem", import->content, detail);
        return status == ERR_OK ? set_pem(fields, "rootcakey", import->key, detail) : status;
    }
    status = deploy_make_authority(&made, owner, detail);
    if (status == ERR_OK && json_object_update(fields, made) != 0)
        status = err_set(detail, ERR_NOMEM, "out of memory");
    json_decref(made);
    return status;
}
