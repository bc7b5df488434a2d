/* ROUND-CHANGE and the timers of rounds (GoQuorum, qbft/core/roundchange.go and core.go; state.h says what is different). */
#include "base/mem.h"
#include "consensus/qbft/state.h"

#include <stdlib.h>

enum {
    PATIENCE_LEAST_MS = 1000, /* for the messages of one round, on a busy machine */
    AWAY_LEAST_MS = 250,      /* for a proposer that is believed to be away */
    BEHIND_LEAST_MS = 100,    /* for messages under way, before a jump to a higher round */
    RESEND_LEAST_MS = 500,
    DOUBLINGS_MAX = 6, /* of patience */
    JUMP_MAX = 16,     /* rounds at once, on the word of validators of whom one may lie */
    TIMEOUT_MAX_MS = 3600 * 1000,
};

static uint64_t at_least(uint64_t value, uint64_t least)
{
    return value > least ? value : least;
}

static uint64_t at_most(uint64_t value, uint64_t most)
{
    return value < most ? value : most;
}

static uint64_t period_ms(const struct qbft *q)
{
    return q->params.block_period * 1000;
}

/* ---- pace ---- */

/* The reference's timeout: doubled each round, up to the configured cap and to one of ours, where the reference overflows. */
static uint64_t reference_timeout(const struct qbft *q)
{
    uint64_t most = q->params.max_request_timeout_ms
                        ? q->params.max_request_timeout_ms
                        : at_least(TIMEOUT_MAX_MS, q->params.request_timeout_ms);
    uint64_t timeout = q->params.request_timeout_ms;
    for (uint64_t i = 0; i < q->round && timeout < most; i++)
        timeout *= 2;
    return q->round ? at_most(timeout, most) : timeout;
}

static unsigned doublings(const struct qbft *q)
{
    return (unsigned)at_most(q->failures, DOUBLINGS_MAX);
}

/* How long a round may take that a quorum takes part in: two block periods, or four times what blocks took lately; longer
 * after rounds that were too short. Never longer than the reference would wait. */
static uint64_t patience(const struct qbft *q)
{
    uint64_t own = at_least(at_least(2 * period_ms(q), 4 * q->slowest_ms), PATIENCE_LEAST_MS);
    return at_most(own << doublings(q), reference_timeout(q));
}

/* Whether a quorum is there, and enough of it in this round or higher to draw the rest after them. Otherwise this node must
 * not run ahead: nobody comes back to a round that he has left, and validators of the reference take their time. */
static bool others_will_follow(struct qbft *q)
{
    size_t there = 0, here = 0;
    for (size_t i = 0; i < q->set.count; i++) {
        there += qbft_is_there(q, i);
        here += qbft_is_there(q, i) && (i == q->self || q->members[i].round >= q->round);
    }
    return there >= q->checker.quorum && here > q->faults;
}

void qbft_arm_round(struct qbft *q)
{
    if (q->phase == QBFT_IDLE || q->phase == QBFT_COMMITTED)
        return;
    uint64_t wait = 0;
    if (q->round == 0 && q->phase == QBFT_ACCEPT && qbft_due_ms(q) > q->now_ms)
        wait = qbft_due_ms(q) - q->now_ms;
    if (q->round > 0 && !q->quorum_waits && q->phase == QBFT_ACCEPT)
        wait += others_will_follow(q) ? 2 * patience(q) : reference_timeout(q);
    else if (q->phase == QBFT_ACCEPT && !q->checking && !qbft_proposer_is_there(q))
        wait += at_most(at_least(period_ms(q) / (q->round ? 4 : 2), AWAY_LEAST_MS) << doublings(q),
                        patience(q));
    else if (q->phase == QBFT_ACCEPT && !q->checking && q->round) /* a proposal is made at once */
        wait += at_most(at_least(2 * period_ms(q), PATIENCE_LEAST_MS) << doublings(q), patience(q));
    else
        wait += patience(q);
    q->armed_ms = q->now_ms;
    qbft_start_timer(q, QBFT_TIMER_ROUND, wait);
}

void qbft_arm_resend(struct qbft *q, bool first)
{
    uint64_t least = at_least(period_ms(q), RESEND_LEAST_MS);
    uint64_t wait = 0;
    if (first) {
        q->resend_ms = least;
        if (q->round == 0 && qbft_due_ms(q) > q->now_ms)
            wait = qbft_due_ms(q) - q->now_ms;
    } else {
        q->resend_ms = at_most(2 * q->resend_ms, 2 * least);
    }
    qbft_start_timer(q, QBFT_TIMER_RESEND, wait + q->resend_ms);
}

/* ---- where everybody is ---- */

static int compare_rounds(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* The rounds of the other members, or of those who are there and this node: ascending. Returns how many. */
static size_t sorted_rounds(struct qbft *q, uint64_t *rounds, bool others)
{
    size_t count = 0;
    for (size_t i = 0; i < q->set.count; i++) {
        if (i == q->self) {
            if (!others)
                rounds[count++] = q->round;
        } else if (others || (qbft_is_there(q, i) && !q->members[i].absent)) {
            rounds[count++] = q->members[i].round;
        }
    }
    qsort(rounds, count, sizeof(*rounds), compare_rounds);
    return count;
}

/* The highest round that one honest validator must have reached. */
static uint64_t evident_round(struct qbft *q, uint64_t *rounds)
{
    size_t count = sorted_rounds(q, rounds, true);
    return count > q->faults ? rounds[count - 1 - q->faults] : 0;
}

/* The lowest round in which those who are there can be a quorum, since nobody goes back. 0: they are too few. */
static uint64_t meeting_round(struct qbft *q, uint64_t *rounds)
{
    size_t count = sorted_rounds(q, rounds, false);
    return count >= q->checker.quorum ? rounds[q->checker.quorum - 1] : 0;
}

size_t qbft_round_change_count(const struct qbft *q)
{
    size_t count = 0;
    for (size_t i = 0; i < q->set.count; i++) {
        const struct qbft_stored *s = q->members[i].round_change;
        count += s && s->m.round == q->round;
    }
    return count;
}

/* Starts the round's timer anew when something is known that makes it shorter. */
static void note_pace(struct qbft *q)
{
    bool waits = q->round && qbft_round_change_count(q) >= q->checker.quorum;
    bool changed = false;
    if (!q->quorum_waits && waits)
        changed = q->quorum_waits = true;
    else if (q->round && !q->quorum_waits && !q->drawn && others_will_follow(q))
        changed = q->drawn = true;
    if ((!q->round || q->quorum_waits) && !q->hurried && !q->checking && !qbft_proposer_is_there(q))
        changed = q->hurried = true;
    if (changed && q->phase == QBFT_ACCEPT)
        qbft_arm_round(q);
}

void qbft_look_at_rounds(struct qbft *q)
{
    if (q->phase == QBFT_IDLE || q->phase == QBFT_COMMITTED || q->status)
        return;
    uint64_t *rounds = mem_alloc(q->set.count * sizeof(*rounds));
    if (!rounds) {
        qbft_nomem(q);
        return;
    }
    uint64_t evident = evident_round(q, rounds);
    uint64_t meeting = meeting_round(q, rounds);
    mem_free(rounds);
    if (evident > q->round) {
        qbft_begin_round(q, evident);
        return;
    }
    note_pace(q);
    if (meeting <= q->round)
        qbft_stop_timer(q, QBFT_TIMER_BEHIND);
    else if (!q->tokens[QBFT_TIMER_BEHIND])
        qbft_start_timer(q, QBFT_TIMER_BEHIND, at_least(period_ms(q) / 8, BEHIND_LEAST_MS));
    qbft_try_propose(q);
}

/* Goes to where a quorum can be, at least to `least`. */
static void go_to_meeting(struct qbft *q, uint64_t least)
{
    uint64_t *rounds = mem_alloc(q->set.count * sizeof(*rounds));
    if (!rounds) {
        qbft_nomem(q);
        return;
    }
    uint64_t meeting = at_least(meeting_round(q, rounds), least);
    mem_free(rounds);
    if (meeting > q->round)
        qbft_begin_round(q, at_most(meeting, q->round + JUMP_MAX));
}

void qbft_on_behind(struct qbft *q)
{
    go_to_meeting(q, 0);
}

/* ---- changing ---- */

static void say_round_change(struct qbft *q)
{
    struct qbft_message m = {.code = CONSENSUS_QBFT_ROUND_CHANGE};
    struct qbft_prepare *prepares = NULL;
    if (q->prepared) {
        prepares = mem_alloc_zeroed(q->prepare_count, sizeof(*prepares));
        if (!prepares) {
            qbft_nomem(q);
            return;
        }
        for (size_t i = 0; i < q->prepare_count; i++)
            prepares[i] = qbft_prepare_of(&q->prepares[i]->m);
        m.prepared = true;
        m.prepared_round = q->prepared_round;
        m.digest = q->prepared_block->hash;
        m.block = q->prepared_block->rlp;
        m.prepares = prepares;
        m.prepare_count = q->prepare_count;
    }
    struct qbft_stored *s = qbft_say(q, &m);
    mem_free(prepares);
    if (!s)
        return;
    qbft_stored_put(&q->members[q->self].round_change, s);
    qbft_stored_unref(s);
}

void qbft_begin_round(struct qbft *q, uint64_t round)
{
    assert(round > q->round);
    if (q->phase == QBFT_IDLE || q->phase == QBFT_COMMITTED || q->status || round > UINT32_MAX)
        return;
    /* One who was drawn on at once had no time to learn anything of this round. */
    if (q->now_ms >= q->armed_ms + patience(q) / 2 && qbft_note_silent(q) && q->failures)
        q->failures--; /* it did not fail for want of time */
    q->round = round;
    q->phase = QBFT_ACCEPT;
    q->quorum_waits = q->drawn = q->hurried = false;
    q->yield_until_ms = 0;
    q->asked_time = 0; /* who failed to make a block is asked again */
    qbft_block_put(&q->proposal, NULL);
    qbft_stored_put(&q->proposal_message, NULL);
    qbft_stored_put(&q->checking, NULL);
    qbft_stored_put(&q->own_proposal, NULL);
    for (size_t i = 0; i < q->set.count; i++) {
        qbft_stored_put(&q->members[i].prepare, NULL);
        q->members[i].helped = false;
    }
    q->members[q->self].round = round;
    qbft_stop_timer(q, QBFT_TIMER_DUE);
    qbft_stop_timer(q, QBFT_TIMER_FUTURE);
    qbft_stop_timer(q, QBFT_TIMER_BEHIND);
    say_round_change(q);
    q->drawn = others_will_follow(q);
    qbft_arm_round(q);
    qbft_arm_resend(q, true);
    qbft_look_at_rounds(q);
    if (q->round == round)
        qbft_backlog_drain(q);
}

void qbft_on_round_timeout(struct qbft *q)
{
    if (q->phase == QBFT_IDLE || q->phase == QBFT_COMMITTED)
        return;
    if (q->round == 0 || q->quorum_waits || others_will_follow(q))
        q->failures++;
    for (size_t i = 0; i < q->set.count && q->round && !q->quorum_waits; i++)
        q->members[i].absent = i != q->self && q->members[i].round < q->round;
    go_to_meeting(q, q->round + 1);
}

void qbft_on_round_change(struct qbft *q, struct qbft_stored *s, const struct address *from)
{
    struct qbft_member *member = &q->members[istanbul_set_index(&q->set, &s->signer)];
    if (member == &q->members[q->self])
        return;
    if (s->m.round < q->round) {
        if (!member->helped && member->round < q->round)
            qbft_tell_all(q, &s->signer);
        member->helped = true;
        return;
    }
    if (q->phase == QBFT_COMMITTED ||
        (member->round_change && member->round_change->m.round >= s->m.round))
        return;
    const struct hash256 *hash = s->block ? &s->block->hash : NULL;
    if (s->block && s->block->number != q->number)
        return;
    if (qbft_check_prepared(&q->checker, &s->m, hash) != QBFT_VALID)
        return;
    qbft_stored_put(&member->round_change, s);
    qbft_forward(q, s, from);
    if (s->block)
        qbft_try_commit(q, s->block);
    qbft_look_at_rounds(q);
}

/* ---- telling ---- */

static void send_commits(struct qbft *q, const struct address *to, const struct qbft_member *member)
{
    for (size_t k = 0; k < QBFT_COMMITS_KEPT; k++) {
        if (member->commits[k])
            qbft_send(q, to, member->commits[k]);
    }
}

void qbft_resend_own(struct qbft *q)
{
    const struct qbft_member *own = &q->members[q->self];
    for (size_t i = 0; i < q->set.count; i++) {
        const struct address *to = &q->set.members[i];
        if (i == q->self)
            continue;
        if (own->round_change)
            qbft_send(q, to, own->round_change);
        if (q->own_proposal && !q->members[i].prepare)
            qbft_send(q, to, q->own_proposal);
        if (own->prepare)
            qbft_send(q, to, own->prepare);
        send_commits(q, to, own);
    }
}

void qbft_tell_all(struct qbft *q, const struct address *to)
{
    const struct qbft_stored *proposal = q->proposal_message ? q->proposal_message
                                         : q->checking       ? q->checking
                                                             : q->own_proposal;
    for (size_t i = 0; i < q->set.count; i++) {
        const struct qbft_stored *s = q->members[i].round_change;
        if (s && s->m.round >= q->round)
            qbft_send(q, to, s);
    }
    if (proposal)
        qbft_send(q, to, proposal);
    for (size_t i = 0; i < q->set.count; i++) {
        if (q->members[i].prepare)
            qbft_send(q, to, q->members[i].prepare);
        send_commits(q, to, &q->members[i]);
    }
}
