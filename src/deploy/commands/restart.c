/* `quorate restart`: a peer's programs end and begin anew. */
#include "deploy/commands/bring.h"
#include "deploy/local/supervisor.h"

#include <stdio.h>

static const char *data = DEPLOY_DATA_DEFAULT;
static bool tm_only, node_only;
static uint64_t wait_seconds = DEPLOY_WAIT_SECONDS;

static const struct options_row rows[] = {
    {"data", "FOLDER", OPTIONS_TEXT, &data,
     "where the network lives (default " DEPLOY_DATA_DEFAULT ")"},
    {"node", NULL, OPTIONS_SWITCH, &node_only, "the node alone"},
    {"tm", NULL, OPTIONS_SWITCH, &tm_only, "the transaction manager alone"},
    {"wait", "SECONDS", OPTIONS_NUMBER, &wait_seconds,
     "how long to wait until it serves again (default 60)"},
};

static int restart_one(const struct deploy_site *site, const struct deploy_site_peer *peer,
                       const char *program, struct err_detail *detail)
{
    int status = deploy_bring_restart(site, peer, program, wait_seconds, detail);
    if (status == ERR_OK)
        printf("%s %s serves again\n", peer->name, program);
    return status;
}

static int restart(const struct deploy_site *site, const struct deploy_site_peer *peer,
                   struct err_detail *detail)
{
    int status = ERR_OK;
    if (tm_only && !peer->has_tm)
        return err_set(detail, ERR_USAGE, "%s has no transaction manager", peer->name);
    if (peer->has_tm && !node_only)
        status = restart_one(site, peer, "tm", detail);
    if (status == ERR_OK && !tm_only)
        status = restart_one(site, peer, "node", detail);
    return status;
}

static int run(size_t argc, char **argv)
{
    struct err_detail detail = {""};
    struct deploy_context context;
    const struct deploy_site_peer *peer = NULL;
    if (argc != 1 || (tm_only && node_only))
        return deploy_refuse(argc == 1 ? "--tm and --node exclude each other"
                                       : "restart takes one peer: quorate restart carrier");
    int status = deploy_context_reopen(&context, data, &detail);
    if (status == ERR_OK)
        status = deploy_context_peer(&peer, &context, argv[0], &detail);
    if (status == ERR_OK)
        status = restart(context.site, peer, &detail);
    deploy_context_release(&context);
    return deploy_end(status, &detail);
}

const struct commands_command deploy_restart = {
    .text = {"restart", "PEER", "end a peer's programs and begin them anew",
             "First the transaction manager, then the node; waits until each serves again."},
    .rows = rows,
    .row_count = BASE_COUNT(rows),
    .run = run,
};
