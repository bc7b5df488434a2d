/* Every case of TransactionTests of ethereum/tests: hash, sender and intrinsic gas of what a fork
 * accepts, the exact reason for what it refuses. */
#include "base/fork.h"
#include "base/hex.h"
#include "eth/transaction.h"
#include "tests/support/fixtures.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* What the suite calls a reason, and what we may answer: for a fault of the encoding its message
 * without the place, else the text of the status. */
static const struct {
    const char *exception, *answer;
} reasons[] = {
    {"1559LeadingZerosBaseFee", "max fee an integer with a leading zero"},
    {"1559LeadingZerosPriorityFee", "max priority fee an integer with a leading zero"},
    {"1559PriorityFeeGreaterThanBaseFee", "max priority fee per gas higher than max fee per gas"},
    {"2930AccessListAddressTooLong", "access list address more bytes than it must have"},
    {"2930AccessListAddressTooShort", "access list address fewer bytes than it must have"},
    {"2930AccessListStorageHashTooLong", "access list key more bytes than it must have"},
    {"2930AccessListStorageHashTooShort", "access list key fewer bytes than it must have"},
    {"AddressTooLong", "to more bytes than it must have"},
    {"AddressTooShort", "to fewer bytes than it must have"},
    {"ECRecoveryFail", "invalid signature: no public key made it"},
    {"GasLimitPriceProductOverflow", "gas limit times gas price exceeds 256 bits"},
    {"InvalidChainID", "invalid chain id for signer"},
    {"InvalidData", "data a list where a string belongs"},
    {"InvalidGasLimit4", "gas limit an integer too large"},
    {"InvalidGasLimit4", "gas limit an integer with a leading zero"},
    {"InvalidGasLimit5", "gas limit a list where a string belongs"},
    {"InvalidGasPrice", "gas price an integer too large"},
    {"InvalidGasPrice", "max fee an integer too large"},
    {"InvalidMaxPriorityFeePerGas", "max priority fee an integer too large"},
    {"InvalidNonce", "nonce a list where a string belongs"},
    {"InvalidR", "r a list where a string belongs"},
    {"InvalidS", "s a list where a string belongs"},
    {"InvalidTo", "to a list where a string belongs"},
    {"InvalidVRS", "invalid transaction v, r, s values: r is 0 or not below the group order"},
    {"InvalidVRS", "invalid transaction v, r, s values: s is 0 or not below the group order"},
    {"InvalidVRS", "invalid transaction v, r, s values: s is above half the group order"},
    {"InvalidVRS", "invalid transaction v, r, s values: v"},
    {"InvalidVRS", "r an integer too large"},
    {"InvalidVRS", "s an integer too large"},
    {"InvalidValue", "value an integer too large"},
    {"LeadingZerosDataSize", "data a length with a leading zero"},
    {"LeadingZerosGasLimit", "gas limit an integer with a leading zero"},
    {"LeadingZerosGasPrice", "gas price an integer with a leading zero"},
    {"LeadingZerosNonce", "nonce an integer with a leading zero"},
    {"LeadingZerosNonceSize", "nonce a byte below 0x80 must stand for itself"},
    {"LeadingZerosR", "r an integer with a leading zero"},
    {"LeadingZerosS", "s an integer with a leading zero"},
    {"LeadingZerosV", "v an integer with a leading zero"},
    {"LeadingZerosValue", "value an integer with a leading zero"},
    {"NonceMax", "nonce has max value"},
    {"NonceTooLong", "nonce an integer too large"},
    {"RLP_Error_EOF", "type 0xb8 is not known"},
    {"RLP_Error_RLP_Size", "bytes after the end"},
    {"RLP_Error_RLP_Size", "field after s more items than it must have"},
    {"RLP_Error_RLP_Size", "longer than the bytes that hold it"},
    {"RLP_Error_RLP_Size", "to fewer bytes than it must have"},
    {"RLP_Error_RLP_Size", "v a list where a string belongs"},
    {"RLP_Error_Size_Information", "a length with a leading zero"},
    {"RLP_TooFewElements", "s an item is missing"},
    {"RLP_TooManyElements", "field after s more items than it must have"},
    {"TR_BlobDecodeError", "type 0xb8 is not known"},
    {"TR_InitCodeLimitExceeded", "max initcode size exceeded"},
    {"TR_IntrinsicGas", "intrinsic gas too low"},
    {"TR_TypeNotSupported", "transaction type not supported"},
    {"TR_TypeNotSupported", "authorization list a string where a list belongs"},
    {"TR_TypeNotSupported", "max fee an integer too large"},
    {"TR_TypeNotSupported", "max priority fee an integer too large"},
    {"TR_TypeNotSupported", "type 0x09 is not known"},
    {"TR_TypeNotSupported", "type 0x96 is not known"},
    {"TR_TypeNotSupported", "type 0xb8 is not known"},
};

struct totals {
    size_t accepted, refused, files;
    bool used[BASE_COUNT(reasons)];
};

/* "transaction: nonce at byte 3: <fault>" without "transaction: " and "at byte 3: ". */
static void cut_place(struct err_detail *detail)
{
    static const char prefix[] = "transaction: ", place[] = "at byte ";
    char *text = detail->text;
    assert_memory_equal(text, prefix, sizeof(prefix) - 1);
    memmove(text, text + sizeof(prefix) - 1, strlen(text) - sizeof(prefix) + 2);
    char *at = strstr(text, place);
    if (at) {
        const char *after = strstr(at, ": ") + 2;
        memmove(at, after, strlen(after) + 1);
    }
}

static void expect_refused(const char *path, const char *exception, const char *answer,
                           struct totals *totals)
{
    for (size_t i = 0; i < BASE_COUNT(reasons); i++) {
        if (strcmp(reasons[i].exception, exception) == 0 &&
            strcmp(reasons[i].answer, answer) == 0) {
            totals->used[i] = true;
            return;
        }
    }
    fail_msg("%s: %s, refused for: %s", path, exception, answer);
}

static void expect_accepted(const char *path, const json_t *expected, struct eth_transaction *tx,
                            const struct eth_rules *rules)
{
    enum eth_tx_status status = eth_transaction_check(tx, rules);
    if (status != ETH_TX_OK)
        fail_msg("%s, %s: %s", path, fork_name(rules->fork), eth_tx_status_text(status));
    assert_int_equal(eth_transaction_recover(tx, &status, rules), ERR_OK);
    assert_int_equal(status, ETH_TX_OK);

    struct buf b = BUF_INIT;
    struct hash256 hash;
    assert_true(fixtures_hex(expected, "sender", &b));
    assert_int_equal(b.len, sizeof(tx->sender.b));
    assert_memory_equal(b.data, tx->sender.b, b.len);
    assert_true(fixtures_hex(expected, "hash", &b));
    assert_int_equal(eth_transaction_hash(tx, &hash), ERR_OK);
    assert_memory_equal(b.data, hash.b, sizeof(hash.b));
    uint64_t gas;
    assert_true(hex_u64(json_string_value(json_object_get(expected, "intrinsicGas")), &gas));
    assert_int_equal(eth_transaction_intrinsic_gas(tx, rules->fork).gas, gas);
    buf_release(&b);
}

static void run_fork(const char *path, const char *name, const json_t *expected, struct bytes input,
                     struct totals *totals)
{
    struct eth_rules rules = {.chain_id = {{1}}};
    if (!fork_from_name(name, &rules.fork))
        fail_msg("%s: no fork %s", path, name);
    struct arena arena;
    arena_init(&arena);
    struct eth_transaction tx;
    struct err_detail detail = {""};
    int result = eth_transaction_decode(&tx, &arena, input, &detail);
    const char *exception = json_string_value(json_object_get(expected, "exception"));
    if (!exception) {
        if (result != ERR_OK)
            fail_msg("%s: %s", path, detail.text);
        expect_accepted(path, expected, &tx, &rules);
        totals->accepted++;
    } else {
        enum eth_tx_status status = ETH_TX_OK;
        if (result == ERR_OK)
            assert_int_equal(eth_transaction_recover(&tx, &status, &rules), ERR_OK);
        if (result == ERR_OK && status == ETH_TX_OK)
            status = eth_transaction_check(&tx, &rules);
        if (result != ERR_OK)
            cut_place(&detail);
        expect_refused(path, exception, result == ERR_OK ? eth_tx_status_text(status) : detail.text,
                       totals);
        totals->refused++;
    }
    arena_release(&arena);
}

static void run_file(const char *path, void *context)
{
    struct totals *totals = context;
    json_t *file = fixtures_json(path);
    const char *name, *fork;
    json_t *test, *expected;
    json_object_foreach(file, name, test)
    {
        struct buf input = BUF_INIT;
        assert_true(fixtures_hex(test, "txbytes", &input));
        json_object_foreach(json_object_get(test, "result"), fork, expected)
            run_fork(path, fork, expected, buf_bytes(&input), totals);
        buf_release(&input);
    }
    totals->files++;
    json_decref(file);
}

static void test_suite(void **state)
{
    (void)state;
    fixtures_require("ethereum-tests/TransactionTests", "ethereum/tests");
    struct totals totals = {0};
    fixtures_each("ethereum-tests/TransactionTests", run_file, &totals);
    assert_int_equal(totals.files, 210);
    assert_int_equal(totals.accepted, 606);
    assert_int_equal(totals.refused, 2059);
    for (size_t i = 0; i < BASE_COUNT(reasons); i++)
        if (!totals.used[i])
            fail_msg("nothing was refused for %s: %s", reasons[i].exception, reasons[i].answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_suite)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
