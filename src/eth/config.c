#include "eth/config.h"

void eth_config_init(struct eth_config *config)
{
    *config = (struct eth_config){.is_quorum = false};
    for (int i = FORK_HOMESTEAD; i < FORK_COUNT; i++)
        config->fork_start[i] = ETH_NEVER;
    for (int i = 0; i < ETH_BOMB_DELAYS; i++)
        config->glacier_block[i] = ETH_NEVER;
}

void eth_config_init_fork(struct eth_config *config, enum fork fork)
{
    eth_config_init(config);
    config->chain_id = u256_from(1);
    for (int i = 0; i <= (int)fork; i++)
        config->fork_start[i] = 0;
}

enum fork eth_config_fork(const struct eth_config *config, uint64_t number, uint64_t timestamp)
{
    for (int i = FORK_COUNT - 1; i > FORK_FRONTIER; i--) {
        uint64_t now = i >= FORK_SHANGHAI ? timestamp : number;
        if (config->fork_start[i] != ETH_NEVER && config->fork_start[i] <= now)
            return (enum fork)i;
    }
    return FORK_FRONTIER;
}
