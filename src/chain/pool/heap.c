/* The accounts in four orders, each a binary heap whose members know their places. */
#include "base/mem.h"
#include "chain/pool/priv.h"

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

/* Prices above 2^62 wei, four ethers for a unit of gas, count as equal. */
static uint64_t clip(const struct u256 *price)
{
    const uint64_t most = (uint64_t)1 << 62;
    return u256_is_u64(price) && price->w[0] < most ? price->w[0] : most;
}

/* Local senders first, then the better paid, then the earlier (TxByPriceAndTime). */
static struct pool_ranked rank_ready(const struct chain_pool *pool, struct pool_account *account)
{
    struct u256 tip;
    chain_pool_tip(pool, &account->first->tx->tx, &tip);
    return (struct pool_ranked){(account->local ? 0 : (uint64_t)1 << 63) + ((uint64_t)1 << 62) -
                                    clip(&tip),
                                account->first->sequence, account};
}

static struct pool_ranked rank_widest(const struct chain_pool *pool, struct pool_account *account)
{
    (void)pool;
    return (struct pool_ranked){~account->root->widest->gas, 0, account};
}

/* The least paid first, then who has most, then the later. */
static struct pool_ranked rank_victims(const struct chain_pool *pool, struct pool_account *account)
{
    (void)pool;
    const struct pool_tx *cheapest = account->root->cheapest;
    const uint64_t counts = ((uint64_t)1 << 24) - 1, sequences = ((uint64_t)1 << 40) - 1;
    uint64_t rest = counts - (account->count < counts ? account->count : counts);
    return (struct pool_ranked){clip(&cheapest->price),
                                rest << 40 | (~cheapest->sequence & sequences), account};
}

/* Who has most executable ones first, then the later. */
static struct pool_ranked rank_crowded(const struct chain_pool *pool, struct pool_account *account)
{
    (void)pool;
    return (struct pool_ranked){~(uint64_t)account->pending, ~account->last->sequence, account};
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

typedef struct pool_ranked rank_fn(const struct chain_pool *, struct pool_account *);
static rank_fn *const ranks[POOL_HEAPS] = {rank_ready, rank_widest, rank_victims, rank_crowded};

static bool is_before(const struct pool_ranked *a, const struct pool_ranked *b)
{
    return a->major != b->major ? a->major < b->major : a->minor < b->minor;
}

static void put(struct pool_heap *heap, enum pool_heap_kind kind, size_t at,
                const struct pool_ranked *item)
{
    heap->items[at] = *item;
    item->account->places[kind] = (uint32_t)at + 1;
}

static size_t sift_up(struct pool_heap *heap, enum pool_heap_kind kind, size_t at)
{
    const struct pool_ranked item = heap->items[at];
    for (size_t parent; at > 0; at = parent) {
        parent = (at - 1) / 2;
        if (!is_before(&item, &heap->items[parent]))
            break;
        put(heap, kind, at, &heap->items[parent]);
    }
    put(heap, kind, at, &item);
    return at;
}

static void sift_down(struct pool_heap *heap, enum pool_heap_kind kind, size_t at)
{
    const struct pool_ranked item = heap->items[at];
    for (size_t child; (child = 2 * at + 1) < heap->count; at = child) {
        if (child + 1 < heap->count && is_before(&heap->items[child + 1], &heap->items[child]))
            child++;
        if (!is_before(&heap->items[child], &item))
            break;
        put(heap, kind, at, &heap->items[child]);
    }
    put(heap, kind, at, &item);
}

static void take_out(struct pool_heap *heap, enum pool_heap_kind kind, struct pool_account *account)
{
    size_t at = account->places[kind] - 1;
    account->places[kind] = 0;
    const struct pool_ranked last = heap->items[--heap->count];
    if (last.account == account)
        return;
    put(heap, kind, at, &last);
    sift_down(heap, kind, sift_up(heap, kind, at));
}

static void place_in(struct chain_pool *pool, enum pool_heap_kind kind,
                     struct pool_account *account)
{
    struct pool_heap *heap = &pool->heaps[kind];
    size_t place = account->places[kind];
    if (!belongs(pool, account, kind)) {
        if (place)
            take_out(heap, kind, account);
        return;
    }
    const struct pool_ranked item = ranks[kind](pool, account);
    if (!place) {
        assert(heap->count < heap->capacity);
        place = ++heap->count;
    } else {
        const struct pool_ranked *old = &heap->items[place - 1];
        if (old->major == item.major && old->minor == item.minor)
            return;
    }
    put(heap, kind, place - 1, &item);
    sift_down(heap, kind, sift_up(heap, kind, place - 1));
}

void chain_pool_heaps_place(struct chain_pool *pool, struct pool_account *account)
{
    for (int kind = 0; kind < POOL_HEAPS; kind++)
        place_in(pool, kind, account);
}

void chain_pool_heaps_reprice(struct chain_pool *pool)
{
    struct pool_heap *heap = &pool->heaps[POOL_READY];
    for (size_t i = 0; i < heap->count; i++)
        heap->items[i].account->places[POOL_READY] = 0;
    heap->count = 0;
    const struct pool_heap *all = &pool->heaps[POOL_WIDEST];
    for (size_t i = 0; i < all->count; i++)
        place_in(pool, POOL_READY, all->items[i].account);
}

int chain_pool_heaps_reserve(struct chain_pool *pool, size_t accounts)
{
    for (int kind = 0; kind < POOL_HEAPS; kind++) {
        struct pool_heap *heap = &pool->heaps[kind];
        if (MEM_RESERVE(heap->items, heap->capacity, accounts, 64))
            return ERR_NOMEM;
    }
    return ERR_OK;
}

void chain_pool_heaps_release(struct chain_pool *pool)
{
    for (int kind = 0; kind < POOL_HEAPS; kind++)
        mem_free(pool->heaps[kind].items);
}
