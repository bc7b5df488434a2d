/* Snapshots as bytes: [1, epoch, number, hash, policy, [validators], [[validator, block, candidate, authorize] …],
 * [[candidate, authorize, votes] …]]. */
#include "consensus/istanbul/snapshot.h"

#include "base/mem.h"
#include "rlp/rlp.h"

enum {
    VERSION = 1,
    VALIDATOR_SIZE = 21,                    /* encoded */
    VOTE_SIZE = 1 + 2 * VALIDATOR_SIZE + 2, /* at least */
    TALLY_SIZE = 1 + VALIDATOR_SIZE + 2,    /* at least */
};

void istanbul_snapshot_write(struct buf *b, const struct istanbul_snapshot *s)
{
    size_t list = rlp_begin(b);
    rlp_write_u64(b, VERSION);
    rlp_write_u64(b, s->epoch);
    rlp_write_u64(b, s->number);
    rlp_write_hash(b, &s->hash);
    rlp_write_u64(b, s->policy);
    size_t validators = rlp_begin(b);
    for (size_t i = 0; i < s->set.count; i++)
        rlp_write_address(b, &s->set.members[i]);
    rlp_end_list(b, validators);
    size_t votes = rlp_begin(b);
    for (size_t i = 0; i < s->vote_count; i++) {
        size_t vote = rlp_begin(b);
        rlp_write_address(b, &s->votes[i].validator);
        rlp_write_u64(b, s->votes[i].block);
        rlp_write_address(b, &s->votes[i].candidate);
        rlp_write_bool(b, s->votes[i].authorize);
        rlp_end_list(b, vote);
    }
    rlp_end_list(b, votes);
    size_t tallies = rlp_begin(b);
    for (size_t i = 0; i < s->tally_count; i++) {
        size_t tally = rlp_begin(b);
        rlp_write_address(b, &s->tally[i].candidate);
        rlp_write_bool(b, s->tally[i].authorize);
        rlp_write_u64(b, s->tally[i].votes);
        rlp_end_list(b, tally);
    }
    rlp_end_list(b, tallies);
    rlp_end_list(b, list);
}

static int read_set(struct istanbul_snapshot *s, struct rlp_reader *r)
{
    rlp_enter(r, "validators");
    size_t count = rlp_count(r, VALIDATOR_SIZE, "validators");
    struct address *members = mem_alloc(count * sizeof(*members));
    if (!members)
        return ERR_NOMEM;
    for (size_t i = 0; i < count; i++)
        members[i] = rlp_read_address(r, "validator");
    rlp_leave(r, "validators");
    int status = rlp_ok(r) ? istanbul_set_assign(&s->set, members, count) : ERR_OK;
    mem_free(members);
    return status == ERR_LIMIT ? ERR_CORRUPT : status;
}

static int read_votes(struct istanbul_snapshot *s, struct rlp_reader *r)
{
    rlp_enter(r, "votes");
    size_t count = rlp_count(r, VOTE_SIZE, "votes");
    s->votes = mem_alloc_zeroed(count + 1, sizeof(*s->votes));
    if (!s->votes)
        return ERR_NOMEM;
    s->vote_capacity = count + 1;
    for (; rlp_more(r); s->vote_count++) {
        struct istanbul_vote *vote = &s->votes[s->vote_count];
        rlp_enter(r, "vote");
        vote->validator = rlp_read_address(r, "validator");
        vote->block = rlp_read_u64(r, "block");
        vote->candidate = rlp_read_address(r, "candidate");
        vote->authorize = rlp_read_bool(r, "authorize");
        rlp_leave(r, "vote");
    }
    rlp_leave(r, "votes");
    return ERR_OK;
}

static int read_tallies(struct istanbul_snapshot *s, struct rlp_reader *r)
{
    rlp_enter(r, "tallies");
    size_t count = rlp_count(r, TALLY_SIZE, "tallies");
    s->tally = mem_alloc_zeroed(count + 1, sizeof(*s->tally));
    if (!s->tally)
        return ERR_NOMEM;
    s->tally_capacity = count + 1;
    for (; rlp_more(r); s->tally_count++) {
        struct istanbul_tally *tally = &s->tally[s->tally_count];
        rlp_enter(r, "tally");
        tally->candidate = rlp_read_address(r, "candidate");
        tally->authorize = rlp_read_bool(r, "authorize");
        uint64_t votes = rlp_read_u64(r, "votes");
        if (votes > ISTANBUL_SET_MAX)
            rlp_fail(r, RLP_OVERFLOW, "votes");
        tally->votes = (uint32_t)votes;
        rlp_leave(r, "tally");
    }
    rlp_leave(r, "tallies");
    return ERR_OK;
}

int istanbul_snapshot_read(struct istanbul_snapshot *snapshot, struct bytes data)
{
    istanbul_snapshot_release(snapshot);
    struct rlp_reader r;
    rlp_reader_init(&r, data);
    rlp_enter(&r, "snapshot");
    uint64_t version = rlp_read_u64(&r, "version");
    snapshot->epoch = rlp_read_u64(&r, "epoch");
    snapshot->number = rlp_read_u64(&r, "number");
    snapshot->hash = rlp_read_hash(&r, "hash");
    uint64_t policy = rlp_read_u64(&r, "policy");
    snapshot->policy = policy == ISTANBUL_STICKY ? ISTANBUL_STICKY : ISTANBUL_ROUND_ROBIN;
    int status = read_set(snapshot, &r);
    if (status == ERR_OK)
        status = read_votes(snapshot, &r);
    if (status == ERR_OK)
        status = read_tallies(snapshot, &r);
    rlp_leave(&r, "snapshot");
    if (status == ERR_OK &&
        (rlp_finish(&r, NULL, "snapshot") != ERR_OK || version != VERSION || !snapshot->epoch))
        status = ERR_CORRUPT;
    if (status != ERR_OK)
        istanbul_snapshot_release(snapshot);
    return status;
}
