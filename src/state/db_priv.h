/* Keys and values of the tables; db.h has the table of tables. */
#ifndef STATE_DB_PRIV_H
#define STATE_DB_PRIV_H

#include "state/db.h"

static inline unsigned state_table(const struct state_db *db, enum state_table table)
{
    return db->first_table + table;
}

struct state_account_key {
    uint8_t b[4 + sizeof(struct address)];
};

struct state_slot_flat_key {
    uint8_t b[8 + 32];
};

struct state_root_key {
    uint8_t b[4 + 8];
};

struct state_account_key state_account_key(struct state_instance instance,
                                           const struct address *address);
struct state_slot_flat_key state_slot_flat_key(uint64_t storage_id, const struct u256 *slot);
struct state_root_key state_root_key(struct state_instance instance, uint64_t version);
/* The reverse; ERR_CORRUPT. */
int state_root_key_decode(struct bytes key, struct state_instance *ret_instance,
                          uint64_t *ret_version) BASE_NODISCARD;

/*
 * An account in the flat table:
 *
 *     bytes   field
 *     1       bit 0: has code, bit 1: has storage, bits 4 to 7: length of the nonce
 *     1       length of the balance
 *     …       nonce and balance, big endian
 *     32      code hash, when it has code
 *     48      root hash, number of the root node, storage id, when it has storage
 */
enum { STATE_FLAT_ACCOUNT_MAX = 2 + 8 + 32 + 32 + 48 };

size_t state_flat_account_encode(uint8_t ret_value[STATE_FLAT_ACCOUNT_MAX],
                                 const struct state_account *account);
/* ERR_CORRUPT. */
int state_flat_account_decode(struct state_account *ret_account, struct bytes value) BASE_NODISCARD;

enum { STATE_ROOT_SIZE = 32 + 8 };

void state_root_encode(uint8_t ret_value[STATE_ROOT_SIZE], const struct trie_root *root);

/* The newest root of the instance that is not newer than `version`; ret_last, unless NULL: no
 * newer one exists. ERR_NOTFOUND: there is none. */
int state_find_root(const struct state_db *db, struct store_txn *txn, struct trie_root *ret_root,
                    bool *ret_last, struct state_instance instance,
                    uint64_t version) BASE_NODISCARD;

/* X(NAME, "key"): entries of the table of info, 8 bytes each. */
#define STATE_INFO_LIST(X)                                                                         \
    X(FORMAT, "format")                                                                            \
    X(HEAD, "head")                                                                                \
    X(PRUNED, "pruned")         /* versions before this one are gone */                            \
    X(STORAGE_ID, "storage-id") /* the next one to be given out */

enum state_info {
#define X(name, key) STATE_INFO_##name,
    STATE_INFO_LIST(X)
#undef X
};

/* ERR_NOTFOUND. */
int state_info_get(const struct state_db *db, struct store_txn *txn, uint64_t *ret_value,
                   enum state_info info) BASE_NODISCARD;
int state_info_put(const struct state_db *db, struct store_txn *txn, enum state_info info,
                   uint64_t value) BASE_NODISCARD;

/* Notes of a commit, where it has an undo buffer (rewind.c); before the value is replaced. */
int state_undo_begin(struct state_commit *c, bool has_head, uint64_t head) BASE_NODISCARD;
int state_undo_value(struct state_commit *c, enum state_table table,
                     struct bytes key) BASE_NODISCARD;
int state_undo_root(struct state_commit *c, struct state_instance instance) BASE_NODISCARD;
int state_undo_dead(struct state_commit *c, uint64_t storage_id) BASE_NODISCARD;

#endif
