#include "evmtool/t8n.h"
#include "exec/system.h"

/* The deposit contract of the main network (EIP-6110). */
static const struct address deposit_contract = {{0x00, 0x00, 0x00, 0x00, 0x21, 0x9a, 0xb5,
                                                 0x40, 0x35, 0x6c, 0xbb, 0x83, 0x9c, 0xbe,
                                                 0x05, 0x30, 0x3d, 0x77, 0x05, 0xfa}};

struct run {
    const struct evmtool_t8n *t;
    struct evmtool_world *world;
    struct evmtool_t8n_result *result;
    const struct evmtool_t8n_tracing *tracing;
    struct arena *arena;
    struct err_detail *detail;
    bool hash_missing; /* BLOCKHASH asked for a block that env does not have */
    uint64_t missing_number;
};

static int out_of_memory(struct run *run)
{
    return err_set(run->detail, ERR_NOMEM, "out of memory");
}

static const struct evmtool_block_hash *find_hash(const struct evmtool_t8n *t, uint64_t number)
{
    for (size_t i = 0; i < t->env.block_hash_count; i++)
        if (t->env.block_hashes[i].number == number)
            return &t->env.block_hashes[i];
    return NULL;
}

static int block_hash(void *context, uint64_t number, struct hash256 *ret_hash)
{
    struct run *run = context;
    const struct evmtool_block_hash *entry = find_hash(run->t, number);
    if (!entry && !run->hash_missing) {
        run->hash_missing = true;
        run->missing_number = number;
    }
    *ret_hash = entry ? entry->hash : (struct hash256){{0}};
    return ERR_OK;
}

/* --- Before the transactions --- */

static int system_calls_before(struct run *run)
{
    const struct evmtool_t8n *t = run->t;
    const struct evmtool_env *env = &t->env.block;
    int status = ERR_OK;
    if (t->fork >= FORK_CANCUN && env->beacon_root.present)
        status = exec_store_beacon_root(run->world->exec, &env->beacon_root.value);
    if (status == ERR_OK && t->fork >= FORK_PRAGUE && t->env.has_block_hashes && env->number > 0) {
        static const struct hash256 unknown;
        const struct evmtool_block_hash *parent = find_hash(t, env->number - 1);
        status = exec_store_parent_hash(run->world->exec, parent ? &parent->hash : &unknown);
    }
    return status;
}

/* --- One transaction --- */

static int reject(struct run *run, size_t index, const char *reason)
{
    struct bytes copy = arena_copy(run->arena, bytes_of(reason, strlen(reason) + 1));
    if (!copy.data)
        return out_of_memory(run);
    run->result->rejected[run->result->rejected_count++] =
        (struct evmtool_rejected){index, (const char *)copy.data};
    return ERR_OK;
}

static void include(struct run *run, const struct eth_transaction *tx, const struct hash256 *hash,
                    const struct exec_result *result)
{
    run->result->included[run->result->included_count++] = (struct evmtool_included){
        .tx = tx,
        .hash = *hash,
        .receipt = result->receipt,
        .gas_used = result->gas_used,
        .blob_gas_used = result->blob_gas_used,
        .has_contract = result->has_contract,
        .contract = result->contract,
    };
}

static bool blobs_have_a_price(const struct evmtool_env *env)
{
    return env->excess_blob_gas.present ||
           (env->parent_excess_blob_gas.present && env->parent_blob_gas_used.present);
}

/* As geth's tool says it: with the values, but for a block that is full. */
static const char *reason_of(enum exec_verdict verdict, const struct err_detail *why)
{
    bool is_plain = verdict == EXEC_GAS_LIMIT_REACHED || !why->text[0];
    return is_plain ? exec_verdict_text(verdict) : why->text;
}

static int execute(struct run *run, size_t index, struct eth_transaction *tx)
{
    struct hash256 hash;
    struct exec_result result;
    struct err_detail why = {""};
    int status = eth_transaction_hash(tx, &hash);
    if (status == ERR_OK && run->tracing)
        status = run->tracing->begin(run->tracing->context, run->world, run->result->included_count,
                                     &hash, run->detail);
    if (status != ERR_OK)
        return status;
    status = exec_transaction(run->world->exec, &result, &why, tx, &tx->sender, 0);
    if (run->tracing)
        run->tracing->end(run->tracing->context, run->world);
    if (status != ERR_OK)
        return err_set(run->detail, status, "%s", err_text(status));
    if (result.verdict != EXEC_VALID)
        return reject(run, index, reason_of(result.verdict, &why));
    if (run->hash_missing)
        return err_set(run->detail, ERR_INPUT,
                       "env: blockHashes lacks block %llu, which transaction %zu asks for",
                       (unsigned long long)run->missing_number, index);
    include(run, tx, &hash, &result);
    return ERR_OK;
}

/* What geth's tool asks of blobs before it looks at the rest of the transaction; "" when they may be tried. */
static void check_blobs(char *ret_reason, size_t size, const struct run *run,
                        const struct eth_transaction *tx)
{
    uint64_t most = run->world->block.max_blob_gas;
    uint64_t used = exec_blob_gas_used(run->world->exec) + tx->blob_count * ETH_BLOB_GAS;
    ret_reason[0] = 0;
    if (tx->type != ETH_BLOB)
        return;
    if (!blobs_have_a_price(&run->t->env.block))
        snprintf(ret_reason, size, "blob tx used but field env.ExcessBlobGas missing");
    else if (used > most)
        snprintf(ret_reason, size, "blob gas (%llu) would exceed maximum allowance %llu",
                 (unsigned long long)used, (unsigned long long)most);
}

static int apply_one(struct run *run, size_t index)
{
    struct evmtool_t8n_tx *item = &run->t->txs[index];
    struct eth_rules rules = {.fork = run->t->fork, .chain_id = run->t->chain_id};
    enum eth_tx_status signature;
    char reason[128];
    if (item->rejected[0])
        return reject(run, index, item->rejected);
    check_blobs(reason, sizeof(reason), run, &item->tx);
    if (reason[0])
        return reject(run, index, reason);
    int status = eth_transaction_recover(&item->tx, &signature, &rules);
    if (status != ERR_OK)
        return out_of_memory(run);
    if (signature != ETH_TX_OK)
        return reject(run, index, eth_tx_status_text(signature));
    return execute(run, index, &item->tx);
}

/* --- After the transactions --- */

/* Proof-of-work's rewards: 1/32 for each ommer to the miner, (8 - delta)/8 to the ommer (YP 11.3). */
static int pay_rewards(struct run *run)
{
    const struct evmtool_t8n_env *env = &run->t->env;
    struct u256 reward = u256_from(run->t->reward), eight = u256_from(8), total = reward, share;
    int status = ERR_OK;
    if (!run->t->has_reward)
        return ERR_OK;
    for (size_t i = 0; i < env->ommer_count && status == ERR_OK; i++) {
        if (env->ommers[i].delta > 8)
            return err_set(run->detail, ERR_INPUT, "env: ommers: entry %zu: delta is over 8", i);
        u256_shift_right(&share, &reward, 5);
        u256_add(&total, &total, &share);
        share = u256_from(8 - env->ommers[i].delta);
        u256_mul(&share, &share, &reward);
        u256_divmod(&share, NULL, &share, &eight);
        status = exec_credit(run->world->exec, &env->ommers[i].address, &share);
    }
    if (status == ERR_OK)
        status = exec_credit(run->world->exec, &env->block.coinbase, &total);
    return status;
}

static int queue_failed(struct run *run, enum exec_queue_status status)
{
    return err_set(run->detail, ERR_INPUT, "the block is invalid: %s",
                   exec_queue_status_text(status));
}

static int read_deposits(struct run *run, struct buf *b)
{
    int status = ERR_OK;
    enum exec_queue_status outcome = EXEC_QUEUE_OK;
    for (size_t i = 0; i < run->result->included_count && status == ERR_OK; i++) {
        const struct eth_receipt *receipt = &run->result->included[i].receipt;
        status =
            exec_read_deposits(&outcome, b, receipt->logs, receipt->log_count, &deposit_contract);
        if (status == ERR_OK && outcome != EXEC_QUEUE_OK)
            return queue_failed(run, outcome);
    }
    return status;
}

/* EIP-7685: each kind's bytes behind its number. */
static int read_requests(struct run *run)
{
    static const struct address *const queues[EVMTOOL_REQUEST_KINDS] = {
        NULL, &exec_withdrawal_queue_address, &exec_consolidation_queue_address};
    struct buf b = BUF_INIT;
    int status = ERR_OK;
    for (size_t kind = 0; kind < EVMTOOL_REQUEST_KINDS && status == ERR_OK; kind++) {
        enum exec_queue_status outcome = EXEC_QUEUE_OK;
        buf_clear(&b);
        buf_append_byte(&b, (uint8_t)kind);
        status = queues[kind] ? exec_read_queue(run->world->exec, &outcome, &b, queues[kind])
                              : read_deposits(run, &b);
        if (status == ERR_OK && outcome != EXEC_QUEUE_OK)
            status = queue_failed(run, outcome);
        if (status == ERR_OK)
            status = buf_status(&b);
        if (status == ERR_OK)
            run->result->requests[kind] = arena_copy(run->arena, buf_bytes(&b));
        if (status == ERR_OK && !run->result->requests[kind].data)
            status = out_of_memory(run);
    }
    run->result->has_requests = true;
    buf_release(&b);
    return status;
}

static int finish_block(struct run *run)
{
    int status = pay_rewards(run);
    if (status == ERR_OK && run->t->fork >= FORK_PRAGUE)
        status = read_requests(run);
    if (status == ERR_OK)
        status =
            exec_withdraw(run->world->exec, run->t->env.withdrawals, run->t->env.withdrawal_count);
    run->result->gas_used = exec_gas_used(run->world->exec);
    run->result->blob_gas_used = exec_blob_gas_used(run->world->exec);
    if (status == ERR_OK)
        status = evmtool_world_root(run->world, &run->result->state_root, run->detail);
    return status;
}

int evmtool_t8n_apply(struct evmtool_t8n_result *ret_result, struct evmtool_world *world,
                      const struct evmtool_t8n *t, const struct evmtool_t8n_tracing *tracing,
                      struct arena *arena, struct err_detail *detail)
{
    struct evmtool_t8n_result result = {
        .included = arena_alloc_zeroed(arena, t->tx_count, sizeof(*result.included)),
        .rejected = arena_alloc_zeroed(arena, t->tx_count, sizeof(*result.rejected)),
    };
    struct run run = {t, world, &result, tracing, arena, detail, false, 0};
    if (!result.included || !result.rejected)
        return out_of_memory(&run);
    int status = evmtool_world_load(world, &t->alloc);
    if (status != ERR_OK)
        return err_set(detail, status, "%s", err_text(status));
    status = evmtool_world_begin_block(world, t->fork, &t->chain_id, &t->env.block, block_hash,
                                       &run, detail);
    world->block.post_states = true;
    if (status == ERR_OK)
        status = system_calls_before(&run);
    for (size_t i = 0; i < t->tx_count && status == ERR_OK; i++)
        status = apply_one(&run, i);
    if (status == ERR_OK)
        status = finish_block(&run);
    if (status == ERR_OK)
        *ret_result = result;
    return status;
}
