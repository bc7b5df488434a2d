#include "deploy/kubernetes/cluster.h"

#include <stdio.h>

static void name(char *ret, const char *before, const char *text, const char *after)
{
    snprintf(ret, DEPLOY_CLUSTER_NAME_MAX, "%.40s%.40s%.40s", before, text, after);
}

void deploy_name_binding(char *ret, const struct deploy_organization *organization)
{
    name(ret, "", organization->name.text, "-quo-role-tokenreview-binding");
}

void deploy_name_auth_mount(char *ret, const struct deploy_organization *organization)
{
    name(ret, "quorum", organization->name.text, "");
}

void deploy_name_policy(char *ret, const struct deploy_organization *organization)
{
    name(ret, "vault-crypto-organization-", organization->name.text, "-ro");
}

void deploy_name_storage_class(char *ret, const struct deploy_organization *organization)
{
    static const char *const with_class[] = {"aws", "azure", "gcp", "minikube"};
    const char *provider = organization->cloud_provider.text;
    ret[0] = 0;
    for (size_t i = 0; provider && i < BASE_COUNT(with_class); i++)
        if (strcmp(provider, with_class[i]) == 0)
            name(ret, provider, "storageclass", "");
}

const char *deploy_name_chart(const struct deploy_cluster *cluster,
                              const struct deploy_cluster_peer *peer)
{
    if (!peer->has_tm)
        return "node-only";
    return cluster->network->config->transaction_manager.value == DEPLOY_TESSERA
               ? "node-tessera"
               : "node-constellation";
}

void deploy_name_release(char *ret, const struct deploy_cluster *cluster,
                         const struct deploy_cluster_peer *peer)
{
    name(ret, peer->organization->name.text, peer->peer->name.text,
         peer->has_tm ? deploy_name_chart(cluster, peer) + strlen("node-") : "node");
}

bool deploy_cluster_has_proxy(const struct deploy_cluster *cluster)
{
    const struct deploy_env *env = cluster->network->env;
    return !env || !env->proxy.text || strcmp(env->proxy.text, "none") != 0;
}

uint64_t deploy_cluster_port(const struct deploy_port *port, uint64_t otherwise)
{
    return port && port->port.given ? port->port.value : otherwise;
}

void deploy_cluster_address(struct deploy_cluster_address *ret,
                            const struct deploy_cluster *cluster,
                            const struct deploy_cluster_peer *peer, const struct deploy_port *port,
                            uint64_t otherwise)
{
    const struct deploy_organization *organization = peer->organization;
    ret->port = deploy_cluster_port(port, otherwise);
    if (!deploy_cluster_has_proxy(cluster)) {
        snprintf(ret->host, sizeof(ret->host), "%.63s.%.60s-quo.svc.cluster.local",
                 peer->peer->name.text, organization->name.text);
        return;
    }
    if (port && port->ambassador.given)
        ret->port = port->ambassador.value;
    snprintf(ret->host, sizeof(ret->host), "%.63s.%.180s", peer->peer->name.text,
             organization->external_url_suffix.text);
}
