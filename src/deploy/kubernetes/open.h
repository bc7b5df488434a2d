/* What every command on clusters begins with: the file, checked for clusters, laid out. */
#ifndef DEPLOY_KUBERNETES_OPEN_H
#define DEPLOY_KUBERNETES_OPEN_H

#include "deploy/kubernetes/cluster.h"

struct deploy_cluster_context {
    struct arena arena;
    struct buf content;
    struct deploy_report report;
    const struct deploy_network *network;
    struct deploy_cluster *cluster;
};

/* Errors of the file are printed as `check` prints them, and give ERR_INPUT. Released by
 * deploy_cluster_close in any case. `options` and `path` are borrowed. */
int deploy_cluster_open(struct deploy_cluster_context *ret_context, const char *path,
                        const struct deploy_cluster_options *options,
                        struct err_detail *detail) BASE_NODISCARD;
void deploy_cluster_close(struct deploy_cluster_context *context);

#endif
