#include "deploy/network/placeholder.h"

/* As they stand in the samples of BAF 0.8.1 and Bevel 1.1. */
static const char *const words[] = {
    "cluster_context",  "cluster_config",   "vault_addr",      "vault_root_token",
    "aws_access_key",   "aws_secret_key",   "docker_username", "docker_password",
    "git_username",     "git_access_token", "git_email",       "path_to_private_key",
    "github_username",  "github_email",     "true/false",      "git password / token",
    "GIT_USERNAME",     "GIT_TOKEN",        "GIT_EMAIL",       "VAULT_ADDR",
    "VAULT_ROOT_TOKEN",
};

bool deploy_placeholder_is(const char *text)
{
    for (size_t i = 0; i < BASE_COUNT(words); i++)
        if (strcmp(words[i], text) == 0)
            return true;
    /* "<Your Vault root token>", "https://github.com/<username>/...": nothing that is meant has both. */
    const char *open = strchr(text, '<');
    return (open && strchr(open, '>')) ||
           strncmp(text, "/home/user/blockchain-automation-framework/", 43) == 0 ||
           strncmp(text, "/home/blockchain-automation-framework/", 38) == 0;
}

void deploy_placeholder_report(struct deploy_report *report, const char *path,
                               const struct deploy_yaml *node, const struct deploy_field *field,
                               bool unused)
{
    if (unused)
        deploy_report_add(report, DEPLOY_NOTE, node->place, path, "",
                          "still the sample's \"%s\"; not used on one machine", node->text);
    else
        deploy_report_add(report, DEPLOY_ERROR, node->place, path, field->help,
                          "still the sample's placeholder \"%s\"; fill it in", node->text);
}
