/* What the worker keeps from one call to the next: the machine that calls run on, and blocks that were asked for, since to
 * find the senders of their transactions takes longer than all the rest. The worker's alone, one call at a time. */
#ifndef RPC_MACHINE_H
#define RPC_MACHINE_H

#include "chain/block.h"
#include "chain/private.h"
#include "exec/exec.h"
#include "state/state.h"

struct rpc;

enum {
    RPC_KEPT_BLOCKS = 64,
    /* Bytes of a block that is kept; decoded it takes about three times as much, so all take at most 48 MB. */
    RPC_KEPT_SIZE_MAX = 256 * 1024,
};

struct rpc_machine {
    struct exec *exec;
    struct state_view *view;
    struct chain_private private;                /* of calls on a private contract */
    struct chain_block *blocks[RPC_KEPT_BLOCKS]; /* senders known; NULL: free */
    size_t next;                                 /* the place of the next one */
};

/* The machine of an rpc; both are NULL until the first call makes them. On the worker. */
struct rpc_machine *rpc_machine(struct rpc *rpc);
/* Makes what is missing, and sets the view to a state. ERR_NOMEM. */
int rpc_machine_begin(struct rpc_machine *machine, const struct state_reader *state) BASE_NODISCARD;
/* A block that is kept, held for the caller, or NULL. */
struct chain_block *rpc_machine_find(struct rpc_machine *machine, const struct hash256 *hash);
/* Keeps it, unless it is large; in the place of the oldest. */
void rpc_machine_keep(struct rpc_machine *machine, struct chain_block *block);
void rpc_machine_release(struct rpc_machine *machine);

#endif
