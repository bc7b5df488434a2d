#include "consensus/raft/state.h"

enum {
    TRANSFER_LEN =
        16, /* "CampaignTransfer": the context of a vote that was asked for by the leader itself */
};

static int step_campaign(struct raft_machine *m, bool pre, bool transfer);

/* --- Roles --- */

static void reset(struct raft_machine *m, uint64_t term)
{
    if (m->term != term) {
        m->term = term;
        m->vote = 0;
    }
    m->leader = 0;
    m->election_elapsed = m->heartbeat_elapsed = 0;
    m->random = m->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    m->timeout = m->election_ticks + (unsigned)((m->random >> 33) % m->election_ticks);
    m->vote_count = 0;
    m->pending_conf = false;
    for (size_t i = 0; i < m->member_count; i++) {
        struct raft_progress *p = &m->members[i];
        raft_progress_reset(p, raft_log_last(&m->log) + 1);
        if (p->id == m->id)
            p->match = raft_log_last(&m->log);
    }
}

void raft_become_follower(struct raft_machine *m, uint64_t term, uint64_t leader)
{
    reset(m, term);
    m->role = RAFT_FOLLOWER;
    m->leader = leader;
}

static bool has_conf(const struct raft_log *log, uint64_t from, uint64_t to)
{
    for (uint64_t i = from > log->offset ? from : log->offset + 1; i <= to; i++)
        if (log->entries[i - log->offset - 1].type == RAFT_ENTRY_CONF_CHANGE)
            return true;
    return false;
}

bool raft_maybe_commit(struct raft_machine *m)
{
    uint64_t match = raft_majority_match(m);
    if (match <= m->log.committed || !raft_log_matches(&m->log, match, m->term))
        return false;
    m->log.committed = match;
    return true;
}

/* Entries get their place behind the leader's last one. */
static int lead_append(struct raft_machine *m, struct raft_entry *entries, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        entries[i].term = m->term;
        entries[i].index = raft_log_last(&m->log) + 1 + i;
    }
    int status = raft_log_append(&m->log, entries, count);
    struct raft_progress *self = raft_progress_of(m, m->id);
    if (status == ERR_OK && self)
        raft_progress_update(self, raft_log_last(&m->log));
    if (status == ERR_OK)
        (void)raft_maybe_commit(m);
    return status;
}

static int become_leader(struct raft_machine *m)
{
    struct raft_entry empty = {.type = RAFT_ENTRY_NORMAL};
    reset(m, m->term);
    m->role = RAFT_LEADER;
    m->leader = m->id;
    m->pending_conf = has_conf(&m->log, m->log.committed + 1, raft_log_last(&m->log));
    return lead_append(m, &empty, 1);
}

bool raft_promotable(const struct raft_machine *m)
{
    const struct raft_progress *self = raft_progress_of(m, m->id);
    return self && !self->learner && m->behind <= raft_log_last(&m->log);
}

/* --- Elections --- */

static size_t poll(struct raft_machine *m, uint64_t id, bool granted, size_t *ret_refused)
{
    size_t yes = 0, i = 0;
    while (i < m->vote_count && m->votes[i].id != id)
        i++;
    if (i == m->vote_count && m->vote_count < RAFT_MEMBERS_MAX) {
        m->votes[m->vote_count].id = id;
        m->votes[m->vote_count++].granted = granted;
    }
    for (i = 0; i < m->vote_count; i++)
        yes += m->votes[i].granted;
    *ret_refused = m->vote_count - yes;
    return yes;
}

static int ask_for_votes(struct raft_machine *m, uint64_t type, uint64_t term, bool transfer)
{
    struct raft_message ask = {.type = type,
                               .term = term,
                               .index = raft_log_last(&m->log),
                               .log_term = raft_log_last_term(&m->log)};
    int status = ERR_OK;
    if (transfer)
        ask.context = bytes_of("CampaignTransfer", TRANSFER_LEN);
    for (size_t i = 0; i < m->member_count && status == ERR_OK; i++) {
        ask.to = m->members[i].id;
        if (ask.to != m->id && !m->members[i].learner)
            status = raft_send(m, ask, NULL);
    }
    return status;
}

static int step_campaign(struct raft_machine *m, bool pre, bool transfer)
{
    size_t refused;
    if (pre) {
        m->role = RAFT_PRE_CANDIDATE;
        m->vote_count = 0;
        m->leader = 0;
    } else {
        reset(m, m->term + 1);
        m->role = RAFT_CANDIDATE;
        m->vote = m->id;
    }
    if (poll(m, m->id, true, &refused) == raft_quorum(m))
        return pre ? step_campaign(m, false, false) : become_leader(m);
    return ask_for_votes(m, pre ? RAFT_PRE_VOTE : RAFT_VOTE, pre ? m->term + 1 : m->term, transfer);
}

static int hup(struct raft_machine *m)
{
    if (m->role == RAFT_LEADER || has_conf(&m->log, m->log.applied + 1, m->log.committed))
        return ERR_OK;
    return step_campaign(m, m->pre_vote, false);
}

/*
 * Whoever is asked votes. GoQuorum's learners do not, and a cluster of theirs has no leader for ever when a learner was made a
 * voter, does not know it yet, and its vote is needed; only voters are asked, so that learners who vote are no danger.
 */
static int on_vote(struct raft_machine *m, const struct raft_message *in)
{
    bool free = m->vote == 0 || in->term > m->term || m->vote == in->from;
    bool grant = free && raft_log_up_to_date(&m->log, in->index, in->log_term) &&
                 m->behind <= raft_log_last(&m->log);
    uint64_t type = in->type == RAFT_VOTE ? RAFT_VOTE_RESP : RAFT_PRE_VOTE_RESP;
    if (grant && in->type == RAFT_VOTE) {
        m->election_elapsed = 0;
        m->vote = in->from;
    }
    return raft_send(
        m,
        (struct raft_message){
            .type = type, .to = in->from, .term = grant ? in->term : m->term, .reject = !grant},
        NULL);
}

static int on_vote_answer(struct raft_machine *m, const struct raft_message *in)
{
    size_t refused, granted = poll(m, in->from, !in->reject, &refused);
    if (granted == raft_quorum(m)) {
        if (m->role == RAFT_PRE_CANDIDATE)
            return step_campaign(m, false, false);
        int status = become_leader(m);
        return status == ERR_OK ? raft_send_appends(m) : status;
    }
    if (refused == raft_quorum(m))
        raft_become_follower(m, m->term, 0);
    return ERR_OK;
}

/* --- What a leader sends --- */

static int answer_append(struct raft_machine *m, uint64_t to, uint64_t index)
{
    return raft_send(m, (struct raft_message){.type = RAFT_APP_RESP, .to = to, .index = index},
                     NULL);
}

static int refuse_append(struct raft_machine *m, const struct raft_message *in)
{
    return raft_send(m,
                     (struct raft_message){.type = RAFT_APP_RESP,
                                           .to = in->from,
                                           .index = in->index,
                                           .reject = true,
                                           .reject_hint = raft_log_last(&m->log)},
                     NULL);
}

/* The first entry that is not in the log as it is; count: all are. */
static size_t first_new(const struct raft_log *log, const struct raft_message *in)
{
    size_t i = 0;
    while (i < in->entry_count && raft_log_matches(log, in->entries[i].index, in->entries[i].term))
        i++;
    return i;
}

static int on_append(struct raft_machine *m, const struct raft_message *in)
{
    if (in->index < m->log.committed)
        return answer_append(m, in->from, m->log.committed);
    if (!raft_log_matches(&m->log, in->index, in->log_term))
        return refuse_append(m, in);
    size_t from = first_new(&m->log, in);
    uint64_t last = in->index + in->entry_count;
    int status = ERR_OK;
    if (from < in->entry_count)
        status = raft_log_append(&m->log, in->entries + from, in->entry_count - from);
    if (status != ERR_OK)
        return status;
    uint64_t commit = in->commit < last ? in->commit : last;
    if (commit > m->log.committed)
        m->log.committed = commit;
    return answer_append(m, in->from, last);
}

static int on_heartbeat(struct raft_machine *m, const struct raft_message *in)
{
    uint64_t last = raft_log_last(&m->log), commit = in->commit;
    if (commit > last) {
        m->alarm = RAFT_ALARM_LOST_LOG;
        if (commit > m->behind)
            m->behind = commit;
        commit = last;
    }
    if (commit > m->log.committed && m->behind <= last)
        m->log.committed = commit;
    return raft_send(
        m,
        (struct raft_message){.type = RAFT_HEARTBEAT_RESP, .to = in->from, .context = in->context},
        NULL);
}

static int restore(struct raft_machine *m, const struct raft_snapshot *s)
{
    struct raft_kept *kept = raft_kept_new(s);
    int status = kept ? ERR_OK : ERR_NOMEM;
    if (status != ERR_OK)
        return status;
    raft_log_reset(&m->log, s->index, s->term);
    raft_progress_clear(m);
    m->conf_index = s->index;
    m->learner = false;
    for (size_t i = 0; i < s->conf.node_count + s->conf.learner_count && status == ERR_OK; i++) {
        bool learner = i >= s->conf.node_count;
        if (raft_progress_of(m, kept->ids[i]))
            continue; /* named twice; etcd stops the process */
        status = raft_progress_add(m, kept->ids[i], s->index + 1, learner);
        if (status == ERR_OK && kept->ids[i] == m->id) {
            m->learner = learner;
            raft_progress_of(m, m->id)->match = s->index;
        }
    }
    raft_kept_unref(m->received);
    m->received = kept;
    return status == ERR_LIMIT ? ERR_NOMEM : status;
}

static int on_snapshot(struct raft_machine *m, const struct raft_message *in)
{
    const struct raft_snapshot *s = &in->snapshot;
    bool members =
        s->conf.node_count > 0 && s->conf.node_count + s->conf.learner_count <= RAFT_MEMBERS_MAX;
    if (s->index > m->log.committed && raft_log_matches(&m->log, s->index, s->term))
        m->log.committed = s->index;
    else if (s->index > m->log.committed && members) {
        int status = restore(m, s);
        return status == ERR_OK ? answer_append(m, in->from, s->index) : status;
    }
    return answer_append(m, in->from, m->log.committed);
}

static int from_leader(struct raft_machine *m, const struct raft_message *in)
{
    if (m->role == RAFT_LEADER)
        return ERR_OK; /* two leaders of a term: one of them lies */
    if (m->role != RAFT_FOLLOWER)
        raft_become_follower(m, m->term, in->from);
    m->election_elapsed = 0;
    m->leader = in->from;
    if (in->type == RAFT_APP)
        return on_append(m, in);
    return in->type == RAFT_HEARTBEAT ? on_heartbeat(m, in) : on_snapshot(m, in);
}

/* --- What a leader is answered --- */

static int on_append_answer(struct raft_machine *m, struct raft_progress *p,
                            const struct raft_message *in)
{
    p->active = true;
    if (in->reject) {
        if (!raft_progress_decrease(p, in->index, in->reject_hint))
            return ERR_OK;
        if (p->sending == RAFT_REPLICATE)
            raft_progress_probe(p);
        return raft_send_append(m, p->id);
    }
    bool paused = raft_progress_paused(p);
    if (in->index > raft_log_last(&m->log) || !raft_progress_update(p, in->index))
        return ERR_OK;
    if (p->sending == RAFT_PROBE)
        raft_progress_replicate(p);
    else if (p->sending == RAFT_SNAPSHOT && p->match >= p->pending_snapshot)
        raft_progress_probe(p);
    else if (p->sending == RAFT_REPLICATE)
        raft_inflight_free_to(p, in->index);
    if (raft_maybe_commit(m))
        return raft_send_appends(m);
    return paused ? raft_send_append(m, p->id) : ERR_OK;
}

static int on_heartbeat_answer(struct raft_machine *m, struct raft_progress *p)
{
    p->active = true;
    p->paused = false;
    if (p->sending == RAFT_REPLICATE && p->inflight_count == RAFT_INFLIGHT_MAX)
        raft_inflight_free_to(p, p->inflight[p->inflight_at]);
    return p->match < raft_log_last(&m->log) ? raft_send_append(m, p->id) : ERR_OK;
}

static void on_snapshot_status(struct raft_progress *p, bool rejected)
{
    if (p->sending != RAFT_SNAPSHOT)
        return;
    if (rejected)
        p->pending_snapshot = 0;
    raft_progress_probe(p);
    /* Arrived: its answer is waited for. Lost: a heartbeat is. */
    p->paused = true;
}

static int on_answer(struct raft_machine *m, const struct raft_message *in)
{
    struct raft_progress *p = raft_progress_of(m, in->from);
    if (!p || m->role != RAFT_LEADER)
        return ERR_OK;
    switch (in->type) {
    case RAFT_APP_RESP:
        return on_append_answer(m, p, in);
    case RAFT_HEARTBEAT_RESP:
        return on_heartbeat_answer(m, p);
    case RAFT_SNAP_STATUS:
        on_snapshot_status(p, in->reject);
        return ERR_OK;
    default: /* RAFT_UNREACHABLE */
        if (p->sending == RAFT_REPLICATE)
            raft_progress_probe(p);
        return ERR_OK;
    }
}

/* --- Proposals --- */

/*
 * One change of members at a time, and none before an entry of this term is committed: two leaders could otherwise each change
 * them by one and have majorities without a common member (D. Ongaro, "bug in single-server membership changes", 2015).
 * GoQuorum's leader has the first rule only. What is not taken becomes an empty entry.
 */
static int lead_propose(struct raft_machine *m, const struct raft_message *in)
{
    const struct raft_progress *self = raft_progress_of(m, m->id);
    if (!self || self->learner)
        return ERR_OK; /* removed while it led */
    int status = ERR_OK;
    for (size_t i = 0; i < in->entry_count && status == ERR_OK; i++) {
        struct raft_entry e = {
            .type = in->entries[i].type, .data = in->entries[i].data, .blob = in->entries[i].blob};
        if (e.type == RAFT_ENTRY_CONF_CHANGE) {
            if (m->pending_conf || !raft_log_matches(&m->log, m->log.committed, m->term))
                e = (struct raft_entry){.type = RAFT_ENTRY_NORMAL};
            m->pending_conf = true;
        }
        status = lead_append(m, &e, 1);
    }
    return status == ERR_OK ? raft_send_appends(m) : status;
}

static int pass_on(struct raft_machine *m, const struct raft_message *in)
{
    struct raft_log copy = {.offset = 0};
    struct raft_message out = {.type = RAFT_PROP, .to = m->leader};
    int status = ERR_OK;
    for (size_t i = 0; i < in->entry_count && status == ERR_OK; i++) {
        struct raft_entry e = in->entries[i];
        e.index = i + 1; /* a log lends its copying */
        e.term = 0;
        status = raft_log_append(&copy, &e, 1);
    }
    for (size_t i = 0; i < copy.count; i++)
        copy.entries[i].index = 0;
    if (status != ERR_OK) {
        raft_entries_release(copy.entries, copy.count);
        return status;
    }
    out.entries = copy.entries;
    out.entry_count = copy.count;
    return raft_send(m, out, NULL);
}

static int on_propose(struct raft_machine *m, const struct raft_message *in)
{
    if (in->entry_count == 0)
        return ERR_OK; /* etcd's leader stops the process */
    if (m->role == RAFT_LEADER)
        return lead_propose(m, in);
    if (m->role != RAFT_FOLLOWER || m->leader == 0 || m->leader == in->from)
        return ERR_OK;
    return pass_on(m, in);
}

/* --- All --- */

/* False: it says nothing to this term. */
static bool settle_term(struct raft_machine *m, const struct raft_message *in)
{
    if (in->term == 0 || in->term == m->term)
        return true;
    if (in->term < m->term)
        return false;
    if (in->type == RAFT_PRE_VOTE || (in->type == RAFT_PRE_VOTE_RESP && !in->reject))
        return true;
    bool leads = in->type == RAFT_APP || in->type == RAFT_HEARTBEAT || in->type == RAFT_SNAP;
    raft_become_follower(m, in->term, leads ? in->from : 0);
    return true;
}

/* A member at a higher term than its leader says so by standing for election; one that will not, with pre-votes (etcd 3.4) or as
 * a learner or newcomer to whom a removed member has talked, would never hear its leader again. */
static int on_old_term(struct raft_machine *m, const struct raft_message *in)
{
    if (in->type == RAFT_PRE_VOTE)
        return raft_send(
            m,
            (struct raft_message){
                .type = RAFT_PRE_VOTE_RESP, .to = in->from, .term = m->term, .reject = true},
            NULL);
    if ((m->pre_vote || !raft_promotable(m)) &&
        (in->type == RAFT_HEARTBEAT || in->type == RAFT_APP))
        return answer_append(m, in->from, 0);
    return ERR_OK;
}

int raft_step(struct raft_machine *m, const struct raft_message *in)
{
    if (!settle_term(m, in))
        return on_old_term(m, in);
    switch (in->type) {
    case RAFT_HUP:
        return hup(m);
    case RAFT_BEAT:
        return m->role == RAFT_LEADER ? raft_send_heartbeats(m) : ERR_OK;
    case RAFT_PROP:
        return on_propose(m, in);
    case RAFT_APP:
    case RAFT_HEARTBEAT:
    case RAFT_SNAP:
        return from_leader(m, in);
    case RAFT_VOTE:
    case RAFT_PRE_VOTE:
        return on_vote(m, in);
    case RAFT_VOTE_RESP:
        return m->role == RAFT_CANDIDATE ? on_vote_answer(m, in) : ERR_OK;
    case RAFT_PRE_VOTE_RESP:
        return m->role == RAFT_PRE_CANDIDATE ? on_vote_answer(m, in) : ERR_OK;
    case RAFT_APP_RESP:
    case RAFT_HEARTBEAT_RESP:
    case RAFT_UNREACHABLE:
    case RAFT_SNAP_STATUS:
        return on_answer(m, in);
    case RAFT_TIMEOUT_NOW:
        return m->role == RAFT_FOLLOWER && raft_promotable(m) ? step_campaign(m, false, true)
                                                              : ERR_OK;
    default: /* transfers and reads, which nobody here asks for */
        return ERR_OK;
    }
}
