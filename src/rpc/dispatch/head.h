/*
 * What a desk keeps of the head, so that it answers by itself what takes less time than to hand it to a worker: a snapshot
 * of the store that stays open as long as that block is the head, its state, and a machine. On the desk's thread only.
 *
 * A call runs here with a small limit of gas first. When that was enough, and nothing in it depended on the limit
 * (evm_gas_mattered), what came out is what its own limit would have given; otherwise it is run again on the worker.
 */
#ifndef RPC_DISPATCH_HEAD_H
#define RPC_DISPATCH_HEAD_H

#include "rpc/run/simulate.h"

#include <stdatomic.h>

enum {
    /* Of a call that is tried at the desk: what it pays before it begins, and about twenty accesses to the state. */
    RPC_HEAD_GAS = 60000,
    RPC_HEAD_INPUT_MAX = 4096, /* bytes */
    /* Microseconds of one turn of the desk's loop that calls may take; what is asked beyond goes to the worker, so that
     * consensus and the network, and other clients, never wait for longer. */
    RPC_HEAD_TURN_US = 4000,
    /* Accounts, with the function that is called, of which a call was too much for the desk. */
    RPC_HEAD_HEAVY = 256,
};

struct rpc_head {
    struct chain_block *block; /* the head; held. NULL: no snapshot is open */
    atomic_bool is_open;       /* one is, or is about to be: for other threads */
    struct rpc_simulation simulation;
    bool has_environment;
    struct rpc_machine machine;
    uint64_t turn;     /* by io_loop_now */
    uint64_t spent_ns; /* in this turn */
    uint64_t began_ns;
    uint64_t heavy[RPC_HEAD_HEAVY]; /* 0: none */
};

/* That of the desk where the call is answered (desk.c). */
struct rpc_head *rpc_head_of(const struct rpc_call *call);

/* The state at a block, when it is the head: its `reader`, `state` and `number`, until the desk's loop goes on. NULL: it is
 * another block, or the snapshot cannot be had. */
struct rpc_simulation *rpc_head_open(struct rpc_call *call, const struct rpc_block_id *block);

/* eth_call, tried: 0 with the result written, RPC_FAILED, or RPC_LATER. */
int rpc_head_call(struct rpc_call *call, const struct rpc_transaction *args,
                  const struct rpc_block_id *block);

/* The head has changed, or the chain is about to be closed: the snapshot goes. */
void rpc_head_drop(struct rpc_head *head);
void rpc_head_release(struct rpc_head *head);

#endif
