#include "tm/store/backup.h"

#include "base/file.h"
#include "tm/store/migrate.h"
#include "tm/store/sql.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int copy_sqlite(struct tm_store_place *place, const char *to, struct err_detail *detail)
{
    struct tm_sql *sql;
    struct tm_sql_params params = {.count = 0};
    place->read_only = true;
    int status = tm_sqlite_open(&sql, place, NULL, detail);
    if (status < 0)
        return status;
    /* SQLite would call a source that is damaged a target that cannot be opened */
    status = tm_sql_run(sql, TM_SQL_ONCE, "SELECT COUNT(*) FROM sqlite_master", &params, NULL, NULL,
                        NULL, detail);
    tm_sql_add_text(&params, bytes_str(to));
    if (status == 0)
        status = tm_sql_run(sql, TM_SQL_ONCE, "VACUUM INTO ?", &params, NULL, NULL, NULL, detail);
    sql->ops->close(sql);
    return status < 0 ? err_prefix(detail, status, "%s", place->path) : 0;
}

static int copy_rows(const struct tm_store_options *from, const char *to, struct err_detail *detail)
{
    struct tm_migrate_progress progress;
    struct buf url = BUF_INIT;
    buf_append_format(&url, "jdbc:sqlite:%s", to);
    const struct tm_migrate_options options = {.from = from->url,
                                               .from_username = from->username,
                                               .from_password = from->password,
                                               .to = {.url = buf_text(&url)}};
    int status = buf_status(&url) ? err_set(detail, ERR_NOMEM, "out of memory")
                                  : tm_migrate(&progress, &options, detail);
    if (status == 0 && progress.damaged + progress.conflict > 0)
        status = err_set(detail, ERR_CORRUPT, "%llu payloads of the database are damaged",
                         (unsigned long long)(progress.damaged + progress.conflict));
    buf_release(&url);
    return status;
}

static void remove_part(const char *part)
{
    static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
    char name[PATH_MAX];
    for (size_t i = 0; i < BASE_COUNT(ends); i++)
        if (snprintf(name, sizeof(name), "%s%s", part, ends[i]) < (int)sizeof(name))
            (void)unlink(name);
}

static int make_part(const char *part, struct err_detail *detail)
{
    remove_part(part); /* of a run that was killed */
    int fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_set(detail, err_from_errno(errno), "cannot make %s: %s", part, strerror(errno));
    close(fd);
    return 0;
}

/* A file with the name of a backup is a whole one, after a loss of power, too. */
static int make_durable(const char *part, const char *to, struct err_detail *detail)
{
    int fd = open(part, O_RDONLY | O_CLOEXEC);
    bool done = fd >= 0 && fsync(fd) == 0 && rename(part, to) == 0;
    int why = errno;
    if (fd >= 0)
        close(fd);
    return done ? 0 : err_set(detail, err_from_errno(why), "%s: %s", part, strerror(why));
}

int tm_store_backup(const struct tm_store_options *from, const char *to, struct err_detail *detail)
{
    struct tm_store_place place;
    char part[PATH_MAX];
    if (snprintf(part, sizeof(part), "%s.part", to) >= (int)sizeof(part))
        return err_set(detail, ERR_LIMIT, "%s: the path is too long", to);
    if (file_is_there(to))
        return err_set(detail, ERR_EXISTS, "%s exists: a backup makes a file of its own", to);
    int status = tm_store_place_init(&place, from, detail);
    if (status < 0)
        return status;
    mode_t mask = umask(077);
    status = place.in_memory
                 ? err_set(detail, ERR_UNSUPPORTED, "a database in memory is gone with its manager")
                 : make_part(part, detail);
    if (status == 0)
        status = place.product == TM_STORE_SQLITE ? copy_sqlite(&place, part, detail)
                                                  : copy_rows(from, part, detail);
    umask(mask);
    tm_store_place_release(&place);
    if (status == 0)
        status = make_durable(part, to, detail);
    if (status < 0)
        remove_part(part);
    return status;
}
