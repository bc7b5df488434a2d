/*
 * The store of secrets in HashiCorp Vault or OpenBao: that of each organization's `vault` in the network file, under the
 * paths and field names of the embedded store (paths.h), in a key-value engine of version 1 or 2.
 *
 * It logs in by `root_token` (a reference), or where there is none by VAULT_ROLE_ID and VAULT_SECRET_ID (AppRole) of the
 * environment. VAULT_CACERT names the authorities for https.
 */
#ifndef DEPLOY_SECRETS_VAULT_H
#define DEPLOY_SECRETS_VAULT_H

#include "deploy/network/network.h"
#include "deploy/secrets/secrets.h"
#include "vault/vault.h"

/* Opens the vaults of all organizations. `network` is borrowed until close; `lock` is a file that is made, and held while
 * it is open; NULL: nothing is going to be written. ERR_USAGE (an organization without a vault's url, or no way to log in), ERR_BUSY (another process has it
 * open), ERR_NOTFOUND (no engine at its secret_path), ERR_IO (not reached, refused), ERR_INPUT, ERR_NOMEM. */
int deploy_secrets_vault_open(struct deploy_secrets *ret_secrets,
                              const struct deploy_network *network, const char *lock,
                              struct err_detail *detail) BASE_NODISCARD;

/* The organization's vault alone, logged in to; closed by vault_close. Failures as above. */
int deploy_secrets_vault_login(struct vault **ret_vault,
                               const struct deploy_organization *organization,
                               struct err_detail *detail) BASE_NODISCARD;

#endif
