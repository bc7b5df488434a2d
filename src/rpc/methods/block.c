/* eth: blocks, headers, uncles. */
#include "rpc/dispatch/head.h"
#include "rpc/json/texts.h"
#include "rpc/methods/methods.h"
#include "rpc/run/lookup.h"
#include "rpc/run/machine.h"

/* Blocks of more transactions than this are written on the worker. */
enum { QUICK_TRANSACTIONS = 200 };

static int block_number(struct rpc_call *call)
{
    struct chain_head head;
    chain_head(call->backend->chain, &head);
    rpc_write_number(call->out, head.block->header.number);
    chain_head_release(&head);
    return 0;
}

static int chain_id(struct rpc_call *call)
{
    rpc_write_big(call->out, &chain_configuration(call->backend->chain)->chain_id.value);
    return 0;
}

/* The block of the first argument; a hash is made a block id. */
static struct rpc_block_id wanted(const struct rpc_call *call)
{
    if (call->method->params[0].type != RPC_HASH)
        return call->args[0].block;
    return (struct rpc_block_id){.kind = RPC_AT_HASH, .hash = call->args[0].hash};
}

static bool is_head(const struct chain_block *head, const struct rpc_block_id *id)
{
    return id->kind == RPC_AT_LATEST ||
           (id->kind == RPC_AT_NUMBER && id->number == head->header.number) ||
           (id->kind == RPC_AT_HASH && hash256_equal(&id->hash, &head->hash));
}

static bool senders_known(const struct chain_block *block)
{
    const struct eth_body *body = &block->body->body;
    for (size_t i = 0; i < body->transaction_count; i++)
        if (!body->transactions[i].sender_known)
            return false;
    return true;
}

static struct bytes written_since(const struct rpc_call *call, size_t before)
{
    return buf_status(call->out)
               ? bytes_none()
               : bytes_slice(buf_bytes(call->out), before, call->out->len - before);
}

/* Of the head, which is in memory: most who poll want nothing else. */
static int get_head_block(struct rpc_call *call, const struct chain_head *head)
{
    bool full = call->args[1].boolean;
    size_t before = call->out->len;
    if (head->block->body->body.transaction_count > QUICK_TRANSACTIONS ||
        (full && !senders_known(head->block)))
        return RPC_LATER;
    rpc_write_block(call->out, head->block, &head->total_difficulty,
                    full ? RPC_BLOCK_FULL : RPC_BLOCK_HASHES);
    if (full)
        rpc_texts_add(rpc_texts_of(call->rpc), &head->block->hash, written_since(call, before));
    return 0;
}

/* What is kept as text of a block of the head's chain. */
static int get_text(struct rpc_call *call, const struct rpc_block_id *id)
{
    static const struct rpc_block_id latest = {.kind = RPC_AT_LATEST};
    struct rpc_simulation *s = rpc_head_open(call, &latest);
    struct hash256 hash = id->hash;
    uint64_t number;
    if (!s || (id->kind != RPC_AT_NUMBER && id->kind != RPC_AT_HASH))
        return RPC_LATER;
    int status = id->kind == RPC_AT_NUMBER ? chain_reader_hash(&s->reader, &hash, id->number)
                                           : chain_reader_number(&s->reader, &number, &hash);
    return status == 0 && rpc_texts_append(rpc_texts_of(call->rpc), call->out, &hash) ? 0
                                                                                      : RPC_LATER;
}

/* On the loop: what is at hand. */
static int get_known_block(struct rpc_call *call)
{
    struct rpc_block_id id = wanted(call);
    bool full = call->args[1].boolean;
    struct chain_head head;
    int status;
    chain_head(call->backend->chain, &head);
    if (!is_head(head.block, &id))
        status = full ? get_text(call, &id) : RPC_LATER;
    else if (full && rpc_texts_append(rpc_texts_of(call->rpc), call->out, &head.block->hash))
        status = 0;
    else
        status = get_head_block(call, &head);
    chain_head_release(&head);
    return status;
}

/* Finds the senders, unless they are known. */
static int recover(const struct rpc_call *call, struct chain_block *block)
{
    if (senders_known(block))
        return 0;
    struct eth_rules rules = rpc_rules_at(call, block->header.number, block->header.timestamp);
    enum eth_tx_status status;
    size_t index;
    int error = chain_block_recover(block, &status, &index, &rules, NULL);
    if (error == 0 && status == ETH_TX_OK)
        rpc_kept_add(rpc_kept_of(call->rpc), block);
    return error == 0 && status != ETH_TX_OK ? ERR_CORRUPT : error;
}

/* A block that is in memory, held for the caller; NULL: it is not. */
static struct chain_block *find_known(struct rpc_call *call, const struct hash256 *hash)
{
    struct chain_block *block = rpc_kept_find(rpc_kept_of(call->rpc), hash);
    struct chain_head head;
    if (block)
        return block;
    chain_head(call->backend->chain, &head);
    if (hash256_equal(&head.block->hash, hash) && senders_known(head.block))
        block = chain_block_ref(head.block);
    chain_head_release(&head);
    return block;
}

/* Reads the block; *ret_block NULL when there is none. `*ret_known`: it was in memory. */
static int read_block(struct rpc_call *call, struct chain_reader *reader,
                      struct chain_block **ret_block, struct u256 *ret_td, bool *ret_known)
{
    struct rpc_block_id id = wanted(call);
    struct hash256 hash;
    uint64_t number;
    *ret_block = NULL;
    *ret_known = false;
    int status = rpc_find_block(reader, &number, &id);
    if (status == 0)
        status = chain_reader_total_difficulty(reader, ret_td, number);
    if (status == 0)
        status = chain_reader_hash(reader, &hash, number);
    if (status == 0)
        *ret_known = (*ret_block = find_known(call, &hash)) != NULL;
    if (status == 0 && !*ret_block)
        status = chain_reader_block(reader, ret_block, number);
    if (status == 0 || status == ERR_NOTFOUND)
        return 0;
    return rpc_reader_fail(call, reader, status);
}

static int get_block(struct rpc_call *call)
{
    struct chain_reader reader;
    struct chain_block *block;
    struct u256 td;
    bool known;
    int status = rpc_reader_open(call, &reader);
    if (status)
        return status;
    status = read_block(call, &reader, &block, &td, &known);
    if (status == 0 && !block) {
        rpc_write_null(call->out);
    } else if (status == 0) {
        bool full = call->args[1].boolean;
        size_t before = call->out->len;
        status = full ? recover(call, block) : 0;
        if (status == 0)
            rpc_write_block(call->out, block, &td, full ? RPC_BLOCK_FULL : RPC_BLOCK_HASHES);
        if (status == 0 && full &&
            known) /* not the first who asks, as when a chain is read from end to end */
            rpc_texts_add(rpc_texts_of(call->rpc), &block->hash, written_since(call, before));
        chain_block_unref(block);
    }
    chain_reader_close(&reader);
    return status;
}

static int get_header(struct rpc_call *call)
{
    struct chain_reader reader;
    struct rpc_block_id id = wanted(call);
    struct eth_header header;
    struct hash256 hash;
    struct u256 td;
    uint64_t number;
    int status = rpc_reader_open(call, &reader);
    if (status)
        return status;
    status = rpc_find_block(&reader, &number, &id);
    if (status == 0)
        status = chain_reader_header(&reader, &header, number);
    if (status == 0)
        status = chain_reader_hash(&reader, &hash, number);
    if (status == 0)
        status = chain_reader_total_difficulty(&reader, &td, number);
    if (status == 0)
        rpc_write_header(call->out, &header, &hash, &td);
    else if (status == ERR_NOTFOUND)
        status = rpc_null(call);
    else
        status = rpc_reader_fail(call, &reader, status);
    chain_reader_close(&reader);
    return status;
}

/* The number of items of the body's `list`-th list; null without the block. */
static int count_items(struct rpc_call *call, unsigned list)
{
    struct chain_reader reader;
    struct rpc_block_id id = wanted(call);
    struct bytes body;
    uint64_t number;
    int status = rpc_reader_open(call, &reader);
    if (status)
        return status;
    status = rpc_find_block(&reader, &number, &id);
    if (status == 0)
        status = chain_reader_body_rlp(&reader, &body, number);
    if (status == 0) {
        struct rlp_reader r;
        rlp_reader_init(&r, body);
        for (; list > 0; list--)
            rlp_skip(&r, "list");
        rlp_enter(&r, "list");
        size_t count = rlp_count(&r, 1, "item");
        if (rlp_ok(&r))
            rpc_write_number(call->out, count);
        else
            status = ERR_CORRUPT;
    } else if (status == ERR_NOTFOUND) {
        status = rpc_null(call);
    } else {
        status = rpc_reader_fail(call, &reader, status);
    }
    chain_reader_close(&reader);
    return status;
}

static int transaction_count(struct rpc_call *call)
{
    return count_items(call, 0);
}

static int uncle_count(struct rpc_call *call)
{
    return count_items(call, 1);
}

static int get_uncle(struct rpc_call *call)
{
    struct chain_reader reader;
    struct chain_block *block;
    struct u256 td;
    bool known;
    int status = rpc_reader_open(call, &reader);
    if (status)
        return status;
    status = read_block(call, &reader, &block, &td, &known);
    if (status == 0 && (!block || call->args[1].number >= block->body->body.uncle_count)) {
        rpc_write_null(call->out);
    } else if (status == 0) {
        const struct eth_header *uncle = &block->body->body.uncles[call->args[1].number];
        struct hash256 hash;
        status = eth_header_hash(uncle, &hash);
        if (status == 0)
            rpc_write_header(call->out, uncle, &hash, NULL);
    }
    if (block)
        chain_block_unref(block);
    chain_reader_close(&reader);
    return status;
}

#define NUMBER {"number", RPC_BLOCK}
#define HASH   {"hash", RPC_HASH}
#define FULL   {"full", RPC_BOOL}
#define INDEX  {"index", RPC_UINT}

static const struct rpc_method methods[] = {
    {"eth_blockNumber",
     {{0}},
     .run = block_number,
     .anywhere = true,
     .result = "number of the head, hex"},
    {"eth_chainId", {{0}}, .run = chain_id, .anywhere = true, .result = "chain id, hex"},
    {"eth_getBlockByNumber",
     {NUMBER, FULL},
     .quick = get_known_block,
     .work = get_block,
     .reads = true,
     .anywhere = true,
     .result = "block or null"},
    {"eth_getBlockByHash",
     {HASH, FULL},
     .quick = get_known_block,
     .work = get_block,
     .reads = true,
     .anywhere = true,
     .result = "block or null"},
    {"eth_getHeaderByNumber",
     {NUMBER},
     .run = get_header,
     .anywhere = true,
     .result = "header or null"},
    {"eth_getHeaderByHash",
     {HASH},
     .run = get_header,
     .anywhere = true,
     .result = "header or null"},
    {"eth_getBlockTransactionCountByNumber",
     {NUMBER},
     .run = transaction_count,
     .anywhere = true,
     .result = "number, hex, or null"},
    {"eth_getBlockTransactionCountByHash",
     {HASH},
     .run = transaction_count,
     .anywhere = true,
     .result = "number, hex, or null"},
    {"eth_getUncleCountByBlockNumber",
     {NUMBER},
     .run = uncle_count,
     .anywhere = true,
     .result = "number, hex, or null"},
    {"eth_getUncleCountByBlockHash",
     {HASH},
     .run = uncle_count,
     .anywhere = true,
     .result = "number, hex, or null"},
    {"eth_getUncleByBlockNumberAndIndex",
     {NUMBER, INDEX},
     .work = get_uncle,
     .result = "header or null"},
    {"eth_getUncleByBlockHashAndIndex",
     {HASH, INDEX},
     .work = get_uncle,
     .result = "header or null"},
};

const struct rpc_method_list rpc_methods_block = {methods, BASE_COUNT(methods)};
