/* PREPARE and COMMIT (GoQuorum, qbft/core/prepare.go and commit.go). */
#include "base/mem.h"
#include "consensus/istanbul/seals.h"
#include "consensus/qbft/state.h"

/* ---- PREPARE ---- */

static size_t count_prepares(const struct qbft *q, const struct hash256 *digest)
{
    size_t count = 0;
    for (size_t i = 0; i < q->set.count; i++) {
        const struct qbft_stored *s = q->members[i].prepare;
        count += s && hash256_equal(&s->m.digest, digest);
    }
    return count;
}

/* Keeps what proves that the proposal was prepared in this round. */
static bool keep_certificate(struct qbft *q)
{
    struct qbft_stored **prepares = mem_alloc_zeroed(q->set.count, sizeof(*prepares));
    if (!prepares) {
        qbft_nomem(q);
        return false;
    }
    for (size_t i = 0; i < q->prepare_count; i++)
        qbft_stored_unref(q->prepares[i]);
    mem_free(q->prepares);
    q->prepares = prepares;
    q->prepare_count = 0;
    for (size_t i = 0; i < q->set.count; i++) {
        struct qbft_stored *s = q->members[i].prepare;
        if (s && hash256_equal(&s->m.digest, &q->proposal->hash))
            q->prepares[q->prepare_count++] = qbft_stored_ref(s);
    }
    qbft_block_put(&q->prepared_block, q->proposal);
    q->prepared = true;
    q->prepared_round = q->round;
    return true;
}

static void say_commit(struct qbft *q)
{
    uint8_t seal[CONSENSUS_SEAL_SIZE];
    if (!qbft_make_seal(q, q->proposal, q->round, seal))
        return;
    struct qbft_message m = {.code = CONSENSUS_QBFT_COMMIT,
                             .digest = q->proposal->hash,
                             .seal = bytes_of(seal, sizeof(seal))};
    struct qbft_stored *s = qbft_say(q, &m);
    if (!s)
        return;
    struct qbft_stored **commits = q->members[q->self].commits;
    qbft_stored_put(&commits[q->round % QBFT_COMMITS_KEPT], s);
    qbft_stored_unref(s);
}

static void try_prepare(struct qbft *q)
{
    if (q->phase != QBFT_PREPREPARED || count_prepares(q, &q->proposal->hash) < q->checker.quorum ||
        !keep_certificate(q))
        return;
    q->phase = QBFT_PREPARED;
    say_commit(q);
    qbft_try_commit(q, q->proposal);
}

void qbft_accept(struct qbft *q, struct qbft_stored *s)
{
    assert(q->phase == QBFT_ACCEPT);
    struct qbft_message m = {.code = CONSENSUS_QBFT_PREPARE, .digest = s->block->hash};
    qbft_block_put(&q->proposal, s->block);
    qbft_stored_put(&q->proposal_message, s);
    qbft_stored_put(&q->checking, NULL);
    q->phase = QBFT_PREPREPARED;
    qbft_stop_timer(q, QBFT_TIMER_FUTURE);
    qbft_stop_timer(q, QBFT_TIMER_DUE);
    qbft_arm_round(q);
    struct qbft_stored *own = qbft_say(q, &m);
    if (own) {
        qbft_stored_put(&q->members[q->self].prepare, own);
        qbft_stored_unref(own);
    }
    for (size_t i = 0; i < q->set.count; i++) {
        const struct qbft_stored *prepare = q->members[i].prepare;
        if (prepare && hash256_equal(&prepare->m.digest, &q->proposal->hash))
            qbft_note_order(q, &q->set.members[i], &s->signer);
    }
    qbft_note_order(q, &s->signer, &s->signer);
    try_prepare(q);
    if (q->phase != QBFT_COMMITTED)
        qbft_try_commit(q, q->proposal);
}

void qbft_on_prepare(struct qbft *q, struct qbft_stored *s, const struct address *from)
{
    if (s->m.round > q->round) {
        qbft_backlog_add(q, s);
        return;
    }
    if (s->m.round < q->round || q->phase == QBFT_COMMITTED)
        return;
    struct qbft_member *member = &q->members[istanbul_set_index(&q->set, &s->signer)];
    if (member == &q->members[q->self])
        return; /* an own one from before a restart: the record has it */
    /* Its first word counts: two different ones, each replacing the other, would be passed around for ever. */
    if (member->prepare)
        return;
    qbft_stored_put(&member->prepare, s);
    if (q->proposal_message && hash256_equal(&s->m.digest, &q->proposal->hash))
        qbft_note_order(q, &s->signer, &q->proposal_message->signer);
    qbft_forward(q, s, from);
    try_prepare(q);
}

/* ---- COMMIT ---- */

/* Whether the seal of a COMMIT to `block` is its signer's; a wrong one would spoil the header. */
static bool seal_is_good(struct qbft *q, struct qbft_stored *s, const struct consensus_block *block)
{
    if (s->seal == QBFT_SEAL_UNSEEN) {
        struct hash256 digest;
        struct address signer;
        if (!qbft_commit_digest(q, block, s->m.round, &digest))
            return false;
        bool good = s->m.seal.len == CONSENSUS_SEAL_SIZE &&
                    istanbul_recover(&signer, &digest, s->m.seal) &&
                    address_equal(&signer, &s->signer);
        s->seal = good ? QBFT_SEAL_GOOD : QBFT_SEAL_BAD;
    }
    return s->seal == QBFT_SEAL_GOOD;
}

static struct qbft_stored *commit_of(const struct qbft *q, size_t member, uint64_t round,
                                     const struct hash256 *digest)
{
    struct qbft_stored *s = q->members[member].commits[round % QBFT_COMMITS_KEPT];
    return s && s->m.round == round && hash256_equal(&s->m.digest, digest) ? s : NULL;
}

static void note_duration(struct qbft *q)
{
    uint64_t due = qbft_due_ms(q);
    if (q->round == 0 && q->now_ms >= due) {
        uint64_t took = q->now_ms - due;
        uint64_t faded = q->slowest_ms - q->slowest_ms / 8;
        q->slowest_ms = took > faded ? took : faded;
    }
}

static void finish(struct qbft *q, struct consensus_block *block, uint64_t round,
                   const struct consensus_seal *seals, size_t count)
{
    q->phase = QBFT_COMMITTED;
    note_duration(q);
    qbft_block_put(&q->proposal, block);
    qbft_stored_put(&q->checking, NULL);
    for (unsigned i = 0; i < QBFT_TIMER_COUNT; i++)
        qbft_stop_timer(q, (enum qbft_timer)i);
    if (!consensus_emit_commit(q->effects, block, round, seals, count))
        qbft_nomem(q);
}

static bool try_commit_round(struct qbft *q, struct consensus_block *block, uint64_t round)
{
    size_t count = 0;
    for (size_t i = 0; i < q->set.count; i++)
        count += commit_of(q, i, round, &block->hash) != NULL;
    if (count < q->checker.quorum)
        return false;
    struct consensus_seal *seals = mem_alloc_zeroed(count, sizeof(*seals));
    if (!seals) {
        qbft_nomem(q);
        return false;
    }
    count = 0;
    for (size_t i = 0; i < q->set.count; i++) {
        struct qbft_stored *s = commit_of(q, i, round, &block->hash);
        if (s && seal_is_good(q, s, block))
            memcpy(seals[count++].b, s->m.seal.data, CONSENSUS_SEAL_SIZE);
    }
    bool enough = count >= q->checker.quorum;
    if (enough)
        finish(q, block, round, seals, count);
    mem_free(seals);
    return enough;
}

void qbft_try_commit(struct qbft *q, struct consensus_block *block)
{
    for (size_t i = 0; i < q->set.count; i++) {
        for (size_t k = 0; k < QBFT_COMMITS_KEPT; k++) {
            const struct qbft_stored *s = q->members[i].commits[k];
            if (q->phase == QBFT_IDLE || q->phase == QBFT_COMMITTED || q->status)
                return;
            if (s && hash256_equal(&s->m.digest, &block->hash) &&
                try_commit_round(q, block, s->m.round))
                return;
        }
    }
}

/* The block of that hash, if it is known. */
static struct consensus_block *known_block(const struct qbft *q, const struct hash256 *hash)
{
    struct consensus_block *const blocks[] = {q->proposal, q->prepared_block, q->candidate,
                                              q->checking ? q->checking->block : NULL,
                                              q->own_proposal ? q->own_proposal->block : NULL};
    for (size_t i = 0; i < BASE_COUNT(blocks); i++) {
        if (blocks[i] && hash256_equal(&blocks[i]->hash, hash))
            return blocks[i];
    }
    for (size_t i = 0; i < q->set.count; i++) {
        const struct qbft_stored *s = q->members[i].round_change;
        if (s && s->block && hash256_equal(&s->block->hash, hash))
            return s->block;
    }
    return NULL;
}

void qbft_on_commit(struct qbft *q, struct qbft_stored *s, const struct address *from)
{
    size_t index = (size_t)istanbul_set_index(&q->set, &s->signer);
    if (q->phase == QBFT_COMMITTED || index == q->self)
        return;
    struct qbft_stored **slot = &q->members[index].commits[s->m.round % QBFT_COMMITS_KEPT];
    struct consensus_block *block = known_block(q, &s->m.digest);
    if (block && !seal_is_good(q, s, block))
        return;
    /* Of a round the first one counts (as with PREPARE), unless it turned out wrong and this one is known to be right. */
    if (*slot && ((*slot)->m.round > s->m.round ||
                  ((*slot)->m.round == s->m.round && !(block && (*slot)->seal == QBFT_SEAL_BAD))))
        return;
    qbft_stored_put(slot, s);
    qbft_forward(q, s, from);
    if (block)
        try_commit_round(q, block, s->m.round);
}
