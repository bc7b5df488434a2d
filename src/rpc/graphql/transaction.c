/* Transaction and AccessTuple. */
#include "rpc/graphql/things.h"
#include "rpc/json/json.h"

struct gql_transaction *rpc_gql_transaction_of(struct gql_run *run, struct bytes hash,
                                               struct bytes json)
{
    struct gql_transaction *transaction = rpc_gql_alloc(run, 1, sizeof(*transaction));
    if (transaction)
        *transaction = (struct gql_transaction){.hash = hash, .json = json};
    return transaction;
}

static int ask_of_hash(struct gql_run *run, struct bytes *ret_json, const char *method,
                       struct bytes hash)
{
    return rpc_gql_ask(run, ret_json, method,
                       rpc_gql_format(run, "[%.*s]", (int)hash.len, (const char *)hash.data));
}

int rpc_gql_transaction_load(struct gql_run *run, struct gql_transaction *transaction)
{
    return transaction->json.len ? 0
                                 : ask_of_hash(run, &transaction->json, "eth_getTransactionByHash",
                                               transaction->hash);
}

/* A member of what JSON-RPC says of it; len 0: null, or it is not there. */
static int find(struct gql_run *run, const struct gql_asked *asked, const char *key,
                struct bytes *ret_json)
{
    struct gql_transaction *transaction = asked->object;
    int status = rpc_gql_transaction_load(run, transaction);
    *ret_json = status ? bytes_none() : rpc_json_find(transaction->json, key);
    if (!gql_is_there(*ret_json))
        *ret_json = bytes_none();
    return status;
}

static int hash(struct gql_run *run, const struct gql_asked *asked, struct gql_result *ret)
{
    const struct gql_transaction *transaction = asked->object;
    (void)run;
    return gql_json(ret, transaction->hash);
}

static int member(struct gql_run *run, const struct gql_asked *asked, struct gql_result *ret)
{
    struct bytes json;
    int status = find(run, asked, asked->field->key, &json);
    return status ? status : gql_maybe(ret, json);
}

static int account(struct gql_run *run, const struct gql_asked *asked, struct gql_result *ret)
{
    struct bytes json;
    int status = find(run, asked, asked->field->key, &json);
    if (status)
        return status;
    return json.len ? rpc_gql_account_of(run, ret, json, asked->arguments) : gql_null(ret);
}

static int type(struct gql_run *run, const struct gql_asked *asked, struct gql_result *ret)
{
    struct bytes json;
    int status = find(run, asked, "type", &json);
    return status ? status : rpc_gql_decimal(run, ret, rpc_gql_number(json));
}

static int access_list(struct gql_run *run, const struct gql_asked *asked, struct gql_result *ret)
{
    struct bytes json, item;
    struct rpc_json_walk walk;
    size_t at = 0;
    int status = find(run, asked, "accessList", &json);
    if (status || !json.len)
        return status ? status : rpc_gql_list(run, ret, 0);
    size_t count = rpc_json_count(json);
    struct bytes *tuples = rpc_gql_alloc(run, count + 1, sizeof(*tuples));
    status = tuples ? rpc_gql_list(run, ret, count) : ERR_NOMEM;
    rpc_json_walk_begin(&walk, json);
    for (; status == 0 && rpc_json_element(&walk, &item); at++) {
        tuples[at] = item;
        status = gql_object(&ret->items[at], &tuples[at]);
    }
    return status;
}

/* --- Where it stands --- */

/* The inside of a marker stands where the marker does. */
static struct gql_asked outside(const struct gql_asked *asked)
{
    const struct gql_transaction *transaction = asked->object;
    struct gql_asked outer = *asked;
    if (transaction->marker)
        outer.object = transaction->marker;
    return outer;
}

static int block(struct gql_run *run, const struct gql_asked *asked, struct gql_result *ret)
{
    const struct gql_asked outer = outside(asked);
    struct gql_transaction *transaction = outer.object;
    struct bytes number;
    int status = transaction->block ? 0 : find(run, &outer, "blockNumber", &number);
    if (status)
        return status;
    if (!transaction->block && !number.len)
        return gql_null(ret);
    if (!transaction->block)
        transaction->block = rpc_gql_block_at(run, number);
    return gql_object(ret, transaction->block);
}

static int place(struct gql_run *run, const struct gql_asked *asked, struct gql_result *ret)
{
    const struct gql_asked outer = outside(asked);
    struct bytes index;
    int status = find(run, &outer, "transactionIndex", &index);
    if (status)
        return status;
    return index.len ? rpc_gql_decimal(run, ret, rpc_gql_number(index)) : gql_null(ret);
}

/* --- What came of it --- */

static int load_receipt(struct gql_run *run, struct gql_transaction *transaction)
{
    int status = transaction->has_receipt
                     ? 0
                     : ask_of_hash(run, &transaction->receipt,
                                   transaction->marker ? "eth_getPrivateTransactionReceipt"
                                                       : "eth_getTransactionReceipt",
                                   transaction->hash);
    transaction->has_receipt = status == 0;
    return status;
}

static int of_receipt(struct gql_run *run, const struct gql_asked *asked, struct gql_result *ret)
{
    struct gql_transaction *transaction = asked->object;
    int status = load_receipt(run, transaction);
    if (status)
        return status;
    struct bytes json = rpc_json_find(transaction->receipt, asked->field->key);
    return gql_is_there(json) ? rpc_gql_decimal(run, ret, rpc_gql_number(json)) : gql_null(ret);
}

static int created(struct gql_run *run, const struct gql_asked *asked, struct gql_result *ret)
{
    struct gql_transaction *transaction = asked->object;
    int status = load_receipt(run, transaction);
    if (status)
        return status;
    struct bytes json = rpc_json_find(transaction->receipt, "contractAddress");
    return gql_is_there(json) ? rpc_gql_account_of(run, ret, json, asked->arguments)
                              : gql_null(ret);
}

static int logs(struct gql_run *run, const struct gql_asked *asked, struct gql_result *ret)
{
    struct gql_transaction *transaction = asked->object;
    int status = load_receipt(run, transaction);
    if (status)
        return status;
    struct bytes json = rpc_json_find(transaction->receipt, "logs");
    return gql_is_there(json) ? rpc_gql_logs(run, ret, json, transaction) : gql_null(ret);
}

/* --- Private ones --- */

/* By v, which is 37 or 38 (core/types, Transaction.IsPrivate). */
static int find_privacy(struct gql_run *run, const struct gql_asked *asked, bool *ret_private)
{
    struct bytes json;
    int status = find(run, asked, "v", &json);
    uint64_t v = json.len <= 6 ? rpc_gql_number(json) : 0;
    *ret_private = v == 37 || v == 38;
    return status;
}

static int is_private(struct gql_run *run, const struct gql_asked *asked, struct gql_result *ret)
{
    bool private = false;
    int status = find_privacy(run, asked, &private);
    return status ? status : gql_json(ret, bytes_str(private ? "true" : "false"));
}

static int private_input(struct gql_run *run, const struct gql_asked *asked, struct gql_result *ret)
{
    struct bytes input;
    bool private = false;
    int status = find_privacy(run, asked, &private);
    if (status == 0)
        status = find(run, asked, "input", &input);
    if (status || !private)
        return status ? status : gql_json(ret, bytes_str("\"0x\""));
    status = ask_of_hash(run, &input, "eth_getQuorumPayload", input);
    return status ? status : gql_json(ret, input);
}

static int inside(struct gql_run *run, const struct gql_asked *asked, struct gql_result *ret)
{
    /* Whom markers are sent to (core/types, Transaction.IsPrivacyMarker). */
    static const char marked[] = "\"0x000000000000000000000000000000000000007a\"";
    struct gql_transaction *marker = asked->object;
    struct bytes to, json = bytes_none();
    int status = find(run, asked, "to", &to);
    if (status == 0 && gql_is(to, marked))
        status = ask_of_hash(run, &json, "eth_getPrivateTransactionByHash", marker->hash);
    if (status || !gql_is_there(json))
        return status ? status : gql_null(ret);
    struct gql_transaction *inner = rpc_gql_transaction_of(run, marker->hash, json);
    if (inner)
        inner->marker = marker;
    return gql_object(ret, inner);
}

static const struct gql_field fields[] = {
    {"hash", "Bytes32!", "Its hash.", hash},
    {"nonce", "Long!", "How many its sender had sent before.", member, "nonce"},
    {"index", "Int", "Its place in its block.", place},
    {"from", "Account!", "Who sent it.", account, "from", GQL_AT_BLOCK},
    {"to", "Account", "To whom; null when it makes a contract.", account, "to", GQL_AT_BLOCK},
    {"value", "BigInt!", "What it carries, in wei.", member, "value"},
    {"gasPrice", "BigInt!", "What its sender pays for a unit of gas, in wei.", member, "gasPrice"},
    {"gas", "Long!", "The most gas that it may take.", member, "gas"},
    {"inputData", "Bytes!", "What the one who is called gets to read.", member, "input"},
    {"block", "Block", "The block that it is in; null: it waits.", block},
    {"status", "Long", "1: it did what it was to do. 0: it failed.", of_receipt, "status"},
    {"gasUsed", "Long", "The gas that it took.", of_receipt, "gasUsed"},
    {"cumulativeGasUsed", "Long", "The gas that it and those before it in the block took.",
     of_receipt, "cumulativeGasUsed"},
    {"createdContract", "Account", "The contract that it made.", created, NULL, GQL_AT_BLOCK},
    {"logs", "[Log!]", "What was written while it ran.", logs},
    {"isPrivate", "Boolean", "Whether it is a private one, whose data only its parties know.",
     is_private},
    {"privateInputData", "Bytes", "Its data; empty when this node is no party.", private_input},
    {"privateTransaction", "Transaction",
     "The transaction inside, when it is a marker and this node is a party.", inside},
    {"r", "BigInt!", "Of its signature.", member, "r"},
    {"s", "BigInt!", "Of its signature.", member, "s"},
    {"v", "BigInt!", "Of its signature.", member, "v"},
    {"type", "Int", "Which kind of transaction (EIP-2718).", type},
    {"accessList", "[AccessTuple!]", "What it says beforehand that it will read.", access_list},
};

const struct gql_type rpc_gql_transaction = {
    .name = "Transaction", .text = "A transaction.", .kind = GQL_TYPE_OBJECT, GQL_FIELDS(fields)};

/* --- AccessTuple: its object is its JSON --- */

static int tuple_address(struct gql_run *run, const struct gql_asked *asked, struct gql_result *ret)
{
    (void)run;
    return gql_json(ret, rpc_json_find(*(const struct bytes *)asked->object, "address"));
}

static int tuple_keys(struct gql_run *run, const struct gql_asked *asked, struct gql_result *ret)
{
    return rpc_gql_scalars(run, ret,
                           rpc_json_find(*(const struct bytes *)asked->object, "storageKeys"));
}

static const struct gql_field tuple_fields[] = {
    {"address", "Address!", "An account.", tuple_address},
    {"storageKeys", "[Bytes32!]", "Places in its storage.", tuple_keys},
};

const struct gql_type rpc_gql_access_tuple = {.name = "AccessTuple",
                                              .text = "An element of an access list (EIP-2930).",
                                              .kind = GQL_TYPE_OBJECT,
                                              GQL_FIELDS(tuple_fields)};
