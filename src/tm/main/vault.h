/* Keys in HashiCorp Vault (KV version 2), read when the program starts, and written by keygen. */
#ifndef TM_MAIN_VAULT_H
#define TM_MAIN_VAULT_H

#include "crypto/secret.h"
#include "tm/config/config.h"

struct vault;

/* Reads a pair. Logs in first when *vault is NULL, by HASHICORP_TOKEN, by HASHICORP_ROLE_ID with HASHICORP_SECRET_ID,
 * or by the pod's service account when the configuration names a kubernetesRole; the caller closes it. ERR_IO (not
 * reached, or not allowed: `detail` says which), ERR_NOTFOUND, ERR_INPUT, ERR_USAGE (no way to log in), ERR_NOMEM. */
int tm_vault_key(struct vault **vault, struct crypto_secret **ret_private, struct buf *ret_public,
                 const struct tm_config_vault *config, const struct tm_config_key *key,
                 struct err_detail *detail) BASE_NODISCARD;
/* Writes both keys of a pair, in base64, as `publicKey` and `privateKey` of a new version of the secret. */
int tm_vault_write(struct vault **vault, const struct tm_config_vault *config, const char *engine,
                   const char *secret, const char *public_key, const char *private_key,
                   struct err_detail *detail) BASE_NODISCARD;

#endif
