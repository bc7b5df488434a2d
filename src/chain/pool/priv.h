/* What the files of the pool share; nobody else includes it. */
#ifndef CHAIN_POOL_PRIV_H
#define CHAIN_POOL_PRIV_H

#include "base/buf.h"
#include "base/map.h"
#include "chain/pool/pool.h"

#include <pthread.h>

struct pool_account;

/*
 * A transaction in the pool: a node of its account's tree. What the tree and the heaps look at is
 * copied from the transaction and lies together: a pool is mostly cache misses.
 */
struct pool_tx {
    /* The account's tree: a treap by nonce. */
    uint64_t nonce, priority;
    struct pool_tx *left, *right;
    /* Of the subtree: the least price (the highest nonce among equals), the greatest cost, the most
     * gas. */
    struct pool_tx *cheapest, *costliest, *widest;
    struct u256 price; /* wei per gas that decide when there is no room: max_fee */
    struct u256 cost;  /* value + gas * price, or 2^256 - 1 */
    uint64_t gas;

    uint64_t sequence;              /* order of arrival */
    struct pool_tx *before, *after; /* the account's neighbours by nonce */
    struct pool_account *account;
    struct chain_tx *tx; /* a reference */
    struct pool_tx *next_in_bucket;
    enum chain_pool_status *status; /* during the add that brought it: its outcome */
    uint32_t slots;                 /* of 32 KiB */
    bool announced;                 /* it was executable already, and others know */
};

enum pool_heap_kind {
    POOL_READY,   /* accounts with an executable transaction, the best first */
    POOL_WIDEST,  /* by the most gas that one transaction may use */
    POOL_VICTIMS, /* remote ones that lose a transaction when there is no room */
    POOL_CROWDED, /* remote ones by executable transactions, beyond what each may keep */
    POOL_HEAPS,
};

struct pool_list {
    struct pool_account *first, *last;
};

struct pool_account {
    struct address address;
    struct pool_account *next_in_bucket;
    uint64_t nonce; /* at the head */
    struct u256 balance;
    struct pool_tx *root, *first, *last;
    size_t count, pending; /* transactions; the first of them, executable */
    size_t slots;          /* of all */
    bool local;
    bool dirty;                  /* in pool->dirty; what it has may not be settled */
    uint64_t promoted_from;      /* while dirty: the executable ones from here on are new */
    uint64_t beat;               /* when something of it last became executable, or first waited */
    uint32_t places[POOL_HEAPS]; /* in each heap, from 1; 0 = not there */
    /* In one of two lists at most: waiting (remote with queued ones; by `beat`) or idle (without
     * transactions; by when it became so). */
    struct pool_list *list;
    struct pool_account *older, *newer;
};

/* An account with its rank, so that comparing needs nothing else: less goes first. */
struct pool_ranked {
    uint64_t major, minor;
    struct pool_account *account;
};

struct pool_heap {
    struct pool_ranked *items;
    size_t count, capacity;
};

struct pool_journal {
    int fd; /* -1 = none */
    char *path;
    struct buf pending; /* not written yet */
    uint64_t appended;  /* bytes since it was last written anew */
    uint64_t live;      /* bytes that it had then */
    struct chain_pool_rotation *rotation;
    int status;
    struct err_detail detail;
};

struct chain_pool {
    struct chain_pool_options options;
    struct chain_pool_rules rules;
    struct u256 price_limit;
    uint64_t now;

    pthread_mutex_t lock; /* of the table by hash, which other threads read */
    struct pool_tx **by_hash;
    size_t hash_buckets;
    size_t count;
    struct pool_account **by_address;
    size_t address_buckets;
    size_t account_count;
    uint64_t seed[2];
    uint64_t random;

    struct map locals; /* addresses that stay local without transactions */
    struct pool_heap heaps[POOL_HEAPS];
    struct pool_list waiting, idle;
    size_t idle_count;

    struct pool_account **dirty;
    size_t dirty_count, dirty_capacity; /* room for all accounts */
    struct chain_tx **fresh;            /* became executable; references */
    size_t fresh_count, fresh_capacity;

    uint64_t sequence;
    size_t tx_bytes, local_count;
    size_t remote_slots, remote_pending, remote_queued;
    size_t pending;
    uint64_t evicted, replaced;
    uint64_t answers[CHAIN_POOL_STATUSES];
    size_t slots; /* of all */

    struct pool_journal journal;
};

enum {
    /* Accounts without transactions whose nonce and balance are kept, some 250 bytes each, so that
     * the state is not asked again for a sender of every block. */
    POOL_IDLE_ACCOUNTS = 16384,
    /* Senders that stay local after their transactions are gone; GoQuorum keeps all. */
    POOL_LOCALS_MAX = 65536,
    POOL_MALLOC_OVERHEAD = 16, /* of glibc, a block */
};

/* --- tree.c: an account's transactions by nonce --- */

/* The nonce must not be there. Sets before and after, and the account's first, last and count. */
void chain_pool_tree_insert(struct pool_account *account, struct pool_tx *entry);
void chain_pool_tree_remove(struct pool_account *account, struct pool_tx *entry);
struct pool_tx *chain_pool_tree_find(const struct pool_account *account, uint64_t nonce);

/* --- table.c: by hash and by address --- */

int chain_pool_table_init(struct chain_pool *pool) BASE_NODISCARD;
void chain_pool_table_release(struct chain_pool *pool);
/* Room for one more of each, so that an insert cannot fail. */
int chain_pool_table_reserve(struct chain_pool *pool) BASE_NODISCARD;
void chain_pool_table_insert(struct chain_pool *pool, struct pool_tx *entry);
void chain_pool_table_remove(struct chain_pool *pool, struct pool_tx *entry);
struct pool_tx *chain_pool_table_find(const struct chain_pool *pool, const struct hash256 *hash);
void chain_pool_table_insert_account(struct chain_pool *pool, struct pool_account *account);
void chain_pool_table_remove_account(struct chain_pool *pool, struct pool_account *account);
struct pool_account *chain_pool_table_find_account(const struct chain_pool *pool,
                                                   const struct address *address);

/* --- heap.c --- */

/* Room for `accounts` in each heap. */
int chain_pool_heaps_reserve(struct chain_pool *pool, size_t accounts) BASE_NODISCARD;
void chain_pool_heaps_release(struct chain_pool *pool);
/* Puts the account where it belongs in every heap now, or takes it out. */
void chain_pool_heaps_place(struct chain_pool *pool, struct pool_account *account);
/* The base fee is another: the order of POOL_READY is made anew. */
void chain_pool_heaps_reprice(struct chain_pool *pool);
static inline struct pool_account *chain_pool_heap_top(const struct chain_pool *pool,
                                                       enum pool_heap_kind kind)
{
    const struct pool_heap *heap = &pool->heaps[kind];
    return heap->count ? heap->items[0].account : NULL;
}
/* What a block earns per gas; false when it may not take the transaction (below the base fee). */
bool chain_pool_tip(const struct chain_pool *pool, const struct eth_transaction *tx,
                    struct u256 *ret_tip);

/* --- account.c: accounts and their transactions --- */

/* The account, from the table or with what the state says. ERR_*. */
int chain_pool_account_load(struct chain_pool *pool, const struct address *address,
                            struct pool_account **ret_account) BASE_NODISCARD;
/* Frees accounts without transactions until at most `most` are left, the longest idle first.
 * None may be marked. */
void chain_pool_account_trim(struct chain_pool *pool, size_t most);
bool chain_pool_account_is_local(const struct chain_pool *pool, const struct address *address);
void chain_pool_account_make_local(struct chain_pool *pool, struct pool_account *account);
/* The end of the operation has to look at it: what can be executed, who must go, what is new. */
void chain_pool_account_mark(struct chain_pool *pool, struct pool_account *account);
/*
 * The heaps are in order only while every account in them is where it belongs: whoever calls one of
 * these calls chain_pool_account_place before another account is touched.
 *
 * Puts in; the table has room, and there is none with this nonce, or `old`, which is freed.
 */
void chain_pool_account_insert(struct chain_pool *pool, struct pool_account *account,
                               struct pool_tx *entry, struct pool_tx *old);
/* Takes out and frees. What comes after it waits for its nonce. */
void chain_pool_account_drop(struct chain_pool *pool, struct pool_tx *entry);
/* The same for one that loses its place; when this add has brought it, its outcome becomes FULL. */
void chain_pool_account_evict(struct chain_pool *pool, struct pool_tx *entry);
/* Another nonce and balance: drops what is done or cannot be paid. */
void chain_pool_account_update(struct chain_pool *pool, struct pool_account *account,
                               uint64_t nonce, const struct u256 *balance);
/* Counts as executable what can be executed. */
void chain_pool_account_promote(struct chain_pool *pool, struct pool_account *account);
/* Brings lists and heaps up to date. */
void chain_pool_account_place(struct chain_pool *pool, struct pool_account *account);
/* A new executable one for the event at the end of the operation. ERR_NOMEM. */
static inline size_t chain_pool_account_queued(const struct pool_account *account)
{
    return account->count - account->pending;
}
static inline size_t chain_pool_tx_bytes(const struct pool_tx *entry)
{
    const struct chain_tx *tx = entry->tx;
    return sizeof(*entry) + sizeof(*tx) + tx->tx.encoded.len + tx->arena.total +
           (size_t)3 * POOL_MALLOC_OVERHEAD;
}

/* --- limits.c: who must go --- */

/* Whether there is room for `entry` of `account`, made by evicting others if need be. */
enum chain_pool_status chain_pool_limits_admit(struct chain_pool *pool,
                                               const struct pool_account *account, bool local,
                                               const struct pool_tx *entry);
/* What one account may have waiting. */
void chain_pool_limits_account(struct chain_pool *pool, struct pool_account *account);
/* What all may have. */
void chain_pool_limits_global(struct chain_pool *pool);

/* --- rules.c: who may come in --- */

/* What the transaction alone, and then with its sender's account, is refused for. */
enum chain_pool_status chain_pool_rules_check(const struct chain_pool *pool,
                                              const struct chain_tx *tx);
enum chain_pool_status chain_pool_rules_check_account(const struct chain_pool *pool,
                                                      const struct chain_tx *tx, bool local,
                                                      const struct pool_account *account,
                                                      const struct u256 *cost);
/* Whether `tx` offers enough to take the place of one with the same nonce. */
bool chain_pool_rules_replaces(const struct chain_pool *pool, const struct eth_transaction *tx,
                               const struct eth_transaction *old);
struct u256 chain_pool_rules_cost(const struct eth_transaction *tx);
static inline bool chain_pool_rules_prices_matter(const struct chain_pool *pool)
{
    return !pool->rules.is_quorum || pool->rules.gas_price_enabled;
}

/* --- journal.c --- */

void chain_pool_journal_note(struct chain_pool *pool, const struct chain_tx *tx);
void chain_pool_journal_flush(struct chain_pool *pool);
void chain_pool_journal_release(struct chain_pool *pool);

#endif
