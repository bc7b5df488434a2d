#include "base/mem.h"
#include "consensus/raft/state.h"

#include <stdlib.h>

/* --- The members --- */

static size_t place_of(const struct raft_machine *m, uint64_t id)
{
    size_t at = 0;
    while (at < m->member_count && m->members[at].id < id)
        at++;
    return at;
}

struct raft_progress *raft_progress_of(const struct raft_machine *m, uint64_t id)
{
    size_t at = place_of(m, id);
    return at < m->member_count && m->members[at].id == id ? &m->members[at] : NULL;
}

int raft_progress_add(struct raft_machine *m, uint64_t id, uint64_t next, bool learner)
{
    size_t at = place_of(m, id);
    assert(!raft_progress_of(m, id));
    if (m->member_count == RAFT_MEMBERS_MAX)
        return ERR_LIMIT;
    if (!m->members)
        m->members = mem_alloc_zeroed(RAFT_MEMBERS_MAX, sizeof(*m->members));
    uint64_t *inflight = mem_alloc(RAFT_INFLIGHT_MAX * sizeof(uint64_t));
    if (!m->members || !inflight) {
        mem_free(inflight);
        return ERR_NOMEM;
    }
    memmove(&m->members[at + 1], &m->members[at], (m->member_count - at) * sizeof(*m->members));
    m->members[at] =
        (struct raft_progress){.id = id, .next = next, .learner = learner, .inflight = inflight};
    m->member_count++;
    return ERR_OK;
}

void raft_progress_remove(struct raft_machine *m, uint64_t id)
{
    struct raft_progress *p = raft_progress_of(m, id);
    if (!p)
        return;
    size_t at = (size_t)(p - m->members);
    mem_free(p->inflight);
    m->member_count--;
    memmove(p, p + 1, (m->member_count - at) * sizeof(*p));
}

void raft_progress_clear(struct raft_machine *m)
{
    for (size_t i = 0; i < m->member_count; i++)
        mem_free(m->members[i].inflight);
    m->member_count = 0;
}

/* --- Majorities: of voters --- */

static size_t voters(const struct raft_machine *m)
{
    size_t count = 0;
    for (size_t i = 0; i < m->member_count; i++)
        count += !m->members[i].learner;
    return count;
}

size_t raft_quorum(const struct raft_machine *m)
{
    return voters(m) / 2 + 1;
}

static int descending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x < y) - (x > y);
}

uint64_t raft_majority_match(const struct raft_machine *m)
{
    uint64_t matches[RAFT_MEMBERS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < m->member_count; i++)
        if (!m->members[i].learner)
            matches[count++] = m->members[i].match;
    if (count == 0)
        return 0; /* etcd reads beyond an empty array here */
    qsort(matches, count, sizeof(*matches), descending);
    return matches[raft_quorum(m) - 1];
}

/* --- One member --- */

static void change(struct raft_progress *p, enum raft_sending sending)
{
    p->paused = false;
    p->pending_snapshot = 0;
    p->sending = sending;
    p->inflight_at = p->inflight_count = 0;
}

void raft_progress_reset(struct raft_progress *p, uint64_t next)
{
    change(p, RAFT_PROBE);
    p->match = 0;
    p->next = next;
    p->active = false;
}

bool raft_progress_paused(const struct raft_progress *p)
{
    switch (p->sending) {
    case RAFT_PROBE:
        return p->paused;
    case RAFT_REPLICATE:
        return p->inflight_count == RAFT_INFLIGHT_MAX;
    case RAFT_SNAPSHOT:
        return true;
    }
    return true;
}

void raft_progress_probe(struct raft_progress *p)
{
    uint64_t pending = p->sending == RAFT_SNAPSHOT ? p->pending_snapshot : 0;
    change(p, RAFT_PROBE);
    p->next = (p->match > pending ? p->match : pending) + 1;
}

void raft_progress_replicate(struct raft_progress *p)
{
    change(p, RAFT_REPLICATE);
    p->next = p->match + 1;
}

void raft_progress_snapshot(struct raft_progress *p, uint64_t index)
{
    change(p, RAFT_SNAPSHOT);
    p->pending_snapshot = index;
}

bool raft_progress_update(struct raft_progress *p, uint64_t index)
{
    bool updated = p->match < index;
    if (updated) {
        p->match = index;
        p->paused = false;
    }
    if (p->next < index + 1)
        p->next = index + 1;
    return updated;
}

bool raft_progress_decrease(struct raft_progress *p, uint64_t rejected, uint64_t last)
{
    if (p->sending == RAFT_REPLICATE) {
        if (rejected <= p->match)
            return false; /* old */
        p->next = p->match + 1;
        return true;
    }
    if (p->next - 1 != rejected)
        return false;
    p->next = rejected < last + 1 ? rejected : last + 1;
    if (p->next < 1)
        p->next = 1;
    p->paused = false;
    return true;
}

void raft_inflight_add(struct raft_progress *p, uint64_t index)
{
    assert(p->inflight_count < RAFT_INFLIGHT_MAX);
    p->inflight[(p->inflight_at + p->inflight_count++) % RAFT_INFLIGHT_MAX] = index;
}

void raft_inflight_free_to(struct raft_progress *p, uint64_t index)
{
    while (p->inflight_count && p->inflight[p->inflight_at] <= index) {
        p->inflight_at = (p->inflight_at + 1) % RAFT_INFLIGHT_MAX;
        p->inflight_count--;
    }
}
