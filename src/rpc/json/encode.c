#include "rpc/json/encode.h"

#include "base/decimal.h"
#include "eth/address.h"
#include "rlp/rlp.h"

#include <stdio.h>

/* --- Pieces --- */

void rpc_item(struct buf *b)
{
    if (b->len && b->data[b->len - 1] != '{' && b->data[b->len - 1] != '[')
        buf_append_byte(b, ',');
}

void rpc_key_of(struct buf *b, const char *name, size_t len)
{
    bool comma = b->len && b->data[b->len - 1] != '{';
    uint8_t *to = buf_extend(b, len + 3 + comma);
    if (!to)
        return;
    if (comma)
        *to++ = ',';
    *to++ = '"';
    memcpy(to, name, len);
    to[len] = '"';
    to[len + 1] = ':';
}

void rpc_write_bytes(struct buf *b, struct bytes data)
{
    uint8_t *to = buf_extend(b, data.len * 2 + 4);
    if (!to)
        return;
    memcpy(to, "\"0x", 3);
    hex_encode((char *)to + 3, data);
    to[data.len * 2 + 3] = '"';
}

void rpc_write_hash(struct buf *b, const struct hash256 *hash)
{
    rpc_write_bytes(b, bytes_of(hash->b, sizeof(hash->b)));
}

static void write_hashes(struct buf *b, const struct hash256 *hashes, size_t count)
{
    buf_append_byte(b, '[');
    for (size_t i = 0; i < count; i++) {
        rpc_item(b);
        rpc_write_hash(b, &hashes[i]);
    }
    buf_append_byte(b, ']');
}

void rpc_write_address(struct buf *b, const struct address *address)
{
    rpc_write_bytes(b, bytes_of(address->b, sizeof(address->b)));
}

void rpc_write_number(struct buf *b, uint64_t number)
{
    char text[24], *at = text + sizeof(text);
    *--at = '"';
    do {
        *--at = "0123456789abcdef"[number & 15];
        number >>= 4;
    } while (number);
    *--at = 'x';
    *--at = '0';
    *--at = '"';
    buf_append(b, at, (size_t)(text + sizeof(text) - at));
}

void rpc_write_big(struct buf *b, const struct u256 *number)
{
    if (u256_is_u64(number)) {
        rpc_write_number(b, number->w[0]);
        return;
    }
    char text[68];
    hex_format_u256(text, number);
    buf_append_byte(b, '"');
    buf_append_text(b, text);
    buf_append_byte(b, '"');
}

void rpc_write_decimal(struct buf *b, const struct u256 *number)
{
    char text[DECIMAL_U256_MAX];
    decimal_format_u256(text, number);
    buf_append_text(b, text);
}

void rpc_write_null(struct buf *b)
{
    buf_append(b, "null", 4);
}

void rpc_write_bool(struct buf *b, bool value)
{
    buf_append_text(b, value ? "true" : "false");
}

/* --- Transactions --- */

static void write_position(struct buf *b, const struct rpc_position *position)
{
    rpc_key(b, "blockHash");
    if (position)
        rpc_write_hash(b, &position->block_hash);
    else
        rpc_write_null(b);
    rpc_key(b, "blockNumber");
    if (position)
        rpc_write_number(b, position->number);
    else
        rpc_write_null(b);
}

void rpc_position_fee(struct rpc_position *position, const struct eth_header *header)
{
    position->has_base_fee = header->tail >= ETH_HEADER_BASE_FEE;
    if (position->has_base_fee)
        position->base_fee = header->base_fee;
}

/* What a unit of gas costs there; in the pool, and for what is inside of a private one, what is offered. */
static struct u256 price_at(const struct eth_transaction *tx, const struct rpc_position *position)
{
    if (!position || !position->has_base_fee || u256_compare(&tx->max_fee, &position->base_fee) < 0)
        return tx->max_fee;
    return eth_transaction_gas_price(tx, &position->base_fee);
}

void rpc_write_access_list(struct buf *b, const struct eth_access *list, size_t count)
{
    buf_append_byte(b, '[');
    for (size_t i = 0; i < count; i++) {
        rpc_item(b);
        buf_append_byte(b, '{');
        rpc_put_address(b, "address", &list[i].address);
        rpc_key(b, "storageKeys");
        write_hashes(b, list[i].keys, list[i].key_count);
        buf_append_byte(b, '}');
    }
    buf_append_byte(b, ']');
}

static void write_fees(struct buf *b, const struct eth_transaction *tx)
{
    rpc_put_big(b, "maxFeePerGas", &tx->max_fee);
    rpc_put_big(b, "maxPriorityFeePerGas", &tx->max_priority_fee);
}

void rpc_write_transaction(struct buf *b, const struct eth_transaction *tx,
                           const struct hash256 *hash, const struct rpc_position *position)
{
    struct u256 price = price_at(tx, position);
    buf_append_byte(b, '{');
    write_position(b, position);
    rpc_put_address(b, "from", &tx->sender);
    rpc_put_number(b, "gas", tx->gas_limit);
    rpc_put_big(b, "gasPrice", &price);
    rpc_put_hash(b, "hash", hash);
    rpc_put_bytes(b, "input", tx->data);
    rpc_put_number(b, "nonce", tx->nonce);
    rpc_key(b, "to");
    if (tx->is_creation)
        rpc_write_null(b);
    else
        rpc_write_address(b, &tx->to);
    rpc_key(b, "transactionIndex");
    if (position)
        rpc_write_number(b, position->index);
    else
        rpc_write_null(b);
    rpc_put_big(b, "value", &tx->value);
    rpc_put_number(b, "type", (uint64_t)tx->type);
    if (tx->type != ETH_LEGACY) {
        rpc_key(b, "accessList");
        rpc_write_access_list(b, tx->access_list, tx->access_count);
        rpc_put_big(b, "chainId", &tx->chain_id);
    }
    if (tx->type >= ETH_DYNAMIC_FEE)
        write_fees(b, tx);
    rpc_put_big(b, "v", &tx->v);
    rpc_put_big(b, "r", &tx->r);
    rpc_put_big(b, "s", &tx->s);
    buf_append_byte(b, '}');
}

/* --- Blocks --- */

/* What GoQuorum gives as the size of a header: its memory, not its encoding (core/types/block.go, Header.Size). */
static uint64_t header_memory(const struct eth_header *h)
{
    unsigned bits = u256_bit_length(&h->difficulty) +
                    (h->number ? 64 - (unsigned)__builtin_clzll(h->number) : 0);
    return 544 + h->extra.len + bits / 8;
}

static void write_header_fields(struct buf *b, const struct eth_header *h,
                                const struct hash256 *hash, uint64_t size)
{
    rpc_put_big(b, "difficulty", &h->difficulty);
    rpc_put_bytes(b, "extraData", h->extra);
    rpc_put_number(b, "gasLimit", h->gas_limit);
    rpc_put_number(b, "gasUsed", h->gas_used);
    rpc_put_hash(b, "hash", hash);
    rpc_put_bytes(b, "logsBloom", bytes_of(h->bloom.b, sizeof(h->bloom.b)));
    rpc_put_address(b, "miner", &h->coinbase);
    rpc_put_hash(b, "mixHash", &h->mix_hash);
    rpc_put_bytes(b, "nonce", bytes_of(h->nonce, sizeof(h->nonce)));
    rpc_put_number(b, "number", h->number);
    rpc_put_hash(b, "parentHash", &h->parent_hash);
    rpc_put_hash(b, "receiptsRoot", &h->receipts_root);
    rpc_put_hash(b, "sha3Uncles", &h->uncles_hash);
    rpc_put_number(b, "size", size);
    rpc_put_hash(b, "stateRoot", &h->state_root);
    rpc_put_number(b, "timestamp", h->timestamp);
}

static void write_late_fields(struct buf *b, const struct eth_header *h)
{
    if (h->tail >= ETH_HEADER_BASE_FEE)
        rpc_put_big(b, "baseFeePerGas", &h->base_fee);
    if (h->tail >= ETH_HEADER_WITHDRAWALS_ROOT)
        rpc_put_hash(b, "withdrawalsRoot", &h->withdrawals_root);
    if (h->tail >= ETH_HEADER_EXCESS_BLOB_GAS) {
        rpc_put_number(b, "blobGasUsed", h->blob_gas_used);
        rpc_put_number(b, "excessBlobGas", h->excess_blob_gas);
    }
    if (h->tail >= ETH_HEADER_BEACON_ROOT)
        rpc_put_hash(b, "parentBeaconBlockRoot", &h->parent_beacon_root);
    if (h->tail >= ETH_HEADER_REQUESTS_HASH)
        rpc_put_hash(b, "requestsHash", &h->requests_hash);
}

static void write_transactions(struct buf *b, const struct chain_block *block, bool full)
{
    const struct chain_body *body = block->body;
    rpc_key(b, "transactions");
    buf_append_byte(b, '[');
    for (size_t i = 0; i < body->body.transaction_count; i++) {
        struct rpc_position position = {
            .block_hash = block->hash, .number = block->header.number, .index = i};
        rpc_position_fee(&position, &block->header);
        rpc_item(b);
        if (full)
            rpc_write_transaction(b, &body->body.transactions[i], &body->hashes[i], &position);
        else
            rpc_write_hash(b, &body->hashes[i]);
    }
    buf_append_byte(b, ']');
}

static void write_uncles(struct buf *b, const struct eth_body *body)
{
    rpc_key(b, "uncles");
    buf_append_byte(b, '[');
    for (size_t i = 0; i < body->uncle_count; i++) {
        struct hash256 hash;
        rpc_item(b);
        if (eth_header_hash(&body->uncles[i], &hash))
            rpc_write_null(b);
        else
            rpc_write_hash(b, &hash);
    }
    buf_append_byte(b, ']');
}

void rpc_write_block(struct buf *b, const struct chain_block *block, const struct u256 *td,
                     enum rpc_block_form form)
{
    enum { HEADER_TEXT = 2048, TRANSACTION_TEXT = 700 }; /* about */
    const struct eth_header *h = &block->header;
    size_t room = HEADER_TEXT + 2 * chain_block_size(block) +
                  TRANSACTION_TEXT * block->body->body.transaction_count;
    /* Growing a large answer bit by bit would copy it several times. */
    if (form == RPC_BLOCK_FULL && buf_reserve(b, room))
        return; /* the buffer tells it */
    buf_append_byte(b, '{');
    write_header_fields(b, h, &block->hash,
                        form == RPC_BLOCK_HEADER ? header_memory(h) : chain_block_size(block));
    if (td)
        rpc_put_big(b, "totalDifficulty", td);
    if (form != RPC_BLOCK_HEADER)
        write_transactions(b, block, form == RPC_BLOCK_FULL);
    rpc_put_hash(b, "transactionsRoot", &h->transactions_root);
    if (form != RPC_BLOCK_HEADER)
        write_uncles(b, &block->body->body);
    write_late_fields(b, h);
    buf_append_byte(b, '}');
}

void rpc_write_header(struct buf *b, const struct eth_header *header, const struct hash256 *hash,
                      const struct u256 *td)
{
    buf_append_byte(b, '{');
    write_header_fields(b, header, hash, header_memory(header));
    if (td)
        rpc_put_big(b, "totalDifficulty", td);
    rpc_put_hash(b, "transactionsRoot", &header->transactions_root);
    write_late_fields(b, header);
    buf_append_byte(b, '}');
}

void rpc_write_new_head(struct buf *b, const struct eth_header *header, const struct hash256 *hash)
{
    buf_append_byte(b, '{');
    rpc_put_hash(b, "parentHash", &header->parent_hash);
    rpc_put_hash(b, "sha3Uncles", &header->uncles_hash);
    rpc_put_address(b, "miner", &header->coinbase);
    rpc_put_hash(b, "stateRoot", &header->state_root);
    rpc_put_hash(b, "transactionsRoot", &header->transactions_root);
    rpc_put_hash(b, "receiptsRoot", &header->receipts_root);
    rpc_put_bytes(b, "logsBloom", bytes_of(header->bloom.b, sizeof(header->bloom.b)));
    rpc_put_big(b, "difficulty", &header->difficulty);
    rpc_put_number(b, "number", header->number);
    rpc_put_number(b, "gasLimit", header->gas_limit);
    rpc_put_number(b, "gasUsed", header->gas_used);
    rpc_put_number(b, "timestamp", header->timestamp);
    rpc_put_bytes(b, "extraData", header->extra);
    rpc_put_hash(b, "mixHash", &header->mix_hash);
    rpc_put_bytes(b, "nonce", bytes_of(header->nonce, sizeof(header->nonce)));
    write_late_fields(b, header);
    rpc_put_hash(b, "hash", hash);
    buf_append_byte(b, '}');
}

/* --- Receipts and logs --- */

void rpc_write_log(struct buf *b, const struct eth_log *log, const struct rpc_position *position,
                   const struct hash256 *tx_hash, uint64_t log_index)
{
    buf_append_byte(b, '{');
    rpc_put_address(b, "address", &log->address);
    rpc_key(b, "topics");
    write_hashes(b, log->topics, log->topic_count);
    rpc_put_bytes(b, "data", log->data);
    rpc_put_number(b, "blockNumber", position->number);
    rpc_put_hash(b, "transactionHash", tx_hash);
    rpc_put_number(b, "transactionIndex", position->index);
    rpc_put_hash(b, "blockHash", &position->block_hash);
    rpc_put_number(b, "logIndex", log_index);
    rpc_put_bool(b, "removed", position->removed);
    buf_append_byte(b, '}');
}

static void write_contract(struct buf *b, const struct eth_transaction *tx)
{
    rpc_key(b, "contractAddress");
    if (!tx->is_creation) {
        rpc_write_null(b);
        return;
    }
    struct address contract;
    eth_create_address(&contract, &tx->sender, tx->nonce);
    rpc_write_address(b, &contract);
}

void rpc_write_receipt(struct buf *b, const struct rpc_receipt *r)
{
    const struct eth_receipt *receipt = r->receipt;
    buf_append_byte(b, '{');
    write_position(b, &r->position);
    write_contract(b, r->tx);
    rpc_put_number(b, "cumulativeGasUsed", receipt->cumulative_gas);
    rpc_put_address(b, "from", &r->tx->sender);
    rpc_put_number(b, "gasUsed", r->gas_used);
    rpc_put_bool(b, "isPrivacyMarkerTransaction", chain_is_marker(r->tx));
    rpc_key(b, "logs");
    buf_append_byte(b, '[');
    for (size_t i = 0; i < receipt->log_count; i++) {
        rpc_item(b);
        rpc_write_log(b, &receipt->logs[i], &r->position, &r->hash, r->first_log + i);
    }
    buf_append_byte(b, ']');
    rpc_put_bytes(b, "logsBloom", bytes_of(receipt->bloom.b, sizeof(receipt->bloom.b)));
    if (receipt->revert_reason.len)
        rpc_put_bytes(b, "revertReason", receipt->revert_reason);
    if (receipt->has_post_state)
        rpc_put_hash(b, "root", &receipt->post_state);
    else
        rpc_put_number(b, "status", receipt->success);
    rpc_key(b, "to");
    if (r->tx->is_creation)
        rpc_write_null(b);
    else
        rpc_write_address(b, &r->tx->to);
    rpc_put_hash(b, "transactionHash", &r->hash);
    rpc_put_number(b, "transactionIndex", r->position.index);
    rpc_put_number(b, "type", (uint64_t)receipt->type);
    if (r->position.has_base_fee) {
        struct u256 price = price_at(r->tx, &r->position);
        rpc_put_big(b, "effectiveGasPrice", &price);
    }
    buf_append_byte(b, '}');
}

void rpc_write_signed(struct buf *b, const struct eth_transaction *tx, const struct hash256 *hash)
{
    buf_append_byte(b, '{');
    rpc_put_number(b, "type", tx->type);
    rpc_put_number(b, "nonce", tx->nonce);
    rpc_key(b, "gasPrice");
    if (tx->type >= ETH_DYNAMIC_FEE) {
        rpc_write_null(b);
        write_fees(b, tx);
    } else {
        rpc_write_big(b, &tx->max_fee);
    }
    rpc_put_number(b, "gas", tx->gas_limit);
    rpc_put_big(b, "value", &tx->value);
    rpc_put_bytes(b, "input", tx->data);
    rpc_put_big(b, "v", &tx->v);
    rpc_put_big(b, "r", &tx->r);
    rpc_put_big(b, "s", &tx->s);
    rpc_key(b, "to");
    if (tx->is_creation)
        rpc_write_null(b);
    else
        rpc_write_address(b, &tx->to);
    if (tx->type != ETH_LEGACY) {
        rpc_put_big(b, "chainId", &tx->chain_id);
        rpc_key(b, "accessList");
        rpc_write_access_list(b, tx->access_list, tx->access_count);
    }
    rpc_put_hash(b, "hash", hash);
    buf_append_byte(b, '}');
}
