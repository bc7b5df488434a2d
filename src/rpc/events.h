/* What the node tells those who subscribed or made filters: new blocks and their logs, transactions, peers,
 * synchronisation. All on the loop; what takes reading the chain is done on the worker. */
#ifndef RPC_EVENTS_H
#define RPC_EVENTS_H

#include "rpc/rpc.h"

struct chain_tx;

/* The head is block `number` now, the last of `blocks` new ones. */
void rpc_tell_head(struct rpc *rpc, uint64_t number, uint64_t blocks);
/* These transactions can be executed now and could not before. */
void rpc_tell_transactions(struct rpc *rpc, struct chain_tx *const *txs, size_t count);
/* Catching up with the network has begun, or ended. */
void rpc_tell_sync(struct rpc *rpc, bool syncing);
/* A peer has come or gone; `why` NULL: it came. */
void rpc_tell_peer(struct rpc *rpc, const struct hash256 *id, const char *why);

#endif
