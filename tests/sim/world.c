/* Events in time, network, faults, what is checked. */
#include "base/mem.h"
#include "consensus/qbft/message.h"
#include "crypto/keccak.h"
#include "rlp/rlp.h"
#include "tests/sim/sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- chance: splitmix64 ---- */

uint64_t sim_random(struct sim_chance *c)
{
    uint64_t z = c->state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

uint64_t sim_below(struct sim_chance *c, uint64_t below)
{
    return below ? sim_random(c) % below : 0;
}

uint64_t sim_between(struct sim_chance *c, uint64_t from, uint64_t to)
{
    return from + sim_below(c, to - from + 1);
}

bool sim_happens(struct sim_chance *c, unsigned percent)
{
    return sim_below(c, 100) < percent;
}

/* ---- talk ---- */

void sim_fail(struct sim_world *w, const char *format, ...)
{
    if (sim_failed(w))
        return;
    size_t size = sizeof(w->result->failure);
    int n = snprintf(w->result->failure, size, "at %llu ms: ", (unsigned long long)w->now);
    va_list args;
    va_start(args, format);
    vsnprintf(w->result->failure + n, size - (size_t)n, format, args);
    va_end(args);
}

bool sim_failed(const struct sim_world *w)
{
    return w->result->failure[0] != 0;
}

void sim_say(struct sim_world *w, const char *format, ...)
{
    if (!w->options->verbose)
        return;
    printf("%8llu  ", (unsigned long long)w->now);
    va_list args;
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("\n");
}

/* ---- events: a binary heap ---- */

static void out_of_memory(void)
{
    fputs("sim: out of memory\n", stderr);
    abort();
}

static bool comes_before(const struct sim_event *a, const struct sim_event *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static size_t sift_up(struct sim_world *w, size_t i)
{
    while (i > 0 && comes_before(&w->events[i], &w->events[(i - 1) / 2])) {
        struct sim_event swap = w->events[i];
        w->events[i] = w->events[(i - 1) / 2];
        w->events[(i - 1) / 2] = swap;
        i = (i - 1) / 2;
    }
    return i;
}

struct sim_event *sim_schedule(struct sim_world *w, uint64_t after_ms, enum sim_event_kind kind,
                               size_t node)
{
    if (MEM_RESERVE(w->events, w->event_capacity, w->event_count + 1, 256))
        out_of_memory();
    w->events[w->event_count] = (struct sim_event){.at = w->now + after_ms,
                                                   .order = w->order++,
                                                   .kind = kind,
                                                   .node = node,
                                                   .life = w->nodes[node].life};
    return &w->events[sift_up(w, w->event_count++)];
}

static struct sim_event take_first(struct sim_world *w)
{
    struct sim_event first = w->events[0];
    w->events[0] = w->events[--w->event_count];
    size_t i = 0;
    for (;;) {
        size_t least = i;
        for (size_t k = 2 * i + 1; k <= 2 * i + 2 && k < w->event_count; k++) {
            if (comes_before(&w->events[k], &w->events[least]))
                least = k;
        }
        if (least == i)
            return first;
        struct sim_event swap = w->events[i];
        w->events[i] = w->events[least];
        w->events[least] = swap;
        i = least;
    }
}

static void free_event(struct sim_event *e)
{
    buf_release(&e->data);
    consensus_block_unref(e->block);
}

/* ---- network ---- */

static void transmit_once(struct sim_world *w, size_t from, size_t to, enum sim_event_kind kind,
                          uint64_t value, struct bytes data, struct consensus_block *block)
{
    uint64_t delay = sim_between(&w->chance, w->delay_least, w->delay_most);
    struct sim_event *e = sim_schedule(w, delay, kind, to);
    e->from = from;
    e->value = value;
    buf_append_bytes(&e->data, data);
    if (buf_status(&e->data))
        out_of_memory();
    e->block = block ? consensus_block_ref(block) : NULL;
}

void sim_transmit(struct sim_world *w, size_t from, size_t to, enum sim_event_kind kind,
                  uint64_t value, struct bytes data, struct consensus_block *block)
{
    if (w->links[from][to].cut || sim_happens(&w->chance, w->loss))
        return;
    transmit_once(w, from, to, kind, value, data, block);
    if (sim_happens(&w->chance, w->duplication))
        transmit_once(w, from, to, kind, value, data, block);
}

static void set_connected(struct sim_world *w, size_t a, size_t b, bool connected)
{
    if (w->links[a][b].connected == connected)
        return;
    w->links[a][b].connected = w->links[b][a].connected = connected;
    sim_say(w, "%zu - %zu %s", a, b, connected ? "connected" : "lost");
    if (w->nodes[a].up)
        sim_connection(w, &w->nodes[a], b, connected);
    if (w->nodes[b].up)
        sim_connection(w, &w->nodes[b], a, connected);
}

static bool is_cut(const struct sim_world *w, size_t a, size_t b)
{
    return w->links[a][b].cut || w->links[b][a].cut;
}

/* A connection that is noticed to be gone, or made anew. */
static void on_link(struct sim_world *w, const struct sim_event *e)
{
    size_t a = e->node, b = e->from;
    if (e->value && w->nodes[a].up && w->nodes[b].up && !is_cut(w, a, b))
        set_connected(w, a, b, true);
    else if (!e->value && is_cut(w, a, b))
        set_connected(w, a, b, false);
}

static void schedule_link(struct sim_world *w, size_t a, size_t b, uint64_t after, bool connected)
{
    struct sim_event *e = sim_schedule(w, after, SIM_LINK, a);
    e->from = b;
    e->value = connected;
    e->life = 0;
}

static void connect_all(struct sim_world *w, size_t a)
{
    for (size_t b = 0; b < w->count; b++) {
        if (b != a && w->nodes[b].up && !w->links[a][b].connected && !is_cut(w, a, b))
            schedule_link(w, a, b, sim_between(&w->chance, 5, 200), true);
    }
}

/* ---- faults ---- */

static void start(struct sim_world *w, size_t i)
{
    sim_say(w, "start %zu", i);
    sim_start(w, &w->nodes[i]);
    connect_all(w, i);
}

static void crash(struct sim_world *w, size_t i)
{
    sim_say(w, "crash %zu", i);
    sim_crash(w, &w->nodes[i]);
    for (size_t b = 0; b < w->count; b++) {
        if (b != i)
            set_connected(w, i, b, false);
    }
}

static void partition(struct sim_world *w)
{
    bool one_way = sim_happens(&w->chance, 30);
    uint64_t side = sim_random(&w->chance);
    sim_say(w, "partition %llx%s", (unsigned long long)(side & ((1u << w->count) - 1)),
            one_way ? " one way" : "");
    for (size_t a = 0; a < w->count; a++) {
        for (size_t b = 0; b < w->count; b++) {
            bool a_side = side >> a & 1, b_side = side >> b & 1;
            if (a == b || a_side == b_side || (one_way && !a_side))
                continue;
            w->links[a][b].cut = true;
            schedule_link(w, a, b, sim_between(&w->chance, 1000, 20000), false);
        }
    }
}

static void heal(struct sim_world *w)
{
    sim_say(w, "heal");
    for (size_t a = 0; a < w->count; a++) {
        for (size_t b = 0; b < w->count; b++)
            w->links[a][b].cut = false;
    }
    for (size_t a = 0; a < w->count; a++) {
        if (w->nodes[a].up)
            connect_all(w, a);
    }
}

static void crash_or_start(struct sim_world *w, unsigned percent)
{
    for (size_t i = 0; i < w->count; i++) {
        if (!sim_happens(&w->chance, percent))
            continue;
        if (w->nodes[i].up)
            crash(w, i);
        else
            start(w, i);
    }
}

/* One validator at a time is down, and comes back. */
static void mixed_fault(struct sim_world *w)
{
    for (size_t i = 0; i < w->count; i++) {
        if (!w->nodes[i].up) {
            start(w, i);
            return;
        }
    }
    crash(w, sim_below(&w->chance, w->count));
}

static void random_fault(struct sim_world *w)
{
    w->result->fault_count++;
    if (w->options->mixed) {
        mixed_fault(w);
        return;
    }
    uint64_t which = sim_below(&w->chance, 10);
    if (which < 4) {
        crash_or_start(w, 100 / (unsigned)w->count + 5);
    } else if (which < 5) {
        crash_or_start(w, 60);
    } else if (which < 6) {
        for (size_t i = 0; i < w->count; i++) {
            if (!w->nodes[i].up)
                start(w, i);
        }
    } else if (which < 7) {
        partition(w);
    } else if (which < 8) {
        heal(w);
    } else if (which < 9) {
        w->loss = sim_happens(&w->chance, 50) ? 0 : (unsigned)sim_below(&w->chance, 40);
        w->duplication = (unsigned)sim_below(&w->chance, 20);
        sim_say(w, "loss %u%%", w->loss);
    } else {
        size_t i = sim_below(&w->chance, w->count);
        w->nodes[i].disk_ms = sim_between(&w->chance, 1, sim_happens(&w->chance, 20) ? 1500 : 40);
        sim_say(w, "disk of %zu: %llu ms", i, (unsigned long long)w->nodes[i].disk_ms);
    }
}

/* One of GoQuorum's kind is killed, the other was restarted last. */
static void end_mixed(struct sim_world *w)
{
    for (size_t i = 0; i < w->count; i++) {
        if (!w->nodes[i].up)
            start(w, i);
    }
    crash(w, sim_below(&w->chance, w->count / 2));
    w->end_of_faults = w->now;
    w->result->heights = w->height;
    sim_say(w, "the faults end at height %llu", (unsigned long long)w->height);
}

static void end_faults(struct sim_world *w)
{
    size_t may_stay_down = istanbul_set_faults(&w->set) - w->liars;
    heal(w);
    w->loss = w->duplication = 0;
    w->delay_least = 1;
    w->delay_most = 30;
    for (size_t i = 0; i < w->count; i++) {
        w->nodes[i].disk_ms = 10;
        if (w->nodes[i].up)
            continue;
        if (may_stay_down && !w->nodes[i].liar && sim_happens(&w->chance, 50))
            may_stay_down--;
        else
            start(w, i);
    }
    for (size_t a = 0; a < w->count; a++) { /* what was lost on connections that stayed */
        for (size_t b = 0; b < w->count; b++) {
            if (w->links[a][b].connected)
                sim_transmit(w, a, b, SIM_ANNOUNCE, w->nodes[a].height, bytes_none(), NULL);
        }
    }
    w->end_of_faults = w->now;
    w->result->heights = w->height;
    sim_say(w, "the faults end at height %llu", (unsigned long long)w->height);
}

/* ---- checks ---- */

struct signed_key {
    uint64_t who, number, round, code;
};

/* Height, round and kind of a message, and what it says. */
static bool read_view(const struct sim_world *w, unsigned code, struct bytes payload,
                      struct signed_key *ret_key, struct hash256 *ret_digest)
{
    if (code != CONSENSUS_IBFT) {
        struct arena arena;
        struct qbft_message m;
        arena_init(&arena);
        bool good = qbft_message_decode(&m, &arena, code, payload, NULL) == 0;
        if (good) {
            *ret_key = (struct signed_key){.number = m.number, .round = m.round, .code = code};
            qbft_message_digest(&m, ret_digest);
        }
        arena_release(&arena);
        return good;
    }
    struct rlp_reader r;
    rlp_reader_init(&r, payload);
    struct bytes message = rlp_read_bytes(&r, "payload");
    rlp_reader_init(&r, message);
    rlp_enter(&r, "message");
    ret_key->code = rlp_read_u64(&r, "code");
    struct bytes inner = rlp_read_bytes(&r, "inner");
    rlp_reader_init(&r, inner);
    rlp_enter(&r, "subject");
    rlp_enter(&r, "view");
    ret_key->round = rlp_read_u64(&r, "round");
    ret_key->number = rlp_read_u64(&r, "number");
    crypto_keccak256(ret_digest, inner);
    (void)w;
    return rlp_ok(&r);
}

void sim_note_message(struct sim_world *w, const struct sim_validator *v, unsigned code,
                      struct bytes payload)
{
    struct signed_key key = {0};
    struct hash256 digest;
    bool added;
    if (!read_view(w, code, payload, &key, &digest)) {
        sim_fail(w, "node %zu sends what cannot be decoded", v->index);
        return;
    }
    key.who = v->index;
    struct hash256 *known = map_put(&w->signed_digests, &key, &added);
    if (!known)
        out_of_memory();
    if (!added && !hash256_equal(known, &digest))
        sim_fail(w, "node %zu contradicts itself: code %llu at height %llu, round %llu", v->index,
                 (unsigned long long)key.code, (unsigned long long)key.number,
                 (unsigned long long)key.round);
    *known = digest;
    sim_say(w, "node %zu: %llu at %llu/%llu  %02x%02x", v->index, (unsigned long long)key.code,
            (unsigned long long)key.number, (unsigned long long)key.round, digest.b[0],
            digest.b[1]);
}

void sim_note_commit(struct sim_world *w, const struct sim_validator *v,
                     struct consensus_block *block)
{
    struct consensus_block *known = w->chain[block->number];
    if (known) {
        if (!hash256_equal(&known->hash, &block->hash))
            sim_fail(w, "node %zu has another block %llu than the others", v->index,
                     (unsigned long long)block->number);
        return;
    }
    const char *fault = sim_check_committed(w, block, w->chain[block->number - 1]);
    if (*fault) {
        sim_fail(w, "node %zu commits block %llu: %s", v->index, (unsigned long long)block->number,
                 fault);
        return;
    }
    w->chain[block->number] = consensus_block_ref(block);
    w->height = block->number;
    w->committed_at[block->number] = w->now;
    sim_say(w, "block %llu (node %zu)", (unsigned long long)block->number, v->index);
    if (w->end_of_faults && !w->result->first_ms)
        w->result->first_ms = w->now - w->end_of_faults;
}

/* ---- a run ---- */

static void make_nodes(struct sim_world *w)
{
    struct address members[SIM_NODES_MAX];
    for (size_t i = 0; i < w->count; i++) {
        struct sim_validator *v = &w->nodes[i];
        v->index = i;
        uint64_t word;
        do {
            for (size_t k = 0; k < 4; k++) {
                word = sim_random(&w->chance);
                memcpy(v->key.b + 8 * k, &word, sizeof(word));
            }
        } while (!crypto_private_key_valid(&v->key));
        struct crypto_public_key public_key;
        if (!crypto_public_key_of(&public_key, &v->key))
            abort();
        crypto_address_of(&v->address, &public_key);
        members[i] = v->address;
        v->disk_ms = sim_between(&w->chance, 1, 20);
        v->skew_ms = (int64_t)sim_below(&w->chance, 200) - 100;
        if (sim_happens(&w->chance, 5))
            v->skew_ms *= 10;
    }
    if (istanbul_set_assign(&w->set, members, w->count))
        out_of_memory();
}

static void configure(struct sim_world *w)
{
    static const size_t sizes[] = {4, 4, 4, 4, 7, 7, 5, 3, 2, 1};
    static const uint64_t periods[] = {1, 1, 1, 2, 5}, timeouts[] = {2000, 4000, 10000};
    w->count =
        w->options->nodes ? w->options->nodes : sizes[sim_below(&w->chance, BASE_COUNT(sizes))];
    istanbul_config_init(&w->config);
    w->config.qbft_block = w->options->protocol == &qbft_machine   ? 0
                           : w->options->protocol == &ibft_machine ? ISTANBUL_NEVER
                                                                   : sim_between(&w->chance, 1, 12);
    w->config.block_period = periods[sim_below(&w->chance, BASE_COUNT(periods))];
    w->config.request_timeout_ms = timeouts[sim_below(&w->chance, BASE_COUNT(timeouts))];
    if (w->config.request_timeout_ms < 2000 * w->config.block_period)
        w->config.request_timeout_ms = 2000 * w->config.block_period;
    w->config.policy = sim_happens(&w->chance, 20) ? ISTANBUL_STICKY : ISTANBUL_ROUND_ROBIN;
    if (sim_happens(&w->chance, 20))
        w->config.empty_block_period = 3 * w->config.block_period;
    w->pending_blocks = w->config.empty_block_period != 0;
    w->delay_least = 1;
    w->delay_most = sim_between(&w->chance, 5, 150);
    w->result->period_ms = 1000 * (w->config.empty_block_period ? w->config.empty_block_period
                                                                : w->config.block_period);
    if (w->options->mixed) {
        w->count = w->options->nodes ? w->options->nodes : 4;
        w->delay_most = 30;
        w->result->period_ms = 1000 * (w->config.block_period = 1);
        w->config.empty_block_period = 0;
        w->pending_blocks = false;
    }
    make_nodes(w);
    for (size_t i = 0; w->options->mixed && i < w->count / 2; i++)
        w->nodes[i].reference = true;
    size_t most = istanbul_set_faults(&w->set);
    if (most && !w->options->no_liars && !w->options->mixed && sim_happens(&w->chance, 40))
        w->liars = sim_between(&w->chance, 1, most);
    for (size_t i = 0; i < w->liars; i++)
        w->nodes[i].liar = true; /* addresses are random, so which ones is */
    w->result->liars = w->liars > 0;
    sim_say(w, "%zu validators, %zu liars, period %llu s (empty %llu s), timeout %llu ms", w->count,
            w->liars, (unsigned long long)w->config.block_period,
            (unsigned long long)w->config.empty_block_period,
            (unsigned long long)w->config.request_timeout_ms);
}

/* False when the run is over. */
static bool take_event(struct sim_world *w, struct sim_event *e, uint64_t faults_until,
                       uint64_t blocks_after)
{
    if (e->kind == SIM_FAULT) {
        if (w->now < faults_until) {
            random_fault(w);
            sim_schedule(w, sim_between(&w->chance, 50, 6000), SIM_FAULT, 0)->life = 0;
        } else if (w->options->mixed) {
            end_mixed(w);
        } else {
            end_faults(w);
        }
    } else if (e->kind == SIM_LINK) {
        on_link(w, e);
    } else {
        sim_take(w, e);
    }
    if (sim_failed(w) || w->height + 1 >= SIM_HEIGHTS_MAX)
        return false;
    if (!w->end_of_faults)
        return true;
    if (w->height >= w->result->heights + blocks_after)
        return false;
    /* Far above what is asked of the first block: this is to find standstills. */
    uint64_t since = w->committed_at[w->height] > w->end_of_faults ? w->committed_at[w->height]
                                                                   : w->end_of_faults;
    if (w->now > since + 20 * w->result->period_ms + 60000)
        sim_fail(w, "no block since %llu ms, height %llu", (unsigned long long)since,
                 (unsigned long long)w->height);
    return !sim_failed(w);
}

static void release(struct sim_world *w)
{
    for (size_t i = 0; i < w->event_count; i++)
        free_event(&w->events[i]);
    mem_free(w->events);
    for (size_t i = 0; i < w->count; i++) {
        struct sim_validator *v = &w->nodes[i];
        consensus_machine_free(v->machine);
        consensus_effects_release(&v->waiting);
        buf_release(&v->record);
        buf_release(&v->being_written);
    }
    for (size_t i = 0; i <= w->height; i++)
        consensus_block_unref(w->chain[i]);
    map_release(&w->signed_digests);
    istanbul_set_release(&w->set);
    mem_free(w);
}

void sim_run(const struct sim_options *options, struct sim_result *ret_result)
{
    enum { BLOCKS_AFTER = 6 };
    struct sim_world *w = mem_alloc_zeroed(1, sizeof(*w));
    if (!w)
        out_of_memory();
    *ret_result = (struct sim_result){0};
    w->options = options;
    w->result = ret_result;
    w->chance.state = options->seed;
    map_init(&w->signed_digests, sizeof(struct signed_key), sizeof(struct hash256));
    istanbul_set_init(&w->set);
    configure(w);
    w->chain[0] = sim_genesis(w);
    uint64_t faults_until = sim_between(&w->chance, 5000, 40000);
    for (size_t i = 0; i < w->count; i++) {
        if (w->options->mixed || sim_happens(&w->chance, 90))
            start(w, i);
    }
    sim_schedule(w, sim_between(&w->chance, 0, 6000), SIM_FAULT, 0)->life = 0;
    while (w->event_count) {
        struct sim_event e = take_first(w);
        w->now = e.at;
        bool goes_on = take_event(w, &e, faults_until, BLOCKS_AFTER);
        free_event(&e);
        if (!goes_on)
            break;
    }
    ret_result->heights = w->height;
    for (size_t i = 0; i < w->count && sim_failed(w); i++) {
        const struct sim_validator *v = &w->nodes[i];
        struct consensus_status status = {.state = "down"};
        if (v->up)
            consensus_machine_status(v->machine, &status);
        sim_say(w, "node %zu%s: head %llu, works on %llu, round %llu, %s", i,
                v->liar ? " (liar)" : "", (unsigned long long)v->height,
                (unsigned long long)status.number, (unsigned long long)status.round, status.state);
    }
    release(w);
}
