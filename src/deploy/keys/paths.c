#include "deploy/keys/paths.h"

#include <stdio.h>

static const char default_mount[] = "secret"; /* of BAF 0.8.1 */

void deploy_namespace(char *ret_text, size_t size, const struct deploy_organization *organization)
{
    snprintf(ret_text, size, "%s-quo", organization->name.text);
}

static const char *last_of(enum deploy_secret_kind kind)
{
    switch (kind) {
    case DEPLOY_SECRET_QUORUM:
        return "quorum";
    case DEPLOY_SECRET_TRANSACTION:
        return "transaction";
    case DEPLOY_SECRET_CERTS:
        return "certs";
    case DEPLOY_SECRET_AUTHORITY:
        return "authority";
    }
    return "";
}

void deploy_secret_path(char ret_text[DEPLOY_SECRETS_PATH_MAX + 1],
                        const struct deploy_organization *organization,
                        const struct deploy_peer *peer, enum deploy_secret_kind kind)
{
    char names[64];
    const char *mount = organization->vault ? organization->vault->secret_path.text : NULL;
    deploy_namespace(names, sizeof(names), organization);
    if (!mount)
        mount = default_mount;
    if (kind == DEPLOY_SECRET_AUTHORITY)
        snprintf(ret_text, DEPLOY_SECRETS_PATH_MAX + 1, "%s/%s/%s", mount, names, last_of(kind));
    else
        snprintf(ret_text, DEPLOY_SECRETS_PATH_MAX + 1, "%s/%s/crypto/%s/%s", mount, names,
                 peer->name.text, last_of(kind));
}
