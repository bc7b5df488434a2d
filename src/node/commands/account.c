/* account new|list|update|import, as geth has them (cmd/geth/accountcmd.go). */
#include "base/hex.h"
#include "base/mem.h"
#include "crypto/address.h"
#include "node/commands/command.h"
#include "node/unlock.h"

#include <stdio.h>

struct context {
    struct accounts *accounts;
    struct node_passwords passwords;
};

/* Prints what is wrong. */
static int begin(struct context *ret_context, const struct node_config *config)
{
    struct err_detail detail = {""};
    struct context c = {NULL, {BUF_INIT, 0}};
    int status = node_passwords_read(&c.passwords, config, &detail);
    if (status == ERR_OK)
        status = node_accounts_open(&c.accounts, config, &detail);
    if (status != ERR_OK) {
        node_passwords_release(&c.passwords);
        return node_fatal("%s", detail.text);
    }
    *ret_context = c;
    return NODE_EXIT_OK;
}

static void end(struct context *c)
{
    accounts_free(c->accounts);
    node_passwords_release(&c->passwords);
}

/* From the file of --password, or asked for twice. The caller wipes `typed`. */
static int new_password(const struct context *c, char typed[NODE_PASSWORD_MAX],
                        struct bytes *ret_password, const char *text)
{
    struct err_detail detail = {""};
    if (c->passwords.count) {
        *ret_password = node_passwords_get(&c->passwords, 0);
        return NODE_EXIT_OK;
    }
    if (node_password_ask(typed, text, true, &detail) != ERR_OK)
        return node_fatal("%s", detail.text);
    *ret_password = bytes_str(typed);
    return NODE_EXIT_OK;
}

static const char please[] =
    "Your new account is locked with a password. Please give a password. Do not forget this "
    "password.";

static int create(struct context *c)
{
    char typed[NODE_PASSWORD_MAX] = "", path[ACCOUNTS_PATH_MAX], text[CRYPTO_ADDRESS_TEXT];
    struct err_detail detail = {""};
    struct address address;
    struct bytes password;
    int code = new_password(c, typed, &password, please);
    if (code == NODE_EXIT_OK &&
        accounts_create(c->accounts, &address, path, password, &detail) != ACCOUNTS_OK)
        code = node_fatal("Failed to create account: %s", detail.text);
    mem_wipe(typed, sizeof(typed));
    if (code != NODE_EXIT_OK)
        return code;
    crypto_address_checksum(text, &address);
    printf("\nYour new key was generated\n\n"
           "Public address of the key:   %s\n"
           "Path of the secret key file: %s\n\n"
           "- You can share your public address with anyone. Others need it to interact with you.\n"
           "- You must NEVER share the secret key with anyone! The key controls access to your "
           "funds!\n"
           "- You must BACKUP your key file! Without the key, it's impossible to access account "
           "funds!\n"
           "- You must REMEMBER your password! Without the password, it's impossible to decrypt "
           "the key!\n\n",
           text, path);
    return code;
}

static int import(struct context *c, const char *path)
{
    char typed[NODE_PASSWORD_MAX] = "", digits[41] = "";
    struct crypto_private_key key;
    struct err_detail detail = {""};
    struct address address;
    struct bytes password;
    if (node_key_read(&key, path, &detail) != ERR_OK)
        return node_fatal("Failed to load the private key: %s", detail.text);
    int code = new_password(c, typed, &password, please);
    if (code == NODE_EXIT_OK &&
        accounts_import(c->accounts, &address, &key, password, &detail) != ACCOUNTS_OK)
        code = node_fatal("Could not create the account: %s", detail.text);
    mem_wipe(typed, sizeof(typed));
    mem_wipe(&key, sizeof(key));
    if (code != NODE_EXIT_OK)
        return code;
    hex_encode(digits, bytes_of(address.b, sizeof(address.b)));
    printf("Address: {%s}\n", digits);
    return code;
}

static int update(struct context *c, const char *which)
{
    char old[NODE_PASSWORD_MAX] = "", typed[NODE_PASSWORD_MAX] = "";
    struct err_detail detail = {""};
    struct address address;
    int code = NODE_EXIT_OK;
    if (node_account_unlock(c->accounts, &address, which, NULL, 0, old, &detail) != ERR_OK)
        code = node_fatal("%s", detail.text);
    else if (node_password_ask(typed, "Please give a new password. Do not forget this password.",
                               true, &detail) != ERR_OK)
        code = node_fatal("%s", detail.text);
    else if (accounts_update(c->accounts, &address, bytes_str(old), bytes_str(typed), &detail) !=
             ACCOUNTS_OK)
        code = node_fatal("Could not update the account: %s", detail.text);
    mem_wipe(old, sizeof(old));
    mem_wipe(typed, sizeof(typed));
    return code;
}

static void print_one(void *context, const struct accounts_entry *entry)
{
    char digits[41] = "";
    hex_encode(digits, bytes_of(entry->address.b, sizeof(entry->address.b)));
    printf("Account #%u: {%s} keystore://%s\n", (*(unsigned *)context)++, digits, entry->path);
}

static int list(struct context *c)
{
    unsigned index = 0;
    return accounts_each(c->accounts, print_one, &index) == ERR_OK
               ? NODE_EXIT_OK
               : node_fatal("Could not list accounts: the keystore folder cannot be read");
}

static int update_all(struct context *c, size_t count, char **which)
{
    int code = NODE_EXIT_OK;
    if (count == 0)
        return node_fatal("No accounts specified to update");
    for (size_t i = 0; i < count && code == NODE_EXIT_OK; i++)
        code = update(c, which[i]);
    return code;
}

static int print_help(const char *what)
{
    struct buf b = BUF_INIT;
    if (strcmp(what, "help") != 0 && strcmp(what, "h") != 0)
        return node_no_topic(what);
    (void)node_command_help(&b, "quorate-node", "account");
    fputs(buf_text(&b), stdout);
    buf_release(&b);
    return NODE_EXIT_OK;
}

int node_run_account(const struct node_config *config, size_t count, char **arguments)
{
    static const char *const known[] = {"new", "list", "update", "import", "plugin"};
    const char *what = count ? arguments[0] : "help";
    struct context c;
    size_t i = 0;
    while (i < BASE_COUNT(known) && strcmp(what, known[i]) != 0)
        i++;
    if (i == BASE_COUNT(known))
        return print_help(what);
    if (strcmp(what, "import") == 0 && count < 2)
        return node_fatal("keyfile must be given as argument");
    if (strcmp(what, "plugin") == 0)
        return node_fatal("account plugins are not supported: quorate-node keeps accounts in key "
                          "files");
    int code = begin(&c, config);
    if (code != NODE_EXIT_OK)
        return code;
    if (strcmp(what, "new") == 0)
        code = create(&c);
    else if (strcmp(what, "list") == 0)
        code = list(&c);
    else if (strcmp(what, "update") == 0)
        code = update_all(&c, count - 1, arguments + 1);
    else
        code = import(&c, arguments[1]);
    end(&c);
    return code;
}
