#include "rpc/events/events.h"

#include "base/mem.h"
#include "chain/pool/pool.h"
#include "crypto/random.h"
#include "io/address.h"
#include "rpc/dispatch/desk.h"
#include "rpc/events/priv.h"
#include "rpc/extension/priv.h"
#include "rpc/json/encode.h"
#include "rpc/params/priv.h"
#include "rpc/trace/chain.h"

#include <stdio.h>

enum { SWEEP_MS = 30000 };

/* --- Targets --- */

static void arm_sweep(struct rpc_events *events)
{
    if (events->timers && events->filter_count && !io_timer_started(&events->sweep))
        io_timer_start(&events->sweep, SWEEP_MS);
}

static void on_sweep(void *context)
{
    struct rpc_events *events = context;
    uint64_t now = io_loop_now(events->backend->loop);
    for (size_t kind = 0; kind < RPC_EVENT_KINDS; kind++) {
        struct rpc_event_target *next;
        for (struct rpc_event_target *t = events->targets[kind]; t; t = next) {
            next = t->next;
            if (!t->session && now >= t->deadline)
                rpc_events_remove(events, t);
        }
    }
    arm_sweep(events);
}

static struct rpc_session *find_overrun(const struct rpc_events *events)
{
    for (size_t kind = 0; kind < RPC_EVENT_KINDS; kind++)
        for (struct rpc_event_target *t = events->targets[kind]; t; t = t->next)
            if (t->session && t->session->overran)
                return t->session;
    return NULL;
}

/* Ends those who overran; each end takes targets away, so that the search begins anew. */
static void on_overrun(void *context)
{
    struct rpc_session *session;
    while ((session = find_overrun(context)))
        session->overrun(session->context);
}

void rpc_events_init(struct rpc_events *events, struct rpc *rpc, const struct rpc_backend *backend)
{
    *events = (struct rpc_events){.rpc = rpc, .backend = backend, .timers = backend->loop != NULL};
    if (!events->timers)
        return;
    io_timer_init(&events->sweep, backend->loop, on_sweep, events);
    io_timer_init(&events->overrun, backend->loop, on_overrun, events);
}

void rpc_events_release(struct rpc_events *events)
{
    for (size_t kind = 0; kind < RPC_EVENT_KINDS; kind++)
        while (events->targets[kind]) {
            assert(!events->targets[kind]->session);
            rpc_events_remove(events, events->targets[kind]);
        }
    rpc_events_drop_removed(events);
    if (events->timers) {
        io_timer_stop(&events->sweep);
        io_timer_stop(&events->overrun);
    }
}

void rpc_events_overrun(struct rpc *rpc)
{
    struct rpc_events *events = rpc_events_of(rpc);
    if (!io_timer_started(&events->overrun))
        io_timer_start(&events->overrun, 0);
}

static int keep_criteria(struct rpc_event_target *t, struct bytes json)
{
    struct rpc_reading reading = {.arena = &t->arena};
    if (json.len > RPC_CRITERIA_MAX)
        return ERR_LIMIT;
    t->criteria_json = arena_copy(&t->arena, json);
    if (!t->criteria_json.data)
        return ERR_NOMEM;
    int status = rpc_param_filter(&reading, &t->criteria, t->criteria_json);
    return status == RPC_FAILED ? ERR_INPUT : status;
}

static void target_free(struct rpc_event_target *t)
{
    arena_release(&t->arena);
    buf_release(&t->found);
    mem_free(t);
}

static void link_target(struct rpc_events *events, struct rpc_event_target *t)
{
    t->next = events->targets[t->kind];
    t->back = &events->targets[t->kind];
    if (t->next)
        t->next->back = &t->next;
    events->targets[t->kind] = t;
    if (t->session) {
        t->session_next = t->session->targets;
        t->session->targets = t;
        t->session->count++;
        return;
    }
    t->deadline = events->timers ? io_loop_now(events->backend->loop) + RPC_FILTER_LIFE_MS : 0;
    events->filter_count++;
    arm_sweep(events);
}

struct rpc_event_target *rpc_events_add(struct rpc_events *events, int *ret_status,
                                        enum rpc_event_kind kind, const char *space,
                                        struct rpc_session *session, const struct bytes *criteria)
{
    *ret_status = ERR_LIMIT;
    if (session ? session->count >= RPC_SUBSCRIPTIONS_MAX : events->filter_count >= RPC_FILTERS_MAX)
        return NULL;
    struct rpc_event_target *t = mem_alloc_zeroed(1, sizeof(*t));
    *ret_status = ERR_NOMEM;
    if (!t)
        return NULL;
    t->kind = kind;
    t->space = space;
    t->session = session;
    arena_init(&t->arena);
    buf_init(&t->found);
    *ret_status = crypto_random(t->id, sizeof(t->id));
    if (*ret_status == 0 && criteria)
        *ret_status = keep_criteria(t, *criteria);
    if (*ret_status) {
        target_free(t);
        return NULL;
    }
    link_target(events, t);
    return t;
}

void rpc_events_remove(struct rpc_events *events, struct rpc_event_target *target)
{
    *target->back = target->next;
    if (target->next)
        target->next->back = target->back;
    if (target->session) {
        struct rpc_event_target **at = &target->session->targets;
        while (*at != target)
            at = &(*at)->session_next;
        *at = target->session_next;
        target->session->count--;
    } else {
        events->filter_count--;
        events->filter_size -= target->found.len;
    }
    rpc_chain_trace_leave(target->trace);
    target_free(target);
}

void rpc_events_leave(struct rpc_session *session)
{
    while (session->targets)
        rpc_events_remove(rpc_events_of(session->rpc), session->targets);
}

void rpc_events_id_text(char ret_text[RPC_EVENT_ID_TEXT], const struct rpc_event_target *target)
{
    char digits[2 * RPC_EVENT_ID + 1];
    hex_encode(digits, bytes_of(target->id, sizeof(target->id)));
    digits[sizeof(digits) - 1] = '\0';
    size_t zeros = strspn(digits, "0"); /* rpc.NewID leaves them out */
    if (zeros == sizeof(digits) - 1)
        zeros--;
    snprintf(ret_text, RPC_EVENT_ID_TEXT, "0x%s", digits + zeros);
}

/* The bytes of an id; false when it is none that was ever given. */
static bool parse_id(uint8_t ret_id[RPC_EVENT_ID], struct bytes text)
{
    size_t digits = text.len - 2;
    if (text.len < 3 || digits > 2 * RPC_EVENT_ID || memcmp(text.data, "0x", 2) != 0)
        return false;
    if (text.data[2] == '0' && digits > 1)
        return false;
    memset(ret_id, 0, RPC_EVENT_ID);
    for (size_t i = 0; i < digits; i++) {
        uint8_t c = text.data[2 + i];
        size_t at = 2 * RPC_EVENT_ID - digits + i;
        int nibble = rpc_param_nibble(c);
        if (nibble < 0 || (c >= 'A' && c <= 'F'))
            return false;
        ret_id[at / 2] |= (uint8_t)((unsigned)nibble << (at % 2 ? 0 : 4));
    }
    return true;
}

struct rpc_event_target *rpc_events_find(struct rpc_events *events,
                                         const struct rpc_session *session, struct bytes id)
{
    uint8_t wanted[RPC_EVENT_ID];
    if (!parse_id(wanted, id))
        return NULL;
    for (size_t kind = 0; kind < RPC_EVENT_KINDS; kind++)
        for (struct rpc_event_target *t = events->targets[kind]; t; t = t->next)
            if (t->session == session && memcmp(t->id, wanted, sizeof(wanted)) == 0)
                return t;
    return NULL;
}

void rpc_events_take(struct rpc_events *events, struct rpc_event_target *target, struct buf *out)
{
    buf_append_byte(out, '[');
    buf_append_bytes(out, buf_bytes(&target->found));
    buf_append_byte(out, ']');
    events->filter_size -= target->found.len;
    buf_release(&target->found);
    if (events->timers)
        target->deadline = io_loop_now(events->backend->loop) + RPC_FILTER_LIFE_MS;
}

/* --- Telling --- */

static void notify(struct rpc_event_target *t, struct bytes item)
{
    struct buf text = BUF_INIT;
    char id[RPC_EVENT_ID_TEXT];
    rpc_events_id_text(id, t);
    buf_append_format(&text,
                      "{\"jsonrpc\":\"2.0\",\"method\":\"%s_subscription\",\"params\":"
                      "{\"subscription\":\"%s\",\"result\":",
                      t->space, id);
    buf_append_bytes(&text, item);
    buf_append_text(&text, "}}\n");
    if (buf_status(&text) == 0)
        rpc_session_tell(t->session, buf_bytes(&text));
    buf_release(&text);
}

void rpc_events_give(struct rpc_events *events, struct rpc_event_target *target, struct bytes item)
{
    if (target->session) {
        notify(target, item);
        return;
    }
    size_t more = item.len + 1;
    if (target->found.len + more > RPC_FILTER_MAX ||
        events->filter_size + more > RPC_FILTERS_SIZE_MAX) {
        rpc_events_remove(events, target);
        return;
    }
    size_t before = target->found.len;
    if (before)
        buf_append_byte(&target->found, ',');
    buf_append_bytes(&target->found, item);
    if (buf_status(&target->found)) {
        /* What it held is lost, so that it must go. */
        events->filter_size -= before - target->found.len;
        rpc_events_remove(events, target);
        return;
    }
    events->filter_size += target->found.len - before;
}

/* To all of a kind. */
static void give_all(struct rpc_events *events, enum rpc_event_kind kind, struct bytes item)
{
    struct rpc_event_target *next;
    for (struct rpc_event_target *t = events->targets[kind]; t; t = next) {
        next = t->next;
        rpc_events_give(events, t, item);
    }
}

void rpc_tell_transactions(struct rpc *rpc, struct chain_tx *const *txs, size_t count)
{
    struct rpc_events *events = rpc_events_of(rpc);
    struct buf item = BUF_INIT;
    for (size_t i = 0; i < count && events->targets[RPC_EVENT_TRANSACTIONS]; i++) {
        buf_clear(&item);
        rpc_write_hash(&item, &txs[i]->hash);
        if (buf_status(&item) == 0)
            give_all(events, RPC_EVENT_TRANSACTIONS, buf_bytes(&item));
    }
    for (size_t i = 0; i < count && events->targets[RPC_EVENT_FULL_TRANSACTIONS]; i++) {
        buf_clear(&item);
        rpc_write_transaction(&item, &txs[i]->tx, &txs[i]->hash, NULL);
        if (buf_status(&item) == 0)
            give_all(events, RPC_EVENT_FULL_TRANSACTIONS, buf_bytes(&item));
    }
    buf_release(&item);
}

void rpc_tell_sync(struct rpc *rpc, bool syncing)
{
    struct rpc_events *events = rpc_events_of(rpc);
    struct rpc_sync sync = {.syncing = false};
    struct buf item = BUF_INIT;
    if (!events->targets[RPC_EVENT_SYNC])
        return;
    if (syncing && events->backend->sync)
        events->backend->sync(events->backend->context, &sync);
    if (syncing) /* ethereum.SyncProgress has no names for JSON, so that they are Go's */
        buf_append_format(&item,
                          "{\"syncing\":true,\"status\":{\"StartingBlock\":%llu,"
                          "\"CurrentBlock\":%llu,\"HighestBlock\":%llu,\"PulledStates\":0,"
                          "\"KnownStates\":0}}",
                          (unsigned long long)sync.starting, (unsigned long long)sync.current,
                          (unsigned long long)sync.highest);
    else
        rpc_write_bool(&item, false);
    if (buf_status(&item) == 0)
        give_all(events, RPC_EVENT_SYNC, buf_bytes(&item));
    buf_release(&item);
}

void rpc_tell_peer(struct rpc *rpc, const struct hash256 *id, const struct io_address *local,
                   const struct io_address *remote, const char *why)
{
    struct rpc_events *events = rpc_events_of(rpc);
    struct buf item = BUF_INIT;
    if (!events->targets[RPC_EVENT_PEERS])
        return;
    buf_append_format(&item, "{\"type\":\"%s\",\"peer\":\"", why ? "drop" : "add");
    /* enode.ID writes itself without 0x. */
    char digits[65];
    hex_encode(digits, bytes_of(id->b, sizeof(id->b)));
    digits[64] = '\0';
    buf_append_format(&item, "%s\"", digits);
    if (why && *why)
        buf_append_format(&item, ",\"error\":\"%s\"", why);
    char text[IO_ADDRESS_TEXT];
    io_address_format(text, local);
    buf_append_format(&item, ",\"local\":\"%s\"", text);
    io_address_format(text, remote);
    buf_append_format(&item, ",\"remote\":\"%s\"}", text);
    if (buf_status(&item) == 0)
        give_all(events, RPC_EVENT_PEERS, buf_bytes(&item));
    buf_release(&item);
}

void rpc_tell_head(struct rpc *rpc, uint64_t number, uint64_t blocks, uint64_t transactions)
{
    struct rpc_events *events = rpc_events_of(rpc);
    rpc_desks_head(rpc);
    uint64_t from = number + 1 - (blocks < number ? blocks : number);
    rpc_extension_head(rpc, number, blocks, transactions);
    if (blocks == 0 || !(events->targets[RPC_EVENT_HEADS] || events->targets[RPC_EVENT_LOGS]))
        return;
    events->from = events->waiting && events->from < from ? events->from : from;
    events->to = number;
    events->waiting = true;
    rpc_events_read(events);
}
