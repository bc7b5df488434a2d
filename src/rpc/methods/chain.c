/* What changes the chain: debug_setHead, admin_importChain. On the chain's own thread; the worker waits for it. */
#include "rpc/json/json.h"
#include "rpc/methods/methods.h"
#include "rpc/run/lookup.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <unistd.h>

struct change {
    enum { SET_HEAD, IMPORT } kind;
    uint64_t number;
    char path[PATH_MAX];
    int status;
    struct err_detail detail;
    pthread_mutex_t lock;
    pthread_cond_t ended;
    bool has_ended;
};

static void apply(struct change *c, struct chain *chain)
{
    if (c->kind == SET_HEAD)
        c->status = chain_set_head(chain, c->number, &c->detail);
    else
        c->status = chain_import_file(chain, c->path, NULL, NULL, &c->detail);
}

/* On the chain's thread. */
static void change_chain(void *context, struct chain *chain)
{
    struct change *c = context;
    apply(c, chain);
    pthread_mutex_lock(&c->lock);
    c->has_ended = true;
    pthread_cond_signal(&c->ended);
    pthread_mutex_unlock(&c->lock);
}

static int begin(struct rpc_call *call, struct change *c)
{
    const struct rpc_backend *backend = call->backend;
    call->state = c;
    if (!backend->change_chain)
        return RPC_LATER;
    if (pthread_mutex_init(&c->lock, NULL))
        return ERR_NOMEM;
    if (pthread_cond_init(&c->ended, NULL)) {
        pthread_mutex_destroy(&c->lock);
        return ERR_NOMEM;
    }
    int status = backend->change_chain(backend->context, change_chain, c);
    if (status == 0)
        return RPC_LATER;
    pthread_cond_destroy(&c->ended);
    pthread_mutex_destroy(&c->lock);
    return rpc_fail(call, RPC_CODE_ERROR, "the chain cannot be changed now: %s", err_text(status));
}

static int finish(struct rpc_call *call)
{
    struct change *c = call->state;
    if (!call->backend->change_chain) {
        apply(c, call->backend->chain);
    } else {
        pthread_mutex_lock(&c->lock);
        while (!c->has_ended)
            pthread_cond_wait(&c->ended, &c->lock);
        pthread_mutex_unlock(&c->lock);
        pthread_cond_destroy(&c->ended);
        pthread_mutex_destroy(&c->lock);
    }
    if (c->status)
        return rpc_fail(call, RPC_CODE_ERROR, "%s",
                        c->detail.text[0] ? c->detail.text : err_text(c->status));
    return 0;
}

static int set_head(struct rpc_call *call)
{
    struct change *c = arena_alloc_zeroed(call->arena, 1, sizeof(*c));
    struct chain_head head;
    if (!c)
        return ERR_NOMEM;
    c->kind = SET_HEAD;
    c->number = call->args[0].number;
    chain_head(call->backend->chain, &head);
    bool above = c->number >= head.block->header.number;
    chain_head_release(&head);
    return above ? rpc_null(call) : begin(call, c);
}

static int set_head_end(struct rpc_call *call)
{
    int status = finish(call);
    return status ? status : rpc_null(call);
}

static int import(struct rpc_call *call)
{
    struct bytes name = call->args[0].bytes;
    struct change *c = arena_alloc_zeroed(call->arena, 1, sizeof(*c));
    if (!c)
        return ERR_NOMEM;
    c->kind = IMPORT;
    if (name.len == 0 || name.len >= sizeof(c->path) || memchr(name.data, 0, name.len))
        return rpc_fail(call, RPC_CODE_ERROR, "open: not a path");
    memcpy(c->path, name.data, name.len);
    if (access(c->path, R_OK))
        return rpc_fail(call, RPC_CODE_ERROR, "open %s: %s", c->path,
                        errno == ENOENT   ? "no such file or directory"
                        : errno == EACCES ? "permission denied"
                                          : strerror(errno));
    return begin(call, c);
}

static int import_end(struct rpc_call *call)
{
    int status = finish(call);
    if (status == 0)
        rpc_write_bool(call->out, true);
    return status;
}

static const struct rpc_method methods[] = {
    {"debug_setHead",
     {{"number", RPC_U64}},
     .quick = set_head,
     .work = set_head_end,
     .result = "null"},
    {"admin_importChain",
     {{"file", RPC_TEXT}},
     .quick = import,
     .work = import_end,
     .result = "true"},
};

const struct rpc_method_list rpc_methods_chain = {methods, BASE_COUNT(methods)};
