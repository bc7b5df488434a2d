#include "base/commands.h"

#include <stdio.h>
#include <string.h>

int commands_complain(const char *program, int code, const struct err_detail *detail)
{
    fprintf(stderr, "%s: %s\n", program, detail->text);
    return code == ERR_INPUT || code == ERR_USAGE || code == ERR_NOTFOUND || code == ERR_LIMIT
               ? COMMANDS_INPUT
               : COMMANDS_FAILED;
}

static int print(struct buf *b)
{
    fputs(buf_text(b), stdout);
    buf_release(b);
    return COMMANDS_OK;
}

static int print_overview(const struct commands_program *program)
{
    struct buf b = BUF_INIT;
    buf_append_format(&b, "%s %s\n\nusage: %s COMMAND [OPTION ...] [ARGUMENT ...]\n\ncommands:\n",
                      program->name, program->summary, program->name);
    size_t longest = 0;
    for (size_t i = 0; i < program->count; i++) {
        size_t len = strlen(program->commands[i]->text.name);
        longest = len > longest ? len : longest;
    }
    for (size_t i = 0; i < program->count; i++)
        options_help_row(&b, program->commands[i]->text.name, 2 + longest + 2,
                         program->commands[i]->text.summary);
    buf_append_format(&b,
                      "\n%s COMMAND --help tells of one, %s --version of the program.\n"
                      "Exit code 0: fine. 1: %s. 2: wrong use or malformed input.\n",
                      program->name, program->name, program->exit_text);
    return print(&b);
}

static int print_man(const struct commands_program *program)
{
    struct buf b = BUF_INIT;
    buf_append_text(&b, ".TH ");
    for (const char *c = program->name; *c; c++)
        buf_append_format(&b, *c == '-' ? "\\%c" : "%c", *c >= 'a' && *c <= 'z' ? *c - 32 : *c);
    buf_append_text(&b, " 1\n.SH NAME\n");
    options_troff(&b, program->name);
    buf_append_format(&b, " \\- %s\n.SH SYNOPSIS\n.B ", program->summary);
    options_troff(&b, program->name);
    buf_append_text(&b, "\nCOMMAND [OPTION ...] [ARGUMENT ...]\n.SH COMMANDS\n");
    for (size_t i = 0; i < program->count; i++)
        options_man(&b, program->name, &program->commands[i]->text, program->commands[i]->rows,
                    program->commands[i]->row_count);
    buf_append_format(&b, ".SH EXIT STATUS\n0: fine. 1: %s. 2: wrong use or malformed input.\n",
                      program->exit_text);
    return print(&b);
}

static const struct commands_command *find_command(const struct commands_program *program,
                                                   const char *name)
{
    for (size_t i = 0; i < program->count; i++)
        if (strcmp(program->commands[i]->text.name, name) == 0)
            return program->commands[i];
    return NULL;
}

static int unknown_command(const struct commands_program *program, const char *name)
{
    const char *names[COMMANDS_MAX];
    assert(program->count <= COMMANDS_MAX);
    for (size_t i = 0; i < program->count; i++)
        names[i] = program->commands[i]->text.name;
    const char *near = options_nearest(name, names, program->count);
    struct err_detail detail;
    if (near)
        (void)err_set(&detail, ERR_USAGE, "unknown command '%.80s'; did you mean %s?", name, near);
    else
        (void)err_set(&detail, ERR_USAGE, "unknown command '%.80s'; see %s --help", name,
                      program->name);
    return commands_complain(program->name, ERR_USAGE, &detail);
}

static bool asks_for_help(int argc, char **argv)
{
    for (int i = 0; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0 ||
            strcmp(argv[i], "-help") == 0)
            return true;
    return false;
}

static int run_command(const struct commands_program *program,
                       const struct commands_command *command, int argc, char **argv)
{
    if (asks_for_help(argc, argv)) {
        struct buf b = BUF_INIT;
        options_help(&b, program->name, &command->text, command->rows, command->row_count);
        return print(&b);
    }
    size_t count;
    struct err_detail detail;
    int status = options_parse(&count, argc, argv, command->rows, command->row_count, &detail);
    if (status != ERR_OK)
        return commands_complain(program->name, status, &detail);
    return command->run(count, argv);
}

int commands_main(const struct commands_program *program, int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    if (*name == 0) {
        print_overview(program);
        return COMMANDS_INPUT;
    }
    if (asks_for_help(1, argv + 1) || strcmp(name, "help") == 0)
        return print_overview(program);
    if (strcmp(name, "--version") == 0 || strcmp(name, "version") == 0) {
        printf("%s %s\n", program->name, QUORATE_VERSION);
        return COMMANDS_OK;
    }
    if (strcmp(name, "--man") == 0)
        return print_man(program);
    const struct commands_command *command = find_command(program, name);
    return command ? run_command(program, command, argc - 2, argv + 2)
                   : unknown_command(program, name);
}
