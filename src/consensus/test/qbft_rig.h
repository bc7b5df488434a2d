/* One QBFT machine among four validators that the test plays: events go in, effects come out as text. */
#ifndef CONSENSUS_TEST_QBFT_RIG_H
#define CONSENSUS_TEST_QBFT_RIG_H

#include "consensus/istanbul/config.h"
#include "consensus/test/kit.h"

/* Four validators; the machine is one of them. At genesis round r belongs to validator r. */
struct rig {
    struct kit kit;
    struct istanbul_params params;
    size_t self;
    struct consensus_machine *machine;
    uint64_t now_ms; /* after the genesis block's time */
    uint64_t tokens[CONSENSUS_TIMER_SLOTS];
    struct buf record;
    struct buf text; /* the effects of the last step */
    struct consensus_block *a, *b;
};

int rig_sign(void *context, const struct hash256 *digest, uint8_t ret[CONSENSUS_SEAL_SIZE]);

void rig_step(struct rig *rig, struct consensus_event *e);

#define expect(rig, expected) assert_string_equal(buf_text(&(rig)->text), expected)

void rig_head(struct rig *rig, const struct consensus_block *block, bool pending);

/* Takes the message. */
void rig_hear(struct rig *rig, struct kit_message *message);

void rig_hear_prepare(struct rig *rig, size_t from, uint64_t round,
                      const struct consensus_block *block);

void rig_hear_commit(struct rig *rig, size_t from, uint64_t round,
                     const struct consensus_block *block);

void rig_hear_round_change(struct rig *rig, size_t from, uint64_t round);

void rig_hear_proposal(struct rig *rig, size_t from, const struct consensus_block *block);

/* A proposal because of ROUND-CHANGEs of validators 1, 2 and 3. */
void rig_hear_late_proposal(struct rig *rig, size_t from, uint64_t round,
                            const struct consensus_block *block);

void rig_candidate(struct rig *rig, struct consensus_block *block);

void rig_checked(struct rig *rig, const struct consensus_block *block,
                 enum consensus_verdict verdict, uint64_t wait_ms);

enum { ROUND, DUE, FUTURE, BEHIND, RESEND };

void rig_timeout(struct rig *rig, unsigned slot);

void rig_peer(struct rig *rig, size_t i, bool connected);

void rig_boot(struct rig *rig);

struct rig *rig_new(size_t self, uint8_t first_key);

/* The same, at the genesis block, with transactions that wait. */
struct rig *rig_begin(size_t self);

/* Hears of block a, finds it good and votes for it; or goes on until a quorum has. */
void rig_vote(struct rig *rig);
void rig_prepare(struct rig *rig);

void rig_free(struct rig *rig);

#endif
