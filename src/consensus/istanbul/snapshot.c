#include "consensus/istanbul/snapshot.h"

#include "base/mem.h"
#include "consensus/istanbul/hash.h"

void istanbul_snapshot_init(struct istanbul_snapshot *snapshot)
{
    *snapshot = (struct istanbul_snapshot){.set = ISTANBUL_SET_INIT};
}

void istanbul_snapshot_release(struct istanbul_snapshot *snapshot)
{
    istanbul_set_release(&snapshot->set);
    mem_free(snapshot->votes);
    mem_free(snapshot->tally);
    istanbul_snapshot_init(snapshot);
}

/* Room for so many votes, and for counts of so many candidates. */
static int reserve(struct istanbul_snapshot *s, size_t votes, size_t candidates)
{
    int status = MEM_RESERVE(s->votes, s->vote_capacity, votes, 8);
    return status == ERR_OK ? MEM_RESERVE(s->tally, s->tally_capacity, candidates, 8) : status;
}

int istanbul_snapshot_copy(struct istanbul_snapshot *snapshot, const struct istanbul_snapshot *from)
{
    if (snapshot == from)
        return ERR_OK;
    int status = reserve(snapshot, from->vote_count, from->tally_count);
    if (status == ERR_OK)
        status = istanbul_set_copy(&snapshot->set, &from->set);
    if (status != ERR_OK)
        return status;
    snapshot->epoch = from->epoch;
    snapshot->number = from->number;
    snapshot->hash = from->hash;
    snapshot->policy = from->policy;
    snapshot->vote_count = from->vote_count;
    snapshot->tally_count = from->tally_count;
    if (from->vote_count)
        memcpy(snapshot->votes, from->votes, from->vote_count * sizeof(*from->votes));
    if (from->tally_count)
        memcpy(snapshot->tally, from->tally, from->tally_count * sizeof(*from->tally));
    return ERR_OK;
}

static int assign_from_extra(struct istanbul_set *set, enum istanbul_engine engine,
                             const struct eth_header *genesis)
{
    struct istanbul_extra extra;
    if (!istanbul_extra_decode(&extra, engine, genesis->extra))
        return ISTANBUL_BAD_EXTRA;
    struct address *members = mem_alloc(extra.validator_count * sizeof(*members));
    if (!members)
        return ERR_NOMEM;
    for (size_t i = 0; i < extra.validator_count; i++)
        members[i] = istanbul_extra_validator(&extra, i);
    int status = istanbul_set_assign(set, members, extra.validator_count);
    mem_free(members);
    return status;
}

int istanbul_snapshot_genesis(struct istanbul_snapshot *snapshot,
                              const struct istanbul_config *config,
                              const struct eth_header *genesis)
{
    struct istanbul_params params;
    istanbul_params_at(config, 0, &params);
    struct hash256 hash;
    size_t count;
    const struct address *configured = istanbul_validators_at(config, 0, &count);
    int status = istanbul_block_hash(genesis, &hash);
    if (status != ERR_OK)
        return status;
    status = configured ? istanbul_set_assign(&snapshot->set, configured, count)
                        : assign_from_extra(&snapshot->set, params.engine, genesis);
    if (status != ISTANBUL_VALID)
        return status;
    snapshot->epoch = params.epoch;
    snapshot->number = 0;
    snapshot->hash = hash;
    snapshot->policy = params.policy;
    snapshot->vote_count = 0;
    snapshot->tally_count = 0;
    return ISTANBUL_VALID;
}

/* Whether a vote would change anything: to add who is not in, to remove who is. */
static bool vote_matters(const struct istanbul_snapshot *snapshot, const struct address *candidate,
                         bool authorize)
{
    return istanbul_set_has(&snapshot->set, candidate) != authorize;
}

bool istanbul_snapshot_votes_null(const struct istanbul_snapshot *snapshot)
{
    return snapshot->vote_count == 0 &&
           (snapshot->number == 0 || snapshot->number % snapshot->epoch == 0);
}

/* Index of the candidate's tally, or tally_count. */
static size_t find_tally(const struct istanbul_snapshot *s, const struct address *candidate)
{
    size_t i = 0;
    while (i < s->tally_count && !address_equal(&s->tally[i].candidate, candidate))
        i++;
    return i;
}

static void remove_vote(struct istanbul_snapshot *s, size_t i)
{
    s->vote_count--;
    memmove(s->votes + i, s->votes + i + 1, (s->vote_count - i) * sizeof(*s->votes));
}

static void remove_tally(struct istanbul_snapshot *s, size_t i)
{
    s->tally_count--;
    memmove(s->tally + i, s->tally + i + 1, (s->tally_count - i) * sizeof(*s->tally));
}

/* Takes a vote out of the tally, when it was counted there. */
static void uncount(struct istanbul_snapshot *s, const struct istanbul_vote *vote)
{
    size_t i = find_tally(s, &vote->candidate);
    if (i == s->tally_count || s->tally[i].authorize != vote->authorize)
        return;
    if (s->tally[i].votes > 1)
        s->tally[i].votes--;
    else
        remove_tally(s, i);
}

static void drop_previous_vote(struct istanbul_snapshot *s, const struct address *author,
                               const struct address *candidate)
{
    for (size_t i = 0; i < s->vote_count; i++)
        if (address_equal(&s->votes[i].validator, author) &&
            address_equal(&s->votes[i].candidate, candidate)) {
            uncount(s, &s->votes[i]);
            remove_vote(s, i);
            return;
        }
}

/* Counts a vote that matters. Room for it was reserved. */
static void cast(struct istanbul_snapshot *s, const struct istanbul_vote *vote)
{
    if (!vote_matters(s, &vote->candidate, vote->authorize))
        return;
    size_t i = find_tally(s, &vote->candidate);
    if (i == s->tally_count)
        s->tally[s->tally_count++] = (struct istanbul_tally){vote->candidate, vote->authorize, 0};
    s->tally[i].votes++;
    s->votes[s->vote_count++] = *vote;
}

/* The candidate has a majority: changes the set and forgets what was voted about it, and by it when it is out. */
static int pass(struct istanbul_snapshot *s, const struct address *candidate, bool authorize)
{
    if (authorize) {
        int status = istanbul_set_add(&s->set, candidate);
        if (status != ERR_OK)
            return status;
    } else {
        (void)istanbul_set_remove(&s->set, candidate);
    }
    for (size_t i = 0; !authorize && i < s->vote_count;) {
        if (address_equal(&s->votes[i].validator, candidate)) {
            uncount(s, &s->votes[i]);
            remove_vote(s, i);
        } else {
            i++;
        }
    }
    for (size_t i = 0; i < s->vote_count;) {
        if (address_equal(&s->votes[i].candidate, candidate))
            remove_vote(s, i);
        else
            i++;
    }
    size_t tally = find_tally(s, candidate);
    if (tally < s->tally_count)
        remove_tally(s, tally);
    return ERR_OK;
}

int istanbul_snapshot_count(struct istanbul_snapshot *s, const struct istanbul_vote *vote)
{
    int status = reserve(s, s->vote_count + 1, s->tally_count + 1);
    if (status != ERR_OK)
        return status;
    drop_previous_vote(s, &vote->validator, &vote->candidate);
    cast(s, vote);
    size_t tally = find_tally(s, &vote->candidate);
    if (tally < s->tally_count && s->tally[tally].votes > s->set.count / 2)
        return pass(s, &vote->candidate, s->tally[tally].authorize);
    return ERR_OK;
}

int istanbul_snapshot_apply(struct istanbul_snapshot *snapshot,
                            const struct istanbul_config *config, const struct eth_header *header,
                            const struct hash256 *hash)
{
    if (header->number != snapshot->number + 1)
        return ISTANBUL_BAD_CHAIN;
    enum istanbul_engine engine = istanbul_engine_at(config, header->number);
    struct istanbul_vote vote = {.block = header->number};
    int status = istanbul_author(engine, header, &vote.validator);
    if (status != ISTANBUL_VALID)
        return status;
    if (!istanbul_set_has(&snapshot->set, &vote.validator))
        return ISTANBUL_NOT_AUTHORIZED;
    status = istanbul_read_vote(engine, header, &vote.candidate, &vote.authorize);
    if (status != ISTANBUL_VALID)
        return status;
    if (header->number % snapshot->epoch == 0) {
        snapshot->vote_count = 0;
        snapshot->tally_count = 0;
    }
    status = istanbul_snapshot_count(snapshot, &vote);
    if (status != ERR_OK)
        return status;
    snapshot->number = header->number;
    snapshot->hash = *hash;
    if (header->number % ISTANBUL_CHECKPOINT == 0) {
        struct istanbul_params params;
        istanbul_params_at(config, header->number, &params);
        snapshot->epoch = params.epoch;
    }
    size_t count;
    const struct address *configured = istanbul_validators_at(config, header->number, &count);
    return configured ? istanbul_set_assign(&snapshot->set, configured, count) : ISTANBUL_VALID;
}

int istanbul_snapshot_set_validators(struct istanbul_snapshot *snapshot,
                                     const struct address *validators, size_t count)
{
    return istanbul_set_assign(&snapshot->set, validators, count);
}
