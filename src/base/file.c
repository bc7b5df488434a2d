#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static int failed(struct err_detail *detail, const char *doing, const char *path)
{
    int errnum = errno;
    return err_set(detail, err_from_errno(errnum), "cannot %s %s: %s", doing, path,
                   strerror(errnum));
}

static int read_all(int fd, const char *path, size_t max, struct buf *b, struct err_detail *detail)
{
    size_t before = b->len;
    for (;;) {
        if (buf_reserve(b, 65536) != ERR_OK)
            return err_set(detail, buf_status(b), "%s: out of memory", path);
        ssize_t n = read(fd, b->data + b->len, b->capacity - b->len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return failed(detail, "read", path);
        if (n == 0)
            return ERR_OK;
        b->len += (size_t)n;
        if (b->len - before > max)
            return err_set(detail, ERR_LIMIT, "%s is larger than the %zu bytes allowed", path, max);
    }
}

bool file_is_there(const char *path)
{
    struct stat info;
    return lstat(path, &info) == 0 || errno != ENOENT;
}

/* A pipe without a writer reads as ended, and would block a plain open for ever. */
static int await_writer(int fd, const char *path, struct err_detail *detail)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    int ready;
    do {
        ready = poll(&wait, 1, FILE_PIPE_WAIT_MS);
    } while (ready < 0 && errno == EINTR);
    return ready > 0 ? ERR_OK
                     : err_set(detail, ERR_IO, "%s is a pipe into which nobody writes", path);
}

static int read_open(int fd, const char *path, bool pipes, size_t max, struct buf *b,
                     struct err_detail *detail)
{
    struct stat info;
    if (fstat(fd, &info) != 0)
        return failed(detail, "read", path);
    if (!pipes && !S_ISREG(info.st_mode) &&
        !S_ISDIR(info.st_mode)) /* a folder has a name: EISDIR */
        return err_set(detail, ERR_INPUT, "%s is no regular file", path);
    int status = S_ISFIFO(info.st_mode) ? await_writer(fd, path, detail) : ERR_OK;
    if (status == ERR_OK && fcntl(fd, F_SETFL, 0) != 0)
        return failed(detail, "read", path);
    return status == ERR_OK ? read_all(fd, path, max, b, detail) : status;
}

static int read_path(const char *path, bool pipes, size_t max, struct buf *b,
                     struct err_detail *detail)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 && errno == ENOENT && file_is_there(path))
        return err_set(detail, ERR_IO, "cannot open %s: it is a link to what is not there", path);
    if (fd < 0)
        return failed(detail, "open", path);
    int status = read_open(fd, path, pipes, max, b, detail);
    close(fd);
    return status;
}

int file_read(const char *path, size_t max, struct buf *b, struct err_detail *detail)
{
    return strcmp(path, "-") == 0 ? read_all(STDIN_FILENO, "standard input", max, b, detail)
                                  : read_path(path, true, max, b, detail);
}

int file_read_regular(const char *path, size_t max, struct buf *b, struct err_detail *detail)
{
    return read_path(path, false, max, b, detail);
}

static int read_end(int fd, const char *path, size_t most, struct buf *b, struct err_detail *detail)
{
    off_t size = lseek(fd, 0, SEEK_END);
    if (size < 0)
        return failed(detail, "read", path);
    if (buf_reserve(b, most) != ERR_OK)
        return err_set(detail, buf_status(b), "%s: out of memory", path);
    ssize_t n = pread(fd, b->data + b->len, most, (uint64_t)size > most ? size - (off_t)most : 0);
    if (n < 0)
        return failed(detail, "read", path);
    b->len += (size_t)n;
    return ERR_OK;
}

int file_read_end(const char *path, size_t most, struct buf *b, struct err_detail *detail)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return failed(detail, "open", path);
    int status = read_end(fd, path, most, b, detail);
    close(fd);
    return status;
}

static int write_all(int fd, struct bytes content)
{
    while (content.len) {
        ssize_t n = write(fd, content.data, content.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        content = bytes_slice(content, (size_t)n, content.len - (size_t)n);
    }
    return fsync(fd);
}

static const char part_mark[] = ".part-"; /* then six characters */

/* A temporary file beside `path`, 0600 from its first byte on: a private content is never readable by others. It is locked as long as it
 * is open, so that file_sweep leaves it alone. -1 with errno. */
static int open_part(char *name)
{
    size_t length = strlen(name);
    for (;;) {
        struct stat info;
        memset(name + length - 6, 'X', 6);
        int fd = mkostemp(name, O_CLOEXEC);
        if (fd < 0)
            return -1;
        bool swept = flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
        if (!swept && fstat(fd, &info) == 0 && info.st_nlink > 0)
            return fd; /* without a lock where the file system has none: then it is not swept either */
        close(fd);
        (void)unlink(name);
    }
}

static int replace(const char *path, struct bytes content, mode_t mode, struct err_detail *detail)
{
    struct buf name = BUF_INIT;
    buf_append_format(&name, "%s%sXXXXXX", path, part_mark);
    buf_append_byte(&name, 0);
    if (buf_status(&name) != ERR_OK) {
        buf_release(&name);
        return err_set(detail, ERR_NOMEM, "%s: out of memory", path);
    }
    char *temporary = (char *)name.data;
    int status = ERR_OK;
    int fd = open_part(temporary);
    if (fd < 0) {
        status = failed(detail, "write", path);
    } else {
        bool written = write_all(fd, content) == 0 && fchmod(fd, mode) == 0;
        if (!written)
            status = failed(detail, "write", path);
        if (written && rename(temporary, path) != 0)
            status = failed(detail, "write", path);
        if (status != ERR_OK)
            unlink(temporary);
        close(fd);
    }
    buf_release(&name);
    return status;
}

int file_write(const char *path, struct bytes content, struct err_detail *detail)
{
    mode_t mask = umask(0);
    umask(mask);
    return replace(path, content, 0644 & ~mask, detail);
}

int file_write_private(const char *path, struct bytes content, struct err_detail *detail)
{
    return replace(path, content, 0600, detail);
}

int file_make_folders(const char *path, unsigned mode, struct err_detail *detail)
{
    char part[PATH_MAX];
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof(part))
        return err_set(detail, ERR_INPUT, "\"%.80s\" is no path of a folder", path);
    memcpy(part, path, length + 1);
    for (size_t at = 1; at <= length; at++) {
        if (part[at] != '/' && part[at] != 0)
            continue;
        char kept = part[at];
        part[at] = 0;
        if (mkdir(part, (mode_t)mode) != 0 && errno != EEXIST)
            return failed(detail, "make the folder", part);
        part[at] = kept;
    }
    struct stat info;
    if (stat(path, &info) != 0)
        return failed(detail, "use", path);
    return S_ISDIR(info.st_mode) ? ERR_OK
                                 : err_set(detail, ERR_EXISTS, "%s exists and is no folder", path);
}

static void sweep_one(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        (void)unlink(path);
    close(fd);
}

void file_sweep(const char *folder)
{
    char path[PATH_MAX];
    DIR *entries = opendir(folder);
    const struct dirent *entry;
    while (entries && (entry = readdir(entries))) {
        const char *mark = strstr(entry->d_name, part_mark);
        bool is_part = mark && strlen(mark) == strlen(part_mark) + 6;
        if (is_part && snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name) < PATH_MAX)
            sweep_one(path);
    }
    if (entries)
        closedir(entries);
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
    (void)info, (void)kind, (void)walk;
    return remove(path);
}

int file_remove_folder(const char *path, struct err_detail *detail)
{
    if (access(path, F_OK) != 0 || nftw(path, remove_one, 32, FTW_DEPTH | FTW_PHYS) == 0)
        return ERR_OK;
    return err_set(detail, ERR_IO, "cannot remove %s: %s", path, strerror(errno));
}
