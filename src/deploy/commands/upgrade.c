/* `quorate upgrade`: programs that were replaced on disk take the place of those that run, peer by peer. */
#include "base/clock.h"
#include "deploy/commands/bring.h"
#include "deploy/commands/cluster.h"
#include "deploy/local/rpc.h"
#include "deploy/local/supervisor.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAUSE_US = 100000 };

static const char *data = DEPLOY_DATA_DEFAULT;
static uint64_t wait_seconds = DEPLOY_WAIT_SECONDS;

static const struct options_row rows[] = {
    {"data", "FOLDER", OPTIONS_TEXT, &data,
     "where the network lives (default " DEPLOY_DATA_DEFAULT ")"},
    {"wait", "SECONDS", OPTIONS_NUMBER, &wait_seconds,
     "how long each may take until it is level with the others (default 60)"},
};

/* Whether what runs is another file than the one that would be started now. */
static bool is_replaced(const json_t *processes, const char *name, const char *program)
{
    char path[64];
    struct stat running, there;
    size_t i;
    json_t *row;
    json_array_foreach(processes, i, row)
    {
        const char *text = json_string_value(json_object_get(row, "name"));
        if (!text || strcmp(text, name) != 0)
            continue;
        snprintf(path, sizeof(path), "/proc/%d/exe",
                 (int)json_integer_value(json_object_get(row, "pid")));
        return stat(path, &running) == 0 && stat(program, &there) == 0 &&
               (running.st_dev != there.st_dev || running.st_ino != there.st_ino);
    }
    return false;
}

static uint64_t highest(const struct deploy_site *site, struct io_http_caller *caller)
{
    uint64_t most = 0, height;
    for (size_t i = 0; i < site->count; i++)
        if (deploy_rpc_number(&height, caller, site->peers[i].rpc, "eth_blockNumber", NULL) ==
                ERR_OK &&
            height > most)
            most = height;
    return most;
}

/* As high as any was when it began, and connected: only then may the next one leave. */
static int await_level(const struct deploy_site *site, const struct deploy_site_peer *peer,
                       struct io_http_caller *caller, uint64_t goal, struct err_detail *detail)
{
    double limit = base_now_seconds() + (double)wait_seconds;
    uint64_t height = 0, peers = 0;
    while (deploy_rpc_number(&height, caller, peer->rpc, "eth_blockNumber", NULL) != ERR_OK ||
           deploy_rpc_number(&peers, caller, peer->rpc, "net_peerCount", NULL) != ERR_OK ||
           height < goal || (peers == 0 && site->count > 1)) {
        if (base_now_seconds() > limit)
            return err_set(
                detail, ERR_IO,
                "%s is not level with the others after %llu seconds; those behind it were "
                "not touched; see %s/logs/node.log",
                peer->name, (unsigned long long)wait_seconds, peer->folder);
        usleep(PAUSE_US);
    }
    return ERR_OK;
}

static int upgrade_peer(const struct deploy_site *site, const struct deploy_site_peer *peer,
                        const struct deploy_programs *programs, struct io_http_caller *caller,
                        struct err_detail *detail)
{
    char name[96];
    json_t *processes = NULL;
    uint64_t goal = highest(site, caller);
    int status = deploy_supervisor_processes(&processes, site->folder, detail);
    if (status != ERR_OK)
        return status;
    snprintf(name, sizeof(name), "%s tm", peer->name);
    bool tm = peer->has_tm && is_replaced(processes, name, programs->tm);
    snprintf(name, sizeof(name), "%s node", peer->name);
    bool node = is_replaced(processes, name, programs->node);
    json_decref(processes);
    if (tm)
        status = deploy_bring_restart(site, peer, "tm", wait_seconds, detail);
    if (status == ERR_OK && node)
        status = deploy_bring_restart(site, peer, "node", wait_seconds, detail);
    if (status == ERR_OK && (tm || node))
        status = await_level(site, peer, caller, goal, detail);
    if (status == ERR_OK)
        printf("%s %s\n", peer->name,
               tm && node ? "runs the new programs"
               : node     ? "runs the new node"
               : tm       ? "runs the new transaction manager"
                          : "runs what is there: left alone");
    fflush(stdout);
    return status;
}

static int upgrade(const struct deploy_context *context, struct err_detail *detail)
{
    struct deploy_programs programs;
    struct io_http_caller *caller = NULL;
    int status = deploy_bring_check(context, &programs, detail);
    if (status == ERR_OK && io_http_caller_new(&caller, NULL) != ERR_OK)
        status = err_set(detail, ERR_NOMEM, "out of memory");
    for (size_t i = 0; status == ERR_OK && i < context->site->count; i++)
        status = upgrade_peer(context->site, &context->site->peers[i], &programs, caller, detail);
    io_http_caller_free(caller);
    return status;
}

static int run(size_t argc, char **argv)
{
    struct err_detail detail = {""};
    struct deploy_context context;
    char path[DEPLOY_PATH_MAX];
    (void)argv;
    if (argc != 0)
        return deploy_refuse("upgrade takes no arguments");
    if (deploy_cluster_was(path, data))
        return deploy_refuse("on clusters `quorate up FILE --image NEW` upgrades, peer by "
                             "peer");
    int status = deploy_context_reopen(&context, data, &detail);
    if (status == ERR_OK)
        status = upgrade(&context, &detail);
    deploy_context_release(&context);
    return deploy_end(status, &detail);
}

const struct commands_command deploy_upgrade = {
    .text = {"upgrade", "", "run the programs that were installed over those that run",
             "Peer by peer: its transaction manager, then its node, where the file beside this "
             "program is another than the one that runs; the next one when it is level with the "
             "others again. Stops at one that does not come back."},
    .rows = rows,
    .row_count = BASE_COUNT(rows),
    .run = run,
};
