#include "consensus/test/qbft_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

int rig_sign(void *context, const struct hash256 *digest, uint8_t ret[CONSENSUS_SEAL_SIZE])
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

void rig_step(struct rig *rig, struct consensus_event *e)
{
    struct consensus_effects effects = {0};
    e->now_ms = KIT_GENESIS_TIME * 1000ull + rig->now_ms;
    assert_int_equal(consensus_machine_step(rig->machine, e, &effects), ERR_OK);
    buf_clear(&rig->text);
    for (size_t i = 0; i < effects.count; i++)
        write_effect(rig, &effects.items[i]);
    consensus_effects_release(&effects);
}

/* ---- events ---- */

void rig_head(struct rig *rig, const struct consensus_block *block, bool pending)
{
    struct consensus_event e = {.kind = CONSENSUS_HEAD,
                                .head = {.number = block->number,
                                         .hash = block->hash,
                                         .time = block->time,
                                         .proposer = block->coinbase,
                                         .validators = &rig->kit.set,
                                         .params = &rig->params,
                                         .pending = pending}};
    rig_step(rig, &e);
}

void rig_hear(struct rig *rig, struct kit_message *message)
{
    struct buf b = BUF_INIT;
    struct consensus_event e = {.kind = CONSENSUS_MESSAGE};
    qbft_message_write(&b, &message->m);
    e.message.from = rig->kit.set.members[3];
    e.message.code = message->m.code;
    e.message.payload = buf_bytes(&b);
    rig_step(rig, &e);
    buf_release(&b);
    kit_free(message);
}

void rig_hear_prepare(struct rig *rig, size_t from, uint64_t round,
                      const struct consensus_block *block)
{
    rig_hear(rig, kit_prepare(&rig->kit, from, block->number, round, &block->hash));
}

void rig_hear_commit(struct rig *rig, size_t from, uint64_t round,
                     const struct consensus_block *block)
{
    rig_hear(rig, kit_commit(&rig->kit, from, round, block));
}

void rig_hear_round_change(struct rig *rig, size_t from, uint64_t round)
{
    rig_hear(rig, kit_round_change(&rig->kit, from, 1, round, NULL, 0, 0));
}

void rig_hear_proposal(struct rig *rig, size_t from, const struct consensus_block *block)
{
    rig_hear(rig, kit_pre_prepare(&rig->kit, from, 0, block, NULL, 0, NULL));
}

void rig_hear_late_proposal(struct rig *rig, size_t from, uint64_t round,
                            const struct consensus_block *block)
{
    struct kit_message *changes[3];
    for (size_t i = 0; i < 3; i++)
        changes[i] = kit_round_change(&rig->kit, i + 1, 1, round, NULL, 0, 0);
    rig_hear(rig, kit_pre_prepare(&rig->kit, from, round, block, changes, 3, NULL));
    for (size_t i = 0; i < 3; i++)
        kit_free(changes[i]);
}

void rig_candidate(struct rig *rig, struct consensus_block *block)
{
    struct consensus_event e = {.kind = CONSENSUS_CANDIDATE, .candidate = {.block = block}};
    rig_step(rig, &e);
}

void rig_checked(struct rig *rig, const struct consensus_block *block,
                 enum consensus_verdict verdict, uint64_t wait_ms)
{
    struct consensus_event e = {.kind = CONSENSUS_CHECKED,
                                .checked = {block->hash, verdict, wait_ms}};
    rig_step(rig, &e);
}

void rig_timeout(struct rig *rig, unsigned slot)
{
    struct consensus_event e = {.kind = CONSENSUS_TIMEOUT, .timeout = {.token = rig->tokens[slot]}};
    rig_step(rig, &e);
}

void rig_peer(struct rig *rig, size_t i, bool connected)
{
    struct consensus_event e = {.kind = connected ? CONSENSUS_PEER : CONSENSUS_PEER_LOST};
    e.peer.address = rig->kit.set.members[i];
    rig_step(rig, &e);
}

/* ---- setup ---- */

void rig_boot(struct rig *rig)
{
    struct consensus_options options = {.self = rig->kit.set.members[rig->self],
                                        .sign = rig_sign,
                                        .sign_context = rig,
                                        .record = buf_bytes(&rig->record)};
    consensus_machine_free(rig->machine);
    rig->machine = NULL;
    assert_int_equal(consensus_machine_new(&rig->machine, &qbft_machine, &options, NULL), ERR_OK);
    for (size_t i = 0; i < 4; i++) {
        if (i != rig->self)
            rig_peer(rig, i, true);
    }
}

struct rig *rig_new(size_t self, uint8_t first_key)
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
    rig_boot(rig);
    return rig;
}

struct rig *rig_begin(size_t self)
{
    struct rig *rig = rig_new(self, 1);
    rig_head(rig, rig->kit.genesis, true);
    return rig;
}

void rig_vote(struct rig *rig)
{
    rig_hear_proposal(rig, 0, rig->a);
    rig_checked(rig, rig->a, CONSENSUS_CHECK_OK, 0);
}

void rig_prepare(struct rig *rig)
{
    rig_vote(rig);
    rig_hear_prepare(rig, 0, 0, rig->a);
    rig_hear_prepare(rig, 1, 0, rig->a);
}

void rig_free(struct rig *rig)
{
    consensus_machine_free(rig->machine);
    consensus_block_unref(rig->a);
    consensus_block_unref(rig->b);
    buf_release(&rig->record);
    buf_release(&rig->text);
    kit_release(&rig->kit);
    free(rig);
}
