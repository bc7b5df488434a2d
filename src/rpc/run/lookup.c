#include "rpc/run/lookup.h"

#include "rpc/access/psi.h"

int rpc_reader_open(struct rpc_call *call, struct chain_reader *ret_reader)
{
    int status = chain_reader_open(ret_reader, call->backend->chain);
    return status ? rpc_fail(call, RPC_CODE_ERROR, "chain: %s", err_text(status)) : 0;
}

int rpc_reader_fail(struct rpc_call *call, const struct chain_reader *reader, int status)
{
    const char *text = reader->detail.text[0] ? reader->detail.text : err_text(status);
    return rpc_fail(call, RPC_CODE_ERROR, "%s", text);
}

int rpc_bad_blocks(struct rpc_call *call, struct chain_block **ret_blocks, size_t *ret_count)
{
    struct chain_reader reader;
    int status = rpc_reader_open(call, &reader);
    if (status)
        return status;
    status = chain_reader_bad_blocks(&reader, ret_blocks, ret_count);
    if (status)
        status = rpc_reader_fail(call, &reader, status);
    chain_reader_close(&reader);
    return status;
}

int rpc_null(struct rpc_call *call)
{
    rpc_write_null(call->out);
    return 0;
}

int rpc_find_block(struct chain_reader *reader, uint64_t *ret_number,
                   const struct rpc_block_id *block)
{
    struct hash256 hash;
    switch (block->kind) {
    case RPC_AT_HASH:
        return chain_reader_number(reader, ret_number, &block->hash);
    case RPC_AT_NUMBER:
        *ret_number = block->number;
        return chain_reader_hash(reader, &hash, block->number);
    default:
        return chain_reader_head(reader, ret_number, &hash);
    }
}

/* The number of a block whose state is asked for; the call's error when there is none: "header not found", … */
static int find_state(struct rpc_call *call, struct chain_reader *reader, uint64_t *ret_number,
                      const struct rpc_block_id *block)
{
    if (block->kind == RPC_AT_NONE)
        return rpc_fail(call, RPC_CODE_ERROR,
                        "invalid arguments; neither block nor hash specified");
    int status = rpc_find_block(reader, ret_number, block);
    if (status == ERR_NOTFOUND)
        return rpc_fail(call, RPC_CODE_ERROR, "%s",
                        block->kind == RPC_AT_HASH ? "header for hash not found"
                                                   : "header not found");
    return status ? rpc_reader_fail(call, reader, status) : 0;
}

int rpc_open_state(struct rpc_call *call, struct chain_reader *reader,
                   struct state_reader *ret_state, uint64_t *ret_number,
                   const struct rpc_block_id *block)
{
    int status = rpc_psi(call);
    if (status == 0)
        status = find_state(call, reader, ret_number, block);
    if (status)
        return status;
    status = chain_reader_state(reader, ret_state, *ret_number);
    if (status != ERR_NOTFOUND)
        return status ? rpc_reader_fail(call, reader, status) : 0;
    struct eth_header header;
    status = chain_reader_header(reader, &header, *ret_number);
    if (status)
        return rpc_reader_fail(call, reader, status);
    char root[65] = {0};
    hex_encode(root, bytes_of(header.state_root.b, 32));
    return rpc_fail(call, RPC_CODE_ERROR, "missing trie node %s (path )", root);
}

struct eth_rules rpc_rules_at(const struct rpc_call *call, uint64_t number, uint64_t timestamp)
{
    return chain_config_rules(chain_configuration(call->backend->chain), number, timestamp)
        .transactions;
}

int rpc_read_raw_transaction(struct chain_reader *reader, struct bytes *ret_raw, uint64_t number,
                             uint64_t index)
{
    struct bytes body;
    int status = chain_reader_body_rlp(reader, &body, number);
    if (status)
        return status;
    struct rlp_reader r;
    rlp_reader_init(&r, body);
    rlp_enter(&r, "transactions");
    for (; index > 0 && rlp_more(&r); index--)
        rlp_skip(&r, "transaction");
    if (!rlp_more(&r))
        return rlp_ok(&r) ? ERR_NOTFOUND : ERR_CORRUPT;
    *ret_raw = rlp_peek(&r) == RLP_LIST ? rlp_read_raw(&r, "transaction")
                                        : rlp_read_bytes(&r, "transaction");
    return rlp_ok(&r) ? 0 : ERR_CORRUPT;
}

int rpc_read_transaction(struct rpc_call *call, struct chain_reader *reader,
                         struct eth_transaction *ret_tx, uint64_t number, uint64_t index)
{
    struct bytes raw;
    struct eth_header header;
    int status = rpc_read_raw_transaction(reader, &raw, number, index);
    if (status == 0)
        status = chain_reader_header(reader, &header, number);
    if (status == 0)
        status = eth_transaction_decode(ret_tx, call->arena, raw, NULL);
    if (status)
        return status == ERR_INPUT ? ERR_CORRUPT : status;
    struct eth_rules rules = rpc_rules_at(call, number, header.timestamp);
    enum eth_tx_status signature;
    status = eth_transaction_recover(ret_tx, &signature, &rules);
    return status == 0 && signature != ETH_TX_OK ? ERR_CORRUPT : status;
}

/* --- Private --- */

uint64_t rpc_private_logs_before(const struct chain_private_receipts *receipts, uint64_t index)
{
    uint64_t count = 0;
    for (size_t i = 0; i < receipts->count; i++)
        if (receipts->list[i].index < index)
            count += receipts->list[i].receipt.log_count;
    return count;
}

int rpc_overlay_receipt(struct rpc_call *call, struct chain_reader *reader,
                        struct eth_receipt *receipt, uint64_t *first_log, uint64_t number,
                        uint64_t index)
{
    struct chain_private_receipts receipts;
    if (!call->backend->privacy)
        return 0;
    int status = rpc_psi(call);
    if (status == 0)
        status = chain_reader_private_receipts(reader, &receipts, call->arena, call->psi, number);
    if (status)
        return status;
    const struct chain_private_receipt *own = chain_private_receipt_of(&receipts, index);
    if (own && !own->is_inner)
        *receipt = own->receipt;
    *first_log += rpc_private_logs_before(&receipts, index);
    return 0;
}

int rpc_prefer_private(struct rpc_call *call, struct chain_reader *reader,
                       struct state_reader *state, struct state_account *account, bool *exists,
                       uint64_t number, const struct address *address)
{
    struct state_reader own;
    struct state_account found;
    bool has;
    if (!call->backend->privacy)
        return 0;
    int status = chain_reader_private_state(reader, &own, call->psi, number);
    if (status == 0)
        status = state_reader_account(&own, &found, &has, address);
    if (status || !has)
        return status;
    *state = own;
    *account = found;
    *exists = true;
    return 0;
}
