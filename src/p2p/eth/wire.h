/*
 * The messages of eth/65 and eth/66, read and written; pure.
 *
 *     code  message                     body (eth/66 puts it behind a request id where it says "id")
 *     00    Status                      [version, network, td, head, genesis, [fork hash, fork next]]
 *     01    NewBlockHashes              [[hash, number] ...]
 *     02    Transactions                [transaction ...]
 *     03    GetBlockHeaders         id  [origin, amount, skip, reverse]
 *     04    BlockHeaders            id  [header ...]
 *     05    GetBlockBodies          id  [hash ...]
 *     06    BlockBodies             id  [[transactions, uncles, (withdrawals)] ...]
 *     07    NewBlock                    [block, td]
 *     08    NewPooledTransactionHashes  [hash ...]
 *     09    GetPooledTransactions   id  [hash ...]
 *     0a    PooledTransactions      id  [transaction ...]
 *     0d    GetNodeData             id  [hash ...]
 *     0e    NodeData                id  [bytes ...]
 *     0f    GetReceipts             id  [hash ...]
 *     10    Receipts                id  [[receipt ...] ...]
 *
 * (spec section 7.2; EIP-2464 for eth/65, EIP-2481 for the ids.) A decoded message borrows the
 * payload: its items are spans of it, encoded as they were, so that what travels through a node is
 * neither decoded nor encoded a second time.
 */
#ifndef P2P_ETH_WIRE_H
#define P2P_ETH_WIRE_H

#include "base/arena.h"
#include "base/error.h"
#include "base/types.h"
#include "base/u256.h"
#include "rlp/rlp.h"

enum {
    P2P_ETH_65 = 65,
    P2P_ETH_66 = 66,
    P2P_ETH_LENGTH = 17, /* codes of either version */
};

enum p2p_eth_code {
    P2P_ETH_STATUS = 0x00,
    P2P_ETH_NEW_BLOCK_HASHES = 0x01,
    P2P_ETH_TRANSACTIONS = 0x02,
    P2P_ETH_GET_BLOCK_HEADERS = 0x03,
    P2P_ETH_BLOCK_HEADERS = 0x04,
    P2P_ETH_GET_BLOCK_BODIES = 0x05,
    P2P_ETH_BLOCK_BODIES = 0x06,
    P2P_ETH_NEW_BLOCK = 0x07,
    P2P_ETH_NEW_POOLED_HASHES = 0x08,
    P2P_ETH_GET_POOLED_TRANSACTIONS = 0x09,
    P2P_ETH_POOLED_TRANSACTIONS = 0x0a,
    P2P_ETH_GET_NODE_DATA = 0x0d,
    P2P_ETH_NODE_DATA = 0x0e,
    P2P_ETH_GET_RECEIPTS = 0x0f,
    P2P_ETH_RECEIPTS = 0x10,
};

enum {
    P2P_ETH_MESSAGE_MAX = 10 << 20, /* bytes of a payload, GoQuorum's maxMessageSize */
    P2P_ETH_TD_BITS = 100,          /* of a total difficulty; mainnet's has 76 */
    P2P_ETH_DIFFICULTY_BITS = 80,   /* of a propagated block, as GoQuorum's sanity check */
    P2P_ETH_EXTRA_MAX = 100 << 10,  /* bytes of extra-data of a propagated block, likewise */
    P2P_ETH_SERVE_MAX = 1024,       /* headers, bodies, receipts, nodes in one answer */
};

struct p2p_eth_fork_id {
    uint8_t hash[4]; /* CRC32 of genesis and passed forks */
    uint64_t next;   /* the next one's number, 0 = none known */
};

struct p2p_eth_status {
    uint32_t version;
    uint64_t network;
    struct u256 td;
    struct hash256 head;
    struct hash256 genesis;
    struct p2p_eth_fork_id fork;
};

/* Hashes as they stand in the message: read in place, so that a list of any length costs nothing. */
struct p2p_eth_hashes {
    const uint8_t *items; /* a0 || 32 bytes, each */
    size_t count;
};

struct p2p_eth_announce {
    struct hash256 hash;
    uint64_t number;
};

struct p2p_eth_query {
    bool by_hash;
    struct hash256 hash;
    uint64_t number;
    uint64_t amount;
    uint64_t skip; /* headers left out between two of the answer */
    bool reverse;  /* towards the genesis block */
};

struct p2p_eth_message {
    uint64_t code;
    uint64_t id; /* of the request, where the version and the code have one; 0 otherwise */
    union {
        struct p2p_eth_status status;
        struct p2p_eth_hashes hashes;
        struct p2p_eth_query query;
        struct {
            const struct p2p_eth_announce *items;
            size_t count;
        } announces;
        /* Transactions (headers of strings included), headers, bodies, lists of receipts: one
         * encoded item each. NodeData: the contents of the strings. */
        struct {
            const struct bytes *items;
            size_t count;
        } list;
        struct {
            struct bytes block; /* the encoded block */
            struct u256 td;
        } new_block;
    };
};

/* "GetBlockHeaders"; "unknown" for a code that is none. */
const char *p2p_eth_code_name(uint64_t code);
/* Whether the code is one of the protocol; whether its body stands behind a request id. */
bool p2p_eth_code_has_id(unsigned version, uint64_t code);

/*
 * Reads a payload that is exactly one message. Borrows `payload` and takes arrays from `arena`, at
 * most 16 bytes for each byte of the payload. The outer structure is checked; the items of lists
 * (transactions, headers, bodies, receipts, the block) are only known to be one list or string of
 * RLP each, whoever uses them decodes them. ERR_INPUT (the message names the field, byte and cause;
 * also for a code that is none), ERR_LIMIT (over P2P_ETH_MESSAGE_MAX, or an answer of more items
 * than P2P_ETH_SERVE_MAX), ERR_NOMEM. `detail` may be NULL.
 */
int p2p_eth_decode(struct p2p_eth_message *ret_message, struct arena *arena, unsigned version,
                   uint64_t code, struct bytes payload, struct err_detail *detail) BASE_NODISCARD;

/* Appends the payload. Failures: buf_status(b). */
void p2p_eth_encode(struct buf *b, unsigned version, const struct p2p_eth_message *message);

/*
 * For answers that are put together piece by piece: opens the message (and its request id), the
 * caller appends encoded items, and closes it.
 */
struct p2p_eth_open {
    size_t outer, inner;
};
struct p2p_eth_open p2p_eth_begin(struct buf *b, unsigned version, uint64_t code, uint64_t id);
void p2p_eth_end(struct buf *b, unsigned version, uint64_t code, struct p2p_eth_open open);

/* Hash `index` of a list. */
static inline struct hash256 p2p_eth_hash_at(const struct p2p_eth_hashes *hashes, size_t index)
{
    struct hash256 hash;
    memcpy(hash.b, hashes->items + 33 * index + 1, sizeof(hash.b));
    return hash;
}

#endif
