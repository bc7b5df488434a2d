/* What is read is checked: a damaged store must not become a network of strangers. */
#include "deploy/keys/keys_priv.h"

#include "base/base64.h"
#include "base/hex.h"
#include "base/mem.h"
#include "crypto/keystore.h"
#include "crypto/nacl.h"

#include <stdio.h>

unsigned deploy_former_count(const json_t *fields, const char *field)
{
    unsigned count = 0;
    char name[32];
    do
        snprintf(name, sizeof(name), "%s.%u", field, count + 1);
    while (json_is_string(json_object_get(fields, name)) && ++count < DEPLOY_FORMER_MAX);
    return count;
}

static int check_database(struct deploy_identity *identity, const json_t *fields, const char *path,
                          struct err_detail *detail)
{
    const char *user, *password;
    int status = deploy_secrets_field(&user, fields, path, "db_user", detail);
    if (status == ERR_OK)
        status = deploy_secrets_field(&password, fields, path, "db_password", detail);
    if (status != ERR_OK)
        return status;
    if (strlen(user) >= sizeof(identity->database_user))
        return err_set(detail, ERR_CORRUPT, "the secret %s: db_user is too long", path);
    memcpy(identity->database_user, user, strlen(user) + 1);
    return ERR_OK;
}

int deploy_check_quorum(struct deploy_identity *identity, const json_t *fields, const char *path,
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
    status = check_database(identity, fields, path, detail);
    if (status != ERR_OK)
        return status;
    identity->former_accounts = deploy_former_count(fields, "keystore");
    if (!keystore.has_address)
        return err_set(detail, ERR_CORRUPT, "the secret %s: keystore has no address", path);
    identity->account = keystore.address;
    return ERR_OK;
}

int deploy_check_transaction(struct deploy_identity *identity, const json_t *fields,
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
    identity->former_tm = deploy_former_count(fields, "tm.key");
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
