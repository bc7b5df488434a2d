#include "chain/private/priv.h"

#include <inttypes.h>

int chain_reader_open(struct chain_reader *ret_reader, struct chain *chain)
{
    ret_reader->chain = chain;
    ret_reader->is_lent = false;
    ret_reader->detail.text[0] = '\0';
    return store_begin_read(&ret_reader->txn, chain->store, &ret_reader->detail);
}

void chain_reader_close(struct chain_reader *reader)
{
    if (!reader->is_lent)
        store_abort(reader->txn);
    reader->txn = NULL;
}

static int corrupt(struct chain_reader *reader, uint64_t number, const char *what)
{
    return err_set(&reader->detail, ERR_CORRUPT,
                   "stored block %" PRIu64 ": %s; restore the data directory from a copy, or "
                   "remove it and import or synchronize again",
                   number, what);
}

/* The stored header: hash, total difficulty, RLP. */
static int header_record(struct chain_reader *reader, struct bytes *ret_record, uint64_t number)
{
    int err = store_get_id(reader->txn, ret_record, CHAIN_HEADERS, number);
    if (!err && ret_record->len <= CHAIN_HEADER_PREFIX)
        return corrupt(reader, number, "the header is too short");
    return err;
}

int chain_reader_head(struct chain_reader *reader, uint64_t *ret_number, struct hash256 *ret_hash)
{
    struct store_cursor *cursor;
    struct bytes key, value;
    int err = store_cursor_new(&cursor, reader->txn, CHAIN_HEADERS);
    if (err)
        return err;
    err = store_cursor_last(cursor, &key, &value);
    if (!err && value.len <= CHAIN_HEADER_PREFIX)
        err = corrupt(reader, store_id_of_key(key), "the header is too short");
    if (!err) {
        *ret_number = store_id_of_key(key);
        memcpy(ret_hash->b, value.data, sizeof(ret_hash->b));
    }
    store_cursor_free(cursor);
    return err;
}

int chain_reader_hash(struct chain_reader *reader, struct hash256 *ret_hash, uint64_t number)
{
    struct bytes record;
    int err = header_record(reader, &record, number);
    if (!err)
        memcpy(ret_hash->b, record.data, sizeof(ret_hash->b));
    return err;
}

int chain_reader_number(struct chain_reader *reader, uint64_t *ret_number,
                        const struct hash256 *hash)
{
    struct bytes value;
    int err = store_get(reader->txn, &value, CHAIN_NUMBERS, bytes_of(hash->b, sizeof(hash->b)));
    if (err)
        return err;
    if (value.len != 8)
        return err_set(&reader->detail, ERR_CORRUPT, "index of blocks: a damaged entry");
    *ret_number = chain_get_u64(value.data);
    return 0;
}

int chain_reader_header_rlp(struct chain_reader *reader, struct bytes *ret_rlp, uint64_t number)
{
    struct bytes record;
    int err = header_record(reader, &record, number);
    if (!err)
        *ret_rlp = bytes_slice(record, CHAIN_HEADER_PREFIX, record.len - CHAIN_HEADER_PREFIX);
    return err;
}

int chain_reader_body_rlp(struct chain_reader *reader, struct bytes *ret_rlp, uint64_t number)
{
    return store_get_id(reader->txn, ret_rlp, CHAIN_BODIES, number);
}

int chain_reader_header(struct chain_reader *reader, struct eth_header *ret_header, uint64_t number)
{
    struct bytes rlp;
    int err = chain_reader_header_rlp(reader, &rlp, number);
    if (!err && eth_header_decode(ret_header, rlp, NULL))
        err = corrupt(reader, number, "the header cannot be decoded");
    return err;
}

int chain_reader_block(struct chain_reader *reader, struct chain_block **ret_block, uint64_t number)
{
    struct bytes header, body;
    int err = chain_reader_header_rlp(reader, &header, number);
    if (err)
        return err;
    err = chain_reader_body_rlp(reader, &body, number);
    if (err == ERR_NOTFOUND)
        return corrupt(reader, number, "there is a header but no body");
    if (err)
        return err;
    err = chain_block_load(ret_block, header, body, &reader->detail);
    return err == ERR_CORRUPT ? corrupt(reader, number, "it cannot be decoded") : err;
}

int chain_reader_total_difficulty(struct chain_reader *reader, struct u256 *ret_td, uint64_t number)
{
    struct bytes record;
    int err = header_record(reader, &record, number);
    if (!err)
        *ret_td = u256_load(record.data + 32);
    return err;
}

int chain_reader_receipts(struct chain_reader *reader, struct eth_receipt **ret_receipts,
                          size_t *ret_count, struct arena *arena, uint64_t number)
{
    int err = chain_reader_plain_receipts(reader, ret_receipts, ret_count, arena, number);
    for (size_t i = 0; !err && i < *ret_count; i++)
        eth_receipt_make_bloom(&(*ret_receipts)[i]);
    return err;
}

int chain_reader_plain_receipts(struct chain_reader *reader, struct eth_receipt **ret_receipts,
                                size_t *ret_count, struct arena *arena, uint64_t number)
{
    struct bytes stored;
    int err = store_get_id(reader->txn, &stored, CHAIN_RECEIPTS, number);
    if (!err)
        err = chain_receipts_load(ret_receipts, ret_count, arena, stored, &reader->detail);
    return err;
}

int chain_reader_receipt(struct chain_reader *reader, struct eth_receipt *ret_receipt,
                         uint64_t *ret_gas_before, uint64_t *ret_logs_before, struct arena *arena,
                         uint64_t number, uint64_t index)
{
    struct bytes stored;
    int err = store_get_id(reader->txn, &stored, CHAIN_RECEIPTS, number);
    if (!err)
        err = chain_receipt_load(ret_receipt, ret_gas_before, ret_logs_before, arena, stored, index,
                                 &reader->detail);
    return err;
}

int chain_reader_receipts_rlp(struct chain_reader *reader, struct buf *b, uint64_t number)
{
    struct arena arena;
    struct eth_receipt *receipts;
    size_t count;
    arena_init(&arena);
    int err = chain_reader_receipts(reader, &receipts, &count, &arena, number);
    if (!err) {
        size_t list = rlp_begin(b);
        for (size_t i = 0; i < count; i++)
            eth_receipt_write(b, &receipts[i]);
        rlp_end_list(b, list);
        err = buf_status(b);
    }
    arena_release(&arena);
    return err;
}

int chain_reader_transaction(struct chain_reader *reader, uint64_t *ret_number, uint32_t *ret_index,
                             const struct hash256 *hash)
{
    struct bytes value;
    int err =
        store_get(reader->txn, &value, CHAIN_TRANSACTIONS, bytes_of(hash->b, sizeof(hash->b)));
    if (err)
        return err;
    if (value.len != 12)
        return err_set(&reader->detail, ERR_CORRUPT, "index of transactions: a damaged entry");
    uint32_t index;
    memcpy(&index, value.data + 8, sizeof(index));
    *ret_number = chain_get_u64(value.data);
    *ret_index = __builtin_bswap32(index);
    return 0;
}

int chain_reader_state(struct chain_reader *reader, struct state_reader *ret_state, uint64_t number)
{
    return state_reader_open_at(ret_state, &reader->chain->db, reader->txn, state_public(), number);
}
