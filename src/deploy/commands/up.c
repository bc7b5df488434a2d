/* `quorate up`: from a network file to a running network on this machine. */
#include "deploy/commands/bring.h"
#include "deploy/commands/cluster.h"
#include "deploy/commands/table.h"
#include "deploy/local/supervisor.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static const char *data = DEPLOY_DATA_DEFAULT, *passphrase_file, *store_word;
static bool detach, local, no_wait, new_ports;
static uint64_t wait_seconds;
static struct deploy_cluster_words cluster;

static const struct options_row rows[] = {
    {"local", NULL, OPTIONS_SWITCH, &local,
     "run it on this machine although organizations have k8s"},
    {"data", "FOLDER", OPTIONS_TEXT, &data,
     "where the network lives (default " DEPLOY_DATA_DEFAULT ")"},
    {"detach", NULL, OPTIONS_SWITCH, &detach,
     "return when the network is ready; it goes on without this program"},
    {"passphrase-file", "FILE", OPTIONS_TEXT, &passphrase_file,
     "encrypt the secrets under this file's first line (default: a key file beside them)"},
    {"secrets", "WHERE", OPTIONS_TEXT, &store_word,
     "file (default) or vault: where a new network's secrets are kept"},
    {"new-ports", NULL, OPTIONS_SWITCH, &new_ports,
     "on this machine: in place of ports that other programs have, choose others"},
    {"no-wait", NULL, OPTIONS_SWITCH, &no_wait,
     "on clusters: return when all is begun, without waiting for a pod"},
    {"wait", "SECONDS", OPTIONS_NUMBER, &wait_seconds,
     "how long to wait for blocks (default 60; on clusters 900 for each peer)"},
    DEPLOY_CLUSTER_ROWS(cluster),
};

static volatile sig_atomic_t interrupted;

static void interrupt(int signum)
{
    (void)signum;
    interrupted = 1;
}

/* Until Ctrl-C, which ends the network with this program; or until the network is ended by `quorate down`. */
static int stay(const struct deploy_site *site, struct err_detail *detail)
{
    struct sigaction action = {.sa_handler = interrupt};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    printf("\nCtrl-C stops the network; `quorate up --detach` leaves it running.\n");
    fflush(stdout);
    struct buf answer = BUF_INIT;
    int status = ERR_OK;
    while (!interrupted && status == ERR_OK) {
        usleep(500000);
        buf_clear(&answer);
        status = deploy_supervisor_ask(&answer, site->folder, "status", detail);
    }
    if (interrupted) {
        printf("stopping\n");
        status = deploy_supervisor_stop(site->folder, detail);
    } else if (status == ERR_NOTFOUND) {
        printf("the network has been stopped\n");
        status = ERR_OK;
    }
    buf_release(&answer);
    return status;
}

/* A network that is there keeps the store it has. */
static int choose_store(const struct deploy_site *site, struct err_detail *detail)
{
    char path[DEPLOY_PATH_MAX];
    if (!store_word)
        return ERR_OK;
    if (strcmp(store_word, "vault") == 0)
        return deploy_context_may_use_vault(site, detail);
    if (strcmp(store_word, "file") != 0)
        return err_set(detail, ERR_USAGE, "--secrets takes file or vault, not %.40s", store_word);
    deploy_site_path(path, site, DEPLOY_SECRETS_IN_VAULT);
    return access(path, F_OK) != 0
               ? ERR_OK
               : err_set(detail, ERR_EXISTS,
                         "the secrets of this network are in a vault already, and stay there");
}

static int bring_up(const char *path, struct err_detail *detail)
{
    struct deploy_context context;
    const struct deploy_bring options = {
        .passphrase_file = passphrase_file,
        .wait_seconds = wait_seconds ? wait_seconds : DEPLOY_WAIT_SECONDS,
        .into_vault = store_word && strcmp(store_word, "vault") == 0,
        .new_ports = new_ports};
    int status = deploy_context_open(&context, path, data, detail);
    if (status == ERR_OK)
        deploy_report_hint(&context.report, "");
    if (status == ERR_OK)
        status = choose_store(context.site, detail);
    if (status == ERR_OK)
        status = deploy_bring_up(&context, &options, detail);
    if (status == ERR_OK) {
        printf("\n");
        deploy_table_summary(context.site);
        if (!detach)
            status = stay(context.site, detail);
    }
    deploy_context_release(&context);
    return status;
}

static int run(size_t argc, char **argv)
{
    struct err_detail detail = {""};
    if (argc != 1)
        return deploy_refuse("up takes one file: quorate up network.yaml");
    if (!local && deploy_cluster_is(argv[0])) {
        if (store_word && strcmp(store_word, "vault") != 0)
            return deploy_refuse("on clusters secrets are in the vaults of the file, "
                                 "from which pods read them");
        if (new_ports)
            return deploy_refuse("--new-ports is for a network on this machine; on "
                                 "clusters every pod has its own");
        cluster.data = data;
        cluster.wait_seconds = no_wait        ? 0
                               : wait_seconds ? wait_seconds
                                              : DEPLOY_CLUSTER_WAIT_SECONDS;
        return deploy_cluster_run_up(argv[0], &cluster);
    }
    int status = no_wait ? err_set(&detail, ERR_USAGE,
                                   "--no-wait is for clusters; --detach is what "
                                   "leaves a network on this machine running")
                         : deploy_cluster_unused(&cluster, &detail);
    if (status == ERR_OK)
        status = bring_up(argv[0], &detail);
    return deploy_end(status, &detail);
}

const struct commands_command deploy_up = {
    .text = {"up", "FILE", "bring the network of a network.yaml up",
             "Makes what is missing (keys, genesis, data directories), starts a node and a "
             "transaction manager for every peer, and waits until blocks come. Done again it "
             "changes nothing but what the file has changed; interrupted and done again, it "
             "completes. Where organizations have k8s: sets up vaults, namespaces and releases "
             "by kubectl and helm, or pushes releases by git, and waits until all are in sync; "
             "a changed peer is upgraded when those before it are in sync again."},
    .rows = rows,
    .row_count = BASE_COUNT(rows),
    .run = run,
};
