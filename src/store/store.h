/*
 * Key-value storage: several named tables in one environment, snapshots for many readers, one
 * writer at a time whose batch becomes durable as a whole or not at all.
 *
 * Read this file; the back ends behind it are lmdb.c (disk), memory.c (tests and one-off states)
 * and fault.c (a wrapper that fails where a test says, see fault.h). A new one fills the table of
 * functions in backend.h.
 *
 * Threads: a store may be used by all. A transaction and its cursors belong to one thread at a
 * time, a write transaction to the thread that began it.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/bytes.h"
#include "base/error.h"

struct store;
struct store_txn;
struct store_cursor;

enum {
    STORE_TABLES_MAX = 32,
    STORE_KEY_MAX = 511, /* bytes; LMDB's compiled limit */
};
#define STORE_VALUE_MAX ((size_t)UINT32_MAX) /* bytes; LMDB keeps lengths in 32 bits */

/* How a table orders its keys. */
enum store_key {
    STORE_KEY_BYTES, /* 1 … STORE_KEY_MAX bytes, lexicographic */
    STORE_KEY_U64,   /* a uint64_t as it lies in memory, numeric */
};

/* Tables are named by their index in the array that the store was opened with. */
struct store_table {
    const char *name; /* on disk; letters, digits, '-' and '_' */
    enum store_key key;
};

enum store_sync {
    STORE_SYNC_COMMIT, /* a commit that returned survives a power cut */
    STORE_SYNC_LAZY, /* the last commits may be lost then, but whole: the store stays consistent */
    STORE_SYNC_NONE, /* a power cut may damage the store; a killed process does not */
};

struct store_lmdb_options {
    enum store_sync sync;
    bool read_only;       /* the store must exist; another process may be writing it */
    unsigned max_readers; /* read transactions at once, of all processes; 0 = 1024 */
    uint64_t map_size; /* bytes that the store may grow to; 0 = 1 TiB of address space (no memory,
                          no disk), less where the system does not grant that */
};

/*
 * Opens the folder `path` (made, with mode 0700, when its parent exists) and makes missing tables.
 * The folder is locked against a second writer, in this process or another. `options` may be NULL:
 * all zero.
 *
 * ERR_BUSY (open elsewhere), ERR_NOTFOUND (read_only or the parent folder is missing), ERR_CORRUPT
 * (not a store, or damaged), ERR_UNSUPPORTED (written by another version, or a table has other
 * keys), ERR_NOSPACE, ERR_NOMEM, ERR_LIMIT (address space), ERR_IO. `detail` names path and remedy.
 */
int store_lmdb_new(struct store **ret_store, const char *path, const struct store_table *tables,
                   size_t table_count, const struct store_lmdb_options *options,
                   struct err_detail *detail) BASE_NODISCARD;

/*
 * Writes what the store in the folder `path` holds at this moment into a new file `to`, which is a whole data.mdb without free
 * pages (mode 0600, synced), while another process may be writing the store. ERR_EXISTS when `to` is there; ERR_NOTFOUND,
 * ERR_CORRUPT, ERR_NOSPACE, ERR_IO, ERR_NOMEM; then `to` is not.
 */
int store_lmdb_copy(const char *path, const char *to, struct err_detail *detail) BASE_NODISCARD;

/* A store in memory: no cost to open but one allocation, gone with store_free. ERR_NOMEM. */
int store_memory_new(struct store **ret_store, const struct store_table *tables,
                     size_t table_count) BASE_NODISCARD;

/* No transaction may be open. NULL is fine. */
void store_free(struct store *store);

/* Brings what STORE_SYNC_LAZY or _NONE left behind onto the disk. ERR_IO, ERR_NOSPACE. */
int store_sync(struct store *store, struct err_detail *detail) BASE_NODISCARD;

/*
 * A transaction sees the store as of its beginning (and its own writes). Old readers keep old pages
 * in use: do not hold one for longer than a request or a block.
 *
 * `detail` may be NULL; otherwise it lives at least as long as the transaction and receives the
 * message of whatever operation of it fails, commit included.
 *
 * A writer waits until no other is open; beginning a second one on the same thread is a bug.
 * ERR_NOMEM, ERR_BUSY (too many readers), ERR_NOSPACE, ERR_IO.
 */
int store_begin_read(struct store_txn **ret_txn, struct store *store,
                     struct err_detail *detail) BASE_NODISCARD;
int store_begin_write(struct store_txn **ret_txn, struct store *store,
                      struct err_detail *detail) BASE_NODISCARD;

/* Makes all writes visible and durable in one step. The transaction is gone either way; on failure
 * none of its writes is there. ERR_NOSPACE, ERR_IO, ERR_NOMEM. */
int store_commit(struct store_txn *txn) BASE_NODISCARD;
/* Ends a read transaction, or a write transaction without effect. NULL is fine. */
void store_abort(struct store_txn *txn);

/*
 * The value of a key. It is borrowed: valid until the transaction ends and, in a write transaction,
 * until its next put or delete. Not aligned. ERR_NOTFOUND (sets no message), ERR_CORRUPT, ERR_IO.
 */
int store_get(struct store_txn *txn, struct bytes *ret_value, unsigned table,
              struct bytes key) BASE_NODISCARD;

enum store_put {
    STORE_PUT,    /* adds or replaces */
    STORE_INSERT, /* ERR_EXISTS when the key is there */
    STORE_APPEND, /* the key comes after all keys of the table (a bug otherwise): packs pages full
                   */
};

/* After a failed put or delete, only store_abort may follow. ERR_NOSPACE, ERR_NOMEM, ERR_LIMIT
 * (value too long), ERR_IO. Key and value are copied. */
int store_put(struct store_txn *txn, unsigned table, struct bytes key, struct bytes value,
              enum store_put mode) BASE_NODISCARD;
/* ERR_NOTFOUND (sets no message, and the transaction stays usable), and as store_put. */
int store_delete(struct store_txn *txn, unsigned table, struct bytes key) BASE_NODISCARD;

/* Number of entries of a table. */
int store_count(struct store_txn *txn, uint64_t *ret_count, unsigned table) BASE_NODISCARD;

/* A position in a table. Freed before its transaction ends. A put or delete of the transaction
 * makes the position void: seek again. ERR_NOMEM. */
int store_cursor_new(struct store_cursor **ret_cursor, struct store_txn *txn,
                     unsigned table) BASE_NODISCARD;
void store_cursor_free(struct store_cursor *cursor);

/* Each moves and returns the entry there, borrowed like a value of store_get; ret_value may be
 * NULL. ERR_NOTFOUND (no such entry; the position is void then), ERR_CORRUPT, ERR_IO. */
int store_cursor_first(struct store_cursor *cursor, struct bytes *ret_key,
                       struct bytes *ret_value) BASE_NODISCARD;
int store_cursor_last(struct store_cursor *cursor, struct bytes *ret_key,
                      struct bytes *ret_value) BASE_NODISCARD;
/* The first entry whose key is `key` or comes after it. */
int store_cursor_seek(struct store_cursor *cursor, struct bytes *ret_key, struct bytes *ret_value,
                      struct bytes key) BASE_NODISCARD;
/* Only from a valid position. */
int store_cursor_next(struct store_cursor *cursor, struct bytes *ret_key,
                      struct bytes *ret_value) BASE_NODISCARD;
int store_cursor_prev(struct store_cursor *cursor, struct bytes *ret_key,
                      struct bytes *ret_value) BASE_NODISCARD;

/* Tables with STORE_KEY_U64. */

static inline uint64_t store_id_of_key(struct bytes key)
{
    uint64_t id;
    assert(key.len == sizeof(id));
    memcpy(&id, key.data, sizeof(id));
    return id;
}

BASE_NODISCARD static inline int store_get_id(struct store_txn *txn, struct bytes *ret_value,
                                              unsigned table, uint64_t id)
{
    return store_get(txn, ret_value, table, bytes_of(&id, sizeof(id)));
}

BASE_NODISCARD static inline int store_put_id(struct store_txn *txn, unsigned table, uint64_t id,
                                              struct bytes value, enum store_put mode)
{
    return store_put(txn, table, bytes_of(&id, sizeof(id)), value, mode);
}

BASE_NODISCARD static inline int store_delete_id(struct store_txn *txn, unsigned table, uint64_t id)
{
    return store_delete(txn, table, bytes_of(&id, sizeof(id)));
}

#endif
