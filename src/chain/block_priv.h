/* Inside of chain: making blocks from what this program has built. */
#ifndef CHAIN_BLOCK_PRIV_H
#define CHAIN_BLOCK_PRIV_H

#include "chain/block.h"

/* A body of transactions, which are held, in that order. ERR_NOMEM. */
int chain_body_build(struct chain_body **ret_body, struct chain_tx *const *txs, size_t count,
                     bool has_withdrawals) BASE_NODISCARD;
void chain_body_unref(struct chain_body *body);

/* A block of a complete header, whose extra data is copied, and a body (held). ERR_NOMEM. */
int chain_block_build(struct chain_block **ret_block, const struct eth_header *header,
                      struct chain_body *body) BASE_NODISCARD;

/* From the store: header and body items as they are kept there. ERR_CORRUPT, ERR_NOMEM. */
int chain_block_load(struct chain_block **ret_block, struct bytes header_rlp, struct bytes body_rlp,
                     struct err_detail *detail) BASE_NODISCARD;

#endif
