/* `quorate status`: what runs, and how well. */
#include "deploy/commands/cluster.h"
#include "deploy/commands/context.h"
#include "deploy/commands/table.h"
#include "deploy/json.h"
#include "deploy/local/rpc.h"
#include "deploy/local/supervisor.h"

#include <stdio.h>
#include <unistd.h>

static const char *data = DEPLOY_DATA_DEFAULT;
static bool as_json, watch;

static const struct options_row rows[] = {
    {"data", "FOLDER", OPTIONS_TEXT, &data,
     "where the network lives (default " DEPLOY_DATA_DEFAULT ")"},
    {"json", NULL, OPTIONS_SWITCH, &as_json, "print JSON"},
    {"watch", NULL, OPTIONS_SWITCH, &watch, "print anew every second, until Ctrl-C"},
};

struct peer_status {
    const char *node, *tm; /* states of the processes; "-" without */
    bool answers;
    uint64_t height, peers;
};

static const char *state_of(const json_t *processes, const char *peer, const char *program)
{
    char name[128];
    size_t i;
    json_t *row;
    snprintf(name, sizeof(name), "%s %s", peer, program);
    json_array_foreach(processes, i, row)
    {
        if (strcmp(json_string_value(json_object_get(row, "name")), name) == 0)
            return json_string_value(json_object_get(row, "state"));
    }
    return "stopped";
}

static struct peer_status look(const struct deploy_site_peer *peer, const json_t *processes,
                               struct io_http_caller *caller)
{
    struct err_detail ignored;
    struct peer_status s = {.node = state_of(processes, peer->name, "node"),
                            .tm = peer->has_tm ? state_of(processes, peer->name, "tm") : "-"};
    s.answers =
        deploy_rpc_number(&s.height, caller, peer->rpc, "eth_blockNumber", &ignored) == ERR_OK &&
        deploy_rpc_number(&s.peers, caller, peer->rpc, "net_peerCount", &ignored) == ERR_OK;
    return s;
}

static json_t *status_json(const struct deploy_site_peer *peer, const struct peer_status *s)
{
    json_t *row = json_pack("{s:s, s:s, s:s, s:s, s:i}", "peer", peer->name, "role",
                            peer->validator ? "validator" : "member", "node", s->node, "tm", s->tm,
                            "rpc", (int)peer->rpc);
    json_object_set_new(row, "height",
                        s->answers ? json_integer((json_int_t)s->height) : json_null());
    json_object_set_new(row, "peers",
                        s->answers ? json_integer((json_int_t)s->peers) : json_null());
    return row;
}

static void add_row(struct deploy_table *table, const struct deploy_site_peer *peer,
                    const struct peer_status *s)
{
    deploy_table_cell(table, "%s", peer->name);
    deploy_table_cell(table, "%s", peer->validator ? "validator" : "member");
    deploy_table_cell(table, "%s", s->node);
    deploy_table_cell(table, "%s", s->tm);
    if (s->answers) {
        deploy_table_cell(table, "%llu", (unsigned long long)s->height);
        deploy_table_cell(table, "%llu", (unsigned long long)s->peers);
    } else {
        deploy_table_cell(table, "-");
        deploy_table_cell(table, "-");
    }
    deploy_table_cell(table, "http://127.0.0.1:%u", peer->rpc);
}

/* *ret_well: whether every process serves and every node answers. */
static int print_status(const struct deploy_site *site, const json_t *processes,
                        struct io_http_caller *caller, bool *ret_well, struct err_detail *detail)
{
    static const char *const titles[] = {"PEER",   "ROLE",  "NODE",    "TM",
                                         "HEIGHT", "PEERS", "JSON-RPC"};
    struct deploy_table table;
    struct buf b = BUF_INIT;
    json_t *all = json_array();
    bool well = true;
    deploy_table_init(&table, titles, BASE_COUNT(titles));
    for (size_t i = 0; i < site->count; i++) {
        struct peer_status s = look(&site->peers[i], processes, caller);
        add_row(&table, &site->peers[i], &s);
        json_array_append_new(all, status_json(&site->peers[i], &s));
        well &= s.answers && strcmp(s.node, "ready") == 0 &&
                (strcmp(s.tm, "ready") == 0 || strcmp(s.tm, "-") == 0);
    }
    deploy_table_finish(&b, &table);
    int status = ERR_OK;
    if (as_json)
        status = deploy_json_print(all, detail);
    else
        fputs(buf_text(&b), stdout);
    fflush(stdout);
    json_decref(all);
    buf_release(&b);
    *ret_well = well;
    return status;
}

static int show(const struct deploy_site *site, struct io_http_caller *caller, bool *ret_well,
                struct err_detail *detail)
{
    json_t *processes;
    int status = deploy_supervisor_processes(&processes, site->folder, detail);
    if (status == ERR_OK || status == ERR_NOTFOUND)
        status = print_status(site, processes, caller, ret_well, detail);
    json_decref(processes);
    return status;
}

static int run(size_t argc, char **argv)
{
    struct err_detail detail = {""};
    struct deploy_context context;
    struct io_http_caller *caller = NULL;
    bool well = false;
    (void)argv;
    if (argc != 0)
        return deploy_refuse("status takes no arguments");
    char path[DEPLOY_PATH_MAX];
    if (deploy_cluster_was(path, data))
        return deploy_cluster_run_status(path, data, as_json);
    int status = deploy_context_reopen(&context, data, &detail);
    if (status == ERR_OK) {
        status = io_http_caller_new(&caller, NULL);
        if (status != ERR_OK)
            err_set(&detail, status, "out of memory");
    }
    while (status == ERR_OK) {
        if (watch && isatty(STDOUT_FILENO))
            printf("\x1b[H\x1b[2J");
        status = show(context.site, caller, &well, &detail);
        if (!watch)
            break;
        sleep(1);
    }
    io_http_caller_free(caller);
    deploy_context_release(&context);
    if (status != ERR_OK)
        return deploy_complain(status, &detail);
    return well ? COMMANDS_OK : COMMANDS_FAILED;
}

const struct commands_command deploy_status = {
    .text = {"status", "", "show the peers of the network of this machine, and their health",
             "Exit code 1 when a process does not serve or a node does not answer."},
    .rows = rows,
    .row_count = BASE_COUNT(rows),
    .run = run,
};
