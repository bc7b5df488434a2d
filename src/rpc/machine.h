/* The machine that calls run on, kept from one to the next: the worker's, one at a time. */
#ifndef RPC_MACHINE_H
#define RPC_MACHINE_H

#include "exec/exec.h"
#include "state/state.h"

struct rpc;

struct rpc_machine {
    struct exec *exec;
    struct state_view *view;
};

/* The machine of an rpc; both are NULL until the first call makes them. On the worker. */
struct rpc_machine *rpc_machine(struct rpc *rpc);
/* Makes what is missing, and sets the view to a state. ERR_NOMEM. */
int rpc_machine_begin(struct rpc_machine *machine, const struct state_reader *state) BASE_NODISCARD;
void rpc_machine_release(struct rpc_machine *machine);

#endif
