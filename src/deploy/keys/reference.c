#include "base/file.h"
#include "base/mem.h"
#include "deploy/keys/keys.h"

#include <stdlib.h>

static int from_environment(struct buf *value, const char *name, struct err_detail *detail)
{
    const char *text = getenv(name);
    if (!text || !text[0])
        return err_set(detail, ERR_NOTFOUND, "env:%s: no such variable; export %s", name, name);
    buf_append_text(value, text);
    return buf_status(value);
}

static int from_file(struct buf *value, const char *path, struct err_detail *detail)
{
    struct buf content = BUF_INIT;
    int status = file_read(path, 65536, &content, detail);
    if (status == ERR_OK) {
        size_t length = strcspn(buf_text(&content), "\r\n");
        buf_append(value, content.data, length);
        status = length ? buf_status(value)
                        : err_set(detail, ERR_NOTFOUND, "file:%s: its first line is empty", path);
    }
    mem_wipe(content.data, content.len);
    buf_release(&content);
    return status;
}

int deploy_reference_read(struct buf *value, const struct deploy_text *text,
                          struct err_detail *detail)
{
    if (strncmp(text->text, "env:", 4) == 0)
        return from_environment(value, text->text + 4, detail);
    if (strncmp(text->text, "file:", 5) == 0)
        return from_file(value, text->text + 5, detail);
    buf_append_text(value, text->text);
    return buf_status(value);
}
