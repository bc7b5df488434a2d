/* One IBFT machine among four validators; the test speaks for the others with their keys. */
#ifndef CONSENSUS_TEST_IBFT_RIG_H
#define CONSENSUS_TEST_IBFT_RIG_H

#include "consensus/ibft/message.h"
#include "consensus/istanbul/set.h"
#include "consensus/machine.h"
#include "crypto/secp256k1.h"

enum { NODES = 4, PERIOD = 1, HEAD = 6, NUMBER = 7, HEAD_TIME = 1000, NOW = 1001000 };

struct node {
    struct crypto_private_key key;
    struct address address;
};

struct world {
    struct node nodes[NODES]; /* in the order of proposers: node r proposes in round r */
    struct istanbul_set set;
    struct istanbul_params params;
    size_t own;
    struct consensus_machine *machine;
    struct consensus_effects effects; /* of the last step */
    struct buf record;                /* what a disk would hold */
    struct consensus_block *made[4];
    size_t made_count;
};

int rig_sign(void *context, const struct hash256 *digest, uint8_t ret[CONSENSUS_SEAL_SIZE]);

void rig_step(struct world *w, struct consensus_event event);

const struct consensus_effect *rig_find(const struct world *w, enum consensus_effect_kind kind);

/* The message of this code that the machine said in the last rig_step, after its record. */
bool rig_said(const struct world *w, enum ibft_code code, struct ibft_message *ret_message);

void rig_say_head(struct world *w, uint64_t number);

/* Dies, and starts again with what the disk holds. */
void rig_restart(struct world *w);

void rig_set_up(struct world *w, size_t own);

/* The same, and then the head. */
void rig_begin(struct world *w, size_t own);

void rig_tear_down(struct world *w);

/* The world's until it is torn down. */
struct consensus_block *rig_make_block(struct world *w, size_t author, uint8_t mark);

/* Appends the payload of a message, signed by `from`. */
void rig_write_message(struct world *w, struct buf *payload, size_t from, enum ibft_code code,
                       uint64_t round, const struct consensus_block *block);

struct consensus_event rig_message_event(const struct world *w, size_t from,
                                         const struct buf *payload);

void rig_hear(struct world *w, size_t from, enum ibft_code code, uint64_t round,
              const struct consensus_block *block);

void rig_say_checked(struct world *w, const struct consensus_block *block,
                     enum consensus_verdict verdict);

void rig_expect_said(const struct world *w, enum ibft_code code, uint64_t round,
                     const struct consensus_block *block);

void rig_expect_silence(const struct world *w);

/* Node 0's proposal of round 0, checked and voted for. */
struct consensus_block *rig_accept_first(struct world *w);

#endif
