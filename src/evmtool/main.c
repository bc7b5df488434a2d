#include "evmtool/evmtool.h"

static const struct commands_command *const commands[] = {
    &evmtool_run,
    &evmtool_statetest,
    &evmtool_t8n,
    &evmtool_bench,
};

static const struct commands_program program = {
    .name = "quorate-evm",
    .summary = "runs EVM bytecode, state tests and state transitions; needs no database",
    .exit_text = "tests or the execution failed",
    .commands = commands,
    .count = BASE_COUNT(commands),
};

int evmtool_complain(int code, const struct err_detail *detail)
{
    return commands_complain(program.name, code, detail);
}

int evmtool_main(int argc, char **argv)
{
    return commands_main(&program, argc, argv);
}
