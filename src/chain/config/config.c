/* What a configuration means: the engine, the forks, and what holds in a block. */
#include "chain/config/priv.h"

#include <strings.h>

enum {
    KIB = 1024,
    CODE_SIZE = 24576,         /* EIP-170 */
    TRANSACTION_SIZE = 64,     /* KiB; GoQuorum's default */
    MIN_GAS_LIMIT = 700000000, /* params.DefaultMinGasLimit */
};

static uint64_t or_never(struct chain_optional block)
{
    return block.set ? block.value : ETH_NEVER;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void derive_eth(struct chain_config *c)
{
    const struct chain_optional *blocks = c->blocks;
    eth_config_init(&c->eth);
    c->eth.chain_id = c->chain_id.value;
    c->eth.is_quorum = c->is_quorum;
    c->eth.glacier_block[ETH_MUIR_GLACIER] = or_never(blocks[CHAIN_BLOCK_MUIR_GLACIER]);
    uint64_t *start = c->eth.fork_start;
    start[FORK_HOMESTEAD] = or_never(blocks[CHAIN_BLOCK_HOMESTEAD]);
    start[FORK_TANGERINE] = or_never(blocks[CHAIN_BLOCK_EIP150]);
    start[FORK_SPURIOUS] = or_never(blocks[CHAIN_BLOCK_EIP158]);
    start[FORK_BYZANTIUM] = or_never(blocks[CHAIN_BLOCK_BYZANTIUM]);
    start[FORK_CONSTANTINOPLE] = or_never(blocks[CHAIN_BLOCK_CONSTANTINOPLE]);
    start[FORK_PETERSBURG] = blocks[CHAIN_BLOCK_PETERSBURG].set
                                 ? blocks[CHAIN_BLOCK_PETERSBURG].value
                                 : start[FORK_CONSTANTINOPLE];
    start[FORK_ISTANBUL] = or_never(blocks[CHAIN_BLOCK_ISTANBUL]);
    start[FORK_BERLIN] =
        earlier(or_never(blocks[CHAIN_BLOCK_BERLIN]), or_never(blocks[CHAIN_BLOCK_YOLO_V3]));
    start[FORK_LONDON] = or_never(blocks[CHAIN_BLOCK_LONDON]);
#define X(name, key, fork) start[fork] = or_never(c->times[CHAIN_TIME_##name]);
    CHAIN_TIME_KEY_LIST(X)
#undef X
}

/* --- Istanbul --- */

static enum istanbul_mode mode_of(chain_text text)
{
    if (!text || !*text)
        return ISTANBUL_MODE_UNSET;
    return strcmp(text, "contract") == 0 ? ISTANBUL_MODE_CONTRACT : ISTANBUL_MODE_HEADER;
}

static enum istanbul_beneficiary beneficiary_of(chain_text text, bool plural)
{
    if (!text)
        return ISTANBUL_BENEFICIARY_UNSET;
    if (strcasecmp(text, "fixed") == 0)
        return ISTANBUL_BENEFICIARY_FIXED;
    if (strcasecmp(text, "validator") == 0 || (plural && strcmp(text, "validators") == 0))
        return ISTANBUL_BENEFICIARY_VALIDATOR;
    return ISTANBUL_BENEFICIARY_OTHER;
}

static struct istanbul_transition istanbul_transition_of(const struct chain_transition *t)
{
    bool is_qbft = t->algorithm && strcasecmp(t->algorithm, "qbft") == 0;
    return (struct istanbul_transition){
        .block = t->block.value,
        .has_engine = t->algorithm && *t->algorithm,
        .engine = is_qbft ? ISTANBUL_QBFT : ISTANBUL_IBFT,
        .epoch = t->epoch_length,
        .block_period = t->block_period,
        .request_timeout = t->request_timeout,
        .has_empty_block_period = t->empty_block_period.set,
        .empty_block_period = t->empty_block_period.value,
        .has_max_request_timeout = t->max_request_timeout.set,
        .max_request_timeout = t->max_request_timeout.value,
        .has_two_f_plus_one = t->two_f_plus_one != CHAIN_UNSET,
        .two_f_plus_one = t->two_f_plus_one == CHAIN_TRUE,
        .mode = mode_of(t->validator_selection_mode),
        .validator_contract = t->validator_contract,
        .validators = t->validators.items,
        .validator_count = t->validators.count,
        .has_block_reward = t->block_reward.set,
        .block_reward = t->block_reward.value,
        .beneficiary_mode = beneficiary_of(t->beneficiary_mode, true),
        .has_beneficiary = t->mining_beneficiary.set,
        .beneficiary = t->mining_beneficiary.value,
    };
}

static void take_bft(struct istanbul_config *ret, const struct chain_bft *bft)
{
    if (bft->block_period)
        ret->block_period = bft->block_period;
    if (bft->empty_block_period.set)
        ret->empty_block_period = bft->empty_block_period.value;
    if (bft->request_timeout)
        ret->request_timeout_ms = bft->request_timeout * 1000;
    if (bft->epoch_length)
        ret->epoch = bft->epoch_length;
    if (bft->policy)
        ret->policy = bft->policy == ISTANBUL_STICKY ? ISTANBUL_STICKY : ISTANBUL_ROUND_ROBIN;
    if (bft->ceil_2n_by_3.set)
        ret->ceil_2n_by_3_block = bft->ceil_2n_by_3.value;
    ret->validator_contract = bft->validator_contract;
}

static void take_qbft(struct istanbul_config *ret, const struct chain_bft *qbft)
{
    take_bft(ret, qbft);
    ret->qbft_block = 0;
    ret->block_reward = qbft->block_reward.value;
    ret->beneficiary_mode = beneficiary_of(qbft->beneficiary_mode, false);
    ret->has_beneficiary = qbft->mining_beneficiary.set;
    ret->beneficiary = qbft->mining_beneficiary.value;
    ret->mode = mode_of(qbft->validator_selection_mode);
    ret->validators = qbft->validators.items;
    ret->validator_count = qbft->validators.count;
    ret->max_request_timeout = qbft->max_request_timeout.value;
}

static void take_istanbul(struct istanbul_config *ret, const struct chain_istanbul *key,
                          const struct chain_overrides *overrides)
{
    if (key->epoch)
        ret->epoch = key->epoch;
    ret->policy = key->policy == ISTANBUL_STICKY ? ISTANBUL_STICKY : ISTANBUL_ROUND_ROBIN;
    ret->ceil_2n_by_3_block = key->ceil_2n_by_3.set ? key->ceil_2n_by_3.value : ISTANBUL_NEVER;
    ret->qbft_block = key->test_qbft.set ? key->test_qbft.value : ISTANBUL_NEVER;
    ret->allowed_future_time = overrides->allowed_future_time;
}

/* An engine named by a transition at block 0 alone: only these of its values become the base's. */
static bool bft_of_transitions(const struct chain_config *c, const char *algorithm,
                               struct chain_bft *ret)
{
    bool found = false;
    for (size_t i = 0; i < c->transition_count && c->transitions[i].block.value == 0; i++) {
        const struct chain_transition *t = &c->transitions[i];
        if (!t->algorithm || strcasecmp(t->algorithm, algorithm) != 0)
            continue;
        found = true;
        *ret = (struct chain_bft){
            .set = true,
            .epoch_length = t->epoch_length,
            .block_period = t->block_period,
            .empty_block_period = t->empty_block_period,
            .request_timeout = t->request_timeout,
            .validator_contract = t->validator_contract,
        };
    }
    return found;
}

/* In GoQuorum's order (eth/ethconfig/config.go, CreateConsensusEngine). */
static enum chain_engine_kind choose(struct chain_config *c,
                                     const struct chain_overrides *overrides)
{
    struct chain_bft bft;
    if (c->clique.set) {
        c->clique.allowed_future = overrides->allowed_future_time;
        return CHAIN_ENGINE_CLIQUE;
    }
    if (c->istanbul_key.set) {
        take_istanbul(&c->istanbul, &c->istanbul_key, overrides);
        return CHAIN_ENGINE_ISTANBUL;
    }
    if (c->ibft.set || bft_of_transitions(c, "ibft", &bft)) {
        take_bft(&c->istanbul, c->ibft.set ? &c->ibft : &bft);
        c->istanbul.qbft_block = ISTANBUL_NEVER;
        return CHAIN_ENGINE_ISTANBUL;
    }
    if (c->qbft.set || bft_of_transitions(c, "qbft", &bft)) {
        take_qbft(&c->istanbul, c->qbft.set ? &c->qbft : &bft);
        return CHAIN_ENGINE_ISTANBUL;
    }
    return CHAIN_ENGINE_FAKE;
}

int chain_config_derive(struct chain_config *c, const struct chain_overrides *overrides,
                        struct err_detail *detail)
{
    derive_eth(c);
    istanbul_config_init(&c->istanbul);
    if (overrides->istanbul_block_period)
        c->istanbul.block_period = overrides->istanbul_block_period;
    if (overrides->istanbul_request_timeout)
        c->istanbul.request_timeout_ms = overrides->istanbul_request_timeout;
    c->engine = choose(c, overrides);
    struct istanbul_transition *transitions =
        arena_alloc(&c->arena, c->transition_count * sizeof(*transitions));
    if (!transitions)
        return err_set(detail, ERR_NOMEM, "config: out of memory");
    for (size_t i = 0; i < c->transition_count; i++)
        transitions[i] = istanbul_transition_of(&c->transitions[i]);
    c->istanbul.transitions = transitions;
    c->istanbul.transition_count = c->transition_count;
    return 0;
}

/* --- What holds in a block --- */

static bool passed(const struct chain_config *c, enum chain_block_key key, uint64_t number)
{
    return c->blocks[key].set && c->blocks[key].value <= number;
}

static void choose_last(bool *value, enum chain_tristate change)
{
    if (change != CHAIN_UNSET)
        *value = change == CHAIN_TRUE;
}

static size_t code_size_before_transitions(const struct chain_config *c, uint64_t number)
{
    size_t size = CODE_SIZE;
    if (c->code_size_count) {
        for (size_t i = 0; i < c->code_size_count; i++) {
            if (c->code_sizes[i].block.value > number)
                break;
            size = c->code_sizes[i].size * KIB;
        }
    } else if (c->max_code_size && (!c->blocks[CHAIN_BLOCK_MAX_CODE_SIZE_CHANGE].set ||
                                    passed(c, CHAIN_BLOCK_MAX_CODE_SIZE_CHANGE, number))) {
        size = c->max_code_size * KIB;
    }
    return size;
}

struct chain_rules chain_config_rules(const struct chain_config *c, uint64_t number,
                                      uint64_t timestamp)
{
    struct chain_rules r = {.fork = eth_config_fork(&c->eth, number, timestamp),
                            .is_quorum = c->is_quorum,
                            .max_code_size = code_size_before_transitions(c, number)};
    uint64_t transaction_size = 0;
    for (size_t i = 0; i < c->transition_count; i++) {
        const struct chain_transition *t = &c->transitions[i];
        enum fork fork;
        if (t->block.value > number)
            break;
        choose_last(&r.gas_price, t->gas_price);
        choose_last(&r.privacy_enhancements, t->privacy_enhancements);
        choose_last(&r.privacy_precompile, t->privacy_precompile);
        choose_last(&r.permissions, t->enhanced_permissioning);
        if (t->contract_size_limit)
            r.max_code_size = t->contract_size_limit * KIB;
        transaction_size = t->transaction_size_limit; /* the last one, even when it is 0 */
        if (t->fork && fork_from_name(t->fork, &fork) && fork > r.fork)
            r.fork = fork;
    }
    r.gas_price |= passed(c, CHAIN_BLOCK_ENABLE_GAS_PRICE, number);
    r.privacy_enhancements |= passed(c, CHAIN_BLOCK_PRIVACY_ENHANCEMENTS, number);
    r.privacy_precompile |= passed(c, CHAIN_BLOCK_PRIVACY_PRECOMPILE, number);
    r.private_gas_fix = passed(c, CHAIN_BLOCK_PRIVATE_GAS_FIX, number);
    r.permissions |= passed(c, CHAIN_BLOCK_QIP714, number);
    if (r.max_code_size < CODE_SIZE)
        r.max_code_size = CODE_SIZE;
    if (!transaction_size)
        transaction_size = c->transaction_size_limit;
    r.max_transaction = (transaction_size ? transaction_size : TRANSACTION_SIZE) * KIB;
    r.base_fee = r.fork >= FORK_LONDON;
    r.zero_base_fee = c->zero_base_fee || (c->is_quorum && !r.gas_price);
    r.transactions = (struct eth_rules){.fork = r.fork,
                                        .chain_id = c->eth.chain_id,
                                        .is_quorum = c->is_quorum,
                                        .max_initcode = 2 * r.max_code_size,
                                        .max_size = r.max_transaction};
    return r;
}

uint64_t chain_config_min_gas_limit(const struct chain_config *c, uint64_t parent)
{
    uint64_t least = MIN_GAS_LIMIT;
    for (size_t i = 0; i < c->transition_count && c->transitions[i].block.value <= parent; i++)
        if (c->transitions[i].miner_gas_limit)
            least = c->transitions[i].miner_gas_limit;
    return least;
}

int chain_config_reward_account(const struct chain_config *c, uint64_t number,
                                const struct address *coinbase, struct address *ret_account)
{
    struct address fixed = c->qbft.mining_beneficiary.value;
    const char *mode = c->qbft.mining_beneficiary.set ? "fixed" : "validator";
    if (c->qbft.beneficiary_mode)
        mode = c->qbft.beneficiary_mode;
    for (size_t i = 0; i < c->transition_count && c->transitions[i].block.value <= number; i++) {
        const struct chain_transition *t = &c->transitions[i];
        chain_text text = t->beneficiary_mode;
        if (text && (strcmp(text, "validators") == 0 || strcmp(text, "validator") == 0))
            mode = "validator";
        if (t->mining_beneficiary.set && (!text || strcmp(text, "fixed") == 0)) {
            fixed = t->mining_beneficiary.value;
            mode = "fixed";
        }
    }
    if (strcasecmp(mode, "fixed") != 0 && strcasecmp(mode, "validator") != 0)
        return ERR_INPUT;
    *ret_account = strcasecmp(mode, "fixed") == 0 ? fixed : *coinbase;
    return 0;
}

struct u256 chain_config_block_reward(const struct chain_config *c, uint64_t number)
{
    struct u256 reward = c->qbft.block_reward.value;
    for (size_t i = 0; i < c->transition_count && c->transitions[i].block.value <= number; i++)
        if (c->transitions[i].block_reward.set)
            reward = c->transitions[i].block_reward.value;
    return reward;
}
