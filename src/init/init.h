/*
 * What a pod does before its programs run, without a shell: its secrets from the vault, the database's first script,
 * the genesis block, and waiting for what a program needs. One command a file; each can be run again.
 */
#ifndef INIT_INIT_H
#define INIT_INIT_H

#include "base/commands.h"

enum {
    INIT_PATH_MAX = 4096,
    INIT_FILE_MAX = 16 << 20, /* bytes of a genesis file, in base64 */
    INIT_PASSWORD_MAX = 1024, /* bytes */
    INIT_NAME_MAX = 64,       /* characters of a database or a user */
};

extern const struct commands_command init_certificates, init_genesis, init_mysql, init_run;

/* Says what went wrong; the exit code. */
int init_complain(int status, const struct err_detail *detail);

/* A file with mode 0400 in place of what is there. ERR_IO, ERR_NOSPACE, ERR_NOTFOUND, ERR_LIMIT. */
int init_write_secret(const char *folder, const char *name, struct bytes content,
                      struct err_detail *detail) BASE_NODISCARD;
/* "<folder>/<name>". ERR_LIMIT. */
int init_path(char ret_path[INIT_PATH_MAX], const char *folder, const char *name,
              struct err_detail *detail) BASE_NODISCARD;

int init_main(int argc, char **argv);

#endif
