/*
 * The extra data of an Istanbul header (GoQuorum, core/types/istanbul.go):
 *
 *     IBFT   32 bytes of vanity, then RLP [validators, proposer's seal, [committed seal, …]]
 *     QBFT   RLP [vanity, validators, vote or [], round, [committed seal, …]], vote = [address, 0xff add | 0 remove]
 *
 * Decoding is as strict as the reference's (canonical RLP, nothing missing, nothing after), since the hash of a block depends
 * on what can be decoded: hash.h.
 */
#ifndef CONSENSUS_ISTANBUL_EXTRA_H
#define CONSENSUS_ISTANBUL_EXTRA_H

#include "base/buf.h"
#include "base/types.h"
#include "consensus/istanbul/config.h"

enum {
    ISTANBUL_VANITY_SIZE = 32,
    ISTANBUL_SEAL_SIZE = 65, /* r, s, recovery id 0 or 1 */
};

struct istanbul_seal {
    uint8_t b[ISTANBUL_SEAL_SIZE];
};

/* Decoded: everything borrows the input. */
struct istanbul_extra {
    enum istanbul_engine form;
    struct bytes vanity;
    struct bytes validators; /* content of the RLP list, 21 bytes each: istanbul_extra_validator */
    size_t validator_count;
    struct bytes seal; /* IBFT: the proposer's, of any length */
    bool has_vote;     /* QBFT; in IBFT a vote lies in coinbase and nonce */
    struct address candidate;
    uint8_t vote; /* 0xff add, 0 remove; others are decoded, and refused by the header check */
    uint32_t round;
    struct bytes
        seals; /* content of the RLP list, strings of any length: istanbul_extra_next_seal */
    size_t seal_count;
};

/* False when `data` is not of that form. */
bool istanbul_extra_decode(struct istanbul_extra *ret_extra, enum istanbul_engine form,
                           struct bytes data);

/* Appends the encoding: the bytes that were decoded, when nothing was changed. Failures: buf_status(b). */
void istanbul_extra_write(struct buf *b, const struct istanbul_extra *extra);

struct address istanbul_extra_validator(const struct istanbul_extra *extra, size_t i);

/* Walks over committed seals: `rest` begins as extra->seals; false at the end. */
bool istanbul_extra_next_seal(struct bytes *rest, struct bytes *ret_seal);

/*
 * What the maker of a block writes before it is sealed: no seals, round 0. `vanity` is cut or filled with zeros to 32 bytes;
 * `validators` (any order) are written ascending; `candidate` NULL is no vote (IBFT has it in coinbase and nonce: see
 * istanbul_write_vote). Appends; failures: buf_status(b).
 */
void istanbul_extra_prepare(struct buf *b, enum istanbul_engine form, struct bytes vanity,
                            const struct address *validators, size_t validator_count,
                            const struct address *candidate, bool authorize);

/* `extra` with the proposer's seal put in (IBFT). ERR_INPUT when it is no IBFT extra data. Appends to b. */
int istanbul_extra_put_seal(struct buf *b, struct bytes extra,
                            const struct istanbul_seal *seal) BASE_NODISCARD;

/* `extra` of that form with committed seals put in, and the round they were made in (QBFT). ERR_INPUT as above. Appends. */
int istanbul_extra_put_commits(struct buf *b, enum istanbul_engine form, struct bytes extra,
                               uint32_t round, const struct istanbul_seal *seals,
                               size_t seal_count) BASE_NODISCARD;

#endif
