/*
 * A tracer that writes a JSON line for each instruction, as EIP-3155 describes and geth's `evm
 * --trace` does:
 *
 *     {"pc":0,"op":96,"gas":"0x5208","gasCost":"0x3","memSize":0,"stack":[],"depth":1,"refund":0,
 *      "opName":"PUSH1"}
 *     {"output":"","gasUsed":"0x5208"}
 *
 * each on one line, the second at the end of every message, nested ones included. "error" says what
 * failed; an instruction that fails after it began has a second line with it.
 */
#ifndef EXEC_TRACE_STRUCT_H
#define EXEC_TRACE_STRUCT_H

#include "base/buf.h"
#include "evm/evm.h"

struct exec_trace_options {
    bool memory;      /* "memory": the whole memory at each step */
    bool return_data; /* "returnData" */
    bool no_stack;
};

struct exec_trace {
    struct evm_tracer tracer; /* for evm_set_tracer */
    struct exec_trace_options options;
    int (*write)(void *context, struct bytes line); /* with its line feed; 0 or a failure */
    void *write_context;
    struct buf line;
    struct evm_step last; /* depth 0: none since the last message ended */
    struct buf stack;     /* of that step */
};

/* The options are copied. The tracer's calls fail as `write` does, or with ERR_NOMEM. */
void exec_trace_init(struct exec_trace *trace, const struct exec_trace_options *options,
                     int (*write)(void *context, struct bytes line), void *write_context);
void exec_trace_release(struct exec_trace *trace);

#endif
