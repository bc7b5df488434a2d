#include "tm/store/backup.h"

#include "tm/store/migrate.h"
#include "tm/store/sql.h"

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
    tm_sql_add_text(&params, bytes_str(to));
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

int tm_store_backup(const struct tm_store_options *from, const char *to, struct err_detail *detail)
{
    struct tm_store_place place;
    if (access(to, F_OK) == 0)
        return err_set(detail, ERR_EXISTS, "%s exists: a backup makes a file of its own", to);
    int status = tm_store_place_init(&place, from, detail);
    if (status < 0)
        return status;
    mode_t mask = umask(077);
    if (place.in_memory)
        status = err_set(detail, ERR_UNSUPPORTED, "a database in memory is gone with its manager");
    else if (place.product == TM_STORE_SQLITE)
        status = copy_sqlite(&place, to, detail);
    else
        status = copy_rows(from, to, detail);
    umask(mask);
    tm_store_place_release(&place);
    if (status < 0)
        (void)unlink(to);
    return status;
}
