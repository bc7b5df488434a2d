/*
 * The commands of `quorate-evm`: what one can do with the execution core and no database.
 *
 * Each command lies in its own file and gives a table of its options; main.c finds the command, prints help
 * and the man page from the tables. Read statetest.h first: the others use the same pieces (json.h reads,
 * alloc.h and env.h are the files' models, world.h is a state in memory to run in).
 */
#ifndef EVMTOOL_EVMTOOL_H
#define EVMTOOL_EVMTOOL_H

#include "base/options.h"

#include <stdio.h>

/* Exit codes of every command. */
enum {
    EVMTOOL_OK = 0,
    EVMTOOL_FAILED = 1, /* tests failed, or the execution did */
    EVMTOOL_INPUT = 2,  /* wrong use or malformed input; a message says where */
};

/* One command. `run` gets the arguments behind the command's name with the options taken out. */
struct evmtool_command {
    struct options_command text;
    const struct options_row *rows;
    size_t row_count;
    int (*run)(size_t argc, char **argv);
};

extern const struct evmtool_command evmtool_statetest;
extern const struct evmtool_command evmtool_run;
extern const struct evmtool_command evmtool_t8n;
extern const struct evmtool_command evmtool_bench;

/* The program: argv as main gets it. Returns the exit code. */
int evmtool_main(int argc, char **argv);

/* "quorate-evm: <message>" on standard error. Returns EVMTOOL_INPUT for malformed input and wrong use,
 * EVMTOOL_FAILED for failures of this machine. */
int evmtool_complain(int code, const struct err_detail *detail);

#endif
