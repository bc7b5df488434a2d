#include "evm/space.h"

#include "base/mem.h"

#include <string.h>

enum { SPACE_ALIGNMENT = 64 };

/* No single block above 4 GiB: a frame would need 2^45 gas to fill it, more than any block has.
 * What asks for more is out of memory before the machine is. */
#define SPACE_BLOCK_MAX ((size_t)1 << 32)

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

static void free_blocks(struct evm_space_block *block)
{
    while (block) {
        struct evm_space_block *next = block->next;
        mem_unmap(block, sizeof(*block) + block->size);
        block = next;
    }
}

void evm_space_release(struct evm_space *s)
{
    free_blocks(s->first);
    evm_space_init(s, s->block_size);
}

void evm_space_reset(struct evm_space *s, size_t keep)
{
    struct evm_space_block **link = &s->first;
    for (size_t kept = 0; *link && kept + (*link)->size <= keep; link = &(*link)->next)
        kept += (*link)->size;
    free_blocks(*link);
    *link = NULL;
    s->top = (struct evm_space_mark){s->first, 0};
}

/* A block of at least `size` bytes behind the top one, which has none in use behind it. */
static struct evm_space_block *next_block(struct evm_space *s, size_t size)
{
    struct evm_space_block **link = s->top.block ? &s->top.block->next : &s->first;
    if (*link && (*link)->size >= size)
        return *link;
    size_t block_size = s->block_size;
    if (s->top.block && s->top.block->size > block_size / 2)
        block_size =
            s->top.block->size < SPACE_BLOCK_MAX / 2 ? 2 * s->top.block->size : SPACE_BLOCK_MAX;
    if (size > SPACE_BLOCK_MAX)
        return NULL;
    while (block_size < size)
        block_size *= 2;
    struct evm_space_block *block = mem_map(sizeof(struct evm_space_block) + block_size);
    if (!block)
        return NULL;
    free_blocks(*link); /* too small, like all behind it */
    *link = block;
    block->next = NULL;
    block->size = block_size;
    block->used_before = 0;
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
