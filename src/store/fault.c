#include "store/fault.h"

#include "base/mem.h"
#include "store/backend.h"

#include <stdatomic.h>

struct fault_store {
    struct store base;
    struct store *inner;
    struct {
        _Atomic uint64_t count;
        uint64_t at; /* the count that fails, 0 = none */
        int code;
    } faults[STORE_FAULTS];
};

struct fault_txn {
    struct store_txn base;
    struct store_txn *inner;
};

struct fault_cursor {
    struct store_cursor base;
    struct store_cursor *inner;
};

static const char *const fault_names[STORE_FAULTS] = {
    [STORE_FAULT_BEGIN] = "begin",   [STORE_FAULT_READ] = "read", [STORE_FAULT_WRITE] = "write",
    [STORE_FAULT_COMMIT] = "commit", [STORE_FAULT_ACK] = "ack",
};

/* Counts the operation; its code when it is the one to fail, else 0. */
static int strike(struct store *store, enum store_fault fault, struct err_detail *detail)
{
    struct fault_store *f = (struct fault_store *)store;
    uint64_t count = atomic_fetch_add(&f->faults[fault].count, 1) + 1;
    if (count != f->faults[fault].at)
        return ERR_OK;
    return err_set(detail, f->faults[fault].code, "injected fault: %s %llu", fault_names[fault],
                   (unsigned long long)count);
}

static void fault_free(struct store *store)
{
    store_free(((struct fault_store *)store)->inner);
    mem_free(store);
}

static int fault_sync(struct store *store, struct err_detail *detail)
{
    return store_sync(((struct fault_store *)store)->inner, detail);
}

static int fault_begin(struct store *store, struct store_txn **ret_txn, bool write,
                       struct err_detail *detail)
{
    int status = strike(store, STORE_FAULT_BEGIN, detail);
    if (status != ERR_OK)
        return status;
    struct store *inner = ((struct fault_store *)store)->inner;
    struct fault_txn *txn = mem_alloc_zeroed(1, sizeof(*txn));
    if (!txn)
        return err_set(detail, ERR_NOMEM, "out of memory");
    status = write ? store_begin_write(&txn->inner, inner, detail)
                   : store_begin_read(&txn->inner, inner, detail);
    if (status != ERR_OK) {
        mem_free(txn);
        return status;
    }
    *ret_txn = &txn->base;
    return ERR_OK;
}

static void fault_abort(struct store_txn *base)
{
    struct fault_txn *txn = (struct fault_txn *)base;
    store_abort(txn->inner);
    mem_free(txn);
}

static int fault_commit(struct store_txn *base)
{
    struct fault_txn *txn = (struct fault_txn *)base;
    int status = strike(base->store, STORE_FAULT_COMMIT, base->detail);
    if (status != ERR_OK) {
        fault_abort(base);
        return status;
    }
    status = store_commit(txn->inner);
    if (status == ERR_OK)
        status = strike(base->store, STORE_FAULT_ACK, base->detail);
    mem_free(txn);
    return status;
}

static int fault_get(struct store_txn *base, struct bytes *ret_value, unsigned table,
                     struct bytes key)
{
    int status = strike(base->store, STORE_FAULT_READ, base->detail);
    return status != ERR_OK ? status
                            : store_get(((struct fault_txn *)base)->inner, ret_value, table, key);
}

static int fault_put(struct store_txn *base, unsigned table, struct bytes key, struct bytes value,
                     enum store_put mode)
{
    int status = strike(base->store, STORE_FAULT_WRITE, base->detail);
    return status != ERR_OK ? status
                            : store_put(((struct fault_txn *)base)->inner, table, key, value, mode);
}

static int fault_delete(struct store_txn *base, unsigned table, struct bytes key)
{
    int status = strike(base->store, STORE_FAULT_WRITE, base->detail);
    return status != ERR_OK ? status : store_delete(((struct fault_txn *)base)->inner, table, key);
}

static int fault_count(struct store_txn *base, uint64_t *ret_count, unsigned table)
{
    int status = strike(base->store, STORE_FAULT_READ, base->detail);
    return status != ERR_OK ? status
                            : store_count(((struct fault_txn *)base)->inner, ret_count, table);
}

static int fault_cursor_new(struct store_cursor **ret_cursor, struct store_txn *base,
                            unsigned table)
{
    struct fault_cursor *cursor = mem_alloc_zeroed(1, sizeof(*cursor));
    if (!cursor)
        return err_set(base->detail, ERR_NOMEM, "out of memory");
    int status = store_cursor_new(&cursor->inner, ((struct fault_txn *)base)->inner, table);
    if (status != ERR_OK) {
        mem_free(cursor);
        return status;
    }
    *ret_cursor = &cursor->base;
    return ERR_OK;
}

static void fault_cursor_free(struct store_cursor *cursor)
{
    store_cursor_free(((struct fault_cursor *)cursor)->inner);
    mem_free(cursor);
}

static int fault_cursor_move(struct store_cursor *cursor, struct bytes *ret_key,
                             struct bytes *ret_value, enum store_move move, struct bytes key)
{
    int status = strike(cursor->txn->store, STORE_FAULT_READ, cursor->txn->detail);
    struct store_cursor *inner = ((struct fault_cursor *)cursor)->inner;
    return status != ERR_OK
               ? status
               : inner->txn->store->ops->cursor_move(inner, ret_key, ret_value, move, key);
}

static const struct store_ops fault_ops = {
    .free = fault_free,
    .sync = fault_sync,
    .begin = fault_begin,
    .commit = fault_commit,
    .abort = fault_abort,
    .get = fault_get,
    .put = fault_put,
    .delete = fault_delete,
    .count = fault_count,
    .cursor_new = fault_cursor_new,
    .cursor_free = fault_cursor_free,
    .cursor_move = fault_cursor_move,
};

int store_fault_new(struct store **ret_store, struct store *inner)
{
    struct fault_store *store = mem_alloc_zeroed(1, sizeof(*store));
    if (!store)
        return ERR_NOMEM;
    store->base = *inner;
    store->base.ops = &fault_ops;
    store->inner = inner;
    *ret_store = &store->base;
    return ERR_OK;
}

void store_fault_set(struct store *store, enum store_fault fault, uint64_t n, int code)
{
    struct fault_store *f = (struct fault_store *)store;
    assert(store->ops == &fault_ops);
    f->faults[fault].at = n ? f->faults[fault].count + n : 0;
    f->faults[fault].code = code;
}

uint64_t store_fault_count(const struct store *store, enum store_fault fault)
{
    assert(store->ops == &fault_ops);
    return ((const struct fault_store *)store)->faults[fault].count;
}
