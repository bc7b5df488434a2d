/*
 * A program that is a table of subcommands: dispatch, --help, --version, --man and complaints are made from it.
 * Each command lies in its own file and gives a table of its options.
 */
#ifndef BASE_COMMANDS_H
#define BASE_COMMANDS_H

#include "base/options.h"

/* Exit codes of every command. */
enum {
    COMMANDS_OK = 0,
    COMMANDS_FAILED =
        1, /* what the command was to do failed, or what it was to find out is bad news */
    COMMANDS_INPUT = 2, /* wrong use or malformed input; a message says where */
};

/* One command. `run` gets the arguments behind the command's name with the options taken out, and returns the exit
 * code. */
struct commands_command {
    struct options_command text;
    const struct options_row *rows;
    size_t row_count;
    int (*run)(size_t argc, char **argv);
};

struct commands_program {
    const char *name;      /* "quorate-evm" */
    const char *summary;   /* what it does, in a line, in lower case */
    const char *exit_text; /* what exit code 1 means: "tests or the execution failed" */
    const struct commands_command *const *commands;
    size_t count;
};

enum { COMMANDS_MAX = 64 }; /* commands of a program */

/* The program: argv as main gets it. Returns the exit code. */
int commands_main(const struct commands_program *program, int argc, char **argv);

/* "<program>: <message>" on standard error. Returns COMMANDS_INPUT for malformed input and wrong use (ERR_INPUT,
 * ERR_USAGE, ERR_NOTFOUND, ERR_LIMIT), COMMANDS_FAILED for failures of this machine. */
int commands_complain(const char *program, int code, const struct err_detail *detail);

#endif
