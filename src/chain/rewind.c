/* Going back to an earlier block. */
#include "base/mem.h"
#include "chain/chain_priv.h"

#include <inttypes.h>

static int ignore_absent(int err)
{
    return err == ERR_NOTFOUND ? 0 : err;
}

/* Everything that stands under the block's number, hash and transactions. */
static int delete_block(struct store_txn *txn, const struct chain_block *block)
{
    uint64_t number = block->header.number;
    int err = store_delete_id(txn, CHAIN_HEADERS, number);
    if (!err)
        err = store_delete_id(txn, CHAIN_BODIES, number);
    if (!err)
        err = store_delete_id(txn, CHAIN_RECEIPTS, number);
    if (!err)
        err = store_delete_id(txn, CHAIN_UNDO, number);
    if (!err)
        err = ignore_absent(store_delete_id(txn, CHAIN_PRIVATE, number));
    if (!err)
        err = ignore_absent(store_delete(txn, CHAIN_NUMBERS, bytes_of(block->hash.b, 32)));
    if (!err)
        err = ignore_absent(store_delete(txn, CHAIN_SNAPSHOTS, bytes_of(block->hash.b, 32)));
    for (size_t i = 0; i < block->body->body.transaction_count && !err; i++)
        err = ignore_absent(
            store_delete(txn, CHAIN_TRANSACTIONS, bytes_of(block->body->hashes[i].b, 32)));
    return err;
}

static int take_back(struct chain *chain, struct store_txn *txn, const struct chain_block *block,
                     struct err_detail *detail)
{
    struct bytes stored;
    int err = store_get_id(txn, &stored, CHAIN_UNDO, block->header.number);
    if (err == ERR_NOTFOUND)
        return err_set(detail, ERR_UNSUPPORTED,
                       "block %" PRIu64 " is too far back to be undone: the last %d can be. Export "
                       "the chain up to the block you want and import it into a new directory",
                       block->header.number, CHAIN_UNDO_MAX);
    if (err)
        return err;
    struct buf undo = BUF_INIT; /* a value of the store does not outlive a change */
    buf_append_bytes(&undo, stored);
    err = buf_status(&undo);
    if (!err)
        err = state_rewind(&chain->db, txn, buf_bytes(&undo), detail);
    buf_release(&undo);
    return err ? err : delete_block(txn, block);
}

/* The blocks above `number`, highest first. */
static int load_above(struct chain *chain, struct chain_reader *reader,
                      struct chain_block ***ret_blocks, size_t *ret_count, uint64_t number)
{
    struct chain_head head;
    chain_head(chain, &head);
    uint64_t top = head.block->header.number;
    chain_head_release(&head);
    size_t count = top > number ? (size_t)(top - number) : 0;
    struct chain_block **blocks = mem_alloc_zeroed(count + 1, sizeof(struct chain_block *));
    int err = blocks ? 0 : ERR_NOMEM;
    for (size_t i = 0; i < count && !err; i++)
        err = chain_reader_block(reader, &blocks[i], top - i);
    *ret_blocks = blocks;
    *ret_count = count;
    return err;
}

static int rewind_store(struct chain *chain, struct chain_block *const *blocks, size_t count,
                        struct err_detail *detail)
{
    struct store_txn *txn;
    int err = store_begin_write(&txn, chain->store, detail);
    if (err)
        return err;
    for (size_t i = 0; i < count && !err; i++)
        err = take_back(chain, txn, blocks[i], detail);
    if (err)
        store_abort(txn);
    else
        err = store_commit(txn);
    return err;
}

static int rewind_to(struct chain *chain, struct chain_reader *reader, uint64_t number,
                     struct err_detail *detail)
{
    struct chain_block **blocks = NULL, *target = NULL;
    struct u256 td;
    size_t count = 0;
    int err = chain_reader_block(reader, &target, number);
    if (!err)
        err = chain_reader_total_difficulty(reader, &td, number);
    if (!err)
        err = load_above(chain, reader, &blocks, &count, number);
    if (err)
        err_set(detail, err, "block %" PRIu64 ": %s", number,
                *reader->detail.text ? reader->detail.text : err_text(err));
    if (!err && count) {
        chain_results_drop(chain);
        err = rewind_store(chain, blocks, count, detail);
    }
    if (!err && count) {
        const struct chain_event event = {.block = target,
                                          .total_difficulty = td,
                                          .removed = blocks,
                                          .removed_count = count,
                                          .before = reader};
        chain_head_set(chain, target, &td);
        if (chain->on_head)
            chain->on_head(chain->on_head_context, &event);
    }
    for (size_t i = 0; blocks && i < count; i++)
        chain_block_unref(blocks[i]);
    mem_free(blocks);
    chain_block_unref(target);
    return err;
}

int chain_set_head(struct chain *chain, uint64_t number, struct err_detail *detail)
{
    struct chain_reader reader;
    struct err_detail unused;
    if (!detail)
        detail = &unused;
    detail->text[0] = '\0';
    int err = chain_reader_open(&reader, chain);
    if (err)
        return err_set(detail, err, "%s", reader.detail.text);
    err = rewind_to(chain, &reader, number, detail);
    chain_reader_close(&reader);
    return err;
}
