#include "deploy/network/check.h"
#include "deploy/network/placeholder.h"

#include <stdio.h>

/* A secret in the file is one in every copy, backup and history of the file. */
static void check_secret(const struct deploy_text *secret, const char *path,
                         struct deploy_report *report)
{
    if (!secret->text || strncmp(secret->text, "env:", 4) == 0 ||
        strncmp(secret->text, "file:", 5) == 0 || deploy_placeholder_is(secret->text))
        return;
    deploy_report_add(report, DEPLOY_WARNING, secret->place, path,
                      "write a reference instead: env:NAME or file:PATH",
                      "is a secret, in clear, in a file that is shared");
}

void deploy_check_secrets(const struct deploy_network *network, struct deploy_report *report)
{
    if (network->docker)
        check_secret(&network->docker->password, "network.docker.password", report);
    for (size_t i = 0; i < network->organizations.count; i++) {
        const struct deploy_organization *organization = &network->organizations.items[i];
        char path[80];
        if (organization->vault) {
            snprintf(path, sizeof(path), "network.organizations[%zu].vault.root_token", i);
            check_secret(&organization->vault->root_token, path, report);
        }
        if (organization->gitops) {
            snprintf(path, sizeof(path), "network.organizations[%zu].gitops.password", i);
            check_secret(&organization->gitops->password, path, report);
        }
        if (organization->aws) {
            snprintf(path, sizeof(path), "network.organizations[%zu].aws.secret_key", i);
            check_secret(&organization->aws->secret_key, path, report);
        }
    }
    struct deploy_peer_at at;
    for (size_t i = 0; deploy_peer_at(&at, network, i); i++) {
        char path[128];
        snprintf(path, sizeof(path), "%s.geth_passphrase", at.path);
        check_secret(&at.peer->geth_passphrase, path, report);
    }
}
