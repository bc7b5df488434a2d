/* Writing a version. */
#include "state/db_priv.h"
#include "state/preimage.h"
#include "state/update.h"
#include "state/view_priv.h"

int state_commit_begin(struct state_commit *ret_commit, const struct state_db *db,
                       struct store_txn *txn, uint64_t version, struct buf *undo,
                       struct err_detail *detail)
{
    struct state_commit c = {
        .db = db, .txn = txn, .version = version, .next_storage_id = 1, .undo = undo};
    uint64_t head = 0;
    int err = state_db_head(db, txn, &head);
    bool has_head = !err;
    if (!err && version <= head)
        return err_set(detail, ERR_USAGE,
                       "state: version %llu cannot be written, the newest is %llu",
                       (unsigned long long)version, (unsigned long long)head);
    if (err && err != ERR_NOTFOUND)
        return err;
    err = state_info_get(db, txn, &c.next_storage_id, STATE_INFO_STORAGE_ID);
    if (err && err != ERR_NOTFOUND)
        return err;
    unsigned stale = db->archive ? TRIE_NO_TABLE : state_table(db, STATE_STALE);
    err = trie_batch_begin(&c.batch, txn, state_table(db, STATE_NODES), stale, version, detail);
    if (err)
        return err;
    err = state_undo_begin(&c, has_head, head);
    if (err)
        trie_batch_release(&c.batch);
    else
        *ret_commit = c;
    return err;
}

int state_commit_end(struct state_commit *c)
{
    int err = trie_batch_end(&c->batch);
    if (err)
        return err;
    err = state_info_put(c->db, c->txn, STATE_INFO_STORAGE_ID, c->next_storage_id);
    return err ? err : state_info_put(c->db, c->txn, STATE_INFO_HEAD, c->version);
}

void state_commit_release(struct state_commit *c)
{
    trie_batch_release(&c->batch);
}

/* --- Tries --- */

static int commit_storage(struct state_update *u, struct state_account_change *change,
                          struct state_commit *c)
{
    if (!change->storage_trie)
        return 0;
    struct trie_root root;
    int err = trie_commit(change->storage_trie, &root, &c->batch);
    if (err || !change->exists)
        return err;
    change->account.storage = root;
    return trie_link(&u->trie, bytes_of(&change->key, sizeof(change->key)), root.id);
}

static int commit_tries(struct state_update *u, struct state_commit *c)
{
    int err = 0;
    for (size_t i = 0; i < u->account_count && !err; i++)
        err = commit_storage(u, &u->accounts[i], c);
    struct trie_root root;
    if (!err)
        err = trie_commit(&u->trie, &root, &c->batch);
    if (err)
        return err;
    struct state_root_key key = state_root_key(u->view->reader.instance, c->version);
    uint8_t value[STATE_ROOT_SIZE];
    state_root_encode(value, &root);
    err = state_undo_root(c, u->view->reader.instance);
    return err ? err
               : store_put(c->txn, state_table(c->db, STATE_ROOTS), bytes_of(&key, sizeof(key)),
                           bytes_of(value, sizeof(value)), STORE_PUT);
}

/* --- Flat values --- */

/* Absent is fine. */
static int delete_key(struct state_commit *c, enum state_table table, struct bytes key)
{
    int err = store_delete(c->txn, state_table(c->db, table), key);
    return err == ERR_NOTFOUND ? 0 : err;
}

static int write_slots(const struct state_account_change *change, struct state_commit *c)
{
    int err = 0;
    for (size_t i = 0; i < change->slot_count && !err; i++) {
        const struct state_slot_change *slot = &change->slots[i];
        struct state_slot_flat_key flat =
            state_slot_flat_key(change->account.storage_id, &slot->slot);
        struct bytes key = bytes_of(&flat, sizeof(flat));
        size_t len = u256_byte_length(&slot->value);
        uint8_t value[32];
        u256_store(value, &slot->value);
        err = state_undo_value(c, STATE_SLOTS, key);
        if (err)
            break;
        if (!len)
            err = state_preimage_keep(c->db, c->txn, &slot->key, bytes_slice(key, 8, 32));
        if (err)
            break;
        err = len ? store_put(c->txn, state_table(c->db, STATE_SLOTS), key,
                              bytes_of(value + sizeof(value) - len, len), STORE_PUT)
                  : delete_key(c, STATE_SLOTS, key);
    }
    return err;
}

/* A storage that was wiped leaves its slots behind, for state_prune. */
static int settle_storage_id(struct state_account_change *change, struct state_commit *c)
{
    if (change->wiped) {
        change->account.storage_id = 0;
        if (change->old_storage_id) {
            /* With a version the slots stay until that version cannot be taken back any more. */
            struct bytes since = c->undo ? bytes_of(&c->version, sizeof(c->version)) : bytes_none();
            int err = state_undo_dead(c, change->old_storage_id);
            if (!err)
                err = store_put_id(c->txn, state_table(c->db, STATE_DEAD), change->old_storage_id,
                                   since, STORE_PUT);
            if (err)
                return err;
        }
    }
    if (change->slot_count && change->account.storage_id == 0)
        change->account.storage_id = c->next_storage_id++;
    return 0;
}

static int write_account(struct state_account_change *change, struct state_instance instance,
                         struct state_commit *c)
{
    struct state_account_key flat = state_account_key(instance, &change->address);
    struct bytes key = bytes_of(&flat, sizeof(flat));
    int err = settle_storage_id(change, c);
    if (!err)
        err = write_slots(change, c);
    if (!err)
        err = state_undo_value(c, STATE_ACCOUNTS, key);
    if (err)
        return err;
    if (!change->exists) {
        err = state_preimage_keep(c->db, c->txn, &change->key,
                                  bytes_of(change->address.b, sizeof(change->address.b)));
        return err ? err : delete_key(c, STATE_ACCOUNTS, key);
    }
    uint8_t value[STATE_FLAT_ACCOUNT_MAX];
    size_t size = state_flat_account_encode(value, &change->account);
    return store_put(c->txn, state_table(c->db, STATE_ACCOUNTS), key, bytes_of(value, size),
                     STORE_PUT);
}

static int write_code(const struct state_code_change *change, struct state_commit *c)
{
    struct bytes key = bytes_of(&change->hash, sizeof(change->hash)), there;
    unsigned table = state_table(c->db, STATE_CODES);
    int err = store_get(c->txn, &there, table, key);
    return err == ERR_NOTFOUND ? store_put(c->txn, table, key, change->code, STORE_PUT) : err;
}

static int check_base(const struct state_update *u, const struct state_commit *c)
{
    const struct state_reader *r = &u->view->reader;
    struct trie_root newest = trie_empty_root();
    int err = state_find_root(c->db, c->txn, &newest, NULL, r->instance, UINT64_MAX);
    if (err && err != ERR_NOTFOUND)
        return err;
    if (r->newest && r->root.id == newest.id)
        return 0;
    return err_set(u->detail, ERR_USAGE, "state: the changes do not start from the newest version");
}

int state_update_commit(struct state_update *u, struct state_commit *c)
{
    struct hash256 root;
    int err = check_base(u, c);
    if (!err)
        err = state_update_root(u, &root);
    if (!err)
        err = commit_tries(u, c);
    for (size_t i = 0; i < u->account_count && !err; i++)
        err = write_account(&u->accounts[i], u->view->reader.instance, c);
    for (size_t i = 0; i < u->code_count && !err; i++)
        err = write_code(&u->codes[i], c);
    return err;
}
