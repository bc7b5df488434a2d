/*
 * States in a store. The tables:
 *
 *     accounts   instance (4, big endian) || address (20)     nonce, balance, code hash, storage
 *                                                             root, its number, storage id
 *     slots      storage id (8, big endian) || slot (32)      value without leading zeros
 *     codes      hash of the code                             code
 *     roots      instance (4) || version (8), big endian      root hash, number of the root node
 *     nodes      number                                       nodes of all tries (trie/trie.h)
 *     stale      version                                      numbers of nodes that it replaced
 *     dead       storage id                                   -, its slots are to be deleted
 *     info       name                                         head, next storage id, …
 *
 * The first two hold the newest version only: one lookup a read, however deep the trie. Older
 * versions are read through the tries. A storage that is wiped costs nothing at once: the account
 * gets another storage id, and state_prune deletes the old slots bit by bit.
 */
#ifndef STATE_DB_H
#define STATE_DB_H

#include "base/error.h"
#include "state/account.h"
#include "store/store.h"
#include "trie/trie.h"

enum state_table {
    STATE_ACCOUNTS,
    STATE_SLOTS,
    STATE_CODES,
    STATE_ROOTS,
    STATE_NODES,
    STATE_STALE,
    STATE_DEAD,
    STATE_INFO,
    STATE_TABLES,
};

/* What a store must have, in this order, from any index on: that index is `first_table` below. */
extern const struct store_table state_tables[STATE_TABLES];

/* Which of the states of a store. */
struct state_instance {
    uint32_t number;
};

static inline struct state_instance state_public(void)
{
    return (struct state_instance){0};
}

/* Where states live. Borrowed by all that is opened on it; holds nothing else, so it needs no
 * release. */
struct state_db {
    struct store *store;
    unsigned first_table;
    bool archive;   /* keep every version for good: no record of stale nodes is written */
    bool preimages; /* keep those of what is deleted (state/preimage.h), as an archive does */
};

/*
 * Makes a fresh store ready, or checks one that is. Nothing is read but two entries: any size opens
 * at once. ERR_UNSUPPORTED: written in another format, or as an archive and opened as none (and the
 * reverse); ERR_CORRUPT; those of the store. `detail` may be NULL.
 */
int state_db_open(struct state_db *ret_db, struct store *store, unsigned first_table, bool archive,
                  struct err_detail *detail) BASE_NODISCARD;

/* The newest version that was committed, of any instance. ERR_NOTFOUND: none yet. */
int state_db_head(const struct state_db *db, struct store_txn *txn,
                  uint64_t *ret_version) BASE_NODISCARD;

/* --- Reading --- */

/*
 * One instance at one version, within a store transaction, which must outlive it. Holds no memory.
 * Plain data: may be copied.
 */
struct state_reader {
    const struct state_db *db;
    struct store_txn *txn;
    struct state_instance instance;
    struct trie_root root;
    bool newest; /* reads go to the flat tables */
};

/* The newest version. An instance that was never committed reads as empty. */
int state_reader_open(struct state_reader *ret_reader, const struct state_db *db,
                      struct store_txn *txn, struct state_instance instance) BASE_NODISCARD;
/* As of `version`: what the instance was when that version was complete. ERR_NOTFOUND: it is newer
 * than the head, or pruned. */
int state_reader_open_at(struct state_reader *ret_reader, const struct state_db *db,
                         struct store_txn *txn, struct state_instance instance,
                         uint64_t version) BASE_NODISCARD;

/* The address of each account, in order; `fn` returns 0 to go on. Of the newest version only (ERR_USAGE). */
int state_reader_each_address(const struct state_reader *r,
                              int (*fn)(void *context, const struct address *address),
                              void *context) BASE_NODISCARD;

/* False, and the initial account, when it is not there. A failure of the store is an error, never
 * an absent account. */
int state_reader_account(const struct state_reader *r, struct state_account *ret_account,
                         bool *ret_exists, const struct address *address) BASE_NODISCARD;
/* A slot of an account that this reader returned; 0 when it is not there. */
int state_reader_slot(const struct state_reader *r, struct u256 *ret_value,
                      const struct state_account *account, const struct u256 *slot) BASE_NODISCARD;
/* Borrowed as long as the transaction (a read transaction). ERR_CORRUPT when it is missing: some
 * account has it. */
int state_reader_code(const struct state_reader *r, struct bytes *ret_code,
                      const struct hash256 *code_hash) BASE_NODISCARD;

/* --- Writing: see update.h, which fills a commit --- */

/* One version being written: every changed instance of it, in one transaction of the store. */
struct state_commit {
    const struct state_db *db;
    struct store_txn *txn; /* write */
    uint64_t version;
    uint64_t next_storage_id;
    struct trie_batch batch; /* other tries of the version may be committed into it, too */
    struct buf *undo;        /* receives what state_rewind needs; NULL: it cannot be taken back */
};

/* `version` is above the head. ERR_USAGE when it is not. What the version replaces is noted in
 * `undo`, which is empty and lives as long as the commit; NULL: nowhere. After any failure call
 * state_commit_release and abort the transaction. */
int state_commit_begin(struct state_commit *ret_commit, const struct state_db *db,
                       struct store_txn *txn, uint64_t version, struct buf *undo,
                       struct err_detail *detail) BASE_NODISCARD;
/* Completes the version and releases the commit. It is durable when the caller has committed the
 * transaction, with whatever else belongs to the block. */
int state_commit_end(struct state_commit *commit) BASE_NODISCARD;
void state_commit_release(struct state_commit *commit);

/*
 * Takes the newest version back, by its `undo`: the one before is the newest again. Versions that
 * are taken back one after the other must not have been pruned. ERR_CORRUPT, ERR_USAGE (it is the
 * first), and those of the store.
 */
int state_rewind(const struct state_db *db, struct store_txn *txn, struct bytes undo,
                 struct err_detail *detail) BASE_NODISCARD;

/*
 * Deletes what only versions before `keep_from` need: nodes, records of roots, slots of wiped
 * storages. At most about `max_entries` entries (0 = no limit); call again, in another transaction,
 * while *ret_more. Of an archive only slots of wiped storages go.
 */
int state_prune(const struct state_db *db, struct store_txn *txn, bool *ret_more,
                uint64_t keep_from, uint64_t max_entries, struct err_detail *detail) BASE_NODISCARD;

#endif
