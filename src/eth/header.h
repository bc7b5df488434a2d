/* The header of a block (Yellow Paper 4.3), with the fields that forks put behind it. */
#ifndef ETH_HEADER_H
#define ETH_HEADER_H

#include "base/error.h"
#include "base/types.h"
#include "base/u256.h"
#include "eth/bloom.h"
#include "rlp/rlp.h"

/* Fields come at the end, in this order, each only when all before it are there. */
enum eth_header_tail {
    ETH_HEADER_PLAIN,
    ETH_HEADER_BASE_FEE,         /* London, EIP-1559 */
    ETH_HEADER_WITHDRAWALS_ROOT, /* Shanghai, EIP-4895 */
    ETH_HEADER_BLOB_GAS_USED,    /* Cancun, EIP-4844 */
    ETH_HEADER_EXCESS_BLOB_GAS,  /* Cancun, EIP-4844 */
    ETH_HEADER_BEACON_ROOT,      /* Cancun, EIP-4788 */
    ETH_HEADER_REQUESTS_HASH,    /* Prague, EIP-7685 */
};

struct eth_header {
    struct hash256 parent_hash;
    struct hash256 uncles_hash;
    struct address coinbase;
    struct hash256 state_root;
    struct hash256 transactions_root;
    struct hash256 receipts_root;
    struct eth_bloom bloom;
    struct u256 difficulty;
    uint64_t number;
    uint64_t gas_limit;
    uint64_t gas_used;
    uint64_t timestamp;      /* seconds; Raft networks have nanoseconds */
    struct bytes extra;      /* borrowed; of any length, since consensus keeps its seals there */
    struct hash256 mix_hash; /* PREVRANDAO from Paris on */
    uint8_t nonce[8];

    enum eth_header_tail tail; /* the last field that is there */
    struct u256 base_fee;      /* wei per gas */
    struct hash256 withdrawals_root;
    uint64_t blob_gas_used;
    uint64_t excess_blob_gas;
    struct hash256 parent_beacon_root;
    struct hash256 requests_hash;
};

/* keccak256(rlp([])), of a block without uncles; and the root of a trie without entries. */
extern const struct hash256 eth_empty_uncles_hash;
extern const struct hash256 eth_empty_trie_root;

/* Reads a header; `extra` borrows the reader's input. Faults stay in the reader. */
void eth_header_read(struct eth_header *ret_header, struct rlp_reader *r);
/* One that is exactly `input`. ERR_INPUT, with a message. */
int eth_header_decode(struct eth_header *ret_header, struct bytes input,
                      struct err_detail *detail) BASE_NODISCARD;

/* Appends the encoding. Failures: buf_status(b). */
void eth_header_write(struct buf *b, const struct eth_header *header);

/* Keccak-256 of the encoding: the block's hash on chains whose consensus does not say otherwise
 * (Istanbul leaves its seals out). ERR_NOMEM. */
int eth_header_hash(const struct eth_header *header, struct hash256 *ret_hash) BASE_NODISCARD;

#endif
