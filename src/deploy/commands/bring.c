#include "deploy/commands/bring.h"

#include "base/file.h"
#include "deploy/local/prepare.h"
#include "deploy/local/rpc.h"
#include "deploy/local/supervisor.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

double deploy_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double began;

static void print_step(void *context, const char *what, bool made)
{
    (void)context;
    printf("%5.1fs  %s %s\n", deploy_now() - began, made ? "made " : "there", what);
    fflush(stdout);
}

/* The file that other commands work by. */
static int keep_network(const struct deploy_context *context, struct err_detail *detail)
{
    char path[DEPLOY_PATH_MAX];
    deploy_site_path(path, context->site, "network.yaml");
    return file_write_private(path, buf_bytes(&context->content), detail);
}

/* What this target cannot give is said before anything is touched. */
static int check_served(const struct deploy_config *config, struct err_detail *detail)
{
    if (config->transaction_manager.value == DEPLOY_CONSTELLATION)
        return err_set(
            detail, ERR_UNSUPPORTED,
            "transaction_manager: constellation is not run on one machine; write tessera "
            "(the same program, which Constellation's peers understand), or none");
    if (config->database.given && config->database.value == DEPLOY_MYSQL)
        return err_set(detail, ERR_UNSUPPORTED,
                       "database: mysql is not run on one machine; leave it out, or write sqlite");
    return ERR_OK;
}

int deploy_bring_check(const struct deploy_context *context, struct deploy_programs *ret_programs,
                       struct err_detail *detail)
{
    bool needs_tm = false;
    for (size_t i = 0; i < context->site->count; i++)
        needs_tm |= context->site->peers[i].has_tm;
    int status = check_served(context->network->config, detail);
    return status == ERR_OK ? deploy_programs_find(ret_programs, needs_tm, detail) : status;
}

static int prepare(struct deploy_context *context, const char *passphrase_file,
                   struct err_detail *detail)
{
    struct deploy_programs programs = {{0}, {0}};
    struct deploy_secrets secrets;
    char path[DEPLOY_PATH_MAX];
    int status = deploy_bring_check(context, &programs, detail);
    if (status == ERR_OK)
        status = deploy_context_secrets(&secrets, path, context->site, passphrase_file, detail);
    if (status != ERR_OK)
        return status;
    status = deploy_prepare(context->site, &programs, &secrets, print_step, NULL, detail);
    /* Closed before the supervisor is forked, which would keep its lock. */
    deploy_secrets_close(&secrets);
    return status == ERR_OK ? keep_network(context, detail) : status;
}

/* A network that runs already takes over what has changed. */
static int start(const struct deploy_site *site, struct err_detail *detail)
{
    int status = deploy_supervisor_start(site->folder, detail);
    if (status != ERR_BUSY)
        return status;
    struct buf answer = BUF_INIT;
    status = deploy_supervisor_ask(&answer, site->folder, "reload", detail);
    buf_release(&answer);
    return status;
}

static bool has_leader(struct io_http_caller *caller, uint16_t port)
{
    json_t *leader = NULL;
    bool has = deploy_rpc(&leader, caller, port, "raft_leader", NULL, NULL) == ERR_OK &&
               json_string_length(leader) > 0;
    json_decref(leader);
    return has;
}

/* Blocks come, and all know each other. Raft makes none while there is nothing to put into them, but has a leader. */
static bool is_ready(const struct deploy_site *site, struct io_http_caller *caller, size_t index)
{
    uint64_t number = 0, peers = 0;
    struct err_detail ignored;
    uint16_t port = site->peers[index].rpc;
    if (deploy_rpc_number(&number, caller, port, "eth_blockNumber", &ignored) != ERR_OK ||
        deploy_rpc_number(&peers, caller, port, "net_peerCount", &ignored) != ERR_OK)
        return false;
    bool mines = site->network->config->consensus.value != DEPLOY_RAFT;
    if (!mines && !has_leader(caller, port))
        return false;
    return (number > 0 || !mines) && (peers > 0 || site->count == 1);
}

static int await_blocks(const struct deploy_site *site, uint64_t wait_seconds,
                        struct err_detail *detail)
{
    struct io_http_caller *caller;
    double limit = deploy_now() + (double)wait_seconds;
    int status = io_http_caller_new(&caller, NULL);
    if (status != ERR_OK)
        return err_set(detail, status, "out of memory");
    for (size_t i = 0; i < site->count;) {
        char what[128];
        if (is_ready(site, caller, i)) {
            snprintf(what, sizeof(what), "ready %s", site->peers[i].name);
            printf("%5.1fs  %s\n", deploy_now() - began, what);
            fflush(stdout);
            i++;
        } else if (deploy_now() > limit) {
            status = err_set(
                detail, ERR_IO, "%s makes no blocks after %llu seconds; see %s/logs/node.log",
                site->peers[i].name, (unsigned long long)wait_seconds, site->peers[i].folder);
            break;
        } else {
            usleep(20000);
        }
    }
    io_http_caller_free(caller);
    return status;
}

int deploy_bring_up(struct deploy_context *context, const struct deploy_bring *options,
                    struct err_detail *detail)
{
    if (began == 0)
        began = deploy_now();
    int status = prepare(context, options->passphrase_file, detail);
    if (status == ERR_OK)
        status = start(context->site, detail);
    if (status == ERR_OK)
        status = await_blocks(context->site, options->wait_seconds, detail);
    return status;
}

static bool serves(const struct deploy_site *site, const char *name, struct err_detail *detail)
{
    struct buf answer = BUF_INIT;
    size_t i;
    json_t *root = NULL, *row;
    bool ready = false;
    if (deploy_supervisor_ask(&answer, site->folder, "status", detail) == ERR_OK)
        root = json_loadb((const char *)answer.data, answer.len, 0, NULL);
    json_array_foreach(json_object_get(root, "processes"), i, row)
    {
        ready |= strcmp(json_string_value(json_object_get(row, "name")), name) == 0 &&
                 strcmp(json_string_value(json_object_get(row, "state")), "ready") == 0;
    }
    json_decref(root);
    buf_release(&answer);
    return ready;
}

int deploy_bring_await(const struct deploy_site *site, const struct deploy_site_peer *peer,
                       const char *program, uint64_t seconds, struct err_detail *detail)
{
    char name[128];
    double limit = deploy_now() + (double)seconds;
    snprintf(name, sizeof(name), "%s %s", peer->name, program);
    while (!serves(site, name, detail)) {
        if (deploy_now() > limit)
            return err_set(detail, ERR_IO,
                           "%s does not serve after %llu seconds; see %s/logs/%s.log", name,
                           (unsigned long long)seconds, peer->folder, program);
        usleep(20000);
    }
    return ERR_OK;
}
