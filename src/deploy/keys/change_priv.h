/* Shared by the files of `change`: each alters the fields of a secret that is there. `import` NULL: a new one is made. */
#ifndef DEPLOY_KEYS_CHANGE_PRIV_H
#define DEPLOY_KEYS_CHANGE_PRIV_H

#include "deploy/keys/change.h"

/* ERR_INPUT when it is no UTF-8. */
int deploy_set_text(json_t *fields, const char *name, struct bytes text,
                    struct err_detail *detail) BASE_NODISCARD;
int deploy_keep_former(json_t *fields, const char *field, struct err_detail *detail) BASE_NODISCARD;
struct bytes deploy_first_line(struct bytes text);

int deploy_change_nodekey(json_t *fields, const struct deploy_import *import,
                          struct err_detail *detail) BASE_NODISCARD;
/* `keep`: what is in the fields has been in use, and stays under a number. */
int deploy_change_account(json_t *fields, const struct deploy_import *import, bool keep,
                          struct err_detail *detail) BASE_NODISCARD;
int deploy_change_passphrase(json_t *fields, const struct deploy_import *import,
                             struct err_detail *detail) BASE_NODISCARD;
int deploy_change_tm(json_t *fields, const struct deploy_import *import, bool keep,
                     struct err_detail *detail) BASE_NODISCARD;
int deploy_change_certificate(json_t *fields, const struct deploy_secrets *secrets,
                              const struct deploy_owner *owner, const struct deploy_import *import,
                              struct err_detail *detail) BASE_NODISCARD;
int deploy_change_authority(json_t *fields, const struct deploy_owner *owner,
                            const struct deploy_import *import,
                            struct err_detail *detail) BASE_NODISCARD;
int deploy_change_database(json_t *fields, const struct deploy_import *import,
                           struct err_detail *detail) BASE_NODISCARD;

#endif
