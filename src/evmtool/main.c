#include "evmtool/evmtool.h"

#include <string.h>

static const char program[] = "quorate-evm";
static const char summary[] =
    "runs EVM bytecode, state tests and state transitions; needs no database";

static const struct evmtool_command *const commands[] = {
    &evmtool_run,
    &evmtool_statetest,
    &evmtool_t8n,
    &evmtool_bench,
};

int evmtool_complain(int code, const struct err_detail *detail)
{
    fprintf(stderr, "%s: %s\n", program, detail->text);
    return code == ERR_INPUT || code == ERR_USAGE || code == ERR_NOTFOUND || code == ERR_LIMIT
               ? EVMTOOL_INPUT
               : EVMTOOL_FAILED;
}

static int print(struct buf *b)
{
    fputs(buf_text(b), stdout);
    buf_release(b);
    return EVMTOOL_OK;
}

static int print_overview(void)
{
    struct buf b = BUF_INIT;
    buf_append_format(&b, "%s %s\n\nusage: %s COMMAND [OPTION ...] [ARGUMENT ...]\n\ncommands:\n",
                      program, summary, program);
    for (size_t i = 0; i < BASE_COUNT(commands); i++)
        buf_append_format(&b, "  %-12s%s\n", commands[i]->text.name, commands[i]->text.summary);
    buf_append_format(&b,
                      "\n%s COMMAND --help tells of one, %s --version of the program.\n"
                      "Exit code 0: fine. 1: tests or the execution failed. 2: wrong use or "
                      "malformed input.\n",
                      program, program);
    return print(&b);
}

static int print_man(void)
{
    struct buf b = BUF_INIT;
    buf_append_format(&b,
                      ".TH QUORATE\\-EVM 1\n.SH NAME\nquorate\\-evm \\- %s\n"
                      ".SH SYNOPSIS\n.B quorate\\-evm\nCOMMAND [OPTION ...] [ARGUMENT ...]\n"
                      ".SH COMMANDS\n",
                      summary);
    for (size_t i = 0; i < BASE_COUNT(commands); i++)
        options_man(&b, program, &commands[i]->text, commands[i]->rows, commands[i]->row_count);
    buf_append_text(&b, ".SH EXIT STATUS\n0: fine. 1: tests or the execution failed. "
                        "2: wrong use or malformed input.\n");
    return print(&b);
}

static int print_version(void)
{
    printf("%s %s\n", program, QUORATE_VERSION);
    return EVMTOOL_OK;
}

static const struct evmtool_command *find_command(const char *name)
{
    for (size_t i = 0; i < BASE_COUNT(commands); i++)
        if (strcmp(commands[i]->text.name, name) == 0)
            return commands[i];
    return NULL;
}

static int unknown_command(const char *name)
{
    const char *names[BASE_COUNT(commands)];
    for (size_t i = 0; i < BASE_COUNT(commands); i++)
        names[i] = commands[i]->text.name;
    const char *near = options_nearest(name, names, BASE_COUNT(commands));
    struct err_detail detail;
    if (near)
        (void)err_set(&detail, ERR_USAGE, "unknown command '%.80s'; did you mean %s?", name, near);
    else
        (void)err_set(&detail, ERR_USAGE, "unknown command '%.80s'; see %s --help", name, program);
    return evmtool_complain(ERR_USAGE, &detail);
}

static bool asks_for_help(int argc, char **argv)
{
    for (int i = 0; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0 ||
            strcmp(argv[i], "-help") == 0)
            return true;
    return false;
}

static int run_command(const struct evmtool_command *command, int argc, char **argv)
{
    if (asks_for_help(argc, argv)) {
        struct buf b = BUF_INIT;
        options_help(&b, program, &command->text, command->rows, command->row_count);
        return print(&b);
    }
    size_t count;
    struct err_detail detail;
    int status = options_parse(&count, argc, argv, command->rows, command->row_count, &detail);
    if (status != ERR_OK)
        return evmtool_complain(status, &detail);
    return command->run(count, argv);
}

int evmtool_main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    if (*name == 0) {
        print_overview();
        return EVMTOOL_INPUT;
    }
    if (asks_for_help(1, argv + 1) || strcmp(name, "help") == 0)
        return print_overview();
    if (strcmp(name, "--version") == 0 || strcmp(name, "version") == 0)
        return print_version();
    if (strcmp(name, "--man") == 0)
        return print_man();
    const struct evmtool_command *command = find_command(name);
    return command ? run_command(command, argc - 2, argv + 2) : unknown_command(name);
}
