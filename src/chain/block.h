/*
 * A block as network, consensus and chain share it: decoded, encoded and hashed once. Counted
 * references. Header and body are separate objects, so that the same block with other seals shares
 * its body. Everything in it is immutable but the senders of its transactions, which one thread at
 * a time may fill in (chain_block_recover), before the block is executed.
 */
#ifndef CHAIN_BLOCK_H
#define CHAIN_BLOCK_H

#include "base/arena.h"
#include "chain/tx.h"
#include "eth/block.h"

#include <stdatomic.h>

struct pool;

enum {
    /* Bytes of a block that are accepted: the limit of an eth message, 10 MiB (eth/65, eth/66). A
     * block that could not be sent could not be agreed on. */
    CHAIN_BLOCK_SIZE_MAX = 10 << 20,
};

struct chain_body {
    struct eth_body body;
    struct hash256 *hashes; /* of the transactions */
    struct bytes rlp;       /* the items after the header: transactions, uncles, (withdrawals) */
    struct hash256 transactions_root, uncles_hash, withdrawals_root; /* computed from the content */
    struct arena arena;
    struct buf storage;    /* what `rlp` and the transactions point into */
    struct chain_tx **txs; /* or the transactions that it was built from, held; NULL */
    atomic_uint refs;
};

struct chain_block {
    struct hash256 hash; /* by istanbul_block_hash: that of Istanbul blocks leaves seals out */
    struct eth_header header;
    struct bytes header_rlp;
    struct chain_body *body;
    struct buf storage; /* of the header */
    atomic_uint refs;
};

/* Decodes a block, [header, transactions, uncles, (withdrawals)], that is exactly `rlp`, which is
 * copied. One reference is the caller's. Roots are computed, not compared. ERR_INPUT,
 * ERR_UNSUPPORTED, ERR_LIMIT (CHAIN_BLOCK_SIZE_MAX), ERR_NOMEM. `detail` may be NULL. */
int chain_block_decode(struct chain_block **ret_block, struct bytes rlp,
                       struct err_detail *detail) BASE_NODISCARD;
/* From the answers to GetBlockHeaders and GetBlockBodies: a header's encoding and a body's,
 * [transactions, uncles, (withdrawals)]. Whether they belong together is the caller's to compare
 * (chain_block_matches). Errors as above. */
int chain_block_join(struct chain_block **ret_block, struct bytes header_rlp, struct bytes body_rlp,
                     struct err_detail *detail) BASE_NODISCARD;
/* Whether the header's roots are those of the body. */
bool chain_block_matches(const struct chain_block *block);
/* The same block with another extraData (seals); shares the body. ERR_NOMEM. */
int chain_block_with_extra(struct chain_block **ret_block, const struct chain_block *block,
                           struct bytes extra) BASE_NODISCARD;

static inline struct chain_block *chain_block_ref(struct chain_block *block)
{
    atomic_fetch_add_explicit(&block->refs, 1, memory_order_relaxed);
    return block;
}
/* NULL is fine. Any thread. */
void chain_block_unref(struct chain_block *block);

/* Appends the whole block's encoding; the body's as [transactions, uncles, (withdrawals)].
 * Failures: buf_status(b). */
void chain_block_write(struct buf *b, const struct chain_block *block);
void chain_body_write(struct buf *b, const struct chain_body *body);
/* Bytes that chain_block_write appends. */
size_t chain_block_size(const struct chain_block *block);

/* Recovers all senders that are missing, on all threads of `pool` (NULL: on this one). *ret_status
 * is that of the first transaction that has none, *ret_index its index; ETH_TX_OK when all have
 * one. ERR_NOMEM. */
int chain_block_recover(struct chain_block *block, enum eth_tx_status *ret_status,
                        size_t *ret_index, const struct eth_rules *rules,
                        struct pool *pool) BASE_NODISCARD;

#endif
