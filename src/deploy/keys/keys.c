#include "deploy/keys/keys.h"

#include "base/base64.h"
#include "base/hex.h"
#include "base/mem.h"
#include "crypto/keystore.h"
#include "crypto/nacl.h"
#include "crypto/random.h"

#include <stdio.h>

enum {
    RANDOM_BYTES = 16, /* of a generated password */
    DIGITS = 2 * RANDOM_BYTES + 1,
};

static int random_password(char ret_text[DIGITS], struct err_detail *detail)
{
    uint8_t bytes[RANDOM_BYTES];
    int status = crypto_random(bytes, sizeof(bytes));
    if (status != ERR_OK)
        return err_set(detail, status, "the machine gives no randomness");
    hex_encode(ret_text, bytes_of(bytes, sizeof(bytes)));
    ret_text[DIGITS - 1] = 0;
    mem_wipe(bytes, sizeof(bytes));
    return ERR_OK;
}

/* A passphrase of 128 random bits needs no slow derivation; one that a person chose does. */
static int make_account(struct buf *ret_keystore, struct bytes passphrase, bool chosen,
                        struct err_detail *detail)
{
    struct crypto_private_key key;
    struct crypto_keystore keystore;
    int status = crypto_private_key_new(&key);
    if (status == ERR_OK)
        status =
            crypto_keystore_seal(&keystore, &key, passphrase,
                                 chosen ? CRYPTO_KEYSTORE_STANDARD : CRYPTO_KEYSTORE_LIGHT, detail);
    else
        err_set(detail, status, "the machine gives no randomness");
    mem_wipe(&key, sizeof(key));
    if (status != ERR_OK)
        return status;
    crypto_keystore_format(ret_keystore, &keystore);
    return buf_status(ret_keystore);
}

static int passphrase_of(struct buf *ret_passphrase, bool *ret_chosen,
                         const struct deploy_peer *peer, struct err_detail *detail)
{
    char text[DIGITS];
    *ret_chosen = peer->geth_passphrase.text != NULL;
    if (*ret_chosen)
        return deploy_reference_read(ret_passphrase, &peer->geth_passphrase, detail);
    int status = random_password(text, detail);
    if (status == ERR_OK)
        buf_append_text(ret_passphrase, text);
    mem_wipe(text, sizeof(text));
    return status == ERR_OK ? buf_status(ret_passphrase) : status;
}

static int make_quorum(json_t **ret_fields, const struct deploy_peer *peer,
                       struct err_detail *detail)
{
    struct crypto_private_key key;
    struct buf passphrase = BUF_INIT, keystore = BUF_INIT;
    char digits[65] = {0}, db_password[DIGITS] = {0};
    bool chosen = false;
    int status = crypto_private_key_new(&key);
    if (status != ERR_OK)
        return err_set(detail, status, "the machine gives no randomness");
    hex_encode(digits, bytes_of(key.b, sizeof(key.b)));
    mem_wipe(&key, sizeof(key));
    status = passphrase_of(&passphrase, &chosen, peer, detail);
    if (status == ERR_OK)
        status = make_account(&keystore, buf_bytes(&passphrase), chosen, detail);
    if (status == ERR_OK)
        status = random_password(db_password, detail);
    if (status == ERR_OK) {
        *ret_fields = json_pack("{s:s, s:s, s:s, s:s, s:s}", "nodekey", digits, "keystore",
                                buf_text(&keystore), "gethpassword", buf_text(&passphrase),
                                "db_user", "demouser", "db_password", db_password);
        status = *ret_fields ? ERR_OK : err_set(detail, ERR_NOMEM, "out of memory");
    }
    mem_wipe(digits, sizeof(digits));
    mem_wipe(db_password, sizeof(db_password));
    mem_wipe(passphrase.data, passphrase.len);
    buf_release(&passphrase);
    buf_release(&keystore);
    return status;
}

/* Tessera's and Constellation's form of a key without a password. */
static int make_transaction(json_t **ret_fields, struct err_detail *detail)
{
    uint8_t public_key[CRYPTO_NACL_KEY], private_key[CRYPTO_NACL_KEY];
    char public_text[DEPLOY_TM_KEY_TEXT] = {0}, private_text[DEPLOY_TM_KEY_TEXT] = {0}, file[128];
    int status = crypto_nacl_pair(public_key, private_key);
    if (status != ERR_OK)
        return err_set(detail, status, "the machine gives no randomness");
    base64_encode(public_text, bytes_of(public_key, sizeof(public_key)));
    base64_encode(private_text, bytes_of(private_key, sizeof(private_key)));
    snprintf(file, sizeof(file), "{\"type\":\"unlocked\",\"data\":{\"bytes\":\"%s\"}}",
             private_text);
    *ret_fields = json_pack("{s:s, s:s}", "tm.pub", public_text, "tm.key", file);
    mem_wipe(private_key, sizeof(private_key));
    mem_wipe(private_text, sizeof(private_text));
    mem_wipe(file, sizeof(file));
    return *ret_fields ? ERR_OK : err_set(detail, ERR_NOMEM, "out of memory");
}

/* --- What is read is checked: a damaged store must not become a network of strangers --- */

static int check_quorum(struct deploy_identity *identity, const json_t *fields, const char *path,
                        struct err_detail *detail)
{
    const char *nodekey, *keystore_text;
    struct crypto_private_key key;
    struct crypto_keystore keystore;
    int status = deploy_secrets_field(&nodekey, fields, path, "nodekey", detail);
    if (status == ERR_OK)
        status = deploy_secrets_field(&keystore_text, fields, path, "keystore", detail);
    if (status != ERR_OK)
        return status;
    bool good = strlen(nodekey) == 64 && hex_decode_exact(nodekey, key.b, sizeof(key.b)) &&
                crypto_public_key_of(&identity->node, &key);
    mem_wipe(&key, sizeof(key));
    if (!good)
        return err_set(detail, ERR_CORRUPT, "the secret %s: nodekey is no private key", path);
    crypto_address_of(&identity->node_address, &identity->node);
    status = crypto_keystore_parse(&keystore, bytes_str(keystore_text), detail);
    if (status != ERR_OK)
        return err_prefix(detail, ERR_CORRUPT, "the secret %s: keystore", path);
    if (!keystore.has_address)
        return err_set(detail, ERR_CORRUPT, "the secret %s: keystore has no address", path);
    identity->account = keystore.address;
    return ERR_OK;
}

static int check_transaction(struct deploy_identity *identity, const json_t *fields,
                             const char *path, struct err_detail *detail)
{
    const char *public_text, *key_text;
    uint8_t public_key[CRYPTO_NACL_KEY], private_key[CRYPTO_NACL_KEY], own[CRYPTO_NACL_KEY];
    int status = deploy_secrets_field(&public_text, fields, path, "tm.pub", detail);
    if (status == ERR_OK)
        status = deploy_secrets_field(&key_text, fields, path, "tm.key", detail);
    if (status != ERR_OK)
        return status;
    if (strlen(public_text) != DEPLOY_TM_KEY_TEXT - 1 ||
        !base64_decode_exact(public_key, sizeof(public_key), bytes_str(public_text)))
        return err_set(detail, ERR_CORRUPT, "the secret %s: tm.pub is no key", path);
    memcpy(identity->tm_public, public_text, DEPLOY_TM_KEY_TEXT);
    json_t *file = json_loads(key_text, JSON_REJECT_DUPLICATES, NULL);
    const char *bytes = json_string_value(json_object_get(json_object_get(file, "data"), "bytes"));
    bool unlocked = bytes != NULL; /* a locked key is opened by the transaction manager alone */
    bool fits = !unlocked ||
                (base64_decode_exact(private_key, sizeof(private_key), bytes_str(bytes)) &&
                 (crypto_nacl_public(own, private_key), memcmp(own, public_key, sizeof(own)) == 0));
    bool is_file = file != NULL;
    deploy_secrets_drop(file);
    mem_wipe(private_key, sizeof(private_key));
    if (!is_file || !fits)
        return err_set(detail, ERR_CORRUPT, "the secret %s: tm.key is not the key of tm.pub", path);
    return ERR_OK;
}

/* Reads a secret, or makes and stores it where there is none, unless ret_made is NULL. */
static int read_or_make(json_t **ret_fields, bool *ret_made, const struct deploy_secrets *secrets,
                        const char *path, const struct deploy_peer *peer,
                        enum deploy_secret_kind kind, struct err_detail *detail)
{
    int status = deploy_secrets_read(secrets, ret_fields, path, detail);
    if (status != ERR_NOTFOUND || !ret_made)
        return status;
    status = kind == DEPLOY_SECRET_QUORUM ? make_quorum(ret_fields, peer, detail)
                                          : make_transaction(ret_fields, detail);
    if (status != ERR_OK)
        return err_prefix(detail, status, "%s", path);
    status = deploy_secrets_write(secrets, path, *ret_fields, detail);
    if (status != ERR_OK)
        deploy_secrets_drop(*ret_fields);
    else
        *ret_made = true;
    return status;
}

static int read_all(struct deploy_identity *ret_identity, bool *made,
                    const struct deploy_secrets *secrets,
                    const struct deploy_organization *organization, const struct deploy_peer *peer,
                    bool has_tm, struct err_detail *detail)
{
    struct deploy_identity identity = {0};
    for (int kind = DEPLOY_SECRET_QUORUM; kind <= (has_tm ? DEPLOY_SECRET_TRANSACTION : 0);
         kind++) {
        char path[DEPLOY_SECRETS_PATH_MAX + 1];
        json_t *fields = NULL;
        deploy_secret_path(path, organization, peer, (enum deploy_secret_kind)kind);
        int status =
            read_or_make(&fields, made, secrets, path, peer, (enum deploy_secret_kind)kind, detail);
        if (status == ERR_OK) {
            status = kind == DEPLOY_SECRET_QUORUM
                         ? check_quorum(&identity, fields, path, detail)
                         : check_transaction(&identity, fields, path, detail);
            deploy_secrets_drop(fields);
        }
        if (status != ERR_OK)
            return status;
    }
    *ret_identity = identity;
    return ERR_OK;
}

int deploy_keys_ensure(struct deploy_identity *ret_identity, bool *ret_made,
                       const struct deploy_secrets *secrets,
                       const struct deploy_organization *organization,
                       const struct deploy_peer *peer, bool has_tm, struct err_detail *detail)
{
    bool made = false;
    int status = read_all(ret_identity, &made, secrets, organization, peer, has_tm, detail);
    if (status == ERR_OK && ret_made)
        *ret_made = made;
    return status;
}

int deploy_keys_read(struct deploy_identity *ret_identity, const struct deploy_secrets *secrets,
                     const struct deploy_organization *organization, const struct deploy_peer *peer,
                     bool has_tm, struct err_detail *detail)
{
    return read_all(ret_identity, NULL, secrets, organization, peer, has_tm, detail);
}
