/*
 * Single steps of the IBFT machine that whole networks (tests/sim, test_ibft_replay.c) show by chance only. One machine under
 * test is validator `own` of four; the test speaks for the others with their keys.
 */
#include "base/mem.h"
#include "consensus/ibft/message.h"
#include "consensus/istanbul/set.h"
#include "consensus/machine.h"
#include "consensus/test/ibft_rig.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* ---- tests ---- */

static void a_round(void **state)
{
    (void)state;
    struct world w;
    rig_begin(&w, 3);
    struct consensus_block *block = rig_accept_first(&w);
    rig_hear(&w, 0, IBFT_PREPARE, 0, block);
    rig_expect_silence(&w);
    rig_hear(&w, 1, IBFT_PREPARE, 0, block);
    rig_expect_said(&w, IBFT_COMMIT, 0, block);
    rig_hear(&w, 0, IBFT_COMMIT, 0, block);
    assert_null(rig_find(&w, CONSENSUS_COMMIT));
    rig_hear(&w, 2, IBFT_COMMIT, 0, block);
    const struct consensus_effect *commit = rig_find(&w, CONSENSUS_COMMIT);
    assert_non_null(commit);
    assert_int_equal(commit->commit.seal_count, 3);
    assert_true(hash256_equal(&commit->commit.block->hash, &block->hash));
    rig_tear_down(&w);
}

static void own_proposal(void **state)
{
    (void)state;
    struct world w;
    rig_begin(&w, 0);
    const struct consensus_effect *build = rig_find(&w, CONSENSUS_BUILD);
    assert_non_null(build);
    assert_int_equal(build->build.number, NUMBER);
    assert_int_equal(build->build.time, HEAD_TIME + PERIOD);
    struct consensus_block *block = rig_make_block(&w, 0, 1);
    /* Before its time it waits. */
    rig_step(&w, (struct consensus_event){.kind = CONSENSUS_CANDIDATE,
                                          .now_ms = NOW - 300,
                                          .candidate = {.block = block}});
    rig_expect_silence(&w);
    const struct consensus_effect *timer = rig_find(&w, CONSENSUS_TIMER);
    assert_int_equal(timer->timer.after_ms, 300);
    uint64_t token = timer->timer.token;
    rig_step(&w, (struct consensus_event){.kind = CONSENSUS_TIMEOUT, .timeout = {.token = token}});
    struct ibft_message m;
    assert_true(rig_said(&w, IBFT_PRE_PREPARE, &m));
    assert_true(bytes_equal(m.block, block->rlp));
    rig_expect_said(&w, IBFT_PREPARE, 0, block);
    assert_null(rig_find(&w, CONSENSUS_CHECK));
    rig_tear_down(&w);
}

/* A proposal by another than the proposer, votes by strangers, seals that are wrong: nothing happens. */
static void not_his_turn(void **state)
{
    (void)state;
    struct world w;
    rig_begin(&w, 3);
    struct consensus_block *block = rig_make_block(&w, 1, 1);
    rig_hear(&w, 1, IBFT_PRE_PREPARE, 0, block);
    assert_int_equal(w.effects.count, 0);
    struct node before = w.nodes[1];
    memset(w.nodes[1].key.b, 77, sizeof(w.nodes[1].key.b)); /* says it is node 1 */
    rig_hear(&w, 1, IBFT_PREPARE, 0, block);
    assert_int_equal(w.effects.count, 0);
    w.nodes[1] = before;
    rig_tear_down(&w);
}

static void bad_proposal(void **state)
{
    (void)state;
    struct world w;
    rig_begin(&w, 3);
    struct consensus_block *block = rig_make_block(&w, 0, 1);
    rig_hear(&w, 0, IBFT_PRE_PREPARE, 0, block);
    rig_say_checked(&w, block, CONSENSUS_CHECK_BAD);
    rig_expect_said(&w, IBFT_ROUND_CHANGE, 1, NULL);
    assert_string_equal(rig_find(&w, CONSENSUS_ALARM)->alarm.text,
                        "block 7 round 0: the proposal is invalid; changing the round");
    /* The same one in the next round is not looked at again. */
    rig_hear(&w, 1, IBFT_ROUND_CHANGE, 1, NULL);
    rig_hear(&w, 2, IBFT_ROUND_CHANGE, 1, NULL);
    rig_hear(&w, 1, IBFT_PRE_PREPARE, 1, block);
    assert_null(rig_find(&w, CONSENSUS_CHECK));
    rig_tear_down(&w);
}

/* Locked on the block of round 0, it votes for no other but for the same one again, and moves its lock when a quorum of a later
 * round shows that nobody can have committed to its block. */
static void locks(void **state)
{
    (void)state;
    struct world w;
    rig_begin(&w, 3);
    struct consensus_block *first = rig_accept_first(&w), *second = rig_make_block(&w, 1, 2);
    rig_hear(&w, 0, IBFT_PREPARE, 0, first);
    rig_hear(&w, 1, IBFT_PREPARE, 0, first);
    rig_expect_said(&w, IBFT_COMMIT, 0, first);
    /* Of the three that are there one has left the round: the others follow, since it cannot come back. */
    rig_hear(&w, 1, IBFT_ROUND_CHANGE, 1, NULL);
    rig_expect_said(&w, IBFT_ROUND_CHANGE, 1, NULL);
    rig_hear(&w, 2, IBFT_ROUND_CHANGE, 1, NULL);
    rig_hear(&w, 0, IBFT_ROUND_CHANGE, 1, NULL);
    rig_hear(&w, 1, IBFT_PRE_PREPARE, 1, second);
    rig_expect_silence(&w);
    assert_null(rig_find(&w, CONSENSUS_CHECK));
    rig_hear(&w, 0, IBFT_PREPARE, 1, second);
    rig_hear(&w, 1, IBFT_PREPARE, 1, second);
    rig_expect_silence(&w);
    rig_hear(&w, 2, IBFT_PREPARE, 1, second);
    assert_non_null(rig_find(&w, CONSENSUS_CHECK));
    rig_say_checked(&w, second, CONSENSUS_CHECK_OK);
    rig_expect_said(&w, IBFT_COMMIT, 1, second);
    /* Round 2: its lock is proposed again. */
    rig_hear(&w, 0, IBFT_ROUND_CHANGE, 2, NULL);
    rig_hear(&w, 1, IBFT_ROUND_CHANGE, 2, NULL);
    rig_hear(&w, 2, IBFT_PRE_PREPARE, 2, first);
    rig_expect_silence(&w);
    rig_hear(&w, 0, IBFT_ROUND_CHANGE, 3, NULL);
    rig_hear(&w, 1, IBFT_ROUND_CHANGE, 3, NULL);
    struct ibft_message m;
    assert_true(rig_said(&w, IBFT_PRE_PREPARE, &m)); /* its own turn */
    assert_true(bytes_equal(m.block, second->rlp));
    rig_expect_said(&w, IBFT_PREPARE, 3, second);
    rig_hear(&w, 0, IBFT_PREPARE, 3, second);
    rig_expect_silence(&w);
    rig_hear(&w, 1, IBFT_COMMIT, 3, second); /* as a locked GoQuorum says it */
    rig_expect_said(&w, IBFT_COMMIT, 3, second);
    rig_tear_down(&w);
}

/* Locked, and without it there is no quorum in the round: it asks for the next one at once, until the turn of one who
 * proposes what it is locked on. */
static void no_quorum_without_it(void **state)
{
    (void)state;
    struct world w;
    rig_begin(&w, 3);
    struct consensus_block *first = rig_accept_first(&w), *second = rig_make_block(&w, 1, 2);
    rig_hear(&w, 0, IBFT_PREPARE, 0, first);
    rig_hear(&w, 1, IBFT_PREPARE, 0, first);
    rig_expect_said(&w, IBFT_COMMIT, 0, first);
    rig_hear(&w, 1, IBFT_ROUND_CHANGE, 1, NULL);
    rig_hear(&w, 2, IBFT_ROUND_CHANGE, 1, NULL); /* node 0 stays away */
    rig_hear(&w, 1, IBFT_PRE_PREPARE, 1, second);
    rig_expect_said(&w, IBFT_ROUND_CHANGE, 2, NULL);
    rig_hear(&w, 1, IBFT_ROUND_CHANGE, 2, NULL);
    rig_hear(&w, 2, IBFT_ROUND_CHANGE, 2, NULL);
    rig_hear(&w, 2, IBFT_PRE_PREPARE, 2, first);
    rig_expect_said(&w, IBFT_PREPARE, 2, first);
    rig_tear_down(&w);
}

/* How many messages of a round were sent to this node alone, in the last step. */
static size_t count_sent(const struct world *w, size_t to, enum ibft_code code, uint64_t round,
                         const struct consensus_block *block)
{
    size_t n = 0;
    for (size_t i = 0; i < w->effects.count; i++) {
        const struct consensus_effect *e = &w->effects.items[i];
        struct ibft_message m;
        if (e->kind != CONSENSUS_SEND || !address_equal(&e->send.to, &w->nodes[to].address))
            continue;
        assert_int_equal(ibft_message_decode(&m, e->send.payload, NULL), ERR_OK);
        assert_int_equal(ibft_message_verify(&m), 1);
        n += m.code == code && m.round == round &&
             (code == IBFT_PRE_PREPARE ? bytes_equal(m.block, block->rlp)
                                       : hash256_equal(&m.digest, &block->hash));
    }
    return n;
}

/* Locked on the first block in round 0, and in round 2: node 0 was away, and a quorum without it asked for the rounds. */
static void lock_and_leave(struct world *w, const struct consensus_block *first)
{
    rig_hear(w, 0, IBFT_PREPARE, 0, first);
    rig_hear(w, 1, IBFT_PREPARE, 0, first);
    rig_expect_said(w, IBFT_COMMIT, 0, first);
    rig_hear(w, 1, IBFT_ROUND_CHANGE, 2, NULL);
    rig_expect_said(w, IBFT_ROUND_CHANGE, 2, NULL); /* without node 1 there is no quorum */
    rig_hear(w, 2, IBFT_ROUND_CHANGE, 2, NULL);
}

/* The votes of a later round than that of its lock move it, though that round is over; and it shows them in turn, also after
 * a crash. */
static void shown_lock(void **state)
{
    (void)state;
    struct world w;
    rig_begin(&w, 3);
    struct consensus_block *first = rig_accept_first(&w), *second = rig_make_block(&w, 1, 2);
    lock_and_leave(&w, first);
    rig_hear(&w, 2, IBFT_PREPARE, 1, second);
    rig_hear(&w, 1, IBFT_PREPARE, 1, second);
    rig_hear(&w, 1, IBFT_PRE_PREPARE, 1, second);
    assert_null(rig_find(&w, CONSENSUS_CHECK)); /* two are no quorum */
    rig_hear(&w, 0, IBFT_COMMIT, 1, second);
    assert_non_null(rig_find(&w, CONSENSUS_CHECK));
    rig_expect_silence(&w);
    rig_say_checked(&w, second, CONSENSUS_CHECK_OK);
    rig_expect_silence(&w);

    /* Node 2, for the first block, is shown the second one, once. */
    rig_hear(&w, 2, IBFT_PRE_PREPARE, 2, first);
    assert_int_equal(count_sent(&w, 2, IBFT_PREPARE, 1, second), 0); /* it voted for it */
    rig_hear(&w, 2, IBFT_ROUND_CHANGE, 3, NULL);
    rig_hear(&w, 0, IBFT_ROUND_CHANGE, 3, NULL);
    struct ibft_message m;
    assert_true(rig_said(&w, IBFT_PRE_PREPARE, &m)); /* its own turn */
    assert_true(bytes_equal(m.block, second->rlp));

    rig_restart(&w);
    rig_say_head(&w, HEAD);
    rig_step(&w, (struct consensus_event){.kind = CONSENSUS_PEER,
                                          .peer = {.address = w.nodes[0].address}});
    assert_int_equal(count_sent(&w, 0, IBFT_PREPARE, 1, second), 2);
    assert_int_equal(count_sent(&w, 0, IBFT_COMMIT, 1, second), 1);
    rig_tear_down(&w);
}

/* Who votes for another block than that of the lock is shown why not, once in a round. */
static void shows_lock(void **state)
{
    (void)state;
    struct world w;
    rig_begin(&w, 3);
    struct consensus_block *first = rig_accept_first(&w), *second = rig_make_block(&w, 2, 2);
    rig_hear(&w, 1, IBFT_PREPARE, 0, first);
    rig_hear(&w, 2, IBFT_PREPARE, 0, first);
    rig_expect_said(&w, IBFT_COMMIT, 0, first);
    rig_hear(&w, 0, IBFT_ROUND_CHANGE, 2, NULL);
    rig_hear(&w, 2, IBFT_ROUND_CHANGE, 2, NULL);
    rig_hear(&w, 0, IBFT_PREPARE, 2, second);
    assert_int_equal(count_sent(&w, 0, IBFT_PREPARE, 0, first), 3);
    assert_int_equal(count_sent(&w, 0, IBFT_PRE_PREPARE, 0, first), 1);
    rig_hear(&w, 0, IBFT_COMMIT, 2, second);
    assert_int_equal(count_sent(&w, 0, IBFT_PREPARE, 0, first), 0);
    rig_tear_down(&w);
}

/* A record as it was before locks had proofs. */
static void record_without_proof(void **state)
{
    (void)state;
    struct world w;
    rig_set_up(&w, 3);
    struct consensus_block *first = rig_make_block(&w, 0, 1);
    size_t list = rlp_begin(&w.record);
    rlp_write_u64(&w.record, 1);
    rlp_write_u64(&w.record, NUMBER);
    rlp_write_u64(&w.record, 0);
    rlp_write_bool(&w.record, false);
    rlp_write_bool(&w.record, true);
    rlp_write_hash(&w.record, &first->hash);
    rlp_write_u64(&w.record, 0);
    rlp_write_bytes(&w.record, first->rlp);
    rlp_end_list(&w.record, list);
    rig_restart(&w);
    rig_say_head(&w, HEAD);
    rig_expect_said(&w, IBFT_COMMIT, 0, first);
    rig_tear_down(&w);
}

/* After a crash it says what it said before, and nothing else in that round. */
static void after_a_crash(void **state)
{
    (void)state;
    struct world w;
    rig_begin(&w, 3);
    struct consensus_block *first = rig_accept_first(&w), *second = rig_make_block(&w, 0, 2);
    rig_restart(&w);
    rig_say_head(&w, HEAD);
    rig_expect_said(&w, IBFT_PREPARE, 0, first);
    rig_hear(&w, 0, IBFT_PRE_PREPARE, 0, second); /* the proposer has two */
    rig_expect_silence(&w);
    assert_null(rig_find(&w, CONSENSUS_CHECK));

    rig_restart(&w);
    rig_say_head(&w, HEAD);
    rig_hear(&w, 0, IBFT_PRE_PREPARE, 0, first);
    rig_say_checked(&w, first, CONSENSUS_CHECK_OK);
    rig_hear(&w, 0, IBFT_PREPARE, 0, first);
    rig_hear(&w, 1, IBFT_PREPARE, 0, first);
    rig_expect_said(&w, IBFT_COMMIT, 0, first);

    rig_restart(&w); /* the lock comes back with its block */
    rig_say_head(&w, HEAD);
    rig_expect_said(&w, IBFT_COMMIT, 0, first);
    rig_hear(&w, 1, IBFT_COMMIT, 0, first);
    rig_hear(&w, 2, IBFT_COMMIT, 0, first);
    assert_non_null(rig_find(&w, CONSENSUS_COMMIT));

    /* A chain that is shorter than what was signed for: silence. */
    rig_restart(&w);
    rig_say_head(&w, HEAD - 1);
    rig_expect_silence(&w);
    assert_non_null(rig_find(&w, CONSENSUS_ALARM));
    struct consensus_status status;
    consensus_machine_status(w.machine, &status);
    assert_false(status.validator);
    rig_say_head(&w, HEAD);
    rig_expect_said(&w, IBFT_COMMIT, 0, first);
    rig_tear_down(&w);
}

static void damaged_record(void **state)
{
    (void)state;
    struct world w;
    rig_set_up(&w, 3);
    struct consensus_options options = {.self = w.nodes[3].address,
                                        .sign = rig_sign,
                                        .sign_context = &w.nodes[3],
                                        .record = bytes_of("\xc3\x01\x02", 3)};
    struct consensus_machine *machine;
    struct err_detail detail;
    assert_int_equal(consensus_machine_new(&machine, &ibft_machine, &options, &detail),
                     ERR_CORRUPT);
    assert_string_equal(detail.text,
                        "record of IBFT: record at byte 0: longer than the bytes that hold it");
    rig_tear_down(&w);
}

/* A member that comes back is sent everything of the round; one that is alone does not run ahead. */
static void company(void **state)
{
    (void)state;
    struct world w;
    rig_begin(&w, 3);
    rig_accept_first(&w);
    rig_step(&w, (struct consensus_event){.kind = CONSENSUS_PEER,
                                          .peer = {.address = w.nodes[2].address}});
    size_t sent = 0;
    for (size_t i = 0; i < w.effects.count; i++)
        sent += w.effects.items[i].kind == CONSENSUS_SEND;
    assert_int_equal(sent, 2); /* the proposal and its own vote */

    uint64_t round = 0;
    for (int i = 0; i < 5; i++) {
        struct consensus_status status;
        struct ibft_message m;
        /* Whatever timer was started last in slot 0. */
        for (uint64_t generation = 0; generation < 64; generation++) {
            rig_step(&w, (struct consensus_event){
                             .kind = CONSENSUS_TIMEOUT,
                             .timeout = {.token = generation * CONSENSUS_TIMER_SLOTS}});
            if (rig_said(&w, IBFT_ROUND_CHANGE, &m))
                round = m.round;
        }
        consensus_machine_status(w.machine, &status);
        assert_int_equal(status.round, 1);
        assert_string_equal(status.state, "waiting");
    }
    assert_int_equal(round, 1);
    rig_tear_down(&w);
}

/* Heights of QBFT are another machine's; who is no validator says nothing. */
static void not_at_work(void **state)
{
    (void)state;
    struct world w;
    rig_set_up(&w, 0);
    w.params.engine = ISTANBUL_QBFT;
    rig_say_head(&w, HEAD);
    assert_int_equal(w.effects.count, 0);
    w.params.engine = ISTANBUL_IBFT;
    assert_true(istanbul_set_remove(&w.set, &w.nodes[0].address));
    rig_say_head(&w, HEAD + 1);
    assert_int_equal(w.effects.count, 0);
    rig_tear_down(&w);
}

/* Who still proposes the block that is the head already is told that it is committed. */
static void old_block(void **state)
{
    (void)state;
    struct world w;
    rig_begin(&w, 3);
    struct consensus_block *first = rig_accept_first(&w);
    struct consensus_event e = {
        .kind = CONSENSUS_HEAD,
        .head = {.number = NUMBER,
                 .hash = first->hash,
                 .time = first->time,
                 .proposer = w.nodes[0].address,
                 .validators = &w.set,
                 .params = &w.params},
    };
    rig_step(&w, e);
    rig_hear(&w, 1, IBFT_PRE_PREPARE, 5, first);
    const struct consensus_effect *answer = rig_find(&w, CONSENSUS_SEND);
    assert_non_null(answer);
    struct ibft_message m;
    assert_int_equal(ibft_message_decode(&m, answer->send.payload, NULL), ERR_OK);
    assert_int_equal(m.code, IBFT_COMMIT);
    assert_int_equal(m.round, 5);
    assert_true(hash256_equal(&m.digest, &first->hash));
    assert_int_equal(ibft_message_verify(&m), 1);
    rig_tear_down(&w);
}

enum { STORY = 8 };

/* A height from HEAD to COMMIT, through a change of rounds. */
static size_t make_story(struct world *w, struct consensus_event events[STORY],
                         struct buf payloads[STORY], struct consensus_block *block)
{
    static const struct {
        size_t from;
        enum ibft_code code;
    } said_by[] = {{1, IBFT_ROUND_CHANGE}, {2, IBFT_ROUND_CHANGE}, {1, IBFT_PRE_PREPARE},
                   {1, IBFT_COMMIT},       {2, IBFT_PREPARE},      {2, IBFT_COMMIT}};
    size_t n = 0;
    events[n++] = (struct consensus_event){
        .kind = CONSENSUS_HEAD,
        .now_ms = NOW,
        .head = {.number = HEAD,
                 .hash = {{HEAD}},
                 .time = HEAD_TIME,
                 .proposer = *istanbul_set_at(&w->set, ISTANBUL_BY_TEXT, NODES - 1),
                 .validators = &w->set,
                 .params = &w->params}};
    for (size_t i = 0; i < BASE_COUNT(said_by); i++) {
        const struct consensus_block *about = said_by[i].code == IBFT_ROUND_CHANGE ? NULL : block;
        rig_write_message(w, &payloads[n], said_by[i].from, said_by[i].code, 1, about);
        events[n] = rig_message_event(w, said_by[i].from, &payloads[n]);
        n++;
        if (said_by[i].code == IBFT_PRE_PREPARE)
            events[n++] = (struct consensus_event){
                .kind = CONSENSUS_CHECKED,
                .now_ms = NOW,
                .checked = {.hash = block->hash, .verdict = CONSENSUS_CHECK_OK}};
    }
    return n;
}

/* The n-th allocation of the story fails: the machine says so, and nothing is lost or broken. False when there is no n-th. */
static bool story_without_memory(struct world *w, const struct consensus_event *events,
                                 size_t count, size_t n)
{
    bool ended = false;
    mem_fail_at(n, 1);
    for (size_t i = 0; i < count; i++) {
        int status = consensus_machine_step(w->machine, &events[i], &w->effects);
        if (status != ERR_OK) {
            assert_int_equal(status, ERR_NOMEM);
            break;
        }
        ended = i + 1 == count;
    }
    bool failed = mem_fail_left() == 0;
    mem_fail_at(0, 0);
    assert_int_equal(rig_find(w, CONSENSUS_COMMIT) != NULL, ended);
    return failed;
}

static void without_memory(void **state)
{
    (void)state;
    bool failed = true;
    size_t n = 1;
    for (; failed; n++) {
        struct world w;
        struct consensus_event events[STORY];
        struct buf payloads[STORY] = {BUF_INIT};
        rig_set_up(&w, 3);
        struct consensus_block *block = rig_make_block(&w, 1, 1);
        size_t count = make_story(&w, events, payloads, block);
        failed = story_without_memory(&w, events, count, n);
        for (size_t i = 0; i < STORY; i++)
            buf_release(&payloads[i]);
        rig_tear_down(&w);
    }
    print_message("%zu allocations\n", n - 2);
    assert_true(n > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_round),
        cmocka_unit_test(own_proposal),
        cmocka_unit_test(not_his_turn),
        cmocka_unit_test(bad_proposal),
        cmocka_unit_test(shown_lock),
        cmocka_unit_test(shows_lock),
        cmocka_unit_test(record_without_proof),
        cmocka_unit_test(locks),
        cmocka_unit_test(no_quorum_without_it),
        cmocka_unit_test(after_a_crash),
        cmocka_unit_test(damaged_record),
        cmocka_unit_test(company),
        cmocka_unit_test(without_memory),
        cmocka_unit_test(not_at_work),
        cmocka_unit_test(old_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
