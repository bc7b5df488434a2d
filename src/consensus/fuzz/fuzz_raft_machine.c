/* Any messages from other members, ticks and proposals into one machine: it takes everything, never gives out a committed entry
 * twice or another one in its place, and its term and vote never go back. */
#include "base/fuzz/fuzz.h"
#include "consensus/raft/machine.h"

enum { SELF = 1, APPLIED_MAX = 4096 };

struct play {
    const uint8_t *at, *end;
    struct raft_machine *machine;
    struct raft_hard_state hard;
    uint64_t handed;
};

static uint8_t next(struct play *p)
{
    return p->at < p->end ? *p->at++ : 0;
}

/* Small numbers near those that matter, sometimes a large one. */
static uint64_t number(struct play *p)
{
    uint8_t byte = next(p);
    return byte == 255   ? UINT64_MAX - next(p)
           : byte == 254 ? (uint64_t)1 << (next(p) % 64)
                         : byte % 24;
}

static void receive(struct play *p)
{
    uint8_t data[4] = {next(p)};
    struct raft_entry entries[4] = {{0}};
    uint64_t ids[4] = {1 + next(p) % 5u, 1 + next(p) % 5u, 3, 4};
    struct raft_message m = {.type = next(p) % 21u,
                             .to = next(p) % 16u ? SELF : number(p),
                             .from = next(p) % 6u,
                             .term = number(p),
                             .log_term = number(p),
                             .index = number(p),
                             .commit = number(p),
                             .reject = next(p) & 1,
                             .reject_hint = number(p),
                             .entries = entries,
                             .entry_count = next(p) % 4u};
    uint8_t shape = next(p);
    for (size_t i = 0; i < m.entry_count; i++)
        entries[i] = (struct raft_entry){.type = shape & 1,
                                         .term = shape & 2 ? m.term : number(p),
                                         .index = shape & 4 ? number(p) : m.index + 1 + i,
                                         .data = bytes_of(data, shape >> 6)};
    if (shape & 8)
        m.snapshot = (struct raft_snapshot){.index = number(p),
                                            .term = number(p),
                                            .conf = {ids, ids + 2, shape >> 5 & 3, shape & 1}};
    require(raft_machine_receive(p->machine, &m) == ERR_OK);
}

static void apply(struct play *p, const struct raft_entry *e)
{
    struct raft_conf_change change;
    require(e->index == p->handed + 1);
    p->handed = e->index;
    raft_machine_applied(p->machine, e->index);
    if (e->type == RAFT_ENTRY_CONF_CHANGE && raft_conf_change_decode(&change, e->data, NULL) == 0)
        require(raft_machine_apply_conf(p->machine, e->index, &change) == ERR_OK);
}

static void carry_out(struct play *p)
{
    struct raft_ready r;
    bool any;
    require(raft_machine_ready(p->machine, &r, &any) == ERR_OK);
    require(r.hard.term >= p->hard.term && r.hard.commit >= p->hard.commit);
    require(r.hard.term > p->hard.term || p->hard.vote == 0 || r.hard.vote == p->hard.vote);
    p->hard = r.hard;
    if (any)
        raft_machine_advance(p->machine, &r);
    if (r.snapshot) {
        require(r.snapshot->snapshot.index > p->handed);
        p->handed = r.snapshot->snapshot.index;
    }
    for (size_t i = 0; i < r.committed_count; i++)
        apply(p, &r.committed[i]);
    raft_ready_release(&r);
}

static void event(struct play *p)
{
    enum raft_proposed outcome;
    struct raft_conf_change change = {.type = next(p) % 5u, .node = number(p)};
    struct raft_status status;
    raft_machine_status(p->machine, &status);
    switch (next(p) % 12) {
    case 0:
        require(raft_machine_propose(p->machine, &outcome, bytes_str("x")) == ERR_OK);
        break;
    case 1:
        require(raft_machine_propose_conf(p->machine, &outcome, &change) == ERR_OK);
        break;
    case 2:
        for (unsigned ticks = next(p) % 24u; ticks > 0; ticks--)
            require(raft_machine_tick(p->machine) == ERR_OK);
        break;
    case 3:
        require(raft_machine_compact(p->machine, status.applied, bytes_str("s")) == ERR_OK);
        break;
    case 4:
        require(raft_machine_report_unreachable(p->machine, number(p)) == ERR_OK &&
                raft_machine_report_snapshot(p->machine, number(p), next(p) & 1) == ERR_OK);
        break;
    default:
        receive(p);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct play p = {.at = data, .end = data + size};
    const struct raft_member members[] = {{1, {NULL, 0}}, {2, {NULL, 0}}, {3, {NULL, 0}}};
    struct raft_options options = {
        .id = SELF, .seed = next(&p), .pre_vote = next(&p) & 1, .trail_count = 2};
    require(raft_machine_new(&p.machine, &options, NULL) == ERR_OK);
    if (next(&p) & 1)
        require(raft_machine_bootstrap(p.machine, members, 3) == ERR_OK);
    while (p.at < p.end && p.handed < APPLIED_MAX) {
        event(&p);
        if (next(&p) & 1)
            carry_out(&p);
    }
    raft_machine_free(p.machine);
    return 0;
}
