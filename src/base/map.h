/*
 * A hash map from keys of one size to values of one size, both kept inline.
 *
 * Entries lie densely in the order of insertion, so walking a map is deterministic and removal of
 * the newest entries (a rollback) is cheap. The hash is seeded per process: keys that an outsider
 * chooses cannot be made to collide.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/error.h"

#include <stdbool.h>

struct map {
    uint8_t *entries; /* key, padding, value; `stride` bytes each */
    uint32_t *slots;  /* 1 + index of an entry, 0 = free */
    uint32_t *hashes; /* one per entry */
    size_t count;
    size_t capacity;  /* entries that fit */
    size_t slot_mask; /* number of slots - 1 */
    uint32_t key_size;
    uint32_t value_offset;
    uint32_t value_size;
    uint32_t stride;
};

/* No allocation happens before the first put. Values are aligned to 16 bytes where their size is at
 * least 16, to 8 otherwise. */
void map_init(struct map *m, size_t key_size, size_t value_size);
void map_release(struct map *m);
/* Empty, keeping the memory. */
void map_clear(struct map *m);

/* The value, or NULL. The pointer is valid until the next put, truncate, clear or release. */
void *map_get(const struct map *m, const void *key);
/* The value of a key that is there or is added (zeroed); ret_added, when not NULL, says which. NULL
 * when out of memory, with the map unchanged. Pointer as above. */
void *map_put(struct map *m, const void *key, bool *ret_added) BASE_NODISCARD;
/* Removes the entries that were added after the first `count`. */
void map_truncate(struct map *m, size_t count);

static inline size_t map_count(const struct map *m)
{
    return m->count;
}
/* Entry 0 … count - 1 in order of insertion. */
static inline const void *map_key_at(const struct map *m, size_t index)
{
    return m->entries + index * m->stride;
}
static inline void *map_value_at(const struct map *m, size_t index)
{
    return m->entries + index * m->stride + m->value_offset;
}

#endif
