/* Where the programs of a network are. */
#include "deploy/local/database.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

static int find_program(char *ret_path, const char *folder, const char *name,
                        struct err_detail *detail)
{
    deploy_path(ret_path, "%s/%s", folder, name);
    if (access(ret_path, X_OK) == 0)
        return ERR_OK;
    return err_set(detail, ERR_NOTFOUND, "%s is not there; build or install it beside quorate",
                   ret_path);
}

int deploy_programs_find(struct deploy_programs *ret_programs, const struct deploy_site *site,
                         struct err_detail *detail)
{
    char self[DEPLOY_PATH_MAX];
    bool needs_tm = false, needs_database = false;
    for (size_t i = 0; site && i < site->count; i++) {
        needs_tm |= site->peers[i].has_tm;
        needs_database |= site->peers[i].database;
    }
    ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (length < 0)
        return err_set(detail, ERR_IO, "/proc/self/exe: %s", strerror(errno));
    if (length > DEPLOY_PATH_MAX - 32)
        return err_set(detail, ERR_INPUT, "quorate is installed under too long a path");
    self[length] = 0;
    *strrchr(self, '/') = 0;
    int status = find_program(ret_programs->node, self, "quorate-node", detail);
    if (status == ERR_OK && needs_tm)
        status = find_program(ret_programs->tm, self, "quorate-tm", detail);
    if (status == ERR_OK && needs_database)
        status = find_program(ret_programs->init, self, "quorate-init", detail);
    return status == ERR_OK && needs_database ? deploy_database_find(ret_programs, detail) : status;
}
