/* Random programs on both interpreters (evm_test_run compares them): the translation of stack code
 * must lose no word, whatever is shuffled, folded or left out. */
#include "base/mem.h"
#include "evm/analysis.h"
#include "evm/opcodes.h"
#include "evm/test/run.h"

enum { CODE_MAX = 8192, PROGRAMS = 20000 };

struct program {
    uint64_t random;
    uint8_t code[CODE_MAX];
    size_t size;
    int depth; /* words on the stack, on each way to here */
    struct place {
        size_t at;
        int depth;
    } destinations[64], forward[16]; /* JUMPDESTs so far; PUSH2 operands for later ones */
    unsigned destination_count, forward_count;
};

static uint64_t next(struct program *p)
{
    p->random ^= p->random << 13;
    p->random ^= p->random >> 7;
    p->random ^= p->random << 17;
    return p->random;
}

static unsigned below(struct program *p, unsigned limit)
{
    return (unsigned)((next(p) >> 20) % limit);
}

static void byte(struct program *p, unsigned value)
{
    p->code[p->size++] = (uint8_t)value;
}

static void push_number(struct program *p, unsigned value)
{
    byte(p, EVM_OP_PUSH2);
    byte(p, value >> 8);
    byte(p, value & 0xff);
    p->depth++;
}

/* Numbers with few bits, many, powers of two, near a limit. */
static void push_any(struct program *p)
{
    unsigned len = below(p, 3) ? 1 + below(p, 2) : 1 + below(p, 32), shape = below(p, 4);
    byte(p, EVM_OP_PUSH1 + len - 1);
    for (unsigned i = 0; i < len; i++)
        byte(p, shape == 0 ? 0xff : shape == 1 ? (unsigned)(i == 0) << below(p, 8) : below(p, 256));
    p->depth++;
}

/* A JUMPDEST, for some of the jumps that wait for one with as many words. */
static void destination(struct program *p)
{
    if (p->destination_count < BASE_COUNT(p->destinations))
        p->destinations[p->destination_count++] = (struct place){p->size, p->depth};
    for (unsigned i = p->forward_count; i-- > 0;) {
        struct place jump = p->forward[i];
        if (jump.depth != p->depth)
            continue;
        p->code[jump.at] = (uint8_t)(p->size >> 8);
        p->code[jump.at + 1] = (uint8_t)p->size;
        p->forward[i] = p->forward[--p->forward_count];
    }
    byte(p, EVM_OP_JUMPDEST);
}

static void jump(struct program *p)
{
    bool conditional = p->depth > 0 && below(p, 8);
    int depth = p->depth - conditional;
    struct place *back = p->destination_count && below(p, 4) == 0
                             ? &p->destinations[below(p, p->destination_count)]
                             : NULL;
    if (back && back->depth != depth)
        back = NULL;
    if (!back && p->forward_count == BASE_COUNT(p->forward))
        return;
    push_number(p, back ? (unsigned)back->at : 0);
    if (!back)
        p->forward[p->forward_count++] = (struct place){p->size - 2, depth};
    if (below(p, 8) == 0) { /* a destination that is computed: plus zero */
        byte(p, EVM_OP_CALLVALUE);
        byte(p, EVM_OP_ADD);
    }
    byte(p, conditional ? EVM_OP_JUMPI : EVM_OP_JUMP);
    p->depth = depth;
}

/* Destinations for the jumps that have none yet, each behind a way to the right depth. */
static void finish_jumps(struct program *p)
{
    while (p->forward_count) {
        int depth = p->forward[p->forward_count - 1].depth;
        for (; p->depth > depth; p->depth--)
            byte(p, EVM_OP_POP);
        while (p->depth < depth)
            push_any(p);
        destination(p);
    }
}

static void operation(struct program *p)
{
    static const uint8_t pure[] = {
        EVM_OP_ADD,    EVM_OP_MUL,    EVM_OP_SUB,    EVM_OP_DIV,  EVM_OP_SDIV,        EVM_OP_MOD,
        EVM_OP_SMOD,   EVM_OP_ADDMOD, EVM_OP_MULMOD, EVM_OP_EXP,  EVM_OP_SIGNEXTEND,  EVM_OP_LT,
        EVM_OP_GT,     EVM_OP_SLT,    EVM_OP_SGT,    EVM_OP_EQ,   EVM_OP_ISZERO,      EVM_OP_AND,
        EVM_OP_OR,     EVM_OP_XOR,    EVM_OP_NOT,    EVM_OP_BYTE, EVM_OP_SHL,         EVM_OP_SHR,
        EVM_OP_SAR,    EVM_OP_CLZ,    EVM_OP_ISZERO, EVM_OP_EQ,   EVM_OP_LT,          EVM_OP_ADD,
        EVM_OP_CALLER, EVM_OP_MSIZE,  EVM_OP_PC,     EVM_OP_GAS,  EVM_OP_CALLDATALOAD};
    const struct evm_rules *rules = evm_rules(FORK_OSAKA);
    uint8_t op = pure[below(p, BASE_COUNT(pure))];
    if (p->depth < rules->op[op].taken && below(p, 500))
        return;
    byte(p, op);
    p->depth += rules->op[op].growth;
}

/* Memory, storage, hashing, accounts: at places that are near, with operands from the stack here and
 * there. */
static void effect(struct program *p)
{
    static const struct {
        uint8_t op;
        uint8_t near, scale; /* operands that must be small numbers, and their distance */
    } effects[] = {
        {EVM_OP_MLOAD, 1, 11},    {EVM_OP_MSTORE, 1, 11},     {EVM_OP_MSTORE8, 1, 11},
        {EVM_OP_MLOAD, 1, 32},    {EVM_OP_MSTORE, 1, 32},     {EVM_OP_KECCAK256, 2, 13},
        {EVM_OP_SLOAD, 1, 1},     {EVM_OP_SSTORE, 1, 1},      {EVM_OP_TLOAD, 1, 1},
        {EVM_OP_TSTORE, 1, 1},    {EVM_OP_MCOPY, 3, 9},       {EVM_OP_CALLDATACOPY, 3, 9},
        {EVM_OP_CODECOPY, 3, 9},  {EVM_OP_SELFBALANCE, 0, 0}, {EVM_OP_BALANCE, 0, 0},
        {EVM_OP_BLOCKHASH, 0, 0},
    };
    unsigned i = below(p, BASE_COUNT(effects));
    for (unsigned n = effects[i].near; n > 0; n--)
        push_number(p, below(p, 8) * effects[i].scale);
    const struct evm_instruction *instruction = &evm_rules(FORK_OSAKA)->op[effects[i].op];
    while (p->depth < instruction->taken)
        push_any(p);
    byte(p, effects[i].op);
    p->depth += instruction->growth;
}

static void shuffle(struct program *p)
{
    unsigned reach = p->depth < 16 ? (unsigned)p->depth : 16, kind = below(p, 5);
    if (below(p, 500) == 0)
        reach = 16; /* perhaps too far */
    if (reach >= 1 && kind < 2) {
        byte(p, EVM_OP_DUP1 + below(p, reach));
        p->depth++;
    } else if (reach >= 2 && kind < 4) {
        byte(p, EVM_OP_SWAP1 + below(p, reach - 1));
    } else if (reach >= 1) {
        byte(p, EVM_OP_POP);
        p->depth--;
    }
}

static void make(struct program *p, uint64_t seed)
{
    *p = (struct program){.random = seed * 0x9e3779b97f4a7c15 + 1};
    unsigned steps = 4 + below(p, 200), jumps = below(p, 3), effects = below(p, 3);
    for (unsigned i = below(p, 20); i > 0; i--)
        push_any(p);
    for (unsigned i = 0; i < steps && p->size < CODE_MAX - 1024; i++) {
        unsigned what = below(p, 20);
        if (what < 5)
            shuffle(p);
        else if (what < 8)
            push_any(p);
        else if (what < 14)
            operation(p);
        else if (what < 14 + 2 * effects)
            effect(p);
        else if (jumps && what < 18 + jumps)
            below(p, 2) ? jump(p) : destination(p);
        else
            shuffle(p);
    }
    finish_jumps(p);
    int words = p->depth < 32 ? p->depth : 32;
    for (int i = 0; i < words; i++) { /* they become output */
        push_number(p, 128 + 32 * (unsigned)i);
        byte(p, EVM_OP_MSTORE);
    }
    push_number(p, 2048);
    push_number(p, 0);
    byte(p, EVM_OP_RETURN);
}

static void test_random_programs(void **state)
{
    (void)state;
    static struct program p;
    for (uint64_t seed = 1; seed <= PROGRAMS; seed++) {
        make(&p, seed);
        struct evm_test t;
        evm_test_begin(&t, seed % 10 ? FORK_OSAKA : (enum fork)(seed / 10 % FORK_COUNT));
        t.message.value = u256_from(0);
        int64_t gas = below(&p, 4) ? 200000 : below(&p, 3000);
        evm_test_run(&t, bytes_of(p.code, p.size), gas);
        evm_test_end(&t);
    }
}

/* Memory begins as zeros, whatever an execution before, or a frame that has ended, left there. */
static void test_memory_is_zero(void **state)
{
    (void)state;
    struct evm_test t;
    struct evm_result result;
    struct bytes write = evm_asm("0 :next CALLER DUP2 MSTORE 32 ADD DUP1 4096 GT @next JUMPI STOP");
    struct bytes read =
        evm_asm("4064 MLOAD POP 0 0 :next DUP1 MLOAD SWAP1 SWAP2 OR SWAP1 32 ADD DUP1 4096 GT "
                "@next JUMPI POP 0 MSTORE 32 0 RETURN");
    evm_test_begin(&t, FORK_OSAKA);
    t.message.gas = 1000000;
    for (int i = 0; i < 4; i++) {
        evm_test_find(&t.host, EVM_TEST_CONTRACT)->code = i % 2 ? read : write;
        assert_int_equal(evm_execute(t.evm, FORK_OSAKA, &t.host.context, &evm_test_host_ops,
                                     &t.host, &t.message, &result),
                         0);
        assert_int_equal(result.status, EVM_SUCCESS);
        assert_int_equal(result.output.len, i % 2 ? 32 : 0);
        for (size_t k = 0; k < result.output.len; k++)
            assert_int_equal(result.output.data[k], 0);
    }
    evm_test_end(&t);
}

/* What a code's analysis takes is bounded by a multiple of its size, whatever the code. */
static void test_bounds(void **state)
{
    (void)state;
    static const char *const units[] = {
        "#5b",     /* each a destination */
        "GAS POP", /* each a block */
        "#5b 0 ISZERO POP",
        "DUP1 GAS POP POP",          /* a word to be moved in each block */
        "SWAP16 GAS POP",            /* two */
        "DUP1 DUP1 DUP1 MULMOD POP", /* constants, repeated */
        "DUP1 DUP1 DUP1 GAS POP POP POP POP",
        "DUP1 DUP1 SSTORE",
        "@x #5b DUP1 POP POP CALLER @x JUMPI :x",
    };
    static uint8_t code[24576];
    for (size_t i = 0; i < BASE_COUNT(units); i++) {
        struct evm_test t;
        struct evm_result result;
        struct buf start = BUF_INIT;
        for (int k = 0; k < 17; k++) /* words to work on, none of them short */
            buf_append_text(&start, "0xffffffffffffffffffffffffffffffff11 ");
        struct bytes unit = evm_asm(units[i]), head = evm_asm(buf_text(&start));
        buf_release(&start);
        size_t size = head.len;
        memcpy(code, head.data, head.len);
        for (; size + unit.len <= sizeof(code); size += unit.len)
            memcpy(code + size, unit.data, unit.len);
        evm_test_begin(&t, FORK_OSAKA);
        evm_test_find(&t.host, EVM_TEST_CONTRACT)->code = bytes_of(code, size);
        t.message.gas = 1000000000;
        assert_int_equal(evm_execute(t.evm, FORK_OSAKA, &t.host.context, &evm_test_host_ops,
                                     &t.host, &t.message, &result),
                         0);
        assert_true(t.evm->fast->bytes > size);
        assert_true(t.evm->fast->bytes <=
                    size * (EVM_ANALYSIS_MULTIPLE + EVM_TRANSLATION_MULTIPLE));
        evm_test_end(&t);
    }
}

/* Far more code than the cache holds, all of it different: it stays within its bound. */
static void test_cache(void **state)
{
    (void)state;
    struct evm_test t;
    struct evm_result result;
    static uint8_t code[24576];
    memset(code, EVM_OP_JUMPDEST, sizeof(code));
    evm_test_begin(&t, FORK_OSAKA);
    evm_test_find(&t.host, EVM_TEST_CONTRACT)->code = bytes_of(code, sizeof(code));
    t.message.gas = 100000;
    size_t most = 0, one = 0;
    for (unsigned i = 0; i < 80; i++) {
        code[0] = EVM_OP_PUSH2;
        code[1] = (uint8_t)(i / 8);
        code[2] = (uint8_t)(i % 8);
        assert_int_equal(evm_execute(t.evm, FORK_OSAKA, &t.host.context, &evm_test_host_ops,
                                     &t.host, &t.message, &result),
                         0);
        assert_int_equal(result.status, EVM_SUCCESS);
        assert_int_equal(result.gas_left, 100000 - 3 - (sizeof(code) - 3));
        size_t bytes = t.evm->fast->bytes;
        one = one ? one : bytes;
        most = bytes > most ? bytes : most;
    }
    assert_true(80 * one > EVM_ANALYSES_BYTES_MAX);
    assert_true(most <= EVM_ANALYSES_BYTES_MAX + one);
    evm_test_end(&t);
}

/* Memory that runs out is an error, never an outcome. */
static void test_out_of_memory(void **state)
{
    (void)state;
    struct evm_test t;
    struct evm_result result;
    evm_test_begin(&t, FORK_OSAKA);
    struct bytes code = evm_asm("1 @loop JUMP :loop 3 ADD DUP1 7 LT @done JUMPI @loop JUMP :done "
                                "100000 MSTORE8 STOP");
    evm_test_find(&t.host, EVM_TEST_CONTRACT)->code = code;
    t.message.gas = 1000000;
    for (size_t n = 1;; n++) {
        struct evm *evm;
        mem_fail_at(n, 1);
        int err = evm_new(&evm);
        if (err == 0) {
            err = evm_execute(evm, FORK_OSAKA, &t.host.context, &evm_test_host_ops, &t.host,
                              &t.message, &result);
            bool failed = mem_fail_left() == 0;
            mem_fail_at(0, 0);
            evm_free(evm);
            if (!failed)
                break;
        }
        mem_fail_at(0, 0);
        assert_int_equal(err, ERR_NOMEM);
    }
    assert_int_equal(result.status, EVM_SUCCESS);
    evm_test_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_programs), cmocka_unit_test(test_memory_is_zero),
        cmocka_unit_test(test_bounds),          cmocka_unit_test(test_cache),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
