/*
 * The node among its peers: the devp2p server with the capabilities eth and istanbul, configured by flags and by the
 * files of the data directory, and joined with chain, pool and validator. Everything on the loop.
 */
#ifndef NODE_NETWORK_H
#define NODE_NETWORK_H

#include "node/datadir.h"
#include "node/transactions.h"
#include "node/validator/signer.h"
#include "node/validator/validator.h"
#include "p2p/node_list.h"
#include "p2p/server.h"

struct node_light_client;
struct node_network;
struct node_permission;

struct node_network_options {
    struct io_loop *loop;
    const struct node_config *config;
    const struct node_datadir *dir;
    const struct crypto_private_key *key;
    const char *name; /* of the client */
    struct node_chain *chain;
    struct node_transactions *transactions;
    struct node_permission *permission; /* contracts that decide who connects; NULL: none */
    struct node_light_client
        *light; /* of a QLight client, whose only peer is its server; NULL: it is none */
    /* A synchronisation has begun, or ended; may be NULL. */
    void (*syncing)(void *context, bool syncing);
    /* A peer has come (`why` NULL), or gone; may be NULL. */
    void (*peer)(void *context, const struct p2p_peer *peer, const char *why);
    void *context;
};

/* Reads static-nodes.json, trusted-nodes.json and what the flags name, prepares the server; nothing is opened yet. ERR_*. */
int node_network_new(struct node_network **ret_network, const struct node_network_options *options,
                     struct err_detail *detail) BASE_NODISCARD;
/* Listens and dials. ERR_IO: the address is in the message. */
int node_network_start(struct node_network *network, struct err_detail *detail) BASE_NODISCARD;
/* The chain's thread and the validator go: nothing is given to them any more. NULL is fine. */
void node_network_stop(struct node_network *network);
/* Ends all connections. NULL is fine. */
void node_network_free(struct node_network *network);

/* Who is told of consensus messages, of validators that come and go, and of synchronisation. NULL: nobody. */
void node_network_set_validator(struct node_network *network, struct node_validator *validator);
/* The same for a chain of Clique's: told of synchronisation. */
void node_network_set_signer(struct node_network *network, struct node_signer *signer);
/* How the validator sends. */
struct node_validator_network node_network_for_validator(struct node_network *network);

struct p2p_server *node_network_server(struct node_network *network);
/* What the node speaks, as long as the network. */
const struct p2p_protocol *node_network_protocols(const struct node_network *network,
                                                  size_t *ret_count);

/* Raft: who may connect is asked of `raft`; blocks are not announced; transactions are taken from the start. NULL: nobody. */
struct node_raft;
void node_network_set_raft(struct node_network *network, const struct node_raft *raft);
/* A QLight client's server is told of another token. */
void node_network_tell_token(struct node_network *network, struct bytes token);
/* static-nodes.json, as it was read. */
const struct p2p_node_list *node_network_static(const struct node_network *network);
/* Peers may have blocks that they did not announce. */
void node_network_look_for_more(struct node_network *network);

/* The head has moved; transactions can be executed now. */
void node_network_head(struct node_network *network, const struct node_head *head);
void node_network_transactions(struct node_network *network, struct chain_tx *const *txs,
                               size_t count);

/* The record of a server, this network's or another of the node, says which forks the chain has at a block; what fails is logged. */
void node_network_tell_fork(struct p2p_server *server, const struct chain *chain,
                            const struct eth_header *head);

/* What a peer said of its chain in Status; false before that. */
bool node_network_peer_status(const struct node_network *network, const struct p2p_peer *peer,
                              struct u256 *ret_difficulty, struct hash256 *ret_head);

struct node_sync {
    bool syncing;
    uint64_t starting, current, highest;
    size_t peers; /* whose chain is known */
};
void node_network_sync(const struct node_network *network, struct node_sync *ret_sync);

#endif
