/* constellation-node's command line: one configuration file, items as --item=value, --generatekeys. */
#include "base/mem.h"
#include "tm/enclave/keyfile.h"
#include "tm/main/main.h"

#include <stdio.h>
#include <unistd.h>

enum { ARGUMENTS_MAX = 256 };

static int generate(const char *names)
{
    struct tm_encryptor e;
    struct err_detail detail = {""};
    int status = 0;
    tm_encryptor_init_nacl(&e);
    while (status == 0 && *names) {
        char name[512], prompt[600];
        struct buf password = BUF_INIT;
        size_t len = strcspn(names, ",");
        snprintf(name, sizeof(name), "%.*s", (int)(len < 500 ? len : 500), names);
        snprintf(prompt, sizeof(prompt), "Lock key pair %s with password [none]: ", name);
        status = tm_ask_password(&password, prompt);
        if (status == 0)
            status = tm_keyfile_generate(NULL, &e, name, buf_bytes(&password),
                                         &tm_keyfile_argon2_default, &detail);
        if (password.data)
            mem_wipe(password.data, password.capacity);
        buf_release(&password);
        names += len + (names[len] == ',');
    }
    if (status < 0) {
        fprintf(stderr, "%s\n", detail.text[0] ? detail.text : err_text(status));
        return 1;
    }
    return 0;
}

/* Whether payloads lie in Constellation's own storage that nobody has brought over: they would be missing. */
static bool left_behind(const struct tm_config *config, const char *path)
{
    static const struct {
        const char *kind, *file; /* in its folder */
        const char *source;      /* for `migrate`; NULL: none */
    } kinds[] = {{"dir:", "/payloads", "dir:"},
                 {"sqlite:", "", "sqlite:"},
                 {"bdb:", "/payload.db", "bdb:DUMP (docs/tm-storage.md: db_dump) of "},
                 {"leveldb:", "/CURRENT", NULL}};
    const char *new = config->jdbc_url + strlen("jdbc:sqlite:");
    if (!config->storage || access(new, F_OK) == 0)
        return false;
    for (size_t i = 0; i < BASE_COUNT(kinds); i++) {
        size_t len = strlen(kinds[i].kind);
        char old[1200];
        if (strncmp(config->storage, kinds[i].kind, len) != 0)
            continue;
        snprintf(old, sizeof(old), "%.1000s%s", config->storage + len, kinds[i].file);
        if (access(old, F_OK) != 0)
            return false;
        if (kinds[i].source)
            fprintf(stderr,
                    "constellation-node: payloads lie in %s; bring them over once: quorate-tm "
                    "migrate --from %s%s --configfile %s\n",
                    old, kinds[i].source, config->storage + len, path ? path : "FILE");
        else
            fprintf(stderr,
                    "constellation-node: payloads lie in %s, of LevelDB, which is not read here; "
                    "let the parties resend them, or take another storage\n",
                    old);
        return true;
    }
    return false;
}

static void print_usage(void)
{
    puts("usage: constellation-node [--item=value]... [FILE]\n"
         "       constellation-node --generatekeys=NAME,...\n"
         "items: url port workdir socket othernodes publickeys privatekeys alwayssendto passwords\n"
         "storage ipwhitelist tls tls(server|client)(cert|chain|key|trust) "
         "tlsknown(clients|servers)");
}

/* -v2 and -vv as the item that they stand for. */
static void write_verbosity(char *ret_item, size_t size, const char *argument)
{
    size_t level = strspn(argument + 1, "v");
    snprintf(ret_item, size, "--verbosity=%.8s",
             argument[2] && argument[2] != 'v' ? argument + 2
             : level == 1                      ? "1"
             : level == 2                      ? "2"
                                               : "3");
}

int tm_constellation(int argc, char **argv)
{
    const char *path = NULL;
    char *arguments[ARGUMENTS_MAX], verbosity[32];
    int count = 0;
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], "--generatekeys=", 15) == 0)
            return generate(argv[i] + 15);
        if (strcmp(argv[i], "--version") == 0 || strcmp(argv[i], "-V") == 0) {
            puts("Constellation Node 0.3.2");
            return 0;
        }
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-?") == 0) {
            print_usage();
            return 0;
        }
        if (strncmp(argv[i], "-v", 2) == 0) {
            write_verbosity(verbosity, sizeof(verbosity), argv[i]);
            if (count < ARGUMENTS_MAX)
                arguments[count++] = verbosity;
            continue;
        }
        if (argv[i][0] == '-' && count < ARGUMENTS_MAX) {
            arguments[count++] = argv[i];
        } else if (path || count == ARGUMENTS_MAX) {
            fprintf(stderr,
                    "constellation-node: one configuration file, and --item=value, are expected\n");
            return 1;
        } else {
            path = argv[i];
        }
    }
    struct tm_config config;
    struct err_detail detail = {""};
    if (tm_config_constellation(&config, path, count, arguments, &detail) < 0) {
        fprintf(stderr, "constellation-node: %s\n", detail.text);
        return 1;
    }
    int result = left_behind(&config, path) ? 1 : tm_run(&config, false);
    tm_config_release(&config);
    return result;
}
