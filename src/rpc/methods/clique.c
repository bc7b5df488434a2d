/* clique: signers and their votes (GoQuorum, consensus/clique/api.go). */
#include "consensus/clique/clique.h"
#include "rpc/methods/methods.h"
#include "rpc/methods/votes.h"

static void write_signers_and_recents(struct buf *b, const struct clique_snapshot *snapshot)
{
    const struct istanbul_set *signers = &snapshot->voting.set;
    rpc_key(b, "signers");
    buf_append_byte(b, '{');
    for (size_t i = 0; i < signers->count; i++) {
        rpc_item(b);
        rpc_write_address(b, &signers->members[i]);
        buf_append_text(b, ":{}");
    }
    buf_append_byte(b, '}');
    rpc_key(b, "recents");
    buf_append_byte(b, '{');
    for (size_t i = 0; i < snapshot->recent_count; i++) {
        rpc_item(b);
        buf_append_format(b, "\"%llu\":", (unsigned long long)snapshot->recents[i].number);
        rpc_write_address(b, &snapshot->recents[i].signer);
    }
    buf_append_byte(b, '}');
}

static int write_snapshot(struct rpc_call *call, struct chain_reader *reader, uint64_t number)
{
    struct clique_snapshot snapshot;
    struct buf *b = call->out;
    int status = chain_clique_snapshot(reader, &snapshot, number);
    if (status)
        return status;
    buf_append_byte(b, '{');
    rpc_key(b, "number");
    buf_append_format(b, "%llu", (unsigned long long)snapshot.voting.number);
    rpc_put_hash(b, "hash", &snapshot.voting.hash);
    write_signers_and_recents(b, &snapshot);
    rpc_key(b, "votes");
    rpc_votes_write_cast(b, &snapshot.voting, "signer");
    rpc_key(b, "tally");
    rpc_votes_write_tally(b, &snapshot.voting);
    buf_append_byte(b, '}');
    clique_snapshot_release(&snapshot);
    return 0;
}

static int get_snapshot(struct rpc_call *call)
{
    return rpc_votes_at_block(call, write_snapshot);
}

static int write_signers(struct rpc_call *call, struct chain_reader *reader, uint64_t number)
{
    struct clique_snapshot snapshot;
    int status = chain_clique_snapshot(reader, &snapshot, number);
    if (status)
        return status;
    rpc_votes_write_members(call->out, &snapshot.voting.set);
    clique_snapshot_release(&snapshot);
    return 0;
}

static int get_signers(struct rpc_call *call)
{
    return rpc_votes_at_block(call, write_signers);
}

/* --- clique_status --- */

/* Counts the blocks that were made in turn on its way. */
static int author_of(void *context, const struct eth_header *header, struct address *ret_author)
{
    uint64_t *in_turn = context;
    *in_turn += u256_is_u64(&header->difficulty) && header->difficulty.w[0] == CLIQUE_IN_TURN;
    return clique_author(header, ret_author);
}

static int write_status(struct rpc_call *call, struct chain_reader *reader,
                        const struct rpc_votes_range *range)
{
    struct clique_snapshot snapshot;
    struct map counts;
    uint64_t in_turn = 0;
    int status = chain_clique_snapshot(reader, &snapshot, range->to);
    if (status)
        return status;
    if (range->from == 0 && range->to > 0) { /* nobody has signed the genesis block */
        clique_snapshot_release(&snapshot);
        return rpc_fail(call, RPC_CODE_ERROR, "recovery failed");
    }
    status = rpc_votes_count(&counts, reader, range, &snapshot.voting.set, author_of, &in_turn);
    if (status == 0) {
        double percent = range->blocks ? 100.0 * (double)in_turn / (double)range->blocks : 0.0;
        buf_append_byte(call->out, '{');
        rpc_key(call->out, "inturnPercent");
        buf_append_format(call->out, "%.16g", percent);
        rpc_votes_write_activity(call->out, &counts, range);
        buf_append_byte(call->out, '}');
    }
    map_release(&counts);
    clique_snapshot_release(&snapshot);
    return status;
}

static int get_status(struct rpc_call *call)
{
    return rpc_votes_in_range(call, true, write_status);
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
