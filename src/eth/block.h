/* A block: header, transactions, uncles and, from Shanghai on, withdrawals (Yellow Paper 4.3). */
#ifndef ETH_BLOCK_H
#define ETH_BLOCK_H

#include "eth/header.h"
#include "eth/transaction.h"

/* Ether that left the beacon chain (EIP-4895). */
struct eth_withdrawal {
    uint64_t index;
    uint64_t validator;
    struct address address;
    uint64_t amount; /* gwei */
};

/* What stands beside the header. Arrays are in the decoder's arena or the caller's. */
struct eth_body {
    struct eth_transaction *transactions;
    size_t transaction_count;
    struct eth_header *uncles;
    size_t uncle_count;
    bool has_withdrawals; /* an empty list of them is not the same as none */
    struct eth_withdrawal *withdrawals;
    size_t withdrawal_count;
};

struct eth_block {
    struct eth_header header;
    struct eth_body body;
};

/*
 * Decodes a block, [header, transactions, uncles, (withdrawals)], that is exactly `input`. Spans
 * borrow `input`, arrays are taken from `arena`; both must outlive the block. Memory is bounded by
 * about 60 bytes for each byte of input (transactions of empty fields), so the caller bounds that.
 * ERR_INPUT, ERR_UNSUPPORTED (as eth_transaction_decode), ERR_NOMEM. `detail` may be NULL.
 */
int eth_block_decode(struct eth_block *ret_block, struct arena *arena, struct bytes input,
                     struct err_detail *detail) BASE_NODISCARD;
/* A body alone, [transactions, uncles, (withdrawals)], as an item of a list (BlockBodies). */
int eth_body_read(struct eth_body *ret_body, struct arena *arena, struct rlp_reader *r,
                  struct err_detail *detail) BASE_NODISCARD;

/* Append the encodings. Failures: buf_status(b). */
void eth_block_write(struct buf *b, const struct eth_block *block);
void eth_body_write(struct buf *b, const struct eth_body *body);
void eth_withdrawal_write(struct buf *b, const struct eth_withdrawal *withdrawal);

/* keccak256 of the list of headers, a header's uncles_hash. ERR_NOMEM. */
int eth_uncles_hash(const struct eth_header *uncles, size_t count,
                    struct hash256 *ret_hash) BASE_NODISCARD;

#endif
