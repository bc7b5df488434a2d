#include "evm/fuzz/generate.h"

#include "base/u256.h"
#include "evm/opcodes.h"

enum { LABELS = 16, HOLES = 16 };

struct generator {
    struct evm_fuzz_input *in;
    size_t stop; /* what is left of the input when this code is done */
    uint8_t *code;
    size_t len;
    int height;            /* of the stack, were the code run straight through */
    size_t labels[LABELS]; /* where they are */
    size_t label_count;
    size_t holes[HOLES]; /* places that wait for the next label */
    size_t hole_count;
};

uint8_t evm_fuzz_byte(struct evm_fuzz_input *in)
{
    if (in->len == 0)
        return 0;
    in->len--;
    return *in->data++;
}

uint64_t evm_fuzz_number(struct evm_fuzz_input *in, size_t bytes)
{
    uint64_t number = 0;
    while (bytes--)
        number = number << 8 | evm_fuzz_byte(in);
    return number;
}

static void emit(struct generator *g, unsigned byte)
{
    if (g->len < EVM_FUZZ_CODE_MAX)
        g->code[g->len++] = (uint8_t)byte;
}

static void push_bytes(struct generator *g, const uint8_t *bytes, unsigned count)
{
    emit(g, EVM_OP_PUSH0 + count);
    for (unsigned i = 0; i < count; i++)
        emit(g, bytes[i]);
    g->height++;
}

static void push(struct generator *g, unsigned value)
{
    uint8_t bytes[2] = {(uint8_t)(value >> 8), (uint8_t)value};
    push_bytes(g, value > 0xff ? bytes : bytes + 1, value > 0xff ? 2 : 1);
}

/* Numbers at which arithmetic changes its ways. */
static void push_edge(struct generator *g)
{
    uint8_t choice = evm_fuzz_byte(g->in), be[32];
    struct u256 word = u256_from(1);
    u256_shift_left(&word, &word, choice);
    if (choice & 1)
        u256_sub(&word, &word, &(struct u256){{1}});
    if (choice & 2)
        u256_negate(&word, &word);
    u256_store(be, &word);
    push_bytes(g, be, 32);
}

static void push_value(struct generator *g)
{
    uint8_t bytes[32], choice = evm_fuzz_byte(g->in);
    unsigned count = choice % 32 + 1;
    switch (choice >> 6) {
    case 0:
        push(g, evm_fuzz_byte(g->in) % 8);
        break;
    case 1:
        push(g, evm_fuzz_byte(g->in));
        break;
    case 2:
        push_edge(g);
        break;
    default:
        for (unsigned i = 0; i < count; i++)
            bytes[i] = evm_fuzz_byte(g->in);
        push_bytes(g, bytes, count);
    }
}

/* A place in memory or data: near, or rarely anything. */
static void push_offset(struct generator *g)
{
    uint8_t choice = evm_fuzz_byte(g->in);
    if (choice == 0xff)
        push_edge(g);
    else if (choice >= 0xf0)
        push(g, (unsigned)evm_fuzz_number(g->in, 2));
    else
        push(g, choice);
}

static void push_size(struct generator *g)
{
    uint8_t choice = evm_fuzz_byte(g->in);
    if (choice >= 0xfe)
        push_edge(g);
    else
        push(g, choice % 100);
}

static void push_address(struct generator *g)
{
    uint8_t choice = evm_fuzz_byte(g->in);
    if (choice < 0xa0) {
        push(g, EVM_FUZZ_CONTRACT + choice % EVM_FUZZ_CONTRACTS);
    } else if (choice < 0xc0) {
        emit(g, EVM_OP_ADDRESS);
        g->height++;
    } else if (choice < 0xe0) {
        push(g, choice % 0x12); /* precompiled contracts, and none */
    } else {
        push(g, choice);
    }
}

/* Words for the next instruction, unless the input wants it to fail. */
static void need(struct generator *g, int words)
{
    while (g->height < words && evm_fuzz_byte(g->in) != 0xff)
        push_value(g);
}

static void instruction(struct generator *g, unsigned op, int taken, int left)
{
    emit(g, op);
    g->height += left - taken;
    if (g->height < 0)
        g->height = 0;
}

/* One of a row of opcodes that take and leave the same. */
static void one_of(struct generator *g, unsigned first, unsigned last, int taken, int left)
{
    need(g, taken);
    instruction(g, first + evm_fuzz_byte(g->in) % (last - first + 1), taken, left);
}

static void arithmetic(struct generator *g)
{
    switch (evm_fuzz_byte(g->in) % 8) {
    case 0:
    case 1:
    case 2:
        one_of(g, EVM_OP_ADD, EVM_OP_SMOD, 2, 1);
        break;
    case 3:
        one_of(g, EVM_OP_ADDMOD, EVM_OP_MULMOD, 3, 1);
        break;
    case 4:
        one_of(g, EVM_OP_EXP, EVM_OP_SIGNEXTEND, 2, 1);
        break;
    case 5:
        one_of(g, EVM_OP_LT, EVM_OP_EQ, 2, 1);
        break;
    case 6:
        one_of(g, EVM_OP_AND, EVM_OP_XOR, 2, 1);
        break;
    default:
        one_of(g, EVM_OP_BYTE, EVM_OP_SAR, 2, 1);
    }
}

static void unary(struct generator *g)
{
    static const uint8_t ops[] = {EVM_OP_ISZERO,       EVM_OP_NOT,         EVM_OP_CLZ,
                                  EVM_OP_CALLDATALOAD, EVM_OP_BLOCKHASH,   EVM_OP_BLOBHASH,
                                  EVM_OP_ISZERO,       EVM_OP_CALLDATALOAD};
    need(g, 1);
    instruction(g, ops[evm_fuzz_byte(g->in) % sizeof(ops)], 1, 1);
}

static void shuffle(struct generator *g)
{
    uint8_t choice = evm_fuzz_byte(g->in);
    int n = choice % 16 + 1;
    if (choice & 0x80) {
        need(g, n);
        instruction(g, EVM_OP_DUP1 + (unsigned)n - 1, 0, 1);
    } else if (choice & 0x40) {
        need(g, n + 1);
        instruction(g, EVM_OP_SWAP1 + (unsigned)n - 1, 0, 0);
    } else {
        need(g, 1);
        instruction(g, EVM_OP_POP, 1, 0);
    }
}

static void environment(struct generator *g)
{
    static const uint8_t ops[] = {
        EVM_OP_ADDRESS,
        EVM_OP_ORIGIN,
        EVM_OP_CALLER,
        EVM_OP_CALLVALUE,
        EVM_OP_CODESIZE,
        EVM_OP_GASPRICE,
        EVM_OP_RETURNDATASIZE,
        EVM_OP_CALLDATASIZE,
        EVM_OP_COINBASE,
        EVM_OP_TIMESTAMP,
        EVM_OP_NUMBER,
        EVM_OP_PREVRANDAO,
        EVM_OP_GASLIMIT,
        EVM_OP_CHAINID,
        EVM_OP_SELFBALANCE,
        EVM_OP_BASEFEE,
        EVM_OP_PC,
        EVM_OP_MSIZE,
        EVM_OP_GAS,
        EVM_OP_BLOBBASEFEE,
        EVM_OP_GAS,
        EVM_OP_PUSH0,
    };
    instruction(g, ops[evm_fuzz_byte(g->in) % sizeof(ops)], 0, 1);
}

static void memory(struct generator *g)
{
    uint8_t choice = evm_fuzz_byte(g->in) % 4;
    if (choice > 1)
        need(g, 1);
    push_offset(g);
    if (choice <= 1)
        instruction(g, EVM_OP_MLOAD, 1, 1);
    else
        instruction(g, choice == 2 ? EVM_OP_MSTORE : EVM_OP_MSTORE8, 2, 0);
}

static void storage(struct generator *g)
{
    uint8_t choice = evm_fuzz_byte(g->in);
    bool write = choice & 1;
    if (write)
        push(g, choice >> 2 & 3);
    push(g, choice >> 4 & 3);
    if (choice & 0x80)
        instruction(g, write ? EVM_OP_TSTORE : EVM_OP_TLOAD, write ? 2 : 1, !write);
    else
        instruction(g, write ? EVM_OP_SSTORE : EVM_OP_SLOAD, write ? 2 : 1, !write);
}

static void put_place(struct generator *g, size_t place, size_t target)
{
    if (place + 1 >= g->len)
        return;
    g->code[place] = (uint8_t)(target >> 8);
    g->code[place + 1] = (uint8_t)target;
}

static void label(struct generator *g)
{
    for (size_t i = 0; i < g->hole_count; i++)
        put_place(g, g->holes[i], g->len);
    g->hole_count = 0;
    if (g->label_count < LABELS)
        g->labels[g->label_count++] = g->len;
    emit(g, EVM_OP_JUMPDEST);
}

/* Forward to the next label, or back to one. */
static void jump(struct generator *g)
{
    uint8_t choice = evm_fuzz_byte(g->in);
    bool conditional = choice & 3;
    if (conditional)
        need(g, 1);
    size_t target = 0;
    push(g, 0x100); /* two bytes, to be written over */
    if (choice & 0x40 && g->label_count)
        target = g->labels[choice % g->label_count];
    else if (g->hole_count < HOLES)
        g->holes[g->hole_count++] = g->len - 2;
    put_place(g, g->len - 2, target);
    instruction(g, conditional ? EVM_OP_JUMPI : EVM_OP_JUMP, conditional ? 2 : 1, 0);
}

static void copy(struct generator *g)
{
    static const uint8_t ops[] = {EVM_OP_CALLDATACOPY, EVM_OP_CODECOPY, EVM_OP_RETURNDATACOPY,
                                  EVM_OP_MCOPY, EVM_OP_EXTCODECOPY};
    uint8_t op = ops[evm_fuzz_byte(g->in) % sizeof(ops)];
    push_size(g);
    if (op == EVM_OP_RETURNDATACOPY)
        push(g, evm_fuzz_byte(g->in) % 4);
    else
        push_offset(g);
    push_offset(g);
    if (op == EVM_OP_EXTCODECOPY)
        push_address(g);
    instruction(g, op, op == EVM_OP_EXTCODECOPY ? 4 : 3, 0);
}

static void account(struct generator *g)
{
    static const uint8_t ops[] = {EVM_OP_BALANCE, EVM_OP_EXTCODESIZE, EVM_OP_EXTCODEHASH};
    push_address(g);
    instruction(g, ops[evm_fuzz_byte(g->in) % sizeof(ops)], 1, 1);
}

static void hash_or_log(struct generator *g)
{
    uint8_t choice = evm_fuzz_byte(g->in);
    int topics = choice % 5;
    if (!(choice & 0x80))
        need(g, topics);
    push_size(g);
    push_offset(g);
    if (choice & 0x80)
        instruction(g, EVM_OP_KECCAK256, 2, 1);
    else
        instruction(g, EVM_OP_LOG0 + (unsigned)topics, 2 + topics, 0);
}

static void call(struct generator *g)
{
    static const uint8_t ops[] = {EVM_OP_CALL, EVM_OP_CALLCODE, EVM_OP_DELEGATECALL,
                                  EVM_OP_STATICCALL};
    uint8_t choice = evm_fuzz_byte(g->in), op = ops[choice % 4];
    bool has_value = op == EVM_OP_CALL || op == EVM_OP_CALLCODE;
    push_size(g);
    push_offset(g);
    push_size(g);
    push_offset(g);
    if (has_value)
        push(g, choice & 0x10 ? choice >> 5 : 0);
    push_address(g);
    if (choice & 0x08) {
        instruction(g, EVM_OP_GAS, 0, 1);
    } else {
        push(g, (unsigned)evm_fuzz_number(g->in, 2));
    }
    instruction(g, op, has_value ? 7 : 6, 1);
}

/* From a part of the code itself, or of what memory holds. */
static void create(struct generator *g)
{
    uint8_t choice = evm_fuzz_byte(g->in);
    if (choice & 1) {
        push(g, 64);
        push_offset(g);
        push(g, 0);
        instruction(g, EVM_OP_CODECOPY, 3, 0);
    }
    if (choice & 2)
        push(g, choice >> 4);
    push_size(g);
    push(g, 0);
    push(g, choice & 4 ? 1 : 0);
    instruction(g, choice & 2 ? EVM_OP_CREATE2 : EVM_OP_CREATE, choice & 2 ? 4 : 3, 1);
}

static void end(struct generator *g)
{
    uint8_t choice = evm_fuzz_byte(g->in);
    switch (choice % 8) {
    case 0:
        instruction(g, EVM_OP_STOP, 0, 0);
        break;
    case 1:
        instruction(g, EVM_OP_INVALID, 0, 0);
        break;
    case 2:
        push_address(g);
        instruction(g, EVM_OP_SELFDESTRUCT, 1, 0);
        break;
    default:
        push_size(g);
        push_offset(g);
        instruction(g, choice & 0x80 ? EVM_OP_REVERT : EVM_OP_RETURN, 2, 0);
    }
}

static void raw(struct generator *g)
{
    emit(g, evm_fuzz_byte(g->in));
}

typedef void statement(struct generator *g);

static statement *const statements[] = {
    push_value, push_value, push_value,  arithmetic, arithmetic, arithmetic,  arithmetic,
    unary,      shuffle,    shuffle,     shuffle,    memory,     memory,      storage,
    storage,    jump,       jump,        label,      label,      environment, environment,
    copy,       account,    hash_or_log, call,       call,       create,      raw,
};

/* What is left on the stack becomes output, so that it is compared. */
static void give_result(struct generator *g)
{
    label(g);
    for (int i = 0; i < 4 && g->height > 0; i++) {
        push(g, 32 * (unsigned)i);
        instruction(g, EVM_OP_MSTORE, 2, 0);
    }
    push(g, 200);
    push(g, 0);
    instruction(g, EVM_OP_RETURN, 2, 0);
}

size_t evm_fuzz_code(uint8_t *ret_code, struct evm_fuzz_input *in, size_t budget)
{
    struct generator g = {.in = in, .code = ret_code};
    g.stop = in->len > budget ? in->len - budget : 0;
    uint8_t style = evm_fuzz_byte(in);
    while (in->len > g.stop && g.len < EVM_FUZZ_CODE_MAX - 300) {
        uint8_t choice = evm_fuzz_byte(in);
        if (style == 0xff)
            emit(&g, choice); /* all raw */
        else if (choice >= 0xf8)
            end(&g);
        else
            statements[choice % BASE_COUNT(statements)](&g);
    }
    if (style != 0xff)
        give_result(&g);
    return g.len;
}
