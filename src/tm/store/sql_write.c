/* What changes something: payloads, raw ones, groups, deliveries. */
#include "tm/store/sql_priv.h"

enum { TOGETHER_BYTES = 512 << 10 /* of payloads in one statement: below what any server takes */ };

struct match {
    struct bytes data;
    bool there, same;
};

static int match_row(void *context, const struct tm_sql_value *v, size_t count)
{
    struct match *m = context;
    (void)count;
    m->there = true;
    m->same = bytes_equal(v[1].b, m->data);
    return 1;
}

/* Whether a payload is stored, and with that content. */
static int look(struct tm_sql *sql, struct match *ret, struct bytes hash, struct bytes data,
                struct err_detail *detail)
{
    struct tm_sql_params p = {.count = 0};
    *ret = (struct match){data, false, false};
    tm_sql_add_bytes(&p, hash);
    return tm_sql_do(sql, TM_SQL_GET, &p, match_row, ret, NULL, detail);
}

static int put_deliveries(struct tm_sql *sql, const struct tm_store_request *r,
                          struct err_detail *detail)
{
    if (r->count && !sql->has_deliveries)
        return tm_sql_missing("QUORATE_DELIVERY", detail);
    for (size_t i = 0; i < r->count; i++) {
        const struct tm_store_delivery *d = &r->deliveries[i];
        struct tm_sql_params p = {.count = 0};
        tm_sql_add_bytes(&p, d->hash);
        tm_sql_add_bytes(&p, d->recipient);
        tm_sql_add_int(&p, d->created);
        tm_sql_add_int(&p, d->next_try);
        tm_sql_add_int(&p, d->attempts);
        int status = tm_sql_do(sql, TM_SQL_PUT_DELIVERY, &p, NULL, NULL, NULL, detail);
        if (status < 0 && status != ERR_EXISTS)
            return status;
    }
    return 0;
}

static int add_row(const struct tm_sql *sql, struct tm_sql_params *p,
                   const struct tm_store_payload *row, struct err_detail *detail)
{
    tm_sql_add_bytes(p, row->data);
    tm_sql_add_bytes(p, row->hash);
    tm_sql_add_int(p, row->timestamp);
    return tm_sql_add_codec(p, sql->has_codec, row->codec, detail);
}

static int put(struct tm_sql *sql, struct tm_store_request *r, struct err_detail *detail)
{
    struct tm_sql_params p = {.count = 0};
    const struct tm_store_payload *row = &r->payload;
    int status = add_row(sql, &p, row, detail);
    if (status == 0)
        status = tm_sql_do(sql, TM_SQL_PUT, &p, NULL, NULL, NULL, detail);
    if (status == 0)
        return put_deliveries(sql, r, detail);
    if (status != ERR_EXISTS)
        return status;
    r->answer.status = TM_STORE_EXISTS;
    if (!r->again)
        return 0;
    struct match match; /* it may be ours, from the commit whose answer was lost */
    status = look(sql, &match, row->hash, row->data, detail);
    if (status == 0 && match.same)
        r->answer.status = TM_STORE_DONE;
    return status;
}

/* To a server each statement is a way there and back; to SQLite it is a call. */
size_t tm_sql_puts_together(const struct tm_sql *sql, const struct tm_store_request *first)
{
    size_t count = 0, bytes = 0;
    if (sql->product != TM_STORE_MYSQL)
        return 0;
    for (const struct tm_store_request *r = first; r && count < TM_SQL_ROWS_MAX; r = r->next) {
        if (r->op != TM_STORE_OP_PUT || r->count || r->again)
            break;
        bytes += r->payload.data.len;
        if (count && bytes > TOGETHER_BYTES)
            break;
        count++;
    }
    return count;
}

int tm_sql_put_together(struct tm_sql *sql, struct tm_store_request *first, size_t count,
                        struct err_detail *detail)
{
    struct tm_sql_params p = {.count = 0};
    int status = 0;
    const struct tm_store_request *r = first;
    for (size_t i = 0; status == 0 && i < count; i++, r = r->next)
        status = add_row(sql, &p, &r->payload, detail);
    return status == 0 ? tm_sql_do_puts(sql, count, &p, detail) : status;
}

static int replace(struct tm_sql *sql, struct tm_store_request *r, struct err_detail *detail)
{
    const struct tm_store_payload *row = &r->payload;
    struct tm_sql_params p = {.count = 0};
    struct match match;
    uint64_t changed = 0;
    tm_sql_add_bytes(&p, row->data);
    int status = tm_sql_add_codec(&p, sql->has_codec, row->codec, detail);
    tm_sql_add_bytes(&p, row->hash);
    tm_sql_add_bytes(&p, r->old);
    if (status == 0)
        status = tm_sql_do(sql, TM_SQL_REPLACE, &p, NULL, NULL, &changed, detail);
    if (status < 0 || changed)
        return status;
    status = look(sql, &match, row->hash, row->data, detail);
    r->answer.status = !match.there             ? TM_STORE_ABSENT
                       : match.same && r->again ? TM_STORE_DONE
                                                : TM_STORE_CHANGED;
    return status;
}

/* A statement that deletes by one or two keys. */
static int delete_by(struct tm_sql *sql, struct tm_store_request *r, enum tm_sql_slot slot,
                     struct bytes a, const struct bytes *b, struct err_detail *detail)
{
    struct tm_sql_params p = {.count = 0};
    uint64_t changed = 0;
    tm_sql_add_bytes(&p, a);
    if (b)
        tm_sql_add_bytes(&p, *b);
    int status = tm_sql_do(sql, slot, &p, NULL, NULL, &changed, detail);
    r->answer.status = changed || r->again ? TM_STORE_DONE : TM_STORE_ABSENT;
    return status;
}

static int delete(struct tm_sql *sql, struct tm_store_request *r, struct err_detail *detail)
{
    struct tm_sql_params p = {.count = 0};
    int status = delete_by(sql, r, TM_SQL_DELETE, r->key, NULL, detail);
    tm_sql_add_bytes(&p, r->key);
    return status == 0 && sql->has_deliveries
               ? tm_sql_do(sql, TM_SQL_DELETE_DELIVERIES, &p, NULL, NULL, NULL, detail)
               : status;
}

static int put_raw(struct tm_sql *sql, struct tm_store_request *r, struct err_detail *detail)
{
    struct tm_sql_params p = {.count = 0};
    tm_sql_add_bytes(&p, r->raw.encrypted_key);
    tm_sql_add_bytes(&p, r->raw.cipher_text);
    tm_sql_add_bytes(&p, r->raw.nonce);
    tm_sql_add_bytes(&p, r->raw.sender);
    tm_sql_add_int(&p, r->raw.timestamp);
    tm_sql_add_bytes(&p, r->raw.hash);
    int status = tm_sql_do(sql, TM_SQL_PUT_RAW, &p, NULL, NULL, NULL, detail);
    if (status != ERR_EXISTS)
        return status;
    /* a hash of a cipher text under a random key: after a lost answer it can only be ours */
    r->answer.status = r->again ? TM_STORE_DONE : TM_STORE_EXISTS;
    return 0;
}

static int put_group(struct tm_sql *sql, struct tm_store_request *r, struct err_detail *detail)
{
    struct tm_sql_params p = {.count = 0}, update = {.count = 0};
    if (!sql->has_groups)
        return tm_sql_missing("PRIVACY_GROUP", detail);
    tm_sql_add_bytes(&p, r->group.id);
    tm_sql_add_bytes(&p, r->group.lookup_id);
    tm_sql_add_bytes(&p, r->group.data);
    tm_sql_add_int(&p, r->group.timestamp);
    int status = tm_sql_do(sql, TM_SQL_PUT_GROUP, &p, NULL, NULL, NULL, detail);
    if (status != ERR_EXISTS)
        return status;
    tm_sql_add_bytes(&update, r->group.lookup_id);
    tm_sql_add_bytes(&update, r->group.data);
    tm_sql_add_int(&update, r->group.timestamp);
    tm_sql_add_bytes(&update, r->group.id);
    return tm_sql_do(sql, TM_SQL_UPDATE_GROUP, &update, NULL, NULL, NULL, detail);
}

static int postpone(struct tm_sql *sql, struct tm_store_request *r, struct err_detail *detail)
{
    const struct tm_store_delivery *d = &r->deliveries[0];
    struct tm_sql_params p = {.count = 0};
    uint64_t changed = 0;
    if (!sql->has_deliveries)
        return tm_sql_missing("QUORATE_DELIVERY", detail);
    tm_sql_add_int(&p, d->next_try);
    tm_sql_add_int(&p, d->attempts);
    tm_sql_add_bytes(&p, d->hash);
    tm_sql_add_bytes(&p, d->recipient);
    int status = tm_sql_do(sql, TM_SQL_POSTPONE, &p, NULL, NULL, &changed, detail);
    /* an update to the same values counts as no change in MySQL: then the insert finds the row and leaves it */
    return status == 0 && changed == 0 ? put_deliveries(sql, r, detail) : status;
}

static int absent(struct tm_store_request *r)
{
    r->answer.status = TM_STORE_ABSENT;
    return 0;
}

int tm_sql_write_request(struct tm_sql *sql, struct tm_store_request *r, struct err_detail *detail)
{
    switch (r->op) {
    case TM_STORE_OP_PUT:
        return put(sql, r, detail);
    case TM_STORE_OP_REPLACE:
        return replace(sql, r, detail);
    case TM_STORE_OP_DELETE:
        return delete (sql, r, detail);
    case TM_STORE_OP_PUT_RAW:
        return put_raw(sql, r, detail);
    case TM_STORE_OP_PUT_GROUP:
        return put_group(sql, r, detail);
    case TM_STORE_OP_POSTPONE:
        return postpone(sql, r, detail);
    default:
        assert(r->op == TM_STORE_OP_DELIVERED);
        return sql->has_deliveries ? delete_by(sql, r, TM_SQL_DELIVERED, r->key,
                                               &r->deliveries[0].recipient, detail)
                                   : absent(r);
    }
}
