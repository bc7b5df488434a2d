#include "node/unlock.h"

#include "base/file.h"
#include "base/hex.h"
#include "base/mem.h"
#include "crypto/address.h"
#include "node/datadir.h"
#include "node/log/log.h"

#include <errno.h>
#include <stdio.h>
#include <termios.h>
#include <unistd.h>

enum { ATTEMPTS = 3 };

int node_accounts_open(struct accounts **ret_accounts, const struct node_config *config,
                       struct err_detail *detail)
{
    char here[NODE_PATH_MAX] = "", path[2 * NODE_PATH_MAX];
    const char *folder = *config->keystore ? config->keystore : config->datadir;
    if (folder[0] != '/' && !getcwd(here, sizeof(here)))
        return err_set(detail, ERR_IO, "the current folder cannot be named: %s",
                       node_system_text(errno));
    while (strncmp(folder, "./", 2) == 0)
        folder += 2;
    size_t len = strlen(folder);
    while (len > 1 && folder[len - 1] == '/')
        len--;
    snprintf(path, sizeof(path), "%s%s%.*s%s", here, *here ? "/" : "", (int)len, folder,
             *config->keystore ? "" : "/keystore");
    enum crypto_keystore_strength strength =
        config->lightkdf ? CRYPTO_KEYSTORE_LIGHT : CRYPTO_KEYSTORE_STANDARD;
    int status = accounts_new(ret_accounts, path, strength);
    return status == ERR_OK ? status : err_set(detail, status, "%s: %s", path, err_text(status));
}

/* --- Passwords --- */

int node_passwords_read(struct node_passwords *ret_passwords, const struct node_config *config,
                        struct err_detail *detail)
{
    struct node_passwords passwords = {BUF_INIT, 0};
    if (!*config->password) {
        *ret_passwords = passwords;
        return ERR_OK;
    }
    if (access(config->password, R_OK) != 0)
        return err_set(detail, ERR_NOTFOUND, "Failed to read password file: open %s: %s",
                       config->password, node_system_text(errno));
    int status = file_read(config->password, NODE_PASSWORD_FILE_MAX, &passwords.text, detail);
    if (status != ERR_OK)
        return err_prefix(detail, status, "Failed to read password file");
    passwords.count = 1;
    for (size_t i = 0; i < passwords.text.len; i++)
        passwords.count += passwords.text.data[i] == '\n';
    *ret_passwords = passwords;
    return ERR_OK;
}

void node_passwords_release(struct node_passwords *passwords)
{
    mem_wipe(passwords->text.data, passwords->text.len);
    buf_release(&passwords->text);
    passwords->count = 0;
}

struct bytes node_passwords_get(const struct node_passwords *passwords, size_t index)
{
    struct bytes rest = buf_bytes(&passwords->text);
    for (size_t line = 0;; line++) {
        const uint8_t *end = rest.len ? memchr(rest.data, '\n', rest.len) : NULL;
        size_t len = end ? (size_t)(end - rest.data) : rest.len;
        if (line == index || line + 1 >= passwords->count) {
            while (len && rest.data[len - 1] == '\r')
                len--;
            return bytes_slice(rest, 0, len);
        }
        rest = bytes_slice(rest, len + 1, rest.len - len - 1);
    }
}

/* One line, not shown. ERR_USAGE at the end of input: `what` cannot be read. */
static int read_line(char ret_line[NODE_PASSWORD_MAX], const char *prompt, const char *what,
                     struct err_detail *detail)
{
    static bool warned;
    struct termios shown, hidden;
    bool terminal = tcgetattr(STDIN_FILENO, &shown) == 0;
    if (terminal) {
        hidden = shown;
        hidden.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    } else if (!warned) {
        fputs("!! Unsupported terminal, password will be echoed.\n", stdout);
        warned = true;
    }
    fputs(prompt, stdout);
    fflush(stdout);
    char *line = fgets(ret_line, NODE_PASSWORD_MAX, stdin);
    if (terminal)
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
    fputs("\n", stdout);
    if (!line)
        return err_set(detail, ERR_USAGE, "Failed to read %s: EOF", what);
    ret_line[strcspn(ret_line, "\r\n")] = 0;
    return ERR_OK;
}

int node_password_ask(char ret_password[NODE_PASSWORD_MAX], const char *text, bool twice,
                      struct err_detail *detail)
{
    char again[NODE_PASSWORD_MAX];
    if (*text)
        printf("%s\n", text);
    int status = read_line(ret_password, "Password: ", "password", detail);
    if (status != ERR_OK || !twice)
        return status;
    status = read_line(again, "Repeat password: ", "password confirmation", detail);
    if (status == ERR_OK && strcmp(ret_password, again) != 0)
        status = err_set(detail, ERR_INPUT, "Passwords do not match");
    mem_wipe(again, sizeof(again));
    return status;
}

/* --- Accounts --- */

static void count_one(void *context, const struct accounts_entry *entry)
{
    (void)entry;
    ++*(size_t *)context;
}

static void warn_of_index(void)
{
    static const char line[] =
        "-------------------------------------------------------------------";
    NODE_LOG(NODE_LOG_WARN, line);
    NODE_LOG(NODE_LOG_WARN, "Referring to accounts by order in the keystore folder is dangerous!");
    NODE_LOG(NODE_LOG_WARN, "This functionality is deprecated and will be removed in the future!");
    NODE_LOG(NODE_LOG_WARN, "Please use explicit addresses! (can search via `geth account list`)");
    NODE_LOG(NODE_LOG_WARN, line);
}

int node_account_find(struct address *ret_address, struct accounts *accounts, const char *text,
                      struct err_detail *detail)
{
    uint64_t index;
    size_t count = 0;
    if (hex_decode_exact(text, ret_address->b, sizeof(ret_address->b)))
        return ERR_OK;
    if (text[0] == '0' && text[1] == 'x')
        return err_set(detail, ERR_INPUT, "invalid account address or index \"%.80s\"", text);
    if (!hex_u64(text, &index))
        return err_set(detail, ERR_INPUT, "invalid account address or index \"%.80s\"", text);
    warn_of_index();
    if (accounts_at(accounts, ret_address, index))
        return ERR_OK;
    if (accounts_each(accounts, count_one, &count) != ERR_OK)
        return err_set(detail, ERR_IO, "the keystore folder cannot be read");
    return err_set(detail, ERR_INPUT, "index %llu higher than number of accounts %zu",
                   (unsigned long long)index, count);
}

static int attempt(struct accounts *accounts, const struct address *address, const char *text,
                   unsigned number, const struct node_passwords *passwords, size_t index,
                   char ret_password[NODE_PASSWORD_MAX], struct err_detail *detail)
{
    char typed[NODE_PASSWORD_MAX] = "", prompt[256];
    struct bytes password;
    int status = ERR_OK;
    if (passwords && passwords->count) {
        password = node_passwords_get(passwords, index);
    } else {
        snprintf(prompt, sizeof(prompt), "Unlocking account %.80s | Attempt %u/%d", text,
                 number + 1, ATTEMPTS);
        status = node_password_ask(typed, prompt, false, detail);
        password = bytes_str(typed);
    }
    if (status == ERR_OK)
        status = accounts_unlock(accounts, address, password, 0, 0, detail);
    if (status == ACCOUNTS_OK && ret_password) {
        size_t len = password.len < NODE_PASSWORD_MAX - 1 ? password.len : NODE_PASSWORD_MAX - 1;
        memcpy(ret_password, password.data, len);
        ret_password[len] = 0;
    }
    mem_wipe(typed, sizeof(typed));
    return status;
}

int node_account_unlock(struct accounts *accounts, struct address *ret_address, const char *text,
                        const struct node_passwords *passwords, size_t index,
                        char ret_password[NODE_PASSWORD_MAX], struct err_detail *detail)
{
    struct err_detail why = {""};
    char checksummed[CRYPTO_ADDRESS_TEXT];
    int status = node_account_find(ret_address, accounts, text, &why);
    if (status != ERR_OK)
        return err_set(detail, status, "Could not list accounts: %s", why.text);
    for (unsigned i = 0; i < ATTEMPTS; i++) {
        status = attempt(accounts, ret_address, text, i, passwords, index, ret_password, &why);
        if (status != ACCOUNTS_WRONG_PASSWORD)
            break; /* nothing that another password would mend */
    }
    if (status == ERR_USAGE) /* nobody types */
        return err_set(detail, status, "%s", why.text);
    if (status != ACCOUNTS_OK)
        return err_set(detail, ERR_INPUT, "Failed to unlock account %.80s (%.400s)", text,
                       why.text);
    crypto_address_checksum(checksummed, ret_address);
    NODE_LOG(NODE_LOG_INFO, "Unlocked account", node_text("address", checksummed));
    return ERR_OK;
}

/* --- --unlock --- */

struct node_unlocking {
    struct io_worker *worker;
    struct accounts *accounts;
    const char *list;
    struct node_passwords passwords;
    struct err_detail why; /* of the first that failed; "" */
    void (*failed)(void *context, const char *message);
    void *context;
};

static int unknown(struct accounts *accounts, const char *word, struct err_detail *detail)
{
    struct err_detail why = {""};
    (void)accounts_explain_unknown(accounts, &why);
    return err_set(detail, ERR_INPUT, "Failed to unlock account %.80s (%.400s)", word, why.text);
}

/* Calls for each word of the list, until one fails. */
static int each_wanted(struct node_unlocking *u, bool look_only, struct err_detail *detail)
{
    const char *rest = u->list;
    int status = ERR_OK;
    for (size_t index = 0; status == ERR_OK && *rest;) {
        struct address address;
        char word[80];
        size_t len = strcspn(rest, ",");
        snprintf(word, sizeof(word), "%.*s", (int)len, rest + strspn(rest, " \t"));
        word[strcspn(word, ", \t\r\n")] = 0;
        rest += len + (rest[len] == ',');
        if (!*word)
            continue;
        if (!look_only)
            status = node_account_unlock(u->accounts, &address, word, &u->passwords, index, NULL,
                                         detail);
        else if (hex_decode_exact(word, address.b, sizeof(address.b)) &&
                 !accounts_has(u->accounts, &address))
            status = unknown(u->accounts, word, detail);
        index++;
    }
    return status;
}

static void work(void *context)
{
    struct node_unlocking *u = context;
    (void)each_wanted(u, false, &u->why); /* told on the loop */
}

static void done(void *context)
{
    struct node_unlocking *u = context;
    node_passwords_release(&u->passwords);
    if (*u->why.text)
        u->failed(u->context, u->why.text);
}

void node_unlocking_free(struct node_unlocking *unlocking)
{
    if (!unlocking)
        return;
    io_worker_free(unlocking->worker);
    node_passwords_release(&unlocking->passwords);
    mem_free(unlocking);
}

int node_unlocking_start(struct node_unlocking **ret_unlocking, struct io_loop *loop,
                         const struct node_config *config, struct accounts *accounts,
                         void (*failed)(void *context, const char *message), void *context,
                         struct err_detail *detail)
{
    *ret_unlocking = NULL;
    if (!*config->unlock)
        return ERR_OK;
    if ((config->http || config->ws) && !config->allow_insecure_unlock)
        return err_set(detail, ERR_USAGE, "Account unlock with HTTP access is forbidden!");
    struct node_unlocking *u = mem_alloc_zeroed(1, sizeof(*u));
    if (!u)
        return err_set(detail, ERR_NOMEM, "out of memory");
    u->list = config->unlock;
    u->accounts = accounts;
    u->failed = failed;
    u->context = context;
    int status = node_passwords_read(&u->passwords, config, detail);
    if (status == ERR_OK)
        status = each_wanted(u, true, detail); /* what is wrong from the start is said at once */
    if (status == ERR_OK && u->passwords.count == 0) {
        status = each_wanted(u, false, detail); /* a person types: nothing else goes on */
    } else if (status == ERR_OK) {
        status = io_worker_new(&u->worker, loop);
        if (status == ERR_OK)
            status = io_worker_run(u->worker, work, done, u);
        if (status != ERR_OK)
            err_set(detail, status, "unlocking: %s", err_text(status));
    }
    if (status == ERR_OK)
        *ret_unlocking = u;
    else
        node_unlocking_free(u);
    return status;
}
