/* What qlight_… asks of a light client: the token that it shows to its server. */
#ifndef RPC_BACKEND_TOKEN_H
#define RPC_BACKEND_TOKEN_H

#include "base/buf.h"
#include "base/error.h"

/* All on the loop. */
struct rpc_light_token {
    void *context;
    /* ERR_INPUT with the message for the client, ERR_NOMEM. */
    int (*set)(void *context, struct bytes token, struct err_detail *detail);
    /* Appends it. */
    void (*get)(void *context, struct buf *ret_token);
};

#endif
