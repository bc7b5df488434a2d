/* The tables: opening, keys, values. */
#include "state/db_priv.h"

#include "crypto/keccak.h"

const struct store_table state_tables[STATE_TABLES] = {
    [STATE_ACCOUNTS] = {"accounts", STORE_KEY_BYTES}, [STATE_SLOTS] = {"slots", STORE_KEY_BYTES},
    [STATE_CODES] = {"codes", STORE_KEY_BYTES},       [STATE_ROOTS] = {"roots", STORE_KEY_BYTES},
    [STATE_NODES] = {"nodes", STORE_KEY_U64},         [STATE_STALE] = {"stale", STORE_KEY_U64},
    [STATE_DEAD] = {"dead", STORE_KEY_U64},           [STATE_INFO] = {"info", STORE_KEY_BYTES},
};

/* --- Info --- */

/* Raised whenever a table changes its meaning. The archive bit tells that no record of stale nodes
 * was kept, which cannot be made up for later. */
enum { FORMAT = 1, FORMAT_ARCHIVE = 1 << 16 };

static struct bytes info_key(enum state_info info)
{
    static const char *const keys[] = {
#define X(name, key) [STATE_INFO_##name] = key,
        STATE_INFO_LIST(X)
#undef X
    };
    return bytes_str(keys[info]);
}

int state_info_get(const struct state_db *db, struct store_txn *txn, uint64_t *ret_value,
                   enum state_info info)
{
    struct bytes value;
    int err = store_get(txn, &value, state_table(db, STATE_INFO), info_key(info));
    if (err)
        return err;
    if (value.len != sizeof(*ret_value))
        return ERR_CORRUPT;
    memcpy(ret_value, value.data, sizeof(*ret_value));
    return 0;
}

int state_info_put(const struct state_db *db, struct store_txn *txn, enum state_info info,
                   uint64_t value)
{
    return store_put(txn, state_table(db, STATE_INFO), info_key(info),
                     bytes_of(&value, sizeof(value)), STORE_PUT);
}

static int check_format(uint64_t found, uint64_t expected, struct err_detail *detail)
{
    if (found == expected)
        return 0;
    if ((found | FORMAT_ARCHIVE) == (expected | FORMAT_ARCHIVE))
        return err_set(detail, ERR_UNSUPPORTED, "state: the store was made %s archive",
                       found & FORMAT_ARCHIVE ? "as an" : "without");
    return err_set(detail, ERR_UNSUPPORTED,
                   "state: the store has format %llu, this program knows format %d",
                   (unsigned long long)(found & (FORMAT_ARCHIVE - 1)), FORMAT);
}

static int write_format(const struct state_db *db, uint64_t format, struct err_detail *detail)
{
    struct store_txn *txn;
    int err = store_begin_write(&txn, db->store, detail);
    if (err)
        return err;
    err = state_info_put(db, txn, STATE_INFO_FORMAT, format);
    if (err) {
        store_abort(txn);
        return err;
    }
    return store_commit(txn);
}

int state_db_open(struct state_db *ret_db, struct store *store, unsigned first_table, bool archive,
                  struct err_detail *detail)
{
    struct state_db db = {store, first_table, archive};
    uint64_t found = 0, expected = archive ? FORMAT | FORMAT_ARCHIVE : FORMAT;
    struct store_txn *txn;
    int err = store_begin_read(&txn, store, detail);
    if (err)
        return err;
    err = state_info_get(&db, txn, &found, STATE_INFO_FORMAT);
    store_abort(txn);
    if (err == ERR_NOTFOUND)
        err = write_format(&db, expected, detail);
    else if (!err)
        err = check_format(found, expected, detail);
    if (!err)
        *ret_db = db;
    return err;
}

int state_db_head(const struct state_db *db, struct store_txn *txn, uint64_t *ret_version)
{
    return state_info_get(db, txn, ret_version, STATE_INFO_HEAD);
}

/* --- Keys --- */

static void put_be(uint8_t *at, uint64_t value, size_t len)
{
    for (size_t i = 0; i < len; i++)
        at[i] = (uint8_t)(value >> 8 * (len - 1 - i));
}

static uint64_t get_be(const uint8_t *at, size_t len)
{
    uint64_t value = 0;
    for (size_t i = 0; i < len; i++)
        value = value << 8 | at[i];
    return value;
}

struct state_account_key state_account_key(struct state_instance instance,
                                           const struct address *address)
{
    struct state_account_key key;
    put_be(key.b, instance.number, 4);
    memcpy(key.b + 4, address->b, sizeof(address->b));
    return key;
}

struct state_slot_flat_key state_slot_flat_key(uint64_t storage_id, const struct u256 *slot)
{
    struct state_slot_flat_key key;
    put_be(key.b, storage_id, 8);
    u256_store(key.b + 8, slot);
    return key;
}

struct state_root_key state_root_key(struct state_instance instance, uint64_t version)
{
    struct state_root_key key;
    put_be(key.b, instance.number, 4);
    put_be(key.b + 4, version, 8);
    return key;
}

int state_root_key_decode(struct bytes key, struct state_instance *ret_instance,
                          uint64_t *ret_version)
{
    if (key.len != sizeof(struct state_root_key))
        return ERR_CORRUPT;
    ret_instance->number = (uint32_t)get_be(key.data, 4);
    *ret_version = get_be(key.data + 4, 8);
    return 0;
}

/* --- Accounts --- */

enum { HAS_CODE = 1, HAS_STORAGE = 2, NONCE_SHIFT = 4 };

static size_t u64_length(uint64_t value)
{
    return value ? (71 - (size_t)__builtin_clzll(value)) / 8 : 0;
}

size_t state_flat_account_encode(uint8_t ret_value[STATE_FLAT_ACCOUNT_MAX],
                                 const struct state_account *account)
{
    bool code = !hash256_equal(&account->code_hash, &crypto_keccak256_empty);
    bool storage = account->storage.id != 0;
    size_t nonce_len = u64_length(account->nonce),
           balance_len = u256_byte_length(&account->balance);
    uint8_t balance[32];
    u256_store(balance, &account->balance);

    uint8_t *at = ret_value;
    *at++ =
        (uint8_t)((code ? HAS_CODE : 0) | (storage ? HAS_STORAGE : 0) | nonce_len << NONCE_SHIFT);
    *at++ = (uint8_t)balance_len;
    put_be(at, account->nonce, nonce_len);
    at += nonce_len;
    memcpy(at, balance + sizeof(balance) - balance_len, balance_len);
    at += balance_len;
    if (code) {
        memcpy(at, account->code_hash.b, 32);
        at += 32;
    }
    if (storage) {
        memcpy(at, account->storage.hash.b, 32);
        memcpy(at + 32, &account->storage.id, 8);
        memcpy(at + 40, &account->storage_id, 8);
        at += 48;
    }
    return (size_t)(at - ret_value);
}

int state_flat_account_decode(struct state_account *ret_account, struct bytes value)
{
    if (value.len < 2)
        return ERR_CORRUPT;
    const uint8_t *at = value.data + 2;
    uint8_t flags = value.data[0];
    size_t nonce_len = flags >> NONCE_SHIFT, balance_len = value.data[1];
    size_t size =
        2 + nonce_len + balance_len + (flags & HAS_CODE ? 32 : 0) + (flags & HAS_STORAGE ? 48 : 0);
    if (nonce_len > 8 || balance_len > 32 || value.len != size)
        return ERR_CORRUPT;
    struct state_account account;
    state_account_init(&account);
    account.nonce = get_be(at, nonce_len);
    at += nonce_len;
    account.balance = u256_load_short(at, balance_len);
    at += balance_len;
    if (flags & HAS_CODE) {
        memcpy(account.code_hash.b, at, 32);
        at += 32;
    }
    if (flags & HAS_STORAGE) {
        memcpy(account.storage.hash.b, at, 32);
        memcpy(&account.storage.id, at + 32, 8);
        memcpy(&account.storage_id, at + 40, 8);
    }
    *ret_account = account;
    return 0;
}

/* --- Roots --- */

void state_root_encode(uint8_t ret_value[STATE_ROOT_SIZE], const struct trie_root *root)
{
    memcpy(ret_value, root->hash.b, 32);
    memcpy(ret_value + 32, &root->id, 8);
}

static int decode_root(struct trie_root *ret_root, struct bytes value)
{
    if (value.len != STATE_ROOT_SIZE)
        return ERR_CORRUPT;
    memcpy(ret_root->hash.b, value.data, 32);
    memcpy(&ret_root->id, value.data + 32, 8);
    return 0;
}

/* Puts the cursor on the last entry up to `key`. */
static int seek_back(struct store_cursor *cursor, struct bytes *ret_key, struct bytes *ret_value,
                     struct bytes key)
{
    int err = store_cursor_seek(cursor, ret_key, ret_value, key);
    if (err == ERR_NOTFOUND)
        return store_cursor_last(cursor, ret_key, ret_value);
    if (err || bytes_equal(*ret_key, key))
        return err;
    return store_cursor_prev(cursor, ret_key, ret_value);
}

static int root_at_cursor(struct trie_root *ret_root, bool *ret_last, struct store_cursor *cursor,
                          struct state_instance instance, uint64_t version)
{
    struct state_root_key wanted = state_root_key(instance, version);
    struct state_instance found;
    uint64_t at;
    struct bytes key, value;
    int err = seek_back(cursor, &key, &value, bytes_of(&wanted, sizeof(wanted)));
    if (!err)
        err = state_root_key_decode(key, &found, &at);
    if (!err && found.number != instance.number)
        err = ERR_NOTFOUND;
    if (!err)
        err = decode_root(ret_root, value);
    if (err || !ret_last)
        return err;
    err = store_cursor_next(cursor, &key, NULL);
    if (!err)
        err = state_root_key_decode(key, &found, &at);
    if (err && err != ERR_NOTFOUND)
        return err;
    *ret_last = err == ERR_NOTFOUND || found.number != instance.number;
    return 0;
}

int state_find_root(const struct state_db *db, struct store_txn *txn, struct trie_root *ret_root,
                    bool *ret_last, struct state_instance instance, uint64_t version)
{
    struct store_cursor *cursor;
    int err = store_cursor_new(&cursor, txn, state_table(db, STATE_ROOTS));
    if (err)
        return err;
    struct trie_root root;
    bool last = true;
    err = root_at_cursor(&root, ret_last ? &last : NULL, cursor, instance, version);
    store_cursor_free(cursor);
    if (err)
        return err;
    *ret_root = root;
    if (ret_last)
        *ret_last = last;
    return 0;
}
