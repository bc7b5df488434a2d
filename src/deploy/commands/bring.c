#include "deploy/commands/bring.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "deploy/backup/restore.h"
#include "deploy/local/database.h"
#include "deploy/local/inspect.h"
#include "deploy/local/listen.h"
#include "deploy/local/members.h"
#include "deploy/local/ports.h"
#include "deploy/local/recover.h"
#include "deploy/local/rpc.h"
#include "deploy/local/supervisor.h"
#include "deploy/local/words.h"
#include "deploy/secrets/vault.h"

#include <stdio.h>
#include <unistd.h>

static double began;

static void print_step(void *context, const char *what, bool made)
{
    (void)context;
    printf("%5.1fs  %s %s\n", base_now_seconds() - began, made ? "made " : "there", what);
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
    if (config->transaction_manager.value == DEPLOY_CONSTELLATION && config->database.given &&
        config->database.value == DEPLOY_MYSQL)
        return err_set(detail, ERR_UNSUPPORTED,
                       "Constellation's dialect has no database: mysql; leave it out, or write "
                       "transaction_manager: tessera");
    return ERR_OK;
}

int deploy_bring_check(const struct deploy_context *context, struct deploy_programs *ret_programs,
                       struct err_detail *detail)
{
    char mark[DEPLOY_PATH_MAX];
    deploy_site_path(mark, context->site, DEPLOY_RESTORE_MARK);
    if (access(mark, F_OK) == 0)
        return err_set(detail, ERR_EXISTS,
                       "a restore into %s was interrupted, and not all is in its place: `quorate "
                       "restore` with the same archive completes it",
                       context->site->folder);
    int status = check_served(context->network->config, detail);
    if (status == ERR_OK)
        status = deploy_database_kept(context->site, detail);
    return status == ERR_OK ? deploy_programs_find(ret_programs, context->site, detail) : status;
}

/* The store that is there; a network that is new and keeps its secrets in vaults has one, too, that is only read. */
static int open_store(struct deploy_secrets *ret_secrets, char *path, bool *ret_open,
                      const struct deploy_context *context, const struct deploy_bring *options,
                      struct err_detail *detail)
{
    *ret_open = deploy_context_has_secrets(context->site);
    if (*ret_open)
        return deploy_context_secrets(ret_secrets, path, context->site, options->passphrase_file,
                                      detail);
    if (options->into_vault)
        return deploy_secrets_vault_open(ret_secrets, context->network, NULL, detail);
    struct buf passphrase = BUF_INIT;
    int status = options->passphrase_file
                     ? deploy_context_passphrase(&passphrase, options->passphrase_file, detail)
                     : ERR_OK;
    mem_wipe(passphrase.data, passphrase.len);
    buf_release(&passphrase);
    return status;
}

static int make_store(struct deploy_secrets *ret_secrets, char *path,
                      const struct deploy_context *context, const struct deploy_bring *options,
                      struct err_detail *detail)
{
    int status = deploy_site_make(context->site, detail);
    if (status == ERR_OK && options->into_vault)
        status = deploy_context_use_vault(context->site, detail);
    return status == ERR_OK ? deploy_context_secrets(ret_secrets, path, context->site,
                                                     options->passphrase_file, detail)
                            : status;
}

/* Who is told the ports outside of this machine, and has to be told the new ones. */
static void tell_outsiders(const struct deploy_network *network)
{
    const struct deploy_config *config = network->config;
    if (config->bootnode || config->staticnodes.text)
        printf("note: nodes elsewhere know this network's by their old ports; give them the enodes "
               "of static-nodes.json\n");
}

/* Ports that somebody else has: others, where that is asked for. Programs read whom they know when they begin, so a network that runs
 * begins anew. */
static int check_ports(struct deploy_context *context, const struct deploy_bring *options,
                       struct err_detail *detail)
{
    bool any = false;
    /* Those that nobody asked for and no peer has yet follow what is free now. */
    int status = deploy_ports_give(context->site, &context->arena, detail);
    if (status == ERR_OK && !options->new_ports)
        return deploy_listen_free(context->site, detail);
    if (status == ERR_OK)
        status =
            deploy_listen_renew(&any, context->site, &context->arena, print_step, NULL, detail);
    if (status != ERR_OK || !any)
        return status;
    tell_outsiders(context->network);
    status = deploy_supervisor_stop(context->site->folder, detail);
    return status == ERR_NOTFOUND ? ERR_OK : status;
}

/* Everything is looked at before anything is written: what is refused leaves nothing behind. */
static int prepare(struct deploy_context *context, const struct deploy_bring *options,
                   struct err_detail *detail)
{
    struct deploy_programs programs = {.node = ""};
    struct deploy_secrets secrets = {0};
    char path[DEPLOY_PATH_MAX];
    bool open = false;
    int status = deploy_bring_check(context, &programs, detail);
    if (status == ERR_OK)
        status = open_store(&secrets, path, &open, context, options, detail);
    if (status == ERR_OK)
        status = deploy_inspect(context->site, &programs, secrets.ops ? &secrets : NULL, detail);
    if (status == ERR_OK)
        status = check_ports(context, options, detail);
    if (status == ERR_OK && !open) {
        deploy_secrets_close(&secrets);
        status = make_store(&secrets, path, context, options, detail);
    }
    /* The store is this process's now: what another one has chosen for the network before is known. */
    if (status == ERR_OK)
        status = deploy_ports_give(context->site, &context->arena, detail);
    if (status == ERR_OK)
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

/* Whether all processes serve: those that a reload has ended still answer for a while. */
static bool all_serve(const struct deploy_site *site)
{
    size_t i;
    json_t *processes, *row;
    bool all = deploy_supervisor_processes(&processes, site->folder, NULL) == ERR_OK &&
               json_array_size(processes) > 0;
    json_array_foreach(processes, i, row)
    {
        const char *state = json_string_value(json_object_get(row, "state"));
        all &= state && strcmp(state, "ready") == 0;
    }
    json_decref(processes);
    return all;
}

static int await_blocks(const struct deploy_site *site, uint64_t wait_seconds,
                        struct err_detail *detail)
{
    struct io_http_caller *caller;
    double limit = base_now_seconds() + (double)wait_seconds;
    int status = io_http_caller_new(&caller, NULL);
    if (status != ERR_OK)
        return err_set(detail, status, "out of memory");
    while (status == ERR_OK && !all_serve(site) && base_now_seconds() < limit) {
        status = deploy_listen_check(site, detail);
        usleep(20000);
    }
    for (size_t i = 0; status == ERR_OK && i < site->count;) {
        char what[128];
        if (is_ready(site, caller, i)) {
            snprintf(what, sizeof(what), "ready %s", site->peers[i].name);
            printf("%5.1fs  %s\n", base_now_seconds() - began, what);
            fflush(stdout);
            i++;
        } else if (base_now_seconds() > limit) {
            char words[DEPLOY_WORDS_MAX], other[DEPLOY_WORDS_MAX];
            deploy_last_words(words, site);
            deploy_other_network(other, site, &site->peers[i], caller);
            status = err_set(detail, ERR_IO,
                             "%s makes no blocks after %llu seconds%s%s; see %s/logs/node.log",
                             site->peers[i].name, (unsigned long long)wait_seconds, words, other,
                             site->peers[i].folder);
        } else {
            status = deploy_listen_check(site, detail);
            usleep(20000);
        }
    }
    io_http_caller_free(caller);
    return status;
}

/* What runs before that were killed have left half-written. */
static void sweep(const struct deploy_site *site)
{
    static const char *const folders[] = {"", "/node", "/node/keystore", "/tm"};
    char path[DEPLOY_PATH_MAX];
    file_sweep(site->folder);
    for (size_t i = 0; i < site->count; i++) {
        for (size_t j = 0; j < BASE_COUNT(folders); j++) {
            deploy_path(path, "%s%s", site->peers[i].folder, folders[j]);
            file_sweep(path);
        }
        file_sweep(site->peers[i].secrets);
    }
}

/* Peers that join a Raft cluster which is there become its members, and are started with the numbers that it gives. */
static int join_cluster(struct deploy_context *context, struct err_detail *detail)
{
    struct deploy_site *site = context->site;
    struct deploy_programs programs;
    int status = deploy_bring_check(context, &programs, detail);
    for (size_t i = 0; status == ERR_OK && i < site->count; i++)
        status = deploy_members_raft_add(site, i, true, detail);
    return status == ERR_OK ? deploy_recover_hold_back(site, &programs, detail) : status;
}

static bool joins_cluster(const struct deploy_site *site)
{
    const struct deploy_config *config = site->network->config;
    bool any = false;
    for (size_t i = 0; i < site->count; i++)
        any |= site->peers[i].raft_id == 0;
    return any && config->bootnode && config->consensus.value == DEPLOY_RAFT;
}

static bool serves(const struct deploy_site *site, const char *name, struct err_detail *detail)
{
    size_t i;
    json_t *processes, *row;
    bool ready = false;
    deploy_supervisor_processes(&processes, site->folder, detail); /* none serves */
    json_array_foreach(processes, i, row)
    {
        ready |= strcmp(json_string_value(json_object_get(row, "name")), name) == 0 &&
                 strcmp(json_string_value(json_object_get(row, "state")), "ready") == 0;
    }
    json_decref(processes);
    return ready;
}

/* Until a program of a peer ("node" or "tm") serves. ERR_IO after `seconds`. */
static int await_program(const struct deploy_site *site, const struct deploy_site_peer *peer,
                         const char *program, uint64_t seconds, struct err_detail *detail)
{
    char name[128];
    double limit = base_now_seconds() + (double)seconds;
    snprintf(name, sizeof(name), "%s %s", peer->name, program);
    while (!serves(site, name, detail)) {
        int status = deploy_listen_check(site, detail);
        if (status != ERR_OK)
            return status;
        if (base_now_seconds() > limit)
            return err_set(detail, ERR_IO,
                           "%s does not serve after %llu seconds; see %s/logs/%s.log", name,
                           (unsigned long long)seconds, peer->folder, program);
        usleep(20000);
    }
    return ERR_OK;
}

/* Peers that were restored get what they lack from the others, before their nodes execute blocks. */
static int recover(struct deploy_context *context, const struct deploy_bring *options,
                   struct err_detail *detail)
{
    struct deploy_site *site = context->site;
    struct deploy_programs programs;
    int status = deploy_bring_check(context, &programs, detail);
    if (status == ERR_OK)
        status = deploy_recover_hold_back(site, &programs, detail);
    if (status == ERR_OK)
        status = start(site, detail);
    for (size_t i = 0; status == ERR_OK && i < site->count; i++) {
        const struct deploy_site_peer *peer = &site->peers[i];
        if (peer->database)
            status = await_program(site, peer, "db", options->wait_seconds, detail);
        if (status == ERR_OK && peer->has_tm && !deploy_recover_is_marked(peer))
            status = await_program(site, peer, "tm", options->wait_seconds, detail);
    }
    return status == ERR_OK ? deploy_recover_run(site, &programs, print_step, NULL, detail)
                            : status;
}

int deploy_bring_up(struct deploy_context *context, const struct deploy_bring *options,
                    struct err_detail *detail)
{
    if (began == 0)
        began = base_now_seconds();
    int status = prepare(context, options, detail);
    sweep(context->site);
    if (status == ERR_OK && joins_cluster(context->site))
        status = join_cluster(context, detail);
    if (status == ERR_OK && deploy_recover_wanted(context->site))
        status = recover(context, options, detail);
    if (status == ERR_OK)
        status = start(context->site, detail);
    if (status == ERR_OK)
        status = await_blocks(context->site, options->wait_seconds, detail);
    return status;
}

int deploy_bring_restart(const struct deploy_site *site, const struct deploy_site_peer *peer,
                         const char *program, uint64_t seconds, struct err_detail *detail)
{
    char command[128];
    struct buf answer = BUF_INIT;
    snprintf(command, sizeof(command), "restart %s %s", peer->name, program);
    int status = deploy_supervisor_ask(&answer, site->folder, command, detail);
    buf_release(&answer);
    return status == ERR_OK ? await_program(site, peer, program, seconds, detail) : status;
}
