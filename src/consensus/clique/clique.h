/*
 * Clique, proof of authority without agreement (EIP-225; GoQuorum, consensus/clique): signers take turns, any of them may
 * make a block that has not made one lately, and the chain with the most blocks made in turn wins.
 *
 *     extra data   32 bytes of vanity, at an epoch all signers ascending, the signer's seal of 65 bytes
 *     vote         coinbase the candidate, nonce ff…ff to add, 0 to remove; none at an epoch
 *     difficulty   2 in turn, 1 out of turn
 *
 * Blocks travel as any others do; there are no messages of its own. Pure, as all of `consensus`.
 */
#ifndef CONSENSUS_CLIQUE_CLIQUE_H
#define CONSENSUS_CLIQUE_CLIQUE_H

#include "consensus/istanbul/snapshot.h"
#include "eth/header.h"

/* X(name, text): the reference's words. */
#define CLIQUE_VERDICT_LIST(X)                                                                     \
    X(CLIQUE_VALID, "ok")                                                                          \
    X(CLIQUE_FUTURE, "block in the future")                                                        \
    X(CLIQUE_EPOCH_BENEFICIARY, "beneficiary in checkpoint block non-zero")                        \
    X(CLIQUE_BAD_VOTE, "vote nonce not 0x00..0 or 0xff..f")                                        \
    X(CLIQUE_EPOCH_VOTE, "vote nonce in checkpoint block non-zero")                                \
    X(CLIQUE_NO_VANITY, "extra-data 32 byte vanity prefix missing")                                \
    X(CLIQUE_NO_SEAL, "extra-data 65 byte signature suffix missing")                               \
    X(CLIQUE_EXTRA_SIGNERS, "non-checkpoint block contains extra signer list")                     \
    X(CLIQUE_BAD_EPOCH_SIGNERS, "invalid signer list on checkpoint block")                         \
    X(CLIQUE_OTHER_EPOCH_SIGNERS, "mismatching signer list on checkpoint block")                   \
    X(CLIQUE_BAD_MIX, "non-zero mix digest")                                                       \
    X(CLIQUE_UNCLES, "non empty uncle hash")                                                       \
    X(CLIQUE_BAD_DIFFICULTY, "invalid difficulty")                                                 \
    X(CLIQUE_WRONG_DIFFICULTY, "wrong difficulty")                                                 \
    X(CLIQUE_BAD_TIME, "invalid timestamp")                                                        \
    X(CLIQUE_NO_PARENT, "unknown ancestor")                                                        \
    X(CLIQUE_BAD_SEAL, "recovery failed")                                                          \
    X(CLIQUE_NOT_AUTHORIZED, "unauthorized signer")                                                \
    X(CLIQUE_SIGNED_RECENTLY, "recently signed")                                                   \
    X(CLIQUE_BAD_CHAIN, "invalid voting chain")

enum clique_verdict {
#define X(name, text) name,
    CLIQUE_VERDICT_LIST(X)
#undef X
};

const char *clique_verdict_text(enum clique_verdict verdict);

enum {
    CLIQUE_EPOCH_DEFAULT = 30000,
    CLIQUE_IN_TURN = 2, /* difficulties */
    CLIQUE_OUT_OF_TURN = 1,
    CLIQUE_WIGGLE_MS = 500,
};

struct clique_config {
    uint64_t period;              /* seconds; 0: a block whenever there are transactions */
    uint64_t epoch;               /* blocks; not 0 */
    uint64_t allowed_future_time; /* seconds */
};

/* ---- headers ---- */

/* What the signer signs: the header's hash without the seal. ERR_INPUT: the extra data is shorter than a seal; ERR_NOMEM. */
int clique_seal_digest(const struct eth_header *header, struct hash256 *ret_digest) BASE_NODISCARD;

/* Who signed it; COINBASE of its transactions. CLIQUE_VALID, CLIQUE_NO_SEAL, CLIQUE_BAD_SEAL, or ERR_NOMEM. */
int clique_author(const struct eth_header *header, struct address *ret_author) BASE_NODISCARD;

/* ---- the state of voting after a block ---- */

/* A block among the last floor(N / 2) + 1, whose signer has to wait. */
struct clique_recent {
    uint64_t number;
    struct address signer;
};

struct clique_snapshot {
    struct istanbul_snapshot voting; /* number, hash, signers (`set`), votes, tally */
    struct clique_recent *recents;   /* by number */
    size_t recent_count, recent_capacity;
};

void clique_snapshot_init(struct clique_snapshot *snapshot);
void clique_snapshot_release(struct clique_snapshot *snapshot);
int clique_snapshot_copy(struct clique_snapshot *snapshot,
                         const struct clique_snapshot *from) BASE_NODISCARD;

/* After genesis: its signers. CLIQUE_VALID, CLIQUE_NO_VANITY, CLIQUE_NO_SEAL, CLIQUE_BAD_EPOCH_SIGNERS, or ERR_NOMEM,
 * ERR_LIMIT. */
int clique_snapshot_genesis(struct clique_snapshot *snapshot, const struct clique_config *config,
                            const struct eth_header *genesis) BASE_NODISCARD;

/* After the next header, whose hash (eth_header_hash) is `hash`. CLIQUE_BAD_CHAIN when it is not number + 1,
 * CLIQUE_NOT_AUTHORIZED, CLIQUE_SIGNED_RECENTLY, CLIQUE_BAD_VOTE, or as clique_author; ERR_NOMEM, ERR_LIMIT. With any verdict
 * but CLIQUE_VALID it is unchanged; after an ERR_ it is good for release only. */
int clique_snapshot_apply(struct clique_snapshot *snapshot, const struct eth_header *header,
                          const struct hash256 *hash) BASE_NODISCARD;

/* For storage: RLP. Failures: buf_status(b). */
void clique_snapshot_write(struct buf *b, const struct clique_snapshot *snapshot);
/* Into an initialised snapshot, whose content is replaced. ERR_CORRUPT, ERR_NOMEM; the snapshot is then empty. */
int clique_snapshot_read(struct clique_snapshot *snapshot, struct bytes data) BASE_NODISCARD;

/* ---- rules ---- */

/* Whether it is the signer's turn at the block after the snapshot. */
bool clique_in_turn(const struct clique_snapshot *snapshot, const struct address *signer);
/* Whether the signer must let others make blocks before that one. */
bool clique_signed_recently(const struct clique_snapshot *snapshot, const struct address *signer);

struct clique_check {
    const struct clique_config *config;
    const struct eth_header *parent;        /* NULL: none is known (right for genesis only) */
    const struct hash256 *parent_hash;      /* eth_header_hash of it */
    const struct clique_snapshot *snapshot; /* after the parent */
    uint64_t now;                           /* seconds since 1970 */
};

/* CLIQUE_VALID or the first fault in the reference's order; ERR_NOMEM. */
int clique_check_header(const struct clique_check *check,
                        const struct eth_header *header) BASE_NODISCARD;

/* ---- to make a block ---- */

/*
 * Sets difficulty, mix hash, time, coinbase and nonce of a header whose number is that after the snapshot, and appends its
 * extra data, with 65 zero bytes for the seal, to `extra` (the caller puts it into the header). `vanity` is cut or filled to
 * 32 bytes. `candidate` NULL is no vote; at an epoch none is written. Failures: buf_status(extra).
 */
void clique_prepare(struct eth_header *header, struct buf *extra,
                    const struct clique_config *config, const struct clique_snapshot *snapshot,
                    const struct eth_header *parent, const struct address *signer,
                    struct bytes vanity, const struct address *candidate, bool authorize,
                    uint64_t now);

/* The seal goes over the last 65 of the extra data's bytes, which are the caller's. */
void clique_put_seal(uint8_t *extra, size_t extra_size, const struct istanbul_seal *seal);

/* Out of turn a signer waits for a random time below this many milliseconds beyond the header's time, in turn not at all. */
uint64_t clique_wiggle_ms(const struct clique_snapshot *snapshot);

#endif
