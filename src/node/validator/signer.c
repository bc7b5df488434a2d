#include "node/validator/signer.h"

#include "base/mem.h"
#include "crypto/random.h"
#include "io/timer.h"
#include "node/log/log.h"
#include "node/tell.h"

enum {
    RETRY_MS = 1000,      /* after a failure of this machine, or while the account is locked */
    SYNC_STALL_MS = 3000, /* peers could silence a signer with chains that they do not have */
    /* A block is built so late that what came meanwhile is in it: this part of a period before it is due. */
    BUILD_SHARE = 4,
    BUILD_LEAST_MS = 100, /* where the period is short, or the block is late already */
    TRANSFER_GAS = 21000, /* least gas of a transaction */
};

enum step {
    STEP_NONE,
    STEP_BUILD,  /* the timer runs until it is time to build */
    STEP_COMMIT, /* … until the block that was built may be seen */
};

struct node_signer {
    struct node_signer_options options;
    uint8_t extra[32];
    struct node_votes votes;
    bool started, stopped, syncing, idle;
    struct io_timer timer, sync_stall;
    enum step step;
    bool building;     /* a job is under way, of whatever parent */
    uint64_t due_ms;   /* by the wall clock, with the wait of who is out of turn */
    uint64_t build_ms; /* for building, before that */
    uint64_t period;
    struct chain_block *block; /* built on the head */
    struct istanbul_set signers;
    struct hash256 made; /* the last one, and when by the loop's clock */
    uint64_t made_ms;
    const char *silence; /* why no block is made; told when it changes. Until one is made */
};

static void tell_silence(struct node_signer *s, const char *why)
{
    if (why && (!s->silence || strcmp(why, s->silence) != 0))
        NODE_LOG(NODE_LOG_WARN, "Block sealing failed", node_address("signer", &s->options.self),
                 node_text("err", why));
    s->silence = why;
}

static void rest(struct node_signer *s)
{
    io_timer_stop(&s->timer);
    s->step = STEP_NONE;
    chain_block_unref(s->block);
    s->block = NULL;
}

static void begin(struct node_signer *s, enum step step, uint64_t delay)
{
    s->step = step;
    io_timer_start(&s->timer, delay);
}

static uint64_t until(const struct node_signer *s, uint64_t wall_ms)
{
    uint64_t now = io_loop_wall_ms(s->options.loop);
    return wall_ms > now ? wall_ms - now : 0;
}

/* --- When --- */

static bool has_pending(const struct node_signer *s)
{
    struct chain_pool_stats stats;
    chain_pool_stats(s->options.pool, &stats);
    return stats.pending > 0;
}

static int look_up_turn(struct node_signer *s, struct chain_clique_turn *ret_turn,
                        struct err_detail *detail)
{
    struct chain_reader reader;
    int status = chain_reader_open(&reader, node_chain_of(s->options.chain));
    if (status != ERR_OK)
        return err_set(detail, status, "%s", reader.detail.text);
    status = chain_clique_turn(&reader, ret_turn,
                               node_chain_head(s->options.chain)->block->header.number,
                               &s->options.self);
    if (status != ERR_OK)
        err_set(detail, status, "%s", *reader.detail.text ? reader.detail.text : err_text(status));
    chain_reader_close(&reader);
    return status;
}

static uint64_t draw_below(uint64_t limit)
{
    uint64_t number;
    /* Without randomness of the system: as if it were the last to wait. */
    return crypto_random(&number, sizeof(number)) == ERR_OK ? number % limit : limit;
}

/* Looks at the head: when, and whether, this node makes the next block. */
static void plan(struct node_signer *s)
{
    struct chain_clique_turn turn;
    struct err_detail detail = {""};
    rest(s);
    if (!s->started || s->stopped || s->syncing || s->idle)
        return;
    if (look_up_turn(s, &turn, &detail) != ERR_OK) {
        NODE_LOG(NODE_LOG_ERROR, "The signers cannot be looked up", node_text("err", detail.text));
        begin(s, STEP_NONE, RETRY_MS);
        return;
    }
    istanbul_set_release(&s->signers);
    s->signers = turn.signers;
    s->period = turn.period;
    if (!turn.authorized)
        tell_silence(s, "unauthorized signer");
    if (!turn.authorized || turn.recent || (turn.period == 0 && !has_pending(s)))
        return; /* the next head, or transaction, may change it */
    const struct eth_header *head = &node_chain_head(s->options.chain)->block->header;
    uint64_t now = io_loop_wall_ms(s->options.loop);
    uint64_t earliest = (head->timestamp + turn.period) * 1000;
    s->due_ms = (earliest > now ? earliest : now) + (turn.in_turn ? 0 : draw_below(turn.wiggle_ms));
    s->build_ms = turn.period * 1000 / BUILD_SHARE;
    uint64_t wait = until(s, s->due_ms);
    begin(s, STEP_BUILD, wait > s->build_ms ? wait - s->build_ms : 0);
}

/* --- Making it --- */

static void built(void *context, struct node_built *result)
{
    struct node_signer *s = context;
    s->building = false;
    if (s->stopped)
        return;
    if (result->status != ERR_OK) {
        tell_silence(s, result->status == ERR_CRYPTO ? "authentication needed: password or unlock"
                                                     : err_text(result->status));
        plan(s); /* which stops the timer, so that it is started behind it */
        if (s->step == STEP_BUILD)
            begin(s, STEP_BUILD, RETRY_MS);
        return;
    }
    const struct eth_header *header = &result->block->header;
    if (!hash256_equal(&header->parent_hash, &node_chain_head(s->options.chain)->block->hash)) {
        plan(s); /* the head moved while it was built */
        return;
    }
    if (s->step != STEP_NONE || s->syncing)
        return; /* it is planned anew already */
    if (s->period == 0 && result->transactions == 0)
        return; /* waits for transactions that fit */
    tell_silence(s, NULL);
    node_tell_built(result);
    s->block = chain_block_ref(result->block);
    s->made = result->block->hash;
    s->made_ms = io_loop_now(s->options.loop);
    uint64_t visible = header->timestamp * 1000;
    begin(s, STEP_COMMIT, until(s, visible > s->due_ms ? visible : s->due_ms));
}

static void build(struct node_signer *s)
{
    const struct node_head *head = node_chain_head(s->options.chain);
    struct io_loop *loop = s->options.loop;
    uint64_t gas = head->block->header.gas_limit;
    if (s->options.gas_ceil > gas)
        gas = s->options.gas_ceil;
    uint64_t left = until(s, s->due_ms);
    struct node_build build = {
        .prepare = {.coinbase = s->options.self,
                    .now = io_loop_wall_ms(loop) / 1000,
                    .extra = s->options.extra},
        .gas_floor = s->options.gas_floor,
        .gas_ceil = s->options.gas_ceil,
        .stop_ms = io_loop_now(loop) + (left > BUILD_LEAST_MS ? left : BUILD_LEAST_MS),
        .least_ms = BUILD_LEAST_MS,
        .sign = s->options.sign,
        .sign_context = s->options.sign_context,
    };
    if (s->building)
        return; /* the one under way plans anew */
    node_votes_pick(&s->votes, &s->signers, &build.prepare);
    if (chain_pool_take(s->options.pool, gas / TRANSFER_GAS + 1, &build.batch) != ERR_OK ||
        node_chain_build(s->options.chain, &build, built, s) != ERR_OK) {
        begin(s, STEP_BUILD, RETRY_MS);
        return;
    }
    s->building = true;
}

static void committed(void *context, struct chain_block *block, struct node_checked *result)
{
    struct node_signer *s = context;
    if (s->stopped || (result->status == ERR_OK &&
                       (result->verdict == CHAIN_VALID || result->verdict == CHAIN_KNOWN)))
        return; /* the new head was told before */
    if (result->status != ERR_OK)
        NODE_LOG(NODE_LOG_ERROR, "A block cannot be written",
                 node_number("number", block->header.number),
                 node_text("err", *result->why.text ? result->why.text : err_text(result->status)),
                 node_text("remedy", result->status == ERR_NOSPACE ? "free some space on the disk"
                                                                   : "see the disk"));
    else if (result->verdict != CHAIN_FUTURE) /* that comes of a clock that went back */
        NODE_LOG(NODE_LOG_ERROR, "A block that was made here is refused",
                 node_number("number", block->header.number),
                 node_text("why", chain_verdict_text(result->verdict)),
                 node_text("err", result->why.text));
    plan(s);
    if (s->step == STEP_BUILD)
        begin(s, STEP_BUILD, RETRY_MS);
}

static void commit(struct node_signer *s)
{
    if (node_chain_commit(s->options.chain, s->block, bytes_none(), committed, s) != ERR_OK)
        begin(s, STEP_COMMIT, RETRY_MS);
}

static void on_timer(void *context)
{
    struct node_signer *s = context;
    enum step step = s->step;
    s->step = STEP_NONE;
    if (s->stopped)
        return;
    if (step == STEP_BUILD)
        build(s);
    else if (step == STEP_COMMIT)
        commit(s);
    else
        plan(s);
}

/* --- Events --- */

void node_signer_head(struct node_signer *s)
{
    if (s->syncing)
        io_timer_start(&s->sync_stall, SYNC_STALL_MS);
    plan(s);
}

void node_signer_start(struct node_signer *s)
{
    NODE_LOG(NODE_LOG_INFO, "Consensus begins", node_text("engine", "clique"),
             node_address("signer", &s->options.self));
    s->started = true;
    plan(s);
}

void node_signer_set_mining(struct node_signer *s, bool mining)
{
    if (s->idle == !mining || s->stopped)
        return;
    s->idle = !mining;
    plan(s);
}

bool node_signer_made(const struct node_signer *s, const struct hash256 *hash, uint64_t *ret_ms)
{
    *ret_ms = io_loop_now(s->options.loop) - s->made_ms;
    return hash256_equal(hash, &s->made);
}

bool node_signer_is_mining(const struct node_signer *s)
{
    return !s->idle;
}

void node_signer_set_extra(struct node_signer *s, struct bytes extra)
{
    size_t len = extra.len < sizeof(s->extra) ? extra.len : sizeof(s->extra);
    memset(s->extra, 0, sizeof(s->extra));
    if (len)
        memcpy(s->extra, extra.data, len);
    s->options.extra = bytes_of(s->extra, len);
}

void node_signer_set_syncing(struct node_signer *s, bool syncing)
{
    if (s->syncing == syncing || s->stopped)
        return;
    s->syncing = syncing;
    if (syncing)
        io_timer_start(&s->sync_stall, SYNC_STALL_MS);
    else
        io_timer_stop(&s->sync_stall);
    plan(s);
}

static void on_sync_stall(void *context)
{
    node_signer_set_syncing(context, false);
}

void node_signer_pending(struct node_signer *s)
{
    if (s->period == 0 && s->step == STEP_NONE && !s->building)
        plan(s);
}

/* --- Life --- */

struct node_votes *node_signer_votes(struct node_signer *s)
{
    return &s->votes;
}

const struct address *node_signer_address(const struct node_signer *s)
{
    return &s->options.self;
}

int node_signer_new(struct node_signer **ret_signer, const struct node_signer_options *options)
{
    struct node_signer *s = mem_alloc_zeroed(1, sizeof(*s));
    if (!s)
        return ERR_NOMEM;
    s->options = *options;
    size_t len = options->extra.len < sizeof(s->extra) ? options->extra.len : sizeof(s->extra);
    if (len)
        memcpy(s->extra, options->extra.data, len);
    s->options.extra = bytes_of(s->extra, len);
    istanbul_set_init(&s->signers);
    io_timer_init(&s->timer, options->loop, on_timer, s);
    io_timer_init(&s->sync_stall, options->loop, on_sync_stall, s);
    *ret_signer = s;
    return ERR_OK;
}

void node_signer_stop(struct node_signer *s)
{
    if (!s || s->stopped)
        return;
    rest(s);
    io_timer_stop(&s->sync_stall);
    s->stopped = true;
}

void node_signer_free(struct node_signer *s)
{
    if (!s)
        return;
    node_signer_stop(s);
    istanbul_set_release(&s->signers);
    node_votes_release(&s->votes);
    mem_free(s);
}
