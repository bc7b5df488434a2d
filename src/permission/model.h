/*
 * What a node knows of a permissioned network: organisations, nodes, roles, accounts, as the contracts have them. It is
 * filled from the contracts once and kept by their events (GoQuorum, permission/core/cache.go).
 *
 * The reference keeps the last 2,000 organisations, 2,500 roles, 1,000 nodes and 6,000 accounts and asks the contracts for
 * others, one by one. Here all are kept, up to PERMISSION_RECORDS_MAX of each: a list is then complete, and no check waits
 * for a contract.
 */
#ifndef PERMISSION_MODEL_H
#define PERMISSION_MODEL_H

#include "base/map.h"
#include "base/u256.h"
#include "eth/receipt.h"
#include "permission/config.h"

enum {
    PERMISSION_RECORDS_MAX = 1 << 17, /* of each kind */
    PERMISSION_TEXT_MAX = 4096,       /* bytes of a name or URL */
};

enum permission_org_status {
    PERMISSION_ORG_PENDING = 1,
    PERMISSION_ORG_APPROVED,
    PERMISSION_ORG_PENDING_SUSPENSION,
    PERMISSION_ORG_SUSPENDED,
};

enum permission_node_status {
    PERMISSION_NODE_PENDING = 1,
    PERMISSION_NODE_APPROVED,
    PERMISSION_NODE_DEACTIVATED,
    PERMISSION_NODE_BLACKLISTED,
    PERMISSION_NODE_RECOVERY,
};

enum permission_account_status {
    PERMISSION_ACCOUNT_PENDING = 1,
    PERMISSION_ACCOUNT_ACTIVE,
    PERMISSION_ACCOUNT_INACTIVE,
    PERMISSION_ACCOUNT_SUSPENDED,
    PERMISSION_ACCOUNT_BLACKLISTED,
    PERMISSION_ACCOUNT_REVOKED,
    PERMISSION_ACCOUNT_RECOVERY,
    PERMISSION_ACCOUNT_RECOVERED,
};

/* What a role may do; from CONTRACT_CALL on in the enhanced model alone. */
enum permission_access {
    PERMISSION_READ_ONLY,
    PERMISSION_TRANSACT,
    PERMISSION_CONTRACT_DEPLOY,
    PERMISSION_FULL_ACCESS,
    PERMISSION_CONTRACT_CALL,
    PERMISSION_TRANSACT_AND_CALL,
    PERMISSION_TRANSACT_AND_DEPLOY,
    PERMISSION_CALL_AND_DEPLOY,
};

/* Texts live as long as the record is not changed. `full` is parent.id: by it other records name the organisation. */
struct permission_org {
    struct bytes id, full, parent, ultimate;
    struct u256 level;
    uint8_t status;
};

struct permission_node {
    struct bytes org, url;
    uint8_t status;
};

struct permission_role {
    struct bytes org, role;
    bool voter, admin, active;
    uint8_t access;
};

struct permission_account {
    struct bytes org, role;
    struct address address;
    bool org_admin;
    uint8_t status;
};

struct permission_model {
    struct map orgs, nodes, roles, accounts; /* values: the structs above, in order of arrival */
};

void permission_model_init(struct permission_model *model);
void permission_model_release(struct permission_model *model);
/* Empty. */
void permission_model_clear(struct permission_model *model);

/* Each adds a record or replaces the one of the same key; texts are copied. `full` of the organisation is not looked at.
 * ERR_NOMEM, ERR_LIMIT. */
int permission_put_org(struct permission_model *model,
                       const struct permission_org *org) BASE_NODISCARD;
int permission_put_node(struct permission_model *model,
                        const struct permission_node *node) BASE_NODISCARD;
int permission_put_role(struct permission_model *model,
                        const struct permission_role *role) BASE_NODISCARD;
int permission_put_account(struct permission_model *model,
                           const struct permission_account *account) BASE_NODISCARD;

/* NULL when there is none. Valid until the next change of the model. */
const struct permission_org *permission_org(const struct permission_model *model,
                                            struct bytes full);
const struct permission_node *permission_node(const struct permission_model *model,
                                              struct bytes url);
const struct permission_role *permission_role(const struct permission_model *model,
                                              struct bytes org, struct bytes role);
const struct permission_account *permission_account(const struct permission_model *model,
                                                    const struct address *address);

/* By index 0 … count - 1 of the map. */
static inline const struct permission_org *permission_org_at(const struct permission_model *m,
                                                             size_t i)
{
    return map_value_at(&m->orgs, i);
}
static inline const struct permission_node *permission_node_at(const struct permission_model *m,
                                                               size_t i)
{
    return map_value_at(&m->nodes, i);
}
static inline const struct permission_role *permission_role_at(const struct permission_model *m,
                                                               size_t i)
{
    return map_value_at(&m->roles, i);
}
static inline const struct permission_account *
permission_account_at(const struct permission_model *m, size_t i)
{
    return map_value_at(&m->accounts, i);
}

/* --- Checks of the basic model --- */

/* What an account may do once permissions are in force (GetAcctAccess). */
enum permission_access permission_access_of(const struct permission_model *model,
                                            const struct permission_config *config,
                                            const struct address *account);
/* Whether it may send this (v1, TransactionAllowed). */
bool permission_allows(const struct permission_model *model, const struct permission_config *config,
                       const struct address *sender, bool is_creation);
/* Whether a node whose public key is these 128 hex digits is an approved one. */
bool permission_allows_node(const struct permission_model *model, const char *hex_key);
/* Whether clients of the node with that key may send for the account: one that is known belongs to an organisation that
 * has the node (ValidateNodeForTxn). */
bool permission_allows_sender(const struct permission_model *model, const char *hex_key,
                              const struct address *sender);

#endif
