/* eth: transactions and their receipts, and sending them. */
#include "chain/pool/pool.h"
#include "permission/permission.h"
#include "rlp/rlp.h"
#include "rpc/dispatch/ahead.h"
#include "rpc/methods/methods.h"
#include "rpc/methods/private.h"
#include "rpc/run/lookup.h"

/* --- What is in a block --- */

/* The block's hash and base fee, of a position whose number is known; ERR_NOTFOUND. */
static int complete(struct chain_reader *reader, struct rpc_position *position)
{
    struct eth_header header;
    int status = chain_reader_hash(reader, &position->block_hash, position->number);
    if (status == 0)
        status = chain_reader_header(reader, &header, position->number);
    if (status == 0)
        rpc_position_fee(position, &header);
    return status;
}

/* Where the transaction of a call stands; ERR_NOTFOUND. */
static int locate(struct rpc_call *call, struct chain_reader *reader,
                  struct rpc_position *ret_position)
{
    uint32_t index;
    int status =
        chain_reader_transaction(reader, &ret_position->number, &index, &call->args[0].hash);
    ret_position->index = index;
    return status ? status : complete(reader, ret_position);
}

/* The same by block and index. */
static int locate_in_block(struct rpc_call *call, struct chain_reader *reader,
                           struct rpc_position *ret_position)
{
    struct rpc_block_id id = call->args[0].block;
    if (call->method->params[0].type == RPC_HASH)
        id = (struct rpc_block_id){.kind = RPC_AT_HASH, .hash = call->args[0].hash};
    int status = rpc_find_block(reader, &ret_position->number, &id);
    ret_position->index = call->args[1].number;
    return status ? status : complete(reader, ret_position);
}

static int write_transaction(struct rpc_call *call, struct chain_reader *reader,
                             const struct rpc_position *position)
{
    struct eth_transaction tx;
    struct hash256 hash;
    int status = rpc_read_transaction(call, reader, &tx, position->number, position->index);
    if (status == 0)
        status = eth_transaction_hash(&tx, &hash);
    if (status == 0)
        rpc_write_transaction(call->out, &tx, &hash, position);
    return status;
}

static int write_raw(struct rpc_call *call, struct chain_reader *reader,
                     const struct rpc_position *position)
{
    struct bytes raw;
    int status = rpc_read_raw_transaction(reader, &raw, position->number, position->index);
    if (status == 0)
        rpc_write_bytes(call->out, raw);
    return status;
}

typedef int locate_fn(struct rpc_call *call, struct chain_reader *reader,
                      struct rpc_position *ret_position);
typedef int write_fn(struct rpc_call *call, struct chain_reader *reader,
                     const struct rpc_position *position);

/* Locates, writes; `nothing` is the answer when there is none. */
static int answer(struct rpc_call *call, locate_fn *find, write_fn *write, const char *nothing)
{
    struct chain_reader reader;
    struct rpc_position position = {.number = 0};
    int status = rpc_reader_open(call, &reader);
    if (status)
        return status;
    status = find(call, &reader, &position);
    if (status == 0)
        status = write(call, &reader, &position);
    if (status == ERR_NOTFOUND) {
        buf_append_text(call->out, nothing);
        status = 0;
    } else if (status != 0 && status != RPC_FAILED) {
        status = rpc_reader_fail(call, &reader, status);
    }
    chain_reader_close(&reader);
    return status;
}

static int get_by_index(struct rpc_call *call)
{
    return answer(call, locate_in_block, write_transaction, "null");
}

static int get_raw_by_index(struct rpc_call *call)
{
    return answer(call, locate_in_block, write_raw, "\"0x\"");
}

static int get_from_chain(struct rpc_call *call)
{
    return answer(call, locate, write_transaction, "null");
}

/* Whether it waits in the pool, which knows its sender. */
static int get_from_pool(struct rpc_call *call)
{
    struct chain_tx *tx =
        call->backend->pool ? chain_pool_get(call->backend->pool, &call->args[0].hash) : NULL;
    if (!tx)
        return RPC_LATER;
    rpc_write_transaction(call->out, &tx->tx, &tx->hash, NULL);
    chain_tx_unref(tx);
    return 0;
}

static int get_raw(struct rpc_call *call)
{
    struct chain_tx *tx =
        call->backend->pool ? chain_pool_get(call->backend->pool, &call->args[0].hash) : NULL;
    if (!tx)
        return answer(call, locate, write_raw, "\"0x\"");
    rpc_write_bytes(call->out, tx->tx.encoded);
    chain_tx_unref(tx);
    return 0;
}

/* --- Receipts --- */

static int write_receipt(struct rpc_call *call, struct chain_reader *reader,
                         const struct rpc_position *position)
{
    struct eth_transaction tx;
    struct eth_receipt receipt;
    struct rpc_receipt all = {.receipt = &receipt, .tx = &tx, .position = *position};
    uint64_t gas_before;
    int status = rpc_read_transaction(call, reader, &tx, position->number, position->index);
    if (status == 0)
        status = eth_transaction_hash(&tx, &all.hash);
    if (status == 0)
        status = chain_reader_receipt(reader, &receipt, &gas_before, &all.first_log, call->arena,
                                      position->number, position->index);
    if (status == 0)
        status = rpc_overlay_receipt(call, reader, &receipt, &all.first_log, position->number,
                                     position->index);
    if (status)
        return status;
    all.gas_used = receipt.cumulative_gas - gas_before;
    rpc_write_receipt(call->out, &all);
    return 0;
}

static int get_receipt(struct rpc_call *call)
{
    return answer(call, locate, write_receipt, "null");
}

/* eth_getBlockReceipts of newer clients. */
static int write_block_receipts(struct rpc_call *call, struct chain_reader *reader, uint64_t number)
{
    struct chain_block *block;
    struct eth_receipt *receipts;
    size_t count;
    int status = chain_reader_block(reader, &block, number);
    if (status)
        return status;
    struct eth_rules rules = rpc_rules_at(call, number, block->header.timestamp);
    enum eth_tx_status signature;
    size_t index;
    status = chain_block_recover(block, &signature, &index, &rules, NULL);
    if (status == 0)
        status = chain_reader_receipts(reader, &receipts, &count, call->arena, number);
    if (status == 0 && count != block->body->body.transaction_count)
        status = ERR_CORRUPT;
    if (status == 0) {
        uint64_t gas = 0, logs = 0;
        buf_append_byte(call->out, '[');
        for (size_t i = 0; i < count && status == 0; i++) {
            uint64_t public_logs = receipts[i].log_count, first = logs;
            status = rpc_overlay_receipt(call, reader, &receipts[i], &first, number, i);
            struct rpc_receipt all = {
                .receipt = &receipts[i],
                .tx = &block->body->body.transactions[i],
                .hash = block->body->hashes[i],
                .position = {.block_hash = block->hash, .number = number, .index = i},
                .gas_used = receipts[i].cumulative_gas - gas,
                .first_log = first};
            rpc_position_fee(&all.position, &block->header);
            rpc_item(call->out);
            rpc_write_receipt(call->out, &all);
            gas = receipts[i].cumulative_gas;
            logs += public_logs;
        }
        buf_append_byte(call->out, ']');
    }
    chain_block_unref(block);
    return status;
}

static int get_block_receipts(struct rpc_call *call)
{
    struct chain_reader reader;
    uint64_t number;
    int status = rpc_reader_open(call, &reader);
    if (status)
        return status;
    status = rpc_find_block(&reader, &number, &call->args[0].block);
    if (status == 0)
        status = write_block_receipts(call, &reader, number);
    if (status == ERR_NOTFOUND)
        status = rpc_null(call);
    else if (status)
        status = rpc_reader_fail(call, &reader, status);
    chain_reader_close(&reader);
    return status;
}

/* --- Sending --- */

static const char too_long[] = "rlp: value size exceeds available input length",
                  not_a_list[] = "rlp: expected input list for %s",
                  not_canonical[] = "rlp: non-canonical size information for %s";

/* Of a string where the transaction's list should be; NULL: it is a list. */
static const char *string_fault(struct bytes rlp)
{
    uint8_t first = rlp.data[0];
    size_t digits = first > 0xb7 ? first - 0xb7u : 0, size = first < 0x80 ? 0 : first - 0x80u;
    if (first >= 0xc0)
        return NULL;
    if (rlp.len <= digits)
        return too_long;
    for (size_t i = 0; i < digits; i++)
        size = (i ? size << 8 : 0) | rlp.data[1 + i];
    if (digits && (rlp.data[1] == 0 || size < 56))
        return not_canonical;
    return size > rlp.len - 1 - digits ? too_long : not_a_list;
}

/* What Go's decoder says of a transaction that ours refuses. */
static int refuse_encoding(struct rpc_call *call, struct bytes raw, int status,
                           const struct err_detail *detail)
{
    const char *type = raw.data[0] == 1 ? "types.AccessListTx" : "types.LegacyTx";
    bool typed = raw.data[0] < 0x80;
    struct bytes body = bytes_slice(raw, typed, raw.len - typed);
    if (status == ERR_NOMEM)
        return status;
    if (body.len == 0)
        return rpc_fail(call, RPC_CODE_ERROR, "EOF");
    const char *fault = string_fault(body);
    if (!fault && strstr(detail->text, "at byte 0: a length"))
        fault = not_canonical;
    if (fault == too_long)
        return rpc_fail(call, RPC_CODE_ERROR, "%s", too_long);
    if (fault)
        return rpc_fail(call, RPC_CODE_ERROR, fault == not_a_list ? not_a_list : not_canonical,
                        type);
    if (status == ERR_UNSUPPORTED)
        return rpc_fail(call, RPC_CODE_ERROR, "transaction type not supported");
    if (strstr(detail->text, "an item is missing"))
        return rpc_fail(call, RPC_CODE_ERROR, "rlp: too few elements for %s", type);
    if (strstr(detail->text, "more items than"))
        return rpc_fail(call, RPC_CODE_ERROR, "rlp: input list has too many elements for %s", type);
    if (strstr(detail->text, "longer than the bytes"))
        return rpc_fail(call, RPC_CODE_ERROR, "%s", too_long);
    if (strstr(detail->text, "bytes after the end"))
        return rpc_fail(call, RPC_CODE_ERROR, "rlp: input contains more than one value");
    bool is_gas = strstr(detail->text, "gas limit at");
    if ((is_gas || strstr(detail->text, "nonce at")) && strstr(detail->text, "integer too large"))
        return rpc_fail(call, RPC_CODE_ERROR,
                        "rlp: input string too long for uint64, decoding into (%s).%s", type,
                        is_gas ? "Gas" : "Nonce");
    return rpc_fail(call, RPC_CODE_ERROR, "rlp: %s", detail->text);
}

/* Types that the chain's fork does not have are not even decoded. */
static bool knows_type(uint8_t first, const struct eth_rules *rules)
{
    if (first > 0x7f || first == ETH_ACCESS_LIST)
        return true;
    return (first == ETH_DYNAMIC_FEE && rules->fork >= FORK_LONDON) ||
           (first == ETH_BLOB && rules->fork >= FORK_CANCUN) ||
           (first == ETH_SET_CODE && rules->fork >= FORK_PRAGUE);
}

static bool is_protected(const struct eth_transaction *tx)
{
    return tx->type != ETH_LEGACY || !u256_is_u64(&tx->v) || tx->v.w[0] > 28;
}

/* On the worker: decoding, and the signature, once. */
int rpc_raw_decode(struct rpc_call *call)
{
    struct bytes raw = call->args[0].bytes;
    const struct chain_config *config = chain_configuration(call->backend->chain);
    struct chain_head head;
    chain_head(call->backend->chain, &head);
    struct chain_rules rules =
        chain_config_rules(config, head.block->header.number + 1, head.block->header.timestamp);
    chain_head_release(&head);
    if (raw.len == 0)
        return rpc_fail(call, RPC_CODE_ERROR, "empty typed transaction bytes");
    if (!knows_type(raw.data[0], &rules.transactions))
        return rpc_fail(call, RPC_CODE_ERROR, "transaction type not supported");
    struct chain_tx *tx = call->ahead ? rpc_ahead_take(call->ahead, raw) : NULL;
    struct err_detail detail = {{0}};
    if (tx) {
        call->state = tx;
        return 0;
    }
    int status = chain_tx_decode(&tx, raw, rules.is_quorum, call->now, &detail);
    if (status)
        return refuse_encoding(call, raw, status, &detail);
    status = rpc_ahead_recover(call->ahead, tx, &rules.transactions, rules.is_quorum, call->now);
    if (status) {
        chain_tx_unref(tx);
        return status;
    }
    call->state = tx;
    return 0;
}

bool rpc_may_send_here(struct rpc_call *call, const struct address *sender)
{
    if (!call->backend->permission || permission_allows_here(call->backend->permission, sender))
        return true;
    rpc_fail(call, RPC_CODE_ERROR, "cannot send transaction from this node");
    return false;
}

/* On the loop: into the pool. */
int rpc_raw_submit(struct rpc_call *call)
{
    struct chain_tx *tx = call->state;
    enum chain_pool_status outcome = CHAIN_POOL_OK;
    int status = 0;
    if (!call->backend->allow_unprotected && !is_protected(&tx->tx))
        status = rpc_fail(call, RPC_CODE_ERROR,
                          "only replay-protected (EIP-155) transactions allowed over RPC");
    if (status == 0 && tx->tx.sender_known && !rpc_may_send_here(call, &tx->tx.sender))
        status = RPC_FAILED;
    if (status == 0)
        status = chain_pool_add(call->backend->pool, &tx, 1, true, io_loop_now(call->backend->loop),
                                &outcome);
    if (status == 0 && outcome != CHAIN_POOL_OK)
        status = rpc_fail(call, RPC_CODE_ERROR, "%s", chain_pool_status_text(outcome));
    if (status == 0)
        rpc_write_hash(call->out, &tx->hash);
    chain_tx_unref(tx);
    return status;
}

#define HASH   {"hash", RPC_HASH}
#define NUMBER {"number", RPC_BLOCK}
#define INDEX  {"index", RPC_UINT}

static const struct rpc_method methods[] = {
    {"eth_getTransactionByHash",
     {HASH},
     .quick = get_from_pool,
     .work = get_from_chain,
     .light = true,
     .anywhere = true,
     .result = "transaction or null"},
    {"eth_getTransactionByBlockNumberAndIndex",
     {NUMBER, INDEX},
     .work = get_by_index,
     .light = true,
     .anywhere = true,
     .result = "transaction or null"},
    {"eth_getTransactionByBlockHashAndIndex",
     {HASH, INDEX},
     .work = get_by_index,
     .light = true,
     .anywhere = true,
     .result = "transaction or null"},
    {"eth_getRawTransactionByHash",
     {HASH},
     .run = get_raw,
     .anywhere = true,
     .result = "bytes, hex"},
    {"eth_getRawTransactionByBlockNumberAndIndex",
     {NUMBER, INDEX},
     .run = get_raw_by_index,
     .anywhere = true,
     .result = "bytes, hex"},
    {"eth_getRawTransactionByBlockHashAndIndex",
     {HASH, INDEX},
     .run = get_raw_by_index,
     .anywhere = true,
     .result = "bytes, hex"},
    {"eth_getTransactionReceipt",
     {HASH},
     .work = get_receipt,
     .light = true,
     .anywhere = true,
     .result = "receipt or null"},
    {"eth_getBlockReceipts",
     {{"block", RPC_BLOCK_OR_HASH}},
     .work = get_block_receipts,
     .reads = true,
     .result = "array of receipts, or null"},
    {"eth_sendRawTransaction",
     {{"transaction", RPC_BYTES}},
     .work = rpc_raw_decode,
     .run = rpc_raw_submit,
     .light = true,
     .proxied = true,
     .result = "hash"},
};

const struct rpc_method_list rpc_methods_transaction = {methods, BASE_COUNT(methods)};
