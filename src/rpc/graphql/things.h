/* What the types' resolvers hand to each other: things of the chain, as much of them as has been asked for. All in the query's memory. */
#ifndef RPC_GRAPHQL_THINGS_H
#define RPC_GRAPHQL_THINGS_H

#include "rpc/graphql/run.h"

/* Of a block its number or, of one that is not of the chain, its JSON is there from the beginning. */
struct gql_block {
    struct bytes number; /* JSON */
    struct bytes json;   /* len 0: not yet asked for */
    struct bytes full;   /* with all its transactions; len 0: not yet asked for */
    struct gql_transaction *transactions;
    size_t count;
    bool is_ommer;
};

struct gql_transaction {
    struct bytes hash; /* JSON */
    struct bytes json; /* len 0: not yet asked for */
    struct bytes receipt;
    bool has_receipt; /* asked for; there may be none */
    struct gql_block *block;
    struct gql_transaction *marker; /* that it is the inside of; NULL: it is none's */
};

struct gql_log {
    struct bytes json;
    struct gql_transaction *transaction;
};

struct gql_account {
    struct bytes address; /* JSON */
    struct bytes at;      /* JSON: of which block */
};

struct gql_call {
    struct bytes data; /* JSON */
    uint64_t gas_used;
    bool is_good;
};

/* block.c: one of the chain, by its number (JSON). NULL: out of memory. */
struct gql_block *rpc_gql_block_at(struct gql_run *run, struct bytes number);
/* Its header, or with all its transactions. */
int rpc_gql_block_load(struct gql_run *run, struct gql_block *block);
int rpc_gql_block_load_full(struct gql_run *run, struct gql_block *block);

/* transaction.c: by its hash (JSON), or, with `json`, what is known of it. NULL: out of memory. */
struct gql_transaction *rpc_gql_transaction_of(struct gql_run *run, struct bytes hash,
                                               struct bytes json);
/* `json` is null when there is none. */
int rpc_gql_transaction_load(struct gql_run *run, struct gql_transaction *transaction);

/* account.c: at the block of the argument `block`, or the latest. */
int rpc_gql_account_of(struct gql_run *run, struct gql_result *ret, struct bytes address,
                       const struct gql_value *arguments);
int rpc_gql_account_at(struct gql_run *run, struct gql_result *ret,
                       const struct gql_value *arguments, struct bytes at);

/* log.c: a JSON array of them; `transaction` NULL: each has its own. */
int rpc_gql_logs(struct gql_run *run, struct gql_result *ret, struct bytes json,
                 struct gql_transaction *transaction);
/* eth_getLogs by a filter; `block_hash` (JSON): of that block alone; len 0: of the filter's. */
int rpc_gql_find_logs(struct gql_run *run, struct gql_result *ret, const struct gql_value *filter,
                      struct bytes block_hash);

/* call.c: with the argument `data`, at a block (JSON). */
int rpc_gql_call(struct gql_run *run, struct gql_result *ret, const struct gql_value *arguments,
                 struct bytes at);
int rpc_gql_estimate(struct gql_run *run, struct gql_result *ret, const struct gql_value *arguments,
                     struct bytes at);

static inline bool gql_is_there(struct bytes json)
{
    return json.len > 0 && !gql_is(json, "null");
}
/* null when it is not there. */
static inline int gql_maybe(struct gql_result *ret, struct bytes json)
{
    return gql_is_there(json) ? gql_json(ret, json) : gql_null(ret);
}

/* A JSON array of scalars as a list. */
int rpc_gql_scalars(struct gql_run *run, struct gql_result *ret, struct bytes array);

#define GQL_FIELDS(list) .fields = (list), .field_count = BASE_COUNT(list)
#define GQL_INPUTS(list) .inputs = (list), .input_count = BASE_COUNT(list)
/* The argument of fields that are accounts. */
extern const struct gql_input rpc_gql_at_block[1];
#define GQL_AT_BLOCK .inputs = rpc_gql_at_block, .input_count = 1

#endif
