#include "eth/difficulty.h"

enum {
    MIN_DIFFICULTY = 131072,
    BOUND_SHIFT = 11, /* the parent's difficulty / 2048 is one step */
    MAX_STEPS_DOWN = 99,
    BOMB_PERIOD = 100000, /* blocks in which the bomb doubles */
    FRONTIER_TIME = 13,   /* seconds; a block after that makes the next one easier */
};

static bool has_begun(uint64_t start, uint64_t number)
{
    return start != ETH_NEVER && start <= number;
}

/* By how many blocks the bomb is held back. */
static uint64_t bomb_delay(const struct eth_config *config, uint64_t number)
{
    const struct {
        uint64_t start, delay;
    } delays[] = {
        {config->glacier_block[ETH_GRAY_GLACIER], 11400000},
        {config->glacier_block[ETH_ARROW_GLACIER], 10700000},
        {config->fork_start[FORK_LONDON], 9700000},
        {config->glacier_block[ETH_MUIR_GLACIER], 9000000},
        {config->fork_start[FORK_CONSTANTINOPLE], 5000000},
        {config->fork_start[FORK_BYZANTIUM], 3000000},
    };
    for (size_t i = 0; i < BASE_COUNT(delays); i++)
        if (has_begun(delays[i].start, number))
            return delays[i].delay;
    return 0;
}

/* How many steps the difficulty goes up, or down when negative. */
static int64_t steps(enum fork fork, uint64_t seconds, bool has_uncles)
{
    if (fork < FORK_HOMESTEAD)
        return seconds < FRONTIER_TIME ? 1 : -1;
    int64_t best = fork >= FORK_BYZANTIUM && has_uncles ? 2 : 1;
    uint64_t late = seconds / (fork >= FORK_BYZANTIUM ? 9 : 10);
    return late > (uint64_t)(best + MAX_STEPS_DOWN) ? -MAX_STEPS_DOWN : best - (int64_t)late;
}

static struct u256 at_least_minimum(struct u256 difficulty)
{
    const struct u256 minimum = u256_from(MIN_DIFFICULTY);
    return u256_less(&difficulty, &minimum) ? minimum : difficulty;
}

struct u256 eth_difficulty(const struct eth_config *config, uint64_t number, uint64_t timestamp,
                           const struct eth_difficulty_parent *parent)
{
    enum fork fork = eth_config_fork(config, number, 0);
    int64_t count = steps(fork, timestamp - parent->timestamp, parent->has_uncles);
    struct u256 step, change, difficulty;
    u256_shift_right(&step, &parent->difficulty, BOUND_SHIFT);
    const struct u256 factor = u256_from((uint64_t)(count < 0 ? -count : count));
    u256_mul(&change, &step, &factor);
    if (count >= 0)
        u256_add(&difficulty, &parent->difficulty, &change);
    else if (!u256_sub_checked(&difficulty, &parent->difficulty, &change))
        difficulty = u256_from(0);
    difficulty = at_least_minimum(difficulty);

    uint64_t delay = bomb_delay(config, number);
    uint64_t period = (number > delay ? number - delay : 0) / BOMB_PERIOD;
    if (period > 1) {
        struct u256 bomb = u256_from(1);
        u256_shift_left(&bomb, &bomb, period - 2 > 256 ? 256 : (unsigned)(period - 2));
        u256_add(&difficulty, &difficulty, &bomb);
    }
    return difficulty;
}
