/* The accounts in four orders, each a binary heap whose members know their places. */
#include "base/mem.h"
#include "chain/pool_priv.h"

bool chain_pool_tip(const struct chain_pool *pool, const struct eth_transaction *tx,
                    struct u256 *ret_tip)
{
    const struct u256 *base_fee = &pool->rules.base_fee;
    if (u256_sub(ret_tip, &tx->max_fee, base_fee))
        return false;
    if (u256_less(&tx->max_priority_fee, ret_tip))
        *ret_tip = tx->max_priority_fee;
    return true;
}

/* Local senders first, then the better paid, then the earlier (TxByPriceAndTime). */
static bool before_ready(const struct chain_pool *pool, const struct pool_account *a,
                         const struct pool_account *b)
{
    struct u256 tip_a, tip_b;
    if (a->local != b->local)
        return a->local;
    chain_pool_tip(pool, &a->first->tx->tx, &tip_a);
    chain_pool_tip(pool, &b->first->tx->tx, &tip_b);
    int order = u256_compare(&tip_a, &tip_b);
    return order ? order > 0 : a->first->sequence < b->first->sequence;
}

static bool before_widest(const struct chain_pool *pool, const struct pool_account *a,
                          const struct pool_account *b)
{
    (void)pool;
    return a->root->widest->tx->tx.gas_limit > b->root->widest->tx->tx.gas_limit;
}

/* The least paid first, then who has most, then the later. */
static bool before_victims(const struct chain_pool *pool, const struct pool_account *a,
                           const struct pool_account *b)
{
    (void)pool;
    const struct pool_tx *tx_a = a->root->cheapest, *tx_b = b->root->cheapest;
    int order = u256_compare(chain_pool_price(tx_a), chain_pool_price(tx_b));
    if (order)
        return order < 0;
    return a->count != b->count ? a->count > b->count : tx_a->sequence > tx_b->sequence;
}

static bool before_crowded(const struct chain_pool *pool, const struct pool_account *a,
                           const struct pool_account *b)
{
    (void)pool;
    return a->pending != b->pending ? a->pending > b->pending
                                    : a->last->sequence > b->last->sequence;
}

static bool belongs(const struct chain_pool *pool, const struct pool_account *account,
                    enum pool_heap_kind kind)
{
    struct u256 tip;
    switch (kind) {
    case POOL_READY:
        return account->pending > 0 && chain_pool_tip(pool, &account->first->tx->tx, &tip);
    case POOL_WIDEST:
        return account->count > 0;
    case POOL_VICTIMS:
        return account->count > 0 && !account->local;
    default:
        return account->pending > pool->options.account_slots && !account->local;
    }
}

typedef bool before_fn(const struct chain_pool *, const struct pool_account *,
                       const struct pool_account *);
static before_fn *const orders[POOL_HEAPS] = {before_ready, before_widest, before_victims,
                                              before_crowded};

static void put(struct pool_heap *heap, enum pool_heap_kind kind, size_t at,
                struct pool_account *account)
{
    heap->items[at] = account;
    account->places[kind] = (uint32_t)at + 1;
}

static size_t sift_up(struct chain_pool *pool, enum pool_heap_kind kind, size_t at)
{
    struct pool_heap *heap = &pool->heaps[kind];
    struct pool_account *account = heap->items[at];
    for (size_t parent; at > 0; at = parent) {
        parent = (at - 1) / 2;
        if (!orders[kind](pool, account, heap->items[parent]))
            break;
        put(heap, kind, at, heap->items[parent]);
    }
    put(heap, kind, at, account);
    return at;
}

static void sift_down(struct chain_pool *pool, enum pool_heap_kind kind, size_t at)
{
    struct pool_heap *heap = &pool->heaps[kind];
    struct pool_account *account = heap->items[at];
    for (size_t child; (child = 2 * at + 1) < heap->count; at = child) {
        if (child + 1 < heap->count &&
            orders[kind](pool, heap->items[child + 1], heap->items[child]))
            child++;
        if (!orders[kind](pool, heap->items[child], account))
            break;
        put(heap, kind, at, heap->items[child]);
    }
    put(heap, kind, at, account);
}

static void take_out(struct chain_pool *pool, enum pool_heap_kind kind,
                     struct pool_account *account)
{
    struct pool_heap *heap = &pool->heaps[kind];
    size_t at = account->places[kind] - 1;
    account->places[kind] = 0;
    struct pool_account *last = heap->items[--heap->count];
    if (last == account)
        return;
    put(heap, kind, at, last);
    sift_down(pool, kind, sift_up(pool, kind, at));
}

void chain_pool_heaps_place(struct chain_pool *pool, struct pool_account *account)
{
    for (int kind = 0; kind < POOL_HEAPS; kind++) {
        struct pool_heap *heap = &pool->heaps[kind];
        bool inside = account->places[kind] != 0;
        if (!belongs(pool, account, kind)) {
            if (inside)
                take_out(pool, kind, account);
            continue;
        }
        if (!inside) {
            assert(heap->count < heap->capacity);
            put(heap, kind, heap->count++, account);
        }
        sift_down(pool, kind, sift_up(pool, kind, account->places[kind] - 1));
    }
}

void chain_pool_heaps_reprice(struct chain_pool *pool)
{
    struct pool_heap *heap = &pool->heaps[POOL_READY];
    for (size_t i = 0; i < heap->count; i++)
        heap->items[i]->places[POOL_READY] = 0;
    heap->count = 0;
    const struct pool_heap *all = &pool->heaps[POOL_WIDEST];
    for (size_t i = 0; i < all->count; i++)
        if (belongs(pool, all->items[i], POOL_READY))
            put(heap, POOL_READY, heap->count++, all->items[i]);
    for (size_t i = heap->count / 2; i-- > 0;)
        sift_down(pool, POOL_READY, i);
}

int chain_pool_heaps_reserve(struct chain_pool *pool, size_t accounts)
{
    for (int kind = 0; kind < POOL_HEAPS; kind++) {
        struct pool_heap *heap = &pool->heaps[kind];
        if (accounts <= heap->capacity)
            continue;
        size_t capacity = heap->capacity ? 2 * heap->capacity : 64;
        while (capacity < accounts)
            capacity *= 2;
        struct pool_account **items = mem_realloc(heap->items, capacity * sizeof(*items));
        if (!items)
            return ERR_NOMEM;
        heap->items = items;
        heap->capacity = capacity;
    }
    return ERR_OK;
}

void chain_pool_heaps_release(struct chain_pool *pool)
{
    for (int kind = 0; kind < POOL_HEAPS; kind++)
        mem_free(pool->heaps[kind].items);
}
