/* What the files of requests as SQL share. Not for others. */
#ifndef TM_STORE_SQL_PRIV_H
#define TM_STORE_SQL_PRIV_H

#include "tm/store/sql.h"

enum { TM_SQL_ROWS_MAX = 16 /* of one INSERT */ };

enum tm_sql_slot {
    TM_SQL_PUT,
    TM_SQL_PUT_DELIVERY,
    TM_SQL_GET,
    TM_SQL_PAGE,
    TM_SQL_COUNT,
    TM_SQL_REPLACE,
    TM_SQL_DELETE,
    TM_SQL_DELETE_DELIVERIES,
    TM_SQL_PUT_RAW,
    TM_SQL_GET_RAW,
    TM_SQL_PAGE_RAW,
    TM_SQL_PUT_GROUP,
    TM_SQL_UPDATE_GROUP,
    TM_SQL_GET_GROUP,
    TM_SQL_FIND_GROUPS,
    TM_SQL_ALL_GROUPS,
    TM_SQL_STAGE,
    TM_SQL_STAGE_AFFECTED,
    TM_SQL_STAGE_MAX,
    TM_SQL_STAGE_MAX_AFFECTED,
    TM_SQL_STAGE_READY,
    TM_SQL_STAGE_SET,
    TM_SQL_STAGED_PAGE,
    TM_SQL_STAGED_COUNT,
    TM_SQL_STAGED_COUNT_OPEN,
    TM_SQL_STAGED_CLEAR_AFFECTED,
    TM_SQL_STAGED_CLEAR,
    TM_SQL_DELIVERIES,
    TM_SQL_POSTPONE,
    TM_SQL_DELIVERED,
    TM_SQL_STATEMENTS,
    /* TM_SQL_PUT of n rows is kept at TM_SQL_PUT_ROWS + n */
    TM_SQL_PUT_ROWS = TM_SQL_STATEMENTS,
    TM_SQL_SLOTS_USED = TM_SQL_PUT_ROWS + TM_SQL_ROWS_MAX + 1
};

static_assert((int)TM_SQL_SLOTS_USED <= (int)TM_SQL_SLOTS, "every statement has a place");
static_assert(4 * TM_SQL_ROWS_MAX <= TM_SQL_PARAMS_MAX, "and every value");

/* Runs the statement of that slot; as tm_sql_run. */
int tm_sql_do(struct tm_sql *sql, enum tm_sql_slot slot, const struct tm_sql_params *params,
              tm_sql_row_fn *fn, void *context, uint64_t *ret_changed, struct err_detail *detail);
/* TM_SQL_PUT for so many rows at once, at most TM_SQL_ROWS_MAX. */
int tm_sql_do_puts(struct tm_sql *sql, size_t rows, const struct tm_sql_params *params,
                   struct err_detail *detail);

/* --- Writing (sql_write.c), recovery (sql_stage.c): requests of those kinds, as tm_session_ops.run --- */

int tm_sql_write_request(struct tm_sql *sql, struct tm_store_request *r, struct err_detail *detail);
int tm_sql_stage_request(struct tm_sql *sql, struct tm_store_request *r, struct err_detail *detail);
/* How many from `first` on go in one statement; 0: `first` needs more than that. */
size_t tm_sql_puts_together(const struct tm_sql *sql, const struct tm_store_request *first);
/* Those, in one. ERR_EXISTS: one of them is there already, and nothing was done. */
int tm_sql_put_together(struct tm_sql *sql, struct tm_store_request *first, size_t count,
                        struct err_detail *detail);

/* --- Values and rows (sql.c) --- */

uint64_t tm_sql_as_u64(const struct tm_sql_value *v);
enum tmproto_codec tm_sql_as_codec(const struct tm_sql_value *values, size_t count, size_t at);
/* Adds the codec where there is a column for it; without one only LEGACY can be stored. */
int tm_sql_add_codec(struct tm_sql_params *p, bool has_column, enum tmproto_codec codec,
                     struct err_detail *detail);
/* Whether a page is full; the answer's `more` is set then. */
bool tm_sql_page_is_full(struct tm_store_request *r);
/* A tm_sql_row_fn for one number; the context is a uint64_t. */
int tm_sql_number_row(void *context, const struct tm_sql_value *v, size_t count);
/* The one number that a statement gives, as the answer's count. */
int tm_sql_count(struct tm_sql *sql, struct tm_store_request *r, enum tm_sql_slot slot,
                 struct err_detail *detail);
int tm_sql_missing(const char *table, struct err_detail *detail);

#endif
