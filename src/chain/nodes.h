/* Nodes of the newest public states, by their hash, for peers that fetch a state whole. */
#ifndef CHAIN_NODES_H
#define CHAIN_NODES_H

#include "chain/chain.h"

struct state_guide;

/* For one thread. Zero is ready to use. */
struct chain_nodes {
    struct state_guide *guide;
    struct hash256 head; /* whose roots the guide has, with those of blocks before it */
};

void chain_nodes_release(struct chain_nodes *nodes);

/* Appends a node of the public state of one of the last STATE_GUIDE_ROOTS blocks, or a code in it; a root, or what a
 * node that was given before names (state/guide.h). ERR_NOTFOUND, ERR_NOMEM and the store's. */
int chain_nodes_get(struct chain_nodes *nodes, struct buf *b, struct chain_reader *reader,
                    const struct hash256 *hash) BASE_NODISCARD;

#endif
