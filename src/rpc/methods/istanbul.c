/* istanbul: validators and votes (GoQuorum, consensus/istanbul/backend/api.go). */
#include "consensus/istanbul/seals.h"
#include "rpc/methods/methods.h"
#include "rpc/methods/votes.h"

static const struct istanbul_config *configuration(const struct rpc_call *call)
{
    return &chain_configuration(call->backend->chain)->istanbul;
}

/* --- Validators --- */

static int write_validators(struct rpc_call *call, struct chain_reader *reader, uint64_t number)
{
    struct istanbul_set set;
    int status = chain_validators_after(reader, &set, number);
    if (status)
        return status;
    rpc_votes_write_members(call->out, &set);
    istanbul_set_release(&set);
    return 0;
}

static int get_validators(struct rpc_call *call)
{
    return rpc_votes_at_block(call, write_validators);
}

static int write_is_validator(struct rpc_call *call, struct chain_reader *reader, uint64_t number)
{
    struct istanbul_set set;
    int status = chain_validators_after(reader, &set, number);
    if (status)
        return status;
    rpc_write_bool(call->out, istanbul_set_has(&set, &call->backend->node_address));
    istanbul_set_release(&set);
    return 0;
}

/* An unknown block has no validators here. */
static int is_validator(struct rpc_call *call)
{
    int status = rpc_votes_at_block(call, write_is_validator);
    if (status == RPC_FAILED && bytes_equal(call->text, bytes_str("unknown block"))) {
        rpc_write_bool(call->out, false);
        return 0;
    }
    return status;
}

/* --- Signers --- */

static int write_committers(struct rpc_call *call, enum istanbul_engine engine,
                            const struct eth_header *header)
{
    struct buf committers = BUF_INIT;
    int status = istanbul_committers(engine, header, &committers);
    if (status > 0)
        status = rpc_fail(call, RPC_CODE_ERROR, "%s",
                          istanbul_verdict_text((enum istanbul_verdict)status));
    if (status == 0 && committers.len == 0) {
        rpc_write_null(call->out);
    } else if (status == 0) {
        buf_append_byte(call->out, '[');
        for (size_t i = 0; i + 20 <= committers.len; i += 20) {
            rpc_item(call->out);
            rpc_write_bytes(call->out, bytes_of(committers.data + i, 20));
        }
        buf_append_byte(call->out, ']');
    }
    buf_release(&committers);
    return status;
}

static int write_signers(struct rpc_call *call, struct chain_reader *reader, uint64_t number)
{
    struct eth_header header;
    struct hash256 hash;
    struct address author = {{0}};
    enum istanbul_engine engine = istanbul_engine_at(configuration(call), number);
    int status = chain_reader_header(reader, &header, number);
    if (status == 0)
        status = chain_reader_hash(reader, &hash, number);
    /* Block 0 has no seals: of QBFT its author is nobody, of IBFT the missing one is a fault. */
    if (status == 0 && number == 0 && engine == ISTANBUL_IBFT)
        status = rpc_fail(call, RPC_CODE_ERROR, "invalid signature length");
    if (status == 0 && number > 0) {
        status = istanbul_author(engine, &header, &author);
        if (status > 0)
            status = rpc_fail(call, RPC_CODE_ERROR, "%s",
                              istanbul_verdict_text((enum istanbul_verdict)status));
    }
    if (status)
        return status;
    buf_append_byte(call->out, '{');
    rpc_key(call->out, "Number");
    buf_append_format(call->out, "%llu", (unsigned long long)number);
    rpc_put_hash(call->out, "Hash", &hash);
    rpc_put_address(call->out, "Author", &author);
    rpc_key(call->out, "Committers");
    if (number == 0)
        rpc_write_null(call->out);
    else
        status = write_committers(call, engine, &header);
    buf_append_byte(call->out, '}');
    return status;
}

static int get_signers(struct rpc_call *call)
{
    return rpc_votes_at_block(call, write_signers);
}

/* --- Snapshots --- */

static int write_snapshot(struct rpc_call *call, struct chain_reader *reader, uint64_t number)
{
    struct istanbul_snapshot snapshot;
    struct buf *b = call->out;
    int status = chain_snapshot(reader, &snapshot, number);
    if (status)
        return status;
    buf_append_byte(b, '{');
    rpc_key(b, "epoch");
    buf_append_format(b, "%llu", (unsigned long long)snapshot.epoch);
    rpc_key(b, "number");
    buf_append_format(b, "%llu", (unsigned long long)snapshot.number);
    rpc_put_hash(b, "hash", &snapshot.hash);
    rpc_key(b, "votes");
    rpc_votes_write_cast(b, &snapshot, "validator");
    rpc_key(b, "tally");
    rpc_votes_write_tally(b, &snapshot);
    rpc_key(b, "validators");
    rpc_votes_write_members(b, &snapshot.set);
    rpc_key(b, "policy");
    buf_append_format(b, "%d", (int)snapshot.policy);
    buf_append_byte(b, '}');
    istanbul_snapshot_release(&snapshot);
    return 0;
}

static int get_snapshot(struct rpc_call *call)
{
    return rpc_votes_at_block(call, write_snapshot);
}

/* --- Activity --- */

static int author_of(void *context, const struct eth_header *header, struct address *ret_author)
{
    return istanbul_author(istanbul_engine_at(configuration(context), header->number), header,
                           ret_author);
}

static int write_status(struct rpc_call *call, struct chain_reader *reader,
                        const struct rpc_votes_range *range)
{
    struct istanbul_set set;
    struct map counts;
    int status = chain_validators_after(reader, &set, range->to);
    if (status)
        return status;
    status = rpc_votes_count(&counts, reader, range, &set, author_of, call);
    if (status == 0) {
        buf_append_byte(call->out, '{');
        rpc_votes_write_activity(call->out, &counts, range);
        buf_append_byte(call->out, '}');
    }
    map_release(&counts);
    istanbul_set_release(&set);
    return status;
}

static int get_status(struct rpc_call *call)
{
    return rpc_votes_in_range(call, false, write_status);
}

/* --- This validator --- */

static int node_address(struct rpc_call *call)
{
    rpc_write_address(call->out, &call->backend->node_address);
    return 0;
}

#define AT      {"block", RPC_BLOCK, true}
#define HASH    {"hash", RPC_HASH}
#define ADDRESS {"address", RPC_ADDRESS}

static const struct rpc_method methods[] = {
    {"istanbul_nodeAddress", {{0}}, .run = node_address, .result = "address"},
    {"istanbul_getValidators", {AT}, .work = get_validators, .result = "array of addresses"},
    {"istanbul_getValidatorsAtHash",
     {HASH},
     .work = get_validators,
     .result = "array of addresses"},
    {"istanbul_isValidator", {AT}, .work = is_validator, .result = "true or false"},
    {"istanbul_getSignersFromBlock", {AT}, .work = get_signers, .result = "author and committers"},
    {"istanbul_getSignersFromBlockByHash",
     {HASH},
     .work = get_signers,
     .result = "author and committers"},
    {"istanbul_getSnapshot", {AT}, .work = get_snapshot, .result = "snapshot of the voting"},
    {"istanbul_getSnapshotAtHash",
     {HASH},
     .work = get_snapshot,
     .result = "snapshot of the voting"},
    {"istanbul_status",
     {{"start", RPC_BLOCK, true}, {"end", RPC_BLOCK, true}},
     .work = get_status,
     .reads = true,
     .result = "blocks by validator"},
    {"istanbul_candidates", {{0}}, .run = rpc_votes_list, .result = "votes by address"},
    {"istanbul_propose",
     {ADDRESS, {"authorize", RPC_BOOL}},
     .run = rpc_votes_propose,
     .result = "null"},
    {"istanbul_discard", {ADDRESS}, .run = rpc_votes_discard, .result = "null"},
};

const struct rpc_method_list rpc_methods_istanbul = {methods, BASE_COUNT(methods)};
