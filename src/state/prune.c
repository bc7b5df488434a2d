/* Deleting what only old versions need. */
#include "crypto/keccak.h"
#include "state/db_priv.h"
#include "state/preimage.h"

struct budget {
    uint64_t left; /* entries that may still be deleted */
};

/* Deletes slots of one wiped storage; *ret_empty when none is left. */
static int prune_slots(const struct state_db *db, struct store_txn *txn, bool *ret_empty,
                       struct budget *budget, uint64_t storage_id)
{
    struct u256 zero = u256_from(0);
    struct state_slot_flat_key from = state_slot_flat_key(storage_id, &zero);
    unsigned table = state_table(db, STATE_SLOTS);
    *ret_empty = false;
    while (budget->left) {
        struct store_cursor *cursor;
        struct bytes key;
        int err = store_cursor_new(&cursor, txn, table);
        if (err)
            return err;
        err = store_cursor_seek(cursor, &key, NULL, bytes_of(&from, sizeof(from)));
        struct state_slot_flat_key found;
        bool same = !err && key.len == sizeof(found) && memcmp(key.data, from.b, 8) == 0;
        if (same)
            memcpy(&found, key.data, sizeof(found));
        store_cursor_free(cursor);
        if (err && err != ERR_NOTFOUND)
            return err;
        if (!same) {
            *ret_empty = true;
            return 0;
        }
        struct bytes slot = bytes_of(found.b + 8, 32);
        struct hash256 hash;
        crypto_keccak256(&hash, slot);
        err = state_preimage_keep(db, txn, &hash, slot);
        if (!err)
            err = store_delete(txn, table, bytes_of(&found, sizeof(found)));
        if (err)
            return err;
        budget->left--;
    }
    return 0;
}

/* The first wiped storage that no version from `keep_from` on would need when the ones after it were
 * taken back (state_rewind). */
static int first_dead(const struct state_db *db, struct store_txn *txn, uint64_t *ret_id,
                      uint64_t keep_from)
{
    struct store_cursor *cursor;
    struct bytes key, since;
    int err = store_cursor_new(&cursor, txn, state_table(db, STATE_DEAD));
    if (err)
        return err;
    err = store_cursor_first(cursor, &key, &since);
    while (!err) {
        uint64_t version = 0;
        if (since.len == sizeof(version))
            memcpy(&version, since.data, sizeof(version));
        if (version <= keep_from)
            break;
        err = store_cursor_next(cursor, &key, &since);
    }
    if (!err)
        *ret_id = store_id_of_key(key);
    store_cursor_free(cursor);
    return err;
}

static int prune_dead(const struct state_db *db, struct store_txn *txn, struct budget *budget,
                      uint64_t keep_from)
{
    int err = 0;
    while (!err && budget->left) {
        uint64_t id;
        bool empty;
        err = first_dead(db, txn, &id, keep_from);
        if (!err)
            err = prune_slots(db, txn, &empty, budget, id);
        if (!err && empty)
            err = store_delete_id(txn, state_table(db, STATE_DEAD), id);
    }
    return err == ERR_NOTFOUND ? 0 : err;
}

/* The next root record after `from` that a later one of its instance, not newer than `keep_from`,
 * makes superfluous. ERR_NOTFOUND: none. */
static int next_old_root(const struct state_db *db, struct store_txn *txn,
                         struct state_root_key *from, uint64_t keep_from)
{
    struct store_cursor *cursor;
    struct bytes key;
    int err = store_cursor_new(&cursor, txn, state_table(db, STATE_ROOTS));
    if (err)
        return err;
    err = store_cursor_seek(cursor, &key, NULL, bytes_of(from, sizeof(*from)));
    while (!err) {
        struct state_instance instance, next;
        uint64_t version, next_version;
        err = state_root_key_decode(key, &instance, &version);
        if (!err)
            *from = state_root_key(instance, version);
        if (!err)
            err = store_cursor_next(cursor, &key, NULL);
        if (!err)
            err = state_root_key_decode(key, &next, &next_version);
        if (!err && next.number == instance.number && next_version <= keep_from)
            break;
    }
    store_cursor_free(cursor);
    return err;
}

static int prune_roots(const struct state_db *db, struct store_txn *txn, struct budget *budget,
                       uint64_t keep_from)
{
    struct state_root_key at = state_root_key((struct state_instance){0}, 0);
    int err = 0;
    while (!err && budget->left) {
        err = next_old_root(db, txn, &at, keep_from);
        if (!err)
            err = store_delete(txn, state_table(db, STATE_ROOTS), bytes_of(&at, sizeof(at)));
        budget->left -= !err;
    }
    return err == ERR_NOTFOUND ? 0 : err;
}

static int prune_versions(const struct state_db *db, struct store_txn *txn, struct budget *budget,
                          bool *ret_more, uint64_t keep_from, struct err_detail *detail)
{
    uint64_t head, pruned = 0, deleted;
    int err = state_db_head(db, txn, &head);
    if (err)
        return err;
    if (keep_from > head)
        keep_from = head;
    err = state_info_get(db, txn, &pruned, STATE_INFO_PRUNED);
    if (err && err != ERR_NOTFOUND)
        return err;
    err = 0;
    if (keep_from > pruned)
        err = state_info_put(db, txn, STATE_INFO_PRUNED, keep_from);
    if (!err)
        err = prune_roots(db, txn, budget, keep_from);
    if (err)
        return err;
    if (budget->left == 0) {
        *ret_more = true;
        return 0;
    }
    err = trie_prune(txn, &deleted, ret_more, state_table(db, STATE_NODES),
                     state_table(db, STATE_STALE), keep_from, budget->left, detail);
    if (!err)
        budget->left -= deleted < budget->left ? deleted : budget->left;
    return err;
}

int state_prune(const struct state_db *db, struct store_txn *txn, bool *ret_more,
                uint64_t keep_from, uint64_t max_entries, struct err_detail *detail)
{
    struct budget budget = {max_entries ? max_entries : UINT64_MAX};
    bool more = false;
    int err = db->archive ? 0 : prune_versions(db, txn, &budget, &more, keep_from, detail);
    if (err == ERR_NOTFOUND) /* nothing was ever committed */
        err = 0;
    if (!err)
        err = prune_dead(db, txn, &budget, keep_from);
    if (err)
        return err;
    uint64_t id;
    err = first_dead(db, txn, &id, keep_from);
    if (err && err != ERR_NOTFOUND)
        return err;
    *ret_more = more || !err;
    return 0;
}
