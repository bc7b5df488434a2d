#include "base/hex.h"
#include "base/mem.h"
#include "base/pool.h"
#include "eth/address.h"
#include "extension/list.h"
#include "io/signal.h"
#include "io/timer.h"
#include "node/audit_answer.h"
#include "node/command.h"
#include "node/dev.h"
#include "node/endpoints.h"
#include "node/log.h"
#include "node/log_filter.h"
#include "node/manager.h"
#include "node/metrics.h"
#include "node/network.h"
#include "node/permission.h"
#include "node/raft.h"
#include "node/security.h"
#include "node/unlock.h"
#include "rpc/events.h"
#include "rpc/extension.h"
#include "rpc/ipc.h"
#include "rpc/raft.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* Everything that runs, in the order in which it is made; taken down in reverse. */
struct node {
    const struct node_config *config;
    struct node_datadir dir;
    struct crypto_private_key key;
    char name[P2P_NAME_MAX + 1];
    char root[NODE_PATH_MAX];       /* the data directory's absolute path */
    char store_file[NODE_PATH_MAX]; /* of the chain */
    struct pool *threads;
    struct node_manager *manager;         /* of private transactions; NULL: none */
    struct node_audit_answerer *answerer; /* of other parties; NULL: none */
    struct chain *store;
    struct node_permission *permission; /* by contracts; NULL: none */
    struct io_loop *loop;
    struct io_signal *signals[2];
    struct node_chain *chain;
    struct node_transactions *transactions;
    struct node_network *network;
    struct node_validator *validator;
    struct node_raft *raft;
    struct rpc_raft raft_methods;
    struct node_signer *signer;                 /* of a chain of Clique's */
    struct io_worker *background;               /* for what the pool has done elsewhere */
    struct io_worker *calls[RPC_WORKERS_MAX];   /* the same for RPC */
    struct io_worker *waiters[RPC_WAITERS_MAX]; /* and for what waits for the manager */
    size_t call_count;
    struct io_worker *light; /* what must not wait behind that */
    struct rpc_backend backend;
    struct rpc *rpc;
    struct rpc_ipc *ipc;
    struct node_endpoints *endpoints; /* HTTP and WebSocket */
    struct rpc_servers servers;       /* the same, as RPC sees it */
    struct node_security security;    /* theirs */
    struct accounts *accounts;
    struct node_metrics *metrics;
    struct io_timer forgetting; /* of keys whose time is over */
    struct node_unlocking *unlocking;
    pthread_mutex_t lock;        /* of `removed` */
    struct rpc_removed *removed; /* logs of blocks that were taken back, not told yet */
    struct err_detail failure;   /* what ended it while it ran; "" */
};

enum { FORGET_MS = 1000 };

/* --- What happens --- */

static void on_signal(void *context)
{
    struct node *node = context;
    NODE_LOG(NODE_LOG_INFO, "Got interrupt, shutting down...");
    io_loop_stop(node->loop);
}

/* On the chain's thread; told with the head. */
static void on_removed(void *context, const struct chain_event *event)
{
    struct node *node = context;
    uint64_t last = event->removed[0]->header.number;
    pthread_mutex_lock(&node->lock);
    rpc_removed_read(&node->removed, event->before, last + 1 - event->removed_count, last);
    pthread_mutex_unlock(&node->lock);
}

static void tell_removed(struct node *node)
{
    pthread_mutex_lock(&node->lock);
    struct rpc_removed *removed = node->removed;
    node->removed = NULL;
    pthread_mutex_unlock(&node->lock);
    if (node->rpc)
        rpc_tell_removed(node->rpc, removed);
    else
        rpc_removed_free(removed);
}

static void on_head(void *context, const struct node_head *head)
{
    struct node *node = context;
    const struct eth_header *header = &head->block->header;
    NODE_LOG(NODE_LOG_INFO, "Imported new chain segment", node_number("blocks", head->blocks),
             node_number("txs", head->transactions), node_number("number", header->number),
             node_hash("hash", &head->block->hash));
    node_permission_head(node->permission, head->removed_count != 0);
    if (node->transactions)
        node_transactions_head(node->transactions, head);
    if (node->network)
        node_network_head(node->network, head);
    if (node->validator)
        node_validator_head(node->validator, head);
    if (node->signer)
        node_signer_head(node->signer);
    if (node->raft)
        node_raft_head(node->raft);
    tell_removed(node);
    if (node->rpc)
        rpc_tell_head(node->rpc, header->number, head->blocks);
}

/* --emitcheckpoints: clients' transactions, as GoQuorum tells them. */
static void tell_created(const struct node *node, const struct chain_tx *tx)
{
    struct address to = tx->tx.to;
    if (!chain_pool_is_local(node_transactions_pool(node->transactions), &tx->tx.sender))
        return;
    if (tx->tx.is_creation)
        eth_create_address(&to, &tx->tx.sender, tx->tx.nonce);
    char hash[67] = "0x";
    hex_encode(hash + 2, bytes_of(tx->hash.b, 32));
    hash[66] = 0;
    NODE_LOG(NODE_LOG_INFO, "QUORUM-CHECKPOINT", node_text("name", "TX-CREATED"),
             node_text("tx", hash), node_address("to", &to));
}

static void on_syncing(void *context, bool syncing)
{
    struct node *node = context;
    if (node->rpc)
        rpc_tell_sync(node->rpc, syncing);
    if (syncing || !node->config->exitwhensynced)
        return;
    NODE_LOG(NODE_LOG_INFO, "Synchronisation completed, exiting due to --exitwhensynced");
    io_loop_stop(node->loop);
}

static void on_peer(void *context, const struct p2p_peer *peer, const char *why)
{
    struct node *node = context;
    if (node->rpc)
        rpc_tell_peer(node->rpc, p2p_peer_id(peer), p2p_peer_local(peer), p2p_peer_remote(peer),
                      why);
}

static void on_executable(void *context, struct chain_tx *const *txs, size_t count)
{
    struct node *node = context;
    for (size_t i = 0; i < count && node->config->emitcheckpoints; i++)
        tell_created(node, txs[i]);
    if (node->network)
        node_network_transactions(node->network, txs, count);
    if (node->validator)
        node_validator_pending(node->validator);
    if (node->signer)
        node_signer_pending(node->signer);
    if (node->raft)
        node_raft_pending(node->raft);
    if (node->rpc)
        rpc_tell_transactions(node->rpc, txs, count);
}

static void on_forget(void *context)
{
    struct node *node = context;
    accounts_expire(node->accounts, io_loop_now(node->loop));
    io_timer_start(&node->forgetting, FORGET_MS);
}

static void on_unlock_failed(void *context, const char *message)
{
    struct node *node = context;
    err_set(&node->failure, ERR_INPUT, "%s", message);
    io_loop_stop(node->loop);
}

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

static struct node_votes *votes_of(const struct node *node)
{
    return node->validator ? node_validator_votes(node->validator)
           : node->signer  ? node_signer_votes(node->signer)
                           : NULL;
}

static void propose(void *context, const struct address *address, bool authorize)
{
    struct node_votes *votes = votes_of(context);
    if (votes && node_votes_propose(votes, address, authorize) != ERR_OK)
        NODE_LOG(NODE_LOG_ERROR, "A vote is not kept: there are too many",
                 node_address("candidate", address));
}

static void discard(void *context, const struct address *address)
{
    struct node_votes *votes = votes_of(context);
    if (votes)
        node_votes_discard(votes, address);
}

static void candidates(void *context,
                       void (*fn)(void *fn_context, const struct rpc_candidate *candidate),
                       void *fn_context)
{
    const struct node_votes *votes = votes_of(context);
    for (size_t i = 0; votes && i < votes->count; i++) {
        struct rpc_candidate candidate = {votes->list[i].candidate, votes->list[i].authorize};
        fn(fn_context, &candidate);
    }
}

/* --- Making --- */

static int make_files(struct node *node, struct err_detail *detail)
{
    const struct node_config *config = node->config;
    int status = node_datadir_open(&node->dir, config->datadir, detail);
    if (status == ERR_OK && !realpath(node->dir.root, node->root))
        memcpy(node->root, node->dir.root, sizeof(node->root));
    if (status == ERR_OK)
        status = node_key_load(&node->key, &node->dir, config, detail);
    if (status != ERR_OK)
        return status;
    status = pool_new(&node->threads, 0);
    if (status != ERR_OK)
        return err_set(detail, status, "threads: %s", err_text(status));
    status = node_manager_open(&node->manager, config, detail);
    if (status != ERR_OK)
        return status;
    status = node_open_chain(&node->store, config, &node->dir, bytes_none(), node->threads,
                             node_manager_payloads(node->manager), detail);
    if (status == ERR_NOTFOUND)
        return err_set(detail, status,
                       "there is no chain in %s: make one with 'init GENESIS --datadir %s'",
                       node->dir.root, node->dir.root);
    if (status != ERR_OK)
        return status;
    status = node_permission_open(&node->permission, config, &node->dir, node->store, &node->key,
                                  detail);
    if (status != ERR_OK)
        return status;
    status = node_manager_serve(node->manager, node->store, detail);
    if (status != ERR_OK)
        return status;
    if (config->privacymarker && chain_configuration(node->store)->is_quorum &&
        !chain_configuration(node->store)->blocks[CHAIN_BLOCK_PRIVACY_PRECOMPILE].set)
        return err_set(detail, ERR_INPUT,
                       "Privacy marker transactions require privacyPrecompileBlock to be set in "
                       "genesis.json");
    return chain_config_check_start(chain_configuration(node->store), config->networkid,
                                    config->raft, detail);
}

/* One fewer than there are processors: a client that keeps them all busy leaves one to the chain. */
static int make_call_workers(struct node *node)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    size_t count = processors > 2 ? (size_t)processors - 1 : 1;
    int status = ERR_OK;
    while (status == ERR_OK && node->call_count < count && node->call_count < RPC_WORKERS_MAX) {
        status = io_worker_new(&node->calls[node->call_count], node->loop);
        node->call_count += status == ERR_OK;
    }
    for (size_t i = 0; i < RPC_WAITERS_MAX && status == ERR_OK && node->manager; i++)
        status = io_worker_new(&node->waiters[i], node->loop);
    return status;
}

static int make_core(struct node *node, struct err_detail *detail)
{
    char journal[NODE_PATH_MAX];
    static const int numbers[] = {SIGINT, SIGTERM};
    int status = io_loop_new(&node->loop);
    for (size_t i = 0; i < BASE_COUNT(numbers) && status == ERR_OK; i++)
        status = io_signal_new(&node->signals[i], node->loop, numbers[i], on_signal, node);
    if (status == ERR_OK)
        status = io_worker_new(&node->background, node->loop);
    if (status == ERR_OK)
        status = make_call_workers(node);
    if (status == ERR_OK)
        status = io_worker_new(&node->light, node->loop);
    if (status != ERR_OK)
        return err_set(detail, status, "the event loop cannot be made: %s", err_text(status));
    struct node_chain_options chain = {
        .loop = node->loop,
        .chain = node->store,
        .threads = node->threads,
        .on_head = on_head,
        .on_removed = on_removed,
        .context = node,
    };
    status = node_chain_new(&node->chain, &chain, detail);
    if (status == ERR_OK && *node->config->pool_journal)
        status = node_datadir_path(&node->dir, journal, node->config->pool_journal, detail);
    if (status != ERR_OK)
        return status;
    struct node_transactions_options transactions = {
        .loop = node->loop,
        .chain = node->chain,
        .worker = node->background,
        .config = node->config,
        .permission = node_permission_of(node->permission),
        .journal = *node->config->pool_journal && !node->config->pool_nolocals ? journal : NULL,
        .executable = on_executable,
        .context = node,
    };
    return node_transactions_new(&node->transactions, &transactions, detail);
}

static int make_network(struct node *node, struct err_detail *detail)
{
    const char *identity = node->config->identity;
    snprintf(node->name, sizeof(node->name),
             "Geth/%s%sv" NODE_GETH_VERSION "(quorum-v" NODE_QUORUM_VERSION
             ")/linux-amd64/quorate" QUORATE_VERSION,
             identity, *identity ? "/" : "");
    struct node_network_options options = {
        .loop = node->loop,
        .config = node->config,
        .dir = &node->dir,
        .key = &node->key,
        .name = node->name,
        .chain = node->chain,
        .transactions = node->transactions,
        .permission = node->permission,
        .syncing = on_syncing,
        .peer = on_peer,
        .context = node,
    };
    return node_network_new(&node->network, &options, detail);
}

/* On the chain's thread. */
static int sign_by_account(void *context, const struct hash256 *digest, uint8_t ret_signature[65])
{
    const struct node *node = context;
    struct crypto_signature signature;
    int result = accounts_sign(node->accounts, &signature, node_signer_address(node->signer),
                               digest, io_loop_now(node->loop));
    if (result != ACCOUNTS_OK)
        return result < 0 ? result : ERR_CRYPTO;
    memcpy(ret_signature, signature.rs, 64);
    ret_signature[64] = signature.recovery_id;
    return ERR_OK;
}

/* The account that signs: --miner.etherbase, or the first there is. */
static int find_etherbase(const struct node *node, struct address *ret_address,
                          struct err_detail *detail)
{
    const char *text = node->config->etherbase;
    static const char failed[] = "Failed to start mining";
    if (*text) {
        int status = node_account_find(ret_address, node->accounts, text, detail);
        if (status != ERR_OK)
            return err_prefix(detail, status, failed);
        if (!accounts_has(node->accounts, ret_address))
            return err_set(detail, ERR_INPUT, "%s: signer missing: %s (--miner.etherbase %s)",
                           failed, accounts_result_text(ACCOUNTS_UNKNOWN), text);
    } else if (!accounts_at(node->accounts, ret_address, 0)) {
        return err_set(detail, ERR_INPUT,
                       "%s: etherbase missing: etherbase must be explicitly specified "
                       "(a chain of Clique's is signed by an account: --miner.etherbase)",
                       failed);
    }
    return ERR_OK;
}

static int make_signer(struct node *node, struct err_detail *detail)
{
    struct node_signer_options options = {
        .loop = node->loop,
        .chain = node->chain,
        .pool = node_transactions_pool(node->transactions),
        .sign = sign_by_account,
        .sign_context = node,
        .extra = bytes_str(node->config->extradata),
        .gas_floor = node->config->gastarget,
        .gas_ceil = node->config->gaslimit,
    };
    int status = find_etherbase(node, &options.self, detail);
    if (status != ERR_OK)
        return status;
    status = node_signer_new(&node->signer, &options);
    if (status != ERR_OK)
        return err_set(detail, status, "%s", err_text(status));
    node_network_set_signer(node->network, node->signer);
    return ERR_OK;
}

static int make_raft(struct node *node, struct err_detail *detail)
{
    struct node_raft_options options = {
        .loop = node->loop,
        .chain = node->chain,
        .pool = node_transactions_pool(node->transactions),
        .network = node->network,
        .config = node->config,
        .dir = &node->dir,
        .key = &node->key,
    };
    if (chain_configuration(node->store)->engine != CHAIN_ENGINE_FAKE)
        return err_set(detail, ERR_USAGE,
                       "--raft orders by Raft, and the genesis asks for another consensus");
    int status = node_raft_new(&node->raft, &options, detail);
    if (status != ERR_OK)
        return status;
    node_network_set_raft(node->network, node->raft);
    node_raft_rpc(node->raft, &node->raft_methods);
    return ERR_OK;
}

static int make_validator(struct node *node, struct err_detail *detail)
{
    char record[NODE_PATH_MAX];
    const struct chain_config *config = chain_configuration(node->store);
    if (node->config->raft)
        return make_raft(node, detail);
    if (!node->config->mine)
        return ERR_OK;
    if (config->engine == CHAIN_ENGINE_CLIQUE)
        return make_signer(node, detail);
    if (config->engine != CHAIN_ENGINE_ISTANBUL) {
        NODE_LOG(NODE_LOG_WARN,
                 "--mine has no effect: this version makes blocks by IBFT, QBFT and Clique only");
        return ERR_OK;
    }
    int status = node_datadir_path(&node->dir, record, "quorate-consensus", detail);
    if (status != ERR_OK)
        return status;
    struct node_validator_options options = {
        .loop = node->loop,
        .chain = node->chain,
        .pool = node_transactions_pool(node->transactions),
        .key = &node->key,
        .record_prefix = record,
        .extra = bytes_str(node->config->extradata),
        .gas_floor = node->config->gastarget,
        .gas_ceil = node->config->gaslimit,
        .checkpoints = node->config->emitcheckpoints,
        .network = node_network_for_validator(node->network),
    };
    status = node_validator_new(&node->validator, &options, detail);
    if (status == ERR_OK)
        node_network_set_validator(node->network, node->validator);
    return status;
}

static void on_extension_report(void *context, const char *what, const struct address *management,
                                const char *why)
{
    (void)context;
    NODE_LOG(NODE_LOG_WARN, what, node_address("managementContract", management),
             node_text("err", why));
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
        .chain = node->store,
        .pool = node_transactions_pool(node->transactions),
        .server = node_network_server(node->network),
        .privacy = node_manager_tm(node->manager),
        .psis = node_manager_psis(node->manager),
        .multitenancy = config->multitenancy,
        .permission = node_permission_of(node->permission),
        .extension_report = on_extension_report,
        .make_markers = config->privacymarker,
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
    memcpy(node->backend.workers, node->calls, sizeof(node->calls));
    memcpy(node->backend.waiters, node->waiters, sizeof(node->waiters));
}

static int make_accounts(struct node *node, struct err_detail *detail)
{
    int status = node_accounts_open(&node->accounts, node->config, detail);
    if (status != ERR_OK)
        return status;
    io_timer_init(&node->forgetting, node->loop, on_forget, node);
    io_timer_start(&node->forgetting, FORGET_MS);
    return node->config->dev ? node_dev_unlock(node->accounts, node->config, detail) : ERR_OK;
}

static int make_rpc(struct node *node, struct err_detail *detail)
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
            status = rpc_ipc_start(&node->ipc, node->rpc, path, detail);
        if (status != ERR_OK)
            return err_prefix(detail, status, "IPC");
        NODE_LOG(NODE_LOG_INFO, "IPC endpoint opened", node_text("url", path));
    }
    status = node_security_open(&node->security, node->config, node->loop, detail);
    if (status == ERR_OK)
        status = node_endpoints_start(&node->endpoints, node->rpc, node->config, &node->security,
                                      detail);
    if (status == ERR_OK)
        node_endpoints_rpc(node->endpoints, &node->servers);
    return status;
}

/* --metrics with an address of its own, or at the one of --pprof, as geth. */
static int make_metrics(struct node *node, struct err_detail *detail)
{
    const struct node_config *config = node->config;
    bool own = *config->metrics_addr != 0;
    const char *host = own ? config->metrics_addr : config->pprof_addr;
    uint64_t port = own ? config->metrics_port : config->pprof_port;
    if (!config->metrics || (!own && !config->pprof))
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
        .store = node->store_file,
    };
    int status = node_datadir_path(&node->dir, node->store_file, "quorate/data.mdb", detail);
    if (status == ERR_OK)
        status = node_metrics_start(&node->metrics, &source, host, (uint16_t)port, detail);
    if (status == ERR_OK)
        NODE_LOG(NODE_LOG_INFO, "Starting metrics server", node_text("addr", host),
                 node_number("port", port));
    return status;
}

/* --- Running --- */

static void take_down(struct node *node)
{
    struct node_network *network = node->network;
    node_manager_stop(node->manager);
    node_audit_answerer_end(node->answerer);
    node_metrics_stop(node->metrics);
    node_unlocking_free(node->unlocking);
    if (node->accounts)
        io_timer_stop(&node->forgetting);
    node_endpoints_stop(node->endpoints);
    rpc_ipc_stop(node->ipc);
    /* What was under way is done, and answered to nobody. What follows in a batch finds only those that are left. */
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
    node_security_close(&node->security);
    node_validator_stop(node->validator);
    node_signer_stop(node->signer);
    node_raft_stop(node->raft);
    node_permission_stop(node->permission);
    node_network_stop(network);
    node_transactions_stop(node->transactions);
    node_chain_stop(node->chain); /* what was under way is done, and told to the others */
    node_network_free(network);
    node->network = NULL;
    io_worker_free(node->background);
    node_validator_free(node->validator);
    node_signer_free(node->signer);
    node_raft_free(node->raft);
    node_transactions_free(node->transactions);
    node_chain_free(node->chain);
    rpc_removed_free(node->removed);
    pthread_mutex_destroy(&node->lock);
    accounts_free(node->accounts);
    for (size_t i = 0; i < BASE_COUNT(node->signals); i++)
        io_signal_free(node->signals[i]);
    io_loop_free(node->loop);
    node_permission_free(node->permission);
    chain_free(node->store);
    node_manager_free(node->manager);
    pool_free(node->threads);
    node_datadir_close(&node->dir);
    mem_wipe(&node->key, sizeof(node->key));
}

static int start(struct node *node, struct err_detail *detail)
{
    static int (*const steps[])(struct node *node, struct err_detail *detail) = {
        make_files, make_core, make_network, make_accounts, make_validator, make_rpc, make_metrics,
    };
    for (size_t i = 0; i < BASE_COUNT(steps); i++) {
        int status = steps[i](node, detail);
        if (status != ERR_OK)
            return status;
    }
    const struct node_head *head = node_chain_head(node->chain);
    NODE_LOG(NODE_LOG_INFO, "Loaded most recent local full block",
             node_number("number", head->block->header.number),
             node_hash("hash", &head->block->hash));
    int status = node_network_start(node->network, detail);
    struct node_permission_parts parts = {
        .loop = node->loop,
        .chain = node->chain,
        .transactions = node->transactions,
        .network = node->network,
        .raft = node->raft,
    };
    if (status == ERR_OK)
        node_permission_start(node->permission, &parts);
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
    pthread_mutex_init(&node->lock, NULL);
    int code = NODE_EXIT_OK;
    NODE_LOG(NODE_LOG_INFO, "Starting quorate-node", node_text("version", QUORATE_VERSION),
             node_text("datadir", config->datadir));
    if (start(node, &detail) != ERR_OK)
        code = NODE_EXIT_FATAL;
    else if (node_unlocking_start(&node->unlocking, node->loop, config, node->accounts,
                                  on_unlock_failed, node, &node->failure) == ERR_OK) {
        if (ready)
            ready(context);
        io_loop_run(node->loop);
    }
    struct err_detail failure = node->failure;
    take_down(node);
    mem_free(node);
    if (*failure.text)
        return node_fatal("%s", failure.text);
    return code == NODE_EXIT_OK ? code
                                : node_fatal("Error starting protocol stack: %s", detail.text);
}
