#include "node/light/remote.h"

#include "base/mem.h"
#include "node/light/proxy.h"
#include "node/light/tls.h"
#include "node/log/log.h"

#include <string.h>

struct node_light_remote {
    struct node_light_token *token;
    struct node_light_proxy *proxy;
    struct rpc_proxy asked;
    struct rpc_light_token methods;
    bool is_external;
};

static int set_token(void *context, struct bytes value, struct err_detail *detail)
{
    const struct node_light_remote *remote = context;
    return node_light_token_set(remote->token, value, detail);
}

static void get_token(void *context, struct buf *ret_value)
{
    const struct node_light_remote *remote = context;
    node_light_token_get(remote->token, ret_value);
}

/* In GoQuorum's words (eth/backend.go). */
static void tell_management(const char *management)
{
    if (strcmp(management, "external") == 0) {
        NODE_LOG(NODE_LOG_INFO, "Starting qlight client with auth token enabled and `external` "
                                "token management strategy.");
    } else if (strcmp(management, "none") == 0) {
        NODE_LOG(NODE_LOG_WARN,
                 "Starting qlight client with auth token enabled but without a token management "
                 "strategy. This is for development purposes only.");
    } else {
        NODE_LOG(NODE_LOG_INFO,
                 "Starting qlight client with auth token enabled without external API and token "
                 "from argument, plugin has to be provided");
        NODE_LOG(NODE_LOG_INFO, "Token Manager Plugin is not enabled");
    }
}

static int make_token(struct node_light_remote *remote, const struct node_light_config *config,
                      struct err_detail *detail)
{
    if (!config->token_enabled)
        return ERR_OK;
    tell_management(config->token_management);
    remote->is_external = strcmp(config->token_management, "external") == 0;
    remote->methods = (struct rpc_light_token){remote, set_token, get_token};
    return node_light_token_new(&remote->token, config->token_value, detail);
}

static int make_proxy(struct node_light_remote *remote, const struct node_light_config *config,
                      struct err_detail *detail)
{
    struct io_tls *tls = NULL;
    int status = node_light_rpc_tls(&tls, config, detail);
    const struct node_light_proxy_options options = {.url = config->server_node_rpc,
                                                     .psi = config->client_psi,
                                                     .tls = tls,
                                                     .token = remote->token};
    if (status == ERR_OK)
        status = node_light_proxy_new(&remote->proxy, &options, detail);
    io_tls_free(tls);
    if (status == ERR_OK)
        remote->asked = (struct rpc_proxy){remote->proxy, node_light_proxy_call};
    return status;
}

int node_light_remote_new(struct node_light_remote **ret_remote,
                          const struct node_light_config *config, struct err_detail *detail)
{
    struct node_light_remote *remote = mem_alloc_zeroed(1, sizeof(*remote));
    if (!remote)
        return err_set(detail, ERR_NOMEM, "out of memory");
    int status = make_token(remote, config, detail);
    if (status == ERR_OK)
        status = make_proxy(remote, config, detail);
    if (status == ERR_OK)
        *ret_remote = remote;
    else
        node_light_remote_free(remote);
    return status;
}

void node_light_remote_free(struct node_light_remote *remote)
{
    if (!remote)
        return;
    node_light_proxy_free(remote->proxy);
    node_light_token_free(remote->token);
    mem_free(remote);
}

void node_light_remote_stop(struct node_light_remote *remote)
{
    if (remote)
        node_light_proxy_stop(remote->proxy);
}

const struct rpc_proxy *node_light_remote_proxy(const struct node_light_remote *remote)
{
    return remote ? &remote->asked : NULL;
}

const char *node_light_remote_name(const struct node_light_remote *remote)
{
    return remote ? node_light_proxy_name(remote->proxy) : NULL;
}

struct node_light_token *node_light_remote_token(const struct node_light_remote *remote)
{
    return remote ? remote->token : NULL;
}

const struct rpc_light_token *node_light_remote_methods(const struct node_light_remote *remote)
{
    return remote && remote->is_external ? &remote->methods : NULL;
}
