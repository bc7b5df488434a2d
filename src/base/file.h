/* Whole files, with messages that name the path. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/buf.h"

enum { FILE_PIPE_WAIT_MS = 5000 };

/* Appends the content of a regular file, pipe or "-" (standard input) of at most `max` bytes. A pipe whose other end nobody has opened
 * within FILE_PIPE_WAIT_MS is ERR_IO. ERR_NOTFOUND, ERR_IO (a link that leads nowhere, too), ERR_LIMIT,
 * ERR_NOMEM. */
int file_read(const char *path, size_t max, struct buf *b,
              struct err_detail *detail) BASE_NODISCARD;

/* The same for files that a program keeps itself, or looks at again and again: regular ones only, so that it never waits. ERR_INPUT
 * for any other kind. */
int file_read_regular(const char *path, size_t max, struct buf *b,
                      struct err_detail *detail) BASE_NODISCARD;

/* Appends the last `most` bytes of a file, or all when it has no more; of what has no end nothing, and it never waits. ERR_NOTFOUND, ERR_IO,
 * ERR_NOMEM. */
int file_read_end(const char *path, size_t most, struct buf *b,
                  struct err_detail *detail) BASE_NODISCARD;

/* Whether something has the name, be it a link that leads nowhere. */
bool file_is_there(const char *path);

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
