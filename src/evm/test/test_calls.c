/* Calls and creations: gas that goes and comes back, contexts, return data, depth, refunds. */
#include "evm/test/run.h"

#include <stdio.h>

#define CALLEE evm_test_address(0xca)

enum { GAS = 10000000 };

/* Runs `code` beside an account 0xca with `callee`. */
static void run_with(struct evm_test *t, enum fork fork, const char *callee, const char *code)
{
    evm_test_begin(t, fork);
    evm_test_account(&t->host, CALLEE, 7, evm_asm(callee));
    evm_test_run(t, evm_asm(code), GAS);
}

/* The code leaves one word, which is returned. */
static struct u256 result_with(enum fork fork, const char *callee, const char *code)
{
    struct evm_test t;
    char text[4096];
    (void)snprintf(text, sizeof(text), "%s 0 MSTORE 32 0 RETURN", code);
    run_with(&t, fork, callee, text);
    assert_string_equal(evm_status_text(t.result.status), "success");
    struct u256 word = evm_test_output(&t);
    evm_test_end(&t);
    return word;
}

static void expect_with(enum fork fork, const char *callee, const char *code, uint64_t value)
{
    struct u256 word = result_with(fork, callee, code);
    if (!u256_is_u64(&word) || word.w[0] != value)
        fail_msg("%s: %llx, not %llx", code, (unsigned long long)word.w[0],
                 (unsigned long long)value);
}

/* What a call to 0xca costs, its pushes not counted; the callee STOPs. */
static int64_t cost_of(enum fork fork, const char *code, int pushes)
{
    struct evm_test t;
    run_with(&t, fork, "STOP", code);
    assert_int_equal(t.result.status, EVM_SUCCESS);
    int64_t cost = GAS - t.result.gas_left - 3 * pushes;
    evm_test_end(&t);
    return cost;
}

static void test_gas_of_calls(void **state)
{
    (void)state;
    const char *call = "0 0 0 0 0 0xca 0 CALL", *call_value = "0 0 0 0 1 0xca 0 CALL";
    const char *new_account = "0 0 0 0 0 0xcb 0 CALL", *new_value = "0 0 0 0 1 0xcb 0 CALL";
    const char *callcode = "0 0 0 0 1 0xcb 0 CALLCODE";
    const char *delegate = "0 0 0 0 0xca 0 DELEGATECALL", *fixed = "0 0 0 0 0xca 0 STATICCALL";
    const struct {
        enum fork fork;
        int64_t call, new_account, delegate, fixed;
    } list[] = {
        {FORK_HOMESTEAD, 40, 25000, 40, 0}, {FORK_TANGERINE, 700, 25000, 700, 0},
        {FORK_SPURIOUS, 700, 0, 700, 0},    {FORK_ISTANBUL, 700, 0, 700, 700},
        {FORK_BERLIN, 2600, 0, 2600, 2600}, {FORK_OSAKA, 2600, 0, 2600, 2600},
    };
    for (size_t i = 0; i < BASE_COUNT(list); i++) {
        enum fork fork = list[i].fork;
        assert_int_equal(cost_of(fork, call, 7), list[i].call);
        /* The stipend comes back from a callee that does not use it. */
        assert_int_equal(cost_of(fork, call_value, 7), list[i].call + 9000 - 2300);
        assert_int_equal(cost_of(fork, new_account, 7), list[i].call + list[i].new_account);
        assert_int_equal(cost_of(fork, new_value, 7), list[i].call + 25000 + 9000 - 2300);
        assert_int_equal(cost_of(fork, callcode, 7), list[i].call + 9000 - 2300);
        assert_int_equal(cost_of(fork, delegate, 6), list[i].delegate);
        if (list[i].fixed)
            assert_int_equal(cost_of(fork, fixed, 6), list[i].fixed);
    }
    /* Memory: the farther end of input and output. */
    assert_int_equal(cost_of(FORK_OSAKA, "64 0 32 0 0 0xca 0 CALL", 7), 2606);
    assert_int_equal(cost_of(FORK_OSAKA, "32 0 64 0 0 0xca 0 CALL", 7), 2606);
    assert_int_equal(cost_of(FORK_OSAKA, "0 99999 0 99999 0 0xca 0 CALL", 7), 2600);
    /* Warm the second time. */
    assert_int_equal(cost_of(FORK_OSAKA, "0 0 0 0 0 0xca 0 CALL 0 0 0 0 0 0xca 0 CALL", 14), 2700);
}

/* EIP-150: all but one 64th; before, what is asked for or nothing. */
static void test_gas_for_callees(void **state)
{
    (void)state;
    const char *gas_back = "GAS 0 MSTORE 32 0 RETURN";
    const char *ask_all = "32 0 0 0 0 0xca 0xffffffffffffffffffff CALL POP 0 MLOAD";
    /* 7 pushes, memory, the call */
    int64_t left = GAS - 21 - 3 - 700;
    expect_with(FORK_TANGERINE, gas_back, ask_all, (uint64_t)(left - left / 64 - 2));
    left -= 1900;
    expect_with(FORK_BERLIN, gas_back, ask_all, (uint64_t)(left - left / 64 - 2));
    expect_with(FORK_BERLIN, gas_back, "32 0 0 0 0 0xca 1000 CALL POP 0 MLOAD", 998);
    expect_with(FORK_BERLIN, gas_back, "32 0 0 0 1 0xca 0 CALL POP 0 MLOAD", 2298);
    expect_with(FORK_HOMESTEAD, gas_back, "32 0 0 0 0 0xca 1000 CALL POP 0 MLOAD", 998);
    evm_test_expect_failure(FORK_HOMESTEAD, ask_all, GAS, EVM_OUT_OF_GAS);
    evm_test_expect_failure(FORK_HOMESTEAD, "0 0 0 0 0 0xca 0x7fffffffffffffff CALL", GAS,
                            EVM_OUT_OF_GAS);
    evm_test_expect_failure(FORK_HOMESTEAD, "0 0 0 0 0 0xca 10000000 CALL", GAS, EVM_OUT_OF_GAS);
}

static void test_contexts(void **state)
{
    (void)state;
#define BACK          " 0 MSTORE 32 0 RETURN"
#define CALL_IT(kind) "32 0 0 0 1 0xca 50000 " kind " POP 0 MLOAD"
#define LOOK(kind)    "32 0 0 0 0xca 50000 " kind " POP 0 MLOAD"
    const enum fork fork = FORK_BYZANTIUM;
    expect_with(fork, "ADDRESS" BACK, CALL_IT("CALL"), 0xca);
    expect_with(fork, "CALLER" BACK, CALL_IT("CALL"), 0xc0de);
    expect_with(fork, "CALLVALUE" BACK, CALL_IT("CALL"), 1);
    expect_with(fork, "ADDRESS BALANCE" BACK, CALL_IT("CALL"), 8);
    expect_with(fork, "ADDRESS" BACK, CALL_IT("CALLCODE"), 0xc0de);
    expect_with(fork, "CALLER" BACK, CALL_IT("CALLCODE"), 0xc0de);
    expect_with(fork, "CALLVALUE" BACK, CALL_IT("CALLCODE"), 1);
    expect_with(fork, "ADDRESS BALANCE" BACK, CALL_IT("CALLCODE"), 1000);
    expect_with(fork, "ADDRESS" BACK, LOOK("DELEGATECALL"), 0xc0de);
    expect_with(fork, "CALLER" BACK, LOOK("DELEGATECALL"), 0xca11);
    expect_with(fork, "CALLVALUE" BACK, LOOK("DELEGATECALL"), 0);
    expect_with(fork, "ADDRESS" BACK, LOOK("STATICCALL"), 0xca);
    expect_with(fork, "CALLER" BACK, LOOK("STATICCALL"), 0xc0de);
    /* Input, its size, and where output goes and how much of it. */
    expect_with(fork, "0 CALLDATALOAD CALLDATASIZE ADD" BACK,
                "5 0 MSTORE 32 64 32 0 0 0xca 50000 CALL POP 64 MLOAD", 37);
    expect_with(fork, "0x1122334455 0 MSTORE 32 0 RETURN",
                "30 66 0 0 0 0xca 50000 CALL POP 64 MLOAD", 0x112233);
    expect_with(fork, "2 30 RETURN",
                "1 NOT 0 MSTORE 32 0 0 0 0 0xca 50000 CALL POP 0 MLOAD 240 "
                "2 EXP SWAP1 DIV",
                0);
}

static void test_return_data(void **state)
{
    (void)state;
    const enum fork fork = FORK_BYZANTIUM;
    const char *revert = "0xbeef 0 MSTORE 32 0 REVERT", *fail = "0xbeef 0 MSTORE INVALID";
    expect_with(fork, revert, LOOK("STATICCALL"), 0xbeef);
    expect_with(fork, revert, "0 0 0 0 0xca 50000 STATICCALL", 0);
    expect_with(fork, revert, "0 0 0 0 0xca 50000 STATICCALL POP RETURNDATASIZE", 32);
    expect_with(fork, revert, "0 0 0 0 0xca 50000 STATICCALL POP 2 30 62 RETURNDATACOPY 32 MLOAD",
                0xbeef);
    expect_with(fork, fail, LOOK("STATICCALL"), 0);
    expect_with(fork, fail, "0 0 0 0 0xca 50000 STATICCALL POP RETURNDATASIZE", 0);
    expect_with(fork, revert, "RETURNDATASIZE", 0);
    /* A frame begins with none, and the next call replaces it. */
    expect_with(fork, "RETURNDATASIZE" BACK,
                "0 0 0 0 0xca 50000 STATICCALL POP 32 0 0 0 0xca 50000 STATICCALL POP 0 MLOAD", 0);
    expect_with(fork, revert,
                "0 0 0 0 0xca 50000 STATICCALL POP 0 0 0 0 0xcb 50000 STATICCALL POP "
                "RETURNDATASIZE",
                0);
    /* Beyond its end, even by nothing (EIP-211). */
    evm_test_expect_failure(fork, "1 0 0 RETURNDATACOPY", 1000, EVM_RETURN_DATA_OUT_OF_BOUNDS);
    evm_test_expect_failure(fork, "0 1 0 RETURNDATACOPY", 1000, EVM_RETURN_DATA_OUT_OF_BOUNDS);
    evm_test_expect_failure(fork, "0 0x10000000000000000 0 RETURNDATACOPY", 1000,
                            EVM_RETURN_DATA_OUT_OF_BOUNDS);
    evm_test_expect(fork, "0 0 0 RETURNDATACOPY MSIZE", "00", 14);
    /* It survives that the memory grows where the callee's was. */
    expect_with(fork, revert,
                "0 0 0 0 0xca 50000 STATICCALL POP 1 4096 MSTORE 32 0 0 RETURNDATACOPY 0 MLOAD",
                0xbeef);
    evm_test_expect_failure(fork, "1 0 MSTORE 32 0 REVERT", 1000, EVM_REVERT);
}

static void test_static(void **state)
{
    (void)state;
    const char *const writes[] = {"1 0 SSTORE",
                                  "1 0 TSTORE",
                                  "0 0 LOG0",
                                  "4 3 2 1 0 0 LOG4",
                                  "0 0 0 CREATE",
                                  "0 0 0 0 CREATE2",
                                  "0 0 0 0 1 0xcb 0 CALL",
                                  "CALLER SELFDESTRUCT"};
    for (size_t i = 0; i < BASE_COUNT(writes); i++) {
        struct evm_test t;
        evm_test_begin(&t, FORK_CANCUN);
        t.message.is_static = true;
        evm_test_run(&t, evm_asm(writes[i]), GAS);
        assert_string_equal(evm_status_text(t.result.status), "write protection");
        evm_test_end(&t);
        /* And under a static call, however deep. */
        expect_with(FORK_CANCUN, writes[i], "0 0 0 0 0xca 100000 STATICCALL", 0);
        expect_with(FORK_CANCUN, writes[i], "0 0 0 0 0xca 100000 DELEGATECALL", 1);
    }
    expect_with(FORK_CANCUN, "0 0 0 0 1 0xcb 0 CALLCODE STOP", "0 0 0 0 0xca 100000 STATICCALL", 1);
}

/* Counts its own depth in slot 0, keeping enough gas back to finish. */
static const char deep[] = "0 SLOAD 1 ADD 0 SSTORE 0 0 0 0 0 ADDRESS 50000 GAS SUB CALL STOP";

static void check_depth(enum fork fork, const char *code, uint64_t frames)
{
    struct evm_test t;
    evm_test_begin(&t, fork);
    evm_test_run(&t, evm_asm(code), (int64_t)1 << 50);
    assert_int_equal(t.result.status, EVM_SUCCESS);
    assert_int_equal(evm_test_storage(&t.host, EVM_TEST_CONTRACT, 0), frames);
    evm_test_end(&t);
}

static void check_depths(void)
{
    check_depth(FORK_FRONTIER, deep, 1025);
    check_depth(FORK_OSAKA, deep, 1025);
}

/* 1025 frames need no C stack in proportion. */
static void test_depth(void **state)
{
    (void)state;
    evm_test_on_stack(128 << 10, check_depths);
}

/* Full stacks and much memory on every level. */
static void test_deep_and_wide(void **state)
{
    (void)state;
    char code[8000] = "0 SLOAD 1 ADD 0 SSTORE 1 8192 MSTORE ";
    for (int i = 0; i < 1010; i++)
        (void)snprintf(code + strlen(code), sizeof(code) - strlen(code), "77 ");
    (void)snprintf(code + strlen(code), sizeof(code) - strlen(code),
                   "0 0 0 0 0 ADDRESS 100000 GAS SUB CALL POP 8192 MLOAD 1 SUB @bad JUMPI "
                   "77 SUB @bad JUMPI STOP :bad INVALID");
    check_depth(FORK_OSAKA, code, 1025);
}

static void test_refused(void **state)
{
    (void)state;
    /* More value than there is: nothing happens, the gas comes back. */
    struct evm_test t;
    run_with(&t, FORK_BERLIN, "1 0 SSTORE", "0 0 0 0 1001 0xca 5000 CALL 0 MSTORE 32 0 RETURN");
    assert_int_equal(t.result.status, EVM_SUCCESS);
    assert_true(evm_test_output(&t).w[0] == 0);
    assert_int_equal(GAS - t.result.gas_left, 33 + 3 + 2600 + 9000 - 2300);
    assert_int_equal(evm_test_storage(&t.host, CALLEE, 0), 0);
    evm_test_end(&t);
    run_with(&t, FORK_BERLIN, "STOP", "0 0 1001 CREATE 0 MSTORE 32 0 RETURN");
    assert_true(evm_test_output(&t).w[0] == 0);
    assert_int_equal(GAS - t.result.gas_left, 9 + 32000 + 12 + 3);
    assert_int_equal(evm_test_find(&t.host, EVM_TEST_CONTRACT)->nonce, 0);
    evm_test_end(&t);
    /* A message that begins below the limit may not go one deeper. */
    evm_test_begin(&t, FORK_BERLIN);
    t.message.depth = EVM_DEPTH_MAX;
    evm_test_run(&t, evm_asm("0 0 0 0 0 0xca 5000 CALL 0 MSTORE 32 0 RETURN"), GAS);
    assert_true(evm_test_output(&t).w[0] == 0);
    evm_test_end(&t);
}

static void test_failed_callee(void **state)
{
    (void)state;
    struct evm_test t;
    /* What it was given is gone, what it wrote is undone, the caller goes on. */
    run_with(&t, FORK_LONDON, "1 0 SSTORE 0 0 LOG0 INVALID", "0 0 0 0 0 0xca 60000 CALL 5 SSTORE");
    assert_int_equal(t.result.status, EVM_SUCCESS);
    assert_int_equal(GAS - t.result.gas_left, 21 + 2600 + 60000 + 3 + 2200);
    assert_int_equal(evm_test_storage(&t.host, CALLEE, 0), 0);
    assert_int_equal(t.host.log_count, 0);
    evm_test_end(&t);
    run_with(&t, FORK_LONDON, "1 0 SSTORE 0 0 REVERT", "0 0 0 0 0 0xca 60000 CALL");
    assert_int_equal(GAS - t.result.gas_left, 21 + 2600 + 22106 + 6);
    assert_int_equal(evm_test_storage(&t.host, CALLEE, 0), 0);
    evm_test_end(&t);
}

/* A refund counts when its frame and all above it succeed; a frame may take back what another
 * granted. */
static void test_refunds(void **state)
{
    (void)state;
    const char *clear = "0 0 SSTORE", *call = "0 0 0 0 0 0xca 60000 CALL 0 0 0 0 0 0xca 60000 CALL";
    const struct {
        const char *callee;
        int64_t refund;
    } list[] = {
        {clear, 15000},
        {"0 0 SSTORE 0 0 REVERT", 0},
        {"0 0 SSTORE INVALID", 0},
        /* Cleared by the first call; the second one writes 5 again: 15000 granted, taken back,
         * granted for the restored value 4200. */
        {"0 SLOAD ISZERO 5 MUL 0 SSTORE", 4200},
    };
    for (size_t i = 0; i < BASE_COUNT(list); i++) {
        struct evm_test t;
        evm_test_begin(&t, FORK_ISTANBUL);
        evm_test_account(&t.host, CALLEE, 0, evm_asm(list[i].callee));
        evm_test_slot(&t.host, CALLEE, 0, 5);
        evm_test_run(&t, evm_asm(call), GAS);
        assert_int_equal(t.result.status, EVM_SUCCESS);
        assert_int_equal(t.result.gas_refund, list[i].refund);
        evm_test_end(&t);
    }
}

/* EIP-7702: an account whose code stands elsewhere costs two accesses. */
static void test_delegation(void **state)
{
    (void)state;
    static const char to_ca[] = "#ef010000000000000000000000000000000000000000ca";
    const struct {
        const char *code;
        int pushes;
    } list[] = {
        {"0 0 0 0 0 0xcd 0 CALL", 7},
        {"0 0 0 0 0 0xcd 0 CALLCODE", 7},
        {"0 0 0 0 0xcd 0 DELEGATECALL", 6},
        {"0 0 0 0 0xcd 0 STATICCALL", 6},
    };
    for (size_t i = 0; i < BASE_COUNT(list); i++) {
        for (int warm = 0; warm <= 1; warm++) {
            struct evm_test t;
            evm_test_begin(&t, FORK_PRAGUE);
            evm_test_account(&t.host, CALLEE, 0, evm_asm("STOP"))->warm = warm;
            evm_test_account(&t.host, evm_test_address(0xcd), 0, evm_asm(to_ca));
            evm_test_run(&t, evm_asm(list[i].code), GAS);
            assert_int_equal(t.result.status, EVM_SUCCESS);
            assert_int_equal(GAS - t.result.gas_left,
                             3 * list[i].pushes + 2600 + (warm ? 100 : 2600));
            evm_test_end(&t);
        }
    }
}

static void test_create(void **state)
{
    (void)state;
    /* Init code that returns one byte 0x5b: 605b 6000 53 6001 6000 f3 */
    const char *make = "0x605b60005360016000f3 0 MSTORE 10 22 0 CREATE";
    struct evm_test t;
    run_with(&t, FORK_BERLIN, "STOP", make);
    assert_int_equal(t.result.status, EVM_SUCCESS);
    int64_t init = 3 + 3 + 3 + 3 + 3 + 3, pushes = 6 + 9;
    assert_int_equal(GAS - t.result.gas_left, pushes + 6 + 32000 + init + 200);
    assert_int_equal(evm_test_find(&t.host, EVM_TEST_CONTRACT)->nonce, 1);
    evm_test_end(&t);
    run_with(&t, FORK_SHANGHAI, "STOP", make); /* EIP-3860 */
    assert_int_equal(GAS - t.result.gas_left, pushes + 6 + 32000 + init + 200 + 2);
    evm_test_end(&t);
    run_with(&t, FORK_SHANGHAI, "STOP", "0x605b60005360016000f3 0 MSTORE 1 10 22 0 CREATE2");
    assert_int_equal(GAS - t.result.gas_left, pushes + 3 + 6 + 32000 + init + 200 + 2 + 6);
    evm_test_end(&t);
    expect_with(FORK_BERLIN, "STOP", "0x605b60005360016000f3 0 MSTORE 10 22 0 CREATE EXTCODESIZE",
                1);
    /* Return data is left only by one that reverts (EIP-211). */
    expect_with(FORK_BERLIN, "STOP",
                "0x605b60005360016000f3 0 MSTORE 10 22 0 CREATE POP "
                "RETURNDATASIZE",
                0);
    expect_with(FORK_BERLIN, "STOP", "0x60016000fd 0 MSTORE 5 27 0 CREATE RETURNDATASIZE ADD", 1);
    expect_with(FORK_BERLIN, "STOP", "0 MLOAD 1 0 0 CREATE ISZERO ADD", 0); /* empty init code */
    /* Init code sees no call data: 36 6000 53 6001 6000 f3 returns its size, 0. */
    expect_with(FORK_BERLIN, "STOP",
                "0x3660005360016000f3 0 MSTORE 9 23 0 CREATE 1 0 0 DUP4 EXTCODECOPY 0 MLOAD 248 "
                "SHR",
                0);
    /* The limits of sizes and their failures. */
    evm_test_expect_failure(FORK_SHANGHAI, "49153 0 0 CREATE", GAS, EVM_INITCODE_SIZE_EXCEEDED);
    evm_test_expect_failure(FORK_SHANGHAI, "0 49153 0 0 CREATE2", GAS, EVM_INITCODE_SIZE_EXCEEDED);
    int64_t used;
    assert_int_equal(evm_test_once(FORK_SHANGHAI, "49152 0 0 CREATE", GAS, &used), EVM_SUCCESS);
    assert_int_equal(evm_test_once(FORK_PARIS, "49153 0 0 CREATE", GAS, &used), EVM_SUCCESS);
    evm_test_expect_failure(FORK_PARIS, "0xffffffffffffffffff 0 0 CREATE", GAS, EVM_OUT_OF_GAS);
}

/* EIP-1014, examples 1 to 4, of the addresses that the machine passes on. */
static void test_create2_addresses(void **state)
{
    (void)state;
    static const struct {
        const char *deployer, *salt;
        const char *prepare, *range; /* the init code in memory; its size and offset */
        const char *address;
    } list[] = {
        {"0x0000000000000000000000000000000000000000", "0", "", "1 0",
         "0x4d1a2e2bb4f88f0250f26ffff098b0b30b26bf38"},
        {"0xdeadbeef00000000000000000000000000000000", "0", "", "1 0",
         "0xb928f69bb1d91cd65274e3c79d8986362984fda3"},
        {"0xdeadbeef00000000000000000000000000000000",
         "0x000000000000000000000000feed000000000000000000000000000000000000", "", "1 0",
         "0xd04116cdd17bebe565eb2422f2497e06cc1c9833"},
        {"0x0000000000000000000000000000000000000000", "0", "0xdeadbeef 0 MSTORE", "4 28",
         "0x70f2b2914a2a4b783faefb75f459a580616fcb5e"},
    };
    for (size_t i = 0; i < BASE_COUNT(list); i++) {
        struct evm_test t;
        char code[300];
        struct bytes deployer = evm_asm(list[i].deployer), want = evm_asm(list[i].address);
        evm_test_begin(&t, FORK_CONSTANTINOPLE);
        struct evm_test_account *account = evm_test_find(&t.host, EVM_TEST_CONTRACT);
        memcpy(account->address.b, deployer.data + 1, 20);
        t.message.recipient = t.message.code_address = account->address;
        (void)snprintf(code, sizeof(code), "%s %s %s 0 CREATE2", list[i].prepare, list[i].salt,
                       list[i].range);
        account->code = evm_asm(code);
        t.message.gas = GAS;
        assert_int_equal(evm_execute(t.evm, FORK_CONSTANTINOPLE, &t.host.context,
                                     &evm_test_host_ops, &t.host, &t.message, &t.result),
                         0);
        struct address created;
        memcpy(created.b, want.data + 1, 20);
        assert_int_equal(t.result.status, EVM_SUCCESS);
        assert_non_null(evm_test_find(&t.host, created));
        evm_test_end(&t);
    }
}

/* Frontier keeps a creation that cannot pay for its code, without code (EIP-2 ends that). */
static void test_code_deposit(void **state)
{
    (void)state;
    /* Init code that returns 200 bytes: 60c8 6000 f3, which would cost 40000. */
    const char *make = "0x60c86000f3 0 MSTORE 5 27 0 CREATE ISZERO 0 MSTORE 32 0 RETURN";
    struct evm_test t;
    evm_test_begin(&t, FORK_FRONTIER);
    evm_test_run(&t, evm_asm(make), 62000);
    assert_int_equal(t.result.status, EVM_SUCCESS);
    assert_true(evm_test_output(&t).w[0] == 0);
    evm_test_end(&t);
    evm_test_expect_failure(FORK_HOMESTEAD, make, 62000, EVM_OUT_OF_GAS);
    expect_with(FORK_TANGERINE, "STOP", "0x61ffff6000f3 0 MSTORE 6 26 0 CREATE ISZERO", 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gas_of_calls),
        cmocka_unit_test(test_gas_for_callees),
        cmocka_unit_test(test_contexts),
        cmocka_unit_test(test_return_data),
        cmocka_unit_test(test_static),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_deep_and_wide),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_failed_callee),
        cmocka_unit_test(test_refunds),
        cmocka_unit_test(test_delegation),
        cmocka_unit_test(test_create),
        cmocka_unit_test(test_create2_addresses),
        cmocka_unit_test(test_code_deposit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
