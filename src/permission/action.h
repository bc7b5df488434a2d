/*
 * What administrators do: each action is checked against the model first, so that its caller learns at once why the contracts
 * would refuse it (GoQuorum, permission/api.go), and becomes a call of the interface contract.
 */
#ifndef PERMISSION_ACTION_H
#define PERMISSION_ACTION_H

#include "permission/permission.h"

/* X(name, GoQuorum's text) */
#define PERMISSION_FAULT_LIST(X)                                                                   \
    X(NONE, "")                                                                                    \
    X(INPUT, "Invalid input")                                                                      \
    X(ROLE, "Invalid role")                                                                        \
    X(NOT_NETWORK_ADMIN,                                                                           \
      "Operation can be performed by network admin only. Account not a network admin.")            \
    X(NOT_ORG_ADMIN, "Operation can be performed by org admin only. Account not a org admin.")     \
    X(NODE_PRESENT, "EnodeId already part of network.")                                            \
    X(NODE, "Invalid enode id")                                                                    \
    X(ACCOUNT, "Invalid account id")                                                               \
    X(ORG_EXISTS, "Org already exist")                                                             \
    X(PENDING, "Pending approvals for the organization. Approve first")                            \
    X(NOTHING, "Nothing to approve")                                                               \
    X(OPERATION, "Operation not allowed")                                                          \
    X(NODE_OF_OTHER, "Enode id passed does not belong to the organization.")                       \
    X(NODE_BLACKLISTED, "Blacklisted node. Operation not allowed")                                 \
    X(ACCOUNT_BLACKLISTED, "Blacklisted account. Operation not allowed")                           \
    X(ALREADY_ADMIN, "Account already org admin for the org")                                      \
    X(ACCOUNT_IN_USE, "Account already in use in another organization")                            \
    X(ROLE_EXISTS, "Role exist for the org")                                                       \
    X(ROLE_USED, "Accounts linked to the role. Cannot be removed")                                 \
    X(ADMIN_ROLE, "Admin role cannot be removed")                                                  \
    X(ORG_NAME, "Org id cannot contain special characters")                                        \
    X(PARENT, "Invalid parent org id")                                                             \
    X(NO_ACCOUNT, "Account does not exist")                                                        \
    X(ACCOUNT_OF_OTHER, "Account does not belong to this org")                                     \
    X(DEPTH, "Max depth for sub orgs reached")                                                     \
    X(BREADTH, "Max breadth for sub orgs reached")                                                 \
    X(NO_NODE, "Node does not exist")                                                              \
    X(NO_ORG, "Org does not exist")                                                                \
    X(ROLE_INACTIVE, "Role is already inactive")                                                   \
    X(NOT_MASTER, "Org is not a master org")                                                       \
    X(HOST, "Hostname not supported in the network")                                               \
    X(ACCESS, "failed to execute permissions action: invalid access type given")

enum permission_fault {
#define X(name, text) PERMISSION_FAULT_##name,
    PERMISSION_FAULT_LIST(X)
#undef X
};

const char *permission_fault_text(enum permission_fault fault);

enum permission_action_kind {
    PERMISSION_ADD_ORG,
    PERMISSION_APPROVE_ORG,
    PERMISSION_ADD_SUB_ORG,
    PERMISSION_UPDATE_ORG,
    PERMISSION_APPROVE_ORG_UPDATE,
    PERMISSION_ADD_NODE,
    PERMISSION_UPDATE_NODE,
    PERMISSION_ASSIGN_ADMIN,
    PERMISSION_APPROVE_ADMIN,
    PERMISSION_ADD_ROLE,
    PERMISSION_REMOVE_ROLE,
    PERMISSION_ASSIGN_ROLE,
    PERMISSION_UPDATE_ACCOUNT,
    PERMISSION_RECOVER_NODE,
    PERMISSION_APPROVE_NODE_RECOVERY,
    PERMISSION_RECOVER_ACCOUNT,
    PERMISSION_APPROVE_ACCOUNT_RECOVERY,
    PERMISSION_ACTIONS,
};

/* What does not belong to the kind stays zero. */
struct permission_action {
    enum permission_action_kind kind;
    struct bytes org, parent, url, role;
    struct address account;
    struct address from; /* who does it */
    uint8_t action;      /* of an update: 1 suspends or deactivates, 2 undoes that, 3 blacklists */
    uint8_t access;      /* of a role */
    bool voter, admin;   /* of a role */
};

/* Whether the contracts would take it, as far as the model and the votes that wait tell. */
enum permission_fault permission_action_check(struct permission *permission,
                                              const struct permission_action *action);
/* Appends the call's data. ERR_INPUT: the URL is none. */
int permission_action_call(const struct permission *permission,
                           const struct permission_action *action, struct buf *data,
                           struct err_detail *detail) BASE_NODISCARD;

#endif
