#include "consensus/raft/machine.h"

#include "base/mem.h"
#include "consensus/raft/state.h"

#include <inttypes.h>

/* Terms and indices that no cluster reaches: a message with one is a lie, and would overflow. */
static const uint64_t BEYOND = UINT64_C(1) << 62;

/* --- Life --- */

static int take_members(struct raft_machine *m, const struct raft_conf_state *conf)
{
    int status = ERR_OK;
    for (size_t i = 0; i < conf->node_count + conf->learner_count && status == ERR_OK; i++) {
        bool learner = i >= conf->node_count;
        uint64_t id = learner ? conf->learners[i - conf->node_count] : conf->nodes[i];
        if (raft_progress_of(m, id))
            continue;
        status = raft_progress_add(m, id, 1, learner);
        if (id == m->id)
            m->learner = learner;
    }
    return status;
}

static int take_durable(struct raft_machine *m, const struct raft_options *o,
                        struct err_detail *detail)
{
    int status = ERR_OK;
    if (o->snapshot && o->snapshot->index) {
        m->snapshot = raft_kept_new(o->snapshot);
        if (!m->snapshot)
            return err_set(detail, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
        raft_log_reset(&m->log, o->snapshot->index, o->snapshot->term);
        m->conf_index = o->snapshot->index;
        status = take_members(m, &o->snapshot->conf);
    }
    for (size_t i = 0; i < o->entry_count; i++)
        if (o->entries[i].index != m->log.offset + 1 + i)
            return err_set(detail, ERR_CORRUPT,
                           "the raft log has entry %" PRIu64 " where %" PRIu64 " belongs",
                           o->entries[i].index, m->log.offset + 1 + i);
    if (status == ERR_OK)
        status = raft_log_append(&m->log, o->entries, o->entry_count);
    if (status != ERR_OK)
        return err_set(detail, status, "raft: %s", err_text(status));
    uint64_t last = raft_log_last(&m->log);
    m->log.stable = last;
    m->term = o->hard.term;
    m->vote = o->hard.vote;
    if (o->hard.commit > last) {
        m->alarm = RAFT_ALARM_LOST_LOG;
        m->behind = o->hard.commit;
    }
    if (o->hard.commit > m->log.committed)
        m->log.committed = o->hard.commit < last ? o->hard.commit : last;
    m->told = (struct raft_hard_state){m->term, m->vote, m->log.committed};
    return ERR_OK;
}

int raft_machine_new(struct raft_machine **ret_machine, const struct raft_options *o,
                     struct err_detail *detail)
{
    struct raft_machine *m = mem_alloc_zeroed(1, sizeof(*m));
    if (!m)
        return err_set(detail, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
    m->id = o->id;
    m->pre_vote = o->pre_vote;
    m->election_ticks = o->election_ticks ? o->election_ticks : RAFT_ELECTION_TICKS;
    m->heartbeat_ticks = o->heartbeat_ticks ? o->heartbeat_ticks : RAFT_HEARTBEAT_TICKS;
    m->append_size = o->append_size ? o->append_size : RAFT_APPEND_SIZE;
    m->trail_count = o->trail_count ? o->trail_count : RAFT_TRAIL_COUNT;
    m->random = o->seed ^ o->id * UINT64_C(0x9e3779b97f4a7c15);
    int status = take_durable(m, o, detail);
    if (status != ERR_OK) {
        raft_machine_free(m);
        return status;
    }
    raft_become_follower(m, m->term, 0);
    *ret_machine = m;
    return ERR_OK;
}

void raft_machine_free(struct raft_machine *m)
{
    if (!m)
        return;
    raft_out_release(m->out, m->out_count);
    raft_entries_release(m->log.entries, m->log.count);
    raft_progress_clear(m);
    mem_free(m->members);
    raft_kept_unref(m->snapshot);
    raft_kept_unref(m->received);
    mem_free(m);
}

int raft_machine_bootstrap(struct raft_machine *m, const struct raft_member *members, size_t count)
{
    struct buf b = BUF_INIT;
    int status = ERR_OK;
    assert(m->log.count == 0 && m->log.offset == 0);
    raft_become_follower(m, 1, 0);
    for (size_t i = 0; i < count && status == ERR_OK; i++) {
        const struct raft_conf_change add = {
            .type = RAFT_ADD_NODE, .node = members[i].id, .context = members[i].context};
        buf_clear(&b);
        raft_conf_change_write(&b, &add);
        const struct raft_entry e = {
            .type = RAFT_ENTRY_CONF_CHANGE, .term = 1, .index = i + 1, .data = buf_bytes(&b)};
        status = buf_status(&b) ? buf_status(&b) : raft_log_append(&m->log, &e, 1);
    }
    buf_release(&b);
    m->log.committed = raft_log_last(&m->log);
    for (size_t i = 0; i < count && status == ERR_OK; i++)
        if (!raft_progress_of(m, members[i].id))
            status = raft_progress_add(m, members[i].id, m->log.committed + 1, false);
    return status;
}

/* --- Events --- */

int raft_machine_tick(struct raft_machine *m)
{
    struct raft_message local = {.type = RAFT_HUP, .from = m->id};
    m->election_elapsed++;
    if (m->role != RAFT_LEADER) {
        if (m->election_elapsed < m->timeout || !raft_promotable(m))
            return ERR_OK;
        m->election_elapsed = 0;
        return raft_step(m, &local);
    }
    if (++m->heartbeat_elapsed < m->heartbeat_ticks)
        return ERR_OK;
    m->heartbeat_elapsed = 0;
    local.type = RAFT_BEAT;
    return raft_step(m, &local);
}

static bool is_local(uint64_t type)
{
    return type == RAFT_HUP || type == RAFT_BEAT || type == RAFT_UNREACHABLE ||
           type == RAFT_SNAP_STATUS || type == RAFT_CHECK_QUORUM || type >= RAFT_MESSAGE_TYPES;
}

static bool is_answer(uint64_t type)
{
    return type == RAFT_APP_RESP || type == RAFT_VOTE_RESP || type == RAFT_HEARTBEAT_RESP ||
           type == RAFT_PRE_VOTE_RESP;
}

/* What every member's messages hold. */
static bool is_sound(const struct raft_message *in)
{
    if (in->term > BEYOND || in->index > BEYOND || in->commit > BEYOND ||
        in->reject_hint > BEYOND || in->snapshot.index > BEYOND)
        return false;
    bool needs_term = in->type != RAFT_PROP && in->type != RAFT_READ_INDEX;
    if (needs_term != (in->term > 0))
        return false;
    for (size_t i = 0; i < in->entry_count && in->type == RAFT_APP; i++)
        if (in->entries[i].index != in->index + 1 + i || in->entries[i].term > in->term)
            return false;
    return true;
}

int raft_machine_receive(struct raft_machine *m, const struct raft_message *in)
{
    if (is_local(in->type) || in->from == 0 || in->from == m->id || in->to != m->id ||
        !is_sound(in) || (is_answer(in->type) && !raft_progress_of(m, in->from)))
        return ERR_OK;
    return raft_step(m, in);
}

static int propose(struct raft_machine *m, enum raft_proposed *ret_proposed,
                   struct raft_entry entry)
{
    struct raft_message local = {
        .type = RAFT_PROP, .from = m->id, .entries = &entry, .entry_count = 1};
    const struct raft_progress *self = raft_progress_of(m, m->id);
    bool can = m->role == RAFT_LEADER ? self != NULL : m->role == RAFT_FOLLOWER && m->leader != 0;
    *ret_proposed = can ? RAFT_PROPOSED : RAFT_NO_LEADER;
    return can ? raft_step(m, &local) : ERR_OK;
}

int raft_machine_propose(struct raft_machine *m, enum raft_proposed *ret_proposed,
                         struct bytes data)
{
    return propose(m, ret_proposed, (struct raft_entry){.type = RAFT_ENTRY_NORMAL, .data = data});
}

int raft_machine_propose_conf(struct raft_machine *m, enum raft_proposed *ret_proposed,
                              const struct raft_conf_change *change)
{
    struct buf b = BUF_INIT;
    raft_conf_change_write(&b, change);
    int status = buf_status(&b);
    if (status == ERR_OK)
        status =
            propose(m, ret_proposed,
                    (struct raft_entry){.type = RAFT_ENTRY_CONF_CHANGE, .data = buf_bytes(&b)});
    buf_release(&b);
    return status;
}

int raft_machine_report_unreachable(struct raft_machine *m, uint64_t id)
{
    return raft_step(m, &(struct raft_message){.type = RAFT_UNREACHABLE, .from = id});
}

int raft_machine_report_snapshot(struct raft_machine *m, uint64_t id, bool arrived)
{
    return raft_step(
        m, &(struct raft_message){.type = RAFT_SNAP_STATUS, .from = id, .reject = !arrived});
}

void raft_machine_set_pre_vote(struct raft_machine *m, bool pre_vote)
{
    m->pre_vote = pre_vote;
}

/* --- The application --- */

static int add_member(struct raft_machine *m, uint64_t id, bool learner)
{
    struct raft_progress *p = raft_progress_of(m, id);
    if (p && (learner || !p->learner))
        return ERR_OK; /* known, or a voter that is to become a learner, which cannot be */
    if (!p) {
        int status = raft_progress_add(m, id, raft_log_last(&m->log) + 1, learner);
        if (status != ERR_OK)
            return status == ERR_LIMIT ? ERR_OK : status;
        p = raft_progress_of(m, id);
    }
    p->learner = learner;
    p->active = true;
    if (id == m->id) {
        m->learner = learner;
        if (m->role == RAFT_LEADER)
            raft_progress_update(p, raft_log_last(&m->log));
    }
    return ERR_OK;
}

int raft_machine_apply_conf(struct raft_machine *m, uint64_t index,
                            const struct raft_conf_change *change)
{
    if (index <= m->conf_index)
        return ERR_OK;
    m->conf_index = index;
    m->pending_conf = false;
    if (change->node == 0 || change->node > UINT16_MAX)
        return ERR_OK;
    if (change->type == RAFT_ADD_NODE || change->type == RAFT_ADD_LEARNER)
        return add_member(m, change->node, change->type == RAFT_ADD_LEARNER);
    if (change->type != RAFT_REMOVE_NODE)
        return ERR_OK;
    raft_progress_remove(m, change->node);
    return m->role == RAFT_LEADER && raft_maybe_commit(m) ? raft_send_appends(m) : ERR_OK;
}

void raft_machine_applied(struct raft_machine *m, uint64_t index)
{
    if (index > m->log.applied && index <= m->log.committed)
        m->log.applied = index;
}

/* How far the log may be cut: members that are a little late find a trail. */
static uint64_t trail_start(const struct raft_machine *m, uint64_t index)
{
    const struct raft_log *log = &m->log;
    size_t bytes = 0, count = 0;
    while (index > log->offset && count < m->trail_count && bytes < RAFT_TRAIL_BYTES) {
        bytes += log->entries[index - log->offset - 1].data.len;
        count++;
        index--;
    }
    return index;
}

int raft_machine_compact(struct raft_machine *m, uint64_t index, struct bytes data)
{
    uint64_t nodes[RAFT_MEMBERS_MAX], learners[RAFT_MEMBERS_MAX];
    struct raft_snapshot s = {.data = data, .index = index};
    if (index > m->log.applied || (m->snapshot && index <= m->snapshot->snapshot.index) ||
        raft_log_term(&m->log, index, &s.term) != ERR_OK)
        return ERR_OK;
    s.conf = (struct raft_conf_state){nodes, learners, raft_machine_voters(m, nodes),
                                      raft_machine_learners(m, learners)};
    struct raft_kept *kept = raft_kept_new(&s);
    if (!kept)
        return ERR_NOMEM;
    raft_kept_unref(m->snapshot);
    m->snapshot = kept;
    raft_log_cut(&m->log, trail_start(m, index));
    return ERR_OK;
}

/* --- Batches --- */

static bool hard_equal(const struct raft_hard_state *a, const struct raft_hard_state *b)
{
    return a->term == b->term && a->vote == b->vote && a->commit == b->commit;
}

static int slice_all(struct raft_log *log, uint64_t from, uint64_t to,
                     struct raft_entry **ret_entries, size_t *ret_count)
{
    return from <= to ? raft_log_slice(log, from, to + 1, SIZE_MAX, ret_entries, ret_count)
                      : ERR_OK;
}

int raft_machine_ready(struct raft_machine *m, struct raft_ready *ret_ready, bool *ret_any)
{
    struct raft_log *log = &m->log;
    struct raft_ready ready = {.hard = {m->term, m->vote, log->committed}, .durable = log->stable};
    assert(!m->busy);
    int status =
        slice_all(log, log->stable + 1, raft_log_last(log), &ready.entries, &ready.entry_count);
    /* A batch has RAFT_ENTRIES_MAX entries at most: what is committed must be among the durable ones. */
    uint64_t durable = log->stable + ready.entry_count;
    if (ready.hard.commit > durable)
        ready.hard.commit = durable;
    ready.has_hard = !hard_equal(&ready.hard, &m->told);
    ready.sync =
        ready.entry_count > 0 || ready.hard.term != m->told.term || ready.hard.vote != m->told.vote;
    ready.leader = m->role == RAFT_LEADER && ready.hard.term == m->told.term &&
                   ready.hard.vote == m->told.vote;
    if (status == ERR_OK)
        status = slice_all(log, log->handed + 1, ready.hard.commit, &ready.committed,
                           &ready.committed_count);
    if (status != ERR_OK) {
        raft_ready_release(&ready);
        return status;
    }
    ready.snapshot = m->received;
    m->received = NULL;
    bool whole = durable == raft_log_last(log); /* else answers would promise too much */
    if (whole) {
        ready.messages = m->out;
        ready.message_count = m->out_count;
        m->out = NULL;
        m->out_count = m->out_capacity = 0;
    }
    *ret_any = ready.has_hard || ready.entry_count || ready.snapshot || ready.message_count ||
               ready.committed_count;
    m->busy = *ret_any;
    *ret_ready = ready;
    return ERR_OK;
}

void raft_machine_advance(struct raft_machine *m, const struct raft_ready *ready)
{
    assert(m->busy);
    m->busy = false;
    m->told = ready->hard;
    if (ready->snapshot) {
        raft_kept_unref(m->snapshot);
        m->snapshot = ready->snapshot;
        m->snapshot->references++;
    }
    if (ready->committed_count &&
        ready->committed[ready->committed_count - 1].index > m->log.handed)
        m->log.handed = ready->committed[ready->committed_count - 1].index;
    if (ready->entry_count) {
        const struct raft_entry *last = &ready->entries[ready->entry_count - 1];
        if (last->index > m->log.stable && raft_log_matches(&m->log, last->index, last->term))
            m->log.stable = last->index;
    }
}

void raft_ready_release(struct raft_ready *ready)
{
    raft_entries_release(ready->entries, ready->entry_count);
    raft_entries_release(ready->committed, ready->committed_count);
    raft_out_release(ready->messages, ready->message_count);
    raft_kept_unref(ready->snapshot);
    *ready = (struct raft_ready){0};
}

bool raft_ready_is_early(const struct raft_ready *ready, const struct raft_message *message)
{
    /* A single voter commits what it has just appended: that must be durable before others hear of it. */
    return ready->leader && message->term == ready->hard.term &&
           message->commit <= ready->durable &&
           (message->type == RAFT_APP || message->type == RAFT_HEARTBEAT);
}

/* --- Looking --- */

void raft_machine_status(const struct raft_machine *m, struct raft_status *ret_status)
{
    const struct raft_progress *self = raft_progress_of(m, m->id);
    uint64_t snapshot = m->snapshot ? m->snapshot->snapshot.index : 0;
    *ret_status = (struct raft_status){
        .id = m->id,
        .term = m->term,
        .vote = m->vote,
        .leader = m->leader,
        .role = m->role,
        .member = self != NULL,
        .learner = self && self->learner,
        .first = m->log.offset + 1,
        .last = raft_log_last(&m->log),
        .committed = m->log.committed,
        .applied = m->log.applied,
        .snapshot = snapshot,
        .alarm = m->alarm,
    };
    for (size_t i = m->log.count; i > 0 && m->log.entries[i - 1].index > snapshot; i--)
        ret_status->since_snapshot += m->log.entries[i - 1].data.len;
}

void raft_machine_clear_alarm(struct raft_machine *m)
{
    m->alarm = RAFT_ALARM_NONE;
}

static size_t list(const struct raft_machine *m, uint64_t *ids, bool learner)
{
    size_t count = 0;
    for (size_t i = 0; i < m->member_count; i++)
        if (m->members[i].learner == learner)
            ids[count++] = m->members[i].id;
    return count;
}

size_t raft_machine_voters(const struct raft_machine *m, uint64_t *ids)
{
    return list(m, ids, false);
}

size_t raft_machine_learners(const struct raft_machine *m, uint64_t *ids)
{
    return list(m, ids, true);
}

const struct raft_snapshot *raft_machine_snapshot(const struct raft_machine *m)
{
    return m->snapshot ? &m->snapshot->snapshot : NULL;
}
