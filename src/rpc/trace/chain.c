#include "rpc/trace/chain.h"

#include "base/mem.h"
#include "rpc/access/psi.h"
#include "rpc/access/token.h"
#include "rpc/json/encode.h"
#include "rpc/run/lookup.h"
#include "rpc/trace/run.h"

/* Lives until its last block is told, or its subscription has gone and no worker has it. */
struct rpc_chain_trace {
    struct rpc_events *events;
    struct rpc_event_target *target; /* NULL: gone */
    struct rpc_trace_options options;
    struct rpc_call call; /* of the block under way; what stays is in `access` */
    struct rpc_access access;
    uint64_t next, end;
    bool is_busy; /* with a worker */
    atomic_bool gone;
    int status;
    size_t count; /* transactions of the block */
    struct arena arena;
    struct buf out;
    struct io_timer timer;
};

static void trace_free(struct rpc_chain_trace *t)
{
    if (t->target)
        t->target->trace = NULL;
    t->events->trace_count--;
    if (t->events->timers)
        io_timer_stop(&t->timer);
    rpc_grant_free(t->access.grant);
    arena_release(&t->arena);
    buf_release(&t->out);
    mem_free(t);
}

void rpc_chain_trace_leave(struct rpc_chain_trace *trace)
{
    if (!trace)
        return;
    trace->target = NULL;
    atomic_store_explicit(&trace->gone, true, memory_order_relaxed);
    if (!trace->is_busy)
        trace_free(trace);
}

/* --- A block --- */

static void work(void *context)
{
    struct rpc_chain_trace *t = context;
    struct hash256 hash;
    struct buf traces = BUF_INIT;
    if (rpc_is_gone(&t->call))
        return;
    t->call.out = &traces;
    t->status = rpc_trace_whole_block(&t->call, t->next, &t->options, &hash, &t->count);
    if (t->status == 0)
        t->status = buf_status(&traces);
    if (t->status == 0) {
        buf_append_byte(&t->out, '{');
        rpc_key(&t->out, "block");
        rpc_write_number(&t->out, t->next);
        rpc_key(&t->out, "hash");
        rpc_write_hash(&t->out, &hash);
        rpc_key(&t->out, "traces");
        buf_append_bytes(&t->out, buf_bytes(&traces));
        buf_append_byte(&t->out, '}');
        t->status = buf_status(&t->out);
    }
    buf_release(&traces);
}

static void go_on(void *context);

static void done(void *context)
{
    struct rpc_chain_trace *t = context;
    t->is_busy = false;
    if (!t->target || t->status) {
        trace_free(t);
        return;
    }
    if (t->count || t->next == t->end)
        rpc_events_give(t->events, t->target, buf_bytes(&t->out));
    if (t->next++ == t->end)
        trace_free(t);
    else
        go_on(t);
}

static void begin_block(struct rpc_chain_trace *t)
{
    arena_clear(&t->arena);
    buf_clear(&t->out);
    t->status = 0;
    t->is_busy = true;
    t->call = (struct rpc_call){.backend = t->events->backend,
                                .rpc = t->events->rpc,
                                .access = t->access,
                                .arena = &t->arena,
                                .gone = &t->gone};
    struct io_worker *worker = rpc_choose_worker(&t->call);
    if (worker && io_worker_run(worker, work, done, t) == 0)
        return;
    rpc_stay_on_loop(&t->call);
    work(t);
    done(t);
}

/* Also by the timer. */
static void go_on(void *context)
{
    struct rpc_chain_trace *t = context;
    struct rpc_session *session = t->target->session;
    bool rests = session->held.len + session->unread(session->context) > RPC_CHAIN_TRACE_UNREAD;
    if (rests && t->events->timers)
        io_timer_start(&t->timer, RPC_CHAIN_TRACE_REST_MS);
    else
        begin_block(t);
}

/* --- Beginning --- */

static int find(struct rpc_call *call, struct chain_reader *reader, uint64_t *ret_number,
                const struct rpc_block_id *id)
{
    int status = rpc_find_block(reader, ret_number, id);
    if (status == ERR_NOTFOUND)
        return rpc_fail(call, RPC_CODE_ERROR, "block #%llu not found",
                        (unsigned long long)id->number);
    return status ? rpc_reader_fail(call, reader, status) : 0;
}

/* As the reference shows what it was asked: a tag by its number there. */
static long long shown(const struct rpc_block_id *id)
{
    return id->kind == RPC_AT_LATEST ? -1 : id->kind == RPC_AT_PENDING ? -2 : (long long)id->number;
}

static int find_ends(struct rpc_call *call, uint64_t *ret_from, uint64_t *ret_to)
{
    const struct rpc_block_id *from = &call->args[1].block, *to = &call->args[2].block;
    struct chain_reader reader;
    int status = rpc_reader_open(call, &reader);
    if (status)
        return status;
    status = find(call, &reader, ret_from, from);
    if (status == 0)
        status = find(call, &reader, ret_to, to);
    chain_reader_close(&reader);
    if (status == 0 && *ret_from >= *ret_to)
        status = rpc_fail(call, RPC_CODE_ERROR,
                          "end block (#%lld) needs to come after start block (#%lld)", shown(to),
                          shown(from));
    return status;
}

int rpc_trace_chain(struct rpc_call *call)
{
    struct rpc_events *events = rpc_events_of(call->rpc);
    struct rpc_trace_options options;
    uint64_t from, to;
    rpc_trace_options_read(call, &options, call->args[3].given ? call->args[3].trace : NULL);
    int status = rpc_psi(call);
    if (status == 0)
        status = find_ends(call, &from, &to);
    if (status)
        return status;
    if (events->trace_count >= RPC_CHAIN_TRACES_MAX)
        return rpc_fail(call, RPC_CODE_ERROR, "%d chains are being traced: wait for one to end",
                        RPC_CHAIN_TRACES_MAX);
    struct rpc_chain_trace *t = mem_alloc_zeroed(1, sizeof(*t));
    if (!t)
        return ERR_NOMEM;
    t->target =
        rpc_events_add(events, &status, RPC_EVENT_CHAIN_TRACE, "debug", call->session, NULL);
    if (!t->target) {
        mem_free(t);
        return status == ERR_LIMIT ? rpc_fail(call, RPC_CODE_ERROR, "too many subscriptions")
                                   : status;
    }
    t->target->trace = t;
    t->events = events;
    t->options = options;
    t->access = call->access;
    rpc_grant_keep(t->access.grant);
    t->next = from + 1;
    t->end = to;
    atomic_init(&t->gone, false);
    arena_init(&t->arena);
    buf_init(&t->out);
    events->trace_count++;
    if (events->timers)
        io_timer_init(&t->timer, events->backend->loop, go_on, t);
    char text[RPC_EVENT_ID_TEXT];
    rpc_events_id_text(text, t->target);
    buf_append_format(call->out, "\"%s\"", text);
    go_on(t);
    return 0;
}
