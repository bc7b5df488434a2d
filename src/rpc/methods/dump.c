/* debug: states as a whole (GoQuorum, eth/api.go and core/state/dump.go). */
#include "base/base64.h"
#include "crypto/address.h"
#include "rpc/access/psi.h"
#include "rpc/extension/priv.h"
#include "rpc/json/json.h"
#include "rpc/methods/methods.h"
#include "rpc/trace/run.h"
#include "state/preimage.h"
#include "state/update.h"

#include <time.h>

enum {
    DUMP_ANSWER_MAX = 64 * 1024 * 1024, /* bytes; GoQuorum has no limit */
    DUMP_SECONDS = 60,                  /* of one request */
    ACCOUNT_RANGE_MAX = 256,            /* AccountRangeMaxResults */
    STORAGE_RANGE_MAX = 1 << 20,        /* slots; the answer's size is the tighter limit */
};

enum { STOPPED = 1 }; /* a walk ended by its visitor */

/* A state that is being written. */
struct dump {
    struct rpc_call *call;
    struct chain_reader reader;
    struct state_reader state;
    struct state_preimages preimages;
    uint64_t number;
    bool no_code, no_storage,
        complete;          /* complete: accounts without a known address are left out */
    bool strict;           /* a slot that is not known is a failure */
    uint64_t limit, count; /* accounts; 0 = all */
    struct hash256 next;   /* the key behind the last account, when has_next */
    bool has_next;
    time_t deadline;
    bool too_late;
    int status; /* of the call, when a visitor failed it */
};

static time_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec;
}

static void write_digits(struct buf *b, struct bytes data)
{
    buf_append_byte(b, '"');
    uint8_t *to = buf_extend(b, 2 * data.len);
    if (to)
        hex_encode((char *)to, data);
    buf_append_byte(b, '"');
}

static int open_at(struct dump *d, struct rpc_call *call, const struct rpc_block_id *id,
                   bool private)
{
    char hash[65] = {0};
    *d = (struct dump){.call = call, .deadline = now() + DUMP_SECONDS};
    int status = rpc_reader_open(call, &d->reader);
    if (status)
        return status;
    status = rpc_find_block(&d->reader, &d->number, id);
    if (status == ERR_NOTFOUND && id->kind == RPC_AT_HASH) {
        hex_encode(hash, bytes_of(id->hash.b, 32));
        status = rpc_fail(call, RPC_CODE_ERROR, "block 0x%s not found", hash);
    } else if (status == ERR_NOTFOUND) {
        status =
            rpc_fail(call, RPC_CODE_ERROR, "block #%llu not found", (unsigned long long)id->number);
    } else if (status) {
        status = rpc_reader_fail(call, &d->reader, status);
    } else {
        struct rpc_block_id exact = {.kind = RPC_AT_NUMBER, .number = d->number};
        status = rpc_open_state(call, &d->reader, &d->state, &d->number, &exact);
    }
    if (status == 0 && private) {
        status = chain_reader_private_state(&d->reader, &d->state, call->psi, d->number);
        if (status)
            status = rpc_reader_fail(call, &d->reader, status);
    }
    if (status == 0) {
        status = state_preimages_init(&d->preimages, &d->state);
        if (status) {
            state_preimages_release(&d->preimages);
            status = rpc_reader_fail(call, &d->reader, status);
        }
    }
    if (status)
        chain_reader_close(&d->reader);
    return status;
}

static void close_dump(struct dump *d)
{
    state_preimages_release(&d->preimages);
    chain_reader_close(&d->reader);
}

static int too_large(struct rpc_call *call)
{
    return rpc_fail(call, RPC_CODE_TOO_LARGE,
                    "the state has more than %d MB: ask for parts of it (debug_accountRange)",
                    DUMP_ANSWER_MAX >> 20);
}

static int walk(struct dump *d, const struct trie_root *root, struct bytes from,
                trie_visit_fn *visit, void *context)
{
    struct arena arena;
    struct trie trie;
    arena_init(&arena);
    trie_init(&trie, &arena, TRIE_SECURE, d->state.txn, d->state.db->first_table + STATE_NODES,
              root, &d->reader.detail);
    int status = trie_walk(&trie, from, TRIE_ASCENDING, visit, context);
    arena_release(&arena);
    return status;
}

/* --- Accounts --- */

static int visit_slot(void *context, struct bytes key, struct bytes value, uint64_t link)
{
    (void)link;
    struct dump *d = context;
    struct buf *out = d->call->out;
    struct hash256 hash, slot = {{0}};
    struct u256 content;
    uint8_t word[32];
    memcpy(hash.b, key.data, sizeof(hash.b));
    int status = state_preimages_slot(&d->preimages, &slot, &hash);
    if (status && (status != ERR_NOTFOUND || d->strict))
        return status == ERR_NOTFOUND ? ERR_CORRUPT : status;
    status = state_slot_decode(&content, value);
    if (status)
        return status;
    size_t len = u256_byte_length(&content);
    u256_store(word, &content);
    rpc_item(out);
    rpc_write_hash(out, &slot);
    buf_append_byte(out, ':');
    write_digits(out, bytes_of(word + 32 - len, len));
    return out->len > DUMP_ANSWER_MAX ? STOPPED : 0;
}

/* DumpAccount. `key` NULL: the address is known. */
static int write_account(struct dump *d, const struct state_account *account,
                         const struct address *address, const struct hash256 *key)
{
    struct buf *out = d->call->out;
    struct bytes code;
    int status = 0;
    buf_append_text(out, "{\"balance\":\"");
    rpc_write_decimal(out, &account->balance);
    buf_append_format(out, "\",\"nonce\":%llu,\"root\":", (unsigned long long)account->nonce);
    write_digits(out, bytes_of(account->storage.hash.b, 32));
    rpc_key(out, "codeHash");
    write_digits(out, bytes_of(account->code_hash.b, 32));
    if (!d->no_code) {
        status = state_reader_code(&d->state, &code, &account->code_hash);
        if (status == 0 && code.len) {
            rpc_key(out, "code");
            write_digits(out, code);
        }
    }
    if (status == 0 && !d->no_storage && account->storage.id) {
        rpc_key(out, "storage");
        buf_append_byte(out, '{');
        status = state_preimages_load(&d->preimages, address);
        if (status == 0)
            status = walk(d, &account->storage, bytes_none(), visit_slot, d);
        buf_append_byte(out, '}');
    }
    if (key) {
        rpc_key(out, "key");
        rpc_write_hash(out, key);
    }
    buf_append_byte(out, '}');
    return status;
}

static int visit_account(void *context, struct bytes key, struct bytes value, uint64_t link)
{
    struct dump *d = context;
    struct buf *out = d->call->out;
    struct state_account account;
    struct address address = {{0}};
    struct hash256 hash;
    memcpy(hash.b, key.data, sizeof(hash.b));
    if (d->limit && d->count == d->limit) {
        d->next = hash;
        d->has_next = true;
        return STOPPED;
    }
    if (now() > d->deadline) {
        d->too_late = true;
        return STOPPED;
    }
    int status = state_preimages_address(&d->preimages, &address, &hash);
    bool known = status == 0;
    if (status == ERR_NOTFOUND && d->complete)
        return 0;
    if (!known && status != ERR_NOTFOUND)
        return status;
    status = state_account_decode(&account, value);
    if (status)
        return status;
    account.storage.id = link;
    rpc_item(out);
    rpc_write_address(out, &address);
    buf_append_byte(out, ':');
    status = write_account(d, &account, &address, known ? NULL : &hash);
    d->count++;
    return status == 0 && out->len > DUMP_ANSWER_MAX ? STOPPED : status;
}

static int write_accounts(struct dump *d, struct bytes from)
{
    struct buf *out = d->call->out;
    buf_append_text(out, "{\"root\":");
    write_digits(out, bytes_of(d->state.root.hash.b, 32));
    rpc_key(out, "accounts");
    buf_append_byte(out, '{');
    int status = walk(d, &d->state.root, from, visit_account, d);
    if (out->len > DUMP_ANSWER_MAX)
        return too_large(d->call);
    if (d->too_late)
        return rpc_fail(d->call, RPC_CODE_ERROR, "execution timeout");
    if (status < 0)
        return rpc_reader_fail(d->call, &d->reader, status);
    buf_append_byte(out, '}');
    if (d->has_next) {
        rpc_key(out, "next");
        buf_append_byte(out, '"');
        base64_append(out, bytes_of(d->next.b, 32));
        buf_append_byte(out, '"');
    }
    buf_append_byte(out, '}');
    return 0;
}

static int dump_block(struct rpc_call *call)
{
    struct dump d;
    bool private = call->args[1].given && bytes_equal(call->args[1].bytes, bytes_str("private"));
    int status = open_at(&d, call, &call->args[0].block, private);
    if (status)
        return status;
    d.complete = true;
    status = write_accounts(&d, bytes_none());
    close_dump(&d);
    return status;
}

static int dump_address(struct rpc_call *call)
{
    struct state_account account;
    struct dump d;
    bool exists;
    int status = open_at(&d, call, &call->args[1].block, false);
    if (status)
        return status;
    status = state_reader_account(&d.state, &account, &exists, &call->args[0].address);
    if (status == 0)
        status = rpc_prefer_private(call, &d.reader, &d.state, &account, &exists, d.number,
                                    &call->args[0].address);
    if (status == 0 && exists)
        status = write_account(&d, &account, &call->args[0].address, NULL);
    if (call->out->len > DUMP_ANSWER_MAX)
        status = too_large(call);
    else if (status < 0)
        status = rpc_reader_fail(call, &d.reader, status);
    else if (!exists)
        status = rpc_fail(call, RPC_CODE_ERROR, "error retrieving state");
    close_dump(&d);
    return status;
}

static int write_shared(struct dump *d, const struct address *address)
{
    struct state_account account;
    char name[CRYPTO_ADDRESS_TEXT];
    bool exists;
    struct buf *out = d->call->out;
    int status = state_reader_account(&d->state, &account, &exists, address);
    if (status == 0 && !exists)
        return ERR_NOTFOUND;
    crypto_address_checksum(name, address);
    buf_append_format(out, "{\"%s\":{\"state\":", name);
    if (status == 0)
        status = write_account(d, &account, address, NULL);
    buf_append_text(out, "}}");
    return status ? status : buf_status(out);
}

int rpc_dump_shared(struct rpc_call *call, struct buf *json, const struct address *address)
{
    static const struct rpc_block_id latest = {.kind = RPC_AT_LATEST};
    struct dump d;
    struct buf *out = call->out;
    int status = open_at(&d, call, &latest, true);
    if (status)
        return status;
    d.strict = true;
    call->out = json;
    status = write_shared(&d, address);
    call->out = out;
    if (status > 0)
        status = too_large(call);
    else if (status < 0 && status != ERR_NOTFOUND)
        status = rpc_reader_fail(call, &d.reader, status);
    close_dump(&d);
    return status;
}

static int account_range(struct rpc_call *call)
{
    const struct rpc_value *a = call->args;
    struct dump d;
    if (a[0].block.kind == RPC_AT_NONE)
        return rpc_fail(call, RPC_CODE_ERROR,
                        "either block number or block hash must be specified");
    int status = open_at(&d, call, &a[0].block, false);
    if (status)
        return status;
    int64_t wanted = a[2].integer;
    d.limit = wanted > 0 && wanted < ACCOUNT_RANGE_MAX ? (uint64_t)wanted : ACCOUNT_RANGE_MAX;
    d.no_code = a[3].boolean;
    d.no_storage = a[4].boolean;
    d.complete = a[5].boolean;
    struct bytes from = a[1].bytes;
    status = write_accounts(&d, bytes_slice(from, 0, from.len < 32 ? from.len : 32));
    close_dump(&d);
    return status;
}

/* --- One storage, between two transactions --- */

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
        return STOPPED;
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
    rpc_key(r->out, "value");
    rpc_write_bytes(r->out, bytes_of(word, sizeof(word)));
    buf_append_byte(r->out, '}');
    return r->out->len > DUMP_ANSWER_MAX ? STOPPED : 0;
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
    if (call->out->len > DUMP_ANSWER_MAX)
        return too_large(call);
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

/* --- What changed between two blocks --- */

struct difference {
    struct dump *dump;
    struct trie old;
    struct arena arena;
};

static int visit_difference(void *context, struct bytes key, struct bytes value, uint64_t link)
{
    (void)link;
    struct difference *x = context;
    struct dump *d = x->dump;
    struct bytes before;
    struct address address;
    struct hash256 hash;
    memcpy(hash.b, key.data, sizeof(hash.b));
    if (now() > d->deadline) {
        d->too_late = true;
        return STOPPED;
    }
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
        return STOPPED;
    }
    if (status)
        return status;
    rpc_item(d->call->out);
    rpc_write_address(d->call->out, &address);
    return d->call->out->len > DUMP_ANSWER_MAX ? STOPPED : 0;
}

static int write_difference(struct rpc_call *call, uint64_t first, uint64_t last)
{
    struct rpc_block_id id = {.kind = RPC_AT_NUMBER, .number = last};
    struct state_reader old;
    struct dump d;
    if (first >= last)
        return rpc_fail(call, RPC_CODE_ERROR,
                        "start block height (%llu) must be less than end block height (%llu)",
                        (unsigned long long)first, (unsigned long long)last);
    int status = open_at(&d, call, &id, false);
    if (status)
        return status;
    id.number = first;
    status = rpc_open_state(call, &d.reader, &old, &first, &id);
    if (status == 0) {
        struct difference x = {.dump = &d};
        arena_init_limited(&x.arena, DUMP_ANSWER_MAX);
        /* Keys are hashes already. */
        trie_init(&x.old, &x.arena, TRIE_PLAIN, old.txn, old.db->first_table + STATE_NODES,
                  &old.root, &d.reader.detail);
        size_t mark = call->out->len;
        buf_append_byte(call->out, '[');
        status = walk(&d, &d.state.root, bytes_none(), visit_difference, &x);
        if (call->out->len > mark + 1)
            buf_append_byte(call->out, ']');
        else if (status == 0) { /* nil, as the reference writes a list without members */
            call->out->len = mark;
            rpc_write_null(call->out);
        }
        arena_release(&x.arena);
        if (call->out->len > DUMP_ANSWER_MAX)
            status = too_large(call);
        else if (d.too_late)
            status = rpc_fail(call, RPC_CODE_ERROR, "execution timeout");
        else if (status < 0)
            status = rpc_reader_fail(call, &d.reader, status);
        else
            status = d.status;
    }
    close_dump(&d);
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

/* --- Preimages --- */

static int preimage(struct rpc_call *call)
{
    static const struct rpc_block_id latest = {.kind = RPC_AT_LATEST};
    struct address address;
    struct hash256 slot;
    struct dump d;
    int status = open_at(&d, call, &latest, false);
    if (status)
        return status;
    status = state_preimages_address(&d.preimages, &address, &call->args[0].hash);
    if (status == 0)
        rpc_write_address(call->out, &address);
    if (status == ERR_NOTFOUND) {
        status = state_preimages_slot(&d.preimages, &slot, &call->args[0].hash);
        if (status == 0)
            rpc_write_hash(call->out, &slot);
    }
    close_dump(&d);
    return status ? rpc_fail(call, RPC_CODE_ERROR, "unknown preimage") : 0;
}

static const struct rpc_method methods[] = {
    {"debug_dumpBlock",
     {{"block", RPC_BLOCK}, {"type", RPC_TEXT, true}},
     .work = dump_block,
     .reads = true,
     .result = "root, accounts by address"},
    {"debug_dumpAddress",
     {{"address", RPC_ADDRESS}, {"block", RPC_BLOCK}},
     .work = dump_address,
     .result = "balance, nonce, root, codeHash, code, storage"},
    {"debug_accountRange",
     {{"block", RPC_BLOCK_OR_HASH},
      {"start", RPC_BASE64},
      {"most", RPC_INT},
      {"nocode", RPC_BOOL},
      {"nostorage", RPC_BOOL},
      {"incompletes", RPC_BOOL}},
     .work = account_range,
     .reads = true,
     .result = "root, accounts by address, next"},
    {"debug_storageRangeAt",
     {{"block", RPC_HASH},
      {"index", RPC_INT},
      {"address", RPC_ADDRESS},
      {"start", RPC_BYTES},
      {"most", RPC_INT}},
     .work = storage_range_at,
     .reads = true,
     .result = "storage by hash of the slot, nextKey"},
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
    {"debug_preimage", {{"hash", RPC_HASH}}, .work = preimage, .result = "bytes, hex"},
};

const struct rpc_method_list rpc_methods_dump = {methods, BASE_COUNT(methods)};
