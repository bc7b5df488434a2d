/* What admin_startHTTP and its kin ask of the node: the servers of JSON-RPC, on and off while it runs. */
#ifndef RPC_BACKEND_SERVERS_H
#define RPC_BACKEND_SERVERS_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

/* What is NULL, or not given, is as the node was configured. */
struct rpc_server_wish {
    const char *host;
    bool has_port;
    uint16_t port;
    const char *origins; /* HTTP: of CORS; WebSocket: of browsers */
    const char *apis;    /* "net,web3,eth" */
    const char *vhosts;  /* HTTP alone */
};

/* All on the loop. Starting returns 0, or a failure with the message for the client. What is stopped goes after the
 * answer that is under way, so that it may be asked for over that very connection. */
struct rpc_servers {
    void *context; /* given to each */
    int (*start_http)(void *context, const struct rpc_server_wish *wish, struct err_detail *detail);
    int (*start_websocket)(void *context, const struct rpc_server_wish *wish,
                           struct err_detail *detail);
    /* The server of HTTP, with the WebSocket that it serves. */
    void (*stop_http)(void *context);
    /* WebSocket everywhere. */
    void (*stop_websocket)(void *context);
};

#endif
