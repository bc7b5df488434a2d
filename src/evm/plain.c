/*
 * The plain interpreter: one instruction after the other, checked in the order of the Yellow Paper
 * (9.4.2) and geth: known, stack, gas, then the instruction itself. It is the one that traces, and
 * the twin that the fast one is compared with.
 */
#include "evm/heavy.h"
#include "evm/opcodes.h"

/* The amount of a shift; all from 256 on are one. */
static unsigned shift_of(const struct u256 *word)
{
    return u256_is_u64(word) && word->w[0] < 256 ? (unsigned)word->w[0] : 256;
}

/* Byte 0 is the highest. */
static uint8_t byte_of(const struct u256 *index, const struct u256 *word)
{
    if (!u256_is_u64(index) || index->w[0] > 31)
        return 0;
    unsigned low = 31 - (unsigned)index->w[0];
    return (uint8_t)(word->w[low / 8] >> low % 8 * 8);
}

/* Operations on the words at the top: a is the top one. The result replaces the lowest operand. */
#define OPERATION(name, taken, statement)                                                          \
    static int op_##name(struct evm_frame *f)                                                      \
    {                                                                                              \
        const struct u256 *a = f->sp - 1;                                                          \
        struct u256 *r = f->sp - (taken);                                                          \
        (void)a;                                                                                   \
        statement;                                                                                 \
        f->sp -= (taken) - 1;                                                                      \
        return EVM_NEXT;                                                                           \
    }

OPERATION(add, 2, u256_add(r, a, r))
OPERATION(mul, 2, u256_mul(r, a, r))
OPERATION(sub, 2, u256_sub(r, a, r))
OPERATION(div, 2, u256_divmod(r, NULL, a, r))
OPERATION(sdiv, 2, u256_div_signed(r, a, r))
OPERATION(mod, 2, u256_divmod(NULL, r, a, r))
OPERATION(smod, 2, u256_mod_signed(r, a, r))
OPERATION(addmod, 3, u256_add_mod(r, a, a - 1, r))
OPERATION(mulmod, 3, u256_mul_mod(r, a, a - 1, r))
OPERATION(signextend, 2, u256_sign_extend(r, a, r))
OPERATION(lt, 2, *r = u256_from(u256_less(a, r)))
OPERATION(gt, 2, *r = u256_from(u256_less(r, a)))
OPERATION(slt, 2, *r = u256_from(u256_less_signed(a, r)))
OPERATION(sgt, 2, *r = u256_from(u256_less_signed(r, a)))
OPERATION(eq, 2, *r = u256_from(u256_equal(a, r)))
OPERATION(iszero, 1, *r = u256_from(u256_is_zero(r)))
OPERATION(and, 2, for (int i = 0; i < 4; i++) r->w[i] &= a->w[i])
OPERATION(or, 2, for (int i = 0; i < 4; i++) r->w[i] |= a->w[i])
OPERATION(xor, 2, for (int i = 0; i < 4; i++) r->w[i] ^= a->w[i])
OPERATION(not, 1, for (int i = 0; i < 4; i++) r->w[i] = ~r->w[i])
OPERATION(byte, 2, *r = u256_from(byte_of(a, r)))
OPERATION(shl, 2, u256_shift_left(r, r, shift_of(a)))
OPERATION(shr, 2, u256_shift_right(r, r, shift_of(a)))
OPERATION(sar, 2, u256_shift_right_signed(r, r, shift_of(a)))
OPERATION(clz, 1, *r = u256_from(256 - u256_bit_length(r))) /* EIP-7939 */

/* What instructions put on the stack. */
#define VALUE(name, value)                                                                         \
    static int op_##name(struct evm_frame *f)                                                      \
    {                                                                                              \
        *f->sp = (value);                                                                          \
        f->sp++;                                                                                   \
        return EVM_NEXT;                                                                           \
    }

VALUE(address, evm_word_from_address(&f->message.recipient))
VALUE(origin, evm_word_from_address(&f->evm->context->origin))
VALUE(caller, evm_word_from_address(&f->message.sender))
VALUE(callvalue, f->message.value)
VALUE(calldatasize, u256_from(f->message.input.len))
VALUE(codesize, u256_from(f->code_size))
VALUE(gasprice, f->evm->context->gas_price)
VALUE(returndatasize, u256_from(f->evm->return_data.len))
VALUE(coinbase, evm_word_from_address(&f->evm->context->coinbase))
VALUE(timestamp, u256_from(f->evm->context->timestamp))
VALUE(number, u256_from(f->evm->context->number))
VALUE(prevrandao, f->evm->context->prev_randao)
VALUE(gaslimit, u256_from(f->evm->context->gas_limit))
VALUE(chainid, f->evm->context->chain_id)
VALUE(basefee, f->evm->context->base_fee)
VALUE(blobbasefee, f->evm->context->blob_base_fee)
VALUE(pc, u256_from(f->pc - 1))
VALUE(msize, u256_from(f->memory_size))
VALUE(push0, u256_from(0))

static int op_gas(struct evm_frame *f)
{
    if (!evm_is_gas_for_call(f->code, f->code_size, f->pc))
        f->evm->gas_seen = true;
    *f->sp++ = u256_from((uint64_t)f->gas);
    return EVM_NEXT;
}

static int op_calldataload(struct evm_frame *f)
{
    struct u256 *word = f->sp - 1;
    struct bytes input = f->message.input;
    uint8_t be[32] = {0};
    if (u256_is_u64(word) && word->w[0] < input.len) {
        size_t left = input.len - word->w[0];
        memcpy(be, input.data + word->w[0], left < sizeof(be) ? left : sizeof(be));
    }
    *word = u256_load(be);
    return EVM_NEXT;
}

/* EIP-4844 */
static int op_blobhash(struct evm_frame *f)
{
    const struct evm_context *context = f->evm->context;
    struct u256 *word = f->sp - 1;
    bool there = u256_is_u64(word) && word->w[0] < context->blob_hash_count;
    *word = there ? u256_load(context->blob_hashes[word->w[0]].b) : u256_from(0);
    return EVM_NEXT;
}

static int op_stop(struct evm_frame *f)
{
    return evm_halt(f, EVM_SUCCESS);
}

static int op_invalid(struct evm_frame *f)
{
    return evm_halt(f, EVM_INVALID_INSTRUCTION);
}

static int op_jumpdest(struct evm_frame *f)
{
    (void)f;
    return EVM_NEXT;
}

static int op_pop(struct evm_frame *f)
{
    f->sp--;
    return EVM_NEXT;
}

static uint8_t running_op(const struct evm_frame *f)
{
    return f->code[f->pc - 1];
}

/* What lies behind the end of the code reads as zeros. */
static int op_push(struct evm_frame *f)
{
    size_t size = running_op(f) - EVM_OP_PUSH0, left = f->code_size - f->pc;
    uint8_t be[32] = {0};
    memcpy(be + sizeof(be) - size, f->code + f->pc, left < size ? left : size);
    *f->sp++ = u256_load(be);
    f->pc += size;
    return EVM_NEXT;
}

static int op_dup(struct evm_frame *f)
{
    f->sp[0] = f->sp[-1 - (running_op(f) - EVM_OP_DUP1)];
    f->sp++;
    return EVM_NEXT;
}

static int op_swap(struct evm_frame *f)
{
    struct u256 *a = f->sp - 1, *b = a - 1 - (running_op(f) - EVM_OP_SWAP1), word = *a;
    *a = *b;
    *b = word;
    return EVM_NEXT;
}

/* One bit for each byte of the code: whether it may be jumped to. */
static const uint8_t *jump_destinations(struct evm_frame *f)
{
    uint8_t *bits = arena_alloc_zeroed(&f->evm->analyses, f->code_size / 8 + 1, 1);
    if (!bits)
        return NULL;
    for (size_t pc = 0; pc < f->code_size; pc++) {
        uint8_t op = f->code[pc];
        if (op == EVM_OP_JUMPDEST)
            bits[pc / 8] |= (uint8_t)(1 << pc % 8);
        else if (op >= EVM_OP_PUSH1 && op <= EVM_OP_PUSH32)
            pc += op - EVM_OP_PUSH0;
    }
    return bits;
}

static int jump(struct evm_frame *f, const struct u256 *to)
{
    if (!f->analysis)
        f->analysis = jump_destinations(f);
    const uint8_t *bits = f->analysis;
    if (!bits)
        return ERR_NOMEM;
    if (!u256_is_u64(to) || to->w[0] >= f->code_size || !(bits[to->w[0] / 8] >> to->w[0] % 8 & 1))
        return evm_halt(f, EVM_BAD_JUMP_DESTINATION);
    f->pc = to->w[0];
    return EVM_NEXT;
}

static int op_jump(struct evm_frame *f)
{
    f->sp--;
    return jump(f, f->sp);
}

static int op_jumpi(struct evm_frame *f)
{
    f->sp -= 2;
    return u256_is_zero(f->sp) ? EVM_NEXT : jump(f, f->sp + 1);
}

/* Those that are not in evm_heavy_ops. */
static evm_heavy *const operations[256] = {
    [EVM_OP_STOP] = op_stop,
    [EVM_OP_ADD] = op_add,
    [EVM_OP_MUL] = op_mul,
    [EVM_OP_SUB] = op_sub,
    [EVM_OP_DIV] = op_div,
    [EVM_OP_SDIV] = op_sdiv,
    [EVM_OP_MOD] = op_mod,
    [EVM_OP_SMOD] = op_smod,
    [EVM_OP_ADDMOD] = op_addmod,
    [EVM_OP_MULMOD] = op_mulmod,
    [EVM_OP_SIGNEXTEND] = op_signextend,
    [EVM_OP_LT] = op_lt,
    [EVM_OP_GT] = op_gt,
    [EVM_OP_SLT] = op_slt,
    [EVM_OP_SGT] = op_sgt,
    [EVM_OP_EQ] = op_eq,
    [EVM_OP_ISZERO] = op_iszero,
    [EVM_OP_AND] = op_and,
    [EVM_OP_OR] = op_or,
    [EVM_OP_XOR] = op_xor,
    [EVM_OP_NOT] = op_not,
    [EVM_OP_BYTE] = op_byte,
    [EVM_OP_SHL] = op_shl,
    [EVM_OP_SHR] = op_shr,
    [EVM_OP_SAR] = op_sar,
    [EVM_OP_CLZ] = op_clz,
    [EVM_OP_ADDRESS] = op_address,
    [EVM_OP_ORIGIN] = op_origin,
    [EVM_OP_CALLER] = op_caller,
    [EVM_OP_CALLVALUE] = op_callvalue,
    [EVM_OP_CALLDATALOAD] = op_calldataload,
    [EVM_OP_CALLDATASIZE] = op_calldatasize,
    [EVM_OP_CODESIZE] = op_codesize,
    [EVM_OP_GASPRICE] = op_gasprice,
    [EVM_OP_RETURNDATASIZE] = op_returndatasize,
    [EVM_OP_COINBASE] = op_coinbase,
    [EVM_OP_TIMESTAMP] = op_timestamp,
    [EVM_OP_NUMBER] = op_number,
    [EVM_OP_PREVRANDAO] = op_prevrandao,
    [EVM_OP_GASLIMIT] = op_gaslimit,
    [EVM_OP_CHAINID] = op_chainid,
    [EVM_OP_BASEFEE] = op_basefee,
    [EVM_OP_BLOBHASH] = op_blobhash,
    [EVM_OP_BLOBBASEFEE] = op_blobbasefee,
    [EVM_OP_POP] = op_pop,
    [EVM_OP_JUMP] = op_jump,
    [EVM_OP_JUMPI] = op_jumpi,
    [EVM_OP_PC] = op_pc,
    [EVM_OP_MSIZE] = op_msize,
    [EVM_OP_GAS] = op_gas,
    [EVM_OP_JUMPDEST] = op_jumpdest,
    [EVM_OP_PUSH0] = op_push0,
    [EVM_OP_PUSH1... EVM_OP_PUSH32] = op_push,
    [EVM_OP_DUP1... EVM_OP_DUP16] = op_dup,
    [EVM_OP_SWAP1... EVM_OP_SWAP16] = op_swap,
    [EVM_OP_INVALID] = op_invalid,
};

/* The instructions that charge through evm_pay, and are shown to the tracer there. */
static const bool is_dynamic[256] = {
#define FIXED                                        false
#define DYNAMIC                                      true
#define X(name, value, taken, left, fork, gas, kind) [value] = (kind),
    EVM_OPCODE_LIST(X)
#undef X
#undef FIXED
#undef DYNAMIC
};

int evm_trace_step(struct evm_frame *f, int64_t gas_cost, size_t memory_after,
                   enum evm_status status)
{
    const struct evm *evm = f->evm;
    if (!evm->tracer->step)
        return 0;
    size_t pc = evm->step_pc;
    struct evm_step step = {.pc = pc,
                            .op = pc < f->code_size ? f->code[pc] : EVM_OP_STOP,
                            .gas = evm->step_gas,
                            .gas_cost = gas_cost,
                            .refund = f->refund,
                            .depth = f->message.depth + 1,
                            .stack = f->stack,
                            .stack_size = (size_t)(f->sp - f->stack),
                            .memory = bytes_of(f->memory, f->memory_size),
                            .memory_after = memory_after,
                            .return_data = evm->return_data,
                            .code = bytes_of(f->code, f->code_size),
                            .message = &f->message,
                            .change = evm->step_change,
                            .status = status};
    return evm->tracer->step(evm->tracer->context, &step);
}

/* What stands against an instruction before it begins. */
static enum evm_status check(const struct evm_frame *f, struct evm_instruction instruction)
{
    ptrdiff_t height = f->sp - f->stack;
    if (instruction.gas < 0)
        return EVM_UNDEFINED_INSTRUCTION;
    if (height < instruction.taken)
        return EVM_STACK_UNDERFLOW;
    if (height + instruction.growth > EVM_STACK_MAX)
        return EVM_STACK_OVERFLOW;
    return f->gas < instruction.gas ? EVM_OUT_OF_GAS : EVM_SUCCESS;
}

static int step(struct evm_frame *f)
{
    struct evm *evm = f->evm;
    uint8_t op = f->pc < f->code_size ? f->code[f->pc] : EVM_OP_STOP;
    struct evm_instruction instruction = f->rules->op[op];
    enum evm_status status = check(f, instruction);
    if (evm->tracer) {
        evm->step_pc = f->pc;
        evm->step_gas = f->gas;
    }
    if (evm->tracer && (status != EVM_SUCCESS || !is_dynamic[op])) {
        int err =
            evm_trace_step(f, instruction.gas < 0 ? 0 : instruction.gas, f->memory_size, status);
        if (err)
            return err;
    }
    if (status != EVM_SUCCESS)
        return evm_halt(f, status);
    if (evm_is_late(evm))
        return ERR_TIMEOUT;
    f->gas -= instruction.gas;
    f->pc++;
    return evm_heavy_ops[op] ? evm_heavy_ops[op](f) : operations[op](f);
}

int evm_plain_run(struct evm_frame *f)
{
    if (f->code_size == 0)
        return evm_halt(f, EVM_SUCCESS);
    int outcome;
    do {
        outcome = step(f);
    } while (outcome == EVM_NEXT);
    return outcome;
}
