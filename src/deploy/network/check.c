#include "deploy/network/check.h"

#include <stdio.h>

bool deploy_peer_at(struct deploy_peer_at *ret, const struct deploy_network *network, size_t index)
{
    for (size_t i = 0; i < network->organizations.count; i++) {
        const struct deploy_organization *organization = &network->organizations.items[i];
        if (!organization->services)
            continue;
        const struct deploy_peers *lists[] = {&organization->services->validators,
                                              &organization->services->peers};
        for (size_t kind = 0; kind < BASE_COUNT(lists); kind++) {
            if (index >= lists[kind]->count) {
                index -= lists[kind]->count;
                continue;
            }
            *ret = (struct deploy_peer_at){.organization = organization,
                                           .peer = &lists[kind]->items[index],
                                           .has_tm = kind == 1,
                                           .organization_index = i};
            snprintf(ret->path, sizeof(ret->path), "network.organizations[%zu].services.%s[%zu]", i,
                     kind ? "peers" : "validators", index);
            return true;
        }
    }
    return false;
}

static void check_type(const struct deploy_network *network, struct deploy_report *report)
{
    if (network->type.text && strcmp(network->type.text, "quorum") != 0)
        deploy_report_add(report, DEPLOY_ERROR, network->type.place, "network.type",
                          "Quorate brings up networks of type quorum",
                          "is \"%.40s\", another platform", network->type.text);
}

static void check_existing(const struct deploy_network *network, struct deploy_report *report)
{
    const struct deploy_config *config = network->config;
    if (!config || !config->bootnode)
        return;
    const struct {
        const struct deploy_text *text;
        const char *path;
    } files[] = {{&config->genesis, "network.config.genesis"},
                 {&config->staticnodes, "network.config.staticnodes"}};
    for (size_t i = 0; i < BASE_COUNT(files); i++)
        if (!files[i].text->text)
            deploy_report_add(report, DEPLOY_ERROR, config->consensus.place, files[i].path,
                              "give the file of the network that the new peers join",
                              "is missing, and a bootnode says that the network exists already");
}

void deploy_network_check(const struct deploy_network *network, enum deploy_target target,
                          struct deploy_report *report)
{
    check_type(network, report);
    check_existing(network, report);
    deploy_check_names(network, report);
    deploy_check_validators(network, report);
    deploy_check_managers(network, target, report);
    deploy_check_secrets(network, report);
    deploy_check_outside(network, target, report);
    if (target == DEPLOY_KUBERNETES)
        deploy_check_ports(network, report);
}
