/* miner: the validator of this node (GoQuorum, eth/api.go and miner/miner.go). */
#include "chain/pool/pool.h"
#include "rpc/methods/methods.h"
#include "rpc/run/lookup.h"

enum { EXTRA_MAX = 32 }; /* MaximumExtraDataSize */

static int set_mining(struct rpc_call *call, bool mining)
{
    const struct rpc_backend *backend = call->backend;
    if (!backend->set_mining && !mining) /* there is nothing to stop */
        return rpc_null(call);
    if (!backend->set_mining)
        return rpc_fail(call, RPC_CODE_ERROR, "this node does not make blocks");
    backend->set_mining(backend->context, mining);
    return rpc_null(call);
}

static int start(struct rpc_call *call)
{
    return set_mining(call, true);
}

static int stop(struct rpc_call *call)
{
    return set_mining(call, false);
}

static int set_extra(struct rpc_call *call)
{
    const struct rpc_backend *backend = call->backend;
    struct bytes extra = call->args[0].bytes;
    if (extra.len > EXTRA_MAX)
        return rpc_fail(call, RPC_CODE_ERROR, "extra exceeds max length. %zu > %d", extra.len,
                        EXTRA_MAX);
    if (!backend->set_extra)
        return rpc_fail(call, RPC_CODE_ERROR, "this node does not make blocks");
    backend->set_extra(backend->context, extra);
    rpc_write_bool(call->out, true);
    return 0;
}

/* The pool's least price for transactions of others; without effect where gas has no price. */
static int set_gas_price(struct rpc_call *call)
{
    if (call->backend->pool)
        (void)chain_pool_set_price_limit(call->backend->pool, &call->args[0].big);
    rpc_write_bool(call->out, true);
    return 0;
}

/* Blocks name the account of the node's key, whose signature is on them. */
static int set_etherbase(struct rpc_call *call)
{
    rpc_write_bool(call->out, false);
    return 0;
}

static int set_recommit(struct rpc_call *call)
{
    return rpc_fail(call, RPC_CODE_ERROR,
                    "blocks are not prepared again at an interval here: each is built once, when "
                    "its time has come");
}

static const struct rpc_method methods[] = {
    {"miner_start", {{"threads", RPC_INT, true}}, .run = start, .result = "null"},
    {"miner_stop", {{0}}, .run = stop, .result = "null"},
    {"miner_setExtra", {{"text", RPC_TEXT}}, .run = set_extra, .result = "true"},
    {"miner_setGasPrice", {{"wei", RPC_BIG}}, .run = set_gas_price, .result = "true"},
    {"miner_setEtherbase", {{"address", RPC_ADDRESS}}, .run = set_etherbase, .result = "false"},
    {"miner_setRecommitInterval",
     {{"milliseconds", RPC_INT}},
     .run = set_recommit,
     .result = "an error"},
};

const struct rpc_method_list rpc_methods_miner = {methods, BASE_COUNT(methods)};
