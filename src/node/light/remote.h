/* A QLight client's server as the --qlight.client.* flags name it: the way to its JSON-RPC, and the token that it is shown. */
#ifndef NODE_LIGHT_REMOTE_H
#define NODE_LIGHT_REMOTE_H

#include "node/config/light.h"
#include "node/light/token.h"
#include "rpc/backend/proxy.h"
#include "rpc/backend/token.h"

struct node_light_remote;

/* Nothing is asked yet. The configuration has passed node_light_check, and says `client`. ERR_INPUT, ERR_USAGE, ERR_* of files, with the flag; ERR_NOMEM. */
int node_light_remote_new(struct node_light_remote **ret_remote,
                          const struct node_light_config *config,
                          struct err_detail *detail) BASE_NODISCARD;
/* Nobody is asking any more. NULL is fine. */
void node_light_remote_free(struct node_light_remote *remote);

/* The node ends (node_light_proxy_stop). NULL is fine. Any thread. */
void node_light_remote_stop(struct node_light_remote *remote);

/* NULL where `remote` is, here and below. */
const struct rpc_proxy *node_light_remote_proxy(const struct node_light_remote *remote);
/* For messages: where it is, without secrets. */
const char *node_light_remote_name(const struct node_light_remote *remote);
/* NULL: no token is shown (--qlight.client.token.enabled). */
struct node_light_token *node_light_remote_token(const struct node_light_remote *remote);
/* What qlight_… asks; NULL, too: the token is not managed from outside. */
const struct rpc_light_token *node_light_remote_methods(const struct node_light_remote *remote);

#endif
