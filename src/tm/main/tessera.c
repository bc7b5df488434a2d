/* Tessera's command line, in the spellings of all versions: -configfile and --configfile, keygen and -keygen. */
#include "tm/main/main.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#ifndef QUORATE_VERSION
#    define QUORATE_VERSION "0"
#endif

enum { OVERRIDES_MAX = 256 };

struct command {
    const char *config, *pid_file;
    bool recover;
    const char *overrides[OVERRIDES_MAX];
    size_t override_count;
    struct arena arena;
};

static const char usage[] =
    "usage: quorate-tm --configfile FILE [--pidfile FILE] [-o KEY=VALUE]... [--recover]\n"
    "       quorate-tm keygen [--keyout NAME,...] [--argonconfig FILE] [--vault.type HASHICORP "
    "...]\n"
    "       quorate-tm keyupdate --keys.keyData.privateKeyPath FILE [...]\n"
    "       quorate-tm migrate --from SOURCE --configfile FILE\n"
    "       quorate-tm backup --configfile FILE --to FILE\n"
    "       quorate-tm version | help | COMMAND --help\n"
    "\n"
    "A transaction manager: takes the place of Tessera, and of Constellation when it is called\n"
    "constellation-node. The guide is docs/quorate-tm.md.\n"
    "\n"
    "  --configfile FILE      configuration, Tessera's JSON (also -configfile)\n"
    "  --pidfile FILE         the process id is written there (also -pidfile)\n"
    "  -o, --override K=V     one value of the configuration: jdbc.username=x,\n"
    "                         serverConfigs[1].sslConfig.tls=OFF; any number of times\n"
    "  -r, --recover          asks all parties for lost payloads, stores them, and ends with\n"
    "                         0 (all), 1 (some) or 2 (failed)\n"
    "  --debug                more to the log\n";

static const struct options_row rows[] = {
    {"configfile", "FILE", OPTIONS_TEXT, NULL, "configuration, Tessera's JSON"},
    {"pidfile", "FILE", OPTIONS_TEXT, NULL, "the process id is written there"},
    {"override", "KEY=VALUE", OPTIONS_TEXT, NULL,
     "one value of the configuration: jdbc.username=x, serverConfigs[1].sslConfig.tls=OFF; any "
     "number of times; also -o"},
    {"recover", NULL, OPTIONS_SWITCH, NULL,
     "asks all parties for lost payloads, stores them, and ends with 0 (all), 1 (some) or 2 "
     "(failed); also -r"},
    {"debug", NULL, OPTIONS_SWITCH, NULL, "more to the log"},
};

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    void (*page)(struct buf *b, options_page_fn *page);
} commands[] = {{"keygen", tm_keygen, tm_keygen_page},
                {"keyupdate", tm_keyupdate, tm_keyupdate_page},
                {"updatepassword", tm_keyupdate, tm_keyupdate_page}, /* its name in Tessera 0.x */
                {"migrate", tm_migrate_command, tm_migrate_page},
                {"backup", tm_backup_command, tm_backup_page}};

static int print(struct buf *b)
{
    int status = buf_status(b);
    if (status == 0)
        fwrite(b->data, 1, b->len, stdout);
    buf_release(b);
    return status < 0 ? TM_EXIT_OTHER : TM_EXIT_OK;
}

static int print_manual(void)
{
    static const struct options_command serve = {
        "", "", "serve",
        "The configuration's members, and what the answers mean, are in docs/quorate-tm.md. "
        "SIGTERM and SIGINT end it when what was accepted is answered."};
    struct buf b = BUF_INIT;
    buf_append_text(&b, ".TH QUORATE-TM 1\n.SH NAME\nquorate-tm \\- transaction manager of private "
                        "transactions, in the place of Tessera and Constellation\n.SH SYNOPSIS\n"
                        ".B quorate-tm\n[COMMAND] [OPTION ...]\n.SH COMMANDS\n");
    options_man(&b, "quorate-tm", &serve, rows, BASE_COUNT(rows));
    for (size_t i = 0; i < BASE_COUNT(commands); i++)
        if (i == 0 || commands[i].run != commands[i - 1].run)
            commands[i].page(&b, options_man);
    buf_append_text(&b, ".SH EXIT STATUS\n0 well; 1 the configuration is not valid; 2 a key or a "
                        "server could not be opened, or other; 3 the configuration cannot be read; "
                        "4 the command line; 5 the database could not be opened.\n");
    return print(&b);
}

static int wrong(const char *what, const char *which)
{
    fprintf(stderr, "%s%s\n%s", what, which, usage);
    return TM_EXIT_USAGE;
}

/* The value of an option: behind '=', or the next argument. NULL when there is none. */
static const char *value_of(const char *equals, int *i, int argc, char **argv)
{
    if (equals)
        return equals + 1;
    return *i + 1 < argc ? argv[++*i] : NULL;
}

/* --jdbc.username x: an override in the older form. */
static const char *dotted(struct command *c, const char *name, size_t len, const char *value)
{
    size_t size = len + strlen(value) + 2;
    char *text = arena_alloc(&c->arena, size);
    if (text)
        snprintf(text, size, "%.*s=%s", (int)len, name, value);
    return text;
}

static int read_option(struct command *c, int *i, int argc, char **argv)
{
    const char *argument = argv[*i];
    const char *name = argument + (argument[1] == '-' ? 2 : 1);
    const char *equals = strchr(name, '=');
    size_t len = equals ? (size_t)(equals - name) : strlen(name);
    struct bytes n = bytes_of(name, len);
    if (bytes_equal(n, bytes_str("recover")) || bytes_equal(n, bytes_str("r"))) {
        c->recover = true;
        return 0;
    }
    if (bytes_equal(n, bytes_str("debug"))) {
        setenv("QUORATE_TM_DEBUG", "1", 1);
        return 0;
    }
    bool config = bytes_equal(n, bytes_str("configfile")),
         pid = bytes_equal(n, bytes_str("pidfile"));
    bool override = bytes_equal(n, bytes_str("override")) || bytes_equal(n, bytes_str("o"));
    bool path = memchr(name, '.', len) || memchr(name, '[', len);
    if (!config && !pid && !override && !path) {
        const char *names[BASE_COUNT(rows)];
        for (size_t j = 0; j < BASE_COUNT(rows); j++)
            names[j] = rows[j].name;
        const char *nearest = options_nearest(name, names, BASE_COUNT(names));
        fprintf(stderr, "Unknown option: '%s'%s%s%s\n", argument,
                nearest ? " (did you mean --" : "", nearest ? nearest : "", nearest ? "?)" : "");
        return TM_EXIT_USAGE;
    }
    const char *value = value_of(equals, i, argc, argv);
    if (!value)
        return wrong("Missing value of option: ", argument);
    if (config)
        c->config = value;
    else if (pid)
        c->pid_file = value;
    else if (c->override_count == OVERRIDES_MAX)
        return wrong("Too many overrides", "");
    else
        c->overrides[c->override_count++] = override ? value : dotted(c, name, len, value);
    return 0;
}

static int write_pid(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (!file || fprintf(file, "%d", (int)getpid()) < 0 || fclose(file) != 0) {
        fprintf(stderr, "%s: the process id cannot be written\n", path);
        return TM_EXIT_OTHER;
    }
    return 0;
}

static int serve(struct command *c)
{
    struct tm_config config;
    struct err_detail detail = {""};
    struct tm_overrides overrides = {c->overrides, c->override_count};
    if (!c->config)
        return wrong("Missing required option: '--configfile FILE'", "");
    if (c->pid_file && write_pid(c->pid_file) != 0)
        return TM_EXIT_OTHER;
    int status = tm_config_load(&config, c->config, &overrides, tm_ask_password, &detail);
    if (status < 0) {
        fprintf(stderr, "%s\n", detail.text);
        return status == ERR_USAGE || status == ERR_UNSUPPORTED ? TM_EXIT_CONFIG : TM_EXIT_READ;
    }
    int result = tm_run(&config, c->recover);
    tm_config_release(&config);
    return result;
}

static bool is_help(const char *argument)
{
    return strcmp(argument, "help") == 0 || strcmp(argument, "--help") == 0 ||
           strcmp(argument, "-h") == 0;
}

static int run_command(size_t which, int argc, char **argv)
{
    struct buf b = BUF_INIT;
    for (int i = 0; i < argc; i++)
        if (argv[i][0] == '-' && is_help(argv[i])) {
            commands[which].page(&b, options_help);
            return print(&b);
        }
    return commands[which].run(argc, argv);
}

int tm_tessera(int argc, char **argv)
{
    if (argc == 0)
        return wrong("Missing required option: '--configfile FILE'", "");
    for (int i = 0; i < argc; i++) {
        const char *name = argv[i] + strspn(argv[i], "-");
        for (size_t j = 0; j < BASE_COUNT(commands); j++)
            if (strcmp(name, commands[j].name) == 0) {
                argv[i] = (char *)(uintptr_t)"";
                return run_command(j, argc, argv);
            }
    }
    if (strcmp(argv[0], "version") == 0 || strcmp(argv[0], "--version") == 0) {
        printf("%s\n", QUORATE_VERSION);
        return TM_EXIT_OK;
    }
    if (is_help(argv[0])) {
        fputs(usage, stdout);
        return TM_EXIT_OK;
    }
    if (strcmp(argv[0], "--man") == 0)
        return print_manual();
    struct command c = {.config = NULL};
    arena_init(&c.arena);
    int result = 0;
    for (int i = 0; result == 0 && i < argc; i++)
        result = argv[i][0] == '-' && argv[i][1] ? read_option(&c, &i, argc, argv)
                                                 : wrong("Unmatched argument: ", argv[i]);
    if (result == 0)
        result = serve(&c);
    arena_release(&c.arena);
    return result;
}
