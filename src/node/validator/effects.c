#include "node/log/log.h"
#include "node/validator/priv.h"

/* --- RECORD: effects behind it wait until it is durable --- */

static void write_record(void *context)
{
    struct node_validator *v = context;
    v->record_status =
        node_record_write(&v->record, buf_bytes(&v->record_bytes), &v->record_detail);
}

static void record_written(void *context);

static void start_record(struct node_validator *v)
{
    v->recording = true;
    v->record_failed = false;
    if (io_worker_run(v->recorder, write_record, record_written, v) == ERR_OK)
        return;
    v->record_failed = true;
    io_timer_start(&v->record_retry, NODE_RETRY_MS);
}

static void record_written(void *context)
{
    struct node_validator *v = context;
    if (v->stopped)
        return;
    if (v->record_status == ERR_OK) {
        v->recording = false;
        node_validator_carry_on(v);
        return;
    }
    NODE_LOG(
        NODE_LOG_ERROR, "This validator waits: what it signs cannot be made durable",
        node_text("err", v->record_detail.text),
        node_text("remedy", v->record_status == ERR_NOSPACE ? "free some space" : "see the disk"));
    v->record_failed = true;
    io_timer_start(&v->record_retry, NODE_RETRY_MS);
}

static void carry_record(struct node_validator *v, struct bytes bytes)
{
    buf_clear(&v->record_bytes);
    buf_append_byte(&v->record_bytes,
                    (uint8_t)(v->ops == &qbft_machine ? ISTANBUL_QBFT : ISTANBUL_IBFT));
    buf_append_bytes(&v->record_bytes, bytes);
    start_record(v);
}

/* --- The others --- */

static void carry_timer(struct node_validator *v, uint64_t token, uint64_t after_ms)
{
    struct node_validator_timer *timer = &v->timers[token % CONSENSUS_TIMER_SLOTS];
    timer->token = token;
    io_timer_start(&timer->timer, after_ms);
}

static void carry_out(struct node_validator *v, const struct consensus_effect *e)
{
    const struct node_validator_network *net = &v->options.network;
    switch (e->kind) {
    case CONSENSUS_BROADCAST:
        net->broadcast(net->context, &v->set,
                       address_is_zero(&e->broadcast.except) ? NULL : &e->broadcast.except,
                       e->broadcast.code, e->broadcast.payload);
        break;
    case CONSENSUS_SEND:
        net->send(net->context, &e->send.to, e->send.code, e->send.payload);
        break;
    case CONSENSUS_TIMER:
        carry_timer(v, e->timer.token, e->timer.after_ms);
        break;
    case CONSENSUS_STOP:
        io_timer_stop(&v->timers[e->timer.token % CONSENSUS_TIMER_SLOTS].timer);
        break;
    case CONSENSUS_BUILD:
        node_validator_want_block(v, e->build.number, e->build.time, e->build.due_ms);
        break;
    case CONSENSUS_CHECK:
        node_validator_check(v, e->check.block);
        break;
    case CONSENSUS_COMMIT:
        node_validator_commit(v, e->commit.block, e->commit.round, e->commit.seals,
                              e->commit.seal_count);
        break;
    case CONSENSUS_RECORD:
        carry_record(v, e->record.bytes);
        break;
    case CONSENSUS_ALARM:
        NODE_LOG(NODE_LOG_WARN, e->alarm.text);
        break;
    }
}

void node_validator_carry_on(struct node_validator *v)
{
    if (v->carrying || v->stopped)
        return; /* an effect led to another event: its effects are behind the present ones */
    if (v->record_failed && !io_timer_started(&v->record_retry))
        start_record(v);
    v->carrying = true;
    while (!v->recording && v->effect_at < v->effects.count) {
        struct consensus_effect effect = v->effects.items[v->effect_at++];
        carry_out(v, &effect);
    }
    v->carrying = false;
    if (v->effect_at == v->effects.count) {
        consensus_effects_clear(&v->effects);
        v->effect_at = 0;
    }
}
