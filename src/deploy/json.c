#include "deploy/json.h"

#include "base/file.h"

#include <stdio.h>
#include <stdlib.h>

void deploy_json_append(struct buf *b, const json_t *value)
{
    char *text = value ? json_dumps(value, JSON_INDENT(2)) : NULL;
    if (text)
        buf_append_text(b, text);
    else
        b->status = ERR_NOMEM;
    free(text); /* from malloc, by jansson */
}

int deploy_json_write(const char *path, const json_t *value, bool is_private,
                      struct err_detail *detail)
{
    struct buf text = BUF_INIT;
    deploy_json_append(&text, value);
    int status = buf_status(&text) ? err_set(detail, ERR_NOMEM, "out of memory")
                 : is_private      ? file_write_private(path, buf_bytes(&text), detail)
                                   : file_write(path, buf_bytes(&text), detail);
    buf_release(&text);
    return status;
}

int deploy_json_print(const json_t *value, struct err_detail *detail)
{
    struct buf text = BUF_INIT;
    deploy_json_append(&text, value);
    int status = buf_status(&text) ? err_set(detail, ERR_NOMEM, "out of memory") : ERR_OK;
    if (status == ERR_OK)
        puts(buf_text(&text));
    buf_release(&text);
    return status;
}
