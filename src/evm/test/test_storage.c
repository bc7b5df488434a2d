/* Accounts and storage: what reading and writing them costs, by fork. */
#include "evm/test/run.h"

#include <stdio.h>

/* A slot with a value before the transaction, and what is written to it; -1 ends. Gas without the
 * pushes. The cases of EIP-1283, EIP-2200 and EIP-3529. */
struct writes {
    int original;
    int values[4];
    int64_t gas_1283, gas_2200, gas_2929;
    int64_t refund_1283, refund_2200, refund_2929, refund_3529;
};

static const struct writes writes[] = {
    {0, {0, 0, -1}, 400, 1600, 200, 0, 0, 0, 0},
    {0, {0, 1, -1}, 20200, 20800, 20100, 0, 0, 0, 0},
    {0, {1, 0, -1}, 20200, 20800, 20100, 19800, 19200, 19900, 19900},
    {0, {1, 2, -1}, 20200, 20800, 20100, 0, 0, 0, 0},
    {0, {1, 1, -1}, 20200, 20800, 20100, 0, 0, 0, 0},
    {1, {0, 0, -1}, 5200, 5800, 3000, 15000, 15000, 15000, 4800},
    {1, {0, 1, -1}, 5200, 5800, 3000, 4800, 4200, 2800, 2800},
    {1, {0, 2, -1}, 5200, 5800, 3000, 0, 0, 0, 0},
    {1, {2, 0, -1}, 5200, 5800, 3000, 15000, 15000, 15000, 4800},
    {1, {2, 3, -1}, 5200, 5800, 3000, 0, 0, 0, 0},
    {1, {2, 1, -1}, 5200, 5800, 3000, 4800, 4200, 2800, 2800},
    {1, {2, 2, -1}, 5200, 5800, 3000, 0, 0, 0, 0},
    {1, {1, 0, -1}, 5200, 5800, 3000, 15000, 15000, 15000, 4800},
    {1, {1, 2, -1}, 5200, 5800, 3000, 0, 0, 0, 0},
    {1, {1, 1, -1}, 400, 1600, 200, 0, 0, 0, 0},
    {0, {1, 0, 1, -1}, 40200, 40800, 40100, 19800, 19200, 19900, 19900},
    {1, {0, 1, 0, -1}, 10200, 10800, 5900, 19800, 19200, 17800, 7600},
};

static void check_writes(enum fork fork, const struct writes *w, int64_t gas, int64_t refund,
                         bool warm)
{
    struct evm_test t;
    char code[200] = "";
    int pushes = 0;
    for (int i = 0; w->values[i] >= 0; i++, pushes += 2)
        (void)snprintf(code + strlen(code), sizeof(code) - strlen(code), "%d 0 SSTORE ",
                       w->values[i]);
    evm_test_begin(&t, fork);
    evm_test_slot(&t.host, EVM_TEST_CONTRACT, 0, (uint64_t)w->original)->warm = warm;
    evm_test_run(&t, evm_asm(code), 100000);
    assert_int_equal(t.result.status, EVM_SUCCESS);
    assert_int_equal(100000 - t.result.gas_left, gas + 3 * pushes);
    assert_int_equal(t.result.gas_refund, refund);
    evm_test_end(&t);
}

static int64_t plain_cost(const struct writes *w, int64_t *ret_refund)
{
    int64_t gas = 0;
    int now = w->original;
    *ret_refund = 0;
    for (int i = 0; w->values[i] >= 0; now = w->values[i++]) {
        gas += now == 0 && w->values[i] ? 20000 : 5000;
        *ret_refund += now && w->values[i] == 0 ? 15000 : 0;
    }
    return gas;
}

static void test_sstore(void **state)
{
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(writes); i++) {
        const struct writes *w = &writes[i];
        int64_t refund, gas = plain_cost(w, &refund);
        check_writes(FORK_FRONTIER, w, gas, refund, false);
        check_writes(FORK_BYZANTIUM, w, gas, refund, false);
        check_writes(FORK_CONSTANTINOPLE, w, w->gas_1283, w->refund_1283, false);
        check_writes(FORK_PETERSBURG, w, gas, refund, false);
        check_writes(FORK_ISTANBUL, w, w->gas_2200, w->refund_2200, false);
        check_writes(FORK_BERLIN, w, w->gas_2929, w->refund_2929, true);
        check_writes(FORK_BERLIN, w, w->gas_2929 + 2100, w->refund_2929, false);
        check_writes(FORK_LONDON, w, w->gas_2929, w->refund_3529, true);
        check_writes(FORK_OSAKA, w, w->gas_2929 + 2100, w->refund_3529, false);
    }
}

/* EIP-2200: not with the gas of a stipend. */
static void test_sstore_sentry(void **state)
{
    (void)state;
    int64_t used;
    const char *code = "1 0 SSTORE 1 0 SSTORE";
    assert_int_equal(evm_test_once(FORK_ISTANBUL, code, 20006 + 2300 + 6, &used), EVM_OUT_OF_GAS);
    assert_int_equal(evm_test_once(FORK_ISTANBUL, code, 20006 + 2301 + 6, &used), EVM_SUCCESS);
    assert_int_equal(evm_test_once(FORK_LONDON, code, 22106 + 2300 + 6, &used), EVM_OUT_OF_GAS);
    assert_int_equal(evm_test_once(FORK_LONDON, code, 22106 + 2301 + 6, &used), EVM_SUCCESS);
    assert_int_equal(evm_test_once(FORK_CONSTANTINOPLE, code, 20006 + 206, &used), EVM_SUCCESS);
}

static void test_sload(void **state)
{
    (void)state;
    evm_test_expect(FORK_FRONTIER, "5 SLOAD", "00", 53);
    evm_test_expect(FORK_TANGERINE, "5 SLOAD", "00", 203);
    evm_test_expect(FORK_ISTANBUL, "5 SLOAD", "00", 803);
    evm_test_expect(FORK_BERLIN, "5 SLOAD", "00", 2103);
    evm_test_expect(FORK_BERLIN, "5 SLOAD 5 SLOAD ADD", "00", 2103 + 103 + 3);
    evm_test_expect(FORK_FRONTIER, "9 5 SSTORE 5 SLOAD", "09", 20006 + 53);
}

/* EIP-1153 */
static void test_transient(void **state)
{
    (void)state;
    evm_test_expect(FORK_CANCUN, "9 5 TSTORE 5 TLOAD", "09", 106 + 103);
    evm_test_expect(FORK_CANCUN, "9 5 TSTORE 4 TLOAD", "00", 106 + 103);
    evm_test_expect(FORK_CANCUN, "9 5 TSTORE 5 SLOAD", "00", 106 + 2103);
}

static void expect_account_read(const char *code, const char *hex_result, int64_t frontier,
                                int64_t tangerine, int64_t istanbul, int64_t cold, int64_t warm)
{
    char twice[100];
    (void)snprintf(twice, sizeof(twice), "%s POP %s", code, code);
    if (frontier)
        evm_test_expect(FORK_FRONTIER, code, hex_result, frontier + 3);
    if (tangerine)
        evm_test_expect(FORK_TANGERINE, code, hex_result, tangerine + 3);
    evm_test_expect(FORK_ISTANBUL, code, hex_result, istanbul + 3);
    evm_test_expect(FORK_BERLIN, code, hex_result, cold + 3);
    evm_test_expect(FORK_OSAKA, twice, hex_result, cold + warm + 8);
}

static void test_accounts(void **state)
{
    (void)state;
    expect_account_read("0xabcd BALANCE", "00", 20, 400, 700, 2600, 100);
    expect_account_read("0xabcd EXTCODESIZE", "00", 20, 700, 700, 2600, 100);
    expect_account_read("0xabcd EXTCODEHASH", "00", 0, 0, 700, 2600, 100);
    evm_test_expect(FORK_CONSTANTINOPLE, "0xabcd EXTCODEHASH", "00", 403);
    evm_test_expect(FORK_BERLIN, "ADDRESS BALANCE", "03e8", 102);
    evm_test_expect(FORK_BERLIN, "1 BALANCE", "00", 103); /* precompiled contracts are warm */
    /* Only the low 20 bytes count. */
    evm_test_expect(FORK_BERLIN, "ADDRESS 1 160 SHL OR BALANCE", "03e8", 114);
    evm_test_expect(FORK_BERLIN, "CALLER EXTCODEHASH",
                    "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470", 102);
    evm_test_expect(FORK_FRONTIER, "32 0 0 ADDRESS EXTCODECOPY 0 MLOAD 240 2 EXP SWAP1 DIV",
                    "m6020", 9 + 2 + 20 + 3 + 3 + 3 + 3 + 3 + 3 + 20 + 3 + 5);
    evm_test_expect(FORK_TANGERINE, "32 0 0 0xabcd EXTCODECOPY 0 MLOAD", "m00",
                    12 + 700 + 3 + 3 + 6);
    evm_test_expect(FORK_LONDON, "32 0 0 0xabcd EXTCODECOPY 0 MLOAD", "m00", 12 + 2600 + 3 + 3 + 6);
    evm_test_expect_failure(FORK_LONDON, "0xabcd BALANCE", 2602, EVM_OUT_OF_GAS);
    evm_test_expect_failure(FORK_LONDON, "0 0 0 0xabcd EXTCODECOPY", 2611, EVM_OUT_OF_GAS);
}

static void test_logs(void **state)
{
    (void)state;
    struct evm_test t;
    for (unsigned n = 0; n <= 4; n++) {
        char code[100];
        const char *const topics[] = {"", "101", "102 101", "103 102 101", "104 103 102 101"};
        evm_test_begin(&t, FORK_FRONTIER);
        (void)snprintf(code, sizeof(code), "0xabcd 0 MSTORE %s 3 30 LOG%u", topics[n], n);
        evm_test_run(&t, evm_asm(code), 100000);
        assert_int_equal(t.result.status, EVM_SUCCESS);
        assert_int_equal(100000 - t.result.gas_left, 12 + 3 * n + 6 + 375 + 375 * n + 24 + 3);
        assert_int_equal(t.host.log_count, 1);
        const struct evm_test_log *log = &t.host.logs[0];
        struct address self = EVM_TEST_CONTRACT;
        assert_true(address_equal(&log->address, &self));
        assert_int_equal(log->topic_count, n);
        for (unsigned i = 0; i < n; i++)
            assert_int_equal(log->topics[i].b[31], 101 + i);
        assert_true(bytes_equal(log->data, bytes_of("\xab\xcd\0", 3)));
        evm_test_end(&t);
    }
    evm_test_expect_failure(FORK_FRONTIER, "0xffffffffff 0 LOG0", 100000, EVM_OUT_OF_GAS);
}

static void check_selfdestruct(enum fork fork, const char *code, uint64_t balance, int64_t gas,
                               int64_t refund)
{
    struct evm_test t;
    evm_test_begin(&t, fork);
    evm_test_find(&t.host, EVM_TEST_CONTRACT)->balance = u256_from(balance);
    evm_test_run(&t, evm_asm(code), 100000);
    assert_int_equal(t.result.status, EVM_SUCCESS);
    assert_int_equal(100000 - t.result.gas_left, gas);
    assert_int_equal(t.result.gas_refund, refund);
    assert_true(evm_test_find(&t.host, EVM_TEST_CONTRACT)->destroyed);
    evm_test_end(&t);
}

static void test_selfdestruct(void **state)
{
    (void)state;
    const char *to_caller = "CALLER SELFDESTRUCT", *to_new = "0xabcd SELFDESTRUCT";
    check_selfdestruct(FORK_FRONTIER, to_caller, 1, 2, 24000);
    check_selfdestruct(FORK_FRONTIER, to_new, 1, 3, 24000);
    check_selfdestruct(FORK_TANGERINE, to_caller, 1, 5002, 24000);
    check_selfdestruct(FORK_TANGERINE, to_new, 0, 30003, 24000);
    check_selfdestruct(FORK_SPURIOUS, to_new, 0, 5003, 24000);
    check_selfdestruct(FORK_SPURIOUS, to_new, 1, 30003, 24000);
    check_selfdestruct(FORK_BERLIN, to_caller, 1, 5002, 24000);
    check_selfdestruct(FORK_BERLIN, to_new, 0, 7603, 24000);
    check_selfdestruct(FORK_BERLIN, to_new, 1, 32603, 24000);
    check_selfdestruct(FORK_LONDON, to_new, 1, 32603, 0);
    check_selfdestruct(FORK_OSAKA, to_caller, 1, 5002, 0);
    evm_test_expect_failure(FORK_LONDON, to_new, 7602, EVM_OUT_OF_GAS);
    evm_test_expect_failure(FORK_LONDON, to_new, 32602, EVM_OUT_OF_GAS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sstore),       cmocka_unit_test(test_sstore_sentry),
        cmocka_unit_test(test_sload),        cmocka_unit_test(test_transient),
        cmocka_unit_test(test_accounts),     cmocka_unit_test(test_logs),
        cmocka_unit_test(test_selfdestruct),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
