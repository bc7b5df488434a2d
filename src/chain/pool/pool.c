/* The life of the pool: transactions come, heads come. */
#include "chain/pool/pool.h"

#include "base/mem.h"
#include "chain/pool/priv.h"

static uint64_t next_random(struct chain_pool *pool)
{
    uint64_t x = pool->random; /* xorshift64, Marsaglia */
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return pool->random = x;
}

void chain_pool_options_init(struct chain_pool_options *ret_options)
{
    *ret_options = (struct chain_pool_options){
        .price_limit = 1,
        .price_bump = 10,
        .account_slots = 16,
        .global_slots = 4096,
        .account_queue = 64,
        .global_queue = 1024,
        .lifetime = (uint64_t)3 * 3600 * 1000,
        .max_transactions = 262144,
        .max_bytes = (size_t)256 << 20,
    };
}

static void sanitize(struct chain_pool_options *options)
{
    struct chain_pool_options defaults;
    chain_pool_options_init(&defaults);
#define SET_RIGHT(field)                                                                           \
    if (options->field < 1)                                                                        \
    options->field = defaults.field
    SET_RIGHT(price_limit);
    SET_RIGHT(price_bump);
    SET_RIGHT(account_slots);
    SET_RIGHT(global_slots);
    SET_RIGHT(account_queue);
    SET_RIGHT(global_queue);
    SET_RIGHT(lifetime);
    SET_RIGHT(max_transactions);
    SET_RIGHT(max_bytes);
#undef SET_RIGHT
}

int chain_pool_new(struct chain_pool **ret_pool, const struct chain_pool_options *options,
                   const struct chain_pool_rules *rules)
{
    struct chain_pool *pool = mem_alloc_zeroed(1, sizeof(*pool));
    if (!pool)
        return ERR_NOMEM;
    pool->options = *options;
    sanitize(&pool->options);
    pool->rules = *rules;
    pool->price_limit = u256_from(pool->options.price_limit);
    pool->journal.fd = -1;
    buf_init(&pool->journal.pending);
    pthread_mutex_init(&pool->lock, NULL);
    map_init(&pool->locals, sizeof(struct address), 0);
    int rc = chain_pool_table_init(pool);
    for (size_t i = 0; i < options->local_count && rc == ERR_OK; i++)
        if (!map_put(&pool->locals, &options->locals[i], NULL))
            rc = ERR_NOMEM;
    pool->options.locals = NULL;
    if (rc != ERR_OK) {
        chain_pool_free(pool);
        return rc;
    }
    *ret_pool = pool;
    return ERR_OK;
}

static void free_account(struct pool_account *account)
{
    for (struct pool_tx *entry = account->first, *next; entry; entry = next) {
        next = entry->after;
        chain_tx_unref(entry->tx);
        mem_free(entry);
    }
    mem_free(account);
}

void chain_pool_free(struct chain_pool *pool)
{
    if (!pool)
        return;
    for (size_t i = 0; i < pool->address_buckets; i++)
        for (struct pool_account *account = pool->by_address[i], *next; account; account = next) {
            next = account->next_in_bucket;
            free_account(account);
        }
    chain_pool_journal_release(pool);
    chain_pool_heaps_release(pool);
    chain_pool_table_release(pool);
    map_release(&pool->locals);
    mem_free(pool->dirty);
    mem_free(pool->fresh);
    pthread_mutex_destroy(&pool->lock);
    mem_free(pool);
}

/* --- The end of every operation --- */

static int announce(struct chain_pool *pool, struct pool_tx *entry)
{
    if (entry->announced)
        return ERR_OK;
    if (MEM_RESERVE(pool->fresh, pool->fresh_capacity, pool->fresh_count + 1, 64))
        return ERR_NOMEM;
    entry->announced = true;
    pool->fresh[pool->fresh_count++] = chain_tx_ref(entry->tx);
    return ERR_OK;
}

static int announce_account(struct chain_pool *pool, const struct pool_account *account)
{
    uint64_t from = account->promoted_from, end = account->nonce + account->pending;
    int rc = ERR_OK;
    struct pool_tx *entry = from < end ? chain_pool_tree_find(account, from) : NULL;
    for (; rc == ERR_OK && entry && entry->nonce < end; entry = entry->after)
        rc = announce(pool, entry);
    return rc;
}

/* Promotes what the marked accounts can promote, keeps the limits, tells what is new. */
static int settle(struct chain_pool *pool)
{
    int rc = ERR_OK;
    for (size_t i = 0; i < pool->dirty_count; i++) {
        struct pool_account *account = pool->dirty[i];
        chain_pool_account_promote(pool, account);
        chain_pool_limits_account(pool, account);
        chain_pool_account_place(pool, account);
    }
    chain_pool_limits_global(pool);
    for (size_t i = 0; i < pool->dirty_count; i++) {
        if (rc == ERR_OK)
            rc = announce_account(pool, pool->dirty[i]);
        pool->dirty[i]->dirty = false;
    }
    pool->dirty_count = 0;
    chain_pool_account_trim(pool, POOL_IDLE_ACCOUNTS);
    chain_pool_journal_flush(pool);
    if (pool->fresh_count && pool->options.executable)
        pool->options.executable(pool->options.context, pool->fresh, pool->fresh_count);
    for (size_t i = 0; i < pool->fresh_count; i++)
        chain_tx_unref(pool->fresh[i]);
    pool->fresh_count = 0;
    return rc;
}

/* --- Adding --- */

static struct pool_tx *make_entry(struct chain_pool *pool, struct chain_tx *tx,
                                  struct pool_account *account, enum chain_pool_status *status)
{
    struct pool_tx *entry = mem_alloc_zeroed(1, sizeof(*entry));
    if (!entry)
        return NULL;
    entry->tx = tx;
    entry->account = account;
    entry->nonce = tx->tx.nonce;
    entry->price = tx->tx.max_fee;
    entry->gas = tx->tx.gas_limit;
    entry->priority = next_random(pool);
    entry->cost = chain_pool_rules_cost(&tx->tx);
    entry->slots = (uint32_t)((tx->tx.encoded.len + CHAIN_POOL_SLOT - 1) / CHAIN_POOL_SLOT);
    entry->sequence = pool->sequence++;
    entry->status = status;
    return entry;
}

/* The entry has passed the rules; finds it a place. */
static enum chain_pool_status place_entry(struct chain_pool *pool, struct pool_tx *entry,
                                          bool local)
{
    struct pool_account *account = entry->account;
    struct pool_tx *old = chain_pool_tree_find(account, entry->nonce);
    if (old && !chain_pool_rules_replaces(pool, &entry->tx->tx, &old->tx->tx))
        return CHAIN_POOL_REPLACE_UNDERPRICED;
    if (!old || entry->slots > old->slots) {
        enum chain_pool_status status = chain_pool_limits_admit(pool, account, local, entry);
        if (status != CHAIN_POOL_OK)
            return status;
        old = chain_pool_tree_find(account, entry->nonce); /* it may have had to go */
    }
    pool->replaced += old != NULL;
    chain_tx_ref(entry->tx);
    chain_pool_account_mark(pool, account);
    chain_pool_account_insert(pool, account, entry, old);
    chain_pool_account_place(pool, account);
    return CHAIN_POOL_OK;
}

static int add_one(struct chain_pool *pool, struct chain_tx *tx, bool local,
                   enum chain_pool_status *ret_status)
{
    struct pool_account *account;
    *ret_status = CHAIN_POOL_ALREADY_KNOWN;
    if (chain_pool_table_find(pool, &tx->hash) ||
        (*ret_status = chain_pool_rules_check(pool, tx)) != CHAIN_POOL_OK)
        return ERR_OK;
    int rc = chain_pool_account_load(pool, &tx->tx.sender, &account);
    if (rc == ERR_OK)
        rc = chain_pool_table_reserve(pool);
    struct pool_tx *entry = rc == ERR_OK ? make_entry(pool, tx, account, ret_status) : NULL;
    if (!entry) {
        *ret_status = CHAIN_POOL_FULL;
        return rc == ERR_OK ? ERR_NOMEM : rc;
    }
    bool exempt = local || account->local;
    *ret_status = chain_pool_rules_check_account(pool, tx, exempt, account, &entry->cost);
    if (*ret_status == CHAIN_POOL_OK)
        *ret_status = place_entry(pool, entry, exempt);
    if (*ret_status != CHAIN_POOL_OK) {
        mem_free(entry);
        return ERR_OK;
    }
    if (local)
        chain_pool_account_make_local(pool, account);
    if (account->local)
        chain_pool_journal_note(pool, tx);
    /* In the place of an executable one: executable itself. */
    return tx->tx.nonce - account->nonce < account->pending ? announce(pool, entry) : ERR_OK;
}

int chain_pool_add(struct chain_pool *pool, struct chain_tx *const *txs, size_t count, bool local,
                   uint64_t now, enum chain_pool_status *ret_statuses)
{
    int rc = ERR_OK;
    pool->now = now;
    local = local && !pool->options.no_locals;
    for (size_t i = 0; i < count; i++) {
        ret_statuses[i] = CHAIN_POOL_FULL;
        if (rc == ERR_OK)
            rc = add_one(pool, txs[i], local, &ret_statuses[i]);
    }
    int settled = settle(pool);
    for (size_t i = 0; i < count; i++) {
        pool->answers[ret_statuses[i]]++;
        struct pool_tx *entry =
            ret_statuses[i] == CHAIN_POOL_OK ? chain_pool_table_find(pool, &txs[i]->hash) : NULL;
        if (entry)
            entry->status = NULL;
    }
    return rc != ERR_OK ? rc : settled;
}

/* --- A new head --- */

/* From here on a price makes a block invalid (a transition that switches gas prices off). */
static void drop_priced(struct chain_pool *pool)
{
    for (size_t i = 0; i < pool->address_buckets; i++)
        for (struct pool_account *account = pool->by_address[i]; account;
             account = account->next_in_bucket) {
            for (struct pool_tx *entry = account->first, *next; entry; entry = next) {
                next = entry->after;
                if (!u256_is_zero(&entry->price))
                    chain_pool_account_drop(pool, entry);
            }
            chain_pool_account_place(pool, account);
        }
}

static void update(struct chain_pool *pool, struct pool_account *account, uint64_t nonce,
                   const struct u256 *balance)
{
    if (account->nonce == nonce && u256_equal(&account->balance, balance))
        return;
    if (account->count)
        chain_pool_account_mark(pool, account);
    chain_pool_account_update(pool, account, nonce, balance);
    chain_pool_account_place(pool, account);
}

/* Asks the state again for every account that has transactions, and forgets the others. */
static int update_all(struct chain_pool *pool)
{
    int rc = ERR_OK;
    chain_pool_account_trim(pool, 0);
    for (size_t i = 0; i < pool->address_buckets; i++)
        for (struct pool_account *account = pool->by_address[i]; account;
             account = account->next_in_bucket) {
            struct chain_pool_account content = {.address = account->address};
            int failed = pool->options.account(pool->options.context, &account->address, &content);
            if (failed != ERR_OK) {
                rc = rc != ERR_OK ? rc : failed;
                while (account->first)
                    chain_pool_account_drop(pool, account->first);
                chain_pool_account_place(pool, account);
                continue;
            }
            update(pool, account, content.nonce, &content.balance);
        }
    return rc;
}

int chain_pool_head(struct chain_pool *pool, const struct chain_pool_head *head, uint64_t now)
{
    const struct chain_pool_rules old = pool->rules;
    int rc = ERR_OK;
    pool->now = now;
    pool->rules = head->rules;
    if (!u256_equal(&old.base_fee, &pool->rules.base_fee))
        chain_pool_heaps_reprice(pool);
    if ((!old.is_quorum || old.gas_price_enabled) && !chain_pool_rules_prices_matter(pool))
        drop_priced(pool);
    if (head->forget)
        rc = update_all(pool);
    for (size_t i = 0; i < head->changed_count; i++) {
        const struct chain_pool_account *changed = &head->changed[i];
        struct pool_account *account = chain_pool_table_find_account(pool, &changed->address);
        if (account)
            update(pool, account, changed->nonce, &changed->balance);
    }
    struct pool_account *widest;
    while ((widest = chain_pool_heap_top(pool, POOL_WIDEST)) &&
           widest->root->widest->gas > pool->rules.gas_limit) {
        chain_pool_account_drop(pool, widest->root->widest);
        chain_pool_account_place(pool, widest);
    }
    int settled = settle(pool);
    return rc != ERR_OK ? rc : settled;
}
