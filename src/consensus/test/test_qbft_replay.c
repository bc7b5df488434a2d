/* What three GoQuorum validators said in a live network: every message is decoded, proven and encoded again; and played to our
 * machine in the place of the fourth, they lead it to the same blocks. */
#include "consensus/istanbul/hash.h"
#include "consensus/qbft/certificate.h"
#include "consensus/test/replay.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct proof {
    struct replay replay;
    struct qbft_checker checker;
    size_t messages[4], justified;
};

static void prove(struct proof *p, const struct qbft_message *m)
{
    struct hash256 digest;
    struct address signer, sealer;
    qbft_message_digest(m, &digest);
    assert_int_equal(qbft_check_signer(&p->checker, &digest, m->signature, &signer), QBFT_VALID);
    if (m->code == CONSENSUS_QBFT_ROUND_CHANGE)
        assert_int_equal(qbft_check_prepared(&p->checker, m, NULL), QBFT_VALID);
    if (m->code == CONSENSUS_QBFT_COMMIT) {
        assert_true(hash256_equal(&m->digest, &p->replay.hashes[m->number]));
        assert_int_equal(istanbul_commit_digest(ISTANBUL_QBFT, &p->replay.headers[m->number],
                                                (uint32_t)m->round, &digest),
                         ERR_OK);
        assert_true(istanbul_recover(&sealer, &digest, m->seal));
        assert_true(address_equal(&sealer, &signer));
    }
    if (m->code != CONSENSUS_QBFT_PRE_PREPARE)
        return;
    struct consensus_block *block;
    assert_int_equal(consensus_block_new(&block, m->block, NULL), ERR_OK);
    assert_int_equal(block->number, m->number);
    assert_true(address_equal(
        &signer,
        istanbul_set_proposer(&p->replay.snapshot.set, ISTANBUL_BY_BYTES, ISTANBUL_ROUND_ROBIN,
                              &p->replay.headers[m->number - 1].coinbase, m->round)));
    if (m->round) {
        assert_int_equal(qbft_check_justification(&p->checker, m, &block->hash), QBFT_VALID);
        p->justified++;
    }
    consensus_block_unref(block);
}

static void decode_frame(const json_t *line, void *context)
{
    struct proof *p = context;
    struct buf payload = BUF_INIT, again = BUF_INIT;
    unsigned code;
    if (replay_message(&p->replay, line, &code, &payload)) {
        struct arena arena;
        struct qbft_message m;
        struct err_detail detail;
        arena_init(&arena);
        if (qbft_message_decode(&m, &arena, code, buf_bytes(&payload), &detail))
            fail_msg("%s", detail.text);
        p->messages[code - CONSENSUS_QBFT_PRE_PREPARE]++;
        prove(p, &m);
        qbft_message_write(&again, &m);
        assert_true(bytes_equal(buf_bytes(&again), buf_bytes(&payload)));
        arena_release(&arena);
    }
    buf_release(&payload);
    buf_release(&again);
}

static void every_message(void **state)
{
    (void)state;
    static struct proof p;
    replay_setup(&p.replay, "wire-qbft", ISTANBUL_QBFT);
    qbft_checker_init(&p.checker);
    p.checker.set = &p.replay.snapshot.set;
    p.checker.quorum = istanbul_set_quorum(&p.replay.snapshot.set, false);
    recordings_lines("wire-qbft", "wire.jsonl", decode_frame, &p);
    print_message("%zu PRE-PREPARE (%zu justified), %zu PREPARE, %zu COMMIT, %zu ROUND-CHANGE\n",
                  p.messages[0], p.justified, p.messages[1], p.messages[2], p.messages[3]);
    for (size_t i = 0; i < BASE_COUNT(p.messages); i++)
        assert_true(p.messages[i] > 0);
    assert_true(p.justified > 0);
    qbft_checker_release(&p.checker);
    replay_teardown(&p.replay);
}

static void in_the_fourth_place(void **state)
{
    (void)state;
    static struct replay p;
    replay_setup(&p, "wire-qbft", ISTANBUL_QBFT);
    replay_play(&p, &qbft_machine);
    assert_true(p.rounds > 0);
    replay_teardown(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_message),
                                       cmocka_unit_test(in_the_fourth_place)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
