/* What the log says of blocks, in GoQuorum's words. */
#ifndef NODE_TELL_H
#define NODE_TELL_H

#include "base/types.h"

struct chain_block;
struct node_built;

/* Blocks that became part of the chain. */
struct node_segment {
    uint64_t blocks, transactions, gas;
    uint64_t took_us;
    uint64_t known;                 /* of those that came, had already */
    const struct chain_block *last; /* borrowed */
};

void node_tell_segment(const struct node_segment *segment);
/* A proposal of this node, not agreed on yet; and one that was, `took_ms` after it was built. */
void node_tell_built(const struct node_built *built);
void node_tell_sealed(const struct chain_block *block, uint64_t took_ms);

#endif
