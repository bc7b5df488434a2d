/* What JSON-RPC sees of the node, its servers, the metrics, and who is told of both. */
#include "base/clock.h"
#include "base/file.h"
#include "extension/list.h"
#include "node/log/filter.h"
#include "node/log/log.h"
#include "node/parts.h"
#include "rpc/extension/extension.h"

#include <stdio.h>
#include <unistd.h>

/* --- What RPC asks --- */

static bool is_mining(void *context)
{
    const struct node *node = context;
    return (node->validator && node_validator_is_mining(node->validator)) ||
           (node->signer && node_signer_is_mining(node->signer)) ||
           (node->raft && strcmp(node_raft_role(node->raft), "minter") == 0);
}

static void set_mining(void *context, bool mining)
{
    struct node *node = context;
    if (node->validator)
        node_validator_set_mining(node->validator, mining);
    if (node->signer)
        node_signer_set_mining(node->signer, mining);
}

static void set_extra(void *context, struct bytes extra)
{
    struct node *node = context;
    if (node->validator)
        node_validator_set_extra(node->validator, extra);
    if (node->signer)
        node_signer_set_extra(node->signer, extra);
}

static int change_chain(void *context, void (*work)(void *work_context, struct chain *chain),
                        void *work_context)
{
    struct node *node = context;
    return node_chain_change(node->chain, work, work_context);
}

static void set_verbosity(void *context, int64_t level)
{
    (void)context;
    node_log_set_level(level < NODE_LOG_CRIT    ? NODE_LOG_CRIT
                       : level > NODE_LOG_TRACE ? NODE_LOG_TRACE
                                                : (enum node_log_level)level);
}

static int set_vmodule(void *context, const char *pattern, struct err_detail *why)
{
    (void)context;
    return node_log_set_vmodule(pattern, why);
}

static int set_backtrace(void *context, const char *place, struct err_detail *why)
{
    (void)context;
    return node_log_set_backtrace(place, why);
}

static void sync_state(void *context, struct rpc_sync *ret_sync)
{
    const struct node *node = context;
    struct node_sync sync;
    node_network_sync(node->network, &sync);
    *ret_sync = (struct rpc_sync){sync.syncing, sync.starting, sync.current, sync.highest};
}

static bool peer_status(void *context, const struct p2p_peer *peer, struct u256 *ret_difficulty,
                        struct hash256 *ret_head)
{
    const struct node *node = context;
    return node_network_peer_status(node->network, peer, ret_difficulty, ret_head);
}

static bool light_peer_status(void *context, const struct p2p_peer *peer,
                              struct u256 *ret_difficulty, struct hash256 *ret_head)
{
    const struct node *node = context;
    return node_light_server_peer_status(node->light_server, peer, ret_difficulty, ret_head);
}

static struct node_votes *votes_of(struct node *node)
{
    return node->validator ? node_validator_votes(node->validator)
           : node->signer  ? node_signer_votes(node->signer)
                           : &node->idle_votes;
}

static void propose(void *context, const struct address *address, bool authorize)
{
    struct node_votes *votes = votes_of(context);
    if (node_votes_propose(votes, address, authorize) != ERR_OK)
        NODE_LOG(NODE_LOG_ERROR, "A vote is not kept: there are too many",
                 node_address("candidate", address));
}

static void discard(void *context, const struct address *address)
{
    node_votes_discard(votes_of(context), address);
}

static void candidates(void *context,
                       void (*fn)(void *fn_context, const struct rpc_candidate *candidate),
                       void *fn_context)
{
    const struct node_votes *votes = votes_of(context);
    for (size_t i = 0; i < votes->count; i++) {
        struct rpc_candidate candidate = {votes->list[i].candidate, votes->list[i].authorize};
        fn(fn_context, &candidate);
    }
}

/* --- Making --- */

static void on_extension_report(void *context, const char *what, const struct address *management,
                                const char *why)
{
    (void)context;
    NODE_LOG(NODE_LOG_WARN, what, node_address("managementContract", management),
             node_text("err", why));
}

/* One processor is the loop's, so that blocks wait for nobody: a desk for each of the others. */
static size_t desk_count(void)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    return processors > 1 ? (size_t)processors - 1 : 0;
}

static void fill_backend(struct node *node)
{
    const struct node_config *config = node->config;
    struct crypto_public_key public_key;
    struct address self = {{0}};
    if (crypto_public_key_of(&public_key, &node->key))
        crypto_address_of(&self, &public_key);
    if (node->signer)
        self = *node_signer_address(node->signer);
    node->backend = (struct rpc_backend){
        .context = node,
        .loop = node->loop,
        .light = node->light,
        .desks = desk_count(),
        .chain = node->store,
        .pool = node_transactions_pool(node->transactions),
        .server = node_network_server(node->network),
        .light_server = node_light_server_p2p(node->light_server),
        .privacy = node_manager_tm(node->manager),
        .psis = node_manager_psis(node->manager),
        .proxy = node_light_remote_proxy(node_manager_remote(node->manager)),
        .light_token = node_light_remote_methods(node_manager_remote(node->manager)),
        .multitenancy = config->multitenancy,
        .permission = node_permission_of(node->permission),
        .extension_report = on_extension_report,
        .make_markers = config->privacymarker,
        .tracer_program = "/proc/self/exe",
        .client_version = node->name,
        .datadir = node->root,
        .network_id = config->networkid,
        .gas_cap = config->rpc_gascap,
        .call_timeout_ms = config->calltimeout * 1000,
        .min_gas_price = config->gasprice,
        .allow_unprotected = config->allow_unprotected,
        .is_mining = is_mining,
        .set_mining = node->validator || node->signer ? set_mining : NULL,
        .set_extra = node->validator || node->signer ? set_extra : NULL,
        .change_chain = change_chain,
        .set_verbosity = set_verbosity,
        .set_vmodule = set_vmodule,
        .set_backtrace = set_backtrace,
        .peer_status = peer_status,
        .light_peer_status = light_peer_status,
        .sync = sync_state,
        .raft = node->raft ? &node->raft_methods : NULL,
        .servers = &node->servers,
        .node_address = self,
        .propose = propose,
        .discard = discard,
        .candidates = candidates,
        .accounts = node->accounts,
        .unlock_forbidden = (config->http || config->ws) && !config->allow_insecure_unlock,
        .tx_fee_cap = config->rpc_txfeecap,
    };
    struct err_detail why = {""};
    node->backend.has_etherbase =
        *config->etherbase && node_account_find(&node->backend.etherbase, node->accounts,
                                                config->etherbase, &why) == ERR_OK;
    memcpy(node->backend.workers, node->calls, sizeof(node->calls));
    memcpy(node->backend.waiters, node->waiters, sizeof(node->waiters));
}

/* As the reference, which makes it when it is missing. */
static int make_ipc_folder(const char *path, struct err_detail *detail)
{
    char folder[NODE_PATH_MAX];
    snprintf(folder, sizeof(folder), "%s", path);
    char *slash = strrchr(folder, '/');
    if (!slash || slash == folder)
        return ERR_OK;
    *slash = 0;
    return file_make_folders(folder, 0751, detail);
}

int node_make_rpc(struct node *node, struct err_detail *detail)
{
    char path[NODE_PATH_MAX];
    fill_backend(node);
    int status = rpc_new(&node->rpc, &node->backend);
    if (status != ERR_OK)
        return err_set(detail, status, "JSON-RPC cannot be set up: %s", err_text(status));
    if (node->manager) {
        status = node_datadir_path(&node->dir, path, EXTENSION_FILE, detail);
        if (status == ERR_OK)
            status = rpc_extension_open(node->rpc, path, detail);
        if (status != ERR_OK)
            return status;
    }
    if (!node->config->ipcdisable) {
        status = node_datadir_ipc_path(&node->dir, path, node->config->ipcpath, detail);
        if (status == ERR_OK)
            status = make_ipc_folder(path, detail);
        if (status == ERR_OK)
            status = rpc_ipc_start(&node->ipc, node->rpc, &(struct rpc_ipc_options){.path = path},
                                   detail);
        if (status != ERR_OK)
            return err_prefix(detail, status, "IPC");
        memcpy(node->ipc_path, path, sizeof(path));
        NODE_LOG(NODE_LOG_INFO, "IPC endpoint opened", node_text("url", path),
                 node_flag("isMultitenant", node->config->multitenancy));
    }
    status = node_security_open(&node->security, node->config, node->loop, detail);
    if (status == ERR_OK)
        status = node_endpoints_start(&node->endpoints, node->rpc, node->config, &node->security,
                                      detail);
    if (status == ERR_OK)
        node_endpoints_rpc(node->endpoints, &node->servers);
    return status;
}

/* Rates are of the time since the start. */
static void begin_figures(struct node_figures *figures)
{
    uint64_t now = base_now_ns();
    rpc_rates_advance(&figures->inserts.rates, now);
    for (size_t i = 0; i < NODE_ENGINES; i++)
        rpc_rates_advance(&figures->rounds[i].took.rates, now);
}

/* --metrics with an address of its own, or at the one of --pprof, as geth; and to InfluxDB. */
int node_make_metrics(struct node *node, struct err_detail *detail)
{
    const struct node_config *config = node->config;
    bool own = *config->metrics_addr != 0, serves = own || config->pprof;
    const char *host = own ? config->metrics_addr : config->pprof_addr;
    uint64_t port = own ? config->metrics_port : config->pprof_port;
    if (!config->metrics || (!serves && !config->influxdb))
        return ERR_OK;
    if (port > 65535)
        return err_set(detail, ERR_USAGE, "%llu is no port: it must be at most 65535",
                       (unsigned long long)port);
    struct node_metrics_source source = {
        .loop = node->loop,
        .chain = node->store,
        .pool = node_transactions_pool(node->transactions),
        .server = node_network_server(node->network),
        .manager = node->manager,
        .rpc = node->rpc,
        .figures = &node->figures,
        .store = node->store_file,
    };
    const struct node_influx_options influx = {config->influxdb_endpoint, config->influxdb_database,
                                               config->influxdb_username, config->influxdb_password,
                                               config->influxdb_tags};
    const struct node_metrics_options options = {serves ? host : NULL, (uint16_t)port,
                                                 config->influxdb ? &influx : NULL};
    begin_figures(&node->figures);
    int status = node_datadir_path(&node->dir, node->store_file, "quorate/data.mdb", detail);
    if (status == ERR_OK)
        status = node_metrics_start(&node->metrics, &source, &options, detail);
    if (status != ERR_OK) {
        node_port_remedy(detail, own ? "--metrics.port" : "--pprof.port");
        return status;
    }
    if (!serves)
        return ERR_OK;
    char url[320];
    snprintf(url, sizeof(url), "http://%s:%llu/debug/metrics", host, (unsigned long long)port);
    NODE_LOG(NODE_LOG_INFO, "Starting metrics server", node_text("addr", url));
    return ERR_OK;
}

int node_start_ethstats(struct node *node, struct err_detail *detail)
{
    struct node_ethstats_options options = {
        .loop = node->loop,
        .worker = node->background,
        .chain = node->chain,
        .backend = &node->backend,
    };
    if (!*node->config->ethstats)
        return ERR_OK;
    options.protocols = node_network_protocols(node->network, &options.protocol_count);
    return node_ethstats_start(&node->ethstats, node->config->ethstats, &options, detail);
}
