/* The writing of a block: everything about it, and the state after it. Durable with its batch (batch.c). */
#include "base/mem.h"
#include "chain/private/priv.h"

#include <stdlib.h>

enum {
    /* Entries that one commit may delete for what no kept state needs: above what a full block
     * leaves behind, so that no backlog grows. */
    PRUNE_MAX = 1 << 18,
};

int chain_info_get(struct store_txn *txn, struct bytes *ret_value, const char *name)
{
    return store_get(txn, ret_value, CHAIN_INFO, bytes_str(name));
}

int chain_info_put(struct store_txn *txn, const char *name, struct bytes value)
{
    return store_put(txn, CHAIN_INFO, bytes_str(name), value, STORE_PUT);
}

/* --- The block --- */

static int write_header(struct store_txn *txn, const struct chain_block *block,
                        const struct u256 *total_difficulty)
{
    struct buf record = BUF_INIT;
    uint8_t td[32];
    u256_store(td, total_difficulty);
    buf_append(&record, block->hash.b, sizeof(block->hash.b));
    buf_append(&record, td, sizeof(td));
    buf_append_bytes(&record, block->header_rlp);
    int err = buf_status(&record);
    if (!err)
        err = store_put_id(txn, CHAIN_HEADERS, block->header.number, buf_bytes(&record),
                           STORE_APPEND);
    buf_release(&record);
    return err;
}

struct indexed {
    struct hash256 hash;
    uint32_t index;
};

static int by_hash(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct hash256));
}

/* Sorted, so that neighbours in the index are written one after the other. */
static int write_transactions(struct store_txn *txn, const struct chain_block *block)
{
    size_t count = block->body->body.transaction_count;
    struct indexed *entries = mem_alloc(count * sizeof(*entries));
    int err = 0;
    if (!entries)
        return ERR_NOMEM;
    for (size_t i = 0; i < count; i++)
        entries[i] = (struct indexed){block->body->hashes[i], (uint32_t)i};
    qsort(entries, count, sizeof(*entries), by_hash);
    for (size_t i = 0; i < count && !err; i++) {
        uint8_t place[12];
        uint32_t index = __builtin_bswap32(entries[i].index);
        chain_put_u64(place, block->header.number);
        memcpy(place + 8, &index, sizeof(index));
        err = store_put(txn, CHAIN_TRANSACTIONS, bytes_of(entries[i].hash.b, 32),
                        bytes_of(place, sizeof(place)), STORE_PUT);
    }
    mem_free(entries);
    return err;
}

static int write_side(struct state_commit *commit, struct chain_private_side *side)
{
    int err = side->has_update ? state_update_commit(&side->update, commit) : 0;
    if (!err && side->has_notes_update)
        err = state_update_commit(&side->notes_update, commit);
    return err;
}

static int write_state(struct chain *chain, struct store_txn *txn, uint64_t number,
                       struct chain_result *result, struct err_detail *detail)
{
    struct state_commit commit;
    struct buf undo = BUF_INIT;
    int err = state_commit_begin(&commit, &chain->db, txn, number, &undo, detail);
    if (err) {
        buf_release(&undo);
        return err;
    }
    err = state_update_commit(&result->update, &commit);
    if (!err)
        err = write_side(&commit, &result->private.own);
    for (size_t i = 0; i < result->private.other_count && !err; i++)
        err = write_side(&commit, &result->private.others[i]);
    if (err)
        state_commit_release(&commit);
    else
        err = state_commit_end(&commit);
    if (!err && number > 0)
        err = store_put_id(txn, CHAIN_UNDO, number, buf_bytes(&undo), STORE_APPEND);
    buf_release(&undo);
    uint64_t most = chain->keep_states < CHAIN_UNDO_MAX ? chain->keep_states : CHAIN_UNDO_MAX;
    if (!err && number > most) {
        err = store_delete_id(txn, CHAIN_UNDO, number - most);
        err = err == ERR_NOTFOUND ? 0 : err;
    }
    return err;
}

int chain_write_block(struct chain *chain, struct store_txn *txn, const struct chain_block *block,
                      const struct u256 *total_difficulty, struct chain_result *result,
                      struct err_detail *detail)
{
    uint64_t number = block->header.number;
    uint8_t be[8];
    chain_put_u64(be, number);
    int err = write_header(txn, block, total_difficulty);
    if (!err)
        err = store_put_id(txn, CHAIN_BODIES, number, block->body->rlp, STORE_APPEND);
    if (!err)
        err = store_put_id(txn, CHAIN_RECEIPTS, number, buf_bytes(&result->stored), STORE_APPEND);
    if (!err)
        err = store_put(txn, CHAIN_NUMBERS, bytes_of(block->hash.b, 32), bytes_of(be, sizeof(be)),
                        STORE_PUT);
    if (!err)
        err = write_transactions(txn, block);
    if (!err)
        err = chain_private_write(txn, &result->private, number);
    if (!err)
        err = chain_private_write_states(txn, &result->private);
    if (!err)
        err = write_state(chain, txn, number, result, detail);
    if (!err && !chain->db.archive && number > chain->keep_states) {
        bool more;
        err = state_prune(&chain->db, txn, &more, number - chain->keep_states, PRUNE_MAX, detail);
    }
    return err;
}

/* The snapshot that the reference keeps, too; a later start needs no more than 1023 headers. */
static int write_snapshot(struct chain *chain, struct store_txn *txn,
                          const struct chain_block *parent)
{
    struct buf record = BUF_INIT;
    if (parent->header.number == 0 || parent->header.number % ISTANBUL_CHECKPOINT)
        return 0;
    pthread_mutex_lock(&chain->lock);
    for (int i = 0; i < CHAIN_SNAPSHOT_CACHE && !record.len; i++)
        if (chain->snapshots[i] && hash256_equal(&chain->snapshots[i]->hash, &parent->hash))
            istanbul_snapshot_write(&record, chain->snapshots[i]);
    pthread_mutex_unlock(&chain->lock);
    int err = buf_status(&record);
    if (!err && record.len)
        err = store_put(txn, CHAIN_SNAPSHOTS, bytes_of(parent->hash.b, 32), buf_bytes(&record),
                        STORE_PUT);
    buf_release(&record);
    return err;
}

int chain_write_snapshots(struct chain *chain, struct store_txn *txn,
                          const struct chain_block *parent)
{
    int err = write_snapshot(chain, txn, parent);
    return err ? err : chain_clique_store(chain, txn, parent);
}

/* --- Head --- */

void chain_head_set(struct chain *chain, struct chain_block *block,
                    const struct u256 *total_difficulty)
{
    pthread_mutex_lock(&chain->lock);
    struct chain_block *old = chain->head.block;
    chain->head = (struct chain_head){chain_block_ref(block), *total_difficulty};
    pthread_mutex_unlock(&chain->lock);
    chain_block_unref(old);
}

void chain_head(struct chain *chain, struct chain_head *ret_head)
{
    pthread_mutex_lock(&chain->lock);
    *ret_head =
        (struct chain_head){chain_block_ref(chain->head.block), chain->head.total_difficulty};
    pthread_mutex_unlock(&chain->lock);
}

void chain_on_head(struct chain *chain, void (*fn)(void *context, const struct chain_event *event),
                   void *context)
{
    chain->on_head = fn;
    chain->on_head_context = context;
}

int chain_commit_on_head(struct chain *chain, enum chain_verdict *ret_verdict,
                         struct err_detail *why, struct chain_block *block)
{
    struct chain_result *result;
    int err = chain_execute_result(chain, &result, ret_verdict, why, block, 0);
    if (err || *ret_verdict != CHAIN_VALID)
        return err;
    err = chain_batch_add(chain, block, result, why);
    return err ? err : chain_batch_commit(chain, why);
}

bool chain_is_elsewhere(const struct chain *chain, enum chain_verdict verdict)
{
    return !chain->engine->is_final &&
           (verdict == CHAIN_SIDE_CHAIN || verdict == CHAIN_UNKNOWN_PARENT);
}

int chain_commit(struct chain *chain, enum chain_verdict *ret_verdict, struct err_detail *why,
                 struct chain_block *block)
{
    struct err_detail unused = {""};
    struct err_detail *detail = why ? why : &unused;
    int err = chain_commit_on_head(chain, ret_verdict, detail, block);
    if (!err && chain_is_elsewhere(chain, *ret_verdict))
        err = chain_commit_branch(chain, ret_verdict, detail, block);
    if (!err && chain_is_bad(*ret_verdict))
        chain_keep_bad(chain, block);
    return err;
}
