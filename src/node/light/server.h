/*
 * A node that serves QLight clients: a second devp2p server with a port, lists of nodes and a limit of its own, which speaks
 * QLight alone (p2p/qlight/qlight.h). What clients are sent of blocks is made on a worker of its own, since the transaction
 * manager is asked for it. On the loop.
 */
#ifndef NODE_LIGHT_SERVER_H
#define NODE_LIGHT_SERVER_H

#include "chain/chain.h"
#include "node/datadir.h"
#include "node/transactions.h"
#include "p2p/server.h"
#include "privacy/privacy.h"
#include "rpc/access/token.h"

struct node_light_server;

struct node_light_server_options {
    struct io_loop *loop;
    const struct node_config *config;
    const struct node_datadir *dir;
    const struct crypto_private_key *key;
    struct node_chain *chain;
    struct node_transactions *transactions;
    struct privacy_tm *tm;         /* NULL: none */
    const struct chain_psis *psis; /* NULL: there is one private state */
};

/* Nothing is opened yet. ERR_*. */
int node_light_server_new(struct node_light_server **ret_server,
                          const struct node_light_server_options *options,
                          struct err_detail *detail) BASE_NODISCARD;
/* `tokens` (NULL: clients need none) outlives it. NULL is fine. */
int node_light_server_start(struct node_light_server *server, const struct rpc_tokens *tokens,
                            struct err_detail *detail) BASE_NODISCARD;
/* Ends all connections. The transaction manager has been stopped. NULL is fine, here and below. */
void node_light_server_free(struct node_light_server *server);

/* The head has moved; transactions can be executed now. */
void node_light_server_head(struct node_light_server *server, const struct node_head *head);
void node_light_server_transactions(struct node_light_server *server, struct chain_tx *const *txs,
                                    size_t count);

/* For admin_qpeers and admin_qnodeInfo. */
struct p2p_server *node_light_server_p2p(struct node_light_server *server);
/* What a client said of its chain in Status; false before that. */
bool node_light_server_peer_status(const struct node_light_server *server,
                                   const struct p2p_peer *peer, struct u256 *ret_difficulty,
                                   struct hash256 *ret_head);

#endif
