/*
 * Transactions of a batch, looked at together: eight signatures cost little more than one (crypto/recover_many.h), so the
 * first eth_sendRawTransaction of a batch also decodes those that follow it and recovers their senders. Nothing of it can be
 * seen from outside: what is wrong with one is found again, and told, at its turn.
 */
#ifndef RPC_DISPATCH_AHEAD_H
#define RPC_DISPATCH_AHEAD_H

#include "chain/tx.h"
#include "rpc/json/json.h"

/* Of one batch; zeroed at first. Used by one thread after the other. */
struct rpc_ahead {
    struct rpc_json_walk rest;               /* the batch behind the call under way */
    struct chain_tx *txs[ETH_RECOVER_CHUNK]; /* in their order; held until they are taken */
    size_t count, at;
};

void rpc_ahead_release(struct rpc_ahead *ahead);

/* The transaction with that encoding, whose sender was looked for, if it was looked at; the reference is the caller's. */
struct chain_tx *rpc_ahead_take(struct rpc_ahead *ahead, struct bytes encoded);

/* Recovers the sender of `tx`, and those of transactions that follow in the batch, for the takes to come. `ahead` NULL: no
 * batch. `arrival` as chain_tx_decode has it. ERR_NOMEM. */
int rpc_ahead_recover(struct rpc_ahead *ahead, struct chain_tx *tx, const struct eth_rules *rules,
                      bool is_quorum, uint64_t arrival) BASE_NODISCARD;

#endif
