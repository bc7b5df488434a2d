/*
 * A node that is a QLight client: what its server sent of private payloads goes to where blocks are executed from, before those
 * blocks (GoQuorum, eth/handler_qlight_client.go, qlight/client_cache.go). On the loop, but for what the chain asks.
 */
#ifndef NODE_LIGHT_CLIENT_H
#define NODE_LIGHT_CLIENT_H

#include "chain/chain.h"
#include "node/light/token.h"
#include "p2p/qlight/qlight.h"
#include "privacy/privacy.h"

struct node_light_client;

/* `tm` asks the server for what is not given (node/light/payloads.h); the chain is told whose word to compare its private state with. `psi`
 * and `token` (NULL: none is shown) outlive it. ERR_NOMEM. */
int node_light_client_new(struct node_light_client **ret_client, struct chain *chain,
                          struct privacy_tm *tm, const char *psi,
                          struct node_light_token *token) BASE_NODISCARD;
/* The chain executes nothing any more. NULL is fine. */
void node_light_client_free(struct node_light_client *client);

/* Its end of the connection, but for `report`. */
struct p2p_qlight_options node_light_client_options(struct node_light_client *client);
/* These are executed next: what was not given for them, the server is not party to. NULL is fine. */
void node_light_client_blocks(struct node_light_client *client, struct chain_block *const *blocks,
                              size_t count);

#endif
