/* SQLite: a file of its own, in write-ahead mode, synced at every commit. */
#include "base/mem.h"
#include "tm/store/sql.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUSY_MS = 2000 /* for another program that writes, a backup for instance */ };

struct sqlite {
    struct tm_sql sql;
    sqlite3 *db;
    sqlite3_stmt *kept[TM_SQL_SLOTS];
};

/* The code for a failure, with its message; marks the session when it is worth trying again. */
static int failure(struct sqlite *s, struct err_detail *detail)
{
    int code = s->db ? sqlite3_extended_errcode(s->db) : SQLITE_NOMEM;
    const char *text = s->db ? sqlite3_errmsg(s->db) : "out of memory";
    int cause = s->db ? sqlite3_system_errno(s->db) : 0;
    switch (code & 0xff) {
    case SQLITE_CONSTRAINT:
        if (code == SQLITE_CONSTRAINT_PRIMARYKEY || code == SQLITE_CONSTRAINT_UNIQUE)
            return err_set(detail, ERR_EXISTS, "%s", text);
        return err_set(detail, ERR_INPUT, "%s", text);
    case SQLITE_NOMEM:
        return err_set(detail, ERR_NOMEM, "out of memory");
    case SQLITE_FULL:
        return err_set(detail, ERR_NOSPACE, "no space left for the database (%s)", text);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return err_set(detail, ERR_CORRUPT, "%s; move it away, or restore it from a backup", text);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        s->sql.session.lost = true;
        return err_set(detail, ERR_BUSY, "another program holds the database (%s)", text);
    case SQLITE_TOOBIG:
        return err_set(detail, ERR_LIMIT, "%s", text);
    case SQLITE_CANTOPEN:
        return err_set(detail, ERR_NOTFOUND, "%s", text);
    case SQLITE_IOERR:
        return err_set(detail, ERR_IO, "%s: %s", text, strerror(cause));
    default:
        return err_set(detail, ERR_IO, "%s", text);
    }
}

static int bind(sqlite3_stmt *statement, int at, const struct tm_sql_value *v)
{
    switch (v->type) {
    case TM_SQL_NULL:
        return sqlite3_bind_null(statement, at);
    case TM_SQL_INT:
        return sqlite3_bind_int64(statement, at, v->n);
    case TM_SQL_BYTES:
        return sqlite3_bind_blob64(statement, at, v->b.len ? (const void *)v->b.data : "", v->b.len,
                                   SQLITE_STATIC);
    case TM_SQL_TEXT:
        return sqlite3_bind_text64(statement, at, v->b.len ? (const char *)v->b.data : "", v->b.len,
                                   SQLITE_STATIC, SQLITE_UTF8);
    }
    return SQLITE_MISUSE;
}

static int row(sqlite3_stmt *statement, tm_sql_row_fn *fn, void *context)
{
    struct tm_sql_value values[TM_SQL_COLUMNS_MAX];
    int count = sqlite3_column_count(statement);
    assert(count <= TM_SQL_COLUMNS_MAX);
    for (int i = 0; i < count; i++) {
        int type = sqlite3_column_type(statement, i);
        values[i] = (struct tm_sql_value){.type = TM_SQL_NULL};
        if (type == SQLITE_INTEGER) {
            values[i].type = TM_SQL_INT;
            values[i].n = sqlite3_column_int64(statement, i);
        } else if (type != SQLITE_NULL) {
            values[i].type = type == SQLITE_TEXT ? TM_SQL_TEXT : TM_SQL_BYTES;
            const void *data = sqlite3_column_blob(statement, i);
            values[i].b = bytes_of(data, (size_t)sqlite3_column_bytes(statement, i));
            if (!data && values[i].b.len)
                return ERR_NOMEM;
        }
    }
    return fn ? fn(context, values, (size_t)count) : 0;
}

static int run(struct tm_sql *sql, int slot, const char *text, const struct tm_sql_params *params,
               tm_sql_row_fn *fn, void *context, uint64_t *ret_changed, struct err_detail *detail)
{
    struct sqlite *s = (struct sqlite *)sql;
    sqlite3_stmt *statement = slot >= 0 ? s->kept[slot] : NULL;
    int status = 0, code = SQLITE_OK;
    if (!statement && sqlite3_prepare_v3(s->db, text, -1, slot >= 0 ? SQLITE_PREPARE_PERSISTENT : 0,
                                         &statement, NULL) != SQLITE_OK)
        return failure(s, detail);
    if (slot >= 0)
        s->kept[slot] = statement;
    for (size_t i = 0; i < params->count && code == SQLITE_OK; i++)
        code = bind(statement, (int)i + 1, &params->v[i]);
    if (code == SQLITE_OK) {
        while (status == 0 && (code = sqlite3_step(statement)) == SQLITE_ROW)
            status = row(statement, fn, context);
    }
    if (status < 0)
        err_set(detail, status, "%s", err_text(status));
    else if (code != SQLITE_DONE && code != SQLITE_ROW)
        status = failure(s, detail);
    else
        status = 0;
    if (status == 0 && ret_changed)
        *ret_changed = (uint64_t)sqlite3_changes(s->db);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    if (slot < 0)
        sqlite3_finalize(statement);
    return status;
}

static void close_sqlite(struct tm_sql *sql)
{
    struct sqlite *s = (struct sqlite *)sql;
    for (size_t i = 0; i < TM_SQL_SLOTS; i++)
        sqlite3_finalize(s->kept[i]);
    sqlite3_close(s->db);
    mem_free(s);
}

static const struct tm_sql_ops ops = {run, close_sqlite};

static void folder_of(char ret_folder[PATH_MAX], const char *path)
{
    snprintf(ret_folder, PATH_MAX, "%s", path);
    char *slash = strrchr(ret_folder, '/');
    if (slash)
        slash[slash == ret_folder] = 0;
    else
        snprintf(ret_folder, PATH_MAX, ".");
}

int tm_sqlite_refuse_h2(struct err_detail *detail)
{
    return err_set(detail, ERR_UNSUPPORTED,
                   "an H2 file, which only Java reads: export it by SCRIPT and bring it in by "
                   "`migrate --from FILE.sql` (docs/tm-storage.md)");
}

bool tm_sqlite_is_h2(const char *path)
{
    static const char *const marks[] = {"H:2,", "-- H2 0.5/B --"}; /* MVStore; before 1.4 */
    char begin[16] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool is = false;
    if (fd >= 0 && read(fd, begin, sizeof(begin) - 1) > 0)
        for (size_t i = 0; i < BASE_COUNT(marks); i++)
            is |= strncmp(begin, marks[i], strlen(marks[i])) == 0;
    if (fd >= 0)
        close(fd);
    return is;
}

/* What SQLite would wait for, take for no file at all, or refuse without saying why. */
static int check_file(const char *path, struct err_detail *detail)
{
    struct stat info;
    bool there = stat(path, &info) == 0;
    if (there && !S_ISREG(info.st_mode))
        return err_set(detail, ERR_INPUT, "no regular file; move it away or restore it");
    if (!there && errno == ENOENT && lstat(path, &info) == 0)
        return err_set(detail, ERR_IO,
                       "a link to what is not there; mount the disk it leads to, or remove it");
    return there || errno == ENOENT ? 0 : err_set(detail, ERR_IO, "%s", strerror(errno));
}

int tm_sqlite_check(const char *path, struct err_detail *detail)
{
    static const char *const parts[] = {"", "-wal", "-shm", "-journal"};
    char name[PATH_MAX], file[PATH_MAX];
    int status = 0;
    for (size_t i = 0; status == 0 && i < BASE_COUNT(parts); i++) {
        const char *of = i > 0 && realpath(path, file) ? file : path;
        if (snprintf(name, sizeof(name), "%s%s", of, parts[i]) >= (int)sizeof(name))
            return err_set(detail, ERR_LIMIT, "%s: the path is too long", path);
        status = check_file(name, detail);
        if (status < 0)
            return err_prefix(detail, status, "%s", name);
    }
    return tm_sqlite_is_h2(path) ? err_prefix(detail, tm_sqlite_refuse_h2(detail), "%s", path) : 0;
}

/* Opened, but for reading alone: then the first payload would be refused, not the start. */
static int check_writable(const struct tm_store_place *place, struct err_detail *detail)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    char name[PATH_MAX], file[PATH_MAX];
    if (!realpath(place->path, file)) /* SQLite's other files are beside what a link leads to */
        snprintf(file, sizeof(file), "%s", place->path);
    folder_of(name, file);
    bool refused = access(name, W_OK) != 0;
    for (size_t i = 0; !refused && i < BASE_COUNT(ends); i++) {
        snprintf(name, sizeof(name), "%.4000s%s", file, ends[i]);
        refused = access(name, F_OK) == 0 && access(name, W_OK) != 0;
    }
    if (refused && errno == ENOENT)
        return err_set(detail, ERR_NOTFOUND, "%s: %s", place->path, strerror(errno));
    return refused
               ? err_set(detail, ERR_IO, "cannot write %s: %s; let this program's user write there",
                         name, strerror(errno))
               : 0;
}

/* SQLite would let everybody read it; its log and index take the file's mode. */
static void make_private(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0)
        close(fd);
}

int tm_sqlite_open(struct tm_sql **ret_sql, const struct tm_store_place *place,
                   struct buf *ret_description, struct err_detail *detail)
{
    static const struct tm_sql_params none;
    static const char *const setup[] = {
        /* an answer must survive the loss of power, not only of the process */
        "PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", "PRAGMA temp_store = MEMORY"};
    int status = place->in_memory ? 0 : tm_sqlite_check(place->path, detail);
    if (status == 0 && !place->in_memory && !place->read_only)
        status = check_writable(place, detail);
    if (status < 0)
        return status;
    struct sqlite *s = mem_alloc_zeroed(1, sizeof(*s));
    if (!s)
        return err_set(detail, ERR_NOMEM, "out of memory");
    s->sql.session.ops = &tm_sql_session_ops;
    s->sql.ops = &ops;
    s->sql.product = TM_STORE_SQLITE;
    int flags = place->read_only ? SQLITE_OPEN_READONLY
                                 : SQLITE_OPEN_READWRITE | (place->create ? SQLITE_OPEN_CREATE : 0);
    if (place->in_memory)
        flags |= SQLITE_OPEN_URI;
    if (place->is_new && place->create && !place->in_memory && !place->read_only)
        make_private(place->path); /* what fails here fails again, with a text, below */
    status = sqlite3_open_v2(place->path, &s->db, flags | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK
                 ? 0
                 : failure(s, detail);
    if (status == 0) {
        sqlite3_extended_result_codes(s->db, 1);
        sqlite3_busy_timeout(s->db, BUSY_MS);
    }
    for (size_t i = 0; status == 0 && !place->read_only && i < BASE_COUNT(setup); i++)
        status = run(&s->sql, TM_SQL_ONCE, setup[i], &none, NULL, NULL, NULL, detail);
    if (status < 0) {
        close_sqlite(&s->sql);
        return err_prefix(detail, status, "%s", place->path);
    }
    if (ret_description)
        buf_append_format(ret_description, "SQLite %s at %s", sqlite3_libversion(),
                          place->in_memory ? "no file: lost at the end" : place->path);
    *ret_sql = &s->sql;
    return 0;
}
