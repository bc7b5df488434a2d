/*
 * The working state of one block: accounts, slots and code as they are read and changed, with a
 * journal behind every change.
 *
 * What is asked for is read once from the reader (if there is one) and kept. A transaction makes
 * changes, takes checkpoints and rolls back to them; state_view_end_transaction then settles
 * destructed and empty accounts and forgets what lives only as long as a transaction: original
 * values, access lists, transient storage, marks, logs. At the end of the block update.h collects
 * the difference.
 *
 * Every function that returns int gives 0 or a failure of this machine: ERR_NOMEM, or what reading
 * the store gave. A change that failed has changed nothing; checkpoints stay usable, and rolling
 * back never fails.
 */
#ifndef STATE_VIEW_H
#define STATE_VIEW_H

#include "base/arena.h"
#include "base/error.h"
#include "eth/receipt.h"
#include "state/account.h"

struct state_reader;
struct state_view;

/* --- Life --- */

/* `reader` is copied; its transaction outlives the view or its next reset. NULL: the view starts
 * empty and is the whole state. ERR_NOMEM. */
int state_view_new(struct state_view **ret_view, const struct state_reader *reader) BASE_NODISCARD;
/* NULL is fine. */
void state_view_free(struct state_view *view);
/* As new, keeping the memory. */
void state_view_reset(struct state_view *view, const struct state_reader *reader);

/* --- Accounts --- */

/* NULL when there is none. The pointer is valid until the next call with this view. Of `storage`
 * only this is certain: the hash is the one of the version that the reader shows. */
int state_view_account(struct state_view *view, const struct state_account **ret_account,
                       const struct address *address) BASE_NODISCARD;
/* Its code, or none. Valid as long as the view and its reader's transaction. */
int state_view_code(struct state_view *view, struct bytes *ret_code,
                    const struct address *address) BASE_NODISCARD;
/* Whether any of its slots is not zero (EIP-7610). */
int state_view_has_storage(struct state_view *view, bool *ret_has,
                           const struct address *address) BASE_NODISCARD;

/* Each makes the account when there is none. */
int state_view_set_balance(struct state_view *view, const struct address *address,
                           const struct u256 *balance) BASE_NODISCARD;
int state_view_set_nonce(struct state_view *view, const struct address *address,
                         uint64_t nonce) BASE_NODISCARD;
/* The code is copied. */
int state_view_set_code(struct state_view *view, const struct address *address,
                        struct bytes code) BASE_NODISCARD;
/* Wraps like the EVM's words: no state has 2^256 wei. Adding 0 touches. */
int state_view_add_balance(struct state_view *view, const struct address *address,
                           const struct u256 *amount) BASE_NODISCARD;
/* The balance suffices (a bug otherwise). Subtracting 0 from no account does nothing. */
int state_view_sub_balance(struct state_view *view, const struct address *address,
                           const struct u256 *amount) BASE_NODISCARD;

/*
 * Touched, an account that is empty at the end of the transaction is deleted (EIP-161); any change
 * touches. Makes the account when there is none, which before Spurious Dragon stays. With
 * `for_good` the touch itself is not rolled back, except to the
 * start of the transaction: what the RIPEMD-160 contract did on the main
 * network at block 2,675,119, and clients have done since.
 */
int state_view_touch(struct state_view *view, const struct address *address,
                     bool for_good) BASE_NODISCARD;

/*
 * GoQuorum: an account that an earlier transaction of the block settled away (empty, or destructed)
 * exists again, without having been touched, so that it stays although it is empty. *ret_revived:
 * it was such a one. Journalled like any change.
 */
int state_view_revive(struct state_view *view, bool *ret_revived,
                      const struct address *address) BASE_NODISCARD;

/* Marks of the running transaction. */
int state_view_mark_created(struct state_view *view, const struct address *address) BASE_NODISCARD;
int state_view_is_created(struct state_view *view, bool *ret_created,
                          const struct address *address) BASE_NODISCARD;
/* To be deleted at the end of the transaction, with its storage and whatever balance it has. */
int state_view_mark_destructed(struct state_view *view, bool *ret_first,
                               const struct address *address) BASE_NODISCARD;

/* --- Storage --- */

/* ret_cold, unless NULL: marks the slot as accessed and tells whether it was not before (EIP-2929).
 * The account itself is not marked. */
int state_view_load(struct state_view *view, struct u256 *ret_value, bool *ret_cold,
                    const struct address *address, const struct u256 *slot) BASE_NODISCARD;
/* As above. ret_original and ret_current (either may be NULL): the value at the start of the
 * transaction, and just before. Makes the account when there is none. */
int state_view_store(struct state_view *view, struct u256 *ret_original, struct u256 *ret_current,
                     bool *ret_cold, const struct address *address, const struct u256 *slot,
                     const struct u256 *value) BASE_NODISCARD;

/* Transient storage (EIP-1153). */
int state_view_load_transient(struct state_view *view, struct u256 *ret_value,
                              const struct address *address,
                              const struct u256 *slot) BASE_NODISCARD;
int state_view_store_transient(struct state_view *view, const struct address *address,
                               const struct u256 *slot, const struct u256 *value) BASE_NODISCARD;

/* --- Access list of the transaction (EIP-2929, EIP-2930); nothing is read from the store --- */

/* Put on the list, until the transaction ends or is rolled back behind this. *ret_cold: it was not there. ERR_NOMEM. */
int state_view_access_account(struct state_view *view, bool *ret_cold,
                              const struct address *address) BASE_NODISCARD;
int state_view_access_slot(struct state_view *view, bool *ret_cold, const struct address *address,
                           const struct u256 *slot) BASE_NODISCARD;

/* --- Logs --- */

/* Topics and data are copied. */
int state_view_add_log(struct state_view *view, const struct address *address,
                       const struct hash256 *topics, size_t topic_count,
                       struct bytes data) BASE_NODISCARD;
/* Of the running transaction. The array is valid until the next log or end of transaction; what its
 * entries point to, until the view is reset. */
const struct eth_log *state_view_logs(const struct state_view *view, size_t *ret_count);

/* --- Checkpoints --- */

/* A position in the journal. Checkpoints nest; committing one means to forget it. Valid until the
 * end of the transaction or a rollback to an earlier one. */
size_t state_view_checkpoint(const struct state_view *view);
/* Undoes everything since, in time proportional to what it was. */
void state_view_rollback(struct state_view *view, size_t checkpoint);

/*
 * Settles the transaction: deletes destructed accounts and, with `delete_empty` (from Spurious
 * Dragon on), touched empty ones. Starts the next. Never fails, and cannot be rolled back.
 */
void state_view_end_transaction(struct state_view *view, bool delete_empty);

/*
 * The account as its trie would have it if the transaction ended now: nonce, balance, storage root,
 * code hash as RLP. *ret_size 0: there is none. The time is that of the view's slots.
 */
int state_view_encode(struct state_view *view, uint8_t ret_rlp[STATE_ACCOUNT_RLP_MAX],
                      size_t *ret_size, const struct address *address) BASE_NODISCARD;

/* --- Content --- */

struct state_dump_slot {
    struct u256 slot, value; /* not 0 */
};

struct state_dump_account {
    struct address address;
    struct state_account account;
    struct bytes code; /* valid as state_view_code says */
    const struct state_dump_slot *slots;
    size_t slot_count;
};

/* All accounts that a view without reader has, sorted by address, with their slots sorted by
 * number; in `arena`. Between transactions. */
int state_view_dump(struct state_view *view, struct state_dump_account **ret_accounts,
                    size_t *ret_count, struct arena *arena) BASE_NODISCARD;

#endif
