/* Whether the tables are there and hold what a node may send; makes and widens what may be made and widened. */
#include "tm/store/sql.h"

#include <stdio.h>
#include <strings.h>

enum table { TRANSACTIONS, RAW_TRANSACTIONS, GROUPS, STAGED, AFFECTED, DELIVERY, TABLES };

static const char *const table_names[TABLES] = {
    "ENCRYPTED_TRANSACTION", "ENCRYPTED_RAW_TRANSACTION", "PRIVACY_GROUP",
    "ST_TRANSACTION",        "ST_AFFECTED_TRANSACTION",   "QUORATE_DELIVERY"};

/* Tessera's scripts, with LONGBLOB where they have BLOB: that ends at 64 KiB in MySQL. */
static const char *const create_mysql[TABLES] = {
    "CREATE TABLE IF NOT EXISTS ENCRYPTED_TRANSACTION (ENCODED_PAYLOAD LONGBLOB NOT NULL, "
    "PAYLOAD_CODEC "
    "VARCHAR(50), HASH VARBINARY(100) NOT NULL, TIMESTAMP BIGINT, PRIMARY KEY (HASH))",
    "CREATE TABLE IF NOT EXISTS ENCRYPTED_RAW_TRANSACTION (ENCRYPTED_KEY BLOB NOT NULL, "
    "ENCRYPTED_PAYLOAD "
    "LONGBLOB NOT NULL, NONCE BLOB NOT NULL, SENDER BLOB NOT NULL, TIMESTAMP BIGINT, HASH "
    "VARBINARY(100) NOT "
    "NULL, PRIMARY KEY (HASH))",
    "CREATE TABLE IF NOT EXISTS PRIVACY_GROUP (ID VARBINARY(100) NOT NULL, LOOKUP_ID BLOB NOT "
    "NULL, DATA "
    "LONGBLOB NOT NULL, TIMESTAMP BIGINT, PRIMARY KEY (ID))",
    "CREATE TABLE IF NOT EXISTS ST_TRANSACTION (ID BIGINT(19) NOT NULL, PAYLOAD_CODEC VARCHAR(50), "
    "HASH "
    "VARCHAR(100) NOT NULL, PAYLOAD LONGBLOB, PRIVACY_MODE BIGINT(10), TIMESTAMP BIGINT(19), "
    "VALIDATION_STAGE "
    "BIGINT(19), PRIMARY KEY (ID), INDEX ST_TRANSACTION_VALSTG (VALIDATION_STAGE), INDEX "
    "ST_TRANSACTION_HASH "
    "(HASH)) COLLATE utf8mb4_bin",
    "CREATE TABLE IF NOT EXISTS ST_AFFECTED_TRANSACTION (ID BIGINT(19) NOT NULL, AFFECTED_HASH "
    "VARCHAR(100) NOT "
    "NULL, TXN_ID BIGINT(19) NOT NULL, PRIMARY KEY (ID), CONSTRAINT "
    "FK_ST_AFFECTED_TRANSACTION_TXN_ID FOREIGN "
    "KEY (TXN_ID) REFERENCES ST_TRANSACTION (ID)) COLLATE utf8mb4_bin",
    "CREATE TABLE IF NOT EXISTS QUORATE_DELIVERY (HASH VARBINARY(100) NOT NULL, RECIPIENT "
    "VARBINARY(256) NOT NULL, "
    "CREATED BIGINT NOT NULL, NEXT_TRY BIGINT NOT NULL, ATTEMPTS BIGINT NOT NULL, PRIMARY KEY "
    "(HASH, RECIPIENT), "
    "INDEX QUORATE_DELIVERY_NEXT (NEXT_TRY))",
};

static const char *const create_sqlite[TABLES] = {
    "CREATE TABLE IF NOT EXISTS ENCRYPTED_TRANSACTION (ENCODED_PAYLOAD BLOB NOT NULL, "
    "PAYLOAD_CODEC VARCHAR(50), "
    "HASH BLOB NOT NULL, TIMESTAMP NUMBER(19), PRIMARY KEY (HASH))",
    "CREATE TABLE IF NOT EXISTS ENCRYPTED_RAW_TRANSACTION (ENCRYPTED_KEY BLOB NOT NULL, "
    "ENCRYPTED_PAYLOAD BLOB "
    "NOT NULL, NONCE BLOB NOT NULL, SENDER BLOB NOT NULL, TIMESTAMP NUMBER(19), HASH BLOB NOT "
    "NULL, PRIMARY KEY "
    "(HASH))",
    "CREATE TABLE IF NOT EXISTS PRIVACY_GROUP (ID BLOB NOT NULL, LOOKUP_ID BLOB NOT NULL, DATA "
    "BLOB NOT NULL, "
    "TIMESTAMP NUMBER(19), PRIMARY KEY (ID))",
    "CREATE TABLE IF NOT EXISTS ST_TRANSACTION (ID NUMBER(19) NOT NULL, PAYLOAD_CODEC VARCHAR(50), "
    "HASH VARCHAR "
    "NOT NULL, PAYLOAD BLOB, PRIVACY_MODE NUMBER(10), TIMESTAMP NUMBER(19), VALIDATION_STAGE "
    "NUMBER(19), PRIMARY "
    "KEY (ID))",
    "CREATE TABLE IF NOT EXISTS ST_AFFECTED_TRANSACTION (ID NUMBER(19) NOT NULL, AFFECTED_HASH "
    "VARCHAR NOT NULL, "
    "TXN_ID NUMBER(19) NOT NULL, PRIMARY KEY (ID), CONSTRAINT FK_ST_AFFECTED_TRANSACTION_TXN_ID "
    "FOREIGN KEY "
    "(TXN_ID) REFERENCES ST_TRANSACTION (ID))",
    "CREATE TABLE IF NOT EXISTS QUORATE_DELIVERY (HASH BLOB NOT NULL, RECIPIENT BLOB NOT NULL, "
    "CREATED NUMBER(19) "
    "NOT NULL, NEXT_TRY NUMBER(19) NOT NULL, ATTEMPTS NUMBER(19) NOT NULL, PRIMARY KEY (HASH, "
    "RECIPIENT))",
};

/* Of SQLite, whose tables cannot carry them. */
static const struct {
    enum table table;
    const char *text;
} indexes_sqlite[] = {
    {STAGED,
     "CREATE INDEX IF NOT EXISTS ST_TRANSACTION_VALSTG ON ST_TRANSACTION (VALIDATION_STAGE)"},
    {STAGED, "CREATE INDEX IF NOT EXISTS ST_TRANSACTION_HASH ON ST_TRANSACTION (HASH)"},
    {AFFECTED, "CREATE INDEX IF NOT EXISTS QUORATE_AFFECTED ON ST_AFFECTED_TRANSACTION (TXN_ID)"},
    {DELIVERY, "CREATE INDEX IF NOT EXISTS QUORATE_DELIVERY_NEXT ON QUORATE_DELIVERY (NEXT_TRY)"},
};

struct found {
    bool there, has_codec, has_timestamp, narrow;
    char narrow_column[32], narrow_type[16];
};

/* Types of MySQL that end below what a payload may have. */
static int column_row(void *context, const struct tm_sql_value *v, size_t count)
{
    struct found *f = context;
    char name[64], type[64];
    (void)count;
    snprintf(name, sizeof(name), "%.*s", (int)(v[0].b.len & 63), (const char *)v[0].b.data);
    snprintf(type, sizeof(type), "%.*s", (int)(v[1].b.len & 63), (const char *)v[1].b.data);
    f->there = true;
    f->has_codec = f->has_codec || strcasecmp(name, "PAYLOAD_CODEC") == 0;
    f->has_timestamp = f->has_timestamp || strcasecmp(name, "TIMESTAMP") == 0;
    bool large = strcasecmp(name, "ENCODED_PAYLOAD") == 0 ||
                 strcasecmp(name, "ENCRYPTED_PAYLOAD") == 0 || strcasecmp(name, "PAYLOAD") == 0 ||
                 strcasecmp(name, "DATA") == 0;
    if (large && (strcasecmp(type, "blob") == 0 || strcasecmp(type, "tinyblob") == 0 ||
                  strcasecmp(type, "varbinary") == 0)) {
        f->narrow = true;
        snprintf(f->narrow_column, sizeof(f->narrow_column), "%.31s", name);
        snprintf(f->narrow_type, sizeof(f->narrow_type), "%.15s", type);
    }
    return 0;
}

static int look_at(struct tm_sql *sql, struct found *ret, enum table table,
                   struct err_detail *detail)
{
    static const char *const texts[] = {
        [TM_STORE_SQLITE] = "SELECT name, type FROM pragma_table_info(?)",
        [TM_STORE_MYSQL] = "SELECT COLUMN_NAME, DATA_TYPE FROM information_schema.COLUMNS WHERE "
                           "TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ?"};
    struct tm_sql_params p = {.count = 0};
    *ret = (struct found){0};
    tm_sql_add_text(&p, bytes_str(table_names[table]));
    return tm_sql_run(sql, TM_SQL_ONCE, texts[sql->product], &p, column_row, ret, NULL, detail);
}

static int command(struct tm_sql *sql, const char *text, struct err_detail *detail)
{
    static const struct tm_sql_params none;
    return tm_sql_run(sql, TM_SQL_ONCE, text, &none, NULL, NULL, NULL, detail);
}

static int make(struct tm_sql *sql, enum table table, struct err_detail *detail)
{
    int status = command(
        sql, (sql->product == TM_STORE_MYSQL ? create_mysql : create_sqlite)[table], detail);
    for (size_t i = 0;
         status == 0 && sql->product == TM_STORE_SQLITE && i < BASE_COUNT(indexes_sqlite); i++)
        if (indexes_sqlite[i].table == table)
            status = command(sql, indexes_sqlite[i].text, detail);
    return status;
}

/* Makes a column of MySQL wide enough. The server does it as a whole or not at all, with the table locked. */
static int widen(struct tm_sql *sql, enum table table, struct found *f, tm_note_fn *note,
                 void *note_context, struct err_detail *detail)
{
    char text[160], message[512];
    struct err_detail cause = {""};
    const char *null = table == STAGED ? "" : " NOT NULL";
    snprintf(text, sizeof(text), "ALTER TABLE %s MODIFY %s LONGBLOB%s", table_names[table],
             f->narrow_column, null);
    if (command(sql, text, &cause) < 0)
        return err_set(
            detail, ERR_USAGE,
            "%s.%s is a %s, too small for the payloads that a node may send, and cannot be "
            "changed (%.200s). As a user who may: %s;",
            table_names[table], f->narrow_column, f->narrow_type, cause.text, text);
    snprintf(message, sizeof(message),
             "%s.%s was a %s, which is too small for the payloads that a node may "
             "send; it is a LONGBLOB now",
             table_names[table], f->narrow_column, f->narrow_type);
    if (note)
        note(note_context, message);
    return 0;
}

static int check_table(struct tm_sql *sql, struct found *ret, enum table table, bool first,
                       bool create, tm_note_fn *note, void *note_context, struct err_detail *detail)
{
    int status = look_at(sql, ret, table, detail);
    if (status < 0)
        return status;
    bool needed = table <= RAW_TRANSACTIONS;
    if (!ret->there && first && (create || !needed)) {
        status = make(sql, table, detail);
        /* what only newer releases have is done without when the user may not make it */
        if (status < 0 && (needed || status == ERR_NOMEM))
            return status;
        status = look_at(sql, ret, table, detail);
        if (status == 0 && ret->there && needed && note)
            note(note_context, "the tables were not there and have been made");
    }
    if (status == 0 && !ret->there && needed)
        return err_set(detail, ERR_NOTFOUND,
                       "the database has no table %s: it has not been set up. Set "
                       "jdbc.autoCreateTables, or make Tessera's tables",
                       table_names[table]);
    if (status == 0 && needed && !ret->has_timestamp)
        return err_set(
            detail, ERR_USAGE,
            "%s has no column TIMESTAMP (Tessera before 0.8). Add it: ALTER TABLE %s ADD "
            "TIMESTAMP BIGINT;",
            table_names[table], table_names[table]);
    if (status == 0 && first && ret->narrow && sql->product == TM_STORE_MYSQL)
        status = widen(sql, table, ret, note, note_context, detail);
    return status;
}

static int warn_row(void *context, const struct tm_sql_value *v, size_t count)
{
    uint64_t *values = context;
    for (size_t i = 0; i < count; i++)
        values[i] = v[i].type == TM_SQL_INT && v[i].n > 0 ? (uint64_t)v[i].n : 0;
    return 0;
}

/* What a server is set to that would lose or refuse payloads. */
static void check_server(struct tm_sql *sql, tm_note_fn *note, void *note_context)
{
    static const struct tm_sql_params none;
    uint64_t values[2] = {1, UINT64_MAX};
    char text[256];
    if (tm_sql_run(sql, TM_SQL_ONCE,
                   "SELECT @@innodb_flush_log_at_trx_commit, @@max_allowed_packet", &none, warn_row,
                   values, NULL, NULL) < 0 ||
        !note)
        return;
    if (values[0] != 1)
        note(note_context,
             "innodb_flush_log_at_trx_commit is not 1: payloads that were acknowledged "
             "may be lost when the database server's machine stops");
    if (values[1] < (1 << 20)) {
        snprintf(text, sizeof(text), "max_allowed_packet is %llu: larger payloads cannot be stored",
                 (unsigned long long)values[1]);
        note(note_context, text);
    }
}

static int number_row(void *context, const struct tm_sql_value *v, size_t count)
{
    (void)count;
    *(uint64_t *)context = v[0].type == TM_SQL_INT ? (uint64_t)v[0].n : 0;
    return 0;
}

static int check_tables(struct tm_sql *sql, struct found found[TABLES],
                        const struct tm_store_place *place, bool first, tm_note_fn *note,
                        void *note_context, struct err_detail *detail)
{
    static const struct tm_sql_params none;
    bool create = place->create;
    uint64_t objects = 1;
    int status = 0;
    /* a SQLite database without anything in it is a new one: also one whose maker was killed at it */
    if (first && sql->product == TM_STORE_SQLITE)
        status = tm_sql_run(sql, TM_SQL_ONCE, "SELECT COUNT(*) FROM sqlite_master", &none,
                            number_row, &objects, NULL, detail);
    create = create || objects == 0;
    for (size_t i = 0; status == 0 && i < TABLES; i++)
        status = check_table(sql, &found[i], (enum table)i, first, create,
                             objects == 0 ? NULL : note, note_context, detail);
    return status;
}

int tm_session_open(struct tm_session **ret_session, const struct tm_store_place *place, bool first,
                    tm_note_fn *note, void *note_context, struct buf *ret_description,
                    struct err_detail *detail)
{
    struct tm_sql *sql;
    struct found found[TABLES];
    int status = place->product == TM_STORE_MYSQL
                     ? tm_mysql_open(&sql, place, ret_description, detail)
                     : tm_sqlite_open(&sql, place, ret_description, detail);
    if (status < 0)
        return status;
    first = first && !place->read_only;
    /* all tables or none, where the product can; MySQL commits each one */
    bool together = first && sql->product == TM_STORE_SQLITE;
    if (together)
        status = command(sql, "BEGIN IMMEDIATE", detail);
    if (status == 0)
        status = check_tables(sql, found, place, first, note, note_context, detail);
    if (status == 0 && together)
        status = command(sql, "COMMIT", detail);
    if (status < 0) {
        sql->ops->close(sql); /* which undoes what was begun */
        return place->product == TM_STORE_SQLITE && !place->in_memory
                   ? err_prefix(detail, status, "%s", place->path)
                   : status;
    }
    if (first && sql->product == TM_STORE_MYSQL)
        check_server(sql, note, note_context);
    sql->has_codec = found[TRANSACTIONS].has_codec;
    sql->has_groups = found[GROUPS].there;
    sql->has_staging = found[STAGED].there && found[AFFECTED].there;
    sql->has_staged_codec = found[STAGED].has_codec;
    sql->has_deliveries = found[DELIVERY].there;
    *ret_session = &sql->session;
    return 0;
}

void tm_session_close(struct tm_session *session)
{
    if (session)
        session->ops->close(session);
}
