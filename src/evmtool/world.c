#include "evmtool/world.h"

#include "base/hex.h"
#include "base/mem.h"
#include "crypto/keccak.h"
#include "eth/fee.h"
#include "state/state.h"

int evmtool_world_new(struct evmtool_world **ret_world)
{
    struct evmtool_world *world = mem_alloc_zeroed(1, sizeof(*world));
    if (!world)
        return ERR_NOMEM;
    int status = exec_new(&world->exec);
    if (status == ERR_OK)
        status = state_view_new(&world->view, NULL);
    if (status != ERR_OK) {
        evmtool_world_free(world);
        return status;
    }
    *ret_world = world;
    return ERR_OK;
}

void evmtool_world_free(struct evmtool_world *world)
{
    if (!world)
        return;
    evmtool_world_trace(world, NULL, NULL);
    exec_free(world->exec);
    state_view_free(world->view);
    mem_free(world);
}

static int load_account(struct state_view *view, const struct evmtool_account *account)
{
    const struct address *a = &account->address;
    int status = state_view_set_balance(view, a, &account->balance);
    if (status == ERR_OK)
        status = state_view_set_nonce(view, a, account->nonce);
    if (status == ERR_OK && account->code.len)
        status = state_view_set_code(view, a, account->code);
    for (size_t i = 0; i < account->slot_count && status == ERR_OK; i++)
        status = state_view_store(view, NULL, NULL, NULL, a, &account->slots[i].key,
                                  &account->slots[i].value);
    return status;
}

int evmtool_world_load(struct evmtool_world *world, const struct evmtool_alloc *alloc)
{
    int status = ERR_OK;
    state_view_reset(world->view, NULL);
    for (size_t i = 0; i < alloc->count && status == ERR_OK; i++)
        status = load_account(world->view, &alloc->accounts[i]);
    if (status == ERR_OK)
        state_view_end_transaction(world->view, false);
    return status;
}

int evmtool_world_hash_of_number(void *context, uint64_t number, struct hash256 *ret_hash)
{
    (void)context;
    char text[24];
    int len = snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
    crypto_keccak256(ret_hash, bytes_of(text, (size_t)len));
    return ERR_OK;
}

static uint64_t excess_of(const struct evmtool_env *env, const struct eth_blob_schedule *schedule,
                          const struct u256 *base_fee)
{
    if (env->excess_blob_gas.present)
        return env->excess_blob_gas.value;
    if (!env->parent_excess_blob_gas.present || !env->parent_blob_gas_used.present)
        return 0;
    return eth_excess_blob_gas(
        schedule, env->parent_excess_blob_gas.value, env->parent_blob_gas_used.value,
        env->parent_base_fee.present ? &env->parent_base_fee.value : base_fee);
}

static void set_fees(struct evmtool_world *world, struct exec_block *block,
                     const struct evmtool_env *env)
{
    if (block->fork >= FORK_LONDON) {
        if (env->base_fee.present)
            block->base_fee = env->base_fee.value;
        else if (env->parent_base_fee.present && env->parent_gas_limit.value >= 2)
            block->base_fee =
                eth_next_base_fee(&env->parent_base_fee.value, env->parent_gas_used.value,
                                  env->parent_gas_limit.value);
        else
            block->base_fee = u256_from(10); /* what older state tests rely on */
    }
    const struct eth_blob_schedule *schedule = eth_blob_schedule(block->fork);
    world->excess_blob_gas = schedule ? excess_of(env, schedule, &block->base_fee) : 0;
    if (schedule) {
        block->blob_base_fee = eth_blob_base_fee(schedule, world->excess_blob_gas);
        block->max_blob_gas = (uint64_t)schedule->max * ETH_BLOB_GAS;
    }
}

static int set_randao(struct exec_block *block, const struct evmtool_env *env,
                      struct err_detail *detail)
{
    if (block->fork >= FORK_PARIS) {
        if (env->random.present)
            block->prev_randao = u256_load(env->random.value.b);
        return ERR_OK;
    }
    if (!env->difficulty.present)
        return err_set(detail, ERR_INPUT, "currentDifficulty is missing; %s needs it",
                       fork_name(block->fork));
    block->prev_randao = env->difficulty.value;
    return ERR_OK;
}

int evmtool_world_begin_block(struct evmtool_world *world, enum fork fork,
                              const struct u256 *chain_id, const struct evmtool_env *env,
                              evmtool_block_hash_fn *block_hash, void *block_hash_context,
                              struct err_detail *detail)
{
    struct exec_block block = {
        .fork = fork,
        .number = env->number,
        .timestamp = env->timestamp,
        .gas_limit = env->gas_limit,
        .coinbase = env->coinbase,
        .chain_id = *chain_id,
        .block_hash = block_hash,
        .block_hash_context = block_hash_context,
    };
    int status = set_randao(&block, env, detail);
    if (status != ERR_OK)
        return status;
    set_fees(world, &block, env);
    world->block = block;
    exec_begin_block(world->exec, &world->block, world->view, NULL);
    return ERR_OK;
}

static int write_line(void *context, struct bytes line)
{
    return fwrite(line.data, 1, line.len, context) == line.len ? ERR_OK : ERR_IO;
}

void evmtool_world_trace(struct evmtool_world *world, FILE *stream,
                         const struct exec_trace_options *options)
{
    if (world->trace.write) {
        evm_set_tracer(exec_machine(world->exec), NULL);
        exec_trace_release(&world->trace);
        world->trace.write = NULL;
    }
    if (stream) {
        exec_trace_init(&world->trace, options, write_line, stream);
        evm_set_tracer(exec_machine(world->exec), &world->trace.tracer);
    }
}

int evmtool_world_root(struct evmtool_world *world, struct hash256 *ret_root,
                       struct err_detail *detail)
{
    return state_root(world->view, ret_root, detail);
}

/* --- Dump --- */

static bool set(json_t *object, const char *key, json_t *value)
{
    return json_object_set_new(object, key, value) == 0;
}

static bool add_storage(json_t *account, const struct state_dump_account *dump)
{
    json_t *storage = json_object();
    bool fine = storage != NULL;
    for (size_t i = 0; i < dump->slot_count && fine; i++) {
        char key[67] = "0x";
        uint8_t be[32];
        u256_store(be, &dump->slots[i].slot);
        hex_encode(key + 2, bytes_of(be, sizeof(be)));
        key[66] = 0;
        u256_store(be, &dump->slots[i].value);
        fine = set(storage, key, evmtool_json_from_bytes(bytes_of(be, sizeof(be))));
    }
    if (!fine) {
        json_decref(storage);
        return false;
    }
    return set(account, "storage", storage);
}

static json_t *account_json(const struct state_dump_account *dump)
{
    json_t *account = json_object();
    bool fine =
        account && (!dump->code.len || set(account, "code", evmtool_json_from_bytes(dump->code))) &&
        (!dump->slot_count || add_storage(account, dump)) &&
        set(account, "balance", evmtool_json_from_u256(&dump->account.balance)) &&
        (!dump->account.nonce || set(account, "nonce", evmtool_json_from_u64(dump->account.nonce)));
    if (fine)
        return account;
    json_decref(account);
    return NULL;
}

json_t *evmtool_world_dump(struct evmtool_world *world, struct arena *arena)
{
    struct state_dump_account *accounts;
    size_t count = 0;
    json_t *alloc = json_object();
    if (alloc && state_view_dump(world->view, &accounts, &count, arena) != ERR_OK) {
        json_decref(alloc);
        return NULL;
    }
    for (size_t i = 0; i < count && alloc; i++) {
        char key[43] = "0x";
        hex_encode(key + 2, bytes_of(accounts[i].address.b, sizeof(accounts[i].address.b)));
        key[42] = 0;
        if (!set(alloc, key, account_json(&accounts[i]))) {
            json_decref(alloc);
            alloc = NULL;
        }
    }
    return alloc;
}
