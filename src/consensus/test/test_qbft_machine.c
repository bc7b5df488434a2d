/* The QBFT machine, rule by rule: what happens, and exactly what it does then. */
#include "base/mem.h"
#include "consensus/istanbul/config.h"
#include "consensus/test/kit.h"
#include "consensus/test/qbft_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* ---- round 0 ---- */

static void a_vote(void **state)
{
    (void)state;
    struct rig *rig = rig_begin(2);
    expect(rig, "round in 2900, resend in 1900");
    rig->now_ms = 1010;
    rig_hear_proposal(rig, 1, rig->b); /* not its turn */
    expect(rig, "");
    rig_hear_proposal(rig, 0, rig->a);
    expect(rig, "pass PRE-PREPARE 1/0, check a");
    rig_checked(rig, rig->a, CONSENSUS_CHECK_OK, 0);
    expect(rig, "round in 2000, record, say PREPARE 1/0");
    rig_hear_prepare(rig, 0, 0, rig->a);
    expect(rig, "pass PREPARE 1/0");
    rig_hear_prepare(rig, 0, 0, rig->a); /* again */
    expect(rig, "");
    rig_hear_prepare(rig, 3, 0, rig->b); /* of another block: kept, and does not count */
    expect(rig, "pass PREPARE 1/0");
    rig_hear_prepare(rig, 1, 0, rig->a);
    expect(rig, "pass PREPARE 1/0, record, say COMMIT 1/0");
    rig_hear_commit(rig, 0, 0, rig->a);
    expect(rig, "pass COMMIT 1/0");
    rig_hear_commit(rig, 1, 0, rig->a);
    expect(rig, "pass COMMIT 1/0, stop round, stop resend, commit a of round 0 by 3");
    rig_hear_commit(rig, 3, 0, rig->a); /* late */
    expect(rig, "");
    rig_head(rig, rig->a, true);
    expect(rig, "round in 2990, resend in 1990");
    rig_free(rig);
}

static void a_proposal(void **state)
{
    (void)state;
    struct rig *rig = rig_begin(0);
    expect(rig, "round in 2900, resend in 1900, build for 1 at 1000");
    rig_candidate(rig, rig->a);
    expect(rig, "due in 900");
    rig->now_ms = 1000;
    rig_timeout(rig, DUE);
    expect(rig, "round in 2000, record, say PRE-PREPARE 1/0, say PREPARE 1/0");
    rig_candidate(rig, rig->b); /* too late */
    expect(rig, "");
    rig_hear_prepare(rig, 1, 0, rig->a);
    rig_hear_commit(rig, 1, 0, rig->a);
    rig_hear_commit(rig, 2, 0, rig->a);
    expect(rig, "pass COMMIT 1/0");
    rig_hear_prepare(rig, 2, 0, rig->a);
    expect(rig, "pass PREPARE 1/0, stop round, stop resend, commit a of round 0 by 3, record, say "
                "COMMIT 1/0");
    rig_free(rig);
}

static void commits_alone(void **state)
{
    (void)state;
    struct rig *rig = rig_begin(2);
    rig_hear_commit(rig, 0, 0, rig->a);
    rig_hear_commit(rig, 1, 0, rig->a);
    rig_hear_commit(rig, 3, 0, rig->a);
    expect(rig, "pass COMMIT 1/0");
    rig_hear_proposal(rig, 0, rig->a); /* the block was all that was missing */
    expect(rig, "pass PRE-PREPARE 1/0, check a, stop round, stop resend, commit a of round 0 by 3");
    rig_free(rig);
}

static void wrong_seals(void **state)
{
    (void)state;
    struct rig *rig = rig_begin(2);
    rig_hear_commit(rig, 0, 0, rig->a);
    rig_hear_commit(rig, 1, 0, rig->a);
    struct kit_message *wrong = kit_commit(&rig->kit, 3, 0, rig->b);
    wrong->m.digest = rig->a->hash; /* well signed, but its seal is for b */
    kit_seal(&rig->kit, wrong, 3);
    rig_hear(rig, wrong);
    expect(rig, "pass COMMIT 1/0");
    rig_hear_proposal(rig, 0, rig->a);
    expect(rig, "pass PRE-PREPARE 1/0, check a");
    rig_hear_commit(rig, 3, 0, rig->a);
    expect(rig, "pass COMMIT 1/0, stop round, stop resend, commit a of round 0 by 3");
    rig_free(rig);
}

static void empty_blocks(void **state)
{
    (void)state;
    struct rig *rig = rig_new(0, 1);
    rig->params.empty_block_period = 5;
    rig_head(rig, rig->kit.genesis, false);
    expect(rig, "round in 6900, resend in 5900, build for 5 at 5000");
    rig->now_ms = 2500;
    struct consensus_event e = {.kind = CONSENSUS_PENDING};
    rig_step(rig, &e);
    expect(rig, "round in 2000, build for 1 at 1000");
    rig_candidate(rig, rig->b); /* but what waits cannot be put into a block */
    expect(rig, "build for 5 at 5000");
    struct consensus_block *late =
        kit_block(&rig->kit, rig->kit.genesis, 0, KIT_GENESIS_TIME + 5, true, 3);
    rig_candidate(rig, late);
    expect(rig, "due in 2500");
    rig_candidate(rig, rig->a); /* now it can */
    expect(rig, "stop due, round in 2000, record, say PRE-PREPARE 1/0, say PREPARE 1/0");
    consensus_block_unref(late);
    rig_free(rig);
}

static void checks(void **state)
{
    (void)state;
    struct rig *rig = rig_begin(2);
    rig_hear_proposal(rig, 0, rig->a);
    rig_checked(rig, rig->a, CONSENSUS_CHECK_FUTURE, 900);
    expect(rig, "future in 900");
    rig_timeout(rig, FUTURE);
    expect(rig, "check a");
    rig_checked(rig, rig->a, CONSENSUS_CHECK_BAD, 0);
    expect(rig, "alarm \"block 1 round 0: the proposal is invalid; changing the round\", round in "
                "8000, resend in 1000, record, say ROUND-CHANGE 1/1");
    rig_hear_proposal(rig, 0, rig->a);
    expect(rig, "");
    rig_free(rig);
}

/* ---- rounds ---- */

static void a_new_round(void **state)
{
    (void)state;
    struct rig *rig = rig_begin(1); /* whose turn round 1 is */
    rig->now_ms = 3000;
    rig_timeout(rig, ROUND);
    expect(rig, "round in 8000, resend in 1000, build for 1 at 1000, record, say ROUND-CHANGE 1/1");
    rig_candidate(rig, rig->b);
    expect(rig, ""); /* nobody would accept it yet */
    rig_hear_round_change(rig, 2, 1);
    expect(rig, "pass ROUND-CHANGE 1/1, round in 8000");
    rig_hear_round_change(rig, 3, 1);
    expect(rig, "pass ROUND-CHANGE 1/1, round in 4000, round in 4000, record, say PRE-PREPARE 1/1 "
                "because of 3, say PREPARE 1/1");
    rig_free(rig);
}

static void prepared_before(void **state)
{
    (void)state;
    struct rig *rig = rig_begin(1);
    rig_candidate(rig, rig->b);
    rig_timeout(rig, ROUND);
    rig_hear_round_change(rig, 2, 1);
    rig_hear(rig, kit_round_change(&rig->kit, 3, 1, 1, rig->a, 0, 2)); /* not proven */
    expect(rig, "");
    rig_hear(rig, kit_round_change(&rig->kit, 3, 1, 1, rig->a, 0, 3));
    expect(rig, "pass ROUND-CHANGE 1/1 with 3, round in 4000, check a, record, say PRE-PREPARE 1/1 "
                "because of 3 with 3");
    rig_checked(rig, rig->a, CONSENSUS_CHECK_OK, 0);
    expect(rig, "stop due, round in 4000, record, say PREPARE 1/1");
    rig_free(rig);
}

/* Whoever has prepared a block says so in every later round. */
static void certificate(void **state)
{
    (void)state;
    struct rig *rig = rig_begin(2);
    rig_prepare(rig);
    rig_timeout(rig, ROUND);
    expect(rig, "round in 8000, resend in 1000, record, say ROUND-CHANGE 1/1 with 3");
    rig_timeout(rig, ROUND);
    expect(rig, "round in 16000, resend in 1000, record, say ROUND-CHANGE 1/2 with 3");
    rig_free(rig);
}

static void evidence(void **state)
{
    (void)state;
    struct rig *rig = rig_begin(2);
    rig_hear_round_change(rig, 0, 9);                    /* one may lie */
    expect(rig, "pass ROUND-CHANGE 1/9, round in 1400"); /* no proposal is to be expected of it */
    rig_hear_round_change(rig, 1, 5);                    /* of two, one is honest */
    expect(rig, "pass ROUND-CHANGE 1/5, round in 4000, resend in 1000, record, say "
                "ROUND-CHANGE 1/5");
    rig_hear_round_change(rig, 3, 4); /* too low: it is told */
    expect(rig, "to 3 ROUND-CHANGE 1/9, to 3 ROUND-CHANGE 1/5, to 3 ROUND-CHANGE 1/5");
    rig_hear_round_change(rig, 3, 4);
    expect(rig, "");
    rig_free(rig);
}

/* Three are there, one of them is ahead: without it there is no quorum. */
static void meeting(void **state)
{
    (void)state;
    struct rig *rig = rig_begin(2);
    rig_peer(rig, 3, false);
    expect(rig, "");
    rig_hear_round_change(rig, 1, 7);
    expect(rig, "pass ROUND-CHANGE 1/7, behind in 125");
    rig_timeout(rig, BEHIND);
    expect(rig, "round in 4000, resend in 1000, record, say ROUND-CHANGE 1/7");
    rig_free(rig);
}

static void late_proposal(void **state)
{
    (void)state;
    struct rig *rig = rig_begin(2);
    rig_hear_late_proposal(rig, 1, 3, rig->a); /* round 3 is validator 3's */
    expect(rig, "");
    rig_hear_late_proposal(rig, 3, 3, rig->a);
    expect(
        rig,
        "pass PRE-PREPARE 1/3 because of 3, round in 4000, resend in 1000, check a, round in 2000, "
        "record, say ROUND-CHANGE 1/3");
    rig_free(rig);
}

/* A quorum that committed in a round which this node has left. */
static void old_commits(void **state)
{
    (void)state;
    struct rig *rig = rig_begin(2);
    rig_prepare(rig);
    rig_timeout(rig, ROUND);
    rig_hear_commit(rig, 0, 0, rig->a);
    rig_hear_commit(rig, 1, 0, rig->a);
    expect(rig, "pass COMMIT 1/0, stop round, stop resend, commit a of round 0 by 3");
    rig_free(rig);
}

/* ---- others come and go ---- */

static void proposer_away(void **state)
{
    (void)state;
    struct rig *rig = rig_begin(2);
    expect(rig, "round in 2900, resend in 1900");
    rig_peer(rig, 0, false);
    expect(rig, "round in 1400");
    rig_peer(rig, 0, true);
    expect(rig, "round in 2900");
    rig_free(rig);
}

static void telling(void **state)
{
    (void)state;
    struct rig *rig = rig_begin(2);
    rig_vote(rig);
    rig_hear_prepare(rig, 0, 0, rig->a);
    rig_peer(rig, 3, false);
    rig_peer(rig, 3, true);
    expect(rig, "to 3 PRE-PREPARE 1/0, to 3 PREPARE 1/0, to 3 PREPARE 1/0");
    rig_timeout(rig, RESEND);
    expect(rig, "to 0 PREPARE 1/0, to 1 PREPARE 1/0, to 3 PREPARE 1/0, resend in 2000");
    rig_free(rig);
}

static void too_early(void **state)
{
    (void)state;
    struct rig *rig = rig_begin(2);
    struct consensus_block *next = kit_block(&rig->kit, rig->a, 1, KIT_GENESIS_TIME + 2, false, 1);
    rig_hear_prepare(rig, 3, 0, next);
    expect(rig, "");
    rig_hear_proposal(rig, 1, next);
    expect(rig, "");
    rig_hear_prepare(rig, 3, 2, rig->a); /* of a later round */
    expect(rig, "");
    rig_head(rig, rig->a, true);
    expect(rig, "stop round, stop resend, round in 3900, resend in 2900, pass PRE-PREPARE 2/0, "
                "check b, pass PREPARE 2/0");
    consensus_block_unref(next);
    rig_free(rig);
}

static void commit_failed(void **state)
{
    (void)state;
    struct rig *rig = rig_begin(2);
    rig_prepare(rig);
    rig_hear_commit(rig, 0, 0, rig->a);
    rig_hear_commit(rig, 1, 0, rig->a);
    struct consensus_event e = {.kind = CONSENSUS_COMMIT_FAILED, .commit_failed = {rig->a->hash}};
    rig_step(rig, &e);
    expect(rig, "alarm \"block 1 was agreed on and could not be put into the chain; changing the "
                "round\", round in 8000, resend in 1000, record, say ROUND-CHANGE 1/1 with 3");
    rig_free(rig);
}

/* ---- both orders of proposers ---- */

/* Who follows `member` in an order. */
static size_t after(const struct kit *kit, enum istanbul_order order, size_t member)
{
    return (size_t)istanbul_set_index(&kit->set,
                                      istanbul_set_proposer(&kit->set, order, ISTANBUL_ROUND_ROBIN,
                                                            &kit->set.members[member], 0));
}

/* Keys and a last proposer for which the orders differ. */
static uint8_t find_two_orders(size_t *ret_last, size_t *ret_bytes, size_t *ret_text)
{
    for (uint8_t first = 1; first < 200; first++) {
        struct kit kit;
        kit_init(&kit, 4, first);
        for (*ret_last = 0; *ret_last < 4; ++*ret_last) {
            *ret_bytes = after(&kit, ISTANBUL_BY_BYTES, *ret_last);
            *ret_text = after(&kit, ISTANBUL_BY_TEXT, *ret_last);
            if (*ret_bytes != *ret_text)
                break;
        }
        kit_release(&kit);
        if (*ret_last < 4)
            return first;
    }
    fail();
    return 0;
}

static void either_order(void **state)
{
    (void)state;
    size_t last, by_bytes, by_text, self = 0;
    uint8_t first = find_two_orders(&last, &by_bytes, &by_text);
    while (self == by_bytes || self == by_text)
        self++;
    struct rig *rig = rig_new(self, first);
    struct consensus_block *parent =
        kit_block(&rig->kit, rig->kit.genesis, last, KIT_GENESIS_TIME + 1, false, 1);
    struct consensus_block *one =
        kit_block(&rig->kit, parent, by_text, KIT_GENESIS_TIME + 2, false, 1);
    struct consensus_block *two =
        kit_block(&rig->kit, parent, by_bytes, KIT_GENESIS_TIME + 2, false, 1);
    rig->now_ms = 2000;
    rig_head(rig, parent, true);
    rig_hear_proposal(rig, by_text, one);
    expect(rig, "pass PRE-PREPARE 2/0, check b");
    rig_checked(rig, one, CONSENSUS_CHECK_OK, 0);
    expect(rig, "round in 2000, record, say PREPARE 2/0");
    rig_hear_proposal(rig, by_bytes, two); /* one vote for a round */
    expect(rig, "");
    consensus_block_unref(parent);
    consensus_block_unref(one);
    consensus_block_unref(two);
    rig_free(rig);
}

/* ---- crashes ---- */

static void bound_by_the_record(void **state)
{
    (void)state;
    struct rig *rig = rig_begin(2);
    rig_vote(rig);
    expect(rig, "round in 2000, record, say PREPARE 1/0");
    rig_boot(rig);
    rig_head(rig, rig->kit.genesis, true);
    expect(rig, "to 0 PREPARE 1/0, to 1 PREPARE 1/0, to 3 PREPARE 1/0, round in 2900, resend in "
                "1900");
    struct consensus_block *other =
        kit_block(&rig->kit, rig->kit.genesis, 0, KIT_GENESIS_TIME + 1, false, 9);
    rig_hear_proposal(rig, 0, other); /* was voted for once in this round already */
    expect(rig, "pass PRE-PREPARE 1/0");
    rig_hear_proposal(rig, 0, rig->a);
    expect(rig, "pass PRE-PREPARE 1/0, check a");
    rig_checked(rig, rig->a, CONSENSUS_CHECK_OK, 0);
    expect(rig, "round in 2000, record, say PREPARE 1/0"); /* the same as before */
    consensus_block_unref(other);
    rig_free(rig);
}

static void prepared_in_the_record(void **state)
{
    (void)state;
    struct rig *rig = rig_begin(2);
    rig_prepare(rig);
    rig_boot(rig);
    rig_head(rig, rig->kit.genesis, true);
    rig_hear_commit(rig, 0, 0, rig->a);
    rig_boot(rig);
    rig_head(rig, rig->kit.genesis, true);
    rig_timeout(rig, ROUND);
    expect(rig, "round in 8000, resend in 1000, record, say ROUND-CHANGE 1/1 with 3");
    rig_boot(rig);
    rig_head(rig, rig->kit.genesis, true);
    rig_hear_commit(rig, 0, 0, rig->a);
    rig_hear_commit(rig, 1, 0, rig->a);
    expect(rig, "pass COMMIT 1/0, stop round, stop resend, commit a of round 0 by 3");
    rig_free(rig);
}

static void own_proposal_in_the_record(void **state)
{
    (void)state;
    struct rig *rig = rig_new(0, 1);
    rig->now_ms = 1000;
    rig_head(rig, rig->kit.genesis, true);
    rig_candidate(rig, rig->a);
    expect(rig, "round in 2000, record, say PRE-PREPARE 1/0, say PREPARE 1/0");
    rig_boot(rig);
    rig_head(rig, rig->kit.genesis, true);
    expect(rig,
           "check a, to 1 PRE-PREPARE 1/0, to 1 PREPARE 1/0, to 2 PRE-PREPARE 1/0, to 2 PREPARE "
           "1/0, to 3 PRE-PREPARE 1/0, to 3 PREPARE 1/0, round in 2000, resend in 1000");
    rig_candidate(rig, rig->b); /* it cannot take it back */
    expect(rig, "");
    rig_checked(rig, rig->a, CONSENSUS_CHECK_OK, 0);
    expect(rig, "round in 2000, record, say PREPARE 1/0");
    rig_free(rig);
}

static void records_of_others(void **state)
{
    (void)state;
    struct rig *rig = rig_new(2, 1);
    rig_head(rig, rig->a, true);
    struct consensus_block *next = kit_block(&rig->kit, rig->a, 1, KIT_GENESIS_TIME + 2, false, 1);
    rig_hear_proposal(rig, 1, next);
    rig_checked(rig, next, CONSENSUS_CHECK_OK, 0);
    rig_boot(rig);
    rig_head(rig, rig->kit.genesis, true); /* the chain lost a block */
    expect(rig,
           "alarm \"block 1: silent until block 2, where this validator has signed already (remove "
           "the consensus record only if the whole network went back)\"");
    rig_hear_proposal(rig, 0, rig->a);
    expect(rig, "");
    rig_head(rig, rig->a, true);
    expect(rig, "to 0 PREPARE 2/0, to 1 PREPARE 2/0, to 3 PREPARE 2/0, round in 3900, resend in "
                "2900");

    rig->self = 3; /* another key's promises bind nobody here */
    rig_boot(rig);
    rig_head(rig, rig->kit.genesis, true);
    expect(rig, "round in 2900, resend in 1900");

    rig->self = 2;
    struct consensus_machine *machine;
    struct err_detail detail;
    struct consensus_options options = {.self = rig->kit.set.members[2],
                                        .sign = rig_sign,
                                        .sign_context = rig,
                                        .record = buf_bytes(&rig->record)};
    rig->record.data[rig->record.len / 2] ^= 1;
    assert_int_equal(consensus_machine_new(&machine, &qbft_machine, &options, &detail),
                     ERR_CORRUPT);
    assert_non_null(strstr(detail.text, "the consensus record is damaged"));
    consensus_block_unref(next);
    rig_free(rig);
}

/* ---- memory ---- */

/* Each allocation of a round fails once: the machine says so and can be freed, nothing else. */
static void out_of_memory(void **state)
{
    (void)state;
    size_t failures = 0;
    for (size_t n = 1;; n++) {
        struct rig *rig = rig_begin(2);
        struct kit_message *message = kit_pre_prepare(&rig->kit, 0, 0, rig->a, NULL, 0, NULL);
        struct buf b = BUF_INIT;
        struct consensus_effects effects = {0};
        qbft_message_write(&b, &message->m);
        struct consensus_event e = {.kind = CONSENSUS_MESSAGE,
                                    .now_ms = KIT_GENESIS_TIME * 1000ull,
                                    .message = {.code = message->m.code, .payload = buf_bytes(&b)}};
        mem_fail_at(n, 1);
        int status = consensus_machine_step(rig->machine, &e, &effects);
        e = (struct consensus_event){.kind = CONSENSUS_CHECKED,
                                     .checked = {rig->a->hash, CONSENSUS_CHECK_OK, 0}};
        if (!status)
            status = consensus_machine_step(rig->machine, &e, &effects);
        bool over = mem_fail_left() != 0;
        mem_fail_at(0, 0);
        assert_true(status == ERR_OK || status == ERR_NOMEM);
        failures += status == ERR_NOMEM;
        consensus_effects_release(&effects);
        buf_release(&b);
        kit_free(message);
        rig_free(rig);
        if (over)
            break;
    }
    assert_true(failures > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_vote),
        cmocka_unit_test(a_proposal),
        cmocka_unit_test(commits_alone),
        cmocka_unit_test(wrong_seals),
        cmocka_unit_test(empty_blocks),
        cmocka_unit_test(checks),
        cmocka_unit_test(a_new_round),
        cmocka_unit_test(prepared_before),
        cmocka_unit_test(certificate),
        cmocka_unit_test(evidence),
        cmocka_unit_test(meeting),
        cmocka_unit_test(late_proposal),
        cmocka_unit_test(old_commits),
        cmocka_unit_test(proposer_away),
        cmocka_unit_test(telling),
        cmocka_unit_test(too_early),
        cmocka_unit_test(commit_failed),
        cmocka_unit_test(either_order),
        cmocka_unit_test(bound_by_the_record),
        cmocka_unit_test(prepared_in_the_record),
        cmocka_unit_test(own_proposal_in_the_record),
        cmocka_unit_test(records_of_others),
        cmocka_unit_test(out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
