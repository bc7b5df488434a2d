/* Key material that is new. */
#include "deploy/keys/keys_priv.h"

#include "base/base64.h"
#include "base/hex.h"
#include "base/mem.h"
#include "crypto/keystore.h"
#include "crypto/nacl.h"
#include "crypto/random.h"

#include <stdio.h>

enum { RANDOM_BYTES = (DEPLOY_PASSWORD_TEXT - 1) / 2 };

int deploy_make_password(char ret_text[DEPLOY_PASSWORD_TEXT], struct err_detail *detail)
{
    uint8_t bytes[RANDOM_BYTES];
    int status = crypto_random(bytes, sizeof(bytes));
    if (status != ERR_OK)
        return err_set(detail, status, "the machine gives no randomness");
    hex_encode(ret_text, bytes_of(bytes, sizeof(bytes)));
    ret_text[DEPLOY_PASSWORD_TEXT - 1] = 0;
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
    char text[DEPLOY_PASSWORD_TEXT];
    *ret_chosen = peer->geth_passphrase.text != NULL;
    if (*ret_chosen)
        return deploy_reference_read(ret_passphrase, &peer->geth_passphrase, detail);
    int status = deploy_make_password(text, detail);
    if (status == ERR_OK)
        buf_append_text(ret_passphrase, text);
    mem_wipe(text, sizeof(text));
    return status == ERR_OK ? buf_status(ret_passphrase) : status;
}

int deploy_make_quorum(json_t **ret_fields, const struct deploy_peer *peer,
                       struct err_detail *detail)
{
    struct crypto_private_key key;
    struct buf passphrase = BUF_INIT, keystore = BUF_INIT;
    char digits[65] = {0}, db_password[DEPLOY_PASSWORD_TEXT] = {0};
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
        status = deploy_make_password(db_password, detail);
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
int deploy_transaction_fields(json_t **ret_fields, const uint8_t public_key[CRYPTO_NACL_KEY],
                              const uint8_t private_key[CRYPTO_NACL_KEY], struct err_detail *detail)
{
    char public_text[DEPLOY_TM_KEY_TEXT] = {0}, private_text[DEPLOY_TM_KEY_TEXT] = {0}, file[128];
    base64_encode(public_text, bytes_of(public_key, CRYPTO_NACL_KEY));
    base64_encode(private_text, bytes_of(private_key, CRYPTO_NACL_KEY));
    snprintf(file, sizeof(file), "{\"type\":\"unlocked\",\"data\":{\"bytes\":\"%s\"}}",
             private_text);
    *ret_fields = json_pack("{s:s, s:s}", "tm.pub", public_text, "tm.key", file);
    mem_wipe(private_text, sizeof(private_text));
    mem_wipe(file, sizeof(file));
    return *ret_fields ? ERR_OK : err_set(detail, ERR_NOMEM, "out of memory");
}

int deploy_make_transaction(json_t **ret_fields, struct err_detail *detail)
{
    uint8_t public_key[CRYPTO_NACL_KEY], private_key[CRYPTO_NACL_KEY];
    int status = crypto_nacl_pair(public_key, private_key);
    if (status != ERR_OK)
        return err_set(detail, status, "the machine gives no randomness");
    status = deploy_transaction_fields(ret_fields, public_key, private_key, detail);
    mem_wipe(private_key, sizeof(private_key));
    return status;
}
