#include "base/file.h"
#include "init/init.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

int init_path(char ret_path[INIT_PATH_MAX], const char *folder, const char *name,
              struct err_detail *detail)
{
    int len = snprintf(ret_path, INIT_PATH_MAX, "%s/%s", folder, name);
    return len > 0 && len < INIT_PATH_MAX
               ? ERR_OK
               : err_set(detail, ERR_LIMIT, "%.64s…: the path is too long", folder);
}

int init_write_secret(const char *folder, const char *name, struct bytes content,
                      struct err_detail *detail)
{
    char path[INIT_PATH_MAX];
    int status = init_path(path, folder, name, detail);
    if (status == ERR_OK)
        status = file_write_private(path, content, detail);
    if (status == ERR_OK && chmod(path, 0400) != 0)
        return err_set(detail, ERR_IO, "%s: %s", path, strerror(errno));
    return status;
}
