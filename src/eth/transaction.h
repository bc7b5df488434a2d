/*
 * `eth` has the values that nodes exchange and keep: transactions, headers, blocks, receipts, logs,
 * and the configuration of a chain. Nothing here executes anything or knows of state. Read this
 * file first, then header.h and config.h; transaction_decode.c shows how all of them are read.
 *
 * A transaction, of any type:
 *
 *     type  name        EIP    from    encoding
 *     0     legacy      155    -       a list
 *     1     access list 2930   Berlin  01 || list
 *     2     dynamic fee 1559   London  02 || list
 *     3     blob        4844   Cancun  03 || list
 *     4     set code    7702   Prague  04 || list
 *
 * In a block's body types 1 to 4 stand inside an RLP string, so that each transaction is one item.
 *
 * Quorum's private transactions are legacy ones with v = 37 or 38 in place of 27 or 28, signed over
 * the hash without a chain id. On a chain with id 1 the same v means a transaction protected by
 * EIP-155: the bytes alone do not tell, the chain's rules (struct eth_rules) do.
 */
#ifndef ETH_TRANSACTION_H
#define ETH_TRANSACTION_H

#include "base/arena.h"
#include "base/error.h"
#include "base/fork.h"
#include "base/types.h"
#include "base/u256.h"
#include "rlp/rlp.h"

struct pool;

enum eth_transaction_type {
    ETH_LEGACY,
    ETH_ACCESS_LIST,
    ETH_DYNAMIC_FEE,
    ETH_BLOB,
    ETH_SET_CODE,
};

enum {
    ETH_TRANSACTION_TYPES = ETH_SET_CODE + 1,
    ETH_BLOB_GAS = 1 << 17, /* gas of one blob, GAS_PER_BLOB of EIP-4844 */
};

/* An account and slots of it, declared beforehand (EIP-2930). */
struct eth_access {
    struct address address;
    const struct hash256 *keys;
    size_t key_count;
};

/* A signature that makes its signer's account run the code of `address` (EIP-7702). */
struct eth_authorization {
    struct u256 chain_id; /* 0 = on any chain */
    struct address address;
    uint64_t nonce;
    struct u256 y_parity, r, s;
};

/*
 * Spans and arrays are borrowed: after decoding, `data` and `encoded` point into the input and the
 * arrays into the arena. Whoever changes a field sets `encoded` to none and `sender_known` to
 * false.
 */
struct eth_transaction {
    enum eth_transaction_type type;
    bool is_creation; /* no `to` */
    struct address to;
    uint64_t nonce;
    uint64_t gas_limit;
    struct u256 value; /* wei */
    struct bytes data;
    struct u256 max_fee;          /* wei per gas; gasPrice of types 0 and 1 */
    struct u256 max_priority_fee; /* wei per gas; the same as max_fee in types 0 and 1 */

    /* 0 and no meaning in a legacy transaction that is not protected. After decoding one whose v
     * is 35 or more, what v says by EIP-155: so 1 for a private transaction. */
    struct u256 chain_id;

    const struct eth_access *access_list; /* from type 1 on */
    size_t access_count;
    struct u256 max_blob_fee; /* wei per blob gas, type 3 */
    const struct hash256 *blob_hashes;
    size_t blob_count;
    const struct eth_authorization *authorizations; /* type 4 */
    size_t authorization_count;

    /* Legacy: v as EIP-155 has it. Others: the parity of y, 0 or 1. */
    struct u256 v, r, s;

    struct bytes encoded; /* what it was decoded from, without the string around it; or none */

    /* Who signed it, once recovered; `sender_private` says by which reading of v = 37/38. */
    bool sender_known, sender_private;
    struct address sender;
};

/*
 * What a transaction alone can be refused for. Protocol outcomes; whether the account can pay, and
 * all else that needs state or a block, is exec's matter. X(NAME, "text")
 */
#define ETH_TX_STATUS_LIST(X)                                                                      \
    X(OK, "ok")                                                                                    \
    X(TYPE_NOT_SUPPORTED, "transaction type not supported")                                        \
    X(TOO_LARGE, "oversized data")                                                                 \
    X(WRONG_CHAIN_ID, "invalid chain id for signer")                                               \
    X(INVALID_V, "invalid transaction v, r, s values: v")                                          \
    X(INVALID_R, "invalid transaction v, r, s values: r is 0 or not below the group order")        \
    X(INVALID_S, "invalid transaction v, r, s values: s is 0 or not below the group order")        \
    X(HIGH_S, "invalid transaction v, r, s values: s is above half the group order")               \
    X(NO_SENDER, "invalid signature: no public key made it")                                       \
    X(NONCE_MAX, "nonce has max value")                                                            \
    X(GAS_ABOVE_CAP, "transaction gas limit too high")                                             \
    X(PRIORITY_ABOVE_FEE, "max priority fee per gas higher than max fee per gas")                  \
    X(PRICE_OVERFLOW, "gas limit times gas price exceeds 256 bits")                                \
    X(INITCODE_TOO_LARGE, "max initcode size exceeded")                                            \
    X(INTRINSIC_GAS, "intrinsic gas too low")                                                      \
    X(FLOOR_GAS, "insufficient gas for floor data gas cost")                                       \
    X(BLOB_CREATION, "blob transaction of type create")                                            \
    X(NO_BLOBS, "blob transaction missing blob hashes")                                            \
    X(TOO_MANY_BLOBS, "blob transaction has too many blobs")                                       \
    X(BLOB_VERSION, "blob hash version not supported")                                             \
    X(SET_CODE_CREATION, "EIP-7702 transaction cannot be used to create contract")                 \
    X(NO_AUTHORIZATIONS, "EIP-7702 transaction with empty auth list")

enum eth_tx_status {
#define X(name, text) ETH_TX_##name,
    ETH_TX_STATUS_LIST(X)
#undef X
};

const char *eth_tx_status_text(enum eth_tx_status status);

/* What a chain asks of its transactions at one block. */
struct eth_rules {
    enum fork fork;
    struct u256 chain_id;
    bool is_quorum;      /* v = 37/38 is private, whatever the chain id */
    size_t max_initcode; /* bytes, 0 = EIP-3860's 49152; from Shanghai on */
    size_t max_size;     /* bytes of `encoded`, 0 = any; a rule of pools, never of blocks */
};

/* --- Encoding --- */

/*
 * Decodes one transaction of any type that is exactly `input`, in the form that is hashed. Borrows
 * `input` and takes its arrays from `arena`; both must outlive the transaction. Memory is bounded
 * by a small multiple of the input's size, so the caller bounds that. Returns ERR_INPUT (malformed;
 * the message names field, byte and cause), ERR_UNSUPPORTED (a blob transaction with its blobs, as
 * the pools of public networks exchange them), ERR_NOMEM. `detail` may be NULL.
 */
int eth_transaction_decode(struct eth_transaction *ret_tx, struct arena *arena, struct bytes input,
                           struct err_detail *detail) BASE_NODISCARD;

/* The same for a transaction as an item of a list (a block's body, a message). */
int eth_transaction_read(struct eth_transaction *ret_tx, struct arena *arena, struct rlp_reader *r,
                         struct err_detail *detail) BASE_NODISCARD;

/* Appends the form that is hashed; the item of a list. Failures: buf_status(b). */
void eth_transaction_encode(struct buf *b, const struct eth_transaction *tx);
void eth_transaction_write(struct buf *b, const struct eth_transaction *tx);

/* Keccak-256 of the encoding. ERR_NOMEM only when `encoded` is none. */
int eth_transaction_hash(const struct eth_transaction *tx, struct hash256 *ret_hash) BASE_NODISCARD;

/* --- Signature --- */

/* How a legacy transaction is signed; other types have one way and ignore it. */
enum eth_signing {
    ETH_SIGN_PLAIN,     /* v = 27/28: no chain id (Homestead) */
    ETH_SIGN_PROTECTED, /* v = 35/36 + 2 * chain id (EIP-155) */
    ETH_SIGN_PRIVATE,   /* v = 37/38: hash as PLAIN (GoQuorum) */
};

/* What is signed. ERR_NOMEM. */
int eth_transaction_signing_hash(const struct eth_transaction *tx, enum eth_signing how,
                                 struct hash256 *ret_hash) BASE_NODISCARD;

/* Puts a signature of the signing hash in; `rs` is r then s, big-endian; the recovery id 0 or 1. */
void eth_transaction_set_signature(struct eth_transaction *tx, enum eth_signing how,
                                   const uint8_t rs[64], unsigned recovery_id);

/* Whether Quorum takes it for private: legacy, and the low 64 bits of v are 37 or 38. */
bool eth_transaction_is_private(const struct eth_transaction *tx);

/*
 * Finds the sender and keeps it in the transaction: `sender_known`, `sender`. What was recovered
 * under the same reading of v is not computed again; a kept sender answers for the signature alone,
 * so ask with the same rules or call eth_transaction_check too. *ret_status tells whether the rules
 * accept the signature (WRONG_CHAIN_ID, INVALID_V, INVALID_R, INVALID_S, HIGH_S, NO_SENDER,
 * TYPE_NOT_SUPPORTED). Returns ERR_NOMEM.
 */
int eth_transaction_recover(struct eth_transaction *tx, enum eth_tx_status *ret_status,
                            const struct eth_rules *rules) BASE_NODISCARD;

enum { ETH_RECOVER_CHUNK = 32 }; /* transactions whose senders are best recovered together */
/* The same for at most ETH_RECOVER_CHUNK of them, together: several times as fast as one by one. */
int eth_transactions_recover_chunk(struct eth_transaction *const *txs,
                                   enum eth_tx_status *ret_statuses, size_t count,
                                   const struct eth_rules *rules) BASE_NODISCARD;
/* The same for many, on all threads of `pool` (NULL: on this one). ret_statuses[i] is for txs[i].
 */
int eth_transactions_recover(struct eth_transaction *txs, enum eth_tx_status *ret_statuses,
                             size_t count, const struct eth_rules *rules,
                             struct pool *pool) BASE_NODISCARD;

/* The account that signed an authorization. The signature must have y_parity 0 or 1 and a low s;
 * the chain id is the caller's matter (EIP-7702). INVALID_V, INVALID_R, INVALID_S, HIGH_S,
 * NO_SENDER. */
enum eth_tx_status eth_authorization_recover(const struct eth_authorization *authorization,
                                             struct address *ret_authority);
/* What is signed: keccak256(05 || rlp([chain id, address, nonce])). */
void eth_authorization_signing_hash(const struct eth_authorization *authorization,
                                    struct hash256 *ret_hash);

/* --- Rules --- */

/* Gas that a transaction costs before it executes. */
struct eth_intrinsic_gas {
    uint64_t gas;   /* Yellow Paper 6.2; EIP-2, 2028, 2930, 3860, 7702 */
    uint64_t floor; /* EIP-7623: it costs at least this much in all; 0 before Prague */
};

/* Cannot overflow: no data that fits into memory comes near 2^64 gas. */
struct eth_intrinsic_gas eth_transaction_intrinsic_gas(const struct eth_transaction *tx,
                                                       enum fork fork);

/* All rules that need neither state nor block, the signature's values included (but the sender is
 * not recovered). The order of the checks is fixed; the first that fails is the answer. */
enum eth_tx_status eth_transaction_check(const struct eth_transaction *tx,
                                         const struct eth_rules *rules);
/* The same without the signature, for a call on behalf of a known sender. */
enum eth_tx_status eth_transaction_check_unsigned(const struct eth_transaction *tx,
                                                  const struct eth_rules *rules);

/* min(max_fee, base_fee + max_priority_fee), the wei that a unit of gas costs (EIP-1559). max_fee
 * must not be below base_fee. */
struct u256 eth_transaction_gas_price(const struct eth_transaction *tx,
                                      const struct u256 *base_fee);

#endif
