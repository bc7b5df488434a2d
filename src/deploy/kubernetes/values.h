/* What a peer's Helm release is given, and the release itself as Flux reads it. */
#ifndef DEPLOY_KUBERNETES_VALUES_H
#define DEPLOY_KUBERNETES_VALUES_H

#include "deploy/kubernetes/cluster.h"

/* The values of the peer's chart: those of BAF 0.8.1's charts, and ours where the file asks for it. Freed by json_decref. ERR_NOTFOUND (a
 * peer that joins a Raft cluster and has no id yet), ERR_NOMEM. */
int deploy_cluster_values(json_t **ret_values, const struct deploy_cluster *cluster, size_t index,
                          struct err_detail *detail) BASE_NODISCARD;
/* The object HelmRelease (helm.toolkit.fluxcd.io/v2) of a peer; `values` is borrowed. NULL: out of memory. */
json_t *deploy_cluster_helm_release(const struct deploy_cluster *cluster, size_t index,
                                    json_t *values);

#endif
