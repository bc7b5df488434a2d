/* net and admin: peers, and the node as others see it. */
#include "p2p/server.h"
#include "rpc/json/json.h"
#include "rpc/methods/methods.h"
#include "rpc/run/lookup.h"

#include <limits.h>
#include <stdio.h>
#include <unistd.h>

static void write_text(struct buf *b, const char *text)
{
    rpc_json_write_string(b, bytes_str(text));
}

/* A hash as node ids are written: without 0x. */
static void write_id(struct buf *b, const struct hash256 *id)
{
    char text[65] = {0};
    hex_encode(text, bytes_of(id->b, sizeof(id->b)));
    write_text(b, text);
}

/* --- net --- */

static int version(struct rpc_call *call)
{
    buf_append_format(call->out, "\"%llu\"", (unsigned long long)call->backend->network_id);
    return 0;
}

/* GoQuorum always says so. */
static int listening(struct rpc_call *call)
{
    rpc_write_bool(call->out, true);
    return 0;
}

static int peer_count(struct rpc_call *call)
{
    const struct p2p_server *server = call->backend->server;
    rpc_write_number(call->out, server ? p2p_server_peer_count(server) : 0);
    return 0;
}

/* --- admin_nodeInfo --- */

static void write_chain_info(struct rpc_call *call)
{
    struct buf *b = call->out;
    struct chain *chain = call->backend->chain;
    struct chain_head head;
    chain_head(chain, &head);
    buf_append_byte(b, '{');
    rpc_key(b, "network");
    buf_append_format(b, "%llu", (unsigned long long)call->backend->network_id);
    rpc_key(b, "difficulty");
    rpc_write_decimal(b, &head.total_difficulty);
    rpc_put_hash(b, "genesis", &chain_genesis_of(chain)->hash);
    rpc_key(b, "config");
    chain_config_write(b, chain_configuration(chain));
    rpc_put_hash(b, "head", &head.block->hash);
    buf_append_byte(b, '}');
    chain_head_release(&head);
}

static void write_self(struct buf *b, const struct p2p_server *server)
{
    struct p2p_enode self;
    char text[P2P_ENODE_TEXT], ip[IO_ADDRESS_TEXT], listen[IO_ADDRESS_TEXT];
    p2p_server_self(server, &self);
    p2p_enode_format(text, &self);
    io_address_format_ip(ip, &self.ip);
    io_address_format(listen, p2p_server_address(server));
    rpc_key(b, "id");
    write_id(b, &self.id);
    rpc_key(b, "name");
    write_text(b, p2p_server_name(server));
    rpc_key(b, "enode");
    write_text(b, text);
    rpc_key(b, "enr");
    write_text(b, p2p_server_enr(server));
    rpc_key(b, "ip");
    write_text(b, ip);
    rpc_key(b, "ports");
    buf_append_format(b, "{\"discovery\":%u,\"listener\":%u}", self.udp, self.tcp);
    rpc_key(b, "listenAddr");
    write_text(b, listen);
}

/* Without a network, as if there were the one of this chain. */
static bool offers(const struct rpc_call *call, const struct p2p_server *server, const char *name)
{
    if (server)
        return p2p_server_offers(server, name);
    return strcmp(name, "eth") == 0 ||
           (strcmp(name, "istanbul") == 0 &&
            chain_configuration(call->backend->chain)->engine == CHAIN_ENGINE_ISTANBUL);
}

/* What the server offers, each with the chain; snap, which is not spoken here, says nothing in GoQuorum either. */
static void write_protocols(struct rpc_call *call, const struct p2p_server *server)
{
    static const char *const names[] = {"eth", "istanbul", "qlight"};
    struct buf *b = call->out;
    rpc_key(b, "protocols");
    buf_append_byte(b, '{');
    for (size_t i = 0; i < BASE_COUNT(names); i++) {
        if (!offers(call, server, names[i]))
            continue;
        rpc_key(b, names[i]);
        write_chain_info(call);
    }
    if (offers(call, server, "eth")) {
        rpc_key(b, "snap");
        buf_append_text(b, "{}");
    }
    buf_append_byte(b, '}');
}

static int node_info_of(struct rpc_call *call, const struct p2p_server *server, const char *plugins)
{
    struct buf *b = call->out;
    buf_append_byte(b, '{');
    if (server)
        write_self(b, server);
    write_protocols(call, server);
    rpc_key(b, "plugins");
    buf_append_text(b, plugins);
    buf_append_byte(b, '}');
    return 0;
}

static int node_info(struct rpc_call *call)
{
    return node_info_of(call, call->backend->server, "{}");
}

static int light_node_info(struct rpc_call *call)
{
    return call->backend->light_server ? node_info_of(call, call->backend->light_server, "null")
                                       : rpc_null(call);
}

/* --- admin_peers --- */

typedef bool status_fn(void *context, const struct p2p_peer *peer, struct u256 *ret_difficulty,
                       struct hash256 *ret_head);

/* The version is that of `head_name`, whose handshake told of the head: of istanbul it is eth's. */
static void write_peer_protocol(struct rpc_call *call, const struct p2p_peer *peer,
                                const char *name, const char *head_name, status_fn *status)
{
    struct u256 difficulty;
    struct hash256 head;
    struct buf *b = call->out;
    if (!p2p_peer_version(peer, name))
        return;
    rpc_key(b, name);
    if (!status || !status(call->backend->context, peer, &difficulty, &head)) {
        write_text(b, "handshake");
        return;
    }
    buf_append_byte(b, '{');
    rpc_key(b, "version");
    buf_append_format(b, "%u", p2p_peer_version(peer, head_name));
    rpc_key(b, "difficulty");
    rpc_write_decimal(b, &difficulty);
    rpc_put_hash(b, "head", &head);
    buf_append_byte(b, '}');
}

static void write_peer(struct rpc_call *call, const struct p2p_peer *peer, status_fn *status)
{
    struct buf *b = call->out;
    char enode[P2P_ENODE_TEXT], local[IO_ADDRESS_TEXT], remote[IO_ADDRESS_TEXT];
    const char *capability;
    p2p_enode_format(enode, p2p_peer_node(peer));
    io_address_format(local, p2p_peer_local(peer));
    io_address_format(remote, p2p_peer_remote(peer));
    buf_append_byte(b, '{');
    rpc_key(b, "enode");
    write_text(b, enode);
    rpc_key(b, "id");
    write_id(b, p2p_peer_id(peer));
    rpc_key(b, "name");
    write_text(b, p2p_peer_name(peer));
    rpc_key(b, "caps");
    buf_append_byte(b, '[');
    for (size_t i = 0; (capability = p2p_peer_capability(peer, i)); i++) {
        rpc_item(b);
        write_text(b, capability);
    }
    buf_append_byte(b, ']');
    rpc_key(b, "network");
    buf_append_byte(b, '{');
    rpc_key(b, "localAddress");
    write_text(b, local);
    rpc_key(b, "remoteAddress");
    write_text(b, remote);
    rpc_put_bool(b, "inbound", p2p_peer_inbound(peer));
    rpc_put_bool(b, "trusted", p2p_peer_trusted(peer));
    rpc_put_bool(b, "static", p2p_peer_static(peer));
    buf_append_byte(b, '}');
    rpc_key(b, "protocols");
    buf_append_byte(b, '{');
    write_peer_protocol(call, peer, "eth", "eth", status);
    write_peer_protocol(call, peer, "istanbul", "eth", status);
    write_peer_protocol(call, peer, "qlight", "qlight", status);
    buf_append_text(b, "}}");
}

static int peers_of(struct rpc_call *call, const struct p2p_server *server, status_fn *status)
{
    buf_append_byte(call->out, '[');
    for (size_t i = 0; server && i < p2p_server_peer_count(server); i++) {
        rpc_item(call->out);
        write_peer(call, p2p_server_peer(server, i), status);
    }
    buf_append_byte(call->out, ']');
    return 0;
}

static int peers(struct rpc_call *call)
{
    return peers_of(call, call->backend->server, call->backend->peer_status);
}

static int light_peers(struct rpc_call *call)
{
    const struct rpc_backend *backend = call->backend;
    return backend->light_server ? peers_of(call, backend->light_server, backend->light_peer_status)
                                 : rpc_null(call);
}

/* --- Changing peers --- */

/* The node of the first argument. */
static int read_node(struct rpc_call *call, struct p2p_enode *ret_node)
{
    struct bytes url = call->args[0].bytes;
    char text[P2P_ENODE_TEXT_MAX + 1];
    struct err_detail detail = {{0}};
    if (!call->backend->server)
        return rpc_fail(call, RPC_CODE_ERROR, "node not started");
    if (url.len > P2P_ENODE_TEXT_MAX)
        return rpc_fail(call, RPC_CODE_ERROR, "invalid enode: longer than %d characters",
                        P2P_ENODE_TEXT_MAX);
    memcpy(text, url.data, url.len);
    text[url.len] = '\0';
    if (strncmp(text, "enode://", 8) != 0)
        return rpc_fail(call, RPC_CODE_ERROR, "invalid enode: %s",
                        strncmp(text, "enr:", 4) == 0
                            ? "node records are not taken here: give the enode:// address"
                            : "missing 'enr:' prefix for base64-encoded record");
    int status = strlen(text) == url.len ? p2p_enode_parse(ret_node, text, &detail) : ERR_INPUT;
    if (status)
        return rpc_fail(call, RPC_CODE_ERROR, "invalid enode: %s", detail.text);
    return 0;
}

static int change(struct rpc_call *call,
                  int (*add)(struct p2p_server *server, const struct p2p_enode *node),
                  void (*drop)(struct p2p_server *server, const struct p2p_enode *node))
{
    struct p2p_enode node;
    int status = read_node(call, &node);
    if (status == 0 && add)
        status = add(call->backend->server, &node);
    else if (status == 0)
        drop(call->backend->server, &node);
    if (status == 0)
        rpc_write_bool(call->out, true);
    return status;
}

static int add_peer(struct rpc_call *call)
{
    return change(call, p2p_server_add_peer, NULL);
}

static int remove_peer(struct rpc_call *call)
{
    return change(call, NULL, p2p_server_remove_peer);
}

static int add_trusted(struct rpc_call *call)
{
    return change(call, p2p_server_add_trusted, NULL);
}

static int remove_trusted(struct rpc_call *call)
{
    return change(call, NULL, p2p_server_remove_trusted);
}

static int datadir(struct rpc_call *call)
{
    write_text(call->out, call->backend->datadir ? call->backend->datadir : "");
    return 0;
}

/* --- The chain as a file --- */

static int export_range(struct rpc_call *call, uint64_t *ret_first, uint64_t *ret_last)
{
    const struct rpc_value *first = &call->args[1], *last = &call->args[2];
    struct chain_head head;
    if (last->given && !first->given)
        return rpc_fail(call, RPC_CODE_ERROR, "last cannot be specified without first");
    chain_head(call->backend->chain, &head);
    uint64_t number = head.block->header.number;
    chain_head_release(&head);
    *ret_first = first->given ? first->number : 0;
    *ret_last = last->given ? last->number : number;
    if (*ret_last > number)
        return rpc_fail(call, RPC_CODE_ERROR, "export failed on #%llu: not found",
                        (unsigned long long)number + 1);
    return 0;
}

static int export_chain(struct rpc_call *call)
{
    struct bytes name = call->args[0].bytes;
    struct err_detail detail = {{0}};
    char path[PATH_MAX];
    uint64_t first = 0, last = 0;
    int status = export_range(call, &first, &last);
    if (status)
        return status;
    if (name.len == 0 || name.len >= sizeof(path) || memchr(name.data, 0, name.len))
        return rpc_fail(call, RPC_CODE_ERROR, "open: not a path");
    memcpy(path, name.data, name.len);
    path[name.len] = '\0';
    if (access(path, F_OK) == 0)
        return rpc_fail(call, RPC_CODE_ERROR, "location would overwrite an existing file");
    status = chain_export_file(call->backend->chain, path, first, last, false, &detail);
    if (status == ERR_NOTFOUND)
        return rpc_fail(call, RPC_CODE_ERROR, "open %s: no such file or directory", path);
    if (status)
        return rpc_fail(call, RPC_CODE_ERROR, "%s",
                        detail.text[0] ? detail.text : err_text(status));
    rpc_write_bool(call->out, true);
    return 0;
}

#define URL {"enode", RPC_TEXT}

static const struct rpc_method methods[] = {
    {"net_version", {{0}}, .run = version, .anywhere = true, .result = "network id, decimal text"},
    {"net_listening", {{0}}, .run = listening, .anywhere = true, .result = "true"},
    {"net_peerCount", {{0}}, .run = peer_count, .result = "number, hex"},
    {"admin_nodeInfo", {{0}}, .run = node_info, .result = "this node"},
    {"admin_peers", {{0}}, .run = peers, .result = "array of peers"},
    {"admin_qnodeInfo",
     {{0}},
     .run = light_node_info,
     .result = "this node, as light clients see it; null: it serves none"},
    {"admin_qpeers",
     {{0}},
     .run = light_peers,
     .result = "array of light clients; null: none are served"},
    {"admin_addPeer", {URL}, .run = add_peer, .result = "true"},
    {"admin_removePeer", {URL}, .run = remove_peer, .result = "true"},
    {"admin_addTrustedPeer", {URL}, .run = add_trusted, .result = "true"},
    {"admin_removeTrustedPeer", {URL}, .run = remove_trusted, .result = "true"},
    {"admin_exportChain",
     {{"file", RPC_TEXT}, {"first", RPC_NUMBER, true}, {"last", RPC_NUMBER, true}},
     .work = export_chain,
     .result = "true"},
    {"admin_datadir", {{0}}, .run = datadir, .result = "path"},
};

const struct rpc_method_list rpc_methods_network = {methods, BASE_COUNT(methods)};
