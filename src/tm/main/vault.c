#include "tm/main/vault.h"

#include "base/base64.h"
#include "base/mem.h"
#include "vault/vault.h"

#include <stdlib.h>

static int login(struct vault **ret_vault, const struct tm_config_vault *config,
                 struct err_detail *detail)
{
    /* As Tessera, which takes any URL that its configuration names. */
    struct vault_options options = {.url = config->url,
                                    .plain_http = true,
                                    .ca_path = config->ca_path,
                                    .certificate_path = config->certificate_path,
                                    .key_path = config->key_path,
                                    .token = getenv("HASHICORP_TOKEN"),
                                    .role = getenv("HASHICORP_ROLE_ID"),
                                    .secret_id = getenv("HASHICORP_SECRET_ID")};
    if (!config->url)
        return err_set(detail, ERR_USAGE,
                       "a key lies in a vault, and keys.keyVaultConfigs names no url of one");
    if (!options.role != !options.secret_id)
        return err_set(detail, ERR_USAGE,
                       "vault: HASHICORP_ROLE_ID and HASHICORP_SECRET_ID go together");
    if (options.role) {
        options.auth = VAULT_AUTH_APPROLE;
        options.mount = config->approle_path;
    } else if (config->kubernetes_role) {
        options.auth = VAULT_AUTH_KUBERNETES;
        options.mount = config->kubernetes_path;
        options.role = config->kubernetes_role;
        options.jwt_path = getenv("KUBERNETES_SERVICE_ACCOUNT_TOKEN_FILE");
    } else if (!options.token) {
        return err_set(
            detail, ERR_USAGE,
            "vault: set HASHICORP_TOKEN, or HASHICORP_ROLE_ID with HASHICORP_SECRET_ID, or "
            "kubernetesRole in the vault's properties");
    }
    return vault_open(ret_vault, &options, detail);
}

static int take_key(struct crypto_secret **ret_private, struct buf *ret_public, const json_t *data,
                    const struct tm_config_key *key, struct err_detail *detail)
{
    const char *private = json_string_value(json_object_get(data, key->vault_private));
    const char *public = json_string_value(json_object_get(data, key->vault_public));
    struct buf bytes = BUF_INIT;
    int status = private && public ? base64_decode(&bytes, bytes_str(private)) : ERR_INPUT;
    if (status == 0)
        status = base64_decode(ret_public, bytes_str(public));
    if (status == 0)
        status = crypto_secret_copy(ret_private, buf_bytes(&bytes));
    if (bytes.data)
        mem_wipe(bytes.data, bytes.capacity);
    buf_release(&bytes);
    if (status == ERR_INPUT)
        status =
            err_set(detail, ERR_INPUT, "vault: secret %s has no base64 in its members %s and %s",
                    key->vault_secret, key->vault_public, key->vault_private);
    return status;
}

int tm_vault_key(struct vault **vault, struct crypto_secret **ret_private, struct buf *ret_public,
                 const struct tm_config_vault *config, const struct tm_config_key *key,
                 struct err_detail *detail)
{
    json_t *fields = NULL;
    int status = *vault ? 0 : login(vault, config, detail);
    if (status == 0)
        status = vault_read(*vault, &fields, key->vault_engine, key->vault_secret, VAULT_KV_2,
                            key->vault_version, detail);
    if (status == 0)
        status = take_key(ret_private, ret_public, fields, key, detail);
    vault_drop(fields);
    return status;
}

int tm_vault_write(struct vault **vault, const struct tm_config_vault *config, const char *engine,
                   const char *secret, const char *public_key, const char *private_key,
                   struct err_detail *detail)
{
    int status = *vault ? 0 : login(vault, config, detail);
    if (status < 0)
        return status;
    json_t *fields = json_pack("{s:s, s:s}", "publicKey", public_key, "privateKey", private_key);
    status = fields ? vault_write(*vault, engine, secret, VAULT_KV_2, fields, false, detail)
                    : err_set(detail, ERR_NOMEM, "out of memory");
    vault_drop(fields);
    return status;
}
