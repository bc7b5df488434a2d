/* Accounts, what they have in the pool, and the sums over all of them. */
#include "base/mem.h"
#include "chain/pool/priv.h"

/* --- Lists --- */

static void unlink_account(struct pool_account *account)
{
    struct pool_list *list = account->list;
    if (!list)
        return;
    *(account->older ? &account->older->newer : &list->first) = account->newer;
    *(account->newer ? &account->newer->older : &list->last) = account->older;
    account->older = account->newer = NULL;
    account->list = NULL;
}

static void append_account(struct pool_list *list, struct pool_account *account)
{
    account->list = list;
    account->older = list->last;
    account->newer = NULL;
    *(list->last ? &list->last->newer : &list->first) = account;
    list->last = account;
}

static void leave_list(struct chain_pool *pool, struct pool_account *account)
{
    if (account->list == &pool->idle)
        pool->idle_count--;
    unlink_account(account);
}

/* --- Accounts --- */

bool chain_pool_account_is_local(const struct chain_pool *pool, const struct address *address)
{
    const struct pool_account *account = chain_pool_table_find_account(pool, address);
    return account ? account->local : map_get(&pool->locals, address) != NULL;
}

static int reserve_account(struct chain_pool *pool)
{
    size_t needed = pool->account_count + 1;
    int rc = chain_pool_heaps_reserve(pool, needed);
    if (rc == ERR_OK)
        rc = chain_pool_table_reserve(pool);
    return rc == ERR_OK ? MEM_RESERVE(pool->dirty, pool->dirty_capacity, needed, 64) : rc;
}

int chain_pool_account_load(struct chain_pool *pool, const struct address *address,
                            struct pool_account **ret_account)
{
    struct pool_account *account = chain_pool_table_find_account(pool, address);
    if (account) {
        *ret_account = account;
        return ERR_OK;
    }
    struct chain_pool_account content = {.address = *address};
    int rc = reserve_account(pool);
    if (rc == ERR_OK)
        rc = pool->options.account(pool->options.context, address, &content);
    if (rc != ERR_OK)
        return rc;
    account = mem_alloc_zeroed(1, sizeof(*account));
    if (!account)
        return ERR_NOMEM;
    account->address = *address;
    account->nonce = content.nonce;
    account->balance = content.balance;
    account->local = map_get(&pool->locals, address) != NULL;
    chain_pool_table_insert_account(pool, account);
    append_account(&pool->idle, account);
    pool->idle_count++;
    *ret_account = account;
    return ERR_OK;
}

void chain_pool_account_trim(struct chain_pool *pool, size_t most)
{
    while (pool->idle_count > most) {
        struct pool_account *account = pool->idle.first;
        leave_list(pool, account);
        chain_pool_table_remove_account(pool, account);
        mem_free(account);
    }
}

void chain_pool_account_mark(struct chain_pool *pool, struct pool_account *account)
{
    if (account->dirty)
        return;
    account->dirty = true;
    account->promoted_from = account->nonce + account->pending;
    pool->dirty[pool->dirty_count++] = account;
}

/* --- Sums --- */

static void uncount(struct chain_pool *pool, const struct pool_account *account)
{
    pool->pending -= account->pending;
    if (account->local) {
        pool->local_count -= account->count;
        return;
    }
    pool->remote_pending -= account->pending;
    pool->remote_queued -= chain_pool_account_queued(account);
    pool->remote_slots -= account->slots;
}

static void count(struct chain_pool *pool, const struct pool_account *account)
{
    pool->pending += account->pending;
    if (account->local) {
        pool->local_count += account->count;
        return;
    }
    pool->remote_pending += account->pending;
    pool->remote_queued += chain_pool_account_queued(account);
    pool->remote_slots += account->slots;
}

void chain_pool_account_make_local(struct chain_pool *pool, struct pool_account *account)
{
    if (account->local)
        return;
    uncount(pool, account);
    account->local = true;
    count(pool, account);
    /* Without memory, or beyond the limit, it is local only as long as it has transactions. */
    if (map_count(&pool->locals) < POOL_LOCALS_MAX) {
        void *value = map_put(&pool->locals, &account->address, NULL);
        (void)value;
    }
    chain_pool_account_place(pool, account);
}

/* --- Transactions --- */

static void remove_entry(struct chain_pool *pool, struct pool_tx *entry)
{
    struct pool_account *account = entry->account;
    chain_pool_tree_remove(account, entry);
    chain_pool_table_remove(pool, entry);
    account->slots -= entry->slots;
    pool->slots -= entry->slots;
    pool->tx_bytes -= chain_pool_tx_bytes(entry);
    chain_tx_unref(entry->tx);
    mem_free(entry);
}

void chain_pool_account_insert(struct chain_pool *pool, struct pool_account *account,
                               struct pool_tx *entry, struct pool_tx *old)
{
    uncount(pool, account);
    if (old)
        remove_entry(pool, old);
    chain_pool_tree_insert(account, entry);
    chain_pool_table_insert(pool, entry);
    account->slots += entry->slots;
    pool->slots += entry->slots;
    pool->tx_bytes += chain_pool_tx_bytes(entry);
    count(pool, account);
}

void chain_pool_account_drop(struct chain_pool *pool, struct pool_tx *entry)
{
    struct pool_account *account = entry->account;
    uint64_t place = entry->nonce - account->nonce;
    uncount(pool, account);
    if (place < account->pending)
        account->pending = place;
    remove_entry(pool, entry);
    count(pool, account);
}

void chain_pool_account_evict(struct chain_pool *pool, struct pool_tx *entry)
{
    if (entry->status)
        *entry->status = CHAIN_POOL_FULL;
    pool->evicted++;
    chain_pool_account_drop(pool, entry);
}

void chain_pool_account_update(struct chain_pool *pool, struct pool_account *account,
                               uint64_t nonce, const struct u256 *balance)
{
    uncount(pool, account);
    uint64_t done = nonce - account->nonce;
    bool back = nonce < account->nonce;
    account->pending = back || done > account->pending ? 0 : account->pending - done;
    account->nonce = nonce;
    account->balance = *balance;
    while (account->first && account->first->nonce < nonce)
        remove_entry(pool, account->first);
    count(pool, account);
    if (account->promoted_from < nonce || back)
        account->promoted_from = nonce;
    while (account->root && u256_less(balance, &account->root->costliest->cost))
        chain_pool_account_drop(pool, account->root->costliest);
}

void chain_pool_account_promote(struct chain_pool *pool, struct pool_account *account)
{
    uint64_t next = account->nonce + account->pending;
    struct pool_tx *entry =
        account->pending == 0 ? account->first : chain_pool_tree_find(account, next);
    if (!entry || entry->nonce != next)
        return;
    uncount(pool, account);
    if (next < account->promoted_from)
        account->promoted_from = next;
    for (; entry && entry->nonce == account->nonce + account->pending; entry = entry->after)
        account->pending++;
    count(pool, account);
    account->beat = pool->now;
    if (account->list == &pool->waiting)
        leave_list(pool, account); /* place puts it behind the others */
}

void chain_pool_account_place(struct chain_pool *pool, struct pool_account *account)
{
    struct pool_list *list = account->count == 0 ? &pool->idle
                             : !account->local && chain_pool_account_queued(account)
                                 ? &pool->waiting
                                 : NULL;
    if (account->list != list) {
        leave_list(pool, account);
        if (list)
            append_account(list, account);
        if (list == &pool->idle)
            pool->idle_count++;
        else if (list)
            account->beat = pool->now;
    }
    chain_pool_heaps_place(pool, account);
}
