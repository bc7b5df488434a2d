/*
 * A member of a Raft cluster: carries out what the machine (consensus/raft/machine.h) wants with its log on the disk, the other
 * members, and the chain; mints blocks while it leads. Everything on the loop, but for the disk's thread.
 *
 *     pool ─▸ mint: build on the head ─▸ propose ─▸ machine ─▸ log, members ─▸ committed ─▸ chain ─▸ applied
 *
 * One own block is on its way at a time; the next is built when that one is in the chain, or was passed over.
 */
#ifndef NODE_RAFT_RAFT_H
#define NODE_RAFT_RAFT_H

#include "consensus/raft/cluster.h"
#include "node/chain_thread.h"
#include "node/config/config.h"
#include "node/datadir.h"
#include "node/network.h"
#include "p2p/enode.h"

struct node_raft;

enum {
    NODE_RAFT_SNAPSHOT_EVERY = 250, /* applied entries, as GoQuorum */
    /* … or so many bytes of them, so that memory does not depend on the size of blocks. */
    NODE_RAFT_SNAPSHOT_BYTES = 32 * 1024 * 1024,
    /* Committed entries that wait for the chain; beyond, the machine waits. */
    NODE_RAFT_QUEUE_MAX = 1024,
};

struct node_raft_options {
    struct io_loop *loop;
    struct node_chain *chain;
    struct chain_pool *pool;
    struct node_network *network;
    const struct node_config *config;
    const struct node_datadir *dir;
    const struct crypto_private_key *key; /* borrowed */
};

/* Finds its place in static-nodes.json or by --raftjoinexisting, and reads its log; nothing is opened yet. ERR_…, with geth's
 * words where it has some. */
int node_raft_new(struct node_raft **ret_raft, const struct node_raft_options *options,
                  struct err_detail *detail) BASE_NODISCARD;
/* Listens on --raftport and takes part. */
int node_raft_start(struct node_raft *raft, struct err_detail *detail) BASE_NODISCARD;
/* Stops taking part; to be called before the chain's thread is stopped, and freed behind it. NULL is fine. */
void node_raft_stop(struct node_raft *raft);
void node_raft_free(struct node_raft *raft);

/* The chain's head has moved. */
void node_raft_head(struct node_raft *raft);
/* Transactions have come into the pool that can be executed. */
void node_raft_pending(struct node_raft *raft);
/* Whether a node belongs to the cluster: others are not let in. */
bool node_raft_permits(const struct node_raft *raft, const struct crypto_public_key *key);

/* ---- raft_… ---- */

struct rpc_raft;
/* For RPC: borrows `raft`. */
void node_raft_rpc(struct node_raft *raft, struct rpc_raft *ret_methods);

struct node_raft_member {
    struct raft_address address;
    const char *role; /* "minter", "verifier", "learner", "" */
    bool active;
};

/* "minter", "verifier", "learner", or "". */
const char *node_raft_role(const struct node_raft *raft);
/* Each with the reference's message: ERR_INPUT. */
int node_raft_add(struct node_raft *raft, const char *enode, bool learner, uint16_t *ret_id,
                  struct err_detail *detail) BASE_NODISCARD;
int node_raft_promote(struct node_raft *raft, uint16_t id,
                      struct err_detail *detail) BASE_NODISCARD;
int node_raft_remove(struct node_raft *raft, uint16_t id, struct err_detail *detail) BASE_NODISCARD;
int node_raft_leader(const struct node_raft *raft, struct raft_address *ret_address,
                     struct err_detail *detail) BASE_NODISCARD;
int node_raft_id_of(const struct node_raft *raft, const char *enode, uint16_t *ret_id,
                    struct err_detail *detail) BASE_NODISCARD;
/* Members by id; returns how many, `ret_members` has room for RAFT_MEMBERS_MAX. */
size_t node_raft_cluster(const struct node_raft *raft, struct node_raft_member *ret_members);

#endif
