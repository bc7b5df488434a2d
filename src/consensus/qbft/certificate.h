/*
 * Who signed a message, and what the messages quoted in it prove. Stricter than the reference where honest nodes always
 * comply: quoted messages are of this height, of distinct members, and all of them are verified (GoQuorum
 * qbft/core/justification.go and handler.go do not look at the PREPAREs of a PRE-PREPARE, nor for repetitions).
 */
#ifndef CONSENSUS_QBFT_CERTIFICATE_H
#define CONSENSUS_QBFT_CERTIFICATE_H

#include "base/map.h"
#include "consensus/istanbul/set.h"
#include "consensus/qbft/message.h"

enum qbft_verdict {
    QBFT_VALID,
    QBFT_BAD_SIGNATURE,     /* the signature is nobody's */
    QBFT_NOT_MEMBER,        /* the signer is not in the validator set */
    QBFT_QUOTED_NUMBER,     /* a quoted message is of another height */
    QBFT_QUOTED_ROUND,      /* a quoted message is of another round */
    QBFT_QUOTED_DIGEST,     /* a quoted PREPARE is for another block */
    QBFT_QUOTED_SIGNATURE,  /* a quoted message is not signed by a validator */
    QBFT_QUOTED_TWICE,      /* two quoted messages are of the same validator */
    QBFT_FEW_PREPARES,      /* fewer PREPAREs than a quorum */
    QBFT_FEW_ROUND_CHANGES, /* fewer ROUND-CHANGEs than a quorum */
    QBFT_NOT_FREE,          /* no quorum of ROUND-CHANGEs with nothing prepared */
    QBFT_NOT_HIGHEST,       /* no quorum of ROUND-CHANGEs with nothing prepared later */
    QBFT_NOT_PREPARED,      /* no ROUND-CHANGE that has prepared the block */
    QBFT_PREPARED_LATE,     /* prepared in no earlier round */
    QBFT_NO_BLOCK,          /* prepared, but without the block */
    QBFT_OTHER_BLOCK,       /* prepared, but with another block */
    QBFT_UNASKED,           /* nothing prepared, but with block or PREPAREs */
};

/* Against what it is checked. Signers that were recovered once are remembered in `signers`: the same PREPAREs are quoted by
 * every ROUND-CHANGE of a round. */
struct qbft_checker {
    const struct istanbul_set *set;
    size_t quorum;
    struct map signers; /* keccak(digest, signature) to address */
};

void qbft_checker_init(struct qbft_checker *checker);
void qbft_checker_release(struct qbft_checker *checker);

/* The member who signed `digest`: QBFT_VALID, QBFT_BAD_SIGNATURE or QBFT_NOT_MEMBER (then ret_signer is who it was). */
enum qbft_verdict qbft_check_signer(struct qbft_checker *checker, const struct hash256 *digest,
                                    struct bytes signature, struct address *ret_signer);

/* Whether what a ROUND-CHANGE says about its prepared block is proven. `block_hash`: of its block, NULL without one.
 * Its own signature is not looked at. */
enum qbft_verdict qbft_check_prepared(struct qbft_checker *checker,
                                      const struct qbft_message *round_change,
                                      const struct hash256 *block_hash);

/* Whether a PRE-PREPARE of a round over 0 may propose the block of that hash. Its own signature is not looked at. */
enum qbft_verdict qbft_check_justification(struct qbft_checker *checker,
                                           const struct qbft_message *pre_prepare,
                                           const struct hash256 *block_hash);

#endif
