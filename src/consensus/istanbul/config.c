#include "consensus/istanbul/config.h"

void istanbul_config_init(struct istanbul_config *config)
{
    *config = (struct istanbul_config){
        .epoch = 30000,
        .block_period = 5,
        .request_timeout_ms = 10000,
    };
}

/* Transitions that have begun at `number`: the first so many. */
static size_t begun(const struct istanbul_config *config, uint64_t number)
{
    size_t n = 0;
    while (n < config->transition_count && config->transitions[n].block <= number)
        n++;
    return n;
}

static enum istanbul_engine engine_at(const struct istanbul_config *config, uint64_t number,
                                      size_t transitions)
{
    if (number >= config->qbft_block && config->qbft_block != ISTANBUL_NEVER)
        return ISTANBUL_QBFT;
    for (size_t i = 0; i < transitions; i++)
        if (config->transitions[i].has_engine && config->transitions[i].engine == ISTANBUL_QBFT)
            return ISTANBUL_QBFT;
    return ISTANBUL_IBFT;
}

/* Seconds as milliseconds; a number too large for them is as good as for ever. */
static uint64_t milliseconds(uint64_t seconds)
{
    return seconds > UINT64_MAX / 1000 ? UINT64_MAX : seconds * 1000;
}

static void apply_beneficiary(struct istanbul_params *p, const struct istanbul_transition *t)
{
    if (t->beneficiary_mode == ISTANBUL_BENEFICIARY_VALIDATOR)
        p->beneficiary_mode = ISTANBUL_BENEFICIARY_VALIDATOR;
    if (t->has_beneficiary && (t->beneficiary_mode == ISTANBUL_BENEFICIARY_UNSET ||
                               t->beneficiary_mode == ISTANBUL_BENEFICIARY_FIXED)) {
        p->beneficiary = t->beneficiary;
        p->beneficiary_mode = ISTANBUL_BENEFICIARY_FIXED;
    }
}

static void apply(struct istanbul_params *p, const struct istanbul_transition *t)
{
    if (t->epoch)
        p->epoch = t->epoch;
    if (t->block_period)
        p->block_period = t->block_period;
    if (t->request_timeout)
        p->request_timeout_ms = milliseconds(t->request_timeout);
    if (t->has_empty_block_period)
        p->empty_block_period = t->empty_block_period;
    if (t->has_max_request_timeout)
        p->max_request_timeout_ms = milliseconds(t->max_request_timeout);
    if (t->has_two_f_plus_one)
        p->two_f_plus_one = t->two_f_plus_one;
    if (t->mode != ISTANBUL_MODE_UNSET)
        p->mode = t->mode;
    if (!address_is_zero(&t->validator_contract))
        p->validator_contract = t->validator_contract;
    if (t->has_block_reward)
        p->block_reward = t->block_reward;
    apply_beneficiary(p, t);
}

void istanbul_params_at(const struct istanbul_config *config, uint64_t number,
                        struct istanbul_params *ret_params)
{
    struct istanbul_params p = {
        .epoch = config->epoch,
        .block_period = config->block_period,
        .empty_block_period = config->empty_block_period,
        .request_timeout_ms = config->request_timeout_ms,
        .max_request_timeout_ms = milliseconds(config->max_request_timeout),
        .policy = config->policy,
        .mode = config->mode == ISTANBUL_MODE_UNSET ? ISTANBUL_MODE_HEADER : config->mode,
        .validator_contract = config->validator_contract,
        .block_reward = config->block_reward,
        .beneficiary = config->beneficiary,
        .beneficiary_mode = config->beneficiary_mode,
    };
    if (p.beneficiary_mode == ISTANBUL_BENEFICIARY_UNSET)
        p.beneficiary_mode =
            config->has_beneficiary ? ISTANBUL_BENEFICIARY_FIXED : ISTANBUL_BENEFICIARY_VALIDATOR;
    size_t n = begun(config, number);
    for (size_t i = 0; i < n; i++)
        apply(&p, &config->transitions[i]);
    p.engine = engine_at(config, number, n);
    p.two_f_plus_one |=
        config->ceil_2n_by_3_block == ISTANBUL_NEVER || number < config->ceil_2n_by_3_block;
    *ret_params = p;
}

enum istanbul_engine istanbul_engine_at(const struct istanbul_config *config, uint64_t number)
{
    return engine_at(config, number, begun(config, number));
}

bool istanbul_contract_at(const struct istanbul_config *config, uint64_t number,
                          struct address *ret_contract)
{
    struct istanbul_params p;
    istanbul_params_at(config, number, &p);
    if (p.mode != ISTANBUL_MODE_CONTRACT || address_is_zero(&p.validator_contract))
        return false;
    *ret_contract = p.validator_contract;
    return true;
}

const struct address *istanbul_validators_at(const struct istanbul_config *config, uint64_t number,
                                             size_t *ret_count)
{
    *ret_count = 0;
    struct istanbul_params p;
    istanbul_params_at(config, number, &p);
    if (p.mode != ISTANBUL_MODE_HEADER)
        return NULL;
    if (number == 0 && config->validator_count) {
        *ret_count = config->validator_count;
        return config->validators;
    }
    for (size_t i = 0; i < config->transition_count; i++) {
        const struct istanbul_transition *t = &config->transitions[i];
        if (t->block == number && t->validator_count) {
            *ret_count = t->validator_count;
            return t->validators;
        }
    }
    return NULL;
}
