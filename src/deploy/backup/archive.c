#include "deploy/backup/archive.h"

#include "base/file.h"
#include "base/hex.h"
#include "base/mem.h"
#include "crypto/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PATH_SIZE = 4096 };

/* --- Files as a whole --- */

/* A file in memory, by the page cache; given back by unmap. */
static int map(struct bytes *ret_content, const char *path, struct err_detail *detail)
{
    struct stat info;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || fstat(fd, &info) != 0) {
        int errnum = errno;
        if (fd >= 0)
            close(fd);
        return err_set(detail, err_from_errno(errnum), "cannot read %s: %s", path,
                       strerror(errnum));
    }
    size_t size = (size_t)info.st_size;
    void *data = size ? mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
    close(fd);
    if (data == MAP_FAILED)
        return err_set(detail, ERR_NOMEM, "cannot read %s: %s", path, strerror(errno));
    *ret_content = bytes_of(data, size);
    return ERR_OK;
}

static void unmap(struct bytes content)
{
    if (content.len)
        munmap((void *)(uintptr_t)content.data, content.len);
}

static void sum_line(struct buf *sums, const char *name, struct bytes content)
{
    struct hash256 hash;
    char digits[65] = {0};
    crypto_sha256(&hash, content);
    hex_encode(digits, bytes_of(hash.b, sizeof(hash.b)));
    buf_append_format(sums, "%s  %s\n", digits, name);
}

/* --- Writing --- */

int deploy_archive_new(struct deploy_archive *archive, const char *path, struct err_detail *detail)
{
    *archive =
        (struct deploy_archive){.path = path, .sums = BUF_INIT, .time = (uint64_t)time(NULL)};
    archive->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (archive->fd >= 0)
        return ERR_OK;
    return err_set(detail, err_from_errno(errno), "cannot make %s: %s", path, strerror(errno));
}

static int put(struct deploy_archive *archive, struct bytes content, struct err_detail *detail)
{
    archive->size += content.len;
    while (content.len) {
        ssize_t n = write(archive->fd, content.data, content.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_set(detail, err_from_errno(errno), "cannot write %s: %s", archive->path,
                           strerror(errno));
        content = bytes_slice(content, (size_t)n, content.len - (size_t)n);
    }
    return ERR_OK;
}

static int put_file(struct deploy_archive *archive, const char *name, struct bytes content,
                    struct err_detail *detail)
{
    static const uint8_t zeros[DEPLOY_TAR_BLOCK];
    uint8_t block[DEPLOY_TAR_BLOCK];
    struct deploy_tar_file file = {.size = content.len};
    if (strlen(name) > DEPLOY_TAR_NAME_MAX)
        return err_set(detail, ERR_LIMIT, "%s is too long a name for an archive", name);
    memcpy(file.name, name, strlen(name) + 1);
    int status = deploy_tar_head(block, &file, archive->time, detail);
    if (status == ERR_OK)
        status = put(archive, bytes_of(block, sizeof(block)), detail);
    if (status == ERR_OK)
        status = put(archive, content, detail);
    if (status == ERR_OK)
        status = put(archive, bytes_of(zeros, (size_t)deploy_tar_padding(content.len)), detail);
    return status;
}

int deploy_archive_add(struct deploy_archive *archive, const char *name, struct bytes content,
                       struct err_detail *detail)
{
    sum_line(&archive->sums, name, content);
    return put_file(archive, name, content, detail);
}

struct names {
    struct buf text; /* each ended by a zero byte */
    size_t count;
};

static struct names *walked; /* of the one walk at a time: nftw has no context */
static size_t walked_from;   /* characters of the folder, and its slash */

static int note_name(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
    (void)walk;
    if (kind == FTW_F && S_ISREG(info->st_mode)) {
        buf_append(&walked->text, path + walked_from, strlen(path + walked_from) + 1);
        walked->count++;
    }
    return kind == FTW_DNR || kind == FTW_NS ? -1 : 0;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int add_one(struct deploy_archive *archive, const char *folder, const char *name,
                   struct err_detail *detail)
{
    char path[PATH_SIZE];
    struct bytes content;
    if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path))
        return err_set(detail, ERR_LIMIT, "%s/%s is too long a path", folder, name);
    int status = map(&content, path, detail);
    if (status != ERR_OK)
        return status;
    status = deploy_archive_add(archive, name, content, detail);
    unmap(content);
    return status;
}

int deploy_archive_add_folder(struct deploy_archive *archive, const char *folder,
                              struct err_detail *detail)
{
    struct names names = {.text = BUF_INIT};
    int status = ERR_OK;
    walked = &names;
    walked_from = strlen(folder) + 1;
    if (nftw(folder, note_name, 32, FTW_PHYS) != 0)
        status = err_set(detail, ERR_IO, "cannot read %s: %s", folder, strerror(errno));
    const char **all = mem_alloc_zeroed(names.count + 1, sizeof(*all));
    if (status == ERR_OK && (!all || buf_status(&names.text) != ERR_OK))
        status = err_set(detail, ERR_NOMEM, "%s: out of memory", folder);
    if (status == ERR_OK) {
        const char *at = (const char *)names.text.data;
        for (size_t i = 0; i < names.count; i++, at += strlen(at) + 1)
            all[i] = at;
        qsort(all, names.count, sizeof(*all), compare_names);
    }
    for (size_t i = 0; status == ERR_OK && i < names.count; i++)
        status = add_one(archive, folder, all[i], detail);
    mem_free(all);
    buf_release(&names.text);
    return status;
}

int deploy_archive_finish(struct deploy_archive *archive, struct err_detail *detail)
{
    static const uint8_t end[2 * DEPLOY_TAR_BLOCK];
    if (buf_status(&archive->sums) != ERR_OK)
        return err_set(detail, ERR_NOMEM, "%s: out of memory", archive->path);
    int status = put_file(archive, DEPLOY_ARCHIVE_SUMS, buf_bytes(&archive->sums), detail);
    if (status == ERR_OK)
        status = put(archive, bytes_of(end, sizeof(end)), detail);
    if (status == ERR_OK && fsync(archive->fd) != 0)
        status = err_set(detail, err_from_errno(errno), "cannot write %s: %s", archive->path,
                         strerror(errno));
    if (status != ERR_OK)
        return status;
    buf_release(&archive->sums);
    close(archive->fd);
    return ERR_OK;
}

void deploy_archive_abandon(struct deploy_archive *archive)
{
    buf_release(&archive->sums);
    close(archive->fd);
    unlink(archive->path);
}

/* --- Reading --- */

struct reader {
    FILE *file;
    const char *path;   /* of the archive */
    const char *folder; /* where it goes */
    struct buf sums;    /* as computed here */
    struct buf said;    /* as the archive has them */
    size_t files;
    bool ended;
};

static int cut_off(const struct reader *r, struct err_detail *detail)
{
    return err_set(detail, ERR_CORRUPT, "%s was cut off: it ends in the middle of a backup",
                   r->path);
}

static int read_exactly(struct reader *r, void *data, size_t size, struct err_detail *detail)
{
    if (fread(data, 1, size, r->file) == size)
        return ERR_OK;
    return ferror(r->file) ? err_set(detail, ERR_IO, "cannot read %s: %s", r->path, strerror(errno))
                           : cut_off(r, detail);
}

static int open_target(FILE **ret_file, const struct reader *r, const char *name, char *ret_path,
                       struct err_detail *detail)
{
    if (snprintf(ret_path, PATH_SIZE, "%s/%s", r->folder, name) >= PATH_SIZE)
        return err_set(detail, ERR_LIMIT, "%s/%s is too long a path", r->folder, name);
    char *slash = strrchr(ret_path, '/');
    *slash = 0;
    int status = file_make_folders(ret_path, 0700, detail);
    *slash = '/';
    if (status != ERR_OK)
        return status;
    int fd = open(ret_path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    *ret_file = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (*ret_file)
        return ERR_OK;
    status = err_set(detail, errno == EEXIST ? ERR_CORRUPT : err_from_errno(errno),
                     "cannot make %s: %s", ret_path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return status;
}

/* The content behind a head, into `out`. */
static int copy_content(struct reader *r, FILE *out, uint64_t size, struct err_detail *detail)
{
    uint8_t part[65536];
    int status = ERR_OK;
    for (uint64_t left = size; status == ERR_OK && left > 0;) {
        size_t n = left < sizeof(part) ? (size_t)left : sizeof(part);
        status = read_exactly(r, part, n, detail);
        if (status == ERR_OK && fwrite(part, 1, n, out) != n)
            status = err_set(detail, err_from_errno(errno), "cannot write below %s: %s", r->folder,
                             strerror(errno));
        left -= n;
    }
    if (status == ERR_OK)
        status = read_exactly(r, part, (size_t)deploy_tar_padding(size), detail);
    return status;
}

static int extract_file(struct reader *r, const struct deploy_tar_file *file,
                        struct err_detail *detail)
{
    char path[PATH_SIZE];
    FILE *out;
    struct bytes content;
    int status = open_target(&out, r, file->name, path, detail);
    if (status != ERR_OK)
        return status;
    status = copy_content(r, out, file->size, detail);
    bool synced = fflush(out) == 0 && fsync(fileno(out)) == 0;
    if ((fclose(out) != 0 || !synced) && status == ERR_OK)
        status =
            err_set(detail, err_from_errno(errno), "cannot write %s: %s", path, strerror(errno));
    if (status == ERR_OK)
        status = map(&content, path, detail);
    if (status != ERR_OK)
        return status;
    sum_line(&r->sums, file->name, content);
    unmap(content);
    return ERR_OK;
}

static int take_sums(struct reader *r, const struct deploy_tar_file *file,
                     struct err_detail *detail)
{
    if (file->size > DEPLOY_ARCHIVE_SUMS_MAX)
        return err_set(detail, ERR_CORRUPT, "%s: its sums are too long", r->path);
    uint8_t *room = buf_extend(&r->said, (size_t)file->size);
    if (!room)
        return err_set(detail, ERR_NOMEM, "%s: out of memory", r->path);
    return read_exactly(r, room, (size_t)file->size, detail);
}

/* Names the first file whose sum differs. */
static int compare_sums(struct reader *r, struct err_detail *detail)
{
    const char *ours = buf_text(&r->sums);
    size_t at = 0, line = 0;
    if (bytes_equal(buf_bytes(&r->sums), buf_bytes(&r->said)))
        return ERR_OK;
    while (at < r->sums.len && at < r->said.len && r->sums.data[at] == r->said.data[at])
        if (ours[at++] == '\n')
            line = at;
    const char *name = r->sums.len > line + 66 ? ours + line + 66 : "";
    return err_set(detail, ERR_CORRUPT, "%s is damaged%s%.*s: it is not what was archived", r->path,
                   *name ? " at " : "", (int)strcspn(name, "\n"), name);
}

static int check_first(const struct reader *r, const struct deploy_tar_file *file,
                       struct err_detail *detail)
{
    if (r->files > 0 || strcmp(file->name, DEPLOY_ARCHIVE_FIRST) == 0)
        return ERR_OK;
    return err_set(detail, ERR_CORRUPT, "%s is no backup of quorate", r->path);
}

static int extract_next(struct reader *r, struct err_detail *detail)
{
    uint8_t block[DEPLOY_TAR_BLOCK];
    struct deploy_tar_file file;
    bool end;
    int status = read_exactly(r, block, sizeof(block), detail);
    if (status != ERR_OK)
        return status;
    status = deploy_tar_parse(&file, &end, block, detail);
    if (status != ERR_OK)
        return err_prefix(detail, status, "%s", r->path);
    if (end)
        return cut_off(r, detail);
    status = check_first(r, &file, detail);
    if (status != ERR_OK)
        return status;
    if (++r->files > DEPLOY_ARCHIVE_FILES_MAX)
        return err_set(detail, ERR_CORRUPT, "%s has too many files", r->path);
    if (strcmp(file.name, DEPLOY_ARCHIVE_SUMS) != 0)
        return extract_file(r, &file, detail);
    r->ended = true;
    status = take_sums(r, &file, detail);
    return status == ERR_OK ? compare_sums(r, detail) : status;
}

int deploy_archive_extract(const char *path, const char *folder, struct err_detail *detail)
{
    struct reader r = {.path = path, .folder = folder, .sums = BUF_INIT, .said = BUF_INIT};
    int status = ERR_OK;
    r.file = fopen(path, "re");
    if (!r.file)
        return err_set(detail, err_from_errno(errno), "cannot open %s: %s", path, strerror(errno));
    while (status == ERR_OK && !r.ended)
        status = extract_next(&r, detail);
    if (status == ERR_OK && buf_status(&r.sums) != ERR_OK)
        status = err_set(detail, ERR_NOMEM, "%s: out of memory", path);
    fclose(r.file);
    buf_release(&r.sums);
    buf_release(&r.said);
    return status;
}
