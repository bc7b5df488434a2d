#include "state/preimage.h"

#include "crypto/keccak.h"
#include "state/db_priv.h"

/* In the table of info: "preimage:" and the hash. */
struct kept_key {
    char name[9];
    uint8_t hash[32];
};

static struct kept_key kept_key(const struct hash256 *hash)
{
    struct kept_key key;
    memcpy(key.name, "preimage:", sizeof(key.name));
    memcpy(key.hash, hash->b, sizeof(key.hash));
    return key;
}

int state_preimage_keep(const struct state_db *db, struct store_txn *txn,
                        const struct hash256 *hash, struct bytes preimage)
{
    struct kept_key key = kept_key(hash);
    if (!db->archive && !db->preimages)
        return 0;
    return store_put(txn, state_table(db, STATE_INFO), bytes_of(&key, sizeof(key)), preimage,
                     STORE_PUT);
}

/* A preimage that was kept. ERR_NOTFOUND. */
static int preimage_get(const struct state_db *db, struct store_txn *txn,
                        struct bytes *ret_preimage, const struct hash256 *hash)
{
    struct kept_key key = kept_key(hash);
    return store_get(txn, ret_preimage, state_table(db, STATE_INFO), bytes_of(&key, sizeof(key)));
}

/* --- Maps --- */

static int add(struct map *map, struct bytes preimage)
{
    struct hash256 hash;
    if (map_count(map) == STATE_PREIMAGES_MAX)
        return ERR_LIMIT;
    crypto_keccak256(&hash, preimage);
    void *value = map_put(map, &hash, NULL);
    if (!value)
        return ERR_NOMEM;
    memcpy(value, preimage.data, preimage.len);
    return 0;
}

/* Adds what stands behind `prefix` in the keys of a table that begin with it. */
static int add_range(struct state_preimages *p, struct map *map, enum state_table table,
                     struct bytes prefix, size_t len)
{
    uint8_t from[40] = {0};
    struct store_cursor *cursor;
    struct bytes key;
    memcpy(from, prefix.data, prefix.len);
    int err = store_cursor_new(&cursor, p->reader->txn, state_table(p->reader->db, table));
    if (err)
        return err;
    err = store_cursor_seek(cursor, &key, NULL, bytes_of(from, prefix.len + len));
    while (!err && key.len == prefix.len + len && memcmp(key.data, prefix.data, prefix.len) == 0) {
        err = add(map, bytes_slice(key, prefix.len, len));
        if (!err)
            err = store_cursor_next(cursor, &key, NULL);
    }
    store_cursor_free(cursor);
    return err == ERR_NOTFOUND ? 0 : err;
}

static int add_storage(struct state_preimages *p, uint64_t storage_id)
{
    struct u256 zero = u256_from(0);
    struct state_slot_flat_key from = state_slot_flat_key(storage_id, &zero);
    return add_range(p, &p->slots, STATE_SLOTS, bytes_of(from.b, 8), 32);
}

/* Storages that were wiped, whose slots have not been deleted yet. */
static int add_wiped(struct state_preimages *p)
{
    struct store_cursor *cursor;
    struct bytes key;
    int err = store_cursor_new(&cursor, p->reader->txn, state_table(p->reader->db, STATE_DEAD));
    if (err)
        return err;
    err = store_cursor_first(cursor, &key, NULL);
    while (!err) {
        err = add_storage(p, store_id_of_key(key));
        if (!err)
            err = store_cursor_next(cursor, &key, NULL);
    }
    store_cursor_free(cursor);
    p->wiped_slots = map_count(&p->slots);
    return err == ERR_NOTFOUND ? 0 : err;
}

int state_preimages_init(struct state_preimages *ret_preimages, const struct state_reader *reader)
{
    struct address zero = {{0}};
    struct state_account_key from = state_account_key(reader->instance, &zero);
    struct state_preimages *p = ret_preimages;
    *p = (struct state_preimages){.reader = reader};
    map_init(&p->addresses, sizeof(struct hash256), sizeof(struct address));
    map_init(&p->slots, sizeof(struct hash256), sizeof(struct hash256));
    int err =
        add_range(p, &p->addresses, STATE_ACCOUNTS, bytes_of(from.b, 4), sizeof(struct address));
    return err ? err : add_wiped(p);
}

void state_preimages_release(struct state_preimages *p)
{
    map_release(&p->addresses);
    map_release(&p->slots);
}

static int find(struct state_preimages *p, void *ret, size_t len, const struct map *map,
                const struct hash256 *hash)
{
    const void *found = map_get(map, hash);
    if (found) {
        memcpy(ret, found, len);
        return 0;
    }
    struct bytes kept;
    int err = preimage_get(p->reader->db, p->reader->txn, &kept, hash);
    if (err)
        return err;
    if (kept.len != len)
        return ERR_NOTFOUND;
    memcpy(ret, kept.data, len);
    return 0;
}

int state_preimages_address(struct state_preimages *p, struct address *ret_address,
                            const struct hash256 *hash)
{
    return find(p, ret_address->b, sizeof(ret_address->b), &p->addresses, hash);
}

int state_preimages_load(struct state_preimages *p, const struct address *address)
{
    struct state_reader newest;
    struct state_account account;
    bool exists;
    map_truncate(&p->slots, p->wiped_slots);
    int err = state_reader_open(&newest, p->reader->db, p->reader->txn, p->reader->instance);
    if (!err)
        err = state_reader_account(&newest, &account, &exists, address);
    if (err || !exists || account.storage_id == 0)
        return err;
    return add_storage(p, account.storage_id);
}

int state_preimages_slot(struct state_preimages *p, struct hash256 *ret_slot,
                         const struct hash256 *hash)
{
    return find(p, ret_slot->b, sizeof(ret_slot->b), &p->slots, hash);
}
