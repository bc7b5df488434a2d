#include "deploy/local/folder.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
    (void)info, (void)kind, (void)walk;
    return remove(path);
}

int deploy_folder_remove(const char *path, struct err_detail *detail)
{
    if (access(path, F_OK) != 0 || nftw(path, remove_one, 32, FTW_DEPTH | FTW_PHYS) == 0)
        return ERR_OK;
    return err_set(detail, ERR_IO, "cannot remove %s: %s", path, strerror(errno));
}
