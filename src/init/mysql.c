/* The database server runs the script when it makes its data, before it listens. */
#include "base/file.h"
#include "base/mem.h"
#include "init/init.h"

#include <string.h>

static const char *script_path, *database, *user, *password_path;

static const struct options_row rows[] = {
    {"script", "FILE", OPTIONS_TEXT, &script_path,
     "where the script is written, mode 0400, for the server's first start"},
    {"database", "NAME", OPTIONS_TEXT, &database, "the database"},
    {"user", "NAME", OPTIONS_TEXT, &user, "the user who may do everything in it"},
    {"password-file", "FILE", OPTIONS_TEXT, &password_path, "file of the user's password"},
};

static int check_name(const char *what, const char *name, struct err_detail *detail)
{
    size_t len = strlen(name);
    if (len == 0 || len > INIT_NAME_MAX)
        return err_set(detail, ERR_USAGE, "--%s: 1 to %d characters are expected", what,
                       INIT_NAME_MAX);
    if (strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != len)
        return err_set(detail, ERR_USAGE, "--%s: %s: only letters, digits and _ may be in it", what,
                       name);
    return ERR_OK;
}

/* A text of SQL: quotes doubled; a backslash too, which ANSI mode alone takes literally, so it is refused there. */
static void append_quoted(struct buf *b, struct bytes text)
{
    buf_append_text(b, "'");
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '\'' || text.data[i] == '\\')
            buf_append(b, &text.data[i], 1);
        buf_append(b, &text.data[i], 1);
    }
    buf_append_text(b, "'");
}

static void append_user(struct buf *b, const char *verb, const char *host, struct bytes password)
{
    buf_append_format(b, "%s '%s'@'%s' IDENTIFIED BY ", verb, user, host);
    append_quoted(b, password);
    buf_append_text(b, ";\n");
}

/* The script that makes a database, its user and its rights, and does nothing where they are. ERR_USAGE (names that are
 * none, an empty password), ERR_NOMEM. */
static int make_script(struct buf *ret_script, const char *name, const char *owner,
                       struct bytes password, struct err_detail *detail)
{
    static const char *const hosts[] = {"localhost", "127.0.0.1", "%"};
    int status = check_name("database", name, detail);
    if (status == ERR_OK)
        status = check_name("user", owner, detail);
    if (status != ERR_OK)
        return status;
    if (password.len == 0 || memchr(password.data, 0, password.len))
        return err_set(detail, ERR_USAGE, "the password is empty, or has a zero byte in it");

    buf_append_format(ret_script, "CREATE DATABASE IF NOT EXISTS `%s`;\n", name);
    for (size_t i = 0; i < BASE_COUNT(hosts); i++) {
        append_user(ret_script, "CREATE USER IF NOT EXISTS", hosts[i], password);
        append_user(ret_script, "ALTER USER", hosts[i], password);
        buf_append_format(ret_script, "GRANT ALL PRIVILEGES ON `%s`.* TO '%s'@'%s';\n", name, owner,
                          hosts[i]);
    }
    return ret_script->status;
}

/* Without the end of line that the reference's file has. */
static struct bytes trimmed(const struct buf *b)
{
    struct bytes text = buf_bytes(b);
    while (text.len && (text.data[text.len - 1] == '\n' || text.data[text.len - 1] == '\r'))
        text.len--;
    return text;
}

static int write_script(struct err_detail *detail)
{
    struct buf password = BUF_INIT, script = BUF_INIT;
    int status = file_read(password_path, INIT_PASSWORD_MAX, &password, detail);
    if (status == ERR_OK)
        status = make_script(&script, database, user, trimmed(&password), detail);
    const char *slash = strrchr(script_path, '/');
    char folder[INIT_PATH_MAX];
    if (status == ERR_OK && (!slash || slash - script_path >= INIT_PATH_MAX))
        status = err_set(detail, ERR_USAGE, "--script: a path with a folder is expected");
    if (status == ERR_OK) {
        memcpy(folder, script_path, (size_t)(slash - script_path));
        folder[slash - script_path] = '\0';
        status = init_write_secret(folder, slash + 1, buf_bytes(&script), detail);
    }
    if (script.data)
        mem_wipe(script.data, script.len);
    if (password.data)
        mem_wipe(password.data, password.len);
    buf_release(&script);
    buf_release(&password);
    return status;
}

static int run(size_t argc, char **argv)
{
    struct err_detail detail = {""};
    (void)argv;
    int status = ERR_OK;
    if (argc || !script_path || !database || !user || !password_path)
        status = err_set(&detail, ERR_USAGE,
                         "mysql needs --script, --database, --user and --password-file");
    else
        status = write_script(&detail);
    return status == ERR_OK ? COMMANDS_OK : init_complain(status, &detail);
}

const struct commands_command init_mysql = {
    .text = {"mysql", "", "write the script that makes the database and its user",
             "The tables are made by the transaction manager itself. The script may run again."},
    .rows = rows,
    .row_count = BASE_COUNT(rows),
    .run = run,
};
