/*
 * What a view changed, against the version that its reader shows: the new root, and its commit.
 *
 *     state_update_init(&u, &view, &detail);
 *     state_update_root(&u, &root);             compare with the header, or build one
 *     state_commit_begin(&c, db, write_txn, number, NULL, &detail);
 *     state_update_commit(&u, &c);              and the updates of other instances
 *     state_commit_end(&c);
 *     store_commit(write_txn);
 *     state_update_release(&u);
 */
#ifndef STATE_UPDATE_H
#define STATE_UPDATE_H

#include "state/db.h"
#include "state/view.h"

/* A changed slot, in the order of the hash of its number. */
struct state_slot_change {
    struct hash256 key; /* Keccak-256 of the slot's number */
    struct u256 slot;
    struct u256 value; /* 0 = deleted */
};

/* A changed account, in the order of the hash of its address. */
struct state_account_change {
    struct hash256 key; /* Keccak-256 of the address */
    struct address address;
    bool existed; /* in the version before */
    bool exists;  /* false: delete it, with its storage */
    bool wiped;   /* all its earlier slots are gone; `slots` are what it has since */
    struct state_account account; /* new content; `storage` still the old one until hashed */
    const struct state_slot_change *slots;
    size_t slot_count;
    struct trie_root old_storage; /* in the version before, with the number of its flat slots */
    uint64_t old_storage_id;
    struct trie *storage_trie; /* once hashed: the storage after the changes, NULL without any */
};

/* A code that came with a new contract. */
struct state_code_change {
    struct hash256 hash;
    struct bytes code;
};

/* Lists are sorted and hold each key once. */
struct state_update {
    struct state_view *view;   /* borrowed: unchanged until release */
    struct arena arena, items; /* `items`: while hashing */
    struct state_account_change *accounts;
    size_t account_count;
    struct state_code_change *codes;
    size_t code_count;
    struct trie trie; /* of accounts */
    bool hashed;
    struct hash256 root;
    struct err_detail *detail;
};

/*
 * Collects the difference; between transactions only. The view and its reader's transaction stay as
 * they are until release (or until state_update_commit has returned: the transaction may end then).
 * ERR_NOMEM. `detail` may be NULL.
 */
int state_update_init(struct state_update *ret_update, struct state_view *view,
                      struct err_detail *detail) BASE_NODISCARD;
void state_update_release(struct state_update *update);

/* The root after the changes. Touches only the nodes on the way to them. */
int state_update_root(struct state_update *update, struct hash256 *ret_root) BASE_NODISCARD;

/* Writes flat values, codes, nodes and the root record into the commit. The view's reader must show
 * the newest version of the commit's database, whose head has not moved since (ERR_USAGE). */
int state_update_commit(struct state_update *update, struct state_commit *commit) BASE_NODISCARD;

/* The root of a view in one step: by an update when it has a reader, otherwise straight from all
 * that it holds. Between transactions only. */
int state_root(struct state_view *view, struct hash256 *ret_root,
               struct err_detail *detail) BASE_NODISCARD;

#endif
