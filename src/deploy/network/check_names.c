#include "deploy/network/check.h"

#include <stdio.h>

enum {
    NAME_MAX_LENGTH = 30, /* Bevel's schema, for organizations and peers alike */
};

/* DNS-1123: [a-z0-9]([-a-z0-9]*[a-z0-9])? */
static bool is_label(const char *text)
{
    size_t length = strlen(text);
    return length && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == length &&
           text[0] != '-' && text[length - 1] != '-';
}

static void check_name(const struct deploy_text *name, const char *path,
                       struct deploy_report *report)
{
    if (!name->text)
        return;
    if (!is_label(name->text))
        deploy_report_add(report, DEPLOY_ERROR, name->place, path,
                          "use lower-case letters, digits and inner hyphens",
                          "\"%.60s\" cannot be part of a host name", name->text);
    else if (strlen(name->text) > NAME_MAX_LENGTH)
        deploy_report_add(report, DEPLOY_ERROR, name->place, path, "use at most 30 characters",
                          "\"%.60s\" is too long", name->text);
}

static void check_organizations(const struct deploy_network *network, struct deploy_report *report)
{
    for (size_t i = 0; i < network->organizations.count; i++) {
        const struct deploy_organization *organization = &network->organizations.items[i];
        char path[64];
        snprintf(path, sizeof(path), "network.organizations[%zu].name", i);
        check_name(&organization->name, path, report);
        for (size_t j = 0; organization->name.text && j < i; j++) {
            const struct deploy_text *other = &network->organizations.items[j].name;
            if (other->text && strcmp(other->text, organization->name.text) == 0)
                deploy_report_add(report, DEPLOY_ERROR, organization->name.place, path,
                                  "every organization has a namespace of its own name",
                                  "\"%s\" is the name of the organization of line %u already",
                                  other->text, (unsigned)other->place.line);
        }
    }
}

static void check_peer_names(const struct deploy_network *network, struct deploy_report *report)
{
    struct deploy_peer_at at, other;
    for (size_t i = 0; deploy_peer_at(&at, network, i); i++) {
        char path[112];
        snprintf(path, sizeof(path), "%s.name", at.path);
        check_name(&at.peer->name, path, report);
        for (size_t j = 0; j < i && at.peer->name.text && deploy_peer_at(&other, network, j); j++)
            if (other.organization == at.organization && other.peer->name.text &&
                strcmp(other.peer->name.text, at.peer->name.text) == 0)
                deploy_report_add(report, DEPLOY_ERROR, at.peer->name.place, path,
                                  "names of an organization's nodes differ",
                                  "\"%s\" is the name of the node of line %u already",
                                  at.peer->name.text, (unsigned)other.peer->name.place.line);
    }
}

void deploy_check_names(const struct deploy_network *network, struct deploy_report *report)
{
    check_organizations(network, report);
    check_peer_names(network, report);
    if (!network->organizations.count && network->organizations.place.line)
        deploy_report_add(report, DEPLOY_ERROR, network->organizations.place,
                          "network.organizations", "add one with a name and a peer", "has none");
}
