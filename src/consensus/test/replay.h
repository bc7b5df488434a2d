/* A recorded network (wire-qbft, wire-ibft) played to a machine in the place of its fourth validator, which did not run: what
 * the three others said goes in, and the blocks that came of it must come out. */
#ifndef CONSENSUS_TEST_REPLAY_H
#define CONSENSUS_TEST_REPLAY_H

#include "consensus/istanbul/snapshot.h"
#include "consensus/machine.h"
#include "crypto/secp256k1.h"
#include "tests/support/recordings.h"

enum { REPLAY_BLOCKS_MAX = 64 };

struct replay {
    const char *network;
    enum istanbul_engine engine;
    struct istanbul_config config;
    struct crypto_private_key key;
    struct address self, peer;
    struct consensus_machine *machine;
    struct buf blocks[REPLAY_BLOCKS_MAX]; /* encoded */
    struct eth_header headers[REPLAY_BLOCKS_MAX];
    struct hash256 hashes[REPLAY_BLOCKS_MAX];
    size_t block_count;
    struct istanbul_snapshot snapshot; /* after the head */
    size_t head;
    size_t rounds; /* blocks that were committed in a later round */
    size_t committed, checked, built, recorded;
};

/* Reads keys and blocks; the head is genesis. Skips the running test where the network was not recorded. */
void replay_setup(struct replay *p, const char *network, enum istanbul_engine engine);
void replay_teardown(struct replay *p);

/* The message of a frame that came from the peer. False when it is none of the engine's. */
bool replay_message(const struct replay *p, const json_t *line, unsigned *ret_code,
                    struct buf *ret_payload);

/* Plays all of it: every block is agreed on, with seals that anybody takes, up to the last recorded one. */
void replay_play(struct replay *p, const struct consensus_machine_ops *ops);

#endif
