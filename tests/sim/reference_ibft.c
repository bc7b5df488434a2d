/*
 * How GoQuorum v24.4.1 agrees by IBFT (consensus/istanbul/ibft/core), as far as its peers can tell, for networks of both kinds:
 * locks that never move, timers that double without end, rounds asked for one after the other, requests of others followed
 * only while waiting and at exactly F + 1, everything said once and every message looked at once, proposals not executed
 * before the vote, nothing remembered over a restart.
 */
#include "base/mem.h"
#include "consensus/ibft/message.h"
#include "consensus/istanbul/hash.h"
#include "crypto/keccak.h"
#include "tests/sim/sim.h"

#include <stdlib.h>

enum { KEPT_MAX = 4096, QUEUE_MAX = 256, TIMER_ROUND = 0, TIMER_FUTURE = 1 };

struct kept {
    struct ibft_message m; /* borrows `payload` */
    struct buf payload;
    struct consensus_block *block;
    bool spent;
};

enum phase { ACCEPT, PREPREPARED, PREPARED, COMMITTED };
enum outcome { DONE, FUTURE, REFUSED };

struct reference {
    struct consensus_machine base;
    struct consensus_options options;
    struct consensus_effects *effects;
    struct map known; /* payloads that were seen, by hash */
    struct istanbul_set set;
    struct istanbul_params params;
    size_t quorum, faults;
    uint64_t number, round, parent_time;
    struct address last_proposer;
    bool member, waiting;
    enum phase phase;
    struct consensus_block *proposal, *pending;
    bool locked;
    struct hash256 lock;
    struct kept *checking;
    struct kept *kept[KEPT_MAX]; /* of this height and later ones */
    size_t kept_count;
    struct kept *queue[QUEUE_MAX]; /* own messages on their way to this node itself */
    size_t queued;
    struct kept
        *votes[IBFT_CODES][SIM_NODES_MAX]; /* PREPARE, COMMIT of this round; borrowed from `kept` */
    struct map asked;                      /* member and round: ROUND-CHANGE counted */
    uint64_t generation, tokens[2];
};

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void put(struct consensus_block **slot, struct consensus_block *block)
{
    struct consensus_block *before = *slot;
    *slot = block ? consensus_block_ref(block) : NULL;
    consensus_block_unref(before);
}

static void free_kept(struct kept *k)
{
    consensus_block_unref(k->block);
    buf_release(&k->payload);
    mem_free(k);
}

static void start_timer(struct reference *r, unsigned slot, uint64_t ms)
{
    r->tokens[slot] = ++r->generation * CONSENSUS_TIMER_SLOTS + slot;
    must(consensus_emit_timer(r->effects, r->tokens[slot], ms));
}

static void start_round_timer(struct reference *r)
{
    uint64_t ms = r->params.request_timeout_ms;
    r->tokens[TIMER_FUTURE] = 0;
    if (r->round > 0)
        ms += 1000ull << (r->round < 40 ? r->round : 40);
    start_timer(r, TIMER_ROUND, ms);
}

static const struct address *proposer(const struct reference *r)
{
    return istanbul_set_proposer(&r->set, ISTANBUL_BY_TEXT, r->params.policy, &r->last_proposer,
                                 r->round);
}

static bool own_turn(const struct reference *r)
{
    return address_equal(proposer(r), &r->options.self);
}

/* ---- to say something ---- */

static void say(struct reference *r, enum ibft_code code, struct consensus_block *block)
{
    struct ibft_message m = {
        .code = code, .round = r->round, .sequence = r->number, .sender = r->options.self};
    uint8_t seal[CONSENSUS_SEAL_SIZE], signature[CONSENSUS_SEAL_SIZE];
    struct hash256 digest;
    if (code == IBFT_PRE_PREPARE)
        m.block = block->rlp;
    else if (block)
        m.digest = block->hash;
    if (code == IBFT_COMMIT) {
        istanbul_ibft_commit_digest(&m.digest, &digest);
        must(r->options.sign(r->options.sign_context, &digest, seal) == 0);
        m.seal = bytes_of(seal, sizeof(seal));
    }
    must(ibft_message_digest(&m, &digest) == 0);
    must(r->options.sign(r->options.sign_context, &digest, signature) == 0);
    m.signature = bytes_of(signature, sizeof(signature));
    struct kept *own = mem_alloc_zeroed(1, sizeof(*own));
    must(own && r->queued < QUEUE_MAX);
    ibft_message_write(&own->payload, &m);
    must(ibft_message_decode(&own->m, buf_bytes(&own->payload), NULL) == 0);
    if (code == IBFT_PRE_PREPARE)
        own->block = consensus_block_ref(block);
    r->queue[r->queued++] = own;
    const struct address nobody = {{0}};
    must(consensus_emit_broadcast(r->effects, CONSENSUS_IBFT, buf_bytes(&own->payload), &nobody));
}

/* ---- rounds ---- */

static void enter(struct reference *r, uint64_t round)
{
    r->round = round;
    r->checking = NULL;
    memset(r->votes, 0, sizeof(r->votes));
    if (!r->locked)
        put(&r->proposal, NULL);
}

static void ask(struct reference *r, uint64_t round)
{
    if (round <= r->round)
        return;
    enter(r, round);
    r->waiting = true;
    start_round_timer(r);
    say(r, IBFT_ROUND_CHANGE, NULL);
}

static void begin(struct reference *r, uint64_t round)
{
    if (round < r->round)
        return;
    map_clear(&r->asked);
    enter(r, round);
    r->waiting = false;
    r->phase = ACCEPT;
    if (round > 0 && own_turn(r) && (r->locked || r->pending))
        say(r, IBFT_PRE_PREPARE, r->locked ? r->proposal : r->pending);
    start_round_timer(r);
}

struct asked_key {
    uint64_t round, member;
};

static size_t count_asked(struct reference *r, uint64_t round)
{
    size_t n = 0;
    for (size_t i = 0; i < map_count(&r->asked); i++)
        n += ((const struct asked_key *)map_key_at(&r->asked, i))->round == round;
    return n;
}

static enum outcome on_round_change(struct reference *r, const struct kept *k)
{
    uint64_t round = k->m.round;
    struct asked_key key = {round, (uint64_t)istanbul_set_index(&r->set, &k->m.sender)};
    must(map_put(&r->asked, &key, NULL) != NULL);
    size_t n = count_asked(r, round);
    if (r->waiting && n == r->faults + 1) {
        ask(r, round);
        return DONE;
    }
    if (n == r->quorum && (r->waiting || r->round < round)) {
        begin(r, round);
        return DONE;
    }
    return r->round < round ? REFUSED : DONE;
}

static void on_timeout(struct reference *r)
{
    uint64_t highest = 0;
    for (size_t i = 0; !r->waiting && i < map_count(&r->asked); i++) {
        uint64_t round = ((const struct asked_key *)map_key_at(&r->asked, i))->round;
        if (round > highest && count_asked(r, round) >= r->faults + 1)
            highest = round;
    }
    ask(r, highest > r->round ? highest : r->round + 1);
}

/* ---- votes ---- */

static void finish(struct reference *r)
{
    struct consensus_seal seals[SIM_NODES_MAX];
    size_t count = 0;
    r->phase = COMMITTED;
    for (size_t i = 0; i < r->set.count; i++)
        if (r->votes[IBFT_COMMIT][i])
            memcpy(seals[count++].b, r->votes[IBFT_COMMIT][i]->m.seal.data, sizeof(seals[0].b));
    must(consensus_emit_commit(r->effects, r->proposal, r->round, seals, count));
}

static void lock(struct reference *r)
{
    r->locked = true;
    r->lock = r->proposal->hash;
}

static enum outcome on_vote(struct reference *r, struct kept *k)
{
    size_t prepares_or_commits = 0, commits = 0;
    if (!r->proposal || !hash256_equal(&k->m.digest, &r->proposal->hash))
        return REFUSED;
    r->votes[k->m.code][istanbul_set_index(&r->set, &k->m.sender)] = k;
    for (size_t i = 0; i < r->set.count; i++) {
        prepares_or_commits += r->votes[IBFT_PREPARE][i] || r->votes[IBFT_COMMIT][i];
        commits += r->votes[IBFT_COMMIT][i] != NULL;
    }
    if (k->m.code == IBFT_PREPARE && r->phase < PREPARED &&
        (r->locked || prepares_or_commits >= r->quorum)) {
        lock(r);
        r->phase = PREPARED;
        say(r, IBFT_COMMIT, r->proposal);
    }
    if (k->m.code == IBFT_COMMIT && r->phase < COMMITTED && commits >= r->quorum) {
        lock(r);
        finish(r);
    }
    return DONE;
}

/* A proposal whose header is right. */
static void accept(struct reference *r, struct consensus_block *block)
{
    if (r->phase != ACCEPT)
        return;
    if (r->locked && !hash256_equal(&block->hash, &r->lock)) {
        ask(r, r->round + 1);
        return;
    }
    put(&r->proposal, block);
    r->phase = r->locked ? PREPARED : PREPREPARED;
    say(r, r->locked ? IBFT_COMMIT : IBFT_PREPARE, block);
}

static enum outcome on_pre_prepare(struct reference *r, struct kept *k)
{
    if (!address_equal(&k->m.sender, proposer(r)) || r->checking)
        return REFUSED;
    r->checking = k;
    must(consensus_emit_check(r->effects, k->block));
    return DONE;
}

static void on_checked(struct reference *r, const struct consensus_event *e)
{
    struct kept *k = r->checking;
    if (!k || r->waiting || !hash256_equal(&k->block->hash, &e->checked.hash))
        return;
    if (e->checked.verdict == CONSENSUS_CHECK_FUTURE) {
        start_timer(r, TIMER_FUTURE, e->checked.wait_ms ? e->checked.wait_ms : 1);
        return;
    }
    r->checking = NULL;
    if (e->checked.verdict == CONSENSUS_CHECK_OK || sim_block_is_bad(k->block))
        accept(r, k->block); /* what only its execution would show is not seen */
    else
        ask(r, r->round + 1);
}

/* ---- messages ---- */

static enum outcome handle(struct reference *r, struct kept *k)
{
    const struct ibft_message *m = &k->m;
    if (m->sequence > r->number)
        return FUTURE;
    if (m->sequence < r->number || m->round < r->round)
        return REFUSED;
    if (m->code == IBFT_ROUND_CHANGE)
        return on_round_change(r, k);
    if (m->round > r->round || r->waiting)
        return FUTURE;
    if (r->phase == ACCEPT && m->code != IBFT_PRE_PREPARE)
        return FUTURE;
    return m->code == IBFT_PRE_PREPARE ? on_pre_prepare(r, k) : on_vote(r, k);
}

/* Own messages first, then whatever is no longer early, until nothing changes. */
static void drain(struct reference *r)
{
    for (bool again = true; again;) {
        again = false;
        while (r->queued) {
            struct kept *own = r->queue[0];
            memmove(r->queue, r->queue + 1, --r->queued * sizeof(*r->queue));
            must(r->kept_count < KEPT_MAX);
            r->kept[r->kept_count++] = own;
            (void)handle(r, own);
            own->spent = true; /* nothing of its own waits */
            again = true;
        }
        for (size_t i = 0; i < r->kept_count && !r->queued; i++) {
            struct kept *k = r->kept[i];
            if (k->spent || handle(r, k) == FUTURE)
                continue;
            k->spent = true;
            again = true;
        }
    }
}

static void on_message(struct reference *r, const struct consensus_event *e)
{
    struct hash256 key;
    bool added;
    struct ibft_message m;
    crypto_keccak256(&key, e->message.payload);
    must(map_put(&r->known, &key, &added) != NULL);
    if (!added || !r->member || r->kept_count == KEPT_MAX ||
        ibft_message_decode(&m, e->message.payload, NULL) != 0 || m.sequence < r->number ||
        !istanbul_set_has(&r->set, &m.sender) || ibft_message_verify(&m) != 1)
        return;
    struct kept *k = mem_alloc_zeroed(1, sizeof(*k));
    must(k != NULL);
    buf_append_bytes(&k->payload, e->message.payload);
    must(ibft_message_decode(&k->m, buf_bytes(&k->payload), NULL) == 0);
    if (m.code == IBFT_PRE_PREPARE && consensus_block_new(&k->block, k->m.block, NULL) != 0) {
        free_kept(k);
        return;
    }
    r->kept[r->kept_count++] = k;
    enum outcome outcome = handle(r, k);
    k->spent = outcome != FUTURE;
    if (outcome == DONE)
        must(consensus_emit_broadcast(r->effects, CONSENSUS_IBFT, buf_bytes(&k->payload),
                                      &e->message.from));
}

/* ---- heights ---- */

static void on_head(struct reference *r, const struct consensus_event *e)
{
    size_t left = 0;
    if (r->number && e->head.number < r->number)
        return;
    r->number = e->head.number + 1;
    r->parent_time = e->head.time;
    r->last_proposer = e->head.proposer;
    r->params = *e->head.params;
    must(istanbul_set_copy(&r->set, e->head.validators) == 0);
    r->quorum = istanbul_set_quorum(&r->set, r->params.two_f_plus_one);
    r->faults = istanbul_set_faults(&r->set);
    r->member = istanbul_set_has(&r->set, &r->options.self);
    r->locked = false;
    put(&r->proposal, NULL);
    put(&r->pending, NULL);
    memset(r->votes, 0, sizeof(r->votes));
    r->checking = NULL;
    r->round = 0;
    for (size_t i = 0; i < r->kept_count; i++) {
        if (r->kept[i]->m.sequence < r->number)
            free_kept(r->kept[i]);
        else
            r->kept[left++] = r->kept[i];
    }
    r->kept_count = left;
    if (!r->member)
        return;
    begin(r, 0);
    uint64_t time = r->parent_time + r->params.block_period;
    must(consensus_emit_build(r->effects, r->number, time, time * 1000));
}

static void on_candidate(struct reference *r, struct consensus_block *block)
{
    if (!r->member || block->number != r->number)
        return;
    put(&r->pending, block);
    if (r->phase == ACCEPT && own_turn(r))
        say(r, IBFT_PRE_PREPARE, block);
}

/* ---- the table ---- */

static int step(struct consensus_machine *machine, const struct consensus_event *e,
                struct consensus_effects *effects)
{
    struct reference *r = (struct reference *)machine;
    r->effects = effects;
    switch (e->kind) {
    case CONSENSUS_HEAD:
        on_head(r, e);
        break;
    case CONSENSUS_CANDIDATE:
        on_candidate(r, e->candidate.block);
        break;
    case CONSENSUS_MESSAGE:
        if (e->message.code == CONSENSUS_IBFT)
            on_message(r, e);
        break;
    case CONSENSUS_CHECKED:
        on_checked(r, e);
        break;
    case CONSENSUS_TIMEOUT:
        if (e->timeout.token == r->tokens[TIMER_ROUND] && r->phase != COMMITTED)
            on_timeout(r);
        else if (e->timeout.token == r->tokens[TIMER_FUTURE] && r->checking)
            must(consensus_emit_check(effects, r->checking->block));
        break;
    default:
        break;
    }
    if (r->member)
        drain(r);
    return 0;
}

static int make(struct consensus_machine **ret, const struct consensus_options *options,
                struct err_detail *detail)
{
    struct reference *r = mem_alloc_zeroed(1, sizeof(*r));
    (void)detail;
    must(r != NULL);
    r->base.ops = &sim_reference_ibft;
    r->options = *options;
    map_init(&r->known, sizeof(struct hash256), 1);
    map_init(&r->asked, sizeof(struct asked_key), 1);
    istanbul_set_init(&r->set);
    *ret = &r->base;
    return 0;
}

static void destroy(struct consensus_machine *machine)
{
    struct reference *r = (struct reference *)machine;
    for (size_t i = 0; i < r->kept_count; i++)
        free_kept(r->kept[i]);
    for (size_t i = 0; i < r->queued; i++)
        free_kept(r->queue[i]);
    put(&r->proposal, NULL);
    put(&r->pending, NULL);
    map_release(&r->known);
    map_release(&r->asked);
    istanbul_set_release(&r->set);
    mem_free(r);
}

static void status(const struct consensus_machine *machine, struct consensus_status *ret)
{
    static const char *const words[] = {"accept", "preprepared", "prepared", "committed"};
    const struct reference *r = (const struct reference *)machine;
    *ret = (struct consensus_status){.number = r->number,
                                     .round = r->round,
                                     .state = r->waiting ? "waiting" : words[r->phase],
                                     .validator = r->member};
}

const struct consensus_machine_ops sim_reference_ibft = {
    .name = "GoQuorum's IBFT",
    .make = make,
    .free = destroy,
    .step = step,
    .status = status,
};
