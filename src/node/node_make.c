/* Makes the parts of the node, and says which knows which. */
#include "base/pool.h"
#include "node/dev.h"
#include "node/log/log.h"
#include "node/parts.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int node_make_files(struct node *node, struct err_detail *detail)
{
    const struct node_config *config = node->config;
    node->failing = "Failed to create the protocol stack: ";
    int status = node_datadir_open(&node->dir, config->datadir, detail);
    if (status != ERR_BUSY)
        node->failing = "Error starting protocol stack: ";
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

int node_make_core(struct node *node, struct err_detail *detail)
{
    char journal[NODE_PATH_MAX];
    static const int numbers[] = {SIGINT, SIGTERM};
    int status = io_loop_new(&node->loop);
    for (size_t i = 0; i < BASE_COUNT(numbers) && status == ERR_OK; i++)
        status = io_signal_new(&node->signals[i], node->loop, numbers[i], node_on_signal, node);
    if (status == ERR_OK)
        status = io_worker_new(&node->background, node->loop);
    if (status == ERR_OK) {
        io_timer_init(&node->thrift, node->loop, node_on_thrift, node);
        io_timer_start(&node->thrift, NODE_THRIFT_MS);
    }
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
        .on_head = node_on_head,
        .on_removed = node_on_removed,
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
        .executable = node_on_executable,
        .context = node,
    };
    return node_transactions_new(&node->transactions, &transactions, detail);
}

static int make_light_server(struct node *node, struct err_detail *detail)
{
    const struct node_light_server_options options = {
        .loop = node->loop,
        .config = node->config,
        .dir = &node->dir,
        .key = &node->key,
        .chain = node->chain,
        .transactions = node->transactions,
        .tm = node_manager_tm(node->manager),
        .psis = node_manager_psis(node->manager),
    };
    return node_light_server_new(&node->light_server, &options, detail);
}

static void on_token(void *context, const char *token)
{
    const struct node *node = context;
    if (node->network)
        node_network_tell_token(node->network, bytes_str(token));
}

static int make_light_client(struct node *node, struct err_detail *detail)
{
    struct node_light_remote *remote = node_manager_remote(node->manager);
    struct node_light_token *token = node_light_remote_token(remote);
    int status =
        node_light_client_new(&node->light_client, node->store, node_manager_tm(node->manager),
                              node->config->light.client_psi, token);
    if (status != ERR_OK)
        return err_set(detail, status, "%s", err_text(status));
    if (token)
        node_light_token_watch(token, on_token, node);
    return ERR_OK;
}

int node_make_network(struct node *node, struct err_detail *detail)
{
    int status = node->config->light.client ? make_light_client(node, detail) : ERR_OK;
    if (status != ERR_OK)
        return status;
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
        .light = node->light_client,
        .syncing = node_on_syncing,
        .peer = node_on_peer,
        .context = node,
    };
    status = node_network_new(&node->network, &options, detail);
    return status == ERR_OK && node->config->light.server ? make_light_server(node, detail)
                                                          : status;
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

/* Only a chain of Clique's is signed by it; a wrong one is an error on every other as well, as in the reference. */
static int check_etherbase(const struct node *node, struct err_detail *detail)
{
    struct address address;
    struct err_detail why = {""};
    const char *text = node->config->etherbase;
    return !*text || node_account_find(&address, node->accounts, text, &why) == ERR_OK
               ? ERR_OK
               : err_set(detail, ERR_USAGE, "Invalid miner etherbase: %s", why.text);
}

int node_make_validator(struct node *node, struct err_detail *detail)
{
    char record[NODE_PATH_MAX];
    const struct chain_config *config = chain_configuration(node->store);
    int status = check_etherbase(node, detail);
    if (status != ERR_OK)
        return status;
    if (node->config->raft && !node->light_client) /* who is no member of the cluster */
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
    status = node_datadir_path(&node->dir, record, "quorate-consensus", detail);
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
        .figures = &node->figures,
        .checkpoints = node->config->emitcheckpoints,
        .network = node_network_for_validator(node->network),
    };
    status = node_validator_new(&node->validator, &options, detail);
    if (status == ERR_OK)
        node_network_set_validator(node->network, node->validator);
    return status;
}

int node_make_accounts(struct node *node, struct err_detail *detail)
{
    int status = node_accounts_open(&node->accounts, node->config, detail);
    if (status != ERR_OK)
        return status;
    io_timer_init(&node->forgetting, node->loop, node_on_forget, node);
    accounts_on_timed(node->accounts, node_on_timed, node);
    return node->config->dev ? node_dev_unlock(node->accounts, node->config, detail) : ERR_OK;
}
