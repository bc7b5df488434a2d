#include "base/arena.h"

#include "base/mem.h"

#include <string.h>

/* Under the address sanitizer an access outside of what was allocated is told of, here as in memory of malloc's. */
#ifdef BASE_SANITIZED
#    include <sanitizer/asan_interface.h>
enum { GAP = 16 }; /* bytes behind each allocation that nobody may touch */
#else
#    define ASAN_POISON_MEMORY_REGION(at, size)   ((void)(at), (void)(size))
#    define ASAN_UNPOISON_MEMORY_REGION(at, size) ((void)(at), (void)(size))
enum { GAP = 0 };
#endif

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

/* What is not allocated of the newest chunk. */
static void close_rest(const struct arena *a)
{
    if (a->chunk)
        ASAN_POISON_MEMORY_REGION(a->chunk->data + a->used, a->chunk->size - a->used);
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
    close_rest(a);
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
    close_rest(a);
    return true;
}

void *arena_alloc(struct arena *a, size_t size)
{
    if (size > SIZE_MAX / 2)
        return NULL;
    size_t room = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT + GAP;
    if (!a->chunk || room > a->chunk->size - a->used) {
        if (!add_chunk(a, room))
            return NULL;
    }
    void *at = a->chunk->data + a->used;
    ASAN_UNPOISON_MEMORY_REGION(at, size);
    a->used += room;
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
    close_rest(a);
}
