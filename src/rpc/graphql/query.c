/* Query, Mutation and SyncState: where queries begin. */
#include "rpc/graphql/things.h"
#include "rpc/json/json.h"

/* What the head's number is, as JSON. */
static int find_latest(struct gql_run *run, struct bytes *ret_number)
{
    return rpc_gql_ask(run, ret_number, "eth_blockNumber", bytes_str("[]"));
}

static int block_by_hash(struct gql_run *run, struct bytes hash, struct gql_result *ret)
{
    struct gql_block *block = rpc_gql_block_at(run, bytes_none());
    if (!block || !hash.data)
        return ERR_NOMEM;
    int status =
        rpc_gql_ask(run, &block->json, "eth_getBlockByHash",
                    rpc_gql_format(run, "[%.*s,false]", (int)hash.len, (const char *)hash.data));
    if (status)
        return status;
    if (!gql_is_there(block->json))
        return rpc_fail(run->call, RPC_CODE_ERROR, "header for hash not found");
    block->number = rpc_json_find(block->json, "number");
    return gql_object(ret, block);
}

static int block_by_number(struct gql_run *run, struct bytes number, struct gql_result *ret)
{
    struct gql_block *block = rpc_gql_block_at(run, number);
    if (!block || !number.data)
        return ERR_NOMEM;
    int status = rpc_gql_ask(
        run, &block->json, "eth_getBlockByNumber",
        rpc_gql_format(run, "[%.*s,false]", (int)number.len, (const char *)number.data));
    if (status)
        return status;
    return gql_is_there(block->json) ? gql_object(ret, block) : gql_null(ret);
}

static int block(struct gql_run *run, const struct gql_asked *asked, struct gql_result *ret)
{
    const struct gql_value *number = gql_given(asked->arguments, "number");
    const struct gql_value *hash = gql_given(asked->arguments, "hash");
    struct bytes latest;
    if (number)
        return number->number < 0 ? gql_null(ret)
                                  : block_by_number(run, rpc_gql_quoted(run, number), ret);
    if (hash)
        return block_by_hash(run, rpc_gql_quoted(run, hash), ret);
    int status = find_latest(run, &latest);
    return status ? status : block_by_number(run, latest, ret);
}

/* Up to the head, however far is asked. */
static int blocks(struct gql_run *run, const struct gql_asked *asked, struct gql_result *ret)
{
    const struct gql_value *from = gql_given(asked->arguments, "from");
    const struct gql_value *to = gql_given(asked->arguments, "to");
    struct bytes latest;
    if (!from)
        return rpc_fail(run->call, RPC_CODE_ERROR,
                        "blocks needs \"from\", the first block's number");
    int status = find_latest(run, &latest);
    if (status)
        return status;
    int64_t first = from->number < 0 ? 0 : from->number;
    int64_t last = (int64_t)rpc_gql_number(latest);
    if (to && to->number < last)
        last = to->number;
    if (last - first >= GQL_BLOCKS_MAX)
        return rpc_fail(run->call, RPC_CODE_ERROR, "more than %d blocks: ask for fewer at a time",
                        GQL_BLOCKS_MAX);
    status = rpc_gql_list(run, ret, last < first ? 0 : (size_t)(last - first) + 1);
    for (size_t i = 0; status == 0 && i < ret->count; i++) {
        struct bytes number = rpc_gql_format(run, "\"0x%llx\"", (unsigned long long)first + i);
        status =
            number.data ? gql_object(&ret->items[i], rpc_gql_block_at(run, number)) : ERR_NOMEM;
    }
    return status;
}

static int pending(struct gql_run *run, const struct gql_asked *asked, struct gql_result *ret)
{
    struct bytes *content = rpc_gql_alloc(run, 1, sizeof(*content));
    (void)asked;
    int status = content ? rpc_gql_ask(run, content, "txpool_content", bytes_str("[]")) : ERR_NOMEM;
    return status ? status : gql_object(ret, content);
}

static int transaction(struct gql_run *run, const struct gql_asked *asked, struct gql_result *ret)
{
    struct bytes hash = rpc_gql_quoted(run, gql_given(asked->arguments, "hash"));
    struct gql_transaction *found = rpc_gql_transaction_of(run, hash, bytes_none());
    int status = found ? rpc_gql_transaction_load(run, found) : ERR_NOMEM;
    if (status)
        return status;
    if (!gql_is_there(found->json))
        return gql_null(ret);
    found->hash = rpc_json_find(found->json, "hash");
    return gql_object(ret, found);
}

static int logs(struct gql_run *run, const struct gql_asked *asked, struct gql_result *ret)
{
    return rpc_gql_find_logs(run, ret, gql_given(asked->arguments, "filter"), bytes_none());
}

static int ask(struct gql_run *run, const struct gql_asked *asked, struct gql_result *ret)
{
    struct bytes json;
    int status = rpc_gql_ask(run, &json, asked->field->key, bytes_str("[]"));
    return status ? status : gql_json(ret, json);
}

static int syncing(struct gql_run *run, const struct gql_asked *asked, struct gql_result *ret)
{
    struct bytes *state = rpc_gql_alloc(run, 1, sizeof(*state));
    (void)asked;
    int status = state ? rpc_gql_ask(run, state, "eth_syncing", bytes_str("[]")) : ERR_NOMEM;
    if (status)
        return status;
    return gql_is(*state, "false") ? gql_null(ret) : gql_object(ret, state);
}

static const struct gql_input block_inputs[] = {
    {"number", "Long", "Its number.", .preset = NULL},
    {"hash", "Bytes32", "Its hash.", .preset = NULL},
};
static const struct gql_input blocks_inputs[] = {
    {"from", "Long", "The first.", .preset = NULL},
    {"to", "Long", "The last; the latest when it is not given.", .preset = NULL},
};
static const struct gql_input hashes[] = {{"hash", "Bytes32!", "Its hash.", .preset = NULL}};
static const struct gql_input filters[] = {{"filter", "FilterCriteria!", "Which.", .preset = NULL}};

static const struct gql_field fields[] = {
    {"block", "Block", "A block; the latest when none is named.", block, NULL,
     GQL_INPUTS(block_inputs)},
    {"blocks", "[Block!]!", "Blocks one behind the other.", blocks, NULL,
     GQL_INPUTS(blocks_inputs)},
    {"pending", "Pending!", "What is to be expected of the next block.", pending, .on_loop = true},
    {"transaction", "Transaction", "A transaction of the chain or the pool.", transaction, NULL,
     GQL_INPUTS(hashes)},
    {"logs", "[Log!]!", "Logs of a range of blocks.", logs, NULL, GQL_INPUTS(filters)},
    {"gasPrice", "BigInt!", "What to offer for a unit of gas, in wei.", ask, "eth_gasPrice",
     .on_loop = true},
    {"syncing", "SyncState", "How far this node is; null when it is not behind.", syncing,
     .on_loop = true},
    {"chainID", "BigInt!", "The chain's number, which is part of what is signed.", ask,
     "eth_chainId", .on_loop = true},
};

const struct gql_type rpc_gql_query = {
    .name = "Query", .text = "What can be asked.", .kind = GQL_TYPE_OBJECT, GQL_FIELDS(fields)};

/* --- SyncState: its object is what eth_syncing says --- */

static int progress(struct gql_run *run, const struct gql_asked *asked, struct gql_result *ret)
{
    (void)run;
    return gql_maybe(ret, rpc_json_find(*(const struct bytes *)asked->object, asked->field->key));
}

static const struct gql_field sync_fields[] = {
    {"startingBlock", "Long!", "Where it began.", progress, "startingBlock"},
    {"currentBlock", "Long!", "Where it is.", progress, "currentBlock"},
    {"highestBlock", "Long!", "The highest that it knows of.", progress, "highestBlock"},
    {"pulledStates", "Long", "Parts of the state that it has fetched.", progress, "pulledStates"},
    {"knownStates", "Long", "Parts of the state that it knows of.", progress, "knownStates"},
};

const struct gql_type rpc_gql_sync_state = {.name = "SyncState",
                                            .text = "How far this node is.",
                                            .kind = GQL_TYPE_OBJECT,
                                            GQL_FIELDS(sync_fields)};

/* --- Mutation --- */

static int send_raw(struct gql_run *run, const struct gql_asked *asked, struct gql_result *ret)
{
    const struct gql_value *data = gql_given(asked->arguments, "data");
    struct bytes json;
    int status = rpc_gql_ask(run, &json, "eth_sendRawTransaction",
                             rpc_gql_format(run, "[\"%.*s\"]", (int)data->characters.len,
                                            (const char *)data->characters.data));
    return status ? status : gql_json(ret, json);
}

static const struct gql_input raw[] = {{"data", "Bytes!", "It, signed, as bytes.", .preset = NULL}};

static const struct gql_field mutation_fields[] = {
    {"sendRawTransaction", "Bytes32!", "Sends a transaction; its hash.", send_raw, NULL,
     GQL_INPUTS(raw), .on_loop = true, .proxied = true},
};

const struct gql_type rpc_gql_mutation = {.name = "Mutation",
                                          .text = "What can be done.",
                                          .kind = GQL_TYPE_OBJECT,
                                          GQL_FIELDS(mutation_fields)};
