#include "node/servers/endpoints.h"

#include "base/mem.h"
#include "io/timer.h"
#include "node/log/log.h"
#include "rpc/transport/http.h"

#include <stdio.h>

enum {
    /* A server that a client stops goes two turns of the loop later: by then the answer has been written. */
    STOP_TURNS = 2,
};

/* Where a server was asked to listen. */
struct place {
    char host[256]; /* names have at most 253 characters */
    uint16_t port;  /* 0: any free one */
};

/* GoQuorum's node has two servers: that of HTTP, which may serve WebSocket as well, and one for WebSocket alone. */
struct node_endpoints {
    struct rpc *rpc;
    const struct node_config *config;
    const struct node_security *security;
    struct rpc_http *http, *ws; /* NULL: it does not run */
    struct place http_place, ws_place;
    struct io_timer stopping;
    unsigned turns; /* until what is below happens; 0: nothing is to be stopped */
    bool stop_http, stop_ws;
    bool ended;
};

/* The namespaces of a list; unknown ones are logged. */
static struct rpc_access parse_api(const char *list, const char *message)
{
    struct buf unknown = BUF_INIT;
    struct rpc_access access = rpc_access_parse(*list ? list : "net,web3,eth", &unknown);
    if (unknown.len)
        NODE_LOG(NODE_LOG_ERROR, message, node_text("unavailable", buf_text(&unknown)));
    buf_release(&unknown);
    return access;
}

static void tell_http(const struct node_endpoints *endpoints,
                      const struct rpc_http_options *options)
{
    char endpoint[IO_ADDRESS_TEXT];
    io_address_format(endpoint, rpc_http_address(endpoints->http));
    NODE_LOG(NODE_LOG_INFO, "HTTP server started", node_text("endpoint", endpoint),
             node_text("prefix", options->prefix), node_text("cors", options->cors),
             node_text("vhosts", options->vhosts), node_flag("isTls", options->tls != NULL));
}

static void tell_websocket(const struct node_endpoints *endpoints, const struct rpc_http *http)
{
    char endpoint[IO_ADDRESS_TEXT], url[IO_ADDRESS_TEXT + 300];
    io_address_format(endpoint, rpc_http_address(http));
    snprintf(url, sizeof(url), "%s://%s%s", endpoints->security->tls ? "wss" : "ws", endpoint,
             endpoints->config->ws_prefix);
    NODE_LOG(NODE_LOG_INFO, "WebSocket enabled", node_text("url", url));
}

/* --- Stopping --- */

static void close_server(struct rpc_http **server)
{
    char endpoint[IO_ADDRESS_TEXT];
    if (!*server)
        return;
    io_address_format(endpoint, rpc_http_address(*server));
    rpc_http_stop(*server);
    *server = NULL;
    NODE_LOG(NODE_LOG_INFO, "HTTP server stopped", node_text("endpoint", endpoint));
}

/* What was to be stopped is, now: before something else starts in its place, too. */
static void settle(struct node_endpoints *endpoints)
{
    struct err_detail detail = {{0}};
    io_timer_stop(&endpoints->stopping);
    if (endpoints->stop_http)
        close_server(&endpoints->http);
    if (endpoints->stop_ws) {
        close_server(&endpoints->ws);
        if (endpoints->http &&
            rpc_http_set_websocket(endpoints->http, NULL, endpoints->config->ws_prefix, &detail))
            NODE_LOG(NODE_LOG_ERROR, "WebSocket goes on", node_text("err", detail.text));
    }
    endpoints->stop_http = endpoints->stop_ws = false;
    endpoints->turns = 0;
}

static void on_stopping(void *context)
{
    struct node_endpoints *endpoints = context;
    if (--endpoints->turns == 0)
        settle(endpoints);
    else
        io_timer_start(&endpoints->stopping, 0);
}

static void stop_soon(struct node_endpoints *endpoints)
{
    if (endpoints->ended)
        return;
    endpoints->turns = STOP_TURNS;
    io_timer_start(&endpoints->stopping, 0);
}

static void stop_http(void *context)
{
    struct node_endpoints *endpoints = context;
    endpoints->stop_http = true;
    stop_soon(endpoints);
}

static void stop_websocket(void *context)
{
    struct node_endpoints *endpoints = context;
    endpoints->stop_ws = true;
    stop_soon(endpoints);
}

/* --- Starting --- */

static int refuse_ended(struct err_detail *detail)
{
    return err_set(detail, ERR_BUSY, "the node is shutting down");
}

/* As it was asked for, in the same words, as GoQuorum compares. */
static bool same_place(const struct place *place, const char *host, uint16_t port)
{
    return place->port == port && strcmp(place->host, host) == 0;
}

static void set_place(struct place *ret_place, const char *host, uint16_t port)
{
    ret_place->port = port;
    snprintf(ret_place->host, sizeof(ret_place->host), "%s", host);
}

static int already_running(const struct rpc_http *http, struct err_detail *detail)
{
    char endpoint[IO_ADDRESS_TEXT];
    io_address_format(endpoint, rpc_http_address(http));
    return err_set(detail, ERR_BUSY, "HTTP server already running on %s", endpoint);
}

static int start_http(void *context, const struct rpc_server_wish *wish, struct err_detail *detail)
{
    struct node_endpoints *endpoints = context;
    const struct node_config *config = endpoints->config;
    struct rpc_http_options options = {
        .host = wish->host ? wish->host : config->http_addr,
        .port = wish->has_port ? wish->port : (uint16_t)config->http_port,
        .prefix = config->http_prefix,
        .vhosts = wish->vhosts ? wish->vhosts : config->http_vhosts,
        .cors = wish->origins ? wish->origins : config->http_cors,
        .graphql = config->graphql,
        .graphql_vhosts = config->graphql_vhosts,
        .graphql_cors = config->graphql_cors,
        .tls = endpoints->security->tls,
        .tokens = endpoints->security->tokens,
    };
    if (endpoints->ended)
        return refuse_ended(detail);
    settle(endpoints);
    if (endpoints->http && !same_place(&endpoints->http_place, options.host, options.port))
        return already_running(endpoints->http, detail);
    if (endpoints->http && rpc_http_serves(endpoints->http))
        return err_set(detail, ERR_BUSY, "JSON-RPC over HTTP is already enabled");
    options.access = parse_api(wish->apis ? wish->apis : config->http_api,
                               "Unavailable modules in HTTP API list");
    int status = endpoints->http
                     ? rpc_http_enable(endpoints->http, &options, detail)
                     : rpc_http_start(&endpoints->http, endpoints->rpc, &options, detail);
    if (status != ERR_OK)
        return status;
    set_place(&endpoints->http_place, options.host, options.port);
    tell_http(endpoints, &options);
    return ERR_OK;
}

static int start_websocket(void *context, const struct rpc_server_wish *wish,
                           struct err_detail *detail)
{
    struct node_endpoints *endpoints = context;
    const struct node_config *config = endpoints->config;
    const char *host = wish->host ? wish->host : config->ws_addr;
    uint16_t port = wish->has_port ? wish->port : (uint16_t)config->ws_port;
    if (endpoints->ended)
        return refuse_ended(detail);
    settle(endpoints);
    bool shared = endpoints->http && same_place(&endpoints->http_place, host, port);
    if (endpoints->ws && !shared && !same_place(&endpoints->ws_place, host, port))
        return already_running(endpoints->ws, detail);
    if (endpoints->ws || (shared && rpc_http_serves_websocket(endpoints->http)))
        return err_set(detail, ERR_BUSY, "JSON-RPC over WebSocket is already enabled");
    struct rpc_websocket_options websocket = {
        .origins = wish->origins ? wish->origins : config->ws_origins,
        .access = parse_api(wish->apis ? wish->apis : config->ws_api,
                            "Unavailable modules in WebSocket API list"),
    };
    struct rpc_http_options options = {
        .host = host,
        .port = port,
        .no_http = true,
        .websocket = &websocket,
        .websocket_prefix = config->ws_prefix,
        .tls = endpoints->security->tls,
        .tokens = endpoints->security->tokens,
    };
    int status =
        shared ? rpc_http_set_websocket(endpoints->http, &websocket, config->ws_prefix, detail)
               : rpc_http_start(&endpoints->ws, endpoints->rpc, &options, detail);
    if (status != ERR_OK)
        return status;
    if (!shared)
        set_place(&endpoints->ws_place, host, port);
    tell_websocket(endpoints, shared ? endpoints->http : endpoints->ws);
    return ERR_OK;
}

void node_port_remedy(struct err_detail *detail, const char *flag)
{
    struct err_detail why = *detail;
    if (strstr(why.text, "address already in use"))
        err_set(detail, ERR_IO, "%s (stop what listens there, or choose another with %s)", why.text,
                flag);
}

int node_endpoints_start(struct node_endpoints **ret_endpoints, struct rpc *rpc,
                         const struct node_config *config, const struct node_security *security,
                         struct err_detail *detail)
{
    struct node_endpoints *endpoints = mem_alloc_zeroed(1, sizeof(*endpoints));
    static const struct rpc_server_wish as_configured = {.host = NULL};
    int status = ERR_OK;
    if (!endpoints)
        return err_set(detail, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
    endpoints->rpc = rpc;
    endpoints->config = config;
    endpoints->security = security;
    io_timer_init(&endpoints->stopping, rpc_loop(rpc), on_stopping, endpoints);
    if (config->http) {
        status = start_http(endpoints, &as_configured, detail);
        if (status != ERR_OK)
            node_port_remedy(detail, "--http.port");
    }
    if (config->ws && status == ERR_OK) {
        status = start_websocket(endpoints, &as_configured, detail);
        if (status != ERR_OK)
            node_port_remedy(detail, "--ws.port");
    }
    if (status != ERR_OK) {
        node_endpoints_stop(endpoints);
        node_endpoints_free(endpoints);
        return status;
    }
    *ret_endpoints = endpoints;
    return ERR_OK;
}

void node_endpoints_stop(struct node_endpoints *endpoints)
{
    if (!endpoints)
        return;
    endpoints->ended = true;
    io_timer_stop(&endpoints->stopping);
    close_server(&endpoints->http);
    close_server(&endpoints->ws);
}

void node_endpoints_free(struct node_endpoints *endpoints)
{
    mem_free(endpoints);
}

void node_endpoints_rpc(struct node_endpoints *endpoints, struct rpc_servers *ret_servers)
{
    *ret_servers = (struct rpc_servers){
        .context = endpoints,
        .start_http = start_http,
        .start_websocket = start_websocket,
        .stop_http = stop_http,
        .stop_websocket = stop_websocket,
    };
}
