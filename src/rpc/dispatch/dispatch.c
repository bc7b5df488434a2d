/* One call: from a message to its answer (GoQuorum, rpc/handler.go and rpc/json.go). */
#include "rpc/dispatch/priv.h"

#include "base/clock.h"
#include "base/hex.h"
#include "io/stream.h"
#include "rpc/access/psi.h"
#include "rpc/access/token.h"
#include "rpc/graphql/graphql.h"
#include "rpc/methods/subscribe.h"

/* --- Answers --- */

static void begin_answer(struct rpc_exchange *x, struct bytes id)
{
    if (x->batch)
        buf_append_byte(&x->out, x->answers ? ',' : '[');
    buf_append_text(&x->out, "{\"jsonrpc\":\"2.0\",\"id\":");
    if (id.len)
        buf_append_bytes(&x->out, id);
    else
        buf_append_text(&x->out, "null");
}

/* `data` goes as hex, `json` as it is. */
static void write_error(struct rpc_exchange *x, struct bytes id, int code, struct bytes text,
                        struct bytes data, struct bytes json)
{
    begin_answer(x, id);
    buf_append_format(&x->out, ",\"error\":{\"code\":%d,\"message\":", code);
    rpc_json_write_string(&x->out, text);
    if (json.len) {
        buf_append_text(&x->out, ",\"data\":");
        buf_append_bytes(&x->out, json);
    } else if (data.data) {
        buf_append_text(&x->out, ",\"data\":\"");
        hex_append(&x->out, data);
        buf_append_byte(&x->out, '"');
    }
    buf_append_text(&x->out, "}}");
    x->answers++;
}

void rpc_write_error(struct rpc_exchange *x, struct bytes id, int code, const char *text)
{
    write_error(x, id, code, bytes_str(text), bytes_none(), bytes_none());
}

/* --- One call --- */

static bool is_id(struct bytes id)
{
    return id.len && id.data[0] != '{' && id.data[0] != '[';
}

/* What of a message is a request; what is no object is none at all. */
static int read_envelope(struct envelope *e, struct arena *arena, struct bytes message)
{
    struct rpc_json_walk walk;
    struct bytes key, value;
    *e = (struct envelope){.has_result = false};
    if (rpc_json_kind(message) != RPC_JSON_OBJECT)
        return 0;
    rpc_json_walk_begin(&walk, message);
    while (rpc_json_member(&walk, &key, &value)) {
        enum rpc_json_kind kind = rpc_json_kind(value);
        if (rpc_json_key_is(key, "id")) {
            e->id = value;
        } else if (rpc_json_key_is(key, "method") && kind == RPC_JSON_STRING) {
            e->method = rpc_json_string(value, arena);
            if (!e->method.data)
                return ERR_NOMEM;
        } else if (rpc_json_key_is(key, "params")) {
            e->params = value;
        } else if (rpc_json_key_is(key, "result") ||
                   (rpc_json_key_is(key, "error") && kind != RPC_JSON_NULL)) {
            e->has_result = true;
        }
    }
    return 0;
}

static bool ends_with(struct bytes text, const char *end)
{
    size_t len = strlen(end);
    return text.len >= len && memcmp(text.data + text.len - len, end, len) == 0;
}

static void release_account(struct rpc_call *call)
{
    struct rpc_call **at = &call->rpc->holding;
    if (!call->is_holding)
        return;
    while (*at != call)
        at = &(*at)->next_holding;
    *at = call->next_holding;
    call->is_holding = false;
    rpc_wake(call->rpc);
}

bool rpc_is_full(struct rpc *rpc)
{
    return io_sum_of(&rpc->written) + io_streams_waiting() > RPC_ANSWERS_MAX;
}

/* Whether it has its share of what all together may have. Short ones have nothing that others look at. */
static bool has_its_share(struct rpc_exchange *x)
{
    if (x->out.len <= RPC_ANSWER_SHARE)
        return false;
    io_sum_change(&x->rpc->written, &x->counted, x->out.len);
    return rpc_is_full(x->rpc);
}

/* The call is over: its answer, or what went wrong. */
static void end_call(struct rpc_exchange *x, int status)
{
    if (BASE_UNLIKELY(x->began_ns))
        rpc_count_call(x, status == 0);
    release_account(&x->call);
    struct bytes id = x->envelope.id;
    if (status == 0 && x->out.len - x->out_mark > RPC_ANSWER_SHARE && has_its_share(x))
        status = rpc_fail(&x->call, RPC_CODE_TOO_LARGE, "response too large");
    if (status == 0 && id.len) {
        buf_append_byte(&x->out, '}');
        x->answers++;
        return;
    }
    /* A notification is not answered; of an error what was written so far goes. */
    x->out.len = x->out_mark;
    if (!id.len)
        return;
    if (status == RPC_FAILED)
        write_error(x, id, x->call.code, x->call.text, x->call.data, x->call.json_data);
    else if (status)
        rpc_write_error(x, id, RPC_CODE_ERROR, err_text(status));
}

/* Whether the asker's token allows the method (GoQuorum, rpc/handler.go: before it is looked up). */
static int check_grant(struct rpc_call *call, struct bytes name)
{
    const char *text = NULL;
    if (!call->access.grant || rpc_grant_may_call(call->access.grant, name, &text))
        return 0;
    if (text)
        return rpc_fail(call, RPC_CODE_FORBIDDEN, "%s", text);
    return rpc_fail(call, RPC_CODE_FORBIDDEN, "%.*s - access denied",
                    (int)(name.len < 512 ? name.len : 512), (const char *)name.data);
}

/* The method and its parameters; RPC_FAILED with the error set. */
static int find_method(struct rpc_exchange *x)
{
    struct rpc_call *call = &x->call;
    struct bytes name = x->envelope.method;
    if (x->graphql) {
        call->method = &rpc_gql_method;
        call->args[0] = (struct rpc_value){.given = true, .bytes = x->envelope.params};
        return 0;
    }
    if (rpc_is_subscription(name)) {
        int status = rpc_subscription_method(call, name, x->envelope.params);
        if (status)
            return status;
    } else {
        call->method = rpc_may_call(x->rpc, x->access, name) ? rpc_find_method(x->rpc, name) : NULL;
    }
    if (!call->method)
        return rpc_fail(call, RPC_CODE_NOT_FOUND, "the method %.*s does not exist/is not available",
                        (int)(name.len < 512 ? name.len : 512), (const char *)name.data);
    return rpc_params_read(call, x->envelope.params);
}

/* Whether it may be asked, and what it is; RPC_FAILED with the error set. */
static int prepare_call(struct rpc_exchange *x)
{
    struct rpc_call *call = &x->call;
    struct bytes name = x->envelope.method;
    *call = (struct rpc_call){.backend = x->rpc->backend,
                              .rpc = x->rpc,
                              .desk = x->desk,
                              .access = x->access,
                              .id = x->envelope.id,
                              .session = x->session,
                              .arena = &x->arena,
                              .now = x->now,
                              .gone = &x->gone,
                              .machine = &x->desk->head.machine,
                              .ahead = x->batch ? &x->ahead : NULL,
                              .out = &x->out};
    int status = check_grant(call, name);
    if (status == 0)
        status = rpc_psi_begin(call);
    if (status == 0)
        status = find_method(x);
    if (status)
        return status;
    begin_answer(x, x->envelope.id);
    buf_append_text(&x->out, ",\"result\":");
    return 0;
}

/* --- Rounds of a call --- */

static void run_on_worker(void *context)
{
    struct rpc_exchange *x = context;
    const struct rpc_method *method = x->call.method;
    if (method->reads && rpc_is_gone(&x->call))
        x->status = ERR_USAGE; /* as good as any: nobody reads it */
    else
        x->status = (x->is_again ? method->again_work : method->work)(&x->call);
}

/* That with least to do, and its machine; NULL: there is none. */
static struct io_worker *choose(struct rpc_call *call, struct io_worker *const *workers,
                                struct rpc_machine *machines, size_t count)
{
    struct io_worker *chosen = NULL;
    size_t least = SIZE_MAX;
    for (size_t i = 0; i < count && least; i++) {
        size_t pending = workers[i] ? io_worker_pending(workers[i]) : SIZE_MAX;
        if (pending < least) {
            least = pending;
            chosen = workers[i];
            call->machine = &machines[i];
        }
    }
    return chosen;
}

struct io_worker *rpc_choose_worker(struct rpc_call *call)
{
    const struct rpc_backend *backend = call->backend;
    struct io_worker *chosen = NULL;
    if (call->method && call->method->light && backend->light) {
        call->machine = NULL;
        return backend->light;
    }
    rpc_stay_on_loop(call);
    if (call->method && call->method->waits)
        chosen = choose(call, backend->waiters, call->rpc->waiting_machines, RPC_WAITERS_MAX);
    return chosen ? chosen : choose(call, backend->workers, call->rpc->machines, RPC_WORKERS_MAX);
}

void rpc_stay_on_loop(struct rpc_call *call)
{
    call->desk = rpc_main_desk(call->rpc);
    call->machine = &call->desk->head.machine;
}

/* False when it was done at once, for want of a worker. */
static bool start_work(struct rpc_exchange *x)
{
    struct io_worker *worker = rpc_choose_worker(&x->call);
    x->rpc->under_way++;
    if (worker && io_worker_run(worker, run_on_worker, rpc_exchange_worked, x) == 0)
        return true;
    x->rpc->under_way--;
    rpc_stay_on_loop(&x->call);
    run_on_worker(x);
    return false;
}

bool rpc_end_round(struct rpc_exchange *x)
{
    const struct rpc_method *method = x->call.method;
    int status = x->status;
    /* `run` is called even when the asker has gone: what `work` left in `state` is its to free. */
    rpc_method_fn *run = !method ? NULL : x->is_again ? method->again_run : method->run;
    if (status == 0 && run)
        status = run(&x->call);
    if (status == RPC_WAIT) {
        x->next_waiting = NULL;
        *x->rpc->waiting_end = x;
        x->rpc->waiting_end = &x->next_waiting;
        return false;
    }
    if (status == RPC_LATER && !x->is_again) {
        x->is_again = true;
        return start_work(x) ? false : rpc_end_round(x);
    }
    end_call(x, status);
    return true;
}

void rpc_hold(struct rpc_call *call, const struct address *account)
{
    assert(!call->is_holding);
    call->is_holding = true;
    call->held = *account;
    call->next_holding = call->rpc->holding;
    call->rpc->holding = call;
}

bool rpc_is_held(const struct rpc_call *call, const struct address *account)
{
    for (const struct rpc_call *at = call->rpc->holding; at; at = at->next_holding)
        if (at != call && address_equal(&at->held, account))
            return true;
    return false;
}

/* On a desk's own thread; RPC_LATER: it is the loop's. */
static int answer_at_desk(struct rpc_exchange *x)
{
    struct rpc_call *call = &x->call;
    const struct rpc_method *method = call->method;
    int status = RPC_LATER;
    if (!method->anywhere)
        return RPC_LATER;
    if (method->quick)
        status = method->quick(call);
    if (status == RPC_LATER && method->light && !method->run)
        return method->work(call);
    if (!method->quick && !method->work)
        return method->run(call);
    x->is_tried = status == RPC_LATER && method->quick;
    return status;
}

/* The call begins anew at the loop's desk, and what follows in its batch stays there. */
static void move_to_loop(struct rpc_exchange *x, struct bytes message)
{
    x->out.len = x->out_mark;
    x->moved = message;
    io_mailbox_send(rpc_main_desk(x->rpc)->inbox, &x->mail);
}

bool rpc_call_one(struct rpc_exchange *x, struct bytes message)
{
    struct envelope *e = &x->envelope;
    arena_clear(&x->arena);
    x->out_mark = x->out.len;
    if (x->graphql) {
        *e = (struct envelope){
            .id = bytes_str("1"), .method = bytes_str(rpc_gql_method.name), .params = message};
    } else if (read_envelope(e, &x->arena, message)) {
        rpc_write_error(x, bytes_none(), RPC_CODE_ERROR, err_text(ERR_NOMEM));
        return true;
    }
    if (!e->method.len || (e->id.len && !is_id(e->id))) {
        bool answer = is_id(e->id) && !e->params.len && e->has_result;
        if (!answer)
            rpc_write_error(x, is_id(e->id) ? e->id : bytes_none(), RPC_CODE_INVALID_REQUEST,
                            "invalid request");
        return true;
    }
    if (!e->id.len && ends_with(e->method, "_subscription"))
        return true; /* what a server sends */
    if (x->out.len > RPC_ANSWER_MAX || has_its_share(x)) {
        if (e->id.len)
            rpc_write_error(x, e->id, RPC_CODE_TOO_LARGE, "response too large");
        return true;
    }
    bool is_tried = x->is_tried;
    x->is_again = x->is_tried = false;
    x->began_ns = 0;
    int status = prepare_call(x);
    if (status == 0 && BASE_UNLIKELY(rpc_figures_wanted(&x->rpc->figures)))
        x->began_ns = base_now_ns();
    if (status == 0 && !rpc_desk_is_main(x->desk)) {
        status = answer_at_desk(x);
        if (status == RPC_LATER)
            move_to_loop(x, message);
        else
            end_call(x, status);
        return status != RPC_LATER;
    }
    if (status == 0 && x->call.method->quick && !is_tried) {
        status = x->call.method->quick(&x->call);
        if (status != RPC_LATER) {
            end_call(x, status);
            return true;
        }
        status = 0;
    }
    x->status = status;
    if (status == 0 && x->call.method->work && start_work(x))
        return false;
    return rpc_end_round(x);
}
