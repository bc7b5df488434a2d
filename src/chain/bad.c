/*
 * Blocks that were refused, for who wants to look at them (debug_getBadBlocks): the ten highest, as in GoQuorum
 * (core/rawdb, WriteBadBlock), under "bad" in the table of information: their encodings one after the other, highest first.
 */
#include "chain/chain_priv.h"

enum {
    /* Bytes of all of them: ten of an ordinary size, so that a peer that sends large ones does not fill the disk. */
    BAD_SIZE_MAX = 16 << 20,
};

static const char record_name[] = "bad";

bool chain_is_bad(enum chain_verdict verdict)
{
    switch (verdict) {
    case CHAIN_VALID:
    case CHAIN_KNOWN:
    case CHAIN_FUTURE:
    case CHAIN_UNKNOWN_PARENT:
    case CHAIN_SIDE_CHAIN:
    case CHAIN_PRIVATE_STATE:
        return false;
    case CHAIN_BAD_NUMBER:
    case CHAIN_BAD_HEADER:
    case CHAIN_BAD_SEALS:
    case CHAIN_BAD_BODY:
    case CHAIN_BAD_SENDER:
    case CHAIN_BAD_TRANSACTION:
    case CHAIN_BAD_RESULT:
        return true;
    }
    return false;
}

/* The next encoding, and the number in it; false at the end. */
static bool next_record(struct rlp_reader *r, struct bytes *ret_block, uint64_t *ret_number)
{
    struct eth_header header = {.number = 0};
    if (!rlp_more(r))
        return false;
    *ret_block = rlp_read_raw(r, "block");
    struct rlp_reader inside;
    rlp_reader_init(&inside, *ret_block);
    rlp_enter(&inside, "block");
    eth_header_read(&header, &inside);
    *ret_number = header.number;
    return rlp_ok(r);
}

/* Those that are there with the new one in its place, as far as there is room. */
static int merge(struct buf *to, struct bytes old, struct bytes block, uint64_t number)
{
    struct rlp_reader r;
    struct bytes other;
    uint64_t other_number;
    unsigned count = 0;
    bool placed = false;
    rlp_reader_init(&r, old);
    while (count < CHAIN_BAD_MAX && next_record(&r, &other, &other_number)) {
        if (bytes_equal(other, block))
            return ERR_EXISTS;
        if (!placed && other_number <= number) {
            buf_append_bytes(to, block);
            placed = true;
            count++;
        }
        if (count < CHAIN_BAD_MAX && to->len + other.len <= BAD_SIZE_MAX) {
            buf_append_bytes(to, other);
            count++;
        }
    }
    if (!placed && count < CHAIN_BAD_MAX && to->len + block.len <= BAD_SIZE_MAX)
        buf_append_bytes(to, block);
    return buf_status(to);
}

static int keep(struct store_txn *txn, struct bytes block, uint64_t number)
{
    struct bytes old = bytes_none();
    struct buf record = BUF_INIT;
    int err = chain_info_get(txn, &old, record_name);
    if (err == ERR_NOTFOUND)
        err = 0;
    if (!err)
        err = merge(&record, old, block, number);
    if (!err)
        err = chain_info_put(txn, record_name, buf_bytes(&record));
    buf_release(&record);
    return err;
}

void chain_keep_bad(struct chain *chain, const struct chain_block *block)
{
    struct store_txn *txn;
    struct err_detail detail;
    struct buf rlp = BUF_INIT;
    chain_block_write(&rlp, block);
    if (buf_status(&rlp) == 0 && rlp.len <= BAD_SIZE_MAX &&
        store_begin_write(&txn, chain->store, &detail) == 0) {
        int err = keep(txn, buf_bytes(&rlp), block->header.number);
        if (err)
            store_abort(txn);
        else
            err = store_commit(txn);
        (void)err; /* without it there is one less to look at */
    }
    buf_release(&rlp);
}

int chain_reader_bad_blocks(struct chain_reader *reader,
                            struct chain_block *ret_blocks[CHAIN_BAD_MAX], size_t *ret_count)
{
    struct bytes record, block;
    struct rlp_reader r;
    uint64_t number;
    size_t count = 0;
    int err = chain_info_get(reader->txn, &record, record_name);
    if (err == ERR_NOTFOUND) {
        *ret_count = 0;
        return 0;
    }
    if (err)
        return err;
    rlp_reader_init(&r, record);
    while (!err && count < CHAIN_BAD_MAX && next_record(&r, &block, &number)) {
        err = chain_block_decode(&ret_blocks[count], block, &reader->detail);
        count += !err;
    }
    if (err) {
        while (count)
            chain_block_unref(ret_blocks[--count]);
        return err;
    }
    *ret_count = count;
    return 0;
}
