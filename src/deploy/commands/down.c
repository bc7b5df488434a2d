/* `quorate down`: the network of this machine ends; its data stays, unless --purge. */
#include "base/file.h"
#include "deploy/commands/cluster.h"
#include "deploy/commands/context.h"
#include "deploy/local/supervisor.h"

#include <stdio.h>
#include <unistd.h>

static const char *data = DEPLOY_DATA_DEFAULT;
static bool purge, yes;

static const struct options_row rows[] = {
    {"data", "FOLDER", OPTIONS_TEXT, &data,
     "where the network lives (default " DEPLOY_DATA_DEFAULT ")"},
    {"purge", NULL, OPTIONS_SWITCH, &purge,
     "remove keys, chain and payloads as well: what is gone then is gone"},
    {"yes", NULL, OPTIONS_SWITCH, &yes, "do not ask before --purge removes anything"},
};

static bool confirmed(const struct deploy_site *site)
{
    char answer[16];
    printf("Remove all keys, chains and payloads of %zu peers in %s? Type yes: ", site->count,
           site->folder);
    fflush(stdout);
    return fgets(answer, sizeof(answer), stdin) && strncmp(answer, "yes", 3) == 0 &&
           (answer[3] == '\n' || answer[3] == 0);
}

static int take_down(struct err_detail *detail)
{
    struct deploy_context context;
    int status = deploy_context_reopen(&context, data, detail);
    if (status == ERR_OK && purge && !yes && !confirmed(context.site))
        status = err_set(detail, ERR_USAGE, "nothing was removed or stopped");
    if (status == ERR_OK) {
        status = deploy_supervisor_stop(context.site->folder, detail);
        if (status == ERR_OK)
            printf("stopped\n");
        else if (status == ERR_NOTFOUND)
            printf("nothing runs in %s\n", context.site->folder);
        status = status == ERR_NOTFOUND ? ERR_OK : status;
    }
    /* Secrets in memory are only needed while something runs. */
    if (status == ERR_OK)
        status = file_remove_folder(context.site->memory, detail);
    if (status == ERR_OK && purge) {
        status = file_remove_folder(context.site->folder, detail);
        if (status == ERR_OK)
            printf("removed %s\n", context.site->folder);
    }
    deploy_context_release(&context);
    return status;
}

static int run(size_t argc, char **argv)
{
    struct err_detail detail = {""};
    (void)argv;
    char path[DEPLOY_PATH_MAX];
    if (argc == 0 && deploy_cluster_was(path, data)) {
        if (purge && !yes)
            return deploy_refuse(
                "--purge takes namespaces, claims and the vaults' secrets away for good; "
                "say --yes with it");
        return deploy_cluster_run_down(path, data, purge);
    }
    int status =
        argc == 0 ? take_down(&detail) : err_set(&detail, ERR_USAGE, "down takes no arguments");
    return deploy_end(status, &detail);
}

const struct commands_command deploy_down = {
    .text = {"down", "", "stop the network of this machine; its data stays",
             "Nodes end first, then transaction managers, each after it has finished what it "
             "accepted."},
    .rows = rows,
    .row_count = BASE_COUNT(rows),
    .run = run,
};
