/*
 * JSON-RPC over the network: the servers of HTTP and WebSocket, as the flags want them at the start, and as
 * admin_startHTTP and its kin want them later. One listener serves both where they have one address.
 */
#ifndef NODE_SERVERS_ENDPOINTS_H
#define NODE_SERVERS_ENDPOINTS_H

#include "node/config/config.h"
#include "node/servers/security.h"
#include "rpc/backend/servers.h"

struct node_endpoints;
struct rpc;

/* Everything is borrowed. Starts what the flags ask for; ERR_* with a message. */
int node_endpoints_start(struct node_endpoints **ret_endpoints, struct rpc *rpc,
                         const struct node_config *config, const struct node_security *security,
                         struct err_detail *detail) BASE_NODISCARD;
/* Closes all; calls that are still under way are told so when they want to start one. NULL is fine. */
void node_endpoints_stop(struct node_endpoints *endpoints);
/* When no call is under way any more. NULL is fine. */
void node_endpoints_free(struct node_endpoints *endpoints);
/* For rpc_backend. */
void node_endpoints_rpc(struct node_endpoints *endpoints, struct rpc_servers *ret_servers);

/* What to do, behind the reason why something cannot listen, when that is another program. */
void node_port_remedy(struct err_detail *detail, const char *flag);

#endif
