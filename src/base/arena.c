#include "base/arena.h"

#include "base/mem.h"

#include <string.h>

struct arena_chunk {
    struct arena_chunk *older;
    size_t size;
    _Alignas(16) uint8_t data[];
};

enum { FIRST_CHUNK = 4096, LARGEST_STEP = 1 << 20, ALIGNMENT = 16 };

void arena_init(struct arena *a)
{
    *a = (struct arena){0};
}

void arena_init_limited(struct arena *a, size_t limit)
{
    *a = (struct arena){.limit = limit};
}

static void drop_newest(struct arena *a)
{
    struct arena_chunk *chunk = a->chunk;
    a->chunk = chunk->older;
    a->total -= chunk->size;
    mem_free(chunk);
}

void arena_release(struct arena *a)
{
    while (a->chunk)
        drop_newest(a);
    a->used = 0;
}

void arena_clear(struct arena *a)
{
    while (a->chunk && a->chunk->older)
        drop_newest(a);
    a->used = 0;
}

static bool add_chunk(struct arena *a, size_t at_least)
{
    size_t size = a->chunk ? a->chunk->size * 2 : FIRST_CHUNK;
    if (size > LARGEST_STEP)
        size = LARGEST_STEP;
    if (size < at_least)
        size = at_least;
    if (a->limit && (a->total > a->limit || size > a->limit - a->total)) {
        size = at_least; /* the last piece of a limited arena is as small as it can be */
        if (a->total > a->limit || size > a->limit - a->total)
            return false;
    }
    struct arena_chunk *chunk = mem_alloc(sizeof(*chunk) + size);
    if (!chunk)
        return false;
    chunk->older = a->chunk;
    chunk->size = size;
    a->chunk = chunk;
    a->used = 0;
    a->total += size;
    return true;
}

void *arena_alloc(struct arena *a, size_t size)
{
    if (size > SIZE_MAX / 2)
        return NULL;
    size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (!a->chunk || size > a->chunk->size - a->used) {
        if (!add_chunk(a, size))
            return NULL;
    }
    void *at = a->chunk->data + a->used;
    a->used += size;
    return at;
}

void *arena_alloc_zeroed(struct arena *a, size_t count, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total))
        return NULL;
    void *at = arena_alloc(a, total);
    if (at)
        memset(at, 0, total);
    return at;
}

struct bytes arena_copy(struct arena *a, struct bytes data)
{
    if (data.len == 0)
        return bytes_none();
    uint8_t *copy = arena_alloc(a, data.len);
    if (!copy)
        return bytes_none();
    memcpy(copy, data.data, data.len);
    return bytes_of(copy, data.len);
}

struct arena_mark arena_mark(const struct arena *a)
{
    return (struct arena_mark){a->chunk, a->used};
}

void arena_rewind(struct arena *a, struct arena_mark mark)
{
    while (a->chunk != mark.chunk)
        drop_newest(a);
    a->used = mark.used;
}
