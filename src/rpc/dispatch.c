/* Messages into calls, and their answers (GoQuorum, rpc/handler.go and rpc/json.go). */
#include "base/hex.h"
#include "base/mem.h"
#include "rpc/ahead.h"
#include "rpc/async.h"
#include "rpc/events_priv.h"
#include "rpc/extension_priv.h"
#include "rpc/figures_priv.h"
#include "rpc/head.h"
#include "rpc/json.h"
#include "rpc/machine.h"
#include "rpc/psi.h"
#include "rpc/subscribe.h"
#include "rpc/token.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    ERROR_TEXT_MAX = 1024,
    NAMESPACES_MAX = 32, /* bits of rpc_access */
    SPARE_MAX = 65536,   /* bytes of an exchange that is kept for the next */
};

struct rpc {
    const struct rpc_backend *backend;
    const struct rpc_method **methods; /* sorted by name */
    size_t method_count;
    uint32_t available;                           /* namespaces */
    size_t under_way;                             /* exchanges on the worker */
    struct rpc_call *holding;                     /* an account each */
    struct rpc_exchange *waiting, **waiting_end;  /* for one of those, first come first */
    struct rpc_machine machines[RPC_WORKERS_MAX]; /* of the workers */
    struct rpc_machine waiting_machines[RPC_WAITERS_MAX];
    struct rpc_kept kept;
    struct rpc_head head;
    struct rpc_events events;
    struct rpc_async async;
    struct rpc_extension extension;
    struct rpc_exchange *spare; /* one that is over, with its memory; NULL: none */
    struct rpc_figures figures; /* `all` NULL: calls are not counted */
};

/* A request's parts, as they stand in the message. */
struct envelope {
    struct bytes id;     /* len 0 = none */
    struct bytes method; /* characters; len 0 = none */
    struct bytes params; /* len 0 = none */
    bool has_result;     /* it is an answer, to nobody's question */
};

struct rpc_exchange {
    struct rpc *rpc;
    struct rpc_access access;
    struct rpc_session *session;
    struct buf message;
    struct buf out;
    struct arena arena;
    rpc_answer_fn *fn; /* NULL: forgotten */
    atomic_bool gone;
    void *context;
    bool batch, one_left;
    struct rpc_json_walk walk; /* of a batch */
    struct rpc_ahead ahead;
    struct bytes single;
    size_t answers;
    uint64_t now;
    struct envelope envelope;
    struct rpc_call call;
    size_t out_mark;   /* where the answer under way begins */
    int status;        /* what the method's last part returned */
    bool is_again;     /* in the method's second round */
    uint64_t began_ns; /* where calls are counted, and this is one to count; else 0 */
    struct rpc_exchange *next_waiting;
};

/* --- Namespaces and methods --- */

/* Those of spec §11.3, whether or not all their methods are there. */
static const char *const namespaces[] = {
    "admin", "clique", "debug", "eth",  "istanbul",         "miner",          "net", "personal",
    "rpc",   "txpool", "web3",  "raft", "quorumPermission", "quorumExtension"};
static_assert(BASE_COUNT(namespaces) <= NAMESPACES_MAX, "a bit for each namespace");

const char *const *rpc_namespaces(size_t *ret_count)
{
    *ret_count = BASE_COUNT(namespaces);
    return namespaces;
}

static int namespace_index(struct bytes name)
{
    for (size_t i = 0; i < BASE_COUNT(namespaces); i++)
        if (bytes_equal(name, bytes_str(namespaces[i])))
            return (int)i;
    return -1;
}

struct rpc_access rpc_access_all(void)
{
    return (struct rpc_access){.namespaces = UINT32_MAX, .subscriptions = true};
}

struct rpc_access rpc_access_parse(const char *list, struct buf *unknown)
{
    struct rpc_access access = {.namespaces = 1u << namespace_index(bytes_str("rpc"))};
    while (*list) {
        size_t len = strcspn(list, ",");
        struct bytes name = bytes_of(list, len);
        while (name.len && name.data[0] == ' ')
            name = bytes_slice(name, 1, name.len - 1);
        while (name.len && name.data[name.len - 1] == ' ')
            name.len--;
        int index = namespace_index(name);
        if (index >= 0) {
            access.namespaces |= 1u << index;
        } else if (name.len && unknown) {
            if (unknown->len)
                buf_append_text(unknown, ",");
            buf_append_bytes(unknown, name);
        }
        list += len + (list[len] != 0);
    }
    return access;
}

static int compare_methods(const void *a, const void *b)
{
    const struct rpc_method *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

/* bsearch over names that have no end mark; NULL: there is none. */
static const struct rpc_method **place_of(const struct rpc *rpc, struct bytes name)
{
    size_t low = 0, high = rpc->method_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = bytes_compare(name, bytes_str(rpc->methods[middle]->name));
        if (order == 0)
            return &rpc->methods[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

static const struct rpc_method *find_method(const struct rpc *rpc, struct bytes name)
{
    const struct rpc_method **place = place_of(rpc, name);
    return place ? *place : NULL;
}

bool rpc_may_call(const struct rpc *rpc, struct rpc_access access, struct bytes method)
{
    const uint8_t *line = memchr(method.data, '_', method.len);
    int index = line ? namespace_index(bytes_of(method.data, (size_t)(line - method.data))) : -1;
    return index >= 0 && (access.namespaces & rpc->available) >> index & 1;
}

int rpc_new(struct rpc **ret_rpc, const struct rpc_backend *backend)
{
    struct rpc *rpc = mem_alloc_zeroed(1, sizeof(*rpc));
    if (!rpc)
        return ERR_NOMEM;
    rpc->backend = backend;
    rpc->waiting_end = &rpc->waiting;
    rpc->available = rpc_available(backend);
    for (size_t i = 0; i < rpc_method_list_count; i++)
        rpc->method_count += rpc_method_lists[i]->count;
    rpc->methods = mem_alloc(rpc->method_count * sizeof(const struct rpc_method *));
    if (!rpc->methods) {
        mem_free(rpc);
        return ERR_NOMEM;
    }
    size_t at = 0;
    for (size_t i = 0; i < rpc_method_list_count; i++)
        for (size_t k = 0; k < rpc_method_lists[i]->count; k++)
            rpc->methods[at++] = &rpc_method_lists[i]->methods[k];
    qsort(rpc->methods, rpc->method_count, sizeof(const struct rpc_method *), compare_methods);
    rpc_kept_init(&rpc->kept);
    rpc_events_init(&rpc->events, rpc, backend);
    rpc->extension = (struct rpc_extension){.rpc = rpc, .backend = backend};
    *ret_rpc = rpc;
    return 0;
}

void rpc_free(struct rpc *rpc)
{
    if (!rpc)
        return;
    assert(rpc->under_way == 0 && !rpc->waiting);
    rpc_async_release(&rpc->async);
    rpc_extension_release(&rpc->extension);
    rpc_events_release(&rpc->events);
    for (size_t i = 0; i < RPC_WORKERS_MAX; i++)
        rpc_machine_release(&rpc->machines[i]);
    for (size_t i = 0; i < RPC_WAITERS_MAX; i++)
        rpc_machine_release(&rpc->waiting_machines[i]);
    rpc_kept_release(&rpc->kept);
    rpc_head_release(&rpc->head);
    rpc_figures_release(&rpc->figures);
    if (rpc->spare) {
        buf_release(&rpc->spare->out);
        arena_release(&rpc->spare->arena);
        mem_free(rpc->spare);
    }
    mem_free(rpc->methods);
    mem_free(rpc);
}

struct io_loop *rpc_loop(const struct rpc *rpc)
{
    return rpc->backend->loop;
}

struct rpc_kept *rpc_kept_of(struct rpc *rpc)
{
    return &rpc->kept;
}

struct rpc_head *rpc_head_of(struct rpc *rpc)
{
    return &rpc->head;
}

struct rpc_events *rpc_events_of(struct rpc *rpc)
{
    return &rpc->events;
}

struct rpc_async *rpc_async_of(struct rpc *rpc)
{
    return &rpc->async;
}

struct rpc_extension *rpc_extension_of(struct rpc *rpc)
{
    return &rpc->extension;
}

int rpc_fail(struct rpc_call *call, int code, const char *format, ...)
{
    char text[ERROR_TEXT_MAX];
    va_list list;
    va_start(list, format);
    int len = vsnprintf(text, sizeof(text), format, list);
    va_end(list);
    if (len < 0)
        len = 0;
    if ((size_t)len >= sizeof(text))
        len = sizeof(text) - 1;
    call->code = code;
    call->data = bytes_none();
    call->text = arena_copy(call->arena, bytes_of(text, (size_t)len));
    if (!call->text.data)
        call->text = bytes_str("out of memory");
    return RPC_FAILED;
}

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

static void write_error(struct rpc_exchange *x, struct bytes id, int code, struct bytes text,
                        struct bytes data)
{
    begin_answer(x, id);
    buf_append_format(&x->out, ",\"error\":{\"code\":%d,\"message\":", code);
    rpc_json_write_string(&x->out, text);
    if (data.data) {
        buf_append_text(&x->out, ",\"data\":\"");
        hex_append(&x->out, data);
        buf_append_byte(&x->out, '"');
    }
    buf_append_text(&x->out, "}}");
    x->answers++;
}

static void write_error_text(struct rpc_exchange *x, struct bytes id, int code, const char *text)
{
    write_error(x, id, code, bytes_str(text), bytes_none());
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

static void wake(struct rpc *rpc);

static void release_account(struct rpc_call *call)
{
    struct rpc_call **at = &call->rpc->holding;
    if (!call->is_holding)
        return;
    while (*at != call)
        at = &(*at)->next_holding;
    *at = call->next_holding;
    call->is_holding = false;
    wake(call->rpc);
}

/* --- Counting --- */

int rpc_count_calls(struct rpc *rpc)
{
    return rpc_figures_init(&rpc->figures, rpc->method_count);
}

void rpc_call_counts(const struct rpc *rpc, uint64_t *ret_good, uint64_t *ret_bad)
{
    *ret_good = rpc->figures.good;
    *ret_bad = rpc->figures.bad;
}

void rpc_call_timers(const struct rpc *rpc,
                     void (*fn)(void *context, const char *name, const struct rpc_timer *timer),
                     void *context)
{
    const struct rpc_figures *figures = &rpc->figures;
    struct rpc_timer timer;
    char name[128];
    if (rpc_figures_read(figures->all, &timer))
        fn(context, "all", &timer);
    for (size_t i = 0; figures->all && i < 2 * figures->method_count; i++) {
        if (!rpc_figures_read(figures->each[i], &timer))
            continue;
        snprintf(name, sizeof(name), "%s/%s", rpc->methods[i / 2]->name,
                 i % 2 ? "failure" : "success");
        fn(context, name, &timer);
    }
}

static void count_call(struct rpc_exchange *x, bool good)
{
    const struct rpc_method **place = place_of(x->rpc, bytes_str(x->call.method->name));
    if (place)
        rpc_figures_add(&x->rpc->figures, (size_t)(place - x->rpc->methods), good, x->began_ns);
}

/* The call is over: its answer, or what went wrong. */
static void end_call(struct rpc_exchange *x, int status)
{
    if (BASE_UNLIKELY(x->began_ns))
        count_call(x, status == 0);
    release_account(&x->call);
    struct bytes id = x->envelope.id;
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
        write_error(x, id, x->call.code, x->call.text, x->call.data);
    else if (status)
        write_error_text(x, id, RPC_CODE_ERROR, err_text(status));
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

/* Parses and finds the method; RPC_FAILED with the error set. */
static int prepare_call(struct rpc_exchange *x)
{
    struct rpc_call *call = &x->call;
    struct bytes name = x->envelope.method;
    *call = (struct rpc_call){.backend = x->rpc->backend,
                              .rpc = x->rpc,
                              .access = x->access,
                              .id = x->envelope.id,
                              .session = x->session,
                              .arena = &x->arena,
                              .now = x->now,
                              .gone = &x->gone,
                              .machine = &x->rpc->head.machine,
                              .ahead = x->batch ? &x->ahead : NULL,
                              .out = &x->out};
    int status = check_grant(call, name);
    if (status == 0)
        status = rpc_psi_begin(call);
    if (status)
        return status;
    if (rpc_is_subscription(name)) {
        status = rpc_subscription_method(call, name, x->envelope.params);
        if (status)
            return status;
    } else {
        call->method = rpc_may_call(x->rpc, x->access, name) ? find_method(x->rpc, name) : NULL;
    }
    if (!call->method)
        return rpc_fail(call, RPC_CODE_NOT_FOUND, "the method %.*s does not exist/is not available",
                        (int)(name.len < 512 ? name.len : 512), (const char *)name.data);
    status = rpc_params_read(call, x->envelope.params);
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

static void on_worked(void *context);

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
    call->machine = &call->rpc->head.machine;
    if (call->method && call->method->waits)
        chosen = choose(call, backend->waiters, call->rpc->waiting_machines, RPC_WAITERS_MAX);
    return chosen ? chosen : choose(call, backend->workers, call->rpc->machines, RPC_WORKERS_MAX);
}

void rpc_stay_on_loop(struct rpc_call *call)
{
    call->machine = &call->rpc->head.machine;
}

/* False when it was done at once, for want of a worker. */
static bool start_work(struct rpc_exchange *x)
{
    struct io_worker *worker = rpc_choose_worker(&x->call);
    x->rpc->under_way++;
    if (worker && io_worker_run(worker, run_on_worker, on_worked, x) == 0)
        return true;
    x->rpc->under_way--;
    rpc_stay_on_loop(&x->call);
    run_on_worker(x);
    return false;
}

/* What follows the worker's part. False when the call goes on later. */
static bool end_round(struct rpc_exchange *x)
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
        return start_work(x) ? false : end_round(x);
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

/* Starts the call of one message. False when it goes on on the worker. */
static bool call_one(struct rpc_exchange *x, struct bytes message)
{
    struct envelope *e = &x->envelope;
    arena_clear(&x->arena);
    x->out_mark = x->out.len;
    if (read_envelope(e, &x->arena, message)) {
        write_error_text(x, bytes_none(), RPC_CODE_ERROR, err_text(ERR_NOMEM));
        return true;
    }
    if (!e->method.len || (e->id.len && !is_id(e->id))) {
        bool answer = is_id(e->id) && !e->params.len && e->has_result;
        if (!answer)
            write_error_text(x, is_id(e->id) ? e->id : bytes_none(), RPC_CODE_INVALID_REQUEST,
                             "invalid request");
        return true;
    }
    if (!e->id.len && ends_with(e->method, "_subscription"))
        return true; /* what a server sends */
    if (x->out.len > RPC_ANSWER_MAX) {
        if (e->id.len)
            write_error_text(x, e->id, RPC_CODE_TOO_LARGE, "response too large");
        return true;
    }
    x->is_again = false;
    x->began_ns = 0;
    int status = prepare_call(x);
    if (status == 0 && BASE_UNLIKELY(x->rpc->figures.all))
        x->began_ns = rpc_figures_now();
    if (status == 0 && x->call.method->quick) {
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
    return end_round(x);
}

/* --- Exchanges --- */

static void exchange_free(struct rpc_exchange *x)
{
    buf_release(&x->message);
    rpc_ahead_release(&x->ahead);
    rpc_grant_free(x->access.grant);
    if (!x->rpc->spare && x->arena.total <= SPARE_MAX && x->out.capacity <= SPARE_MAX) {
        buf_clear(&x->out);
        x->rpc->spare = x;
        return;
    }
    buf_release(&x->out);
    arena_release(&x->arena);
    mem_free(x);
}

static struct rpc_exchange *exchange_new(struct rpc *rpc)
{
    struct rpc_exchange *x = rpc->spare;
    rpc->spare = NULL;
    if (x || !(x = mem_alloc(sizeof(*x))))
        return x;
    buf_init(&x->out);
    arena_init(&x->arena);
    return x;
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
    if (x->fn)
        x->fn(x->context, &x->out);
    exchange_free(x);
}

/* Goes on with the next messages. False when one went to the worker. */
static bool go_on(struct rpc_exchange *x)
{
    struct bytes message;
    if (!x->batch) {
        if (!x->one_left)
            return true;
        x->one_left = false;
        return call_one(x, x->single);
    }
    while (x->fn && rpc_json_element(&x->walk, &message)) {
        x->ahead.rest = x->walk;
        if (!call_one(x, message))
            return false;
    }
    return true;
}

static void on_worked(void *context)
{
    struct rpc_exchange *x = context;
    x->rpc->under_way--;
    rpc_stay_on_loop(&x->call);
    if (end_round(x) && go_on(x))
        finish(x);
}

/* An account is free again: who waits for one tries it. */
static void wake(struct rpc *rpc)
{
    struct rpc_exchange *x = rpc->waiting;
    rpc->waiting = NULL;
    rpc->waiting_end = &rpc->waiting;
    while (x) {
        struct rpc_exchange *next = x->next_waiting;
        if (end_round(x) && go_on(x))
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
    enum rpc_json_status status = rpc_json_first(&value, buf_bytes(&x->message));
    if (status == RPC_JSON_MORE)
        return false; /* nothing but white space: nothing is the answer */
    if (status == RPC_JSON_BAD) {
        write_error_text(x, bytes_none(), RPC_CODE_PARSE, "parse error");
        return false;
    }
    if (rpc_json_kind(value) != RPC_JSON_ARRAY) {
        x->single = value;
        x->one_left = true;
        return true;
    }
    size_t count = batch_length(value);
    if (count == 0 || count > RPC_BATCH_MAX) {
        write_error_text(x, bytes_none(), RPC_CODE_INVALID_REQUEST,
                         count ? "batch too large" : "empty batch");
        return false;
    }
    x->batch = true;
    rpc_json_walk_begin(&x->walk, value);
    return true;
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
    struct rpc_exchange *x = exchange_new(rpc);
    if (!x) {
        struct buf nothing = BUF_INIT;
        buf_release(message);
        fn(context, &nothing);
        return NULL;
    }
    x->rpc = rpc;
    x->access = access;
    rpc_grant_keep(access.grant);
    x->session = session;
    x->message = *message;
    buf_init(message);
    x->fn = fn;
    x->context = context;
    atomic_init(&x->gone, false);
    x->batch = x->one_left = false;
    x->ahead = (struct rpc_ahead){.count = 0};
    x->answers = 0;
    x->now = rpc->backend->loop ? io_loop_now(rpc->backend->loop) : 0;
    if (begin_exchange(x) && !go_on(x))
        return x;
    finish(x);
    return NULL;
}

void rpc_forget(struct rpc_exchange *exchange)
{
    if (!exchange)
        return;
    rpc_abandon(exchange);
    exchange->fn = NULL;
    exchange->session = NULL;
}

void rpc_abandon(struct rpc_exchange *exchange)
{
    if (exchange)
        atomic_store_explicit(&exchange->gone, true, memory_order_relaxed);
}
