#include "consensus/istanbul/header_check.h"

#include "consensus/istanbul/hash.h"

/* What can be seen without the parent. */
static enum istanbul_verdict check_alone(const struct istanbul_header_check *check,
                                         enum istanbul_engine engine,
                                         const struct eth_header *header)
{
    uint64_t allowed = check->config->allowed_future_time;
    struct istanbul_extra extra;
    struct address candidate;
    bool authorize;
    const struct u256 one = u256_from(1);
    if (header->timestamp > check->now && header->timestamp - check->now > allowed)
        return ISTANBUL_FUTURE;
    if (!istanbul_extra_decode(&extra, engine, header->extra))
        return ISTANBUL_BAD_EXTRA;
    if (engine == ISTANBUL_IBFT &&
        istanbul_read_vote(engine, header, &candidate, &authorize) != ISTANBUL_VALID)
        return ISTANBUL_BAD_NONCE;
    if (!hash256_equal(&header->mix_hash, &istanbul_digest))
        return ISTANBUL_BAD_MIX;
    if (!hash256_equal(&header->uncles_hash, &eth_empty_uncles_hash))
        return ISTANBUL_UNCLES;
    return u256_equal(&header->difficulty, &one) ? ISTANBUL_VALID : ISTANBUL_BAD_DIFFICULTY;
}

static bool follows(const struct istanbul_header_check *check, const struct eth_header *header)
{
    return check->parent && check->parent->number == header->number - 1 &&
           hash256_equal(check->parent_hash, &header->parent_hash);
}

int istanbul_check_header(const struct istanbul_header_check *check,
                          const struct eth_header *header)
{
    struct istanbul_params params;
    istanbul_params_at(check->config, header->number, &params);
    int verdict = check_alone(check, params.engine, header);
    if (verdict != ISTANBUL_VALID || header->number == 0)
        return verdict;
    if (!follows(check, header))
        return ISTANBUL_NO_PARENT;
    uint64_t earliest;
    if (__builtin_add_overflow(check->parent->timestamp, params.block_period, &earliest) ||
        header->timestamp < earliest)
        return ISTANBUL_BAD_TIME;
    struct address author;
    verdict = istanbul_author(params.engine, header, &author);
    if (verdict != ISTANBUL_VALID)
        return verdict;
    if (!istanbul_set_has(check->validators, &author))
        return ISTANBUL_NOT_AUTHORIZED;
    if (check->proposal) {
        verdict = istanbul_check_seals(params.engine, header, check->validators);
        return verdict == ISTANBUL_NO_SEALS ? ISTANBUL_VALID : verdict;
    }
    return istanbul_check_seals(params.engine, header, check->validators);
}
