/*
 * Values of the chain as JSON, written straight into the answer, with GoQuorum's fields (spec §11.4; internal/ethapi
 * and core/types).
 */
#ifndef RPC_JSON_ENCODE_H
#define RPC_JSON_ENCODE_H

#include "base/hex.h"
#include "chain/chain.h"

/* --- Pieces --- */

/* A comma unless the object or array has just begun; then the key and its colon. */
void rpc_key_of(struct buf *b, const char *name, size_t len);
/* The compiler knows the lengths of names that stand in the source. */
static inline void rpc_key(struct buf *b, const char *name)
{
    rpc_key_of(b, name, strlen(name));
}
/* The comma alone, before an element. */
void rpc_item(struct buf *b);
/* "0x…" in quotes: bytes with all digits, numbers in the shortest form. */
void rpc_write_bytes(struct buf *b, struct bytes data);
void rpc_write_hash(struct buf *b, const struct hash256 *hash);
void rpc_write_address(struct buf *b, const struct address *address);
void rpc_write_number(struct buf *b, uint64_t number);
void rpc_write_big(struct buf *b, const struct u256 *number);
/* In decimal, without quotes. */
void rpc_write_decimal(struct buf *b, const struct u256 *number);
void rpc_write_null(struct buf *b);
void rpc_write_bool(struct buf *b, bool value);

/* Members: a key with such a value. */
static inline void rpc_put_bytes(struct buf *b, const char *name, struct bytes data)
{
    rpc_key(b, name);
    rpc_write_bytes(b, data);
}
static inline void rpc_put_hash(struct buf *b, const char *name, const struct hash256 *hash)
{
    rpc_key(b, name);
    rpc_write_hash(b, hash);
}
static inline void rpc_put_address(struct buf *b, const char *name, const struct address *address)
{
    rpc_key(b, name);
    rpc_write_address(b, address);
}
static inline void rpc_put_number(struct buf *b, const char *name, uint64_t number)
{
    rpc_key(b, name);
    rpc_write_number(b, number);
}
static inline void rpc_put_big(struct buf *b, const char *name, const struct u256 *number)
{
    rpc_key(b, name);
    rpc_write_big(b, number);
}
static inline void rpc_put_bool(struct buf *b, const char *name, bool value)
{
    rpc_key(b, name);
    rpc_write_bool(b, value);
}

/* --- Things --- */

/* Where a transaction stands; NULL: it waits in the pool. */
struct rpc_position {
    struct hash256 block_hash;
    uint64_t number;
    uint64_t index;
    bool removed;         /* of a log: its block is no longer part of the chain */
    bool has_base_fee;    /* from London on */
    struct u256 base_fee; /* wei per gas */
};
/* Takes the base fee from the block's header. */
void rpc_position_fee(struct rpc_position *position, const struct eth_header *header);

/* The sender must be known. */
void rpc_write_transaction(struct buf *b, const struct eth_transaction *tx,
                           const struct hash256 *hash, const struct rpc_position *position);

void rpc_write_access_list(struct buf *b, const struct eth_access *list, size_t count);

/* As Go's types.Transaction marshals: no sender, no position. */
void rpc_write_signed(struct buf *b, const struct eth_transaction *tx, const struct hash256 *hash);

enum rpc_block_form {
    RPC_BLOCK_HEADER, /* eth_getHeaderBy… */
    RPC_BLOCK_HASHES, /* transactions by their hashes */
    RPC_BLOCK_FULL,   /* the senders must be known */
};
/* `td` NULL: left out. */
void rpc_write_block(struct buf *b, const struct chain_block *block, const struct u256 *td,
                     enum rpc_block_form form);
/* An uncle: as a block without transactions. */
void rpc_write_header(struct buf *b, const struct eth_header *header, const struct hash256 *hash,
                      const struct u256 *td);

/* A header as subscribers get it, in the order of core/types.Header. */
void rpc_write_new_head(struct buf *b, const struct eth_header *header, const struct hash256 *hash);

void rpc_write_log(struct buf *b, const struct eth_log *log, const struct rpc_position *position,
                   const struct hash256 *tx_hash, uint64_t log_index);

struct rpc_receipt {
    const struct eth_receipt *receipt;
    const struct eth_transaction *tx; /* sender known */
    struct hash256 hash;
    struct rpc_position position;
    uint64_t gas_used;
    uint64_t first_log; /* index of its first log in the block */
};
void rpc_write_receipt(struct buf *b, const struct rpc_receipt *r);

#endif
