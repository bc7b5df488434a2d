/*
 * A network of eth handlers in one process, for tests: each node has a chain and a pool of its own (arrays), messages are
 * queued on links and delivered in order, time stands still unless the test moves it, everything follows from the seed.
 */
#ifndef P2P_TEST_ETH_NET_H
#define P2P_TEST_ETH_NET_H

#include "p2p/eth/eth.h"

enum { NET_NODES = 8, NET_LINKS = 32, NET_VERSION = P2P_ETH_66 };

struct net;

struct net_node {
    struct net *net;
    struct p2p_eth *eth;
    struct chain_block **blocks; /* 0 … count - 1 */
    size_t count;
    struct chain_tx **pool;
    size_t pool_count;
    uint64_t fork_next; /* of its fork id */
    uint64_t network;
    uint64_t wake_at;
    bool full;
    uint64_t bad_number; /* a block that its chain refuses; 0: none */
    int import_status;   /* what imports return of this machine */
    unsigned imports, takes, taken, syncing_changes, ready, gone;
    char log[4096];
};

/* One direction of a connection: what `from` sends to `to`. */
struct net_link {
    struct net *net;
    struct net_node *node;     /* whose end this is */
    struct net_link *other;    /* the other end */
    struct p2p_eth_peer *peer; /* of the handler at this end; NULL: none, or gone */
    /* What this end sends; `tamper` may change it, or drop it (false). */
    bool (*tamper)(struct net_link *link, unsigned *code, struct buf *payload);
    struct net_message *first, **last;
    size_t sent, queued;          /* messages so far; bytes that `queued` reports */
    size_t codes[P2P_ETH_LENGTH]; /* messages sent, by code */
    struct buf latest[P2P_ETH_LENGTH];
    bool closing;
    enum p2p_reason reason;
    unsigned points;
    char why[256];
};

struct net {
    struct net_node nodes[NET_NODES];
    size_t node_count;
    struct net_link links[NET_LINKS];
    size_t link_count;
    uint64_t now, random;
    struct net_job *jobs, **last_job;
    enum p2p_eth_role role;                      /* of nodes that are added from now on */
    const struct p2p_eth_authorized *authorized; /* of nodes that are added from now on */
    size_t authorized_count;
};

void net_init(struct net *net);
void net_release(struct net *net);
/* A node whose chain is these blocks (shared). */
struct net_node *net_add(struct net *net, struct chain_block *const *blocks, size_t count);
/* Connects two nodes; the link is a's end, its `other` is b's. With b NULL the test plays the other end. */
struct net_link *net_connect(struct net *net, struct net_node *a, struct net_node *b,
                             unsigned version);
/* The test's end: hands a message to a's handler. */
void net_give(struct net_link *link, unsigned code, struct bytes payload);
void net_close(struct net_link *link);
/* Delivers messages, imports and wakes that are due until nothing happens. Returns how much did. */
size_t net_settle(struct net *net);
/* Moves time on to each wake that is due within `ms`, settling after each. */
void net_pass(struct net *net, uint64_t ms);
/* A block made here: the node's head moves and its handler is told. */
void net_extend(struct net_node *node, struct chain_block *block);

/* Blocks. */
struct chain_block **net_decode(const struct buf *blocks, size_t count);
/* A chain of plain blocks, `count` with genesis, of which every `filled`-th has a transaction; `salt` tells chains apart
 * from block `fork` on. */
struct chain_block **net_make_chain(size_t count, size_t filled, uint64_t fork, uint64_t salt);
void net_free_blocks(struct chain_block **blocks, size_t count);
struct chain_tx *net_make_tx(uint64_t nonce);

#endif
