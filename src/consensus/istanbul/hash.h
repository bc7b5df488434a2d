/*
 * The hashes of Istanbul headers. Seals are added after agreement, so they are left out of what is agreed on; the rest
 * follows from which form of extra data can be decoded, not from the block's number (GoQuorum, core/types/istanbul.go).
 * All return ERR_NOMEM, or ERR_INPUT where it says so.
 */
#ifndef CONSENSUS_ISTANBUL_HASH_H
#define CONSENSUS_ISTANBUL_HASH_H

#include "consensus/istanbul/extra.h"
#include "eth/header.h"

/* The mix hash of every IBFT and QBFT block, genesis included. */
extern const struct hash256 istanbul_digest;

/*
 * The hash of any block's header, of whatever engine: by the rule of Istanbul where the mix hash is istanbul_digest and the
 * extra data can be decoded, else eth_header_hash. It tries the IBFT form first, then QBFT's.
 */
int istanbul_block_hash(const struct eth_header *header, struct hash256 *ret_hash) BASE_NODISCARD;

/* IBFT: what the proposer signs: keccak of the header's hash without any seal, hashed once more. ERR_INPUT: the extra data is
 * not IBFT's. */
int istanbul_proposer_digest(const struct eth_header *header,
                             struct hash256 *ret_digest) BASE_NODISCARD;

/* What a validator signs to commit to the block. IBFT: keccak(block hash, 0x02), whatever the round. QBFT: the hash of the
 * header with that round and without seals. ERR_INPUT: the extra data is not of that form. */
int istanbul_commit_digest(enum istanbul_engine engine, const struct eth_header *header,
                           uint32_t round, struct hash256 *ret_digest) BASE_NODISCARD;
/* The same for IBFT, from the hash. */
void istanbul_ibft_commit_digest(const struct hash256 *block_hash, struct hash256 *ret_digest);

#endif
