/* A message with one call or many, from its bytes to the answer's. */
#include "rpc/dispatch/priv.h"

#include "base/list.h"
#include "base/mem.h"
#include "io/held.h"
#include "rpc/access/token.h"

enum { SPARE_MAX = 65536 }; /* bytes of an exchange that is kept for the next */

static void exchange_free(struct rpc_exchange *x)
{
    io_sum_change(&x->rpc->written, &x->counted, 0);
    io_held_set(&x->held, 0);
    buf_release(&x->message);
    rpc_ahead_release(&x->ahead);
    rpc_grant_free(x->access.grant);
    if (!x->home->spare && x->arena.total <= SPARE_MAX && x->out.capacity <= SPARE_MAX) {
        buf_clear(&x->out);
        x->home->spare = x;
        return;
    }
    buf_release(&x->out);
    arena_release(&x->arena);
    mem_free(x);
}

static struct rpc_exchange *exchange_new(struct rpc_desk *desk)
{
    struct rpc_exchange *x = desk->spare;
    desk->spare = NULL;
    if (x || !(x = mem_alloc(sizeof(*x))))
        return x;
    buf_init(&x->out);
    arena_init(&x->arena);
    return x;
}

void rpc_exchange_spare_release(struct rpc_desk *desk)
{
    if (!desk->spare)
        return;
    buf_release(&desk->spare->out);
    arena_release(&desk->spare->arena);
    mem_free(desk->spare);
    desk->spare = NULL;
}

static void deliver(struct rpc_exchange *x)
{
    x->fn(x->context, &x->out);
    exchange_free(x);
}

static void finish(struct rpc_exchange *x)
{
    if (x->batch && x->answers)
        buf_append_byte(&x->out, ']');
    if (x->answers)
        buf_append_byte(&x->out, '\n');
    if (buf_status(&x->out)) {
        static const char text[] = "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32000,"
                                   "\"message\":\"out of memory\"}}\n";
        buf_release(&x->out);
        buf_append_text(&x->out, text);
    }
    if (x->desk == x->home) {
        deliver(x);
        return;
    }
    x->desk = x->home;
    io_mailbox_send(x->home->inbox, &x->mail);
}

/* Goes on with the next messages. False when one went to the worker, or to the loop's desk. */
static bool go_on(struct rpc_exchange *x)
{
    struct bytes message;
    if (!x->batch) {
        if (!x->one_left)
            return true;
        x->one_left = false;
        return rpc_call_one(x, x->single);
    }
    while (rpc_json_element(&x->walk, &message)) {
        x->ahead.rest = x->walk;
        if (!rpc_call_one(x, message))
            return false;
    }
    return true;
}

void rpc_exchange_worked(void *context)
{
    struct rpc_exchange *x = context;
    x->rpc->under_way--;
    rpc_stay_on_loop(&x->call);
    if (rpc_end_round(x) && go_on(x))
        finish(x);
}

void rpc_exchange_arrived(void *context, struct io_mail *mail)
{
    struct rpc_exchange *x = LIST_OWNER(mail, struct rpc_exchange, mail);
    x->desk = context;
    if (x->desk == x->home) {
        deliver(x);
        return;
    }
    x->now = io_loop_now(x->desk->loop);
    /* At the end nobody is there to read it. */
    if (x->rpc->closing || (rpc_call_one(x, x->moved) && go_on(x)))
        finish(x);
}

void rpc_wake(struct rpc *rpc)
{
    struct rpc_exchange *x = rpc->waiting;
    rpc->waiting = NULL;
    rpc->waiting_end = &rpc->waiting;
    while (x) {
        struct rpc_exchange *next = x->next_waiting;
        if (rpc_end_round(x) && go_on(x))
            finish(x);
        x = next;
    }
}

static size_t batch_length(struct bytes array)
{
    struct rpc_json_walk walk;
    struct bytes message;
    size_t count = 0;
    rpc_json_walk_begin(&walk, array);
    while (count <= RPC_BATCH_MAX && rpc_json_element(&walk, &message))
        count++;
    return count;
}

/* Looks at the whole message; true when there are calls in it. */
static bool begin_exchange(struct rpc_exchange *x)
{
    struct bytes value;
    if (x->graphql) {
        x->single = buf_bytes(&x->message);
        x->one_left = true;
        return true;
    }
    enum rpc_json_status status = rpc_json_first(&value, buf_bytes(&x->message));
    if (status == RPC_JSON_MORE)
        return false; /* nothing but white space: nothing is the answer */
    if (status == RPC_JSON_BAD) {
        rpc_write_error(x, bytes_none(), RPC_CODE_PARSE, "parse error");
        return false;
    }
    if (rpc_json_kind(value) != RPC_JSON_ARRAY) {
        x->single = value;
        x->one_left = true;
        return true;
    }
    size_t count = batch_length(value);
    if (count == 0 || count > RPC_BATCH_MAX) {
        rpc_write_error(x, bytes_none(), RPC_CODE_INVALID_REQUEST,
                        count ? "batch too large" : "empty batch");
        return false;
    }
    x->batch = true;
    rpc_json_walk_begin(&x->walk, value);
    return true;
}

static struct rpc_exchange *ask(struct rpc_desk *desk, struct rpc_access access,
                                struct rpc_session *session, bool graphql, struct buf *message,
                                rpc_answer_fn *fn, void *context)
{
    struct rpc_exchange *x = exchange_new(desk);
    if (!x) {
        struct buf nothing = BUF_INIT;
        buf_release(message);
        fn(context, &nothing);
        return NULL;
    }
    x->rpc = desk->rpc;
    x->home = x->desk = desk;
    x->access = access;
    rpc_grant_keep(access.grant);
    x->session = session;
    x->message = *message;
    buf_init(message);
    x->fn = fn;
    x->context = context;
    atomic_init(&x->gone, false);
    x->batch = x->one_left = x->is_tried = false;
    x->graphql = graphql;
    x->ahead = (struct rpc_ahead){.count = 0};
    x->answers = x->counted = x->held = 0;
    io_held_set(&x->held, x->message.capacity);
    x->now = desk->loop ? io_loop_now(desk->loop) : 0;
    if (begin_exchange(x) && !go_on(x))
        return x;
    finish(x);
    return NULL;
}

struct rpc_exchange *rpc_ask(struct rpc *rpc, struct rpc_access access, struct buf *message,
                             rpc_answer_fn *fn, void *context)
{
    return rpc_ask_as(rpc, access, NULL, message, fn, context);
}

struct rpc_exchange *rpc_ask_as(struct rpc *rpc, struct rpc_access access,
                                struct rpc_session *session, struct buf *message, rpc_answer_fn *fn,
                                void *context)
{
    return ask(rpc_main_desk(rpc), access, session, false, message, fn, context);
}

struct rpc_exchange *rpc_ask_at(struct rpc_desk *desk, struct rpc_access access,
                                struct buf *message, rpc_answer_fn *fn, void *context)
{
    return ask(desk, access, NULL, false, message, fn, context);
}

struct rpc_exchange *rpc_ask_graphql(struct rpc_desk *desk, struct rpc_access access,
                                     struct buf *message, rpc_answer_fn *fn, void *context)
{
    return ask(desk, access, NULL, true, message, fn, context);
}

void rpc_abandon(struct rpc_exchange *exchange)
{
    if (exchange)
        atomic_store_explicit(&exchange->gone, true, memory_order_relaxed);
}
