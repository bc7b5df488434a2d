/*
 * Payloads that a block is about to ask for are asked for ahead, several at a time: what costs is the way to the manager and back, once
 * for each private transaction of the block, at nodes that are party to none of them, too. Whoever executes takes each answer once; what
 * has not been asked yet he asks himself. What the manager does have goes through the cache.
 */
#include "base/mem.h"
#include "privacy/internal.h"

enum state { WAITING, ASKED, PARTY, NONE, OVER };

struct entry {
    struct chain_payload_hash hash;
    uint8_t state;
};

struct privacy_ahead {
    struct privacy_tm *tm;
    pthread_t threads[PRIVACY_AHEAD];
    size_t thread_count;
    /* Under tm->lock. */
    struct entry *entries;
    size_t count, next, taken; /* next: to be asked; taken: where who executes is */
    uint64_t since;
    unsigned generation; /* of the entries */
};

static void fetch(struct privacy_ahead *a, size_t index, unsigned generation)
{
    struct privacy_tm *tm = a->tm;
    struct chain_payload payload;
    struct err_detail detail = {""};
    struct arena arena;
    const struct chain_payload_hash hash = a->entries[index].hash;
    a->entries[index].state = ASKED;
    pthread_mutex_unlock(&tm->lock);
    arena_init(&arena);
    int err = privacy_receive_once(tm, &payload, &hash, &arena, &detail);
    arena_release(&arena);
    pthread_mutex_lock(&tm->lock);
    if (a->generation != generation)
        return;
    a->entries[index].state = err ? OVER : payload.is_party ? PARTY : NONE;
    pthread_cond_broadcast(&tm->changed);
}

static void *run(void *context)
{
    struct privacy_ahead *a = context;
    struct privacy_tm *tm = a->tm;
    pthread_mutex_lock(&tm->lock);
    while (!tm->stopped) {
        if (a->next < a->count && a->next < a->taken + PRIVACY_AHEAD_WINDOW) {
            size_t index = a->next++;
            if (a->entries[index].state == WAITING)
                fetch(a, index, a->generation);
        } else {
            pthread_cond_wait(&tm->changed, &tm->lock);
        }
    }
    pthread_mutex_unlock(&tm->lock);
    return NULL;
}

/* Without threads whoever executes asks himself. */
static struct privacy_ahead *begin(struct privacy_tm *tm)
{
    struct privacy_ahead *a = mem_alloc_zeroed(1, sizeof(*a));
    if (!a)
        return NULL;
    a->tm = tm;
    while (a->thread_count < PRIVACY_AHEAD &&
           pthread_create(&a->threads[a->thread_count], NULL, run, a) == 0)
        a->thread_count++;
    return a;
}

/* Nothing was expected, and nothing is: blocks without private transactions wake nobody. */
static bool stays_empty(struct privacy_tm *tm, size_t count)
{
    pthread_mutex_lock(&tm->lock);
    bool empty = tm->ahead && tm->ahead->count == 0 && count == 0;
    pthread_mutex_unlock(&tm->lock);
    return empty;
}

void privacy_expect(void *context, const struct chain_payload_hash *hashes, size_t count)
{
    struct privacy_tm *tm = context;
    if ((!tm->ahead && count < PRIVACY_AHEAD_LEAST) || stays_empty(tm, count))
        return;
    struct privacy_ahead *a = tm->ahead ? tm->ahead : begin(tm);
    size_t most = count < PRIVACY_AHEAD_MAX ? count : PRIVACY_AHEAD_MAX;
    struct entry *entries = a && most ? mem_alloc(most * sizeof(*entries)) : NULL;
    if (!a)
        return;
    for (size_t i = 0; i < most && entries; i++)
        entries[i] = (struct entry){.hash = hashes[i], .state = WAITING};
    pthread_mutex_lock(&tm->lock);
    tm->ahead = a;
    struct entry *old = a->entries;
    a->entries = entries;
    a->count = entries ? most : 0;
    a->next = a->taken = 0;
    a->since = privacy_now(tm);
    a->generation++;
    pthread_cond_broadcast(&tm->changed);
    pthread_mutex_unlock(&tm->lock);
    mem_free(old);
}

/* The entry of a hash, from where the last one was taken; NULL: none is waited for. */
static struct entry *find(struct privacy_ahead *a, const struct chain_payload_hash *hash)
{
    for (size_t i = 0; i < a->count; i++) {
        size_t at = (a->taken + i) % a->count;
        struct entry *entry = &a->entries[at];
        if (entry->state == OVER || memcmp(&entry->hash, hash, sizeof(*hash)) != 0)
            continue;
        a->taken = at + 1;
        if (a->next < a->taken)
            a->next = a->taken;
        pthread_cond_broadcast(&a->tm->changed);
        return entry;
    }
    return NULL;
}

bool privacy_ahead_is_none(struct privacy_tm *tm, const struct chain_payload_hash *hash)
{
    bool is_none = false;
    pthread_mutex_lock(&tm->lock);
    struct privacy_ahead *a = tm->ahead;
    bool valid = a && privacy_now(tm) - a->since < PRIVACY_AHEAD_MS;
    struct entry *entry = valid ? find(a, hash) : NULL;
    unsigned generation = a ? a->generation : 0;
    while (entry && entry->state == ASKED && !tm->stopped) {
        pthread_cond_wait(&tm->changed, &tm->lock);
        if (a->generation != generation)
            entry = NULL;
    }
    if (entry) {
        is_none = entry->state == NONE;
        entry->state = OVER;
    }
    pthread_mutex_unlock(&tm->lock);
    return is_none;
}

void privacy_ahead_free(struct privacy_tm *tm)
{
    struct privacy_ahead *a = tm->ahead;
    if (!a)
        return;
    privacy_stop(tm);
    for (size_t i = 0; i < a->thread_count; i++)
        pthread_join(a->threads[i], NULL);
    mem_free(a->entries);
    mem_free(a);
}
