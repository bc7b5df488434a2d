/*
 * Branches, where the engine allows them: a block that does not stand on the head is kept aside, and
 * when its branch has more difficulty than the chain, or wins at the same, the chain goes back to where
 * they part and along the branch. Every block of it is checked and executed as any other is; when one fails, the old
 * blocks come back.
 */
#include "base/mem.h"
#include "chain/chain_priv.h"

enum {
    SIDE_PREFIX = 32, /* total difficulty, before the block's RLP */
    /* Blocks aside. Only signers can add any (may_sign), and each makes a block of a height or two. */
    SIDE_MAX = 512,
};

struct branch {
    struct chain *chain;
    struct chain_block *blocks[CHAIN_UNDO_MAX]; /* of the branch, lowest last */
    size_t count;
    struct chain_block *old[CHAIN_UNDO_MAX]; /* of the chain above the ancestor, lowest last */
    size_t old_count;
    uint64_t ancestor;
};

static void release(struct branch *b)
{
    for (size_t i = 0; i < b->count; i++)
        chain_block_unref(b->blocks[i]);
    for (size_t i = 0; i < b->old_count; i++)
        chain_block_unref(b->old[i]);
}

/* --- Aside --- */

static int get_aside(struct store_txn *txn, const struct hash256 *hash, struct u256 *ret_td,
                     struct bytes *ret_rlp)
{
    struct bytes record;
    int err = store_get(txn, &record, CHAIN_SIDE, bytes_of(hash->b, sizeof(hash->b)));
    if (err)
        return err;
    if (record.len <= SIDE_PREFIX)
        return ERR_CORRUPT;
    *ret_td = u256_load(record.data);
    *ret_rlp = bytes_slice(record, SIDE_PREFIX, record.len - SIDE_PREFIX);
    return 0;
}

static int put_aside(struct store_txn *txn, const struct chain_block *block, const struct u256 *td)
{
    struct buf record = BUF_INIT;
    uint8_t be[SIDE_PREFIX];
    u256_store(be, td);
    buf_append(&record, be, sizeof(be));
    chain_block_write(&record, block);
    int err = buf_status(&record);
    if (!err)
        err =
            store_put(txn, CHAIN_SIDE, bytes_of(block->hash.b, 32), buf_bytes(&record), STORE_PUT);
    buf_release(&record);
    return err;
}

/* Forgets blocks too old to matter; all of them, when there are too many. */
static int sweep(struct store_txn *txn, uint64_t head)
{
    uint64_t count;
    int err = store_count(txn, &count, CHAIN_SIDE);
    bool all = count >= SIDE_MAX;
    struct store_cursor *cursor;
    struct buf old = BUF_INIT; /* keys */
    if (err || count == 0)
        return err;
    err = store_cursor_new(&cursor, txn, CHAIN_SIDE);
    if (err)
        return err;
    struct bytes key, value;
    for (err = store_cursor_first(cursor, &key, &value); !err;
         err = store_cursor_next(cursor, &key, &value)) {
        struct rlp_reader r;
        struct eth_header header = {.number = 0};
        rlp_reader_init(&r, bytes_slice(value, SIDE_PREFIX, value.len - SIDE_PREFIX));
        rlp_enter(&r, "block");
        eth_header_read(&header, &r);
        if (all || header.number + CHAIN_UNDO_MAX < head)
            buf_append_bytes(&old, key);
    }
    store_cursor_free(cursor);
    err = err == ERR_NOTFOUND ? buf_status(&old) : err;
    for (size_t at = 0; at + 32 <= old.len && !err; at += 32)
        err = store_delete(txn, CHAIN_SIDE, bytes_of(old.data + at, 32));
    buf_release(&old);
    return err;
}

static int write_aside(struct chain *chain, struct chain_block *const *blocks,
                       const struct u256 *tds, size_t count, struct err_detail *why)
{
    struct store_txn *txn;
    struct chain_head head;
    int err = store_begin_write(&txn, chain->store, why);
    if (err)
        return err;
    chain_head(chain, &head);
    err = sweep(txn, head.block->header.number);
    chain_head_release(&head);
    for (size_t i = 0; i < count && !err; i++)
        err = put_aside(txn, blocks[i], &tds[i]);
    if (err)
        store_abort(txn);
    else
        err = store_commit(txn);
    return err;
}

/* --- Where a block belongs --- */

/* The total difficulty up to the parent, on whichever branch. */
static int parent_difficulty(struct chain_reader *reader, const struct chain_block *block,
                             struct u256 *ret_td)
{
    struct bytes rlp;
    uint64_t number;
    int err = chain_reader_number(reader, &number, &block->header.parent_hash);
    if (err == ERR_NOTFOUND)
        return get_aside(reader->txn, &block->header.parent_hash, ret_td, &rlp);
    if (!err && number + 1 != block->header.number)
        return ERR_NOTFOUND;
    return err ? err : chain_reader_total_difficulty(reader, ret_td, number);
}

/* From the block back to the chain. */
static int collect(struct branch *b, struct chain_reader *reader, struct chain_block *tip)
{
    struct chain_head head;
    int err = 0;
    b->blocks[b->count++] = chain_block_ref(tip);
    while (chain_reader_number(reader, &b->ancestor,
                               &b->blocks[b->count - 1]->header.parent_hash) != 0) {
        struct bytes rlp;
        struct u256 td;
        if (b->count == CHAIN_UNDO_MAX)
            return ERR_LIMIT;
        err = get_aside(reader->txn, &b->blocks[b->count - 1]->header.parent_hash, &td, &rlp);
        if (!err)
            err = chain_block_decode(&b->blocks[b->count], rlp, &reader->detail);
        if (err)
            return err;
        b->count++;
    }
    chain_head(b->chain, &head);
    uint64_t top = head.block->header.number;
    chain_head_release(&head);
    for (uint64_t number = top; number > b->ancestor && !err; number--) {
        if (b->old_count == CHAIN_UNDO_MAX)
            return ERR_LIMIT;
        err = chain_reader_block(reader, &b->old[b->old_count], number);
        b->old_count += !err;
    }
    return err;
}

/* --- Going over --- */

static int commit_all(struct chain *chain, enum chain_verdict *ret_verdict, struct err_detail *why,
                      struct chain_block *const *blocks, size_t count)
{
    int err = 0;
    *ret_verdict = CHAIN_VALID;
    for (size_t i = count; i > 0 && !err && *ret_verdict == CHAIN_VALID; i--)
        err = chain_commit_on_head(chain, ret_verdict, why, blocks[i - 1]);
    return err;
}

static int go_over(struct branch *b, enum chain_verdict *ret_verdict, struct err_detail *why,
                   const struct u256 *old_tds)
{
    enum chain_verdict unused;
    struct err_detail ignored;
    struct chain *chain = b->chain;
    int err = write_aside(chain, b->old, old_tds, b->old_count, why);
    if (!err)
        err = chain_set_head(chain, b->ancestor, why);
    if (err)
        return err;
    err = commit_all(chain, ret_verdict, why, b->blocks, b->count);
    if (!err && *ret_verdict == CHAIN_VALID)
        return 0;
    /* The old blocks were valid before. */
    int back = chain_set_head(chain, b->ancestor, &ignored);
    if (!back)
        back = commit_all(chain, &unused, &ignored, b->old, b->old_count);
    return err ? err : back;
}

static int reorganise(struct chain *chain, struct chain_reader *reader,
                      enum chain_verdict *ret_verdict, struct err_detail *why,
                      struct chain_block *block)
{
    struct branch *b = mem_alloc_zeroed(1, sizeof(*b));
    struct u256 *tds = mem_alloc_zeroed(CHAIN_UNDO_MAX, sizeof(*tds));
    int err = b && tds ? 0 : ERR_NOMEM;
    if (!err) {
        b->chain = chain;
        err = collect(b, reader, block);
    }
    for (size_t i = 0; !err && i < b->old_count; i++)
        err = chain_reader_total_difficulty(reader, &tds[i], b->old[i]->header.number);
    if (!err)
        err = go_over(b, ret_verdict, why, tds);
    else if (err == ERR_LIMIT)
        err = 0; /* it stays aside */
    if (b)
        release(b);
    mem_free(b);
    mem_free(tds);
    return err;
}

/*
 * Of the same difficulty, the shorter one (as in GoQuorum, which then draws lots), then the one whose last block has the smaller hash: all take the same.
 * Two signers that made a block at the same time, and both kept to their own, would wait for each other for ever where nobody else may sign: each has
 * signed what it stands on.
 */
static bool wins(const struct chain_block *block, const struct u256 *td,
                 const struct chain_head *head)
{
    const struct chain_block *tip = head->block;
    int order = u256_compare(td, &head->total_difficulty);
    if (order == 0 && block->header.number != tip->header.number)
        return block->header.number < tip->header.number;
    return order > 0 || (order == 0 && memcmp(block->hash.b, tip->hash.b, sizeof(tip->hash.b)) < 0);
}

static int take_branch(struct chain *chain, struct chain_reader *reader,
                       enum chain_verdict *ret_verdict, struct err_detail *why,
                       struct chain_block *block)
{
    struct u256 td, known;
    struct bytes rlp;
    struct chain_head head;
    bool may = false;
    int err = get_aside(reader->txn, &block->hash, &known, &rlp);
    if (err != ERR_NOTFOUND) {
        *ret_verdict = CHAIN_KNOWN;
        return err;
    }
    err = parent_difficulty(reader, block, &td);
    if (err == ERR_NOTFOUND) {
        *ret_verdict = CHAIN_UNKNOWN_PARENT;
        return 0;
    }
    if (!err)
        err = chain->engine->may_sign(chain, reader, &block->header, &may);
    if (err)
        return err;
    if (!may || !chain_block_matches(block)) {
        *ret_verdict = may ? CHAIN_BAD_BODY : CHAIN_BAD_HEADER;
        return err_set(why, 0, "%s",
                       may ? chain_verdict_text(*ret_verdict) : "unauthorized signer");
    }
    u256_add(&td, &td, &block->header.difficulty);
    *ret_verdict = CHAIN_VALID;
    err = write_aside(chain, &block, &td, 1, why);
    chain_head(chain, &head);
    bool better = wins(block, &td, &head);
    chain_head_release(&head);
    if (err || !better)
        return err;
    chain_reader_close(reader); /* it does not see what was put aside */
    err = chain_reader_open(reader, chain);
    return err ? err : reorganise(chain, reader, ret_verdict, why, block);
}

int chain_commit_branch(struct chain *chain, enum chain_verdict *ret_verdict,
                        struct err_detail *why, struct chain_block *block)
{
    struct chain_reader reader;
    int err = chain_reader_open(&reader, chain);
    if (err)
        return err_set(why, err, "%s", reader.detail.text);
    err = take_branch(chain, &reader, ret_verdict, why, block);
    if (reader.txn)
        chain_reader_close(&reader);
    return err;
}
