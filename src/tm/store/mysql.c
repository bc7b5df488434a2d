/* MySQL and MariaDB, by MariaDB's connector. */
#include "base/mem.h"
#include "crypto/secret.h"
#include "tm/store/sql.h"

#include <errmsg.h>
#include <mysql.h>
#include <mysqld_error.h>
#include <pthread.h>

struct mysql {
    struct tm_sql sql;
    MYSQL *db;
    MYSQL_STMT *kept[TM_SQL_SLOTS];
};

/* Codes of the server and of the library after which the same may work on a new connection, or a moment later. */
static bool try_again(unsigned code)
{
    switch (code) {
    case CR_SERVER_GONE_ERROR:
    case CR_SERVER_LOST:
    case CR_CONNECTION_ERROR:
    case CR_CONN_HOST_ERROR:
    case CR_IPSOCK_ERROR:
    case CR_UNKNOWN_HOST:
    case CR_COMMANDS_OUT_OF_SYNC:
    case ER_SERVER_SHUTDOWN:
    case ER_CON_COUNT_ERROR:
    case ER_LOCK_WAIT_TIMEOUT:
    case ER_LOCK_DEADLOCK:
    case ER_QUERY_INTERRUPTED:
    case ER_CONNECTION_KILLED:
    case ER_NEW_ABORTING_CONNECTION:
    case ER_UNKNOWN_STMT_HANDLER:
    case ER_OPTION_PREVENTS_STATEMENT: /* --read-only: another server may be the one to write to by now */
        return true;
    default:
        return false;
    }
}

static int failure(struct mysql *m, unsigned code, const char *text, struct err_detail *detail)
{
    if (try_again(code))
        m->sql.session.lost = true;
    switch (code) {
    case ER_DUP_ENTRY:
        return err_set(detail, ERR_EXISTS, "%s", text);
    case CR_OUT_OF_MEMORY:
        return err_set(detail, ERR_NOMEM, "out of memory");
    case ER_DISK_FULL:
    case ER_RECORD_FILE_FULL:
        return err_set(detail, ERR_NOSPACE, "%s", text);
    case ER_DATA_TOO_LONG:
    case ER_NET_PACKET_TOO_LARGE:
        return err_set(detail, ERR_LIMIT, "%s", text);
    case ER_NO_SUCH_TABLE:
    case ER_BAD_DB_ERROR:
        return err_set(detail, ERR_NOTFOUND, "%s", text);
    default:
        return err_set(detail, ERR_IO, "%s (%u)", text, code);
    }
}

static int db_failure(struct mysql *m, struct err_detail *detail)
{
    return failure(m, mysql_errno(m->db), mysql_error(m->db), detail);
}

static int statement_failure(struct mysql *m, MYSQL_STMT *statement, struct err_detail *detail)
{
    return failure(m, mysql_stmt_errno(statement), mysql_stmt_error(statement), detail);
}

static void bind_params(MYSQL_BIND *binds, const struct tm_sql_params *params)
{
    memset(binds, 0, params->count * sizeof(*binds));
    for (size_t i = 0; i < params->count; i++) {
        const struct tm_sql_value *v = &params->v[i];
        MYSQL_BIND *b = &binds[i];
        switch (v->type) {
        case TM_SQL_NULL:
            b->buffer_type = MYSQL_TYPE_NULL;
            break;
        case TM_SQL_INT:
            b->buffer_type = MYSQL_TYPE_LONGLONG;
            b->buffer = (void *)(uintptr_t)&v->n;
            break;
        case TM_SQL_BYTES:
        case TM_SQL_TEXT:
            b->buffer_type = v->type == TM_SQL_TEXT ? MYSQL_TYPE_STRING : MYSQL_TYPE_BLOB;
            b->buffer = v->b.len ? (void *)(uintptr_t)v->b.data : (void *)(uintptr_t)"";
            b->buffer_length = v->b.len;
            break;
        }
    }
}

/* A column while its rows are read: a number, or bytes of a length that is known only when a row is there. */
struct column {
    bool number;
    int64_t n;
    unsigned long len;
    my_bool is_null, error;
};

static bool is_number(enum enum_field_types type)
{
    return type == MYSQL_TYPE_TINY || type == MYSQL_TYPE_SHORT || type == MYSQL_TYPE_INT24 ||
           type == MYSQL_TYPE_LONG || type == MYSQL_TYPE_LONGLONG ||
           type == MYSQL_TYPE_NEWDECIMAL || type == MYSQL_TYPE_DECIMAL;
}

static unsigned bind_columns(MYSQL_STMT *statement, MYSQL_BIND *binds, struct column *columns)
{
    MYSQL_RES *meta = mysql_stmt_result_metadata(statement);
    unsigned count = meta ? mysql_num_fields(meta) : 0;
    assert(count <= TM_SQL_COLUMNS_MAX);
    memset(binds, 0, count * sizeof(*binds));
    for (unsigned i = 0; i < count; i++) {
        columns[i] = (struct column){.number = is_number(mysql_fetch_field_direct(meta, i)->type)};
        binds[i].buffer_type = columns[i].number ? MYSQL_TYPE_LONGLONG : MYSQL_TYPE_BLOB;
        binds[i].buffer = columns[i].number ? &columns[i].n : NULL;
        binds[i].buffer_length = columns[i].number ? sizeof(columns[i].n) : 0;
        binds[i].length = &columns[i].len;
        binds[i].is_null = &columns[i].is_null;
        binds[i].error = &columns[i].error;
    }
    mysql_free_result(meta);
    return count;
}

/* Fetches the bytes of a row's columns, of which only the lengths are there yet, and hands the row on. */
static int take_row(struct mysql *m, MYSQL_STMT *statement, struct column *columns, unsigned count,
                    tm_sql_row_fn *fn, void *context, struct err_detail *detail)
{
    struct tm_sql_value values[TM_SQL_COLUMNS_MAX];
    struct arena arena;
    int status = 0;
    arena_init(&arena);
    for (unsigned i = 0; status == 0 && i < count; i++) {
        values[i] = (struct tm_sql_value){.type = columns[i].is_null  ? TM_SQL_NULL
                                                  : columns[i].number ? TM_SQL_INT
                                                                      : TM_SQL_BYTES,
                                          .n = columns[i].n};
        if (values[i].type != TM_SQL_BYTES)
            continue;
        unsigned long len = 0;
        MYSQL_BIND bind = {.buffer_type = MYSQL_TYPE_BLOB,
                           .buffer = arena_alloc(&arena, columns[i].len),
                           .buffer_length = columns[i].len,
                           .length = &len};
        if (!bind.buffer)
            status = err_set(detail, ERR_NOMEM, "out of memory");
        else if (columns[i].len && mysql_stmt_fetch_column(statement, &bind, i, 0))
            status = statement_failure(m, statement, detail);
        values[i].b = bytes_of(bind.buffer, columns[i].len);
    }
    if (status == 0 && fn) {
        status = fn(context, values, count);
        if (status < 0)
            err_set(detail, status, "%s", err_text(status));
    }
    arena_release(&arena);
    return status;
}

static int take_rows(struct mysql *m, MYSQL_STMT *statement, tm_sql_row_fn *fn, void *context,
                     struct err_detail *detail)
{
    MYSQL_BIND binds[TM_SQL_COLUMNS_MAX];
    struct column columns[TM_SQL_COLUMNS_MAX];
    unsigned count = bind_columns(statement, binds, columns);
    int status = 0, got = 0;
    if (count == 0)
        return 0;
    if (mysql_stmt_bind_result(statement, binds))
        return statement_failure(m, statement, detail);
    while (status == 0 && ((got = mysql_stmt_fetch(statement)) == 0 || got == MYSQL_DATA_TRUNCATED))
        status = take_row(m, statement, columns, count, fn, context, detail);
    if (status == 0 && got == 1)
        status = statement_failure(m, statement, detail);
    mysql_stmt_free_result(statement); /* rows that nobody wants are passed over */
    return status < 0 ? status : 0;
}

static int prepare(struct mysql *m, MYSQL_STMT **ret_statement, int slot, const char *text,
                   struct err_detail *detail)
{
    MYSQL_STMT *statement = slot >= 0 ? m->kept[slot] : NULL;
    if (!statement) {
        statement = mysql_stmt_init(m->db);
        if (!statement)
            return err_set(detail, ERR_NOMEM, "out of memory");
        if (mysql_stmt_prepare(statement, text, strlen(text))) {
            int status = statement_failure(m, statement, detail);
            mysql_stmt_close(statement);
            return status;
        }
        if (slot >= 0)
            m->kept[slot] = statement;
    }
    *ret_statement = statement;
    return 0;
}

static int run(struct tm_sql *sql, int slot, const char *text, const struct tm_sql_params *params,
               tm_sql_row_fn *fn, void *context, uint64_t *ret_changed, struct err_detail *detail)
{
    struct mysql *m = (struct mysql *)sql;
    MYSQL_STMT *statement = NULL;
    MYSQL_BIND binds[TM_SQL_PARAMS_MAX];
    if (m->sql.session.lost)
        return err_set(detail, ERR_IO, "the connection to the database is lost");
    if (slot < 0 && params->count == 0 && !fn) /* not all statements can be prepared */
        return mysql_real_query(m->db, text, strlen(text)) ? db_failure(m, detail) : 0;
    int status = prepare(m, &statement, slot, text, detail);
    if (status < 0)
        return status;
    bind_params(binds, params);
    if ((params->count && mysql_stmt_bind_param(statement, binds)) || mysql_stmt_execute(statement))
        status = statement_failure(m, statement, detail);
    else if (mysql_stmt_field_count(statement))
        status = take_rows(m, statement, fn, context, detail);
    else if (ret_changed)
        *ret_changed = mysql_stmt_affected_rows(statement);
    if (slot < 0)
        mysql_stmt_close(statement);
    return status;
}

static void close_mysql(struct tm_sql *sql)
{
    struct mysql *m = (struct mysql *)sql;
    for (size_t i = 0; i < TM_SQL_SLOTS; i++)
        if (m->kept[i])
            mysql_stmt_close(m->kept[i]);
    if (m->db)
        mysql_close(m->db);
    mem_free(m);
}

static const struct tm_sql_ops ops = {run, close_mysql};

static void library_init(void)
{
    /* fails only without memory; connections then say so */
    (void)mysql_library_init(0, NULL, NULL);
}

static int connect(struct mysql *m, const struct tm_store_place *place, struct err_detail *detail)
{
    unsigned connect_s = (place->connect_ms + 999) / 1000, io_s = (place->io_ms + 999) / 1000;
    my_bool tls = place->tls, verify = place->tls_verify;
    mysql_optionsv(m->db, MYSQL_OPT_CONNECT_TIMEOUT, &connect_s);
    mysql_optionsv(m->db, MYSQL_OPT_READ_TIMEOUT, &io_s);
    mysql_optionsv(m->db, MYSQL_OPT_WRITE_TIMEOUT, &io_s);
    mysql_optionsv(m->db, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    if (tls) {
        mysql_optionsv(m->db, MYSQL_OPT_SSL_ENFORCE, &tls);
        mysql_optionsv(m->db, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify);
        if (place->tls_ca)
            mysql_optionsv(m->db, MYSQL_OPT_SSL_CA, place->tls_ca);
    }
    bool socket = place->host[0] == '/';
    if (!mysql_real_connect(m->db, socket ? NULL : place->host, place->user,
                            place->password ? (const char *)place->password->data : NULL,
                            place->path, socket ? 0 : place->port, socket ? place->host : NULL,
                            CLIENT_FOUND_ROWS))
        return db_failure(m, detail);
    static const char *const statements[] = {
        /* without strictness a payload that does not fit its column would be cut in silence */
        "SET SESSION sql_mode = 'STRICT_ALL_TABLES'",
        /* a statement outside of BEGIN is durable when it is answered, whatever the server's default */
        "SET SESSION autocommit = 1",
        "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
        "SET SESSION innodb_lock_wait_timeout = 3",
    };
    for (size_t i = 0; i < BASE_COUNT(statements); i++)
        if (mysql_real_query(m->db, statements[i], strlen(statements[i])))
            return db_failure(m, detail);
    return 0;
}

int tm_mysql_open(struct tm_sql **ret_sql, const struct tm_store_place *place,
                  struct buf *ret_description, struct err_detail *detail)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, library_init);
    struct mysql *m = mem_alloc_zeroed(1, sizeof(*m));
    if (!m || !(m->db = mysql_init(NULL))) {
        mem_free(m);
        return err_set(detail, ERR_NOMEM, "out of memory");
    }
    m->sql.session.ops = &tm_sql_session_ops;
    m->sql.ops = &ops;
    m->sql.product = TM_STORE_MYSQL;
    int status = connect(m, place, detail);
    if (status < 0) {
        close_mysql(&m->sql);
        return place->host[0] == '/'
                   ? err_prefix(detail, status, "database %s at %s", place->path, place->host)
                   : err_prefix(detail, status, "database %s at %s:%u", place->path, place->host,
                                place->port);
    }
    if (ret_description)
        buf_append_format(ret_description, "%s at %s:%u, database %s", mysql_get_server_info(m->db),
                          place->host, place->port, place->path);
    *ret_sql = &m->sql;
    return 0;
}
