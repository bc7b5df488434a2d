#include "base/hex.h"
#include "consensus/istanbul/extra.h"
#include "node/log/log.h"
#include "node/tell.h"
#include "node/validator/priv.h"

#include <stdio.h>

enum {
    /* A block is built as late as possible, so that what came meanwhile is in it: its estimated time before it is due,
     * and this much. */
    BUILD_SLACK_MS = 20,
    /* No more of a period than this part goes into building: the others have to execute the block, too. */
    BUILD_SHARE = 3,
    BUILD_LEAST_MS = 100, /* where the period is short, or the block is late already */
    BUILD_FIRST_US = 25,  /* a transaction's estimate before the first measurement */
    TRANSFER_GAS = 21000, /* least gas of a transaction */
    CLOCK_TOLD_MS = 2000, /* a proposal that is further ahead is logged */
    RETRIES_TOLD = 60,    /* of as many attempts to write a block one is logged */
};

/* --- Proposals of this height, decoded --- */

static void keep_proposal(struct node_validator *v, const struct hash256 *hash,
                          struct chain_block *block)
{
    if (v->proposal_count == NODE_PROPOSALS_KEPT) {
        chain_block_unref(v->proposals[0].block);
        memmove(&v->proposals[0], &v->proposals[1],
                (NODE_PROPOSALS_KEPT - 1) * sizeof(v->proposals[0]));
        v->proposal_count--;
    }
    v->proposals[v->proposal_count].hash = *hash;
    v->proposals[v->proposal_count++].block = chain_block_ref(block);
}

static struct chain_block *find_proposal(const struct node_validator *v, const struct hash256 *hash)
{
    for (size_t i = 0; i < v->proposal_count; i++)
        if (hash256_equal(&v->proposals[i].hash, hash))
            return v->proposals[i].block;
    return NULL;
}

void node_validator_forget_blocks(struct node_validator *v)
{
    while (v->proposal_count)
        chain_block_unref(v->proposals[--v->proposal_count].block);
    io_timer_stop(&v->build.timer);
    v->build.wanted = false;
}

/* --- Building --- */

/* Milliseconds that a block may take to build. */
static uint64_t build_budget(const struct node_validator *v)
{
    const struct node_head *head = node_chain_head(v->options.chain);
    uint64_t budget = head->params.block_period * 1000 / BUILD_SHARE;
    return budget < BUILD_LEAST_MS ? BUILD_LEAST_MS : budget;
}

/* How many transactions are worth a look: what the gas limit and the budget allow. */
static size_t build_count(const struct node_validator *v)
{
    const struct node_head *head = node_chain_head(v->options.chain);
    uint64_t ceil = v->options.gas_ceil > head->block->header.gas_limit
                        ? v->options.gas_ceil
                        : head->block->header.gas_limit;
    uint64_t by_gas = ceil / TRANSFER_GAS + 1;
    uint64_t by_time = build_budget(v) * 1000 / (v->build.us_per_tx ? v->build.us_per_tx : 1) * 2;
    return by_gas < by_time ? by_gas : by_time;
}

static uint64_t estimate_ms(const struct node_validator *v)
{
    struct chain_pool_stats stats;
    chain_pool_stats(v->options.pool, &stats);
    size_t count = build_count(v);
    if (stats.pending < count)
        count = stats.pending;
    return BUILD_SLACK_MS + (v->build.us_fixed + count * v->build.us_per_tx * 5 / 4) / 1000;
}

static void measure(struct node_validator *v, const struct node_built *built)
{
    if (built->offered == 0) {
        v->build.us_fixed = (v->build.us_fixed * 3 + built->took_us) / 4;
        return;
    }
    uint64_t each = built->took_us / built->offered;
    if (built->offered >= 64) /* fewer say little */
        v->build.us_per_tx = v->build.us_per_tx ? (v->build.us_per_tx + each) / 2 : each;
}

/* --emitcheckpoints, as GoQuorum's miner tells them: how long each took. */
static void tell_completed(const struct node_built *built)
{
    const struct chain_body *body = built->block->body;
    char took[32];
    snprintf(took, sizeof(took), "%.3fµs",
             (double)built->took_us / (double)(built->offered ? built->offered : 1));
    for (size_t i = 0; i < body->body.transaction_count; i++) {
        char hash[67] = "0x";
        hex_encode(hash + 2, bytes_of(body->hashes[i].b, 32));
        hash[66] = 0;
        NODE_LOG(NODE_LOG_INFO, "QUORUM-CHECKPOINT", node_text("name", "TX-COMPLETED"),
                 node_text("tx", hash), node_text("time", took));
    }
}

static void built(void *context, struct node_built *result)
{
    struct node_validator *v = context;
    struct consensus_block *block;
    v->build.running = false;
    if (v->stopped)
        return;
    if (result->status != ERR_OK) {
        NODE_LOG(NODE_LOG_ERROR, "No block can be built", node_text("err", result->detail.text));
        if (v->build.wanted)
            io_timer_start(&v->build.timer, NODE_RETRY_MS);
        return;
    }
    measure(v, result);
    if (v->build.wanted && v->build.number != result->block->header.number) {
        node_validator_build_timer(v); /* the head has moved meanwhile */
        return;
    }
    if (!v->build.wanted)
        return;
    v->build.wanted = false;
    if (consensus_block_new(&block, buf_bytes(&result->rlp), &result->detail) != ERR_OK) {
        NODE_LOG(NODE_LOG_ERROR, "No block can be proposed", node_text("err", result->detail.text));
        return;
    }
    buf_release(&result->rlp);
    v->build.made = block->hash;
    v->build.made_ms = io_loop_now(v->options.loop);
    node_tell_built(result);
    if (v->options.checkpoints)
        tell_completed(result);
    keep_proposal(v, &block->hash, result->block);
    struct consensus_event event = {.kind = CONSENSUS_CANDIDATE, .candidate = {.block = block}};
    node_validator_step(v, &event);
    consensus_block_unref(block);
}

bool node_validator_made(const struct node_validator *v, const struct hash256 *hash,
                         uint64_t *ret_ms)
{
    *ret_ms = io_loop_now(v->options.loop) - v->build.made_ms;
    return hash256_equal(hash, &v->build.made);
}

void node_validator_build_timer(void *context)
{
    struct node_validator *v = context;
    const struct node_head *head = node_chain_head(v->options.chain);
    if (!v->build.wanted || v->build.running || v->stopped)
        return;
    if (v->build.number != head->block->header.number + 1) {
        v->build.wanted = false;
        return;
    }
    uint64_t now = io_loop_wall_ms(v->options.loop), budget = build_budget(v);
    uint64_t left = v->build.due_ms > now ? v->build.due_ms - now : 0;
    struct node_build build = {
        .prepare = {.coinbase = v->self,
                    .now = v->build.time > now / 1000 ? v->build.time : now / 1000,
                    .extra = v->options.extra},
        .gas_floor = v->options.gas_floor,
        .gas_ceil = v->options.gas_ceil,
        .stop_ms = io_loop_now(v->options.loop) + (left > budget ? left : budget),
        .least_ms = budget / 2,
        .sign = node_validator_sign,
        .sign_context = v,
    };
    node_votes_pick(&v->votes, &v->set, &build.prepare);
    if (chain_pool_take(v->options.pool, build_count(v), &build.batch) != ERR_OK ||
        node_chain_build(v->options.chain, &build, built, v) != ERR_OK) {
        io_timer_start(&v->build.timer, NODE_RETRY_MS);
        return;
    }
    v->build.running = true;
}

void node_validator_want_block(struct node_validator *v, uint64_t number, uint64_t time,
                               uint64_t due_ms)
{
    uint64_t now = io_loop_wall_ms(v->options.loop), lead = estimate_ms(v),
             budget = build_budget(v);
    if (v->build.us_per_tx == 0)
        v->build.us_per_tx = BUILD_FIRST_US;
    if (lead > budget + BUILD_SLACK_MS)
        lead = budget + BUILD_SLACK_MS;
    v->build.wanted = true;
    v->build.number = number;
    v->build.time = time;
    v->build.due_ms = due_ms;
    io_timer_start(&v->build.timer, due_ms > now + lead ? due_ms - lead - now : 0);
}

/* --- Checking --- */

static void answer_check(struct node_validator *v, const struct consensus_block *proposal,
                         enum consensus_verdict verdict)
{
    struct consensus_event event = {.kind = CONSENSUS_CHECKED,
                                    .checked = {.hash = proposal->hash, .verdict = verdict}};
    if (verdict == CONSENSUS_CHECK_FUTURE) {
        uint64_t now = io_loop_wall_ms(v->options.loop), due = proposal->time * 1000;
        event.checked.wait_ms = due > now ? due - now : 1;
    }
    node_validator_step(v, &event);
}

/* Proposals come a little early now and then; this much is a clock that is wrong. */
static void tell_future(const struct node_validator *v, const struct consensus_block *proposal)
{
    uint64_t now = io_loop_wall_ms(v->options.loop), due = proposal->time * 1000;
    if (due < now + CLOCK_TOLD_MS)
        return;
    NODE_LOG(NODE_LOG_WARN, "A proposal is from the future",
             node_number("number", proposal->number), node_address("proposer", &proposal->coinbase),
             node_number("seconds", (due - now) / 1000),
             node_text("remedy", "set the clock of the proposer, or of this machine (NTP)"));
}

static void checked(void *context, struct consensus_block *proposal, struct node_checked *result)
{
    struct node_validator *v = context;
    if (v->stopped)
        return;
    if (result->status != ERR_OK) {
        /* This machine's fault, not the block's: asked again a little later. */
        NODE_LOG(NODE_LOG_ERROR, "A proposal cannot be checked",
                 node_number("number", proposal->number),
                 node_text("err", *result->why.text ? result->why.text : err_text(result->status)));
        answer_check(v, proposal, CONSENSUS_CHECK_FUTURE);
        return;
    }
    if (result->verdict == CHAIN_VALID || result->verdict == CHAIN_KNOWN) {
        keep_proposal(v, &proposal->hash, result->block);
        answer_check(v, proposal, CONSENSUS_CHECK_OK);
    } else if (result->verdict == CHAIN_FUTURE) {
        tell_future(v, proposal);
        answer_check(v, proposal, CONSENSUS_CHECK_FUTURE);
    } else {
        NODE_LOG(NODE_LOG_WARN, "A proposal is refused", node_number("number", proposal->number),
                 node_address("proposer", &proposal->coinbase),
                 node_text("why", chain_verdict_text(result->verdict)),
                 node_text("err", result->why.text));
        answer_check(v, proposal, CONSENSUS_CHECK_BAD);
    }
}

void node_validator_check(struct node_validator *v, struct consensus_block *proposal)
{
    if (node_chain_check(v->options.chain, proposal, checked, v) != ERR_OK)
        answer_check(v, proposal, CONSENSUS_CHECK_FUTURE);
}

/* --- Committing --- */

static void try_commit(struct node_validator *v);

static void committed(void *context, struct chain_block *block, struct node_checked *result)
{
    struct node_validator *v = context;
    if (v->stopped)
        return;
    if (result->status != ERR_OK) {
        /* Agreed is agreed: it is tried until there is room, or the block comes from a peer. Told once a minute. */
        if (v->commit.failures++ % RETRIES_TOLD == 0)
            NODE_LOG(
                NODE_LOG_ERROR, "A block cannot be written: trying again",
                node_number("number", block->header.number),
                node_text("err", *result->why.text ? result->why.text : err_text(result->status)),
                node_text("remedy", result->status == ERR_NOSPACE ? "free some space on the disk"
                                                                  : "see the disk"));
        io_timer_start(&v->commit.timer, NODE_RETRY_MS);
        return;
    }
    if (result->verdict == CHAIN_VALID || result->verdict == CHAIN_KNOWN)
        return;                            /* the new head was told before */
    if (result->verdict == CHAIN_FUTURE) { /* this machine's clock is behind those of a quorum */
        uint64_t now = io_loop_wall_ms(v->options.loop), due = block->header.timestamp * 1000;
        io_timer_start(&v->commit.timer,
                       due > now && due - now < NODE_RETRY_MS ? due - now : NODE_RETRY_MS);
        return;
    }
    NODE_LOG(NODE_LOG_ERROR, "A block that was agreed on is refused",
             node_number("number", block->header.number),
             node_text("why", chain_verdict_text(result->verdict)),
             node_text("err", result->why.text));
    struct consensus_event event = {.kind = CONSENSUS_COMMIT_FAILED,
                                    .commit_failed = {.hash = v->commit.hash}};
    node_validator_step(v, &event);
}

static void try_commit(struct node_validator *v)
{
    if (node_chain_commit(v->options.chain, v->commit.block, buf_bytes(&v->commit.extra), committed,
                          v) != ERR_OK)
        io_timer_start(&v->commit.timer, NODE_RETRY_MS);
}

void node_validator_commit_timer(void *context)
{
    struct node_validator *v = context;
    const struct node_head *head = node_chain_head(v->options.chain);
    if (!v->stopped && v->commit.block &&
        v->commit.block->header.number > head->block->header.number)
        try_commit(v);
}

/* The proposal as a block: decoded for the check, or built; now, if neither is kept any more. */
static struct chain_block *block_of(const struct node_validator *v,
                                    const struct consensus_block *proposal)
{
    struct chain_block *block = find_proposal(v, &proposal->hash);
    struct err_detail detail = {""};
    if (block)
        return chain_block_ref(block);
    if (chain_block_decode(&block, proposal->rlp, &detail) == ERR_OK)
        return block;
    NODE_LOG(NODE_LOG_ERROR, "A block that was agreed on cannot be read",
             node_text("err", detail.text));
    return NULL;
}

void node_validator_commit(struct node_validator *v, struct consensus_block *proposal,
                           uint64_t round, const struct consensus_seal *seals, size_t seal_count)
{
    static_assert(sizeof(struct consensus_seal) == sizeof(struct istanbul_seal), "the same bytes");
    struct chain_block *block = block_of(v, proposal);
    enum istanbul_engine form = v->ops == &qbft_machine ? ISTANBUL_QBFT : ISTANBUL_IBFT;
    int status = block ? ERR_OK : ERR_INPUT;
    chain_block_unref(v->commit.block);
    v->commit.block = block;
    v->commit.hash = proposal->hash;
    v->commit.failures = 0;
    buf_clear(&v->commit.extra);
    if (status == ERR_OK)
        status =
            istanbul_extra_put_commits(&v->commit.extra, form, block->header.extra, (uint32_t)round,
                                       (const struct istanbul_seal *)seals, seal_count);
    if (status == ERR_OK)
        status = buf_status(&v->commit.extra);
    if (status == ERR_OK) {
        NODE_LOG(NODE_LOG_INFO, "BFT: block proposal committed",
                 node_address("author", &proposal->coinbase), node_hash("hash", &proposal->hash),
                 node_number("number", proposal->number));
        try_commit(v);
        return;
    }
    NODE_LOG(NODE_LOG_ERROR, "The seals cannot be put into a block",
             node_number("number", proposal->number), node_text("err", err_text(status)));
    struct consensus_event event = {.kind = CONSENSUS_COMMIT_FAILED,
                                    .commit_failed = {.hash = proposal->hash}};
    node_validator_step(v, &event);
}
