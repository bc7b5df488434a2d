/* Whether a header keeps the rules of its Istanbul engine (GoQuorum, ibft/engine and qbft/engine, verifyHeader), checked in
 * the reference's order, so that the first fault has the same name. */
#ifndef CONSENSUS_ISTANBUL_HEADER_CHECK_H
#define CONSENSUS_ISTANBUL_HEADER_CHECK_H

#include "consensus/istanbul/seals.h"

struct istanbul_header_check {
    const struct istanbul_config *config;
    const struct eth_header *parent;   /* NULL: none is known (right for genesis only) */
    const struct hash256 *parent_hash; /* of `parent`, by istanbul_block_hash */
    const struct istanbul_set
        *validators; /* in force for this block: the snapshot after the parent */
    uint64_t now;    /* seconds since 1970 */
    bool proposal;   /* not committed yet: it may lack committed seals */
};

/* ISTANBUL_VALID or the first fault; ERR_NOMEM. The extra data must be of the form of the engine at the header's number.
 * Gas limit, base fee and the content of extra.validators are not the engine's business. */
int istanbul_check_header(const struct istanbul_header_check *check,
                          const struct eth_header *header) BASE_NODISCARD;

#endif
