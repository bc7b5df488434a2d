/*
 * Nodes of states, by their hash, for peers that fetch a state whole (GetNodeData of eth/66).
 *
 * Nodes are stored under numbers, so a hash alone finds none. But who fetches a state begins at its root and learns
 * each further hash from a node that it was given: the guide remembers the numbers that belong to the hashes it has
 * shown, a bounded number of them. What was not shown is not served: neither the code nor the storage of an account of
 * another instance, so nothing private can be asked for.
 */
#ifndef STATE_GUIDE_H
#define STATE_GUIDE_H

#include "state/db.h"

enum { STATE_GUIDE_ROOTS = 128 }; /* as many states as a pruned node has */

struct state_guide;

/* ERR_NOMEM. The table is made with the first root. */
int state_guide_new(struct state_guide **ret_guide) BASE_NODISCARD;
/* NULL is fine. */
void state_guide_free(struct state_guide *guide);

/* Forgets the roots, not what was shown below them. */
void state_guide_clear_roots(struct state_guide *guide);
/* One more root where a peer may begin; of the last STATE_GUIDE_ROOTS. ERR_NOMEM. */
int state_guide_root(struct state_guide *guide, const struct trie_root *root) BASE_NODISCARD;

/* Appends a node, or a code. `reader` gives the store; its version and instance do not matter. ERR_NOTFOUND: not
 * shown, forgotten, or pruned meanwhile. ERR_NOMEM and the store's. */
int state_guide_node(struct state_guide *guide, struct buf *b, const struct state_reader *reader,
                     const struct hash256 *hash) BASE_NODISCARD;

#endif
