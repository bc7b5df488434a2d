/* `quorate attach`: the JavaScript console of a peer's node. */
#include "deploy/commands/context.h"
#include "deploy/local/prepare.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

static const char *data = DEPLOY_DATA_DEFAULT, *expression;

static const struct options_row rows[] = {
    {"data", "FOLDER", OPTIONS_TEXT, &data,
     "where the network lives (default " DEPLOY_DATA_DEFAULT ")"},
    {"exec", "EXPRESSION", OPTIONS_TEXT, &expression, "print what it evaluates to, and end"},
};

/* Becomes the console; returns only when that failed. */
static int become_console(const struct deploy_site_peer *peer, struct err_detail *detail)
{
    struct deploy_programs programs;
    char socket[DEPLOY_PATH_MAX + 32];
    int status = deploy_programs_find(&programs, NULL, detail);
    if (status != ERR_OK)
        return status;
    deploy_path(socket, "%s/node/geth.ipc", peer->folder);
    if (access(socket, F_OK) != 0)
        return err_set(detail, ERR_NOTFOUND, "the node of %s does not run; `quorate up` starts it",
                       peer->name);
    execl(programs.node, programs.node, "attach", socket, expression ? "--exec" : (char *)NULL,
          expression, (char *)NULL);
    return err_set(detail, ERR_IO, "%s: %s", programs.node, strerror(errno));
}

static int run(size_t argc, char **argv)
{
    struct err_detail detail = {""};
    struct deploy_context context;
    const struct deploy_site_peer *peer = NULL;
    if (argc != 1)
        return deploy_refuse("attach takes one peer: quorate attach carrier");
    int status = deploy_context_reopen(&context, data, &detail);
    if (status == ERR_OK)
        status = deploy_context_peer(&peer, &context, argv[0], &detail);
    if (status == ERR_OK)
        status = become_console(peer, &detail);
    deploy_context_release(&context);
    return deploy_complain(status, &detail);
}

const struct commands_command deploy_attach = {
    .text = {"attach", "PEER", "open the JavaScript console of a peer's node",
             "A peer is named organization/peer, or by its own name where that is unique."},
    .rows = rows,
    .row_count = BASE_COUNT(rows),
    .run = run,
};
