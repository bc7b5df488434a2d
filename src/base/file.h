/* Whole files, with messages that name the path. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/buf.h"

/* Appends the content of a regular file, pipe or "-" (standard input) of at most `max` bytes.
 * ERR_NOTFOUND, ERR_IO, ERR_LIMIT, ERR_NOMEM. */
int file_read(const char *path, size_t max, struct buf *b,
              struct err_detail *detail) BASE_NODISCARD;

/* Writes a file so that a reader sees the old content or the new, never a part: a temporary file
 * beside it, synced, renamed. Mode 0644 less the umask. ERR_IO, ERR_NOSPACE, ERR_NOTFOUND. */
int file_write(const char *path, struct bytes content, struct err_detail *detail) BASE_NODISCARD;

/* The same for secrets: mode 0600, and never readable by others in between. */
int file_write_private(const char *path, struct bytes content,
                       struct err_detail *detail) BASE_NODISCARD;

/* Removes the temporary files that processes left in a folder which ended in the middle of the two above; not those that are being
 * written. */
void file_sweep(const char *folder);

/* Makes a folder and those above it that are missing, all with `mode` less the umask. One that is there keeps its
 * mode. ERR_EXISTS when a file is in the way, ERR_IO, ERR_NOTFOUND, ERR_NOSPACE. */
int file_make_folders(const char *path, unsigned mode, struct err_detail *detail) BASE_NODISCARD;

/* Removes a folder and all that is in it; one that is not there is fine. A link is removed, not followed. ERR_IO. */
int file_remove_folder(const char *path, struct err_detail *detail);

#endif
