/* admin: the servers of JSON-RPC, on and off (GoQuorum, node/api.go). */
#include "rpc/backend/servers.h"
#include "rpc/json/encode.h"
#include "rpc/methods/methods.h"

/* A text as the node takes it; NULL when it is not given. */
static int read_text(struct rpc_call *call, const char **ret_text, const struct rpc_value *value)
{
    *ret_text = NULL;
    if (!value->given)
        return 0;
    char *text = arena_alloc(call->arena, value->bytes.len + 1);
    if (!text)
        return ERR_NOMEM;
    if (value->bytes.len)
        memcpy(text, value->bytes.data, value->bytes.len);
    text[value->bytes.len] = '\0';
    if (strlen(text) != value->bytes.len)
        return rpc_fail(call, RPC_CODE_ERROR, "a name holds a zero byte");
    *ret_text = text;
    return 0;
}

/* Parameters: host, port, origins, apis, and of HTTP vhosts. */
static int read_wish(struct rpc_call *call, struct rpc_server_wish *ret_wish)
{
    const struct rpc_value *args = call->args;
    *ret_wish = (struct rpc_server_wish){.has_port = args[1].given};
    if (args[1].given && (args[1].integer < 0 || args[1].integer > UINT16_MAX))
        return rpc_fail(call, RPC_CODE_ERROR, "listen tcp: address %lld: invalid port",
                        (long long)args[1].integer);
    if (args[1].given)
        ret_wish->port = (uint16_t)args[1].integer;
    int status = read_text(call, &ret_wish->host, &args[0]);
    if (status == 0)
        status = read_text(call, &ret_wish->origins, &args[2]);
    if (status == 0)
        status = read_text(call, &ret_wish->apis, &args[3]);
    return status == 0 ? read_text(call, &ret_wish->vhosts, &args[4]) : status;
}

static int no_servers(struct rpc_call *call)
{
    return rpc_fail(call, RPC_CODE_ERROR, "this node has no servers to start or stop");
}

static int start(struct rpc_call *call, int (*fn)(void *context, const struct rpc_server_wish *wish,
                                                  struct err_detail *detail))
{
    struct rpc_server_wish wish;
    struct err_detail detail = {{0}};
    int status = read_wish(call, &wish);
    if (status)
        return status;
    status = fn(call->backend->servers->context, &wish, &detail);
    if (status)
        return rpc_fail(call, RPC_CODE_ERROR, "%s",
                        detail.text[0] ? detail.text : err_text(status));
    rpc_write_bool(call->out, true);
    return 0;
}

/* Before something starts, what was to be stopped goes: not below the connection that asks, which may be one of those. */
static int leave_connection(struct rpc_call *call)
{
    (void)call;
    return 0;
}

static int start_http(struct rpc_call *call)
{
    const struct rpc_servers *servers = call->backend->servers;
    return servers ? start(call, servers->start_http) : no_servers(call);
}

static int start_websocket(struct rpc_call *call)
{
    const struct rpc_servers *servers = call->backend->servers;
    return servers ? start(call, servers->start_websocket) : no_servers(call);
}

static int stop_http(struct rpc_call *call)
{
    const struct rpc_servers *servers = call->backend->servers;
    if (!servers)
        return no_servers(call);
    servers->stop_http(servers->context);
    rpc_write_bool(call->out, true);
    return 0;
}

static int stop_websocket(struct rpc_call *call)
{
    const struct rpc_servers *servers = call->backend->servers;
    if (!servers)
        return no_servers(call);
    servers->stop_websocket(servers->context);
    rpc_write_bool(call->out, true);
    return 0;
}

#define WHERE                                                                                      \
    {"host", RPC_TEXT, true},                                                                      \
    {                                                                                              \
        "port", RPC_INT, true                                                                      \
    }
#define HTTP_PARAMS                                                                                \
    WHERE, {"cors", RPC_TEXT, true}, {"apis", RPC_TEXT, true},                                     \
    {                                                                                              \
        "vhosts", RPC_TEXT, true                                                                   \
    }

#define START(fn) .work = leave_connection, .light = true, .run = (fn)

static const struct rpc_method methods[] = {
    {"admin_startHTTP", {HTTP_PARAMS}, START(start_http), .result = "true"},
    {"admin_startRPC", {HTTP_PARAMS}, START(start_http), .result = "true"},
    {"admin_stopHTTP", {{0}}, .run = stop_http, .result = "true"},
    {"admin_stopRPC", {{0}}, .run = stop_http, .result = "true"},
    {"admin_startWS",
     {WHERE, {"origins", RPC_TEXT, true}, {"apis", RPC_TEXT, true}},
     START(start_websocket),
     .result = "true"},
    {"admin_stopWS", {{0}}, .run = stop_websocket, .result = "true"},
};

const struct rpc_method_list rpc_methods_servers = {methods, BASE_COUNT(methods)};
