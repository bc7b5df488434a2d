#include "deploy/kubernetes/files.h"

#include "base/file.h"
#include "base/mem.h"
#include "deploy/json.h"
#include "deploy/kubernetes/emit.h"
#include "deploy/local/site.h"

#include <stdio.h>
#include <string.h>

static void wipe(struct buf *text)
{
    mem_wipe(text->data, text->capacity);
    buf_release(text);
}

void deploy_files_release(struct deploy_files *files)
{
    for (size_t i = 0; i < files->count; i++)
        wipe(&files->items[i].content);
    mem_free(files->items);
    *files = (struct deploy_files)DEPLOY_FILES_INIT;
}

int deploy_files_add(struct deploy_files *files, const char *folder, const char *file,
                     struct bytes text, bool secret, struct err_detail *detail)
{
    if (MEM_RESERVE(files->items, files->capacity, files->count + 1, 32))
        return err_set(detail, ERR_NOMEM, "out of memory");
    struct deploy_file *added = &files->items[files->count];
    *added = (struct deploy_file){.content = BUF_INIT, .secret = secret};
    int length = snprintf(added->path, sizeof(added->path), "%s%s%s", folder,
                          *folder && *file != '/' ? "/" : "", file);
    if (length < 0 || (size_t)length >= sizeof(added->path))
        return err_set(detail, ERR_LIMIT, "the path %.80s… is too long", added->path);
    buf_append_bytes(&added->content, text);
    if (buf_status(&added->content) != ERR_OK) {
        wipe(&added->content);
        return err_set(detail, ERR_NOMEM, "out of memory");
    }
    files->count++;
    return ERR_OK;
}

/* Takes the text. */
static int add_text(struct deploy_files *files, const char *folder, const char *file,
                    struct buf *text, bool secret, struct err_detail *detail)
{
    int status = buf_status(text) == ERR_OK
                     ? deploy_files_add(files, folder, file, buf_bytes(text), secret, detail)
                     : err_set(detail, ERR_NOMEM, "out of memory");
    wipe(text);
    return status;
}

int deploy_files_add_yaml(struct deploy_files *files, const char *folder, const char *file,
                          const json_t *value, bool secret, struct err_detail *detail)
{
    struct buf text = BUF_INIT;
    deploy_emit_yaml(&text, value);
    return add_text(files, folder, file, &text, secret, detail);
}

int deploy_files_add_json(struct deploy_files *files, const char *folder, const char *file,
                          const json_t *value, struct err_detail *detail)
{
    struct buf text = BUF_INIT;
    deploy_json_append(&text, value);
    return add_text(files, folder, file, &text, false, detail);
}

const struct deploy_file *deploy_files_find(const struct deploy_files *files, const char *path)
{
    for (size_t i = 0; i < files->count; i++)
        if (strcmp(files->items[i].path, path) == 0)
            return &files->items[i];
    return NULL;
}

int deploy_files_write_one(const struct deploy_file *file, const char *folder,
                           struct err_detail *detail)
{
    char path[DEPLOY_PATH_MAX];
    deploy_path(path, "%.500s/%s", folder, file->path);
    char *slash = strrchr(path, '/');
    *slash = 0;
    int status = file_make_folders(path, file->secret ? 0700 : 0755, detail);
    *slash = '/';
    if (status != ERR_OK)
        return status;
    return file->secret ? file_write_private(path, buf_bytes(&file->content), detail)
                        : file_write(path, buf_bytes(&file->content), detail);
}

int deploy_files_write(const struct deploy_files *files, const char *folder,
                       struct err_detail *detail)
{
    int status = ERR_OK;
    for (size_t i = 0; status == ERR_OK && i < files->count; i++)
        status = deploy_files_write_one(&files->items[i], folder, detail);
    return status;
}
