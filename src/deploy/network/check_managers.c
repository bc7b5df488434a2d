#include "deploy/network/check.h"

#include <stdio.h>

static const char path_nodes[] = "network.config.tm_nodes";

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static void check_url(const struct deploy_config *config, const struct deploy_text *node,
                      struct deploy_report *report)
{
    bool secure = begins(node->text, "https://");
    if (!secure && !begins(node->text, "http://")) {
        deploy_report_add(report, DEPLOY_ERROR, node->place, path_nodes, "write https://host:port",
                          "\"%.80s\" is no URL", node->text);
        return;
    }
    bool strict = config->tm_tls.value == DEPLOY_TLS_STRICT;
    if (secure != strict)
        deploy_report_add(report, DEPLOY_WARNING, node->place, path_nodes,
                          strict ? "write https://" : "write http://, or set tm_tls to strict",
                          "\"%.80s\" does not agree with tm_tls: %s", node->text,
                          strict ? "strict" : "off");
}

static void check_constellation(const struct deploy_config *config, struct deploy_report *report)
{
    const struct deploy_texts *nodes = &config->tm_nodes;
    if (config->database.given && config->database.value == DEPLOY_MYSQL)
        deploy_report_add(report, DEPLOY_ERROR, config->database.place, "network.config.database",
                          "leave it out, or write transaction_manager: tessera",
                          "is mysql, and Constellation's dialect has no such database");
    if (nodes->count > 1)
        deploy_report_add(report, DEPLOY_ERROR, nodes->place, path_nodes,
                          "give one boot node; Constellation finds the others from there",
                          "has %zu URLs", nodes->count);
    for (size_t i = 0; i < nodes->count; i++) {
        const char *text = nodes->items[i].text;
        size_t length = strlen(text);
        if (length && text[length - 1] != '/')
            deploy_report_add(
                report, DEPLOY_ERROR, nodes->items[i].place, path_nodes,
                "write a / at its end: Constellation tells URLs apart by their letters",
                "\"%.80s\" has no / at its end", text);
    }
}

static void check_tessera(const struct deploy_network *network, enum deploy_target target,
                          struct deploy_report *report)
{
    struct deploy_peer_at at;
    for (size_t i = 0; target == DEPLOY_KUBERNETES && deploy_peer_at(&at, network, i); i++) {
        char path[112];
        snprintf(path, sizeof(path), "%s.db", at.path);
        bool embedded =
            network->config->database.given && network->config->database.value == DEPLOY_SQLITE;
        if (at.has_tm && !at.peer->db && !embedded)
            deploy_report_add(report, DEPLOY_ERROR, at.peer->place, path,
                              "add db: with port: 3306, or set network.config.database to sqlite",
                              "is missing: Tessera's pod has a database server");
    }
}

void deploy_check_managers(const struct deploy_network *network, enum deploy_target target,
                           struct deploy_report *report)
{
    const struct deploy_config *config = network->config;
    if (!config || config->transaction_manager.value == DEPLOY_TM_NONE)
        return;
    if (target == DEPLOY_KUBERNETES && !config->tm_nodes.count)
        deploy_report_add(report, DEPLOY_ERROR, config->transaction_manager.place, path_nodes,
                          "give the URLs of all transaction managers, or set transaction_manager "
                          "to none",
                          "is missing");
    for (size_t i = 0; i < config->tm_nodes.count; i++)
        check_url(config, &config->tm_nodes.items[i], report);
    if (config->transaction_manager.value == DEPLOY_CONSTELLATION)
        check_constellation(config, report);
    else
        check_tessera(network, target, report);
}
