/* What the engines that vote, Istanbul and Clique, answer alike: each has these methods under names of its own (`istanbul_candidates`,
 * `clique_proposals`, …). */
#ifndef RPC_METHODS_VOTES_H
#define RPC_METHODS_VOTES_H

#include "base/map.h"
#include "consensus/istanbul/snapshot.h"
#include "rpc/method.h"
#include "rpc/run/lookup.h"

/* --- What this node votes for: whole methods --- */

/* {"0x…": true, …} */
int rpc_votes_list(struct rpc_call *call);
/* Arguments: an address, and whether it is to be in. */
int rpc_votes_propose(struct rpc_call *call);
/* Argument: an address. */
int rpc_votes_discard(struct rpc_call *call);

/* --- At a block --- */

typedef int rpc_votes_at_fn(struct rpc_call *call, struct chain_reader *reader, uint64_t number);

/* Runs `fn` at the block of the first argument, by number, tag or hash; at the head when it is not given. As in Go, what is
 * pending is no block. */
int rpc_votes_at_block(struct rpc_call *call, rpc_votes_at_fn *fn);

/* ["0x…", …] */
void rpc_votes_write_members(struct buf *b, const struct istanbul_set *set);
/* [{"<voter>": "0x…", "block": 3, "address": "0x…", "authorize": true}, …] */
void rpc_votes_write_cast(struct buf *b, const struct istanbul_snapshot *snapshot,
                          const char *voter);
/* {"0x…": {"authorize": true, "votes": 1}, …} */
void rpc_votes_write_tally(struct buf *b, const struct istanbul_snapshot *snapshot);

/* --- Who sealed the blocks of a range --- */

struct rpc_votes_range {
    uint64_t from, to, blocks; /* [from, to) are counted; `blocks` is what is said */
};

typedef int rpc_votes_range_fn(struct rpc_call *call, struct chain_reader *reader,
                               const struct rpc_votes_range *range);
/* Runs `fn` for the range that the two arguments tell; without them, for the last 64 blocks. */
int rpc_votes_in_range(struct rpc_call *call, bool with_genesis, rpc_votes_range_fn *fn);

/* The author of a block; above 0: a verdict of the engine. */
typedef int rpc_votes_author_fn(void *context, const struct eth_header *header,
                                struct address *ret_author);
/* Counts blocks of the range by author, from 0 on for members of `set`. *ret_counts is to be released in any case. */
int rpc_votes_count(struct map *ret_counts, struct chain_reader *reader,
                    const struct rpc_votes_range *range, const struct istanbul_set *set,
                    rpc_votes_author_fn *author, void *context);
/* The members sealerActivity and numBlocks of an object that has begun. */
void rpc_votes_write_activity(struct buf *b, const struct map *counts,
                              const struct rpc_votes_range *range);

#endif
