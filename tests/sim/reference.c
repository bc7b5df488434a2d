/*
 * How GoQuorum v24.4.1 agrees by QBFT (consensus/istanbul/qbft/core), as far as its peers can tell, for networks of both kinds:
 * one order of proposers (by text after a restart), timers that double without end, the F+1 rule at exactly F+1, everything
 * said once and every message looked at once, proposals not executed before the vote, nothing remembered over a restart.
 * A record of one byte says that this is a restart.
 */
#include "base/mem.h"
#include "consensus/istanbul/hash.h"
#include "consensus/qbft/certificate.h"
#include "crypto/keccak.h"
#include "tests/sim/sim.h"

#include <stdlib.h>

enum { KEPT_MAX = 4096, TIMER_ROUND = 0, TIMER_FUTURE = 1 };

struct kept {
    struct qbft_message m;
    struct address signer;
    struct buf payload;
    struct arena arena;
    struct consensus_block *block;
    bool spent;
};

enum phase { ACCEPT, PREPREPARED, PREPARED, COMMITTED };

struct reference {
    struct consensus_machine base;
    struct consensus_options options;
    enum istanbul_order order;
    struct consensus_effects *effects;
    uint64_t now_ms;
    struct map known; /* payloads that were seen, by hash */
    struct istanbul_set set;
    struct istanbul_params params;
    struct qbft_checker checker;
    uint64_t number, round, parent_time;
    struct address last_proposer;
    enum phase phase;
    struct consensus_block *proposal, *pending, *prepared_block;
    struct kept *checking;
    bool prepared;
    uint64_t prepared_round;
    struct kept *prepares[SIM_NODES_MAX]; /* that prove it */
    size_t prepare_count;
    bool proposed;
    uint64_t proposed_round;
    struct kept *kept[KEPT_MAX]; /* of this height and later ones; used ones are marked */
    size_t kept_count;
    uint64_t generation, tokens[2];
    struct kept *queue[256]; /* own messages on their way to this node itself */
    size_t queued;
};

static void must(bool holds)
{
    if (!holds)
        abort();
}

/* ---- messages ---- */

static void free_kept(struct kept *k)
{
    consensus_block_unref(k->block);
    arena_release(&k->arena);
    buf_release(&k->payload);
    mem_free(k);
}

static struct kept *keep(struct reference *g, unsigned code, struct bytes payload)
{
    struct kept *k = mem_alloc_zeroed(1, sizeof(*k));
    must(k != NULL);
    buf_append_bytes(&k->payload, payload);
    struct hash256 digest;
    bool good = qbft_message_decode(&k->m, &k->arena, code, buf_bytes(&k->payload), NULL) == 0;
    if (good && k->m.block.len)
        good = consensus_block_new(&k->block, k->m.block, NULL) == 0;
    if (good) {
        qbft_message_digest(&k->m, &digest);
        good = qbft_check_signer(&g->checker, &digest, k->m.signature, &k->signer) == QBFT_VALID;
    }
    if (!good || g->kept_count == KEPT_MAX) {
        free_kept(k);
        return NULL;
    }
    return g->kept[g->kept_count++] = k;
}

static void say(struct reference *g, struct qbft_message *m)
{
    struct hash256 digest;
    uint8_t signature[CONSENSUS_SEAL_SIZE];
    struct buf b = BUF_INIT;
    m->number = g->number;
    m->round = g->round;
    qbft_message_digest(m, &digest);
    must(g->options.sign(g->options.sign_context, &digest, signature) == 0);
    m->signature = bytes_of(signature, sizeof(signature));
    qbft_message_write(&b, m);
    must(consensus_emit_broadcast(g->effects, m->code, buf_bytes(&b), NULL));
    struct kept *k = keep(g, m->code, buf_bytes(&b));
    must(k && g->queued < BASE_COUNT(g->queue));
    g->queue[g->queued++] = k;
    buf_release(&b);
}

/* The kept message of that kind by a member in a round, the last one; NULL: none. */
static struct kept *find(const struct reference *g, unsigned code, uint64_t round,
                         const struct address *signer)
{
    for (size_t i = g->kept_count; i-- > 0;) {
        struct kept *k = g->kept[i];
        if (k->spent && k->m.code == code && k->m.number == g->number && k->m.round == round &&
            address_equal(&k->signer, signer))
            return k;
    }
    return NULL;
}

static size_t count_votes(const struct reference *g, unsigned code)
{
    size_t count = 0;
    for (size_t i = 0; i < g->set.count; i++)
        count += find(g, code, g->round, &g->set.members[i]) != NULL;
    return count;
}

/* ---- rounds ---- */

static bool is_proposer(const struct reference *g, const struct address *address)
{
    return address_equal(address, istanbul_set_proposer(&g->set, g->order, g->params.policy,
                                                        &g->last_proposer, g->round));
}

static void start_timer(struct reference *g, unsigned slot, uint64_t ms)
{
    g->tokens[slot] = ++g->generation * CONSENSUS_TIMER_SLOTS + slot;
    must(consensus_emit_timer(g->effects, g->tokens[slot], ms));
}

static void start_round_timer(struct reference *g)
{
    uint64_t shift = g->round < 20 ? g->round : 20;
    start_timer(g, TIMER_ROUND, g->params.request_timeout_ms << shift);
}

static void start_round(struct reference *g, uint64_t round)
{
    g->round = round;
    g->phase = ACCEPT;
    g->checking = NULL;
    start_round_timer(g);
}

static void say_round_change(struct reference *g)
{
    struct qbft_message m = {.code = CONSENSUS_QBFT_ROUND_CHANGE};
    struct qbft_prepare prepares[SIM_NODES_MAX];
    if (g->prepared) {
        for (size_t i = 0; i < g->prepare_count; i++)
            prepares[i] = qbft_prepare_of(&g->prepares[i]->m);
        m.prepared = true;
        m.prepared_round = g->prepared_round;
        m.digest = g->prepared_block->hash;
        m.block = g->prepared_block->rlp;
        m.prepares = prepares;
        m.prepare_count = g->prepare_count;
    }
    say(g, &m);
}

/* ---- proposing ---- */

static void say_pre_prepare(struct reference *g, struct consensus_block *block,
                            const struct kept *prepared)
{
    struct qbft_message m = {.code = CONSENSUS_QBFT_PRE_PREPARE, .block = block->rlp};
    struct qbft_round_change changes[SIM_NODES_MAX];
    for (size_t i = 0; i < g->set.count; i++) {
        const struct kept *k = find(g, CONSENSUS_QBFT_ROUND_CHANGE, g->round, &g->set.members[i]);
        if (k && g->round)
            changes[m.round_change_count++] = qbft_round_change_of(&k->m);
    }
    m.round_changes = changes;
    if (prepared) {
        m.prepares = prepared->m.prepares;
        m.prepare_count = prepared->m.prepare_count;
    }
    say(g, &m);
    g->proposed = true;
    g->proposed_round = g->round;
}

static void on_candidate(struct reference *g, struct consensus_block *block)
{
    if (block->number != g->number)
        return;
    consensus_block_unref(g->pending);
    g->pending = consensus_block_ref(block);
    if (g->phase != ACCEPT)
        return;
    start_round_timer(g);
    if (is_proposer(g, &g->options.self)) /* in any round, justified or not */
        say_pre_prepare(g, block, NULL);
}

/* ---- handlers: each returns whether the message is accepted ---- */

static bool is_justified(const struct reference *g, const struct kept *k)
{
    size_t fit = 0;
    bool named = false;
    if (k->m.round_change_count < g->checker.quorum ||
        (k->m.prepare_count && k->m.prepare_count < g->checker.quorum))
        return false;
    for (size_t i = 0; i < k->m.prepare_count; i++) {
        if (k->m.prepares[i].round != k->m.prepares[0].round ||
            !hash256_equal(&k->m.prepares[i].digest, &k->block->hash))
            return false;
    }
    for (size_t i = 0; i < k->m.round_change_count; i++) {
        const struct qbft_round_change *c = &k->m.round_changes[i];
        if (!k->m.prepare_count) {
            fit += !c->prepared;
            continue;
        }
        uint64_t round = k->m.prepares[0].round;
        fit += !c->prepared || c->prepared_round <= round;
        named |= c->prepared && c->prepared_round == round &&
                 hash256_equal(&c->prepared_digest, &k->block->hash);
    }
    return fit >= g->checker.quorum && (named || !k->m.prepare_count);
}

static bool on_pre_prepare(struct reference *g, struct kept *k)
{
    k->spent = true;
    if (!is_proposer(g, &k->signer) || (k->m.round && !is_justified(g, k)))
        return false;
    g->checking = k;
    must(consensus_emit_check(g->effects, k->block));
    return true;
}

static void drain(struct reference *g);

static void on_checked(struct reference *g, const struct hash256 *hash,
                       enum consensus_verdict verdict, uint64_t wait_ms)
{
    struct kept *k = g->checking;
    if (!k || g->phase != ACCEPT || !hash256_equal(&k->block->hash, hash))
        return;
    if (verdict == CONSENSUS_CHECK_FUTURE) {
        start_timer(g, TIMER_FUTURE, wait_ms + 1);
        return;
    }
    g->checking = NULL;
    if (verdict != CONSENSUS_CHECK_OK)
        return;
    start_round_timer(g);
    consensus_block_unref(g->proposal);
    g->proposal = consensus_block_ref(k->block);
    g->phase = PREPREPARED;
    struct qbft_message m = {.code = CONSENSUS_QBFT_PREPARE, .digest = k->block->hash};
    say(g, &m);
    drain(g);
}

static void say_commit(struct reference *g)
{
    struct eth_header header;
    struct rlp_reader r;
    struct hash256 digest;
    uint8_t seal[CONSENSUS_SEAL_SIZE];
    rlp_reader_init(&r, g->proposal->rlp);
    rlp_enter(&r, "block");
    eth_header_read(&header, &r);
    must(istanbul_commit_digest(ISTANBUL_QBFT, &header, (uint32_t)g->round, &digest) == 0);
    must(g->options.sign(g->options.sign_context, &digest, seal) == 0);
    struct qbft_message m = {.code = CONSENSUS_QBFT_COMMIT,
                             .digest = g->proposal->hash,
                             .seal = bytes_of(seal, sizeof(seal))};
    say(g, &m);
}

static bool on_prepare(struct reference *g, struct kept *k)
{
    if (!hash256_equal(&k->m.digest, &g->proposal->hash))
        return false;
    k->spent = true;
    if (count_votes(g, CONSENSUS_QBFT_PREPARE) < g->checker.quorum)
        return true;
    g->prepare_count = 0;
    for (size_t i = 0; i < g->set.count; i++) {
        struct kept *p = find(g, CONSENSUS_QBFT_PREPARE, g->round, &g->set.members[i]);
        if (p)
            g->prepares[g->prepare_count++] = p;
    }
    g->prepared = true;
    g->prepared_round = g->round;
    consensus_block_unref(g->prepared_block);
    g->prepared_block = consensus_block_ref(g->proposal);
    g->phase = PREPARED;
    say_commit(g);
    drain(g);
    return true;
}

static bool on_commit(struct reference *g, struct kept *k)
{
    if (!hash256_equal(&k->m.digest, &g->proposal->hash))
        return false;
    k->spent = true;
    if (count_votes(g, CONSENSUS_QBFT_COMMIT) < g->checker.quorum)
        return true;
    struct consensus_seal seals[SIM_NODES_MAX];
    size_t count = 0;
    for (size_t i = 0; i < g->set.count; i++) {
        struct kept *c = find(g, CONSENSUS_QBFT_COMMIT, g->round, &g->set.members[i]);
        if (c && c->m.seal.len == CONSENSUS_SEAL_SIZE)
            memcpy(seals[count++].b, c->m.seal.data, CONSENSUS_SEAL_SIZE);
    }
    g->phase = COMMITTED;
    must(consensus_emit_commit(g->effects, g->proposal, g->round, seals, count));
    return true;
}

/* Members that asked for a round over the current one, and the least of those rounds. */
static size_t count_higher(const struct reference *g, uint64_t *ret_least)
{
    size_t count = 0;
    *ret_least = UINT64_MAX;
    for (size_t i = 0; i < g->set.count; i++) {
        bool counted = false;
        for (size_t n = 0; n < g->kept_count; n++) {
            const struct kept *k = g->kept[n];
            if (!k->spent || k->m.code != CONSENSUS_QBFT_ROUND_CHANGE || k->m.number != g->number ||
                k->m.round <= g->round || !address_equal(&k->signer, &g->set.members[i]))
                continue;
            counted = true;
            *ret_least = k->m.round < *ret_least ? k->m.round : *ret_least;
        }
        count += counted;
    }
    return count;
}

static bool on_round_change(struct reference *g, struct kept *k)
{
    uint64_t least;
    k->spent = true;
    if (count_higher(g, &least) == istanbul_set_faults(&g->set) + 1) {
        start_round(g, least);
        say_round_change(g);
        drain(g);
        return true;
    }
    if (g->round == 0 || count_votes(g, CONSENSUS_QBFT_ROUND_CHANGE) < g->checker.quorum ||
        !is_proposer(g, &g->options.self) || (g->proposed && g->proposed_round >= g->round))
        return true;
    const struct kept *best = NULL;
    for (size_t i = 0; i < g->set.count; i++) {
        const struct kept *c = find(g, CONSENSUS_QBFT_ROUND_CHANGE, g->round, &g->set.members[i]);
        if (c && c->m.prepared && c->block && c->m.prepare_count >= g->checker.quorum &&
            (!best || c->m.prepared_round > best->m.prepared_round))
            best = c;
    }
    if (best || g->pending)
        say_pre_prepare(g, best ? best->block : g->pending, best);
    return true;
}

/* ---- which message when ---- */

enum when { NOW, EARLY, NEVER };

static enum when when_to_take(const struct reference *g, const struct qbft_message *m)
{
    if (m->number != g->number)
        return m->number > g->number ? EARLY : NEVER;
    if (m->code == CONSENSUS_QBFT_ROUND_CHANGE)
        return m->round < g->round ? NEVER : NOW;
    if (m->round != g->round)
        return m->round > g->round ? EARLY : NEVER;
    static const unsigned wanted[] = {[ACCEPT] = CONSENSUS_QBFT_PRE_PREPARE,
                                      [PREPREPARED] = CONSENSUS_QBFT_PREPARE,
                                      [PREPARED] = CONSENSUS_QBFT_COMMIT,
                                      [COMMITTED] = 0};
    if (g->phase == COMMITTED || m->code < wanted[g->phase])
        return NEVER;
    return m->code == wanted[g->phase] ? NOW : EARLY;
}

static void handle(struct reference *g, struct kept *k)
{
    bool good = false;
    switch (k->m.code) {
    case CONSENSUS_QBFT_PRE_PREPARE:
        good = on_pre_prepare(g, k);
        break;
    case CONSENSUS_QBFT_PREPARE:
        good = on_prepare(g, k);
        break;
    case CONSENSUS_QBFT_COMMIT:
        good = on_commit(g, k);
        break;
    default:
        good = on_round_change(g, k);
        break;
    }
    if (good && !address_equal(&k->signer, &g->options.self))
        must(consensus_emit_broadcast(g->effects, k->m.code, buf_bytes(&k->payload), &k->signer));
}

static void take(struct reference *g, struct kept *k)
{
    if (when_to_take(g, &k->m) == NOW)
        handle(g, k);
}

static void drain(struct reference *g)
{
    /* By index: handling may add to the list, and may come back here. */
    for (size_t i = 0; i < g->kept_count; i++) {
        if (!g->kept[i]->spent)
            take(g, g->kept[i]);
    }
}

static void take_own(struct reference *g)
{
    for (size_t i = 0; i < g->queued; i++)
        take(g, g->queue[i]);
    g->queued = 0;
}

/* ---- heights ---- */

static void forget(struct reference *g, bool all)
{
    size_t left = 0;
    for (size_t i = 0; i < g->kept_count; i++) {
        if (all || g->kept[i]->m.number < g->number)
            free_kept(g->kept[i]);
        else
            g->kept[left++] = g->kept[i];
    }
    g->kept_count = left;
    g->checking = NULL;
    g->queued = 0;
    g->prepare_count = 0;
    g->prepared = g->proposed = false;
    consensus_block_unref(g->proposal);
    consensus_block_unref(g->pending);
    consensus_block_unref(g->prepared_block);
    g->proposal = g->pending = g->prepared_block = NULL;
}

static void on_head(struct reference *g, const struct consensus_event *e)
{
    if (g->number && e->head.number < g->number)
        return;
    g->number = e->head.number + 1;
    forget(g, false);
    g->round = 0;
    g->phase = ACCEPT;
    g->parent_time = e->head.time;
    g->last_proposer = e->head.proposer;
    g->params = *e->head.params;
    must(istanbul_set_copy(&g->set, e->head.validators) == 0);
    g->checker.set = &g->set;
    g->checker.quorum = istanbul_set_quorum(&g->set, g->params.two_f_plus_one);
    g->tokens[0] = g->tokens[1] = 0;
    uint64_t time = g->parent_time + g->params.block_period;
    must(consensus_emit_build(g->effects, g->number, time, time * 1000));
    drain(g);
}

static void on_message(struct reference *g, const struct consensus_event *e)
{
    struct hash256 hash;
    bool added;
    if (!g->number)
        return;
    crypto_keccak256(&hash, e->message.payload);
    must(map_put(&g->known, &hash, &added) != NULL);
    struct kept *k = added ? keep(g, e->message.code, e->message.payload) : NULL;
    if (!k)
        return;
    if (when_to_take(g, &k->m) == NEVER) {
        g->kept_count--;
        free_kept(k);
        return;
    }
    take(g, k);
}

static void on_timeout(struct reference *g, uint64_t token)
{
    if (token == g->tokens[TIMER_FUTURE] && g->checking) {
        must(consensus_emit_check(g->effects, g->checking->block));
    } else if (token == g->tokens[TIMER_ROUND] && g->phase != COMMITTED) {
        start_round(g, g->round + 1);
        say_round_change(g);
        drain(g);
    }
}

static int step(struct consensus_machine *machine, const struct consensus_event *e,
                struct consensus_effects *ret_effects)
{
    struct reference *g = (struct reference *)machine;
    g->effects = ret_effects;
    g->now_ms = e->now_ms;
    switch (e->kind) {
    case CONSENSUS_HEAD:
        on_head(g, e);
        break;
    case CONSENSUS_CANDIDATE:
        on_candidate(g, e->candidate.block);
        break;
    case CONSENSUS_MESSAGE:
        on_message(g, e);
        break;
    case CONSENSUS_TIMEOUT:
        on_timeout(g, e->timeout.token);
        break;
    case CONSENSUS_CHECKED:
        on_checked(g, &e->checked.hash, e->checked.verdict, e->checked.wait_ms);
        break;
    default:
        break;
    }
    take_own(g);
    return 0;
}

static void machine_free(struct consensus_machine *machine)
{
    struct reference *g = (struct reference *)machine;
    forget(g, true);
    istanbul_set_release(&g->set);
    qbft_checker_release(&g->checker);
    map_release(&g->known);
    mem_free(g);
}

static int make(struct consensus_machine **ret_machine, const struct consensus_options *options,
                struct err_detail *detail)
{
    struct reference *g = mem_alloc_zeroed(1, sizeof(*g));
    if (!g)
        return err_set(detail, ERR_NOMEM, "reference: out of memory");
    g->options = *options;
    g->order = options->record.len ? ISTANBUL_BY_TEXT : ISTANBUL_BY_BYTES;
    map_init(&g->known, sizeof(struct hash256), 1);
    istanbul_set_init(&g->set);
    qbft_checker_init(&g->checker);
    *ret_machine = &g->base;
    return 0;
}

static void status(const struct consensus_machine *machine, struct consensus_status *ret_status)
{
    static const char *const phases[] = {"accept", "preprepared", "prepared", "committed"};
    const struct reference *g = (const struct reference *)machine;
    ret_status->number = g->number;
    ret_status->round = g->round;
    ret_status->state = phases[g->phase];
    ret_status->validator = g->number != 0;
}

const struct consensus_machine_ops sim_reference = {
    .name = "reference", .make = make, .free = machine_free, .step = step, .status = status};
