#include "node/network.h"

#include "base/hex.h"
#include "base/mem.h"
#include "chain/config/forkid.h"
#include "node/config/ranges.h"
#include "node/light/client.h"
#include "node/light/tls.h"
#include "node/log/log.h"
#include "node/log/network.h"
#include "node/permission.h"
#include "node/raft/raft.h"
#include "node/servers/endpoints.h"
#include "p2p/eth/local.h"
#include "p2p/node_list.h"

#include <stdio.h>

enum {
    /* geth dials one in three of its peers. */
    DIAL_RATIO = 3,
};

struct node_network {
    struct node_network_options options;
    struct p2p_local *local;
    struct p2p_server *server;
    struct p2p_node_list fixed, trusted;
    struct p2p_node_list boot;
    struct node_ranges allowed;                                   /* --netrestrict */
    struct p2p_eth_authorized authorized[P2P_ETH_AUTHORIZED_MAX]; /* --authorizationlist */
    size_t authorized_count;
    struct node_validator *validator;
    const struct node_raft *raft;
    struct node_signer *signer;
    bool stopped;     /* the chain's thread is gone */
    bool files_wrong; /* those of permissions, and it was told */
};

/* --- From the network to the node --- */

static void on_list_report(void *context, const char *message)
{
    NODE_LOG(NODE_LOG_ERROR, message, node_text("file", context));
}

static void on_message(void *context, const struct address *from, unsigned code,
                       struct bytes payload)
{
    struct node_network *network = context;
    if (network->validator)
        node_validator_message(network->validator, from, code, payload);
}

static void on_peer(void *context, const struct address *address, bool gone)
{
    struct node_network *network = context;
    if (network->validator)
        node_validator_peer(network->validator, address, !gone);
}

static void on_syncing(void *context, bool syncing)
{
    struct node_network *network = context;
    NODE_LOG(NODE_LOG_INFO,
             syncing ? "Block synchronisation started" : "Block synchronisation ended");
    if (network->validator)
        node_validator_set_syncing(network->validator, syncing);
    if (network->signer)
        node_signer_set_syncing(network->signer, syncing);
    if (network->options.syncing)
        network->options.syncing(network->options.context, syncing);
}

static void on_server_peer(void *context, const struct p2p_peer *peer, const char *why)
{
    struct node_network *network = context;
    if (network->options.peer)
        network->options.peer(network->options.context, peer, why);
}

static void on_rules(void *context, struct eth_rules *ret_rules)
{
    struct node_network *network = context;
    *ret_rules = node_transactions_rules(network->options.transactions).eth;
}

static bool permit_address(void *context, const struct io_address *address)
{
    const struct node_network *network = context;
    return node_ranges_have(&network->allowed, address);
}

/* Each connection reads them anew and only says that it may not be; here is told why. */
static void look_at_permission_files(struct node_network *network)
{
    static const struct {
        const char *name, *hint;
    } files[] = {
        {"permissioned-nodes.json", "write a JSON list of the enode URLs that may connect; it is "
                                    "read anew at each connection"},
        {"disallowed-nodes.json",
         "mend it, or remove it so that nobody is kept out; it is read anew at each connection"},
    };
    char path[NODE_PATH_MAX];
    for (size_t i = 0; i < BASE_COUNT(files); i++) {
        struct p2p_node_list list = {.count = 0};
        struct err_detail why = {"an entry names no node, and was meant to keep one out"};
        if (node_datadir_root_path(network->options.dir, path, files[i].name, NULL) != ERR_OK)
            continue;
        int status = p2p_node_list_read(&list, path, on_list_report, path, &why);
        bool wrong = i == 0 ? status != ERR_OK
                            : list.left_out || (status != ERR_OK && status != ERR_NOTFOUND);
        if (wrong)
            NODE_LOG(NODE_LOG_ERROR, "No node is permitted to connect", node_text("file", path),
                     node_text("err", why.text), node_text("hint", files[i].hint));
        network->files_wrong |= wrong;
        p2p_node_list_release(&list);
    }
}

/* A file that goes wrong while the node runs is told once, not at each connection that it refuses. */
static bool permitted_by_files(struct node_network *network, const struct p2p_enode *node,
                               const char **ret_why)
{
    enum p2p_permission permission =
        p2p_permission_by_files(network->options.dir->root, &node->key);
    bool wrong = permission == P2P_NO_PERMISSION_FILE || permission == P2P_DISALLOWED_UNREADABLE;
    if (wrong && !network->files_wrong)
        look_at_permission_files(network);
    network->files_wrong = wrong;
    *ret_why = p2p_permission_text(permission);
    return permission == P2P_PERMITTED;
}

/* --netrestrict; --permissioned: the contracts say, or the files, which are read anew for every connection, as in the reference. */
static bool permit(void *context, const struct p2p_enode *node, bool outgoing)
{
    struct node_network *network = context;
    if (!node_ranges_have(&network->allowed, &node->ip) ||
        (network->raft && !node_raft_permits(network->raft, &node->key)))
        return false;
    if (!network->options.config->permissioned)
        return true;
    const char *why = "the permission contracts do not have it";
    if (node_permission_decides(network->options.permission)
            ? node_permission_permits(network->options.permission, node)
            : permitted_by_files(network, node, &why))
        return true;
    NODE_LOG(NODE_LOG_DEBUG, "A node is not permitted to connect",
             node_text("direction", outgoing ? "OUTGOING" : "INCOMING"), node_hash("id", &node->id),
             node_text("why", why));
    return false;
}

struct import {
    p2p_eth_imported_fn *done;
    void *context;
};

static void on_imported(void *context, const struct node_imported *imported)
{
    struct import *import = context;
    struct p2p_eth_imported answer = {
        .status = imported->status,
        .verdict = imported->verdict,
        .why = imported->why,
        .count = imported->count,
    };
    if (imported->status != ERR_OK)
        NODE_LOG(NODE_LOG_ERROR, "Blocks of peers cannot be imported",
                 node_text("err",
                           *imported->why.text ? imported->why.text : err_text(imported->status)));
    if (imported->status == ERR_OK && imported->verdict == CHAIN_PRIVATE_STATE)
        NODE_LOG(NODE_LOG_ERROR, "QLight - Private state root hash check failure for block",
                 node_text("err", imported->why.text),
                 node_text("hint", "the server is asked again; if it stays so, this node's private "
                                   "state is another one: init an empty data directory anew, with "
                                   "the --qlight.client.psi that it shall have"));
    import->done(import->context, &answer);
    mem_free(import);
}

static int on_import(void *context, struct chain_block *const *blocks, size_t count,
                     p2p_eth_imported_fn *done, void *done_context)
{
    struct node_network *network = context;
    struct import *import = network->stopped ? NULL : mem_alloc(sizeof(*import));
    if (!import)
        return ERR_NOMEM;
    node_light_client_blocks(network->options.light, blocks, count);
    *import = (struct import){done, done_context};
    int status = node_chain_import(network->options.chain, blocks, count, on_imported, import);
    if (status != ERR_OK)
        mem_free(import);
    return status;
}

/* --- Making --- */

/* --bootnodes, and the nodes of a configuration file: a wrong one is told and left out, as in the reference. */
static int parse_nodes(struct p2p_node_list *nodes, const char *list)
{
    while (*list) {
        char text[P2P_ENODE_TEXT_MAX];
        struct err_detail why = {""};
        size_t len = strcspn(list, ","), keep = len < sizeof(text) - 1 ? len : sizeof(text) - 1;
        memcpy(text, list, keep);
        text[keep] = 0;
        list += len + (list[len] == ',');
        if (keep == 0)
            continue;
        struct p2p_enode *more = mem_realloc(nodes->nodes, (nodes->count + 1) * sizeof(*more));
        if (!more)
            return ERR_NOMEM;
        nodes->nodes = more;
        if (p2p_enode_parse(&more[nodes->count], text, &why) == ERR_OK)
            nodes->count++;
        else
            NODE_LOG(NODE_LOG_ERROR, "Bootstrap URL invalid", node_text("enode", text),
                     node_text("err", why.text));
    }
    return ERR_OK;
}

/* A list that is not there is empty; one that cannot be read is told, and empty, as in the reference. */
static int read_list(struct node_network *network, struct p2p_node_list *list, const char *name,
                     const char *configured, struct err_detail *detail)
{
    char path[NODE_PATH_MAX];
    struct err_detail why = {""};
    if (*configured) {
        int taken = parse_nodes(list, configured);
        return taken == ERR_OK ? taken : err_set(detail, taken, "%s", err_text(taken));
    }
    int status = node_datadir_path(network->options.dir, path, name, detail);
    if (status != ERR_OK)
        return status;
    status = p2p_node_list_read(list, path, on_list_report, path, &why);
    if (status != ERR_OK && status != ERR_NOTFOUND)
        NODE_LOG(NODE_LOG_ERROR, "Can't load node list file", node_text("path", path),
                 node_text("err", why.text));
    return ERR_OK;
}

static int parse_ranges(struct node_network *network, struct err_detail *detail)
{
    int status = node_ranges_parse(&network->allowed, network->options.config->netrestrict, detail);
    return status == ERR_OK ? status : err_prefix(detail, status, "Option \"netrestrict\"");
}

/* --authorizationlist: "100=0x…,0x200=0x…"; GoQuorum's words. */
static int parse_authorized(struct node_network *network, const char *list,
                            struct err_detail *detail)
{
    while (*list) {
        struct p2p_eth_authorized *entry = &network->authorized[network->authorized_count];
        char text[128];
        size_t len = strcspn(list, ",");
        snprintf(text, sizeof(text), "%.*s", (int)(len < 127 ? len : 127), list);
        list += len + (list[len] == ',');
        char *equal = strchr(text, '=');
        if (network->authorized_count++ == P2P_ETH_AUTHORIZED_MAX)
            return err_set(detail, ERR_USAGE, "--authorizationlist: more than %d blocks",
                           P2P_ETH_AUTHORIZED_MAX);
        if (!equal || strchr(equal + 1, '='))
            return err_set(detail, ERR_USAGE, "Invalid authorized entry: %s", text);
        *equal = 0;
        if (!hex_u64(text, &entry->number))
            return err_set(detail, ERR_USAGE, "Invalid authorized block number %s", text);
        if (strncmp(equal + 1, "0x", 2) != 0 ||
            !hex_decode_exact(equal + 1, entry->hash.b, sizeof(entry->hash.b)))
            return err_set(detail, ERR_USAGE,
                           "Invalid authorized hash %s: it is 0x and 64 hexadecimal digits",
                           equal + 1);
    }
    return ERR_OK;
}

static int make_local(struct node_network *network)
{
    const struct chain_config *config = chain_configuration(node_chain_of(network->options.chain));
    struct p2p_local_options options = {
        .loop = network->options.loop,
        .chain = node_chain_of(network->options.chain),
        .pool = node_transactions_pool(network->options.transactions),
        .network = network->options.config->networkid,
        .istanbul = config->engine == CHAIN_ENGINE_ISTANBUL,
        .authorized = network->authorized,
        .authorized_count = network->authorized_count,
        .import = on_import,
        .rules = on_rules,
        .syncing = on_syncing,
        .message = on_message,
        .peer = on_peer,
        .report = node_log_eth,
        .context = network,
    };
    struct p2p_qlight_options qlight;
    if (network->options.light) {
        qlight = node_light_client_options(network->options.light);
        qlight.report = node_log_eth;
        options.qlight = &qlight;
        options.istanbul = false;
    }
    return p2p_local_new(&network->local, &options);
}

static int make_server(struct node_network *network, struct err_detail *detail)
{
    const struct node_config *config = network->options.config;
    struct p2p_server_options options = {
        .loop = network->options.loop,
        .key = *network->options.key,
        .name = network->options.name,
        .listen = !config->offline && !config->no_listen,
        .port = (uint16_t)config->port,
        .external_ip = node_config_external_ip(config),
        .max_peers = config->offline ? 0 : (unsigned)config->maxpeers,
        .max_pending = (unsigned)config->maxpendpeers,
        .dial_ratio = DIAL_RATIO,
        .discovery =
            !config->nodiscover && config->maxpeers > 0 && !config->offline && !config->no_listen,
        .static_nodes = network->fixed.nodes,
        .static_count = network->fixed.count,
        .trusted_nodes = network->trusted.nodes,
        .trusted_count = network->trusted.count,
        .boot_nodes = network->boot.nodes,
        .boot_count = network->boot.count,
        .permit = config->permissioned || network->allowed.count || config->raft ? permit : NULL,
        .permit_address = network->allowed.count ? permit_address : NULL,
        .report = node_log_server,
        .peer = on_server_peer,
        .context = network,
    };
    options.protocols = p2p_local_protocols(network->local, &options.protocol_count);
    int status = network->options.light
                     ? node_light_client_tls(&options.tls_client, &config->light, detail)
                     : ERR_OK;
    if (status == ERR_OK)
        status = p2p_server_new(&network->server, &options, detail);
    io_tls_free(options.tls_client);
    mem_wipe(&options.key, sizeof(options.key));
    return status;
}

int node_network_new(struct node_network **ret_network, const struct node_network_options *options,
                     struct err_detail *detail)
{
    struct node_network *network = mem_alloc_zeroed(1, sizeof(*network));
    if (!network)
        return err_set(detail, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
    network->options = *options;
    int status = read_list(network, &network->fixed, "static-nodes.json",
                           options->config->static_nodes, detail);
    if (status == ERR_OK)
        status = read_list(network, &network->trusted, "trusted-nodes.json",
                           options->config->trusted_nodes, detail);
    if (status == ERR_OK && options->config->permissioned &&
        !node_permission_decides(options->permission))
        look_at_permission_files(network);
    if (status == ERR_OK)
        status = parse_authorized(network, options->config->authorizationlist, detail);
    if (status == ERR_OK)
        status = parse_ranges(network, detail);
    if (status == ERR_OK) {
        status = parse_nodes(&network->boot, options->config->bootnodes);
        if (status == ERR_OK)
            status = make_local(network);
        if (status != ERR_OK)
            err_set(detail, status, "the network cannot be set up: %s", err_text(status));
    }
    if (status == ERR_OK)
        status = make_server(network, detail);
    if (status != ERR_OK) {
        node_network_free(network);
        return status;
    }
    node_transactions_start(options->transactions, network->local);
    if (options->config->mine || options->config->raft)
        p2p_eth_accept_transactions(p2p_local_eth(network->local));
    *ret_network = network;
    return ERR_OK;
}

/* The fork id at the head, as the record's "eth" has it (EIP-2124 and devp2p's eth entry): [[hash, next]]. */
void node_network_tell_fork(struct p2p_server *server, const struct chain *chain,
                            const struct eth_header *head)
{
    struct chain_forkid id = chain_forkid(
        chain_configuration(chain), &chain_genesis_of(chain)->hash, head->number, head->timestamp);
    struct buf value = BUF_INIT;
    size_t entry = rlp_begin(&value), list = rlp_begin(&value);
    rlp_write_bytes(&value, bytes_of(id.hash, sizeof(id.hash)));
    rlp_write_u64(&value, id.next);
    rlp_end_list(&value, list);
    rlp_end_list(&value, entry);
    int status = buf_status(&value);
    if (status == ERR_OK)
        status = p2p_server_set_eth_entry(server, buf_bytes(&value));
    if (status != ERR_OK)
        NODE_LOG(NODE_LOG_WARN, "The node's record is not renewed",
                 node_text("err", err_text(status)));
    buf_release(&value);
}

int node_network_start(struct node_network *network, struct err_detail *detail)
{
    struct p2p_enode self;
    char text[P2P_ENODE_TEXT];
    node_network_tell_fork(network->server, node_chain_of(network->options.chain),
                           &node_chain_head(network->options.chain)->block->header);
    int status = p2p_server_start(network->server, detail);
    if (status != ERR_OK) {
        node_port_remedy(detail, "--port");
        return status;
    }
    p2p_server_self(network->server, &self);
    p2p_enode_format(text, &self);
    NODE_LOG(NODE_LOG_INFO, "Started P2P networking", node_text("self", text));
    return ERR_OK;
}

void node_network_stop(struct node_network *network)
{
    if (!network)
        return;
    network->validator = NULL;
    network->raft = NULL;
    network->signer = NULL;
    network->stopped = true;
}

void node_network_free(struct node_network *network)
{
    if (!network)
        return;
    p2p_server_free(network->server);
    node_transactions_stop(network->options.transactions);
    p2p_local_free(network->local);
    p2p_node_list_release(&network->fixed);
    p2p_node_list_release(&network->trusted);
    mem_free(network->boot.nodes);
    node_ranges_release(&network->allowed);
    mem_free(network);
}

void node_network_set_validator(struct node_network *network, struct node_validator *validator)
{
    network->validator = validator;
}

void node_network_set_raft(struct node_network *network, const struct node_raft *raft)
{
    network->raft = raft;
}

void node_network_tell_token(struct node_network *network, struct bytes token)
{
    p2p_qlight_set_token(p2p_local_qlight(network->local), token);
}

const struct p2p_node_list *node_network_static(const struct node_network *network)
{
    return &network->fixed;
}

void node_network_look_for_more(struct node_network *network)
{
    p2p_eth_look_for_more(p2p_local_eth(network->local));
}

const struct p2p_protocol *node_network_protocols(const struct node_network *network,
                                                  size_t *ret_count)
{
    return p2p_local_protocols(network->local, ret_count);
}

struct p2p_server *node_network_server(struct node_network *network)
{
    return network->server;
}

/* --- From the node to the network --- */

static void broadcast(void *context, const struct istanbul_set *set, const struct address *except,
                      unsigned code, struct bytes payload)
{
    struct node_network *network = context;
    p2p_istanbul_broadcast(p2p_local_istanbul(network->local), set, except, code, payload);
}

static void send_to(void *context, const struct address *to, unsigned code, struct bytes payload)
{
    struct node_network *network = context;
    p2p_istanbul_send(p2p_local_istanbul(network->local), to, code, payload);
}

static void each_peer(void *context, void (*fn)(void *fn_context, const struct address *address),
                      void *fn_context)
{
    struct node_network *network = context;
    p2p_istanbul_each_peer(p2p_local_istanbul(network->local), fn, fn_context);
}

void node_network_set_signer(struct node_network *network, struct node_signer *signer)
{
    network->signer = signer;
}

struct node_validator_network node_network_for_validator(struct node_network *network)
{
    return (struct node_validator_network){
        .broadcast = broadcast,
        .send = send_to,
        .each_peer = each_peer,
        .context = network,
    };
}

void node_network_head(struct node_network *network, const struct node_head *head)
{
    p2p_eth_new_head(p2p_local_eth(network->local), head->block, &head->total_difficulty,
                     head->fresh && !network->options.config->raft);
    node_network_tell_fork(network->server, node_chain_of(network->options.chain),
                           &head->block->header);
}

void node_network_transactions(struct node_network *network, struct chain_tx *const *txs,
                               size_t count)
{
    p2p_eth_new_transactions(p2p_local_eth(network->local), txs, count);
}

bool node_network_peer_status(const struct node_network *network, const struct p2p_peer *peer,
                              struct u256 *ret_difficulty, struct hash256 *ret_head)
{
    struct p2p_eth_peer_info info;
    if (!p2p_eth_peer_info(p2p_local_eth(network->local), p2p_peer_id(peer), &info) || !info.ready)
        return false;
    *ret_difficulty = info.td;
    *ret_head = info.head;
    return true;
}

void node_network_sync(const struct node_network *network, struct node_sync *ret_sync)
{
    struct p2p_eth_progress progress;
    const struct p2p_eth *eth = p2p_local_eth(network->local);
    p2p_eth_progress(eth, &progress);
    *ret_sync = (struct node_sync){progress.syncing, progress.start, progress.current,
                                   progress.highest, p2p_eth_peer_count(eth)};
}
