/*
 * A cluster of Raft machines from one seed: messages are lost, doubled, late and out of order, networks part, members crash at
 * any moment and come back with what their disks hold, disks are slow, members join, learn, and leave. At every step the log is
 * one; at the end, without faults, there is a leader and everybody has the same.
 *
 *     test_raft_sim               a few hundred seeds
 *     test_raft_sim FIRST COUNT   those
 */
#include "consensus/raft/machine.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    NODES = 9,
    FIRST = 4, /* members at the beginning */
    WIRE_MAX = 20000,
    COMMANDS_MAX = 200000,
    STEPS = 4000,
    QUIET = 4000, /* steps without faults, in which all must come together */
    SNAPSHOT_EVERY = 15,
};

struct disk {
    struct raft_hard_state hard;
    struct buf snapshot; /* encoded; empty: none */
    struct raft_entry entries[COMMANDS_MAX / 100];
    size_t count;
};

struct node {
    uint64_t id;
    struct raft_machine *machine; /* NULL: down */
    struct disk *disk;
    bool begun, waiting; /* waiting: a batch is on its way to the disk */
    struct raft_ready ready;
    unsigned disk_left; /* steps until it is there */
    /* The application's state: a hash of the log, and who was removed (their messages are not taken). */
    struct {
        uint64_t hash, removed;
    } state;
    uint64_t applied;
    size_t since_snapshot;
    unsigned side; /* of the partition */
};

struct letter {
    struct buf bytes;
    uint64_t to;
    unsigned left;
};

static struct world {
    uint64_t random, seed;
    struct node nodes[NODES];
    struct letter wire[WIRE_MAX];
    size_t wire_count;
    struct {
        uint64_t hash; /* of the log up to here */
        bool known;
    } agreed[COMMANDS_MAX];
    uint64_t agreed_last, proposed, next_command;
    uint64_t leaders[COMMANDS_MAX]; /* by term */
    bool faults, parted, lies;
    uint64_t counts[8]; /* crashes, snapshots sent, conf changes, partitions */
} w;

static void require(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "seed %llu: %s\n", (unsigned long long)w.seed, what);
    abort();
}

static uint64_t draw(uint64_t below)
{
    w.random ^= w.random << 13;
    w.random ^= w.random >> 7;
    w.random ^= w.random << 17;
    return w.random % below;
}

static uint64_t mix(uint64_t hash, const struct raft_entry *e)
{
    hash = (hash ^ e->term) * UINT64_C(0x9e3779b97f4a7c15);
    hash = (hash ^ e->index) * UINT64_C(0xbf58476d1ce4e5b9);
    for (size_t i = 0; i < e->data.len; i++)
        hash = (hash ^ e->data.data[i]) * UINT64_C(0x100000001b3);
    return hash ^ hash >> 29;
}

/* --- Disks --- */

static void disk_keep(struct disk *d, const struct raft_entry *e)
{
    size_t keep = 0;
    while (keep < d->count && d->entries[keep].index < e->index)
        keep++;
    for (size_t i = keep; i < d->count; i++)
        free((void *)(uintptr_t)d->entries[i].data.data);
    d->count = keep;
    uint8_t *copy = e->data.data ? malloc(e->data.len + 1) : NULL;
    if (copy && e->data.len)
        memcpy(copy, e->data.data, e->data.len);
    require(d->count < COMMANDS_MAX / 100, "the log is not compacted");
    d->entries[d->count] = *e;
    d->entries[d->count].blob = NULL;
    d->entries[d->count++].data = bytes_of(copy, e->data.len);
}

static void disk_cut(struct disk *d, uint64_t index)
{
    size_t gone = 0;
    while (gone < d->count && d->entries[gone].index <= index)
        free((void *)(uintptr_t)d->entries[gone++].data.data);
    d->count -= gone;
    memmove(d->entries, d->entries + gone, d->count * sizeof(d->entries[0]));
}

static void disk_snapshot(struct disk *d, const struct raft_snapshot *s)
{
    buf_clear(&d->snapshot);
    raft_snapshot_write(&d->snapshot, s);
    disk_cut(d, s->index);
}

static void disk_write(struct disk *d, const struct raft_ready *r)
{
    if (r->snapshot) {
        disk_snapshot(d, &r->snapshot->snapshot);
        disk_cut(d, UINT64_MAX);
    }
    for (size_t i = 0; i < r->entry_count; i++)
        disk_keep(d, &r->entries[i]);
    if (r->has_hard)
        d->hard = r->hard;
}

static void disk_release(struct disk *d)
{
    disk_cut(d, UINT64_MAX);
    buf_release(&d->snapshot);
}

/* --- Members --- */

static void crash(struct node *n)
{
    if (n->waiting)
        raft_ready_release(&n->ready);
    raft_machine_free(n->machine);
    n->machine = NULL;
    n->waiting = false;
}

/* The application's state is what the snapshot says; the rest is applied again. */
static void start(struct node *n)
{
    struct arena arena;
    struct raft_snapshot s = {.index = 0};
    struct err_detail why;
    struct raft_options o = {.id = n->id,
                             .seed = draw(UINT32_MAX),
                             .hard = n->disk->hard,
                             .entries = n->disk->entries,
                             .entry_count = n->disk->count,
                             .trail_count = 1 + w.seed % 30,
                             .pre_vote = w.seed % 2};
    arena_init(&arena);
    if (n->disk->snapshot.len) {
        require(raft_snapshot_decode(&s, &arena, buf_bytes(&n->disk->snapshot), &why) == 0,
                "a snapshot is damaged");
        o.snapshot = &s;
    }
    require(raft_machine_new(&n->machine, &o, &why) == 0, "a disk has a gap");
    n->applied = s.index;
    memset(&n->state, 0, sizeof(n->state));
    n->since_snapshot = 0;
    if (s.data.len)
        memcpy(&n->state, s.data.data, sizeof(n->state));
    arena_release(&arena);
    if (n->begun || n->id > FIRST)
        return;
    struct raft_member members[FIRST];
    for (size_t i = 0; i < FIRST; i++)
        members[i] = (struct raft_member){i + 1, bytes_none()};
    require(raft_machine_bootstrap(n->machine, members, FIRST) == 0, "no memory");
}

static void send(const struct raft_message *m)
{
    const struct node *from = &w.nodes[m->from - 1], *to = &w.nodes[m->to - 1];
    unsigned copies = 1 + (w.faults && draw(20) == 0);
    w.counts[1] += m->type == RAFT_SNAP;
    if (w.faults && (draw(20) == 0 || (w.parted && from->side != to->side)))
        copies = 0;
    if (copies == 0 && m->type == RAFT_SNAP)
        require(raft_machine_report_snapshot(from->machine, m->to, false) == 0, "no memory");
    for (unsigned i = 0; i < copies && w.wire_count < WIRE_MAX; i++) {
        struct letter *l = &w.wire[w.wire_count++];
        *l = (struct letter){.to = m->to, .left = 1 + (unsigned)draw(w.faults ? 12 : 3)};
        raft_message_write(&l->bytes, m);
    }
}

static void agree(struct node *n, uint64_t index)
{
    require(index < COMMANDS_MAX, "too long");
    if (w.agreed[index].known)
        require(w.lies || w.agreed[index].hash == n->state.hash, "two logs are committed");
    w.agreed[index].known = true;
    w.agreed[index].hash = n->state.hash;
    if (index > w.agreed_last)
        w.agreed_last = index;
}

static void compact(struct node *n)
{
    struct raft_status before, after;
    raft_machine_status(n->machine, &before);
    require(raft_machine_compact(n->machine, n->applied, bytes_of(&n->state, sizeof(n->state))) ==
                0,
            "no memory");
    raft_machine_status(n->machine, &after);
    require(after.snapshot >= before.snapshot, "a snapshot went back");
    if (raft_machine_snapshot(n->machine))
        disk_snapshot(n->disk, raft_machine_snapshot(n->machine));
    n->since_snapshot = 0;
}

static void apply(struct node *n, const struct raft_entry *e)
{
    struct raft_conf_change change;
    require(e->index == n->applied + 1, "an entry is left out");
    n->applied = e->index;
    n->state.hash = mix(n->state.hash, e);
    agree(n, e->index);
    raft_machine_applied(n->machine, e->index);
    if (e->type == RAFT_ENTRY_CONF_CHANGE) {
        require(raft_conf_change_decode(&change, e->data, NULL) == 0, "a change is damaged");
        if (n->state.removed >> change.node & 1)
            change.type = RAFT_UPDATE_NODE; /* ids are not used again */
        require(raft_machine_apply_conf(n->machine, e->index, &change) == 0, "no memory");
        w.counts[2]++;
        if (change.type == RAFT_REMOVE_NODE)
            n->state.removed |= UINT64_C(1) << change.node;
    }
    if (e->type == RAFT_ENTRY_CONF_CHANGE || ++n->since_snapshot >= SNAPSHOT_EVERY)
        compact(n);
}

static void take_snapshot(struct node *n, const struct raft_snapshot *s)
{
    require(s->data.len == sizeof(n->state), "a snapshot is damaged");
    memcpy(&n->state, s->data.data, sizeof(n->state));
    n->applied = s->index;
    agree(n, s->index);
}

static void finish_batch(struct node *n)
{
    struct raft_ready *r = &n->ready;
    disk_write(n->disk, r);
    n->begun = true;
    n->waiting = false;
    for (size_t i = 0; i < r->message_count; i++)
        if (!raft_ready_is_early(r, &r->messages[i].message))
            send(&r->messages[i].message);
    raft_machine_advance(n->machine, r);
    if (r->snapshot)
        take_snapshot(n, &r->snapshot->snapshot);
    for (size_t i = 0; i < r->committed_count; i++)
        apply(n, &r->committed[i]);
    raft_ready_release(r);
}

static void check_leader(const struct node *n)
{
    struct raft_status s;
    raft_machine_status(n->machine, &s);
    if (s.role != RAFT_LEADER)
        return;
    require(s.term < COMMANDS_MAX, "too many terms");
    require(w.lies || w.leaders[s.term] == 0 || w.leaders[s.term] == n->id,
            "two leaders of one term");
    w.leaders[s.term] = n->id;
}

static void begin_batch(struct node *n)
{
    bool any;
    check_leader(n);
    if (n->waiting)
        return;
    require(raft_machine_ready(n->machine, &n->ready, &any) == 0, "no memory");
    if (!any) {
        raft_ready_release(&n->ready);
        return;
    }
    for (size_t i = 0; i < n->ready.message_count; i++)
        if (raft_ready_is_early(&n->ready, &n->ready.messages[i].message))
            send(&n->ready.messages[i].message);
    n->waiting = true;
    n->disk_left = n->ready.sync ? (unsigned)draw(w.faults && draw(10) == 0 ? 60 : 3) : 0;
}

/* --- The world --- */

static void deliver(void)
{
    for (size_t i = 0; i < w.wire_count;) {
        struct letter *l = &w.wire[i];
        if (--l->left > 0) {
            i++;
            continue;
        }
        struct node *n = &w.nodes[l->to - 1];
        struct arena arena;
        struct raft_message m;
        arena_init(&arena);
        require(raft_message_decode(&m, &arena, buf_bytes(&l->bytes), NULL) == 0, "damaged");
        if (n->machine && n->state.removed >> m.from & 1) {
            w.counts[4]++;
        } else if (n->machine) {
            require(raft_machine_receive(n->machine, &m) == 0, "no memory");
            if (m.type == RAFT_SNAP && w.nodes[m.from - 1].machine)
                require(raft_machine_report_snapshot(w.nodes[m.from - 1].machine, m.to,
                                                     draw(10) != 0) == 0,
                        "no memory");
        } else if (w.nodes[m.from - 1].machine) {
            require(raft_machine_report_unreachable(w.nodes[m.from - 1].machine, m.to) == 0 &&
                        (m.type != RAFT_SNAP || raft_machine_report_snapshot(
                                                    w.nodes[m.from - 1].machine, m.to, false) == 0),
                    "no memory");
        }
        arena_release(&arena);
        buf_release(&l->bytes);
        w.wire[i] = w.wire[--w.wire_count];
    }
}

static void propose(struct node *n)
{
    enum raft_proposed outcome;
    uint64_t command = ++w.next_command;
    if (draw(12) == 0) {
        static const unsigned kinds[] = {RAFT_ADD_NODE, RAFT_REMOVE_NODE, RAFT_ADD_LEARNER,
                                         RAFT_UPDATE_NODE};
        struct raft_conf_change change = {
            .id = command, .type = kinds[draw(4)], .node = 1 + draw(NODES)};
        uint64_t ids[RAFT_MEMBERS_MAX];
        /* Of two voters one cannot be removed safely: when it is gone before the other knows, there is no majority. */
        if (change.type == RAFT_REMOVE_NODE && raft_machine_voters(n->machine, ids) <= 3)
            return;
        require(raft_machine_propose_conf(n->machine, &outcome, &change) == 0, "no memory");
        return;
    }
    require(raft_machine_propose(n->machine, &outcome, bytes_of(&command, sizeof(command))) == 0,
            "no memory");
    w.proposed += outcome == RAFT_PROPOSED;
}

/* A disk that lied: what it said was durable is not. */
static void forget(struct disk *d)
{
    size_t gone = d->count ? draw(d->count + 1) : 0;
    for (size_t i = d->count - gone; i < d->count; i++)
        free((void *)(uintptr_t)d->entries[i].data.data);
    d->count -= gone;
}

static void trouble(void)
{
    struct node *n = &w.nodes[draw(NODES)];
    switch (draw(160)) {
    case 0:
    case 1:
        if (n->machine) {
            crash(n);
            w.counts[0]++;
            if (w.lies && draw(2))
                forget(n->disk);
        }
        break;
    case 2:
        w.parted = !w.parted;
        w.counts[3] += w.parted;
        for (size_t i = 0; i < NODES; i++)
            w.nodes[i].side = (unsigned)draw(2);
        break;
    default:
        break;
    }
    for (size_t i = 0; i < NODES; i++)
        if (!w.nodes[i].machine && draw(60) == 0)
            start(&w.nodes[i]);
}

static void step(uint64_t at)
{
    deliver();
    for (size_t i = 0; i < NODES; i++) {
        struct node *n = &w.nodes[i];
        if (!n->machine)
            continue;
        if ((at + i * 3) % 10 == 0 && (!w.faults || draw(30)))
            require(raft_machine_tick(n->machine) == 0, "no memory");
        if (w.faults && draw(25) == 0)
            propose(n);
        if (n->waiting && n->disk_left-- == 0)
            finish_batch(n);
        begin_batch(n);
    }
}

static void tell(void)
{
    struct raft_status s;
    for (size_t i = 0; i < NODES; i++) {
        raft_machine_status(w.nodes[i].machine, &s);
        fprintf(stderr,
                "member %zu: role %d term %llu leader %llu log %llu-%llu committed %llu applied "
                "%llu snapshot %llu %s%s alarm %d\n",
                i + 1, (int)s.role, (unsigned long long)s.term, (unsigned long long)s.leader,
                (unsigned long long)s.first, (unsigned long long)s.last,
                (unsigned long long)s.committed, (unsigned long long)s.applied,
                (unsigned long long)s.snapshot, s.member ? "member" : "",
                s.learner ? " learner" : "", (int)s.alarm);
        uint64_t ids[RAFT_MEMBERS_MAX];
        size_t count = raft_machine_voters(w.nodes[i].machine, ids);
        for (size_t k = 0; k < count; k++)
            fprintf(stderr, "    voter %llu\n", (unsigned long long)ids[k]);
    }
}

/* Members of the leader with the highest term have what the leader has. */
static void all_have_the_same(void)
{
    struct raft_status s, leader = {.term = 0};
    const struct node *first = NULL;
    uint64_t ids[2 * RAFT_MEMBERS_MAX];
    for (size_t i = 0; i < NODES; i++) {
        raft_machine_status(w.nodes[i].machine, &s);
        if (s.role == RAFT_LEADER && s.term > leader.term) {
            leader = s;
            first = &w.nodes[i];
        }
    }
    if (!first && !w.lies)
        tell();
    require(w.lies || first, "no leader");
    if (!first)
        return;
    require(w.lies || first->applied >= w.agreed_last, "what was agreed on is lost");
    size_t count = raft_machine_voters(first->machine, ids);
    count += raft_machine_learners(first->machine, ids + count);
    for (size_t i = 0; i < count; i++) {
        const struct node *n = &w.nodes[ids[i] - 1];
        bool same = n->applied == first->applied && n->state.hash == first->state.hash;
        if (!same && !w.lies)
            tell();
        require(w.lies || same, "a member is behind");
    }
}

static void run(uint64_t seed, bool lies)
{
    memset(&w, 0, sizeof(w));
    w.seed = seed;
    w.lies = lies;
    w.random = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
    for (size_t i = 0; i < NODES; i++) {
        w.nodes[i] = (struct node){.id = i + 1, .disk = calloc(1, sizeof(struct disk))};
        require(w.nodes[i].disk != NULL, "no memory");
        start(&w.nodes[i]);
    }
    w.faults = true;
    for (uint64_t at = 0; at < STEPS; at++) {
        trouble();
        step(at);
    }
    w.faults = w.parted = false;
    for (size_t i = 0; i < NODES; i++)
        if (!w.nodes[i].machine)
            start(&w.nodes[i]);
    for (uint64_t at = 0; at < QUIET; at++)
        step(at);
    all_have_the_same();
    for (size_t i = 0; i < NODES; i++) {
        crash(&w.nodes[i]);
        disk_release(w.nodes[i].disk);
        free(w.nodes[i].disk);
    }
    for (size_t i = 0; i < w.wire_count; i++)
        buf_release(&w.wire[i].bytes);
}

int main(int argc, char **argv)
{
    uint64_t first = argc > 2 ? strtoull(argv[1], NULL, 10) : 1;
    uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : 60, entries = 0;
    uint64_t counts[4] = {0};
    for (uint64_t seed = first; seed < first + count; seed++) {
        run(seed, seed % 10 == 0);
        entries += w.agreed_last;
        for (size_t i = 0; i < 4; i++)
            counts[i] += w.counts[i];
    }
    printf(
        "%llu seeds: %llu entries agreed on, %llu crashes, %llu partitions, %llu snapshots sent, "
        "%llu changes of members applied\n",
        (unsigned long long)count, (unsigned long long)entries, (unsigned long long)counts[0],
        (unsigned long long)counts[3], (unsigned long long)counts[1],
        (unsigned long long)counts[2]);
    return 0;
}
