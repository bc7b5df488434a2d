/* Each instruction: its result, its gas, the fork it came with. */
#include "evm/gas.h"
#include "evm/opcodes.h"
#include "evm/test/run.h"

#include <stdio.h>

#define MAX "0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
#define FF  "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
#define MIN "0x8000000000000000000000000000000000000000000000000000000000000000"

struct expectation {
    const char *code;
    const char *result;
    int64_t gas;
};

static void expect_all(enum fork fork, const struct expectation *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        evm_test_expect(fork, list[i].code, list[i].result, list[i].gas);
}

#define EXPECT_ALL(fork, list) expect_all(fork, list, BASE_COUNT(list))

/* Operands are pushed in reverse: the last one is the first operand. */
static void test_arithmetic(void **state)
{
    (void)state;
    static const struct expectation list[] = {
        {"3 5 ADD", "08", 9},
        {"1 " MAX " ADD", "00", 9},
        {"3 5 MUL", "0f", 11},
        {"2 " MAX " MUL", "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe", 11},
        {"3 5 SUB", "02", 9},
        {"5 3 SUB", "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe", 9},
        {"3 17 DIV", "05", 11},
        {"0 17 DIV", "00", 11},
        {"2 " MAX " SDIV", "00", 11},
        {MAX " " MIN " SDIV", "8000000000000000000000000000000000000000000000000000000000000000",
         11},
        {"3 17 MOD", "02", 11},
        {"0 17 MOD", "00", 11},
        {"3 17 0 SUB SMOD", "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe", 17},
        {"5 " MAX " SMOD", FF, 11},
        {"7 5 4 ADDMOD", "02", 17},
        {"0 5 4 ADDMOD", "00", 17},
        {MAX " " MAX " " MAX " ADDMOD", "00", 17},
        {"10 " MAX " " MAX " MULMOD", "05", 17},
        {"0 3 2 MULMOD", "00", 17},
        {"0 2 EXP", "01", 16},
        {"10 2 EXP", "0400", 66},
        {"256 2 EXP", "00", 116},
        {"0x80 0 SIGNEXTEND", "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff80",
         11},
        {"0x7f 0 SIGNEXTEND", "7f", 11},
        {"0x80 31 SIGNEXTEND", "80", 11},
        {"0x80 " MAX " SIGNEXTEND", "80", 11},
    };
    EXPECT_ALL(FORK_SPURIOUS, list);
    evm_test_expect(FORK_TANGERINE, "10 2 EXP", "0400", 26); /* before EIP-160 */
    evm_test_expect(FORK_FRONTIER, "256 2 EXP", "00", 36);
}

static void test_comparison_and_bits(void **state)
{
    (void)state;
    static const struct expectation list[] = {
        {"2 1 LT", "01", 9},         {"1 1 LT", "00", 9},
        {"1 2 GT", "01", 9},         {"2 2 GT", "00", 9},
        {"1 " MAX " SLT", "01", 9},  {MAX " 1 SLT", "00", 9},
        {MAX " 1 SGT", "01", 9},     {"1 " MIN " SGT", "00", 9},
        {"7 7 EQ", "01", 9},         {"7 " MAX " EQ", "00", 9},
        {"0 ISZERO", "01", 6},       {MIN " ISZERO", "00", 6},
        {"12 10 AND", "08", 9},      {"12 10 OR", "0e", 9},
        {"12 10 XOR", "06", 9},      {"0 NOT", FF, 6},
        {"0x1234 30 BYTE", "12", 9}, {"0x1234 31 BYTE", "34", 9},
        {MAX " 32 BYTE", "00", 9},   {MAX " " MAX " BYTE", "00", 9},
        {"1 8 SHL", "0100", 9},      {"1 256 SHL", "00", 9},
        {"1 " MAX " SHL", "00", 9},  {"256 8 SHR", "01", 9},
        {MAX " 256 SHR", "00", 9},   {MIN " 255 SAR", FF, 9},
        {MIN " 256 SAR", FF, 9},     {MIN " " MAX " SAR", FF, 9},
        {"256 4 SAR", "10", 9},      {"256 300 SAR", "00", 9},
    };
    EXPECT_ALL(FORK_CONSTANTINOPLE, list);
    /* EIP-7939 */
    static const struct expectation clz[] = {
        {"0 CLZ", "0100", 8},
        {"1 CLZ", "ff", 8},
        {MIN " CLZ", "00", 8},
        {MAX " CLZ", "00", 8},
        {"0x4000000000000000000000000000000000000000000000000000000000000000 CLZ", "01", 8},
        {"0x7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff CLZ", "01", 8},
    };
    EXPECT_ALL(FORK_OSAKA, clz);
}

static void test_stack(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= 16; n++) {
        char text[200], want[16];
        const char *words = "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17";
        (void)snprintf(text, sizeof(text), "%s DUP%u", words, n);
        (void)snprintf(want, sizeof(want), "%02x", 18 - n);
        evm_test_expect(FORK_FRONTIER, text, want, 54);
        (void)snprintf(text, sizeof(text), "%s SWAP%u", words, n);
        (void)snprintf(want, sizeof(want), "%02x", 17 - n);
        evm_test_expect(FORK_FRONTIER, text, want, 54);
    }
    evm_test_expect(FORK_FRONTIER, "1 2 POP", "01", 8);
    evm_test_expect(FORK_SHANGHAI, "PUSH0", "00", 2);
    /* Data that the end of the code cuts off reads as zeros. */
    struct evm_test t;
    evm_test_begin(&t, FORK_LONDON);
    struct bytes code = evm_asm("7 0 MSTORE 32 0 RETURN #7fff");
    evm_test_run(&t, code, 100);
    assert_int_equal(evm_test_output(&t).w[0], 7);
    evm_test_run(&t, evm_asm("#6110"), 3);
    assert_int_equal(t.result.status, EVM_SUCCESS);
    assert_int_equal(t.result.gas_left, 0);
    evm_test_end(&t);
}

static void test_pushes(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= 32; n++) {
        char text[100] = "0x";
        for (unsigned i = 0; i < n; i++)
            (void)snprintf(text + 2 + 2 * i, 3, "%02x", i + 1);
        evm_test_expect(FORK_FRONTIER, text, text + 2, 3);
    }
}

static void test_jumps(void **state)
{
    (void)state;
    static const struct expectation list[] = {
        {"@over JUMP INVALID :over 7", "07", 15},
        {"1 @over JUMPI INVALID :over 7", "07", 20},
        {MIN " @over JUMPI INVALID :over 7", "07", 20},
        {"0 @over JUMPI 5 @end JUMP :over 7 :end", "05", 31},
        {"0 :again 1 ADD DUP1 3 SUB @again JUMPI", "03", 3 + 3 * (1 + 6 * 3 + 10)},
        {"PC", "00", 2},
        {"1 POP PC", "03", 7},
        {"MSIZE", "00", 2},
        {"0 MLOAD POP MSIZE", "m20", 13},
    };
    EXPECT_ALL(FORK_FRONTIER, list);
    static const char *const bad[] = {
        "0 JUMP",       "1 JUMP",       "1000 JUMP", MAX " JUMP", "0x10000000000000000 JUMP",
        "1 0 JUMPI",    "4 JUMP #605b", /* into the data of a push */
        "3 JUMP #605b",
    };
    for (size_t i = 0; i < BASE_COUNT(bad); i++)
        evm_test_expect_failure(FORK_FRONTIER, bad[i], 1000, EVM_BAD_JUMP_DESTINATION);
    evm_test_expect(FORK_FRONTIER, "MSIZE 0 1000 JUMPI", "00", 18); /* not taken: not looked at */
}

static void test_environment(void **state)
{
    (void)state;
    static const struct hash256 blobs[2] = {{{1, 2}}, {{[31] = 9}}};
    static const struct {
        enum fork since;
        const char *code;
        uint64_t value;
        int64_t gas;
    } list[] = {
        {FORK_FRONTIER, "ADDRESS", 0xc0de, 2},
        {FORK_FRONTIER, "ORIGIN", 0x0419, 2},
        {FORK_FRONTIER, "CALLER", 0xca11, 2},
        {FORK_FRONTIER, "CALLVALUE", 11, 2},
        {FORK_FRONTIER, "CALLDATASIZE", 3, 2},
        {FORK_FRONTIER, "0 CALLDATALOAD 232 2 EXP SWAP1 DIV", 0x010203, 3 + 3 + 3 + 3 + 20 + 3 + 5},
        {FORK_FRONTIER, "2 CALLDATALOAD 248 2 EXP SWAP1 DIV", 3, 40},
        {FORK_FRONTIER, "3 CALLDATALOAD", 0, 6},
        {FORK_FRONTIER, MAX " CALLDATALOAD", 0, 6},
        {FORK_FRONTIER, "CODESIZE", 9, 2},
        {FORK_FRONTIER, "GASPRICE", 21, 2},
        {FORK_FRONTIER, "COINBASE", 0xc01b, 2},
        {FORK_FRONTIER, "TIMESTAMP", 31, 2},
        {FORK_FRONTIER, "NUMBER", 300, 2},
        {FORK_FRONTIER, "PREVRANDAO", 41, 2},
        {FORK_FRONTIER, "GASLIMIT", 51, 2},
        {FORK_FRONTIER, "GAS", 10000000 - 2, 2},
        {FORK_ISTANBUL, "CHAINID", 61, 2},
        {FORK_ISTANBUL, "SELFBALANCE", 1011, 5},
        {FORK_LONDON, "BASEFEE", 71, 2},
        {FORK_CANCUN, "1 BLOBHASH", 9, 6},
        {FORK_CANCUN, "2 BLOBHASH", 0, 6},
        {FORK_CANCUN, MAX " BLOBHASH", 0, 6},
        {FORK_CANCUN, "BLOBBASEFEE", 81, 2},
        {FORK_FRONTIER, "300 BLOCKHASH", 0, 23},
        {FORK_FRONTIER, "43 BLOCKHASH", 0, 23},
        {FORK_FRONTIER, MAX " BLOCKHASH", 0, 23},
        {FORK_FRONTIER, "44 BLOCKHASH ISZERO", 0, 26},
        {FORK_FRONTIER, "299 BLOCKHASH ISZERO", 0, 26},
    };
    for (size_t i = 0; i < BASE_COUNT(list); i++) {
        struct evm_test t;
        char text[300];
        (void)snprintf(text, sizeof(text), "%s 0 MSTORE 32 0 RETURN", list[i].code);
        evm_test_begin(&t, list[i].since);
        t.host.context = (struct evm_context){.origin = evm_test_address(0x0419),
                                              .gas_price = u256_from(21),
                                              .coinbase = evm_test_address(0xc01b),
                                              .number = 300,
                                              .timestamp = 31,
                                              .gas_limit = 51,
                                              .prev_randao = u256_from(41),
                                              .chain_id = u256_from(61),
                                              .base_fee = u256_from(71),
                                              .blob_base_fee = u256_from(81),
                                              .blob_hashes = blobs,
                                              .blob_hash_count = 2};
        t.message.value = u256_from(11);
        t.message.input = bytes_of("\1\2\3", 3);
        evm_test_run(&t, evm_asm(text), 10000000);
        assert_int_equal(t.result.status, EVM_SUCCESS);
        struct u256 value = evm_test_output(&t);
        if (!u256_is_u64(&value) || value.w[0] != list[i].value ||
            10000000 - t.result.gas_left != list[i].gas + 15)
            fail_msg("%s: %llx, gas %lld", list[i].code, (unsigned long long)value.w[0],
                     (long long)(10000000 - t.result.gas_left - 15));
        evm_test_end(&t);
    }
}

static void test_memory(void **state)
{
    (void)state;
    static const struct expectation list[] = {
        {"7 0 MSTORE 0 MLOAD", "m07", 3 + 3 + 3 + 3 + 3 + 3},
        {"7 32 MSTORE 31 MLOAD", "m00", 3 + 3 + 3 + 6 + 3 + 3},
        {"7 1 MSTORE 1 MLOAD", "m07", 3 + 3 + 3 + 6 + 3 + 3},
        {"0x1ff 31 MSTORE8 0 MLOAD", "mff", 3 + 3 + 3 + 3 + 3 + 3},
        /* 32 KiB: 1024 words cost 1024 * 3 + 1024^2 / 512 */
        {"32736 MLOAD", "m00", 3 + 3 + 3072 + 2048},
        {"0 0 KECCAK256", "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470", 36},
        {"0 " MAX " KECCAK256", "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470",
         36},
        {"32 0 KECCAK256", "m290decd9548b62a8d60345a988386fc84ba6bc95484008f6362f93160ef3e563",
         36 + 6 + 3},
        {"33 0 KECCAK256 POP MSIZE", "m40", 36 + 12 + 6 + 4},
        {"4 0 0 CODECOPY 0 MLOAD 224 2 EXP SWAP1 DIV", "m60046000",
         3 + 3 + 3 + 3 + 3 + 3 + 3 + 3 + 3 + 3 + 20 + 3 + 5},
        {"64 1000 0 CODECOPY 0 MLOAD", "m00", 9 + 3 + 6 + 6 + 6},
        {"64 " MAX " 0 CALLDATACOPY MSIZE", "m40", 9 + 3 + 6 + 6 + 2},
        {"0 0 " MAX " CALLDATACOPY MSIZE", "00", 9 + 3 + 2},
    };
    EXPECT_ALL(FORK_FRONTIER, list);
    static const char *const too_far[] = {
        MAX " MLOAD",
        "1 0x10000000000000000 MSTORE",
        "1 0x1fffffffe0 MSTORE8",
        MAX " 0 KECCAK256",
        "1 " MAX " RETURN",
        "0x1fffffffe1 0 0 CALLDATACOPY",
        "0xffffffffffffffff 0 0 CODECOPY",
        "0x1000000000 MLOAD",
    };
    for (size_t i = 0; i < BASE_COUNT(too_far); i++)
        evm_test_expect_failure(FORK_FRONTIER, too_far[i], 100000000, EVM_OUT_OF_GAS);
}

/* EIP-5656: overlapping either way, and memory that grows for the source as for the target. */
static void test_mcopy(void **state)
{
    (void)state;
#define FILL "0x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f 0 MSTORE "
#define COPY (9 + 3 + 3)
    static const struct expectation list[] = {
        {FILL "32 0 32 MCOPY 32 MLOAD",
         "m0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", 12 + COPY + 3 + 6},
        {FILL "8 0 1 MCOPY 0 MLOAD",
         "m0102030405060709"
         "0a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
         12 + COPY + 6},
        {FILL "8 1 0 MCOPY 0 MLOAD",
         "m010203040506070808090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", 12 + COPY + 6},
        {FILL "0 " MAX " " MAX " MCOPY MSIZE", "m20", 12 + COPY - 3 + 2},
        {FILL "1 64 0 MCOPY MSIZE", "m60", 12 + COPY + 6 + 2},
        {FILL "1 0 64 MCOPY MSIZE", "m60", 12 + COPY + 6 + 2},
        {FILL "33 0 0 MCOPY MSIZE", "m40", 12 + COPY + 3 + 3 + 2},
    };
    EXPECT_ALL(FORK_CANCUN, list);
    evm_test_expect_failure(FORK_CANCUN, "1 0x10000000000000000 0 MCOPY", 100000, EVM_OUT_OF_GAS);
    evm_test_expect_failure(FORK_CANCUN, "1 0 0x10000000000000000 MCOPY", 100000, EVM_OUT_OF_GAS);
}

/* Every opcode is known from its fork on, and not before. */
static void test_availability(void **state)
{
    (void)state;
    static const struct {
        uint8_t op;
        enum fork since;
    } later[] = {
        {0xf4, FORK_HOMESTEAD},      {0x3d, FORK_BYZANTIUM},      {0x3e, FORK_BYZANTIUM},
        {0xfa, FORK_BYZANTIUM},      {0xfd, FORK_BYZANTIUM},      {0x1b, FORK_CONSTANTINOPLE},
        {0x1c, FORK_CONSTANTINOPLE}, {0x1d, FORK_CONSTANTINOPLE}, {0x3f, FORK_CONSTANTINOPLE},
        {0xf5, FORK_CONSTANTINOPLE}, {0x46, FORK_ISTANBUL},       {0x47, FORK_ISTANBUL},
        {0x48, FORK_LONDON},         {0x5f, FORK_SHANGHAI},       {0x49, FORK_CANCUN},
        {0x4a, FORK_CANCUN},         {0x5c, FORK_CANCUN},         {0x5d, FORK_CANCUN},
        {0x5e, FORK_CANCUN},         {0x1e, FORK_OSAKA},
    };
    size_t known[FORK_COUNT] = {0};
    for (int fork = 0; fork < FORK_COUNT; fork++) {
        const struct evm_rules *rules = evm_rules((enum fork)fork);
        for (size_t i = 0; i < BASE_COUNT(later); i++)
            assert_int_equal(rules->op[later[i].op].gas >= 0, fork >= (int)later[i].since);
        for (int op = 0; op < 256; op++) {
            char code[8];
            known[fork] += rules->op[op].gas >= 0;
            if (rules->op[op].gas >= 0)
                continue;
            (void)snprintf(code, sizeof(code), "#%02x", op);
            evm_test_expect_failure((enum fork)fork, code, 100, EVM_UNDEFINED_INSTRUCTION);
        }
    }
    assert_int_equal(known[FORK_FRONTIER], 130);
    assert_int_equal(known[FORK_OSAKA], 130 + BASE_COUNT(later));
    evm_test_expect_failure(FORK_FRONTIER, "INVALID", 100, EVM_INVALID_INSTRUCTION);
}

/* Each instruction needs its words, and fails with one less; one that grows the stack fails on a
 * full one. */
static void test_stack_limits(void **state)
{
    (void)state;
    const struct evm_rules *rules = evm_rules(FORK_OSAKA);
    for (int op = 0; op < 256; op++) {
        uint8_t code[2 * EVM_STACK_MAX + 1];
        struct evm_test t;
        if (rules->op[op].gas < 0)
            continue;
        for (size_t i = 0; i < sizeof(code); i += 2) {
            code[i] = EVM_OP_PUSH1;
            code[i + 1 < sizeof(code) ? i + 1 : i] = 0;
        }
        evm_test_begin(&t, FORK_OSAKA);
        if (rules->op[op].taken > 0) {
            size_t words = rules->op[op].taken - 1u;
            code[2 * words] = (uint8_t)op;
            evm_test_run(&t, bytes_of(code, 2 * words + 1), 1000000);
            assert_int_equal(t.result.status, EVM_STACK_UNDERFLOW);
            code[2 * words] = EVM_OP_PUSH1;
        }
        code[sizeof(code) - 1] = (uint8_t)op;
        evm_test_run(&t, bytes_of(code, sizeof(code)), 1000000);
        assert_int_equal(t.result.status == EVM_STACK_OVERFLOW, rules->op[op].growth > 0);
        evm_test_end(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arithmetic),   cmocka_unit_test(test_comparison_and_bits),
        cmocka_unit_test(test_stack),        cmocka_unit_test(test_pushes),
        cmocka_unit_test(test_jumps),        cmocka_unit_test(test_environment),
        cmocka_unit_test(test_memory),       cmocka_unit_test(test_mcopy),
        cmocka_unit_test(test_availability), cmocka_unit_test(test_stack_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
