/* Own blocks: only the leader's, only with transactions, one in a --raftblocktime at most. */
#include "node/log/log.h"
#include "node/raft/priv.h"

enum {
    /* A proposal that has not come back for so long was lost with the leadership: its transactions are in the pool yet. */
    GIVE_UP_MS = 5000,
    LEAST_BUILD_MS = 20,
    COUNT_MIN = 64,
    COUNT_MAX = 20000,
};

static bool leads(const struct node_raft *r, struct raft_status *status)
{
    raft_machine_status(r->machine, status);
    return status->role == RAFT_LEADER && status->member && !r->removed && !r->halted && r->started;
}

/* The head is what all entries before lead to, so that the block will stand on it: nothing is on its way. */
static bool may_mint(const struct node_raft *r)
{
    struct raft_status status;
    return !r->stopped && leads(r, &status) && !r->mint.building && !r->mint.block &&
           !r->applying && r->applied == status.last;
}

static bool has_pending(const struct node_raft *r)
{
    struct chain_pool_stats stats;
    chain_pool_stats(r->options.pool, &stats);
    return stats.pending > 0;
}

void node_raft_mint_request(struct node_raft *r)
{
    uint64_t now = io_loop_now(r->options.loop);
    uint64_t due = r->mint.last_ms + r->options.config->raftblocktime;
    if (r->stopped || r->halted || io_timer_started(&r->mint.timer) || !may_mint(r) ||
        !has_pending(r))
        return;
    io_timer_start(&r->mint.timer, r->mint.last_ms && due > now ? due - now : 0);
}

void node_raft_mint_done(struct node_raft *r)
{
    chain_block_unref(r->mint.block);
    r->mint.block = NULL;
    buf_clear(&r->mint.rlp);
    if (r->mint.rlp.capacity > 1 << 20)
        buf_release(&r->mint.rlp);
}

void node_raft_mint_role(struct node_raft *r)
{
    struct raft_status status;
    bool led = r->mint.led;
    r->mint.led = leads(r, &status);
    if (led != r->mint.led)
        NODE_LOG(NODE_LOG_INFO,
                 r->mint.led ? "This node is the minter now" : "This node is no minter any more",
                 node_number("term", status.term), node_number("leader", status.leader));
    if (led && !r->mint.led)
        node_raft_mint_done(r); /* if it is committed nevertheless, it comes as any other */
    if (r->mint.led)
        node_raft_mint_request(r);
}

static void propose(struct node_raft *r, struct node_built *built)
{
    enum raft_proposed outcome;
    if (raft_machine_propose(r->machine, &outcome, buf_bytes(&built->rlp)) != ERR_OK) {
        node_raft_halt(r, "out of memory", "start the node again");
        return;
    }
    if (outcome != RAFT_PROPOSED)
        return;
    NODE_LOG(NODE_LOG_INFO, "Generated next block",
             node_number("block num", built->block->header.number),
             node_number("num txes", built->transactions));
    r->mint.block = chain_block_ref(built->block);
    buf_clear(&r->mint.rlp);
    buf_append_bytes(&r->mint.rlp, buf_bytes(&built->rlp));
    if (buf_status(&r->mint.rlp) != ERR_OK)
        buf_release(&r->mint.rlp); /* it is decoded when it comes */
    r->mint.give_up_ms = io_loop_now(r->options.loop) + GIVE_UP_MS;
    node_raft_soon(r);
}

static void on_built(void *context, struct node_built *built)
{
    struct node_raft *r = context;
    const struct chain_block *head = node_chain_head(r->options.chain)->block;
    r->mint.building = false;
    if (r->stopped || r->halted)
        return;
    if (built->status != ERR_OK) {
        NODE_LOG(NODE_LOG_ERROR, "A block cannot be built", node_text("err", built->detail.text));
        io_timer_start(&r->mint.timer, NODE_RAFT_RETRY_MS);
        return;
    }
    if (built->transactions) {
        uint64_t us = built->took_us / built->transactions;
        r->mint.us_per_tx = r->mint.us_per_tx ? (3 * r->mint.us_per_tx + us) / 4 : us;
    }
    if (built->transactions && may_mint(r) &&
        hash256_equal(&built->block->header.parent_hash, &head->hash))
        propose(r, built);
    else if (built->transactions)
        node_raft_mint_request(r);
}

static int sign(void *context, const struct hash256 *digest, uint8_t ret_signature[65])
{
    struct node_raft *r = context;
    struct crypto_signature s;
    if (!crypto_ecdsa_sign(&s, digest, r->options.key))
        return ERR_CRYPTO;
    memcpy(ret_signature, s.rs, 64);
    ret_signature[64] = s.recovery_id;
    return ERR_OK;
}

/* As many as fit into the block time, by how long they took lately. */
static size_t offer_count(const struct node_raft *r, uint64_t budget_ms)
{
    uint64_t us = r->mint.us_per_tx ? r->mint.us_per_tx : 20;
    uint64_t count = budget_ms * 1000 / us * 2;
    return count < COUNT_MIN ? COUNT_MIN : count > COUNT_MAX ? COUNT_MAX : (size_t)count;
}

static uint64_t wall_ns(const struct node_raft *r)
{
    return io_loop_wall_ms(r->options.loop) * 1000000;
}

void node_raft_mint_timer(void *context)
{
    struct node_raft *r = context;
    const struct node_config *config = r->options.config;
    uint64_t budget = config->raftblocktime / 2;
    if (!may_mint(r) || !has_pending(r))
        return;
    if (budget < LEAST_BUILD_MS)
        budget = LEAST_BUILD_MS;
    struct node_build build = {
        .prepare = {.now = wall_ns(r)},
        .gas_floor = config->gastarget,
        .gas_ceil = config->gaslimit,
        .stop_ms = io_loop_now(r->options.loop) + budget,
        .least_ms = budget / 2,
        .raft_id = r->id,
        .sign = sign,
        .sign_context = r,
    };
    if (chain_pool_take(r->options.pool, offer_count(r, budget), &build.batch) != ERR_OK)
        return;
    r->mint.last_ms = io_loop_now(r->options.loop);
    r->mint.building = true;
    if (node_chain_build(r->options.chain, &build, on_built, r) != ERR_OK)
        r->mint.building = false;
}
