/* JSON that people read, too: indented. Values are borrowed; NULL, as it is when there was no memory for it, is ERR_NOMEM. */
#ifndef DEPLOY_JSON_H
#define DEPLOY_JSON_H

#include "base/buf.h"

#include <jansson.h>

/* Without a line's end. */
void deploy_json_append(struct buf *b, const json_t *value);
/* As a file of mode 0644, or 0600 when it is private. */
int deploy_json_write(const char *path, const json_t *value, bool is_private,
                      struct err_detail *detail) BASE_NODISCARD;
/* To standard output, with a line's end. */
int deploy_json_print(const json_t *value, struct err_detail *detail) BASE_NODISCARD;

#endif
