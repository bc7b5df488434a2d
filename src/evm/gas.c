#include "evm/gas.h"

#include "evm/opcodes.h"

#include <pthread.h>

/* A fork's new prices of instructions that were there before. */
struct price_change {
    enum fork fork;
    enum evm_opcode op;
    int16_t gas;
};

static const struct price_change price_changes[] = {
    /* EIP-150 */
    {FORK_TANGERINE, EVM_OP_BALANCE, 400},
    {FORK_TANGERINE, EVM_OP_EXTCODESIZE, 700},
    {FORK_TANGERINE, EVM_OP_EXTCODECOPY, 700},
    {FORK_TANGERINE, EVM_OP_SLOAD, 200},
    {FORK_TANGERINE, EVM_OP_CALL, 700},
    {FORK_TANGERINE, EVM_OP_CALLCODE, 700},
    {FORK_TANGERINE, EVM_OP_DELEGATECALL, 700},
    {FORK_TANGERINE, EVM_OP_STATICCALL, 700}, /* not known yet: its price when it comes */
    {FORK_TANGERINE, EVM_OP_SELFDESTRUCT, 5000},
    /* EIP-1884 */
    {FORK_ISTANBUL, EVM_OP_SLOAD, 800},
    {FORK_ISTANBUL, EVM_OP_BALANCE, 700},
    {FORK_ISTANBUL, EVM_OP_EXTCODEHASH, 700},
    /* EIP-2929: what a warm access costs; cold ones pay the difference when they are seen */
    {FORK_BERLIN, EVM_OP_SLOAD, 100},
    {FORK_BERLIN, EVM_OP_BALANCE, 100},
    {FORK_BERLIN, EVM_OP_EXTCODESIZE, 100},
    {FORK_BERLIN, EVM_OP_EXTCODECOPY, 100},
    {FORK_BERLIN, EVM_OP_EXTCODEHASH, 100},
    {FORK_BERLIN, EVM_OP_CALL, 100},
    {FORK_BERLIN, EVM_OP_CALLCODE, 100},
    {FORK_BERLIN, EVM_OP_DELEGATECALL, 100},
    {FORK_BERLIN, EVM_OP_STATICCALL, 100},
};

static const struct evm_sstore_gas sstore_plain = {
    .set = 20000, .reset = 5000, .clear_refund = 15000};
static const struct evm_sstore_gas sstore_eip1283 = {
    .net = true, .dirty = 200, .set = 20000, .reset = 5000, .clear_refund = 15000};
static const struct evm_sstore_gas sstore_eip2200 = {
    .net = true, .sentry = 2300, .dirty = 800, .set = 20000, .reset = 5000, .clear_refund = 15000};

static const struct {
    const char *name;
    enum fork fork;
    struct evm_instruction instruction;
} instructions[256] = {
#define X(id, value, taken, left, since, gas, kind)                                                \
    [value] = {#id, FORK_##since, {gas, taken, (left) - (taken)}},
    EVM_OPCODE_LIST(X)
#undef X
};

static struct evm_rules rules[FORK_COUNT];
static pthread_once_t rules_once = PTHREAD_ONCE_INIT;

const char *evm_opcode_name(unsigned char op)
{
    return instructions[op].name;
}

enum fork evm_opcode_fork(unsigned char op)
{
    return instructions[op].fork;
}

static void make_instructions(struct evm_rules *r)
{
    for (int op = 0; op < 256; op++) {
        r->op[op] = instructions[op].instruction;
        if (!instructions[op].name || r->fork < instructions[op].fork)
            r->op[op] = (struct evm_instruction){.gas = -1};
    }
    for (size_t i = 0; i < BASE_COUNT(price_changes); i++) {
        const struct price_change *change = &price_changes[i];
        if (r->fork >= change->fork && r->op[change->op].gas >= 0)
            r->op[change->op].gas = change->gas;
    }
}

/* Turns the rules of the fork before into those of the fork. */
static void change_rules(struct evm_rules *r)
{
    switch (r->fork) {
    case FORK_FRONTIER:
        r->sstore = sstore_plain;
        r->exp_byte = 10;
        r->selfdestruct_refund = 24000;
        r->initcode_size_max = UINT32_MAX;
        break;
    case FORK_TANGERINE: /* EIP-150 */
        r->keep_64th = true;
        r->selfdestruct_new = EVM_GAS_NEW_ACCOUNT;
        break;
    case FORK_SPURIOUS:
        r->exp_byte = 50;                     /* EIP-160 */
        r->new_account_only_for_value = true; /* EIP-161 */
        break;
    case FORK_CONSTANTINOPLE:
        r->sstore = sstore_eip1283;
        break;
    case FORK_PETERSBURG: /* EIP-1716 takes EIP-1283 back */
        r->sstore = sstore_plain;
        break;
    case FORK_ISTANBUL:
        r->sstore = sstore_eip2200;
        break;
    case FORK_BERLIN: /* EIP-2929 */
        r->sstore.cold = 2100;
        r->sstore.dirty = 100;
        r->sstore.reset = 5000 - 2100;
        r->cold_account = 2600 - 100;
        r->cold_slot = 2100 - 100;
        r->cold_beneficiary = 2600;
        break;
    case FORK_LONDON: /* EIP-3529 */
        r->sstore.clear_refund = 4800;
        r->selfdestruct_refund = 0;
        break;
    case FORK_SHANGHAI: /* EIP-3860 */
        r->initcode_word = 2;
        r->initcode_size_max = EVM_INITCODE_SIZE_MAX;
        break;
    case FORK_PRAGUE: /* EIP-7702 */
        r->call_reads_delegation = true;
        break;
    case FORK_HOMESTEAD:
    case FORK_BYZANTIUM:
    case FORK_PARIS:
    case FORK_CANCUN:
    case FORK_OSAKA:
        break;
    }
}

static void make_rules(void)
{
    for (int fork = 0; fork < FORK_COUNT; fork++) {
        if (fork)
            rules[fork] = rules[fork - 1];
        rules[fork].fork = (enum fork)fork;
        change_rules(&rules[fork]);
        make_instructions(&rules[fork]);
    }
}

const struct evm_rules *evm_rules(enum fork fork)
{
    pthread_once(&rules_once, make_rules);
    return &rules[fork];
}
