/*
 * Permissioning by contracts, joined with the node: permission-config.json, the first start, which fills the contracts, the
 * files of permitted nodes, connections that have to end.
 */
#ifndef NODE_PERMISSION_H
#define NODE_PERMISSION_H

#include "node/network.h"
#include "permission/permission.h"

struct node_permission;
struct node_raft;

/*
 * With --permissioned, and permission-config.json in the data directory; else *ret_permission is NULL. `chain` is open and
 * nothing is executed yet. ERR_INPUT: the file, in GoQuorum's words.
 */
int node_permission_open(struct node_permission **ret_permission, const struct node_config *config,
                         const struct node_datadir *dir, struct chain *chain,
                         const struct crypto_private_key *key,
                         struct err_detail *detail) BASE_NODISCARD;
/* NULL is fine, here and below. The chain's thread has ended. */
void node_permission_free(struct node_permission *permission);

struct node_permission_parts {
    struct io_loop *loop;
    struct node_chain *chain;
    struct node_transactions *transactions;
    struct node_network *network;
    struct node_raft *raft; /* NULL: none */
};
/* Everything is there: reads the contracts, or waits for them. */
void node_permission_start(struct node_permission *permission,
                           const struct node_permission_parts *parts);
/* The rest goes: no transaction is sent any more. */
void node_permission_stop(struct node_permission *permission);

/* The head has moved; before the pool is told. */
void node_permission_head(struct node_permission *permission, bool removed);

/* NULL: there is none. */
struct permission *node_permission_of(struct node_permission *permission);
/* Whether the contracts decide who connects: else the files do. */
bool node_permission_decides(const struct node_permission *permission);
bool node_permission_permits(struct node_permission *permission, const struct p2p_enode *node);

#endif
