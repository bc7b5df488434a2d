#include "base/hex.h"
#include "deploy/network/check.h"

#include <stdio.h>

/* A published port with its owner. */
struct published {
    uint64_t port;
    struct deploy_place place;
    char path[128];
    const char *cluster; /* kubeconfig and context tell clusters apart as far as the file goes */
    const char *context;
    bool shared; /* Tessera's HTTPS port: the proxy tells hosts apart there */
};

struct publication {
    struct published *items;
    size_t count;
    size_t capacity;
};

static const char *or_empty(const struct deploy_text *text)
{
    return text->text ? text->text : "";
}

static void publish(struct publication *all, const struct deploy_peer_at *at,
                    const struct deploy_port *port, const char *name, bool shared)
{
    if (!port || !port->ambassador.given || all->count == all->capacity)
        return;
    const struct deploy_k8s *k8s = at->organization->k8s;
    struct published *item = &all->items[all->count++];
    *item = (struct published){.port = port->ambassador.value,
                               .place = port->ambassador.place,
                               .cluster = k8s ? or_empty(&k8s->config_file) : "",
                               .context = k8s ? or_empty(&k8s->context) : "",
                               .shared = shared};
    snprintf(item->path, sizeof(item->path), "%s.%s.ambassador", at->path, name);
}

/* Whether the proxy opens the port. */
static bool is_open(const struct deploy_env *env, uint64_t port)
{
    if (env->port_from.given && env->port_to.given && port >= env->port_from.value &&
        port <= env->port_to.value)
        return true;
    for (size_t i = 0; i < env->ambassador_ports.count; i++) {
        uint64_t open = 0;
        if (hex_u64(env->ambassador_ports.items[i].text, &open) && open == port)
            return true;
    }
    return port == 8443 || port == 443 || port == 80; /* always there */
}

static bool lists_ports(const struct deploy_env *env)
{
    return env && (env->ambassador_ports.count || env->port_from.given);
}

static void check_words(const struct deploy_env *env, struct deploy_report *report)
{
    for (size_t i = 0; env && i < env->ambassador_ports.count; i++) {
        const struct deploy_text *word = &env->ambassador_ports.items[i];
        uint64_t port = 0;
        if (strspn(word->text, "0123456789") != strlen(word->text) || !hex_u64(word->text, &port) ||
            port < 1 || port > 65535)
            deploy_report_add(report, DEPLOY_ERROR, word->place, "network.env.ambassadorPorts",
                              "write ports, with commas between and no spaces",
                              "\"%.40s\" is no port", word->text);
    }
}

static void check_pair(const struct published *item, const struct published *other,
                       struct deploy_report *report)
{
    bool same_cluster =
        strcmp(item->cluster, other->cluster) == 0 && strcmp(item->context, other->context) == 0;
    if (item->port != other->port || !same_cluster || (item->shared && other->shared))
        return;
    deploy_report_add(report, DEPLOY_ERROR, item->place, item->path,
                      "give every published port of a cluster once",
                      "%u is published by line %u already (%s)", (unsigned)item->port,
                      (unsigned)other->place.line, other->path);
}

/* The programs of a peer share one address. */
static void check_peer(const struct deploy_peer_at *at, bool raft, bool managers,
                       struct deploy_report *report)
{
    const struct {
        const char *name;
        const struct deploy_port *port;
    } all[] = {{"p2p", at->peer->p2p},
               {"rpc", at->peer->rpc},
               {"raft", raft ? at->peer->raft : NULL},
               {"transaction_manager", at->has_tm && managers ? at->peer->tm : NULL},
               {"db", at->has_tm && managers ? at->peer->db : NULL}};
    for (size_t i = 0; i < BASE_COUNT(all); i++)
        for (size_t j = 0; j < i; j++) {
            char path[160];
            if (!all[i].port || !all[j].port || !all[i].port->port.given ||
                !all[j].port->port.given || all[i].port->port.value != all[j].port->port.value)
                continue;
            snprintf(path, sizeof(path), "%s.%s.port", at->path, all[i].name);
            deploy_report_add(report, DEPLOY_ERROR, all[i].port->port.place, path,
                              "give each program of a peer a port of its own",
                              "%u is the port of %s in line %u already",
                              (unsigned)all[i].port->port.value, all[j].name,
                              (unsigned)all[j].port->port.place.line);
        }
}

void deploy_check_ports(const struct deploy_network *network, struct deploy_report *report)
{
    check_words(network->env, report);
    struct deploy_peer_at at;
    size_t peers = 0;
    while (deploy_peer_at(&at, network, peers))
        peers++;
    struct publication all = {.capacity = 4 * peers};
    all.items = arena_alloc_zeroed(report->arena, all.capacity + 1, sizeof(*all.items));
    if (!all.items) {
        report->status = ERR_NOMEM;
        return;
    }
    bool raft = network->config && network->config->consensus.value == DEPLOY_RAFT;
    bool tessera = network->config && network->config->transaction_manager.value == DEPLOY_TESSERA;
    bool managers =
        !network->config || network->config->transaction_manager.value != DEPLOY_TM_NONE;
    for (size_t i = 0; deploy_peer_at(&at, network, i); i++) {
        check_peer(&at, raft, managers, report);
        publish(&all, &at, at.peer->p2p, "p2p", false);
        publish(&all, &at, at.peer->rpc, "rpc", false);
        publish(&all, &at, at.peer->tm, "transaction_manager", tessera);
        if (raft)
            publish(&all, &at, at.peer->raft, "raft", false);
    }
    for (size_t i = 0; i < all.count; i++) {
        for (size_t j = 0; j < i; j++)
            check_pair(&all.items[i], &all.items[j], report);
        if (lists_ports(network->env) && !is_open(network->env, all.items[i].port))
            deploy_report_add(report, DEPLOY_ERROR, all.items[i].place, all.items[i].path,
                              "add it to network.env.ambassadorPorts",
                              "%u is not among the ports that the proxy opens",
                              (unsigned)all.items[i].port);
    }
}
