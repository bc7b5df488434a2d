/* eth, admin: subscriptions and filters. */
#include "rpc/methods/subscribe.h"
#include "rpc/access/psi.h"
#include "rpc/events/priv.h"
#include "rpc/json/encode.h"
#include "rpc/methods/methods.h"
#include "rpc/params/priv.h"
#include "rpc/trace/chain.h"

/* --- What both do --- */

static int fail_add(struct rpc_call *call, int status)
{
    if (status == ERR_LIMIT)
        return rpc_fail(call, RPC_CODE_ERROR, "too many %s, or criteria of more than %d bytes",
                        call->session ? "subscriptions" : "filters", RPC_CRITERIA_MAX);
    return status;
}

static int write_id(struct rpc_call *call, const struct rpc_event_target *target)
{
    char text[RPC_EVENT_ID_TEXT];
    rpc_events_id_text(text, target);
    buf_append_format(call->out, "\"%s\"", text);
    return 0;
}

/* What GoQuorum's EventSystem.SubscribeLogs makes of two ends: whether there is such a thing, and whether it is only about
 * a pending block, which is not shown here. */
static bool check_range(const struct rpc_filter *wanted, bool *ret_never)
{
    enum rpc_block_kind from = wanted->from.kind ? wanted->from.kind : RPC_AT_LATEST;
    enum rpc_block_kind to = wanted->to.kind ? wanted->to.kind : RPC_AT_LATEST;
    *ret_never = from == RPC_AT_PENDING && to == RPC_AT_PENDING;
    if (*ret_never || to == RPC_AT_PENDING)
        return *ret_never || from != RPC_AT_PENDING;
    if (from == RPC_AT_NUMBER && to == RPC_AT_NUMBER)
        return wanted->from.number <= wanted->to.number;
    return to == RPC_AT_LATEST && from != RPC_AT_PENDING;
}

static int add(struct rpc_call *call, enum rpc_event_kind kind, const char *space,
               struct rpc_session *session, const struct rpc_value *criteria)
{
    int status;
    bool never = false;
    status = criteria ? rpc_psi(call) : 0;
    if (status)
        return status;
    if (criteria && !check_range(criteria->filter, &never))
        return rpc_fail(call, RPC_CODE_ERROR, "invalid from and to block combination: from > to");
    struct rpc_event_target *target = rpc_events_add(rpc_events_of(call->rpc), &status, kind, space,
                                                     session, criteria ? &criteria->json : NULL);
    if (!target)
        return fail_add(call, status);
    target->never = never;
    if (criteria)
        memcpy(target->psi, call->psi.data, call->psi.len); /* shorter: it was found */
    return write_id(call, target);
}

/* --- Subscriptions --- */

static int subscribe_heads(struct rpc_call *call)
{
    return add(call, RPC_EVENT_HEADS, "eth", call->session, NULL);
}

static int subscribe_logs(struct rpc_call *call)
{
    return add(call, RPC_EVENT_LOGS, "eth", call->session, &call->args[1]);
}

static int subscribe_transactions(struct rpc_call *call)
{
    /* GoQuorum gives hashes alone; newer nodes have a second parameter, for whole transactions. */
    bool full = call->args[1].given && call->args[1].boolean;
    return add(call, full ? RPC_EVENT_FULL_TRANSACTIONS : RPC_EVENT_TRANSACTIONS, "eth",
               call->session, NULL);
}

static int subscribe_sync(struct rpc_call *call)
{
    return add(call, RPC_EVENT_SYNC, "eth", call->session, NULL);
}

static int subscribe_peers(struct rpc_call *call)
{
    return add(call, RPC_EVENT_PEERS, "admin", call->session, NULL);
}

/* Their methods' names are "eth_subscribe"; the first parameter tells which it is. */
#define NAME {"name", RPC_TEXT}
static const struct {
    const char *space, *name;
    struct rpc_method method;
} subscriptions[] = {
    {"eth", "newHeads", {"eth_subscribe", {NAME}, .run = subscribe_heads}},
    {"eth", "logs", {"eth_subscribe", {NAME, {"filter", RPC_FILTER}}, .run = subscribe_logs}},
    {"eth",
     "newPendingTransactions",
     {"eth_subscribe", {NAME, {"full", RPC_BOOL, true}}, .run = subscribe_transactions}},
    {"eth", "syncing", {"eth_subscribe", {NAME}, .run = subscribe_sync}},
    {"admin", "peerEvents", {"admin_subscribe", {NAME}, .run = subscribe_peers}},
    {"debug",
     "traceChain",
     {"debug_subscribe",
      {NAME, {"start", RPC_BLOCK}, {"end", RPC_BLOCK}, {"config", RPC_TRACE, true}},
      .run = rpc_trace_chain}},
};

static int unsubscribe(struct rpc_call *call)
{
    struct rpc_events *events = rpc_events_of(call->rpc);
    struct rpc_event_target *target =
        call->session ? rpc_events_find(events, call->session, call->args[0].bytes) : NULL;
    if (!target)
        return rpc_fail(call, RPC_CODE_ERROR, "subscription not found");
    rpc_events_remove(events, target);
    rpc_write_bool(call->out, true);
    return 0;
}

static const struct rpc_method unsubscribe_method = {
    "eth_unsubscribe", {{"id", RPC_ID}}, .run = unsubscribe, .result = "true"};

static bool ends_with(struct bytes text, const char *end)
{
    size_t len = strlen(end);
    return text.len >= len && memcmp(text.data + text.len - len, end, len) == 0;
}

/* The name that the parameters begin with; RPC_FAILED as GoQuorum words it (rpc/json.go). */
static int read_name(struct rpc_call *call, struct bytes *ret_name, struct bytes params)
{
    struct rpc_json_walk walk;
    struct bytes first;
    if (!params.len || rpc_json_kind(params) != RPC_JSON_ARRAY)
        return rpc_fail(call, RPC_CODE_PARAMS, "non-array args");
    rpc_json_walk_begin(&walk, params);
    if (!rpc_json_element(&walk, &first) || rpc_json_kind(first) != RPC_JSON_STRING)
        return rpc_fail(call, RPC_CODE_PARAMS, "expected subscription name as first argument");
    *ret_name = rpc_json_string(first, call->arena);
    return ret_name->data ? 0 : ERR_NOMEM;
}

int rpc_subscription_method(struct rpc_call *call, struct bytes method, struct bytes params)
{
    struct bytes name = bytes_none();
    if (ends_with(method, "_unsubscribe")) {
        call->method = &unsubscribe_method;
        return 0;
    }
    if (!call->session)
        return rpc_fail(call, RPC_CODE_ERROR, "notifications not supported");
    int status = read_name(call, &name, params);
    if (status)
        return status;
    struct bytes space = bytes_slice(method, 0, method.len - strlen("_subscribe"));
    for (size_t i = 0; i < BASE_COUNT(subscriptions); i++)
        if (bytes_equal(space, bytes_str(subscriptions[i].space)) &&
            bytes_equal(name, bytes_str(subscriptions[i].name)) &&
            rpc_may_call(call->rpc, call->access, method)) {
            call->method = &subscriptions[i].method;
            return 0;
        }
    return rpc_fail(call, RPC_CODE_NOT_FOUND, "no \"%.*s\" subscription in %.*s namespace",
                    (int)(name.len < 256 ? name.len : 256), (const char *)name.data,
                    (int)(space.len < 256 ? space.len : 256), (const char *)space.data);
}

bool rpc_is_subscription(struct bytes method)
{
    return ends_with(method, "_subscribe") || ends_with(method, "_unsubscribe");
}

/* --- Filters --- */

static int new_filter(struct rpc_call *call)
{
    return add(call, RPC_EVENT_LOGS, "eth", NULL, &call->args[0]);
}

static int new_block_filter(struct rpc_call *call)
{
    return add(call, RPC_EVENT_HEADS, "eth", NULL, NULL);
}

static int new_transaction_filter(struct rpc_call *call)
{
    return add(call, RPC_EVENT_TRANSACTIONS, "eth", NULL, NULL);
}

static struct rpc_event_target *find(struct rpc_call *call)
{
    return rpc_events_find(rpc_events_of(call->rpc), NULL, call->args[0].bytes);
}

/* What came for one private state is not told to another. */
static int check_psi(struct rpc_call *call, const struct rpc_event_target *target)
{
    if (target->kind != RPC_EVENT_LOGS)
        return 0;
    int status = rpc_psi(call);
    if (status == 0 && !bytes_equal(bytes_str(target->psi), call->psi))
        status = rpc_fail(call, RPC_CODE_ERROR, "filter not found for %.*s", (int)call->psi.len,
                          (const char *)call->psi.data);
    return status;
}

static int get_changes(struct rpc_call *call)
{
    struct rpc_event_target *target = find(call);
    if (!target)
        return rpc_fail(call, RPC_CODE_ERROR, "filter not found");
    int status = check_psi(call, target);
    if (status)
        return status;
    rpc_events_take(rpc_events_of(call->rpc), target, call->out);
    return 0;
}

/* The filter's criteria become the call's, for the worker. */
static int begin_logs(struct rpc_call *call)
{
    struct rpc_reading reading = {.arena = call->arena};
    struct rpc_event_target *target = find(call);
    if (!target || target->kind != RPC_EVENT_LOGS)
        return rpc_fail(call, RPC_CODE_ERROR, "filter not found");
    int status = check_psi(call, target);
    if (status)
        return status;
    struct bytes json = arena_copy(call->arena, target->criteria_json);
    status = json.data ? rpc_param_filter(&reading, &call->args[0].filter, json) : ERR_NOMEM;
    return status ? status : RPC_LATER;
}

static int uninstall(struct rpc_call *call)
{
    struct rpc_event_target *target = find(call);
    if (target)
        rpc_events_remove(rpc_events_of(call->rpc), target);
    rpc_write_bool(call->out, target != NULL);
    return 0;
}

static const struct rpc_method methods[] = {
    {"eth_newFilter", {{"filter", RPC_FILTER}}, .run = new_filter, .result = "id of a filter"},
    {"eth_newBlockFilter", .run = new_block_filter, .result = "id of a filter"},
    {"eth_newPendingTransactionFilter", .run = new_transaction_filter, .result = "id of a filter"},
    {"eth_getFilterChanges",
     {{"id", RPC_ID}},
     .run = get_changes,
     .result = "array of what came since it was asked last"},
    {"eth_getFilterLogs",
     {{"id", RPC_ID}},
     .quick = begin_logs,
     .work = rpc_get_logs,
     .result = "array of logs"},
    {"eth_uninstallFilter", {{"id", RPC_ID}}, .run = uninstall, .result = "true or false"},
};

const struct rpc_method_list rpc_methods_subscribe = {methods, BASE_COUNT(methods)};
