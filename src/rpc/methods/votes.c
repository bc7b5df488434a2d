#include "rpc/methods/votes.h"

enum {
    RANGE_BLOCKS = 64,
    /* Some seconds of work. GoQuorum has no limit. */
    RANGE_BLOCKS_MAX = 1000000,
};

/* --- What this node votes for --- */

static void write_candidate(void *context, const struct rpc_candidate *candidate)
{
    rpc_item(context);
    rpc_write_address(context, &candidate->address);
    buf_append_byte(context, ':');
    rpc_write_bool(context, candidate->authorize);
}

int rpc_votes_list(struct rpc_call *call)
{
    const struct rpc_backend *backend = call->backend;
    buf_append_byte(call->out, '{');
    if (backend->candidates)
        backend->candidates(backend->context, write_candidate, call->out);
    buf_append_byte(call->out, '}');
    return 0;
}

int rpc_votes_propose(struct rpc_call *call)
{
    const struct rpc_backend *backend = call->backend;
    if (backend->propose)
        backend->propose(backend->context, &call->args[0].address, call->args[1].boolean);
    return rpc_null(call);
}

int rpc_votes_discard(struct rpc_call *call)
{
    const struct rpc_backend *backend = call->backend;
    if (backend->discard)
        backend->discard(backend->context, &call->args[0].address);
    return rpc_null(call);
}

/* --- At a block --- */

static int find(struct rpc_call *call, struct chain_reader *reader, uint64_t *ret_number)
{
    const struct rpc_value *arg = &call->args[0];
    struct rpc_block_id id = {.kind = RPC_AT_LATEST};
    if (call->method->params[0].type == RPC_HASH)
        id = (struct rpc_block_id){.kind = RPC_AT_HASH, .hash = arg->hash};
    else if (arg->given)
        id = arg->block;
    int status = id.kind == RPC_AT_PENDING ? ERR_NOTFOUND : rpc_find_block(reader, ret_number, &id);
    return status == ERR_NOTFOUND ? rpc_fail(call, RPC_CODE_ERROR, "unknown block") : status;
}

int rpc_votes_at_block(struct rpc_call *call, rpc_votes_at_fn *fn)
{
    struct chain_reader reader;
    uint64_t number;
    int status = rpc_reader_open(call, &reader);
    if (status)
        return status;
    status = find(call, &reader, &number);
    if (status == 0)
        status = fn(call, &reader, number);
    if (status != 0 && status != RPC_FAILED)
        status = rpc_reader_fail(call, &reader, status);
    chain_reader_close(&reader);
    return status;
}

void rpc_votes_write_members(struct buf *b, const struct istanbul_set *set)
{
    buf_append_byte(b, '[');
    for (size_t i = 0; i < set->count; i++) {
        rpc_item(b);
        rpc_write_address(b, &set->members[i]);
    }
    buf_append_byte(b, ']');
}

void rpc_votes_write_cast(struct buf *b, const struct istanbul_snapshot *snapshot,
                          const char *voter)
{
    if (istanbul_snapshot_votes_null(snapshot)) {
        rpc_write_null(b);
        return;
    }
    buf_append_byte(b, '[');
    for (size_t i = 0; i < snapshot->vote_count; i++) {
        const struct istanbul_vote *vote = &snapshot->votes[i];
        rpc_item(b);
        buf_append_byte(b, '{');
        rpc_put_address(b, voter, &vote->validator);
        rpc_key(b, "block");
        buf_append_format(b, "%llu", (unsigned long long)vote->block);
        rpc_put_address(b, "address", &vote->candidate);
        rpc_put_bool(b, "authorize", vote->authorize);
        buf_append_byte(b, '}');
    }
    buf_append_byte(b, ']');
}

void rpc_votes_write_tally(struct buf *b, const struct istanbul_snapshot *snapshot)
{
    buf_append_byte(b, '{');
    for (size_t i = 0; i < snapshot->tally_count; i++) {
        const struct istanbul_tally *tally = &snapshot->tally[i];
        rpc_item(b);
        rpc_write_address(b, &tally->candidate);
        buf_append_text(b, ":{");
        rpc_put_bool(b, "authorize", tally->authorize);
        rpc_key(b, "votes");
        buf_append_format(b, "%u}", tally->votes);
    }
    buf_append_byte(b, '}');
}

/* --- Who sealed the blocks of a range --- */

static int choose_range(struct rpc_call *call, uint64_t head, struct rpc_votes_range *ret)
{
    const struct rpc_value *from = &call->args[0], *to = &call->args[1];
    if (from->given && !to->given)
        return rpc_fail(call, RPC_CODE_ERROR, "pass the end block number");
    if (!from->given && to->given)
        return rpc_fail(call, RPC_CODE_ERROR, "pass the start block number");
    if (!from->given) {
        *ret = (struct rpc_votes_range){head - RANGE_BLOCKS, head, RANGE_BLOCKS};
        return 0;
    }
    uint64_t start = from->block.kind == RPC_AT_NUMBER ? from->block.number : head;
    uint64_t end = to->block.kind == RPC_AT_NUMBER ? to->block.number : head;
    if (start > end)
        return rpc_fail(call, RPC_CODE_ERROR,
                        "start block number should be less than end block number");
    if (end > head)
        return rpc_fail(call, RPC_CODE_ERROR,
                        "end block number should be less than or equal to current block height");
    *ret = (struct rpc_votes_range){start, end, end - start};
    return 0;
}

int rpc_votes_in_range(struct rpc_call *call, bool with_genesis, rpc_votes_range_fn *fn)
{
    struct rpc_votes_range range = {0};
    struct chain_reader reader;
    struct hash256 hash;
    uint64_t head;
    int status = rpc_reader_open(call, &reader);
    if (status)
        return status;
    status = chain_reader_head(&reader, &head, &hash);
    if (status == 0)
        status = choose_range(call, head, &range);
    if (range.blocks > range.to || (range.blocks == range.to && !with_genesis)) {
        range.from = 1;
        range.blocks = range.to > 1 ? range.to - 1 : 0;
    }
    if (status == 0 && range.blocks > RANGE_BLOCKS_MAX)
        status =
            rpc_fail(call, RPC_CODE_ERROR, "more than %d blocks: ask for fewer", RANGE_BLOCKS_MAX);
    if (status == 0)
        status = fn(call, &reader, &range);
    if (status != 0 && status != RPC_FAILED)
        status = rpc_reader_fail(call, &reader, status);
    chain_reader_close(&reader);
    return status;
}

int rpc_votes_count(struct map *ret_counts, struct chain_reader *reader,
                    const struct rpc_votes_range *range, const struct istanbul_set *set,
                    rpc_votes_author_fn *author, void *context)
{
    map_init(ret_counts, sizeof(struct address), sizeof(uint64_t));
    for (size_t i = 0; i < set->count; i++)
        if (!map_put(ret_counts, &set->members[i], NULL))
            return ERR_NOMEM;
    for (uint64_t number = range->from; number < range->to; number++) {
        struct eth_header header;
        struct address one;
        int status = chain_reader_header(reader, &header, number);
        if (status == 0)
            status = author(context, &header, &one);
        if (status)
            return status > 0 ? ERR_CORRUPT : status;
        uint64_t *count = map_put(ret_counts, &one, NULL);
        if (!count)
            return ERR_NOMEM;
        ++*count;
    }
    return 0;
}

void rpc_votes_write_activity(struct buf *b, const struct map *counts,
                              const struct rpc_votes_range *range)
{
    rpc_key(b, "sealerActivity");
    buf_append_byte(b, '{');
    for (size_t i = 0; i < map_count(counts); i++) {
        rpc_item(b);
        rpc_write_address(b, map_key_at(counts, i));
        buf_append_format(b, ":%llu", (unsigned long long)*(uint64_t *)map_value_at(counts, i));
    }
    buf_append_byte(b, '}');
    rpc_key(b, "numBlocks");
    buf_append_format(b, "%llu", (unsigned long long)range->blocks);
}
