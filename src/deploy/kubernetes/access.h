/* What an organization's Vault is given, so that its pods, and no others, read their secrets: a login method, a policy, a role. */
#ifndef DEPLOY_KUBERNETES_ACCESS_H
#define DEPLOY_KUBERNETES_ACCESS_H

#include "deploy/kubernetes/cluster.h"
#include "vault/vault.h"

/* The policy's text (HCL): reading below the organization's folder, for both versions of the engine. Appends. */
void deploy_access_policy(struct buf *text, const struct deploy_organization *organization);
/* The role of the pods' account. Freed by json_decref. NULL: out of memory. */
json_t *deploy_access_role(const struct deploy_organization *organization);
/* The login method's configuration: the cluster's address, and its authority's certificates (PEM). */
json_t *deploy_access_config(const char *host, const char *ca);

/*
 * Sets what is missing or differs, and tells of each: "login method quorumcarrier". With `look_only` it tells and sets
 * nothing. ERR_IO (not reached, refused: the message says which right is missing), ERR_INPUT, ERR_NOMEM.
 */
typedef void deploy_access_fn(void *context, const char *what, bool changed);
int deploy_access_ensure(struct vault *vault, const struct deploy_organization *organization,
                         const json_t *config, bool look_only, deploy_access_fn *tell,
                         void *context, struct err_detail *detail) BASE_NODISCARD;
/* Takes away the login method (and with it the role) and the policy; with `secrets` the organization's secrets, all versions. */
int deploy_access_remove(struct vault *vault, const struct deploy_organization *organization,
                         bool secrets, struct err_detail *detail) BASE_NODISCARD;

#endif
