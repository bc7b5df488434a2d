/* The calls of store.h: what is asked is copied into a request, which goes to a thread. */
#include "base/mem.h"
#include "tm/store/store_priv.h"

#include <time.h>

static uint64_t wall_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* A request that will carry about `size` bytes. NULL with *ret_status set. */
static struct tm_store_request *request(struct tm_store *store, int *ret_status,
                                        enum tm_store_op op, size_t size, tm_store_fn *fn,
                                        void *context)
{
    pthread_mutex_lock(&store->lock);
    bool full = store->queued_bytes + size > TM_STORE_QUEUE_MAX ||
                store->pending >= TM_STORE_QUEUE_COUNT_MAX;
    pthread_mutex_unlock(&store->lock);
    struct tm_store_request *r = full ? NULL : mem_alloc_zeroed(1, sizeof(*r));
    if (!r) {
        *ret_status = full ? ERR_BUSY : ERR_NOMEM;
        return NULL;
    }
    arena_init(&r->arena);
    r->op = op;
    r->fn = fn;
    r->context = context;
    r->size = size;
    r->now = wall_ms();
    tm_store_request_reset(r);
    *ret_status = 0;
    return r;
}

static int submit(struct tm_store *store, struct tm_store_request *r, int status)
{
    if (status == 0)
        tm_store_submit(store, r);
    else
        tm_store_request_free(r);
    return status;
}

static int copy(struct tm_store_request *r, struct bytes *ret, struct bytes data)
{
    *ret = arena_copy(&r->arena, data);
    return ret->data || data.len == 0 ? 0 : ERR_NOMEM;
}

static int copy_deliveries(struct tm_store_request *r, const struct tm_store_delivery *list,
                           size_t count)
{
    struct tm_store_delivery *new = arena_alloc(&r->arena, count * sizeof(*new));
    int status = new ? 0 : ERR_NOMEM;
    for (size_t i = 0; status == 0 && i < count; i++) {
        new[i] = list[i];
        if (list[i].hash.len == 0)
            new[i].hash = r->payload.hash;
        if (list[i].hash.len > TM_STORE_HASH_MAX || list[i].recipient.len > TMPROTO_KEY_MAX)
            status = ERR_LIMIT;
        else if ((list[i].hash.len && copy(r, &new[i].hash, list[i].hash) < 0) ||
                 copy(r, &new[i].recipient, list[i].recipient) < 0)
            status = ERR_NOMEM;
    }
    r->deliveries = new;
    r->count = count;
    return status;
}

static int copy_payload(struct tm_store_request *r, const struct tm_store_payload *payload)
{
    r->payload = *payload;
    if (payload->timestamp == 0)
        r->payload.timestamp = r->now;
    int status = copy(r, &r->payload.hash, payload->hash);
    return status == 0 ? copy(r, &r->payload.data, payload->data) : status;
}

/* A place for the hash of a payload that has none, and what it will be made of. */
static int leave_unnamed(struct tm_store_request *r)
{
    struct bytes hash = {arena_alloc_zeroed(&r->arena, 1, TMPROTO_HASH_SIZE), TMPROTO_HASH_SIZE};
    if (!hash.data)
        return ERR_NOMEM;
    r->payload.hash = hash;
    r->unnamed = true;
    return r->payload.codec == TMPROTO_LEGACY
               ? tmproto_payload_cipher_text(&r->cipher_text, r->payload.data)
               : ERR_INPUT;
}

static bool too_large(const struct tm_store_payload *p)
{
    return p->hash.len > TM_STORE_HASH_MAX || p->data.len > TMPROTO_PAYLOAD_MAX;
}

int tm_store_put(struct tm_store *store, const struct tm_store_payload *payload,
                 const struct tm_store_delivery *deliveries, size_t delivery_count, tm_store_fn *fn,
                 void *context)
{
    int status;
    if (too_large(payload))
        return ERR_LIMIT;
    struct tm_store_request *r =
        request(store, &status, TM_STORE_OP_PUT, payload->data.len, fn, context);
    if (!r)
        return status;
    status = copy_payload(r, payload);
    if (status == 0 && payload->hash.len == 0)
        status = leave_unnamed(r);
    if (status == 0 && delivery_count)
        status = copy_deliveries(r, deliveries, delivery_count);
    return submit(store, r, status);
}

int tm_store_replace(struct tm_store *store, const struct tm_store_payload *payload,
                     struct bytes old, tm_store_fn *fn, void *context)
{
    int status;
    if (too_large(payload))
        return ERR_LIMIT;
    struct tm_store_request *r =
        request(store, &status, TM_STORE_OP_REPLACE, payload->data.len + old.len, fn, context);
    if (!r)
        return status;
    status = copy_payload(r, payload);
    if (status == 0)
        status = copy(r, &r->old, old);
    return submit(store, r, status);
}

/* A request that is asked by a key and nothing else. */
static int by_key(struct tm_store *store, enum tm_store_op op, struct bytes key, tm_store_fn *fn,
                  void *context)
{
    int status;
    if (key.len > TM_STORE_HASH_MAX)
        return ERR_LIMIT;
    struct tm_store_request *r = request(store, &status, op, 0, fn, context);
    return r ? submit(store, r, copy(r, &r->key, key)) : status;
}

int tm_store_delete(struct tm_store *store, struct bytes hash, tm_store_fn *fn, void *context)
{
    return by_key(store, TM_STORE_OP_DELETE, hash, fn, context);
}

int tm_store_get(struct tm_store *store, struct bytes hash, tm_store_fn *fn, void *context)
{
    return by_key(store, TM_STORE_OP_GET, hash, fn, context);
}

int tm_store_get_many(struct tm_store *store, struct tmproto_list hashes, tm_store_fn *fn,
                      void *context)
{
    int status;
    if (hashes.count > TM_STORE_PAGE_MAX)
        return ERR_LIMIT;
    struct tm_store_request *r = request(store, &status, TM_STORE_OP_GET_MANY, 0, fn, context);
    if (!r)
        return status;
    struct bytes *list = arena_alloc(&r->arena, hashes.count * sizeof(*list));
    status = list ? 0 : ERR_NOMEM;
    for (size_t i = 0; status == 0 && i < hashes.count; i++)
        status = hashes.items[i].len > TM_STORE_HASH_MAX ? ERR_LIMIT
                                                         : copy(r, &list[i], hashes.items[i]);
    r->hashes = (struct tmproto_list){list, hashes.count};
    return submit(store, r, status);
}

static size_t page_limit(size_t limit)
{
    return limit == 0 || limit > TM_STORE_PAGE_MAX ? TM_STORE_PAGE_MAX : limit;
}

int tm_store_page(struct tm_store *store, struct bytes after, size_t limit, tm_store_fn *fn,
                  void *context)
{
    int status;
    if (after.len > TM_STORE_HASH_MAX)
        return ERR_LIMIT;
    struct tm_store_request *r = request(store, &status, TM_STORE_OP_PAGE, 0, fn, context);
    if (!r)
        return status;
    r->limit = page_limit(limit);
    return submit(store, r, copy(r, &r->key, after));
}

int tm_store_count(struct tm_store *store, tm_store_fn *fn, void *context)
{
    return by_key(store, TM_STORE_OP_COUNT, bytes_none(), fn, context);
}

int tm_store_put_raw(struct tm_store *store, const struct tm_store_raw *raw, tm_store_fn *fn,
                     void *context)
{
    int status;
    if (raw->hash.len > TM_STORE_HASH_MAX || raw->cipher_text.len > TMPROTO_PAYLOAD_MAX ||
        raw->encrypted_key.len + raw->nonce.len + raw->sender.len > 4 * TMPROTO_KEY_MAX)
        return ERR_LIMIT;
    struct tm_store_request *r =
        request(store, &status, TM_STORE_OP_PUT_RAW, raw->cipher_text.len, fn, context);
    if (!r)
        return status;
    r->raw.timestamp = raw->timestamp ? raw->timestamp : r->now;
    if (copy(r, &r->raw.hash, raw->hash) < 0 ||
        copy(r, &r->raw.cipher_text, raw->cipher_text) < 0 ||
        copy(r, &r->raw.encrypted_key, raw->encrypted_key) < 0 ||
        copy(r, &r->raw.nonce, raw->nonce) < 0 || copy(r, &r->raw.sender, raw->sender) < 0)
        status = ERR_NOMEM;
    return submit(store, r, status);
}

int tm_store_get_raw(struct tm_store *store, struct bytes hash, tm_store_fn *fn, void *context)
{
    return by_key(store, TM_STORE_OP_GET_RAW, hash, fn, context);
}

int tm_store_put_group(struct tm_store *store, const struct tm_store_group *group, tm_store_fn *fn,
                       void *context)
{
    int status;
    if (group->id.len > TM_STORE_HASH_MAX || group->lookup_id.len > TM_STORE_HASH_MAX ||
        group->data.len > TMPROTO_PAYLOAD_MAX)
        return ERR_LIMIT;
    struct tm_store_request *r =
        request(store, &status, TM_STORE_OP_PUT_GROUP, group->data.len, fn, context);
    if (!r)
        return status;
    r->group.timestamp = group->timestamp ? group->timestamp : r->now;
    if (copy(r, &r->group.id, group->id) < 0 ||
        copy(r, &r->group.lookup_id, group->lookup_id) < 0 ||
        copy(r, &r->group.data, group->data) < 0)
        status = ERR_NOMEM;
    return submit(store, r, status);
}

int tm_store_get_group(struct tm_store *store, struct bytes id, tm_store_fn *fn, void *context)
{
    return by_key(store, TM_STORE_OP_GET_GROUP, id, fn, context);
}

int tm_store_find_groups(struct tm_store *store, struct bytes lookup_id, tm_store_fn *fn,
                         void *context)
{
    return by_key(store, TM_STORE_OP_FIND_GROUPS, lookup_id, fn, context);
}

static int copy_staged(struct tm_store_request *r, struct tm_store_staged *ret,
                       const struct tm_store_staged *row)
{
    struct bytes *affected = arena_alloc(&r->arena, row->affected.count * sizeof(*affected));
    *ret = *row;
    if (row->hash.len > TM_STORE_HASH_MAX || row->data.len > TMPROTO_PAYLOAD_MAX)
        return ERR_LIMIT;
    if (!affected || copy(r, &ret->hash, row->hash) < 0 || copy(r, &ret->data, row->data) < 0)
        return ERR_NOMEM;
    for (size_t i = 0; i < row->affected.count; i++) {
        if (row->affected.items[i].len > TM_STORE_HASH_MAX)
            return ERR_LIMIT;
        if (copy(r, &affected[i], row->affected.items[i]) < 0)
            return ERR_NOMEM;
    }
    ret->affected = (struct tmproto_list){affected, row->affected.count};
    return 0;
}

int tm_store_stage(struct tm_store *store, const struct tm_store_staged *rows, size_t count,
                   tm_store_fn *fn, void *context)
{
    int status;
    size_t size = 0;
    for (size_t i = 0; i < count; i++)
        size += rows[i].data.len;
    struct tm_store_request *r = request(store, &status, TM_STORE_OP_STAGE, size, fn, context);
    if (!r)
        return status;
    struct tm_store_staged *list = arena_alloc(&r->arena, count * sizeof(*list));
    status = list ? 0 : ERR_NOMEM;
    for (size_t i = 0; status == 0 && i < count; i++)
        status = copy_staged(r, &list[i], &rows[i]);
    r->staged = list;
    r->count = count;
    return submit(store, r, status);
}

int tm_store_stage_step(struct tm_store *store, uint64_t stage, size_t limit, tm_store_fn *fn,
                        void *context)
{
    int status;
    struct tm_store_request *r = request(store, &status, TM_STORE_OP_STAGE_STEP, 0, fn, context);
    if (!r)
        return status;
    r->stage = stage;
    r->limit = page_limit(limit);
    return submit(store, r, 0);
}

int tm_store_staged_page(struct tm_store *store, const struct tm_store_staged *after, size_t limit,
                         tm_store_fn *fn, void *context)
{
    int status;
    if (after && after->hash.len > TM_STORE_HASH_MAX)
        return ERR_LIMIT;
    struct tm_store_request *r = request(store, &status, TM_STORE_OP_STAGED_PAGE, 0, fn, context);
    if (!r)
        return status;
    r->limit = page_limit(limit);
    if (after) {
        r->stage = after->stage;
        r->staged_id = after->id;
        status = copy(r, &r->key, after->hash);
    }
    return submit(store, r, status);
}

int tm_store_staged_count(struct tm_store *store, bool without_stage, tm_store_fn *fn,
                          void *context)
{
    int status;
    struct tm_store_request *r = request(store, &status, TM_STORE_OP_STAGED_COUNT, 0, fn, context);
    if (!r)
        return status;
    r->only_unstaged = without_stage;
    return submit(store, r, 0);
}

int tm_store_staged_clear(struct tm_store *store, tm_store_fn *fn, void *context)
{
    return by_key(store, TM_STORE_OP_STAGED_CLEAR, bytes_none(), fn, context);
}

int tm_store_deliveries(struct tm_store *store, uint64_t now, size_t limit, tm_store_fn *fn,
                        void *context)
{
    int status;
    struct tm_store_request *r = request(store, &status, TM_STORE_OP_DELIVERIES, 0, fn, context);
    if (!r)
        return status;
    r->now = now;
    r->limit = page_limit(limit);
    return submit(store, r, 0);
}

int tm_store_postpone(struct tm_store *store, const struct tm_store_delivery *delivery,
                      tm_store_fn *fn, void *context)
{
    int status;
    struct tm_store_request *r = request(store, &status, TM_STORE_OP_POSTPONE, 0, fn, context);
    return r ? submit(store, r, copy_deliveries(r, delivery, 1)) : status;
}

int tm_store_delivered(struct tm_store *store, struct bytes hash, struct bytes recipient,
                       tm_store_fn *fn, void *context)
{
    int status;
    struct tm_store_delivery delivery = {.hash = hash, .recipient = recipient};
    struct tm_store_request *r = request(store, &status, TM_STORE_OP_DELIVERED, 0, fn, context);
    if (!r)
        return status;
    status = copy_deliveries(r, &delivery, 1);
    r->key = status == 0 ? r->deliveries[0].hash : bytes_none();
    return submit(store, r, status);
}
