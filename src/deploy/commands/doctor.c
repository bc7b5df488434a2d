/* `quorate doctor`: what is wrong with the network of this machine, and what to do about it. */
#include "deploy/commands/bring.h"
#include "deploy/commands/cluster.h"
#include "deploy/local/health.h"
#include "deploy/local/supervisor.h"

#include <stdio.h>
#include <unistd.h>

static const char *data = DEPLOY_DATA_DEFAULT, *passphrase_file;

static const struct options_row rows[] = {
    {"data", "FOLDER", OPTIONS_TEXT, &data,
     "where the network lives (default " DEPLOY_DATA_DEFAULT ")"},
    {"passphrase-file", "FILE", OPTIONS_TEXT, &passphrase_file,
     "of the store of secrets (default: the key file beside it)"},
};

static void print_finding(void *context, const struct deploy_finding *finding)
{
    size_t *problems = context;
    if (!finding->wrong) {
        printf("ok       %s\n", finding->what);
        return;
    }
    ++*problems;
    printf("PROBLEM  %s\n         %s\n", finding->what, finding->remedy);
}

static int examine(struct deploy_context *context, size_t *ret_problems, struct err_detail *detail)
{
    struct deploy_programs programs;
    struct err_detail keys = {""};
    int status = deploy_bring_check(context, &programs, detail);
    if (status != ERR_OK)
        return status;
    bool known =
        deploy_context_identities(context, passphrase_file, DEPLOY_MAKE_NONE, &keys) == ERR_OK;
    const struct deploy_finding finding = {.wrong = !known,
                                           .what = known ? "keys are there and fit together"
                                                         : keys.text,
                                           .remedy = "put back the store of secrets from a backup"};
    print_finding(ret_problems, &finding);
    return deploy_health(context->site, known, print_finding, ret_problems, detail);
}

static int run(size_t argc, char **argv)
{
    struct err_detail detail = {""};
    struct deploy_context context;
    size_t problems = 0;
    (void)argv;
    if (argc != 0)
        return deploy_refuse("doctor takes no arguments");
    char path[DEPLOY_PATH_MAX];
    if (deploy_cluster_was(path, data))
        return deploy_cluster_run_doctor(path, data);
    int status = deploy_context_reopen(&context, data, &detail);
    if (status == ERR_OK)
        status = examine(&context, &problems, &detail);
    deploy_context_release(&context);
    if (status != ERR_OK)
        return deploy_complain(status, &detail);
    printf(problems == 1 ? "1 problem\n" : "%zu problems\n", problems);
    return problems ? COMMANDS_FAILED : COMMANDS_OK;
}

const struct commands_command deploy_doctor = {
    .text = {"doctor", "", "find what is wrong with the network of this machine",
             "Looks at keys, genesis, processes, ports, disk, clocks, transaction managers and "
             "rounds, and says what to do. Changes nothing. Exit code 1 with any problem."},
    .rows = rows,
    .row_count = BASE_COUNT(rows),
    .run = run,
};
