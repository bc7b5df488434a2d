/*
 * What `init` and a start refuse, in GoQuorum's words (params/config.go, params/errors.go,
 * cmd/geth/chaincmd.go, eth/backend.go), and whether a chain may go on under another configuration.
 */
#include "chain/config/config.h"
#include "consensus/istanbul/extra.h"

#include <inttypes.h>
#include <strings.h>

enum {
    CODE_SIZE_MIN = 24, /* KiB */
    CODE_SIZE_MAX = 128,
    TRANSACTION_SIZE_MIN = 32,
    TRANSACTION_SIZE_MAX = 128,
};

static bool code_size_ok(uint64_t size)
{
    return size >= CODE_SIZE_MIN && size <= CODE_SIZE_MAX;
}

static bool transaction_size_ok(uint64_t size)
{
    return size >= TRANSACTION_SIZE_MIN && size <= TRANSACTION_SIZE_MAX;
}

static bool is_text(chain_text text, const char *wanted)
{
    return text && strcmp(text, wanted) == 0;
}

static bool is_algorithm(chain_text text, const char *wanted)
{
    return text && strcasecmp(text, wanted) == 0;
}

/* --- init --- */

static const char *code_sizes_fault(const struct chain_config *c)
{
    uint64_t previous = 0;
    if (c->max_code_size || c->blocks[CHAIN_BLOCK_MAX_CODE_SIZE_CHANGE].set)
        return "maxCodeSize & maxCodeSizeChangeBlock deprecated. Consider using maxCodeSizeConfig";
    for (size_t i = 0; i < c->code_size_count; i++) {
        if (!code_size_ok(c->code_sizes[i].size))
            return "Genesis max code size must be between 24 and 128";
        if (c->code_sizes[i].block.value < previous)
            return "invalid maxCodeSize detail, block order has to be ascending";
        previous = c->code_sizes[i].block.value;
    }
    return NULL;
}

/* What one transition, by itself or with the top level, has wrong. */
static const char *transition_fault(const struct chain_config *c, const struct chain_transition *t)
{
    bool ibft = is_algorithm(t->algorithm, "ibft"), qbft = is_algorithm(t->algorithm, "qbft");
    chain_text mode = t->validator_selection_mode, pays = t->beneficiary_mode;
    uint64_t size = t->transaction_size_limit;
    if (t->algorithm && *t->algorithm && !ibft && !qbft)
        return "transition algorithm is invalid, should be either `ibft` or `qbft`";
    if (mode && *mode && !is_text(mode, "contract") && !is_text(mode, "blockheader"))
        return "validator selection mode is invalid, should be either `contract` or `blockheader`";
    if (c->istanbul_key.test_qbft.set && (ibft || qbft))
        return "can't use transition algorithm and testQBFTBlock at the same time";
    if (c->code_size_count && t->contract_size_limit)
        return "can't use transition ContractSizeLimit and MaxCodeSizeConfig at the same time";
    if (t->contract_size_limit && !code_size_ok(t->contract_size_limit))
        return "transition contract code size must be between 24 and 128";
    if (!address_is_zero(&t->validator_contract) && !is_text(mode, "contract"))
        return "validator selection mode is missing, should specify `contract` when using "
               "validatorcontractaddress";
    if (size && !transaction_size_ok(size))
        return "genesis transaction size limit must be between 32 and 128";
    if (pays && *pays && !is_text(pays, "fixed") && !is_text(pays, "validators") &&
        !is_text(pays, "list"))
        return "beneficiary mode is not valid";
    return NULL;
}

static const char *transitions_fault(const struct chain_config *c)
{
    bool is_qbft = c->qbft.set;
    uint64_t previous = 0;
    for (size_t i = 0; i < c->transition_count; i++) {
        const struct chain_transition *t = &c->transitions[i];
        const char *fault = transition_fault(c, t);
        if (fault)
            return fault;
        is_qbft |= is_algorithm(t->algorithm, "qbft");
        if (t->block.value < previous)
            return "block order should be ascending";
        if (is_qbft && is_algorithm(t->algorithm, "ibft"))
            return "can't transition from qbft to ibft";
        previous = t->block.value;
    }
    return NULL;
}

/* With a validator contract the extra data names no validators. The reference decodes IBFT's with
 * its vanity, which never succeeds; here the vanity is passed over. */
static bool names_validators(enum istanbul_engine form, struct bytes extra)
{
    struct istanbul_extra decoded;
    return !istanbul_extra_decode(&decoded, form, extra) || decoded.validator_count > 0;
}

int chain_config_check_init(const struct chain_config *c, struct bytes extra,
                            struct err_detail *detail)
{
    const char *fault = code_sizes_fault(c);
    if (fault)
        return err_set(detail, ERR_INPUT, "maxCodeSize data invalid: %s", fault);
    if (!c->is_quorum)
        return 0;
    fault = transitions_fault(c);
    if (fault)
        return err_set(detail, ERR_INPUT, "transitions data invalid: %s", fault);
    static const char combined[] = "invalid genesis file: cant combine extraData validators and "
                                   "config.%s.validatorcontractaddress at the same time";
    if (c->qbft.set && !address_is_zero(&c->qbft.validator_contract) &&
        names_validators(ISTANBUL_QBFT, extra))
        return err_set(detail, ERR_INPUT, combined, "qbft");
    if (c->ibft.set && !address_is_zero(&c->ibft.validator_contract) &&
        names_validators(ISTANBUL_IBFT, extra))
        return err_set(detail, ERR_INPUT, combined, "ibft");
    return 0;
}

/* --- Every start --- */

static const struct {
    const char *name;
    enum chain_block_key key;
    bool may_be_absent;
} order[] = {
    {"homesteadBlock", CHAIN_BLOCK_HOMESTEAD, false},
    {"daoForkBlock", CHAIN_BLOCK_DAO, true},
    {"eip150Block", CHAIN_BLOCK_EIP150, false},
    {"eip155Block", CHAIN_BLOCK_EIP155, false},
    {"eip158Block", CHAIN_BLOCK_EIP158, false},
    {"byzantiumBlock", CHAIN_BLOCK_BYZANTIUM, false},
    {"constantinopleBlock", CHAIN_BLOCK_CONSTANTINOPLE, false},
    {"petersburgBlock", CHAIN_BLOCK_PETERSBURG, false},
    {"istanbulBlock", CHAIN_BLOCK_ISTANBUL, false},
    {"muirGlacierBlock", CHAIN_BLOCK_MUIR_GLACIER, true},
    {"berlinBlock", CHAIN_BLOCK_BERLIN, false},
    {"londonBlock", CHAIN_BLOCK_LONDON, false},
};

static int check_order(const struct chain_config *c, struct err_detail *detail)
{
    const char *last_name = NULL;
    struct chain_optional last = {0};
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        struct chain_optional now = c->blocks[order[i].key];
        if (last_name && now.set && !last.set)
            return err_set(detail, ERR_INPUT,
                           "unsupported fork ordering: %s not enabled, but %s enabled at %" PRIu64,
                           last_name, order[i].name, now.value);
        if (last_name && now.set && last.value > now.value)
            return err_set(detail, ERR_INPUT,
                           "unsupported fork ordering: %s enabled at %" PRIu64
                           ", but %s enabled at %" PRIu64,
                           last_name, last.value, order[i].name, now.value);
        if (!order[i].may_be_absent || now.set) {
            last_name = order[i].name;
            last = now;
        }
    }
    return 0;
}

static int check_times(const struct chain_config *c, struct err_detail *detail)
{
    static const char *const names[] = {
#define X(name, key, fork) key,
        CHAIN_TIME_KEY_LIST(X)
#undef X
    };
    for (int i = 0; i < CHAIN_TIME_KEYS; i++) {
        struct chain_optional now = c->times[i];
        const char *before = i ? names[i - 1] : "londonBlock";
        bool before_set = i ? c->times[i - 1].set : c->blocks[CHAIN_BLOCK_LONDON].set;
        if (now.set && !before_set)
            return err_set(detail, ERR_INPUT,
                           "unsupported fork ordering: %s not enabled, but %s enabled at %" PRIu64,
                           before, names[i], now.value);
        if (now.set && i && c->times[i - 1].value > now.value)
            return err_set(detail, ERR_INPUT,
                           "unsupported fork ordering: %s enabled at %" PRIu64
                           ", but %s enabled at %" PRIu64,
                           before, c->times[i - 1].value, names[i], now.value);
    }
    return 0;
}

/* In that block the accounts of Ethereum's main network that had to do with the DAO are emptied into
 * another one. On a chain that has none of them that makes them, empty; from EIP-158 on they are gone
 * at the block's end. Block 0 is not executed. */
static int check_dao(const struct chain_config *c, struct err_detail *detail)
{
    const struct chain_optional dao = c->blocks[CHAIN_BLOCK_DAO];
    const struct chain_optional eip158 = c->blocks[CHAIN_BLOCK_EIP158];
    if (!c->dao_support || !dao.set || dao.value == 0 || (eip158.set && eip158.value <= dao.value))
        return 0;
    return err_set(detail, ERR_INPUT,
                   "daoForkSupport: the DAO fork's change of the state in block %" PRIu64
                   " is not made here",
                   dao.value);
}

int chain_config_check(const struct chain_config *c, struct err_detail *detail)
{
    /* Absent counts as 64: what a chain's first commit stores. */
    if (c->transaction_size_limit && !transaction_size_ok(c->transaction_size_limit))
        return err_set(detail, ERR_INPUT,
                       "Genesis transaction size limit must be between 32 and 128");
    if (c->max_code_size && !code_size_ok(c->max_code_size))
        return err_set(detail, ERR_INPUT, "Genesis max code size must be between 24 and 128");
    int err = check_order(c, detail);
    if (!err)
        err = check_dao(c, detail);
    return err ? err : check_times(c, detail);
}

int chain_config_check_start(const struct chain_config *c, uint64_t network_id, bool raft,
                             struct err_detail *detail)
{
    const struct u256 one = u256_from(1);
    if (c->is_quorum) {
        if ((c->chain_id.set && u256_equal(&c->chain_id.value, &one)) || network_id == 1)
            return err_set(detail, ERR_INPUT, "Cannot have chain id or network id as 1.");
        if (c->istanbul_key.set && (c->ibft.set || c->qbft.set))
            return err_set(detail, ERR_INPUT,
                           "the attributes config.Istanbul and config.[IBFT|QBFT] are mutually "
                           "exclusive on the genesis file");
        if (c->ibft.set && c->qbft.set)
            return err_set(detail, ERR_INPUT,
                           "the attributes config.IBFT and config.QBFT are mutually exclusive on "
                           "the genesis file");
    }
    if (c->engine == CHAIN_ENGINE_FAKE && !raft)
        return err_set(
            detail, ERR_INPUT,
            "Consensus not specified. Exiting!! (the genesis has none of clique, istanbul, "
            "ibft, qbft, and --raft was not given)");
    return 0;
}
