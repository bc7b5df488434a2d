/*
 * The transactions by hash and the accounts by address: chained tables, keyed with a secret of the
 * pool, since addresses (and with some work hashes) are the choice of whoever sends.
 */
#include "base/mem.h"
#include "chain/pool/priv.h"

#include <string.h>
#include <sys/random.h>

enum { FIRST_BUCKETS = 64 };

static uint64_t mix(const struct chain_pool *pool, const uint8_t *key)
{
    uint64_t word[2];
    memcpy(word, key, sizeof(word));
    u256_wide p = (u256_wide)(word[0] ^ pool->seed[0]) * (word[1] ^ pool->seed[1]);
    return (uint64_t)p ^ (uint64_t)(p >> 64);
}

static struct pool_tx **hash_bucket(const struct chain_pool *pool, const struct hash256 *hash)
{
    return &pool->by_hash[mix(pool, hash->b) & (pool->hash_buckets - 1)];
}

static struct pool_account **address_bucket(const struct chain_pool *pool,
                                            const struct address *address)
{
    return &pool->by_address[mix(pool, address->b) & (pool->address_buckets - 1)];
}

int chain_pool_table_init(struct chain_pool *pool)
{
    if (getrandom(pool->seed, sizeof(pool->seed), 0) != sizeof(pool->seed))
        pool->seed[0] = (uintptr_t)pool; /* before the kernel has entropy */
    pool->random = pool->seed[1] | 1;
    pool->by_hash = mem_alloc_zeroed(FIRST_BUCKETS, sizeof(struct pool_tx *));
    pool->by_address = mem_alloc_zeroed(FIRST_BUCKETS, sizeof(struct pool_account *));
    if (!pool->by_hash || !pool->by_address)
        return ERR_NOMEM;
    pool->hash_buckets = pool->address_buckets = FIRST_BUCKETS;
    return ERR_OK;
}

void chain_pool_table_release(struct chain_pool *pool)
{
    mem_free(pool->by_hash);
    mem_free(pool->by_address);
}

/* Twice as many buckets, which costs each transaction of the lifetime of the table less than two
 * moves. */
static int grow_hashes(struct chain_pool *pool)
{
    struct pool_tx **buckets = mem_alloc_zeroed(2 * pool->hash_buckets, sizeof(*buckets));
    if (!buckets)
        return ERR_NOMEM;
    struct pool_tx **old = pool->by_hash;
    size_t old_count = pool->hash_buckets;
    pthread_mutex_lock(&pool->lock);
    pool->by_hash = buckets;
    pool->hash_buckets = 2 * old_count;
    for (size_t i = 0; i < old_count; i++)
        for (struct pool_tx *entry = old[i], *next; entry; entry = next) {
            struct pool_tx **bucket = hash_bucket(pool, &entry->tx->hash);
            next = entry->next_in_bucket;
            entry->next_in_bucket = *bucket;
            *bucket = entry;
        }
    pthread_mutex_unlock(&pool->lock);
    mem_free(old);
    return ERR_OK;
}

static int grow_accounts(struct chain_pool *pool)
{
    struct pool_account **buckets = mem_alloc_zeroed(2 * pool->address_buckets, sizeof(*buckets));
    if (!buckets)
        return ERR_NOMEM;
    struct pool_account **old = pool->by_address;
    size_t old_count = pool->address_buckets;
    pool->by_address = buckets;
    pool->address_buckets = 2 * old_count;
    for (size_t i = 0; i < old_count; i++)
        for (struct pool_account *account = old[i], *next; account; account = next) {
            struct pool_account **bucket = address_bucket(pool, &account->address);
            next = account->next_in_bucket;
            account->next_in_bucket = *bucket;
            *bucket = account;
        }
    mem_free(old);
    return ERR_OK;
}

int chain_pool_table_reserve(struct chain_pool *pool)
{
    int rc = ERR_OK;
    if (pool->count >= pool->hash_buckets)
        rc = grow_hashes(pool);
    if (rc == ERR_OK && pool->account_count >= pool->address_buckets)
        rc = grow_accounts(pool);
    return rc;
}

void chain_pool_table_insert(struct chain_pool *pool, struct pool_tx *entry)
{
    pthread_mutex_lock(&pool->lock);
    struct pool_tx **bucket = hash_bucket(pool, &entry->tx->hash);
    entry->next_in_bucket = *bucket;
    *bucket = entry;
    pool->count++;
    pthread_mutex_unlock(&pool->lock);
}

void chain_pool_table_remove(struct chain_pool *pool, struct pool_tx *entry)
{
    pthread_mutex_lock(&pool->lock);
    struct pool_tx **at = hash_bucket(pool, &entry->tx->hash);
    while (*at != entry)
        at = &(*at)->next_in_bucket;
    *at = entry->next_in_bucket;
    pool->count--;
    pthread_mutex_unlock(&pool->lock);
}

struct pool_tx *chain_pool_table_find(const struct chain_pool *pool, const struct hash256 *hash)
{
    struct pool_tx *entry = *hash_bucket(pool, hash);
    while (entry && !hash256_equal(&entry->tx->hash, hash))
        entry = entry->next_in_bucket;
    return entry;
}

void chain_pool_table_insert_account(struct chain_pool *pool, struct pool_account *account)
{
    struct pool_account **bucket = address_bucket(pool, &account->address);
    account->next_in_bucket = *bucket;
    *bucket = account;
    pool->account_count++;
}

void chain_pool_table_remove_account(struct chain_pool *pool, struct pool_account *account)
{
    struct pool_account **at = address_bucket(pool, &account->address);
    while (*at != account)
        at = &(*at)->next_in_bucket;
    *at = account->next_in_bucket;
    pool->account_count--;
}

struct pool_account *chain_pool_table_find_account(const struct chain_pool *pool,
                                                   const struct address *address)
{
    struct pool_account *account = *address_bucket(pool, address);
    while (account && !address_equal(&account->address, address))
        account = account->next_in_bucket;
    return account;
}
