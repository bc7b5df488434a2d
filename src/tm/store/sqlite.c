/* SQLite: a file of its own, in write-ahead mode, synced at every commit. */
#include "base/mem.h"
#include "tm/store/sql.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
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
        return err_set(detail, ERR_CORRUPT, "%s", text);
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

/* What the system says of a file that cannot be opened, which SQLite forgets as it tries again for reading alone. */
static int refusal(const struct tm_store_place *place, int status, struct err_detail *detail)
{
    char folder[PATH_MAX];
    bool there = access(place->path, F_OK) == 0;
    snprintf(folder, sizeof(folder), "%s", place->path);
    char *slash = strrchr(folder, '/');
    if (slash)
        slash[slash == folder] = 0;
    int refused = access(there ? place->path : slash ? folder : ".", W_OK);
    return !refused || place->read_only || place->in_memory ||
                   (status != ERR_NOTFOUND && status != ERR_IO)
               ? status
               : err_set(detail, status, "%s", strerror(errno));
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
    int status =
        sqlite3_open_v2(place->path, &s->db, flags | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK
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
        status = refusal(place, status, detail);
        return err_prefix(detail, status, "%s", place->path);
    }
    if (ret_description)
        buf_append_format(ret_description, "SQLite %s at %s", sqlite3_libversion(),
                          place->in_memory ? "no file: lost at the end" : place->path);
    *ret_sql = &s->sql;
    return 0;
}
