/*
 * The protocols eth and istanbul of this node, bound to its chain, pool, loop and server: the backend of eth.h over
 * them, the rows for the server, and the way of a peer's transactions into the pool.
 *
 *     p2p_local_new(&local, &options);
 *     options of the server: protocols = p2p_local_protocols(local, &count)
 *     chain's new head          -> p2p_eth_new_head(p2p_local_eth(local), ...)
 *     pool's executable         -> p2p_eth_new_transactions(p2p_local_eth(local), ...)
 *     p2p_server_free(server); p2p_local_free(local);
 */
#ifndef P2P_ETH_LOCAL_H
#define P2P_ETH_LOCAL_H

#include "chain/chain.h"
#include "chain/pool/pool.h"
#include "io/timer.h"
#include "io/worker.h"
#include "p2p/eth/eth.h"
#include "p2p/istanbul.h"
#include "p2p/qlight/qlight.h"
#include "p2p/server.h"

struct p2p_local;

struct p2p_local_options {
    struct io_loop *loop;
    struct chain *chain;
    struct chain_pool *pool;
    struct pool *threads; /* for the recovery of senders; may be NULL */
    uint64_t network;
    /* Whether the capability istanbul is offered: the chain's engine is IBFT or QBFT. */
    bool istanbul;
    /* One end of QLight, in place of eth and istanbul; copied. NULL: a node among others. */
    const struct p2p_qlight_options *qlight;
    const struct p2p_eth_authorized *authorized; /* borrowed */
    size_t authorized_count;

    /* Puts blocks into the chain, on the chain's thread, and calls `done` on the loop (behind the news of the new head).
     * As in backend.h. */
    int (*import)(void *context, struct chain_block *const *blocks, size_t count,
                  p2p_eth_imported_fn *done, void *done_context);
    /* The rules that the next block's transactions are recovered by. */
    void (*rules)(void *context, struct eth_rules *ret_rules);
    void (*syncing)(void *context, bool syncing);
    /* Of istanbul.h. */
    void (*message)(void *context, const struct address *from, unsigned code, struct bytes payload);
    void (*peer)(void *context, const struct address *address, bool gone);
    void (*report)(void *context, enum p2p_eth_level level, const char *message);
    void *context;
};

/* ERR_NOMEM, ERR_IO. */
int p2p_local_new(struct p2p_local **ret_local,
                  const struct p2p_local_options *options) BASE_NODISCARD;
/* The server must have been freed, imports be done. NULL is fine. */
void p2p_local_free(struct p2p_local *local);

/* Rows for p2p_server_options; valid as long as the object. */
const struct p2p_protocol *p2p_local_protocols(const struct p2p_local *local, size_t *ret_count);
struct p2p_eth *p2p_local_eth(struct p2p_local *local);
struct p2p_istanbul *p2p_local_istanbul(struct p2p_local *local);
struct p2p_qlight *p2p_local_qlight(struct p2p_local *local); /* NULL: not of this kind */

/* Recovers senders and offers the transactions to the pool, as for those of peers; for clients `local` is true.
 * `done` gets the pool's statuses (in order; borrowed), on the loop. Takes the references over. ERR_NOMEM. */
typedef void p2p_local_added_fn(void *context, int status, const enum chain_pool_status *statuses,
                                size_t count);
int p2p_local_add(struct p2p_local *local, struct chain_tx *const *txs, size_t count, bool is_local,
                  p2p_local_added_fn *done, void *context) BASE_NODISCARD;

#endif
