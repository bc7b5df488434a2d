/* What tests of QBFT build networks of: validators with known keys, blocks, signed messages. */
#ifndef CONSENSUS_TEST_KIT_H
#define CONSENSUS_TEST_KIT_H

#include "consensus/istanbul/set.h"
#include "consensus/qbft/message.h"
#include "crypto/secp256k1.h"

enum { KIT_VALIDATORS_MAX = 16, KIT_GENESIS_TIME = 1700000000 };

struct kit {
    size_t count;
    struct crypto_private_key keys[KIT_VALIDATORS_MAX]; /* of set.members[i] */
    struct istanbul_set set;
    struct consensus_block *genesis;
};

/* Keys whose bytes are all `first`, `first` + 1, … */
void kit_init(struct kit *kit, size_t count, uint8_t first);
void kit_release(struct kit *kit);

void kit_sign(const struct crypto_private_key *key, const struct hash256 *digest,
              uint8_t ret_signature[CONSENSUS_SEAL_SIZE]);

/* A QBFT block on `parent` by a validator; `salt` makes it another one. */
struct consensus_block *kit_block(const struct kit *kit, const struct consensus_block *parent,
                                  size_t proposer, uint64_t time, bool empty, uint64_t salt);

/* A message with its signature; owned parts are released by kit_message_release. */
struct kit_message {
    struct qbft_message m;
    uint8_t signature[CONSENSUS_SEAL_SIZE];
    uint8_t seal[CONSENSUS_SEAL_SIZE];
    struct qbft_round_change changes[KIT_VALIDATORS_MAX];
    struct qbft_prepare prepares[KIT_VALIDATORS_MAX];
};

/* Signs what is in `message->m` as validator i. */
void kit_seal(const struct kit *kit, struct kit_message *message, size_t i);

struct kit_message *kit_prepare(const struct kit *kit, size_t i, uint64_t number, uint64_t round,
                                const struct hash256 *digest);
struct kit_message *kit_commit(const struct kit *kit, size_t i, uint64_t round,
                               const struct consensus_block *block);
/* A certificate of `prepare_count` PREPAREs by validators 0 … when `block` is given. */
struct kit_message *kit_round_change(const struct kit *kit, size_t i, uint64_t number,
                                     uint64_t round, const struct consensus_block *block,
                                     uint64_t prepared_round, size_t prepare_count);
/* With the ROUND-CHANGEs given, and the PREPAREs of `prepared`, if any. */
struct kit_message *kit_pre_prepare(const struct kit *kit, size_t i, uint64_t round,
                                    const struct consensus_block *block,
                                    struct kit_message *const *changes, size_t change_count,
                                    const struct kit_message *prepared);
void kit_free(struct kit_message *message);

#endif
