#include "node/permission.h"

#include "base/hex.h"
#include "base/mem.h"
#include "io/timer.h"
#include "node/log/log.h"
#include "node/raft/raft.h"
#include "permission/files.h"

#include <stdio.h>

enum {
    /* Peers that have the contracts filled already are heard of in this time. */
    BOOT_WAIT_MS = 3000,
    BOOT_GAS = 47 * 1000 * 1000, /* of each transaction, as GoQuorum */
    /* So many looks in a row there are peers, and no blocks of theirs to fetch: this node is where they are. */
    CURRENT_LOOKS = 10,
    CURRENT_LOOK_MS = 1000,
};

struct node_permission {
    struct node_permission_parts parts;
    const struct node_datadir *dir;
    const struct crypto_private_key *key;
    struct permission *permission;
    struct address self;
    struct io_timer boot, current;
    unsigned quiet;             /* looks in a row */
    enum permission_phase told; /* the phase that the log has */
    bool started, booted;       /* booted: the first content has been sent */
};

/* --- Transactions of the first start --- */

static int sign(struct node_permission *p, struct eth_transaction *tx)
{
    struct crypto_signature signature;
    struct hash256 hash;
    const struct chain_pool_rules rules = node_transactions_rules(p->parts.transactions);
    enum eth_signing how = rules.eth.fork >= FORK_SPURIOUS ? ETH_SIGN_PROTECTED : ETH_SIGN_PLAIN;
    if (how == ETH_SIGN_PROTECTED)
        tx->chain_id = rules.eth.chain_id;
    int status = eth_transaction_signing_hash(tx, how, &hash);
    if (status != ERR_OK)
        return status;
    if (!crypto_ecdsa_sign(&signature, &hash, p->key))
        return ERR_CRYPTO;
    eth_transaction_set_signature(tx, how, signature.rs, signature.recovery_id);
    return ERR_OK;
}

static int submit(struct node_permission *p, const struct eth_transaction *tx,
                  struct err_detail *detail)
{
    struct chain_tx *pooled = NULL;
    struct buf encoded = BUF_INIT;
    enum chain_pool_status outcome = CHAIN_POOL_OK;
    uint64_t now = io_loop_now(p->parts.loop);
    eth_transaction_encode(&encoded, tx);
    int status = buf_status(&encoded);
    if (status == ERR_OK)
        status = chain_tx_decode(&pooled, buf_bytes(&encoded),
                                 chain_configuration(node_chain_of(p->parts.chain))->is_quorum, now,
                                 detail);
    buf_release(&encoded);
    if (status != ERR_OK)
        return status;
    pooled->tx.sender = p->self;
    pooled->tx.sender_known = true;
    status = chain_pool_add(node_transactions_pool(p->parts.transactions), &pooled, 1, true, now,
                            &outcome);
    chain_tx_unref(pooled);
    if (status == ERR_OK && outcome != CHAIN_POOL_OK)
        return err_set(detail, ERR_INPUT, "%s", chain_pool_status_text(outcome));
    return status;
}

static int send(struct node_permission *p, const char *signature,
                const struct permission_value *values, struct err_detail *detail)
{
    struct eth_transaction tx = {
        .type = ETH_LEGACY,
        .to = permission_config_of(p->permission)->interface,
        .gas_limit = BOOT_GAS,
    };
    struct buf data = BUF_INIT;
    permission_abi_call(&data, signature, values);
    int status = buf_status(&data);
    tx.data = buf_bytes(&data);
    if (status == ERR_OK)
        status =
            chain_pool_nonce(node_transactions_pool(p->parts.transactions), &p->self, &tx.nonce);
    if (status == ERR_OK)
        status = sign(p, &tx);
    if (status == ERR_OK)
        status = submit(p, &tx, detail);
    buf_release(&data);
    return status == ERR_OK
               ? status
               : err_prefix(detail, status, "%.*s", (int)strcspn(signature, "("), signature);
}

static int send_node(struct node_permission *p, const struct p2p_enode *node,
                     struct err_detail *detail)
{
    char key[129], ip[IO_ADDRESS_TEXT];
    struct buf url = BUF_INIT;
    hex_encode(key, bytes_of(node->key.b, sizeof(node->key.b)));
    key[128] = 0;
    io_address_format_ip(ip, &node->ip);
    const char *host = node->ip.ip_len ? ip : node->host;
    int status;
    if (permission_config_of(p->permission)->enhanced) {
        struct permission_value parts[] = {{.text = bytes_str(key)},
                                           {.text = bytes_str(host)},
                                           {.number = u256_from(node->tcp)},
                                           {.number = u256_from(node->raft)}};
        status = send(p, "addAdminNode(string,string,uint16,uint16)", parts, detail);
    } else {
        permission_node_url(&url, bytes_str(key), bytes_str(host), node->tcp, node->raft,
                            permission_is_raft(p->permission));
        struct permission_value whole = {.text = buf_bytes(&url)};
        status = buf_status(&url);
        if (status == ERR_OK)
            status = send(p, "addAdminNode(string)", &whole, detail);
    }
    buf_release(&url);
    return status;
}

static int send_all(struct node_permission *p, struct err_detail *detail)
{
    const struct permission_config *c = permission_config_of(p->permission);
    const struct p2p_node_list *nodes = node_network_static(p->parts.network);
    struct permission_value names[] = {{.text = bytes_str(c->network_org)},
                                       {.text = bytes_str(c->network_role)},
                                       {.text = bytes_str(c->org_role)}};
    struct permission_value limits[] = {{.number = u256_from(c->breadth)},
                                        {.number = u256_from(c->depth)}};
    int status = send(p, "setPolicy(string,string,string)", names, detail);
    if (status == ERR_OK)
        status = send(p, "init(uint256,uint256)", limits, detail);
    for (size_t i = 0; i < nodes->count && status == ERR_OK; i++)
        status = send_node(p, &nodes->nodes[i], detail);
    for (size_t i = 0; i < c->admin_count && status == ERR_OK; i++) {
        struct permission_value account = {.address = c->admins[i]};
        status = send(p, "addAdminAccount(address)", &account, detail);
    }
    return status == ERR_OK ? send(p, "updateNetworkBootStatus()", NULL, detail) : status;
}

static void on_boot(void *context)
{
    struct node_permission *p = context;
    struct err_detail detail = {""};
    struct node_sync sync;
    if (p->told != PERMISSION_NOT_BOOTED || p->booted)
        return;
    node_network_sync(p->parts.network, &sync);
    if (sync.syncing) {
        io_timer_start(&p->boot, BOOT_WAIT_MS);
        return;
    }
    p->booted = true;
    if (send_all(p, &detail) == ERR_OK)
        NODE_LOG(NODE_LOG_INFO, "permission service: the contracts' first content has been sent");
    else
        NODE_LOG(NODE_LOG_ERROR, "permission service: the network cannot be booted",
                 node_text("err", detail.text));
}

/* --- Catching up --- */

static void on_current(void *context)
{
    struct node_permission *p = context;
    struct node_sync sync;
    node_network_sync(p->parts.network, &sync);
    p->quiet = sync.syncing || (!sync.peers && !p->parts.raft) ? 0 : p->quiet + 1;
    if (p->quiet < CURRENT_LOOKS) {
        io_timer_start(&p->current, CURRENT_LOOK_MS);
        return;
    }
    permission_is_current(p->permission);
    NODE_LOG(NODE_LOG_INFO, "permission service: blocks of the network are checked from now on");
}

/* --- What the contracts say --- */

static void disconnect(struct node_permission *p, const char *url)
{
    struct p2p_enode node;
    struct err_detail detail = {""};
    uint16_t id;
    int status = ERR_OK;
    if (p->parts.raft) {
        status = node_raft_id_of(p->parts.raft, url, &id, &detail);
        if (status == ERR_OK)
            status = node_raft_remove(p->parts.raft, id, &detail);
    } else {
        status = p2p_enode_parse(&node, url, &detail);
        if (status == ERR_OK)
            p2p_server_remove_peer(node_network_server(p->parts.network), &node);
    }
    if (status != ERR_OK)
        NODE_LOG(NODE_LOG_ERROR, "permission service: a node is not disconnected",
                 node_text("enode", url), node_text("err", detail.text));
}

static void on_node_changed(void *context, enum permission_node_change change, const char *url)
{
    struct node_permission *p = context;
    struct err_detail detail = {""};
    if (permission_files_change(p->dir->root, change, url, &detail) != ERR_OK)
        NODE_LOG(NODE_LOG_ERROR, "permission service: the files of nodes are not up to date",
                 node_text("err", detail.text));
    if (change == PERMISSION_NODE_REMOVE || change == PERMISSION_NODE_BLACKLIST)
        disconnect(p, url);
}

static void on_report(void *context, const char *message)
{
    (void)context;
    NODE_LOG(NODE_LOG_WARN, "permission service: an event cannot be read, all is read anew",
             node_text("err", message));
}

static void tell(struct node_permission *p, enum permission_phase phase)
{
    const struct permission_model *m = permission_model_of(p->permission);
    if (phase == PERMISSION_NO_CONTRACTS)
        NODE_LOG(NODE_LOG_WARN,
                 "permission service: waiting: there is no contract at interfaceAddress",
                 node_address("address", &permission_config_of(p->permission)->interface));
    if (phase == PERMISSION_READY)
        NODE_LOG(NODE_LOG_INFO, "permission service: is now ready",
                 node_number("orgs", map_count(&m->orgs)),
                 node_number("nodes", map_count(&m->nodes)),
                 node_number("accounts", map_count(&m->accounts)));
}

static void look(struct node_permission *p, bool removed, bool first)
{
    struct err_detail detail = {""};
    enum permission_phase phase = p->told;
    if (permission_head(p->permission, removed, &phase, &detail) != ERR_OK)
        NODE_LOG(NODE_LOG_ERROR, "permission service: the contracts cannot be read",
                 node_text("err", detail.text));
    if (first || phase != p->told)
        tell(p, phase);
    p->told = phase;
    if (phase == PERMISSION_NOT_BOOTED && !p->booted && !io_timer_started(&p->boot))
        io_timer_start(&p->boot, BOOT_WAIT_MS);
}

void node_permission_head(struct node_permission *permission, bool removed)
{
    if (permission && permission->started)
        look(permission, removed, false);
}

/* --- Life --- */

int node_permission_open(struct node_permission **ret_permission, const struct node_config *config,
                         const struct node_datadir *dir, struct chain *chain,
                         const struct crypto_private_key *key, struct err_detail *detail)
{
    char path[NODE_PATH_MAX];
    struct crypto_public_key public;
    struct permission_options options = {
        .chain = chain,
        .raft = config->raft,
        .dns = config->raftdnsenable,
        .node_changed = on_node_changed,
        .report = on_report,
    };
    *ret_permission = NULL;
    if (!config->permissioned)
        return ERR_OK;
    int status = node_datadir_root_path(dir, path, PERMISSION_CONFIG_FILE, detail);
    if (status != ERR_OK)
        return status;
    status = permission_config_read(&options.config, path, detail);
    if (status == ERR_NOTFOUND) {
        NODE_LOG(NODE_LOG_WARN,
                 PERMISSION_CONFIG_FILE
                 " file is missing. Smart-contract-based permission service will be disabled",
                 node_text("file", path));
        return ERR_OK;
    }
    if (status != ERR_OK)
        return err_prefix(detail, status, "loading of %s failed",
                          strstr(detail->text, path) ? PERMISSION_CONFIG_FILE : path);
    struct node_permission *p = mem_alloc_zeroed(1, sizeof(*p));
    if (!p || !crypto_public_key_of(&public, key)) {
        permission_config_release(&options.config);
        mem_free(p);
        return err_set(detail, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
    }
    p->dir = dir;
    p->key = key;
    crypto_address_of(&p->self, &public);
    hex_encode(options.node, bytes_of(public.b, sizeof(public.b)));
    options.context = p;
    status = permission_new(&p->permission, &options);
    if (status != ERR_OK) {
        mem_free(p);
        return err_set(detail, status, "%s", err_text(status));
    }
    chain_set_permission(chain, permission_gate(p->permission));
    NODE_LOG(NODE_LOG_INFO, options.config.enhanced
                                ? "permission service: using v2 permissions model"
                                : "permission service: using v1 permissions model");
    *ret_permission = p;
    return ERR_OK;
}

void node_permission_start(struct node_permission *permission,
                           const struct node_permission_parts *parts)
{
    if (!permission)
        return;
    permission->parts = *parts;
    permission->started = true;
    io_timer_init(&permission->boot, parts->loop, on_boot, permission);
    io_timer_init(&permission->current, parts->loop, on_current, permission);
    if (permission_config_of(permission->permission)->enhanced)
        io_timer_start(&permission->current, CURRENT_LOOK_MS);
    look(permission, false, true);
}

void node_permission_stop(struct node_permission *permission)
{
    if (!permission || !permission->started)
        return;
    io_timer_stop(&permission->boot);
    io_timer_stop(&permission->current);
    permission_asker_move(permission_asker_of(permission->permission));
    permission->started = false;
}

void node_permission_free(struct node_permission *permission)
{
    if (!permission)
        return;
    permission_free(permission->permission);
    mem_free(permission);
}

struct permission *node_permission_of(struct node_permission *permission)
{
    return permission ? permission->permission : NULL;
}

bool node_permission_decides(const struct node_permission *permission)
{
    return permission && permission_enabled(permission->permission);
}

bool node_permission_permits(struct node_permission *permission, const struct p2p_enode *node)
{
    char key[129], ip[IO_ADDRESS_TEXT];
    hex_encode(key, bytes_of(node->key.b, sizeof(node->key.b)));
    key[128] = 0;
    io_address_format_ip(ip, &node->ip);
    return permission_allows_connection(permission->permission, key, ip, node->tcp);
}
