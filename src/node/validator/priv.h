/* What the files of the validator share: validator.c (life, events), effects.c (what the machine asks for),
 * blocks.c (building, checking, committing). */
#ifndef NODE_VALIDATOR_PRIV_H
#define NODE_VALIDATOR_PRIV_H

#include "base/map.h"
#include "io/timer.h"
#include "node/validator/record.h"
#include "node/validator/validator.h"

enum {
    /* Proposals of one height whose decoded form is kept for the commit: one a round, and rounds over this many are
     * long ago. */
    NODE_PROPOSALS_KEPT = 8,
    NODE_RETRY_MS = 1000, /* after a failure of this machine (a full disk) */
    /* A synchronisation that brings no block for so long does not keep the validator from its work: peers could
     * silence it with chains that they do not have. */
    NODE_SYNC_STALL_MS = 3000,
};

struct node_validator_timer {
    struct io_timer timer;
    struct node_validator *validator;
    uint64_t token;
};

struct node_validator {
    struct node_validator_options options;
    struct address self;
    struct crypto_private_key key;
    uint8_t extra[32];

    struct consensus_machine *machine;
    const struct consensus_machine_ops *ops;
    struct istanbul_set set; /* of the height */
    struct node_votes votes;
    bool started, stopped, syncing, told_pending;
    bool idle;              /* miner_stop */
    uint64_t height;        /* the last head's number */
    uint64_t number, round; /* what the machine was at behind the last step */
    uint64_t proposed_ns;   /* since when there is a proposal; 0: there is none */

    /* Effects wait here in order; those behind a RECORD until it is durable. */
    struct consensus_effects effects;
    size_t effect_at;
    bool carrying, recording;
    struct io_worker *recorder;
    struct node_record record;
    struct buf record_bytes; /* engine's byte, then the machine's record: the last one */
    struct err_detail record_detail;
    int record_status;  /* the recorder's, until it is done */
    bool record_failed; /* it is to be written again */
    struct io_timer record_retry, sync_stall;

    struct node_validator_timer timers[CONSENSUS_TIMER_SLOTS];

    /* Building. */
    struct {
        struct io_timer timer; /* until it is time to begin */
        bool wanted, running;
        uint64_t number, time, due_ms; /* the machine's last wish; due by the wall clock */
        uint64_t us_per_tx, us_fixed;  /* how long it takes lately */
        struct hash256 made;           /* the last one, and when by the loop's clock */
        uint64_t made_ms;
    } build;

    /* Decoded proposals of this height, oldest first. */
    struct {
        struct hash256 hash;
        struct chain_block *block;
    } proposals[NODE_PROPOSALS_KEPT];
    size_t proposal_count;

    /* A commit that this machine could not carry out, to be tried again. */
    struct {
        struct io_timer timer;
        struct hash256 hash;
        struct chain_block *block;
        struct buf extra;
        uint64_t failures;
    } commit;
};

/* Gives the machine an event (its time is set here) and carries out what it wants. */
void node_validator_step(struct node_validator *v, struct consensus_event *event);
/* Goes on with the effects that wait. */
void node_validator_carry_on(struct node_validator *v);

void node_validator_want_block(struct node_validator *v, uint64_t number, uint64_t time,
                               uint64_t due_ms);
void node_validator_check(struct node_validator *v, struct consensus_block *proposal);
void node_validator_commit(struct node_validator *v, struct consensus_block *proposal,
                           uint64_t round, const struct consensus_seal *seals, size_t seal_count);
/* A new height: what belongs to the last one is dropped. */
void node_validator_forget_blocks(struct node_validator *v);
void node_validator_build_timer(void *context);
void node_validator_commit_timer(void *context);

/* Signs with the node key: r, s, recovery id. Any thread. */
int node_validator_sign(void *context, const struct hash256 *digest, uint8_t ret_signature[65]);

#endif
