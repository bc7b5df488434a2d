/* eth: fees, as newer clients ask for them (later geth, eth/gasprice/feehistory.go). */
#include "rpc/json/json.h"
#include "rpc/methods/methods.h"
#include "rpc/run/lookup.h"

#include <stdlib.h>

enum {
    HISTORY_MAX = 1024,    /* blocks of one answer; later geth has the same limit */
    PERCENTILES_MAX = 100, /* likewise */
};

/* A transaction's tip, and its gas. */
struct tip {
    struct u256 tip;
    uint64_t gas;
};

static int compare_tips(const void *a, const void *b)
{
    const struct tip *x = a, *y = b;
    return u256_compare(&x->tip, &y->tip);
}

static struct u256 base_fee_of(const struct eth_header *header)
{
    return header->tail >= ETH_HEADER_BASE_FEE ? header->base_fee : u256_from(0);
}

static int max_priority_fee(struct rpc_call *call)
{
    struct chain_head head;
    chain_head(call->backend->chain, &head);
    struct u256 price = u256_from(rpc_suggested_price(call->backend));
    struct u256 base = base_fee_of(&head.block->header);
    chain_head_release(&head);
    if (!u256_sub_checked(&price, &price, &base))
        price = u256_from(0);
    rpc_write_big(call->out, &price);
    return 0;
}

static int check_percentiles(struct rpc_call *call)
{
    const struct rpc_value *v = &call->args[2];
    if (v->rewards.count > PERCENTILES_MAX)
        return rpc_fail(call, RPC_CODE_ERROR, "invalid reward percentile: over the query limit %d",
                        PERCENTILES_MAX);
    for (size_t i = 0; i < v->rewards.count; i++) {
        double p = v->rewards.list[i];
        if (!(p >= 0 && p <= 100))
            return rpc_fail(call, RPC_CODE_ERROR, "invalid reward percentile: %f", p);
        if (i && p < v->rewards.list[i - 1])
            return rpc_fail(call, RPC_CODE_ERROR, "invalid reward percentile: #%zu:%f > #%zu:%f",
                            i - 1, v->rewards.list[i - 1], i, p);
    }
    return 0;
}

/* The tips at the percentiles of the block's gas. */
static int write_rewards(struct rpc_call *call, struct chain_reader *reader,
                         const struct eth_header *header)
{
    const struct rpc_value *wanted = &call->args[2];
    struct arena_mark mark = arena_mark(call->arena);
    struct chain_block *block;
    struct eth_receipt *receipts;
    size_t count, receipt_count;
    int status = chain_reader_block(reader, &block, header->number);
    if (status)
        return status;
    count = block->body->body.transaction_count;
    struct tip *tips = arena_alloc(call->arena, (count + 1) * sizeof(*tips));
    status =
        tips ? chain_reader_receipts(reader, &receipts, &receipt_count, call->arena, header->number)
             : ERR_NOMEM;
    if (status == 0 && receipt_count != count)
        status = ERR_CORRUPT;
    struct u256 base = base_fee_of(header);
    uint64_t before = 0;
    for (size_t i = 0; i < count && status == 0; i++) {
        const struct eth_transaction *tx = &block->body->body.transactions[i];
        struct u256 left;
        if (!u256_sub_checked(&left, &tx->max_fee, &base))
            left = u256_from(0);
        tips[i].tip = u256_less(&tx->max_priority_fee, &left) ? tx->max_priority_fee : left;
        tips[i].gas = receipts[i].cumulative_gas - before;
        before = receipts[i].cumulative_gas;
    }
    chain_block_unref(block);
    if (status)
        return status;
    qsort(tips, count, sizeof(*tips), compare_tips);
    buf_append_byte(call->out, '[');
    size_t at = 0;
    uint64_t sum = count ? tips[0].gas : 0;
    for (size_t i = 0; i < wanted->rewards.count; i++) {
        uint64_t threshold = (uint64_t)((double)header->gas_used * wanted->rewards.list[i] / 100);
        while (at + 1 < count && sum < threshold)
            sum += tips[++at].gas;
        rpc_item(call->out);
        if (count)
            rpc_write_big(call->out, &tips[at].tip);
        else
            rpc_write_number(call->out, 0);
    }
    buf_append_byte(call->out, ']');
    arena_rewind(call->arena, mark);
    return 0;
}

/* The base fee behind the last block: that block's own, since what comes next is not made yet. */
static int write_history(struct rpc_call *call, struct chain_reader *reader, uint64_t oldest,
                         uint64_t newest)
{
    struct buf *out = call->out, ratios = BUF_INIT;
    struct eth_header header;
    int status = 0;
    buf_append_byte(out, '{');
    rpc_put_number(out, "oldestBlock", oldest);
    rpc_key(out, "baseFeePerGas");
    buf_append_byte(out, '[');
    for (uint64_t n = oldest; n <= newest && status == 0; n++) {
        status = chain_reader_header(reader, &header, n);
        if (status)
            break;
        struct u256 base = base_fee_of(&header);
        rpc_item(out);
        rpc_write_big(out, &base);
        if (n == newest) {
            rpc_item(out);
            rpc_write_big(out, &base);
        }
        buf_append_format(&ratios, "%s%.16g", n == oldest ? "" : ",",
                          header.gas_limit ? (double)header.gas_used / (double)header.gas_limit
                                           : 0.0);
    }
    buf_append_byte(out, ']');
    rpc_key(out, "gasUsedRatio");
    buf_append_byte(out, '[');
    buf_append_bytes(out, buf_bytes(&ratios));
    buf_append_byte(out, ']');
    if (call->args[2].rewards.count) {
        rpc_key(out, "reward");
        buf_append_byte(out, '[');
        for (uint64_t n = oldest; n <= newest && status == 0; n++) {
            status = chain_reader_header(reader, &header, n);
            rpc_item(out);
            if (status == 0)
                status = write_rewards(call, reader, &header);
        }
        buf_append_byte(out, ']');
    }
    buf_append_byte(out, '}');
    if (status == 0)
        status = buf_status(&ratios);
    buf_release(&ratios);
    return status ? rpc_reader_fail(call, reader, status) : 0;
}

/* A number of blocks: hex as in Ethereum's specification, or a JSON number as older clients send it. */
static int read_count(struct rpc_call *call, uint64_t *ret_count)
{
    struct bytes json = call->args[0].json;
    uint64_t count = 0;
    bool quoted = rpc_json_kind(json) == RPC_JSON_STRING;
    struct bytes text = quoted ? bytes_slice(json, 1, json.len - 2) : json;
    char copy[24] = {0};
    if (text.len == 0 || text.len >= sizeof(copy) ||
        (!quoted && rpc_json_kind(json) != RPC_JSON_NUMBER))
        return rpc_fail(call, RPC_CODE_PARAMS, "invalid argument 0: not a number of blocks");
    memcpy(copy, text.data, text.len);
    if (!hex_u64(copy, &count))
        return rpc_fail(call, RPC_CODE_PARAMS, "invalid argument 0: not a number of blocks");
    *ret_count = count > HISTORY_MAX ? HISTORY_MAX : count;
    return 0;
}

static int fee_history(struct rpc_call *call)
{
    struct chain_reader reader;
    uint64_t count = 0, newest = 0;
    int status = read_count(call, &count);
    if (status == 0)
        status = check_percentiles(call);
    if (status == 0)
        status = rpc_reader_open(call, &reader);
    if (status)
        return status;
    status = rpc_find_block(&reader, &newest, &call->args[1].block);
    if (status == ERR_NOTFOUND) {
        struct hash256 hash;
        uint64_t head = 0;
        if (chain_reader_head(&reader, &head, &hash) != ERR_OK)
            head = 0; /* the message says so; the answer is an error anyway */
        status =
            rpc_fail(call, RPC_CODE_ERROR, "request beyond head block: requested %llu, head %llu",
                     (unsigned long long)call->args[1].block.number, (unsigned long long)head);
    } else if (status) {
        status = rpc_reader_fail(call, &reader, status);
    } else if (count == 0) {
        buf_append_text(call->out, "{\"oldestBlock\":\"0x0\",\"gasUsedRatio\":null}");
    } else {
        if (count > newest + 1)
            count = newest + 1;
        status = write_history(call, &reader, newest + 1 - count, newest);
    }
    chain_reader_close(&reader);
    return status;
}

static const struct rpc_method methods[] = {
    {"eth_maxPriorityFeePerGas",
     {{0}},
     .run = max_priority_fee,
     .anywhere = true,
     .result = "wei, hex"},
    {"eth_feeHistory",
     {{"blocks", RPC_ANY}, {"newest", RPC_BLOCK}, {"percentiles", RPC_REWARDS, true}},
     .work = fee_history,
     .reads = true,
     .result = "oldestBlock, baseFeePerGas, gasUsedRatio, reward"},
};

const struct rpc_method_list rpc_methods_fee = {methods, BASE_COUNT(methods)};
