#include "base/decimal.h"
#include "base/mem.h"
#include "base/pool.h"
#include "node/log/log.h"
#include "node/parts.h"
#include "node/stopping.h"

#include <signal.h>

/* Nobody is answered any more. What was under way is done; what follows in a batch finds only the
 * workers that are left. */
static void stop_answering(struct node *node)
{
    node_manager_stop(node->manager);
    node_audit_answerer_end(node->answerer);
    node_metrics_stop(node->metrics);
    node_ethstats_stop(node->ethstats);
    node_unlocking_free(node->unlocking);
    if (node->accounts)
        io_timer_stop(&node->forgetting);
    io_timer_stop(&node->thrift);
    node_endpoints_stop(node->endpoints);
    if (node->ipc)
        NODE_LOG(NODE_LOG_INFO, "IPC endpoint closed", node_text("url", node->ipc_path));
    rpc_ipc_stop(node->ipc);
    for (size_t i = 0; i < RPC_WAITERS_MAX; i++) {
        io_worker_free(node->waiters[i]);
        node->backend.waiters[i] = NULL;
    }
    for (size_t i = 0; i < node->call_count; i++) {
        io_worker_free(node->calls[i]);
        node->backend.workers[i] = NULL;
    }
    io_worker_free(node->light);
    rpc_free(node->rpc);
    node->rpc = NULL;
    node_endpoints_free(node->endpoints);
    node_light_server_free(node->light_server); /* asks the tokens' keys */
    node->light_server = NULL;
    node_security_close(&node->security);
}

/* Consensus, network and chain end; what was under way is done, and told to those that are left. */
static void stop_working(struct node *node)
{
    node_validator_stop(node->validator);
    node_signer_stop(node->signer);
    node_raft_stop(node->raft);
    node_permission_stop(node->permission);
    node_network_stop(node->network);
    if (node->network)
        NODE_LOG(NODE_LOG_INFO, "Ethereum protocol stopped");
    node_transactions_stop(node->transactions);
    if (node->transactions)
        NODE_LOG(NODE_LOG_INFO, "Transaction pool stopped");
    node_chain_stop(node->chain);
}

static void take_down(struct node *node)
{
    stop_answering(node);
    stop_working(node);
    node_network_free(node->network);
    node->network = NULL;
    io_worker_free(node->background);
    node_ethstats_free(node->ethstats);
    node_validator_free(node->validator);
    node_signer_free(node->signer);
    node_votes_release(&node->idle_votes);
    node_raft_free(node->raft);
    node_transactions_free(node->transactions);
    node_chain_free(node->chain);
    rpc_removed_free(node->removed);
    pthread_mutex_destroy(&node->lock);
    accounts_free(node->accounts);
    node_permission_free(node->permission);
    if (node->store)
        NODE_LOG(NODE_LOG_INFO, "Blockchain stopped");
    chain_free(node->store);
    node_light_client_free(node->light_client);
    node_manager_free(node->manager);
    pool_free(node->threads);
    node_stopping_hold();
    for (size_t i = 0; i < BASE_COUNT(node->signals); i++)
        io_signal_free(node->signals[i]);
    node_stopping_release();
    io_loop_free(node->loop);
    node_datadir_close(&node->dir);
    mem_wipe(&node->key, sizeof(node->key));
}

/* What operators look for at the start of a log, in geth's words. */
static void tell_settings(const struct node *node)
{
    const struct node_config *config = node->config;
    if (!node->manager)
        NODE_LOG(NODE_LOG_INFO,
                 "Running with private transaction manager disabled - quorum private "
                 "transactions will not be supported");
    NODE_LOG(NODE_LOG_INFO, "Maximum peer count", node_number("ETH", config->maxpeers),
             node_number("LES", 0), node_number("total", config->maxpeers));
    if (config->rpc_gascap)
        NODE_LOG(NODE_LOG_INFO, "Set global gas cap", node_number("cap", config->rpc_gascap));
}

static void tell_chain(const struct node *node)
{
    static const char *const engines[] = {
        [CHAIN_ENGINE_FAKE] = "raft or none",
        [CHAIN_ENGINE_ISTANBUL] = "istanbul",
        [CHAIN_ENGINE_CLIQUE] = "clique",
    };
    const struct chain_config *config = chain_configuration(node->store);
    const struct node_head *head = node_chain_head(node->chain);
    const struct eth_header *header = &head->block->header;
    char difficulty[DECIMAL_U256_MAX], id[DECIMAL_U256_MAX] = "";
    decimal_format_u256(difficulty, &head->total_difficulty);
    if (config->chain_id.set)
        decimal_format_u256(id, &config->chain_id.value);
    NODE_LOG(NODE_LOG_INFO, "Initialised chain configuration", node_text("chainid", id),
             node_flag("quorum", config->is_quorum), node_text("engine", engines[config->engine]));
    NODE_LOG(NODE_LOG_INFO, "Loaded most recent local full block",
             node_big("number", header->number), node_hash("hash", &head->block->hash),
             node_text("td", difficulty),
             node_age("age", header->timestamp, io_loop_wall_ms(node->loop) / 1000));
    NODE_LOG(NODE_LOG_INFO, "Starting peer-to-peer node", node_text("instance", node->name));
}

static int start(struct node *node, struct err_detail *detail)
{
    static int (*const steps[])(struct node *node, struct err_detail *detail) = {
        node_make_files,     node_make_core, node_make_network, node_make_accounts,
        node_make_validator, node_make_rpc,  node_make_metrics,
    };
    for (size_t i = 0; i < BASE_COUNT(steps); i++) {
        int status = steps[i](node, detail);
        if (status != ERR_OK)
            return status;
        if (i == 0)
            tell_settings(node);
    }
    tell_chain(node);
    int status = node_network_start(node->network, detail);
    struct node_permission_parts parts = {
        .loop = node->loop,
        .chain = node->chain,
        .transactions = node->transactions,
        .network = node->network,
        .raft = node->raft,
    };
    if (status == ERR_OK)
        status = node_light_server_start(node->light_server, node->security.tokens, detail);
    if (status == ERR_OK)
        node_permission_start(node->permission, &parts);
    if (status == ERR_OK)
        status = node_start_ethstats(node, detail);
    if (status == ERR_OK && node->validator)
        node_validator_start(node->validator);
    if (status == ERR_OK && node->signer)
        node_signer_start(node->signer);
    if (status == ERR_OK && node->raft)
        status = node_raft_start(node->raft, detail);
    if (status == ERR_OK)
        status = node_audit_answerer_start(&node->answerer, node_manager_tm(node->manager),
                                           node->store, node_manager_psis(node->manager));
    return status;
}

int node_run(const struct node_config *config)
{
    return node_run_with(config, NULL, NULL);
}

int node_run_with(const struct node_config *config, void (*ready)(void *context), void *context)
{
    struct node *node = mem_alloc_zeroed(1, sizeof(*node));
    struct err_detail detail = {""};
    if (!node)
        return node_fatal("out of memory");
    node->config = config;
    node->dir.lock = -1;
    /* Whoever tells programs to open their logs anew sends these; geth does not mind. */
    signal(SIGUSR1, SIG_IGN);
    signal(SIGUSR2, SIG_IGN);
    pthread_mutex_init(&node->lock, NULL);
    int status;
    NODE_LOG(NODE_LOG_INFO, "Starting quorate-node", node_text("version", QUORATE_VERSION),
             node_text("datadir", config->datadir));
    status = start(node, &detail);
    if (status == ERR_OK &&
        node_unlocking_start(&node->unlocking, node->loop, config, node->accounts,
                             node_on_unlock_failed, node, &node->failure) == ERR_OK) {
        if (ready)
            ready(context);
        io_loop_run(node->loop);
    }
    struct err_detail failure = node->failure;
    node_stopping_begin();
    take_down(node);
    const char *failing = node->failing;
    mem_free(node);
    if (*failure.text)
        return node_fatal("%s", failure.text);
    if (status == ERR_OK)
        return NODE_EXIT_OK;
    /* What is wrong with the command line is said as it is. */
    return node_fatal("%s%s", status == ERR_USAGE || !failing ? "" : failing, detail.text);
}
