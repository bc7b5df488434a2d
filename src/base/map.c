#include "base/map.h"

#include "base/mem.h"
#include "base/u256.h"

#include <pthread.h>
#include <string.h>
#include <sys/random.h>

enum { FIRST_CAPACITY = 8 };

static uint64_t seed[2];
static pthread_once_t seed_once = PTHREAD_ONCE_INIT;

static void make_seed(void)
{
    if (getrandom(seed, sizeof(seed), 0) != sizeof(seed))
        seed[0] = (uintptr_t)&seed; /* before the kernel has entropy: still not known outside */
    seed[0] |= 1;
    seed[1] |= 1;
}

static uint64_t mix(uint64_t a, uint64_t b)
{
    u256_wide p = (u256_wide)a * b;
    return (uint64_t)p ^ (uint64_t)(p >> 64);
}

static uint32_t hash_key(const uint8_t *key, size_t size)
{
    uint64_t h = seed[0] ^ size, word;
    for (; size >= 8; key += 8, size -= 8) {
        memcpy(&word, key, 8);
        h = mix(h ^ word, seed[1] ^ 0x9e3779b97f4a7c15u);
    }
    word = 0;
    memcpy(&word, key, size);
    h = mix(h ^ word, seed[0] ^ 0xd6e8feb86659fd93u);
    return (uint32_t)(h ^ h >> 32);
}

void map_init(struct map *m, size_t key_size, size_t value_size)
{
    pthread_once(&seed_once, make_seed);
    size_t align = value_size >= 16 ? 16 : 8;
    size_t offset = (key_size + align - 1) / align * align;
    *m = (struct map){
        .key_size = (uint32_t)key_size,
        .value_offset = (uint32_t)offset,
        .value_size = (uint32_t)value_size,
        .stride = (uint32_t)((offset + value_size + align - 1) / align * align),
    };
}

void map_release(struct map *m)
{
    mem_free(m->entries);
    mem_free(m->slots);
    mem_free(m->hashes);
    map_init(m, m->key_size, m->value_size);
}

void map_clear(struct map *m)
{
    m->count = 0;
    if (m->slots)
        memset(m->slots, 0, (m->slot_mask + 1) * sizeof(*m->slots));
}

/* The slot that holds the key, or the free one where it would go. */
static uint32_t *find_slot(const struct map *m, const void *key, uint32_t hash)
{
    for (size_t at = hash & m->slot_mask;; at = (at + 1) & m->slot_mask) {
        uint32_t *slot = &m->slots[at];
        if (*slot == 0)
            return slot;
        size_t index = *slot - 1;
        if (m->hashes[index] == hash && memcmp(map_key_at(m, index), key, m->key_size) == 0)
            return slot;
    }
}

void *map_get(const struct map *m, const void *key)
{
    if (m->count == 0)
        return NULL;
    uint32_t slot = *find_slot(m, key, hash_key(key, m->key_size));
    return slot ? map_value_at(m, slot - 1) : NULL;
}

static void rebuild_slots(struct map *m)
{
    memset(m->slots, 0, (m->slot_mask + 1) * sizeof(*m->slots));
    for (size_t i = 0; i < m->count; i++) {
        size_t at = m->hashes[i] & m->slot_mask;
        while (m->slots[at])
            at = (at + 1) & m->slot_mask;
        m->slots[at] = (uint32_t)i + 1;
    }
}

static int grow(struct map *m)
{
    size_t capacity = m->capacity ? m->capacity * 2 : FIRST_CAPACITY;
    if (capacity > UINT32_MAX / 4)
        return ERR_LIMIT;
    uint32_t *slots = mem_alloc(2 * capacity * sizeof(*slots));
    if (!slots)
        return ERR_NOMEM;
    uint8_t *entries = mem_realloc(m->entries, capacity * m->stride);
    if (entries)
        m->entries = entries;
    uint32_t *hashes = entries ? mem_realloc(m->hashes, capacity * sizeof(*hashes)) : NULL;
    if (!hashes) {
        mem_free(slots);
        return ERR_NOMEM;
    }
    m->hashes = hashes;
    mem_free(m->slots);
    m->slots = slots;
    m->capacity = capacity;
    m->slot_mask = 2 * capacity - 1;
    rebuild_slots(m);
    return ERR_OK;
}

void *map_put(struct map *m, const void *key, bool *ret_added)
{
    uint32_t hash = hash_key(key, m->key_size);
    uint32_t *slot = m->slots ? find_slot(m, key, hash) : NULL;
    bool added = !slot || *slot == 0;
    if (added) {
        if (m->count == m->capacity) {
            if (grow(m) != ERR_OK)
                return NULL;
            slot = find_slot(m, key, hash);
        }
        memcpy(m->entries + m->count * m->stride, key, m->key_size);
        memset(map_value_at(m, m->count), 0, m->value_size);
        m->hashes[m->count] = hash;
        *slot = (uint32_t)++m->count;
    }
    if (ret_added)
        *ret_added = added;
    return map_value_at(m, *slot - 1);
}

void map_truncate(struct map *m, size_t count)
{
    if (count >= m->count)
        return;
    if (m->count - count > m->count / 2) {
        m->count = count;
        rebuild_slots(m);
        return;
    }
    /* Newest first: an entry is then the last of its probe run, and its slot can simply be freed.
     */
    while (m->count > count) {
        size_t at = m->hashes[m->count - 1] & m->slot_mask;
        while (m->slots[at] != m->count)
            at = (at + 1) & m->slot_mask;
        m->slots[at] = 0;
        m->count--;
    }
}
