/*
 * Taking the newest version back. A commit that was given an `undo` buffer notes there what it
 * replaces:
 *
 *     8    version           big endian, as all numbers here
 *     8    the one before    1 + its number, 0: it was the first
 *     8    number of the first node that it wrote
 *     …    entries: a letter, and
 *            A  key of an account (24), length (255: was not there), value
 *            S  key of a slot (40), length, value
 *            R  instance (4) that has a root
 *            D  storage id (8) that was wiped
 */
#include "state/db_priv.h"

enum {
    HEADER_SIZE = 24,
    ABSENT = 255,
};

static void put_u64(struct buf *b, uint64_t value)
{
    uint64_t be = __builtin_bswap64(value);
    buf_append(b, &be, sizeof(be));
}

static uint64_t get_u64(const uint8_t *at)
{
    uint64_t be;
    memcpy(&be, at, sizeof(be));
    return __builtin_bswap64(be);
}

/* --- Notes --- */

int state_undo_begin(struct state_commit *c, bool has_head, uint64_t head)
{
    if (!c->undo)
        return 0;
    put_u64(c->undo, c->version);
    put_u64(c->undo, has_head ? head + 1 : 0);
    put_u64(c->undo, c->batch.first_id);
    return buf_status(c->undo);
}

int state_undo_value(struct state_commit *c, enum state_table table, struct bytes key)
{
    struct bytes old;
    if (!c->undo)
        return 0;
    int err = store_get(c->txn, &old, state_table(c->db, table), key);
    if (err && err != ERR_NOTFOUND)
        return err;
    buf_append_byte(c->undo, table == STATE_ACCOUNTS ? 'A' : 'S');
    buf_append_bytes(c->undo, key);
    buf_append_byte(c->undo, err ? ABSENT : (uint8_t)old.len);
    if (!err)
        buf_append_bytes(c->undo, old);
    return buf_status(c->undo);
}

int state_undo_root(struct state_commit *c, struct state_instance instance)
{
    uint32_t be = __builtin_bswap32(instance.number);
    if (!c->undo)
        return 0;
    buf_append_byte(c->undo, 'R');
    buf_append(c->undo, &be, sizeof(be));
    return buf_status(c->undo);
}

int state_undo_dead(struct state_commit *c, uint64_t storage_id)
{
    if (!c->undo)
        return 0;
    buf_append_byte(c->undo, 'D');
    put_u64(c->undo, storage_id);
    return buf_status(c->undo);
}

/* --- Taking back --- */

static int ignore_absent(int err)
{
    return err == ERR_NOTFOUND ? 0 : err;
}

struct notes {
    const uint8_t *at, *end;
};

/* The next `len` bytes; NULL: the record ends before. */
static const uint8_t *take(struct notes *n, size_t len)
{
    const uint8_t *at = n->at;
    if ((size_t)(n->end - at) < len)
        return NULL;
    n->at += len;
    return at;
}

static int restore_value(const struct state_db *db, struct store_txn *txn, struct notes *n,
                         enum state_table table)
{
    size_t size = table == STATE_ACCOUNTS ? sizeof(struct state_account_key)
                                          : sizeof(struct state_slot_flat_key);
    const uint8_t *key = take(n, size), *len = key ? take(n, 1) : NULL;
    const uint8_t *value = len && *len != ABSENT ? take(n, *len) : len;
    if (!value)
        return ERR_CORRUPT;
    unsigned index = state_table(db, table);
    return *len == ABSENT
               ? ignore_absent(store_delete(txn, index, bytes_of(key, size)))
               : store_put(txn, index, bytes_of(key, size), bytes_of(value, *len), STORE_PUT);
}

static int drop_root(const struct state_db *db, struct store_txn *txn, struct notes *n,
                     uint64_t version)
{
    const uint8_t *at = take(n, 4);
    uint32_t be;
    if (!at)
        return ERR_CORRUPT;
    memcpy(&be, at, sizeof(be));
    const struct state_root_key key =
        state_root_key((struct state_instance){__builtin_bswap32(be)}, version);
    return ignore_absent(
        store_delete(txn, state_table(db, STATE_ROOTS), bytes_of(&key, sizeof(key))));
}

static int revive_storage(const struct state_db *db, struct store_txn *txn, struct notes *n)
{
    const uint8_t *at = take(n, 8);
    return at ? ignore_absent(store_delete_id(txn, state_table(db, STATE_DEAD), get_u64(at)))
              : ERR_CORRUPT;
}

static int restore(const struct state_db *db, struct store_txn *txn, struct notes *n,
                   uint64_t version)
{
    int err = 0;
    while (!err && n->at < n->end) {
        switch (*n->at++) {
        case 'A':
            err = restore_value(db, txn, n, STATE_ACCOUNTS);
            break;
        case 'S':
            err = restore_value(db, txn, n, STATE_SLOTS);
            break;
        case 'R':
            err = drop_root(db, txn, n, version);
            break;
        case 'D':
            err = revive_storage(db, txn, n);
            break;
        default:
            err = ERR_CORRUPT;
        }
    }
    return err;
}

/* The counter stays: no number is used twice. */
static int drop_nodes(const struct state_db *db, struct store_txn *txn, uint64_t first_id)
{
    unsigned table = state_table(db, STATE_NODES);
    for (;;) {
        struct store_cursor *cursor;
        struct bytes key;
        int err = store_cursor_new(&cursor, txn, table);
        if (err)
            return err;
        err = store_cursor_seek(cursor, &key, NULL, bytes_of(&first_id, sizeof(first_id)));
        uint64_t id = err ? 0 : store_id_of_key(key);
        store_cursor_free(cursor);
        if (!err)
            err = store_delete_id(txn, table, id);
        if (err)
            return ignore_absent(err);
    }
}

int state_rewind(const struct state_db *db, struct store_txn *txn, struct bytes undo,
                 struct err_detail *detail)
{
    uint64_t head;
    int err = state_db_head(db, txn, &head);
    if (err)
        return err;
    if (undo.len < HEADER_SIZE || get_u64(undo.data) != head)
        return err_set(detail, ERR_CORRUPT,
                       "state: the note of what version %llu replaced is damaged",
                       (unsigned long long)head);
    uint64_t before = get_u64(undo.data + 8);
    struct notes notes = {undo.data + HEADER_SIZE, undo.data + undo.len};
    if (before == 0)
        return err_set(detail, ERR_USAGE, "state: the first version cannot be taken back");
    err = restore(db, txn, &notes, head);
    if (!err)
        err = drop_nodes(db, txn, get_u64(undo.data + 16));
    if (!err && !db->archive)
        err = ignore_absent(store_delete_id(txn, state_table(db, STATE_STALE), head));
    if (!err)
        err = state_info_put(db, txn, STATE_INFO_HEAD, before - 1);
    return err == ERR_CORRUPT
               ? err_set(detail, err, "state: the note of what version %llu replaced is damaged",
                         (unsigned long long)head)
               : err;
}
