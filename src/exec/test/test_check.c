/* Every reason for which a transaction cannot stand in a block, with its words; each time the
 * state is as it was. */
#include "exec/test/support.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct hash256 good_blobs[7] = {{{1}}, {{1, 2}}, {{1}}, {{1}}, {{1}}, {{1}}, {{1}}};
static const struct hash256 bad_blobs[2] = {{{1}}, {{2}}};
static const struct eth_authorization authorization = {.nonce = 5};
static uint8_t large[49153];

#define SENDER "0x5e01000000000000000000000000000000000000"

static void nonce_high(struct support *s)
{
    s->tx.nonce = 3;
}
static void nonce_low(struct support *s)
{
    support_set(s, &support_sender, 4, SUPPORT_ETHER);
    s->tx.nonce = 3;
}
static void nonce_max(struct support *s)
{
    support_set(s, &support_sender, UINT64_MAX, SUPPORT_ETHER);
    s->tx.nonce = UINT64_MAX;
}
static void gas_cap(struct support *s)
{
    s->tx.gas_limit = (1 << 24) + 1;
}
static void sender_code(struct support *s)
{
    support_set_code(s, &support_sender, "6000");
}
static void almost_delegated(struct support *s)
{
    support_set_code(s, &support_sender, "ef0101c002000000000000000000000000000000000000");
}
static void tip(struct support *s)
{
    s->tx.type = ETH_DYNAMIC_FEE;
    s->tx.max_priority_fee = u256_from(11);
}
static void fee_cap(struct support *s)
{
    s->tx.type = ETH_DYNAMIC_FEE;
    s->tx.max_fee = u256_from(6);
    s->tx.max_priority_fee = u256_from(1);
}
static void dynamic_fee(struct support *s)
{
    s->tx.type = ETH_DYNAMIC_FEE;
}
static void access_list(struct support *s)
{
    s->tx.type = ETH_ACCESS_LIST;
}
static void blob(struct support *s)
{
    s->tx.type = ETH_BLOB;
    s->tx.blob_hashes = good_blobs;
    s->tx.blob_count = 1;
    s->tx.max_blob_fee = u256_from(2);
}
static void blob_creation(struct support *s)
{
    blob(s);
    s->tx.is_creation = true;
}
static void no_blobs(struct support *s)
{
    blob(s);
    s->tx.blob_count = 0;
}
static void seven_blobs(struct support *s)
{
    blob(s);
    s->tx.blob_count = 7;
}
static void blob_version(struct support *s)
{
    blob(s);
    s->tx.blob_hashes = bad_blobs;
    s->tx.blob_count = 2;
}
static void blob_fee(struct support *s)
{
    blob(s);
    s->tx.max_blob_fee = u256_from(1);
}
static void blob_block_full(struct support *s)
{
    blob(s);
    s->block.max_blob_gas = ETH_BLOB_GAS - 1;
}
static void set_code(struct support *s)
{
    s->tx.type = ETH_SET_CODE;
    s->tx.authorizations = &authorization;
    s->tx.authorization_count = 1;
}
static void set_code_creation(struct support *s)
{
    set_code(s);
    s->tx.is_creation = true;
}
static void no_authorizations(struct support *s)
{
    set_code(s);
    s->tx.authorization_count = 0;
}
static void initcode(struct support *s)
{
    s->tx.is_creation = true;
    s->tx.gas_limit = 2000000;
    s->tx.data = bytes_of(large, sizeof(large));
}
static void block_full(struct support *s)
{
    s->block.gas_limit = 99999;
}
static void poor(struct support *s)
{
    support_set(s, &support_sender, 0, 1000004);
    s->tx.value = u256_from(5);
}
static void poor_by_blob(struct support *s)
{
    blob(s);
    support_set(s, &support_sender, 0, 100000 * 10 + 131072 * 2 - 1);
}
static void poor_by_cap(struct support *s)
{
    s->tx.type = ETH_DYNAMIC_FEE;
    s->tx.max_fee = u256_from(20);
    s->tx.max_priority_fee = u256_from(1);
    support_set(s, &support_sender, 0, 1999999);
}
static void overflow(struct support *s)
{
    s->tx.max_fee = s->tx.max_priority_fee = (struct u256){{0, 0, 0, UINT64_C(1) << 63}};
}
static void value_overflow(struct support *s)
{
    s->tx.value = (struct u256){{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}};
}
static void intrinsic(struct support *s)
{
    s->tx.gas_limit = 21015;
    s->tx.data = bytes_of("\1", 1);
}
static void intrinsic_old(struct support *s)
{
    s->tx.gas_limit = 21067;
    s->tx.data = bytes_of("\1", 1);
}
static void intrinsic_creation(struct support *s)
{
    s->tx.is_creation = true;
    s->tx.gas_limit = 52999;
}
static void floor_gas(struct support *s)
{
    s->tx.gas_limit = 21039;
    s->tx.data = bytes_of("\1", 1);
}

static const struct refusal {
    enum fork fork;
    void (*change)(struct support *s);
    enum exec_verdict verdict;
    const char *why;
} refusals[] = {
    {FORK_FRONTIER, nonce_high, EXEC_NONCE_TOO_HIGH,
     "nonce too high: address " SENDER ", tx: 3 state: 0"},
    {FORK_OSAKA, nonce_low, EXEC_NONCE_TOO_LOW,
     "nonce too low: address " SENDER ", tx: 3 state: 4"},
    {FORK_FRONTIER, nonce_max, EXEC_NONCE_MAX,
     "nonce has max value: address " SENDER ", nonce: 18446744073709551615"},
    {FORK_OSAKA, gas_cap, EXEC_GAS_LIMIT_TOO_HIGH,
     "transaction gas limit too high (cap: 16777216, tx: 16777217)"},
    {FORK_FRONTIER, sender_code, EXEC_SENDER_NOT_EOA,
     "sender not an eoa: address " SENDER ", len(code): 2"},
    {FORK_PRAGUE, almost_delegated, EXEC_SENDER_NOT_EOA,
     "sender not an eoa: address " SENDER ", len(code): 23"},
    {FORK_LONDON, tip, EXEC_TIP_ABOVE_FEE_CAP,
     "max priority fee per gas higher than max fee per gas: address " SENDER
     ", maxPriorityFeePerGas: 11, maxFeePerGas: 10"},
    {FORK_LONDON, fee_cap, EXEC_FEE_CAP_TOO_LOW,
     "max fee per gas less than block base fee: address " SENDER ", maxFeePerGas: 6, baseFee: 7"},
    {FORK_ISTANBUL, access_list, EXEC_TYPE_NOT_SUPPORTED, "transaction type not supported"},
    {FORK_BERLIN, dynamic_fee, EXEC_TYPE_NOT_SUPPORTED, "transaction type not supported"},
    {FORK_SHANGHAI, blob, EXEC_TYPE_NOT_SUPPORTED, "transaction type not supported"},
    {FORK_CANCUN, set_code, EXEC_TYPE_NOT_SUPPORTED, "transaction type not supported"},
    {FORK_CANCUN, blob_creation, EXEC_BLOB_CREATION, "blob transaction of type create"},
    {FORK_CANCUN, no_blobs, EXEC_NO_BLOBS, "blob transaction missing blob hashes"},
    {FORK_OSAKA, seven_blobs, EXEC_TOO_MANY_BLOBS, "blob transaction has too many blobs"},
    {FORK_CANCUN, blob_version, EXEC_BLOB_VERSION, "blob 1 has invalid hash version"},
    {FORK_CANCUN, blob_fee, EXEC_BLOB_FEE_CAP_TOO_LOW,
     "max fee per blob gas less than block blob gas fee: address " SENDER
     " blobGasFeeCap: 1, blobBaseFee: 2"},
    {FORK_CANCUN, blob_block_full, EXEC_BLOB_GAS_LIMIT_REACHED,
     "blob gas limit reached: have 131071, want 131072"},
    {FORK_PRAGUE, set_code_creation, EXEC_SET_CODE_CREATION,
     "EIP-7702 transaction cannot be used to create contract (sender " SENDER ")"},
    {FORK_PRAGUE, no_authorizations, EXEC_NO_AUTHORIZATIONS,
     "EIP-7702 transaction with empty auth list (sender " SENDER ")"},
    {FORK_SHANGHAI, initcode, EXEC_INITCODE_TOO_LARGE,
     "max initcode size exceeded: code size 49153 limit 49152"},
    {FORK_FRONTIER, block_full, EXEC_GAS_LIMIT_REACHED,
     "gas limit reached: have 99999, want 100000"},
    {FORK_FRONTIER, poor, EXEC_INSUFFICIENT_FUNDS,
     "insufficient funds for gas * price + value: address " SENDER " have 1000004 want 1000005"},
    {FORK_CANCUN, poor_by_blob, EXEC_INSUFFICIENT_FUNDS,
     "insufficient funds for gas * price + value: address " SENDER " have 1262143 want 1262144"},
    {FORK_LONDON, poor_by_cap, EXEC_INSUFFICIENT_FUNDS,
     "insufficient funds for gas * price + value: address " SENDER " have 1999999 want 2000000"},
    {FORK_FRONTIER, overflow, EXEC_INSUFFICIENT_FUNDS,
     "insufficient funds for gas * price + value: address " SENDER
     " required balance exceeds 256 bits"},
    {FORK_FRONTIER, value_overflow, EXEC_INSUFFICIENT_FUNDS,
     "insufficient funds for gas * price + value: address " SENDER
     " required balance exceeds 256 bits"},
    {FORK_ISTANBUL, intrinsic, EXEC_INTRINSIC_GAS, "intrinsic gas too low: have 21015, want 21016"},
    {FORK_PETERSBURG, intrinsic_old, EXEC_INTRINSIC_GAS,
     "intrinsic gas too low: have 21067, want 21068"},
    {FORK_HOMESTEAD, intrinsic_creation, EXEC_INTRINSIC_GAS,
     "intrinsic gas too low: have 52999, want 53000"},
    {FORK_PRAGUE, floor_gas, EXEC_FLOOR_GAS,
     "insufficient gas for floor data gas cost: have 21039, want 21040"},
};

static void test_refusals(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < BASE_COUNT(refusals); i++) {
        struct support s;
        struct hash256 before, after;
        support_start(&s, refusals[i].fork);
        refusals[i].change(&s);
        assert_int_equal(state_root(s.view, &before, NULL), 0);
        support_execute(&s, refusals[i].verdict);
        assert_string_equal(s.why.text, refusals[i].why);
        assert_int_equal(exec_gas_used(s.exec), 0);
        state_view_end_transaction(s.view, true);
        assert_int_equal(state_root(s.view, &after, NULL), 0);
        assert_true(hash256_equal(&before, &after));
        support_stop(&s);
    }
}

/* The fork before, or one figure less, and the transaction is valid. */
static const struct acceptance {
    enum fork fork;
    void (*change)(struct support *s);
} acceptances[] = {
    {FORK_PRAGUE, gas_cap},         {FORK_BERLIN, access_list},
    {FORK_LONDON, dynamic_fee},     {FORK_CANCUN, blob},
    {FORK_PRAGUE, set_code},        {FORK_PRAGUE, seven_blobs},
    {FORK_PARIS, initcode},         {FORK_FRONTIER, intrinsic_creation},
    {FORK_ISTANBUL, intrinsic_old}, {FORK_CANCUN, floor_gas},
};

static void test_acceptances(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < BASE_COUNT(acceptances); i++) {
        struct support s;
        support_start(&s, acceptances[i].fork);
        acceptances[i].change(&s);
        support_execute(&s, EXEC_VALID);
        assert_int_equal(support_nonce(&s, &support_sender), 1);
        support_stop(&s);
    }
}

/* What eth_call and the like leave out. */
static void test_flags(void **unused)
{
    (void)unused;
    static const struct {
        unsigned flag;
        void (*change)(struct support *s);
    } flags[] = {{EXEC_SKIP_NONCE, nonce_high},
                 {EXEC_SKIP_NONCE, nonce_low},
                 {EXEC_SKIP_EOA, sender_code},
                 {EXEC_SKIP_GAS_CAP, gas_cap}};
    for (size_t i = 0; i < BASE_COUNT(flags); i++) {
        struct support s;
        support_start(&s, FORK_OSAKA);
        flags[i].change(&s);
        assert_int_equal(
            exec_transaction(s.exec, &s.result, NULL, &s.tx, &support_sender, flags[i].flag), 0);
        assert_int_equal(s.result.verdict, EXEC_VALID);
        support_stop(&s);
    }
    struct support s;
    support_start(&s, FORK_OSAKA);
    support_set(&s, &support_sender, 0, 0);
    s.tx.max_fee = s.tx.max_priority_fee = u256_from(0);
    support_execute(&s, EXEC_FEE_CAP_TOO_LOW);
    assert_int_equal(
        exec_transaction(s.exec, &s.result, NULL, &s.tx, &support_sender, EXEC_SKIP_BASE_FEE), 0);
    assert_int_equal(s.result.verdict, EXEC_VALID);
    assert_true(u256_is_zero(&s.result.gas_price));
    assert_false(support_exists(&s, &support_coinbase));
    support_stop(&s);
}

/* The block's gas is used up by what transactions really used. */
static void test_block_gas(void **unused)
{
    (void)unused;
    struct support s;
    support_start(&s, FORK_CANCUN);
    s.block.gas_limit = 121000;
    s.block.max_blob_gas = 2 * ETH_BLOB_GAS;
    blob(&s);
    support_expect(&s, EVM_SUCCESS, 21000);
    s.tx.nonce = 1;
    support_expect(&s, EVM_SUCCESS, 21000);
    assert_int_equal(s.result.receipt.cumulative_gas, 42000);
    assert_int_equal(exec_gas_used(s.exec), 42000);
    assert_int_equal(exec_blob_gas_used(s.exec), 2 * ETH_BLOB_GAS);
    s.tx.nonce = 2;
    s.tx.gas_limit = 79000;
    support_execute(&s, EXEC_BLOB_GAS_LIMIT_REACHED);
    s.tx.gas_limit = 79001;
    support_execute(&s, EXEC_GAS_LIMIT_REACHED);
    support_stop(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_acceptances),
        cmocka_unit_test(test_flags),
        cmocka_unit_test(test_block_gas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
