#include "evm/analysis.h"
#include "evm/fast/ops.h"
#include "evm/fast/translate.h"
#include "evm/fast/word.h"

/*
 * All handlers are labels of one function, and each ends in a computed jump of its own to the next
 * one: the state stays in registers, and the processor predicts each jump by where it is.
 *
 * In every handler:
 *   ip            the instruction
 *   sp            the block's stack pointer: offsets of words count from here
 *   gas           left, the block's fixed gas being charged already
 *   f             the frame; its sp and gas are stale
 *   a0 … a3       the accumulator. At the entry of a block a0 is the target it was entered by.
 */
#define OP(name) op_##name:
#define NEXT(words)                                                                                \
    do {                                                                                           \
        ip += (words);                                                                             \
        goto * ip->handler;                                                                        \
    } while (0)

#if defined(__clang__)
/* These checks of each access to the stack, in a thousand handlers, take the compiler minutes and
 * gigabytes. Those of AddressSanitizer and of the arithmetic stay. */
#    define MACHINE                                                                                \
        __attribute__((no_sanitize("alignment", "null", "object-size", "pointer-overflow")))
#else
/* gcc would keep the accumulator in two vectors, and take it apart for each use. */
#    define MACHINE __attribute__((optimize("no-tree-slp-vectorize")))
#endif

#define SLOT(offset) ((struct u256 *)(void *)(sp + (offset)))
#define ACCUMULATOR  ((struct u256){{a0, a1, a2, a3}})

/* An operand of each kind, and the words its constant takes. A constant stands behind the operands;
 * no instruction with kinds has two. */
#define GET_s(field)   u256_read(SLOT(ip[1].field))
#define GET_k(field)   u256_from(ip[EVM_OPERAND_WORDS].k)
#define GET_c(field)   u256_read((const void *)&ip[EVM_OPERAND_WORDS])
#define GET_a(field)   ACCUMULATOR
#define WORDS_s        0
#define WORDS_k        1
#define WORDS_c        4
#define WORDS_a        0
#define LENGTH_0       EVM_OPERAND_WORDS
#define LENGTH_1(x)    (EVM_OPERAND_WORDS + WORDS_##x)
#define LENGTH_2(x, y) (EVM_OPERAND_WORDS + WORDS_##x + WORDS_##y)

/* The result, to both its places or to the accumulator only. */
#define ACCUMULATE(r)                                                                              \
    do {                                                                                           \
        a0 = (r).w[0];                                                                             \
        a1 = (r).w[1];                                                                             \
        a2 = (r).w[2];                                                                             \
        a3 = (r).w[3];                                                                             \
    } while (0)
#define STORE_RESULT                                                                               \
    do {                                                                                           \
        struct u256 *result = SLOT(ip[1].result);                                                  \
        result->w[0] = a0;                                                                         \
        result->w[1] = a1;                                                                         \
        result->w[2] = a2;                                                                         \
        result->w[3] = a3;                                                                         \
    } while (0)

#define HALT(halt_status)                                                                          \
    do {                                                                                           \
        f->sp = (struct u256 *)(void *)sp;                                                         \
        f->gas = gas;                                                                              \
        return evm_halt(f, halt_status);                                                           \
    } while (0)

/* Begins the block at `block`; the target it was reached by, if any, is in a0. */
#define ENTER(at)                                                                                  \
    do {                                                                                           \
        ip = (at);                                                                                 \
        gas -= ip[1].gas;                                                                          \
        uint64_t height = (uint64_t)(sp - (uint8_t *)f->stack);                                    \
        if (BASE_UNLIKELY(gas < 0 || height - ip[2].height > ip[2].spread))                        \
            return fail_block(ip, sp, gas, f);                                                     \
        NEXT(EVM_BLOCK_WORDS);                                                                     \
    } while (0)
#define ENTER_TARGET(at)                                                                           \
    do {                                                                                           \
        const struct evm_target *entered = (at);                                                   \
        a0 = (uint64_t)(uintptr_t)entered;                                                         \
        ENTER(entered->block);                                                                     \
    } while (0)

/* Leaves the block: the instruction is `words` long, with the target behind that if it jumps. */
#define BRANCH(condition, words)                                                                   \
    do {                                                                                           \
        bool taken = (condition);                                                                  \
        sp += ip[1].result;                                                                        \
        if (taken)                                                                                 \
            ENTER_TARGET(ip[words].target);                                                        \
        ENTER(ip + (words) + 1);                                                                   \
    } while (0)

/* Makes sure that `size` bytes of memory are there from `offset` on. */
#define TOUCH(offset, size)                                                                        \
    do {                                                                                           \
        if (BASE_UNLIKELY(!evm_in_memory(f, &(offset), size))) {                                   \
            struct u256 from = (offset); /* only here in memory */                                 \
            f->sp = (struct u256 *)(void *)sp;                                                     \
            f->gas = gas;                                                                          \
            int grown = grow_memory(f, &from, size);                                               \
            if (grown != EVM_NEXT)                                                                 \
                return grown;                                                                      \
            gas = f->gas;                                                                          \
        }                                                                                          \
    } while (0)

/* The gas or the stack does not allow the whole block: the plain interpreter finds out where it
 * ends. `gas` has been charged. */
static BASE_COLD int fail_block(const union evm_word *block, uint8_t *sp, int64_t gas,
                                struct evm_frame *f)
{
    f->sp = (struct u256 *)(void *)sp;
    f->gas = gas + block[1].gas;
    f->pc = block[1].pc;
    f->analysis = NULL; /* the plain interpreter makes its own */
    return evm_plain_run(f);
}

/* Yellow Paper, appendix H, C_mem; `size` is one of a memory that is there, so nothing overflows. */
static int64_t memory_price(size_t size)
{
    int64_t words = (int64_t)(size / 32);
    return words * EVM_GAS_MEMORY_WORD + words * words / EVM_GAS_MEMORY_QUADRATIC;
}

/* evm_memory_cost and evm_pay for what does not grow beyond the room that is there: most of the
 * time contracts put one word behind the other. */
static bool grow_within_room(struct evm_frame *f, const struct u256 *offset, uint64_t size)
{
    if (!u256_is_u64(offset) || offset->w[0] >= f->memory_room)
        return false;
    size_t new_size = (offset->w[0] + size + 31) / 32 * 32;
    if (new_size > f->memory_room)
        return false;
    int64_t gas = memory_price(new_size) - memory_price(f->memory_size);
    if (gas > f->gas)
        return false;
    f->gas -= gas;
    evm_space_clear(&f->evm->memory, f->memory + f->memory_size, new_size - f->memory_size);
    f->memory_size = new_size;
    return true;
}

static int grow_memory(struct evm_frame *f, const struct u256 *offset, uint64_t size)
{
    if (grow_within_room(f, offset, size))
        return EVM_NEXT;
    int64_t gas;
    size_t new_size;
    struct u256 size_word = u256_from(size);
    if (!evm_memory_cost(f, &gas, &new_size, offset, &size_word))
        return evm_halt(f, EVM_OUT_OF_GAS);
    return evm_pay(f, gas, new_size);
}

static struct u256 load_input(struct bytes input, const struct u256 *offset)
{
    if (!u256_is_u64(offset) || offset->w[0] >= input.len)
        return u256_from(0);
    size_t left = input.len - offset->w[0];
    if (left >= 32)
        return u256_load(input.data + offset->w[0]);
    uint8_t padded[32] = {0};
    memcpy(padded, input.data + offset->w[0], left);
    return u256_load(padded);
}

static struct u256 blob_hash(const struct evm_context *context, const struct u256 *i)
{
    if (!u256_is_u64(i) || i->w[0] >= context->blob_hash_count)
        return u256_from(0);
    return u256_load(context->blob_hashes[i->w[0]].b);
}

/* Contracts that multiply modulo a number do it again and again with the same one. */
static void multiply_modular(struct evm_fast *fast, struct u256 *r, const struct u256 *x,
                             const struct u256 *y, const struct u256 *m)
{
    if (!u256_equal(&fast->modulus.value, m)) {
        if (u256_is_zero(m) || !u256_equal(&fast->modulus_seen, m)) {
            fast->modulus_seen = *m;
            u256_mul_mod(r, x, y, m);
            return;
        }
        u256_modulus_init(&fast->modulus, m);
    }
    u256_mul_mod_by(r, x, y, &fast->modulus);
}

static struct u256 see_gas(struct evm *evm, int64_t gas)
{
    evm->gas_seen = true;
    return u256_from((uint64_t)gas);
}

static struct evm_target *find_target(const struct evm_frame *f, const struct u256 *destination)
{
    return u256_is_u64(destination) ? evm_analysis_target(f->analysis, destination->w[0]) : NULL;
}

/* A block of one instruction that costs and needs nothing. */
#define BARE_BLOCK(block, instruction)                                                             \
    {                                                                                              \
        {.handler = (block)}, {.gas = 0}, {.height = 0, .spread = UINT32_MAX},                     \
        {                                                                                          \
            .handler = (instruction)                                                               \
        }                                                                                          \
    }

/* What the handlers do. */

#define BINARY(op)  EVM_FAST_PAIRS(BINARY_PAIR, op)
#define COMPARE(op) EVM_FAST_PAIRS(COMPARE_PAIR, op)
#define STORE(op)   EVM_FAST_PAIRS(STORE_PAIR, op)
#define TEST(op)    EVM_FAST_SINGLES(TEST_SINGLE, op)
#define UNARY(op)   EVM_FAST_SINGLES(UNARY_SINGLE, op)

#define BINARY_PAIR(op, x, y)                                                                      \
    OP(op##_##x##y)                                                                                \
    {                                                                                              \
        struct u256 r, first = GET_##x(a), second = GET_##y(b);                                    \
        evm_word_##op(&r, &first, &second);                                                        \
        ACCUMULATE(r);                                                                             \
        STORE_RESULT;                                                                              \
        NEXT(LENGTH_2(x, y));                                                                      \
    }                                                                                              \
    OP(op##_##x##y##_n)                                                                            \
    {                                                                                              \
        struct u256 r, first = GET_##x(a), second = GET_##y(b);                                    \
        evm_word_##op(&r, &first, &second);                                                        \
        ACCUMULATE(r);                                                                             \
        NEXT(LENGTH_2(x, y));                                                                      \
    }

#define COMPARE_PAIR(op, x, y)                                                                     \
    OP(op##_##x##y)                                                                                \
    {                                                                                              \
        struct u256 first = GET_##x(a), second = GET_##y(b);                                       \
        ACCUMULATE(u256_from(evm_word_##op(&first, &second)));                                     \
        STORE_RESULT;                                                                              \
        NEXT(LENGTH_2(x, y));                                                                      \
    }                                                                                              \
    OP(op##_##x##y##_n)                                                                            \
    {                                                                                              \
        struct u256 first = GET_##x(a), second = GET_##y(b);                                       \
        ACCUMULATE(u256_from(evm_word_##op(&first, &second)));                                     \
        NEXT(LENGTH_2(x, y));                                                                      \
    }                                                                                              \
    OP(op##_##x##y##_j)                                                                            \
    {                                                                                              \
        struct u256 first = GET_##x(a), second = GET_##y(b);                                       \
        BRANCH(evm_word_##op(&first, &second), LENGTH_2(x, y));                                    \
    }

#define TEST_SINGLE(op, x)                                                                         \
    OP(op##_##x)                                                                                   \
    {                                                                                              \
        struct u256 first = GET_##x(a);                                                            \
        ACCUMULATE(u256_from(evm_word_##op(&first)));                                              \
        STORE_RESULT;                                                                              \
        NEXT(LENGTH_1(x));                                                                         \
    }                                                                                              \
    OP(op##_##x##_n)                                                                               \
    {                                                                                              \
        struct u256 first = GET_##x(a);                                                            \
        ACCUMULATE(u256_from(evm_word_##op(&first)));                                              \
        NEXT(LENGTH_1(x));                                                                         \
    }                                                                                              \
    OP(op##_##x##_j)                                                                               \
    {                                                                                              \
        struct u256 first = GET_##x(a);                                                            \
        BRANCH(evm_word_##op(&first), LENGTH_1(x));                                                \
    }

#define UNARY_SINGLE(op, x)                                                                        \
    OP(op##_##x)                                                                                   \
    {                                                                                              \
        struct u256 r, first = GET_##x(a);                                                         \
        DO_##op(r, first);                                                                         \
        ACCUMULATE(r);                                                                             \
        STORE_RESULT;                                                                              \
        NEXT(LENGTH_1(x));                                                                         \
    }                                                                                              \
    OP(op##_##x##_n)                                                                               \
    {                                                                                              \
        struct u256 r, first = GET_##x(a);                                                         \
        DO_##op(r, first);                                                                         \
        ACCUMULATE(r);                                                                             \
        NEXT(LENGTH_1(x));                                                                         \
    }

#define DO_complement(r, x)                                                                        \
    for (int i = 0; i < 4; i++)                                                                    \
    (r).w[i] = ~(x).w[i]
#define DO_calldataload(r, x) (r) = load_input(f->message.input, &(x))
#define DO_blobhash(r, x)     (r) = blob_hash(CONTEXT, &(x))
#define DO_mload(r, x)                                                                             \
    TOUCH(x, 32);                                                                                  \
    (r) = u256_load(f->memory + (x).w[0])

#define STORE_PAIR(op, x, y)                                                                       \
    OP(op##_##x##y)                                                                                \
    {                                                                                              \
        struct u256 first = GET_##x(a), second = GET_##y(b);                                       \
        DO_##op(first, second);                                                                    \
        NEXT(LENGTH_2(x, y));                                                                      \
    }

#define DO_mstore(x, y)                                                                            \
    TOUCH(x, 32);                                                                                  \
    u256_store(f->memory + (x).w[0], &(y))
#define DO_mstore8(x, y)                                                                           \
    TOUCH(x, 1);                                                                                   \
    f->memory[(x).w[0]] = (uint8_t)(y).w[0]

/* `words`: of the instruction; `value` may be an expression with the state. */
#define RESULT_OP(name, words, value)                                                              \
    OP(name)                                                                                       \
    {                                                                                              \
        struct u256 r = value;                                                                     \
        ACCUMULATE(r);                                                                             \
        STORE_RESULT;                                                                              \
        NEXT(words);                                                                               \
    }                                                                                              \
    OP(name##_n)                                                                                   \
    {                                                                                              \
        struct u256 r = value;                                                                     \
        ACCUMULATE(r);                                                                             \
        NEXT(words);                                                                               \
    }

#define CONTEXT     (f->evm->context)
#define ADDRESS(of) u256_load_short((of).b, sizeof((of).b))

#define VALUE_address        ADDRESS(f->message.recipient)
#define VALUE_origin         ADDRESS(CONTEXT->origin)
#define VALUE_caller         ADDRESS(f->message.sender)
#define VALUE_callvalue      f->message.value
#define VALUE_calldatasize   u256_from(f->message.input.len)
#define VALUE_gasprice       CONTEXT->gas_price
#define VALUE_returndatasize u256_from(f->evm->return_data.len)
#define VALUE_coinbase       ADDRESS(CONTEXT->coinbase)
#define VALUE_timestamp      u256_from(CONTEXT->timestamp)
#define VALUE_number         u256_from(CONTEXT->number)
#define VALUE_prevrandao     CONTEXT->prev_randao
#define VALUE_gaslimit       u256_from(CONTEXT->gas_limit)
#define VALUE_chainid        CONTEXT->chain_id
#define VALUE_basefee        CONTEXT->base_fee
#define VALUE_blobbasefee    CONTEXT->blob_base_fee
#define VALUE_msize          u256_from(f->memory_size)
#define VALUE_gas            u256_from((uint64_t)gas)
#define VALUE_gas_seen       see_gas(f->evm, gas)
#define VALUE_const_k        GET_k()
#define VALUE_const_c        GET_c()

#define NULLARY(op)   RESULT_OP(op, LENGTH_0, VALUE_##op)
#define WORDS_const_k WORDS_k
#define WORDS_const_c WORDS_c
#define CONSTANT(op)  RESULT_OP(op, LENGTH_1(op), VALUE_##op)

/* An operand of a general instruction. */
#define GENERAL_OPERAND(field)                                                                     \
    ((const struct u256 *)(const void *)((ip[1].field & 1 ? (const uint8_t *)ip : sp) +            \
                                         (ip[1].field & ~1)))
#define GENERAL(op)                                                                                \
    OP(op)                                                                                         \
    {                                                                                              \
        struct u256 r;                                                                             \
        DO_##op(&r, GENERAL_OPERAND(a), GENERAL_OPERAND(b), GENERAL_OPERAND(c));                   \
        ACCUMULATE(r);                                                                             \
        STORE_RESULT;                                                                              \
        NEXT(ip[2].k);                                                                             \
    }                                                                                              \
    OP(op##_n)                                                                                     \
    {                                                                                              \
        struct u256 r;                                                                             \
        DO_##op(&r, GENERAL_OPERAND(a), GENERAL_OPERAND(b), GENERAL_OPERAND(c));                   \
        ACCUMULATE(r);                                                                             \
        NEXT(ip[2].k);                                                                             \
    }

#define DO_div(r, x, y, z)        u256_divmod(r, NULL, x, y)
#define DO_sdiv(r, x, y, z)       u256_div_signed(r, x, y)
#define DO_mod(r, x, y, z)        u256_divmod(NULL, r, x, y)
#define DO_smod(r, x, y, z)       u256_mod_signed(r, x, y)
#define DO_addmod(r, x, y, z)     u256_add_mod(r, x, y, z)
#define DO_mulmod(r, x, y, z)     multiply_modular(f->evm->fast, r, x, y, z)
#define DO_signextend(r, x, y, z) u256_sign_extend(r, x, y)
#define DO_byte(r, x, y, z)       evm_word_byte(r, x, y)
#define DO_sar(r, x, y, z)        evm_word_sar(r, x, y)
#define DO_clz(r, x, y, z)        *(r) = u256_from(256 - u256_bit_length(x))
#define DO_exp(r, x, y, z)                                                                         \
    gas -= (int64_t)f->rules->exp_byte * u256_byte_length(y);                                      \
    if (BASE_UNLIKELY(gas < 0))                                                                    \
        HALT(EVM_OUT_OF_GAS);                                                                      \
    u256_exp(r, x, y)

/* Runs from the block at `ip`, reached by the target a0. Without a frame it only gives the code. */
MACHINE static int run(const union evm_word *ip, struct evm_frame *f, uint64_t a0,
                       const struct evm_fast_code **ret_code)
{
#define X(name) &&op_##name,
    static const void *const handlers[] = {EVM_FAST_LIST};
#undef X
    static const union evm_word untranslated[] = BARE_BLOCK(&&op_block, &&op_untranslated);
    static const union evm_word bad_jump[] = BARE_BLOCK(&&op_block, &&op_bad_jump);
    static const struct evm_target bad_target = {bad_jump, 0};
    static const struct evm_fast_code fast_code = {handlers, untranslated, &bad_target};
    if (!f) {
        *ret_code = &fast_code;
        return 0;
    }
    uint8_t *sp = (uint8_t *)f->sp;
    int64_t gas = f->gas;
    uint64_t a1 = 0, a2 = 0, a3 = 0;
    goto * ip->handler;
#include "evm/fast_handlers.inc"
}

const struct evm_fast_code *evm_fast_code(void)
{
    const struct evm_fast_code *code;
    (void)run(NULL, NULL, 0, &code);
    return code;
}

int evm_fast_run(struct evm_frame *f)
{
    if (f->resume)
        return run(f->resume, f, 0, NULL);
    int err = evm_analysis_attach(f);
    if (err < 0)
        return err;
    const struct evm_target *entry = &((const struct evm_analysis *)f->analysis)->entry;
    return run(entry->block, f, (uint64_t)(uintptr_t)entry, NULL);
}
