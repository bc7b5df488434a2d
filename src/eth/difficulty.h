/* How hard a block of a proof-of-work chain must be. Quorum's own consensus has fixed values; this
 * is for the chains of tests and for `t8n`. */
#ifndef ETH_DIFFICULTY_H
#define ETH_DIFFICULTY_H

#include "eth/config.h"

/* What the next block's difficulty depends on. */
struct eth_difficulty_parent {
    struct u256 difficulty;
    uint64_t timestamp;
    bool has_uncles;
};

/*
 * The difficulty of block `number` at `timestamp`: Yellow Paper 4.3.4, EIP-2 (Homestead), EIP-100
 * (Byzantium), and the delays of the bomb: EIP-649, 1234, 2384, 3554, 4345, 5133. `timestamp` is
 * after the parent's. A result over 256 bits, which no chain comes near, is cut.
 *
 * The minimum of 131072 holds before the bomb is added, as in geth, not after (Yellow Paper). It
 * matters to Raft networks: their headers follow this rule with times in nanoseconds, so they stay
 * at the minimum until the bomb sets in.
 */
struct u256 eth_difficulty(const struct eth_config *config, uint64_t number, uint64_t timestamp,
                           const struct eth_difficulty_parent *parent);

#endif
