/* What the files of the library share: the folder's list and the unlocked keys, both under one lock. */
#ifndef ACCOUNTS_INTERNAL_H
#define ACCOUNTS_INTERNAL_H

#include "accounts/accounts.h"
#include "crypto/secret.h"

#include <pthread.h>
#include <time.h>

struct accounts_file {
    struct address address;
    char *name; /* within the folder */
    struct timespec changed;
    bool has_address; /* false: no key file; kept so that it is not read again */
};

struct accounts_key {
    struct address address;
    struct crypto_secret *key; /* a crypto_private_key */
    uint64_t until;            /* 0 = for ever */
    struct accounts_key *next;
};

struct accounts {
    pthread_mutex_t lock;
    enum crypto_keystore_strength strength;
    char folder[ACCOUNTS_PATH_MAX];
    struct timespec scanned;     /* the folder's time of change when it was read; 0: never */
    struct accounts_file *files; /* by name */
    size_t count;
    struct accounts_key *keys;
    void (*on_timed)(void *context); /* NULL: nobody asks */
    void *on_timed_context;
};

/* Reads the folder again if it has changed. Under the lock. ERR_NOMEM, ERR_IO. */
int accounts_scan(struct accounts *accounts) BASE_NODISCARD;
void accounts_forget_files(struct accounts *accounts);
/* "<folder>/<name>". */
void accounts_path(const struct accounts *accounts, char ret_path[ACCOUNTS_PATH_MAX],
                   const char *name);

/* The unlocked key, unless its time is over; NULL. Under the lock. */
struct accounts_key *accounts_find_key(struct accounts *accounts, const struct address *address,
                                       uint64_t now);
int accounts_keep_key(struct accounts *accounts, const struct address *address,
                      const struct crypto_private_key *key, uint64_t until) BASE_NODISCARD;
void accounts_drop_keys(struct accounts *accounts, const struct address *address, uint64_t now);

#endif
