/*
 * SQL in one way over two libraries. A connection runs statements with parameters and hands rows to a function; it
 * keeps what it has prepared. Not for other folders.
 */
#ifndef TM_STORE_SQL_H
#define TM_STORE_SQL_H

#include "tm/store/request.h"

enum tm_sql_type { TM_SQL_NULL, TM_SQL_INT, TM_SQL_BYTES, TM_SQL_TEXT };

struct tm_sql_value {
    enum tm_sql_type type;
    int64_t n;
    struct bytes b; /* of bytes and text */
};

enum {
    TM_SQL_PARAMS_MAX = 64,
    TM_SQL_COLUMNS_MAX = 8,
    TM_SQL_SLOTS = 64, /* statements that are kept */
    TM_SQL_ONCE = -1,  /* the slot of one that is not kept */
};

struct tm_sql_params {
    struct tm_sql_value v[TM_SQL_PARAMS_MAX];
    size_t count;
};

static inline void tm_sql_add_int(struct tm_sql_params *p, uint64_t n)
{
    assert(p->count < TM_SQL_PARAMS_MAX);
    p->v[p->count++] = (struct tm_sql_value){.type = TM_SQL_INT, .n = (int64_t)n};
}

static inline void tm_sql_add_bytes(struct tm_sql_params *p, struct bytes b)
{
    assert(p->count < TM_SQL_PARAMS_MAX);
    p->v[p->count++] = (struct tm_sql_value){.type = TM_SQL_BYTES, .b = b};
}

static inline void tm_sql_add_text(struct tm_sql_params *p, struct bytes b)
{
    assert(p->count < TM_SQL_PARAMS_MAX);
    p->v[p->count++] = (struct tm_sql_value){.type = TM_SQL_TEXT, .b = b};
}

/* One row; values live during the call. 0, 1 (enough: no more rows), or a failure. */
typedef int tm_sql_row_fn(void *context, const struct tm_sql_value *values, size_t count);

struct tm_sql;

struct tm_sql_ops {
    /* ERR_EXISTS for a key that is there already; other failures with a message. `ret_changed` (may be NULL): rows that
     * were inserted, changed or deleted. */
    int (*run)(struct tm_sql *sql, int slot, const char *text, const struct tm_sql_params *params,
               tm_sql_row_fn *fn, void *context, uint64_t *ret_changed, struct err_detail *detail);
    void (*close)(struct tm_sql *sql);
};

struct tm_sql {
    struct tm_session session; /* first: a session is a connection with the requests on top */
    const struct tm_sql_ops *ops;
    enum tm_store_product product;
    bool has_codec;        /* ENCRYPTED_TRANSACTION.PAYLOAD_CODEC */
    bool has_staged_codec; /* ST_TRANSACTION.PAYLOAD_CODEC */
    bool has_groups, has_staging, has_deliveries;
};

extern const struct tm_session_ops tm_sql_session_ops;

static inline int tm_sql_run(struct tm_sql *sql, int slot, const char *text,
                             const struct tm_sql_params *params, tm_sql_row_fn *fn, void *context,
                             uint64_t *ret_changed, struct err_detail *detail)
{
    return sql->ops->run(sql, slot, text, params, fn, context, ret_changed, detail);
}

/* The connections alone. `ret_description` (may be NULL): appended "SQLite 3.40.1 at …". */
int tm_sqlite_open(struct tm_sql **ret_sql, const struct tm_store_place *place,
                   struct buf *ret_description, struct err_detail *detail) BASE_NODISCARD;
/* What the first would wait for, or call no database without a reason: files that are no regular ones or links that lead nowhere, H2's.
 * ERR_INPUT, ERR_IO, ERR_UNSUPPORTED, with the path. */
int tm_sqlite_check(const char *path, struct err_detail *detail) BASE_NODISCARD;
bool tm_sqlite_is_h2(const char *path);
int tm_sqlite_refuse_h2(struct err_detail *detail);
int tm_mysql_open(struct tm_sql **ret_sql, const struct tm_store_place *place,
                  struct buf *ret_description, struct err_detail *detail) BASE_NODISCARD;

#endif
