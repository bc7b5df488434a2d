/* Requests as SQL. The tables are Tessera's, and so are names and orders of columns; two of them (PAYLOAD_CODEC) are
 * there from 22.1 on. QUORATE_DELIVERY is ours. */
#include "tm/store/sql.h"

#include "base/base64.h"

#include <stdio.h>

#define CODEC       "@" /* ", PAYLOAD_CODEC" where the table has it */
#define CODEC_VALUE "%" /* ", ?" likewise */
#define CODEC_SET   "^" /* ", PAYLOAD_CODEC = ?" likewise */

enum slot {
    PUT,
    PUT_DELIVERY,
    GET,
    PAGE,
    COUNT,
    REPLACE,
    DELETE,
    DELETE_DELIVERIES,
    PUT_RAW,
    GET_RAW,
    PAGE_RAW,
    PUT_GROUP,
    UPDATE_GROUP,
    GET_GROUP,
    FIND_GROUPS,
    ALL_GROUPS,
    DELETE_GROUP,
    STAGE,
    STAGE_AFFECTED,
    STAGE_MAX,
    STAGE_MAX_AFFECTED,
    STAGE_READY,
    STAGE_SET,
    STAGED_PAGE,
    STAGED_COUNT,
    STAGED_COUNT_OPEN,
    STAGED_CLEAR_AFFECTED,
    STAGED_CLEAR,
    DELIVERIES,
    POSTPONE,
    DELIVERED,
    SLOTS
};

static_assert((int)SLOTS <= (int)TM_SQL_SLOTS, "every statement has a place");

static const char *const statements[SLOTS] = {
    [PUT] = "INSERT INTO ENCRYPTED_TRANSACTION (ENCODED_PAYLOAD, HASH, TIMESTAMP" CODEC
            ") VALUES (?, ?, ?" CODEC_VALUE ")",
    [PUT_DELIVERY] = "INSERT INTO QUORATE_DELIVERY (HASH, RECIPIENT, CREATED, NEXT_TRY, ATTEMPTS) "
                     "VALUES (?, ?, ?, ?, ?)",
    [GET] = "SELECT HASH, ENCODED_PAYLOAD, TIMESTAMP" CODEC
            " FROM ENCRYPTED_TRANSACTION WHERE HASH = ?",
    [PAGE] = "SELECT HASH, ENCODED_PAYLOAD, TIMESTAMP" CODEC
             " FROM ENCRYPTED_TRANSACTION WHERE HASH > ? ORDER BY HASH LIMIT ?",
    [COUNT] = "SELECT COUNT(*) FROM ENCRYPTED_TRANSACTION",
    [REPLACE] = "UPDATE ENCRYPTED_TRANSACTION SET ENCODED_PAYLOAD = ?" CODEC_SET
                " WHERE HASH = ? AND ENCODED_PAYLOAD = ?",
    [DELETE] = "DELETE FROM ENCRYPTED_TRANSACTION WHERE HASH = ?",
    [DELETE_DELIVERIES] = "DELETE FROM QUORATE_DELIVERY WHERE HASH = ?",
    [PUT_RAW] = "INSERT INTO ENCRYPTED_RAW_TRANSACTION (ENCRYPTED_KEY, ENCRYPTED_PAYLOAD, NONCE, "
                "SENDER, TIMESTAMP, HASH) VALUES (?, ?, ?, ?, ?, ?)",
    [GET_RAW] = "SELECT ENCRYPTED_KEY, ENCRYPTED_PAYLOAD, NONCE, SENDER, TIMESTAMP, HASH FROM "
                "ENCRYPTED_RAW_TRANSACTION WHERE HASH = ?",
    [PAGE_RAW] = "SELECT ENCRYPTED_KEY, ENCRYPTED_PAYLOAD, NONCE, SENDER, TIMESTAMP, HASH FROM "
                 "ENCRYPTED_RAW_TRANSACTION WHERE HASH > ? ORDER BY HASH LIMIT ?",
    [PUT_GROUP] = "INSERT INTO PRIVACY_GROUP (ID, LOOKUP_ID, DATA, TIMESTAMP) VALUES (?, ?, ?, ?)",
    [UPDATE_GROUP] = "UPDATE PRIVACY_GROUP SET LOOKUP_ID = ?, DATA = ?, TIMESTAMP = ? WHERE ID = ?",
    [GET_GROUP] = "SELECT ID, LOOKUP_ID, DATA, TIMESTAMP FROM PRIVACY_GROUP WHERE ID = ?",
    [FIND_GROUPS] = "SELECT ID, LOOKUP_ID, DATA, TIMESTAMP FROM PRIVACY_GROUP WHERE LOOKUP_ID = ? "
                    "ORDER BY ID",
    [ALL_GROUPS] = "SELECT ID, LOOKUP_ID, DATA, TIMESTAMP FROM PRIVACY_GROUP ORDER BY ID",
    [DELETE_GROUP] = "DELETE FROM PRIVACY_GROUP WHERE ID = ?",
    [STAGE] = "INSERT INTO ST_TRANSACTION (ID, HASH, PAYLOAD, PRIVACY_MODE, TIMESTAMP, "
              "VALIDATION_STAGE" CODEC ") VALUES (?, ?, ?, ?, ?, NULL" CODEC_VALUE ")",
    [STAGE_AFFECTED] =
        "INSERT INTO ST_AFFECTED_TRANSACTION (ID, AFFECTED_HASH, TXN_ID) VALUES (?, ?, ?)",
    [STAGE_MAX] = "SELECT COALESCE(MAX(ID), 0) FROM ST_TRANSACTION",
    [STAGE_MAX_AFFECTED] = "SELECT COALESCE(MAX(ID), 0) FROM ST_AFFECTED_TRANSACTION",
    /* an affected hash holds a row back while any row of that hash, of this step too, is without an earlier stage */
    [STAGE_READY] =
        "SELECT T.ID FROM ST_TRANSACTION T WHERE T.VALIDATION_STAGE IS NULL AND NOT EXISTS (SELECT "
        "1 FROM ST_AFFECTED_TRANSACTION A JOIN ST_TRANSACTION O ON O.HASH = A.AFFECTED_HASH WHERE "
        "A.TXN_ID = T.ID AND O.VALIDATION_STAGE IS NULL) ORDER BY T.ID LIMIT ?",
    [STAGE_SET] = "UPDATE ST_TRANSACTION SET VALIDATION_STAGE = ? WHERE ID = ?",
    [STAGED_PAGE] =
        "SELECT ID, HASH, PAYLOAD, PRIVACY_MODE, TIMESTAMP, VALIDATION_STAGE" CODEC
        " FROM ST_TRANSACTION WHERE VALIDATION_STAGE > ? OR (VALIDATION_STAGE = ? AND (HASH > ? OR "
        "(HASH = ? AND ID > ?))) ORDER BY VALIDATION_STAGE, HASH, ID LIMIT ?",
    [STAGED_COUNT] = "SELECT COUNT(*) FROM ST_TRANSACTION",
    [STAGED_COUNT_OPEN] = "SELECT COUNT(*) FROM ST_TRANSACTION WHERE VALIDATION_STAGE IS NULL",
    [STAGED_CLEAR_AFFECTED] = "DELETE FROM ST_AFFECTED_TRANSACTION",
    [STAGED_CLEAR] = "DELETE FROM ST_TRANSACTION",
    [DELIVERIES] = "SELECT HASH, RECIPIENT, CREATED, NEXT_TRY, ATTEMPTS FROM QUORATE_DELIVERY "
                   "WHERE NEXT_TRY <= ? ORDER BY NEXT_TRY LIMIT ?",
    [POSTPONE] =
        "UPDATE QUORATE_DELIVERY SET NEXT_TRY = ?, ATTEMPTS = ? WHERE HASH = ? AND RECIPIENT = ?",
    [DELIVERED] = "DELETE FROM QUORATE_DELIVERY WHERE HASH = ? AND RECIPIENT = ?",
};

static bool is_staging(enum slot slot)
{
    return slot >= STAGE && slot <= STAGED_CLEAR;
}

static int run(struct tm_sql *sql, enum slot slot, const struct tm_sql_params *params,
               tm_sql_row_fn *fn, void *context, uint64_t *ret_changed, struct err_detail *detail)
{
    char text[512];
    size_t len = 0;
    bool codec = is_staging(slot) ? sql->has_staged_codec : sql->has_codec;
    for (const char *at = statements[slot]; *at; at++) {
        const char *more = *at == *CODEC         ? ", PAYLOAD_CODEC"
                           : *at == *CODEC_VALUE ? ", ?"
                           : *at == *CODEC_SET   ? ", PAYLOAD_CODEC = ?"
                                                 : NULL;
        if (!more)
            text[len++] = *at;
        else if (codec)
            len += (size_t)snprintf(text + len, sizeof(text) - len, "%s", more);
        assert(len < sizeof(text));
    }
    text[len] = 0;
    return tm_sql_run(sql, (int)slot, text, params, fn, context, ret_changed, detail);
}

static int missing(const char *table, struct err_detail *detail)
{
    return err_set(detail, ERR_UNSUPPORTED,
                   "the database has no table %s, and its user may not make it", table);
}

/* Adds the codec where there is a column for it; without one only LEGACY can be stored. */
static int add_codec(struct tm_sql_params *p, bool has_column, enum tmproto_codec codec,
                     struct err_detail *detail)
{
    if (has_column)
        tm_sql_add_text(p, bytes_str(tmproto_codec_name(codec)));
    else if (codec != TMPROTO_LEGACY)
        return err_set(detail, ERR_UNSUPPORTED,
                       "the table has no column PAYLOAD_CODEC: only LEGACY can be stored");
    return 0;
}

static uint64_t as_u64(const struct tm_sql_value *v)
{
    return v->type == TM_SQL_INT && v->n > 0 ? (uint64_t)v->n : 0;
}

static enum tmproto_codec as_codec(const struct tm_sql_value *values, size_t count, size_t at)
{
    enum tmproto_codec codec = TMPROTO_LEGACY;
    if (at < count && values[at].type != TM_SQL_NULL && !tmproto_codec_parse(&codec, values[at].b))
        codec =
            TMPROTO_LEGACY; /* an unknown one does not decode, which tells more than refusing here */
    return codec;
}

/* Whether a page is full; *more is set when a row is refused for that. */
static bool page_is_full(struct tm_store_request *r)
{
    if (r->answer.count < r->limit && r->bytes < TM_STORE_PAGE_BYTES)
        return false;
    r->answer.more = true;
    return true;
}

static int payload_row(void *context, const struct tm_sql_value *v, size_t count)
{
    struct tm_store_request *r = context;
    struct tm_store_payload row = {v[0].b, as_codec(v, count, 3), v[1].b, as_u64(&v[2])};
    return page_is_full(r) ? 1 : tm_store_add_payload(r, &row);
}

static int raw_row(void *context, const struct tm_sql_value *v, size_t count)
{
    struct tm_store_request *r = context;
    struct tm_store_raw row = {v[5].b, v[1].b, v[0].b, v[2].b, v[3].b, as_u64(&v[4])};
    (void)count;
    return page_is_full(r) ? 1 : tm_store_add_raw(r, &row);
}

static int group_row(void *context, const struct tm_sql_value *v, size_t count)
{
    struct tm_store_request *r = context;
    struct tm_store_group row = {v[0].b, v[1].b, v[2].b, as_u64(&v[3])};
    (void)count;
    return page_is_full(r) ? 1 : tm_store_add_group(r, &row);
}

static int delivery_row(void *context, const struct tm_sql_value *v, size_t count)
{
    struct tm_store_request *r = context;
    struct tm_store_delivery row = {v[0].b, v[1].b, as_u64(&v[2]), as_u64(&v[3]),
                                    (uint32_t)as_u64(&v[4])};
    (void)count;
    return page_is_full(r) ? 1 : tm_store_add_delivery(r, &row);
}

static int staged_row(void *context, const struct tm_sql_value *v, size_t count)
{
    struct tm_store_request *r = context;
    uint8_t hash[BASE64_EXACT_MAX];
    size_t len;
    if (base64_room(v[1].b.len) > sizeof(hash) || !base64_decode_into(hash, &len, v[1].b))
        return ERR_CORRUPT;
    struct tm_store_staged row = {.id = as_u64(&v[0]),
                                  .hash = bytes_of(hash, len),
                                  .codec = as_codec(v, count, 6),
                                  .data = v[2].b,
                                  .privacy = tmproto_privacy_from(as_u64(&v[3])),
                                  .timestamp = as_u64(&v[4]),
                                  .stage = as_u64(&v[5])};
    return page_is_full(r) ? 1 : tm_store_add_staged(r, &row);
}

static int number_row(void *context, const struct tm_sql_value *v, size_t count)
{
    (void)count;
    *(uint64_t *)context = as_u64(&v[0]);
    return 0;
}

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
    return run(sql, GET, &p, match_row, ret, NULL, detail);
}

static int put_deliveries(struct tm_sql *sql, const struct tm_store_request *r,
                          struct err_detail *detail)
{
    if (r->count && !sql->has_deliveries)
        return missing("QUORATE_DELIVERY", detail);
    for (size_t i = 0; i < r->count; i++) {
        const struct tm_store_delivery *d = &r->deliveries[i];
        struct tm_sql_params p = {.count = 0};
        tm_sql_add_bytes(&p, d->hash);
        tm_sql_add_bytes(&p, d->recipient);
        tm_sql_add_int(&p, d->created);
        tm_sql_add_int(&p, d->next_try);
        tm_sql_add_int(&p, d->attempts);
        int status = run(sql, PUT_DELIVERY, &p, NULL, NULL, NULL, detail);
        if (status < 0 && status != ERR_EXISTS)
            return status;
    }
    return 0;
}

static int put(struct tm_sql *sql, struct tm_store_request *r, struct err_detail *detail)
{
    struct tm_sql_params p = {.count = 0};
    const struct tm_store_payload *row = &r->payload;
    tm_sql_add_bytes(&p, row->data);
    tm_sql_add_bytes(&p, row->hash);
    tm_sql_add_int(&p, row->timestamp);
    int status = add_codec(&p, sql->has_codec, row->codec, detail);
    if (status == 0)
        status = run(sql, PUT, &p, NULL, NULL, NULL, detail);
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

static int replace(struct tm_sql *sql, struct tm_store_request *r, struct err_detail *detail)
{
    const struct tm_store_payload *row = &r->payload;
    struct tm_sql_params p = {.count = 0};
    struct match match;
    uint64_t changed = 0;
    tm_sql_add_bytes(&p, row->data);
    int status = add_codec(&p, sql->has_codec, row->codec, detail);
    tm_sql_add_bytes(&p, row->hash);
    tm_sql_add_bytes(&p, r->old);
    if (status == 0)
        status = run(sql, REPLACE, &p, NULL, NULL, &changed, detail);
    if (status < 0 || changed)
        return status;
    status = look(sql, &match, row->hash, row->data, detail);
    r->answer.status = !match.there             ? TM_STORE_ABSENT
                       : match.same && r->again ? TM_STORE_DONE
                                                : TM_STORE_CHANGED;
    return status;
}

/* A statement that deletes by one or two keys. */
static int delete_by(struct tm_sql *sql, struct tm_store_request *r, enum slot slot, struct bytes a,
                     const struct bytes *b, struct err_detail *detail)
{
    struct tm_sql_params p = {.count = 0};
    uint64_t changed = 0;
    tm_sql_add_bytes(&p, a);
    if (b)
        tm_sql_add_bytes(&p, *b);
    int status = run(sql, slot, &p, NULL, NULL, &changed, detail);
    r->answer.status = changed || r->again ? TM_STORE_DONE : TM_STORE_ABSENT;
    return status;
}

static int delete(struct tm_sql *sql, struct tm_store_request *r, struct err_detail *detail)
{
    struct tm_sql_params p = {.count = 0};
    int status = delete_by(sql, r, DELETE, r->key, NULL, detail);
    tm_sql_add_bytes(&p, r->key);
    return status == 0 && sql->has_deliveries
               ? run(sql, DELETE_DELIVERIES, &p, NULL, NULL, NULL, detail)
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
    int status = run(sql, PUT_RAW, &p, NULL, NULL, NULL, detail);
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
        return missing("PRIVACY_GROUP", detail);
    tm_sql_add_bytes(&p, r->group.id);
    tm_sql_add_bytes(&p, r->group.lookup_id);
    tm_sql_add_bytes(&p, r->group.data);
    tm_sql_add_int(&p, r->group.timestamp);
    int status = run(sql, PUT_GROUP, &p, NULL, NULL, NULL, detail);
    if (status != ERR_EXISTS)
        return status;
    tm_sql_add_bytes(&update, r->group.lookup_id);
    tm_sql_add_bytes(&update, r->group.data);
    tm_sql_add_int(&update, r->group.timestamp);
    tm_sql_add_bytes(&update, r->group.id);
    return run(sql, UPDATE_GROUP, &update, NULL, NULL, NULL, detail);
}

static int stage_affected(struct tm_sql *sql, const struct tm_store_staged *row, uint64_t id,
                          uint64_t *next, struct err_detail *detail)
{
    char text[BASE64_EXACT_MAX];
    for (size_t i = 0; i < row->affected.count; i++) {
        struct tm_sql_params p = {.count = 0};
        struct bytes hash = row->affected.items[i];
        if (hash.len > TM_STORE_HASH_MAX)
            return err_set(detail, ERR_LIMIT, "an affected hash of %zu bytes", hash.len);
        base64_encode(text, hash);
        tm_sql_add_int(&p, ++*next);
        tm_sql_add_text(&p, bytes_of(text, base64_length(hash.len)));
        tm_sql_add_int(&p, id);
        int status = run(sql, STAGE_AFFECTED, &p, NULL, NULL, NULL, detail);
        if (status < 0)
            return status;
    }
    return 0;
}

static int stage_row(struct tm_sql *sql, const struct tm_store_staged *row, uint64_t id,
                     uint64_t now, struct err_detail *detail)
{
    struct tm_sql_params p = {.count = 0};
    char text[BASE64_EXACT_MAX];
    base64_encode(text, row->hash);
    tm_sql_add_int(&p, id);
    tm_sql_add_text(&p, bytes_of(text, base64_length(row->hash.len)));
    tm_sql_add_bytes(&p, row->data);
    tm_sql_add_int(&p, row->privacy);
    tm_sql_add_int(&p, now);
    int status = add_codec(&p, sql->has_staged_codec, row->codec, detail);
    return status == 0 ? run(sql, STAGE, &p, NULL, NULL, NULL, detail) : status;
}

static int stage(struct tm_sql *sql, struct tm_store_request *r, struct err_detail *detail)
{
    static const struct tm_sql_params none;
    uint64_t id = 0, affected_id = 0;
    if (!sql->has_staging)
        return missing("ST_TRANSACTION", detail);
    int status = run(sql, STAGE_MAX, &none, number_row, &id, NULL, detail);
    if (status == 0)
        status = run(sql, STAGE_MAX_AFFECTED, &none, number_row, &affected_id, NULL, detail);
    for (size_t i = 0; status == 0 && i < r->count; i++) {
        status = stage_row(sql, &r->staged[i], ++id, r->now, detail);
        if (status == 0)
            status = stage_affected(sql, &r->staged[i], id, &affected_id, detail);
    }
    return status;
}

struct ids {
    struct arena *arena;
    uint64_t *ids;
    size_t count, room;
};

static int id_row(void *context, const struct tm_sql_value *v, size_t count)
{
    struct ids *list = context;
    (void)count;
    if (list->count < list->room)
        list->ids[list->count++] = as_u64(&v[0]);
    return 0;
}

static int stage_step(struct tm_sql *sql, struct tm_store_request *r, struct err_detail *detail)
{
    struct tm_sql_params p = {.count = 0};
    if (!sql->has_staging)
        return missing("ST_TRANSACTION", detail);
    struct ids list = {&r->arena, arena_alloc(&r->arena, r->limit * sizeof(uint64_t)), 0, r->limit};
    if (!list.ids)
        return err_set(detail, ERR_NOMEM, "out of memory");
    tm_sql_add_int(&p, r->limit);
    int status = run(sql, STAGE_READY, &p, id_row, &list, NULL, detail);
    for (size_t i = 0; status == 0 && i < list.count; i++) {
        struct tm_sql_params set = {.count = 0};
        tm_sql_add_int(&set, r->stage);
        tm_sql_add_int(&set, list.ids[i]);
        status = run(sql, STAGE_SET, &set, NULL, NULL, NULL, detail);
    }
    r->answer.count = list.count;
    return status;
}

static int staged_page(struct tm_sql *sql, struct tm_store_request *r, struct err_detail *detail)
{
    struct tm_sql_params p = {.count = 0};
    char text[BASE64_EXACT_MAX];
    struct bytes hash = bytes_of(text, base64_length(r->key.len));
    if (!sql->has_staging)
        return 0;
    base64_encode(text, r->key);
    tm_sql_add_int(&p, r->stage);
    tm_sql_add_int(&p, r->stage);
    tm_sql_add_text(&p, hash);
    tm_sql_add_text(&p, hash);
    tm_sql_add_int(&p, r->staged_id);
    tm_sql_add_int(&p, r->limit + 1);
    return run(sql, STAGED_PAGE, &p, staged_row, r, NULL, detail);
}

static int staged_clear(struct tm_sql *sql, struct err_detail *detail)
{
    static const struct tm_sql_params none;
    if (!sql->has_staging)
        return 0;
    int status = run(sql, STAGED_CLEAR_AFFECTED, &none, NULL, NULL, NULL, detail);
    return status == 0 ? run(sql, STAGED_CLEAR, &none, NULL, NULL, NULL, detail) : status;
}

static int postpone(struct tm_sql *sql, struct tm_store_request *r, struct err_detail *detail)
{
    const struct tm_store_delivery *d = &r->deliveries[0];
    struct tm_sql_params p = {.count = 0};
    uint64_t changed = 0;
    if (!sql->has_deliveries)
        return missing("QUORATE_DELIVERY", detail);
    tm_sql_add_int(&p, d->next_try);
    tm_sql_add_int(&p, d->attempts);
    tm_sql_add_bytes(&p, d->hash);
    tm_sql_add_bytes(&p, d->recipient);
    int status = run(sql, POSTPONE, &p, NULL, NULL, &changed, detail);
    /* an update to the same values counts as no change in MySQL: then the insert finds the row and leaves it */
    return status == 0 && changed == 0 ? put_deliveries(sql, r, detail) : status;
}

/* A count: one number. */
static int count(struct tm_sql *sql, struct tm_store_request *r, enum slot slot,
                 struct err_detail *detail)
{
    static const struct tm_sql_params none;
    uint64_t number = 0;
    int status = run(sql, slot, &none, number_row, &number, NULL, detail);
    r->answer.count = number;
    return status;
}

/* A row by its key: DONE or ABSENT. */
static int get(struct tm_sql *sql, struct tm_store_request *r, enum slot slot, tm_sql_row_fn *fn,
               struct err_detail *detail)
{
    struct tm_sql_params p = {.count = 0};
    tm_sql_add_bytes(&p, r->key);
    r->limit = 1;
    int status = run(sql, slot, &p, fn, r, NULL, detail);
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
        status = run(sql, GET, &p, payload_row, r, NULL, detail);
    }
    return status;
}

static int page(struct tm_sql *sql, struct tm_store_request *r, enum slot slot, tm_sql_row_fn *fn,
                struct err_detail *detail)
{
    struct tm_sql_params p = {.count = 0};
    tm_sql_add_bytes(&p, r->key);
    tm_sql_add_int(&p, r->limit + 1);
    return run(sql, slot, &p, fn, r, NULL, detail);
}

static int find_groups(struct tm_sql *sql, struct tm_store_request *r, struct err_detail *detail)
{
    struct tm_sql_params p = {.count = 0};
    r->limit = TM_STORE_PAGE_MAX;
    if (!sql->has_groups)
        return 0;
    if (r->key.len)
        tm_sql_add_bytes(&p, r->key);
    return run(sql, r->key.len ? FIND_GROUPS : ALL_GROUPS, &p, group_row, r, NULL, detail);
}

static int deliveries(struct tm_sql *sql, struct tm_store_request *r, struct err_detail *detail)
{
    struct tm_sql_params p = {.count = 0};
    if (!sql->has_deliveries)
        return 0;
    tm_sql_add_int(&p, r->now);
    tm_sql_add_int(&p, r->limit + 1);
    return run(sql, DELIVERIES, &p, delivery_row, r, NULL, detail);
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
        return put(sql, r, detail);
    case TM_STORE_OP_REPLACE:
        return replace(sql, r, detail);
    case TM_STORE_OP_DELETE:
        return delete (sql, r, detail);
    case TM_STORE_OP_PUT_RAW:
        return put_raw(sql, r, detail);
    case TM_STORE_OP_PUT_GROUP:
        return put_group(sql, r, detail);
    case TM_STORE_OP_DELETE_GROUP:
        return sql->has_groups ? delete_by(sql, r, DELETE_GROUP, r->key, NULL, detail) : absent(r);
    case TM_STORE_OP_STAGE:
        return stage(sql, r, detail);
    case TM_STORE_OP_STAGE_STEP:
        return stage_step(sql, r, detail);
    case TM_STORE_OP_STAGED_CLEAR:
        return staged_clear(sql, detail);
    case TM_STORE_OP_POSTPONE:
        return postpone(sql, r, detail);
    case TM_STORE_OP_DELIVERED:
        return sql->has_deliveries
                   ? delete_by(sql, r, DELIVERED, r->key, &r->deliveries[0].recipient, detail)
                   : absent(r);
    case TM_STORE_OP_GET:
        return get(sql, r, GET, payload_row, detail);
    case TM_STORE_OP_GET_MANY:
        return get_many(sql, r, detail);
    case TM_STORE_OP_PAGE:
        return page(sql, r, PAGE, payload_row, detail);
    case TM_STORE_OP_PAGE_RAW:
        return page(sql, r, PAGE_RAW, raw_row, detail);
    case TM_STORE_OP_COUNT:
        return count(sql, r, COUNT, detail);
    case TM_STORE_OP_GET_RAW:
        return get(sql, r, GET_RAW, raw_row, detail);
    case TM_STORE_OP_GET_GROUP:
        return sql->has_groups ? get(sql, r, GET_GROUP, group_row, detail) : absent(r);
    case TM_STORE_OP_FIND_GROUPS:
        return find_groups(sql, r, detail);
    case TM_STORE_OP_STAGED_PAGE:
        return staged_page(sql, r, detail);
    case TM_STORE_OP_STAGED_COUNT:
        return sql->has_staging
                   ? count(sql, r, r->only_unstaged ? STAGED_COUNT_OPEN : STAGED_COUNT, detail)
                   : 0;
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

static void close_session(struct tm_session *session)
{
    struct tm_sql *sql = (struct tm_sql *)session;
    sql->ops->close(sql);
}

const struct tm_session_ops tm_sql_session_ops = {begin, commit, rollback, run_request,
                                                  close_session};
