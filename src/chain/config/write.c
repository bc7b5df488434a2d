/* The configuration as GoQuorum serves and stores it: the order of Go's structs, absent values left
 * out where Go says omitempty (spec §1.2). */
#include "base/hex.h"
#include "chain/config/config.h"

#include <inttypes.h>

/* An object under way: knows whether a comma is due. */
struct writer {
    struct buf *b;
    bool any;
};

static struct writer open_object(struct buf *b)
{
    buf_append_byte(b, '{');
    return (struct writer){b, false};
}

static void close_object(struct writer *w)
{
    buf_append_byte(w->b, '}');
}

static void name(struct writer *w, const char *key)
{
    buf_append_format(w->b, "%s\"%s\":", w->any ? "," : "", key);
    w->any = true;
}

static void number(struct writer *w, const char *key, uint64_t value)
{
    name(w, key);
    buf_append_format(w->b, "%" PRIu64, value);
}

static void number_unless_0(struct writer *w, const char *key, uint64_t value)
{
    if (value)
        number(w, key, value);
}

static void optional(struct writer *w, const char *key, struct chain_optional value)
{
    if (value.set)
        number(w, key, value.value);
}

static void boolean(struct writer *w, const char *key, bool value)
{
    name(w, key);
    buf_append_text(w->b, value ? "true" : "false");
}

static void tristate(struct writer *w, const char *key, enum chain_tristate value)
{
    if (value != CHAIN_UNSET)
        boolean(w, key, value == CHAIN_TRUE);
}

static void quoted(struct buf *b, const char *text)
{
    buf_append_byte(b, '"');
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        /* Go escapes what could end a script in HTML, too. */
        if (c == '"' || c == '\\')
            buf_append_format(b, "\\%c", c);
        else if (c < 0x20 || c == '<' || c == '>' || c == '&')
            buf_append_format(b, "\\u%04x", c);
        else
            buf_append_byte(b, c);
    }
    buf_append_byte(b, '"');
}

static void text(struct writer *w, const char *key, chain_text value)
{
    if (!value)
        return;
    name(w, key);
    quoted(w->b, value);
}

/* Go's plain string: empty is left out. */
static void text_unless_empty(struct writer *w, const char *key, chain_text value)
{
    if (value && *value)
        text(w, key, value);
}

static void bytes(struct writer *w, const char *key, const void *data, size_t size)
{
    name(w, key);
    buf_append_byte(w->b, '"');
    hex_append(w->b, bytes_of(data, size));
    buf_append_byte(w->b, '"');
}

static void optional_address(struct writer *w, const char *key, struct chain_optional_address value)
{
    if (value.set)
        bytes(w, key, &value.value, sizeof(value.value));
}

static void addresses(struct writer *w, const char *key, struct chain_optional_addresses list)
{
    name(w, key);
    if (!list.set) {
        buf_append_text(w->b, "null");
        return;
    }
    buf_append_byte(w->b, '[');
    for (size_t i = 0; i < list.count; i++) {
        buf_append_text(w->b, i ? ",\"" : "\"");
        hex_append(w->b, bytes_of(&list.items[i], sizeof(list.items[i])));
        buf_append_byte(w->b, '"');
    }
    buf_append_byte(w->b, ']');
}

static void amount(struct writer *w, const char *key, struct chain_optional_amount value)
{
    char digits[80];
    if (!value.set)
        return;
    name(w, key);
    hex_format_u256(digits, &value.value);
    buf_append_format(w->b, "\"%s\"", digits);
}

/* --- Engines --- */

static void write_bft_common(struct writer *w, const struct chain_bft *bft)
{
    number(w, "epochlength", bft->epoch_length);
    number(w, "blockperiodseconds", bft->block_period);
    optional(w, "emptyblockperiodseconds", bft->empty_block_period);
    number(w, "requesttimeoutseconds", bft->request_timeout);
    number(w, "policy", bft->policy);
    optional(w, "ceil2Nby3Block", bft->ceil_2n_by_3);
    bytes(w, "validatorcontractaddress", &bft->validator_contract, sizeof(struct address));
}

static void write_qbft(struct writer *w, const struct chain_bft *qbft)
{
    write_bft_common(w, qbft);
    amount(w, "blockReward", qbft->block_reward);
    text(w, "beneficiaryMode", qbft->beneficiary_mode);
    optional_address(w, "miningBeneficiary", qbft->mining_beneficiary);
    text(w, "validatorselectionmode", qbft->validator_selection_mode);
    addresses(w, "validators", qbft->validators);
    if (qbft->max_request_timeout.set) {
        optional(w, "maxRequestTimeoutSeconds", qbft->max_request_timeout);
    } else {
        name(w, "maxRequestTimeoutSeconds");
        buf_append_text(w->b, "null");
    }
}

static void write_engines(struct writer *w, const struct chain_config *c)
{
    struct writer o;
    if (c->has_ethash) {
        name(w, "ethash");
        buf_append_text(w->b, "{}");
    }
    if (c->clique.set) {
        name(w, "clique");
        o = open_object(w->b);
        number(&o, "period", c->clique.period);
        number(&o, "epoch", c->clique.epoch);
        number(&o, "allowedFutureBlockTime", c->clique.allowed_future);
        close_object(&o);
    }
    if (c->istanbul_key.set) {
        name(w, "istanbul");
        o = open_object(w->b);
        number(&o, "epoch", c->istanbul_key.epoch);
        number(&o, "policy", c->istanbul_key.policy);
        optional(&o, "ceil2Nby3Block", c->istanbul_key.ceil_2n_by_3);
        optional(&o, "testQBFTBlock", c->istanbul_key.test_qbft);
        close_object(&o);
    }
    if (c->ibft.set) {
        name(w, "ibft");
        o = open_object(w->b);
        write_bft_common(&o, &c->ibft);
        close_object(&o);
    }
    if (c->qbft.set) {
        name(w, "qbft");
        o = open_object(w->b);
        write_qbft(&o, &c->qbft);
        close_object(&o);
    }
}

/* --- Transitions --- */

static void write_transition(struct buf *b, const struct chain_transition *t)
{
    struct writer w = open_object(b);
    number(&w, "block", t->block.value);
    text_unless_empty(&w, "algorithm", t->algorithm);
    number_unless_0(&w, "epochlength", t->epoch_length);
    number_unless_0(&w, "blockperiodseconds", t->block_period);
    optional(&w, "emptyblockperiodseconds", t->empty_block_period);
    number_unless_0(&w, "requesttimeoutseconds", t->request_timeout);
    number_unless_0(&w, "contractsizelimit", t->contract_size_limit);
    bytes(&w, "validatorcontractaddress", &t->validator_contract, sizeof(struct address));
    addresses(&w, "validators", t->validators);
    text_unless_empty(&w, "validatorselectionmode", t->validator_selection_mode);
    tristate(&w, "enhancedPermissioningEnabled", t->enhanced_permissioning);
    tristate(&w, "privacyEnhancementsEnabled", t->privacy_enhancements);
    tristate(&w, "privacyPrecompileEnabled", t->privacy_precompile);
    tristate(&w, "gasPriceEnabled", t->gas_price);
    number_unless_0(&w, "miner.gaslimit", t->miner_gas_limit);
    tristate(&w, "2FPlus1Enabled", t->two_f_plus_one);
    number_unless_0(&w, "transactionSizeLimit", t->transaction_size_limit);
    amount(&w, "blockReward", t->block_reward);
    text(&w, "beneficiaryMode", t->beneficiary_mode);
    optional_address(&w, "miningBeneficiary", t->mining_beneficiary);
    optional(&w, "maxRequestTimeoutSeconds", t->max_request_timeout);
    text(&w, "fork", t->fork);
    close_object(&w);
}

static void write_transitions(struct writer *w, const struct chain_config *c)
{
    if (!c->transition_count)
        return;
    name(w, "transitions");
    for (size_t i = 0; i < c->transition_count; i++) {
        buf_append_byte(w->b, i ? ',' : '[');
        write_transition(w->b, &c->transitions[i]);
    }
    buf_append_byte(w->b, ']');
}

static void write_code_sizes(struct writer *w, const struct chain_config *c)
{
    if (!c->code_size_count)
        return;
    name(w, "maxCodeSizeConfig");
    for (size_t i = 0; i < c->code_size_count; i++) {
        buf_append_byte(w->b, i ? ',' : '[');
        struct writer o = open_object(w->b);
        optional(&o, "block", c->code_sizes[i].block);
        number_unless_0(&o, "size", c->code_sizes[i].size);
        close_object(&o);
    }
    buf_append_byte(w->b, ']');
}

/* --- The whole --- */

static const char *const block_keys[] = {
#define X(name, key, in_fork_id) [CHAIN_BLOCK_##name] = key,
    CHAIN_BLOCK_KEY_LIST(X)
#undef X
};

static void write_blocks(struct writer *w, const struct chain_config *c, enum chain_block_key first,
                         enum chain_block_key last)
{
    for (int i = first; i <= (int)last; i++)
        optional(w, block_keys[i], c->blocks[i]);
}

static void write_block(struct writer *w, const struct chain_config *c, enum chain_block_key key)
{
    write_blocks(w, c, key, key);
}

static void write_forks(struct writer *w, const struct chain_config *c)
{
    write_blocks(w, c, CHAIN_BLOCK_HOMESTEAD, CHAIN_BLOCK_DAO);
    if (c->dao_support)
        boolean(w, "daoForkSupport", true);
    write_block(w, c, CHAIN_BLOCK_EIP150);
    bytes(w, "eip150Hash", &c->eip150_hash, sizeof(c->eip150_hash));
    write_blocks(w, c, CHAIN_BLOCK_EIP155, CHAIN_BLOCK_CATALYST);
#define X(name, key, fork) optional(w, key, c->times[CHAIN_TIME_##name]);
    CHAIN_TIME_KEY_LIST(X)
#undef X
    if (c->zero_base_fee)
        boolean(w, "zeroBaseFee", true);
}

void chain_config_write(struct buf *b, const struct chain_config *c)
{
    struct writer w = open_object(b);
    name(&w, "chainId");
    if (c->chain_id.set)
        buf_append_format(b, "%" PRIu64, c->chain_id.value.w[0]); /* read as 63 bits */
    else
        buf_append_text(b, "null");
    write_forks(&w, c);
    write_engines(&w, c);
    write_transitions(&w, c);
    boolean(&w, "isQuorum", c->is_quorum);
    number(&w, "txnSizeLimit", c->transaction_size_limit);
    number(&w, "maxCodeSize", c->max_code_size);
    write_blocks(&w, c, CHAIN_BLOCK_QIP714, CHAIN_BLOCK_MAX_CODE_SIZE_CHANGE);
    write_code_sizes(&w, c);
    write_block(&w, c, CHAIN_BLOCK_PRIVACY_ENHANCEMENTS);
    boolean(&w, "isMPS", c->is_mps);
    write_blocks(&w, c, CHAIN_BLOCK_PRIVACY_PRECOMPILE, CHAIN_BLOCK_PRIVATE_GAS_FIX);
    close_object(&w);
}
