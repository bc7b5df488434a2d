#include "node/validator/votes.h"

#include "base/mem.h"

void node_votes_release(struct node_votes *votes)
{
    mem_free(votes->list);
    *votes = (struct node_votes){0};
}

int node_votes_propose(struct node_votes *votes, const struct address *candidate, bool authorize)
{
    for (size_t i = 0; i < votes->count; i++) {
        if (address_equal(&votes->list[i].candidate, candidate)) {
            votes->list[i].authorize = authorize;
            return ERR_OK;
        }
    }
    if (votes->count == NODE_VOTES_MAX)
        return ERR_LIMIT;
    struct node_vote *more = mem_realloc(votes->list, (votes->count + 1) * sizeof(*more));
    if (!more)
        return ERR_NOMEM;
    votes->list = more;
    votes->list[votes->count++] = (struct node_vote){*candidate, authorize};
    return ERR_OK;
}

void node_votes_discard(struct node_votes *votes, const struct address *candidate)
{
    for (size_t i = 0; i < votes->count; i++) {
        if (!address_equal(&votes->list[i].candidate, candidate))
            continue;
        memmove(&votes->list[i], &votes->list[i + 1],
                (votes->count - i - 1) * sizeof(*votes->list));
        votes->count--;
        return;
    }
}

void node_votes_pick(struct node_votes *votes, const struct istanbul_set *set,
                     struct chain_prepare *prepare)
{
    for (size_t i = 0; i < votes->count; i++) {
        const struct node_vote *vote = &votes->list[votes->turn++ % votes->count];
        if (istanbul_set_has(set, &vote->candidate) == vote->authorize)
            continue;
        prepare->has_vote = true;
        prepare->candidate = vote->candidate;
        prepare->authorize = vote->authorize;
        return;
    }
}
