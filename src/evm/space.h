/*
 * Memory for what lives on the machine's stack: frames with their words, and the frames' memories.
 * What is in use ends at a top; only the newest user may grow, everything below keeps its address.
 *
 * Blocks follow each other. Room that the block at the top cannot give is taken in the next one.
 */
#ifndef EVM_SPACE_H
#define EVM_SPACE_H

#include "base/error.h"

struct evm_space_block;

struct evm_space_mark {
    struct evm_space_block *block; /* NULL: before the first */
    size_t used;
};

struct evm_space {
    struct evm_space_block *first;
    struct evm_space_mark top;
    size_t block_size; /* least size of a block */
    size_t total;      /* bytes of all blocks; bounded (space.c) */
};

/* Allocates nothing yet. */
void evm_space_init(struct evm_space *s, size_t block_size);
void evm_space_release(struct evm_space *s);
/* Takes everything back, and frees the blocks beyond the first `keep` bytes. */
void evm_space_reset(struct evm_space *s, size_t keep);

/* `size` bytes at the top, aligned to 64, content undefined; NULL when out of memory. Nothing is
 * taken yet: asking again gives the same place as long as its block is large enough (then *ret_size
 * >= size), else another. *ret_size tells how much the place really has. */
void *evm_space_room(struct evm_space *s, size_t *ret_size, size_t size) BASE_NODISCARD;
/* Makes bytes of the room asked for last zero. Pages that nobody has used yet are so already and stay
 * untouched: a memory that is paid for but not written takes none of the machine's. Only what was cleared
 * so counts as used; a space that is never cleared must not be cleared later. */
void evm_space_clear(struct evm_space *s, uint8_t *place, size_t size);
/* Takes bytes of the room asked for last; the next room begins behind them. */
void evm_space_take(struct evm_space *s, size_t size);

/* Gives back what was taken since the mark. */
static inline void evm_space_rewind(struct evm_space *s, struct evm_space_mark mark)
{
    s->top = mark;
}

#endif
