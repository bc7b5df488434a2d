/* Payloads that were sent, asked for or given in the last minutes: a sender's own block does not wait for its manager. */
#include "base/mem.h"
#include "privacy/internal.h"

static bool copy_span(struct bytes *ret, struct bytes from, struct arena *arena)
{
    *ret = arena_copy(arena, from);
    return ret->data || from.len == 0;
}

/* A copy whose spans are in `arena`. */
static int copy_bytes(struct chain_payload *ret_payload, const struct chain_payload *payload,
                      struct arena *arena)
{
    struct chain_payload copy = *payload;
    struct chain_payload_hash *affected =
        arena_alloc(arena, (payload->affected_count + 1) * sizeof(*affected));
    struct bytes *parties = arena_alloc(arena, (payload->managed_count + 1) * sizeof(*parties));
    if (!affected || !parties || !copy_span(&copy.data, payload->data, arena) ||
        !copy_span(&copy.sender, payload->sender, arena))
        return ERR_NOMEM;
    if (payload->affected_count)
        memcpy(affected, payload->affected, payload->affected_count * sizeof(*affected));
    for (size_t i = 0; i < payload->managed_count; i++)
        if (!copy_span(&parties[i], payload->managed_parties[i], arena))
            return ERR_NOMEM;
    copy.affected = affected;
    copy.managed_parties = parties;
    *ret_payload = copy;
    return 0;
}

/* The hash is one already. */
static struct privacy_cached **bucket_of(struct privacy_tm *tm,
                                         const struct chain_payload_hash *hash)
{
    unsigned index = (unsigned)hash->b[0] << 8 | hash->b[1];
    return &tm->buckets[index % PRIVACY_CACHE_BUCKETS];
}

/* Where the bucket points to it, or ends. */
static struct privacy_cached **find(struct privacy_tm *tm, const struct chain_payload_hash *hash,
                                    bool raw)
{
    struct privacy_cached **c = bucket_of(tm, hash);
    while (*c && ((*c)->raw != raw || memcmp(&(*c)->hash, hash, sizeof(*hash)) != 0))
        c = &(*c)->same;
    return c;
}

static void drop(struct privacy_tm *tm, const struct chain_payload_hash *hash, bool raw)
{
    struct privacy_cached **at = find(tm, hash, raw), *c = *at;
    if (!c)
        return;
    *at = c->same;
    *c->back = c->next;
    if (c->next)
        c->next->back = c->back;
    else
        tm->end = c->back;
    tm->cached_size -= c->size;
    mem_free(c);
}

static void drop_first(struct privacy_tm *tm)
{
    drop(tm, &tm->first->hash, tm->first->raw);
}

static void drop_old(struct privacy_tm *tm)
{
    uint64_t now = privacy_now(tm);
    while (tm->first &&
           (now - tm->first->since > PRIVACY_CACHE_MS || tm->cached_size > PRIVACY_CACHE_MAX))
        drop_first(tm);
}

bool privacy_cache_find(struct privacy_tm *tm, struct chain_payload *ret_payload, int *ret_err,
                        const struct chain_payload_hash *hash, bool raw, struct arena *arena)
{
    pthread_mutex_lock(&tm->lock);
    drop_old(tm);
    struct privacy_cached *c = *find(tm, hash, raw);
    *ret_err = c ? copy_bytes(ret_payload, &c->payload, arena) : 0;
    pthread_mutex_unlock(&tm->lock);
    return c != NULL;
}

void privacy_cache_drop(struct privacy_tm *tm, const struct chain_payload_hash *hash, bool raw)
{
    pthread_mutex_lock(&tm->lock);
    drop(tm, hash, raw);
    pthread_mutex_unlock(&tm->lock);
}

/* An item is one piece of memory: there are a hundred thousand of them when payloads are small. */
static size_t size_of(const struct chain_payload *payload)
{
    size_t size = sizeof(struct privacy_cached) +
                  payload->managed_count * sizeof(payload->managed_parties[0]) +
                  payload->affected_count * sizeof(payload->affected[0]) + payload->data.len +
                  payload->sender.len;
    for (size_t i = 0; i < payload->managed_count; i++)
        size += payload->managed_parties[i].len;
    return size;
}

static struct bytes pack(uint8_t **at, const void *data, size_t len)
{
    uint8_t *to = *at;
    if (len)
        memcpy(to, data, len);
    *at += len;
    return bytes_of(to, len);
}

/* `c` has room for it. */
static void pack_payload(struct privacy_cached *c, const struct chain_payload *payload)
{
    uint8_t *at = (uint8_t *)(c->rest + payload->managed_count);
    c->payload = *payload;
    c->payload.affected =
        (const struct chain_payload_hash *)(const void *)pack(
            &at, payload->affected, payload->affected_count * sizeof(payload->affected[0]))
            .data;
    c->payload.data = pack(&at, payload->data.data, payload->data.len);
    c->payload.sender = pack(&at, payload->sender.data, payload->sender.len);
    for (size_t i = 0; i < payload->managed_count; i++)
        c->rest[i] = pack(&at, payload->managed_parties[i].data, payload->managed_parties[i].len);
    c->payload.managed_parties = c->rest;
}

static struct privacy_cached *make(struct privacy_tm *tm, const struct chain_payload_hash *hash,
                                   bool raw, const struct chain_payload *payload)
{
    size_t size = size_of(payload);
    struct privacy_cached *c = mem_alloc(size);
    if (!c)
        return NULL;
    *c = (struct privacy_cached){.hash = *hash, .raw = raw, .since = privacy_now(tm), .size = size};
    pack_payload(c, payload);
    return c;
}

/* In the place of what is there. */
static void put(struct privacy_tm *tm, struct privacy_cached *c)
{
    drop(tm, &c->hash, c->raw);
    struct privacy_cached **bucket = bucket_of(tm, &c->hash);
    c->same = *bucket;
    *bucket = c;
    c->back = tm->end;
    *tm->end = c;
    tm->end = &c->next;
    tm->cached_size += c->size;
    drop_old(tm);
}

void privacy_cache_keep(struct privacy_tm *tm, const struct chain_payload_hash *hash, bool raw,
                        const struct chain_payload *payload)
{
    struct privacy_cached *c = make(tm, hash, raw, payload);
    if (!c)
        return;
    pthread_mutex_lock(&tm->lock);
    put(tm, c);
    pthread_mutex_unlock(&tm->lock);
}

void privacy_give(struct privacy_tm *tm, const struct chain_payload_hash *hash,
                  const struct chain_payload *payload, bool is_sender)
{
    static const struct chain_payload none = {.is_party = false};
    if (chain_payload_hash_is_zero(hash))
        return;
    struct privacy_cached *c = make(tm, hash, false, payload ? payload : &none);
    if (!c)
        return;
    c->is_given = true;
    c->is_sender = payload && is_sender;
    pthread_mutex_lock(&tm->lock);
    drop_old(tm);
    bool stays = !payload && *find(tm, hash, false);
    if (!stays)
        put(tm, c);
    pthread_mutex_unlock(&tm->lock);
    if (stays)
        mem_free(c);
}

bool privacy_cache_sender(struct privacy_tm *tm, bool *ret_sender,
                          const struct chain_payload_hash *hash)
{
    pthread_mutex_lock(&tm->lock);
    drop_old(tm);
    const struct privacy_cached *c = *find(tm, hash, false);
    bool known = c && c->is_given;
    if (known)
        *ret_sender = c->is_sender;
    pthread_mutex_unlock(&tm->lock);
    return known;
}

void privacy_cache_clear(struct privacy_tm *tm)
{
    while (tm->first)
        drop_first(tm);
}
