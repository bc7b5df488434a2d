/* An answer of JSON-RPC, as a client reads it. */
#ifndef NODE_LIGHT_ANSWER_H
#define NODE_LIGHT_ANSWER_H

#include "rpc/backend/proxy.h"

/* `text` is in `arena`, or outlives what is read from it. Its id is not looked at: who reads it has asked one question. ERR_INPUT: no
 * answer of JSON-RPC; ERR_NOMEM. */
int node_light_answer_read(struct rpc_proxied *ret_answer, struct bytes text,
                           struct arena *arena) BASE_NODISCARD;

#endif
