/* One node: what quorate-node does around its machine, with simulated clock, disk and network. */
#include "base/mem.h"
#include "consensus/istanbul/seals.h"
#include "tests/sim/sim.h"

#include <stdlib.h>

static void must(bool holds)
{
    if (!holds)
        abort();
}

uint64_t sim_wall_ms(const struct sim_world *w, const struct sim_validator *v)
{
    return (uint64_t)((int64_t)(1700000000000ull + w->now) + v->skew_ms);
}

static int sign(void *context, const struct hash256 *digest,
                uint8_t ret_signature[CONSENSUS_SEAL_SIZE])
{
    const struct sim_validator *v = context;
    struct crypto_signature s;
    if (!crypto_ecdsa_sign(&s, digest, &v->key))
        return ERR_CRYPTO;
    memcpy(ret_signature, s.rs, sizeof(s.rs));
    ret_signature[64] = s.recovery_id;
    return 0;
}

static struct consensus_block *head_of(struct sim_world *w, const struct sim_validator *v)
{
    return w->chain[v->height];
}

/* ---- effects ---- */

static void emit(struct sim_world *w, struct sim_validator *v, size_t to, unsigned code,
                 struct bytes payload)
{
    if (to != v->index && w->links[v->index][to].connected)
        sim_transmit(w, v->index, to, SIM_DELIVER, code, payload, NULL);
}

static void broadcast(struct sim_world *w, struct sim_validator *v,
                      const struct consensus_effect *e)
{
    bool own = address_is_zero(&e->broadcast.except);
    if (v->liar) {
        sim_lie(w, v, e->broadcast.code, e->broadcast.payload);
        return;
    }
    if (own && !v->reference)
        sim_note_message(w, v, e->broadcast.code, e->broadcast.payload);
    for (size_t i = 0; i < w->count; i++) {
        if (!address_equal(&w->nodes[i].address, &e->broadcast.except))
            emit(w, v, i, e->broadcast.code, e->broadcast.payload);
    }
}

static size_t index_of(const struct sim_world *w, const struct address *address)
{
    for (size_t i = 0; i < w->count; i++) {
        if (address_equal(&w->nodes[i].address, address))
            return i;
    }
    return SIM_NODES_MAX;
}

static void build(struct sim_world *w, struct sim_validator *v, const struct consensus_effect *e)
{
    uint64_t now = sim_wall_ms(w, v);
    uint64_t takes = sim_between(&w->chance, 0, 20);
    uint64_t start = e->build.due_ms > now + takes ? e->build.due_ms - now - takes : 0;
    struct sim_event *event = sim_schedule(w, start + takes, SIM_CANDIDATE, v->index);
    event->value = ++v->build_serial;
    must(buf_status(&event->data) == 0);
    buf_append(&event->data, &e->build.time, sizeof(e->build.time));
}

static void commit(struct sim_world *w, struct sim_validator *v, const struct consensus_effect *e)
{
    struct consensus_block *sealed =
        sim_seal_block(w, e->commit.block, e->commit.round, e->commit.seals, e->commit.seal_count);
    struct sim_event *event =
        sim_schedule(w, sim_between(&w->chance, 0, 2 * v->disk_ms), SIM_COMMITTED, v->index);
    event->block = sealed;
}

static void carry_out(struct sim_world *w, struct sim_validator *v,
                      const struct consensus_effect *e)
{
    struct sim_event *event;
    switch (e->kind) {
    case CONSENSUS_BROADCAST:
        broadcast(w, v, e);
        break;
    case CONSENSUS_SEND: {
        size_t to = index_of(w, &e->send.to);
        if (to < w->count && !v->liar)
            emit(w, v, to, e->send.code, e->send.payload);
        break;
    }
    case CONSENSUS_TIMER:
        v->timers[e->timer.token % CONSENSUS_TIMER_SLOTS] = e->timer.token;
        event = sim_schedule(w, e->timer.after_ms, SIM_TIMER, v->index);
        event->value = e->timer.token;
        break;
    case CONSENSUS_STOP:
        v->timers[e->timer.token % CONSENSUS_TIMER_SLOTS] = 0;
        break;
    case CONSENSUS_BUILD:
        build(w, v, e);
        break;
    case CONSENSUS_CHECK:
        event = sim_schedule(w, sim_between(&w->chance, 0, 30), SIM_CHECKED, v->index);
        event->block = consensus_block_ref(e->check.block);
        break;
    case CONSENSUS_COMMIT:
        commit(w, v, e);
        break;
    case CONSENSUS_RECORD:
        v->writing = true;
        buf_clear(&v->being_written);
        buf_append_bytes(&v->being_written, e->record.bytes);
        sim_schedule(w, sim_between(&w->chance, 0, v->disk_ms), SIM_RECORDED, v->index);
        break;
    case CONSENSUS_ALARM:
        sim_say(w, "node %zu: %s", v->index, e->alarm.text);
        break;
    }
}

/* Carries out what waits, up to the next record that is not durable yet. */
static void go_on(struct sim_world *w, struct sim_validator *v)
{
    while (!v->writing && v->waiting_from < v->waiting.count) {
        struct consensus_effect e = v->waiting.items[v->waiting_from++];
        carry_out(w, v, &e);
    }
    if (!v->writing) {
        consensus_effects_clear(&v->waiting);
        v->waiting_from = 0;
    }
}

static void step(struct sim_world *w, struct sim_validator *v, struct consensus_event *e)
{
    e->now_ms = sim_wall_ms(w, v);
    must(consensus_machine_step(v->machine, e, &v->waiting) == 0);
    go_on(w, v);
}

/* ---- life ---- */

static void make_machine(struct sim_world *w, struct sim_validator *v)
{
    struct consensus_options options = {
        .self = v->address, .sign = sign, .sign_context = v, .record = buf_bytes(&v->record)};
    struct err_detail detail;
    if (v->record_ops && v->record_ops != v->ops)
        options.record = bytes_none();
    if (consensus_machine_new(&v->machine, v->ops, &options, &detail))
        sim_fail(w, "node %zu cannot start: %s", v->index, detail.text);
}

/* The machine for the next height; another one than before where the engine changes. */
static void choose_machine(struct sim_world *w, struct sim_validator *v)
{
    bool is_qbft = istanbul_engine_at(&w->config, v->height + 1) == ISTANBUL_QBFT;
    const struct consensus_machine_ops *ops = is_qbft ? &qbft_machine : &ibft_machine;
    if (v->reference)
        ops = is_qbft ? &sim_reference : &sim_reference_ibft;
    if (v->machine && v->ops == ops)
        return;
    consensus_machine_free(v->machine);
    v->machine = NULL;
    v->ops = ops;
    memset(v->timers, 0, sizeof(v->timers));
    make_machine(w, v);
    for (size_t i = 0; i < w->count && v->machine; i++) {
        struct consensus_event e = {.kind = CONSENSUS_PEER};
        e.peer.address = w->nodes[i].address;
        if (i != v->index && w->links[v->index][i].connected)
            step(w, v, &e);
    }
}

static void tell_head(struct sim_world *w, struct sim_validator *v)
{
    const struct consensus_block *head = head_of(w, v);
    struct istanbul_params params;
    struct consensus_event e = {.kind = CONSENSUS_HEAD};
    choose_machine(w, v);
    if (!v->machine)
        return;
    istanbul_params_at(&w->config, head->number + 1, &params);
    e.head.number = head->number;
    e.head.hash = head->hash;
    e.head.time = head->time;
    e.head.proposer = head->coinbase;
    if (head->number && istanbul_engine_at(&w->config, head->number) == ISTANBUL_IBFT) {
        struct eth_header h;
        struct rlp_reader r;
        rlp_reader_init(&r, head->rlp);
        rlp_enter(&r, "block");
        eth_header_read(&h, &r);
        must(istanbul_author(ISTANBUL_IBFT, &h, &e.head.proposer) == ISTANBUL_VALID);
    }
    e.head.validators = &w->set;
    e.head.params = &params;
    e.head.pending = !w->pending_blocks || sim_happens(&w->chance, 50);
    if (!e.head.pending && sim_happens(&w->chance, 50))
        sim_schedule(w, sim_between(&w->chance, 0, 3000), SIM_PENDING, v->index);
    step(w, v, &e);
}

void sim_connection(struct sim_world *w, struct sim_validator *v, size_t other, bool connected)
{
    struct consensus_event e = {.kind = connected ? CONSENSUS_PEER : CONSENSUS_PEER_LOST};
    e.peer.address = w->nodes[other].address;
    if (connected) /* heads are exchanged: who is behind asks */
        sim_transmit(w, v->index, other, SIM_ANNOUNCE, v->height, bytes_none(), NULL);
    step(w, v, &e);
}

void sim_start(struct sim_world *w, struct sim_validator *v)
{
    v->up = true;
    v->life++;
    tell_head(w, v);
}

void sim_crash(struct sim_world *w, struct sim_validator *v)
{
    v->up = false;
    v->life++;
    consensus_machine_free(v->machine);
    v->machine = NULL;
    /* What was being written may have arrived, or not. */
    if (v->writing && sim_happens(&w->chance, 50)) {
        buf_clear(&v->record);
        buf_append_bytes(&v->record, buf_bytes(&v->being_written));
        v->record_ops = v->ops;
    }
    if (v->reference && !v->record.len)
        buf_append_byte(&v->record, 1); /* all that it remembers is that it was there */
    v->writing = false;
    consensus_effects_clear(&v->waiting);
    v->waiting_from = 0;
    memset(v->timers, 0, sizeof(v->timers));
}

/* ---- the chain ---- */

/* The block is durable: it becomes the head, is announced, and the machine goes on. */
static void advance(struct sim_world *w, struct sim_validator *v, struct consensus_block *block)
{
    sim_note_commit(w, v, block);
    if (sim_failed(w))
        return;
    v->height = block->number;
    for (size_t i = 0; i < w->count; i++) {
        if (i != v->index && w->links[v->index][i].connected)
            sim_transmit(w, v->index, i, SIM_ANNOUNCE, v->height, bytes_none(), NULL);
    }
    tell_head(w, v);
}

static void on_announce(struct sim_world *w, struct sim_validator *v, const struct sim_event *e)
{
    if (!e->block) {              /* `value` is the sender's height */
        if (e->value > v->height) /* asks for the next one */
            sim_transmit(w, v->index, e->from, SIM_ANNOUNCE, v->height, bytes_none(), NULL);
        else if (e->value < v->height) /* it was asked for */
            sim_transmit(w, v->index, e->from, SIM_ANNOUNCE, e->value + 1, bytes_none(),
                         w->chain[e->value + 1]);
        return;
    }
    if (e->block->number != v->height + 1)
        return;
    advance(w, v, e->block);
    if (!sim_failed(w)) /* perhaps there are more */
        sim_transmit(w, v->index, e->from, SIM_ANNOUNCE, v->height, bytes_none(), NULL);
}

static void on_committed(struct sim_world *w, struct sim_validator *v,
                         struct consensus_block *block)
{
    if (block->number != v->height + 1)
        return; /* it came from a peer meanwhile */
    advance(w, v, block);
}

static void on_candidate(struct sim_world *w, struct sim_validator *v, const struct sim_event *e)
{
    if (e->value != v->build_serial)
        return;
    uint64_t time, now = sim_wall_ms(w, v) / 1000;
    memcpy(&time, e->data.data, sizeof(time));
    bool empty = w->pending_blocks && sim_happens(&w->chance, 50);
    struct consensus_event event = {.kind = CONSENSUS_CANDIDATE};
    struct consensus_block *block =
        sim_make_block(w, v, head_of(w, v), time > now ? time : now, empty, false);
    event.candidate.block = block;
    step(w, v, &event);
    consensus_block_unref(block);
}

static void on_checked(struct sim_world *w, struct sim_validator *v, struct consensus_block *block)
{
    struct consensus_event event = {.kind = CONSENSUS_CHECKED};
    if (block->number != v->height + 1)
        return;
    event.checked.hash = block->hash;
    event.checked.verdict =
        sim_check_block(w, block, head_of(w, v), sim_wall_ms(w, v), &event.checked.wait_ms);
    step(w, v, &event);
}

void sim_take(struct sim_world *w, struct sim_event *e)
{
    struct sim_validator *v = &w->nodes[e->node];
    struct consensus_event event = {0};
    if (!v->up || (e->life && e->life != v->life))
        return;
    switch (e->kind) {
    case SIM_DELIVER:
        event.kind = CONSENSUS_MESSAGE;
        event.message.from = w->nodes[e->from].address;
        event.message.code = (unsigned)e->value;
        event.message.payload = buf_bytes(&e->data);
        step(w, v, &event);
        break;
    case SIM_ANNOUNCE:
        on_announce(w, v, e);
        break;
    case SIM_TIMER:
        if (v->timers[e->value % CONSENSUS_TIMER_SLOTS] != e->value)
            break;
        v->timers[e->value % CONSENSUS_TIMER_SLOTS] = 0;
        event.kind = CONSENSUS_TIMEOUT;
        event.timeout.token = e->value;
        step(w, v, &event);
        break;
    case SIM_CANDIDATE:
        on_candidate(w, v, e);
        break;
    case SIM_CHECKED:
        on_checked(w, v, e->block);
        break;
    case SIM_COMMITTED:
        on_committed(w, v, e->block);
        break;
    case SIM_RECORDED:
        buf_clear(&v->record);
        buf_append_bytes(&v->record, buf_bytes(&v->being_written));
        v->record_ops = v->ops;
        v->writing = false;
        go_on(w, v);
        break;
    case SIM_PENDING:
        event.kind = CONSENSUS_PENDING;
        step(w, v, &event);
        break;
    case SIM_LINK:
    case SIM_FAULT:
    case SIM_END:
        break;
    }
}
