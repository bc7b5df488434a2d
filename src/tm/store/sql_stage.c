/* Recovery's tables: rows are staged, sorted by what they need, and read in that order. */
#include "base/base64.h"
#include "tm/store/sql_priv.h"

static int staged_row(void *context, const struct tm_sql_value *v, size_t count)
{
    struct tm_store_request *r = context;
    uint8_t hash[BASE64_EXACT_MAX];
    size_t len;
    if (base64_room(v[1].b.len) > sizeof(hash) || !base64_decode_into(hash, &len, v[1].b))
        return ERR_CORRUPT;
    struct tm_store_staged row = {.id = tm_sql_as_u64(&v[0]),
                                  .hash = bytes_of(hash, len),
                                  .codec = tm_sql_as_codec(v, count, 6),
                                  .data = v[2].b,
                                  .privacy = tmproto_privacy_from(tm_sql_as_u64(&v[3])),
                                  .timestamp = tm_sql_as_u64(&v[4]),
                                  .stage = tm_sql_as_u64(&v[5])};
    return tm_sql_page_is_full(r) ? 1 : tm_store_add_staged(r, &row);
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
        int status = tm_sql_do(sql, TM_SQL_STAGE_AFFECTED, &p, NULL, NULL, NULL, detail);
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
    int status = tm_sql_add_codec(&p, sql->has_staged_codec, row->codec, detail);
    return status == 0 ? tm_sql_do(sql, TM_SQL_STAGE, &p, NULL, NULL, NULL, detail) : status;
}

static int stage(struct tm_sql *sql, struct tm_store_request *r, struct err_detail *detail)
{
    static const struct tm_sql_params none;
    uint64_t id = 0, affected_id = 0;
    if (!sql->has_staging)
        return tm_sql_missing("ST_TRANSACTION", detail);
    int status = tm_sql_do(sql, TM_SQL_STAGE_MAX, &none, tm_sql_number_row, &id, NULL, detail);
    if (status == 0)
        status = tm_sql_do(sql, TM_SQL_STAGE_MAX_AFFECTED, &none, tm_sql_number_row, &affected_id,
                           NULL, detail);
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
        list->ids[list->count++] = tm_sql_as_u64(&v[0]);
    return 0;
}

static int stage_step(struct tm_sql *sql, struct tm_store_request *r, struct err_detail *detail)
{
    struct tm_sql_params p = {.count = 0};
    if (!sql->has_staging)
        return tm_sql_missing("ST_TRANSACTION", detail);
    struct ids list = {&r->arena, arena_alloc(&r->arena, r->limit * sizeof(uint64_t)), 0, r->limit};
    if (!list.ids)
        return err_set(detail, ERR_NOMEM, "out of memory");
    tm_sql_add_int(&p, r->limit);
    int status = tm_sql_do(sql, TM_SQL_STAGE_READY, &p, id_row, &list, NULL, detail);
    for (size_t i = 0; status == 0 && i < list.count; i++) {
        struct tm_sql_params set = {.count = 0};
        tm_sql_add_int(&set, r->stage);
        tm_sql_add_int(&set, list.ids[i]);
        status = tm_sql_do(sql, TM_SQL_STAGE_SET, &set, NULL, NULL, NULL, detail);
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
    return tm_sql_do(sql, TM_SQL_STAGED_PAGE, &p, staged_row, r, NULL, detail);
}

static int staged_clear(struct tm_sql *sql, struct err_detail *detail)
{
    static const struct tm_sql_params none;
    if (!sql->has_staging)
        return 0;
    int status = tm_sql_do(sql, TM_SQL_STAGED_CLEAR_AFFECTED, &none, NULL, NULL, NULL, detail);
    return status == 0 ? tm_sql_do(sql, TM_SQL_STAGED_CLEAR, &none, NULL, NULL, NULL, detail)
                       : status;
}

int tm_sql_stage_request(struct tm_sql *sql, struct tm_store_request *r, struct err_detail *detail)
{
    switch (r->op) {
    case TM_STORE_OP_STAGE:
        return stage(sql, r, detail);
    case TM_STORE_OP_STAGE_STEP:
        return stage_step(sql, r, detail);
    case TM_STORE_OP_STAGED_CLEAR:
        return staged_clear(sql, detail);
    case TM_STORE_OP_STAGED_PAGE:
        return staged_page(sql, r, detail);
    default:
        assert(r->op == TM_STORE_OP_STAGED_COUNT);
        return sql->has_staging
                   ? tm_sql_count(sql, r,
                                  r->only_unstaged ? TM_SQL_STAGED_COUNT_OPEN : TM_SQL_STAGED_COUNT,
                                  detail)
                   : 0;
    }
}
