/* The QBFT machine, rule by rule: what happens, and exactly what it does then. */
#include "base/mem.h"
#include "consensus/istanbul/config.h"
#include "consensus/test/kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* Four validators; the machine is one of them. At genesis round r belongs to validator r. */
struct rig {
    struct kit kit;
    struct istanbul_params params;
    size_t self;
    struct consensus_machine *machine;
    uint64_t now_ms; /* after the genesis block's time */
    uint64_t tokens[CONSENSUS_TIMER_SLOTS];
    struct buf record;
    struct buf text; /* the effects of the last step */
    struct consensus_block *a, *b;
};

static int sign(void *context, const struct hash256 *digest, uint8_t ret[CONSENSUS_SEAL_SIZE])
{
    struct rig *rig = context;
    kit_sign(&rig->kit.keys[rig->self], digest, ret);
    return 0;
}

/* ---- effects as text ---- */

static unsigned index_of(const struct rig *rig, const struct address *address)
{
    return (unsigned)istanbul_set_index(&rig->kit.set, address);
}

static void write_message(struct buf *b, unsigned code, struct bytes payload)
{
    static const char *const names[] = {"PRE-PREPARE", "PREPARE", "COMMIT", "ROUND-CHANGE"};
    struct arena arena;
    struct qbft_message m;
    arena_init(&arena);
    assert_int_equal(qbft_message_decode(&m, &arena, code, payload, NULL), ERR_OK);
    buf_append_format(b, "%s %u/%u", names[code - CONSENSUS_QBFT_PRE_PREPARE], (unsigned)m.number,
                      (unsigned)m.round);
    if (code == CONSENSUS_QBFT_PRE_PREPARE && m.round)
        buf_append_format(b, " because of %zu", m.round_change_count);
    if (m.prepare_count)
        buf_append_format(b, " with %zu", m.prepare_count);
    arena_release(&arena);
}

static void write_effect(struct rig *rig, const struct consensus_effect *e)
{
    static const char *const timers[] = {"round", "due", "future", "behind", "resend"};
    struct buf *b = &rig->text;
    buf_append_text(b, b->len ? ", " : "");
    switch (e->kind) {
    case CONSENSUS_BROADCAST:
        buf_append_text(b, address_is_zero(&e->broadcast.except) ? "say " : "pass ");
        write_message(b, e->broadcast.code, e->broadcast.payload);
        break;
    case CONSENSUS_SEND:
        buf_append_format(b, "to %u ", index_of(rig, &e->send.to));
        write_message(b, e->send.code, e->send.payload);
        break;
    case CONSENSUS_TIMER:
        buf_append_format(b, "%s in %u", timers[e->timer.token % CONSENSUS_TIMER_SLOTS],
                          (unsigned)e->timer.after_ms);
        rig->tokens[e->timer.token % CONSENSUS_TIMER_SLOTS] = e->timer.token;
        break;
    case CONSENSUS_STOP:
        buf_append_format(b, "stop %s", timers[e->timer.token % CONSENSUS_TIMER_SLOTS]);
        break;
    case CONSENSUS_BUILD:
        buf_append_format(b, "build for %u at %u", (unsigned)(e->build.time - KIT_GENESIS_TIME),
                          (unsigned)(e->build.due_ms - KIT_GENESIS_TIME * 1000ull));
        break;
    case CONSENSUS_CHECK:
        buf_append_format(b, "check %s",
                          hash256_equal(&e->check.block->hash, &rig->a->hash) ? "a" : "b");
        break;
    case CONSENSUS_COMMIT:
        buf_append_format(b, "commit %s of round %u by %zu",
                          hash256_equal(&e->commit.block->hash, &rig->a->hash) ? "a" : "b",
                          (unsigned)e->commit.round, e->commit.seal_count);
        break;
    case CONSENSUS_RECORD:
        buf_append_text(b, "record");
        buf_clear(&rig->record);
        buf_append_bytes(&rig->record, e->record.bytes);
        break;
    case CONSENSUS_ALARM:
        buf_append_format(b, "alarm \"%s\"", e->alarm.text);
        break;
    }
}

static void step(struct rig *rig, struct consensus_event *e)
{
    struct consensus_effects effects = {0};
    e->now_ms = KIT_GENESIS_TIME * 1000ull + rig->now_ms;
    assert_int_equal(consensus_machine_step(rig->machine, e, &effects), ERR_OK);
    buf_clear(&rig->text);
    for (size_t i = 0; i < effects.count; i++)
        write_effect(rig, &effects.items[i]);
    consensus_effects_release(&effects);
}

#define expect(rig, expected) assert_string_equal(buf_text(&(rig)->text), expected)

/* ---- events ---- */

static void head(struct rig *rig, const struct consensus_block *block, bool pending)
{
    struct consensus_event e = {.kind = CONSENSUS_HEAD,
                                .head = {.number = block->number,
                                         .hash = block->hash,
                                         .time = block->time,
                                         .proposer = block->coinbase,
                                         .validators = &rig->kit.set,
                                         .params = &rig->params,
                                         .pending = pending}};
    step(rig, &e);
}

/* Takes the message. */
static void hear(struct rig *rig, struct kit_message *message)
{
    struct buf b = BUF_INIT;
    struct consensus_event e = {.kind = CONSENSUS_MESSAGE};
    qbft_message_write(&b, &message->m);
    e.message.from = rig->kit.set.members[3];
    e.message.code = message->m.code;
    e.message.payload = buf_bytes(&b);
    step(rig, &e);
    buf_release(&b);
    kit_free(message);
}

static void hear_prepare(struct rig *rig, size_t from, uint64_t round,
                         const struct consensus_block *block)
{
    hear(rig, kit_prepare(&rig->kit, from, block->number, round, &block->hash));
}

static void hear_commit(struct rig *rig, size_t from, uint64_t round,
                        const struct consensus_block *block)
{
    hear(rig, kit_commit(&rig->kit, from, round, block));
}

static void hear_round_change(struct rig *rig, size_t from, uint64_t round)
{
    hear(rig, kit_round_change(&rig->kit, from, 1, round, NULL, 0, 0));
}

static void hear_proposal(struct rig *rig, size_t from, const struct consensus_block *block)
{
    hear(rig, kit_pre_prepare(&rig->kit, from, 0, block, NULL, 0, NULL));
}

/* A proposal because of ROUND-CHANGEs of validators 1, 2 and 3. */
static void hear_late_proposal(struct rig *rig, size_t from, uint64_t round,
                               const struct consensus_block *block)
{
    struct kit_message *changes[3];
    for (size_t i = 0; i < 3; i++)
        changes[i] = kit_round_change(&rig->kit, i + 1, 1, round, NULL, 0, 0);
    hear(rig, kit_pre_prepare(&rig->kit, from, round, block, changes, 3, NULL));
    for (size_t i = 0; i < 3; i++)
        kit_free(changes[i]);
}

static void candidate(struct rig *rig, struct consensus_block *block)
{
    struct consensus_event e = {.kind = CONSENSUS_CANDIDATE, .candidate = {.block = block}};
    step(rig, &e);
}

static void checked(struct rig *rig, const struct consensus_block *block,
                    enum consensus_verdict verdict, uint64_t wait_ms)
{
    struct consensus_event e = {.kind = CONSENSUS_CHECKED,
                                .checked = {block->hash, verdict, wait_ms}};
    step(rig, &e);
}

enum { ROUND, DUE, FUTURE, BEHIND, RESEND };

static void timeout(struct rig *rig, unsigned slot)
{
    struct consensus_event e = {.kind = CONSENSUS_TIMEOUT, .timeout = {.token = rig->tokens[slot]}};
    step(rig, &e);
}

static void peer(struct rig *rig, size_t i, bool connected)
{
    struct consensus_event e = {.kind = connected ? CONSENSUS_PEER : CONSENSUS_PEER_LOST};
    e.peer.address = rig->kit.set.members[i];
    step(rig, &e);
}

/* ---- setup ---- */

static void boot(struct rig *rig)
{
    struct consensus_options options = {.self = rig->kit.set.members[rig->self],
                                        .sign = sign,
                                        .sign_context = rig,
                                        .record = buf_bytes(&rig->record)};
    consensus_machine_free(rig->machine);
    rig->machine = NULL;
    assert_int_equal(consensus_machine_new(&rig->machine, &qbft_machine, &options, NULL), ERR_OK);
    for (size_t i = 0; i < 4; i++) {
        if (i != rig->self)
            peer(rig, i, true);
    }
}

static struct rig *new_rig(size_t self, uint8_t first_key)
{
    struct rig *rig = calloc(1, sizeof(*rig));
    struct istanbul_config config;
    kit_init(&rig->kit, 4, first_key);
    istanbul_config_init(&config);
    config.block_period = 1;
    config.request_timeout_ms = 4000;
    istanbul_params_at(&config, 1, &rig->params);
    rig->self = self;
    rig->now_ms = 100;
    rig->a = kit_block(&rig->kit, rig->kit.genesis, 0, KIT_GENESIS_TIME + 1, false, 1);
    rig->b = kit_block(&rig->kit, rig->kit.genesis, 1, KIT_GENESIS_TIME + 1, true, 2);
    boot(rig);
    return rig;
}

static void free_rig(struct rig *rig)
{
    consensus_machine_free(rig->machine);
    consensus_block_unref(rig->a);
    consensus_block_unref(rig->b);
    buf_release(&rig->record);
    buf_release(&rig->text);
    kit_release(&rig->kit);
    free(rig);
}

/* ---- round 0 ---- */

static void a_vote(void **state)
{
    (void)state;
    struct rig *rig = new_rig(2, 1);
    head(rig, rig->kit.genesis, true);
    expect(rig, "round in 2900, resend in 1900");
    rig->now_ms = 1010;
    hear_proposal(rig, 1, rig->b); /* not its turn */
    expect(rig, "");
    hear_proposal(rig, 0, rig->a);
    expect(rig, "pass PRE-PREPARE 1/0, check a");
    checked(rig, rig->a, CONSENSUS_CHECK_OK, 0);
    expect(rig, "round in 2000, record, say PREPARE 1/0");
    hear_prepare(rig, 0, 0, rig->a);
    expect(rig, "pass PREPARE 1/0");
    hear_prepare(rig, 0, 0, rig->a); /* again */
    expect(rig, "");
    hear_prepare(rig, 3, 0, rig->b); /* of another block: kept, and does not count */
    expect(rig, "pass PREPARE 1/0");
    hear_prepare(rig, 1, 0, rig->a);
    expect(rig, "pass PREPARE 1/0, record, say COMMIT 1/0");
    hear_commit(rig, 0, 0, rig->a);
    expect(rig, "pass COMMIT 1/0");
    hear_commit(rig, 1, 0, rig->a);
    expect(rig, "pass COMMIT 1/0, stop round, stop resend, commit a of round 0 by 3");
    hear_commit(rig, 3, 0, rig->a); /* late */
    expect(rig, "");
    head(rig, rig->a, true);
    expect(rig, "round in 2990, resend in 1990");
    free_rig(rig);
}

static void a_proposal(void **state)
{
    (void)state;
    struct rig *rig = new_rig(0, 1);
    head(rig, rig->kit.genesis, true);
    expect(rig, "round in 2900, resend in 1900, build for 1 at 1000");
    candidate(rig, rig->a);
    expect(rig, "due in 900");
    rig->now_ms = 1000;
    timeout(rig, DUE);
    expect(rig, "round in 2000, record, say PRE-PREPARE 1/0, say PREPARE 1/0");
    candidate(rig, rig->b); /* too late */
    expect(rig, "");
    hear_prepare(rig, 1, 0, rig->a);
    hear_commit(rig, 1, 0, rig->a);
    hear_commit(rig, 2, 0, rig->a);
    expect(rig, "pass COMMIT 1/0");
    hear_prepare(rig, 2, 0, rig->a);
    expect(rig, "pass PREPARE 1/0, stop round, stop resend, commit a of round 0 by 3, record, say "
                "COMMIT 1/0");
    free_rig(rig);
}

static void commits_alone(void **state)
{
    (void)state;
    struct rig *rig = new_rig(2, 1);
    head(rig, rig->kit.genesis, true);
    hear_commit(rig, 0, 0, rig->a);
    hear_commit(rig, 1, 0, rig->a);
    hear_commit(rig, 3, 0, rig->a);
    expect(rig, "pass COMMIT 1/0");
    hear_proposal(rig, 0, rig->a); /* the block was all that was missing */
    expect(rig, "pass PRE-PREPARE 1/0, check a, stop round, stop resend, commit a of round 0 by 3");
    free_rig(rig);
}

static void wrong_seals(void **state)
{
    (void)state;
    struct rig *rig = new_rig(2, 1);
    head(rig, rig->kit.genesis, true);
    hear_commit(rig, 0, 0, rig->a);
    hear_commit(rig, 1, 0, rig->a);
    struct kit_message *wrong = kit_commit(&rig->kit, 3, 0, rig->b);
    wrong->m.digest = rig->a->hash; /* well signed, but its seal is for b */
    kit_seal(&rig->kit, wrong, 3);
    hear(rig, wrong);
    expect(rig, "pass COMMIT 1/0");
    hear_proposal(rig, 0, rig->a);
    expect(rig, "pass PRE-PREPARE 1/0, check a");
    hear_commit(rig, 3, 0, rig->a);
    expect(rig, "pass COMMIT 1/0, stop round, stop resend, commit a of round 0 by 3");
    free_rig(rig);
}

static void empty_blocks(void **state)
{
    (void)state;
    struct rig *rig = new_rig(0, 1);
    rig->params.empty_block_period = 5;
    head(rig, rig->kit.genesis, false);
    expect(rig, "round in 6900, resend in 5900, build for 5 at 5000");
    rig->now_ms = 2500;
    struct consensus_event e = {.kind = CONSENSUS_PENDING};
    step(rig, &e);
    expect(rig, "round in 2000, build for 1 at 1000");
    candidate(rig, rig->b); /* but what waits cannot be put into a block */
    expect(rig, "build for 5 at 5000");
    struct consensus_block *late =
        kit_block(&rig->kit, rig->kit.genesis, 0, KIT_GENESIS_TIME + 5, true, 3);
    candidate(rig, late);
    expect(rig, "due in 2500");
    candidate(rig, rig->a); /* now it can */
    expect(rig, "stop due, round in 2000, record, say PRE-PREPARE 1/0, say PREPARE 1/0");
    consensus_block_unref(late);
    free_rig(rig);
}

static void checks(void **state)
{
    (void)state;
    struct rig *rig = new_rig(2, 1);
    head(rig, rig->kit.genesis, true);
    hear_proposal(rig, 0, rig->a);
    checked(rig, rig->a, CONSENSUS_CHECK_FUTURE, 900);
    expect(rig, "future in 900");
    timeout(rig, FUTURE);
    expect(rig, "check a");
    checked(rig, rig->a, CONSENSUS_CHECK_BAD, 0);
    expect(rig, "alarm \"block 1 round 0: the proposal is invalid; changing the round\", round in "
                "8000, resend in 1000, record, say ROUND-CHANGE 1/1");
    hear_proposal(rig, 0, rig->a);
    expect(rig, "");
    free_rig(rig);
}

/* ---- rounds ---- */

static void a_new_round(void **state)
{
    (void)state;
    struct rig *rig = new_rig(1, 1); /* whose turn round 1 is */
    head(rig, rig->kit.genesis, true);
    rig->now_ms = 3000;
    timeout(rig, ROUND);
    expect(rig, "round in 8000, resend in 1000, build for 1 at 1000, record, say ROUND-CHANGE 1/1");
    candidate(rig, rig->b);
    expect(rig, ""); /* nobody would accept it yet */
    hear_round_change(rig, 2, 1);
    expect(rig, "pass ROUND-CHANGE 1/1, round in 8000");
    hear_round_change(rig, 3, 1);
    expect(rig, "pass ROUND-CHANGE 1/1, round in 4000, round in 4000, record, say PRE-PREPARE 1/1 "
                "because of 3, say PREPARE 1/1");
    free_rig(rig);
}

static void prepared_before(void **state)
{
    (void)state;
    struct rig *rig = new_rig(1, 1);
    head(rig, rig->kit.genesis, true);
    candidate(rig, rig->b);
    timeout(rig, ROUND);
    hear_round_change(rig, 2, 1);
    hear(rig, kit_round_change(&rig->kit, 3, 1, 1, rig->a, 0, 2)); /* not proven */
    expect(rig, "");
    hear(rig, kit_round_change(&rig->kit, 3, 1, 1, rig->a, 0, 3));
    expect(rig, "pass ROUND-CHANGE 1/1 with 3, round in 4000, check a, record, say PRE-PREPARE 1/1 "
                "because of 3 with 3");
    checked(rig, rig->a, CONSENSUS_CHECK_OK, 0);
    expect(rig, "stop due, round in 4000, record, say PREPARE 1/1");
    free_rig(rig);
}

/* Whoever has prepared a block says so in every later round. */
static void certificate(void **state)
{
    (void)state;
    struct rig *rig = new_rig(2, 1);
    head(rig, rig->kit.genesis, true);
    hear_proposal(rig, 0, rig->a);
    checked(rig, rig->a, CONSENSUS_CHECK_OK, 0);
    hear_prepare(rig, 0, 0, rig->a);
    hear_prepare(rig, 1, 0, rig->a);
    timeout(rig, ROUND);
    expect(rig, "round in 8000, resend in 1000, record, say ROUND-CHANGE 1/1 with 3");
    timeout(rig, ROUND);
    expect(rig, "round in 16000, resend in 1000, record, say ROUND-CHANGE 1/2 with 3");
    free_rig(rig);
}

static void evidence(void **state)
{
    (void)state;
    struct rig *rig = new_rig(2, 1);
    head(rig, rig->kit.genesis, true);
    hear_round_change(rig, 0, 9);                        /* one may lie */
    expect(rig, "pass ROUND-CHANGE 1/9, round in 1400"); /* no proposal is to be expected of it */
    hear_round_change(rig, 1, 5);                        /* of two, one is honest */
    expect(rig, "pass ROUND-CHANGE 1/5, round in 4000, resend in 1000, record, say "
                "ROUND-CHANGE 1/5");
    hear_round_change(rig, 3, 4); /* too low: it is told */
    expect(rig, "to 3 ROUND-CHANGE 1/9, to 3 ROUND-CHANGE 1/5, to 3 ROUND-CHANGE 1/5");
    hear_round_change(rig, 3, 4);
    expect(rig, "");
    free_rig(rig);
}

/* Three are there, one of them is ahead: without it there is no quorum. */
static void meeting(void **state)
{
    (void)state;
    struct rig *rig = new_rig(2, 1);
    head(rig, rig->kit.genesis, true);
    peer(rig, 3, false);
    expect(rig, "");
    hear_round_change(rig, 1, 7);
    expect(rig, "pass ROUND-CHANGE 1/7, behind in 125");
    timeout(rig, BEHIND);
    expect(rig, "round in 4000, resend in 1000, record, say ROUND-CHANGE 1/7");
    free_rig(rig);
}

static void late_proposal(void **state)
{
    (void)state;
    struct rig *rig = new_rig(2, 1);
    head(rig, rig->kit.genesis, true);
    hear_late_proposal(rig, 1, 3, rig->a); /* round 3 is validator 3's */
    expect(rig, "");
    hear_late_proposal(rig, 3, 3, rig->a);
    expect(
        rig,
        "pass PRE-PREPARE 1/3 because of 3, round in 4000, resend in 1000, check a, round in 2000, "
        "record, say ROUND-CHANGE 1/3");
    free_rig(rig);
}

/* A quorum that committed in a round which this node has left. */
static void old_commits(void **state)
{
    (void)state;
    struct rig *rig = new_rig(2, 1);
    head(rig, rig->kit.genesis, true);
    hear_proposal(rig, 0, rig->a);
    checked(rig, rig->a, CONSENSUS_CHECK_OK, 0);
    hear_prepare(rig, 0, 0, rig->a);
    hear_prepare(rig, 1, 0, rig->a);
    timeout(rig, ROUND);
    hear_commit(rig, 0, 0, rig->a);
    hear_commit(rig, 1, 0, rig->a);
    expect(rig, "pass COMMIT 1/0, stop round, stop resend, commit a of round 0 by 3");
    free_rig(rig);
}

/* ---- others come and go ---- */

static void proposer_away(void **state)
{
    (void)state;
    struct rig *rig = new_rig(2, 1);
    head(rig, rig->kit.genesis, true);
    expect(rig, "round in 2900, resend in 1900");
    peer(rig, 0, false);
    expect(rig, "round in 1400");
    peer(rig, 0, true);
    expect(rig, "round in 2900");
    free_rig(rig);
}

static void telling(void **state)
{
    (void)state;
    struct rig *rig = new_rig(2, 1);
    head(rig, rig->kit.genesis, true);
    hear_proposal(rig, 0, rig->a);
    checked(rig, rig->a, CONSENSUS_CHECK_OK, 0);
    hear_prepare(rig, 0, 0, rig->a);
    peer(rig, 3, false);
    peer(rig, 3, true);
    expect(rig, "to 3 PRE-PREPARE 1/0, to 3 PREPARE 1/0, to 3 PREPARE 1/0");
    timeout(rig, RESEND);
    expect(rig, "to 0 PREPARE 1/0, to 1 PREPARE 1/0, to 3 PREPARE 1/0, resend in 2000");
    free_rig(rig);
}

static void too_early(void **state)
{
    (void)state;
    struct rig *rig = new_rig(2, 1);
    head(rig, rig->kit.genesis, true);
    struct consensus_block *next = kit_block(&rig->kit, rig->a, 1, KIT_GENESIS_TIME + 2, false, 1);
    hear_prepare(rig, 3, 0, next);
    expect(rig, "");
    hear_proposal(rig, 1, next);
    expect(rig, "");
    hear_prepare(rig, 3, 2, rig->a); /* of a later round */
    expect(rig, "");
    head(rig, rig->a, true);
    expect(rig, "stop round, stop resend, round in 3900, resend in 2900, pass PRE-PREPARE 2/0, "
                "check b, pass PREPARE 2/0");
    consensus_block_unref(next);
    free_rig(rig);
}

static void commit_failed(void **state)
{
    (void)state;
    struct rig *rig = new_rig(2, 1);
    head(rig, rig->kit.genesis, true);
    hear_proposal(rig, 0, rig->a);
    checked(rig, rig->a, CONSENSUS_CHECK_OK, 0);
    hear_prepare(rig, 0, 0, rig->a);
    hear_prepare(rig, 1, 0, rig->a);
    hear_commit(rig, 0, 0, rig->a);
    hear_commit(rig, 1, 0, rig->a);
    struct consensus_event e = {.kind = CONSENSUS_COMMIT_FAILED, .commit_failed = {rig->a->hash}};
    step(rig, &e);
    expect(rig, "alarm \"block 1 was agreed on and could not be put into the chain; changing the "
                "round\", round in 8000, resend in 1000, record, say ROUND-CHANGE 1/1 with 3");
    free_rig(rig);
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
    struct rig *rig = new_rig(self, first);
    struct consensus_block *parent =
        kit_block(&rig->kit, rig->kit.genesis, last, KIT_GENESIS_TIME + 1, false, 1);
    struct consensus_block *one =
        kit_block(&rig->kit, parent, by_text, KIT_GENESIS_TIME + 2, false, 1);
    struct consensus_block *two =
        kit_block(&rig->kit, parent, by_bytes, KIT_GENESIS_TIME + 2, false, 1);
    rig->now_ms = 2000;
    head(rig, parent, true);
    hear_proposal(rig, by_text, one);
    expect(rig, "pass PRE-PREPARE 2/0, check b");
    checked(rig, one, CONSENSUS_CHECK_OK, 0);
    expect(rig, "round in 2000, record, say PREPARE 2/0");
    hear_proposal(rig, by_bytes, two); /* one vote for a round */
    expect(rig, "");
    consensus_block_unref(parent);
    consensus_block_unref(one);
    consensus_block_unref(two);
    free_rig(rig);
}

/* ---- crashes ---- */

static void bound_by_the_record(void **state)
{
    (void)state;
    struct rig *rig = new_rig(2, 1);
    head(rig, rig->kit.genesis, true);
    hear_proposal(rig, 0, rig->a);
    checked(rig, rig->a, CONSENSUS_CHECK_OK, 0);
    expect(rig, "round in 2000, record, say PREPARE 1/0");
    boot(rig);
    head(rig, rig->kit.genesis, true);
    expect(rig, "to 0 PREPARE 1/0, to 1 PREPARE 1/0, to 3 PREPARE 1/0, round in 2900, resend in "
                "1900");
    struct consensus_block *other =
        kit_block(&rig->kit, rig->kit.genesis, 0, KIT_GENESIS_TIME + 1, false, 9);
    hear_proposal(rig, 0, other); /* was voted for once in this round already */
    expect(rig, "pass PRE-PREPARE 1/0");
    hear_proposal(rig, 0, rig->a);
    expect(rig, "pass PRE-PREPARE 1/0, check a");
    checked(rig, rig->a, CONSENSUS_CHECK_OK, 0);
    expect(rig, "round in 2000, record, say PREPARE 1/0"); /* the same as before */
    consensus_block_unref(other);
    free_rig(rig);
}

static void prepared_in_the_record(void **state)
{
    (void)state;
    struct rig *rig = new_rig(2, 1);
    head(rig, rig->kit.genesis, true);
    hear_proposal(rig, 0, rig->a);
    checked(rig, rig->a, CONSENSUS_CHECK_OK, 0);
    hear_prepare(rig, 0, 0, rig->a);
    hear_prepare(rig, 1, 0, rig->a);
    boot(rig);
    head(rig, rig->kit.genesis, true);
    hear_commit(rig, 0, 0, rig->a);
    boot(rig);
    head(rig, rig->kit.genesis, true);
    timeout(rig, ROUND);
    expect(rig, "round in 8000, resend in 1000, record, say ROUND-CHANGE 1/1 with 3");
    boot(rig);
    head(rig, rig->kit.genesis, true);
    hear_commit(rig, 0, 0, rig->a);
    hear_commit(rig, 1, 0, rig->a);
    expect(rig, "pass COMMIT 1/0, stop round, stop resend, commit a of round 0 by 3");
    free_rig(rig);
}

static void own_proposal_in_the_record(void **state)
{
    (void)state;
    struct rig *rig = new_rig(0, 1);
    rig->now_ms = 1000;
    head(rig, rig->kit.genesis, true);
    candidate(rig, rig->a);
    expect(rig, "round in 2000, record, say PRE-PREPARE 1/0, say PREPARE 1/0");
    boot(rig);
    head(rig, rig->kit.genesis, true);
    expect(rig,
           "check a, to 1 PRE-PREPARE 1/0, to 1 PREPARE 1/0, to 2 PRE-PREPARE 1/0, to 2 PREPARE "
           "1/0, to 3 PRE-PREPARE 1/0, to 3 PREPARE 1/0, round in 2000, resend in 1000");
    candidate(rig, rig->b); /* it cannot take it back */
    expect(rig, "");
    checked(rig, rig->a, CONSENSUS_CHECK_OK, 0);
    expect(rig, "round in 2000, record, say PREPARE 1/0");
    free_rig(rig);
}

static void records_of_others(void **state)
{
    (void)state;
    struct rig *rig = new_rig(2, 1);
    head(rig, rig->a, true);
    struct consensus_block *next = kit_block(&rig->kit, rig->a, 1, KIT_GENESIS_TIME + 2, false, 1);
    hear_proposal(rig, 1, next);
    checked(rig, next, CONSENSUS_CHECK_OK, 0);
    boot(rig);
    head(rig, rig->kit.genesis, true); /* the chain lost a block */
    expect(rig,
           "alarm \"block 1: silent until block 2, where this validator has signed already (remove "
           "the consensus record only if the whole network went back)\"");
    hear_proposal(rig, 0, rig->a);
    expect(rig, "");
    head(rig, rig->a, true);
    expect(rig, "to 0 PREPARE 2/0, to 1 PREPARE 2/0, to 3 PREPARE 2/0, round in 3900, resend in "
                "2900");

    rig->self = 3; /* another key's promises bind nobody here */
    boot(rig);
    head(rig, rig->kit.genesis, true);
    expect(rig, "round in 2900, resend in 1900");

    rig->self = 2;
    struct consensus_machine *machine;
    struct err_detail detail;
    struct consensus_options options = {.self = rig->kit.set.members[2],
                                        .sign = sign,
                                        .sign_context = rig,
                                        .record = buf_bytes(&rig->record)};
    rig->record.data[rig->record.len / 2] ^= 1;
    assert_int_equal(consensus_machine_new(&machine, &qbft_machine, &options, &detail),
                     ERR_CORRUPT);
    assert_non_null(strstr(detail.text, "the consensus record is damaged"));
    consensus_block_unref(next);
    free_rig(rig);
}

/* ---- memory ---- */

/* Each allocation of a round fails once: the machine says so and can be freed, nothing else. */
static void out_of_memory(void **state)
{
    (void)state;
    size_t failures = 0;
    for (size_t n = 1;; n++) {
        struct rig *rig = new_rig(2, 1);
        head(rig, rig->kit.genesis, true);
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
        free_rig(rig);
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
