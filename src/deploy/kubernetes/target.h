/*
 * A network on real clusters: what is missing is made, what differs is changed, each told of. Everything that was made is
 * found again by its name, so that a second run changes nothing and `down` leaves nothing behind that it should not.
 */
#ifndef DEPLOY_KUBERNETES_TARGET_H
#define DEPLOY_KUBERNETES_TARGET_H

#include "deploy/kubernetes/open.h"

#include <jansson.h>

struct deploy_target_options {
    const char *charts; /* folder of the charts */
    const char *
        checkout; /* GitOps: a checkout of the organizations' repository, or a folder with one an organization; NULL: directly */
    uint64_t wait_seconds; /* for each peer; 0: do not wait */
    bool look_only;        /* a plan: told, not done */
};

/* What was changed, or would be. */
struct deploy_changes {
    size_t count;
    json_t *list; /* borrowed: each is put here as {"organization", "what"}; NULL: printed */
};

/* Vaults, keys, objects, releases, in this order; then waits until every pod is ready and has blocks. A release that is there and
 * differs is upgraded when those before it are in sync again: one peer at a time. */
int deploy_target_up(struct deploy_cluster_context *context,
                     const struct deploy_target_options *options, struct deploy_changes *changes,
                     struct err_detail *detail) BASE_NODISCARD;
/* Prints a table (or JSON); *ret_well: every pod is ready and every node answers. */
int deploy_target_status(const struct deploy_cluster *cluster, bool as_json, bool *ret_well,
                         struct err_detail *detail) BASE_NODISCARD;
/* Takes the releases away; with `purge` claims, namespaces, bindings, the vaults' login and the secrets as well. */
int deploy_target_down(const struct deploy_cluster *cluster, bool purge,
                       struct err_detail *detail) BASE_NODISCARD;
/* In <data>/kubernetes/, with the organization's name: what the file said when its last peer left. */
#define DEPLOY_TARGET_LEFT "left-"
/* One organization's namespace with its claims, binding, login and secrets. */
int deploy_target_purge(const struct deploy_cluster *cluster,
                        const struct deploy_organization *organization,
                        struct err_detail *detail) BASE_NODISCARD;
/* All validators of ours vote for (or against) a peer; waits until it is in (or out), then their proposals are withdrawn.
 * In a Raft cluster a learner is made a voter by `in`; ERR_UNSUPPORTED for the way back. */
int deploy_target_vote(const struct deploy_cluster *cluster, size_t index, bool in,
                       uint64_t wait_seconds, struct err_detail *detail) BASE_NODISCARD;
/* Whether those that stay agree without a peer: ERR_USAGE names those that are down, and how many must run. ERR_IO when
 * nobody answers. *ret_in: it votes, or is a member of the Raft cluster, so that it must be taken out first. */
int deploy_target_may_leave(const struct deploy_cluster *cluster, size_t index, bool *ret_in,
                            struct err_detail *detail) BASE_NODISCARD;
/* Looks at tools, contexts, vaults, keys and certificates, and prints what is not well. *ret_well: all is. */
int deploy_target_doctor(struct deploy_cluster *cluster, bool *ret_well,
                         struct err_detail *detail) BASE_NODISCARD;

/* --- Parts --- */

/* Makes the engine of one organization's vault where it is missing. */
int deploy_target_engine(const struct deploy_organization *organization,
                         struct err_detail *detail) BASE_NODISCARD;
/* Writes one organization's release files into its checkout, commits and pushes. */
int deploy_target_push(const struct deploy_cluster *cluster, size_t organization_index,
                       const struct deploy_target_options *options, struct deploy_changes *changes,
                       struct err_detail *detail) BASE_NODISCARD;
/* Until a peer's pod is ready, and its node within a few blocks of the furthest one. ERR_IO after `seconds`. */
int deploy_target_await(const struct deploy_cluster *cluster, size_t index, uint64_t seconds,
                        struct err_detail *detail) BASE_NODISCARD;
/* Makes a peer that does not run yet a member of the Raft cluster (a learner where its type is non-validator), and keeps
 * its id. ERR_IO, ERR_INPUT. */
int deploy_target_join_raft(const struct deploy_cluster *cluster, size_t index,
                            struct err_detail *detail) BASE_NODISCARD;
/* Peers that `up` has brought here and the file no longer names: voted out (of a Raft cluster removed), then their
 * releases are taken away, by helm or out of the checkout. The cluster is prepared. ERR_USAGE (deploy_target_may_leave). */
int deploy_target_leavers(struct deploy_cluster *now, const struct deploy_target_options *options,
                          struct deploy_changes *changes, struct err_detail *detail) BASE_NODISCARD;
/* ERR_EXISTS when all that `up` has brought here would leave: that is another network's file. */
int deploy_target_same_network(const struct deploy_cluster *now,
                               struct err_detail *detail) BASE_NODISCARD;
/* Takes one peer's release file out of its organization's checkout, commits and pushes. */
int deploy_target_push_away(const struct deploy_cluster *cluster, size_t index,
                            const struct deploy_target_options *options,
                            struct err_detail *detail) BASE_NODISCARD;
/* Takes a peer's release away by helm; its claims stay. */
int deploy_target_uninstall(const struct deploy_cluster_peer *peer, const char *release,
                            struct err_detail *detail) BASE_NODISCARD;
/* The images that the releases on the clusters have; what is not known stays as it is. They live in `arena`. */
void deploy_target_images(const char **image, const char **database_image,
                          const struct deploy_cluster *cluster, struct arena *arena);
/* Whether a release is as `values` say. */
enum deploy_release_state { DEPLOY_RELEASE_ABSENT, DEPLOY_RELEASE_SAME, DEPLOY_RELEASE_DIFFERS };
int deploy_target_release_state(enum deploy_release_state *ret,
                                const struct deploy_cluster *cluster, size_t index,
                                const json_t *values, struct err_detail *detail) BASE_NODISCARD;
/* "made   carrier: policy x" or, when nothing changes, nothing at all; counts. `organization` may be NULL: all of them. */
void deploy_target_tell(struct deploy_changes *changes, const char *organization, const char *what,
                        bool changed, bool look_only);

#endif
