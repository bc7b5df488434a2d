/*
 * From a plan to the answer. What a field is, its type's file says; most ask the methods of JSON-RPC and take members of what those answer, so that both
 * say the same about the chain.
 */
#ifndef RPC_GRAPHQL_RUN_H
#define RPC_GRAPHQL_RUN_H

#include "rpc/dispatch/desk.h"
#include "rpc/graphql/plan.h"
#include "rpc/method.h"

enum {
    GQL_ANSWER_MAX = 32 * 1024 * 1024,  /* bytes */
    GQL_MEMORY_MAX = 128 * 1024 * 1024, /* bytes of what is asked for on the way */
    GQL_SECONDS_MAX = 10,               /* of all the fields together */
    GQL_BLOCKS_MAX = 10000,             /* of one list */
};

enum gql_result_kind {
    GQL_IS_NULL,
    GQL_IS_JSON,
    GQL_IS_OBJECT,
    GQL_IS_LIST,
    GQL_IS_FAILED /* its error is told */
};

struct gql_result {
    enum gql_result_kind kind;
    struct bytes json; /* a scalar, as it is answered */
    void *object;
    struct gql_result *items; /* of a list */
    size_t count;
};

struct gql_path {
    const struct gql_path *parent;
    struct bytes name; /* data NULL: `index` */
    size_t index;
};

struct gql_run {
    struct rpc_call *call; /* the query itself: its memory, its asker's rights */
    struct gql_errors errors;
    struct rpc_desk
        desk; /* on the worker: a desk for the time of the query, for methods that look at the head */
    bool is_on_loop;
    uint64_t ends_ns;
};

/* Asks what `on_loop` fields need of the loop, on the loop. */
int rpc_gql_run_early(struct gql_run *run, struct gql_plan *plan) BASE_NODISCARD;
/* Appends the answer's data. On a worker. ERR_LIMIT: too much, or out of time, with the call's error. */
int rpc_gql_run(struct gql_run *run, const struct gql_plan *plan,
                struct buf *ret_data) BASE_NODISCARD;

/* --- For those who resolve fields --- */

/* Asks a method; `params` is the JSON array. *ret_json is in the call's memory. RPC_FAILED with the call's error; without memory (data NULL) ERR_NOMEM. */
int rpc_gql_ask(struct gql_run *run, struct bytes *ret_json, const char *method,
                struct bytes params) BASE_NODISCARD;
/* In the call's memory; data NULL when out of it. */
struct bytes rpc_gql_format(struct gql_run *run, const char *format, ...) BASE_PRINTF(2, 3);
/* The argument's value, coerced; NULL: not given. */
static inline const struct gql_value *gql_given(const struct gql_value *arguments, const char *name)
{
    return rpc_gql_member(arguments, bytes_str(name));
}
/* What rpc_gql_ask consists of: the call of a method with its parameters read, to be run by whoever asks; its error becomes the query's. `status` is given
 * back. */
int rpc_gql_call_begin(struct gql_run *run, struct rpc_call *ret_call, const char *method,
                       struct bytes params) BASE_NODISCARD;
int rpc_gql_call_end(struct gql_run *run, const struct rpc_call *call, int status) BASE_NODISCARD;
/* A coerced value as JSON. Data NULL: out of memory. */
struct bytes rpc_gql_quoted(struct gql_run *run, const struct gql_value *value);
/* The content of a buffer, which is released, in the call's memory. Data NULL: out of it, or the buffer was. */
struct bytes rpc_gql_keep(struct gql_run *run, struct buf *text);
/* A number of JSON-RPC, in quotes; 0 when there is none. */
uint64_t rpc_gql_number(struct bytes json);
/* Zeroed, in the call's memory. NULL: out of memory. */
void *rpc_gql_alloc(struct gql_run *run, size_t count, size_t size);

static inline int gql_null(struct gql_result *ret)
{
    *ret = (struct gql_result){.kind = GQL_IS_NULL};
    return 0;
}
/* The text as it is; data NULL: out of memory. */
static inline int gql_json(struct gql_result *ret, struct bytes json)
{
    *ret = (struct gql_result){.kind = GQL_IS_JSON, .json = json};
    return json.data ? 0 : ERR_NOMEM;
}
/* A number, without quotes. */
int rpc_gql_decimal(struct gql_run *run, struct gql_result *ret, uint64_t number);
static inline int gql_object(struct gql_result *ret, void *object)
{
    *ret = (struct gql_result){.kind = GQL_IS_OBJECT, .object = object};
    return object ? 0 : ERR_NOMEM;
}
/* A list of so many, to be filled in. */
int rpc_gql_list(struct gql_run *run, struct gql_result *ret, size_t count);

#endif
