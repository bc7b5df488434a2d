/* debug_getModifiedAccounts…: what changed between two blocks (GoQuorum, eth/api.go). */
#include "rpc/methods/dump.h"
#include "rpc/methods/methods.h"

struct difference {
    struct rpc_dump *dump;
    struct trie old;
    struct arena arena;
};

static int visit_difference(void *context, struct bytes key, struct bytes value, uint64_t link)
{
    (void)link;
    struct difference *x = context;
    struct rpc_dump *d = x->dump;
    struct bytes before;
    struct address address;
    struct hash256 hash;
    memcpy(hash.b, key.data, sizeof(hash.b));
    if (rpc_dump_is_late(d))
        return RPC_DUMP_STOPPED;
    int status = trie_get(&x->old, &before, NULL, key);
    if (status == 0 && bytes_equal(before, value))
        return 0;
    if (status && status != ERR_NOTFOUND)
        return status;
    status = state_preimages_address(&d->preimages, &address, &hash);
    if (status == ERR_NOTFOUND) {
        char text[65] = {0};
        hex_encode(text, key);
        d->status = rpc_fail(d->call, RPC_CODE_ERROR, "no preimage found for hash %s", text);
        return RPC_DUMP_STOPPED;
    }
    if (status)
        return status;
    rpc_item(d->call->out);
    rpc_write_address(d->call->out, &address);
    return d->call->out->len > RPC_DUMP_ANSWER_MAX ? RPC_DUMP_STOPPED : 0;
}

static int write_difference(struct rpc_call *call, uint64_t first, uint64_t last)
{
    struct rpc_block_id id = {.kind = RPC_AT_NUMBER, .number = last};
    struct state_reader old;
    struct rpc_dump d;
    if (first >= last)
        return rpc_fail(call, RPC_CODE_ERROR,
                        "start block height (%llu) must be less than end block height (%llu)",
                        (unsigned long long)first, (unsigned long long)last);
    int status = rpc_dump_open(&d, call, &id, false);
    if (status)
        return status;
    id.number = first;
    status = rpc_open_state(call, &d.reader, &old, &first, &id);
    if (status == 0) {
        struct difference x = {.dump = &d};
        arena_init_limited(&x.arena, RPC_DUMP_ANSWER_MAX);
        /* Keys are hashes already. */
        trie_init(&x.old, &x.arena, TRIE_PLAIN, old.txn, old.db->first_table + STATE_NODES,
                  &old.root, &d.reader.detail);
        size_t mark = call->out->len;
        buf_append_byte(call->out, '[');
        status = rpc_dump_walk(&d, &d.state.root, bytes_none(), visit_difference, &x);
        if (call->out->len > mark + 1)
            buf_append_byte(call->out, ']');
        else if (status == 0) { /* nil, as the reference writes a list without members */
            call->out->len = mark;
            rpc_write_null(call->out);
        }
        arena_release(&x.arena);
        if (call->out->len > RPC_DUMP_ANSWER_MAX)
            status = rpc_dump_too_large(call);
        else if (d.too_late)
            status = rpc_fail(call, RPC_CODE_ERROR, "execution timeout");
        else if (status < 0)
            status = rpc_reader_fail(call, &d.reader, status);
        else
            status = d.status;
    }
    rpc_dump_close(&d);
    return status;
}

/* The number of a block that was named by number or hash; the error as the reference words it. */
static int find_number(struct rpc_call *call, size_t arg, uint64_t *ret_number)
{
    const struct rpc_value *v = &call->args[arg];
    bool by_hash = call->method->params[arg].type == RPC_HASH;
    struct rpc_block_id id = {.kind = by_hash ? RPC_AT_HASH : RPC_AT_NUMBER};
    struct chain_reader reader;
    if (by_hash)
        id.hash = v->hash;
    else
        id.number = v->number;
    int status = rpc_reader_open(call, &reader);
    if (status)
        return status;
    status = rpc_find_block(&reader, ret_number, &id);
    if (status == ERR_NOTFOUND && by_hash) {
        char text[65] = {0};
        hex_encode(text, bytes_of(v->hash.b, 32));
        status =
            rpc_fail(call, RPC_CODE_ERROR, "%s block %s not found", arg ? "end" : "start", text);
    } else if (status == ERR_NOTFOUND) {
        status = rpc_fail(call, RPC_CODE_ERROR,
                          arg ? "end block %llu not found" : "start block %llx not found",
                          (unsigned long long)v->number);
    } else if (status) {
        status = rpc_reader_fail(call, &reader, status);
    }
    chain_reader_close(&reader);
    return status;
}

static int modified_accounts(struct rpc_call *call)
{
    uint64_t first, last;
    int status = find_number(call, 0, &first);
    if (status)
        return status;
    if (!call->args[1].given) {
        if (first == 0)
            return rpc_fail(call, RPC_CODE_ERROR, "block 0 has no parent");
        return write_difference(call, first - 1, first);
    }
    status = find_number(call, 1, &last);
    return status ? status : write_difference(call, first, last);
}

static const struct rpc_method methods[] = {
    {"debug_getModifiedAccountsByNumber",
     {{"first", RPC_NUMBER}, {"last", RPC_NUMBER, true}},
     .work = modified_accounts,
     .reads = true,
     .result = "array of addresses"},
    {"debug_getModifiedAccountsByHash",
     {{"first", RPC_HASH}, {"last", RPC_HASH, true}},
     .work = modified_accounts,
     .reads = true,
     .result = "array of addresses"},
};

const struct rpc_method_list rpc_methods_modified = {methods, BASE_COUNT(methods)};
