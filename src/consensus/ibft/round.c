/* Rounds: whose turn it is, when one has failed, how all come to the next. */
#include "consensus/ibft/state.h"

const struct address *ibft_proposer(const struct ibft *m, uint64_t round)
{
    return istanbul_set_proposer(&m->set, ISTANBUL_BY_TEXT, m->params.policy, &m->last_proposer,
                                 round);
}

static bool own_turn(const struct ibft *m)
{
    return address_equal(ibft_proposer(m, m->round), &m->options.self);
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t most(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* ---- timers ---- */

static uint64_t period_ms(const struct ibft *m)
{
    return most(m->params.block_period, 1) * 1000;
}

/* Until the block is due, in round 0. */
static uint64_t until_due(const struct ibft *m)
{
    uint64_t due = m->parent_time * 1000 + period_ms(m);
    return m->round == 0 && due > m->now_ms ? due - m->now_ms : 0;
}

/* The reference's timer, but for its back-off without end. */
static uint64_t reference_ms(const struct ibft *m)
{
    uint64_t ms = m->params.request_timeout_ms;
    if (m->round == 0)
        return most(ms, until_due(m) + period_ms(m));
    return ms + (1000ull << least(m->round, IBFT_BACKOFF_MAX));
}

/* No proposal is to be expected: its proposer is away, or has given the round up, or it is this node, which forgot in a crash
 * what it proposed. */
static bool nothing_to_come(const struct ibft *m)
{
    if (m->waiting || m->phase != IBFT_ACCEPT || m->checking || ibft_present(m) < m->quorum)
        return false;
    int proposer = istanbul_set_index(&m->set, ibft_proposer(m, m->round));
    if (m->voted)
        return true;
    return !ibft_is_there(m, (size_t)proposer) ||
           ((size_t)proposer != m->self && m->members[proposer].round > m->round);
}

/* How often the time for a proposal doubles. Others may keep and pass on what a proposer said before it went; it is waited for
 * where nobody else can reach it either, but not for long. */
static uint64_t doublings(const struct ibft *m)
{
    size_t proposer = (size_t)istanbul_set_index(&m->set, ibft_proposer(m, m->round));
    bool near = proposer == m->self || ibft_is_connected(m, proposer);
    return least(near ? m->round - 1 : (m->round - 1) / 4, 16);
}

static void arm_round(struct ibft *m)
{
    uint64_t ms = reference_ms(m);
    m->short_round = nothing_to_come(m);
    if (m->short_round) {
        ms = until_due(m) + most(period_ms(m) / 2, IBFT_GRACE_MIN_MS);
    } else if (!m->waiting && m->round > 0) {
        /* A quorum is in this round, and its proposer can propose at once. */
        uint64_t patience = most(period_ms(m), 2 * m->slowest_ms);
        ms = least(ms, patience << doublings(m));
    }
    ibft_start_timer(m, IBFT_TIMER_ROUND, ms);
}

static void look_at_peers(struct ibft *m)
{
    if (m->phase == IBFT_ACCEPT && nothing_to_come(m) != m->short_round)
        arm_round(m);
}

void ibft_arm_resend(struct ibft *m, bool first)
{
    m->resend_ms = first ? period_ms(m) : least(2 * m->resend_ms, 2 * period_ms(m));
    ibft_start_timer(m, IBFT_TIMER_RESEND, m->resend_ms + (first ? until_due(m) : 0));
}

/* ---- to begin one, to ask for one ---- */

static void leave_round(struct ibft *m, uint64_t round)
{
    if (round != m->round) {
        m->voted = false;
        m->vote = (struct hash256){{0}};
    }
    m->round = round;
    m->phase = IBFT_ACCEPT;
    ibft_block_put(&m->proposal, NULL);
    ibft_block_put(&m->checking, NULL);
    ibft_stop_timer(m, IBFT_TIMER_DUE);
    ibft_stop_timer(m, IBFT_TIMER_FUTURE);
    for (size_t i = 0; i < m->set.count; i++)
        m->members[i].helped = m->members[i].shown = false;
}

static void say_round(struct ibft *m)
{
    const struct ibft_slot *own = &m->members[m->self].now[IBFT_ROUND_CHANGE];
    if (m->round > 0 && (!own->used || own->round < m->round))
        ibft_say(m, IBFT_ROUND_CHANGE, NULL, NULL);
}

void ibft_begin_round(struct ibft *m, uint64_t round)
{
    leave_round(m, round);
    m->waiting = false;
    say_round(m);
    arm_round(m);
    ibft_arm_resend(m, true);
    ibft_try_propose(m);
}

void ibft_ask_round(struct ibft *m, uint64_t round)
{
    assert(round > m->round);
    leave_round(m, round);
    m->waiting = true;
    say_round(m);
    arm_round(m);
    ibft_arm_resend(m, true);
}

/* ---- which one ---- */

/* How many members are at exactly this round. */
static size_t count_at(const struct ibft *m, uint64_t round)
{
    size_t n = 0;
    for (size_t i = 0; i < m->set.count; i++)
        n += m->members[i].heard && m->members[i].round == round;
    return n;
}

/* The highest round that a quorum has asked for, beyond what this node is in. */
static bool quorum_round(const struct ibft *m, uint64_t *ret_round)
{
    bool found = false;
    for (size_t i = 0; i < m->set.count; i++) {
        uint64_t round = m->members[i].round;
        if ((round > m->round || (round == m->round && m->waiting)) &&
            (!found || round > *ret_round) && count_at(m, round) >= m->quorum) {
            *ret_round = round;
            found = true;
        }
    }
    return found;
}

/* How many members other than this one are at `round` or higher. */
static size_t others_from(const struct ibft *m, uint64_t round)
{
    size_t n = 0;
    for (size_t i = 0; i < m->set.count; i++)
        n += i != m->self && m->members[i].round >= round;
    return n;
}

/* The highest round that one honest member must have reached: F + 1 are at it or beyond. */
static bool honest_round(const struct ibft *m, uint64_t *ret_round)
{
    bool found = false;
    for (size_t i = 0; i < m->set.count; i++) {
        uint64_t round = m->members[i].round;
        if (round > m->round && (!found || round > *ret_round) &&
            others_from(m, round) > m->faults) {
            *ret_round = round;
            found = true;
        }
    }
    return found;
}

/* The highest round of anybody, when this node waits and a quorum has left round 0. */
static bool split_round(const struct ibft *m, uint64_t *ret_round)
{
    if (!m->waiting || others_from(m, 1) + 1 < m->quorum)
        return false;
    uint64_t highest = m->round;
    for (size_t i = 0; i < m->set.count; i++)
        highest = most(highest, m->members[i].round);
    *ret_round = highest;
    return highest > m->round;
}

static size_t count_connected(const struct ibft *m)
{
    size_t n = 1; /* this node */
    for (size_t i = 0; i < m->set.count; i++)
        n += i != m->self && ibft_is_connected(m, i);
    return n;
}

/* The highest round of those who are there, when without those who have left this round there is no quorum, and with them
 * there is one: nobody goes back. Where a quorum is connected, only they count: what others pass on may be of one who is gone. */
static bool needed_round(const struct ibft *m, uint64_t *ret_round)
{
    size_t there = 0, able = 0;
    uint64_t highest = m->round;
    bool direct = count_connected(m) >= m->quorum;
    for (size_t i = 0; i < m->set.count; i++) {
        if (direct ? i != m->self && !ibft_is_connected(m, i) : !ibft_is_there(m, i))
            continue;
        there++;
        able += m->members[i].round <= m->round;
        highest = most(highest, m->members[i].round);
    }
    *ret_round = highest;
    return there >= m->quorum && able < m->quorum;
}

void ibft_look_at_rounds(struct ibft *m)
{
    uint64_t round;
    while (m->status == ERR_OK && m->phase != IBFT_IDLE && m->phase != IBFT_COMMITTED) {
        if (quorum_round(m, &round))
            ibft_begin_round(m, round);
        else if (honest_round(m, &round))
            ibft_ask_round(m, round);
        else if ((split_round(m, &round) || needed_round(m, &round)) && round <= IBFT_JUMP_MAX)
            ibft_ask_round(m, round);
        else
            break;
    }
    look_at_peers(m);
}

void ibft_on_round_timeout(struct ibft *m)
{
    uint64_t round;
    if (m->phase == IBFT_IDLE || m->phase == IBFT_COMMITTED)
        return;
    /* Who waits already does not run ahead: it would only be further away from the others. */
    if (!m->waiting || split_round(m, &round) || needed_round(m, &round))
        ibft_ask_round(m, m->round + 1);
    else
        arm_round(m);
    ibft_look_at_rounds(m);
    ibft_look_at_votes(m);
}

/* ---- proposals ---- */

void ibft_try_propose(struct ibft *m)
{
    if (m->phase != IBFT_ACCEPT || m->waiting || m->voted || m->status != ERR_OK || !own_turn(m))
        return;
    /* What others voted for already may have locked one of them: they would take nothing else. */
    struct consensus_block *block = m->lock ? m->lock : m->fallback ? m->fallback : m->candidate;
    uint64_t time = m->parent_time + m->params.block_period;
    if (!block) {
        if (!consensus_emit_build(m->effects, m->number, time, most(time * 1000, m->started_ms)))
            ibft_nomem(m);
        return;
    }
    if (block->time * 1000 > m->now_ms) {
        ibft_start_timer(m, IBFT_TIMER_DUE, block->time * 1000 - m->now_ms);
        return;
    }
    if (block == m->candidate)
        m->good = block->hash; /* made here: nothing to check */
    ibft_say(m, IBFT_PRE_PREPARE, &block->hash, block);
}

void ibft_on_candidate(struct ibft *m, struct consensus_block *block)
{
    if (m->phase == IBFT_IDLE || m->phase == IBFT_COMMITTED || block->number != m->number ||
        !hash256_equal(&block->parent, &m->parent) || hash256_equal(&block->hash, &m->bad))
        return;
    ibft_block_put(&m->candidate, block);
    ibft_try_propose(m);
    ibft_look_at_votes(m);
}

/* ---- after a crash ---- */

void ibft_resume(struct ibft *m)
{
    struct ibft_signed *s = &m->restored;
    m->round = s->round;
    m->waiting = s->waiting;
    m->voted = s->voted;
    m->vote = s->vote;
    m->lock = s->lock;
    m->lock_round = s->lock_round;
    m->proof = s->proof;
    *s = (struct ibft_signed){0};
    say_round(m);
    if (m->lock)
        m->good = m->lock->hash;
    if (m->voted && m->lock && m->lock_round == m->round) {
        ibft_block_put(&m->proposal, m->lock);
        m->phase = IBFT_PREPARED;
        if (own_turn(m))
            ibft_say(m, IBFT_PRE_PREPARE, &m->lock->hash, m->lock);
        ibft_say(m, IBFT_COMMIT, &m->lock->hash, m->lock); /* counts as a vote, too */
    } else if (m->voted) {
        struct hash256 vote = m->vote;
        ibft_say(m, IBFT_PREPARE, &vote, NULL);
    }
    arm_round(m);
    ibft_arm_resend(m, true);
    ibft_try_propose(m);
}
