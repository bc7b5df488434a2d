/*
 * One member of a Raft cluster, as a step machine: etcd 3.3's protocol, which GoQuorum speaks, so that members of both kinds
 * form one cluster. No clock, socket, disk or thread; the same calls always have the same effects.
 *
 * What happens outside goes in by raft_machine_tick, _receive, _propose, _report_…; what is to be done comes out as a batch:
 *
 *     raft_machine_ready(m, &ready)          false: nothing to do
 *     1  make ready.hard, ready.snapshot and ready.entries durable, together (`entries` replace what stands from the first one's
 *        index on). A leader's appends (raft_ready_is_early) may be sent meanwhile.
 *     2  send ready.messages
 *     3  take ready.snapshot into the application, then ready.committed in order; conf changes by raft_machine_apply_conf
 *     raft_machine_advance(m, &ready)        after 2; what is committed may still wait for 3, raft_machine_applied tells of it
 *
 * One batch is under way at a time; events may go in meanwhile.
 *
 * Where etcd stops the process, this machine has an outcome: see enum raft_alarm, and docs/raft.md for the whole list.
 *
 * Every call that says so may fail with ERR_NOMEM; the machine must then be freed, and one made from what is durable.
 */
#ifndef CONSENSUS_RAFT_MACHINE_H
#define CONSENSUS_RAFT_MACHINE_H

#include "consensus/raft/message.h"

struct raft_machine;

enum {
    /* GoQuorum's figures (raft/handler.go). A tick is 100 ms. */
    RAFT_TICK_MS = 100,
    RAFT_ELECTION_TICKS = 10, /* an election begins after 10 … 19 ticks without a leader */
    RAFT_HEARTBEAT_TICKS = 1,
    RAFT_APPEND_SIZE = 4096, /* bytes of entries in an append, or one entry */
    RAFT_INFLIGHT_MAX = 256, /* appends to one member without an answer */
    /* A context is echoed; etcd's own are 8 bytes or a word. */
    RAFT_CONTEXT_MAX = 256,
    /* Entries that are kept behind a snapshot for members that are a little late: so many, and so many bytes. */
    RAFT_TRAIL_COUNT = 2000,
    RAFT_TRAIL_BYTES = 16 * 1024 * 1024,
};

/* Bytes that entries share by counting. All references are taken and dropped on the machine's thread; any thread may read
 * while one is held. */
struct raft_blob {
    unsigned references;
    size_t len;
    uint8_t data[];
};
struct raft_blob *raft_blob_new(struct bytes data) BASE_NODISCARD;
void raft_blob_unref(struct raft_blob *blob);

enum raft_role {
    RAFT_FOLLOWER,
    RAFT_CANDIDATE,
    RAFT_LEADER,
    RAFT_PRE_CANDIDATE,
};

/* Things that no correct cluster does to a member, seen. */
enum raft_alarm {
    RAFT_ALARM_NONE,
    /* Others know that this member had entries that it has no more (its disk lost what was durable). It neither votes nor
     * stands for election until it has them again. etcd: panic "tocommit is out of range". */
    RAFT_ALARM_LOST_LOG,
};

struct raft_member {
    uint64_t id;
    struct bytes context;
};

struct raft_options {
    uint64_t id;   /* not 0 */
    uint64_t seed; /* of the election timeouts */
    bool pre_vote; /* ask before standing for election; see raft_machine_set_pre_vote */
    unsigned election_ticks, heartbeat_ticks; /* 0: as above */
    size_t append_size;                       /* 0: as above */
    size_t trail_count;                       /* 0: as above */
    /* What is durable; none on the first start. `entries` follow the snapshot without a gap. All copied. */
    struct raft_hard_state hard;
    const struct raft_snapshot *snapshot;
    const struct raft_entry *entries;
    size_t entry_count;
};

/* ERR_NOMEM; ERR_CORRUPT with a message: what is durable has a gap. */
int raft_machine_new(struct raft_machine **ret_machine, const struct raft_options *options,
                     struct err_detail *detail) BASE_NODISCARD;
/* NULL is nothing. */
void raft_machine_free(struct raft_machine *machine);

/* A new cluster: entries 1 … count of term 1 that add these members, committed. Only on a machine without a log. Every first
 * member must be given the same, in the same order. ERR_NOMEM, ERR_LIMIT. */
int raft_machine_bootstrap(struct raft_machine *machine, const struct raft_member *members,
                           size_t count) BASE_NODISCARD;

/* ---- events ---- */

int raft_machine_tick(struct raft_machine *machine) BASE_NODISCARD;
/* Another member's message. What is local, means nothing, or answers what was never asked is ignored. */
int raft_machine_receive(struct raft_machine *machine,
                         const struct raft_message *message) BASE_NODISCARD;

enum raft_proposed {
    RAFT_PROPOSED,  /* in this leader's log, or on its way to the leader: not yet agreed on */
    RAFT_NO_LEADER, /* dropped */
};
/* A normal entry, at a follower sent on to the leader. */
int raft_machine_propose(struct raft_machine *machine, enum raft_proposed *ret_proposed,
                         struct bytes data) BASE_NODISCARD;
/* While one is not applied yet, a leader puts an empty entry in place of another. */
int raft_machine_propose_conf(struct raft_machine *machine, enum raft_proposed *ret_proposed,
                              const struct raft_conf_change *change) BASE_NODISCARD;
/* A message to that member was lost. */
int raft_machine_report_unreachable(struct raft_machine *machine, uint64_t id) BASE_NODISCARD;
/* The snapshot to that member has arrived, or not. */
int raft_machine_report_snapshot(struct raft_machine *machine, uint64_t id,
                                 bool arrived) BASE_NODISCARD;

/* The conf change that was committed at `index` is applied: who belongs to the cluster from now on. UPDATE_NODE and unknown
 * types change nothing, nor does one that a snapshot, received meanwhile, has already in it. */
int raft_machine_apply_conf(struct raft_machine *machine, uint64_t index,
                            const struct raft_conf_change *change) BASE_NODISCARD;
/* Entries up to `index` are applied. */
void raft_machine_applied(struct raft_machine *machine, uint64_t index);
/* The application's state after `index`, which is applied: later needed for members that are far behind; the log before it is
 * cut but for a trail. */
int raft_machine_compact(struct raft_machine *machine, uint64_t index,
                         struct bytes data) BASE_NODISCARD;

/* Standing for election begins with asking whether others would vote, so that a member that comes back does not end a sound
 * leader's term. Right only where every member does so. */
void raft_machine_set_pre_vote(struct raft_machine *machine, bool pre_vote);

/* ---- what is to be done ---- */

/* A snapshot that is shared by counting, as blobs are. */
struct raft_kept {
    unsigned references;
    struct raft_snapshot snapshot;
    struct raft_blob *data;
    uint64_t ids[]; /* of the conf state */
};
void raft_kept_unref(struct raft_kept *kept);

struct raft_out {
    struct raft_message message; /* entries and the array are the batch's */
    struct raft_kept *kept;      /* of MsgSnap */
};

struct raft_ready {
    bool
        has_hard; /* it changed; `sync`: it, or entries, must be durable before messages are sent */
    bool sync;
    struct raft_hard_state hard;
    struct raft_kept *snapshot; /* received: replaces log and application state; NULL: none */
    struct raft_entry *entries;
    size_t entry_count;
    struct raft_out *messages;
    size_t message_count;
    struct raft_entry *committed;
    size_t committed_count;
    bool leader;      /* in the term that is durable: then raft_ready_is_early */
    uint64_t durable; /* entries up to here are, before the batch */
};

/* Fills `ret_ready`; *ret_any false: there is nothing. To be released after use, advanced or not. */
int raft_machine_ready(struct raft_machine *machine, struct raft_ready *ret_ready,
                       bool *ret_any) BASE_NODISCARD;
void raft_machine_advance(struct raft_machine *machine, const struct raft_ready *ready);
void raft_ready_release(struct raft_ready *ready);
/* Whether a message of the batch may go before the batch is durable (Raft's thesis, 10.2.1). */
bool raft_ready_is_early(const struct raft_ready *ready, const struct raft_message *message);

/* ---- looking ---- */

struct raft_status {
    uint64_t id, term, vote, leader; /* leader 0: none */
    enum raft_role role;
    bool member, learner;
    uint64_t first, last, committed, applied, snapshot;
    size_t since_snapshot; /* of them, behind the last snapshot */
    enum raft_alarm alarm; /* the last one that was not cleared */
};
void raft_machine_status(const struct raft_machine *machine, struct raft_status *ret_status);
void raft_machine_clear_alarm(struct raft_machine *machine);

/* The members by id. Borrowed until the next event. Returns how many; `ids` have room for RAFT_MEMBERS_MAX. */
size_t raft_machine_voters(const struct raft_machine *machine, uint64_t *ids);
size_t raft_machine_learners(const struct raft_machine *machine, uint64_t *ids);
/* The last snapshot, NULL: none. Borrowed until the next event. */
const struct raft_snapshot *raft_machine_snapshot(const struct raft_machine *machine);

#endif
