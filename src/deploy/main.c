#include "deploy/deploy.h"

static const struct commands_command *const commands[] = {
    &deploy_demo,
    &deploy_init,
    &deploy_check,
    &deploy_plan,
    &deploy_up,
    &deploy_status,
    &deploy_doctor,
    &deploy_attach,
    &deploy_restart,
    &deploy_upgrade,
    &deploy_logs,
    &deploy_keys,
    &deploy_backup_command,
    &deploy_restore_command,
    &deploy_add_org,
    &deploy_add_peer,
    &deploy_remove_peer,
    &deploy_promote,
    &deploy_demote,
    &deploy_down,
    &deploy_render_command,
    &deploy_bundle_command,
    &deploy_schema,
};

static const struct commands_program program = {
    .name = "quorate",
    .summary = "brings a Quorum network up from a network.yaml, and keeps it well",
    .exit_text = "it could not be done, or the file has errors",
    .commands = commands,
    .count = BASE_COUNT(commands),
};

int deploy_complain(int code, const struct err_detail *detail)
{
    return commands_complain(program.name, code, detail);
}

int deploy_end(int status, const struct err_detail *detail)
{
    return status == ERR_OK ? COMMANDS_OK : deploy_complain(status, detail);
}

int deploy_refuse(const char *why)
{
    struct err_detail detail;
    return deploy_complain(err_set(&detail, ERR_USAGE, "%s", why), &detail);
}

int deploy_main(int argc, char **argv)
{
    return commands_main(&program, argc, argv);
}
