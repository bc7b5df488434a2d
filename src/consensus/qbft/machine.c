/* Events, heights, peers; the table of functions. */
#include "base/mem.h"
#include "consensus/qbft/state.h"

static struct qbft *self_of(struct consensus_machine *machine)
{
    return (struct qbft *)machine;
}

/* ---- heights ---- */

static void drop_members(struct qbft *q)
{
    for (size_t i = 0; q->members && i < q->set.count; i++) {
        struct qbft_member *member = &q->members[i];
        qbft_stored_put(&member->round_change, NULL);
        qbft_stored_put(&member->prepare, NULL);
        for (size_t k = 0; k < QBFT_COMMITS_KEPT; k++)
            qbft_stored_put(&member->commits[k], NULL);
    }
    mem_free(q->members);
    q->members = NULL;
}

static void drop_height(struct qbft *q)
{
    drop_members(q);
    qbft_block_put(&q->proposal, NULL);
    qbft_stored_put(&q->proposal_message, NULL);
    qbft_stored_put(&q->checking, NULL);
    qbft_stored_put(&q->own_proposal, NULL);
    qbft_block_put(&q->prepared_block, NULL);
    qbft_block_put(&q->candidate, NULL);
    for (size_t i = 0; i < q->prepare_count; i++)
        qbft_stored_unref(q->prepares[i]);
    mem_free(q->prepares);
    q->prepares = NULL;
    q->prepare_count = 0;
    q->prepared = false;
    q->good_count = q->bad_count = 0;
    q->asked_time = q->asked_due = 0;
    q->phase = QBFT_IDLE;
    q->round = 0;
    q->quorum_waits = q->drawn = q->hurried = false;
    q->yield_until_ms = 0;
    map_clear(&q->checker.signers);
}

/* The set and what is known of its members. False when this node is none of them, or memory is out. */
static bool take_set(struct qbft *q, const struct istanbul_set *validators)
{
    if (istanbul_set_copy(&q->set, validators)) {
        qbft_nomem(q);
        return false;
    }
    q->checker.set = &q->set;
    q->checker.quorum = istanbul_set_quorum(&q->set, q->params.two_f_plus_one);
    q->faults = istanbul_set_faults(&q->set);
    q->members = mem_alloc_zeroed(q->set.count, sizeof(*q->members));
    if (!q->members) {
        qbft_nomem(q);
        return false;
    }
    int index = istanbul_set_index(&q->set, &q->options.self);
    q->self = index < 0 ? 0 : (size_t)index;
    return index >= 0;
}

/* False when this validator has signed at a later height: it stays silent until the chain is there, since what it signs
 * now would have to replace the record of that. */
static bool take_record(struct qbft *q)
{
    if (!q->restored || qbft_record_resume(q))
        return true;
    uint64_t number = qbft_record_number(q->restored);
    if (number > q->number) {
        qbft_alarm(q,
                   "block %llu: silent until block %llu, where this validator has signed already "
                   "(remove the consensus record only if the whole network went back)",
                   (unsigned long long)q->number, (unsigned long long)number);
        return false;
    }
    qbft_record_free(q->restored);
    q->restored = NULL;
    return true;
}

static void on_head(struct qbft *q, const struct consensus_event *e)
{
    if (q->number && e->head.number < q->number)
        return;
    drop_height(q);
    for (unsigned i = 0; i < QBFT_TIMER_COUNT; i++)
        qbft_stop_timer(q, (enum qbft_timer)i);
    q->number = e->head.number + 1;
    q->parent = e->head.hash;
    q->parent_time = e->head.time;
    q->last_proposer = e->head.proposer;
    q->params = *e->head.params;
    q->pending = e->head.pending;
    q->started_ms = q->now_ms;
    q->failures /= 2;
    if (!take_set(q, e->head.validators))
        return;
    q->phase = QBFT_ACCEPT;
    bool resumes = q->restored != NULL;
    if (!take_record(q)) {
        q->phase = QBFT_IDLE;
        return;
    }
    if (resumes) /* to those who are connected already */
        qbft_resend_own(q);
    qbft_arm_round(q);
    qbft_arm_resend(q, true);
    qbft_look_at_rounds(q);
    qbft_backlog_drain(q);
}

static void on_pending(struct qbft *q)
{
    if (q->phase == QBFT_IDLE || q->pending)
        return;
    q->pending = true;
    if (q->phase != QBFT_ACCEPT || q->round)
        return;
    qbft_arm_round(q);
    if (!q->own_proposal)
        qbft_block_put(&q->candidate, NULL); /* an empty one is worth nothing now */
    qbft_try_propose(q);
}

/* ---- messages ---- */

static void note_heard(struct qbft *q, const struct qbft_stored *s)
{
    struct qbft_peer *peer = qbft_peer_add(q, &s->signer);
    if (!peer)
        return;
    if (!peer->connected && s->m.number <= peer->lost)
        return;
    if (!peer->first_heard)
        peer->first_heard = s->m.number;
    if (peer->last_heard < s->m.number)
        peer->last_heard = s->m.number;
}

void qbft_handle(struct qbft *q, struct qbft_stored *s, const struct address *from)
{
    struct qbft_member *member = &q->members[istanbul_set_index(&q->set, &s->signer)];
    if (s->m.round > member->round) {
        member->round = s->m.round;
        member->helped = false;
    }
    if (member->round >= q->round)
        member->absent = false;
    switch (s->m.code) {
    case CONSENSUS_QBFT_PRE_PREPARE:
        qbft_on_pre_prepare(q, s, from);
        break;
    case CONSENSUS_QBFT_PREPARE:
        qbft_on_prepare(q, s, from);
        break;
    case CONSENSUS_QBFT_COMMIT:
        qbft_on_commit(q, s, from);
        break;
    default:
        qbft_on_round_change(q, s, from);
        return; /* has looked at the rounds, if it was good */
    }
    qbft_look_at_rounds(q);
}

static void on_message(struct qbft *q, const struct consensus_event *e)
{
    if (q->phase == QBFT_IDLE)
        return;
    struct qbft_stored *s = qbft_stored_new(q, e->message.code, e->message.payload);
    if (!s)
        return;
    if (s->m.number >= q->number && qbft_identify(q, s) == QBFT_VALID &&
        !address_equal(&s->signer, &q->options.self)) {
        note_heard(q, s);
        if (s->m.number > q->number)
            qbft_backlog_add(q, s);
        else
            qbft_handle(q, s, &e->message.from);
    }
    qbft_stored_unref(s);
}

/* ---- the rest ---- */

static void on_timeout(struct qbft *q, uint64_t token)
{
    enum qbft_timer timer = (enum qbft_timer)(token % CONSENSUS_TIMER_SLOTS);
    if (timer >= QBFT_TIMER_COUNT || token == 0 || q->tokens[timer] != token)
        return;
    q->tokens[timer] = 0;
    switch (timer) {
    case QBFT_TIMER_ROUND:
        qbft_on_round_timeout(q);
        break;
    case QBFT_TIMER_DUE:
        qbft_try_propose(q);
        break;
    case QBFT_TIMER_FUTURE:
        qbft_check_again(q);
        break;
    case QBFT_TIMER_BEHIND:
        qbft_on_behind(q);
        break;
    case QBFT_TIMER_RESEND:
        if (q->phase != QBFT_IDLE && q->phase != QBFT_COMMITTED) {
            qbft_resend_own(q);
            qbft_arm_resend(q, false);
        }
        break;
    case QBFT_TIMER_COUNT:
        break;
    }
}

static void on_commit_failed(struct qbft *q, const struct hash256 *hash)
{
    if (q->phase != QBFT_COMMITTED || !q->proposal || !hash256_equal(&q->proposal->hash, hash))
        return;
    qbft_alarm(q,
               "block %llu was agreed on and could not be put into the chain; changing the round",
               (unsigned long long)q->number);
    qbft_forget_good(q, hash);
    q->phase = QBFT_ACCEPT;
    qbft_begin_round(q, q->round + 1);
}

static void on_peer(struct qbft *q, const struct address *address, bool connected)
{
    struct qbft_peer *peer = qbft_peer_add(q, address);
    if (!peer)
        return;
    if (connected && !peer->connected)
        peer->refuses[0] = peer->refuses[1] =
            false; /* it may have been restarted, and follow another order now */
    peer->connected = connected;
    if (!connected)
        *peer =
            (struct qbft_peer){.refuses = {peer->refuses[0], peer->refuses[1]}, .lost = q->number};
    if (q->phase == QBFT_IDLE || !istanbul_set_has(&q->set, address))
        return;
    if (connected)
        qbft_tell_all(q, address);
    if (connected && q->hurried && qbft_proposer_is_there(q)) {
        q->hurried = false;
        if (q->phase == QBFT_ACCEPT)
            qbft_arm_round(q);
    }
    qbft_look_at_rounds(q);
}

static int step(struct consensus_machine *machine, const struct consensus_event *e,
                struct consensus_effects *ret_effects)
{
    struct qbft *q = self_of(machine);
    q->effects = ret_effects;
    q->now_ms = e->now_ms;
    switch (e->kind) {
    case CONSENSUS_HEAD:
        on_head(q, e);
        break;
    case CONSENSUS_CANDIDATE:
        qbft_on_candidate(q, e->candidate.block);
        break;
    case CONSENSUS_PENDING:
        on_pending(q);
        break;
    case CONSENSUS_MESSAGE:
        on_message(q, e);
        break;
    case CONSENSUS_TIMEOUT:
        on_timeout(q, e->timeout.token);
        break;
    case CONSENSUS_CHECKED:
        qbft_on_checked(q, &e->checked.hash, e->checked.verdict, e->checked.wait_ms);
        break;
    case CONSENSUS_COMMIT_FAILED:
        on_commit_failed(q, &e->commit_failed.hash);
        break;
    case CONSENSUS_PEER:
    case CONSENSUS_PEER_LOST:
        on_peer(q, &e->peer.address, e->kind == CONSENSUS_PEER);
        break;
    }
    qbft_flush(q);
    q->effects = NULL;
    return q->status;
}

static void status(const struct consensus_machine *machine, struct consensus_status *ret_status)
{
    static const char *const phases[] = {"idle", "accept", "preprepared", "prepared", "committed"};
    const struct qbft *q = (const struct qbft *)machine;
    ret_status->number = q->number;
    ret_status->round = q->round;
    ret_status->state = phases[q->phase];
    ret_status->validator = q->phase != QBFT_IDLE;
    if (ret_status->validator)
        ret_status->proposer = *qbft_proposer(q, ISTANBUL_BY_BYTES, q->round);
}

static void machine_free(struct consensus_machine *machine)
{
    struct qbft *q = self_of(machine);
    drop_height(q);
    qbft_backlog_release(q);
    qbft_record_free(q->restored);
    istanbul_set_release(&q->set);
    qbft_checker_release(&q->checker);
    map_release(&q->peers);
    mem_free(q->outbox);
    mem_free(q);
}

static int machine_make(struct consensus_machine **ret_machine,
                        const struct consensus_options *options, struct err_detail *detail)
{
    struct qbft *q = mem_alloc_zeroed(1, sizeof(*q));
    if (!q)
        return err_set(detail, ERR_NOMEM, "consensus: out of memory");
    q->options = *options;
    map_init(&q->peers, sizeof(struct address), sizeof(struct qbft_peer));
    istanbul_set_init(&q->set);
    qbft_checker_init(&q->checker);
    int result = 0;
    if (options->record.len)
        result = qbft_record_decode(q, &q->restored, options->record, detail);
    q->options.record = bytes_none();
    if (result) {
        machine_free(&q->base);
        return result;
    }
    *ret_machine = &q->base;
    return 0;
}

const struct consensus_machine_ops qbft_machine = {
    .name = "qbft",
    .make = machine_make,
    .free = machine_free,
    .step = step,
    .status = status,
};
