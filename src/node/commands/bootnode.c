#include "base/hex.h"
#include "base/mem.h"
#include "io/signal.h"
#include "node/commands/command.h"
#include "node/config/ranges.h"
#include "node/log/log.h"
#include "p2p/server.h"

#include <signal.h>
#include <stdio.h>

/* The program `bootnode` of the reference: a node key, and the discovery alone. */

static int print_address(const struct crypto_private_key *key)
{
    struct crypto_public_key public_key;
    char text[129];
    if (!crypto_public_key_of(&public_key, key))
        return node_fatal("this is no private key");
    hex_encode(text, bytes_of(public_key.b, sizeof(public_key.b)));
    text[128] = 0;
    puts(text);
    return NODE_EXIT_OK;
}

static int make_key(const char *path, bool tells)
{
    struct crypto_private_key key;
    struct err_detail detail = {""};
    if (node_key_create(&key, path, &detail) != ERR_OK)
        return node_fatal("%s", detail.text);
    int code = tells ? print_address(&key) : NODE_EXIT_OK;
    mem_wipe(&key, sizeof(key));
    return code;
}

static int read_key(struct crypto_private_key *ret_key, const struct node_config *config)
{
    struct err_detail detail = {""};
    if (!*config->nodekey && !*config->nodekeyhex)
        return node_fatal("Use -nodekey or -nodekeyhex to specify a private key");
    if (node_key_load(ret_key, NULL, config, &detail) != ERR_OK)
        return node_fatal("%s", detail.text);
    return NODE_EXIT_OK;
}

/* "host:port" or ":port". */
static int parse_address(const char *text, char *ret_host, size_t size, uint64_t *ret_port)
{
    const char *colon = strrchr(text, ':');
    if (!colon || (size_t)(colon - text) >= size || !hex_u64(colon + 1, ret_port) ||
        *ret_port > 65535)
        return node_fatal("-ResolveUDPAddr: address %s: it must be host:port or :port", text);
    memcpy(ret_host, text, (size_t)(colon - text));
    ret_host[colon - text] = 0;
    return NODE_EXIT_OK;
}

static bool permit_address(void *context, const struct io_address *address)
{
    return node_ranges_have(context, address);
}

static void on_signal(void *context)
{
    io_loop_stop(context);
}

static void on_report(void *context, enum p2p_report level, const char *message)
{
    (void)context;
    NODE_LOG(level == P2P_REPORT_WARN   ? NODE_LOG_WARN
             : level == P2P_REPORT_INFO ? NODE_LOG_INFO
                                        : NODE_LOG_DEBUG,
             message);
}

static int serve(struct io_loop *loop, struct p2p_server_options *options)
{
    struct p2p_server *server = NULL;
    struct err_detail detail = {""};
    struct io_signal *signals[2] = {NULL, NULL};
    int status = p2p_server_new(&server, options, &detail);
    if (status == ERR_OK)
        status = p2p_server_start(server, &detail);
    if (status == ERR_OK)
        status = io_signal_new(&signals[0], loop, SIGINT, on_signal, loop);
    if (status == ERR_OK)
        status = io_signal_new(&signals[1], loop, SIGTERM, on_signal, loop);
    if (status == ERR_OK) {
        struct p2p_enode self;
        char text[P2P_ENODE_TEXT];
        p2p_server_self(server, &self);
        p2p_enode_format(text, &self);
        puts(text);
        puts("Note: you're using cmd/bootnode, a developer tool.");
        puts("We recommend using a regular node as bootstrap node for production deployments.");
        fflush(stdout);
        io_loop_run(loop);
    }
    for (size_t i = 0; i < BASE_COUNT(signals); i++)
        io_signal_free(signals[i]);
    p2p_server_free(server);
    return status == ERR_OK ? NODE_EXIT_OK : node_fatal("-ListenUDP: %s", detail.text);
}

int node_run_bootnode(const struct node_config *config)
{
    struct io_loop *loop;
    char host[IO_HOST_MAX + 1];
    uint64_t port;
    struct node_ranges allowed = {NULL, 0};
    struct err_detail detail = {""};
    struct p2p_server_options options = {.name = "bootnode", .discovery = true, .no_dial = true};
    if (*config->genkey)
        return make_key(config->genkey, config->writeaddress);
    int code = read_key(&options.key, config);
    if (code == NODE_EXIT_OK && config->writeaddress)
        code = print_address(&options.key);
    else if (code == NODE_EXIT_OK)
        code = parse_address(config->boot_addr, host, sizeof(host), &port);
    if (code == NODE_EXIT_OK && !config->writeaddress &&
        node_ranges_parse(&allowed, config->netrestrict, &detail) != ERR_OK)
        code = node_fatal("-netrestrict: %s", detail.text);
    if (code == NODE_EXIT_OK && !config->writeaddress) {
        if (io_loop_new(&loop) != ERR_OK)
            return node_fatal("the event loop cannot be made");
        options.permit_address = allowed.count ? permit_address : NULL;
        options.context = &allowed;
        options.external_ip = node_config_external_ip(config);
        options.loop = loop;
        options.listen = false; /* UDP alone */
        options.listen_host = host;
        options.port = (uint16_t)port;
        options.report = on_report;
        code = serve(loop, &options);
        io_loop_free(loop);
    }
    node_ranges_release(&allowed);
    mem_wipe(&options.key, sizeof(options.key));
    return code;
}
