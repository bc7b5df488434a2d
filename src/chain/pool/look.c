/* What others see of the pool. */
#include "base/mem.h"
#include "chain/pool/priv.h"

enum {
    /* Lookups under one hold of the lock, so that the loop never waits longer than some 30 µs. */
    FIND_AT_ONCE = 128,
};

size_t chain_pool_find(struct chain_pool *pool, const struct hash256 *hashes, size_t count,
                       struct chain_tx **ret_txs)
{
    size_t found = 0;
    for (size_t i = 0; i < count;) {
        size_t end = count - i < FIND_AT_ONCE ? count : i + FIND_AT_ONCE;
        pthread_mutex_lock(&pool->lock);
        for (; i < end; i++) {
            const struct pool_tx *entry = chain_pool_table_find(pool, &hashes[i]);
            ret_txs[i] = entry ? chain_tx_ref(entry->tx) : NULL;
            found += entry != NULL;
        }
        pthread_mutex_unlock(&pool->lock);
    }
    return found;
}

struct chain_tx *chain_pool_get(struct chain_pool *pool, const struct hash256 *hash)
{
    struct chain_tx *tx;
    chain_pool_find(pool, hash, 1, &tx);
    return tx;
}

bool chain_pool_has(const struct chain_pool *pool, const struct hash256 *hash)
{
    return chain_pool_table_find(pool, hash) != NULL;
}

enum chain_pool_place chain_pool_place(const struct chain_pool *pool, const struct hash256 *hash)
{
    const struct pool_tx *entry = chain_pool_table_find(pool, hash);
    if (!entry)
        return CHAIN_POOL_UNKNOWN;
    const struct pool_account *account = entry->account;
    return entry->nonce - account->nonce < account->pending ? CHAIN_POOL_PENDING
                                                            : CHAIN_POOL_QUEUED;
}

int chain_pool_nonce(struct chain_pool *pool, const struct address *address, uint64_t *ret_nonce)
{
    struct pool_account *account;
    int rc = chain_pool_account_load(pool, address, &account);
    if (rc == ERR_OK)
        *ret_nonce = account->nonce + account->pending;
    chain_pool_account_trim(pool, POOL_IDLE_ACCOUNTS);
    return rc;
}

bool chain_pool_is_local(const struct chain_pool *pool, const struct address *address)
{
    return chain_pool_account_is_local(pool, address);
}

void chain_pool_stats(const struct chain_pool *pool, struct chain_pool_stats *ret_stats)
{
    size_t bytes = sizeof(*pool) + pool->tx_bytes +
                   pool->account_count * (sizeof(struct pool_account) + POOL_MALLOC_OVERHEAD) +
                   pool->hash_buckets * sizeof(struct pool_tx *) +
                   pool->address_buckets * sizeof(struct pool_account *) +
                   pool->dirty_capacity * sizeof(struct pool_account *) +
                   pool->fresh_capacity * sizeof(struct chain_tx *) +
                   pool->locals.capacity * pool->locals.stride + pool->journal.pending.capacity;
    for (int kind = 0; kind < POOL_HEAPS; kind++)
        bytes += pool->heaps[kind].capacity * sizeof(struct pool_ranked);
    *ret_stats = (struct chain_pool_stats){
        .pending = pool->pending,
        .queued = pool->count - pool->pending,
        .local = pool->local_count,
        .accounts = pool->heaps[POOL_WIDEST].count,
        .bytes = bytes,
        .slots = pool->slots,
        .evicted = pool->evicted,
        .replaced = pool->replaced,
    };
    memcpy(ret_stats->answers, pool->answers, sizeof(pool->answers));
}

/* --- Walking --- */

static int visit_account(const struct pool_account *account, chain_pool_visit_fn *visit,
                         void *context, bool *ret_go_on)
{
    struct chain_tx **txs = mem_alloc(account->count * sizeof(struct chain_tx *));
    if (!txs)
        return ERR_NOMEM;
    size_t n = 0;
    for (const struct pool_tx *entry = account->first; entry; entry = entry->after)
        txs[n++] = entry->tx;
    *ret_go_on = visit(context, &account->address, txs, n, account->pending);
    mem_free(txs);
    return ERR_OK;
}

int chain_pool_visit(struct chain_pool *pool, chain_pool_visit_fn *visit, void *context)
{
    const struct pool_heap *all = &pool->heaps[POOL_WIDEST];
    bool go_on = true;
    int rc = ERR_OK;
    for (size_t i = 0; i < all->count && go_on && rc == ERR_OK; i++)
        rc = visit_account(all->items[i].account, visit, context, &go_on);
    return rc;
}

int chain_pool_visit_account(struct chain_pool *pool, const struct address *sender,
                             chain_pool_visit_fn *visit, void *context)
{
    const struct pool_account *account = chain_pool_table_find_account(pool, sender);
    bool go_on;
    return account && account->count ? visit_account(account, visit, context, &go_on) : ERR_OK;
}
