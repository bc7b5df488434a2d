/* Requests as SQL: what is read, and which function carries out what. */
#include "tm/store/sql_priv.h"

int tm_sql_missing(const char *table, struct err_detail *detail)
{
    return err_set(detail, ERR_UNSUPPORTED,
                   "the database has no table %s, and its user may not make it", table);
}

int tm_sql_add_codec(struct tm_sql_params *p, bool has_column, enum tmproto_codec codec,
                     struct err_detail *detail)
{
    if (has_column)
        tm_sql_add_text(p, bytes_str(tmproto_codec_name(codec)));
    else if (codec != TMPROTO_LEGACY)
        return err_set(detail, ERR_UNSUPPORTED,
                       "the table has no column PAYLOAD_CODEC: only LEGACY can be stored");
    return 0;
}

uint64_t tm_sql_as_u64(const struct tm_sql_value *v)
{
    return v->type == TM_SQL_INT && v->n > 0 ? (uint64_t)v->n : 0;
}

enum tmproto_codec tm_sql_as_codec(const struct tm_sql_value *values, size_t count, size_t at)
{
    enum tmproto_codec codec = TMPROTO_LEGACY;
    if (at < count && values[at].type != TM_SQL_NULL && !tmproto_codec_parse(&codec, values[at].b))
        codec =
            TMPROTO_LEGACY; /* an unknown one does not decode, which tells more than refusing here */
    return codec;
}

bool tm_sql_page_is_full(struct tm_store_request *r)
{
    if (r->answer.count < r->limit && r->bytes < TM_STORE_PAGE_BYTES)
        return false;
    r->answer.more = true;
    return true;
}

static int payload_row(void *context, const struct tm_sql_value *v, size_t count)
{
    struct tm_store_request *r = context;
    struct tm_store_payload row = {v[0].b, tm_sql_as_codec(v, count, 3), v[1].b,
                                   tm_sql_as_u64(&v[2])};
    return tm_sql_page_is_full(r) ? 1 : tm_store_add_payload(r, &row);
}

static int raw_row(void *context, const struct tm_sql_value *v, size_t count)
{
    struct tm_store_request *r = context;
    struct tm_store_raw row = {v[5].b, v[1].b, v[0].b, v[2].b, v[3].b, tm_sql_as_u64(&v[4])};
    (void)count;
    return tm_sql_page_is_full(r) ? 1 : tm_store_add_raw(r, &row);
}

static int group_row(void *context, const struct tm_sql_value *v, size_t count)
{
    struct tm_store_request *r = context;
    struct tm_store_group row = {v[0].b, v[1].b, v[2].b, tm_sql_as_u64(&v[3])};
    (void)count;
    return tm_sql_page_is_full(r) ? 1 : tm_store_add_group(r, &row);
}

static int delivery_row(void *context, const struct tm_sql_value *v, size_t count)
{
    struct tm_store_request *r = context;
    struct tm_store_delivery row = {v[0].b, v[1].b, tm_sql_as_u64(&v[2]), tm_sql_as_u64(&v[3]),
                                    (uint32_t)tm_sql_as_u64(&v[4])};
    (void)count;
    return tm_sql_page_is_full(r) ? 1 : tm_store_add_delivery(r, &row);
}

int tm_sql_number_row(void *context, const struct tm_sql_value *v, size_t count)
{
    (void)count;
    *(uint64_t *)context = tm_sql_as_u64(&v[0]);
    return 0;
}

int tm_sql_count(struct tm_sql *sql, struct tm_store_request *r, enum tm_sql_slot slot,
                 struct err_detail *detail)
{
    static const struct tm_sql_params none;
    uint64_t number = 0;
    int status = tm_sql_do(sql, slot, &none, tm_sql_number_row, &number, NULL, detail);
    r->answer.count = number;
    return status;
}

/* A row by its key: DONE or ABSENT. */
static int get(struct tm_sql *sql, struct tm_store_request *r, enum tm_sql_slot slot,
               tm_sql_row_fn *fn, struct err_detail *detail)
{
    struct tm_sql_params p = {.count = 0};
    tm_sql_add_bytes(&p, r->key);
    r->limit = 1;
    int status = tm_sql_do(sql, slot, &p, fn, r, NULL, detail);
    if (r->answer.count == 0)
        r->answer.status = TM_STORE_ABSENT;
    r->answer.more = false;
    return status;
}

static int get_many(struct tm_sql *sql, struct tm_store_request *r, struct err_detail *detail)
{
    int status = 0;
    r->limit = r->hashes.count;
    for (size_t i = 0; status == 0 && i < r->hashes.count; i++) {
        struct tm_sql_params p = {.count = 0};
        tm_sql_add_bytes(&p, r->hashes.items[i]);
        status = tm_sql_do(sql, TM_SQL_GET, &p, payload_row, r, NULL, detail);
    }
    return status;
}

static int page(struct tm_sql *sql, struct tm_store_request *r, enum tm_sql_slot slot,
                tm_sql_row_fn *fn, struct err_detail *detail)
{
    struct tm_sql_params p = {.count = 0};
    tm_sql_add_bytes(&p, r->key);
    tm_sql_add_int(&p, r->limit + 1);
    return tm_sql_do(sql, slot, &p, fn, r, NULL, detail);
}

static int find_groups(struct tm_sql *sql, struct tm_store_request *r, struct err_detail *detail)
{
    struct tm_sql_params p = {.count = 0};
    r->limit = TM_STORE_PAGE_MAX;
    if (!sql->has_groups)
        return 0;
    if (r->key.len)
        tm_sql_add_bytes(&p, r->key);
    return tm_sql_do(sql, r->key.len ? TM_SQL_FIND_GROUPS : TM_SQL_ALL_GROUPS, &p, group_row, r,
                     NULL, detail);
}

static int deliveries(struct tm_sql *sql, struct tm_store_request *r, struct err_detail *detail)
{
    struct tm_sql_params p = {.count = 0};
    if (!sql->has_deliveries)
        return 0;
    tm_sql_add_int(&p, r->now);
    tm_sql_add_int(&p, r->now + TM_STORE_AHEAD_MAX_MS);
    tm_sql_add_int(&p, r->limit + 1);
    return tm_sql_do(sql, TM_SQL_DELIVERIES, &p, delivery_row, r, NULL, detail);
}

static int absent(struct tm_store_request *r)
{
    r->answer.status = TM_STORE_ABSENT;
    return 0;
}

static int run_request(struct tm_session *session, struct tm_store_request *r,
                       struct err_detail *detail)
{
    struct tm_sql *sql = (struct tm_sql *)session;
    switch (r->op) {
    case TM_STORE_OP_PUT:
    case TM_STORE_OP_REPLACE:
    case TM_STORE_OP_DELETE:
    case TM_STORE_OP_PUT_RAW:
    case TM_STORE_OP_PUT_GROUP:
    case TM_STORE_OP_POSTPONE:
    case TM_STORE_OP_DELIVERED:
        return tm_sql_write_request(sql, r, detail);
    case TM_STORE_OP_STAGE:
    case TM_STORE_OP_STAGE_STEP:
    case TM_STORE_OP_STAGED_CLEAR:
    case TM_STORE_OP_STAGED_PAGE:
    case TM_STORE_OP_STAGED_COUNT:
        return tm_sql_stage_request(sql, r, detail);
    case TM_STORE_OP_GET:
        return get(sql, r, TM_SQL_GET, payload_row, detail);
    case TM_STORE_OP_GET_MANY:
        return get_many(sql, r, detail);
    case TM_STORE_OP_PAGE:
        return page(sql, r, TM_SQL_PAGE, payload_row, detail);
    case TM_STORE_OP_PAGE_RAW:
        return page(sql, r, TM_SQL_PAGE_RAW, raw_row, detail);
    case TM_STORE_OP_COUNT:
        return tm_sql_count(sql, r, TM_SQL_COUNT, detail);
    case TM_STORE_OP_GET_RAW:
        return get(sql, r, TM_SQL_GET_RAW, raw_row, detail);
    case TM_STORE_OP_GET_GROUP:
        return sql->has_groups ? get(sql, r, TM_SQL_GET_GROUP, group_row, detail) : absent(r);
    case TM_STORE_OP_FIND_GROUPS:
        return find_groups(sql, r, detail);
    case TM_STORE_OP_DELIVERIES:
        return deliveries(sql, r, detail);
    case TM_STORE_OPS:
        break;
    }
    assert(false);
    return ERR_USAGE;
}

static int simple(struct tm_session *session, const char *text, struct err_detail *detail)
{
    static const struct tm_sql_params none;
    struct tm_sql *sql = (struct tm_sql *)session;
    return tm_sql_run(sql, TM_SQL_ONCE, text, &none, NULL, NULL, NULL, detail);
}

static int begin(struct tm_session *session, struct err_detail *detail)
{
    struct tm_sql *sql = (struct tm_sql *)session;
    /* SQLite: the right to write is taken at once, so that no statement later finds it gone */
    return simple(session, sql->product == TM_STORE_SQLITE ? "BEGIN IMMEDIATE" : "BEGIN", detail);
}

static int commit(struct tm_session *session, struct err_detail *detail)
{
    return simple(session, "COMMIT", detail);
}

static void rollback(struct tm_session *session)
{
    /* fails where the library has rolled back already, or the connection is gone: undone either way */
    (void)simple(session, "ROLLBACK", NULL);
}

/* Puts that follow each other go in one statement. When one of them is there already, each goes for itself: a statement
 * that fails has done nothing, and the transaction stays. */
static int write_part(struct tm_sql *sql, struct tm_store_request *first,
                      struct tm_store_request **ret_next, struct err_detail *detail)
{
    size_t count = tm_sql_puts_together(sql, first);
    int status = count ? tm_sql_put_together(sql, first, count, detail) : ERR_EXISTS;
    bool each = status == ERR_EXISTS;
    status = each ? 0 : status;
    for (size_t i = 0; status == 0 && i < (count ? count : 1); i++, first = first->next)
        if (each)
            status = run_request(&sql->session, first, detail);
    *ret_next = first;
    return status;
}

static int write_all(struct tm_session *session, struct tm_store_request *first,
                     struct err_detail *detail)
{
    struct tm_sql *sql = (struct tm_sql *)session;
    size_t count = 0, together = tm_sql_puts_together(sql, first);
    for (struct tm_store_request *r = first; r; r = r->next, count++)
        tm_store_request_reset(r);
    int status = ERR_EXISTS;
    if (together == count) /* one statement is a transaction of its own */
        status = tm_sql_put_together(sql, first, count, detail);
    if (status != ERR_EXISTS)
        return status;
    status = begin(session, detail);
    while (status == 0 && first)
        status = write_part(sql, first, &first, detail);
    if (status == 0)
        status = commit(session, detail);
    if (status < 0)
        rollback(session);
    return status;
}

static void close_session(struct tm_session *session)
{
    struct tm_sql *sql = (struct tm_sql *)session;
    sql->ops->close(sql);
}

const struct tm_session_ops tm_sql_session_ops = {begin,       commit,    rollback,
                                                  run_request, write_all, close_session};
