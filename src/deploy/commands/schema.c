/* `quorate schema`: the JSON schema of network.yaml, for editors. */
#include "deploy/network/schema.h"
#include "deploy/deploy.h"

#include <stdio.h>

static int run(size_t argc, char **argv)
{
    struct err_detail detail;
    (void)argv;
    if (argc != 0)
        return deploy_refuse("schema takes no arguments");
    struct buf b = BUF_INIT;
    deploy_schema_json(&b);
    int status = buf_status(&b);
    if (status == ERR_OK)
        fputs(buf_text(&b), stdout);
    buf_release(&b);
    return status == ERR_OK
               ? COMMANDS_OK
               : deploy_complain(err_set(&detail, status, "%s", err_text(status)), &detail);
}

const struct commands_command deploy_schema = {
    .text = {"schema", "", "print the JSON schema of network.yaml, for editors",
             "In VS Code, name the printed file under yaml.schemas to complete and check fields "
             "while typing."},
    .run = run,
};
