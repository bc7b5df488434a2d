/* The accounts of a command line: their folder, passwords from a file or a terminal, and what --unlock asks for. */
#ifndef NODE_UNLOCK_H
#define NODE_UNLOCK_H

#include "accounts/accounts.h"
#include "io/worker.h"
#include "node/config/config.h"

enum {
    NODE_PASSWORD_MAX = 1024, /* bytes of a password that is typed */
    NODE_PASSWORD_FILE_MAX = 1 << 20,
};

/* The folder of --keystore, or `keystore` in the data directory. The message is geth's. */
int node_accounts_open(struct accounts **ret_accounts, const struct node_config *config,
                       struct err_detail *detail) BASE_NODISCARD;

/* The lines of the file of --password; none without the flag. */
struct node_passwords {
    struct buf text;
    size_t count; /* of lines; 0: none were given */
};
/* ERR_NOTFOUND, …: "Failed to read password file: …". */
int node_passwords_read(struct node_passwords *ret_passwords, const struct node_config *config,
                        struct err_detail *detail) BASE_NODISCARD;
/* Wipes. */
void node_passwords_release(struct node_passwords *passwords);
/* The password of an account by its place in the list; the last serves all that follow. Borrowed. */
struct bytes node_passwords_get(const struct node_passwords *passwords, size_t index);

/* Asks at the terminal, without showing what is typed; without a terminal a line of standard input. The caller wipes
 * ret_password. ERR_USAGE at the end of input; ERR_INPUT "Passwords do not match". */
int node_password_ask(char ret_password[NODE_PASSWORD_MAX], const char *text, bool twice,
                      struct err_detail *detail) BASE_NODISCARD;

/* The account that a text names: an address, or (with a warning) an index. ERR_INPUT with geth's message. */
int node_account_find(struct address *ret_address, struct accounts *accounts, const char *text,
                      struct err_detail *detail) BASE_NODISCARD;

/* Unlocks for as long as the program runs; asks up to three times when there are no passwords. The one that opened it
 * is copied to ret_password unless that is NULL. Logs. ERR_INPUT: "Failed to unlock account …". */
int node_account_unlock(struct accounts *accounts, struct address *ret_address, const char *text,
                        const struct node_passwords *passwords, size_t index,
                        char ret_password[NODE_PASSWORD_MAX],
                        struct err_detail *detail) BASE_NODISCARD;

/* The accounts of --unlock, on a thread of their own while the node runs. */
struct node_unlocking;
/* Begins; `failed` is called on the loop with the message when one cannot be unlocked. Without --unlock *ret is NULL.
 * ERR_USAGE: "Account unlock with HTTP access is forbidden!"; ERR_INPUT: no such account, or a typed password is
 * wrong. `config` and `accounts` outlive it. */
int node_unlocking_start(struct node_unlocking **ret_unlocking, struct io_loop *loop,
                         const struct node_config *config, struct accounts *accounts,
                         void (*failed)(void *context, const char *message), void *context,
                         struct err_detail *detail) BASE_NODISCARD;
/* Waits for what is under way. NULL is fine. */
void node_unlocking_free(struct node_unlocking *unlocking);

#endif
