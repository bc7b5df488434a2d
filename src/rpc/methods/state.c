/* eth: accounts as of a block, and their proofs. */
#include "chain/pool/pool.h"
#include "rpc/dispatch/head.h"
#include "rpc/json/json.h"
#include "rpc/methods/methods.h"
#include "rpc/run/lookup.h"

enum {
    /* Of eth_getProof: later geth has the same limit (maxGetStorageSlots). */
    PROOF_KEYS_MAX = 1024,
};

/* A state and one account of it. */
struct found {
    struct chain_reader *reader; /* `own`, or the head's, which stays open */
    struct chain_reader own;
    struct state_reader state;
    struct state_account account;
    uint64_t number;
    bool exists;
};

static void close_found(struct found *f)
{
    if (f->reader == &f->own)
        chain_reader_close(&f->own);
}

/* The call's error; a snapshot that failed is not used again. */
static int fail(struct rpc_call *call, struct found *f, int status)
{
    status = rpc_reader_fail(call, f->reader, status);
    if (f->reader != &f->own)
        rpc_head_drop(rpc_head_of(call));
    return status;
}

static int find_account(struct rpc_call *call, struct found *f)
{
    const struct address *address = &call->args[0].address;
    int status = state_reader_account(&f->state, &f->account, &f->exists, address);
    if (status == 0)
        status = rpc_prefer_private(call, f->reader, &f->state, &f->account, &f->exists, f->number,
                                    address);
    return status ? fail(call, f, status) : 0;
}

static const struct rpc_block_id *block_of(const struct rpc_call *call, size_t at)
{
    static const struct rpc_block_id latest = {.kind = RPC_AT_LATEST};
    return call->args[at].given ? &call->args[at].block : &latest;
}

/* Finds the account of the first argument at the block of argument `at`. To be closed when 0. */
static int find_anywhere(struct rpc_call *call, struct found *f, size_t at)
{
    f->reader = &f->own;
    int status = rpc_reader_open(call, &f->own);
    if (status)
        return status;
    status = rpc_open_state(call, &f->own, &f->state, &f->number, block_of(call, at));
    if (status == 0)
        status = find_account(call, f);
    if (status)
        close_found(f);
    return status;
}

/* The same on the loop, where the head is at hand. */
static int find(struct rpc_call *call, struct found *f, size_t at)
{
    struct rpc_simulation *head = rpc_head_open(call, block_of(call, at));
    if (!head)
        return find_anywhere(call, f, at);
    f->reader = &head->reader;
    f->state = head->state;
    f->number = head->number;
    return find_account(call, f);
}

static int end(struct rpc_call *call, struct found *f, int status)
{
    if (status)
        status = fail(call, f, status);
    close_found(f);
    return status;
}

static int get_balance(struct rpc_call *call)
{
    struct found f;
    int status = find(call, &f, 1);
    if (status)
        return status;
    rpc_write_big(call->out, &f.account.balance);
    return end(call, &f, 0);
}

static int get_code(struct rpc_call *call)
{
    struct found f;
    struct bytes code;
    int status = find(call, &f, 1);
    if (status)
        return status;
    status = state_reader_code(&f.state, &code, &f.account.code_hash);
    if (status == 0)
        rpc_write_bytes(call->out, code);
    return end(call, &f, status);
}

static int nibble(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Any text is a key: what of it is hexadecimal, up to the first character that is not, of longer ones the end
 * (go-ethereum, common.HexToHash). */
static struct u256 read_key(struct bytes text)
{
    struct u256 key = u256_from(0);
    if (text.len >= 2 && text.data[0] == '0' && (text.data[1] | 0x20) == 'x')
        text = bytes_slice(text, 2, text.len - 2);
    size_t at = 0;
    if (text.len % 2 && nibble(text.data[0]) >= 0) {
        key.w[0] = (uint64_t)nibble(text.data[0]);
        at = 1;
    } else if (text.len % 2) {
        return key;
    }
    for (; at + 1 < text.len; at += 2) {
        int high = nibble(text.data[at]), low = nibble(text.data[at + 1]);
        if (high < 0 || low < 0)
            break;
        u256_shift_left(&key, &key, 8);
        key.w[0] |= (uint64_t)(high << 4 | low);
    }
    return key;
}

static void put_word(uint8_t ret_bytes[32], const struct u256 *value)
{
    for (size_t i = 0; i < 32; i++)
        ret_bytes[31 - i] = (uint8_t)(value->w[i / 8] >> i % 8 * 8);
}

static int get_storage(struct rpc_call *call)
{
    struct found f;
    struct u256 key = read_key(call->args[1].bytes), value = u256_from(0);
    int status = find(call, &f, 2);
    if (status)
        return status;
    if (f.exists)
        status = state_reader_slot(&f.state, &value, &f.account, &key);
    uint8_t word[32];
    put_word(word, &value);
    if (status == 0)
        rpc_write_bytes(call->out, bytes_of(word, sizeof(word)));
    return end(call, &f, status);
}

static int get_nonce_of_state(struct rpc_call *call)
{
    struct found f;
    if (call->args[1].block.kind == RPC_AT_PENDING && call->backend->pool)
        return RPC_LATER;
    int status = find(call, &f, 1);
    if (status)
        return status;
    rpc_write_number(call->out, f.account.nonce);
    return end(call, &f, 0);
}

static int get_nonce_of_pool(struct rpc_call *call)
{
    uint64_t nonce;
    int status = chain_pool_nonce(call->backend->pool, &call->args[0].address, &nonce);
    if (status == 0)
        rpc_write_number(call->out, nonce);
    return status;
}

static int storage_root(struct rpc_call *call)
{
    struct found f;
    int status = find(call, &f, 1);
    if (status == RPC_FAILED && bytes_equal(call->text, bytes_str("header not found")))
        return rpc_fail(call, RPC_CODE_ERROR, "invalid block number");
    if (status)
        return status;
    if (!f.exists) {
        close_found(&f);
        return rpc_fail(call, RPC_CODE_ERROR, "can't find state object");
    }
    rpc_write_hash(call->out, &f.account.storage.hash);
    return end(call, &f, 0);
}

/* --- Proofs --- */

static int write_proof(struct rpc_call *call, struct found *f, const struct trie_root *root,
                       struct bytes key)
{
    struct trie trie;
    struct trie_proof proof;
    trie_init(&trie, call->arena, TRIE_SECURE, f->state.txn, f->state.db->first_table + STATE_NODES,
              root, &f->reader->detail);
    int status = trie_prove(&trie, &proof, call->arena, key);
    if (status)
        return status;
    buf_append_byte(call->out, '[');
    for (size_t i = 0; i < proof.count; i++) {
        rpc_item(call->out);
        rpc_write_bytes(call->out, proof.nodes[i]);
    }
    buf_append_byte(call->out, ']');
    return 0;
}

static int write_slot_proof(struct rpc_call *call, struct found *f, struct bytes text)
{
    struct u256 key = read_key(text), value = u256_from(0);
    uint8_t word[32];
    put_word(word, &key);
    int status = f->exists ? state_reader_slot(&f->state, &value, &f->account, &key) : 0;
    if (status)
        return status;
    rpc_item(call->out);
    buf_append_byte(call->out, '{');
    rpc_key(call->out, "key");
    rpc_json_write_string(call->out, text);
    rpc_put_big(call->out, "value", &value);
    rpc_key(call->out, "proof");
    if (f->exists)
        status = write_proof(call, f, &f->account.storage, bytes_of(word, sizeof(word)));
    else
        buf_append_text(call->out, "[]");
    buf_append_byte(call->out, '}');
    return status;
}

static int write_slot_proofs(struct rpc_call *call, struct found *f)
{
    struct bytes list = call->args[1].json, value;
    struct rpc_json_walk walk;
    int status = 0;
    buf_append_byte(call->out, '[');
    if (list.len && rpc_json_kind(list) == RPC_JSON_ARRAY) {
        rpc_json_walk_begin(&walk, list);
        while (status == 0 && rpc_json_element(&walk, &value)) {
            struct bytes text = rpc_json_kind(value) == RPC_JSON_NULL
                                    ? bytes_str("")
                                    : rpc_json_string(value, call->arena);
            status = text.data ? write_slot_proof(call, f, text) : ERR_NOMEM;
        }
    }
    buf_append_byte(call->out, ']');
    return status;
}

/* Whether there are not too many. */
static int check_keys(struct rpc_call *call)
{
    struct bytes list = call->args[1].json, value;
    struct rpc_json_walk walk;
    size_t count = 0;
    if (rpc_json_kind(list) != RPC_JSON_ARRAY)
        return 0;
    rpc_json_walk_begin(&walk, list);
    while (rpc_json_element(&walk, &value)) {
        if (++count > PROOF_KEYS_MAX)
            return rpc_fail(call, RPC_CODE_PARAMS, "too many slots (max %d)", PROOF_KEYS_MAX);
    }
    return 0;
}

static int get_proof(struct rpc_call *call)
{
    struct found f;
    int status = check_keys(call);
    if (status == 0)
        status = find_anywhere(call, &f, 2);
    if (status)
        return status;
    struct buf *out = call->out;
    buf_append_byte(out, '{');
    rpc_put_address(out, "address", &call->args[0].address);
    rpc_key(out, "accountProof");
    status = write_proof(call, &f, &f.state.root,
                         bytes_of(call->args[0].address.b, sizeof(struct address)));
    rpc_put_big(out, "balance", &f.account.balance);
    rpc_put_hash(out, "codeHash", &f.account.code_hash);
    rpc_put_number(out, "nonce", f.account.nonce);
    rpc_put_hash(out, "storageHash", &f.account.storage.hash);
    rpc_key(out, "storageProof");
    if (status == 0)
        status = write_slot_proofs(call, &f);
    buf_append_byte(out, '}');
    return end(call, &f, status);
}

#define ADDRESS {"address", RPC_ADDRESS}
#define AT      {"block", RPC_BLOCK_OR_HASH}

static const struct rpc_method methods[] = {
    {"eth_getBalance", {ADDRESS, AT}, .run = get_balance, .anywhere = true, .result = "wei, hex"},
    {"eth_getCode", {ADDRESS, AT}, .run = get_code, .anywhere = true, .result = "bytes, hex"},
    {"eth_getStorageAt",
     {ADDRESS, {"slot", RPC_TEXT}, AT},
     .run = get_storage,
     .anywhere = true,
     .result = "32 bytes, hex"},
    {"eth_getTransactionCount",
     {ADDRESS, AT},
     .quick = get_nonce_of_state,
     .run = get_nonce_of_pool,
     .anywhere = true,
     .result = "number, hex"},
    {"eth_getProof",
     {ADDRESS, {"slots", RPC_TEXTS}, AT},
     .work = get_proof,
     .reads = true,
     .result = "account with its proof and those of the slots"},
    {"eth_storageRoot",
     {ADDRESS, {"block", RPC_BLOCK, true}},
     .run = storage_root,
     .anywhere = true,
     .result = "32 bytes, hex"},
};

const struct rpc_method_list rpc_methods_state = {methods, BASE_COUNT(methods)};
