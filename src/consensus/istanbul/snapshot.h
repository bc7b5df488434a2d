/*
 * The state of voting after a block: who the validators of the next block are, and which votes are open. It follows from
 * the headers alone, except where a contract or a transition names the validators (GoQuorum, backend/snapshot.go and
 * backend/engine.go, snapApplyHeader):
 *
 *     istanbul_snapshot_genesis          after block 0
 *     istanbul_snapshot_apply            after the next header
 *     istanbul_snapshot_set_validators   where istanbul_contract_at names a contract: the answer of its call on the state
 *                                        after the snapshot's block
 */
#ifndef CONSENSUS_ISTANBUL_SNAPSHOT_H
#define CONSENSUS_ISTANBUL_SNAPSHOT_H

#include "consensus/istanbul/seals.h"

enum {
    /* The reference keeps a snapshot at multiples of this and starts from it after a restart. */
    ISTANBUL_CHECKPOINT = 1024,
};

struct istanbul_vote {
    struct address validator; /* who voted */
    uint64_t block;
    struct address candidate;
    bool authorize;
};

struct istanbul_tally {
    struct address candidate;
    bool authorize;
    uint32_t votes;
};

struct istanbul_snapshot {
    uint64_t
        epoch; /* votes are forgotten at multiples of it; from the configuration at genesis and at checkpoints */
    uint64_t number;
    struct hash256 hash;
    enum istanbul_policy policy;
    struct istanbul_set set; /* validators of block number + 1 */
    struct istanbul_vote
        *votes; /* in the order they were cast; at most one per validator and candidate */
    size_t vote_count, vote_capacity;
    struct istanbul_tally *tally; /* in the order candidates appeared */
    size_t tally_count, tally_capacity;
};

void istanbul_snapshot_init(struct istanbul_snapshot *snapshot);
void istanbul_snapshot_release(struct istanbul_snapshot *snapshot);
int istanbul_snapshot_copy(struct istanbul_snapshot *snapshot,
                           const struct istanbul_snapshot *from) BASE_NODISCARD;

/*
 * After genesis: the configured validators, else those in its extra data. In contract mode the caller puts in the contract's
 * answer afterwards. ISTANBUL_VALID, ISTANBUL_BAD_EXTRA, or ERR_NOMEM, ERR_LIMIT.
 */
int istanbul_snapshot_genesis(struct istanbul_snapshot *snapshot,
                              const struct istanbul_config *config,
                              const struct eth_header *genesis) BASE_NODISCARD;

/*
 * After the next header, whose hash is `hash`: counts its vote, and puts a transition's list in place.
 * ISTANBUL_BAD_CHAIN when it is not number + 1, ISTANBUL_NOT_AUTHORIZED, ISTANBUL_BAD_VOTE, … as seals.h says; ERR_NOMEM,
 * ERR_LIMIT. With any verdict but VALID it is unchanged; after an ERR_ it is good for release only.
 */
int istanbul_snapshot_apply(struct istanbul_snapshot *snapshot,
                            const struct istanbul_config *config, const struct eth_header *header,
                            const struct hash256 *hash) BASE_NODISCARD;

/* The vote alone, of a member: replaces what it said of that candidate before, and changes the set when there is a majority.
 * Clique votes in the same way. ERR_NOMEM, ERR_LIMIT. */
int istanbul_snapshot_count(struct istanbul_snapshot *snapshot,
                            const struct istanbul_vote *vote) BASE_NODISCARD;

/* The answer of a validator contract. ERR_NOMEM, ERR_LIMIT. */
int istanbul_snapshot_set_validators(struct istanbul_snapshot *snapshot,
                                     const struct address *validators, size_t count) BASE_NODISCARD;

/* Whether GoQuorum's JSON has `votes: null` here rather than a list. */
bool istanbul_snapshot_votes_null(const struct istanbul_snapshot *snapshot);

/* For storage: RLP, versioned by its first item. Appends; failures: buf_status(b). */
void istanbul_snapshot_write(struct buf *b, const struct istanbul_snapshot *snapshot);
/* Into an initialised snapshot, whose content is replaced. ERR_CORRUPT, ERR_NOMEM; the snapshot is then empty. */
int istanbul_snapshot_read(struct istanbul_snapshot *snapshot, struct bytes data) BASE_NODISCARD;

#endif
