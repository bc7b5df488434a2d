/* Checks, votes, and the end of a height. */
#include "base/mem.h"
#include "consensus/ibft/state.h"

static bool is_vote(const struct ibft_slot *slot, uint64_t round, const struct hash256 *hash)
{
    return slot->used && slot->round == round && hash256_equal(&slot->digest, hash);
}

/* Members that voted for or committed to it in this round. */
static size_t count_votes(const struct ibft *m, const struct hash256 *hash)
{
    size_t n = 0;
    for (size_t i = 0; i < m->set.count; i++)
        n += is_vote(&m->members[i].now[IBFT_PREPARE], m->round, hash) ||
             is_vote(&m->members[i].now[IBFT_COMMIT], m->round, hash);
    return n;
}

static size_t count_commits(const struct ibft *m, uint64_t round, const struct hash256 *hash)
{
    size_t n = 0;
    for (size_t i = 0; i < m->set.count; i++)
        n += is_vote(&m->members[i].now[IBFT_COMMIT], round, hash);
    return n;
}

/* ---- the end ---- */

static void commit(struct ibft *m, struct consensus_block *block, uint64_t round)
{
    struct consensus_seal *seals = mem_alloc(m->set.count * sizeof(*seals));
    size_t count = 0;
    if (!seals) {
        ibft_nomem(m);
        return;
    }
    for (size_t i = 0; i < m->set.count; i++)
        if (is_vote(&m->members[i].now[IBFT_COMMIT], round, &block->hash))
            seals[count++] = m->members[i].now[IBFT_COMMIT].seal;
    ibft_block_put(&m->proposal, block);
    m->phase = IBFT_COMMITTED;
    for (unsigned i = 0; i < IBFT_TIMER_COUNT; i++)
        ibft_stop_timer(m, (enum ibft_timer)i);
    uint64_t due = block->time * 1000 > m->started_ms ? block->time * 1000 : m->started_ms;
    uint64_t took = m->now_ms > due ? m->now_ms - due : 0;
    if (took > m->params.request_timeout_ms) /* so may a clock that jumps */
        took = m->params.request_timeout_ms;
    if (m->round == 0)
        m->slowest_ms = took > m->slowest_ms ? took : (7 * m->slowest_ms + took) / 8;
    ibft_flush(m); /* own COMMIT first: others wait for it */
    if (m->status == ERR_OK && !consensus_emit_commit(m->effects, block, round, seals, count))
        ibft_nomem(m);
    mem_free(seals);
}

/* Whether a quorum committed to the block, in whatever round. */
static bool try_commit(struct ibft *m, struct consensus_block *block)
{
    if (!block || hash256_equal(&block->hash, &m->bad))
        return false;
    for (size_t i = 0; i < m->set.count; i++) {
        const struct ibft_slot *slot = &m->members[i].now[IBFT_COMMIT];
        if (slot->used && hash256_equal(&slot->digest, &block->hash) &&
            count_commits(m, slot->round, &block->hash) >= m->quorum) {
            consensus_block_ref(block);
            commit(m, block, slot->round);
            consensus_block_unref(block);
            return true;
        }
    }
    return false;
}

/* ---- votes ---- */

static void lock(struct ibft *m, struct consensus_block *block)
{
    ibft_block_put(&m->proposal, block);
    ibft_lock_on(m, block, m->round);
    m->phase = IBFT_PREPARED;
    ibft_say(m, IBFT_COMMIT, &block->hash, block);
}

bool ibft_is_checked(struct ibft *m, struct consensus_block *block)
{
    if (hash256_equal(&block->hash, &m->good))
        return true;
    if (!m->checking) {
        ibft_block_put(&m->checking, block);
        if (!consensus_emit_check(m->effects, block))
            ibft_nomem(m);
    }
    return false;
}

/* Whether those who have come to this round, without those who have committed to another block of this height and stay
 * with it, are a quorum. This node is one of the latter. */
static bool may_do_without_bound(const struct ibft *m, const struct hash256 *hash)
{
    size_t able = 0;
    for (size_t i = 0; i < m->set.count; i++) {
        const struct ibft_member *member = &m->members[i];
        const struct ibft_slot *commit = &member->now[IBFT_COMMIT];
        bool bound = i == m->self || (commit->used && !hash256_equal(&commit->digest, hash));
        able += !bound && member->heard && member->round == m->round;
    }
    return able >= m->quorum;
}

/* A proposal of this round is there, and no vote was given on it. */
static void look_at_proposal(struct ibft *m, struct consensus_block *block)
{
    if (hash256_equal(&block->hash, &m->bad))
        return;
    bool locked_on_it = m->lock && hash256_equal(&block->hash, &m->lock->hash);
    if ((m->lock && !locked_on_it) || (m->voted && !hash256_equal(&m->vote, &block->hash))) {
        /* This node is bound to another block, until a quorum of this round votes for this one. */
        if (count_votes(m, &block->hash) >= m->quorum) {
            if (ibft_is_checked(m, block))
                lock(m, block);
        } else if (m->lock && !locked_on_it && !may_do_without_bound(m, &block->hash)) {
            /* As the reference, which always asks: nobody waits for the end of a round that cannot succeed. */
            ibft_ask_round(m, m->round + 1);
            ibft_look_at_rounds(m);
            ibft_look_at_votes(m);
        }
        return;
    }
    if (!locked_on_it && !ibft_is_checked(m, block))
        return;
    ibft_block_put(&m->proposal, block);
    ibft_block_put(&m->fallback, block);
    m->phase = IBFT_PREPREPARED;
    ibft_start_timer(m, IBFT_TIMER_RESEND, m->resend_ms);
    ibft_say(m, IBFT_PREPARE, &block->hash, block);
}

void ibft_look_at_votes(struct ibft *m)
{
    if (m->phase == IBFT_IDLE || m->phase == IBFT_COMMITTED || m->status != ERR_OK)
        return;
    int proposer = istanbul_set_index(&m->set, ibft_proposer(m, m->round));
    struct ibft_slot *slot = &m->members[proposer].now[IBFT_PRE_PREPARE];
    bool proposed =
        slot->used && slot->round == m->round && hash256_equal(&slot->block->parent, &m->parent);
    if (try_commit(m, m->proposal) || try_commit(m, m->lock) || try_commit(m, m->fallback) ||
        (proposed && try_commit(m, slot->block)))
        return;
    ibft_look_at_claim(m);
    if (m->waiting)
        return;
    if (m->phase == IBFT_ACCEPT && proposed)
        look_at_proposal(m, slot->block);
    if (m->phase == IBFT_PREPREPARED && count_votes(m, &m->proposal->hash) >= m->quorum)
        lock(m, m->proposal);
    if (m->phase == IBFT_PREPARED && m->status == ERR_OK)
        (void)try_commit(m, m->proposal);
}

/* ---- checks ---- */

void ibft_check_again(struct ibft *m)
{
    if (m->checking && !consensus_emit_check(m->effects, m->checking))
        ibft_nomem(m);
}

static void refuse(struct ibft *m, const struct hash256 *hash, const char *why)
{
    ibft_alarm(m, "block %llu round %llu: the proposal %s; changing the round",
               (unsigned long long)m->number, (unsigned long long)m->round, why);
    m->bad = *hash;
    if (hash256_equal(&m->good, hash))
        m->good = (struct hash256){{0}};
    struct consensus_block **kept[] = {&m->lock, &m->fallback, &m->candidate};
    for (size_t i = 0; i < BASE_COUNT(kept); i++)
        if (*kept[i] && hash256_equal(&(*kept[i])->hash, hash))
            ibft_block_put(kept[i], NULL);
    ibft_ask_round(m, m->round + 1);
    ibft_look_at_rounds(m);
    ibft_look_at_votes(m);
}

void ibft_on_checked(struct ibft *m, const struct hash256 *hash, enum consensus_verdict verdict,
                     uint64_t wait_ms)
{
    if (m->phase == IBFT_IDLE || m->phase == IBFT_COMMITTED || !m->checking ||
        !hash256_equal(&m->checking->hash, hash))
        return;
    if (verdict == CONSENSUS_CHECK_FUTURE) {
        ibft_start_timer(m, IBFT_TIMER_FUTURE, wait_ms ? wait_ms : 1);
        return;
    }
    ibft_block_put(&m->checking, NULL);
    if (verdict == CONSENSUS_CHECK_BAD) {
        struct hash256 copy = *hash;
        refuse(m, &copy, "is invalid");
        return;
    }
    m->good = *hash;
    ibft_look_at_votes(m);
}

void ibft_on_commit_failed(struct ibft *m, const struct hash256 *hash)
{
    if (m->phase != IBFT_COMMITTED || !hash256_equal(&m->proposal->hash, hash))
        return;
    m->phase = IBFT_ACCEPT;
    struct hash256 copy = *hash;
    refuse(m, &copy, "cannot be put into the chain");
}
