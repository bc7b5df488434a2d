/* One organization's cluster, always by the context and the kubeconfig that the network file names for it. */
#ifndef DEPLOY_KUBERNETES_KUBECTL_H
#define DEPLOY_KUBERNETES_KUBECTL_H

#include "deploy/kubernetes/cluster.h"
#include "deploy/kubernetes/tool.h"

/* A command on the organization's cluster, to be added to: "kubectl --kubeconfig … --context …". */
struct deploy_tool deploy_kubectl(const struct deploy_organization *organization);
/* The same of helm. */
struct deploy_tool deploy_helm(const struct deploy_organization *organization);

/* The cluster's address and its authority's certificates (PEM), as context, cluster and
 * server of the kubeconfig say. ERR_INPUT, ERR_IO, ERR_NOTFOUND. */
int deploy_kubectl_server(struct buf *ret_server, struct buf *ret_ca,
                          const struct deploy_organization *organization,
                          struct err_detail *detail) BASE_NODISCARD;
/* Whether an object is there. */
int deploy_kubectl_there(bool *ret_there, const struct deploy_organization *organization,
                         const json_t *object, struct err_detail *detail) BASE_NODISCARD;
/* Server-side apply; with `look_only` tells whether it would change anything. Another manager's fields are taken over. */
int deploy_kubectl_apply(const struct deploy_organization *organization, const json_t *object,
                         bool look_only, bool *ret_changes,
                         struct err_detail *detail) BASE_NODISCARD;

/* What an expression of the console gives in the node of a peer's pod, as text: "eth.blockNumber". ERR_IO. */
int deploy_kubectl_console(struct buf *ret_text, const struct deploy_cluster_peer *peer,
                           const char *expression, struct err_detail *detail) BASE_NODISCARD;

#endif
