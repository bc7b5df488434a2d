/* Events, heights, peers; the table of functions. */
#include "base/mem.h"
#include "consensus/ibft/state.h"

#include <stdarg.h>
#include <stdio.h>

static struct ibft *self_of(struct consensus_machine *machine)
{
    return (struct ibft *)machine;
}

/* ---- small things ---- */

void ibft_nomem(struct ibft *m)
{
    m->status = ERR_NOMEM;
}

void ibft_alarm(struct ibft *m, const char *format, ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (!consensus_emit_alarm(m->effects, "%s", text))
        ibft_nomem(m);
}

void ibft_start_timer(struct ibft *m, enum ibft_timer timer, uint64_t after_ms)
{
    m->tokens[timer] = ++m->generation * CONSENSUS_TIMER_SLOTS + (uint64_t)timer;
    if (!consensus_emit_timer(m->effects, m->tokens[timer], after_ms))
        ibft_nomem(m);
}

void ibft_stop_timer(struct ibft *m, enum ibft_timer timer)
{
    if (m->tokens[timer] && !consensus_emit_stop(m->effects, m->tokens[timer]))
        ibft_nomem(m);
    m->tokens[timer] = 0;
}

void ibft_block_put(struct consensus_block **slot, struct consensus_block *block)
{
    struct consensus_block *before = *slot;
    *slot = block ? consensus_block_ref(block) : NULL;
    consensus_block_unref(before);
}

bool ibft_is_there(const struct ibft *m, size_t member)
{
    if (member == m->self)
        return true;
    const struct ibft_peer *peer = map_get(&m->peers, &m->set.members[member]);
    return peer && (peer->connected || (!peer->lost && peer->heard + 1 >= m->number));
}

bool ibft_is_connected(const struct ibft *m, size_t member)
{
    const struct ibft_peer *peer = map_get(&m->peers, &m->set.members[member]);
    return peer && peer->connected;
}

size_t ibft_present(const struct ibft *m)
{
    size_t n = 0;
    for (size_t i = 0; i < m->set.count; i++)
        n += ibft_is_there(m, i);
    return n;
}

/* ---- heights ---- */

static void drop_height(struct ibft *m)
{
    ibft_block_put(&m->proposal, NULL);
    ibft_block_put(&m->checking, NULL);
    ibft_block_put(&m->candidate, NULL);
    ibft_block_put(&m->fallback, NULL);
    ibft_block_put(&m->lock, NULL);
    ibft_block_put(&m->shown, NULL);
    ibft_proof_release(&m->proof);
    m->lock_round = 0;
    m->good = m->bad = m->vote = (struct hash256){{0}};
    m->voted = m->waiting = m->short_round = m->claimed = false;
    m->round = 0;
    m->phase = IBFT_IDLE;
}

static void forget_restored(struct ibft *m)
{
    consensus_block_unref(m->restored.lock);
    ibft_proof_release(&m->restored.proof);
    m->restored = (struct ibft_signed){0};
}

static void start_height(struct ibft *m)
{
    m->phase = IBFT_ACCEPT;
    if (m->restored.number > m->number) {
        ibft_alarm(m,
                   "block %llu: silent until block %llu, where this validator has signed already "
                   "(remove the consensus record only if the whole network went back)",
                   (unsigned long long)m->number, (unsigned long long)m->restored.number);
        m->phase = IBFT_IDLE;
        return;
    }
    if (m->restored.number == m->number) {
        ibft_resume(m);
    } else {
        forget_restored(m);
        ibft_begin_round(m, 0);
    }
    ibft_look_at_rounds(m);
    ibft_look_at_votes(m);
}

static void on_head(struct ibft *m, const struct consensus_event *e)
{
    if (e->head.number < m->number)
        return;
    drop_height(m);
    for (unsigned i = 0; i < IBFT_TIMER_COUNT; i++)
        ibft_stop_timer(m, (enum ibft_timer)i);
    m->number = e->head.number + 1;
    m->parent = e->head.hash;
    m->parent_time = e->head.time;
    m->last_proposer = e->head.proposer;
    m->params = *e->head.params;
    m->started_ms = m->now_ms;
    if (!ibft_members_renew(m, e->head.validators))
        return;
    m->faults = istanbul_set_faults(&m->set);
    m->quorum = istanbul_set_quorum(&m->set, m->params.two_f_plus_one);
    int index = istanbul_set_index(&m->set, &m->options.self);
    m->self = index < 0 ? 0 : (size_t)index;
    if (index >= 0 && m->params.engine == ISTANBUL_IBFT)
        start_height(m);
}

/* ---- peers and timers ---- */

/* Those who are neither connected nor members; who comes with a new key each time must not fill the memory. */
static void forget_strangers(struct ibft *m)
{
    struct map kept;
    map_init(&kept, sizeof(struct address), sizeof(struct ibft_peer));
    for (size_t i = 0; i < map_count(&m->peers); i++) {
        const struct address *address = map_key_at(&m->peers, i);
        const struct ibft_peer *peer = map_value_at(&m->peers, i);
        if (!peer->connected && !istanbul_set_has(&m->set, address))
            continue;
        struct ibft_peer *copy = map_put(&kept, address, NULL);
        if (!copy) {
            map_release(&kept);
            ibft_nomem(m);
            return;
        }
        *copy = *peer;
    }
    map_release(&m->peers);
    m->peers = kept;
}

static void on_peer(struct ibft *m, const struct address *address, bool connected)
{
    if (map_count(&m->peers) >= IBFT_PEERS_KEPT)
        forget_strangers(m);
    struct ibft_peer *peer = map_put(&m->peers, address, NULL);
    if (!peer) {
        ibft_nomem(m);
        return;
    }
    peer->connected = connected;
    peer->lost = !connected;
    if (m->phase == IBFT_IDLE || !istanbul_set_has(&m->set, address))
        return;
    if (connected)
        ibft_tell(m, address);
    ibft_look_at_rounds(m);
    ibft_look_at_votes(m);
}

static void on_timeout(struct ibft *m, uint64_t token)
{
    enum ibft_timer timer = (enum ibft_timer)(token % CONSENSUS_TIMER_SLOTS);
    if (timer >= IBFT_TIMER_COUNT || token == 0 || m->tokens[timer] != token)
        return;
    m->tokens[timer] = 0;
    switch (timer) {
    case IBFT_TIMER_ROUND:
        ibft_on_round_timeout(m);
        break;
    case IBFT_TIMER_DUE:
        ibft_try_propose(m);
        ibft_look_at_votes(m);
        break;
    case IBFT_TIMER_FUTURE:
        ibft_check_again(m);
        break;
    default:
        ibft_tell_all(m);
        ibft_arm_resend(m, false);
        break;
    }
}

/* ---- the table ---- */

static int ibft_step(struct consensus_machine *machine, const struct consensus_event *e,
                     struct consensus_effects *ret_effects)
{
    struct ibft *m = self_of(machine);
    m->effects = ret_effects;
    m->now_ms = e->now_ms;
    switch (e->kind) {
    case CONSENSUS_HEAD:
        on_head(m, e);
        break;
    case CONSENSUS_CANDIDATE:
        ibft_on_candidate(m, e->candidate.block);
        break;
    case CONSENSUS_PENDING:
        break; /* IBFT has no empty block period */
    case CONSENSUS_MESSAGE:
        if (e->message.code == CONSENSUS_IBFT)
            ibft_on_message(m, &e->message.from, e->message.payload);
        break;
    case CONSENSUS_TIMEOUT:
        on_timeout(m, e->timeout.token);
        break;
    case CONSENSUS_CHECKED:
        ibft_on_checked(m, &e->checked.hash, e->checked.verdict, e->checked.wait_ms);
        break;
    case CONSENSUS_COMMIT_FAILED:
        ibft_on_commit_failed(m, &e->commit_failed.hash);
        break;
    case CONSENSUS_PEER:
    case CONSENSUS_PEER_LOST:
        on_peer(m, &e->peer.address, e->kind == CONSENSUS_PEER);
        break;
    }
    ibft_flush(m);
    m->effects = NULL;
    return m->status;
}

static void ibft_free(struct consensus_machine *machine)
{
    struct ibft *m = self_of(machine);
    drop_height(m);
    forget_restored(m);
    ibft_members_free(m);
    istanbul_set_release(&m->set);
    for (size_t i = 0; i < m->outbox_count; i++)
        buf_release(&m->outbox[i].payload);
    mem_free(m->outbox);
    buf_release(&m->recorded);
    map_release(&m->peers);
    mem_free(m);
}

static int ibft_make(struct consensus_machine **ret_machine,
                     const struct consensus_options *options, struct err_detail *detail)
{
    struct ibft *m = mem_alloc_zeroed(1, sizeof(*m));
    if (!m)
        return ERR_NOMEM;
    m->base.ops = &ibft_machine;
    m->options = *options;
    map_init(&m->peers, sizeof(struct address), sizeof(struct ibft_peer));
    int status = ERR_OK;
    if (options->record.len)
        status = ibft_record_decode(&m->restored, options->record, detail);
    m->options.record = bytes_none();
    if (status != ERR_OK) {
        ibft_free(&m->base);
        return status;
    }
    *ret_machine = &m->base;
    return ERR_OK;
}

static void ibft_status(const struct consensus_machine *machine,
                        struct consensus_status *ret_status)
{
    static const char *const words[] = {"idle", "accept", "preprepared", "prepared", "committed"};
    const struct ibft *m = (const struct ibft *)machine;
    *ret_status = (struct consensus_status){
        .number = m->number,
        .round = m->round,
        .state = m->waiting ? "waiting" : words[m->phase],
        .validator = m->phase != IBFT_IDLE,
    };
    if (m->phase != IBFT_IDLE)
        ret_status->proposer = *ibft_proposer(m, m->round);
}

const struct consensus_machine_ops ibft_machine = {
    .name = "ibft",
    .make = ibft_make,
    .free = ibft_free,
    .step = ibft_step,
    .status = ibft_status,
};
