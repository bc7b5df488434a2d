/* Who made a block, and who committed to it. Rules: GoQuorum's ibft/engine and qbft/engine. */
#ifndef CONSENSUS_ISTANBUL_SEALS_H
#define CONSENSUS_ISTANBUL_SEALS_H

#include "consensus/istanbul/extra.h"
#include "consensus/istanbul/set.h"
#include "consensus/istanbul/verdict.h"
#include "eth/header.h"

/* The signer of a digest. False when the signature is not of 65 bytes or nobody's. */
bool istanbul_recover(struct address *ret_signer, const struct hash256 *digest,
                      struct bytes signature);

/* The block's author: the signer of the proposer's seal (IBFT), the coinbase (QBFT). It is also whom the COINBASE
 * instruction names. ISTANBUL_VALID or why not, or ERR_NOMEM. */
int istanbul_author(enum istanbul_engine engine, const struct eth_header *header,
                    struct address *ret_author) BASE_NODISCARD;

/*
 * The signers of the committed seals, in their order: appends to `ret`, 20 bytes each. ISTANBUL_VALID,
 * ISTANBUL_BAD_EXTRA, ISTANBUL_BAD_SIGNATURE, or ERR_NOMEM.
 */
int istanbul_committers(enum istanbul_engine engine, const struct eth_header *header,
                        struct buf *ret) BASE_NODISCARD;

/*
 * Whether the committed seals make the block final: at least one; each by another member; more than F of them
 * (the reference does not ask for a quorum). ISTANBUL_VALID, ISTANBUL_NO_SEALS, ISTANBUL_BAD_SEALS, ISTANBUL_BAD_SIGNATURE,
 * ISTANBUL_BAD_EXTRA, or ERR_NOMEM.
 */
int istanbul_check_seals(enum istanbul_engine engine, const struct eth_header *header,
                         const struct istanbul_set *validators) BASE_NODISCARD;

/* The vote of a header, as IBFT (coinbase and nonce) or QBFT (extra data) has it; a header without one votes to remove the
 * zero address, which means nothing. ISTANBUL_VALID, ISTANBUL_BAD_VOTE or ISTANBUL_BAD_EXTRA. */
int istanbul_read_vote(enum istanbul_engine engine, const struct eth_header *header,
                       struct address *ret_candidate, bool *ret_authorize) BASE_NODISCARD;

#endif
