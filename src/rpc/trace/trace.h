/*
 * Traces of transactions, as GoQuorum's debug methods give them (geth 1.10.3, eth/tracers and core/vm/logger.go).
 *
 * A trace stands between the machine and one tracer: it turns the machine's events into geth's (a step for each
 * instruction, with the memory that the instruction has made; a fault when one fails that had begun; an end) and
 * keeps limits of time and size. Tracers are tables of functions, by name: call.c, prestate.c,
 * count.c, struct.c; those that clients write in JavaScript: js.c.
 */
#ifndef RPC_TRACE_TRACE_H
#define RPC_TRACE_TRACE_H

#include "base/arena.h"
#include "base/buf.h"
#include "exec/exec.h"
#include "rpc/method.h"

enum {
    RPC_TRACE_SIZE_MAX = 64 * 1024 * 1024, /* bytes of one answer, and of what a tracer keeps */
    RPC_TRACE_MS = 5000,                   /* of one transaction, unless `timeout` says less */
    RPC_TRACE_MS_MAX = 60000,              /* whatever `timeout` says */
    RPC_TRACE_ERROR_MAX = 64,
    RPC_TRACE_FAULT_MAX = 192,
};

/* What geth's tracers see of one instruction. */
struct rpc_trace_step {
    uint64_t pc, gas, cost, refund;
    uint8_t op;
    uint32_t depth; /* 1 for the outermost */
    const struct u256 *stack;
    size_t stack_size;
    struct bytes memory; /* without what the instruction adds */
    size_t memory_size;  /* with that, which is zero */
    struct bytes return_data;
    const struct evm_message *message;
    const struct evm_storage_change *change; /* SSTORE: what was there; else NULL */
    const char *error;                       /* NULL: none */
};

/* What they see of the transaction, at its end. Of a marker: of the transaction inside of it, if it was run, but for the gas used, the output,
 * and whether it failed. */
struct rpc_trace_outcome {
    bool started; /* a message was run; false for a private transaction of others */
    bool is_creation;
    struct address from, to;
    struct bytes input;
    uint64_t gas, gas_used; /* of the message alone */
    uint64_t block;         /* its number */
    struct u256 value, gas_price;
    uint64_t intrinsic_gas;
    struct bytes output;
    bool failed;
    const char *error; /* NULL: none */
    uint64_t nanoseconds;
    /* Of the transaction, when it is settled. */
    uint64_t gas_limit, transaction_gas;
};

struct rpc_trace;

/* Functions return 0 or a failure; any may be NULL but `result`. */
struct rpc_tracer {
    const char *name;
    size_t size; /* of its state, zeroed before `begin` */
    int (*begin)(struct rpc_trace *t);
    int (*step)(struct rpc_trace *t, const struct rpc_trace_step *step);
    int (*fault)(struct rpc_trace *t, const struct rpc_trace_step *step);
    /* The outermost message has ended; the state is still that of the transaction. */
    int (*end)(struct rpc_trace *t);
    /* The answer, as JSON. */
    int (*result)(struct rpc_trace *t, struct buf *b);
    void (*release)(struct rpc_trace *t);
};

struct rpc_trace_options {
    bool no_memory, no_stack, no_storage, no_return_data, debug;
    uint64_t limit; /* instructions that are logged; 0 = all */
    const struct rpc_tracer *tracer;
    uint64_t milliseconds;
    uint64_t reexec;
    struct bytes code;               /* of a tracer in JavaScript; borrowed */
    const char *program;             /* what runs it */
    char fault[RPC_TRACE_FAULT_MAX]; /* why nothing can be traced so; else empty */
};

struct rpc_trace {
    struct evm_tracer events; /* for evm_set_tracer */
    struct evm_tracer inside; /* for what is inside of a marker */
    struct rpc_trace_options options;
    const struct rpc_tracer *tracer;
    void *state;                   /* the tracer's */
    struct state_view *view;       /* public accounts */
    struct chain_private *private; /* NULL: nothing private is run */
    enum fork fork;
    struct arena arena; /* limited; for what tracers keep until the result */
    struct rpc_trace_outcome outcome;
    struct rpc_trace_step last;
    bool last_is_open;                      /* its instruction has begun and may fail */
    uint64_t frame_cost[EVM_DEPTH_MAX + 2]; /* cost of the last instruction, by depth */
    uint64_t steps, started_at, deadline;   /* nanoseconds */
    bool timed_out, too_large;
    const char *failure; /* the tracer's own, for the client; NULL: none */
    char error[RPC_TRACE_ERROR_MAX];
};

/* The built-in tracer of that name; NULL: none. "" is the log of instructions. */
const struct rpc_tracer *rpc_tracer_find(struct bytes name);

/* Makes ready for one transaction. ERR_NOMEM. To be released, also after a failure. */
int rpc_trace_begin(struct rpc_trace *t, const struct rpc_trace_options *options,
                    struct state_view *view, enum fork fork) BASE_NODISCARD;
void rpc_trace_release(struct rpc_trace *t);
/* Without an access list, which the reference's tracers leave out. */
uint64_t rpc_trace_intrinsic_gas(const struct rpc_trace *t, bool is_creation, struct bytes input);
/* An account as the running code sees it: in which view it is. */
int rpc_trace_view(struct rpc_trace *t, struct state_view **ret_view,
                   const struct address *address) BASE_NODISCARD;
/* Go's Duration.String. */
void rpc_trace_write_time(struct buf *b, uint64_t nanoseconds);
/* Why the machine was stopped; NULL: it was not, by this. */
const char *rpc_trace_stopped(const struct rpc_trace *t);

/* The operand at `index` from the top; 0 when there is none. */
struct u256 rpc_trace_peek(const struct rpc_trace_step *step, size_t index);
/* Memory, with what the instruction adds, in the trace's arena; empty when it is not in there. data NULL and ERR_NOMEM. */
int rpc_trace_memory(struct rpc_trace *t, struct bytes *ret, const struct rpc_trace_step *step,
                     const struct u256 *offset, const struct u256 *size);
/* An address is the low 20 bytes of a word. */
struct address rpc_trace_address(const struct u256 *word);
/* Precompiled contracts of Istanbul, as geth's tracers ask. */
bool rpc_trace_is_precompile(const struct address *address);
/* The instruction's name, as geth 1.10.3 has it, which knows none of later forks; of these where the chain has come to them. */
const char *rpc_trace_op_name(char ret_unknown[32], const struct rpc_trace *t, uint8_t op);

extern const struct rpc_tracer rpc_tracer_struct, rpc_tracer_call, rpc_tracer_prestate,
    rpc_tracer_4byte, rpc_tracer_noop, rpc_tracer_opcount, rpc_tracer_unigram, rpc_tracer_bigram,
    rpc_tracer_trigram, rpc_tracer_evmdis, rpc_tracer_json, rpc_tracer_js;

#endif
