/*
 * Watching extensions: one look at new blocks at a time. The worker reads their logs, keeps a list of its own, and asks of each
 * extension what this node has to do; the loop takes the list and does that, one thing after the other, by the methods that everybody
 * calls. A QLight client keeps the list alone: its server does what there is to do.
 */
#include "accounts/accounts.h"
#include "base/mem.h"
#include "rpc/access/psi.h"
#include "rpc/extension/priv.h"
#include "rpc/json/json.h"
#include "rpc/methods/private.h"

struct found {
    enum extension_event event;
    uint64_t number;
    uint32_t index; /* of the transaction */
    struct address management;
    struct bytes data; /* of a beginning */
    struct bytes psi;  /* the private state that has the log */
};

struct action {
    struct address management;
    char psi[RPC_PSI_ROOM];
    bool is_share;
    struct buf request;
};

struct rpc_extension_watch {
    struct rpc_extension *ext;
    struct arena arena;
    struct rpc_call call; /* what the questions run in */
    struct buf scratch;   /* its answer, which nobody reads */
    struct extension_list list;
    uint64_t to, now;
    uint64_t again_from; /* blocks behind this one have been exchanged meanwhile */
    bool may_act, look;  /* look: at every extension */
    struct buf found;    /* struct found each; data in the arena */
    struct bytes psi;    /* whose logs are read */
    bool changed;
    struct action actions[RPC_EXTENSION_ACTIONS];
    size_t action_count, next_action;
    int status;
};

static void report(const struct rpc_backend *backend, const struct address *management,
                   const char *what, struct bytes why)
{
    char text[512];
    if (!backend->extension_report)
        return;
    size_t len = why.len < sizeof(text) - 1 ? why.len : sizeof(text) - 1;
    if (len)
        memcpy(text, why.data, len);
    text[len] = '\0';
    backend->extension_report(backend->context, what, management, text);
}

/* --- On the worker: what has happened --- */

static int keep_log(void *context, const struct chain_log *log)
{
    struct rpc_extension_watch *w = context;
    struct found found = {.event = extension_event_of(log->log),
                          .number = log->number,
                          .index = log->transaction_index,
                          .management = log->log->address,
                          .psi = w->psi};
    if (found.event == EXTENSION_EVENTS)
        return 0;
    found.data = arena_copy(&w->arena, log->log->data);
    if (log->log->data.len && !found.data.data)
        return ERR_NOMEM;
    buf_append(&w->found, &found, sizeof(found));
    return buf_status(&w->found);
}

/* The transaction that a log is of: of a marker the one inside. False: this node cannot read it. */
static int read_sender(struct rpc_extension_watch *w, struct chain_reader *reader,
                       const struct found *found, struct extension_entry *entry, bool *ret_known)
{
    struct eth_transaction tx, inner;
    struct eth_header header;
    enum eth_tx_status signature;
    struct err_detail detail = {""};
    struct chain_payload payload;
    int status = rpc_read_transaction(&w->call, reader, &tx, found->number, found->index);
    *ret_known = true;
    if (status == 0 && chain_is_marker(&tx)) {
        struct chain_payload_hash hash = chain_payload_hash_of(tx.data);
        status =
            privacy_receive(w->call.backend->privacy, &payload, &hash, false, &w->arena, &detail);
        if (status)
            return status;
        *ret_known = payload.is_party &&
                     chain_private_parse(&inner, &w->arena, payload.data, &status) && !status;
        if (!*ret_known)
            return status;
        status = chain_reader_header(reader, &header, found->number);
        struct eth_rules rules = rpc_rules_at(&w->call, found->number, header.timestamp);
        if (status == 0)
            status = eth_transaction_recover(&inner, &signature, &rules);
        tx = inner;
    }
    if (status == 0) {
        entry->initiator = tx.sender;
        entry->creation = chain_payload_hash_of(tx.data);
    }
    return status;
}

static int begin_entry(struct rpc_extension_watch *w, struct chain_reader *reader,
                       const struct found *found)
{
    struct permission_value values[PERMISSION_VALUES_MAX];
    struct extension_entry entry = {.management = found->management};
    bool known = permission_abi_decode(values, "(address,string,address)", found->data);
    if (!known || !extension_entry_set_key(&entry, values[1].text)) {
        report(w->call.backend, &found->management,
               "An extension that has begun cannot be read and is not watched",
               bytes_str("its event is not as it should be"));
        return 0;
    }
    assert(found->psi.len <= EXTENSION_PSI_MAX);
    memcpy(entry.psi, found->psi.data, found->psi.len);
    entry.contract = values[0].address;
    entry.recipient = values[2].address;
    int status = read_sender(w, reader, found, &entry, &known);
    if (status || !known)
        return status;
    w->changed = true;
    status = extension_list_add(&w->list, &entry);
    if (status != ERR_LIMIT)
        return status;
    report(w->call.backend, &found->management, "An extension that has begun is not watched",
           bytes_str("there are too many"));
    return 0;
}

/* The logs of every tenant, for each of them. */
static int read_logs(struct rpc_extension_watch *w, struct chain_reader *reader)
{
    const struct chain_psis *psis = w->call.backend->psis;
    struct chain_log_filter filter = {.from = w->list.watched + 1, .to = w->to, .topic_count = 1};
    filter.topics[0].topics = extension_topics;
    filter.topics[0].count = EXTENSION_EVENTS;
    int status = 0;
    for (size_t i = 0; i < (psis ? psis->count : 1) && status == 0; i++) {
        w->psi = filter.psi = psis ? psis->list[i].name : chain_psi_private();
        status = chain_reader_logs(reader, &filter, keep_log, w);
    }
    return status;
}

static int read_blocks(struct rpc_extension_watch *w)
{
    struct chain_reader reader;
    if (w->list.watched >= w->to)
        return 0;
    int status = chain_reader_open(&reader, w->call.backend->chain);
    if (status)
        return status;
    status = read_logs(w, &reader);
    const struct found *found = (const struct found *)(const void *)w->found.data;
    for (size_t i = 0; i < w->found.len / sizeof(*found) && status == 0; i++) {
        if (found[i].event == EXTENSION_CREATED)
            status = begin_entry(w, &reader, &found[i]);
        else if (found[i].event == EXTENSION_FINISHED)
            w->changed |= extension_list_remove(&w->list, found[i].psi, &found[i].management);
        w->look = true;
    }
    chain_reader_close(&reader);
    if (status == 0)
        w->list.watched = w->to;
    return status;
}

/* --- On the worker: what is to be done --- */

static struct action *add_action(struct rpc_extension_watch *w, const struct extension_entry *entry,
                                 bool is_share)
{
    struct action *action = &w->actions[w->action_count++];
    struct buf *b = &action->request;
    action->management = entry->management;
    memcpy(action->psi, w->call.access.psi, sizeof(action->psi));
    action->is_share = is_share;
    buf_append_format(
        b, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"quorumExtension_%s\",\"params\":[",
        is_share ? "shareState" : "approveExtension");
    rpc_write_address(b, &entry->management);
    return action;
}

/* The vote of who began it: with all parties of the management contract. */
static int vote(struct rpc_extension_watch *w, const struct extension_entry *entry,
                const struct address *creator)
{
    struct privacy_keys parties;
    struct chain_payload payload;
    struct err_detail detail = {""};
    struct privacy_tm *tm = w->call.backend->privacy;
    int status = privacy_participants(tm, &parties, &entry->creation, &w->arena, &detail);
    if (status == 0)
        status = privacy_receive(tm, &payload, &entry->creation, false, &w->arena, &detail);
    if (status)
        return status;
    struct buf *b = &add_action(w, entry, false)->request;
    buf_append_text(b, ",true,{");
    rpc_put_address(b, "from", creator);
    if (payload.is_party && payload.sender.len) {
        rpc_key(b, "privateFrom");
        rpc_json_write_string(b, payload.sender);
    }
    rpc_key(b, "privateFor");
    buf_append_byte(b, '[');
    for (size_t i = 0; i < parties.count; i++) {
        rpc_item(b);
        rpc_json_write_string(b, parties.keys[i]);
    }
    buf_append_text(b, "]}]}");
    return buf_status(b);
}

/* Whether all have voted for it, and the state is still to be shared. */
static int is_agreed(struct rpc_call *call, const struct address *management, bool *ret)
{
    struct permission_value out[PERMISSION_VALUES_MAX];
    bool all = false, outcome = false;
    int status = rpc_extension_ask_bool(call, management, NULL, EXTENSION_ALL_VOTED, &all);
    if (status == 0)
        status = rpc_extension_ask_bool(call, management, NULL, EXTENSION_OUTCOME, &outcome);
    if (status == 0)
        status =
            rpc_extension_ask(call, management, NULL, EXTENSION_SHARED_HASH, NULL, "(string)", out);
    *ret = status == 0 && all && outcome && out[0].text.len == 0;
    return status;
}

/* Questions are about the entry's private state from now on. False: this node has none of that name (any more). */
static bool set_state(struct rpc_extension_watch *w, const struct extension_entry *entry)
{
    struct rpc_call *call = &w->call;
    size_t len = strlen(entry->psi);
    if (len >= sizeof(call->access.psi))
        return false;
    memcpy(call->access.psi, entry->psi, len + 1);
    return rpc_psi(call) == 0;
}

static int look_at(struct rpc_extension_watch *w, struct extension_entry *entry, bool *ret_over)
{
    struct rpc_call *call = &w->call;
    struct extension_progress *progress = &entry->progress;
    struct address creator;
    struct err_detail detail = {""};
    bool voted = false, agreed = false;
    if ((progress->asked_owner && !progress->is_owner) || !set_state(w, entry))
        return 0; /* its end is told by an event */
    int status =
        rpc_extension_ask_bool(call, &entry->management, NULL, EXTENSION_IS_FINISHED, ret_over);
    if (status || *ret_over)
        return status;
    if (!progress->asked_owner) {
        status = rpc_extension_is_sender(call, &progress->is_owner, &entry->creation, &detail);
        progress->asked_owner = status == 0;
    }
    if (status || !progress->is_owner)
        return status;
    status = rpc_extension_ask_address(call, &entry->management, EXTENSION_CREATOR, &creator);
    if (status == 0 &&
        !(call->backend->accounts && accounts_has(call->backend->accounts, &creator))) {
        report(call->backend, &entry->management,
               "Account used to sign extension contract no longer available", bytes_none());
        progress->is_owner = false;
        return 0;
    }
    if (status == 0)
        status =
            rpc_extension_ask_bool(call, &entry->management, &creator, EXTENSION_HAS_VOTED, &voted);
    if (status == 0 && !voted)
        return progress->voted ? 0 : vote(w, entry, &creator);
    if (status == 0 && !progress->shared)
        status = is_agreed(call, &entry->management, &agreed);
    if (status == 0 && agreed) {
        struct buf *b = &add_action(w, entry, true)->request;
        buf_append_text(b, "]}");
        status = buf_status(b);
    }
    return status;
}

/* What cannot be asked now (the contract is not there yet, the manager does not answer) is asked again. */
static int look_at_all(struct rpc_extension_watch *w)
{
    for (size_t i = 0; i < w->list.count && w->action_count < RPC_EXTENSION_ACTIONS;) {
        struct extension_entry *entry = &w->list.entries[i];
        struct extension_progress *progress = &entry->progress;
        bool over = false, due = progress->not_before && w->now >= progress->not_before;
        if ((!w->look && !due) || (progress->not_before && !due)) {
            i++;
            continue;
        }
        int status = look_at(w, entry, &over);
        if (status < 0)
            return status;
        progress->not_before = status ? w->now + RPC_EXTENSION_RETRY_MS : 0;
        if (over) {
            w->changed |=
                extension_list_remove(&w->list, bytes_str(entry->psi), &entry->management);
            continue;
        }
        i++;
    }
    return 0;
}

static void work(void *context)
{
    struct rpc_extension_watch *w = context;
    w->status = read_blocks(w);
    if (w->status == 0 && w->may_act)
        w->status = look_at_all(w);
}

/* --- On the loop --- */

static void next_look(struct rpc_extension *ext);

static void end(struct rpc_extension_watch *w)
{
    struct rpc_extension *ext = w->ext;
    bool go_on = w->status == 0 && ext->list.watched < ext->head;
    for (size_t i = 0; i < w->action_count; i++)
        buf_release(&w->actions[i].request);
    extension_list_release(&w->list);
    buf_release(&w->found);
    buf_release(&w->scratch);
    arena_release(&w->arena);
    mem_free(w);
    ext->watch = NULL;
    if (go_on)
        next_look(ext);
}

/* The message of an error; data NULL: the answer is none. */
static struct bytes error_of(struct bytes answer, struct arena *arena)
{
    struct rpc_json_walk walk, inner;
    struct bytes key, value, name, text, whole;
    if (rpc_json_first(&whole, answer) != RPC_JSON_VALUE)
        return bytes_str("there is no answer");
    rpc_json_walk_begin(&walk, whole);
    while (rpc_json_member(&walk, &key, &value)) {
        if (!rpc_json_key_is(key, "error"))
            continue;
        rpc_json_walk_begin(&inner, value);
        while (rpc_json_member(&inner, &name, &text))
            if (rpc_json_key_is(name, "message"))
                return rpc_json_string(text, arena);
    }
    return bytes_none();
}

static void do_next(struct rpc_extension_watch *w);

static void on_done(void *context, struct buf *answer)
{
    struct rpc_extension_watch *w = context;
    const struct action *action = &w->actions[w->next_action - 1];
    struct extension_entry *entry =
        extension_list_find(&w->ext->list, bytes_str(action->psi), &action->management);
    struct bytes error = error_of(buf_bytes(answer), &w->arena);
    if (error.data)
        report(w->call.backend, &action->management,
               action->is_share ? "The state of an extended contract is not shared yet"
                                : "The vote of an extension's initiator is not cast yet",
               error);
    if (entry && error.data)
        entry->progress.not_before = w->now + RPC_EXTENSION_RETRY_MS;
    else if (entry)
        *(action->is_share ? &entry->progress.shared : &entry->progress.voted) = true;
    do_next(w);
}

static void do_next(struct rpc_extension_watch *w)
{
    if (w->next_action == w->action_count) {
        end(w);
        return;
    }
    struct action *action = &w->actions[w->next_action++];
    struct rpc_access access = rpc_access_all();
    memcpy(access.psi, action->psi, sizeof(access.psi));
    rpc_ask(w->ext->rpc, access, &action->request, on_done, w);
}

static void take_list(struct rpc_extension_watch *w)
{
    static const struct address none;
    struct rpc_extension *ext = w->ext;
    struct err_detail detail = {""};
    struct extension_list old = ext->list;
    ext->list = w->list;
    w->list = old;
    if (w->again_from < ext->list.watched)
        ext->list.watched = w->again_from;
    if (!w->changed && ext->list.watched < ext->saved + RPC_EXTENSION_SAVED)
        return;
    if (extension_list_save(&ext->list, ext->path, &detail) == 0)
        ext->saved = ext->list.watched;
    else
        report(ext->backend, &none, "Couldn't save outstanding extension contract details",
               bytes_str(detail.text));
}

static void done(void *context)
{
    struct rpc_extension_watch *w = context;
    bool all = w->may_act && w->action_count < RPC_EXTENSION_ACTIONS;
    rpc_stay_on_loop(&w->call);
    if (w->look && (w->status || !all) && !w->call.backend->proxy)
        w->ext->look = true;
    if (w->status) { /* the next head reads the same blocks again */
        end(w);
        return;
    }
    take_list(w);
    do_next(w);
}

static bool is_syncing(const struct rpc_backend *backend)
{
    struct rpc_sync sync = {.syncing = false};
    if (backend->sync)
        backend->sync(backend->context, &sync);
    return sync.syncing;
}

static bool is_due(const struct rpc_extension *ext, uint64_t now)
{
    for (size_t i = 0; i < ext->list.count; i++) {
        uint64_t at = ext->list.entries[i].progress.not_before;
        if (at && now >= at)
            return true;
    }
    return false;
}

static void next_look(struct rpc_extension *ext)
{
    const struct rpc_backend *backend = ext->backend;
    uint64_t now = backend->loop ? io_loop_now(backend->loop) : 0;
    if (ext->watch || !ext->path ||
        (ext->list.watched == ext->head && !ext->look && !is_due(ext, now)))
        return;
    struct rpc_extension_watch *w = mem_alloc_zeroed(1, sizeof(*w));
    if (!w || extension_list_copy(&w->list, &ext->list)) {
        mem_free(w);
        return; /* the next head tries again */
    }
    w->ext = ext;
    w->to = ext->head;
    w->again_from = UINT64_MAX;
    w->now = now;
    w->may_act = !backend->proxy && !is_syncing(backend);
    w->look = ext->look;
    ext->look = false;
    arena_init(&w->arena);
    w->call = (struct rpc_call){
        .backend = backend, .rpc = ext->rpc, .arena = &w->arena, .out = &w->scratch};
    ext->watch = w;
    struct io_worker *worker = rpc_choose_worker(&w->call);
    if (worker && io_worker_run(worker, work, done, w) == 0)
        return;
    rpc_stay_on_loop(&w->call);
    work(w);
    done(w);
}

void rpc_extension_head(struct rpc *rpc, uint64_t number, uint64_t blocks, uint64_t transactions)
{
    struct rpc_extension *ext = rpc_extension_of(rpc);
    uint64_t before = number - (blocks < number ? blocks : number);
    if (!ext->path)
        return;
    ext->head = number;
    if (before < ext->list.watched)
        ext->list.watched = before;
    if (ext->watch && before < ext->watch->again_from)
        ext->watch->again_from = before;
    /* Without transactions there are no logs: no worker is woken to read that. */
    if (transactions == 0 && !ext->watch && ext->list.watched == before &&
        number < ext->saved + RPC_EXTENSION_SAVED)
        ext->list.watched = number;
    next_look(ext);
}
