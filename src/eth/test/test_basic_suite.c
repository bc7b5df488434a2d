/* BasicTests of ethereum/tests, as far as they are about headers, difficulty and transactions. */
#include "base/hex.h"
#include "crypto/secp256k1.h"
#include "eth/block.h"
#include "eth/difficulty.h"
#include "tests/support/fixtures.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    if (!text)
        fail_msg("no %s", key);
    return text;
}

static uint64_t u64_of(const json_t *object, const char *key)
{
    uint64_t value;
    assert_true(hex_u64(text_of(object, key), &value));
    return value;
}

/* Newer files give the number of uncles, older ones the hash of their list. */
static bool has_uncles(const json_t *test)
{
    const char *text = json_string_value(json_object_get(test, "parentUncles"));
    if (!text)
        return false;
    struct hash256 hash;
    assert_true(hex_decode_exact(text, hash.b, sizeof(hash.b)));
    return !hash256_equal(&hash, &eth_empty_uncles_hash);
}

struct difficulty_file {
    struct eth_config config;
    size_t cases, impossible;
};

/*
 * Some cases have a parent that is easier than any block may be, and the suite applies the minimum
 * after the bomb (as the Yellow Paper does) where geth applies it before. On such parents the two
 * differ, by less than the minimum; geth's way is what networks follow.
 */
static void difficulty_file(const char *path, void *context)
{
    struct difficulty_file *f = context;
    const struct u256 minimum = u256_from(131072);
    json_t *file = fixtures_json(path);
    const char *name;
    json_t *test;
    json_object_foreach(file, name, test)
    {
        struct eth_difficulty_parent parent = {.timestamp = u64_of(test, "parentTimestamp"),
                                               .has_uncles = has_uncles(test)};
        struct u256 expected;
        assert_true(hex_u256(text_of(test, "parentDifficulty"), &parent.difficulty));
        assert_true(hex_u256(text_of(test, "currentDifficulty"), &expected));
        struct u256 actual = eth_difficulty(&f->config, u64_of(test, "currentBlockNumber"),
                                            u64_of(test, "currentTimestamp"), &parent);
        if (u256_less(&parent.difficulty, &minimum)) {
            struct u256 more;
            u256_sub(&more, &actual, &expected);
            assert_true(u256_less(&more, &minimum));
            f->impossible++;
        } else if (!u256_equal(&actual, &expected)) {
            fail_msg("%s, %s: %#lx and not %s", path, name, actual.w[0],
                     text_of(test, "currentDifficulty"));
        }
        f->cases++;
    }
    json_decref(file);
}

/* The chains as they were when the suite was made. */
static struct difficulty_file chain(uint64_t homestead, uint64_t byzantium, uint64_t constantinople)
{
    struct difficulty_file f = {.cases = 0};
    eth_config_init(&f.config);
    f.config.fork_start[FORK_HOMESTEAD] = homestead;
    f.config.fork_start[FORK_BYZANTIUM] = byzantium;
    f.config.fork_start[FORK_CONSTANTINOPLE] = constantinople;
    return f;
}

static void test_difficulty(void **state)
{
    (void)state;
    fixtures_require("ethereum-tests/BasicTests", "ethereum/tests");
    static const struct {
        const char *path;
        uint64_t homestead, byzantium, constantinople;
        size_t cases, impossible;
    } files[] = {
        {"ethereum-tests/BasicTests/difficulty.json", 1150000, 4370000, ETH_NEVER, 14, 0},
        {"ethereum-tests/BasicTests/difficultyCustomHomestead.json", 0, ETH_NEVER, ETH_NEVER, 120,
         90},
        {"ethereum-tests/BasicTests/difficultyCustomMainNetwork.json", 1150000, 4370000, ETH_NEVER,
         360, 270},
        {"ethereum-tests/BasicTests/difficultyMainNetwork.json", 1150000, 4370000, ETH_NEVER, 2254,
         0},
        {"ethereum-tests/BasicTests/difficultyRopsten.json", 0, 1700000, 4230000, 2254, 0},
    };
    for (size_t i = 0; i < BASE_COUNT(files); i++) {
        struct difficulty_file f =
            chain(files[i].homestead, files[i].byzantium, files[i].constantinople);
        fixtures_each(files[i].path, difficulty_file, &f);
        assert_int_equal(f.cases, files[i].cases);
        assert_int_equal(f.impossible, files[i].impossible);
    }
}

static void expect_hash(const struct hash256 *hash, const char *expected)
{
    struct hash256 wanted;
    assert_true(hex_decode_exact(expected, wanted.b, sizeof(wanted.b)));
    assert_memory_equal(hash->b, wanted.b, sizeof(wanted.b));
}

/* A block that must survive decoding and encoding. */
static void reencode_block(struct eth_block *ret_block, struct arena *arena, struct bytes encoded)
{
    struct err_detail detail;
    if (eth_block_decode(ret_block, arena, encoded, &detail) != ERR_OK)
        fail_msg("%s", detail.text);
    struct buf again = BUF_INIT;
    eth_block_write(&again, ret_block);
    assert_int_equal(again.len, encoded.len);
    assert_memory_equal(again.data, encoded.data, again.len);
    buf_release(&again);
}

static void genesis_file(const char *path, void *context)
{
    (void)context;
    json_t *file = fixtures_json(path);
    struct buf encoded = BUF_INIT;
    assert_true(fixtures_hex(file, "genesis_rlp_hex", &encoded));
    struct arena arena;
    arena_init(&arena);
    struct eth_block block;
    reencode_block(&block, &arena, buf_bytes(&encoded));
    struct hash256 hash;
    assert_int_equal(eth_header_hash(&block.header, &hash), ERR_OK);
    expect_hash(&hash, text_of(file, "genesis_hash"));
    expect_hash(&block.header.state_root, text_of(file, "genesis_state_root"));
    assert_true(hash256_equal(&block.header.uncles_hash, &eth_empty_uncles_hash));
    assert_true(hash256_equal(&block.header.transactions_root, &eth_empty_trie_root));
    assert_int_equal(block.header.tail, ETH_HEADER_PLAIN);
    assert_int_equal(block.header.gas_limit, 5000);
    assert_int_equal(block.header.difficulty.w[0], 17179869184);
    arena_release(&arena);
    buf_release(&encoded);
    json_decref(file);
}

static void test_genesis_hash(void **state)
{
    (void)state;
    fixtures_require("ethereum-tests/BasicTests", "ethereum/tests");
    assert_int_equal(
        fixtures_each("ethereum-tests/BasicTests/genesishashestest.json", genesis_file, NULL), 1);
}

/* A block of blockgenesistest.json. It is older than the header that every chain has (no bloom, no
 * mix hash, and its nonce is a hash), so it is well-formed RLP and no block. */
static void test_old_genesis(void **state)
{
    (void)state;
    static const char hex[] = "f892f88ea00000000000000000000000000000000000000000000000000000000000"
                              "000000a01dcc4de8dec75d7"
                              "aab85b567b6ccd41ad312451b948a7413f0a142fd40d493479400000000000000000"
                              "00000000000000000000000"
                              "8080834000008087038d7ea4c68000830f4240808080a004994f67dc55b09e814ab7"
                              "ffc8df3686b4afb2bb53e60e"
                              "ae97ef043fe03fb829c0c0";
    struct buf encoded = BUF_INIT;
    assert_int_equal(hex_decode(hex, &encoded), ERR_OK);
    assert_int_equal(rlp_validate(buf_bytes(&encoded)), RLP_OK);
    struct arena arena;
    arena_init(&arena);
    struct eth_block block;
    struct err_detail detail;
    assert_int_equal(eth_block_decode(&block, &arena, buf_bytes(&encoded), &detail), ERR_INPUT);
    assert_string_equal(detail.text, "block: state root at byte 91: fewer bytes than it must have");
    arena_release(&arena);
    buf_release(&encoded);
}

/* Builds the transaction from its fields; the signature is another program's, with its own nonces,
 * so ours is compared by whom it names. */
static void build(struct eth_transaction *tx, const json_t *test, struct buf *data)
{
    *tx = (struct eth_transaction){.type = ETH_LEGACY};
    const char *to = text_of(test, "to");
    tx->is_creation = *to == 0;
    if (!tx->is_creation)
        assert_true(hex_decode_exact(to, tx->to.b, sizeof(tx->to.b)));
    tx->nonce = (uint64_t)json_integer_value(json_object_get(test, "nonce"));
    tx->max_fee = u256_from((uint64_t)json_integer_value(json_object_get(test, "gasprice")));
    tx->gas_limit = (uint64_t)json_integer_value(json_object_get(test, "startgas"));
    tx->value = u256_from((uint64_t)json_integer_value(json_object_get(test, "value")));
    assert_true(fixtures_hex(test, "data", data));
    tx->data = buf_bytes(data);
}

static void expect_encoding(const json_t *test, const char *key, const struct eth_transaction *tx)
{
    struct buf expected = BUF_INIT, actual = BUF_INIT;
    assert_true(fixtures_hex(test, key, &expected));
    eth_transaction_encode(&actual, tx);
    assert_true(bytes_equal(buf_bytes(&expected), buf_bytes(&actual)));
    buf_release(&expected);
    buf_release(&actual);
}

static void transaction_case(const json_t *test)
{
    const struct eth_rules rules = {.fork = FORK_FRONTIER, .chain_id = {{1}}};
    struct crypto_private_key key;
    struct crypto_public_key public_key;
    struct address signer;
    assert_true(hex_decode_exact(text_of(test, "key"), key.b, sizeof(key.b)));
    assert_true(crypto_public_key_of(&public_key, &key));
    crypto_address_of(&signer, &public_key);

    struct buf data = BUF_INIT, encoded = BUF_INIT;
    struct eth_transaction tx, theirs;
    build(&tx, test, &data);
    expect_encoding(test, "unsigned", &tx);

    struct arena arena;
    arena_init(&arena);
    assert_true(fixtures_hex(test, "signed", &encoded));
    assert_int_equal(eth_transaction_decode(&theirs, &arena, buf_bytes(&encoded), NULL), ERR_OK);
    enum eth_tx_status status;
    assert_int_equal(eth_transaction_recover(&theirs, &status, &rules), ERR_OK);
    assert_int_equal(status, ETH_TX_OK);
    assert_true(address_equal(&theirs.sender, &signer));
    tx.v = theirs.v, tx.r = theirs.r, tx.s = theirs.s;
    expect_encoding(test, "signed", &tx);
    arena_release(&arena);
    buf_release(&data);
    buf_release(&encoded);
}

static void transaction_file(const char *path, void *context)
{
    size_t *cases = context;
    json_t *file = fixtures_json(path);
    for (size_t i = 0; i < json_array_size(file); i++, ++*cases)
        transaction_case(json_array_get(file, i));
    json_decref(file);
}

static void test_transactions(void **state)
{
    (void)state;
    fixtures_require("ethereum-tests/BasicTests", "ethereum/tests");
    size_t cases = 0;
    fixtures_each("ethereum-tests/BasicTests/txtest.json", transaction_file, &cases);
    assert_int_equal(cases, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_difficulty),
        cmocka_unit_test(test_genesis_hash),
        cmocka_unit_test(test_old_genesis),
        cmocka_unit_test(test_transactions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
