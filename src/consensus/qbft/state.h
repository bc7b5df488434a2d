/*
 * The inside of the QBFT machine (GoQuorum, consensus/istanbul/qbft/core): what it knows at a height and a round, and who
 * does what in which file:
 *
 *     machine.c    events, heights, peers; the table of functions
 *     stored.c     messages that are kept; own ones: signed, recorded, sent
 *     record.c     what must survive a crash
 *     order.c      whose turn it is, who is there
 *     propose.c    own candidates and others' proposals
 *     vote.c       PREPARE and COMMIT
 *     round.c      ROUND-CHANGE, timers of rounds
 *     backlog.c    messages that come too early
 *
 * What the reference does not do, and why the chain goes on sooner:
 *
 *   - A round's timer is short when the proposer is known to be away, and when a quorum is known to wait in the round; it
 *     is the reference's, request timeout * 2^round, only while no quorum is there.
 *   - ROUND-CHANGEs of F+1 validators for higher rounds move a node to the highest round that one honest validator must
 *     have reached, at any count of at least F+1; and when those who are there cannot be a quorum but at a higher round,
 *     it goes there.
 *   - A justified PRE-PREPARE of a higher round moves a node to it; COMMITs count in any round of the height.
 *   - Everything that a validator needs to join in is sent to it when it connects, and again while nothing goes on.
 *   - A proposal is accepted from the proposer by either order of the set (order.c).
 *
 * And for safety: what was signed is recorded before it is sent, and a proposal is executed before it is voted for.
 */
#ifndef CONSENSUS_QBFT_STATE_H
#define CONSENSUS_QBFT_STATE_H

#include "consensus/qbft/certificate.h"

enum qbft_phase {
    QBFT_IDLE,        /* before the first HEAD, or no validator at this height */
    QBFT_ACCEPT,      /* waiting for a proposal */
    QBFT_PREPREPARED, /* voted for one */
    QBFT_PREPARED,    /* a quorum voted for it */
    QBFT_COMMITTED,   /* a quorum committed to it; waiting for HEAD */
};

enum qbft_timer {
    QBFT_TIMER_ROUND,  /* the round has failed */
    QBFT_TIMER_DUE,    /* the candidate may be proposed */
    QBFT_TIMER_FUTURE, /* a proposal's time has come */
    QBFT_TIMER_BEHIND, /* the quorum is at a higher round: go there */
    QBFT_TIMER_RESEND, /* nothing goes on: send again */
    QBFT_TIMER_COUNT,
};
static_assert((int)QBFT_TIMER_COUNT <= (int)CONSENSUS_TIMER_SLOTS, "one slot each");

enum {
    QBFT_COMMITS_KEPT = 4, /* of a validator at a height, the newest rounds */
    QBFT_CHECKED_KEPT = 8, /* hashes of checked proposals */

    /* The backlog. Messages of one validator: four for each of some heights and rounds; a node that is further behind
     * synchronises meanwhile, and the highest are kept. Bytes of all: a few largest ones. */
    QBFT_BACKLOG_PER_SIGNER = 32,
    QBFT_BACKLOG_BYTES = 4 * CONSENSUS_PAYLOAD_MAX,
};

/* A message that is kept: bytes, what they say, who signed. Shared by reference. */
struct qbft_stored {
    unsigned references;
    struct address signer;
    struct qbft_message m; /* borrows `payload` and `arena` */
    struct buf payload;
    struct arena arena;
    struct consensus_block *block; /* of PRE-PREPARE and ROUND-CHANGE, or NULL */
    enum { QBFT_SEAL_UNSEEN, QBFT_SEAL_GOOD, QBFT_SEAL_BAD } seal; /* of a COMMIT */
};

/* What is known of a member at the height. */
struct qbft_member {
    struct qbft_stored *round_change; /* of its highest round */
    struct qbft_stored *prepare;      /* of the current round */
    struct qbft_stored *commits[QBFT_COMMITS_KEPT];
    uint64_t round; /* highest that a message of it was of */
    bool heard;     /* anything at this height */
    bool helped;    /* it was told of the current round */
    bool absent;    /* it is there, and did not come to a round where it was waited for */
};

/* What is known of a validator beyond a height. */
struct qbft_peer {
    bool connected;
    bool refuses[2];      /* by istanbul_order: it seems not to follow that order of proposers */
    uint64_t first_heard; /* heights at which it signed something, since it was lost */
    uint64_t last_heard;
    uint64_t
        lost; /* height at which its connection ended; what it said until then says nothing about now */
};

struct qbft {
    struct consensus_machine base;
    struct consensus_options options;
    struct map peers; /* address to qbft_peer */

    /* The height. */
    uint64_t number;
    struct hash256 parent;
    uint64_t parent_time; /* seconds */
    struct address last_proposer;
    uint64_t started_ms; /* when HEAD came */
    struct istanbul_set set;
    struct istanbul_params params;
    struct qbft_checker checker;
    size_t faults;
    size_t self;                 /* index in the set; only when phase is not IDLE */
    struct qbft_member *members; /* one for each of the set */
    bool pending;                /* transactions wait */

    /* The round. */
    uint64_t round;
    enum qbft_phase phase;
    bool quorum_waits;                    /* a quorum of ROUND-CHANGEs for this round is there */
    bool drawn;                           /* others follow, so this round need not be long */
    bool hurried;                         /* nor when the proposer is away */
    struct consensus_block *proposal;     /* what was voted for */
    struct qbft_stored *proposal_message; /* its PRE-PREPARE; NULL after a restart */
    struct qbft_stored *checking;         /* a PRE-PREPARE whose block is being checked */
    struct qbft_stored *own_proposal;     /* the PRE-PREPARE that was signed in this round */

    /* What was prepared last at this height, and the PREPAREs that prove it. */
    bool prepared;
    uint64_t prepared_round;
    struct consensus_block *prepared_block;
    struct qbft_stored **prepares;
    size_t prepare_count;

    struct consensus_block *candidate;
    uint64_t asked_time; /* of the last BUILD at this height; 0: none */
    uint64_t asked_due;
    uint64_t due_armed_ms;   /* what the timer DUE waits for */
    uint64_t yield_until_ms; /* in this round; 0: not yet asked */
    struct hash256 good[QBFT_CHECKED_KEPT], bad[QBFT_CHECKED_KEPT];
    size_t good_count, bad_count; /* ever; the newest are kept */

    /* Pace: see qbft_patience. */
    uint64_t slowest_ms; /* from when a block was due until it was agreed on, lately, in round 0 */
    unsigned failures;   /* rounds that failed with a quorum there */
    uint64_t armed_ms;   /* when the round's timer was started last, wall clock */
    uint64_t resend_ms;

    struct qbft_stored **backlog;
    size_t backlog_count, backlog_capacity, backlog_bytes;

    uint64_t generation;               /* of timers */
    uint64_t tokens[QBFT_TIMER_COUNT]; /* 0: not running */

    struct qbft_record *restored; /* until its height is over */

    /* The step. */
    struct consensus_effects *effects;
    uint64_t now_ms;
    int status;                  /* ERR_NOMEM once it happened */
    struct qbft_stored **outbox; /* own messages to record and send at its end */
    size_t outbox_count, outbox_capacity;
};

/* ---- stored.c ---- */

/* Decodes; NULL when it is no message (or memory is out: q->status). The signer is found and checked by qbft_identify. */
struct qbft_stored *qbft_stored_new(struct qbft *q, unsigned code, struct bytes payload);
struct qbft_stored *qbft_stored_ref(struct qbft_stored *s);
void qbft_stored_unref(struct qbft_stored *s);
/* Drops what *slot holds and puts a reference to `s` (or NULL) there. */
void qbft_stored_put(struct qbft_stored **slot, struct qbft_stored *s);
void qbft_block_put(struct consensus_block **slot, struct consensus_block *block);

/* Finds the signer, who must be a member. */
enum qbft_verdict qbft_identify(struct qbft *q, struct qbft_stored *s);

/* Signs a message (its signature is set here) and puts it into the outbox. A reference is the caller's; NULL when signing or
 * memory fails. */
struct qbft_stored *qbft_say(struct qbft *q, struct qbft_message *m);
/* The seal of a COMMIT to `block` in `round`. False when it cannot be made. */
bool qbft_make_seal(struct qbft *q, const struct consensus_block *block, uint64_t round,
                    uint8_t ret_seal[CONSENSUS_SEAL_SIZE]);
bool qbft_commit_digest(struct qbft *q, const struct consensus_block *block, uint64_t round,
                        struct hash256 *ret_digest);
/* The end of a step: record, then send what is in the outbox. */
void qbft_flush(struct qbft *q);

/* Effects whose failure goes to q->status. */
void qbft_forward(struct qbft *q, const struct qbft_stored *s, const struct address *except);
void qbft_send(struct qbft *q, const struct address *to, const struct qbft_stored *s);
void qbft_start_timer(struct qbft *q, enum qbft_timer timer, uint64_t after_ms);
void qbft_stop_timer(struct qbft *q, enum qbft_timer timer);
void qbft_alarm(struct qbft *q, const char *format, ...) BASE_PRINTF(2, 3);
void qbft_nomem(struct qbft *q);

/* ---- record.c ---- */

struct qbft_record;

int qbft_record_decode(struct qbft *q, struct qbft_record **ret_record, struct bytes bytes,
                       struct err_detail *detail) BASE_NODISCARD;
void qbft_record_free(struct qbft_record *record);
void qbft_record_write(const struct qbft *q, struct buf *b);
/* Goes on where the record of this height left off. False when there is none. */
bool qbft_record_resume(struct qbft *q);
uint64_t qbft_record_number(const struct qbft_record *record);

/* ---- order.c ---- */

/* NULL for the address of no validator seen so far. */
struct qbft_peer *qbft_peer_add(struct qbft *q, const struct address *address);
const struct address *qbft_proposer(const struct qbft *q, enum istanbul_order order,
                                    uint64_t round);
/* Whose order this node proposes by in the round. */
enum istanbul_order qbft_order(struct qbft *q);
bool qbft_own_turn(struct qbft *q);
/* `member` voted in the current round for the proposal of `proposer`. */
void qbft_note_order(struct qbft *q, const struct address *member, const struct address *proposer);
/* The current round fails: who did not vote for the proposal, or did not make one, seems to refuse the order. Whether anything
 * was learned. */
bool qbft_note_silent(struct qbft *q);
/* Connected, or heard of lately and not lost since. */
bool qbft_is_there(struct qbft *q, size_t member);
/* And has not gone on to a higher round. */
bool qbft_proposer_is_there(struct qbft *q);

/* ---- propose.c ---- */

/* When the proposal of round 0 is expected, wall clock. */
uint64_t qbft_due_ms(const struct qbft *q);
void qbft_on_candidate(struct qbft *q, struct consensus_block *block);
/* Proposes if it is this node's turn and everything is there; asks for what is missing. */
void qbft_try_propose(struct qbft *q);
void qbft_on_pre_prepare(struct qbft *q, struct qbft_stored *s, const struct address *from);
void qbft_on_checked(struct qbft *q, const struct hash256 *hash, enum consensus_verdict verdict,
                     uint64_t wait_ms);
void qbft_check_again(struct qbft *q);
void qbft_start_check(struct qbft *q, struct qbft_stored *s);
/* Forgets that the block was found good. */
void qbft_forget_good(struct qbft *q, const struct hash256 *hash);

/* ---- vote.c ---- */

/* Votes for a checked proposal. */
void qbft_accept(struct qbft *q, struct qbft_stored *s);
void qbft_on_prepare(struct qbft *q, struct qbft_stored *s, const struct address *from);
void qbft_on_commit(struct qbft *q, struct qbft_stored *s, const struct address *from);
/* A block has become known: have those who committed to it been a quorum all along? */
void qbft_try_commit(struct qbft *q, struct consensus_block *block);

/* ---- round.c ---- */

void qbft_arm_round(struct qbft *q);
void qbft_arm_resend(struct qbft *q, bool first);
void qbft_on_round_change(struct qbft *q, struct qbft_stored *s, const struct address *from);
void qbft_on_round_timeout(struct qbft *q);
void qbft_on_behind(struct qbft *q);
/* Begins a higher round of the height and says so. */
void qbft_begin_round(struct qbft *q, uint64_t round);
/* Looks at everybody's rounds: whether to move, to wait, to propose. */
void qbft_look_at_rounds(struct qbft *q);
size_t qbft_round_change_count(const struct qbft *q);
/* What this node said in this round; everything that somebody needs who joins. */
void qbft_resend_own(struct qbft *q);
void qbft_tell_all(struct qbft *q, const struct address *to);

/* ---- backlog.c ---- */

void qbft_backlog_add(struct qbft *q, struct qbft_stored *s);
/* Handles what is no longer early. */
void qbft_backlog_drain(struct qbft *q);
void qbft_backlog_release(struct qbft *q);

/* ---- machine.c ---- */

void qbft_handle(struct qbft *q, struct qbft_stored *s, const struct address *from);

#endif
