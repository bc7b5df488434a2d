/* Own candidates and others' proposals (GoQuorum, qbft/core/request.go and preprepare.go). */
#include "base/mem.h"
#include "consensus/qbft/state.h"

enum { YIELD_LEAST_MS = 250 };

/* ---- when ---- */

/* Seconds after the parent at which an empty block may be proposed. */
static uint64_t empty_period(const struct qbft *q)
{
    uint64_t period = q->params.block_period, empty = q->params.empty_block_period;
    return empty > period ? empty : period;
}

static uint64_t proposal_time(const struct qbft *q)
{
    return q->parent_time + (q->pending ? q->params.block_period : empty_period(q));
}

uint64_t qbft_due_ms(const struct qbft *q)
{
    uint64_t due = proposal_time(q) * 1000;
    return due > q->started_ms ? due : q->started_ms;
}

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* ---- checked blocks ---- */

static bool is_listed(const struct hash256 *list, size_t count, const struct hash256 *hash)
{
    for (size_t i = 0; i < count && i < QBFT_CHECKED_KEPT; i++) {
        if (hash256_equal(&list[i], hash))
            return true;
    }
    return false;
}

static void enlist(struct hash256 *list, size_t *count, const struct hash256 *hash)
{
    if (!is_listed(list, *count, hash))
        list[(*count)++ % QBFT_CHECKED_KEPT] = *hash;
}

/* ---- own ---- */

static void ask_build(struct qbft *q)
{
    bool first = q->round == 0;
    uint64_t time = first ? proposal_time(q) : q->parent_time + q->params.block_period;
    uint64_t due = first ? later(qbft_due_ms(q), 1) : later(time * 1000, q->started_ms);
    if (q->asked_time == time && q->asked_due <= due)
        return;
    q->asked_time = time;
    q->asked_due = due;
    if (!consensus_emit_build(q->effects, q->number, time, due))
        qbft_nomem(q);
}

/* The ROUND-CHANGE of this round with the highest prepared block. */
static struct qbft_stored *highest_prepared(const struct qbft *q)
{
    struct qbft_stored *best = NULL;
    for (size_t i = 0; i < q->set.count; i++) {
        struct qbft_stored *s = q->members[i].round_change;
        if (s && s->m.round == q->round && s->m.prepared &&
            (!best || s->m.prepared_round > best->m.prepared_round))
            best = s;
    }
    return best;
}

static void say_pre_prepare(struct qbft *q, struct consensus_block *block,
                            const struct qbft_stored *prepared)
{
    struct qbft_round_change *changes = mem_alloc_zeroed(q->set.count, sizeof(*changes));
    if (!changes) {
        qbft_nomem(q);
        return;
    }
    struct qbft_message m = {.code = CONSENSUS_QBFT_PRE_PREPARE,
                             .digest = block->hash,
                             .block = block->rlp,
                             .round_changes = changes};
    for (size_t i = 0; q->round && i < q->set.count; i++) {
        const struct qbft_stored *s = q->members[i].round_change;
        if (s && s->m.round == q->round)
            changes[m.round_change_count++] = qbft_round_change_of(&s->m);
    }
    if (prepared) {
        m.prepares = prepared->m.prepares;
        m.prepare_count = prepared->m.prepare_count;
    }
    struct qbft_stored *s = qbft_say(q, &m);
    mem_free(changes);
    if (!s)
        return;
    qbft_stored_put(&q->own_proposal, s);
    if (block == q->candidate) /* made here: nothing to check */
        enlist(q->good, &q->good_count, &block->hash);
    qbft_start_check(q, s);
    qbft_stored_unref(s);
}

static void wait_until(struct qbft *q, uint64_t ms)
{
    if (q->tokens[QBFT_TIMER_DUE] && q->due_armed_ms == ms)
        return;
    q->due_armed_ms = ms;
    qbft_start_timer(q, QBFT_TIMER_DUE, ms - q->now_ms);
}

/* Whether the candidate may go out now; otherwise waits for its time, or for another one. */
static bool candidate_is_due(struct qbft *q)
{
    struct consensus_block *c = q->candidate;
    if (!c) {
        ask_build(q);
        return false;
    }
    uint64_t due = c->time * 1000;
    if (q->round == 0 && c->empty && empty_period(q) > q->params.block_period) {
        if (c->time < q->parent_time + empty_period(q)) {
            if (q->pending && q->now_ms < due)
                return false;   /* a full one was asked for, and there is time */
            q->pending = false; /* what waits cannot be put into a block */
            ask_build(q);
            return false;
        }
        due = later(due, (q->parent_time + empty_period(q)) * 1000);
    }
    if (q->now_ms >= due)
        return true;
    wait_until(q, due);
    return false;
}

/* Validators may differ in what they know of each other's orders. Whoever proposes by text gives way for a moment, so that not
 * both proposers of a round split the votes. */
static bool gives_way(struct qbft *q)
{
    if (qbft_order(q) == ISTANBUL_BY_BYTES)
        return false;
    if (!q->yield_until_ms)
        q->yield_until_ms = q->now_ms + later(q->params.block_period * 1000 / 4, YIELD_LEAST_MS);
    if (q->now_ms >= q->yield_until_ms)
        return false;
    wait_until(q, q->yield_until_ms);
    return true;
}

void qbft_try_propose(struct qbft *q)
{
    if (q->phase != QBFT_ACCEPT || q->own_proposal || q->members[q->self].prepare || q->status)
        return; /* after a restart, what was said in this round stands */
    if (!qbft_own_turn(q))
        return;
    /* In a later round nobody would accept a proposal before a quorum is there; a block to fall back on is made meanwhile,
     * unless it is known that another one is to be proposed again. */
    bool quorum = q->round == 0 || qbft_round_change_count(q) >= q->checker.quorum;
    struct qbft_stored *prepared = q->round && quorum ? highest_prepared(q) : NULL;
    if (!prepared && ((q->prepared && !quorum) || !candidate_is_due(q) || !quorum))
        return;
    if (gives_way(q))
        return;
    struct consensus_block *block = prepared ? prepared->block : q->candidate;
    say_pre_prepare(q, consensus_block_ref(block), prepared);
    consensus_block_unref(block);
}

void qbft_on_candidate(struct qbft *q, struct consensus_block *block)
{
    if (q->phase == QBFT_IDLE || block->number != q->number ||
        !hash256_equal(&block->parent, &q->parent))
        return;
    if (q->own_proposal && q->candidate)
        return;
    qbft_block_put(&q->candidate, block);
    qbft_try_propose(q);
}

/* ---- checks ---- */

void qbft_forget_good(struct qbft *q, const struct hash256 *hash)
{
    for (size_t i = 0; i < QBFT_CHECKED_KEPT; i++) {
        if (hash256_equal(&q->good[i], hash))
            q->good[i] = (struct hash256){{0}};
    }
}

void qbft_start_check(struct qbft *q, struct qbft_stored *s)
{
    if (is_listed(q->good, q->good_count, &s->block->hash)) {
        qbft_accept(q, s);
        return;
    }
    qbft_stored_put(&q->checking, s);
    if (!consensus_emit_check(q->effects, s->block))
        qbft_nomem(q);
}

void qbft_check_again(struct qbft *q)
{
    if (q->checking && !consensus_emit_check(q->effects, q->checking->block))
        qbft_nomem(q);
}

void qbft_on_checked(struct qbft *q, const struct hash256 *hash, enum consensus_verdict verdict,
                     uint64_t wait_ms)
{
    if (verdict == CONSENSUS_CHECK_OK)
        enlist(q->good, &q->good_count, hash);
    else if (verdict == CONSENSUS_CHECK_BAD)
        enlist(q->bad, &q->bad_count, hash);
    if (q->phase != QBFT_ACCEPT || !q->checking || !hash256_equal(&q->checking->block->hash, hash))
        return;
    struct qbft_stored *s = qbft_stored_ref(q->checking);
    if (verdict == CONSENSUS_CHECK_OK) {
        qbft_accept(q, s);
    } else if (verdict == CONSENSUS_CHECK_FUTURE) {
        qbft_start_timer(q, QBFT_TIMER_FUTURE, later(wait_ms, 1));
    } else {
        qbft_alarm(q, "block %llu round %llu: the proposal is invalid; changing the round",
                   (unsigned long long)q->number, (unsigned long long)q->round);
        qbft_stored_put(&q->checking, NULL);
        qbft_begin_round(q, q->round + 1);
    }
    qbft_stored_unref(s);
}

/* ---- others' ---- */

static bool is_proposer(const struct qbft *q, const struct address *signer, uint64_t round)
{
    return address_equal(signer, qbft_proposer(q, ISTANBUL_BY_BYTES, round)) ||
           address_equal(signer, qbft_proposer(q, ISTANBUL_BY_TEXT, round));
}

/* After a restart, a vote in this round may have been given already. */
static bool is_bound_elsewhere(const struct qbft *q, const struct hash256 *hash)
{
    const struct qbft_stored *own = q->members[q->self].prepare;
    return own && !hash256_equal(&own->m.digest, hash);
}

void qbft_on_pre_prepare(struct qbft *q, struct qbft_stored *s, const struct address *from)
{
    if (s->m.round < q->round || q->phase == QBFT_COMMITTED ||
        (s->m.round == q->round && (q->phase != QBFT_ACCEPT || q->checking)))
        return;
    if (s->block->number != q->number || !hash256_equal(&s->block->parent, &q->parent) ||
        is_listed(q->bad, q->bad_count, &s->block->hash) || !is_proposer(q, &s->signer, s->m.round))
        return;
    if (s->m.round > 0 &&
        qbft_check_justification(&q->checker, &s->m, &s->block->hash) != QBFT_VALID)
        return;
    qbft_forward(q, s, from);
    if (s->m.round > q->round)
        qbft_begin_round(q, s->m.round);
    if (s->m.round == q->round && q->round)
        q->quorum_waits = true; /* the proposal proves it */
    if (s->m.round != q->round || q->phase != QBFT_ACCEPT || q->checking ||
        is_bound_elsewhere(q, &s->block->hash))
        return;
    qbft_start_check(q, s);
    if (q->phase != QBFT_ACCEPT)
        return;
    if (q->round)
        qbft_arm_round(q); /* it came; how long its check takes is another matter */
    qbft_try_commit(q, s->block);
}
