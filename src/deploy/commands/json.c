#include "deploy/commands/json.h"

#include <stdio.h>
#include <stdlib.h>

int deploy_print_json(const json_t *value, struct err_detail *detail)
{
    char *text = value ? json_dumps(value, JSON_INDENT(2)) : NULL;
    if (!text)
        return err_set(detail, ERR_NOMEM, "out of memory");
    puts(text);
    free(text); /* from malloc, by jansson */
    return ERR_OK;
}
