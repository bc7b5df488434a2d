/*
 * The commands of `quorate-evm`: what one can do with the execution core and no database.
 *
 * Each command lies in its own file and gives a table of its options; base/commands.h finds the command, prints help
 * and the man page from the tables. Read statetest.h first: the others use the same pieces (json.h reads,
 * alloc.h and env.h are the files' models, world.h is a state in memory to run in).
 */
#ifndef EVMTOOL_EVMTOOL_H
#define EVMTOOL_EVMTOOL_H

#include "base/commands.h"

#include <stdio.h>

extern const struct commands_command evmtool_statetest;
extern const struct commands_command evmtool_run;
extern const struct commands_command evmtool_t8n;
extern const struct commands_command evmtool_bench;

/* The program: argv as main gets it. Returns the exit code. */
int evmtool_main(int argc, char **argv);

/* "quorate-evm: <message>" on standard error. Returns COMMANDS_INPUT for malformed input and wrong use,
 * COMMANDS_FAILED for failures of this machine. */
int evmtool_complain(int code, const struct err_detail *detail);

#endif
