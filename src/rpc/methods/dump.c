/* debug: states as a whole (GoQuorum, eth/api.go and core/state/dump.go). */
#include "rpc/methods/dump.h"
#include "base/base64.h"
#include "base/clock.h"
#include "crypto/address.h"
#include "rpc/access/psi.h"
#include "rpc/extension/priv.h"
#include "rpc/json/json.h"
#include "rpc/methods/methods.h"

enum { ACCOUNT_RANGE_MAX = 256 }; /* AccountRangeMaxResults */

static void write_digits(struct buf *b, struct bytes data)
{
    buf_append_byte(b, '"');
    uint8_t *to = buf_extend(b, 2 * data.len);
    if (to)
        hex_encode((char *)to, data);
    buf_append_byte(b, '"');
}

int rpc_dump_open(struct rpc_dump *d, struct rpc_call *call, const struct rpc_block_id *id,
                  bool private)
{
    char hash[65] = {0};
    *d = (struct rpc_dump){.call = call, .deadline = base_now_ms() + RPC_DUMP_SECONDS * 1000};
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

void rpc_dump_close(struct rpc_dump *d)
{
    state_preimages_release(&d->preimages);
    chain_reader_close(&d->reader);
}

bool rpc_dump_is_late(struct rpc_dump *d)
{
    d->too_late |= base_now_ms() > d->deadline;
    return d->too_late;
}

int rpc_dump_too_large(struct rpc_call *call)
{
    return rpc_fail(call, RPC_CODE_TOO_LARGE,
                    "the state has more than %d MB: ask for parts of it (debug_accountRange)",
                    RPC_DUMP_ANSWER_MAX >> 20);
}

int rpc_dump_walk(struct rpc_dump *d, const struct trie_root *root, struct bytes from,
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
    struct rpc_dump *d = context;
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
    return out->len > RPC_DUMP_ANSWER_MAX ? RPC_DUMP_STOPPED : 0;
}

/* DumpAccount. `key` NULL: the address is known. */
static int write_account(struct rpc_dump *d, const struct state_account *account,
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
            status = rpc_dump_walk(d, &account->storage, bytes_none(), visit_slot, d);
        buf_append_byte(out, '}');
    }
    if (key)
        rpc_put_hash(out, "key", key);
    buf_append_byte(out, '}');
    return status;
}

static int visit_account(void *context, struct bytes key, struct bytes value, uint64_t link)
{
    struct rpc_dump *d = context;
    struct buf *out = d->call->out;
    struct state_account account;
    struct address address = {{0}};
    struct hash256 hash;
    memcpy(hash.b, key.data, sizeof(hash.b));
    if (d->limit && d->count == d->limit) {
        d->next = hash;
        d->has_next = true;
        return RPC_DUMP_STOPPED;
    }
    if (rpc_dump_is_late(d))
        return RPC_DUMP_STOPPED;
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
    return status == 0 && out->len > RPC_DUMP_ANSWER_MAX ? RPC_DUMP_STOPPED : status;
}

static int write_accounts(struct rpc_dump *d, struct bytes from)
{
    struct buf *out = d->call->out;
    buf_append_text(out, "{\"root\":");
    write_digits(out, bytes_of(d->state.root.hash.b, 32));
    rpc_key(out, "accounts");
    buf_append_byte(out, '{');
    int status = rpc_dump_walk(d, &d->state.root, from, visit_account, d);
    if (out->len > RPC_DUMP_ANSWER_MAX)
        return rpc_dump_too_large(d->call);
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
    struct rpc_dump d;
    bool private = call->args[1].given && bytes_equal(call->args[1].bytes, bytes_str("private"));
    int status = rpc_dump_open(&d, call, &call->args[0].block, private);
    if (status)
        return status;
    d.complete = true;
    status = write_accounts(&d, bytes_none());
    rpc_dump_close(&d);
    return status;
}

static int dump_address(struct rpc_call *call)
{
    struct state_account account;
    struct rpc_dump d;
    bool exists;
    int status = rpc_dump_open(&d, call, &call->args[1].block, false);
    if (status)
        return status;
    status = state_reader_account(&d.state, &account, &exists, &call->args[0].address);
    if (status == 0)
        status = rpc_prefer_private(call, &d.reader, &d.state, &account, &exists, d.number,
                                    &call->args[0].address);
    if (status == 0 && exists)
        status = write_account(&d, &account, &call->args[0].address, NULL);
    if (call->out->len > RPC_DUMP_ANSWER_MAX)
        status = rpc_dump_too_large(call);
    else if (status < 0)
        status = rpc_reader_fail(call, &d.reader, status);
    else if (!exists)
        status = rpc_fail(call, RPC_CODE_ERROR, "error retrieving state");
    rpc_dump_close(&d);
    return status;
}

static int write_shared(struct rpc_dump *d, const struct address *address)
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
    struct rpc_dump d;
    struct buf *out = call->out;
    int status = rpc_dump_open(&d, call, &latest, true);
    if (status)
        return status;
    d.strict = true;
    call->out = json;
    status = write_shared(&d, address);
    call->out = out;
    if (status > 0)
        status = rpc_dump_too_large(call);
    else if (status < 0 && status != ERR_NOTFOUND)
        status = rpc_reader_fail(call, &d.reader, status);
    rpc_dump_close(&d);
    return status;
}

static int account_range(struct rpc_call *call)
{
    const struct rpc_value *a = call->args;
    struct rpc_dump d;
    if (a[0].block.kind == RPC_AT_NONE)
        return rpc_fail(call, RPC_CODE_ERROR,
                        "either block number or block hash must be specified");
    int status = rpc_dump_open(&d, call, &a[0].block, false);
    if (status)
        return status;
    int64_t wanted = a[2].integer;
    d.limit = wanted > 0 && wanted < ACCOUNT_RANGE_MAX ? (uint64_t)wanted : ACCOUNT_RANGE_MAX;
    d.no_code = a[3].boolean;
    d.no_storage = a[4].boolean;
    d.complete = a[5].boolean;
    struct bytes from = a[1].bytes;
    status = write_accounts(&d, bytes_slice(from, 0, from.len < 32 ? from.len : 32));
    rpc_dump_close(&d);
    return status;
}

/* --- Preimages --- */

static int preimage(struct rpc_call *call)
{
    static const struct rpc_block_id latest = {.kind = RPC_AT_LATEST};
    struct address address;
    struct hash256 slot;
    struct rpc_dump d;
    int status = rpc_dump_open(&d, call, &latest, false);
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
    rpc_dump_close(&d);
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
    {"debug_preimage", {{"hash", RPC_HASH}}, .work = preimage, .result = "bytes, hex"},
};

const struct rpc_method_list rpc_methods_dump = {methods, BASE_COUNT(methods)};
