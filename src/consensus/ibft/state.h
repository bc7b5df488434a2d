/*
 * The inside of the IBFT machine (GoQuorum, consensus/istanbul/ibft/core): what it knows at a height and a round.
 *
 *     machine.c    events, heights, peers; the table of functions
 *     store.c      messages of members: the newest of each kind is kept
 *     say.c        own messages: signed, recorded, sent, sent again
 *     record.c     what must survive a crash
 *     round.c      rounds: begin, fail, agree on the next; proposals
 *     vote.c       checks, PREPARE, COMMIT
 *     lock.c       locks: kept with their proof, shown, moved
 *
 * A validator that has seen a quorum vote for a block locks on it and from then on votes for nothing else. What the reference
 * does not do:
 *
 *   - A lock has a round, that of the last COMMIT. A quorum of votes for another block in a later round moves the lock to it,
 *     whenever they are seen; they are kept, and shown to the others: validators locked on different blocks cannot stop the
 *     chain (in the reference they can). It is safe: if a block was committed by a quorum in round r, a member of every quorum
 *     is locked on it with a round of at least r, so that no quorum votes for another one later.
 *   - Who is locked votes for its block when it is proposed again, and commits to it when a quorum does (the reference commits
 *     at once): so every lock has the votes of a quorum in its round.
 *   - Rounds are caught up with on any evidence: messages of F+1 members of a round at least that high, or of a quorum that
 *     waits but is split over several rounds. A node never runs ahead of the others alone, as the reference does.
 *   - The time that a round may take has a cap, and is short when the proposer is known to be away.
 *   - Everything that a validator needs to join in is sent to it when it connects, and again while nothing goes on.
 *   - COMMITs are counted only with a seal that is right; a proposal is executed before it is voted for; what is signed is
 *     recorded before it is sent.
 */
#ifndef CONSENSUS_IBFT_STATE_H
#define CONSENSUS_IBFT_STATE_H

#include "base/map.h"
#include "consensus/ibft/message.h"
#include "consensus/istanbul/set.h"
#include "consensus/machine.h"

enum ibft_phase {
    IBFT_IDLE,        /* before the first HEAD, no validator, or a height of another engine */
    IBFT_ACCEPT,      /* waiting for a proposal */
    IBFT_PREPREPARED, /* voted for one */
    IBFT_PREPARED,    /* a quorum voted for it: locked */
    IBFT_COMMITTED,   /* a quorum committed to it; waiting for HEAD */
};

enum ibft_timer {
    IBFT_TIMER_ROUND,  /* the round has failed */
    IBFT_TIMER_DUE,    /* the candidate may be proposed */
    IBFT_TIMER_FUTURE, /* a proposal's time has come */
    IBFT_TIMER_RESEND, /* nothing goes on: send again */
    IBFT_TIMER_COUNT,
};
static_assert((int)IBFT_TIMER_COUNT <= (int)CONSENSUS_TIMER_SLOTS, "one slot each");

enum {
    /* The back-off of a round ends at 2^3 seconds; the reference doubles for ever. */
    IBFT_BACKOFF_MAX = 3,
    /* A waiting quorum that is split goes to the highest round at once up to here, then round by round: the reference's own
     * timers reach it in half an hour, and who lies gains no more than that. */
    IBFT_JUMP_MAX = 10,
    IBFT_PEERS_KEPT = 2 * ISTANBUL_SET_MAX, /* before strangers are forgotten */
    IBFT_GRACE_MIN_MS = 250,                /* for a proposer that is away, at least */
    IBFT_VOTES_KEPT = 16,                   /* rounds of which a member's vote is kept */
};

/* The newest message of one kind from one member. Sizes: at most CONSENSUS_PAYLOAD_MAX for a PRE-PREPARE, which is kept only
 * from a proposer of its round; the others are below 300 bytes. */
struct ibft_slot {
    bool used;
    uint64_t sequence, round;
    struct hash256 digest;
    struct consensus_seal seal;
    struct consensus_block *block; /* PRE-PREPARE */
    struct buf payload;
};

/* What a member voted for in a round, by PREPARE or COMMIT: the first message that was heard, below 300 bytes. */
struct ibft_vote {
    bool used;
    uint64_t round;
    struct hash256 digest;
    struct buf payload;
};

struct ibft_member {
    struct ibft_slot now[IBFT_CODES];  /* of this height */
    struct ibft_slot next[IBFT_CODES]; /* of the nearest later height */
    struct ibft_vote
        votes[IBFT_VOTES_KEPT]; /* of round r at r % IBFT_VOTES_KEPT; the later of two */
    uint64_t round;             /* highest that a message of it was of */
    bool heard;                 /* anything at this height */
    bool helped;                /* it was told of the current round */
    bool shown;                 /* and shown the lock in it */
};

/* What is known of a validator beyond a height. */
struct ibft_peer {
    bool connected;
    bool lost;      /* the connection ended, and nothing was heard since */
    uint64_t heard; /* the last height at which it signed something */
};

/* The payloads of a quorum's votes for the lock in its round. */
struct ibft_proof {
    struct buf *votes;
    size_t count; /* at most ISTANBUL_SET_MAX */
};

/* What was signed in a round that must not be contradicted. */
struct ibft_signed {
    uint64_t number, round;
    bool waiting; /* ROUND-CHANGE for `round` was the last */
    bool voted;   /* for a block, in this round, by PRE-PREPARE or PREPARE */
    struct hash256 vote;
    struct consensus_block *lock; /* or NULL */
    uint64_t lock_round;
    struct ibft_proof proof; /* empty in a record of version 1 */
};

/* An own message to be sent at the end of the step. */
struct ibft_out {
    struct buf payload;
};

struct ibft {
    struct consensus_machine base;
    struct consensus_options options;
    struct map peers; /* address to ibft_peer */

    /* The height. */
    uint64_t number;
    struct hash256 parent;
    uint64_t parent_time; /* seconds */
    struct address last_proposer;
    uint64_t started_ms;
    struct istanbul_set set;
    struct istanbul_params params;
    size_t faults, quorum;
    size_t self; /* index in the set; only when phase is not IDLE */
    struct ibft_member *members;

    /* The round. */
    uint64_t round;
    bool waiting; /* this round was asked for, and has not begun */
    enum ibft_phase phase;
    struct consensus_block *proposal; /* the proposal of this round, once it is checked */
    struct consensus_block *checking;
    struct consensus_block *candidate;
    struct consensus_block *fallback; /* the last that this node voted for at this height */
    bool voted;                       /* in this round */
    struct hash256 vote;
    struct consensus_block *lock;
    uint64_t lock_round;
    struct ibft_proof proof;
    bool claimed; /* a quorum has voted for this in a round later than the lock's */
    uint64_t claim_round;
    struct hash256 claim;
    struct consensus_block *shown; /* the block of a claim, proposed in an earlier round */
    struct hash256 good, bad;      /* the last block that was found so; zero: none */

    uint64_t generation; /* of timers */
    uint64_t tokens[IBFT_TIMER_COUNT];
    bool short_round; /* the round's timer is short: the proposer is away */
    uint64_t resend_ms;
    uint64_t slowest_ms; /* from when a block was due until it was agreed on, lately, in round 0 */

    struct ibft_signed restored; /* number 0: none */
    struct buf recorded;         /* the last record */

    /* The step. */
    struct consensus_effects *effects;
    uint64_t now_ms;
    int status; /* ERR_NOMEM once it happened */
    struct ibft_out *outbox;
    size_t outbox_count, outbox_capacity;
};

/* ---- machine.c ---- */

void ibft_nomem(struct ibft *m);
void ibft_alarm(struct ibft *m, const char *format, ...) BASE_PRINTF(2, 3);
void ibft_start_timer(struct ibft *m, enum ibft_timer timer, uint64_t after_ms);
void ibft_stop_timer(struct ibft *m, enum ibft_timer timer);
/* Drops what *slot holds and puts a reference to `block` (or NULL) there. */
void ibft_block_put(struct consensus_block **slot, struct consensus_block *block);
/* Connected, or heard of lately and not lost since; this node is always there. */
bool ibft_is_there(const struct ibft *m, size_t member);
bool ibft_is_connected(const struct ibft *m, size_t member);
/* How many are. */
size_t ibft_present(const struct ibft *m);

/* ---- store.c ---- */

void ibft_on_message(struct ibft *m, const struct address *from, struct bytes payload);
/* Puts an own message where those of others are. */
void ibft_keep_own(struct ibft *m, const struct ibft_message *message, struct bytes payload,
                   struct consensus_block *block);
void ibft_members_free(struct ibft *m);
/* Members for a new set, keeping what others sent for the height already. False when out of memory. */
bool ibft_members_renew(struct ibft *m, const struct istanbul_set *set);

/* ---- lock.c ---- */

/* Keeps what the member voted for, a PREPARE or COMMIT of this height. False when it says nothing new. */
bool ibft_note_vote(struct ibft *m, struct ibft_member *member, uint64_t round,
                    const struct hash256 *digest, struct bytes payload);
/* After a vote was noted: whether it completes a quorum that moves the lock. */
void ibft_claim(struct ibft *m, uint64_t round, const struct hash256 *digest);
/* An earlier round's PRE-PREPARE: its block is kept when a quorum has voted for it and it is not here. */
void ibft_take_shown(struct ibft *m, const struct ibft_message *message);
/* Moves the lock to what a quorum voted for in an earlier round than the current one, once the block is here and checked. */
void ibft_look_at_claim(struct ibft *m);
/* Locks on a block that a quorum voted for in `round`, and takes the proof from the votes noted. */
void ibft_lock_on(struct ibft *m, struct consensus_block *block, uint64_t round);
/* Sends the proof of the lock, and its block, to a member that does not stand with it. */
void ibft_show_lock(struct ibft *m, size_t member);
/* A copy. False when out of memory. */
bool ibft_proof_add(struct ibft_proof *proof, struct bytes vote) BASE_NODISCARD;
void ibft_proof_release(struct ibft_proof *proof);

/* ---- say.c ---- */

/* Signs and queues a message of this kind for the current view. `hash` is the block's (NULL in a ROUND-CHANGE), `block` is
 * needed for a PRE-PREPARE only. */
void ibft_say(struct ibft *m, enum ibft_code code, const struct hash256 *hash,
              struct consensus_block *block);
/* A COMMIT for the block that is the head already, to one who still proposes it. */
void ibft_commit_old(struct ibft *m, const struct address *to, uint64_t number, uint64_t round,
                     const struct hash256 *hash);
/* The end of a step: record, then send. */
void ibft_flush(struct ibft *m);
/* Everything of the current round that somebody needs who joins. */
void ibft_tell(struct ibft *m, const struct address *to);
void ibft_tell_all(struct ibft *m);

/* ---- record.c ---- */

int ibft_record_decode(struct ibft_signed *ret_signed, struct bytes bytes,
                       struct err_detail *detail) BASE_NODISCARD;
void ibft_record_write(const struct ibft *m, struct buf *b);

/* ---- round.c ---- */

const struct address *ibft_proposer(const struct ibft *m, uint64_t round);
/* A round begins: proposals of it are waited for. */
void ibft_begin_round(struct ibft *m, uint64_t round);
/* Asks for a round. */
void ibft_ask_round(struct ibft *m, uint64_t round);
/* Looks at everybody's rounds: whether to move. */
void ibft_look_at_rounds(struct ibft *m);
void ibft_on_round_timeout(struct ibft *m);
/* Peers came or went: the timer of the round may have to be short, or no longer. */
void ibft_arm_resend(struct ibft *m, bool first);
/* Goes on where the record of this height left off. */
void ibft_resume(struct ibft *m);
void ibft_try_propose(struct ibft *m);
void ibft_on_candidate(struct ibft *m, struct consensus_block *block);

/* ---- vote.c ---- */

/* Whether `block` is good; else its check begins, and the answer leads to ibft_look_at_votes. */
bool ibft_is_checked(struct ibft *m, struct consensus_block *block);
/* Looks at the proposal and the votes of this round: whether to check, vote, lock, commit. */
void ibft_look_at_votes(struct ibft *m);
void ibft_on_checked(struct ibft *m, const struct hash256 *hash, enum consensus_verdict verdict,
                     uint64_t wait_ms);
void ibft_check_again(struct ibft *m);
void ibft_on_commit_failed(struct ibft *m, const struct hash256 *hash);

#endif
