/* What the node tells those who subscribed or made filters: new blocks and their logs, transactions, peers,
 * synchronisation. All on the loop; what takes reading the chain is done on the worker. */
#ifndef RPC_EVENTS_EVENTS_H
#define RPC_EVENTS_EVENTS_H

#include "rpc/rpc.h"

struct chain_reader;
struct chain_tx;
struct io_address;

/* The head is block `number` now, the last of `blocks` new ones that have so many transactions together. */
void rpc_tell_head(struct rpc *rpc, uint64_t number, uint64_t blocks, uint64_t transactions);
/*
 * Blocks are no longer part of the chain. Their logs are read (any thread; `reader` shows the chain before that) and added to
 * a list, which begins as NULL; without memory they are left out. The list is told later, on the loop, before the head that
 * replaces them: with `removed` true, to those whose criteria they fit.
 */
struct rpc_removed;
void rpc_removed_read(struct rpc_removed **list, struct chain_reader *reader, uint64_t first,
                      uint64_t last);
void rpc_removed_free(struct rpc_removed *list);
/* Takes it; NULL is fine. */
void rpc_tell_removed(struct rpc *rpc, struct rpc_removed *list);
/* These transactions can be executed now and could not before. */
void rpc_tell_transactions(struct rpc *rpc, struct chain_tx *const *txs, size_t count);
/* Catching up with the network has begun, or ended. */
void rpc_tell_sync(struct rpc *rpc, bool syncing);
/* A peer has come or gone; `why` NULL: it came. */
void rpc_tell_peer(struct rpc *rpc, const struct hash256 *id, const struct io_address *local,
                   const struct io_address *remote, const char *why);

#endif
