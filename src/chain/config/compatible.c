/* Whether a chain may go on under another configuration: what has happened must not have happened
 * otherwise (GoQuorum, params/config.go, CheckCompatible; core/genesis.go). */
#include "chain/config/config.h"

#include <inttypes.h>
#include <stdio.h>

/* A difference, with the values of both sides, and the block to go back to. */
struct conflict {
    const char *what;
    struct chain_optional stored, next;
    uint64_t rewind_to;
};

static bool begun(struct chain_optional block, uint64_t head)
{
    return block.set && block.value <= head;
}

static bool same(struct chain_optional a, struct chain_optional b)
{
    return a.set == b.set && (!a.set || a.value == b.value);
}

static bool differs(struct chain_optional stored, struct chain_optional next, uint64_t head)
{
    return (begun(stored, head) || begun(next, head)) && !same(stored, next);
}

static bool report(struct conflict *ret, const char *what, struct chain_optional stored,
                   struct chain_optional next)
{
    struct chain_optional first = !stored.set                              ? next
                                  : !next.set || stored.value < next.value ? stored
                                                                           : next;
    *ret = (struct conflict){what, stored, next, first.set && first.value ? first.value - 1 : 0};
    return true;
}

/* Blocks of the top level in the order of the reference's comparison; those around them have rules
 * of their own. */
static const struct {
    enum chain_block_key key;
    const char *what;
} plain_before_petersburg[] =
    {
        {CHAIN_BLOCK_BYZANTIUM, "Byzantium fork block"},
        {CHAIN_BLOCK_CONSTANTINOPLE, "Constantinople fork block"},
},
  plain_after_petersburg[] = {
      {CHAIN_BLOCK_ISTANBUL, "Istanbul fork block"},
      {CHAIN_BLOCK_MUIR_GLACIER, "Muir Glacier fork block"},
      {CHAIN_BLOCK_BERLIN, "Berlin fork block"},
      {CHAIN_BLOCK_LONDON, "London fork block"},
      {CHAIN_BLOCK_YOLO_V3, "YOLOv3 fork block"},
      {CHAIN_BLOCK_EWASM, "ewasm fork block"},
};

static bool compare_early(struct conflict *ret, const struct chain_config *a,
                          const struct chain_config *b, uint64_t head)
{
    const struct chain_optional *x = a->blocks, *y = b->blocks;
    bool same_id =
        a->chain_id.set == b->chain_id.set && u256_equal(&a->chain_id.value, &b->chain_id.value);
    struct chain_optional ids[2] = {{a->chain_id.set, a->chain_id.value.w[0]},
                                    {b->chain_id.set, b->chain_id.value.w[0]}};
#define DIFFERS(key)      differs(x[CHAIN_BLOCK_##key], y[CHAIN_BLOCK_##key], head)
#define REPORT(text, key) report(ret, text, x[CHAIN_BLOCK_##key], y[CHAIN_BLOCK_##key])
    if (DIFFERS(HOMESTEAD))
        return REPORT("Homestead fork block", HOMESTEAD);
    if (DIFFERS(DAO))
        return REPORT("DAO fork block", DAO);
    if (begun(x[CHAIN_BLOCK_DAO], head) && a->dao_support != b->dao_support)
        return REPORT("DAO fork support flag", DAO);
    if (DIFFERS(EIP150))
        return REPORT("EIP150 fork block", EIP150);
    if (a->chain_id.set && DIFFERS(EIP155))
        return REPORT("EIP155 fork block", EIP155);
    if (a->chain_id.set && begun(x[CHAIN_BLOCK_EIP155], head) && !same_id)
        return report(ret, "EIP155 chain ID", ids[0], ids[1]);
    if (DIFFERS(EIP158))
        return REPORT("EIP158 fork block", EIP158);
    if (begun(x[CHAIN_BLOCK_EIP158], head) && !same_id)
        return REPORT("EIP158 chain ID", EIP158);
#undef DIFFERS
#undef REPORT
    return false;
}

static bool compare_late(struct conflict *ret, const struct chain_config *a,
                         const struct chain_config *b, uint64_t head)
{
    const struct chain_optional *x = a->blocks, *y = b->blocks;
    bool both = a->istanbul_key.set && b->istanbul_key.set;
    const struct {
        bool applies;
        const char *what;
        struct chain_optional stored, next;
    } rules[] = {
        {both, "Ceil 2N/3 fork block", a->istanbul_key.ceil_2n_by_3, b->istanbul_key.ceil_2n_by_3},
        {both, "Test QBFT fork block", a->istanbul_key.test_qbft, b->istanbul_key.test_qbft},
        {true, "permissions fork block", x[CHAIN_BLOCK_QIP714], y[CHAIN_BLOCK_QIP714]},
        {y[CHAIN_BLOCK_MAX_CODE_SIZE_CHANGE].set, "max code size change fork block",
         x[CHAIN_BLOCK_MAX_CODE_SIZE_CHANGE], y[CHAIN_BLOCK_MAX_CODE_SIZE_CHANGE]},
        {true, "Privacy Enhancements fork block", x[CHAIN_BLOCK_PRIVACY_ENHANCEMENTS],
         y[CHAIN_BLOCK_PRIVACY_ENHANCEMENTS]},
        {true, "Privacy Precompile fork block", x[CHAIN_BLOCK_PRIVACY_PRECOMPILE],
         y[CHAIN_BLOCK_PRIVACY_PRECOMPILE]},
        {true, "Private gas fix fork block", x[CHAIN_BLOCK_PRIVATE_GAS_FIX],
         y[CHAIN_BLOCK_PRIVATE_GAS_FIX]},
    };
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
        if (rules[i].applies && differs(rules[i].stored, rules[i].next, head))
            return report(ret, rules[i].what, rules[i].stored, rules[i].next);
    return false;
}

static bool compare_blocks(struct conflict *ret, const struct chain_config *a,
                           const struct chain_config *b, uint64_t head)
{
    const struct chain_optional *x = a->blocks, *y = b->blocks;
    if (compare_early(ret, a, b, head))
        return true;
    for (size_t i = 0; i < sizeof(plain_before_petersburg) / sizeof(plain_before_petersburg[0]);
         i++) {
        enum chain_block_key key = plain_before_petersburg[i].key;
        if (differs(x[key], y[key], head))
            return report(ret, plain_before_petersburg[i].what, x[key], y[key]);
    }
    /* Petersburg may be put in afterwards when it is where Constantinople is. */
    if (differs(x[CHAIN_BLOCK_PETERSBURG], y[CHAIN_BLOCK_PETERSBURG], head) &&
        differs(x[CHAIN_BLOCK_CONSTANTINOPLE], y[CHAIN_BLOCK_PETERSBURG], head))
        return report(ret, "Petersburg fork block", x[CHAIN_BLOCK_PETERSBURG],
                      y[CHAIN_BLOCK_PETERSBURG]);
    for (size_t i = 0; i < sizeof(plain_after_petersburg) / sizeof(plain_after_petersburg[0]);
         i++) {
        enum chain_block_key key = plain_after_petersburg[i].key;
        if (differs(x[key], y[key], head))
            return report(ret, plain_after_petersburg[i].what, x[key], y[key]);
    }
    return compare_late(ret, a, b, head);
}

/* --- Schedules: what lies behind the head must be there, and the same --- */

static const char *code_sizes_conflict(const struct chain_config *a, const struct chain_config *b,
                                       uint64_t head)
{
    size_t past_a = 0, past_b = 0;
    if (a->code_size_count && !b->code_size_count)
        return "genesis file missing max code size information";
    if (!a->code_size_count)
        return NULL;
    while (past_a < a->code_size_count && a->code_sizes[past_a].block.value <= head)
        past_a++;
    while (past_b < b->code_size_count && b->code_sizes[past_b].block.value <= head)
        past_b++;
    if (past_a != past_b)
        return "maxCodeSizeConfig data incompatible. updating maxCodeSize for past";
    for (size_t i = 0; i < past_a; i++)
        if (a->code_sizes[i].block.value != b->code_sizes[i].block.value ||
            a->code_sizes[i].size != b->code_sizes[i].size)
            return "maxCodeSizeConfig data incompatible. maxCodeSize historical data does not "
                   "match";
    return NULL;
}

static bool same_text(chain_text a, chain_text b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

/* The name of the first field that differs. As the reference has it, but for 2FPlus1Enabled, which
 * it compares by pointer. */
static const char *transition_conflict(const struct chain_transition *a,
                                       const struct chain_transition *b)
{
    const struct {
        bool same;
        const char *field;
    } fields[] = {
        {a->block.value == b->block.value && same_text(a->algorithm, b->algorithm), "Algorithm"},
        {a->block_period == b->block_period, "BlockPeriodSeconds"},
        {a->request_timeout == b->request_timeout, "RequestTimeoutSeconds"},
        {a->epoch_length == b->epoch_length, "EpochLength"},
        {a->contract_size_limit == b->contract_size_limit, "ContractSizeLimit"},
        {address_equal(&a->validator_contract, &b->validator_contract), "ValidatorContractAddress"},
        {same_text(a->validator_selection_mode, b->validator_selection_mode),
         "ValidatorSelectionMode"},
        {a->miner_gas_limit == b->miner_gas_limit, "Miner GasLimit"},
        {a->two_f_plus_one == b->two_f_plus_one, "2FPlus1Enabled"},
        {same_text(a->fork, b->fork), "Fork"},
    };
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        if (!fields[i].same)
            return fields[i].field;
    return NULL;
}

static const char *transitions_conflict(const struct chain_config *a, const struct chain_config *b,
                                        uint64_t head, struct err_detail *text)
{
    size_t past_a = 0, past_b = 0;
    if (a->transition_count && !b->transition_count)
        return "genesis file missing transitions information";
    if (!a->transition_count)
        return NULL;
    while (past_a < a->transition_count && a->transitions[past_a].block.value <= head)
        past_a++;
    while (past_b < b->transition_count && b->transitions[past_b].block.value <= head)
        past_b++;
    if (past_a != past_b)
        return "transitions data incompatible. updating transitions for past";
    for (size_t i = 0; i < past_a; i++) {
        const char *field = transition_conflict(&a->transitions[i], &b->transitions[i]);
        if (field) {
            err_set(text, ERR_INPUT,
                    "transitions.%s data incompatible. %s historical data does not match", field,
                    field);
            return text->text;
        }
    }
    return NULL;
}

/* --- The whole --- */

static const char *or_nil(char text[32], struct chain_optional value)
{
    snprintf(text, 32, "%" PRIu64, value.value);
    return value.set ? text : "<nil>";
}

int chain_config_compatible(const struct chain_config *stored, const struct chain_config *next,
                            uint64_t head, struct err_detail *detail)
{
    struct conflict found, lower;
    struct err_detail text;
    if (stored->is_mps != next->is_mps && head > 0)
        return err_set(detail, ERR_INPUT,
                       "the IsMPS (multiple private states support) flag once configured at block "
                       "height 0 cannot be changed");
    const char *what = code_sizes_conflict(stored, next, head);
    if (!what)
        what = transitions_conflict(stored, next, head, &text);
    const struct chain_optional here = {true, head};
    bool any = what ? report(&found, what, here, here) : compare_blocks(&found, stored, next, head);
    if (any && !what) /* the earliest conflict counts */
        for (uint64_t at = found.rewind_to; compare_blocks(&lower, stored, next, at);
             at = found.rewind_to) {
            if (lower.rewind_to == found.rewind_to)
                break;
            found = lower;
        }
    /* Nothing to go back to: the reference lets it pass. */
    if (!any || head == 0 || found.rewind_to == 0)
        return 0;
    char have[32], want[32];
    return err_set(
        detail, ERR_INPUT, "mismatching %s in database (have %s, want %s, rewindto %" PRIu64 ")",
        found.what, or_nil(have, found.stored), or_nil(want, found.next), found.rewind_to);
}
