/* istanbul: validators and votes (GoQuorum, consensus/istanbul/backend/api.go). */
#include "base/map.h"
#include "consensus/istanbul/seals.h"
#include "consensus/istanbul/snapshot.h"
#include "rpc/methods/methods.h"
#include "rpc/methods/votes.h"
#include "rpc/run/lookup.h"

enum {
    /* Blocks of istanbul_status: some seconds of work. GoQuorum has no limit. */
    STATUS_BLOCKS_MAX = 1000000,
};

static const struct istanbul_config *configuration(const struct rpc_call *call)
{
    return &chain_configuration(call->backend->chain)->istanbul;
}

/* The block of the first argument, by number, tag or hash; the head when it is not given. */
static int find(struct rpc_call *call, struct chain_reader *reader, uint64_t *ret_number,
                const struct rpc_value *arg, enum rpc_type type)
{
    struct rpc_block_id id = {.kind = RPC_AT_LATEST};
    if (type == RPC_HASH)
        id = (struct rpc_block_id){.kind = RPC_AT_HASH, .hash = arg->hash};
    else if (arg->given)
        id = arg->block;
    int status = id.kind == RPC_AT_PENDING ? ERR_NOTFOUND : rpc_find_block(reader, ret_number, &id);
    if (status == ERR_NOTFOUND)
        return rpc_fail(call, RPC_CODE_ERROR, "unknown block");
    return status ? rpc_reader_fail(call, reader, status) : 0;
}

typedef int at_fn(struct rpc_call *call, struct chain_reader *reader, uint64_t number);

static int at_block(struct rpc_call *call, at_fn *fn)
{
    struct chain_reader reader;
    uint64_t number;
    int status = rpc_reader_open(call, &reader);
    if (status)
        return status;
    status = find(call, &reader, &number, &call->args[0], call->method->params[0].type);
    if (status == 0) {
        status = fn(call, &reader, number);
        if (status != 0 && status != RPC_FAILED)
            status = rpc_reader_fail(call, &reader, status);
    }
    chain_reader_close(&reader);
    return status;
}

/* --- Validators --- */

static void write_members(struct buf *b, const struct istanbul_set *set)
{
    buf_append_byte(b, '[');
    for (size_t i = 0; i < set->count; i++) {
        rpc_item(b);
        rpc_write_address(b, &set->members[i]);
    }
    buf_append_byte(b, ']');
}

static int write_validators(struct rpc_call *call, struct chain_reader *reader, uint64_t number)
{
    struct istanbul_set set;
    int status = chain_validators_after(reader, &set, number);
    if (status)
        return status;
    write_members(call->out, &set);
    istanbul_set_release(&set);
    return 0;
}

static int get_validators(struct rpc_call *call)
{
    return at_block(call, write_validators);
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
    int status = at_block(call, write_is_validator);
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
    rpc_key(call->out, "Hash");
    rpc_write_hash(call->out, &hash);
    rpc_key(call->out, "Author");
    rpc_write_address(call->out, &author);
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
    return at_block(call, write_signers);
}

/* --- Snapshots --- */

static void write_votes(struct buf *b, const struct istanbul_snapshot *snapshot)
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
        rpc_key(b, "validator");
        rpc_write_address(b, &vote->validator);
        rpc_key(b, "block");
        buf_append_format(b, "%llu", (unsigned long long)vote->block);
        rpc_key(b, "address");
        rpc_write_address(b, &vote->candidate);
        rpc_key(b, "authorize");
        rpc_write_bool(b, vote->authorize);
        buf_append_byte(b, '}');
    }
    buf_append_byte(b, ']');
}

static void write_tally(struct buf *b, const struct istanbul_snapshot *snapshot)
{
    buf_append_byte(b, '{');
    for (size_t i = 0; i < snapshot->tally_count; i++) {
        const struct istanbul_tally *tally = &snapshot->tally[i];
        rpc_item(b);
        rpc_write_address(b, &tally->candidate);
        buf_append_text(b, ":{");
        rpc_key(b, "authorize");
        rpc_write_bool(b, tally->authorize);
        rpc_key(b, "votes");
        buf_append_format(b, "%u}", tally->votes);
    }
    buf_append_byte(b, '}');
}

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
    rpc_key(b, "hash");
    rpc_write_hash(b, &snapshot.hash);
    rpc_key(b, "votes");
    write_votes(b, &snapshot);
    rpc_key(b, "tally");
    write_tally(b, &snapshot);
    rpc_key(b, "validators");
    write_members(b, &snapshot.set);
    rpc_key(b, "policy");
    buf_append_format(b, "%d", (int)snapshot.policy);
    buf_append_byte(b, '}');
    istanbul_snapshot_release(&snapshot);
    return 0;
}

static int get_snapshot(struct rpc_call *call)
{
    return at_block(call, write_snapshot);
}

/* --- Activity --- */

struct range {
    uint64_t from, to, blocks; /* [from, to) are counted; `blocks` is what is said */
    uint64_t set_at;           /* whose validators stand in the answer */
};

static int choose_range(struct rpc_call *call, uint64_t head, struct range *ret)
{
    const struct rpc_value *from = &call->args[0], *to = &call->args[1];
    if (from->given && !to->given)
        return rpc_fail(call, RPC_CODE_ERROR, "pass the end block number");
    if (!from->given && to->given)
        return rpc_fail(call, RPC_CODE_ERROR, "pass the start block number");
    if (!from->given) {
        *ret = (struct range){head - 64, head, 64, head};
    } else {
        uint64_t start = from->block.kind == RPC_AT_NUMBER ? from->block.number : head;
        uint64_t end = to->block.kind == RPC_AT_NUMBER ? to->block.number : head;
        if (start > end)
            return rpc_fail(call, RPC_CODE_ERROR,
                            "start block number should be less than end block number");
        if (end > head)
            return rpc_fail(
                call, RPC_CODE_ERROR,
                "end block number should be less than or equal to current block height");
        *ret = (struct range){start, end, end - start, end};
    }
    if (ret->blocks >= ret->to) {
        ret->from = 1;
        ret->blocks = ret->to > 1 ? ret->to - 1 : 0;
    }
    if (ret->blocks > STATUS_BLOCKS_MAX)
        return rpc_fail(call, RPC_CODE_ERROR, "more than %d blocks: ask for fewer",
                        STATUS_BLOCKS_MAX);
    return 0;
}

static int count_authors(struct rpc_call *call, struct chain_reader *reader, struct map *counts,
                         const struct range *range)
{
    for (uint64_t number = range->from; number < range->to; number++) {
        struct eth_header header;
        struct address author;
        int status = chain_reader_header(reader, &header, number);
        if (status == 0)
            status =
                istanbul_author(istanbul_engine_at(configuration(call), number), &header, &author);
        if (status)
            return status > 0 ? ERR_CORRUPT : status;
        uint64_t *count = map_put(counts, author.b, NULL);
        if (!count)
            return ERR_NOMEM;
        ++*count;
    }
    return 0;
}

static int write_status(struct rpc_call *call, struct chain_reader *reader, uint64_t head)
{
    struct range range = {0};
    struct istanbul_set set;
    struct map counts;
    int status = choose_range(call, head, &range);
    if (status)
        return status;
    status = chain_validators_after(reader, &set, range.set_at);
    if (status)
        return status;
    map_init(&counts, sizeof(struct address), sizeof(uint64_t));
    for (size_t i = 0; status == 0 && i < set.count; i++)
        status = map_put(&counts, set.members[i].b, NULL) ? 0 : ERR_NOMEM;
    if (status == 0)
        status = count_authors(call, reader, &counts, &range);
    if (status == 0) {
        buf_append_text(call->out, "{\"sealerActivity\":{");
        for (size_t i = 0; i < map_count(&counts); i++) {
            rpc_item(call->out);
            rpc_write_bytes(call->out, bytes_of(map_key_at(&counts, i), 20));
            buf_append_format(call->out, ":%llu",
                              (unsigned long long)*(uint64_t *)map_value_at(&counts, i));
        }
        buf_append_format(call->out, "},\"numBlocks\":%llu}", (unsigned long long)range.blocks);
    }
    map_release(&counts);
    istanbul_set_release(&set);
    return status;
}

static int get_status(struct rpc_call *call)
{
    struct chain_reader reader;
    struct hash256 hash;
    uint64_t head;
    int status = rpc_reader_open(call, &reader);
    if (status)
        return status;
    status = chain_reader_head(&reader, &head, &hash);
    if (status == 0)
        status = write_status(call, &reader, head);
    if (status != 0 && status != RPC_FAILED)
        status = rpc_reader_fail(call, &reader, status);
    chain_reader_close(&reader);
    return status;
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
