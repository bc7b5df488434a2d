#include "base/mem.h"
#include "consensus/raft/state.h"

void raft_kept_unref(struct raft_kept *kept)
{
    if (!kept || --kept->references)
        return;
    raft_blob_unref(kept->data);
    mem_free(kept);
}

struct raft_kept *raft_kept_new(const struct raft_snapshot *s)
{
    size_t ids = s->conf.node_count + s->conf.learner_count;
    struct raft_kept *kept = mem_alloc_zeroed(1, sizeof(*kept) + ids * sizeof(uint64_t));
    struct raft_blob *data = kept ? raft_blob_new(s->data) : NULL;
    if (!data) {
        mem_free(kept);
        return NULL;
    }
    kept->references = 1;
    kept->data = data;
    kept->snapshot = *s;
    kept->snapshot.data = bytes_of(data->data, data->len);
    kept->snapshot.conf.nodes = kept->ids;
    kept->snapshot.conf.learners = kept->ids + s->conf.node_count;
    if (s->conf.node_count)
        memcpy(kept->ids, s->conf.nodes, s->conf.node_count * sizeof(uint64_t));
    if (s->conf.learner_count)
        memcpy(kept->snapshot.conf.learners, s->conf.learners,
               s->conf.learner_count * sizeof(uint64_t));
    return kept;
}

void raft_out_release(struct raft_out *out, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        raft_entries_release(out[i].message.entries, out[i].message.entry_count);
        mem_free((void *)(uintptr_t)out[i].message.context.data);
        raft_kept_unref(out[i].kept);
    }
    mem_free(out);
}

/* A context is echoed, so it is copied; too long a one is left out. */
static bool own_context(struct raft_message *message)
{
    struct bytes from = message->context;
    message->context = bytes_none();
    if (!from.data || from.len > RAFT_CONTEXT_MAX)
        return true;
    uint8_t *copy = mem_alloc(from.len ? from.len : 1);
    if (!copy)
        return false;
    if (from.len)
        memcpy(copy, from.data, from.len);
    message->context = bytes_of(copy, from.len);
    return true;
}

static bool names_its_term(uint64_t type)
{
    return type == RAFT_VOTE || type == RAFT_VOTE_RESP || type == RAFT_PRE_VOTE ||
           type == RAFT_PRE_VOTE_RESP;
}

int raft_send(struct raft_machine *m, struct raft_message message, struct raft_kept *kept)
{
    message.from = m->id;
    if (!names_its_term(message.type))
        message.term = message.type == RAFT_PROP || message.type == RAFT_READ_INDEX ? 0 : m->term;
    if (MEM_RESERVE(m->out, m->out_capacity, m->out_count + 1, 16) || !own_context(&message)) {
        raft_entries_release(message.entries, message.entry_count);
        raft_kept_unref(kept);
        return ERR_NOMEM;
    }
    m->out[m->out_count++] = (struct raft_out){message, kept};
    return ERR_OK;
}

static int send_snapshot(struct raft_machine *m, struct raft_progress *p)
{
    if (!p->active || !m->snapshot)
        return ERR_OK;
    struct raft_message message = {.type = RAFT_SNAP, .to = p->id};
    struct raft_kept *kept = m->snapshot;
    kept->references++;
    message.snapshot = kept->snapshot;
    raft_progress_snapshot(p, kept->snapshot.index);
    return raft_send(m, message, kept);
}

int raft_send_append(struct raft_machine *m, uint64_t to)
{
    struct raft_progress *p = raft_progress_of(m, to);
    if (!p || raft_progress_paused(p))
        return ERR_OK;
    struct raft_message message = {
        .type = RAFT_APP, .to = to, .index = p->next - 1, .commit = m->log.committed};
    /* A newcomer gets the snapshot even while the whole log is there: a GoQuorum node learns its own address from that alone, and
     * ends in a panic when it is made a member by entries. */
    if ((p->next == 1 && m->snapshot) ||
        raft_log_term(&m->log, message.index, &message.log_term) == ERR_NOTFOUND)
        return send_snapshot(m, p);
    if (p->next <= raft_log_last(&m->log)) {
        int status = raft_log_slice(&m->log, p->next, raft_log_last(&m->log) + 1, m->append_size,
                                    &message.entries, &message.entry_count);
        if (status != ERR_OK)
            return status;
    }
    if (message.entry_count) {
        uint64_t last = message.entries[message.entry_count - 1].index;
        if (p->sending == RAFT_REPLICATE) {
            p->next = last + 1;
            raft_inflight_add(p, last);
        } else {
            p->paused = true;
        }
    }
    return raft_send(m, message, NULL);
}

int raft_send_appends(struct raft_machine *m)
{
    int status = ERR_OK;
    for (size_t i = 0; i < m->member_count && status == ERR_OK; i++)
        if (m->members[i].id != m->id)
            status = raft_send_append(m, m->members[i].id);
    return status;
}

int raft_send_heartbeats(struct raft_machine *m)
{
    int status = ERR_OK;
    for (size_t i = 0; i < m->member_count && status == ERR_OK; i++) {
        const struct raft_progress *p = &m->members[i];
        uint64_t commit = p->match < m->log.committed ? p->match : m->log.committed;
        if (p->id != m->id)
            status = raft_send(
                m, (struct raft_message){.type = RAFT_HEARTBEAT, .to = p->id, .commit = commit},
                NULL);
    }
    return status;
}
