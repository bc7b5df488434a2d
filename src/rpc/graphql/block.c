/* Block, and Pending, which has some of its fields. */
#include "rpc/graphql/things.h"
#include "rpc/json/json.h"

struct gql_block *rpc_gql_block_at(struct gql_run *run, struct bytes number)
{
    struct gql_block *block = rpc_gql_alloc(run, 1, sizeof(*block));
    if (block)
        block->number = number;
    return block;
}

static int load(struct gql_run *run, const struct gql_block *block, struct bytes *json,
                const char *full)
{
    if (json->len)
        return 0;
    int status = rpc_gql_ask(run, json, "eth_getBlockByNumber",
                             rpc_gql_format(run, "[%.*s,%s]", (int)block->number.len,
                                            (const char *)block->number.data, full));
    /* It was there when it was named: a block of the chain's end may go. */
    if (status == 0 && !gql_is_there(*json))
        status = rpc_fail(run->call, RPC_CODE_ERROR, "header not found");
    return status;
}

int rpc_gql_block_load(struct gql_run *run, struct gql_block *block)
{
    return load(run, block, &block->json, "false");
}

int rpc_gql_block_load_full(struct gql_run *run, struct gql_block *block)
{
    if (block->is_ommer)
        return rpc_fail(run->call, RPC_CODE_ERROR, "header for hash not found");
    if (block->transactions)
        return 0;
    int status = load(run, block, &block->full, "true");
    if (status)
        return status;
    struct bytes list = rpc_json_find(block->full, "transactions"), item;
    struct rpc_json_walk walk;
    block->count = rpc_json_count(list);
    block->transactions = rpc_gql_alloc(run, block->count + 1, sizeof(*block->transactions));
    if (!block->transactions)
        return ERR_NOMEM;
    block->json = block->full;
    rpc_json_walk_begin(&walk, list);
    for (size_t i = 0; rpc_json_element(&walk, &item); i++)
        block->transactions[i] = (struct gql_transaction){
            .hash = rpc_json_find(item, "hash"), .json = item, .block = block};
    return 0;
}

/* --- What its header says --- */

static int member(struct gql_run *run, const struct gql_asked *asked, struct gql_result *ret)
{
    struct gql_block *block = asked->object;
    int status = rpc_gql_block_load(run, block);
    return status ? status : gql_maybe(ret, rpc_json_find(block->json, asked->field->key));
}

static int decimal(struct gql_run *run, const struct gql_asked *asked, struct gql_result *ret)
{
    struct gql_block *block = asked->object;
    int status = rpc_gql_block_load(run, block);
    return status ? status
                  : rpc_gql_decimal(run, ret,
                                    rpc_gql_number(rpc_json_find(block->json, asked->field->key)));
}

static int miner(struct gql_run *run, const struct gql_asked *asked, struct gql_result *ret)
{
    struct gql_block *block = asked->object;
    int status = rpc_gql_block_load(run, block);
    return status ? status
                  : rpc_gql_account_of(run, ret, rpc_json_find(block->json, "miner"),
                                       asked->arguments);
}

static int parent(struct gql_run *run, const struct gql_asked *asked, struct gql_result *ret)
{
    struct gql_block *block = asked->object;
    uint64_t number = rpc_gql_number(block->number);
    if (number == 0)
        return gql_null(ret);
    struct bytes before = rpc_gql_format(run, "\"0x%llx\"", (unsigned long long)(number - 1));
    return before.data ? gql_object(ret, rpc_gql_block_at(run, before)) : ERR_NOMEM;
}

/* --- Ommers, of which only the hashes are in a block --- */

static int ommer_count(struct gql_run *run, const struct gql_asked *asked, struct gql_result *ret)
{
    struct gql_block *block = asked->object;
    int status = rpc_gql_block_load(run, block);
    return status ? status
                  : rpc_gql_decimal(run, ret, rpc_json_count(rpc_json_find(block->json, "uncles")));
}

static int find_ommer(struct gql_run *run, struct gql_block *block, size_t index,
                      struct gql_result *ret)
{
    struct gql_block *ommer = rpc_gql_block_at(run, block->number);
    if (!ommer)
        return ERR_NOMEM;
    int status = rpc_gql_ask(run, &ommer->json, "eth_getUncleByBlockNumberAndIndex",
                             rpc_gql_format(run, "[%.*s,\"0x%zx\"]", (int)block->number.len,
                                            (const char *)block->number.data, index));
    if (status)
        return status;
    ommer->is_ommer = true;
    ommer->number = rpc_json_find(ommer->json, "number");
    return gql_is_there(ommer->json) ? gql_object(ret, ommer) : gql_null(ret);
}

static int ommers(struct gql_run *run, const struct gql_asked *asked, struct gql_result *ret)
{
    struct gql_block *block = asked->object;
    int status = rpc_gql_block_load(run, block);
    if (status == 0)
        status = rpc_gql_list(run, ret, rpc_json_count(rpc_json_find(block->json, "uncles")));
    for (size_t i = 0; status == 0 && i < ret->count; i++)
        status = find_ommer(run, block, i, &ret->items[i]);
    return status;
}

static int ommer_at(struct gql_run *run, const struct gql_asked *asked, struct gql_result *ret)
{
    struct gql_block *block = asked->object;
    int64_t index = gql_given(asked->arguments, "index")->number;
    return index < 0 ? gql_null(ret) : find_ommer(run, block, (size_t)index, ret);
}

/* --- Transactions --- */

static int transaction_count(struct gql_run *run, const struct gql_asked *asked,
                             struct gql_result *ret)
{
    struct gql_block *block = asked->object;
    int status =
        block->is_ommer ? rpc_gql_block_load_full(run, block) : rpc_gql_block_load(run, block);
    return status ? status
                  : rpc_gql_decimal(run, ret,
                                    rpc_json_count(rpc_json_find(block->json, "transactions")));
}

static int transactions(struct gql_run *run, const struct gql_asked *asked, struct gql_result *ret)
{
    struct gql_block *block = asked->object;
    int status = rpc_gql_block_load_full(run, block);
    if (status == 0)
        status = rpc_gql_list(run, ret, block->count);
    for (size_t i = 0; status == 0 && i < block->count; i++)
        status = gql_object(&ret->items[i], &block->transactions[i]);
    return status;
}

static int transaction_at(struct gql_run *run, const struct gql_asked *asked,
                          struct gql_result *ret)
{
    struct gql_block *block = asked->object;
    int64_t index = gql_given(asked->arguments, "index")->number;
    int status = rpc_gql_block_load_full(run, block);
    if (status)
        return status;
    return index >= 0 && (uint64_t)index < block->count
               ? gql_object(ret, &block->transactions[index])
               : gql_null(ret);
}

static int logs(struct gql_run *run, const struct gql_asked *asked, struct gql_result *ret)
{
    struct gql_block *block = asked->object;
    int status = rpc_gql_block_load(run, block);
    return status ? status
                  : rpc_gql_find_logs(run, ret, gql_given(asked->arguments, "filter"),
                                      rpc_json_find(block->json, "hash"));
}

/* --- Its state --- */

static int account(struct gql_run *run, const struct gql_asked *asked, struct gql_result *ret)
{
    const struct gql_block *block = asked->object;
    return rpc_gql_account_at(run, ret, asked->arguments, block->number);
}

static int call(struct gql_run *run, const struct gql_asked *asked, struct gql_result *ret)
{
    const struct gql_block *block = asked->object;
    return rpc_gql_call(run, ret, asked->arguments, block->number);
}

static int estimate(struct gql_run *run, const struct gql_asked *asked, struct gql_result *ret)
{
    const struct gql_block *block = asked->object;
    return rpc_gql_estimate(run, ret, asked->arguments, block->number);
}

static const struct gql_input indices[] = {{"index", "Int!", "From 0 on.", .preset = NULL}};
static const struct gql_input filters[] = {
    {"filter", "BlockFilterCriteria!", "Which.", .preset = NULL}};
static const struct gql_input addresses[] = {{"address", "Address!", "Which.", .preset = NULL}};
static const struct gql_input calls[] = {{"data", "CallData!", "The call.", .preset = NULL}};

static const struct gql_field fields[] = {
    {"number", "Long!", "How many blocks came before it.", decimal, "number"},
    {"hash", "Bytes32!", "Its hash.", member, "hash"},
    {"parent", "Block", "The block before it; none of the first.", parent},
    {"nonce", "Bytes!", "8 bytes; with proof of work what was looked for.", member, "nonce"},
    {"transactionsRoot", "Bytes32!", "The root of its transactions.", member, "transactionsRoot"},
    {"transactionCount", "Int", "How many transactions it has.", transaction_count},
    {"stateRoot", "Bytes32!", "The root of the state after it.", member, "stateRoot"},
    {"receiptsRoot", "Bytes32!", "The root of its receipts.", member, "receiptsRoot"},
    {"miner", "Account!", "Who made it.", miner, NULL, GQL_AT_BLOCK},
    {"extraData", "Bytes!",
     "What its maker wrote into it; with Istanbul also the validators and their seals.", member,
     "extraData"},
    {"gasLimit", "Long!", "The most gas that its transactions may take.", decimal, "gasLimit"},
    {"gasUsed", "Long!", "The gas that they took.", decimal, "gasUsed"},
    {"timestamp", "Long!", "When it was made, in seconds since 1970 (Raft: nanoseconds).", member,
     "timestamp"},
    {"logsBloom", "Bytes!", "A filter that says which logs it has not.", member, "logsBloom"},
    {"mixHash", "Bytes32!", "With Istanbul always the same.", member, "mixHash"},
    {"difficulty", "BigInt!", "Its difficulty.", member, "difficulty"},
    {"totalDifficulty", "BigInt!", "The sum of the difficulties of it and all before it.", member,
     "totalDifficulty"},
    {"ommerCount", "Int", "How many ommers (uncles) it has.", ommer_count},
    {"ommers", "[Block]", "Its ommers.", ommers},
    {"ommerAt", "Block", "One of them.", ommer_at, NULL, GQL_INPUTS(indices)},
    {"ommerHash", "Bytes32!", "The hash of all its ommers.", member, "sha3Uncles"},
    {"transactions", "[Transaction!]", "Its transactions.", transactions},
    {"transactionAt", "Transaction", "One of them.", transaction_at, NULL, GQL_INPUTS(indices)},
    {"logs", "[Log!]!", "Some of its logs.", logs, NULL, GQL_INPUTS(filters)},
    {"account", "Account!", "An account after it.", account, NULL, GQL_INPUTS(addresses)},
    {"call", "CallResult", "A call on the state after it.", call, NULL, GQL_INPUTS(calls)},
    {"estimateGas", "Long!", "The gas that a call takes on the state after it.", estimate, NULL,
     GQL_INPUTS(calls)},
};

const struct gql_type rpc_gql_block = {
    .name = "Block", .text = "A block.", .kind = GQL_TYPE_OBJECT, GQL_FIELDS(fields)};

/* --- Pending: its object is what txpool_content says --- */

static const char pending_tag[] = "\"pending\"";

static int pending_account(struct gql_run *run, const struct gql_asked *asked,
                           struct gql_result *ret)
{
    return rpc_gql_account_at(run, ret, asked->arguments, bytes_str(pending_tag));
}

static int pending_call(struct gql_run *run, const struct gql_asked *asked, struct gql_result *ret)
{
    return rpc_gql_call(run, ret, asked->arguments, bytes_str(pending_tag));
}

static int pending_estimate(struct gql_run *run, const struct gql_asked *asked,
                            struct gql_result *ret)
{
    return rpc_gql_estimate(run, ret, asked->arguments, bytes_str(pending_tag));
}

/* Of all senders, one behind the other. *ret_count without a list. */
static int pooled(struct gql_run *run, const struct bytes *content, size_t *ret_count,
                  struct gql_result *ret)
{
    struct bytes senders = rpc_json_find(*content, "pending"), key, list, tx;
    struct rpc_json_walk walk, inner;
    *ret_count = 0;
    rpc_json_walk_begin(&walk, senders);
    while (rpc_json_member(&walk, &key, &list)) {
        rpc_json_walk_begin(&inner, list);
        while (rpc_json_member(&inner, &key, &tx)) {
            int status =
                ret ? gql_object(&ret->items[*ret_count],
                                 rpc_gql_transaction_of(run, rpc_json_find(tx, "hash"), tx))
                    : 0;
            if (status)
                return status;
            ++*ret_count;
        }
    }
    return 0;
}

static int pending_count(struct gql_run *run, const struct gql_asked *asked, struct gql_result *ret)
{
    size_t count;
    int status = pooled(run, asked->object, &count, NULL);
    return status ? status : rpc_gql_decimal(run, ret, count);
}

static int pending_transactions(struct gql_run *run, const struct gql_asked *asked,
                                struct gql_result *ret)
{
    size_t count;
    int status = pooled(run, asked->object, &count, NULL);
    if (status == 0)
        status = rpc_gql_list(run, ret, count);
    return status || count == 0 ? status : pooled(run, asked->object, &count, ret);
}

static const struct gql_field pending_fields[] = {
    {"transactionCount", "Int!", "How many transactions wait to be taken into a block.",
     pending_count},
    {"transactions", "[Transaction!]", "Those transactions.", pending_transactions},
    {"account", "Account!", "An account.", pending_account, NULL, GQL_INPUTS(addresses)},
    {"call", "CallResult", "A call.", pending_call, NULL, GQL_INPUTS(calls)},
    {"estimateGas", "Long!", "The gas that a call takes.", pending_estimate, NULL,
     GQL_INPUTS(calls)},
};

const struct gql_type rpc_gql_pending = {.name = "Pending",
                                         .text = "What is to be expected of the next block.",
                                         .kind = GQL_TYPE_OBJECT,
                                         GQL_FIELDS(pending_fields)};
