/* qlight: the token of a light client that is managed from outside (GoQuorum, qlight/api.go). */
#include "base/mem.h"
#include "rpc/backend/token.h"
#include "rpc/json/json.h"
#include "rpc/methods/methods.h"
#include "rpc/run/lookup.h"

static int set_token(struct rpc_call *call)
{
    const struct rpc_light_token *token = call->backend->light_token;
    struct err_detail detail = {""};
    int status = token->set(token->context, call->args[0].bytes, &detail);
    if (status == 0)
        return rpc_null(call);
    return status == ERR_NOMEM ? status : rpc_fail(call, RPC_CODE_ERROR, "%s", detail.text);
}

static int get_token(struct rpc_call *call)
{
    const struct rpc_light_token *token = call->backend->light_token;
    struct buf value = BUF_INIT;
    token->get(token->context, &value);
    int status = buf_status(&value);
    if (status == 0)
        rpc_json_write_string(call->out, buf_bytes(&value));
    if (value.len)
        mem_wipe(value.data, value.len);
    buf_release(&value);
    return status;
}

static int reload_plugin(struct rpc_call *call)
{
    return rpc_fail(call, RPC_CODE_ERROR,
                    "there is no token manager plugin: the token comes by qlight_setCurrentToken");
}

static const struct rpc_method methods[] = {
    {"qlight_setCurrentToken", {{"token", RPC_TEXT}}, .run = set_token, .result = "null"},
    {"qlight_getCurrentToken", {{0}}, .run = get_token, .result = "text"},
    {"qlight_reloadPlugin", {{0}}, .run = reload_plugin, .result = "an error: there is no plugin"},
};

const struct rpc_method_list rpc_methods_light = {methods, BASE_COUNT(methods)};
