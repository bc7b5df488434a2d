/* What transactions do, fork by fork: gas, fees, creations, deletions, delegations. */
#include "crypto/secp256k1.h"
#include "eth/address.h"
#include "exec/test/support.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct address ripemd = {{[19] = 3}};

/* --- Fees --- */

static void test_transfer(void **unused)
{
    (void)unused;
    struct support s;
    support_start(&s, FORK_BERLIN);
    s.tx.to = support_nobody;
    s.tx.value = u256_from(1234);
    support_expect(&s, EVM_SUCCESS, 21000);
    assert_int_equal(support_balance(&s, &support_nobody), 1234);
    assert_int_equal(support_balance(&s, &support_coinbase), 210000);
    assert_int_equal(support_balance(&s, &support_sender), SUPPORT_ETHER - 1234 - 210000);
    assert_int_equal(support_nonce(&s, &support_sender), 1);
    assert_true(s.result.receipt.success);
    assert_false(s.result.receipt.has_post_state);
    assert_false(s.result.has_contract);
    support_stop(&s);
}

/* EIP-1559: the base fee is burnt, the tip is what the fee cap leaves of it. */
static void test_base_fee(void **unused)
{
    (void)unused;
    static const struct {
        uint64_t cap, tip, price;
    } cases[] = {{10, 10, 10}, {10, 1, 8}, {7, 5, 7}, {100, 0, 7}};
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        struct support s;
        support_start(&s, FORK_LONDON);
        s.tx.type = ETH_DYNAMIC_FEE;
        s.tx.max_fee = u256_from(cases[i].cap);
        s.tx.max_priority_fee = u256_from(cases[i].tip);
        support_expect(&s, EVM_SUCCESS, 21000);
        assert_int_equal(s.result.gas_price.w[0], cases[i].price);
        assert_int_equal(support_balance(&s, &support_sender),
                         SUPPORT_ETHER - 21000 * cases[i].price);
        assert_int_equal(support_balance(&s, &support_coinbase), 21000 * (cases[i].price - 7));
        assert_int_equal(s.result.receipt.type, ETH_DYNAMIC_FEE);
        support_stop(&s);
    }
}

static void test_blob_fee(void **unused)
{
    (void)unused;
    static const struct hash256 hashes[2] = {{{1, 0xaa}}, {{1, 0xbb}}};
    struct support s;
    support_start(&s, FORK_CANCUN);
    s.tx.type = ETH_BLOB;
    s.tx.blob_hashes = hashes;
    s.tx.blob_count = 2;
    s.tx.max_blob_fee = u256_from(1000);
    support_set_code(&s, &support_contract, "600149600055"); /* SSTORE(0, BLOBHASH(1)) */
    support_execute(&s, EXEC_VALID);
    assert_int_equal(s.result.blob_gas_used, 2 * ETH_BLOB_GAS);
    assert_int_equal(support_balance(&s, &support_sender),
                     SUPPORT_ETHER - s.result.gas_used * 10 - 2 * ETH_BLOB_GAS * 2);
    assert_int_equal(support_balance(&s, &support_coinbase), s.result.gas_used * 3);
    struct u256 zero = u256_from(0), hash, expected = u256_load(hashes[1].b);
    assert_int_equal(state_view_load(s.view, &hash, NULL, &support_contract, &zero), 0);
    assert_true(u256_equal(&hash, &expected));
    support_stop(&s);
}

/* A fee of nothing makes the coinbase before Spurious Dragon, and not from then on (EIP-161). */
static void test_free_transaction(void **unused)
{
    (void)unused;
    for (enum fork fork = FORK_FRONTIER; fork < FORK_LONDON; fork++) {
        struct support s;
        support_start(&s, fork);
        s.tx.max_fee = s.tx.max_priority_fee = u256_from(0);
        support_expect(&s, EVM_SUCCESS, 21000);
        assert_int_equal(support_exists(&s, &support_coinbase), fork < FORK_SPURIOUS);
        assert_int_equal(support_exists(&s, &support_contract), fork < FORK_SPURIOUS);
        assert_int_equal(support_balance(&s, &support_sender), SUPPORT_ETHER);
        support_stop(&s);
    }
}

/* Clears a slot: half of the gas can come back before London, a fifth since (EIP-3529). */
static void test_refund(void **unused)
{
    (void)unused;
    static const struct {
        enum fork fork;
        uint64_t used, refunded;
    } cases[] = {{FORK_FRONTIER, 13003, 13003}, /* 21000 + 6 + 5000 = 26006; 15000 cut to a half */
                 {FORK_BERLIN, 13003, 13003},
                 {FORK_LONDON, 21206, 4800}}; /* not cut */
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        struct support s;
        support_start(&s, cases[i].fork);
        support_set_code(&s, &support_contract, "6000600155");
        support_set_slot(&s, &support_contract, 1, 1);
        support_expect(&s, EVM_SUCCESS, cases[i].used);
        assert_int_equal(s.result.gas_refunded, cases[i].refunded);
        support_stop(&s);
    }
    struct support s; /* three slots in London: 21000 + 18 + 15000; 14400 cut to a fifth */
    support_start(&s, FORK_LONDON);
    support_set_code(&s, &support_contract, "600060015560006002556000600355");
    for (uint64_t i = 1; i <= 3; i++)
        support_set_slot(&s, &support_contract, i, 1);
    support_expect(&s, EVM_SUCCESS, 36018 - 36018 / 5);
    assert_int_equal(s.result.gas_refunded, 36018 / 5);
    support_stop(&s);
}

/* EIP-7623 */
static void test_floor(void **unused)
{
    (void)unused;
    struct support s;
    support_start(&s, FORK_CANCUN);
    s.tx.data = support_hex("0001020304");
    support_expect(&s, EVM_SUCCESS, 21000 + 4 + 4 * 16);
    support_stop(&s);
    support_start(&s, FORK_PRAGUE);
    s.tx.data = support_hex("0001020304");
    support_expect(&s, EVM_SUCCESS, 21000 + 10 * (1 + 4 * 4));
    assert_int_equal(support_balance(&s, &support_sender), SUPPORT_ETHER - 21170 * 10);
    support_stop(&s);
}

/* --- Access --- */

/* BALANCE of the coinbase and of a listed address; SLOAD of a listed slot. */
static void test_warm(void **unused)
{
    (void)unused;
    static const struct hash256 key = {{[31] = 9}};
    const struct eth_access list = {.address = support_nobody, .keys = &key, .key_count = 1};
    struct support s;
    for (enum fork fork = FORK_BERLIN; fork <= FORK_SHANGHAI; fork++) {
        support_start(&s, fork);
        support_set_code(&s, &support_contract, "413100");
        support_expect(&s, EVM_SUCCESS, 21000 + 2 + (fork < FORK_SHANGHAI ? 2600 : 100));
        support_stop(&s);
    }
    support_start(&s, FORK_BERLIN);
    support_set_code(&s, &support_nobody, "60095450600a5450"); /* SLOAD(9), SLOAD(10) */
    s.tx.to = support_nobody;
    s.tx.type = ETH_ACCESS_LIST;
    s.tx.access_list = &list;
    s.tx.access_count = 1;
    support_expect(&s, EVM_SUCCESS, 21000 + 2400 + 1900 + 3 + 100 + 2 + 3 + 2100 + 2);
    support_stop(&s);
    support_start(&s, FORK_BERLIN); /* a precompiled contract */
    support_set_code(&s, &support_contract, "60013100");
    support_expect(&s, EVM_SUCCESS, 21000 + 3 + 100);
    support_stop(&s);
}

/* --- Creations --- */

/* Returns `size` bytes of zero, or of the first byte given. */
static void create(struct support *s, const char *init)
{
    s->tx.is_creation = true;
    s->tx.data = support_hex(init);
}

static void test_creation(void **unused)
{
    (void)unused;
    struct support s;
    for (enum fork fork = FORK_FRONTIER; fork <= FORK_OSAKA; fork++) {
        struct address expected;
        support_start(&s, fork);
        s.tx.value = u256_from(9);
        create(&s, "60056000f3");
        support_execute(&s, EXEC_VALID);
        assert_int_equal(s.result.status, EVM_SUCCESS);
        eth_create_address(&expected, &support_sender, 0);
        assert_true(s.result.has_contract);
        assert_true(address_equal(&s.result.contract, &expected));
        assert_int_equal(support_code_size(&s, &expected), 5);
        assert_int_equal(support_nonce(&s, &expected), fork >= FORK_SPURIOUS);
        assert_int_equal(support_balance(&s, &expected), 9);
        assert_int_equal(support_nonce(&s, &support_sender), 1);
        support_stop(&s);
    }
}

/* The code cannot be paid: an empty contract in Frontier, a failure since Homestead (EIP-2). */
static void test_unpaid_code(void **unused)
{
    (void)unused;
    struct support s;
    support_start(&s, FORK_FRONTIER);
    create(&s, "6107d06000f3"); /* 2000 bytes, 400000 gas */
    support_execute(&s, EXEC_VALID);
    assert_int_equal(s.result.status, EVM_SUCCESS);
    assert_true(support_exists(&s, &s.result.contract));
    assert_int_equal(support_code_size(&s, &s.result.contract), 0);
    assert_true(s.result.gas_used < s.tx.gas_limit);
    support_stop(&s);

    support_start(&s, FORK_HOMESTEAD);
    create(&s, "6107d06000f3");
    support_expect(&s, EVM_CODE_STORE_OUT_OF_GAS, 100000);
    assert_false(support_exists(&s, &s.result.contract));
    assert_false(s.result.receipt.success);
    support_stop(&s);
}

static void test_code_size(void **unused)
{
    (void)unused;
    static const struct {
        enum fork fork;
        size_t max;
        const char *init; /* returns 24576 or 24577 zeros */
        enum evm_status status;
    } cases[] = {{FORK_TANGERINE, 0, "6160016000f3", EVM_SUCCESS},
                 {FORK_SPURIOUS, 0, "6160006000f3", EVM_SUCCESS},
                 {FORK_SPURIOUS, 0, "6160016000f3", EVM_CODE_SIZE_EXCEEDED},
                 {FORK_BERLIN, 32768, "6160016000f3", EVM_SUCCESS},
                 {FORK_BERLIN, 24576, "6160016000f3", EVM_CODE_SIZE_EXCEEDED}};
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        struct support s;
        support_start(&s, cases[i].fork);
        s.block.max_code_size = cases[i].max;
        s.tx.gas_limit = 6000000;
        create(&s, cases[i].init);
        support_execute(&s, EXEC_VALID);
        assert_int_equal(s.result.status, cases[i].status);
        assert_int_equal(s.result.gas_used == 6000000, cases[i].status != EVM_SUCCESS);
        support_stop(&s);
    }
}

/* EIP-3541 */
static void test_code_prefix(void **unused)
{
    (void)unused;
    struct support s;
    support_start(&s, FORK_BERLIN);
    create(&s, "60ef60005360016000f3");
    support_execute(&s, EXEC_VALID);
    assert_int_equal(s.result.status, EVM_SUCCESS);
    support_stop(&s);
    support_start(&s, FORK_LONDON);
    create(&s, "60ef60005360016000f3");
    support_expect(&s, EVM_INVALID_CODE_PREFIX, 100000);
    support_stop(&s);
}

/* EIP-684, EIP-7610: by nonce, code or storage, but not by balance. */
static void test_collision(void **unused)
{
    (void)unused;
    for (int what = 0; what < 4; what++) {
        struct support s;
        struct address address;
        support_start(&s, FORK_SHANGHAI);
        eth_create_address(&address, &support_sender, 0);
        if (what == 0)
            support_set(&s, &address, 1, 0);
        else if (what == 1)
            support_set_code(&s, &address, "00");
        else if (what == 2)
            support_set_slot(&s, &address, 1, 1);
        else
            support_set(&s, &address, 0, 77);
        create(&s, "60056000f3");
        support_execute(&s, EXEC_VALID);
        assert_int_equal(s.result.status, what == 3 ? EVM_SUCCESS : EVM_ADDRESS_COLLISION);
        if (what < 3)
            assert_int_equal(s.result.gas_used, 100000);
        assert_int_equal(support_nonce(&s, &support_sender), 1);
        support_stop(&s);
    }
}

/* A creator whose nonce cannot grow makes nothing, and keeps its gas (EIP-2681). */
static void test_creator_nonce(void **unused)
{
    (void)unused;
    struct support s;
    support_start(&s, FORK_SHANGHAI);
    support_set(&s, &support_contract, UINT64_MAX, 0);
    support_set_code(&s, &support_contract, "600060006000f0600055"); /* SSTORE(0, CREATE()) */
    support_set_slot(&s, &support_contract, 0, 5);
    support_execute(&s, EXEC_VALID);
    assert_int_equal(s.result.status, EVM_SUCCESS);
    assert_int_equal(support_slot(&s, &support_contract, 0), 0);
    assert_int_equal(support_nonce(&s, &support_contract), UINT64_MAX);
    support_stop(&s);
}

/* --- Deletions --- */

/* What is called with nothing, and is empty, goes (EIP-161). */
static void test_empty_accounts(void **unused)
{
    (void)unused;
    for (enum fork fork = FORK_TANGERINE; fork <= FORK_SPURIOUS; fork++) {
        struct support s;
        support_start(&s, fork);
        support_set(&s, &support_nobody, 0, 0);
        support_set(&s, &support_contract, 0, 0);
        support_expect(&s, EVM_SUCCESS, 21000);
        assert_int_equal(support_exists(&s, &support_contract), fork < FORK_SPURIOUS);
        assert_true(support_exists(&s, &support_nobody)); /* not touched */
        support_stop(&s);
    }
}

/* The touch of the RIPEMD-160 contract outlives the failure of its call; of others it does not. */
static void test_ripemd(void **unused)
{
    (void)unused;
    for (uint8_t last = 2; last <= 3; last++) {
        struct support s;
        struct address precompile = {{[19] = last}};
        support_start(&s, FORK_SPURIOUS);
        support_set(&s, &precompile, 0, 0);
        s.tx.to = precompile;
        s.tx.gas_limit = 21001;
        support_expect(&s, EVM_OUT_OF_GAS, 21001);
        assert_int_equal(support_exists(&s, &precompile), !address_equal(&precompile, &ripemd));
        support_stop(&s);
    }
}

static void test_selfdestruct(void **unused)
{
    (void)unused;
    for (enum fork fork = FORK_SHANGHAI; fork <= FORK_CANCUN; fork++) {
        struct support s;
        support_start(&s, fork);
        support_set(&s, &support_contract, 1, 500);
        support_set_code(&s, &support_contract, "61dead60101bff"); /* to 0xdead0000 */
        support_set_slot(&s, &support_contract, 4, 4);
        support_execute(&s, EXEC_VALID);
        struct address heir = {{[16] = 0xde, 0xad}};
        assert_int_equal(support_balance(&s, &heir), 500);
        assert_int_equal(support_exists(&s, &support_contract), fork == FORK_CANCUN);
        assert_int_equal(support_slot(&s, &support_contract, 4), fork == FORK_CANCUN ? 4 : 0);
        assert_int_equal(support_balance(&s, &support_contract), 0);

        /* To itself: burnt, or kept. */
        support_set(&s, &support_nobody, 1, 600);
        support_set_code(&s, &support_nobody, "30ff");
        s.tx.nonce = 1;
        s.tx.to = support_nobody;
        support_execute(&s, EXEC_VALID);
        assert_int_equal(support_balance(&s, &support_nobody), fork == FORK_CANCUN ? 600 : 0);

        /* In the transaction of its creation it goes in every fork (EIP-6780). */
        s.tx.nonce = 2;
        s.tx.value = u256_from(70);
        create(&s, "30ff");
        support_execute(&s, EXEC_VALID);
        assert_int_equal(s.result.status, EVM_SUCCESS);
        assert_false(support_exists(&s, &s.result.contract));
        support_stop(&s);
    }
}

/* --- Delegations: EIP-7702 --- */

struct signer {
    struct address address;
    struct eth_authorization authorization;
};

static void sign(struct signer *signer, uint8_t key, uint64_t chain_id, uint64_t nonce,
                 const struct address *target)
{
    struct crypto_private_key secret = {{[31] = key}};
    struct hash256 hash;
    struct crypto_signature signature;
    signer->authorization = (struct eth_authorization){
        .chain_id = u256_from(chain_id), .address = *target, .nonce = nonce};
    eth_authorization_signing_hash(&signer->authorization, &hash);
    assert_true(crypto_ecdsa_sign(&signature, &hash, &secret));
    signer->authorization.r = u256_load(signature.rs);
    signer->authorization.s = u256_load(signature.rs + 32);
    signer->authorization.y_parity = u256_from(signature.recovery_id);
    assert_int_equal(eth_authorization_recover(&signer->authorization, &signer->address),
                     ETH_TX_OK);
}

static void authorize(struct support *s, const struct signer *signer, const struct address *to)
{
    s->tx.type = ETH_SET_CODE;
    s->tx.authorizations = &signer->authorization;
    s->tx.authorization_count = 1;
    s->tx.to = *to;
}

static void test_delegation(void **unused)
{
    (void)unused;
    struct support s;
    struct signer signer;
    support_start(&s, FORK_PRAGUE);
    support_set_code(&s, &support_contract, "30600055"); /* SSTORE(0, ADDRESS) */
    sign(&signer, 1, 1, 0, &support_contract);
    authorize(&s, &signer, &signer.address);
    support_expect(&s, EVM_SUCCESS, 21000 + 25000 + 2 + 3 + 22100);
    assert_int_equal(support_code_size(&s, &signer.address), 23);
    assert_int_equal(support_nonce(&s, &signer.address), 1);
    struct u256 zero = u256_from(0), word;
    assert_int_equal(state_view_load(s.view, &word, NULL, &signer.address, &zero), 0);
    assert_false(u256_is_zero(&word));

    /* Again, to nobody: the account exists, so half comes back, up to a fifth of all; and the
     * delegation is gone. */
    s.tx.nonce = 1;
    sign(&signer, 1, 0, 1, &(struct address){{0}});
    authorize(&s, &signer, &support_nobody);
    support_expect(&s, EVM_SUCCESS, 46000 - 46000 / 5);
    assert_int_equal(support_code_size(&s, &signer.address), 0);
    assert_int_equal(support_nonce(&s, &signer.address), 2);
    support_stop(&s);
}

/* What is wrong with an authorization makes it void, not the transaction. */
static void test_void_authorizations(void **unused)
{
    (void)unused;
    for (int what = 0; what < 5; what++) {
        struct support s;
        struct signer signer;
        support_start(&s, FORK_PRAGUE);
        sign(&signer, 1, what == 0 ? 2 : 1,
             what == 1   ? 5
             : what == 2 ? UINT64_MAX
                         : 0,
             &support_contract);
        if (what == 3)
            signer.authorization.y_parity = u256_from(2);
        if (what == 4)
            support_set_code(&s, &signer.address, "00");
        authorize(&s, &signer, &support_nobody);
        support_expect(&s, EVM_SUCCESS, 46000);
        assert_int_equal(support_nonce(&s, &signer.address), 0);
        assert_int_equal(support_code_size(&s, &signer.address), what == 4);
        support_stop(&s);
    }
}

/* A delegated sender is still one (EIP-3607's exception), and runs its delegate when called. */
static void test_delegated_sender(void **unused)
{
    (void)unused;
    struct support s;
    support_start(&s, FORK_PRAGUE);
    support_set_code(&s, &support_sender, "ef0100c002000000000000000000000000000000000000");
    support_set_code(&s, &support_contract, "6001600055");
    s.tx.to = support_sender;
    support_expect(&s, EVM_SUCCESS, 21000 + 6 + 22100);
    assert_int_equal(support_slot(&s, &support_sender, 0), 1);
    support_stop(&s);
}

/* --- Receipts --- */

static void test_logs(void **unused)
{
    (void)unused;
    struct support s;
    support_start(&s, FORK_FRONTIER);
    s.block.post_states = true;
    support_set_code(&s, &support_contract, "600560206000a1"); /* LOG1(0, 32, 5) */
    support_execute(&s, EXEC_VALID);
    const struct eth_receipt *receipt = &s.result.receipt;
    assert_int_equal(receipt->log_count, 1);
    assert_int_equal(receipt->logs[0].topic_count, 1);
    assert_int_equal(receipt->logs[0].topics[0].b[31], 5);
    assert_int_equal(receipt->logs[0].data.len, 32);
    assert_true(
        eth_bloom_test(&receipt->bloom, bytes_of(&support_contract, sizeof(support_contract))));
    assert_false(
        eth_bloom_test(&receipt->bloom, bytes_of(&support_nobody, sizeof(support_nobody))));
    struct hash256 root;
    assert_int_equal(state_root(s.view, &root, NULL), 0);
    assert_true(receipt->has_post_state);
    assert_true(hash256_equal(&root, &receipt->post_state));

    s.tx.nonce = 1; /* the next one has no logs of the first */
    s.tx.to = support_nobody;
    support_execute(&s, EXEC_VALID);
    assert_int_equal(s.result.receipt.log_count, 0);
    support_stop(&s);
}

static void test_revert(void **unused)
{
    (void)unused;
    struct support s;
    support_start(&s, FORK_BYZANTIUM);
    s.tx.value = u256_from(5);
    /* SSTORE(0, 1); LOG0; MSTORE8(0, 0xaa); REVERT(0, 1) */
    support_set_code(&s, &support_contract, "600160005560006000a060aa60005360016000fd");
    support_execute(&s, EXEC_VALID);
    assert_int_equal(s.result.status, EVM_REVERT);
    assert_false(s.result.receipt.success);
    assert_int_equal(s.result.receipt.log_count, 0);
    assert_int_equal(s.result.output.len, 1);
    assert_int_equal(s.result.output.data[0], 0xaa);
    assert_int_equal(support_slot(&s, &support_contract, 0), 0);
    assert_int_equal(support_balance(&s, &support_contract), 0);
    assert_int_equal(support_nonce(&s, &support_sender), 1);
    assert_true(s.result.gas_used < 100000);
    support_stop(&s);
}

/* --- Block context --- */

static int block_hash(void *context, uint64_t number, struct hash256 *ret_hash)
{
    *ret_hash = (struct hash256){{[31] = (uint8_t)(number - *(uint64_t *)context)}};
    return 0;
}

static void test_context(void **unused)
{
    (void)unused;
    uint64_t first = 990;
    struct support s;
    support_start(&s, FORK_CANCUN);
    s.tx.gas_limit = 300000;
    s.block.block_hash = block_hash;
    s.block.block_hash_context = &first;
    s.block.prev_randao = u256_from(77);
    support_begin(&s);
    /* SSTORE(i, …) of NUMBER, TIMESTAMP, GASLIMIT, PREVRANDAO, CHAINID, BASEFEE, BLOBBASEFEE,
     * GASPRICE, BLOCKHASH(995) */
    support_set_code(&s, &support_contract,
                     "43600055"
                     "42600155"
                     "45600255"
                     "44600355"
                     "46600455"
                     "48600555"
                     "4a600655"
                     "3a600755"
                     "6103e340600855");
    support_execute(&s, EXEC_VALID);
    static const uint64_t expected[] = {1000, 5000, 30000000, 77, 1, 7, 2, 10, 5};
    for (uint64_t i = 0; i < BASE_COUNT(expected); i++)
        assert_int_equal(support_slot(&s, &support_contract, i), expected[i]);
    support_stop(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_transfer),
        cmocka_unit_test(test_base_fee),
        cmocka_unit_test(test_blob_fee),
        cmocka_unit_test(test_free_transaction),
        cmocka_unit_test(test_refund),
        cmocka_unit_test(test_floor),
        cmocka_unit_test(test_warm),
        cmocka_unit_test(test_creation),
        cmocka_unit_test(test_unpaid_code),
        cmocka_unit_test(test_code_size),
        cmocka_unit_test(test_code_prefix),
        cmocka_unit_test(test_collision),
        cmocka_unit_test(test_creator_nonce),
        cmocka_unit_test(test_empty_accounts),
        cmocka_unit_test(test_ripemd),
        cmocka_unit_test(test_selfdestruct),
        cmocka_unit_test(test_delegation),
        cmocka_unit_test(test_void_authorizations),
        cmocka_unit_test(test_delegated_sender),
        cmocka_unit_test(test_logs),
        cmocka_unit_test(test_revert),
        cmocka_unit_test(test_context),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
