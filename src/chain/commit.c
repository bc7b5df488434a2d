/* The writing of a block: everything about it, and the state after it, in one durable commit. */
#include "base/mem.h"
#include "chain/private_priv.h"

#include <inttypes.h>
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
    int err = state_commit_begin_undo(&commit, &chain->db, txn, number, &undo, detail);
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

/* The listener is told after the commit, so room for the list is made before it. */
static int list_changes(const struct chain_result *result, struct chain_pool_account **ret_accounts)
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
    *ret_accounts = accounts;
    return 0;
}

static int write_all(struct chain *chain, const struct chain_head *head, struct chain_block *block,
                     const struct u256 *total_difficulty, struct chain_result *result,
                     struct err_detail *detail)
{
    struct store_txn *txn;
    int err = store_begin_write(&txn, chain->store, detail);
    if (err)
        return err;
    err = chain_write_block(chain, txn, block, total_difficulty, result, detail);
    if (!err)
        err = write_snapshot(chain, txn, head->block);
    if (!err)
        err = chain_clique_store(chain, txn, head->block);
    if (err)
        store_abort(txn);
    else
        err = store_commit(txn);
    return err;
}

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

static void announce(struct chain *chain, struct chain_block *block, const struct u256 *td,
                     const struct chain_result *result, const struct chain_pool_account *changed)
{
    const struct chain_event event = {.block = block,
                                      .total_difficulty = *td,
                                      .receipts = buf_bytes(&result->message),
                                      .changed = changed,
                                      .changed_count = result->update.account_count};
    if (chain->on_head)
        chain->on_head(chain->on_head_context, &event);
}

static int commit_result(struct chain *chain, struct chain_block *block,
                         struct chain_result *result, struct err_detail *why)
{
    struct chain_head head;
    struct chain_pool_account *changed;
    struct u256 td;
    int err = list_changes(result, &changed);
    if (err)
        return err_set(why, err, "commit: %s", err_text(err));
    chain_head(chain, &head);
    u256_add(&td, &head.total_difficulty, &block->header.difficulty);
    why->text[0] = '\0';
    err = write_all(chain, &head, block, &td, result, why);
    chain_head_release(&head);
    if (err && !is_there(chain, block)) {
        chain_result_close(result); /* its tries are void after a failed commit */
        mem_free(changed);
        return err_prefix(why, err, "block %" PRIu64 " could not be written (%s)",
                          block->header.number, err_text(err));
    }
    chain_head_set(chain, block, &td);
    announce(chain, block, &td, result, changed);
    mem_free(changed);
    chain_results_drop(chain);
    return 0;
}

int chain_commit_on_head(struct chain *chain, enum chain_verdict *ret_verdict,
                         struct err_detail *why, struct chain_block *block)
{
    struct chain_result *result;
    int err = chain_execute_result(chain, &result, ret_verdict, why, block, 0);
    if (err || *ret_verdict != CHAIN_VALID)
        return err;
    return commit_result(chain, block, result, why);
}

int chain_commit(struct chain *chain, enum chain_verdict *ret_verdict, struct err_detail *why,
                 struct chain_block *block)
{
    struct err_detail unused = {""};
    struct err_detail *detail = why ? why : &unused;
    int err = chain_commit_on_head(chain, ret_verdict, detail, block);
    bool elsewhere =
        !err && (*ret_verdict == CHAIN_SIDE_CHAIN || *ret_verdict == CHAIN_UNKNOWN_PARENT);
    if (elsewhere && !chain->engine->is_final)
        err = chain_commit_branch(chain, ret_verdict, detail, block);
    if (!err && chain_is_bad(*ret_verdict))
        chain_keep_bad(chain, block);
    return err;
}
