/* Calls without a transaction, on the state of any block (GoQuorum, internal/ethapi, DoCall). On the worker. */
#ifndef RPC_RUN_SIMULATE_H
#define RPC_RUN_SIMULATE_H

#include "rpc/run/lookup.h"
#include "rpc/run/machine.h"

/* A call on one state, run any number of times. Stays where it is. */
struct rpc_simulation {
    struct rpc_call *call;
    const struct rpc_transaction *args;
    const struct rpc_override *overrides; /* NULL: none */
    size_t override_count;
    struct chain_reader reader;
    struct state_reader state;
    struct rpc_machine *machine;
    struct chain_environment environment;
    struct eth_header header;
    struct eth_transaction tx;
    uint64_t number;
    uint64_t gas_cap;                /* 0 = none */
    uint64_t timeout_ms;             /* of each run, which then gives ERR_TIMEOUT; 0 = none */
    const struct evm_tracer *tracer; /* NULL: none */
    struct exec_result result;
    struct err_detail why;
};

/* To be ended when 0; else RPC_FAILED. `args` is borrowed. */
int rpc_simulation_begin(struct rpc_simulation *s, struct rpc_call *call,
                         const struct rpc_transaction *args,
                         const struct rpc_block_id *block) BASE_NODISCARD;
/* The part of it that needs no chain: for a simulation whose reader, state, number, header, environment and machine are
 * there. Has no end. RPC_FAILED, ERR_NOMEM. */
int rpc_simulation_prepare(struct rpc_simulation *s, struct rpc_call *call,
                           const struct rpc_transaction *args) BASE_NODISCARD;
void rpc_simulation_end(struct rpc_simulation *s);
/* Makes the state new, with the overrides. RPC_FAILED or a failure. rpc_simulation_run does it. */
int rpc_simulation_reset(struct rpc_simulation *s) BASE_NODISCARD;
/* Runs it with so much gas, the cap at most, on a state made new; 0, RPC_FAILED (overrides that contradict each
 * other), or a failure of this machine. */
int rpc_simulation_run(struct rpc_simulation *s, uint64_t gas) BASE_NODISCARD;
/* The gas of a call that names none. */
uint64_t rpc_simulation_gas(const struct rpc_simulation *s);

#endif
