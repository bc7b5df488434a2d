/*
 * The part of tar that backups are made of (POSIX.1-1988 ustar, and GNU's sizes in base 256 beyond 8 GiB): regular files with
 * relative names, one block of 512 bytes before each. Any tar reads it.
 */
#ifndef DEPLOY_BACKUP_TAR_H
#define DEPLOY_BACKUP_TAR_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    DEPLOY_TAR_BLOCK = 512,
    DEPLOY_TAR_NAME_MAX = 255,
};
#define DEPLOY_TAR_SIZE_MAX ((uint64_t)1 << 46) /* bytes of a file */

struct deploy_tar_file {
    char name[DEPLOY_TAR_NAME_MAX + 1]; /* relative, without "." and ".." */
    uint64_t size;
};

/* The block before a file's content, mode 0600. ERR_LIMIT when the name does not fit. */
int deploy_tar_head(uint8_t ret_block[DEPLOY_TAR_BLOCK], const struct deploy_tar_file *file,
                    uint64_t time, struct err_detail *detail) BASE_NODISCARD;

/* Reads one. *ret_end: a block of zeros, which ends the archive. ERR_CORRUPT: no such block, its checksum is wrong, or it is not a
 * regular file with a relative name. */
int deploy_tar_parse(struct deploy_tar_file *ret_file, bool *ret_end,
                     const uint8_t block[DEPLOY_TAR_BLOCK],
                     struct err_detail *detail) BASE_NODISCARD;

/* Whether a name stays below the folder that it is relative to. */
bool deploy_tar_name_is_safe(const char *name);

/* Bytes that fill the last block of a file. */
static inline uint64_t deploy_tar_padding(uint64_t size)
{
    return (DEPLOY_TAR_BLOCK - size % DEPLOY_TAR_BLOCK) % DEPLOY_TAR_BLOCK;
}

#endif
