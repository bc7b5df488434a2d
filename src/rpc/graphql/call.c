/* Calls that no transaction makes, and CallResult. */
#include "rpc/graphql/things.h"
#include "rpc/methods/private.h"
#include "rpc/run/simulate.h"

/* [{call}, block], as eth_call has it. Members of a call are hexadecimal, all of them. */
static int append_params(struct buf *b, const struct gql_value *arguments, struct bytes at)
{
    const struct gql_value *data = gql_given(arguments, "data");
    buf_append_text(b, "[{");
    for (const struct gql_value *member = data->first; member; member = member->next) {
        buf_append_text(b, member == data->first ? "\"" : ",\"");
        buf_append_bytes(b, member->key);
        buf_append_text(b, "\":\"");
        buf_append_bytes(b, member->characters);
        buf_append_byte(b, '"');
    }
    buf_append_text(b, "},");
    buf_append_bytes(b, at);
    buf_append_byte(b, ']');
    return buf_status(b);
}

static int simulate(struct gql_run *run, struct rpc_call *call, struct gql_call *ret_call)
{
    struct rpc_simulation s;
    int status = rpc_simulation_begin(&s, call, call->args[0].transaction, &call->args[1].block);
    if (status)
        return status;
    status = rpc_call_once(&s);
    if (status == 0) {
        struct buf text = BUF_INIT;
        rpc_write_bytes(&text, s.result.output);
        ret_call->gas_used = s.result.gas_used;
        ret_call->is_good = s.result.status == EVM_SUCCESS;
        ret_call->data = rpc_gql_keep(run, &text);
        status = ret_call->data.data ? 0 : ERR_NOMEM;
    }
    rpc_simulation_end(&s);
    return status;
}

int rpc_gql_call(struct gql_run *run, struct gql_result *ret, const struct gql_value *arguments,
                 struct bytes at)
{
    struct gql_call *made = rpc_gql_alloc(run, 1, sizeof(*made));
    struct rpc_call call = *run->call;
    struct buf params = BUF_INIT;
    int status = made ? append_params(&params, arguments, at) : ERR_NOMEM;
    if (status == 0)
        status = rpc_gql_call_begin(run, &call, "eth_call", buf_bytes(&params));
    if (status == 0)
        status = simulate(run, &call, made);
    buf_release(&params);
    status = rpc_gql_call_end(run, &call, status);
    return status ? status : gql_object(ret, made);
}

int rpc_gql_estimate(struct gql_run *run, struct gql_result *ret, const struct gql_value *arguments,
                     struct bytes at)
{
    struct buf params = BUF_INIT;
    struct bytes json = bytes_none();
    int status = append_params(&params, arguments, at);
    if (status == 0)
        status = rpc_gql_ask(run, &json, "eth_estimateGas", buf_bytes(&params));
    buf_release(&params);
    return status ? status : rpc_gql_decimal(run, ret, rpc_gql_number(json));
}

static int data(struct gql_run *run, const struct gql_asked *asked, struct gql_result *ret)
{
    const struct gql_call *call = asked->object;
    (void)run;
    return gql_json(ret, call->data);
}

static int gas_used(struct gql_run *run, const struct gql_asked *asked, struct gql_result *ret)
{
    const struct gql_call *call = asked->object;
    return rpc_gql_decimal(run, ret, call->gas_used);
}

static int status(struct gql_run *run, const struct gql_asked *asked, struct gql_result *ret)
{
    const struct gql_call *call = asked->object;
    (void)run;
    return gql_json(ret, bytes_str(call->is_good ? "1" : "0"));
}

static const struct gql_field fields[] = {
    {"data", "Bytes!", "What it gave back, or reverted with.", data},
    {"gasUsed", "Long!", "The gas that it took.", gas_used},
    {"status", "Long!", "1: it did what it was to do. 0: it failed.", status},
};

const struct gql_type rpc_gql_call_result = {.name = "CallResult",
                                             .text = "What came of a call.",
                                             .kind = GQL_TYPE_OBJECT,
                                             GQL_FIELDS(fields)};
