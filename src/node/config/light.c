#include "node/config/light.h"

#include "node/config/config.h"
#include "node/config/ranges.h"
#include "p2p/enode.h"

static int check_server(const struct node_light_config *light, struct err_detail *detail)
{
    struct node_ranges ranges;
    if (!light->server)
        return ERR_OK;
    int status = node_ranges_parse(&ranges, light->server_netrestrict, detail);
    node_ranges_release(&ranges);
    if (status != ERR_OK)
        return err_prefix(detail, status, "Option \"qlight.server.p2p.netrestrict\"");
    if (light->server_port > 65535)
        return err_set(detail, ERR_USAGE,
                       "--qlight.server.p2p.port %llu is no port: it must be at most 65535",
                       (unsigned long long)light->server_port);
    if (light->tls && !*light->tls_cert)
        return err_set(detail, ERR_USAGE,
                       "QLight TLS is enabled but no server certificate has been provided");
    if (light->tls && !*light->tls_key)
        return err_set(detail, ERR_USAGE,
                       "QLight TLS is enabled but no server key has been provided");
    return ERR_OK;
}

/* Wrong ones are refused of every node, as in GoQuorum. */
static int check_token_and_certificate(const struct node_light_config *light,
                                       struct err_detail *detail)
{
    static const char cert[] = "qlight.client.rpc.tls.cert", key[] = "qlight.client.rpc.tls.key";
    static const char *const managements[] = {"none", "external", "client-security-plugin"};
    size_t i = 0;
    while (i < BASE_COUNT(managements) && strcmp(light->token_management, managements[i]) != 0)
        i++;
    if (i == BASE_COUNT(managements))
        return err_set(detail, ERR_USAGE, "Invalid value specified '%.80s' for flag '%s'.",
                       light->token_management, "qlight.client.token.management");
    if (!*light->rpc_tls_cert == !*light->rpc_tls_key)
        return ERR_OK;
    return err_set(detail, ERR_USAGE, "'%s' specified without specifying '%s'",
                   *light->rpc_tls_cert ? cert : key, *light->rpc_tls_cert ? key : cert);
}

static int check_client(const struct node_config *config, struct err_detail *detail)
{
    static const char missing[] = "Please specify the '%s' when running a qlight client.";
    const struct node_light_config *light = &config->light;
    struct p2p_enode node;
    if (!light->client)
        return ERR_OK;
    if (light->server) /* GoQuorum starts, listens, and has nothing that could serve who comes */
        return err_set(detail, ERR_USAGE,
                       "--qlight.server and --qlight.client exclude each other: a light client "
                       "does not have what it would have to serve");
    if (config->mine)
        return err_set(detail, ERR_USAGE, "QLight clients do not support mining");
    if (!*light->server_node)
        return err_set(detail, ERR_USAGE, missing, "qlight.client.serverNode");
    if (!*light->server_node_rpc)
        return err_set(detail, ERR_USAGE, missing, "qlight.client.serverNodeRPC");
    if (p2p_enode_parse(&node, light->server_node, detail) != ERR_OK)
        return err_prefix(detail, ERR_USAGE, "--qlight.client.serverNode");
    if (p2p_enode_incomplete(&node) || node.tcp == 0)
        return err_set(detail, ERR_USAGE,
                       "--qlight.client.serverNode: where the server is must be said: "
                       "enode://KEY@HOST:PORT");
    if (strcmp(config->syncmode, "full") != 0)
        return err_set(detail, ERR_USAGE,
                       "Only the 'full' syncmode is supported for the qlight client.");
    if (light->tls && !*light->tls_cacerts)
        return err_set(
            detail, ERR_USAGE,
            "QLight tls flag is set but no client certificate authorities has been provided");
    return ERR_OK;
}

int node_light_check(const struct node_config *config, struct err_detail *detail)
{
    int status = check_server(&config->light, detail);
    if (status == ERR_OK)
        status = check_token_and_certificate(&config->light, detail);
    return status == ERR_OK ? check_client(config, detail) : status;
}

bool node_light_settle(struct node_config *config)
{
    if (!config->light.client)
        return false;
    config->maxpeers = 1;
    config->no_listen = true;
    config->static_nodes = config->light.server_node;
    return true;
}
