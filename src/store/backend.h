/* What a back end provides. Only store.c and the back ends include this. */
#ifndef STORE_BACKEND_H
#define STORE_BACKEND_H

#include "store/store.h"

enum store_move {
    STORE_MOVE_FIRST,
    STORE_MOVE_LAST,
    STORE_MOVE_SEEK,
    STORE_MOVE_NEXT,
    STORE_MOVE_PREV,
};

/* Contracts as in store.h; arguments are checked already, and outputs are never NULL. */
struct store_ops {
    void (*free)(struct store *store);
    int (*sync)(struct store *store, struct err_detail *detail);
    int (*begin)(struct store *store, struct store_txn **ret_txn, bool write,
                 struct err_detail *detail);
    int (*commit)(struct store_txn *txn);
    void (*abort)(struct store_txn *txn);
    int (*get)(struct store_txn *txn, struct bytes *ret_value, unsigned table, struct bytes key);
    int (*put)(struct store_txn *txn, unsigned table, struct bytes key, struct bytes value,
               enum store_put mode);
    int (*delete)(struct store_txn *txn, unsigned table, struct bytes key);
    int (*count)(struct store_txn *txn, uint64_t *ret_count, unsigned table);
    int (*cursor_new)(struct store_cursor **ret_cursor, struct store_txn *txn, unsigned table);
    void (*cursor_free)(struct store_cursor *cursor);
    int (*cursor_move)(struct store_cursor *cursor, struct bytes *ret_key, struct bytes *ret_value,
                       enum store_move move, struct bytes key);
};

/* The first member of each back end's own structs; `begin` and `cursor_new` leave the two below to
 * store.c. */
struct store {
    const struct store_ops *ops;
    size_t table_count;
    enum store_key keys[STORE_TABLES_MAX];
};

struct store_txn {
    struct store *store;
    struct err_detail *detail;
    bool write;
};

struct store_cursor {
    struct store_txn *txn;
    unsigned table;
};

/* Fills the common part. */
void store_setup(struct store *store, const struct store_ops *ops, const struct store_table *tables,
                 size_t table_count);

#endif
