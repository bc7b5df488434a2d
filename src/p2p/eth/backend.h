/*
 * What the eth protocol needs of the rest of the node: a struct of functions, so that it runs in a
 * test without socket, disk and clock. local.h has the usual ones, over chain, pool and loop.
 *
 * All are called on the loop's thread. Those that answer at once must not take longer than a look
 * into the store.
 */
#ifndef P2P_ETH_BACKEND_H
#define P2P_ETH_BACKEND_H

#include "chain/block.h"
#include "chain/engine/engine.h"
#include "p2p/eth/wire.h"

struct p2p_eth_head {
    struct hash256 hash;
    uint64_t number;
    uint64_t time; /* of the header */
    struct u256 td;
};

/* What can be read of a block, in the form of messages. */
enum p2p_eth_part {
    P2P_ETH_HEADER,       /* the encoded header */
    P2P_ETH_BODY,         /* [transactions, uncles, (withdrawals)] */
    P2P_ETH_RECEIPT_LIST, /* [receipt ...] */
};

/* How an import ended. */
struct p2p_eth_imported {
    int status; /* 0, or ERR_… of this machine: nobody's fault */
    enum chain_verdict verdict;
    struct err_detail why;
    size_t count; /* blocks that are in the chain now */
};
typedef void p2p_eth_imported_fn(void *context, const struct p2p_eth_imported *imported);

/* Transactions that a peer sent have been looked at: the pool has them or not. */
typedef void p2p_eth_taken_fn(void *context);

enum p2p_eth_level {
    P2P_ETH_DEBUG,
    P2P_ETH_INFO,
    P2P_ETH_WARN,
};

/* A block that a peer's chain must have when it is so long (--authorizationlist). */
struct p2p_eth_authorized {
    uint64_t number;
    struct hash256 hash;
};

/* What the peers of a handler are to it. The last two are the ends of QLight (p2p/qlight/qlight.h), whose peers have few of the messages. */
enum p2p_eth_role {
    P2P_ETH_AMONG_EQUALS,
    P2P_ETH_SERVES, /* its peers ask, and are never asked; they get transactions, blocks by somebody else */
    P2P_ETH_IS_SERVED, /* its peer is asked, and is told of nothing */
};

enum { P2P_ETH_AUTHORIZED_MAX = 64 }; /* of these; each costs a peer a request at its beginning */

struct p2p_eth_backend {
    void *context;
    enum p2p_eth_role role;
    uint64_t network;                            /* id, of Status */
    struct hash256 genesis;                      /* hash of block 0 */
    bool is_quorum;                              /* how v = 37/38 reads */
    const struct p2p_eth_authorized *authorized; /* borrowed */
    size_t authorized_count;

    /* --- The chain --- */
    void (*head)(void *context, struct p2p_eth_head *ret_head);
    void (*fork_id)(void *context, struct p2p_eth_fork_id *ret_fork);
    /* NULL: a peer with this fork id is welcome; otherwise why it is not. */
    const char *(*fork_check)(void *context, const struct p2p_eth_fork_id *fork);
    /* Of the canonical chain. ERR_NOTFOUND, and failures of this machine. `read` appends. */
    int (*hash_at)(void *context, uint64_t number, struct hash256 *ret_hash);
    int (*number_of)(void *context, const struct hash256 *hash, uint64_t *ret_number);
    int (*read)(void *context, uint64_t number, enum p2p_eth_part part, struct buf *b);
    /* A node of the state, or a contract's code; NULL: none is served. Appends. */
    int (*node_data)(void *context, const struct hash256 *hash, struct buf *b);
    /* Puts blocks that follow each other into the chain, elsewhere; `done` comes later, on the loop. The array and
     * its references are the caller's. ERR_NOMEM: `done` does not come. */
    int (*import)(void *context, struct chain_block *const *blocks, size_t count,
                  p2p_eth_imported_fn *done, void *done_context);

    /* --- The pool --- */
    /* A reference of the caller's, or NULL. */
    struct chain_tx *(*transaction)(void *context, const struct hash256 *hash);
    bool (*has_transaction)(void *context, const struct hash256 *hash);
    /* Calls `visit` for each transaction that can be executed now. */
    void (*each_pending)(void *context,
                         void (*visit)(void *visit_context, const struct chain_tx *tx),
                         void *visit_context);
    /* Has senders recovered and offers the transactions to the pool; takes the references over (the array is the
     * caller's). `done` comes later, on the loop. ERR_NOMEM: they are dropped and `done` does not come. */
    int (*take)(void *context, struct chain_tx *const *txs, size_t count, p2p_eth_taken_fn *done,
                void *done_context);
    /* Whether the pool is so full that what peers send had better wait. */
    bool (*is_full)(void *context);

    /* --- The world --- */
    uint64_t (*now)(void *context); /* milliseconds of a clock that does not jump */
    /* p2p_eth_tick is wanted at that time; replaces what was wanted before. UINT64_MAX: no more. */
    void (*wake)(void *context, uint64_t at);
    uint64_t (*draw)(void *context); /* request ids, choice of peers */
    /* The peer and we have exchanged Status, both may send all; or it is gone again. `link` is the connection's
     * (p2p_eth_opened). May be NULL. */
    void (*ready)(void *context, void *link, bool gone);
    /* Blocks are being fetched from peers, or no longer. May be NULL. */
    void (*syncing)(void *context, bool syncing);
    void (*report)(void *context, enum p2p_eth_level level, const char *message); /* may be NULL */
};

#endif
