#include "deploy/network/check.h"

#include <stdio.h>

static bool makes_blocks(const struct deploy_peer *peer)
{
    return peer->type.value == DEPLOY_VALIDATOR;
}

static void check_raft(const struct deploy_network *network, struct deploy_report *report)
{
    struct deploy_peer_at at;
    for (size_t i = 0; deploy_peer_at(&at, network, i); i++) {
        if (at.peer->raft)
            continue;
        char path[112];
        snprintf(path, sizeof(path), "%s.raft", at.path);
        deploy_report_add(report, DEPLOY_ERROR, at.peer->place, path,
                          "add raft: with port (50401) and ambassador",
                          "is missing, and the network's consensus is raft");
    }
}

static void check_votes(const struct deploy_network *network, struct deploy_report *report)
{
    size_t validators = 0;
    struct deploy_peer_at at;
    for (size_t i = 0; deploy_peer_at(&at, network, i); i++)
        validators += makes_blocks(at.peer);
    const struct deploy_place place = network->config->consensus.place;
    if (validators == 0 && !network->config->bootnode)
        deploy_report_add(report, DEPLOY_ERROR, place, "network.config.consensus",
                          "give at least one peer the type validator",
                          "a new network needs a validator, and there is none");
    else if (validators > 0 && validators < 4 && !network->config->bootnode)
        deploy_report_add(report, DEPLOY_WARNING, place, "network.config.consensus",
                          "four validators bear the loss of one",
                          "%zu validator%s: the network stands still when one is away", validators,
                          validators == 1 ? "" : "s");
}

void deploy_check_validators(const struct deploy_network *network, struct deploy_report *report)
{
    for (size_t i = 0; i < network->organizations.count; i++) {
        const struct deploy_organization *organization = &network->organizations.items[i];
        const struct deploy_services *services = organization->services;
        char path[64];
        snprintf(path, sizeof(path), "network.organizations[%zu].services", i);
        if (services && services->peers.count + services->validators.count == 0)
            deploy_report_add(report, DEPLOY_ERROR, organization->place, path,
                              "add one under peers", "has no node");
    }
    if (!network->config || network->config->consensus.value < 0)
        return;
    if (network->config->consensus.value == DEPLOY_RAFT)
        check_raft(network, report);
    else
        check_votes(network, report);
}
