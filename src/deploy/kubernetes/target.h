/*
 * A network on real clusters: what is missing is made, what differs is changed, each told of. Everything that was made is
 * found again by its name, so that a second run changes nothing and `down` leaves nothing behind that it should not.
 */
#ifndef DEPLOY_KUBERNETES_TARGET_H
#define DEPLOY_KUBERNETES_TARGET_H

#include "deploy/kubernetes/open.h"

struct deploy_target_options {
    const char *charts; /* folder of the charts */
    const char *
        checkout; /* GitOps: a checkout of the organizations' repository, or a folder with one an organization; NULL: directly */
    uint64_t wait_seconds; /* for each peer; 0: do not wait */
    bool look_only;        /* a plan: told, not done */
};

/* Vaults, keys, objects, releases, in this order; then waits until every pod is ready and has blocks. A release that is there and
 * differs is upgraded when those before it are in sync again: one peer at a time. *ret_changes counts them. */
int deploy_target_up(struct deploy_cluster_context *context,
                     const struct deploy_target_options *options, size_t *ret_changes,
                     struct err_detail *detail) BASE_NODISCARD;
/* Prints a table (or JSON); *ret_well: every pod is ready and every node answers. */
int deploy_target_status(const struct deploy_cluster *cluster, bool as_json, bool *ret_well,
                         struct err_detail *detail) BASE_NODISCARD;
/* Takes the releases away; with `purge` claims, namespaces, bindings, the vaults' login and the secrets as well. */
int deploy_target_down(const struct deploy_cluster *cluster, bool purge,
                       struct err_detail *detail) BASE_NODISCARD;
/* All validators vote for (or against) a peer; waits until it is in (or out). ERR_UNSUPPORTED for Raft. */
int deploy_target_vote(struct deploy_cluster *cluster, const char *name, bool in,
                       uint64_t wait_seconds, struct err_detail *detail) BASE_NODISCARD;
/* Looks at tools, contexts and vaults, and prints what is not well. *ret_well: all is. */
int deploy_target_doctor(const struct deploy_cluster *cluster, bool *ret_well,
                         struct err_detail *detail) BASE_NODISCARD;

/* --- Parts --- */

/* Sets up the vaults of all organizations: engine, policy, login, role. *ret_engines: none lacks its engine. */
int deploy_target_vaults(const struct deploy_cluster *cluster, bool look_only, size_t *changes,
                         bool *ret_engines, struct err_detail *detail) BASE_NODISCARD;
/* Makes the engine of one organization's vault where it is missing. */
int deploy_target_engine(const struct deploy_organization *organization,
                         struct err_detail *detail) BASE_NODISCARD;
/* Writes one organization's release files into its checkout, commits and pushes. */
int deploy_target_push(const struct deploy_cluster *cluster, size_t organization_index,
                       const struct deploy_target_options *options, size_t *changes,
                       struct err_detail *detail) BASE_NODISCARD;
/* Until a peer's pod is ready, and its node within a few blocks of the furthest one. ERR_IO after `seconds`. */
int deploy_target_await(const struct deploy_cluster *cluster, size_t index, uint64_t seconds,
                        struct err_detail *detail) BASE_NODISCARD;
/* "make     policy x" or, when nothing changes, nothing at all; counts. */
void deploy_target_tell(size_t *changes, const char *organization, const char *what, bool changed,
                        bool look_only);

#endif
