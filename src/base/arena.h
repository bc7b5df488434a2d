/*
 * Memory with one lifetime: allocate freely, free all at once, or rewind to a mark.
 * One arena serves one block, request, transaction or message, and one thread.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/bytes.h"

struct arena_chunk;

struct arena {
    struct arena_chunk *chunk; /* the one in use; older ones behind it */
    size_t used;               /* bytes of it in use */
    size_t total;              /* bytes of all chunks */
    size_t limit;              /* most bytes of all chunks, 0 = none */
};

struct arena_mark {
    struct arena_chunk *chunk;
    size_t used;
};

void arena_init(struct arena *a);
/* As above; an allocation that would take the arena over `limit` bytes fails like one out of
 * memory. */
void arena_init_limited(struct arena *a, size_t limit);
/* Frees everything. */
void arena_release(struct arena *a);
/* Frees all allocations but keeps one chunk for reuse. */
void arena_clear(struct arena *a);

/* NULL when out of memory. Aligned to 16 bytes, content undefined, valid until rewind, clear or
 * release. */
void *arena_alloc(struct arena *a, size_t size) BASE_NODISCARD;
void *arena_alloc_zeroed(struct arena *a, size_t count, size_t size) BASE_NODISCARD;
/* A copy in the arena; data NULL when out of memory (and len > 0). */
struct bytes arena_copy(struct arena *a, struct bytes data);

struct arena_mark arena_mark(const struct arena *a);
/* Frees everything allocated since `mark` was taken. */
void arena_rewind(struct arena *a, struct arena_mark mark);

#endif
