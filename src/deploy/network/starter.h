/* A network.yaml to start from, with a comment to each field. */
#ifndef DEPLOY_NETWORK_STARTER_H
#define DEPLOY_NETWORK_STARTER_H

#include "deploy/network/network.h"

enum { DEPLOY_STARTER_ORGANIZATIONS_MAX = 50 };

struct deploy_starter {
    enum deploy_consensus consensus;
    enum deploy_tm transaction_manager;
    const char *const *organizations; /* names, which are their peers' names as well */
    size_t count;                     /* 1 … DEPLOY_STARTER_ORGANIZATIONS_MAX */
    bool cluster;                     /* with placeholders for clusters, Vault and git */
};

/* Appends the file. Fails as `text` does: buf_status. */
void deploy_starter_format(struct buf *text, const struct deploy_starter *starter);

#endif
