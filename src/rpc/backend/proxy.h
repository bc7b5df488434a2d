/* Methods that a QLight client does not do itself: its server does, asked by JSON-RPC. */
#ifndef RPC_BACKEND_PROXY_H
#define RPC_BACKEND_PROXY_H

#include "base/arena.h"
#include "base/error.h"

/* What came back. Spans are in the arena of the call. */
struct rpc_proxied {
    bool is_error;
    struct bytes result;  /* JSON; of an answer that is no error */
    int code;             /* of an error, as all that follows */
    struct bytes message; /* characters */
    struct bytes data;    /* JSON; len 0: none */
};

struct rpc_proxy {
    void *context;
    /*
     * Asks for `method` with `params`, a JSON array, and waits for the answer. Called by any number of threads, never the loop's. 0; ERR_IO,
     * ERR_TIMEOUT, ERR_LIMIT, ERR_INPUT, ERR_BUSY: there is no answer, `detail` says why and what to do; ERR_NOMEM.
     */
    int (*call)(void *context, struct rpc_proxied *ret_answer, const char *method,
                struct bytes params, struct arena *arena, struct err_detail *detail);
};

#endif
