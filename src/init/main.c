#include "init/init.h"

static const struct commands_command *const commands[] = {&init_certificates, &init_genesis,
                                                          &init_mysql, &init_run};

static const struct commands_program program = {
    .name = "quorate-init",
    .summary = "prepares a pod for quorate-node and quorate-tm",
    .exit_text = "it could not be done",
    .commands = commands,
    .count = BASE_COUNT(commands),
};

int init_complain(int status, const struct err_detail *detail)
{
    return commands_complain(program.name, status, detail);
}

int init_main(int argc, char **argv)
{
    return commands_main(&program, argc, argv);
}
