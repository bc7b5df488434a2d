/* What a worker keeps from one call to the next: the machine that calls run on. One call at a time. Beside it what all of
 * them keep: blocks that were asked for, since to find the senders of their transactions takes longer than all the rest. */
#ifndef RPC_RUN_MACHINE_H
#define RPC_RUN_MACHINE_H

#include "chain/block.h"
#include "chain/private/private.h"
#include "exec/exec.h"
#include "state/state.h"

#include <pthread.h>

enum {
    RPC_KEPT_BLOCKS = 64,
    /* Bytes of a block that is kept; decoded it takes about three times as much, so all take at most 48 MB. */
    RPC_KEPT_SIZE_MAX = 256 * 1024,
};

struct rpc_machine {
    struct exec *exec; /* NULL until the first call, as is the view */
    struct state_view *view;
    struct chain_private private; /* of calls on a private contract */
};

/* Makes what is missing, and sets the view to a state. ERR_NOMEM. */
int rpc_machine_begin(struct rpc_machine *machine, const struct state_reader *state) BASE_NODISCARD;
void rpc_machine_release(struct rpc_machine *machine);

/* From any thread. */
struct rpc_kept {
    pthread_mutex_t lock;
    struct chain_block *blocks[RPC_KEPT_BLOCKS]; /* senders known; NULL: free */
    size_t next;                                 /* the place of the next one */
};

struct rpc;

/* Of this rpc (rpc.c). */
struct rpc_kept *rpc_kept_of(struct rpc *rpc);
void rpc_kept_init(struct rpc_kept *kept);
void rpc_kept_release(struct rpc_kept *kept);
/* A block that is kept, held for the caller, or NULL. */
struct chain_block *rpc_kept_find(struct rpc_kept *kept, const struct hash256 *hash);
/* Keeps it, unless it is large; in the place of the oldest. */
void rpc_kept_add(struct rpc_kept *kept, struct chain_block *block);

#endif
