/* JSON-RPC over WebSocket: a message a request or batch, an answer or notification a message (GoQuorum,
 * rpc/websocket.go). http.h is where connections come from. */
#ifndef RPC_TRANSPORT_WEBSOCKET_H
#define RPC_TRANSPORT_WEBSOCKET_H

#include "io/http.h"
#include "rpc/rpc.h"

struct rpc_websockets;

struct rpc_websocket_options {
    const char
        *origins; /* comma list of what browsers may come from, "*" = any; "" = this machine */
    struct rpc_access access;
    size_t connections_max;    /* 0 = 10,000 */
    uint64_t ping_ms, pong_ms; /* 0 = 60 s of silence, then 30 s */
};

/* Those of a desk; whoever subscribes goes to `main`, the loop's, which ends after all others (NULL: these are the loop's). Strings are copied. On any
 * thread. ERR_NOMEM. */
int rpc_websockets_new(struct rpc_websockets **ret_websockets, struct rpc_desk *desk,
                       struct rpc_websockets *main,
                       const struct rpc_websocket_options *options) BASE_NODISCARD;
/* A request that wants to become one: upgrades it, or refuses it. Inside of io_http's `request`. `grant` is what its
 * token allows, NULL when none is needed; the connection keeps it. */
void rpc_websockets_open(struct rpc_websockets *websockets, struct io_http_request *request,
                         struct rpc_grant *grant);
/* Closes all. On the desk's thread. NULL is fine. */
void rpc_websockets_free(struct rpc_websockets *websockets);

#endif
