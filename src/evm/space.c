#include "evm/space.h"

#include "base/mem.h"

#include <string.h>

enum { SPACE_ALIGNMENT = 64 };

/*
 * What one space may hold. The largest gas limit of Quorum networks is 0xE0000000; n frames that
 * share it evenly pay for sqrt(512 * 0xE0000000 * n) words at most (Yellow Paper, appendix H.1),
 * which for 1025 frames is 1.4 GB. Blocks double, which takes some more, but near the limit they
 * have just the size that is asked for. What goes beyond is out of memory before the machine is.
 */
#define SPACE_MAX ((size_t)4 << 30)

struct evm_space_block {
    struct evm_space_block *next;
    size_t size;
    size_t used_before; /* bytes from the beginning that may not be zero any more */
    _Alignas(SPACE_ALIGNMENT) uint8_t data[];
};

void evm_space_init(struct evm_space *s, size_t block_size)
{
    *s = (struct evm_space){.block_size = block_size};
}

static void free_blocks(struct evm_space *s, struct evm_space_block *block)
{
    while (block) {
        struct evm_space_block *next = block->next;
        s->total -= block->size;
        mem_unmap(block, sizeof(*block) + block->size);
        block = next;
    }
}

void evm_space_release(struct evm_space *s)
{
    free_blocks(s, s->first);
    evm_space_init(s, s->block_size);
}

void evm_space_reset(struct evm_space *s, size_t keep)
{
    struct evm_space_block **link = &s->first;
    for (size_t kept = 0; *link && kept + (*link)->size <= keep; link = &(*link)->next)
        kept += (*link)->size;
    free_blocks(s, *link);
    *link = NULL;
    s->top = (struct evm_space_mark){s->first, 0};
}

/* The size of a new block: twice the one before, so that few are needed, and at least `size`. */
static size_t next_size(const struct evm_space *s, size_t size)
{
    size_t wanted = s->top.block ? 2 * s->top.block->size : s->block_size;
    while (wanted < size)
        wanted *= 2;
    return wanted <= SPACE_MAX - s->total ? wanted : size;
}

/* A block of at least `size` bytes behind the top one, which has none in use behind it. */
static struct evm_space_block *next_block(struct evm_space *s, size_t size)
{
    struct evm_space_block **link = s->top.block ? &s->top.block->next : &s->first;
    if (*link && (*link)->size >= size)
        return *link;
    free_blocks(s, *link); /* too small; those behind it go, too */
    *link = NULL;
    if (size > SPACE_MAX - s->total)
        return NULL;
    size_t block_size = next_size(s, size);
    struct evm_space_block *block = mem_map(sizeof(struct evm_space_block) + block_size);
    if (!block)
        return NULL;
    *block = (struct evm_space_block){.size = block_size};
    s->total += block_size;
    *link = block;
    return block;
}

void *evm_space_room(struct evm_space *s, size_t *ret_size, size_t size)
{
    if (!s->top.block || s->top.block->size - s->top.used < size) {
        struct evm_space_block *block = next_block(s, size);
        if (!block)
            return NULL;
        s->top = (struct evm_space_mark){block, 0};
    }
    *ret_size = s->top.block->size - s->top.used;
    return s->top.block->data + s->top.used;
}

void evm_space_clear(struct evm_space *s, uint8_t *place, size_t size)
{
    struct evm_space_block *block = s->top.block;
    size_t from = (size_t)(place - block->data), to = from + size;
    if (from < block->used_before)
        memset(place, 0, (to < block->used_before ? to : block->used_before) - from);
    if (to > block->used_before)
        block->used_before = to;
}

void evm_space_take(struct evm_space *s, size_t size)
{
    if (size == 0)
        return;
    size_t rounded = (size + SPACE_ALIGNMENT - 1) / SPACE_ALIGNMENT * SPACE_ALIGNMENT;
    size_t room = s->top.block->size - s->top.used;
    s->top.used += rounded < room ? rounded : room;
}
