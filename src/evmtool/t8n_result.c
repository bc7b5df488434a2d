#include "crypto/hash.h"
#include "crypto/keccak.h"
#include "evmtool/t8n.h"
#include "trie/trie.h"

/* geth names a block that has no hash yet so in the receipts of its tool. */
static const struct hash256 no_block_hash = {{0x13, 0x37}};

static bool set(json_t *object, const char *key, json_t *value)
{
    return json_object_set_new(object, key, value) == 0;
}

static json_t *hash_json(const struct hash256 *hash)
{
    return evmtool_json_from_bytes(bytes_of(hash->b, sizeof(hash->b)));
}

static json_t *address_json(const struct address *address)
{
    return evmtool_json_from_bytes(bytes_of(address->b, sizeof(address->b)));
}

/* --- Receipts --- */

struct place {
    const struct evmtool_t8n *t;
    const struct evmtool_included *included;
    size_t index;
    size_t log_index; /* counts through the block */
};

static json_t *log_json(const struct eth_log *log, const struct place *place)
{
    json_t *object = json_object(), *topics = json_array();
    bool fine = object && topics;
    for (size_t i = 0; i < log->topic_count && fine; i++)
        fine = json_array_append_new(topics, hash_json(&log->topics[i])) == 0;
    fine = fine && set(object, "address", address_json(&log->address)) &&
           set(object, "topics", json_incref(topics)) &&
           set(object, "data", evmtool_json_from_bytes(log->data)) &&
           set(object, "blockNumber", evmtool_json_from_u64(place->t->env.block.number)) &&
           set(object, "transactionHash", hash_json(&place->included->hash)) &&
           set(object, "transactionIndex", evmtool_json_from_u64(place->index)) &&
           set(object, "blockHash", hash_json(&no_block_hash)) &&
           set(object, "blockTimestamp", evmtool_json_from_u64(place->t->env.block.timestamp)) &&
           set(object, "logIndex", evmtool_json_from_u64(place->log_index)) &&
           set(object, "removed", json_false());
    json_decref(topics);
    if (fine)
        return object;
    json_decref(object);
    return NULL;
}

static json_t *logs_json(struct place *place)
{
    const struct eth_receipt *receipt = &place->included->receipt;
    json_t *logs = json_array();
    for (size_t i = 0; i < receipt->log_count && logs; i++, place->log_index++) {
        if (json_array_append_new(logs, log_json(&receipt->logs[i], place)) != 0) {
            json_decref(logs);
            logs = NULL;
        }
    }
    return logs;
}

static bool add_blob_fields(json_t *object, const struct place *place,
                            const struct evmtool_world *world)
{
    if (place->included->tx->type != ETH_BLOB)
        return true;
    return set(object, "blobGasUsed", evmtool_json_from_u64(place->included->blob_gas_used)) &&
           set(object, "blobGasPrice", evmtool_json_from_u256(&world->block.blob_base_fee));
}

static json_t *receipt_json(struct place *place, const struct evmtool_world *world)
{
    static const struct address none;
    const struct evmtool_included *i = place->included;
    const struct eth_receipt *receipt = &i->receipt;
    struct bytes root = bytes_of(receipt->post_state.b, receipt->has_post_state ? 32 : 0);
    json_t *object = json_object();
    bool fine =
        object &&
        (receipt->type == ETH_LEGACY ||
         set(object, "type", evmtool_json_from_u64((uint64_t)receipt->type))) &&
        set(object, "root", evmtool_json_from_bytes(root)) &&
        set(object, "status", evmtool_json_from_u64(receipt->success)) &&
        set(object, "cumulativeGasUsed", evmtool_json_from_u64(receipt->cumulative_gas)) &&
        set(object, "logsBloom",
            evmtool_json_from_bytes(bytes_of(receipt->bloom.b, sizeof(receipt->bloom.b)))) &&
        set(object, "logs", logs_json(place)) &&
        set(object, "transactionHash", hash_json(&i->hash)) &&
        set(object, "contractAddress", address_json(i->has_contract ? &i->contract : &none)) &&
        set(object, "gasUsed", evmtool_json_from_u64(i->gas_used)) &&
        set(object, "effectiveGasPrice", json_null()) && add_blob_fields(object, place, world) &&
        set(object, "blockHash", hash_json(&no_block_hash)) &&
        set(object, "blockNumber", evmtool_json_from_u64(place->t->env.block.number)) &&
        set(object, "transactionIndex", evmtool_json_from_u64(place->index));
    if (fine)
        return object;
    json_decref(object);
    return NULL;
}

static json_t *receipts_json(const struct evmtool_t8n *t, const struct evmtool_t8n_result *result,
                             const struct evmtool_world *world)
{
    struct place place = {.t = t};
    json_t *list = json_array();
    for (; place.index < result->included_count && list; place.index++) {
        place.included = &result->included[place.index];
        if (json_array_append_new(list, receipt_json(&place, world)) != 0) {
            json_decref(list);
            list = NULL;
        }
    }
    return list;
}

/* --- Roots --- */

/* Writes one item of a list that is to be hashed. */
typedef void write_item(struct buf *b, const void *context, size_t index);

static void write_tx(struct buf *b, const void *context, size_t index)
{
    const struct evmtool_t8n_result *result = context;
    eth_transaction_encode(b, result->included[index].tx);
}

static void write_receipt(struct buf *b, const void *context, size_t index)
{
    const struct evmtool_t8n_result *result = context;
    eth_receipt_encode(b, &result->included[index].receipt);
}

static void write_withdrawal(struct buf *b, const void *context, size_t index)
{
    const struct evmtool_t8n_env *env = context;
    eth_withdrawal_write(b, &env->withdrawals[index]);
}

static json_t *root_json(write_item *write, const void *context, size_t count)
{
    struct arena arena;
    struct buf b = BUF_INIT;
    struct hash256 root;
    json_t *json = NULL;
    arena_init(&arena);
    struct bytes *items = arena_alloc(&arena, count * sizeof(*items));
    bool fine = items != NULL;
    for (size_t i = 0; i < count && fine; i++) {
        buf_clear(&b);
        write(&b, context, i);
        items[i] = arena_copy(&arena, buf_bytes(&b));
        fine = buf_status(&b) == ERR_OK && items[i].data;
    }
    if (fine && trie_list_root(&root, items, count) == ERR_OK)
        json = hash_json(&root);
    buf_release(&b);
    arena_release(&arena);
    return json;
}

static json_t *logs_hash_json(const struct evmtool_t8n_result *result)
{
    struct buf b = BUF_INIT;
    struct hash256 hash;
    size_t list = rlp_begin(&b);
    for (size_t i = 0; i < result->included_count; i++) {
        const struct eth_receipt *receipt = &result->included[i].receipt;
        for (size_t k = 0; k < receipt->log_count; k++)
            eth_log_write(&b, &receipt->logs[k]);
    }
    rlp_end_list(&b, list);
    json_t *json = NULL;
    if (buf_status(&b) == ERR_OK) {
        crypto_keccak256(&hash, buf_bytes(&b));
        json = hash_json(&hash);
    }
    buf_release(&b);
    return json;
}

static json_t *bloom_json(const struct evmtool_t8n_result *result)
{
    struct eth_bloom bloom = {{0}};
    for (size_t i = 0; i < result->included_count; i++)
        eth_bloom_merge(&bloom, &result->included[i].receipt.bloom);
    return evmtool_json_from_bytes(bytes_of(bloom.b, sizeof(bloom.b)));
}

/* --- Requests --- */

/* sha256 of the hashes of all kinds that are not empty (EIP-7685). */
static json_t *requests_hash_json(const struct evmtool_t8n_result *result)
{
    struct hash256 hashes[EVMTOOL_REQUEST_KINDS], hash;
    size_t count = 0;
    for (size_t i = 0; i < EVMTOOL_REQUEST_KINDS; i++)
        if (result->requests[i].len > 1)
            crypto_sha256(&hashes[count++], result->requests[i]);
    crypto_sha256(&hash, bytes_of(hashes, count * sizeof(hashes[0])));
    return hash_json(&hash);
}

static bool add_requests(json_t *object, const struct evmtool_t8n_result *result)
{
    if (!result->has_requests)
        return set(object, "requests", json_null());
    json_t *list = json_array();
    bool fine = list != NULL;
    for (size_t i = 0; i < EVMTOOL_REQUEST_KINDS && fine; i++)
        if (result->requests[i].len > 1)
            fine = json_array_append_new(list, evmtool_json_from_bytes(result->requests[i])) == 0;
    if (!fine) {
        json_decref(list);
        return false;
    }
    return set(object, "requests", list) && set(object, "requestsHash", requests_hash_json(result));
}

static bool add_rejected(json_t *object, const struct evmtool_t8n_result *result)
{
    if (result->rejected_count == 0)
        return true;
    json_t *list = json_array();
    bool fine = list != NULL;
    for (size_t i = 0; i < result->rejected_count && fine; i++)
        fine = json_array_append_new(list, json_pack("{s:I, s:s}", "index",
                                                     (json_int_t)result->rejected[i].index, "error",
                                                     result->rejected[i].reason)) == 0;
    if (!fine) {
        json_decref(list);
        return false;
    }
    return set(object, "rejected", list);
}

/* What only some forks have. */
static bool add_fork_fields(json_t *object, const struct evmtool_t8n *t,
                            const struct evmtool_t8n_result *result,
                            const struct evmtool_world *world)
{
    bool fine = true;
    if (t->fork >= FORK_LONDON)
        fine = set(object, "currentBaseFee", evmtool_json_from_u256(&world->block.base_fee));
    if (fine && t->env.has_withdrawals)
        fine = set(object, "withdrawalsRoot",
                   root_json(write_withdrawal, &t->env, t->env.withdrawal_count));
    bool has_excess =
        t->env.block.excess_blob_gas.present ||
        (t->env.block.parent_excess_blob_gas.present && t->env.block.parent_blob_gas_used.present);
    if (fine && t->fork >= FORK_CANCUN && has_excess)
        fine = set(object, "currentExcessBlobGas", evmtool_json_from_u64(world->excess_blob_gas)) &&
               set(object, "blobGasUsed", evmtool_json_from_u64(result->blob_gas_used));
    return fine && add_requests(object, result);
}

json_t *evmtool_t8n_result_json(const struct evmtool_t8n *t,
                                const struct evmtool_t8n_result *result,
                                const struct evmtool_world *world)
{
    size_t count = result->included_count;
    json_t *object = json_object();
    bool fine = object && set(object, "stateRoot", hash_json(&result->state_root)) &&
                set(object, "txRoot", root_json(write_tx, result, count)) &&
                set(object, "receiptsRoot", root_json(write_receipt, result, count)) &&
                set(object, "logsHash", logs_hash_json(result)) &&
                set(object, "logsBloom", bloom_json(result)) &&
                set(object, "receipts", receipts_json(t, result, world)) &&
                add_rejected(object, result) &&
                set(object, "currentDifficulty",
                    t->fork < FORK_PARIS ? evmtool_json_from_u256(&world->block.prev_randao)
                                         : json_null()) &&
                set(object, "gasUsed", evmtool_json_from_u64(result->gas_used)) &&
                add_fork_fields(object, t, result, world);
    if (fine)
        return object;
    json_decref(object);
    return NULL;
}

void evmtool_t8n_body(struct buf *b, const struct evmtool_t8n_result *result)
{
    size_t list = rlp_begin(b);
    for (size_t i = 0; i < result->included_count; i++)
        eth_transaction_write(b, result->included[i].tx);
    rlp_end_list(b, list);
}
