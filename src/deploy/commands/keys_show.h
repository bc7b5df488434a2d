/* What may be told of key material: who, until when, how often it has changed; never a secret. */
#ifndef DEPLOY_COMMANDS_KEYS_SHOW_H
#define DEPLOY_COMMANDS_KEYS_SHOW_H

#include "deploy/commands/context.h"

/* A peer's, as an object; what is not there is left out. Freed by json_decref. ERR_CORRUPT, ERR_IO, ERR_NOMEM. */
int deploy_keys_describe(json_t **ret_object, const struct deploy_secrets *secrets,
                         const struct deploy_owner *owner, const char *name,
                         struct err_detail *detail) BASE_NODISCARD;

/* One row for each material of each object. */
void deploy_keys_print_table(const json_t *objects);
/* All of one. */
void deploy_keys_print_one(const json_t *object);

#endif
