/*
 * debug_subscribe("traceChain", start, end): traces of the blocks behind `start` up to `end`, one notification for each that has
 * transactions, and one for the last (GoQuorum, eth/tracers/api.go). A block at a time on a worker, in order; it rests while the
 * client does not read. A failure ends it without a word, as there.
 */
#ifndef RPC_TRACE_CHAIN_H
#define RPC_TRACE_CHAIN_H

#include "rpc/events/priv.h"
#include "rpc/trace/trace.h"

enum {
    RPC_CHAIN_TRACES_MAX = 16, /* at once, of all clients; each holds the traces of one block */
    /* Bytes that the client has not read yet, beyond which the next block waits. */
    RPC_CHAIN_TRACE_UNREAD = 4 * 1024 * 1024,
    RPC_CHAIN_TRACE_REST_MS = 100,
};

/* `run` of the subscription. */
int rpc_trace_chain(struct rpc_call *call);
/* The subscription is going. NULL is fine. */
void rpc_chain_trace_leave(struct rpc_chain_trace *trace);

/* One block with all its transactions, as debug_traceBlockByNumber writes it; RPC_FAILED, ERR_NOMEM. On the worker (methods/trace.c). */
int rpc_trace_whole_block(struct rpc_call *call, uint64_t number,
                          const struct rpc_trace_options *options, struct hash256 *ret_hash,
                          size_t *ret_count);

#endif
