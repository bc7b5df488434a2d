/* Reading a state as of one version. */
#include "crypto/keccak.h"
#include "state/db_priv.h"

static int open_root(struct state_reader *r, uint64_t version)
{
    int err = state_find_root(r->db, r->txn, &r->root, &r->newest, r->instance, version);
    if (err != ERR_NOTFOUND)
        return err;
    r->root = trie_empty_root();
    r->newest = false; /* an empty trie needs no table */
    return 0;
}

int state_reader_open(struct state_reader *ret_reader, const struct state_db *db,
                      struct store_txn *txn, struct state_instance instance)
{
    struct state_reader r = {.db = db, .txn = txn, .instance = instance};
    int err = open_root(&r, UINT64_MAX);
    r.newest = true;
    if (!err)
        *ret_reader = r;
    return err;
}

int state_reader_open_at(struct state_reader *ret_reader, const struct state_db *db,
                         struct store_txn *txn, struct state_instance instance, uint64_t version)
{
    struct state_reader r = {.db = db, .txn = txn, .instance = instance};
    uint64_t head, pruned = 0;
    int err = state_db_head(db, txn, &head);
    if (err)
        return err;
    err = state_info_get(db, txn, &pruned, STATE_INFO_PRUNED);
    if (err && err != ERR_NOTFOUND)
        return err;
    if (version > head || version < pruned)
        return ERR_NOTFOUND;
    err = open_root(&r, version);
    if (!err)
        *ret_reader = r;
    return err;
}

/* Looks up a key in a trie; 0 with *ret_exists, and `use` called with what is there. */
static int trie_read(const struct state_reader *r, const struct trie_root *root, struct bytes key,
                     int (*use)(void *ret, struct bytes value, uint64_t link), void *ret,
                     bool *ret_exists)
{
    struct arena arena;
    struct trie t;
    struct bytes value;
    uint64_t link;
    arena_init(&arena);
    trie_init(&t, &arena, TRIE_SECURE, r->txn, state_table(r->db, STATE_NODES), root, NULL);
    int err = trie_get(&t, &value, &link, key);
    bool exists = !err;
    if (!err)
        err = use(ret, value, link);
    else if (err == ERR_NOTFOUND)
        err = 0;
    arena_release(&arena);
    if (!err)
        *ret_exists = exists;
    return err;
}

static int use_account(void *ret, struct bytes value, uint64_t link)
{
    struct state_account *account = ret;
    int err = state_account_decode(account, value);
    if (!err)
        account->storage.id = link;
    return err;
}

static int use_slot(void *ret, struct bytes value, uint64_t link)
{
    (void)link;
    return state_slot_decode(ret, value);
}

static int flat_account(const struct state_reader *r, struct state_account *ret_account,
                        bool *ret_exists, const struct address *address)
{
    struct state_account_key key = state_account_key(r->instance, address);
    struct bytes value;
    int err =
        store_get(r->txn, &value, state_table(r->db, STATE_ACCOUNTS), bytes_of(&key, sizeof(key)));
    bool exists = !err;
    if (!err)
        err = state_flat_account_decode(ret_account, value);
    else if (err == ERR_NOTFOUND)
        err = 0;
    if (!err)
        *ret_exists = exists;
    return err;
}

int state_reader_account(const struct state_reader *r, struct state_account *ret_account,
                         bool *ret_exists, const struct address *address)
{
    struct state_account account;
    bool exists;
    state_account_init(&account);
    int err = r->newest ? flat_account(r, &account, &exists, address)
                        : trie_read(r, &r->root, bytes_of(address, sizeof(*address)), use_account,
                                    &account, &exists);
    if (err)
        return err;
    *ret_account = account;
    *ret_exists = exists;
    return 0;
}

static int flat_slot(const struct state_reader *r, struct u256 *ret_value, uint64_t storage_id,
                     const struct u256 *slot)
{
    struct state_slot_flat_key key = state_slot_flat_key(storage_id, slot);
    struct bytes value;
    int err =
        store_get(r->txn, &value, state_table(r->db, STATE_SLOTS), bytes_of(&key, sizeof(key)));
    if (err == ERR_NOTFOUND) {
        *ret_value = u256_from(0);
        return 0;
    }
    if (err)
        return err;
    if (value.len > 32)
        return ERR_CORRUPT;
    *ret_value = u256_load_short(value.data, value.len);
    return 0;
}

int state_reader_slot(const struct state_reader *r, struct u256 *ret_value,
                      const struct state_account *account, const struct u256 *slot)
{
    if (account->storage.id == 0) {
        *ret_value = u256_from(0);
        return 0;
    }
    if (r->newest)
        return flat_slot(r, ret_value, account->storage_id, slot);
    uint8_t key[32];
    struct u256 value = u256_from(0);
    bool exists;
    u256_store(key, slot);
    int err =
        trie_read(r, &account->storage, bytes_of(key, sizeof(key)), use_slot, &value, &exists);
    if (!err)
        *ret_value = value;
    return err;
}

int state_reader_code(const struct state_reader *r, struct bytes *ret_code,
                      const struct hash256 *code_hash)
{
    if (hash256_equal(code_hash, &crypto_keccak256_empty)) {
        *ret_code = bytes_none();
        return 0;
    }
    int err = store_get(r->txn, ret_code, state_table(r->db, STATE_CODES),
                        bytes_of(code_hash, sizeof(*code_hash)));
    return err == ERR_NOTFOUND ? ERR_CORRUPT : err;
}

int state_reader_each_address(const struct state_reader *r,
                              int (*fn)(void *context, const struct address *address),
                              void *context)
{
    const struct address zero = {{0}};
    const struct state_account_key from = state_account_key(r->instance, &zero);
    const size_t prefix = sizeof(from.b) - sizeof(zero.b);
    struct store_cursor *cursor;
    struct bytes key;
    if (!r->newest)
        return ERR_USAGE;
    int err = store_cursor_new(&cursor, r->txn, state_table(r->db, STATE_ACCOUNTS));
    if (err)
        return err;
    err = store_cursor_seek(cursor, &key, NULL, bytes_of(from.b, sizeof(from.b)));
    while (!err && key.len == sizeof(from.b) && memcmp(key.data, from.b, prefix) == 0) {
        struct address address;
        memcpy(address.b, key.data + prefix, sizeof(address.b));
        err = fn(context, &address);
        if (!err)
            err = store_cursor_next(cursor, &key, NULL);
    }
    store_cursor_free(cursor);
    return err == ERR_NOTFOUND ? 0 : err;
}
