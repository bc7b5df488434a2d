/* QBFT's messages: the reference's own bytes (computed with its encoders), what is refused, what a set of messages proves. */
#include "base/hex.h"
#include "consensus/istanbul/hash.h"
#include "consensus/qbft/certificate.h"
#include "consensus/test/kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define HASH "22f34fd3088da4cc1739671a8fc5c8dc91e610b6901c9c3ff206376fa2e37f42"
#define SEAL                                                                                       \
    "0833652d6d5f0ebb412000c421c72554c0a1fcc103ff3be0898809def30f09b4"                             \
    "0af24b7bd176e15a02e9bb28e228673ac37c71944d39666ff660ed4661ede7a501"
#define PREPARE                                                                                    \
    "f867e30580a0" HASH "b84158b8cc9e20a66bdee29b79bb24e0701d18fb7bb646e52a1d95058e20ac78bf5c"     \
    "5452cad692fef2cd5330b8fa0d819b3019b930c5273880cc913161c68cc487ca00"

/* ---- the vectors: header H, signed by K1, the key of bytes 0x01 ---- */

static struct consensus_block *block_h(void)
{
    static const char *const extra_text =
        "f84fa00000000000000000000000000000000000000000000000000000000000000000ea941a642f0e3c3af545"
        "e7acbd38b07251b3990914f1945050a4f4b3f9338c3472dcc01a87c76a144b3c9cc080c0";
    struct buf extra = BUF_INIT, b = BUF_INIT;
    struct consensus_block *block;
    struct eth_header h = {.number = 5,
                           .timestamp = 1700000000,
                           .gas_limit = 0xe0000000,
                           .uncles_hash = eth_empty_uncles_hash,
                           .transactions_root = eth_empty_trie_root,
                           .receipts_root = eth_empty_trie_root,
                           .mix_hash = istanbul_digest};
    memset(h.parent_hash.b, 0x11, 32);
    memset(h.state_root.b, 0x22, 32);
    h.difficulty.w[0] = 1;
    assert_true(hex_decode_exact("1a642f0e3c3af545e7acbd38b07251b3990914f1", h.coinbase.b, 20));
    assert_int_equal(hex_decode(extra_text, &extra), ERR_OK);
    h.extra = buf_bytes(&extra);
    size_t list = rlp_begin(&b);
    eth_header_write(&b, &h);
    rlp_end_list(&b, rlp_begin(&b));
    rlp_end_list(&b, rlp_begin(&b));
    rlp_end_list(&b, list);
    assert_int_equal(consensus_block_new(&block, buf_bytes(&b), NULL), ERR_OK);
    buf_release(&extra);
    buf_release(&b);
    return block;
}

static void sign(struct qbft_message *m, uint8_t signature[CONSENSUS_SEAL_SIZE])
{
    struct crypto_private_key key;
    struct hash256 digest;
    memset(key.b, 1, sizeof(key.b));
    qbft_message_digest(m, &digest);
    kit_sign(&key, &digest, signature);
    m->signature = bytes_of(signature, CONSENSUS_SEAL_SIZE);
}

static void expect_hex(struct bytes data, const char *expected)
{
    char *text = calloc(1, 2 * data.len + 1);
    assert_non_null(text);
    hex_encode(text, data);
    assert_string_equal(text, expected);
    free(text);
}

/* The encoding of `m`, and that it is decoded to the same. */
static void expect_message(const struct qbft_message *m, const char *expected)
{
    struct buf b = BUF_INIT, again = BUF_INIT;
    struct arena arena;
    struct qbft_message decoded;
    struct err_detail detail;
    arena_init(&arena);
    qbft_message_write(&b, m);
    expect_hex(buf_bytes(&b), expected);
    if (qbft_message_decode(&decoded, &arena, m->code, buf_bytes(&b), &detail))
        fail_msg("%s", detail.text);
    qbft_message_write(&again, &decoded);
    assert_true(bytes_equal(buf_bytes(&b), buf_bytes(&again)));
    arena_release(&arena);
    buf_release(&b);
    buf_release(&again);
}

/* "<head><block><tail>", for messages that carry H. */
static char *around(const char *head, const struct consensus_block *block, const char *tail)
{
    struct buf middle = BUF_INIT;
    hex_append(&middle, block->rlp);
    size_t size = strlen(head) + middle.len + strlen(tail) + 1;
    char *text = calloc(1, size);
    assert_non_null(text);
    snprintf(text, size, "%s%s%s", head, buf_text(&middle) + 2, tail);
    buf_release(&middle);
    return text;
}

static void votes(void **state)
{
    (void)state;
    struct consensus_block *block = block_h();
    uint8_t signature[CONSENSUS_SEAL_SIZE], seal[CONSENSUS_SEAL_SIZE];
    struct qbft_message m = {
        .code = CONSENSUS_QBFT_PREPARE, .number = 5, .round = 0, .digest = block->hash};
    expect_hex(bytes_of(block->hash.b, 32), HASH);
    sign(&m, signature);
    expect_message(&m, PREPARE);

    assert_true(hex_decode_exact(SEAL, seal, sizeof(seal)));
    m.code = CONSENSUS_QBFT_COMMIT;
    m.seal = bytes_of(seal, sizeof(seal));
    sign(&m, signature);
    expect_message(&m, "f8abf8660580a0" HASH "b841" SEAL
                       "b8415b3887d2bc0cc3c328f335f544b3c3945c9a0eddb36fbd477a9486bb647f4fca"
                       "1bb2d25073cc8115eef834ee0957a4c5e31e753a4be8620b95b0ebffa91d2bc201");
    consensus_block_unref(block);
}

static void round_changes(void **state)
{
    (void)state;
    struct consensus_block *block = block_h();
    uint8_t signature[CONSENSUS_SEAL_SIZE], other[CONSENSUS_SEAL_SIZE];
    struct qbft_message m = {.code = CONSENSUS_QBFT_ROUND_CHANGE, .number = 5, .round = 1};
    sign(&m, signature);
    expect_message(&m, "f84bf847c30501c0b84129f8ae1a875e03c84dae3f30efe1d7d15faef5b7013c733446f345"
                       "c8423fa6bc3d4ec4c13daeb5a5ae4fe1e73fbfaa56d30c5c9797a82709c8fda2428ca6f989"
                       "01c0c0");

    struct qbft_message p = {.code = CONSENSUS_QBFT_PREPARE, .number = 5, .digest = block->hash};
    sign(&p, other);
    struct qbft_prepare prepare = qbft_prepare_of(&p);
    m.prepared = true;
    m.digest = block->hash;
    m.block = block->rlp;
    m.prepares = &prepare;
    m.prepare_count = 1;
    sign(&m, signature);
    char *text =
        around("f90325f869e50501e280a0" HASH
               "b841fd42dc6f7c1c71499ba337138929a9854d0973c6b6aeaffa6dbca4bc25fa72471ea486a0a0c413"
               "929d71d61eb4004a36951e4c05d2a68abb4d3de102a026e5ee00",
               block, "f869" PREPARE);
    expect_message(&m, text);
    free(text);
    consensus_block_unref(block);
}

static void proposal(void **state)
{
    (void)state;
    struct consensus_block *block = block_h();
    uint8_t signature[CONSENSUS_SEAL_SIZE];
    struct qbft_message m = {.code = CONSENSUS_QBFT_PRE_PREPARE, .number = 5, .block = block->rlp};
    sign(&m, signature);
    char *text = around("f9029df90297f902510580", block,
                        "b841d764203a5ff77af3e05301edd2f64861a235dc8158982106aa212d8dc3ccf8186ef9"
                        "bad150e98f3d71dac76c4b5e3d88b9300a0ff6bf8b06a52fa0b24cd293fe01c2c0c0");
    expect_message(&m, text);
    free(text);
    consensus_block_unref(block);
}

/* ---- what is refused ---- */

static void refusals(void **state)
{
    (void)state;
    static const struct {
        unsigned code;
        const char *hex, *text;
    } cases[] = {
        {0x11, "c0", "message code 0x11 is not one of QBFT's"},
        {0x13, "", "PREPARE: message at byte 0: an item is missing"},
        {0x13, "c2c080", "PREPARE: number at byte 2: an item is missing"},
        {0x13, "eae80585ffffffffffa0" HASH "80", "PREPARE: round at byte 9: an integer too large"},
        {0x14, "c2c005", "COMMIT: number at byte 2: an item is missing"},
        {0x12, "c6c4c3058080c0", "PRE-PREPARE: block at byte 5: a string where a list belongs"},
        {0x15, "c8c5c30501c08001c0",
         "ROUND-CHANGE: block at byte 8: a string where a list belongs"},
        {0x15, "c8c5c30501c080c005",
         "ROUND-CHANGE: PREPAREs at byte 9: a string where a list belongs"},
    };
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        struct buf b = BUF_INIT;
        struct arena arena;
        struct qbft_message m;
        struct err_detail detail;
        arena_init(&arena);
        assert_int_equal(hex_decode(cases[i].hex, &b), ERR_OK);
        assert_int_equal(qbft_message_decode(&m, &arena, cases[i].code, buf_bytes(&b), &detail),
                         ERR_INPUT);
        assert_string_equal(detail.text, cases[i].text);
        arena_release(&arena);
        buf_release(&b);
    }
}

/* The reference takes 80 for an absent block or absent PREPAREs too, but writes c0. */
static void leniency(void **state)
{
    (void)state;
    static const char *const forms[] = {"c8c5c30501c08080c0", "c8c5c30501c080c080",
                                        "c8c5c30501c0808080", "c8c5c30501c080c0c0"};
    for (size_t i = 0; i < BASE_COUNT(forms); i++) {
        struct buf b = BUF_INIT, again = BUF_INIT;
        struct arena arena;
        struct qbft_message m;
        arena_init(&arena);
        assert_int_equal(hex_decode(forms[i], &b), ERR_OK);
        assert_int_equal(qbft_message_decode(&m, &arena, 0x15, buf_bytes(&b), NULL), ERR_OK);
        assert_int_equal(m.block.len, 0);
        qbft_message_write(&again, &m);
        expect_hex(buf_bytes(&again), "c8c5c30501c080c0c0");
        arena_release(&arena);
        buf_release(&b);
        buf_release(&again);
    }
}

/* ---- certificates ---- */

struct proof {
    struct kit kit;
    struct qbft_checker checker;
    struct consensus_block *block, *other;
    struct kit_message *changes[4];
};

static int setup(void **state)
{
    struct proof *p = calloc(1, sizeof(*p));
    kit_init(&p->kit, 4, 1);
    qbft_checker_init(&p->checker);
    p->checker.set = &p->kit.set;
    p->checker.quorum = 3;
    p->block = kit_block(&p->kit, p->kit.genesis, 0, KIT_GENESIS_TIME + 1, true, 1);
    p->other = kit_block(&p->kit, p->kit.genesis, 1, KIT_GENESIS_TIME + 1, true, 2);
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    struct proof *p = *state;
    for (size_t i = 0; i < BASE_COUNT(p->changes); i++)
        kit_free(p->changes[i]);
    consensus_block_unref(p->block);
    consensus_block_unref(p->other);
    qbft_checker_release(&p->checker);
    kit_release(&p->kit);
    free(p);
    return 0;
}

static void prepared_certificates(void **state)
{
    struct proof *p = *state;
    struct kit_message *m = kit_round_change(&p->kit, 0, 1, 1, p->block, 0, 3);
    const struct hash256 *hash = &p->block->hash;
    assert_int_equal(qbft_check_prepared(&p->checker, &m->m, hash), QBFT_VALID);
    assert_int_equal(qbft_check_prepared(&p->checker, &m->m, NULL), QBFT_NO_BLOCK);
    assert_int_equal(qbft_check_prepared(&p->checker, &m->m, &p->other->hash), QBFT_OTHER_BLOCK);
    m->m.prepare_count = 2;
    assert_int_equal(qbft_check_prepared(&p->checker, &m->m, hash), QBFT_FEW_PREPARES);
    m->m.prepare_count = 3;
    m->m.prepared_round = 1;
    assert_int_equal(qbft_check_prepared(&p->checker, &m->m, hash), QBFT_PREPARED_LATE);
    m->m.prepared_round = 0;
    m->prepares[2].round = 1;
    assert_int_equal(qbft_check_prepared(&p->checker, &m->m, hash), QBFT_QUOTED_ROUND);
    m->prepares[2].round = 0;
    m->prepares[2].number = 2;
    assert_int_equal(qbft_check_prepared(&p->checker, &m->m, hash), QBFT_QUOTED_NUMBER);
    m->prepares[2].number = 1;
    m->prepares[2].digest = p->other->hash;
    assert_int_equal(qbft_check_prepared(&p->checker, &m->m, hash), QBFT_QUOTED_DIGEST);
    m->prepares[2].digest = p->block->hash;
    struct qbft_prepare third = m->prepares[2];
    m->prepares[2] = m->prepares[1];
    assert_int_equal(qbft_check_prepared(&p->checker, &m->m, hash), QBFT_QUOTED_TWICE);
    m->prepares[2].signature = m->m.signature;
    assert_int_equal(qbft_check_prepared(&p->checker, &m->m, hash), QBFT_QUOTED_SIGNATURE);
    m->prepares[2] = third;
    m->m.prepared = false;
    assert_int_equal(qbft_check_prepared(&p->checker, &m->m, hash), QBFT_UNASKED);
    kit_free(m);
}

static enum qbft_verdict justify(struct proof *p, const struct consensus_block *block, size_t count,
                                 const struct kit_message *prepared)
{
    struct kit_message *m = kit_pre_prepare(&p->kit, 1, 2, block, p->changes, count, prepared);
    enum qbft_verdict verdict = qbft_check_justification(&p->checker, &m->m, &block->hash);
    kit_free(m);
    return verdict;
}

static void free_changes(struct proof *p)
{
    for (size_t i = 0; i < BASE_COUNT(p->changes); i++)
        kit_free(p->changes[i]);
}

static void justifications(void **state)
{
    struct proof *p = *state;
    for (size_t i = 0; i < 4; i++)
        p->changes[i] = kit_round_change(&p->kit, i, 1, 2, NULL, 0, 0);
    assert_int_equal(justify(p, p->other, 3, NULL), QBFT_VALID);
    assert_int_equal(justify(p, p->other, 2, NULL), QBFT_FEW_ROUND_CHANGES);
    struct kit_message *third = p->changes[2];
    p->changes[2] = p->changes[1];
    assert_int_equal(justify(p, p->other, 3, NULL), QBFT_QUOTED_TWICE);
    p->changes[2] = third;
    third->m.round = 3;
    assert_int_equal(justify(p, p->other, 3, NULL), QBFT_QUOTED_ROUND);
    third->m.round = 2;
    third->m.number = 2;
    assert_int_equal(justify(p, p->other, 3, NULL), QBFT_QUOTED_NUMBER);
    free_changes(p);

    /* One of them has prepared a block in round 1: it must be proposed again. */
    p->changes[0] = kit_round_change(&p->kit, 0, 1, 2, p->block, 1, 3);
    for (size_t i = 1; i < 4; i++)
        p->changes[i] = kit_round_change(&p->kit, i, 1, 2, NULL, 0, 0);
    assert_int_equal(justify(p, p->other, 3, NULL), QBFT_NOT_FREE);
    assert_int_equal(justify(p, p->other, 4, NULL), QBFT_VALID); /* three know nothing of it */
    assert_int_equal(justify(p, p->block, 3, p->changes[0]), QBFT_VALID);
    assert_int_equal(justify(p, p->other, 3, p->changes[0]), QBFT_NOT_PREPARED);
    struct kit_message *first = p->changes[0];
    p->changes[0] = kit_round_change(&p->kit, 0, 1, 2, NULL, 0, 0);
    assert_int_equal(justify(p, p->block, 3, first), QBFT_NOT_PREPARED);
    /* Another one has prepared the same block earlier, which does not count against it; later, it does. */
    kit_free(p->changes[0]);
    p->changes[0] = first;
    kit_free(p->changes[1]);
    p->changes[1] = kit_round_change(&p->kit, 1, 1, 2, p->block, 0, 3);
    assert_int_equal(justify(p, p->block, 3, first), QBFT_VALID);
    assert_int_equal(justify(p, p->block, 3, p->changes[1]), QBFT_NOT_HIGHEST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(votes),
        cmocka_unit_test(round_changes),
        cmocka_unit_test(proposal),
        cmocka_unit_test(refusals),
        cmocka_unit_test(leniency),
        cmocka_unit_test_setup_teardown(prepared_certificates, setup, teardown),
        cmocka_unit_test_setup_teardown(justifications, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
