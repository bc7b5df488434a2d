/*
 * Several blocks in one durable commit: what a commit costs the disk is shared by the blocks of a run. A block that is
 * committed by itself is a batch of one.
 *
 *     chain_batch_add     begins a transaction, if none is open, and writes into it
 *     chain_batch_commit  makes it durable, moves the head, tells the listener
 *
 * In between the chain's head is the one before the batch, for everybody but the thread that executes: that one stands on the tip
 * and reads through the open transaction. A crash, or a failure to write, leaves nothing of the batch.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "chain/chain_priv.h"

#include <inttypes.h>

enum {
    /* So much at most is lost in a crash, done again, and kept in memory; a full block is a batch by itself, since its own
     * work hides the disk's. */
    BATCH_BYTES = 1 << 20,
    BATCH_GAS =
        30000000, /* 1,500 new slots: some thousand pages, where LMDB keeps 131,071 in memory */
    BATCH_MILLISECONDS = 500,
};

void chain_batch_init(struct chain_batch *batch)
{
    batch->limits = (struct chain_batch_limits){.blocks = CHAIN_BATCH_BLOCKS,
                                                .bytes = BATCH_BYTES,
                                                .gas = BATCH_GAS,
                                                .milliseconds = BATCH_MILLISECONDS};
}

bool chain_batch_is_full(const struct chain_batch *batch)
{
    const struct chain_batch_limits *most = &batch->limits;
    return batch->count >= most->blocks || batch->bytes >= most->bytes || batch->gas >= most->gas ||
           base_now_ms() - batch->began_ms >= most->milliseconds;
}

/* --- The tip --- */

void chain_tip(struct chain *chain, struct chain_head *ret_tip)
{
    const struct chain_batch *batch = &chain->batch;
    if (!batch->txn) {
        chain_head(chain, ret_tip);
        return;
    }
    const struct chain_pending *last = &batch->blocks[batch->count - 1];
    *ret_tip = (struct chain_head){chain_block_ref(last->block), last->total_difficulty};
}

int chain_reader_open_tip(struct chain_reader *ret_reader, struct chain *chain)
{
    if (!chain->batch.txn)
        return chain_reader_open(ret_reader, chain);
    ret_reader->chain = chain;
    ret_reader->txn = chain->batch.txn;
    ret_reader->is_lent = true;
    ret_reader->detail.text[0] = '\0';
    return 0;
}

/* --- Adding --- */

/* The listener is told after the commit, so room for the list is made before it. */
static int list_changes(const struct chain_result *result, struct chain_pending *pending)
{
    const struct state_update *u = &result->update;
    struct chain_pool_account *accounts = mem_alloc(u->account_count * sizeof(*accounts));
    if (!accounts)
        return ERR_NOMEM;
    for (size_t i = 0; i < u->account_count; i++) {
        const struct state_account_change *change = &u->accounts[i];
        accounts[i] = (struct chain_pool_account){.address = change->address};
        if (change->exists) {
            accounts[i].nonce = change->account.nonce;
            accounts[i].balance = change->account.balance;
        }
    }
    pending->changed = accounts;
    pending->changed_count = u->account_count;
    return 0;
}

static int write_pending(struct chain *chain, const struct chain_block *parent,
                         const struct chain_pending *pending, struct chain_result *result,
                         struct err_detail *why)
{
    struct chain_batch *batch = &chain->batch;
    int err = 0;
    if (!batch->txn) {
        batch->detail.text[0] = '\0';
        batch->began_ms = base_now_ms();
        err = store_begin_write(&batch->txn, chain->store, &batch->detail);
    }
    if (!err)
        err = chain_write_block(chain, batch->txn, pending->block, &pending->total_difficulty,
                                result, why);
    return err ? err : chain_write_snapshots(chain, batch->txn, parent);
}

static void forget(struct chain_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        struct chain_pending *pending = &batch->blocks[i];
        chain_block_unref(pending->block);
        mem_free(pending->changed);
        buf_release(&pending->receipts);
    }
    batch->count = batch->bytes = 0;
    batch->gas = 0;
    batch->txn = NULL;
}

/* Nothing of the batch is there; `err`: why. */
static int lost(struct chain *chain, int err, struct err_detail *why)
{
    struct chain_batch *batch = &chain->batch;
    uint64_t first = batch->blocks[0].block->header.number, last = first + batch->count - 1;
    if (!*why->text && *batch->detail.text)
        *why = batch->detail;
    if (first == last)
        err = err_prefix(why, err, "block %" PRIu64 " could not be written (%s)", first,
                         err_text(err));
    else
        err = err_prefix(why, err, "blocks %" PRIu64 " to %" PRIu64 " could not be written (%s)",
                         first, last, err_text(err));
    forget(batch);
    return err;
}

int chain_batch_add(struct chain *chain, struct chain_block *block, struct chain_result *result,
                    struct err_detail *why)
{
    struct chain_batch *batch = &chain->batch;
    struct chain_pending *pending = &batch->blocks[batch->count];
    struct chain_head tip;
    assert(batch->count < CHAIN_BATCH_BLOCKS);
    *pending = (struct chain_pending){.block = NULL};
    why->text[0] = '\0';
    chain_tip(chain, &tip);
    int err = list_changes(result, pending);
    u256_add(&pending->total_difficulty, &tip.total_difficulty, &block->header.difficulty);
    pending->block = chain_block_ref(block);
    batch->count++;
    if (!err)
        err = write_pending(chain, tip.block, pending, result, why);
    chain_head_release(&tip);
    if (err) {
        chain_result_close(
            result); /* its tries are void, and it may read through the transaction */
        store_abort(batch->txn);
        return lost(chain, err, why);
    }
    if (chain->on_head) { /* the result gets another one, empty */
        pending->receipts = result->message;
        buf_init(&result->message);
    }
    batch->bytes += chain_block_size(block) + pending->receipts.len;
    batch->gas += block->header.gas_used;
    chain_result_close(result);
    return 0;
}

/* --- Committing --- */

/* Whether a commit that reported a failure took effect all the same, as when the disk fails right
 * after it: the store alone knows. */
static bool is_there(struct chain *chain, const struct chain_block *block)
{
    struct chain_reader reader;
    struct hash256 hash;
    uint64_t number;
    if (chain_reader_open(&reader, chain))
        return false;
    bool there =
        chain_reader_head(&reader, &number, &hash) == 0 && hash256_equal(&hash, &block->hash);
    chain_reader_close(&reader);
    return there;
}

static void announce(struct chain *chain, const struct chain_pending *pending)
{
    const struct chain_event event = {.block = pending->block,
                                      .total_difficulty = pending->total_difficulty,
                                      .receipts = buf_bytes(&pending->receipts),
                                      .changed = pending->changed,
                                      .changed_count = pending->changed_count};
    if (chain->on_head)
        chain->on_head(chain->on_head_context, &event);
}

int chain_batch_commit(struct chain *chain, struct err_detail *why)
{
    struct chain_batch *batch = &chain->batch;
    if (batch->count == 0)
        return 0;
    int err = store_commit(batch->txn);
    batch->txn = NULL; /* before anybody reads */
    if (err && !is_there(chain, batch->blocks[batch->count - 1].block)) {
        why->text[0] = '\0';
        return lost(chain, err, why);
    }
    for (size_t i = 0; i < batch->count; i++) {
        const struct chain_pending *pending = &batch->blocks[i];
        chain_head_set(chain, pending->block, &pending->total_difficulty);
        announce(chain, pending);
    }
    forget(batch);
    chain_results_drop(chain);
    return 0;
}
