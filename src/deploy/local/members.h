/* Who takes part in the agreement of a running network: votes of IBFT and QBFT, the members of a Raft cluster. */
#ifndef DEPLOY_LOCAL_MEMBERS_H
#define DEPLOY_LOCAL_MEMBERS_H

#include "deploy/local/site.h"

/* Whether a peer is a validator by the newest block of the first node that answers. ERR_NOTFOUND when none does. */
int deploy_members_is_validator(bool *ret_is, const struct deploy_site *site, size_t index,
                                struct err_detail *detail) BASE_NODISCARD;

/* All validators of the file vote a peer in or out, until every node that answers says so; then the proposals are
 * withdrawn. Nothing is done when it is so already. ERR_IO when it does not come about in `seconds`: too few validators
 * are in this file, or run. Identities are needed. */
int deploy_members_vote(const struct deploy_site *site, size_t index, bool in, uint64_t seconds,
                        struct err_detail *detail) BASE_NODISCARD;

/* Makes a peer that does not run yet a member of the Raft cluster, a learner without `votes`; its number is written
 * down, so that the node joins by it. One that is a member keeps its number. ERR_IO, ERR_INPUT. */
int deploy_members_raft_add(struct deploy_site *site, size_t index, bool votes,
                            struct err_detail *detail) BASE_NODISCARD;
/* A learner votes from now on. ERR_NOTFOUND: no member; ERR_INPUT; ERR_IO when the cluster has not agreed in `seconds`. */
int deploy_members_raft_promote(const struct deploy_site *site, size_t index, uint64_t seconds,
                                struct err_detail *detail) BASE_NODISCARD;
/* The cluster is without it when this returns: only then may its node end, which may be the leader. Nothing is done for one
 * that is no member. */
int deploy_members_raft_remove(const struct deploy_site *site, size_t index, uint64_t seconds,
                               struct err_detail *detail) BASE_NODISCARD;

#endif
