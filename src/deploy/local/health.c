#include "deploy/local/health.h"

#include "base/hex.h"
#include "base/mem.h"
#include "deploy/local/port.h"
#include "deploy/local/ports.h"
#include "deploy/local/rpc.h"
#include "deploy/local/supervisor.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

enum {
    DISK_MIN_MIB = 512,
    AHEAD_SECONDS = 2, /* that a block's time may be before this machine's */
    PERIODS = 5,       /* that blocks may be late: a round change takes two */
    SAMPLE_US = 200000,
    TABLE_TRIES = 25, /* of all managers together */
    ANSWER_MAX = 1 << 20,
    TM_MS = 3000,
};

struct doctor {
    const struct deploy_site *site;
    struct io_http_caller *caller;
    json_t *processes; /* what the supervisor says; NULL when none runs */
    unsigned table_tries;
    deploy_finding_fn *found;
    void *context;
    size_t answering; /* nodes */
    uint64_t *heights;
};

static void tell(struct doctor *d, bool wrong, const char *remedy, const char *format, ...)
    BASE_PRINTF(4, 5);
static void tell(struct doctor *d, bool wrong, const char *remedy, const char *format, ...)
{
    char text[512];
    va_list values;
    va_start(values, format);
    vsnprintf(text, sizeof(text), format, values);
    va_end(values);
    const struct deploy_finding finding = {.wrong = wrong, .what = text, .remedy = remedy};
    d->found(d->context, &finding);
}

static void check_disk(struct doctor *d)
{
    struct statvfs info;
    if (statvfs(d->site->folder, &info) != 0)
        return;
    uint64_t left = (uint64_t)info.f_bavail * info.f_frsize >> 20;
    tell(d, left < DISK_MIN_MIB, "make room, or move the folder to a larger disk",
         "%llu MiB are left on the disk of %s", (unsigned long long)left, d->site->folder);
}

/* Whoever writes there says which programs this network runs. */
static void check_folder(struct doctor *d)
{
    struct stat info;
    char remedy[DEPLOY_PATH_MAX + 32];
    if (stat(d->site->folder, &info) != 0)
        return;
    snprintf(remedy, sizeof(remedy), "chmod 700 %s", d->site->folder);
    bool open = (info.st_mode & (S_IWGRP | S_IWOTH)) != 0;
    tell(d, open, remedy, open ? "%s can be written by others" : "%s is written by its owner alone",
         d->site->folder);
}

/* --- Processes and ports --- */

static void ask_supervisor(struct doctor *d)
{
    bool runs = deploy_supervisor_processes(&d->processes, d->site->folder, NULL) == ERR_OK;
    tell(d, !runs, "`quorate up --detach` with the network file starts it", "the network %s",
         runs ? "runs" : "does not run");
}

static bool check_process(struct doctor *d, const struct deploy_site_peer *peer,
                          const char *program)
{
    char name[96], remedy[DEPLOY_PATH_MAX + 64];
    size_t i;
    json_t *row;
    snprintf(name, sizeof(name), "%s %s", peer->name, program);
    deploy_path(remedy, "read %s/logs/%s.log: why it ends stands in its last lines", peer->folder,
                program);
    json_array_foreach(d->processes, i, row)
    {
        const char *state = json_string_value(json_object_get(row, "state"));
        if (strcmp(json_string_value(json_object_get(row, "name")), name) != 0)
            continue;
        bool ready = strcmp(state, "ready") == 0;
        if (!ready)
            tell(d, true, remedy, "%s is %s, after %d restarts", name, state,
                 (int)json_integer_value(json_object_get(row, "restarts")));
        return ready;
    }
    tell(d, true, "`quorate up` with the network file starts it", "%s is not started", name);
    return false;
}

static void check_processes(struct doctor *d)
{
    bool all = true;
    for (size_t i = 0; i < d->site->count; i++) {
        const struct deploy_site_peer *peer = &d->site->peers[i];
        if (peer->database)
            all &= check_process(d, peer, "db");
        if (peer->has_tm)
            all &= check_process(d, peer, "tm");
        all &= check_process(d, peer, "node");
    }
    if (all)
        tell(d, false, "", "all processes serve");
}

/* Of a network that does not run: whoever listens now is somebody else. */
static void check_ports(struct doctor *d)
{
    bool all = true;
    for (size_t i = 0; i < d->site->count; i++) {
        const struct deploy_site_peer *peer = &d->site->peers[i];
        uint16_t ports[DEPLOY_PORT_KINDS];
        size_t count = deploy_ports_of(ports, peer);
        for (size_t j = 0; j < count; j++) {
            if (!deploy_port_taken(ports[j]))
                continue;
            all = false;
            tell(d, true,
                 "end what listens there (`ss -ltnp` names it), or write another port in the "
                 "network file",
                 "port %u of %s is in use by another program", ports[j], peer->name);
        }
    }
    if (all)
        tell(d, false, "", "all ports are free");
}

/* --- Nodes --- */

/* NULL at once for a node that was silent before: each would be waited for again. */
static json_t *ask(struct doctor *d, size_t index, const char *method, json_t *params)
{
    json_t *result = NULL;
    if (d->heights[index] == UINT64_MAX) {
        json_decref(params);
        return NULL;
    }
    if (deploy_rpc(&result, d->caller, d->site->peers[index].rpc, method, params, NULL) != ERR_OK)
        return NULL;
    return result;
}

static void check_genesis(struct doctor *d)
{
    char first[80] = "";
    bool all = true;
    for (size_t i = 0; i < d->site->count; i++) {
        json_t *block = ask(d, i, "eth_getBlockByNumber", json_pack("[s, b]", "0x0", 0));
        const char *hash = json_string_value(json_object_get(block, "hash"));
        if (hash && !first[0])
            snprintf(first, sizeof(first), "%s", hash);
        if (hash && strcmp(hash, first) != 0) {
            all = false;
            tell(d, true,
                 "its data belongs to another network: set its folder aside and `quorate up` makes "
                 "it anew, or restore it from a backup",
                 "%s lives on genesis %.18s..., the others on %.18s...", d->site->peers[i].name,
                 hash, first);
        }
        json_decref(block);
    }
    if (all && first[0])
        tell(d, false, "", "all nodes live on genesis %.18s...", first);
}

static void check_identity(struct doctor *d, size_t index)
{
    const struct deploy_site_peer *peer = &d->site->peers[index];
    char id[129] = {0};
    json_t *info = ask(d, index, "admin_nodeInfo", NULL);
    const char *enode = json_string_value(json_object_get(info, "enode"));
    hex_encode(id, bytes_of(peer->identity.node.b, sizeof(peer->identity.node.b)));
    if (enode && !strstr(enode, id))
        tell(d, true, "`quorate up` and `quorate restart` give it the key of the store again",
             "the node of %s has another key than the store of secrets", peer->name);
    json_decref(info);
}

static void check_nodes(struct doctor *d, bool keys_known)
{
    for (size_t i = 0; i < d->site->count; i++) {
        const struct deploy_site_peer *peer = &d->site->peers[i];
        uint64_t peers = 0;
        if (deploy_rpc_number(&d->heights[i], d->caller, peer->rpc, "eth_blockNumber", NULL) !=
            ERR_OK) {
            tell(d, true, "`quorate restart` it, and read its log",
                 "the node of %s does not answer at port %u", peer->name, peer->rpc);
            d->heights[i] = UINT64_MAX;
            continue;
        }
        d->answering++;
        if (keys_known)
            check_identity(d, i);
        if (deploy_rpc_number(&peers, d->caller, peer->rpc, "net_peerCount", NULL) == ERR_OK &&
            peers == 0 && d->site->count > 1)
            tell(d, true, "look whether the others run, and whether its log refuses them",
                 "the node of %s is connected to nobody", peer->name);
    }
    if (d->answering == d->site->count)
        tell(d, false, "", "all nodes answer");
}

static void check_clock(struct doctor *d)
{
    for (size_t i = 0; i < d->site->count; i++) {
        uint64_t time_stamp = 0;
        json_t *block = ask(d, i, "eth_getBlockByNumber", json_pack("[s, b]", "latest", 0));
        const char *text = json_string_value(json_object_get(block, "timestamp"));
        /* Raft's are nanoseconds. */
        bool known = text && hex_u64(text, &time_stamp) &&
                     d->site->network->config->consensus.value != DEPLOY_RAFT;
        json_decref(block);
        if (!known)
            continue;
        int64_t ahead = (int64_t)time_stamp - (int64_t)time(NULL);
        if (ahead > AHEAD_SECONDS)
            tell(d, true, "set this machine's clock (timedatectl set-ntp true)",
                 "the newest block is %lld seconds ahead of this clock", (long long)ahead);
        else
            tell(d, false, "", "this machine's clock is not behind the blocks");
        return;
    }
}

/* --- Transaction managers --- */

/* `unix_path` is NULL for the port that the other managers use. */
static int ask_tm(struct doctor *d, const char *url, const char *unix_path,
                  struct io_http_reply *ret_reply)
{
    const struct io_http_call_options options = {.method = "GET",
                                                 .url = url,
                                                 .unix_path = unix_path,
                                                 .total_ms = TM_MS,
                                                 .answer_max = ANSWER_MAX};
    int status = io_http_caller_run(ret_reply, d->caller, &options);
    return status == ERR_OK && (ret_reply->fault != IO_HTTP_FAULT_NONE || ret_reply->status != 200)
               ? ERR_IO
               : status;
}

/* Behind TLS they speak with each other alone; Constellation's tell nobody else. */
static bool asks_parties(const struct doctor *d)
{
    return d->site->network->config->tm_tls.value != DEPLOY_TLS_STRICT &&
           d->site->network->config->transaction_manager.value != DEPLOY_CONSTELLATION;
}

static bool has_key(const struct io_http_reply *reply, const struct deploy_site_peer *other)
{
    const char *key = other->identity.tm_public;
    return !other->has_tm || memmem(reply->body.data, reply->body.len, key, strlen(key));
}

/* Its table. One that lacks a key is asked again for a while: right after a start it grows. */
static int ask_table(struct doctor *d, const struct deploy_site_peer *peer,
                     struct io_http_reply *ret_reply)
{
    char url[64];
    snprintf(url, sizeof(url), "http://127.0.0.1:%u/partyinfo", peer->tm);
    for (;;) {
        size_t lacking = 0;
        int status = ask_tm(d, url, NULL, ret_reply);
        for (size_t i = 0; status == ERR_OK && i < d->site->count; i++)
            lacking += !has_key(ret_reply, &d->site->peers[i]);
        if (status != ERR_OK || lacking == 0 || d->table_tries == TABLE_TRIES)
            return status;
        d->table_tries++;
        usleep(SAMPLE_US);
    }
}

/* Its own key, and those of all others, must be in its table. */
static bool check_party(struct doctor *d, const struct deploy_site_peer *peer, bool keys_known)
{
    char socket[DEPLOY_PATH_MAX];
    struct io_http_reply reply;
    bool all = true;
    deploy_path(socket, "%s/tm/tm.ipc", peer->folder);
    if (ask_tm(d, "http://localhost/upcheck", socket, &reply) != ERR_OK) {
        tell(d, true, "`quorate restart --tm` it, and read its log",
             "the transaction manager of %s does not answer", peer->name);
        return false;
    }
    if (!keys_known || !asks_parties(d))
        return true;
    if (ask_table(d, peer, &reply) != ERR_OK) {
        tell(d, true, "`quorate restart --tm` it, and read its log",
             "the transaction manager of %s does not answer others at port %u", peer->name,
             peer->tm);
        return false;
    }
    for (size_t i = 0; i < d->site->count; i++) {
        const struct deploy_site_peer *other = &d->site->peers[i];
        if (has_key(&reply, other))
            continue;
        all = false;
        tell(d, true,
             other == peer
                 ? "its keys differ from the store's: `quorate up`, then `quorate restart "
                   "--tm` it"
                 : "look whether that one runs; a table is complete some seconds after "
                   "both have started",
             "the transaction manager of %s does not know the key of %s", peer->name, other->name);
    }
    return all;
}

static void check_managers(struct doctor *d, bool keys_known)
{
    bool all = true, any = false;
    for (size_t i = 0; i < d->site->count; i++) {
        if (!d->site->peers[i].has_tm)
            continue;
        any = true;
        all &= check_party(d, &d->site->peers[i], keys_known);
    }
    if (any && all)
        tell(d, false, "", "all transaction managers answer%s",
             asks_parties(d) && keys_known ? " and know each other" : "");
}

/* --- Certificates --- */

static bool check_until(struct doctor *d, const struct deploy_site_peer *peer, const char *what,
                        int64_t until)
{
    char remedy[160];
    int64_t days = (until - (int64_t)time(NULL)) / 86400;
    if (days >= DEPLOY_EXPIRY_DAYS)
        return true;
    snprintf(remedy, sizeof(remedy),
             "`quorate keys rotate %s %s`, then `quorate up` with the network file", peer->name,
             what);
    tell(d, true, remedy,
         days > 0 ? "the %s of %s is good for %lld days only"
                  : "the %s of %s is good no more, since %lld days",
         what, peer->name, (long long)(days > 0 ? days : -days));
    return false;
}

static void check_certificates(struct doctor *d)
{
    bool all = true, any = false;
    for (size_t i = 0; i < d->site->count; i++) {
        const struct deploy_site_peer *peer = &d->site->peers[i];
        if (!peer->has_tm || d->site->network->config->tm_tls.value != DEPLOY_TLS_STRICT)
            continue;
        any = true;
        all &= check_until(d, peer, "certificate", peer->identity.certificate_until) &&
               check_until(d, peer, "authority", peer->identity.authority_until);
    }
    if (any && all)
        tell(d, false, "", "all certificates are good for %d days at least", DEPLOY_EXPIRY_DAYS);
}

/* --- Rounds --- */

static bool any_grew(struct doctor *d)
{
    for (size_t i = 0; i < d->site->count; i++) {
        uint64_t height;
        if (d->heights[i] != UINT64_MAX &&
            deploy_rpc_number(&height, d->caller, d->site->peers[i].rpc, "eth_blockNumber", NULL) ==
                ERR_OK &&
            height > d->heights[i])
            return true;
    }
    return false;
}

static void check_progress(struct doctor *d)
{
    const struct deploy_config *config = d->site->network->config;
    size_t validators = 0;
    if (config->consensus.value == DEPLOY_RAFT || d->answering == 0)
        return; /* Raft makes blocks for transactions alone */
    for (size_t i = 0; i < d->site->count; i++)
        validators += d->site->peers[i].validator;
    uint64_t limit = (config->block_period.value ? config->block_period.value : 1) * PERIODS + 4;
    for (uint64_t waited = 0; waited < limit * 1000000; waited += SAMPLE_US) {
        if (any_grew(d)) {
            tell(d, false, "", "blocks are made");
            return;
        }
        usleep(SAMPLE_US);
    }
    tell(d, true,
         "more than two thirds of the validators must run and be connected: start those that do "
         "not, then read the nodes' logs for round changes",
         "no block for %llu seconds; %zu of %zu nodes answer, %zu are validators in the file",
         (unsigned long long)limit, d->answering, d->site->count, validators);
}

int deploy_health(const struct deploy_site *site, bool keys_known, deploy_finding_fn *found,
                  void *context, struct err_detail *detail)
{
    struct doctor d = {.site = site, .found = found, .context = context};
    d.heights = mem_alloc_zeroed(site->count, sizeof(*d.heights));
    int status = d.heights ? io_http_caller_new(&d.caller, NULL) : ERR_NOMEM;
    if (status != ERR_OK) {
        mem_free(d.heights);
        return err_set(detail, status, "out of memory");
    }
    check_disk(&d);
    check_folder(&d);
    ask_supervisor(&d);
    if (keys_known)
        check_certificates(&d);
    if (d.processes) {
        check_processes(&d);
        check_nodes(&d, keys_known);
        check_genesis(&d);
        check_clock(&d);
        check_managers(&d, keys_known);
        check_progress(&d);
    } else {
        check_ports(&d);
    }
    json_decref(d.processes);
    io_http_caller_free(d.caller);
    mem_free(d.heights);
    return ERR_OK;
}
