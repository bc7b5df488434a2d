/* debug_storageRangeAt: one account's storage, between two transactions of a block (GoQuorum, eth/api.go). */
#include "rpc/methods/dump.h"
#include "rpc/methods/methods.h"
#include "rpc/trace/run.h"
#include "state/update.h"

enum { STORAGE_RANGE_MAX = 1 << 20 }; /* slots; the answer's size is the tighter limit */

struct storage_range {
    struct rpc_trace_run run;
    struct state_preimages preimages;
    struct state_update update;
    const struct state_account_change *change; /* NULL: the account did not change in the block */
    struct buf *out;
    uint64_t left;
    bool has_next;
    struct hash256 next;
};

/* Slots that are new in the block are known by their changes alone. */
static int slot_of(struct storage_range *r, struct hash256 *ret_slot, const struct hash256 *hash)
{
    for (size_t i = 0; r->change && i < r->change->slot_count; i++) {
        if (hash256_equal(&r->change->slots[i].key, hash)) {
            u256_store(ret_slot->b, &r->change->slots[i].slot);
            return 0;
        }
    }
    return state_preimages_slot(&r->preimages, ret_slot, hash);
}

static int visit_range(void *context, struct bytes key, struct bytes value, uint64_t link)
{
    (void)link;
    struct storage_range *r = context;
    struct hash256 hash, slot;
    struct u256 content;
    uint8_t word[32];
    memcpy(hash.b, key.data, sizeof(hash.b));
    if (r->left == 0) {
        r->has_next = true;
        r->next = hash;
        return RPC_DUMP_STOPPED;
    }
    r->left--;
    int known = slot_of(r, &slot, &hash);
    if (known && known != ERR_NOTFOUND)
        return known;
    int status = state_slot_decode(&content, value);
    if (status)
        return status;
    u256_store(word, &content);
    rpc_item(r->out);
    rpc_write_hash(r->out, &hash);
    buf_append_text(r->out, ":{\"key\":");
    if (known == 0)
        rpc_write_hash(r->out, &slot);
    else
        rpc_write_null(r->out);
    rpc_put_bytes(r->out, "value", bytes_of(word, sizeof(word)));
    buf_append_byte(r->out, '}');
    return r->out->len > RPC_DUMP_ANSWER_MAX ? RPC_DUMP_STOPPED : 0;
}

/* The storage's trie: as changed, or the parent's. */
static int walk_storage(struct storage_range *r, struct bytes from, const struct address *address)
{
    struct state_account account;
    struct arena arena;
    struct trie trie;
    bool exists;
    if (r->change && r->change->storage_trie)
        return trie_walk(r->change->storage_trie, from, TRIE_ASCENDING, visit_range, r);
    if (r->change && r->change->wiped)
        return 0;
    int status = state_reader_account(&r->run.state, &account, &exists, address);
    if (status || account.storage.id == 0)
        return status;
    arena_init(&arena);
    trie_init(&trie, &arena, TRIE_SECURE, r->run.state.txn,
              r->run.state.db->first_table + STATE_NODES, &account.storage, NULL);
    status = trie_walk(&trie, from, TRIE_ASCENDING, visit_range, r);
    arena_release(&arena);
    return status;
}

static int write_range(struct storage_range *r, struct rpc_call *call)
{
    const struct rpc_value *a = call->args;
    const struct address *address = &a[2].address;
    struct state_account account;
    struct hash256 root;
    bool exists;
    int status = state_update_root(&r->update, &root);
    for (size_t i = 0; i < r->update.account_count; i++)
        if (address_equal(&r->update.accounts[i].address, address))
            r->change = &r->update.accounts[i];
    if (status == 0)
        status = state_reader_account(&r->run.state, &account, &exists, address);
    if (status == 0)
        status = state_preimages_load(&r->preimages, address);
    if (status)
        return status;
    if (r->change ? !r->change->exists : !exists) {
        char text[41] = {0};
        hex_encode(text, bytes_of(address->b, 20));
        return rpc_fail(call, RPC_CODE_ERROR, "account %s doesn't exist", text);
    }
    r->left = a[4].integer < 0                   ? 0
              : a[4].integer > STORAGE_RANGE_MAX ? STORAGE_RANGE_MAX
                                                 : (uint64_t)a[4].integer;
    struct bytes from = a[3].bytes;
    buf_append_text(call->out, "{\"storage\":{");
    status = walk_storage(r, bytes_slice(from, 0, from.len < 32 ? from.len : 32), address);
    if (status < 0)
        return status;
    if (call->out->len > RPC_DUMP_ANSWER_MAX)
        return rpc_dump_too_large(call);
    buf_append_byte(call->out, '}');
    rpc_key(call->out, "nextKey");
    if (r->has_next)
        rpc_write_hash(call->out, &r->next);
    else
        rpc_write_null(call->out);
    buf_append_byte(call->out, '}');
    return 0;
}

static int run_until(struct storage_range *r, struct rpc_call *call)
{
    const struct rpc_value *a = call->args;
    char hash[65] = {0};
    uint64_t number;
    hex_encode(hash, bytes_of(a[0].hash.b, 32));
    int status = chain_reader_number(&r->run.reader, &number, &a[0].hash);
    if (status == ERR_NOTFOUND)
        return rpc_fail(call, RPC_CODE_ERROR, "block 0x%s not found", hash);
    if (status)
        return rpc_reader_fail(call, &r->run.reader, status);
    if (number == 0)
        return rpc_fail(call, RPC_CODE_ERROR, "no transaction in genesis");
    status = rpc_trace_run_number(&r->run, number);
    if (status)
        return status;
    size_t count = r->run.block->body->body.transaction_count;
    int64_t index = a[1].integer;
    if (!(index == 0 && count == 0) && (index < 0 || (uint64_t)index >= count))
        return rpc_fail(call, RPC_CODE_ERROR, "transaction index %lld out of range for block 0x%s",
                        (long long)index, hash);
    return rpc_trace_run_until(&r->run, (size_t)index, 0);
}

static int storage_range_at(struct rpc_call *call)
{
    struct storage_range *r = arena_alloc_zeroed(call->arena, 1, sizeof(*r));
    if (!r)
        return ERR_NOMEM;
    r->out = call->out;
    int status = rpc_trace_run_open(&r->run, call);
    if (status)
        return status;
    status = run_until(r, call);
    if (status == 0) {
        status = state_preimages_init(&r->preimages, &r->run.state);
        if (status == 0)
            status = state_update_init(&r->update, r->run.machine->view, &r->run.reader.detail);
        if (status == 0) {
            status = write_range(r, call);
            state_update_release(&r->update);
        }
        state_preimages_release(&r->preimages);
    }
    if (status < 0)
        status = rpc_reader_fail(call, &r->run.reader, status);
    rpc_trace_run_close(&r->run);
    return status;
}

static const struct rpc_method methods[] = {
    {"debug_storageRangeAt",
     {{"block", RPC_HASH},
      {"index", RPC_INT},
      {"address", RPC_ADDRESS},
      {"start", RPC_BYTES},
      {"most", RPC_INT}},
     .work = storage_range_at,
     .reads = true,
     .result = "storage by hash of the slot, nextKey"},
};

const struct rpc_method_list rpc_methods_storage_range = {methods, BASE_COUNT(methods)};
