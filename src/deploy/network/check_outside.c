/* How peers are reached from outside, and organizations that are outside themselves. */
#include "deploy/network/check.h"
#include "deploy/network/placeholder.h"
#include "vault/vault.h"

#include <stdio.h>

static bool is_one_of(const char *text, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(text, words[i]) == 0)
            return true;
    return false;
}

static void check_proxy(const struct deploy_env *env, struct deploy_report *report)
{
    static const char *const words[] = {"ambassador", "ingress", "gateway", "haproxy", "none"};
    static const char path[] = "network.env.proxy";
    if (!env->proxy.text)
        return;
    if (!is_one_of(env->proxy.text, words, BASE_COUNT(words)))
        deploy_report_add(report, DEPLOY_ERROR, env->proxy.place, path,
                          "write ambassador, ingress, gateway, haproxy or none",
                          "\"%.40s\" is no way in that the charts have", env->proxy.text);
    else if (strcmp(env->proxy.text, "gateway") == 0 && !env->proxy_class.text)
        deploy_report_add(report, DEPLOY_ERROR, env->proxy.place, "network.env.proxy_class",
                          "name the gateway class that serves the cluster", "is missing");
    if (strcmp(env->proxy.text, "ingress") != 0 && strcmp(env->proxy.text, "gateway") != 0 &&
        strcmp(env->proxy.text, "haproxy") != 0 && env->proxy_class.text)
        deploy_report_add(report, DEPLOY_ERROR, env->proxy_class.place, "network.env.proxy_class",
                          "remove it, or set proxy to ingress or gateway",
                          "is of ingresses and gateways, and proxy is %.40s", env->proxy.text);
}

/* Said aloud, since it would seem to protect: the service that carries the traffic is the proxy's, which is not installed here. */
static void check_ranges(const struct deploy_env *env, struct deploy_report *report)
{
    static const char *const ours[] = {"ingress", "haproxy"};
    bool all =
        env->source_ranges.count == 1 && strcmp(env->source_ranges.items[0].text, "0.0.0.0/0") == 0;
    const char *proxy = env->proxy.text ? env->proxy.text : "ambassador";
    if (!env->source_ranges.count || all || is_one_of(proxy, ours, BASE_COUNT(ours)))
        return;
    deploy_report_add(report, DEPLOY_WARNING, env->source_ranges.place,
                      "network.env.loadBalancerSourceRanges",
                      "set spec.loadBalancerSourceRanges of the proxy's data service",
                      "restricts nothing here: the proxy's own service is not ours");
}

static void check_external(const struct deploy_network *network, enum deploy_target target,
                           struct deploy_report *report)
{
    size_t ours = 0;
    const struct deploy_organization *external = NULL;
    for (size_t i = 0; i < network->organizations.count; i++) {
        const struct deploy_organization *organization = &network->organizations.items[i];
        if (organization->external.value)
            external = organization;
        else
            ours++;
    }
    if (external && target == DEPLOY_LOCAL)
        deploy_report_add(report, DEPLOY_ERROR, external->external.place, "network.organizations",
                          "remove external, or give the others k8s",
                          "an organization that others run is for networks on clusters");
    else if (external && !ours)
        deploy_report_add(report, DEPLOY_ERROR, external->external.place, "network.organizations",
                          "remove external from the organization that you run",
                          "all organizations are external");
}

/* One that is mistyped would silently get another storage class. */
static void check_providers(const struct deploy_network *network, struct deploy_report *report)
{
    static const char *const words[] = {"aws", "aws-baremetal", "azure", "gcp", "minikube"};
    for (size_t i = 0; i < network->organizations.count; i++) {
        const struct deploy_text *provider = &network->organizations.items[i].cloud_provider;
        char path[80];
        if (!provider->text || deploy_placeholder_is(provider->text) ||
            is_one_of(provider->text, words, BASE_COUNT(words)))
            continue;
        snprintf(path, sizeof(path), "network.organizations[%zu].cloud_provider", i);
        deploy_report_add(
            report, DEPLOY_WARNING, provider->place, path,
            "write aws, aws-baremetal, azure, gcp or minikube where it is one of them",
            "\"%.40s\" is no provider that is known here: volumes are of the "
            "cluster's default storage class",
            provider->text);
    }
}

/* Whoever listens on the way would have every key. On this machine no vault is asked unless `up` is told to. */
static void check_vaults(const struct deploy_network *network, struct deploy_report *report)
{
    for (size_t i = 0; i < network->organizations.count; i++) {
        const struct deploy_vault *vault = network->organizations.items[i].vault;
        char path[80];
        snprintf(path, sizeof(path), "network.organizations[%zu].vault.url", i);
        if (vault && vault->url.text && !deploy_placeholder_is(vault->url.text) &&
            strncmp(vault->url.text, "https://", 8) != 0 &&
            strncmp(vault->url.text, "http://", 7) != 0)
            deploy_report_add(report, DEPLOY_ERROR, vault->url.place, path,
                              "write https://host:port", "\"%.80s\" is no URL of a vault",
                              vault->url.text);
        if (!vault || !vault->url.text || vault->allow_plain_http.value ||
            !vault_is_plain(vault->url.text) || deploy_placeholder_is(vault->url.text))
            continue;
        deploy_report_add(report, DEPLOY_ERROR, vault->url.place, path,
                          "write https://, or allow_plain_http: true beside it",
                          "is plain http: tokens and keys would go in clear");
    }
}

void deploy_check_outside(const struct deploy_network *network, enum deploy_target target,
                          struct deploy_report *report)
{
    check_external(network, target, report);
    if (target == DEPLOY_KUBERNETES) {
        check_vaults(network, report);
        check_providers(network, report);
    }
    if (target != DEPLOY_KUBERNETES || !network->env)
        return;
    check_proxy(network->env, report);
    check_ranges(network->env, report);
}
