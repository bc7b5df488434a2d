/* Extra data, hashes and seals against bytes that the reference's own encoders made; sets; what holds at a height. */
#include "base/hex.h"
#include "consensus/istanbul/hash.h"
#include "consensus/istanbul/seals.h"
#include "consensus/istanbul/snapshot.h"
#include "crypto/secp256k1.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define A1     "1a642f0e3c3af545e7acbd38b07251b3990914f1"
#define A2     "5050a4f4b3f9338c3472dcc01a87c76a144b3c9c"
#define ZERO32 "0000000000000000000000000000000000000000000000000000000000000000"

static struct buf unhex(const char *text)
{
    struct buf b = BUF_INIT;
    assert_int_equal(hex_decode(text, &b), ERR_OK);
    return b;
}

static struct address address_of(const char *text)
{
    struct address a;
    assert_true(hex_decode_exact(text, a.b, sizeof(a.b)));
    return a;
}

static void expect_bytes(const void *actual, size_t len, const char *expected)
{
    char text[1024] = {0};
    assert_true(2 * len < sizeof(text));
    hex_encode(text, bytes_of(actual, len));
    assert_string_equal(text, expected);
}

static struct istanbul_seal sign(uint8_t key_byte, const struct hash256 *digest)
{
    struct crypto_private_key key;
    struct crypto_signature signature;
    struct istanbul_seal seal;
    memset(key.b, key_byte, sizeof(key.b));
    assert_true(crypto_ecdsa_sign(&signature, digest, &key));
    memcpy(seal.b, signature.rs, 64);
    seal.b[64] = signature.recovery_id;
    return seal;
}

static struct eth_header header_of(const char *coinbase, struct bytes extra)
{
    struct eth_header h = {
        .uncles_hash = eth_empty_uncles_hash,
        .coinbase = address_of(coinbase),
        .transactions_root = eth_empty_trie_root,
        .receipts_root = eth_empty_trie_root,
        .difficulty = u256_from(1),
        .number = 5,
        .gas_limit = 0xe0000000,
        .timestamp = 1700000000,
        .extra = extra,
        .mix_hash = istanbul_digest,
    };
    memset(h.parent_hash.b, 0x11, 32);
    memset(h.state_root.b, 0x22, 32);
    return h;
}

static const char qbft_extra[] = "f84fa0" ZERO32 "ea94" A1 "94" A2 "c080c0";

static void qbft_vectors(void **state)
{
    (void)state;
    struct buf extra = unhex(qbft_extra), made = BUF_INIT, sealed = BUF_INIT;
    struct address both[] = {address_of(A2), address_of(A1)};
    istanbul_extra_prepare(&made, ISTANBUL_QBFT, bytes_none(), both, 2, NULL, false);
    assert_true(bytes_equal(buf_bytes(&made), buf_bytes(&extra)));

    struct eth_header h = header_of(A1, buf_bytes(&extra));
    struct hash256 hash, digest;
    assert_int_equal(istanbul_block_hash(&h, &hash), ERR_OK);
    expect_bytes(hash.b, 32, "22f34fd3088da4cc1739671a8fc5c8dc91e610b6901c9c3ff206376fa2e37f42");
    assert_int_equal(istanbul_commit_digest(ISTANBUL_QBFT, &h, 0, &digest), ERR_OK);
    assert_true(hash256_equal(&hash, &digest));
    struct istanbul_seal seal = sign(1, &digest);
    expect_bytes(seal.b, 65,
                 "0833652d6d5f0ebb412000c421c72554c0a1fcc103ff3be0898809def30f09b40af24b7bd176e15a0"
                 "2e9bb28e228673ac37c71944d39666ff660ed4661ede7a501");
    assert_int_equal(istanbul_commit_digest(ISTANBUL_QBFT, &h, 1, &digest), ERR_OK);
    expect_bytes(digest.b, 32, "57ddd2dfa2a7c7ab984df4383e523e407d0463008296e4cfaf845f49340ef11c");
    seal = sign(1, &digest);
    expect_bytes(seal.b, 65,
                 "5af9396164b70cc1142a3e8d32d08a8182c183d32f6de43d96841a31dafa33ac2526385793092a3c9"
                 "d17c1f198c5ca21ebf2b84432499dc935fa428d6a0556ba00");

    assert_int_equal(
        istanbul_extra_put_commits(&sealed, ISTANBUL_QBFT, buf_bytes(&extra), 1, &seal, 1), ERR_OK);
    expect_bytes(sealed.data, sealed.len,
                 "f893a0" ZERO32 "ea94" A1 "94" A2 "c001f843b841"
                 "5af9396164b70cc1142a3e8d32d08a8182c183d32f6de43d96841a31dafa33ac2526385793092a3c9"
                 "d17c1f198c5ca21ebf2b84432499dc935fa428d6a0556ba00");
    h.extra = buf_bytes(&sealed);
    struct hash256 again;
    assert_int_equal(istanbul_block_hash(&h, &again), ERR_OK);
    assert_true(hash256_equal(&hash, &again));
    struct buf signers = BUF_INIT;
    assert_int_equal(istanbul_committers(ISTANBUL_QBFT, &h, &signers), ISTANBUL_VALID);
    expect_bytes(signers.data, signers.len, A1);
    buf_release(&signers);
    buf_release(&extra);
    buf_release(&made);
    buf_release(&sealed);
}

static void expect_vote_extra(bool authorize, const char *expected)
{
    struct buf b = BUF_INIT;
    struct address both[] = {address_of(A1), address_of(A2)}, candidate;
    bool read;
    istanbul_extra_prepare(&b, ISTANBUL_QBFT, bytes_none(), both, 2, both, authorize);
    expect_bytes(b.data, b.len, expected);
    struct eth_header h = header_of(A1, buf_bytes(&b));
    assert_int_equal(istanbul_read_vote(ISTANBUL_QBFT, &h, &candidate, &read), ISTANBUL_VALID);
    assert_true(address_equal(&candidate, both));
    assert_int_equal(read, authorize);
    buf_release(&b);
}

static void qbft_votes(void **state)
{
    (void)state;
    expect_vote_extra(true, "f866a0" ZERO32 "ea94" A1 "94" A2 "d794" A1 "81ff80c0");
    expect_vote_extra(false, "f865a0" ZERO32 "ea94" A1 "94" A2 "d694" A1 "8080c0");
    struct buf b = BUF_INIT;
    istanbul_extra_prepare(&b, ISTANBUL_QBFT, bytes_none(), NULL, 0, NULL, false);
    expect_bytes(b.data, b.len, "e5a0" ZERO32 "c0c080c0");
    buf_clear(&b);
    assert_int_equal(hex_decode("f865a0" ZERO32 "ea94" A1 "94" A2 "d694" A1 "0180c0", &b), ERR_OK);
    struct eth_header h = header_of(A1, buf_bytes(&b));
    struct address candidate;
    bool authorize;
    assert_int_equal(istanbul_read_vote(ISTANBUL_QBFT, &h, &candidate, &authorize),
                     ISTANBUL_BAD_VOTE);
    h.extra = bytes_slice(buf_bytes(&b), 0, 31);
    assert_int_equal(istanbul_read_vote(ISTANBUL_QBFT, &h, &candidate, &authorize), ISTANBUL_VALID);
    assert_true(address_is_zero(&candidate) && !authorize);
    h.extra = bytes_slice(buf_bytes(&b), 0, 33);
    assert_int_equal(istanbul_read_vote(ISTANBUL_QBFT, &h, &candidate, &authorize),
                     ISTANBUL_BAD_EXTRA);
    buf_release(&b);
}

static void refused_extra(void **state)
{
    (void)state;
    static const struct {
        enum istanbul_engine form;
        const char *hex;
    } cases[] = {
        {ISTANBUL_QBFT, "f84fa0" ZERO32 "ea94" A1 "94" A2 "8080c0"},   /* no vote as a string */
        {ISTANBUL_QBFT, "f850a0" ZERO32 "ea94" A1 "94" A2 "c08100c0"}, /* round not shortest */
        {ISTANBUL_QBFT, "f854a0" ZERO32 "ea94" A1 "94" A2 "c0850100000000c0"}, /* over 32 bits */
        {ISTANBUL_QBFT, "f84ea0" ZERO32 "ea94" A1 "94" A2 "c080"},             /* seals missing */
        {ISTANBUL_QBFT, "f84fa0" ZERO32 "ea94" A1 "94" A2 "c080c000"}, /* bytes after the end */
        {ISTANBUL_QBFT, "f850a0" ZERO32 "ea94" A1 "94" A2 "c080c080"}, /* an item too many */
        {ISTANBUL_QBFT, "f850a0" ZERO32 "ea94" A1 "94" A2 "c080c1c0"}, /* a seal that is a list */
        {ISTANBUL_QBFT, "f84ea0" ZERO32 "e994" A1 "93" A2 "c080c0"},
        {ISTANBUL_IBFT, ZERO32},
        {ISTANBUL_IBFT, "00"},
        {ISTANBUL_IBFT, ZERO32 "edea94" A1 "94" A2 "80c000"},
        {ISTANBUL_IBFT, ZERO32 "edea94" A1 "94" A2 "c0c0"},
        {ISTANBUL_IBFT, ZERO32 "edea94" A1 "94" A2 "8080"},
    };
    struct istanbul_extra extra;
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        struct buf b = unhex(cases[i].hex);
        assert_false(istanbul_extra_decode(&extra, cases[i].form, buf_bytes(&b)));
        buf_release(&b);
    }
}

static void ibft_vectors(void **state)
{
    (void)state;
    struct buf extra = BUF_INIT, sealed = BUF_INIT, committed = BUF_INIT;
    struct address both[] = {address_of(A1), address_of(A2)};
    istanbul_extra_prepare(&extra, ISTANBUL_IBFT, bytes_none(), both, 2, NULL, false);
    expect_bytes(extra.data, extra.len, ZERO32 "edea94" A1 "94" A2 "80c0");
    struct eth_header h = header_of("0000000000000000000000000000000000000000", buf_bytes(&extra));
    struct hash256 digest, hash;
    assert_int_equal(istanbul_proposer_digest(&h, &digest), ERR_OK);
    struct istanbul_seal seal = sign(1, &digest);
    expect_bytes(seal.b, 65,
                 "70b8e3395b8b8c54016264d321c2d88c623d4c7b04def2180bdd74c9c69a083130ecc71268fe898a2"
                 "8fab089d99593ab6577d1b63a261be4f63cce31e0cc094100");
    struct address author;
    assert_int_equal(istanbul_author(ISTANBUL_IBFT, &h, &author), ISTANBUL_SEAL_LENGTH);
    assert_int_equal(istanbul_extra_put_seal(&sealed, buf_bytes(&extra), &seal), ERR_OK);
    h.extra = buf_bytes(&sealed);
    assert_int_equal(istanbul_author(ISTANBUL_IBFT, &h, &author), ISTANBUL_VALID);
    assert_true(address_equal(&author, &both[0]));
    assert_int_equal(istanbul_block_hash(&h, &hash), ERR_OK);
    expect_bytes(hash.b, 32, "f94a09385868a7cfdcbfbc3d77c3154925f753a662f1d9caeeb158f0df6ba484");
    assert_int_equal(istanbul_commit_digest(ISTANBUL_IBFT, &h, 3, &digest), ERR_OK);
    seal = sign(1, &digest);
    expect_bytes(seal.b, 65,
                 "448cb1d228c6569804d31b6656136369e78c559565b13cc1a90819dc8ef6692c09d027aee920376c3"
                 "81e6bc7b27f0941197c2fb0754e99367d41be623ddebdaf01");
    assert_int_equal(
        istanbul_extra_put_commits(&committed, ISTANBUL_IBFT, buf_bytes(&sealed), 3, &seal, 1),
        ERR_OK);
    h.extra = buf_bytes(&committed);
    struct hash256 again;
    assert_int_equal(istanbul_block_hash(&h, &again), ERR_OK);
    assert_true(hash256_equal(&hash, &again));
    assert_int_equal(istanbul_extra_put_seal(&extra, bytes_none(), &seal), ERR_INPUT);
    buf_release(&extra);
    buf_release(&sealed);
    buf_release(&committed);
}

/* A header of another engine, or whose extra data is of neither form, is hashed as it is. */
static void other_hashes(void **state)
{
    (void)state;
    struct buf extra = unhex(qbft_extra);
    struct eth_header h = header_of(A1, buf_bytes(&extra));
    struct hash256 plain, hash;
    h.extra = bytes_str("no extra data of Istanbul");
    assert_int_equal(eth_header_hash(&h, &plain), ERR_OK);
    assert_int_equal(istanbul_block_hash(&h, &hash), ERR_OK);
    assert_true(hash256_equal(&plain, &hash));
    buf_release(&extra);
}

static struct istanbul_set set_of(size_t count)
{
    struct istanbul_set set = ISTANBUL_SET_INIT;
    for (size_t i = 0; i < count; i++) {
        struct address a = {{0}};
        a.b[0] = (uint8_t)(count - i);
        assert_int_equal(istanbul_set_add(&set, &a), ERR_OK);
    }
    return set;
}

static void sizes(void **state)
{
    (void)state;
    static const size_t table[][4] = {{1, 0, 1, 1}, {2, 0, 1, 2}, {3, 0, 1, 2}, {4, 1, 3, 3},
                                      {5, 1, 3, 4}, {6, 1, 3, 4}, {7, 2, 5, 5}, {10, 3, 7, 7}};
    for (size_t i = 0; i < BASE_COUNT(table); i++) {
        struct istanbul_set set = set_of(table[i][0]);
        assert_int_equal(istanbul_set_faults(&set), table[i][1]);
        assert_int_equal(istanbul_set_quorum(&set, true), table[i][2]);
        assert_int_equal(istanbul_set_quorum(&set, false), table[i][3]);
        istanbul_set_release(&set);
    }
}

/* By bytes a001, a002, b001, c003; by text 0xA0…01, 0xC0…03, 0xa0…02, 0xb0…01. */
static void orders(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "c000000000000000000000000000000000000003", "a000000000000000000000000000000000000002",
        "b000000000000000000000000000000000000001", "a000000000000000000000000000000000000001"};
    static const size_t by_text[] = {0, 3, 1, 2};
    struct address members[4];
    for (size_t i = 0; i < 4; i++)
        members[i] = address_of(texts[i]);
    struct istanbul_set set = ISTANBUL_SET_INIT;
    assert_int_equal(istanbul_set_assign(&set, members, 4), ERR_OK);
    for (size_t i = 0; i < 4; i++)
        assert_ptr_equal(istanbul_set_at(&set, ISTANBUL_BY_TEXT, i), &set.members[by_text[i]]);
    const struct address none = {{0}}, *c003 = &set.members[3], *b001 = &set.members[2];
    assert_ptr_equal(istanbul_set_proposer(&set, ISTANBUL_BY_BYTES, ISTANBUL_ROUND_ROBIN, &none, 5),
                     &set.members[1]);
    assert_ptr_equal(istanbul_set_proposer(&set, ISTANBUL_BY_BYTES, ISTANBUL_ROUND_ROBIN, b001, 0),
                     c003);
    assert_ptr_equal(istanbul_set_proposer(&set, ISTANBUL_BY_TEXT, ISTANBUL_ROUND_ROBIN, b001, 0),
                     &set.members[0]);
    assert_ptr_equal(istanbul_set_proposer(&set, ISTANBUL_BY_TEXT, ISTANBUL_STICKY, c003, 0), c003);
    assert_ptr_equal(istanbul_set_proposer(&set, ISTANBUL_BY_TEXT, ISTANBUL_STICKY, c003, 1),
                     &set.members[1]);
    assert_ptr_equal(
        istanbul_set_proposer(&set, ISTANBUL_BY_BYTES, ISTANBUL_ROUND_ROBIN, c003, UINT64_MAX),
        istanbul_set_proposer(&set, ISTANBUL_BY_BYTES, ISTANBUL_ROUND_ROBIN, c003, 3));

    struct address removed = *b001;
    assert_true(istanbul_set_remove(&set, &removed));
    assert_false(istanbul_set_remove(&set, &removed));
    assert_int_equal(set.count, 3);
    assert_true(address_equal(istanbul_set_at(&set, ISTANBUL_BY_TEXT, 1), &members[0]));
    assert_true(address_equal(istanbul_set_at(&set, ISTANBUL_BY_TEXT, 2), &members[1]));
    /* A contract may name one twice. */
    struct address twice[] = {members[0], members[1], members[0]};
    assert_int_equal(istanbul_set_assign(&set, twice, 3), ERR_OK);
    assert_int_equal(set.count, 3);
    assert_true(istanbul_set_remove(&set, &members[0]));
    assert_true(istanbul_set_has(&set, &members[0]));
    struct istanbul_set copy = ISTANBUL_SET_INIT;
    assert_int_equal(istanbul_set_copy(&copy, &set), ERR_OK);
    assert_true(istanbul_set_equal(&copy, &set));
    assert_int_equal(istanbul_set_assign(&copy, members, ISTANBUL_SET_MAX + 1), ERR_LIMIT);
    assert_true(istanbul_set_equal(&copy, &set));
    istanbul_set_release(&copy);
    istanbul_set_release(&set);
}

static void at_a_height(void **state)
{
    (void)state;
    const struct address list[] = {address_of(A1)}, contract = address_of(A2);
    const struct istanbul_transition transitions[] = {
        {.block = 10, .block_period = 2, .request_timeout = 4, .epoch = 7},
        {.block = 20,
         .has_engine = true,
         .engine = ISTANBUL_QBFT,
         .has_two_f_plus_one = true,
         .two_f_plus_one = true,
         .has_block_reward = true,
         .block_reward = u256_from(9)},
        {.block = 30,
         .validators = list,
         .validator_count = 1,
         .has_max_request_timeout = true,
         .max_request_timeout = 60,
         .beneficiary_mode = ISTANBUL_BENEFICIARY_OTHER,
         .has_beneficiary = true,
         .beneficiary = list[0]},
        {.block = 40,
         .mode = ISTANBUL_MODE_CONTRACT,
         .validator_contract = contract,
         .has_beneficiary = true,
         .beneficiary = contract,
         .has_empty_block_period = true,
         .empty_block_period = 8},
        {.block = 50,
         .mode = ISTANBUL_MODE_HEADER,
         .has_two_f_plus_one = true,
         .beneficiary_mode = ISTANBUL_BENEFICIARY_VALIDATOR},
        /* Out of order: ends the search before it begins. */
        {.block = 70, .block_period = 3},
        {.block = 60, .block_period = 99},
    };
    struct istanbul_config c;
    istanbul_config_init(&c);
    c.qbft_block = ISTANBUL_NEVER;
    c.ceil_2n_by_3_block = 5;
    c.transitions = transitions;
    c.transition_count = BASE_COUNT(transitions);
    struct istanbul_params p;
    istanbul_params_at(&c, 4, &p);
    assert_true(p.two_f_plus_one && p.engine == ISTANBUL_IBFT && p.block_period == 5);
    assert_true(p.request_timeout_ms == 10000 && p.epoch == 30000 && p.max_request_timeout_ms == 0);
    istanbul_params_at(&c, 10, &p);
    assert_true(!p.two_f_plus_one && p.block_period == 2 && p.request_timeout_ms == 4000);
    assert_int_equal(p.epoch, 7);
    istanbul_params_at(&c, 39, &p);
    assert_true(p.engine == ISTANBUL_QBFT && p.two_f_plus_one && p.block_reward.w[0] == 9);
    assert_int_equal(p.max_request_timeout_ms, 60000);
    assert_int_equal(p.beneficiary_mode, ISTANBUL_BENEFICIARY_VALIDATOR);
    istanbul_params_at(&c, 40, &p);
    assert_int_equal(p.beneficiary_mode, ISTANBUL_BENEFICIARY_FIXED);
    assert_true(address_equal(&p.beneficiary, &contract) && p.empty_block_period == 8);
    istanbul_params_at(&c, 65, &p);
    assert_true(p.block_period == 2 && !p.two_f_plus_one);
    assert_int_equal(p.beneficiary_mode, ISTANBUL_BENEFICIARY_VALIDATOR);

    struct address asked;
    size_t count;
    assert_false(istanbul_contract_at(&c, 39, &asked));
    assert_true(istanbul_contract_at(&c, 40, &asked) && address_equal(&asked, &contract));
    assert_false(istanbul_contract_at(&c, 50, &asked));
    assert_null(istanbul_validators_at(&c, 0, &count));
    assert_ptr_equal(istanbul_validators_at(&c, 30, &count), list);
    assert_int_equal(count, 1);
    assert_null(istanbul_validators_at(&c, 31, &count));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(qbft_vectors),  cmocka_unit_test(qbft_votes),
        cmocka_unit_test(refused_extra), cmocka_unit_test(ibft_vectors),
        cmocka_unit_test(other_hashes),  cmocka_unit_test(sizes),
        cmocka_unit_test(orders),        cmocka_unit_test(at_a_height),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
