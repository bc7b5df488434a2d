/*
 * The best executable transactions, without changing the pool: a walk down the heap of accounts
 * with a frontier of candidates, in a heap of its own. A candidate is the first transaction of an
 * account in that heap, which brings in those of the places below, or a later one of an account
 * taken from already.
 */
#include "base/mem.h"
#include "chain/pool/priv.h"

#include <string.h>

struct candidate {
    struct pool_tx *entry;
    struct u256 tip;
    size_t place; /* in the heap of accounts, or SIZE_MAX */
    uint32_t sender;
};

struct frontier {
    struct candidate *items;
    size_t count, capacity;
};

static bool is_better(const struct candidate *a, const struct candidate *b)
{
    if (a->entry->account->local != b->entry->account->local)
        return a->entry->account->local;
    int order = u256_compare(&a->tip, &b->tip);
    return order ? order > 0 : a->entry->sequence < b->entry->sequence;
}

static int push(const struct chain_pool *pool, struct frontier *f, struct pool_tx *entry,
                size_t place, uint32_t sender)
{
    struct candidate new = {.entry = entry, .place = place, .sender = sender};
    if (!chain_pool_tip(pool, &entry->tx->tx, &new.tip))
        return ERR_OK; /* below the base fee: neither it nor what comes after it */
    if (MEM_RESERVE(f->items, f->capacity, f->count + 1, 64))
        return ERR_NOMEM;
    size_t at = f->count++;
    for (size_t parent; at > 0 && is_better(&new, &f->items[parent = (at - 1) / 2]); at = parent)
        f->items[at] = f->items[parent];
    f->items[at] = new;
    return ERR_OK;
}

static struct candidate pop(struct frontier *f)
{
    struct candidate best = f->items[0], last = f->items[--f->count];
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < f->count; at = child) {
        if (child + 1 < f->count && is_better(&f->items[child + 1], &f->items[child]))
            child++;
        if (!is_better(&f->items[child], &last))
            break;
        f->items[at] = f->items[child];
    }
    f->items[at] = last;
    return best;
}

static int push_place(const struct chain_pool *pool, struct frontier *f, size_t place)
{
    const struct pool_heap *heap = &pool->heaps[POOL_READY];
    return place < heap->count ? push(pool, f, heap->items[place].account->first, place, 0)
                               : ERR_OK;
}

static int fill(struct chain_pool *pool, size_t max, struct frontier *f,
                struct chain_pool_batch *batch)
{
    int rc = push_place(pool, f, 0);
    while (rc == ERR_OK && f->count && batch->count < max) {
        struct candidate best = pop(f);
        const struct pool_account *account = best.entry->account;
        if (best.place != SIZE_MAX) {
            best.sender = batch->sender_count++;
            rc = push_place(pool, f, 2 * best.place + 1);
            if (rc == ERR_OK)
                rc = push_place(pool, f, 2 * best.place + 2);
        }
        batch->txs[batch->count] = chain_tx_ref(best.entry->tx);
        batch->senders[batch->count++] = best.sender;
        struct pool_tx *next = best.entry->after;
        if (rc == ERR_OK && next && next->nonce - account->nonce < account->pending)
            rc = push(pool, f, next, SIZE_MAX, best.sender);
    }
    return rc;
}

int chain_pool_take(struct chain_pool *pool, size_t max_count, struct chain_pool_batch *ret_batch)
{
    size_t max = max_count < pool->pending ? max_count : pool->pending;
    struct chain_pool_batch batch = {
        .txs = mem_alloc(max * sizeof(struct chain_tx *)),
        .senders = mem_alloc(max * sizeof(uint32_t)),
    };
    struct frontier f = {0};
    int rc = batch.txs && batch.senders ? fill(pool, max, &f, &batch) : ERR_NOMEM;
    mem_free(f.items);
    if (rc == ERR_OK && !(batch.skipped = mem_alloc_zeroed(batch.sender_count, sizeof(bool))))
        rc = ERR_NOMEM;
    if (rc != ERR_OK) {
        chain_pool_batch_release(&batch);
        return rc;
    }
    *ret_batch = batch;
    return ERR_OK;
}

void chain_pool_batch_release(struct chain_pool_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        chain_tx_unref(batch->txs[i]);
    mem_free(batch->txs);
    mem_free(batch->senders);
    mem_free(batch->skipped);
    memset(batch, 0, sizeof(*batch));
}

struct chain_tx *chain_pool_batch_next(struct chain_pool_batch *batch)
{
    while (batch->at < batch->count && batch->skipped[batch->senders[batch->at]])
        batch->at++;
    return batch->at < batch->count ? batch->txs[batch->at++] : NULL;
}

void chain_pool_batch_skip_sender(struct chain_pool_batch *batch)
{
    assert(batch->at > 0);
    batch->skipped[batch->senders[batch->at - 1]] = true;
}
