/*
 * A network on Kubernetes as files:
 *
 *     genesis.json, static-nodes.json
 *     <org>/release/<namespace>/…             plain objects, as BAF lays them out below release_dir
 *     <org>/release/<class>/…                 the storage class
 *     <org>/release/<org>/<org>/<release>.yaml  HelmRelease of each peer
 *     <org>/values/<release>.yaml             the same values for helm itself
 *     <org>/vault/{policy.hcl,role.json,paths.txt}
 *     <org>/secrets/…                         what must not go into git: mode 0600
 */
#ifndef DEPLOY_KUBERNETES_RENDER_H
#define DEPLOY_KUBERNETES_RENDER_H

#include "deploy/kubernetes/cluster.h"
#include "deploy/kubernetes/files.h"

/* Adds everything to `files`. The cluster is prepared. ERR_NOTFOUND, ERR_NOMEM. */
int deploy_render(struct deploy_files *files, const struct deploy_cluster *cluster,
                  struct err_detail *detail) BASE_NODISCARD;
/* What belongs to git, written below `folder`, where what is there is replaced: an organization's plain objects; one peer's release.
 * ERR_IO, ERR_NOTFOUND, ERR_NOMEM. */
int deploy_render_plain(const struct deploy_cluster *cluster, size_t organization_index,
                        const char *folder, struct err_detail *detail) BASE_NODISCARD;
int deploy_render_release(const struct deploy_cluster *cluster, size_t index, const char *folder,
                          struct err_detail *detail) BASE_NODISCARD;

#endif
