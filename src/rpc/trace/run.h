/* Transactions of a block run again, one of them or all with a trace. On the worker. */
#ifndef RPC_TRACE_RUN_H
#define RPC_TRACE_RUN_H

#include "rpc/run/lookup.h"
#include "rpc/run/machine.h"
#include "rpc/trace/trace.h"

/* Stays where it is. */
struct rpc_trace_run {
    struct rpc_call *call;
    struct chain_reader reader;
    struct rpc_machine *machine;
    struct chain_environment environment;
    struct state_reader state;      /* of the parent */
    struct chain_block *block;      /* senders known */
    uint64_t deadline;              /* of the whole call, milliseconds of the monotonic clock */
    struct chain_payloads payloads; /* of a node with a transaction manager */
    bool no_payload;                /* it gave no answer; the call has the error */
    struct rpc_trace trace;
};

/* What the client asked for. What cannot be (tracer, timeout) is the error of each transaction that is to be traced so.
 * `config` may be NULL. */
void rpc_trace_options_read(const struct rpc_call *call, struct rpc_trace_options *ret_options,
                            const struct rpc_trace_config *config);

/* RPC_FAILED with the call's error, or 0: then to be closed. */
int rpc_trace_run_open(struct rpc_trace_run *run, struct rpc_call *call) BASE_NODISCARD;
void rpc_trace_run_close(struct rpc_trace_run *run);

/* The block, from the chain, or decoded by the caller, whose reference is taken. */
int rpc_trace_run_number(struct rpc_trace_run *run, uint64_t number) BASE_NODISCARD;
int rpc_trace_run_block(struct rpc_trace_run *run, struct chain_block *block) BASE_NODISCARD;

/* Runs the first `count` transactions on the parent's state, without a trace. */
int rpc_trace_run_until(struct rpc_trace_run *run, size_t count, uint64_t reexec) BASE_NODISCARD;
/*
 * Runs the next one with a trace, and appends the tracer's result. RPC_FAILED: with the call's error, and the machine is
 * to be begun again (rpc_trace_run_until).
 */
int rpc_trace_run_one(struct rpc_trace_run *run, size_t index,
                      const struct rpc_trace_options *options, struct buf *out) BASE_NODISCARD;

/* What a trace knows of a transaction before it runs, and after. */
void rpc_trace_describe(struct rpc_trace *t, const struct eth_transaction *tx,
                        const struct address *sender);
void rpc_trace_settle(struct rpc_trace *t, const struct eth_transaction *tx,
                      const struct exec_result *result);
/* The call's error for a machine that failed, or was stopped by the trace. */
int rpc_trace_fail(struct rpc_call *call, const struct rpc_trace *t,
                   const struct chain_reader *reader, int status);

#endif
