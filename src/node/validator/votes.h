/* Votes of this node on who makes blocks, that wait to be cast: istanbul_propose, clique_propose and their kin. */
#ifndef NODE_VALIDATOR_VOTES_H
#define NODE_VALIDATOR_VOTES_H

#include "chain/engine/engine.h"
#include "consensus/istanbul/set.h"

enum {
    /* One for each member that a set may have. */
    NODE_VOTES_MAX = ISTANBUL_SET_MAX,
};

struct node_vote {
    struct address candidate;
    bool authorize; /* true: to add */
};

/* Zeroed at first. */
struct node_votes {
    struct node_vote *list; /* addresses are distinct */
    size_t count, turn;
};

void node_votes_release(struct node_votes *votes);
/* Replaces the vote on that candidate. ERR_LIMIT, ERR_NOMEM. */
int node_votes_propose(struct node_votes *votes, const struct address *candidate,
                       bool authorize) BASE_NODISCARD;
void node_votes_discard(struct node_votes *votes, const struct address *candidate);
/* Puts the vote to cast into `prepare`: one that would change the set, each in turn. */
void node_votes_pick(struct node_votes *votes, const struct istanbul_set *set,
                     struct chain_prepare *prepare);

#endif
