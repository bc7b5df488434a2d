/* clique: signers and their votes (GoQuorum, consensus/clique/api.go). */
#include "consensus/clique/clique.h"
#include "base/map.h"
#include "rpc/methods/methods.h"
#include "rpc/methods/votes.h"
#include "rpc/run/lookup.h"

enum {
    STATUS_BLOCKS = 64,
    STATUS_BLOCKS_MAX = 1000000, /* headers that one request may read */
};

/* The block of the first argument; without one, the head. */
static int find(struct rpc_call *call, struct chain_reader *reader, uint64_t *ret_number)
{
    struct rpc_block_id id = {.kind = RPC_AT_LATEST};
    if (call->method->params[0].type == RPC_HASH)
        id = (struct rpc_block_id){.kind = RPC_AT_HASH, .hash = call->args[0].hash};
    else if (call->args[0].given)
        id = call->args[0].block;
    int status = rpc_find_block(reader, ret_number, &id);
    if (status == ERR_NOTFOUND)
        return rpc_fail(call, RPC_CODE_ERROR, "unknown block");
    return status ? rpc_reader_fail(call, reader, status) : 0;
}

typedef int write_fn(struct rpc_call *call, struct chain_reader *reader,
                     const struct clique_snapshot *snapshot);

static int at_snapshot(struct rpc_call *call, write_fn *write)
{
    struct clique_snapshot snapshot;
    struct chain_reader reader;
    uint64_t number;
    int status = rpc_reader_open(call, &reader);
    if (status)
        return status;
    status = find(call, &reader, &number);
    if (status == 0) {
        status = chain_clique_snapshot(&reader, &snapshot, number);
        if (status) {
            status = rpc_reader_fail(call, &reader, status);
        } else {
            status = write(call, &reader, &snapshot);
            clique_snapshot_release(&snapshot);
        }
    }
    chain_reader_close(&reader);
    return status;
}

static void write_votes(struct buf *b, const struct istanbul_snapshot *voting)
{
    /* As Go has it: no list at all where votes have just been forgotten. */
    if (voting->vote_count == 0 && voting->number % voting->epoch == 0) {
        rpc_write_null(b);
        return;
    }
    buf_append_byte(b, '[');
    for (size_t i = 0; i < voting->vote_count; i++) {
        const struct istanbul_vote *vote = &voting->votes[i];
        rpc_item(b);
        buf_append_text(b, "{\"signer\":");
        rpc_write_address(b, &vote->validator);
        buf_append_format(b, ",\"block\":%llu,\"address\":", (unsigned long long)vote->block);
        rpc_write_address(b, &vote->candidate);
        buf_append_format(b, ",\"authorize\":%s}", vote->authorize ? "true" : "false");
    }
    buf_append_byte(b, ']');
}

static int write_snapshot(struct rpc_call *call, struct chain_reader *reader,
                          const struct clique_snapshot *snapshot)
{
    (void)reader;
    const struct istanbul_snapshot *voting = &snapshot->voting;
    struct buf *b = call->out;
    buf_append_format(b, "{\"number\":%llu,\"hash\":", (unsigned long long)voting->number);
    rpc_write_hash(b, &voting->hash);
    buf_append_text(b, ",\"signers\":{");
    for (size_t i = 0; i < voting->set.count; i++) {
        rpc_item(b);
        rpc_write_address(b, &voting->set.members[i]);
        buf_append_text(b, ":{}");
    }
    buf_append_text(b, "},\"recents\":{");
    for (size_t i = 0; i < snapshot->recent_count; i++) {
        rpc_item(b);
        buf_append_format(b, "\"%llu\":", (unsigned long long)snapshot->recents[i].number);
        rpc_write_address(b, &snapshot->recents[i].signer);
    }
    buf_append_text(b, "},\"votes\":");
    write_votes(b, voting);
    buf_append_text(b, ",\"tally\":{");
    for (size_t i = 0; i < voting->tally_count; i++) {
        const struct istanbul_tally *tally = &voting->tally[i];
        rpc_item(b);
        rpc_write_address(b, &tally->candidate);
        buf_append_format(b, ":{\"authorize\":%s,\"votes\":%u}",
                          tally->authorize ? "true" : "false", tally->votes);
    }
    buf_append_text(b, "}}");
    return 0;
}

static int get_snapshot(struct rpc_call *call)
{
    return at_snapshot(call, write_snapshot);
}

static int write_signers(struct rpc_call *call, struct chain_reader *reader,
                         const struct clique_snapshot *snapshot)
{
    (void)reader;
    const struct istanbul_set *set = &snapshot->voting.set;
    buf_append_byte(call->out, '[');
    for (size_t i = 0; i < set->count; i++) {
        rpc_item(call->out);
        rpc_write_address(call->out, &set->members[i]);
    }
    buf_append_byte(call->out, ']');
    return 0;
}

static int get_signers(struct rpc_call *call)
{
    return at_snapshot(call, write_signers);
}

/* --- clique_status --- */

struct range {
    uint64_t start, end, blocks;
};

static int choose_range(struct rpc_call *call, struct chain_reader *reader, struct range *ret)
{
    const struct rpc_value *from = &call->args[0], *to = &call->args[1];
    struct hash256 hash;
    uint64_t head;
    int status = chain_reader_head(reader, &head, &hash);
    if (status)
        return rpc_reader_fail(call, reader, status);
    if (from->given && !to->given)
        return rpc_fail(call, RPC_CODE_ERROR, "pass the end block number");
    if (!from->given && to->given)
        return rpc_fail(call, RPC_CODE_ERROR, "pass the start block number");
    struct range range = {head - STATUS_BLOCKS, head, STATUS_BLOCKS};
    if (from->given) {
        range.start = from->block.kind == RPC_AT_NUMBER ? from->block.number : head;
        range.end = to->block.kind == RPC_AT_NUMBER ? to->block.number : head;
        if (range.start > range.end)
            return rpc_fail(call, RPC_CODE_ERROR,
                            "start block number should be less than end block number");
        if (range.end > head)
            return rpc_fail(
                call, RPC_CODE_ERROR,
                "end block number should be less than or equal to current block height");
        range.blocks = range.end - range.start;
    }
    if (range.blocks > range.end) {
        range.start = 1;
        range.blocks = range.end > 1 ? range.end - 1 : 0;
    }
    if (range.blocks > STATUS_BLOCKS_MAX)
        return rpc_fail(call, RPC_CODE_ERROR, "more than %d blocks: ask for fewer",
                        STATUS_BLOCKS_MAX);
    *ret = range;
    return 0;
}

static int count_blocks(struct chain_reader *reader, const struct range *range, struct map *counts,
                        uint64_t *ret_in_turn)
{
    for (uint64_t n = range->start; n < range->end; n++) {
        struct eth_header header;
        struct address signer = {{0}};
        int status = chain_reader_header(reader, &header, n);
        if (status == 0 && n > 0)
            status = clique_author(&header, &signer);
        if (status)
            return status > 0 ? ERR_CORRUPT : status;
        *ret_in_turn += u256_is_u64(&header.difficulty) && header.difficulty.w[0] == 2;
        uint64_t *count = map_put(counts, &signer, NULL);
        if (!count)
            return ERR_NOMEM;
        ++*count;
    }
    return 0;
}

static int write_status(struct rpc_call *call, struct chain_reader *reader,
                        const struct range *range, const struct istanbul_set *signers)
{
    struct map counts;
    uint64_t in_turn = 0;
    int status = 0;
    map_init(&counts, sizeof(struct address), sizeof(uint64_t));
    for (size_t i = 0; i < signers->count && status == 0; i++)
        status = map_put(&counts, &signers->members[i], NULL) ? 0 : ERR_NOMEM;
    if (status == 0)
        status = count_blocks(reader, range, &counts, &in_turn);
    if (status == 0) {
        double percent = range->blocks ? 100.0 * (double)in_turn / (double)range->blocks : 0.0;
        buf_append_format(call->out, "{\"inturnPercent\":%.16g,\"sealerActivity\":{", percent);
        for (size_t i = 0; i < map_count(&counts); i++) {
            rpc_item(call->out);
            rpc_write_address(call->out, map_key_at(&counts, i));
            buf_append_format(call->out, ":%llu",
                              (unsigned long long)*(uint64_t *)map_value_at(&counts, i));
        }
        buf_append_format(call->out, "},\"numBlocks\":%llu}", (unsigned long long)range->blocks);
    }
    map_release(&counts);
    return status;
}

static int get_status(struct rpc_call *call)
{
    struct clique_snapshot snapshot;
    struct chain_reader reader;
    struct range range = {0};
    int status = rpc_reader_open(call, &reader);
    if (status)
        return status;
    status = choose_range(call, &reader, &range);
    if (status == 0) {
        status = chain_clique_snapshot(&reader, &snapshot, range.end);
        if (status == 0) {
            status = write_status(call, &reader, &range, &snapshot.voting.set);
            clique_snapshot_release(&snapshot);
        }
        if (status)
            status = rpc_reader_fail(call, &reader, status);
    }
    chain_reader_close(&reader);
    return status;
}

#define BLOCK {"block", RPC_BLOCK, true}
#define HASH  {"hash", RPC_HASH}

static const struct rpc_method methods[] = {
    {"clique_getSnapshot", {BLOCK}, .work = get_snapshot, .result = "the state of voting"},
    {"clique_getSnapshotAtHash", {HASH}, .work = get_snapshot, .result = "the state of voting"},
    {"clique_getSigners", {BLOCK}, .work = get_signers, .result = "array of addresses"},
    {"clique_getSignersAtHash", {HASH}, .work = get_signers, .result = "array of addresses"},
    {"clique_proposals", {{0}}, .run = rpc_votes_list, .result = "votes by address"},
    {"clique_propose",
     {{"address", RPC_ADDRESS}, {"authorize", RPC_BOOL}},
     .run = rpc_votes_propose,
     .result = "null"},
    {"clique_discard", {{"address", RPC_ADDRESS}}, .run = rpc_votes_discard, .result = "null"},
    {"clique_status",
     {{"start", RPC_BLOCK, true}, {"end", RPC_BLOCK, true}},
     .work = get_status,
     .reads = true,
     .result = "inturnPercent, sealerActivity, numBlocks"},
};

const struct rpc_method_list rpc_methods_clique = {methods, BASE_COUNT(methods)};
