/* attach, console and js: geth's JavaScript console (cmd/geth/consolecmd.go), beside a running node or with one of its
 * own. */
#include "console/console.h"
#include "node/commands/command.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ENDPOINT_MAX = 4200 };

static void fill(struct console_options *options, const struct node_config *config,
                 char history[NODE_PATH_MAX])
{
    struct stat st;
    snprintf(history, NODE_PATH_MAX, "%s/history", config->datadir);
    const char *psi = getenv("QUORUM_PSI");
    *options = (struct console_options){
        .client = {.token = config->rpcclitoken,
                   .psi = psi && *psi ? psi : NULL,
                   .certificate = config->rpcclitls_cert,
                   .ca_certificate = config->rpcclitls_cacert,
                   .ciphers = config->rpcclitls_ciphersuites,
                   .insecure = config->rpcclitls_insecureskipverify},
        .exec = *config->exec ? config->exec : NULL,
        .preload = config->preload,
        .docroot = config->jspath,
        .history = stat(config->datadir, &st) == 0 ? history : NULL,
    };
}

/* The unix socket of the data directory. */
static int default_endpoint(const struct node_config *config, char ret_path[ENDPOINT_MAX])
{
    struct node_datadir dir = {.lock = -1};
    struct err_detail detail = {""};
    char path[NODE_PATH_MAX];
    snprintf(dir.root, sizeof(dir.root), "%s", config->datadir);
    if (node_datadir_ipc_path(&dir, path, config->ipcpath, &detail) != ERR_OK)
        return node_fatal("%s", detail.text);
    snprintf(ret_path, ENDPOINT_MAX, "%s", path);
    return NODE_EXIT_OK;
}

int node_run_attach(const struct node_config *config, size_t count, char **arguments)
{
    char history[NODE_PATH_MAX], path[ENDPOINT_MAX];
    struct console_options options;
    struct err_detail detail = {""};
    fill(&options, config, history);
    int code = NODE_EXIT_OK;
    if (count)
        options.client.endpoint = arguments[0];
    else if ((code = default_endpoint(config, path)) == NODE_EXIT_OK)
        options.client.endpoint = path;
    if (code != NODE_EXIT_OK)
        return code;
    int status = console_run(&options, &detail);
    if (status == ERR_OK)
        return NODE_EXIT_OK;
    if ((status == ERR_INPUT || status == ERR_NOTFOUND) && options.preload && *options.preload)
        return node_fatal("Failed to start the JavaScript console: %s", detail.text);
    /* The first request is for the namespaces; over HTTP it is what connects. */
    static const char namespaces[] = "namespaces.js: Error: ";
    if (strncmp(detail.text, namespaces, strlen(namespaces)) == 0)
        return node_fatal("Failed to start the JavaScript console: api modules: %s",
                          detail.text + strlen(namespaces));
    return node_fatal("Unable to attach to remote geth: %s", detail.text);
}

/* --- A console with a node of its own: the node keeps the main thread, the console has another --- */

struct beside {
    struct console_options options;
    char history[NODE_PATH_MAX], path[ENDPOINT_MAX];
    struct err_detail detail;
    pthread_t thread;
    bool started, wait;
    int status;
};

static void *run_console(void *context)
{
    struct beside *beside = context;
    beside->status = console_run(&beside->options, &beside->detail);
    /* `js` leaves the node running until it is interrupted, as geth does. */
    if (!beside->wait || beside->status != ERR_OK)
        kill(getpid(), SIGTERM);
    return NULL;
}

static void on_ready(void *context)
{
    struct beside *beside = context;
    beside->started = pthread_create(&beside->thread, NULL, run_console, beside) == 0;
    if (!beside->started)
        kill(getpid(), SIGTERM);
}

static struct beside *new_beside(const struct node_config *config)
{
    static struct beside beside; /* too large for a stack; a program runs one */
    beside = (struct beside){.wait = false};
    fill(&beside.options, config, beside.history);
    return &beside;
}

/* `mine` is the node's; `failed` stands before what the console says is wrong. When this returns the node has ended; a console that
 * waits for somebody to type ends with the program. */
static int run_beside(struct beside *beside, struct node_config *mine, const char *failed)
{
    mine->ipcdisable = false; /* the console needs it; it is private to this user */
    int code = default_endpoint(mine, beside->path);
    if (code != NODE_EXIT_OK)
        return code;
    beside->options.client.endpoint = beside->path;
    code = node_run_with(mine, on_ready, beside);
    return beside->started && beside->status != ERR_OK
               ? node_fatal("%s%s", failed, beside->detail.text)
               : code;
}

int node_run_console(const struct node_config *config, size_t count, char **arguments)
{
    struct node_config mine = *config;
    (void)arguments;
    if (count)
        return node_fatal("the command 'console' takes no arguments; scripts run by --preload");
    return run_beside(new_beside(config), &mine, "Failed to start the JavaScript console: ");
}

int node_run_js(const struct node_config *config, size_t count, char **arguments)
{
    struct node_config mine = *config;
    struct beside *beside = new_beside(config);
    beside->wait = true;
    beside->options.scripts = arguments;
    beside->options.script_count = count;
    return run_beside(beside, &mine, "");
}

int node_print_from_console(const struct node_config *config, const char *statement)
{
    struct node_config mine = *config;
    struct beside *beside = new_beside(config);
    beside->options.print = statement;
    beside->options.preload = "";
    mine.mine = mine.raft = mine.dev = mine.http = mine.ws = mine.metrics = false;
    mine.unlock = "";
    mine.offline = true;
    return run_beside(beside, &mine, "");
}
