#include "eth/config.h"

void eth_config_init(struct eth_config *config)
{
    *config = (struct eth_config){.dao_block = ETH_NEVER, .eip155_block = ETH_NEVER};
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
    if (fork >= FORK_SPURIOUS)
        config->eip155_block = 0;
}

void eth_config_init_mainnet(struct eth_config *config)
{
    eth_config_init(config);
    config->chain_id = u256_from(1);
    static const uint64_t starts[FORK_COUNT] = {
        [FORK_FRONTIER] = 0,         [FORK_HOMESTEAD] = 1150000, [FORK_TANGERINE] = 2463000,
        [FORK_SPURIOUS] = 2675000,   [FORK_BYZANTIUM] = 4370000, [FORK_CONSTANTINOPLE] = 7280000,
        [FORK_PETERSBURG] = 7280000, [FORK_ISTANBUL] = 9069000,  [FORK_BERLIN] = 12244000,
        [FORK_LONDON] = 12965000,    [FORK_PARIS] = 15537394,    [FORK_SHANGHAI] = 1681338455,
        [FORK_CANCUN] = 1710338135,  [FORK_PRAGUE] = 1746612311, [FORK_OSAKA] = 1764798551,
    };
    memcpy(config->fork_start, starts, sizeof(starts));
    config->dao_block = 1920000;
    config->eip155_block = 2675000;
    config->glacier_block[ETH_MUIR_GLACIER] = 9200000;
    config->glacier_block[ETH_ARROW_GLACIER] = 13773000;
    config->glacier_block[ETH_GRAY_GLACIER] = 15050000;
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

struct eth_rules eth_config_rules(const struct eth_config *config, uint64_t number,
                                  uint64_t timestamp)
{
    return (struct eth_rules){
        .fork = eth_config_fork(config, number, timestamp),
        .chain_id = config->chain_id,
        .is_quorum = config->is_quorum,
    };
}
