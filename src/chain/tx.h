/*
 * A transaction as pool, network and chain share it: decoded once, encoded once, hashed once, its
 * sender recovered once. Counted references; immutable for all but the thread that recovers the
 * sender before it is shared.
 */
#ifndef CHAIN_TX_H
#define CHAIN_TX_H

#include "base/arena.h"
#include "eth/transaction.h"

#include <stdatomic.h>

struct pool;

enum {
    /* Bytes of an encoding that are accepted at all. GoQuorum's pool takes at most 128 KiB
     * (txnSizeLimit, spec §1.3); blocks have no such rule, so the limit of a message (10 MiB) is
     * theirs. */
    CHAIN_TX_SIZE_MAX = 10 << 20,
};

struct chain_tx {
    /* `encoded` is the form that is hashed, kept by this object; `sender_known` once recovered. */
    struct eth_transaction tx;
    struct hash256 hash;
    uint64_t arrival; /* when this node first had it; milliseconds of the caller's clock */
    bool is_private;  /* by Quorum's reading of v; false until the maker says so (see below) */
    atomic_uint refs;
    struct arena arena; /* lists of typed transactions */
};

/*
 * Decodes one transaction that is exactly `encoded` (the form that is hashed), which is copied;
 * `is_quorum` says how v = 37/38 reads. One reference is the caller's. ERR_INPUT, ERR_UNSUPPORTED,
 * ERR_LIMIT (CHAIN_TX_SIZE_MAX), ERR_NOMEM. `detail` may be NULL.
 */
int chain_tx_decode(struct chain_tx **ret_tx, struct bytes encoded, bool is_quorum,
                    uint64_t arrival, struct err_detail *detail) BASE_NODISCARD;
/* The same for the next item of a list (a message, a block's body). Faults of RLP are returned as
 * ERR_INPUT, too; the reader stands behind the item. */
int chain_tx_read(struct chain_tx **ret_tx, struct rlp_reader *r, bool is_quorum, uint64_t arrival,
                  struct err_detail *detail) BASE_NODISCARD;

static inline struct chain_tx *chain_tx_ref(struct chain_tx *tx)
{
    atomic_fetch_add_explicit(&tx->refs, 1, memory_order_relaxed);
    return tx;
}
/* NULL is fine. Any thread. */
void chain_tx_unref(struct chain_tx *tx);

/* Recovers the senders of all that lack one, on all threads of `pool` (NULL: on this one);
 * ret_statuses[i] is for txs[i]. To be called before the transactions are shared. ERR_NOMEM. */
int chain_txs_recover(struct chain_tx *const *txs, enum eth_tx_status *ret_statuses, size_t count,
                      const struct eth_rules *rules, struct pool *pool) BASE_NODISCARD;

/* Appends it as an item of a list. Failures: buf_status(b). */
void chain_tx_write(struct buf *b, const struct chain_tx *tx);

#endif
