/*
 * Locks and their proofs. A lock is a block and a round in which a quorum voted for it; of two locks the one of the later
 * round counts (docs/decisions/0022-ibft.md says why that is safe). The votes are kept, and shown to those who have not seen
 * them: messages of an earlier round, which GoQuorum drops without a word.
 */
#include "base/mem.h"
#include "consensus/ibft/state.h"

/* ---- votes by round ---- */

bool ibft_note_vote(struct ibft *m, struct ibft_member *member, uint64_t round,
                    const struct hash256 *digest, struct bytes payload)
{
    struct ibft_vote *kept = &member->votes[round % IBFT_VOTES_KEPT];
    if (kept->used && kept->round >= round)
        return false; /* of one round the first counts */
    buf_clear(&kept->payload);
    buf_append_bytes(&kept->payload, payload);
    if (buf_status(&kept->payload) != ERR_OK) {
        kept->used = false;
        ibft_nomem(m);
        return false;
    }
    kept->used = true;
    kept->round = round;
    kept->digest = *digest;
    return true;
}

static const struct ibft_vote *vote_of(const struct ibft *m, size_t member, uint64_t round,
                                       const struct hash256 *digest)
{
    const struct ibft_vote *vote = &m->members[member].votes[round % IBFT_VOTES_KEPT];
    return vote->used && vote->round == round && hash256_equal(&vote->digest, digest) ? vote : NULL;
}

static bool quorum_voted(const struct ibft *m, uint64_t round, const struct hash256 *digest)
{
    size_t n = 0;
    for (size_t i = 0; i < m->set.count; i++)
        n += vote_of(m, i, round, digest) != NULL;
    return n >= m->quorum;
}

/* ---- the lock and its proof ---- */

void ibft_proof_release(struct ibft_proof *proof)
{
    for (size_t i = 0; i < proof->count; i++)
        buf_release(&proof->votes[i]);
    mem_free(proof->votes);
    *proof = (struct ibft_proof){0};
}

bool ibft_proof_add(struct ibft_proof *proof, struct bytes vote)
{
    struct buf *grown = mem_realloc(proof->votes, (proof->count + 1) * sizeof(*grown));
    if (!grown)
        return false;
    proof->votes = grown;
    struct buf *added = &grown[proof->count++];
    buf_init(added);
    buf_append_bytes(added, vote);
    return buf_status(added) == ERR_OK;
}

void ibft_lock_on(struct ibft *m, struct consensus_block *block, uint64_t round)
{
    ibft_block_put(&m->lock, block);
    m->lock_round = round;
    ibft_proof_release(&m->proof);
    for (size_t i = 0; i < m->set.count; i++) {
        const struct ibft_vote *vote = vote_of(m, i, round, &block->hash);
        if (vote && !ibft_proof_add(&m->proof, buf_bytes(&vote->payload)))
            ibft_nomem(m);
    }
}

/* ---- to move to the lock of others ---- */

/* A block of this height that somebody has proposed, or that this node holds. */
static struct consensus_block *known_block(struct ibft *m, const struct hash256 *digest)
{
    struct consensus_block *own[] = {m->lock, m->fallback, m->candidate, m->shown};
    for (size_t i = 0; i < BASE_COUNT(own); i++)
        if (own[i] && hash256_equal(&own[i]->hash, digest))
            return own[i];
    for (size_t i = 0; i < m->set.count; i++) {
        const struct ibft_slot *slot = &m->members[i].now[IBFT_PRE_PREPARE];
        if (slot->used && hash256_equal(&slot->digest, digest) &&
            hash256_equal(&slot->block->parent, &m->parent))
            return slot->block;
    }
    return NULL;
}

void ibft_claim(struct ibft *m, uint64_t round, const struct hash256 *digest)
{
    if ((m->lock && round <= m->lock_round) || (m->claimed && round <= m->claim_round) ||
        !quorum_voted(m, round, digest))
        return;
    m->claimed = true;
    m->claim_round = round;
    m->claim = *digest;
}

void ibft_take_shown(struct ibft *m, const struct ibft_message *message)
{
    struct consensus_block *block;
    if (!m->claimed || known_block(m, &m->claim))
        return;
    int status = consensus_block_new(&block, message->block, NULL);
    if (status == ERR_NOMEM)
        ibft_nomem(m);
    if (status != ERR_OK)
        return;
    if (hash256_equal(&block->hash, &m->claim) && block->number == m->number &&
        hash256_equal(&block->parent, &m->parent))
        ibft_block_put(&m->shown, block);
    consensus_block_unref(block);
}

void ibft_look_at_claim(struct ibft *m)
{
    /* The votes of the current round are counted where they are cast (vote.c). */
    if (!m->claimed || m->claim_round >= m->round)
        return;
    if (m->lock && m->claim_round <= m->lock_round) {
        m->claimed = false;
        return;
    }
    struct consensus_block *block = known_block(m, &m->claim);
    if (!block || hash256_equal(&block->hash, &m->bad))
        return;
    if ((m->lock && hash256_equal(&m->lock->hash, &m->claim)) || ibft_is_checked(m, block)) {
        ibft_lock_on(m, block, m->claim_round);
        m->claimed = false;
        ibft_try_propose(m);
    }
}

/* ---- to show it ---- */

/* Whether the member has voted for the lock in its round or later: it has it, or will say so itself. */
static bool stands_with_lock(const struct ibft *m, size_t member)
{
    const struct ibft_vote *votes = m->members[member].votes;
    for (size_t i = 0; i < IBFT_VOTES_KEPT; i++)
        if (votes[i].used && votes[i].round >= m->lock_round &&
            hash256_equal(&votes[i].digest, &m->lock->hash))
            return true;
    return false;
}

static void send(struct ibft *m, size_t member, const struct buf *payload)
{
    if (m->status == ERR_OK && !consensus_emit_send(m->effects, &m->set.members[member],
                                                    CONSENSUS_IBFT, buf_bytes(payload)))
        ibft_nomem(m);
}

void ibft_show_lock(struct ibft *m, size_t member)
{
    if (!m->lock || m->lock_round >= m->round || member == m->self || stands_with_lock(m, member))
        return;
    for (size_t i = 0; i < m->proof.count; i++)
        send(m, member, &m->proof.votes[i]);
    for (size_t i = 0; i < m->set.count; i++) {
        const struct ibft_slot *slot = &m->members[i].now[IBFT_PRE_PREPARE];
        if (slot->used && slot->round < m->round && hash256_equal(&slot->digest, &m->lock->hash)) {
            send(m, member, &slot->payload);
            return;
        }
    }
}
