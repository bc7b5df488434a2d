#include "rpc/methods/votes.h"

#include "rpc/json/encode.h"
#include "rpc/run/lookup.h"

static void write_candidate(void *context, const struct rpc_candidate *candidate)
{
    rpc_item(context);
    rpc_write_address(context, &candidate->address);
    buf_append_byte(context, ':');
    rpc_write_bool(context, candidate->authorize);
}

int rpc_votes_list(struct rpc_call *call)
{
    const struct rpc_backend *backend = call->backend;
    buf_append_byte(call->out, '{');
    if (backend->candidates)
        backend->candidates(backend->context, write_candidate, call->out);
    buf_append_byte(call->out, '}');
    return 0;
}

int rpc_votes_propose(struct rpc_call *call)
{
    const struct rpc_backend *backend = call->backend;
    if (backend->propose)
        backend->propose(backend->context, &call->args[0].address, call->args[1].boolean);
    return rpc_null(call);
}

int rpc_votes_discard(struct rpc_call *call)
{
    const struct rpc_backend *backend = call->backend;
    if (backend->discard)
        backend->discard(backend->context, &call->args[0].address);
    return rpc_null(call);
}
