#include "store/backend.h"

void store_setup(struct store *store, const struct store_ops *ops, const struct store_table *tables,
                 size_t table_count)
{
    assert(table_count > 0 && table_count <= STORE_TABLES_MAX);
    store->ops = ops;
    store->table_count = table_count;
    for (size_t i = 0; i < table_count; i++)
        store->keys[i] = tables[i].key;
}

static bool is_key(const struct store *store, unsigned table, struct bytes key)
{
    if (table >= store->table_count)
        return false;
    if (store->keys[table] == STORE_KEY_U64)
        return key.len == sizeof(uint64_t);
    return key.len > 0 && key.len <= STORE_KEY_MAX;
}

void store_free(struct store *store)
{
    if (store)
        store->ops->free(store);
}

int store_sync(struct store *store, struct err_detail *detail)
{
    return store->ops->sync(store, detail);
}

static int begin(struct store_txn **ret_txn, struct store *store, bool write,
                 struct err_detail *detail)
{
    int status = store->ops->begin(store, ret_txn, write, detail);
    if (status != ERR_OK)
        return status;
    (*ret_txn)->store = store;
    (*ret_txn)->detail = detail;
    (*ret_txn)->write = write;
    return ERR_OK;
}

int store_begin_read(struct store_txn **ret_txn, struct store *store, struct err_detail *detail)
{
    return begin(ret_txn, store, false, detail);
}

int store_begin_write(struct store_txn **ret_txn, struct store *store, struct err_detail *detail)
{
    return begin(ret_txn, store, true, detail);
}

int store_commit(struct store_txn *txn)
{
    assert(txn->write);
    return txn->store->ops->commit(txn);
}

void store_abort(struct store_txn *txn)
{
    if (txn)
        txn->store->ops->abort(txn);
}

int store_get(struct store_txn *txn, struct bytes *ret_value, unsigned table, struct bytes key)
{
    assert(is_key(txn->store, table, key));
    return txn->store->ops->get(txn, ret_value, table, key);
}

int store_put(struct store_txn *txn, unsigned table, struct bytes key, struct bytes value,
              enum store_put mode)
{
    assert(txn->write && is_key(txn->store, table, key));
    if (value.len > STORE_VALUE_MAX)
        return err_set(txn->detail, ERR_LIMIT, "a value of %zu bytes is too long to store",
                       value.len);
    return txn->store->ops->put(txn, table, key, value, mode);
}

int store_delete(struct store_txn *txn, unsigned table, struct bytes key)
{
    assert(txn->write && is_key(txn->store, table, key));
    return txn->store->ops->delete(txn, table, key);
}

int store_count(struct store_txn *txn, uint64_t *ret_count, unsigned table)
{
    assert(table < txn->store->table_count);
    return txn->store->ops->count(txn, ret_count, table);
}

int store_cursor_new(struct store_cursor **ret_cursor, struct store_txn *txn, unsigned table)
{
    assert(table < txn->store->table_count);
    int status = txn->store->ops->cursor_new(ret_cursor, txn, table);
    if (status != ERR_OK)
        return status;
    (*ret_cursor)->txn = txn;
    (*ret_cursor)->table = table;
    return ERR_OK;
}

void store_cursor_free(struct store_cursor *cursor)
{
    if (cursor)
        cursor->txn->store->ops->cursor_free(cursor);
}

static int move(struct store_cursor *cursor, struct bytes *ret_key, struct bytes *ret_value,
                enum store_move how, struct bytes key)
{
    struct bytes value;
    return cursor->txn->store->ops->cursor_move(cursor, ret_key, ret_value ? ret_value : &value,
                                                how, key);
}

int store_cursor_first(struct store_cursor *cursor, struct bytes *ret_key, struct bytes *ret_value)
{
    return move(cursor, ret_key, ret_value, STORE_MOVE_FIRST, bytes_none());
}

int store_cursor_last(struct store_cursor *cursor, struct bytes *ret_key, struct bytes *ret_value)
{
    return move(cursor, ret_key, ret_value, STORE_MOVE_LAST, bytes_none());
}

int store_cursor_seek(struct store_cursor *cursor, struct bytes *ret_key, struct bytes *ret_value,
                      struct bytes key)
{
    assert(is_key(cursor->txn->store, cursor->table, key));
    return move(cursor, ret_key, ret_value, STORE_MOVE_SEEK, key);
}

int store_cursor_next(struct store_cursor *cursor, struct bytes *ret_key, struct bytes *ret_value)
{
    return move(cursor, ret_key, ret_value, STORE_MOVE_NEXT, bytes_none());
}

int store_cursor_prev(struct store_cursor *cursor, struct bytes *ret_key, struct bytes *ret_value)
{
    return move(cursor, ret_key, ret_value, STORE_MOVE_PREV, bytes_none());
}
