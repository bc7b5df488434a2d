/*
 * The configuration of a chain: its id, and where each fork begins. Which fork is active at a
 * block is asked here and nowhere else.
 */
#ifndef ETH_CONFIG_H
#define ETH_CONFIG_H

#include "base/fork.h"
#include "base/u256.h"
#include "eth/transaction.h"

#define ETH_NEVER UINT64_MAX

/* Forks that only delay the difficulty bomb; see difficulty.h. */
enum eth_bomb_delay {
    ETH_MUIR_GLACIER,  /* EIP-2384 */
    ETH_ARROW_GLACIER, /* EIP-4345 */
    ETH_GRAY_GLACIER,  /* EIP-5133 */
    ETH_BOMB_DELAYS,
};

struct eth_config {
    struct u256 chain_id;

    /* Where each fork begins, ETH_NEVER = not at all: a block number up to Paris, from Shanghai on
     * a time in seconds. The youngest that has begun rules, so gaps and equal values are fine. */
    uint64_t fork_start[FORK_COUNT];

    uint64_t glacier_block[ETH_BOMB_DELAYS];

    /* GoQuorum's rule set; its schedule (privacy, gas price, code size, consensus) is kept by the
     * libraries that obey it. */
    bool is_quorum;
};

/* Never any fork but Frontier, chain id 0. */
void eth_config_init(struct eth_config *config);
/* Everything up to `fork` from the first block on, chain id 1: what tests name by a fork's name. */
void eth_config_init_fork(struct eth_config *config, enum fork fork);

/* The fork that rules in that block. */
enum fork eth_config_fork(const struct eth_config *config, uint64_t number, uint64_t timestamp);

#endif
