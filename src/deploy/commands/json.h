/* What commands print for scripts. */
#ifndef DEPLOY_COMMANDS_JSON_H
#define DEPLOY_COMMANDS_JSON_H

#include "base/error.h"

#include <jansson.h>

/* To standard output, indented. `value` is borrowed; NULL, as it is when there was no memory for it: ERR_NOMEM. */
int deploy_print_json(const json_t *value, struct err_detail *detail) BASE_NODISCARD;

#endif
