/* What a transaction left: gas, outcome and logs, as the receipt trie has them (Yellow Paper 4.3.1;
 * EIP-658 for the status, EIP-2718 for the type before the list). */
#ifndef ETH_RECEIPT_H
#define ETH_RECEIPT_H

#include "base/arena.h"
#include "base/error.h"
#include "eth/bloom.h"
#include "eth/transaction.h"
#include "rlp/rlp.h"

struct eth_log {
    struct address address;
    const struct hash256 *topics;
    size_t topic_count;
    struct bytes data;
};

enum { ETH_TOPICS_MAX = 4 }; /* LOG0 … LOG4 */

/* Spans and arrays are borrowed: after decoding they point into the input and the arena. */
struct eth_receipt {
    enum eth_transaction_type type;
    bool has_post_state; /* before Byzantium: the state root in place of the status */
    struct hash256 post_state;
    bool success;
    uint64_t cumulative_gas; /* of this and all earlier transactions of the block */
    struct eth_bloom bloom;
    const struct eth_log *logs;
    size_t log_count;
    /* What the message reverted with; no part of the encodings here, as a node keeps it for itself. */
    struct bytes revert_reason;
};

/* Sets the receipt's bloom from its logs. */
void eth_receipt_make_bloom(struct eth_receipt *receipt);

/* Decodes one receipt that is exactly `input`, in the form of the receipt trie. ERR_INPUT (the
 * message names field, byte and cause), ERR_NOMEM. The bloom is what the input says. */
int eth_receipt_decode(struct eth_receipt *ret_receipt, struct arena *arena, struct bytes input,
                       struct err_detail *detail) BASE_NODISCARD;
/* The same for a receipt as an item of a list (a message): types 1 to 4 inside a string. */
int eth_receipt_read(struct eth_receipt *ret_receipt, struct arena *arena, struct rlp_reader *r,
                     struct err_detail *detail) BASE_NODISCARD;

/* Appends the form of the receipt trie; the item of a list. Failures: buf_status(b). */
void eth_receipt_encode(struct buf *b, const struct eth_receipt *receipt);
void eth_receipt_write(struct buf *b, const struct eth_receipt *receipt);

/* A log as [address, topics, data]: inside a receipt, and to be hashed alone
 * (keccak256(rlp(logs)), the form of state tests). */
void eth_log_write(struct buf *b, const struct eth_log *log);
void eth_logs_write(struct buf *b, const struct eth_log *logs, size_t count);

#endif
