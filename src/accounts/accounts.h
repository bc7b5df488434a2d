/*
 * `accounts` keeps the accounts of a node: a folder of key files (crypto/keystore.h) as geth has it, and the keys of
 * those that are unlocked.
 *
 *   accounts.h   this file: which there are, unlocking, signing, new ones
 *   folder.c     the folder: reads it again when it has changed
 *   keys.c       unlocked keys, in locked memory, wiped when their time is over
 *
 * Every function may be called from any thread. Those that take a password run the file's derivation, one or two
 * seconds by intention, and do not keep the others waiting meanwhile. There is no clock in here: `now` is any
 * monotonic time in milliseconds, the same for all calls.
 */
#ifndef ACCOUNTS_ACCOUNTS_H
#define ACCOUNTS_ACCOUNTS_H

#include "crypto/keystore.h"

struct accounts;

enum {
    ACCOUNTS_PATH_MAX = 4096,
    /* Files of a folder that are looked at; geth has no limit. */
    ACCOUNTS_FILES_MAX = 1 << 16,
};

/* What became of a request, with geth's texts (accounts/errors.go, accounts/keystore/keystore.go). X(NAME, "text") */
#define ACCOUNTS_RESULT_LIST(X)                                                                    \
    X(OK, "ok")                                                                                    \
    X(UNKNOWN, "no key for given address or file")                                                 \
    X(AMBIGUOUS, "multiple keys match address")                                                    \
    X(LOCKED, "authentication needed: password or unlock")                                         \
    X(WRONG_PASSWORD, "could not decrypt key with given password")                                 \
    X(THERE, "account already exists")                                                             \
    X(UNREADABLE, "the key file cannot be read")

enum accounts_result {
#define X(name, text) ACCOUNTS_##name,
    ACCOUNTS_RESULT_LIST(X)
#undef X
};

const char *accounts_result_text(enum accounts_result result);

/* `folder` need not exist before something is written to it. ERR_NOMEM, ERR_LIMIT (its name is too long). */
int accounts_new(struct accounts **ret_accounts, const char *folder,
                 enum crypto_keystore_strength strength) BASE_NODISCARD;
/* Wipes every key. NULL is fine. */
void accounts_free(struct accounts *accounts);

struct accounts_entry {
    struct address address;
    const char *path;
    bool unlocked; /* as of the last accounts_expire */
};

/* Calls fn for each file with an address, ordered by path, which is the order of their indexes. The entries are valid
 * during the call; `fn` must not call this library. ERR_NOMEM, ERR_IO (a folder that is not there has no files). */
int accounts_each(struct accounts *accounts,
                  void (*fn)(void *context, const struct accounts_entry *entry),
                  void *context) BASE_NODISCARD;

/* Whether there is a file for the address. */
bool accounts_has(struct accounts *accounts, const struct address *address);
/* Why there may be none: the text of UNKNOWN, and which files were passed over, or that the folder cannot be read. Returns UNKNOWN. */
int accounts_explain_unknown(struct accounts *accounts, struct err_detail *detail);
/* The address of the file with this index in the order of paths. */
bool accounts_at(struct accounts *accounts, struct address *ret_address, uint64_t index);

/*
 * The functions below return an enum accounts_result or a failure of this machine (ERR_…). `detail` says which file
 * and why for AMBIGUOUS, UNREADABLE and failures; it is empty, or the text of the result, otherwise.
 */

/* A new key under a password, in a new file `UTC--<time>--<address>` of mode 0600. ret_path may be NULL. */
int accounts_create(struct accounts *accounts, struct address *ret_address,
                    char ret_path[ACCOUNTS_PATH_MAX], struct bytes password,
                    struct err_detail *detail) BASE_NODISCARD;
/* The same with a key that is there. THERE: its account has a file already, whose address is returned. */
int accounts_import(struct accounts *accounts, struct address *ret_address,
                    const struct crypto_private_key *key, struct bytes password,
                    struct err_detail *detail) BASE_NODISCARD;
/* Puts an account's key under another password, in the same file. */
int accounts_update(struct accounts *accounts, const struct address *address, struct bytes old,
                    struct bytes password, struct err_detail *detail) BASE_NODISCARD;

/* Keeps the key for so many milliseconds, 0: for ever. One that is unlocked for ever stays so (geth's rule). */
int accounts_unlock(struct accounts *accounts, const struct address *address, struct bytes password,
                    uint64_t duration, uint64_t now, struct err_detail *detail) BASE_NODISCARD;
/* Forgets the key; also when there is none. */
void accounts_lock(struct accounts *accounts, const struct address *address);
/* Wipes the keys whose time is over; true: others are kept for a time that is still to pass. Call it every second or so while there are
 * such, of which `on_timed` tells. */
bool accounts_expire(struct accounts *accounts, uint64_t now);
/* Calls fn for each key that is kept for a time, in accounts_unlock, on its thread. Before the first unlocking. */
void accounts_on_timed(struct accounts *accounts, void (*fn)(void *context), void *context);

/* OK when the account is unlocked; LOCKED, or UNKNOWN when there is no file either. */
enum accounts_result accounts_can_sign(struct accounts *accounts, const struct address *address,
                                       uint64_t now) BASE_NODISCARD;
/* Signs with an unlocked key; LOCKED, or UNKNOWN when there is no file either. */
int accounts_sign(struct accounts *accounts, struct crypto_signature *ret_signature,
                  const struct address *address, const struct hash256 *hash,
                  uint64_t now) BASE_NODISCARD;
/* The file's key, which the caller wipes; for whoever has the password and signs once something else is known. */
int accounts_open(struct accounts *accounts, struct crypto_private_key *ret_key,
                  const struct address *address, struct bytes password,
                  struct err_detail *detail) BASE_NODISCARD;
/* Signs with the file's key, which is not kept. */
int accounts_sign_with_password(struct accounts *accounts, struct crypto_signature *ret_signature,
                                const struct address *address, struct bytes password,
                                const struct hash256 *hash,
                                struct err_detail *detail) BASE_NODISCARD;

#endif
