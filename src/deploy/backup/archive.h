/*
 * One file that holds a backup: a tar whose first file says what it is, and whose last has the SHA-256 of all others, in the form
 * that `sha256sum -c` reads. An archive without it was cut off.
 *
 *     quorate-backup.json   {"quorate-backup": 1, …}
 *     …
 *     SHA256SUMS
 */
#ifndef DEPLOY_BACKUP_ARCHIVE_H
#define DEPLOY_BACKUP_ARCHIVE_H

#include "base/buf.h"
#include "deploy/backup/tar.h"

#define DEPLOY_ARCHIVE_FIRST "quorate-backup.json"
#define DEPLOY_ARCHIVE_SUMS  "SHA256SUMS"

enum {
    DEPLOY_ARCHIVE_FORMAT = 1,
    DEPLOY_ARCHIVE_FILES_MAX = 100000,
    DEPLOY_ARCHIVE_SUMS_MAX = 64 << 20, /* bytes: the longest names of all of them */
};

struct deploy_archive {
    int fd;
    const char *path; /* borrowed */
    struct buf sums;
    uint64_t time;
    uint64_t size; /* bytes written */
};

/* Makes the file, mode 0600. ERR_EXISTS when it is there; ERR_IO, ERR_NOTFOUND, ERR_NOSPACE. */
int deploy_archive_new(struct deploy_archive *ret_archive, const char *path,
                       struct err_detail *detail) BASE_NODISCARD;
/* Adds a file with this content; the first is DEPLOY_ARCHIVE_FIRST. */
int deploy_archive_add(struct deploy_archive *archive, const char *name, struct bytes content,
                       struct err_detail *detail) BASE_NODISCARD;
/* Adds the regular files below a folder, by their names relative to it, sorted. */
int deploy_archive_add_folder(struct deploy_archive *archive, const char *folder,
                              struct err_detail *detail) BASE_NODISCARD;
/* Writes the sums and brings all to the disk. On failure, as after any other, deploy_archive_abandon follows. */
int deploy_archive_finish(struct deploy_archive *archive, struct err_detail *detail) BASE_NODISCARD;
/* Removes the file. */
void deploy_archive_abandon(struct deploy_archive *archive);

/*
 * Writes the files of an archive below `folder`, which is there (folders 0700, files 0600), and checks all sums: 0 says that every
 * byte is as it was archived. ERR_CORRUPT (no backup, cut off, damaged), ERR_UNSUPPORTED (another format), ERR_NOTFOUND, ERR_NOSPACE,
 * ERR_IO, ERR_NOMEM; what was written then is the caller's to remove.
 */
int deploy_archive_extract(const char *path, const char *folder,
                           struct err_detail *detail) BASE_NODISCARD;

#endif
