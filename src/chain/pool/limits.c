/*
 * Who must go when there is no room, and who is refused.
 *
 * GoQuorum takes any newcomer into a full pool and drops another for it, of those that pay least
 * the one with the highest nonce. Where nobody pays, that is a pool in which all are thrown out
 * before their turn. Here a newcomer has to be better: it pays more, or, where prices do not
 * matter, its sender has fewer waiting than the one who has most. So a full pool stands still until
 * blocks make room, and all senders get the same share of it.
 */
#include "chain/pool/priv.h"

static bool has_room(const struct chain_pool *pool, bool local, const struct pool_tx *entry)
{
    const struct chain_pool_options *options = &pool->options;
    if (pool->count >= options->max_transactions ||
        pool->tx_bytes + chain_pool_tx_bytes(entry) > options->max_bytes)
        return false;
    return local ||
           pool->remote_slots + entry->slots <= options->global_slots + options->global_queue;
}

/* Whether a remote newcomer may take the place of `victim`. */
static enum chain_pool_status compare(const struct chain_pool *pool,
                                      const struct pool_account *account,
                                      const struct pool_tx *entry, const struct pool_tx *victim)
{
    bool prices_matter = chain_pool_rules_prices_matter(pool);
    int order = u256_compare(&entry->price, &victim->price);
    if (order > 0)
        return CHAIN_POOL_OK;
    if (prices_matter)
        return CHAIN_POOL_UNDERPRICED;
    const struct pool_account *other = victim->account;
    bool has_more = other->count > account->count + 1 && other->count > pool->options.account_slots;
    return order == 0 && has_more ? CHAIN_POOL_OK : CHAIN_POOL_FULL;
}

enum chain_pool_status chain_pool_limits_admit(struct chain_pool *pool,
                                               const struct pool_account *account, bool local,
                                               const struct pool_tx *entry)
{
    while (!has_room(pool, local, entry)) {
        struct pool_account *loser = chain_pool_heap_top(pool, POOL_VICTIMS);
        if (!loser)
            return CHAIN_POOL_FULL;
        struct pool_tx *victim = loser->root->cheapest;
        enum chain_pool_status status =
            local ? CHAIN_POOL_OK : compare(pool, account, entry, victim);
        if (status != CHAIN_POOL_OK)
            return status;
        chain_pool_account_evict(pool, victim);
        chain_pool_account_place(pool, loser);
    }
    return CHAIN_POOL_OK;
}

void chain_pool_limits_account(struct chain_pool *pool, struct pool_account *account)
{
    if (account->local)
        return;
    while (chain_pool_account_queued(account) > pool->options.account_queue)
        chain_pool_account_evict(pool, account->last);
}

void chain_pool_limits_global(struct chain_pool *pool)
{
    struct pool_account *account;
    while (pool->remote_pending > pool->options.global_slots &&
           (account = chain_pool_heap_top(pool, POOL_CROWDED))) {
        uint64_t last = account->nonce + account->pending - 1;
        chain_pool_account_evict(pool, chain_pool_tree_find(account, last));
        chain_pool_account_place(pool, account);
    }
    /* As GoQuorum: of who began to wait last. */
    while (pool->remote_queued > pool->options.global_queue && (account = pool->waiting.last)) {
        chain_pool_account_evict(pool, account->last);
        chain_pool_account_place(pool, account);
    }
}

void chain_pool_expire(struct chain_pool *pool, uint64_t now)
{
    struct pool_account *account;
    pool->now = now;
    while ((account = pool->waiting.first) && account->beat < now &&
           now - account->beat > pool->options.lifetime) {
        while (chain_pool_account_queued(account) > 0)
            chain_pool_account_evict(pool, account->last);
        chain_pool_account_place(pool, account);
    }
    chain_pool_account_trim(pool, POOL_IDLE_ACCOUNTS);
}

bool chain_pool_set_price_limit(struct chain_pool *pool, const struct u256 *price)
{
    if (!chain_pool_rules_prices_matter(pool))
        return false;
    struct pool_account *account;
    pool->price_limit = *price;
    while ((account = chain_pool_heap_top(pool, POOL_VICTIMS)) &&
           u256_less(&account->root->cheapest->price, price)) {
        chain_pool_account_evict(pool, account->root->cheapest);
        chain_pool_account_place(pool, account);
    }
    chain_pool_account_trim(pool, POOL_IDLE_ACCOUNTS);
    return true;
}

unsigned chain_pool_pressure(const struct chain_pool *pool, bool local)
{
    const struct chain_pool_options *options = &pool->options;
    const struct {
        uint64_t used, limit;
    } parts[] = {
        {pool->count, options->max_transactions},
        {pool->tx_bytes, options->max_bytes},
        {pool->remote_slots, options->global_slots + options->global_queue},
        {pool->remote_pending, options->global_slots},
    };
    uint64_t most = 0;
    for (size_t i = 0; i < (local ? 2 : BASE_COUNT(parts)); i++) {
        uint64_t part = parts[i].used >= parts[i].limit
                            ? 1000
                            : (uint64_t)((u256_wide)parts[i].used * 1000 / parts[i].limit);
        most = part > most ? part : most;
    }
    return (unsigned)most;
}
