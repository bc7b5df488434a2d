/* The objects of an organization that no chart makes: namespace, accounts, binding, storage class, secrets of registry and proxy. */
#ifndef DEPLOY_KUBERNETES_OBJECTS_H
#define DEPLOY_KUBERNETES_OBJECTS_H

#include "deploy/kubernetes/cluster.h"

struct deploy_cluster_object {
    char file[96]; /* as BAF names it: "namespace.yaml" */
    bool secret;   /* never in git, never in a file that others may read */
    bool shared; /* of the whole cluster, and of other organizations in it: kept when one leaves */
    json_t *object;
};

enum { DEPLOY_CLUSTER_OBJECTS_MAX = 8 + DEPLOY_CLUSTER_PEERS_MAX };

/* In the order in which they are made; the objects are the caller's (deploy_cluster_objects_drop). ERR_NOTFOUND (a
 * reference to the registry's password that leads nowhere), ERR_NOMEM. */
int deploy_cluster_objects(struct deploy_cluster_object ret[DEPLOY_CLUSTER_OBJECTS_MAX],
                           size_t *ret_count, const struct deploy_cluster *cluster,
                           const struct deploy_organization *organization,
                           struct err_detail *detail) BASE_NODISCARD;
/* Overwrites the texts of secrets, then frees. */
void deploy_cluster_objects_drop(struct deploy_cluster_object *objects, size_t count);

#endif
