/*
 * permission-config.json: where a network's permission contracts are, and with what the first start fills them
 * (GoQuorum, permission/core/types/backend.go).
 */
#ifndef PERMISSION_CONFIG_H
#define PERMISSION_CONFIG_H

#include "base/error.h"
#include "base/types.h"

enum {
    PERMISSION_CONFIG_MAX = 1 << 20, /* bytes of the file */
    PERMISSION_ACCOUNTS_MAX = 4096,  /* network administrators that it names */
    PERMISSION_NAME_MAX = 256,       /* a name of an organisation or a role, with its end mark */
};

#define PERMISSION_CONFIG_FILE "permission-config.json"

struct permission_config {
    bool enhanced; /* permissionModel "v2"; else "v1", the basic one */
    struct address upgradable, interface, implementation;
    struct address nodes, accounts, roles, voters, orgs; /* the managers */
    char network_org[PERMISSION_NAME_MAX];               /* nwAdminOrg */
    char network_role[PERMISSION_NAME_MAX];              /* nwAdminRole */
    char org_role[PERMISSION_NAME_MAX];                  /* orgAdminRole */
    struct address *admins;                              /* `accounts`; at least one */
    size_t admin_count;
    uint64_t breadth, depth; /* of the tree of organisations; not 0 */
};

/* ERR_INPUT: GoQuorum's text where it has one, else key and cause; ERR_NOMEM. */
int permission_config_parse(struct permission_config *ret_config, struct bytes json,
                            struct err_detail *detail) BASE_NODISCARD;
/* The same from a file. ERR_NOTFOUND: there is none. */
int permission_config_read(struct permission_config *ret_config, const char *path,
                           struct err_detail *detail) BASE_NODISCARD;
void permission_config_release(struct permission_config *config);

#endif
