#include "node/validator/validator.h"

#include "base/clock.h"
#include "base/mem.h"
#include "node/log/log.h"
#include "node/validator/priv.h"

#include <stdio.h>

/* --- Signing --- */

int node_validator_sign(void *context, const struct hash256 *digest, uint8_t ret_signature[65])
{
    const struct node_validator *v = context;
    struct crypto_signature signature;
    if (!crypto_ecdsa_sign(&signature, digest, &v->key))
        return ERR_CRYPTO;
    memcpy(ret_signature, signature.rs, 64);
    ret_signature[64] = signature.recovery_id;
    return ERR_OK;
}

/* --- The machine --- */

/* The record of another engine says nothing: its heights are over. */
static struct bytes record_of(const struct node_validator *v, enum istanbul_engine engine)
{
    struct bytes all = buf_bytes(&v->record_bytes);
    return all.len > 1 && all.data[0] == (uint8_t)engine ? bytes_slice(all, 1, all.len - 1)
                                                         : bytes_none();
}

static void drop_machine(struct node_validator *v)
{
    for (size_t i = 0; i < CONSENSUS_TIMER_SLOTS; i++)
        io_timer_stop(&v->timers[i].timer);
    io_timer_stop(&v->build.timer);
    v->build.wanted = false;
    consensus_machine_free(v->machine);
    v->machine = NULL;
}

static void tell_peer(void *context, const struct address *address)
{
    struct node_validator *v = context;
    struct consensus_event event = {.kind = CONSENSUS_PEER, .peer = {.address = *address}};
    node_validator_step(v, &event);
}

static void make_machine(struct node_validator *v, enum istanbul_engine engine)
{
    const struct consensus_machine_ops *ops =
        engine == ISTANBUL_QBFT ? &qbft_machine : &ibft_machine;
    struct err_detail detail = {""};
    struct consensus_options options = {
        .self = v->self,
        .sign = node_validator_sign,
        .sign_context = v,
        .record = record_of(v, engine),
    };
    if (v->machine && v->ops == ops)
        return;
    drop_machine(v);
    v->ops = ops;
    if (consensus_machine_new(&v->machine, ops, &options, &detail) != ERR_OK) {
        v->machine = NULL;
        NODE_LOG(NODE_LOG_ERROR, "This validator is silent: consensus cannot begin",
                 node_text("engine", ops->name), node_text("err", detail.text));
        return;
    }
    NODE_LOG(NODE_LOG_INFO, "Consensus begins", node_text("engine", ops->name),
             node_address("validator", &v->self));
    v->options.network.each_peer(v->options.network.context, tell_peer, v);
}

static void count_round(struct node_validator *v, const struct consensus_status *now,
                        uint64_t before)
{
    if (!v->options.figures)
        return;
    struct node_rounds *rounds =
        &v->options.figures->rounds[v->ops == &qbft_machine ? ISTANBUL_QBFT : ISTANBUL_IBFT];
    uint64_t at = base_now_ns();
    rounds->rounds += now->round > before ? now->round - before : 0;
    if (v->number && now->number > v->number) {
        rounds->heights += now->number - v->number;
        if (v->proposed_ns)
            rpc_samples_add(&rounds->took, at - v->proposed_ns, at);
        v->proposed_ns = 0;
    }
    if (!v->proposed_ns && now->validator && strcmp(now->state, "accept") != 0 &&
        strcmp(now->state, "waiting") != 0)
        v->proposed_ns = at;
}

/* A round beyond the first: somebody was late, or away. */
static void tell_round(struct node_validator *v)
{
    struct consensus_status now;
    char message[32];
    if (!v->machine)
        return;
    consensus_machine_status(v->machine, &now);
    uint64_t before = now.number == v->number ? v->round : 0;
    count_round(v, &now, before);
    v->number = now.number;
    v->round = now.round;
    if (now.round == before || now.round == 0)
        return;
    snprintf(message, sizeof(message), "%s: start new round",
             v->ops == &qbft_machine ? "QBFT" : "BFT");
    NODE_LOG(NODE_LOG_INFO, message, node_address("address", &v->self),
             node_number("old.round", before), node_number("next.round", now.round),
             node_number("next.seq", now.number), node_address("next.proposer", &now.proposer),
             node_number("next.size", v->set.count),
             node_flag("next.IsProposer", address_equal(&now.proposer, &v->self)));
}

void node_validator_step(struct node_validator *v, struct consensus_event *event)
{
    if (!v->machine || v->stopped)
        return;
    event->now_ms = io_loop_wall_ms(v->options.loop);
    if (consensus_machine_step(v->machine, event, &v->effects) != ERR_OK) {
        /* As after a crash: a new one goes on from the record, with the next head. */
        NODE_LOG(NODE_LOG_ERROR, "Out of memory: this validator begins the height anew");
        drop_machine(v);
        io_timer_start(&v->record_retry, NODE_RETRY_MS);
    }
    tell_round(v);
    node_validator_carry_on(v);
}

/* --- Events --- */

static bool has_pending(const struct node_validator *v)
{
    struct chain_pool_stats stats;
    chain_pool_stats(v->options.pool, &stats);
    return stats.pending > 0;
}

/* Peers that are validators now and were none: the machine has not heard of them. */
struct new_members {
    struct node_validator *v;
    struct istanbul_set before;
};

static void tell_new_member(void *context, const struct address *address)
{
    struct new_members *m = context;
    if (istanbul_set_has(&m->v->set, address) && !istanbul_set_has(&m->before, address))
        tell_peer(m->v, address);
}

static void change_set(struct node_validator *v, const struct istanbul_set *set)
{
    struct new_members m = {.v = v, .before = v->set};
    if (istanbul_set_equal(&v->set, set))
        return;
    istanbul_set_init(&v->set);
    if (istanbul_set_copy(&v->set, set) != ERR_OK) {
        v->set = m.before;
        return;
    }
    v->options.network.each_peer(v->options.network.context, tell_new_member, &m);
    istanbul_set_release(&m.before);
}

void node_validator_head(struct node_validator *v, const struct node_head *head)
{
    if (v->syncing)
        io_timer_start(&v->sync_stall, NODE_SYNC_STALL_MS);
    if (!v->started || v->stopped || v->syncing || v->idle || !head->istanbul)
        return;
    node_validator_forget_blocks(v);
    if (head->block->header.number < v->height)
        drop_machine(v); /* debug_setHead: none goes back in height */
    v->height = head->block->header.number;
    make_machine(v, head->params.engine);
    change_set(v, &head->validators);
    v->told_pending = has_pending(v);
    struct consensus_event event = {.kind = CONSENSUS_HEAD,
                                    .head = {.number = head->block->header.number,
                                             .hash = head->block->hash,
                                             .time = head->block->header.timestamp,
                                             .proposer = head->author,
                                             .validators = &head->validators,
                                             .params = &head->params,
                                             .pending = v->told_pending}};
    node_validator_step(v, &event);
}

void node_validator_start(struct node_validator *v)
{
    v->started = true;
    node_validator_head(v, node_chain_head(v->options.chain));
}

void node_validator_set_mining(struct node_validator *v, bool mining)
{
    if (v->idle == !mining || v->stopped)
        return;
    v->idle = !mining;
    if (mining) {
        node_validator_head(v, node_chain_head(v->options.chain));
        return;
    }
    drop_machine(v);
    node_validator_forget_blocks(v);
}

bool node_validator_is_mining(const struct node_validator *v)
{
    return !v->idle;
}

void node_validator_set_extra(struct node_validator *v, struct bytes extra)
{
    size_t len = extra.len < sizeof(v->extra) ? extra.len : sizeof(v->extra);
    memset(v->extra, 0, sizeof(v->extra));
    if (len)
        memcpy(v->extra, extra.data, len);
    v->options.extra = bytes_of(v->extra, len);
}

void node_validator_set_syncing(struct node_validator *v, bool syncing)
{
    if (v->syncing == syncing || v->stopped)
        return;
    v->syncing = syncing;
    if (syncing) {
        io_timer_start(&v->sync_stall, NODE_SYNC_STALL_MS);
        return;
    }
    io_timer_stop(&v->sync_stall);
    node_validator_head(v, node_chain_head(v->options.chain));
}

static void on_sync_stall(void *context)
{
    node_validator_set_syncing(context, false);
}

void node_validator_pending(struct node_validator *v)
{
    struct consensus_event event = {.kind = CONSENSUS_PENDING};
    if (v->told_pending || v->syncing)
        return;
    v->told_pending = true;
    node_validator_step(v, &event);
}

void node_validator_message(struct node_validator *v, const struct address *from, unsigned code,
                            struct bytes payload)
{
    struct consensus_event event = {.kind = CONSENSUS_MESSAGE,
                                    .message = {.from = *from, .code = code, .payload = payload}};
    node_validator_step(v,
                        &event); /* also during a sync: what is for a later height is kept there */
}

void node_validator_peer(struct node_validator *v, const struct address *address, bool connected)
{
    struct consensus_event event = {.kind = connected ? CONSENSUS_PEER : CONSENSUS_PEER_LOST,
                                    .peer = {.address = *address}};
    node_validator_step(v, &event);
}

static void on_timer(void *context)
{
    struct node_validator_timer *timer = context;
    struct consensus_event event = {.kind = CONSENSUS_TIMEOUT, .timeout = {.token = timer->token}};
    node_validator_step(timer->validator, &event);
}

/* A machine that ran out of memory is made anew; a record that could not be written is tried again. */
static void on_retry(void *context)
{
    struct node_validator *v = context;
    if (!v->machine)
        node_validator_head(v, node_chain_head(v->options.chain));
    node_validator_carry_on(v);
}

/* --- Life --- */

struct node_votes *node_validator_votes(struct node_validator *v)
{
    return &v->votes;
}

const struct address *node_validator_address(const struct node_validator *v)
{
    return &v->self;
}

static void init_timers(struct node_validator *v)
{
    struct io_loop *loop = v->options.loop;
    for (size_t i = 0; i < CONSENSUS_TIMER_SLOTS; i++) {
        v->timers[i].validator = v;
        io_timer_init(&v->timers[i].timer, loop, on_timer, &v->timers[i]);
    }
    io_timer_init(&v->record_retry, loop, on_retry, v);
    io_timer_init(&v->sync_stall, loop, on_sync_stall, v);
    io_timer_init(&v->build.timer, loop, node_validator_build_timer, v);
    io_timer_init(&v->commit.timer, loop, node_validator_commit_timer, v);
}

int node_validator_new(struct node_validator **ret_validator,
                       const struct node_validator_options *options, struct err_detail *detail)
{
    struct node_validator *v = mem_alloc_zeroed(1, sizeof(*v));
    struct crypto_public_key public_key;
    if (!v)
        return err_set(detail, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
    v->options = *options;
    v->key = *options->key;
    v->record.files[0] = v->record.files[1] = -1;
    memcpy(v->extra, options->extra.data ? (const char *)options->extra.data : "",
           options->extra.len < 32 ? options->extra.len : 32);
    v->options.extra = bytes_of(v->extra, options->extra.len < 32 ? options->extra.len : 32);
    istanbul_set_init(&v->set);
    init_timers(v);
    int status = ERR_OK;
    if (!crypto_public_key_of(&public_key, &v->key))
        status = err_set(detail, ERR_INPUT, "the node key is no private key");
    else
        crypto_address_of(&v->self, &public_key);
    if (status == ERR_OK)
        status = node_record_open(&v->record, options->record_prefix, &v->record_bytes, detail);
    if (status == ERR_OK) {
        status = io_worker_new(&v->recorder, options->loop);
        if (status != ERR_OK)
            err_set(detail, status, "threads: %s", err_text(status));
    }
    if (status == ERR_OK)
        *ret_validator = v;
    else
        node_validator_free(v);
    return status;
}

void node_validator_stop(struct node_validator *v)
{
    if (!v || v->stopped)
        return;
    drop_machine(v);
    v->stopped = true;
    io_timer_stop(&v->record_retry);
    io_timer_stop(&v->sync_stall);
    io_timer_stop(&v->commit.timer);
    io_worker_free(v->recorder);
    v->recorder = NULL;
}

void node_validator_free(struct node_validator *v)
{
    if (!v)
        return;
    node_validator_stop(v);
    node_validator_forget_blocks(v);
    chain_block_unref(v->commit.block);
    buf_release(&v->commit.extra);
    consensus_effects_release(&v->effects);
    istanbul_set_release(&v->set);
    node_record_close(&v->record);
    buf_release(&v->record_bytes);
    node_votes_release(&v->votes);
    mem_wipe(&v->key, sizeof(v->key));
    mem_free(v);
}
