/* Chains that GoQuorum made: imported, compared with what it answered about them, exported. */
#include "chain/test/recorded.h"

#include "base/file.h"
#include "base/hex.h"
#include "consensus/istanbul/set.h"
#include "state/state.h"
#include "tests/support/recordings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void import_all(struct chain *chain, const char *network)
{
    size_t count, done;
    struct chain_block **blocks = recorded_blocks(network, &count);
    enum chain_verdict verdict;
    struct err_detail why = {""};
    int err = chain_import(chain, &verdict, &done, &why, blocks, count);
    expect_ok(err, &why);
    if (verdict != CHAIN_VALID)
        fail_msg("%s: %s: %s", network, chain_verdict_text(verdict), why.text);
    assert_int_equal(done, count);
    recorded_free(blocks, count);
}

/* --- Blocks --- */

static void expect_hex(const json_t *object, const char *key, const void *data, size_t size)
{
    char text[3 + 2 * 256];
    assert_true(size <= 256);
    memcpy(text, "0x", 2);
    hex_encode(text + 2, bytes_of(data, size));
    text[2 + 2 * size] = '\0';
    assert_string_equal(json_string_value(json_object_get(object, key)), text);
}

struct seen {
    struct chain *chain;
    size_t compared;
};

static void compare_block(const json_t *params, const json_t *result, void *context)
{
    struct seen *seen = context;
    struct chain_reader reader;
    struct eth_header header;
    struct hash256 hash;
    uint64_t number;
    (void)params;
    if (!json_is_object(result) || !json_object_get(result, "stateRoot"))
        return;
    assert_true(hex_u64(json_string_value(json_object_get(result, "number")), &number));
    assert_int_equal(chain_reader_open(&reader, seen->chain), 0);
    expect_ok(chain_reader_header(&reader, &header, number), &reader.detail);
    expect_ok(chain_reader_hash(&reader, &hash, number), &reader.detail);
    expect_hex(result, "hash", &hash, sizeof(hash));
    expect_hex(result, "stateRoot", &header.state_root, 32);
    expect_hex(result, "receiptsRoot", &header.receipts_root, 32);
    expect_hex(result, "transactionsRoot", &header.transactions_root, 32);
    expect_hex(result, "logsBloom", &header.bloom, sizeof(header.bloom));
    chain_reader_close(&reader);
    seen->compared++;
}

/* --- Validators --- */

static void compare_validators(const json_t *params, const json_t *result, void *context)
{
    struct seen *seen = context;
    struct chain_reader reader;
    struct istanbul_set set;
    uint64_t number;
    const char *at = json_string_value(json_array_get(params, 0));
    if (!at || !hex_u64(at, &number) || !json_is_array(result))
        return;
    assert_int_equal(chain_reader_open(&reader, seen->chain), 0);
    expect_ok(chain_validators_after(&reader, &set, number), &reader.detail);
    chain_reader_close(&reader);
    assert_int_equal(set.count, json_array_size(result));
    for (size_t i = 0; i < set.count; i++) {
        struct address member;
        assert_true(hex_decode_exact(json_string_value(json_array_get(result, i)), &member, 20));
        assert_memory_equal(&member, &set.members[i], 20);
    }
    istanbul_set_release(&set);
    seen->compared++;
}

/* --- State dumps --- */

static void compare_slots(const struct state_reader *state, const struct state_account *account,
                          const json_t *storage)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)storage, key, value)
    {
        struct u256 slot, have;
        uint8_t word[32];
        struct buf wanted = BUF_INIT;
        assert_true(hex_decode_exact(key, word, sizeof(word)));
        slot = u256_load(word);
        assert_int_equal(hex_decode(json_string_value(value), &wanted), 0);
        assert_int_equal(state_reader_slot(state, &have, account, &slot), 0);
        struct u256 want = u256_load_short(wanted.data, wanted.len);
        assert_true(u256_equal(&have, &want));
        buf_release(&wanted);
    }
}

static void compare_account(const struct state_reader *state, const char *key, const json_t *want)
{
    struct address address;
    struct state_account account;
    struct u256 balance;
    bool exists;
    assert_true(hex_decode_exact(key, &address, sizeof(address)));
    assert_int_equal(state_reader_account(state, &account, &exists, &address), 0);
    assert_true(exists);
    assert_true(hex_u256(json_string_value(json_object_get(want, "balance")), &balance));
    assert_true(u256_equal(&account.balance, &balance));
    assert_int_equal(account.nonce, json_integer_value(json_object_get(want, "nonce")));
    uint8_t root[32];
    const char *text = json_string_value(json_object_get(want, "root"));
    assert_true(text && hex_decode_exact(text, root, sizeof(root)));
    assert_memory_equal(root, &account.storage.hash, sizeof(root));
    const json_t *code = json_object_get(want, "code");
    if (code) {
        struct bytes have;
        struct buf wanted = BUF_INIT;
        assert_int_equal(hex_decode(json_string_value(code), &wanted), 0);
        assert_int_equal(state_reader_code(state, &have, &account.code_hash), 0);
        assert_true(bytes_equal(have, buf_bytes(&wanted)));
        buf_release(&wanted);
    }
    compare_slots(state, &account, json_object_get(want, "storage"));
}

static void compare_dump(const json_t *params, const json_t *result, void *context)
{
    struct seen *seen = context;
    struct chain_reader reader;
    struct state_reader state;
    uint64_t number, head;
    struct hash256 hash;
    uint8_t root[32];
    const char *at = json_string_value(json_array_get(params, 0)), *key;
    const json_t *accounts = json_object_get(result, "accounts");
    json_t *account;
    if (!at || !accounts)
        return;
    assert_int_equal(chain_reader_open(&reader, seen->chain), 0);
    assert_int_equal(chain_reader_head(&reader, &head, &hash), 0);
    if (!hex_u64(at, &number))
        number = strcmp(at, "earliest") == 0 ? 0 : head;
    expect_ok(chain_reader_state(&reader, &state, number), &reader.detail);
    assert_true(
        hex_decode_exact(json_string_value(json_object_get(result, "root")), root, sizeof(root)));
    assert_memory_equal(root, &state.root.hash, sizeof(root));
    json_object_foreach((json_t *)accounts, key, account) compare_account(&state, key, account);
    chain_reader_close(&reader);
    seen->compared++;
}

/* --- Receipts --- */

static void compare_receipt(const json_t *params, const json_t *result, void *context)
{
    struct seen *seen = context;
    struct chain_reader reader;
    struct arena arena;
    struct hash256 hash;
    struct eth_receipt *receipts;
    uint64_t number, gas;
    uint32_t index;
    size_t count;
    const char *text = json_string_value(json_array_get(params, 0));
    if (!json_is_object(result) || !text || !hex_decode_exact(text, &hash, sizeof(hash)))
        return;
    arena_init(&arena);
    assert_int_equal(chain_reader_open(&reader, seen->chain), 0);
    expect_ok(chain_reader_transaction(&reader, &number, &index, &hash), &reader.detail);
    expect_ok(chain_reader_receipts(&reader, &receipts, &count, &arena, number), &reader.detail);
    assert_true(index < count);
    const struct eth_receipt *receipt = &receipts[index];
    assert_true(hex_u64(json_string_value(json_object_get(result, "cumulativeGasUsed")), &gas));
    assert_int_equal(receipt->cumulative_gas, gas);
    assert_string_equal(json_string_value(json_object_get(result, "status")),
                        receipt->success ? "0x1" : "0x0");
    assert_int_equal(receipt->log_count, json_array_size(json_object_get(result, "logs")));
    expect_hex(result, "logsBloom", &receipt->bloom, sizeof(receipt->bloom));
    chain_reader_close(&reader);
    arena_release(&arena);
    seen->compared++;
}

/* --- Export --- */

static void export_equals(struct chain *chain, const char *network)
{
    char folder[] = "/tmp/quorate-chain-XXXXXX", path[64], packed[64];
    struct buf whole = BUF_INIT, blocks = BUF_INIT;
    struct err_detail detail = {""};
    struct chain_head head;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/chain.rlp", folder);
    snprintf(packed, sizeof(packed), "%s/chain.rlp.gz", folder);
    recordings_read(network, "chain.rlp.gz", &whole);
    /* What geth exported may begin with genesis or block 1. */
    chain_head(chain, &head);
    uint64_t last = head.block->header.number;
    chain_head_release(&head);
    expect_ok(chain_export_file(chain, path, 0, last, false, &detail), &detail);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    uint8_t *at = buf_extend(&blocks, whole.len);
    assert_non_null(at);
    size_t got = fread(at, 1, whole.len, file);
    if (got != whole.len || memcmp(at, whole.data, whole.len) != 0) {
        fclose(file);
        expect_ok(chain_export_file(chain, path, 1, last, false, &detail), &detail);
        file = fopen(path, "rb");
        assert_non_null(file);
        got = fread(at, 1, whole.len, file);
    }
    assert_int_equal(got, whole.len);
    assert_int_equal(fgetc(file), EOF);
    fclose(file);
    assert_memory_equal(at, whole.data, whole.len);
    /* Both forms are read again. */
    struct store *store;
    struct chain *again = recorded_open(network, false, &store);
    expect_ok(chain_export_file(chain, packed, 0, last, false, &detail), &detail);
    expect_ok(chain_import_file(again, packed, NULL, NULL, &detail), &detail);
    expect_ok(chain_import_file(again, path, NULL, NULL, &detail), &detail);
    chain_head(again, &head);
    assert_int_equal(head.block->header.number, last);
    chain_head_release(&head);
    chain_free(again);
    store_free(store);
    assert_int_equal(file_remove_folder(folder, NULL), ERR_OK);
    buf_release(&whole);
    buf_release(&blocks);
}

static void compare_all(const char *network)
{
    recordings_require(network);
    static const struct {
        const char *method;
        void (*fn)(const json_t *params, const json_t *result, void *context);
    } methods[] = {
        {"eth_getBlockByNumber", compare_block},        {"eth_getBlockByHash", compare_block},
        {"istanbul_getValidators", compare_validators}, {"debug_dumpBlock", compare_dump},
        {"eth_getTransactionReceipt", compare_receipt},
    };
    struct store *store;
    struct chain *chain = recorded_open(network, true, &store);
    import_all(chain, network);
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        struct seen seen = {chain, 0};
        recordings_answers(network, methods[i].method, methods[i].fn, &seen);
        print_message("%s: %zu answers to %s\n", network, seen.compared, methods[i].method);
        if (i != 1)
            assert_true(seen.compared > 0);
    }
    export_equals(chain, network);
    chain_free(chain);
    store_free(store);
}

/* --- Back, and forward again --- */

static uint64_t head_number(struct chain *chain)
{
    struct chain_head head;
    chain_head(chain, &head);
    uint64_t number = head.block->header.number;
    chain_head_release(&head);
    return number;
}

/* What was taken back is executed again over the tables that were restored: every root proves them. */
static void go_back(const char *network, bool archive)
{
    struct store *store;
    struct err_detail detail = {""};
    struct chain *chain = recorded_open(network, archive, &store);
    import_all(chain, network);
    uint64_t top = head_number(chain);
    for (uint64_t depth = 1; depth < top; depth = depth * 3 + 1) {
        struct chain_reader reader;
        struct chain_block *block;
        struct state_reader state;
        expect_ok(chain_set_head(chain, top - depth, &detail), &detail);
        assert_int_equal(head_number(chain), top - depth);
        assert_int_equal(chain_reader_open(&reader, chain), 0);
        assert_int_equal(chain_reader_block(&reader, &block, top - depth + 1), ERR_NOTFOUND);
        expect_ok(chain_reader_block(&reader, &block, top - depth), &reader.detail);
        expect_ok(chain_reader_state(&reader, &state, top - depth), &reader.detail);
        assert_true(state.newest);
        assert_memory_equal(&state.root.hash, &block->header.state_root, 32);
        chain_block_unref(block);
        chain_reader_close(&reader);
        import_all(chain, network);
        assert_int_equal(head_number(chain), top);
    }
    chain_free(chain);
    store_free(store);
}

static void test_set_head(void **state)
{
    (void)state;
    for (size_t i = 0; i < recorded_network_count; i++) {
        recordings_require(recorded_networks[i]);
        go_back(recorded_networks[i], i % 2);
    }
    /* As far as there are notes, and no further. */
    struct store *store;
    struct err_detail detail = {""};
    struct chain *chain = recorded_open("ibft-order", false, &store);
    assert_int_equal(chain_set_head(chain, 5, &detail), ERR_NOTFOUND);
    import_all(chain, "ibft-order");
    uint64_t top = head_number(chain);
    expect_ok(chain_set_head(chain, top, &detail), &detail);
    assert_int_equal(chain_set_head(chain, 0, &detail), top > 128 ? ERR_UNSUPPORTED : 0);
    chain_free(chain);
    store_free(store);
}

static void test_qbft(void **state)
{
    (void)state;
    compare_all("qbft");
}

static void test_ibft_to_qbft(void **state)
{
    (void)state;
    compare_all("ibft-to-qbft");
}

static void test_ibft_order(void **state)
{
    (void)state;
    compare_all("ibft-order");
}

static void test_qbft_order(void **state)
{
    (void)state;
    compare_all("qbft-order");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_qbft),       cmocka_unit_test(test_ibft_to_qbft),
        cmocka_unit_test(test_ibft_order), cmocka_unit_test(test_qbft_order),
        cmocka_unit_test(test_set_head),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
