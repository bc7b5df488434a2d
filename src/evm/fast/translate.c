#include "evm/fast/translate.h"

#include "base/mem.h"
#include "evm/fast/translator.h"
#include "evm/opcodes.h"

/* How an instruction is translated. */
enum class {
    CONTROL, /* see translate_control */
    HEAVY,   /* by a function of heavy.h; ends the block, as it looks at the gas, fails, or calls */
    INNER,   /* by one that can only run out of gas */
    BINARY,
    COMPARE,
    COMPARE_EXCHANGED,
    SINGLE,
    PLAIN,
    GENERAL,
    STORE,
    OTHER, /* see translate_other */
};

struct translation {
    uint8_t class;
    uint16_t op; /* the handler, or the first of its pairs or singles */
};

static const struct translation translations[256] = {
    [EVM_OP_ADD] = {BINARY, EVM_FAST_add_ss},
    [EVM_OP_MUL] = {BINARY, EVM_FAST_mul_ss},
    [EVM_OP_SUB] = {BINARY, EVM_FAST_sub_ss},
    [EVM_OP_DIV] = {GENERAL, EVM_FAST_div},
    [EVM_OP_SDIV] = {GENERAL, EVM_FAST_sdiv},
    [EVM_OP_MOD] = {GENERAL, EVM_FAST_mod},
    [EVM_OP_SMOD] = {GENERAL, EVM_FAST_smod},
    [EVM_OP_ADDMOD] = {GENERAL, EVM_FAST_addmod},
    [EVM_OP_MULMOD] = {GENERAL, EVM_FAST_mulmod},
    [EVM_OP_EXP] = {GENERAL, EVM_FAST_exp},
    [EVM_OP_SIGNEXTEND] = {GENERAL, EVM_FAST_signextend},
    [EVM_OP_LT] = {COMPARE, EVM_FAST_lt_ss},
    [EVM_OP_GT] = {COMPARE_EXCHANGED, EVM_FAST_lt_ss},
    [EVM_OP_SLT] = {COMPARE, EVM_FAST_slt_ss},
    [EVM_OP_SGT] = {COMPARE_EXCHANGED, EVM_FAST_slt_ss},
    [EVM_OP_EQ] = {COMPARE, EVM_FAST_eq_ss},
    [EVM_OP_ISZERO] = {OTHER},
    [EVM_OP_AND] = {BINARY, EVM_FAST_and_ss},
    [EVM_OP_OR] = {BINARY, EVM_FAST_or_ss},
    [EVM_OP_XOR] = {BINARY, EVM_FAST_xor_ss},
    [EVM_OP_NOT] = {SINGLE, EVM_FAST_complement_s},
    [EVM_OP_BYTE] = {GENERAL, EVM_FAST_byte},
    [EVM_OP_SHL] = {BINARY, EVM_FAST_shl_ss},
    [EVM_OP_SHR] = {BINARY, EVM_FAST_shr_ss},
    [EVM_OP_SAR] = {GENERAL, EVM_FAST_sar},
    [EVM_OP_CLZ] = {GENERAL, EVM_FAST_clz},
    [EVM_OP_ADDRESS] = {PLAIN, EVM_FAST_address},
    [EVM_OP_ORIGIN] = {PLAIN, EVM_FAST_origin},
    [EVM_OP_CALLER] = {PLAIN, EVM_FAST_caller},
    [EVM_OP_CALLVALUE] = {PLAIN, EVM_FAST_callvalue},
    [EVM_OP_CALLDATALOAD] = {SINGLE, EVM_FAST_calldataload_s},
    [EVM_OP_CALLDATASIZE] = {PLAIN, EVM_FAST_calldatasize},
    [EVM_OP_CODESIZE] = {OTHER},
    [EVM_OP_GASPRICE] = {PLAIN, EVM_FAST_gasprice},
    [EVM_OP_RETURNDATASIZE] = {PLAIN, EVM_FAST_returndatasize},
    [EVM_OP_COINBASE] = {PLAIN, EVM_FAST_coinbase},
    [EVM_OP_TIMESTAMP] = {PLAIN, EVM_FAST_timestamp},
    [EVM_OP_NUMBER] = {PLAIN, EVM_FAST_number},
    [EVM_OP_PREVRANDAO] = {PLAIN, EVM_FAST_prevrandao},
    [EVM_OP_GASLIMIT] = {PLAIN, EVM_FAST_gaslimit},
    [EVM_OP_CHAINID] = {PLAIN, EVM_FAST_chainid},
    [EVM_OP_BASEFEE] = {PLAIN, EVM_FAST_basefee},
    [EVM_OP_BLOBHASH] = {SINGLE, EVM_FAST_blobhash_s},
    [EVM_OP_BLOBBASEFEE] = {PLAIN, EVM_FAST_blobbasefee},
    [EVM_OP_POP] = {OTHER},
    [EVM_OP_MLOAD] = {SINGLE, EVM_FAST_mload_s},
    [EVM_OP_MSTORE] = {STORE, EVM_FAST_mstore_ss},
    [EVM_OP_MSTORE8] = {STORE, EVM_FAST_mstore8_ss},
    [EVM_OP_PC] = {OTHER},
    [EVM_OP_MSIZE] = {PLAIN, EVM_FAST_msize},
    [EVM_OP_JUMPDEST] = {OTHER},
    [EVM_OP_PUSH0... EVM_OP_SWAP16] = {OTHER},
    [EVM_OP_KECCAK256] = {INNER},
    [EVM_OP_BALANCE] = {INNER},
    [EVM_OP_CALLDATACOPY] = {INNER},
    [EVM_OP_CODECOPY] = {INNER},
    [EVM_OP_EXTCODESIZE] = {INNER},
    [EVM_OP_EXTCODECOPY] = {INNER},
    [EVM_OP_RETURNDATACOPY] = {HEAVY},
    [EVM_OP_EXTCODEHASH] = {INNER},
    [EVM_OP_BLOCKHASH] = {INNER},
    [EVM_OP_SELFBALANCE] = {INNER},
    [EVM_OP_SLOAD] = {INNER},
    [EVM_OP_SSTORE] = {HEAVY},
    [EVM_OP_TLOAD] = {INNER},
    [EVM_OP_TSTORE] = {HEAVY},
    [EVM_OP_MCOPY] = {INNER},
    [EVM_OP_LOG0] = {HEAVY},
    [EVM_OP_LOG1] = {HEAVY},
    [EVM_OP_LOG2] = {HEAVY},
    [EVM_OP_LOG3] = {HEAVY},
    [EVM_OP_LOG4] = {HEAVY},
    [EVM_OP_CREATE] = {HEAVY},
    [EVM_OP_CALL] = {HEAVY},
    [EVM_OP_CALLCODE] = {HEAVY},
    [EVM_OP_RETURN] = {HEAVY},
    [EVM_OP_DELEGATECALL] = {HEAVY},
    [EVM_OP_CREATE2] = {HEAVY},
    [EVM_OP_STATICCALL] = {HEAVY},
    [EVM_OP_REVERT] = {HEAVY},
    [EVM_OP_SELFDESTRUCT] = {HEAVY},
};

/* Whether a translation goes on behind the instruction, and how. */
enum next { SAME_BLOCK, NEW_BLOCK, RUN_ENDS };

/* Arithmetic. */

/* The exponent, when the value is a constant power of two; else -1. */
static int exponent_of(const struct evm_translator *t, evm_value_id v)
{
    const struct u256 *c = evm_constant(t, v);
    if (!c)
        return -1;
    int bits = 0;
    for (int i = 0; i < 4; i++)
        bits += __builtin_popcountll(c->w[i]);
    return bits == 1 ? (int)u256_bit_length(c) - 1 : -1;
}

/* Pure instructions on constants, computed now. False: not this one. */
static bool fold(struct u256 *r, uint8_t op, const struct u256 *x, const struct u256 *y)
{
    switch (op) {
    case EVM_OP_ADD:
        u256_add(r, x, y);
        return true;
    case EVM_OP_SUB:
        u256_sub(r, x, y);
        return true;
    case EVM_OP_MUL:
        u256_mul(r, x, y);
        return true;
    case EVM_OP_DIV:
        u256_divmod(r, NULL, x, y);
        return true;
    case EVM_OP_AND:
    case EVM_OP_OR:
    case EVM_OP_XOR:
        for (int i = 0; i < 4; i++)
            r->w[i] = op == EVM_OP_AND  ? x->w[i] & y->w[i]
                      : op == EVM_OP_OR ? x->w[i] | y->w[i]
                                        : x->w[i] ^ y->w[i];
        return true;
    case EVM_OP_SHL:
        u256_shift_left(r, y, u256_is_u64(x) && x->w[0] < 256 ? (unsigned)x->w[0] : 256);
        return true;
    case EVM_OP_SHR:
        u256_shift_right(r, y, u256_is_u64(x) && x->w[0] < 256 ? (unsigned)x->w[0] : 256);
        return true;
    default:
        return false;
    }
}

static void exchange(evm_value_id *x, evm_value_id *y)
{
    evm_value_id kept = *x;
    *x = *y;
    *y = kept;
}

/* Replaces the constant *v by another. */
static void replace(struct evm_translator *t, evm_value_id *v, struct u256 constant)
{
    evm_release(t, *v);
    *v = evm_new_constant(t, &constant);
}

static void translate_binary(struct evm_translator *t, uint8_t op)
{
    evm_value_id x = evm_pop(t), y = evm_pop(t);
    const struct u256 *cx = evm_constant(t, x), *cy = evm_constant(t, y);
    struct u256 folded;
    if (cx && cy && fold(&folded, op, cx, cy)) {
        evm_release(t, x);
        evm_release(t, y);
        evm_push_constant(t, &folded);
        return;
    }

    /* Multiplications and divisions by powers of two. */
    unsigned fast_op = translations[op].op;
    if (op == EVM_OP_MUL && exponent_of(t, y) >= 0)
        exchange(&x, &y);
    if (op == EVM_OP_MUL && exponent_of(t, x) >= 0) {
        replace(t, &x, u256_from((uint64_t)exponent_of(t, x)));
        fast_op = EVM_FAST_shl_ss;
    } else if (op == EVM_OP_DIV && exponent_of(t, y) >= 0) {
        replace(t, &y, u256_from((uint64_t)exponent_of(t, y)));
        exchange(&x, &y);
        fast_op = EVM_FAST_shr_ss;
    } else if (op == EVM_OP_MOD && exponent_of(t, y) >= 0) {
        struct u256 one = u256_from(1), mask;
        u256_sub(&mask, evm_constant(t, y), &one);
        replace(t, &y, mask);
        fast_op = EVM_FAST_and_ss;
    }

    if (translations[op].class == BINARY || fast_op != translations[op].op)
        evm_emit_pair(t, fast_op, x, y);
    else
        evm_emit_general(t, fast_op, (evm_value_id[]){x, y}, 2);
}

static void translate_compare(struct evm_translator *t, uint8_t op)
{
    evm_value_id x = evm_pop(t), y = evm_pop(t);
    if (translations[op].class == COMPARE_EXCHANGED)
        exchange(&x, &y);
    const struct u256 *cx = evm_constant(t, x), *cy = evm_constant(t, y);
    if (op == EVM_OP_EQ && cx && u256_is_zero(cx)) {
        evm_release(t, x);
        evm_note_single(t, EVM_FAST_zero_s, y);
    } else if (op == EVM_OP_EQ && cy && u256_is_zero(cy)) {
        evm_release(t, y);
        evm_note_single(t, EVM_FAST_zero_s, x);
    } else {
        evm_note_pair(t, translations[op].op, x, y);
    }
}

static void translate_iszero(struct evm_translator *t)
{
    evm_value_id x = evm_pop(t);
    const struct u256 *constant = evm_constant(t, x);
    if (constant) {
        replace(t, &x, u256_from(u256_is_zero(constant)));
        evm_push(t, x);
    } else if (evm_negate(t, x)) {
        evm_push(t, x);
    } else {
        evm_note_single(t, EVM_FAST_zero_s, x);
    }
}

static void translate_general(struct evm_translator *t, uint8_t op)
{
    if (op == EVM_OP_DIV || op == EVM_OP_MOD) {
        translate_binary(t, op);
        return;
    }
    evm_value_id operands[3];
    int count = t->rules->op[op].taken;
    for (int i = 0; i < count; i++)
        operands[i] = evm_pop(t);
    evm_emit_general(t, translations[op].op, operands, count);
}

/* Jumps. */

/* The target of a constant destination. */
static const struct evm_target *target_of(const struct evm_translator *t, const struct u256 *pc)
{
    const struct evm_target *target =
        u256_is_u64(pc) ? evm_analysis_target(t->analysis, pc->w[0]) : NULL;
    return target ? target : t->code->bad_target;
}

static enum next translate_jump(struct evm_translator *t)
{
    evm_value_id destination = evm_pop(t);
    const struct u256 *constant = evm_constant(t, destination);
    if (constant)
        evm_emit_goto(t, target_of(t, constant));
    else
        evm_emit_jump(t, destination);
    return RUN_ENDS;
}

static enum next translate_jump_if(struct evm_translator *t)
{
    evm_value_id destination = evm_pop(t), condition = evm_pop(t);
    const struct u256 *constant = evm_constant(t, destination);
    if (constant)
        evm_emit_jump_if(t, target_of(t, constant), condition);
    else
        evm_emit_jump_dynamic_if(t, destination, condition);
    return NEW_BLOCK;
}

/* The rest. */

static void push_bytes(struct evm_translator *t, const uint8_t *bytes, size_t len)
{
    struct u256 constant = u256_load_short(bytes, len);
    evm_push_constant(t, &constant);
}

static void push_number(struct evm_translator *t, uint64_t number)
{
    struct u256 constant = u256_from(number);
    evm_push_constant(t, &constant);
}

static enum next translate_other(struct evm_translator *t, size_t pc, uint8_t op)
{
    if (op >= EVM_OP_PUSH0 && op <= EVM_OP_PUSH32)
        push_bytes(t, t->analysis->code + pc + 1, op - EVM_OP_PUSH0);
    else if (op >= EVM_OP_DUP1 && op <= EVM_OP_DUP16)
        evm_dup(t, op - EVM_OP_DUP1 + 1);
    else if (op >= EVM_OP_SWAP1 && op <= EVM_OP_SWAP16)
        evm_swap(t, op - EVM_OP_SWAP1 + 1);
    else if (op == EVM_OP_POP)
        evm_release(t, evm_pop(t));
    else if (op == EVM_OP_ISZERO)
        translate_iszero(t);
    else if (op == EVM_OP_PC)
        push_number(t, pc);
    else if (op == EVM_OP_CODESIZE)
        push_number(t, t->analysis->code_size);
    else
        assert(op == EVM_OP_JUMPDEST);
    return SAME_BLOCK;
}

static enum next translate_heavy(struct evm_translator *t, uint8_t op)
{
    bool ends = op == EVM_OP_RETURN || op == EVM_OP_REVERT || op == EVM_OP_SELFDESTRUCT;
    if (ends)
        evm_forget(t, t->rules->op[op].taken);
    evm_emit_heavy(t, evm_heavy_ops[op]);
    return ends ? RUN_ENDS : NEW_BLOCK;
}

/* Instructions that need no operand and after which nothing comes. */
static enum next translate_end(struct evm_translator *t, unsigned fast_op)
{
    evm_emit(t, fast_op);
    return RUN_ENDS;
}

static unsigned gas_handler(const struct evm_translator *t, size_t pc)
{
    const struct evm_analysis *a = t->analysis;
    return evm_is_gas_for_call(a->code, a->code_size, pc + 1) ? EVM_FAST_gas : EVM_FAST_gas_seen;
}

static enum next translate_control(struct evm_translator *t, size_t pc, uint8_t op)
{
    switch (op) {
    case EVM_OP_JUMP:
        return translate_jump(t);
    case EVM_OP_JUMPI:
        return translate_jump_if(t);
    case EVM_OP_GAS:
        evm_emit_plain(t, gas_handler(t, pc));
        evm_emit_fall(t);
        return NEW_BLOCK;
    case EVM_OP_STOP:
        return translate_end(t, EVM_FAST_stop);
    default:
        assert(op == EVM_OP_INVALID);
        return translate_end(t, EVM_FAST_invalid);
    }
}

static enum next translate(struct evm_translator *t, size_t pc, uint8_t op)
{
    const struct translation *translation = &translations[op];
    switch ((enum class)translation->class) {
    case BINARY:
        translate_binary(t, op);
        return SAME_BLOCK;
    case COMPARE:
    case COMPARE_EXCHANGED:
        translate_compare(t, op);
        return SAME_BLOCK;
    case SINGLE:
        evm_emit_single(t, translation->op, evm_pop(t));
        return SAME_BLOCK;
    case PLAIN:
        evm_emit_plain(t, translation->op);
        return SAME_BLOCK;
    case GENERAL:
        translate_general(t, op);
        return SAME_BLOCK;
    case STORE: {
        evm_value_id offset = evm_pop(t);
        evm_emit_store(t, translation->op, offset, evm_pop(t));
        return SAME_BLOCK;
    }
    case OTHER:
        return translate_other(t, pc, op);
    case INNER:
        evm_emit_inner(t, evm_heavy_ops[op], t->rules->op[op].taken,
                       t->rules->op[op].taken + t->rules->op[op].growth == 1);
        return SAME_BLOCK;
    case HEAVY:
        return translate_heavy(t, op);
    case CONTROL:
        return translate_control(t, pc, op);
    }
    return RUN_ENDS;
}

/* Charges the block for the instruction, and notes what stack it needs; before its translation. */
static void account_for(struct evm_translator *t, const struct evm_instruction *instruction)
{
    t->gas += instruction->gas;
    int height = instruction->taken - t->top, growth = t->top + instruction->growth;
    if (t->height < height)
        t->height = height;
    if (t->growth < growth)
        t->growth = growth;
}

static bool is_block_full(const struct evm_translator *t)
{
    return t->value_count > BLOCK_VALUES_MAX || t->low < -BLOCK_DEPTH_MAX ||
           t->top > BLOCK_DEPTH_MAX || t->top - t->low > BLOCK_WINDOW_MAX ||
           t->count - t->block_at > BLOCK_WORDS_MAX || t->gas > BLOCK_GAS_MAX;
}

/* Stands for the rest of a run that is cut, until it is kept. */
static const struct evm_target rest_of_run;

static bool is_run_full(const struct evm_translator *t)
{
    return t->count > RUN_WORDS_MAX || t->link_count == RUN_BLOCKS_MAX;
}

static void link_block(struct evm_translator *t, struct evm_target *target)
{
    t->links[t->link_count++] = (struct evm_link){target, t->count};
}

static void begin_block(struct evm_translator *t, size_t pc)
{
    struct evm_target *target = evm_analysis_target(t->analysis, pc);
    if (target && target->block == t->code->untranslated)
        link_block(t, target);
    evm_begin_block(t, pc);
}

/* Where the code from `pc` on is to be found, if not next in this run: it was translated before, or
 * the run is long enough. NULL: nowhere else. */
static const struct evm_target *elsewhere(const struct evm_translator *t, size_t pc)
{
    const struct evm_target *target = evm_analysis_target(t->analysis, pc);
    if (target && target->block != t->code->untranslated)
        return target;
    return is_run_full(t) ? &rest_of_run : NULL;
}

static enum next translate_next(struct evm_translator *t, size_t pc, uint8_t op)
{
    const struct evm_instruction *instruction = &t->rules->op[op];
    if (instruction->gas < 0)
        return translate_end(t, EVM_FAST_undefined);
    account_for(t, instruction);
    return translate(t, pc, op);
}

/* Translates from `pc` up to where the code cannot go on, or a part of it. Returns the pc of what is
 * not there, when the last word is &rest_of_run. */
static size_t translate_run(struct evm_translator *t, size_t pc)
{
    const struct evm_analysis *a = t->analysis;
    size_t block_pc = pc;
    enum next next = SAME_BLOCK;
    begin_block(t, pc);
    for (;;) {
        uint8_t op = pc < a->code_size ? a->code[pc] : EVM_OP_STOP;
        if (next == SAME_BLOCK && pc > block_pc && (op == EVM_OP_JUMPDEST || is_block_full(t))) {
            evm_emit_fall(t);
            next = NEW_BLOCK;
        }
        if (next == NEW_BLOCK) {
            evm_end_block(t);
            const struct evm_target *target = elsewhere(t, pc);
            if (target) {
                evm_begin_block(t, pc);
                evm_emit_goto(t, target);
                break;
            }
            begin_block(t, pc);
            block_pc = pc;
        }
        next = translate_next(t, pc, op);
        if (next == RUN_ENDS)
            break;
        pc += op >= EVM_OP_PUSH1 && op <= EVM_OP_PUSH32 ? op - EVM_OP_PUSH1 + 2u : 1u;
    }
    evm_end_block(t);
    return pc;
}

/* Keeps what was translated, and makes its blocks known to their targets. */
static int keep_run(struct evm_translator *t, size_t end_pc)
{
    struct evm_run *run = mem_alloc(sizeof(*run) + t->count * sizeof(run->words[0]));
    if (!run)
        return ERR_NOMEM;
    if (t->words[t->count - 1].target == &rest_of_run)
        t->words[t->count - 1].target = &run->rest;
    run->rest = (struct evm_target){t->code->untranslated, (uint32_t)end_pc};
    memcpy(run->words, t->words, t->count * sizeof(run->words[0]));
    for (size_t i = 0; i < t->link_count; i++)
        t->links[i].target->block = &run->words[t->links[i].at];

    size_t size = sizeof(*run) + t->count * sizeof(run->words[0]);
    t->analysis->bytes += size;
    run->next = t->analysis->runs;
    t->analysis->runs = run;
    return 0;
}

int evm_translate(struct evm_frame *frame, struct evm_target *target)
{
    struct evm_fast *fast = frame->evm->fast;
    struct evm_translator *t = fast->translator;
    t->analysis = (struct evm_analysis *)frame->analysis;
    t->rules = t->analysis->rules;
    t->count = t->link_count = 0;

    /* The code's beginning, or the rest of a run, may be a destination, too. */
    struct evm_target *destination = evm_analysis_target(t->analysis, target->pc);
    if (destination && destination->block != t->code->untranslated) {
        target->block = destination->block;
        return 0;
    }
    if (destination != target)
        link_block(t, target);
    size_t before = t->analysis->bytes;
    int err = keep_run(t, translate_run(t, target->pc));
    fast->bytes += t->analysis->bytes - before;
    return err;
}

struct evm_translator *evm_translator_new(void)
{
    struct evm_translator *t = mem_alloc_zeroed(1, sizeof(*t));
    if (t)
        t->code = evm_fast_code();
    return t;
}

void evm_translator_free(struct evm_translator *t)
{
    mem_free(t);
}
