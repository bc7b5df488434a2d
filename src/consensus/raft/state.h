/* What the files of the Raft machine share: machine.c (life, batches), log.c (entries), progress.c (members as the leader
 * sees them), send.c (messages), step.c (events). */
#ifndef CONSENSUS_RAFT_STATE_H
#define CONSENSUS_RAFT_STATE_H

#include "consensus/raft/machine.h"

/* How the leader sends to a member (etcd, raft/progress.go). */
enum raft_sending {
    RAFT_PROBE,     /* one append a heartbeat, until it is known what the member has */
    RAFT_REPLICATE, /* without waiting, up to RAFT_INFLIGHT_MAX appends */
    RAFT_SNAPSHOT,  /* nothing but the snapshot that is on its way */
};

struct raft_progress {
    uint64_t id, match, next;
    enum raft_sending sending;
    bool paused, active, learner;
    uint64_t pending_snapshot;
    uint64_t *inflight; /* a ring: last index of each append, RAFT_INFLIGHT_MAX of them */
    unsigned inflight_at, inflight_count;
};

struct raft_log {
    struct raft_entry *entries; /* entries[i].index is offset + 1 + i */
    size_t count, capacity;
    uint64_t offset, offset_term;
    uint64_t stable; /* up to here durable */
    uint64_t handed; /* up to here given out as committed */
    uint64_t applied;
    uint64_t committed;
};

struct raft_machine {
    uint64_t id, term, vote, leader;
    enum raft_role role;
    bool learner; /* this member is one */
    bool pre_vote, pending_conf;
    unsigned election_ticks, heartbeat_ticks, timeout, election_elapsed, heartbeat_elapsed;
    uint64_t random;
    size_t append_size, trail_count;
    uint64_t conf_index; /* `members` are those after this entry, at least */
    uint64_t behind;     /* entries up to here were had and lost */
    enum raft_alarm alarm;

    struct raft_progress *members; /* by id, learners among them */
    size_t member_count;
    struct {
        uint64_t id;
        bool granted;
    } votes[RAFT_MEMBERS_MAX];
    size_t vote_count;

    struct raft_log log;
    struct raft_kept *snapshot; /* the last one */
    struct raft_kept *received; /* one that is to become durable */

    struct raft_out *out;
    size_t out_count, out_capacity;
    bool busy;                   /* a batch is under way */
    struct raft_hard_state told; /* what the last batch made durable */
};

/* --- log.c --- */

uint64_t raft_log_last(const struct raft_log *log);
/* ERR_NOTFOUND: cut. 0 beyond the end, as etcd has it. */
int raft_log_term(const struct raft_log *log, uint64_t index, uint64_t *ret_term) BASE_NODISCARD;
uint64_t raft_log_last_term(const struct raft_log *log);
bool raft_log_matches(const struct raft_log *log, uint64_t index, uint64_t term);
bool raft_log_up_to_date(const struct raft_log *log, uint64_t index, uint64_t term);
/* Puts entries from entries[0].index on, cutting what is there. Their data is copied unless in a blob. */
int raft_log_append(struct raft_log *log, const struct raft_entry *entries,
                    size_t count) BASE_NODISCARD;
/* Copies with references, at most `bytes` of encodings but one at least; the caller's to release. */
int raft_log_slice(const struct raft_log *log, uint64_t from, uint64_t to, size_t bytes,
                   struct raft_entry **ret_entries, size_t *ret_count) BASE_NODISCARD;
void raft_log_cut(struct raft_log *log, uint64_t index);
/* Empty, as after a snapshot. */
void raft_log_reset(struct raft_log *log, uint64_t index, uint64_t term);
void raft_entries_release(struct raft_entry *entries, size_t count);

/* --- progress.c --- */

struct raft_progress *raft_progress_of(const struct raft_machine *m, uint64_t id);
int raft_progress_add(struct raft_machine *m, uint64_t id, uint64_t next,
                      bool learner) BASE_NODISCARD;
void raft_progress_remove(struct raft_machine *m, uint64_t id);
void raft_progress_clear(struct raft_machine *m);
void raft_progress_reset(struct raft_progress *p, uint64_t next);
bool raft_progress_paused(const struct raft_progress *p);
void raft_progress_probe(struct raft_progress *p);
void raft_progress_replicate(struct raft_progress *p);
void raft_progress_snapshot(struct raft_progress *p, uint64_t index);
bool raft_progress_update(struct raft_progress *p, uint64_t index);
bool raft_progress_decrease(struct raft_progress *p, uint64_t rejected, uint64_t last);
void raft_inflight_add(struct raft_progress *p, uint64_t index);
void raft_inflight_free_to(struct raft_progress *p, uint64_t index);
size_t raft_quorum(const struct raft_machine *m);
/* The highest index that a majority has. */
uint64_t raft_majority_match(const struct raft_machine *m);

/* --- send.c --- */

/* Queues a message, whose entries (an array of the machine's) and `kept` are taken over. */
int raft_send(struct raft_machine *m, struct raft_message message,
              struct raft_kept *kept) BASE_NODISCARD;
int raft_send_append(struct raft_machine *m, uint64_t to) BASE_NODISCARD;
int raft_send_appends(struct raft_machine *m) BASE_NODISCARD;
int raft_send_heartbeats(struct raft_machine *m) BASE_NODISCARD;
void raft_out_release(struct raft_out *out, size_t count);
struct raft_kept *raft_kept_new(const struct raft_snapshot *snapshot) BASE_NODISCARD;

/* --- step.c --- */

void raft_become_follower(struct raft_machine *m, uint64_t term, uint64_t leader);
int raft_step(struct raft_machine *m, const struct raft_message *message) BASE_NODISCARD;
bool raft_promotable(const struct raft_machine *m);
/* Whether more is committed now. */
bool raft_maybe_commit(struct raft_machine *m);

#endif
