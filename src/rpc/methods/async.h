/* Transactions that are sent behind the answer (eth_sendTransactionAsync). */
#ifndef RPC_METHODS_ASYNC_H
#define RPC_METHODS_ASYNC_H

#include "base/error.h"

enum {
    RPC_ASYNC_MAX =
        100, /* under way at a time, their callbacks included (internal/ethapi/api.go) */
    RPC_ASYNC_URL_MAX = 2048,
    RPC_ASYNC_MS = 60 * 1000, /* that a callback may take; the reference has no limit */
};

struct io_http_client;
struct rpc_async_job;

struct rpc_async {
    struct rpc_async_job *jobs;
    size_t count;
    struct io_http_client *client; /* NULL until the first callback */
};

struct rpc;
struct rpc_call;

/* Of this rpc (rpc.c). */
struct rpc_async *rpc_async_of(struct rpc *rpc);
/* `quick` of the method. */
int rpc_send_behind(struct rpc_call *call);
/* What is under way is forgotten. */
void rpc_async_release(struct rpc_async *async);

#endif
