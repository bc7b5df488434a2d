/*
 * Methods that a QLight client's server does (GoQuorum, internal/ethapi/proxy_api.go, extension/proxy_api.go): their rows are replaced by ones
 * that ask it. What is wrong with the parameters is said here; what is right goes on as it came.
 */
#include "rpc/backend/proxy.h"

#include "base/mem.h"
#include "rpc/dispatch/priv.h"

/* The parameters that there are, up to the last; those left out between them are null. */
static void write_params(struct buf *b, const struct rpc_call *call)
{
    size_t count = RPC_PARAMS_MAX;
    while (count && !call->args[count - 1].json.len)
        count--;
    buf_append_byte(b, '[');
    for (size_t i = 0; i < count; i++) {
        if (i)
            buf_append_byte(b, ',');
        if (call->args[i].json.len)
            buf_append_bytes(b, call->args[i].json);
        else
            buf_append_text(b, "null");
    }
    buf_append_byte(b, ']');
}

/* As the methods themselves do, with the copies of them in the message. */
static void wipe_password(struct rpc_call *call)
{
    for (size_t i = 0; i < RPC_PARAMS_MAX && call->method->params[i].type != RPC_NONE; i++) {
        const struct rpc_value *value = &call->args[i];
        if (!value->given || strcmp(call->method->params[i].name, "password") != 0)
            continue;
        mem_wipe((void *)(uintptr_t)value->bytes.data, value->bytes.len);
        mem_wipe((void *)(uintptr_t)value->json.data, value->json.len);
    }
}

static int fail_as(struct rpc_call *call, const struct rpc_proxied *answer)
{
    call->code = answer->code;
    call->text = answer->message;
    call->data = bytes_none();
    call->json_data = answer->data;
    return RPC_FAILED;
}

int rpc_ask_server(struct rpc_call *call)
{
    const struct rpc_proxy *proxy = call->backend->proxy;
    struct rpc_proxied answer;
    struct err_detail detail = {""};
    struct buf params = BUF_INIT;
    write_params(&params, call);
    int status = buf_status(&params);
    if (status == 0)
        status = proxy->call(proxy->context, &answer, call->method->name, buf_bytes(&params),
                             call->arena, &detail);
    if (params.len)
        mem_wipe(params.data, params.len);
    buf_release(&params);
    wipe_password(call);
    if (status == ERR_NOMEM)
        return status;
    if (status)
        return rpc_fail(call, RPC_CODE_ERROR, "%s", detail.text);
    if (answer.is_error)
        return fail_as(call, &answer);
    buf_append_bytes(call->out, answer.result);
    return 0;
}

int rpc_proxy_rows(struct rpc *rpc)
{
    size_t count = 0;
    if (!rpc->backend->proxy)
        return 0;
    for (size_t i = 0; i < rpc->method_count; i++)
        count += rpc->methods[i]->proxied;
    rpc->proxied = mem_alloc_zeroed(count, sizeof(*rpc->proxied));
    if (!rpc->proxied)
        return ERR_NOMEM;
    count = 0;
    for (size_t i = 0; i < rpc->method_count; i++) {
        const struct rpc_method *method = rpc->methods[i];
        if (!method->proxied)
            continue;
        struct rpc_method *row = &rpc->proxied[count++];
        row->name = method->name;
        memcpy(row->params, method->params, sizeof(row->params));
        row->work = rpc_ask_server;
        row->waits = true;
        row->proxied = true;
        row->result = method->result;
        rpc->methods[i] = row;
    }
    return 0;
}
