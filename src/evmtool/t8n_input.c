#include "base/hex.h"
#include "crypto/secp256k1.h"
#include "eth/difficulty.h"
#include "evmtool/t8n.h"
#include "evmtool/testtx.h"

#include <stdio.h>

static int no_memory(struct err_detail *detail)
{
    return err_set(detail, ERR_NOMEM, "out of memory");
}

/* --- env --- */

static int read_ommers(struct evmtool_t8n_env *env, const json_t *list, struct arena *arena,
                       struct err_detail *detail)
{
    size_t count = json_array_size(list);
    env->ommers = arena_alloc_zeroed(arena, count, sizeof(*env->ommers));
    if (!env->ommers)
        return no_memory(detail);
    for (size_t i = 0; i < count; i++) {
        const json_t *entry = json_array_get(list, i);
        int status = evmtool_json_need_u64(&env->ommers[i].delta, entry, "delta", detail);
        if (status == ERR_OK)
            status = evmtool_json_address(&env->ommers[i].address,
                                          json_object_get(entry, "address"), "address", detail);
        if (status != ERR_OK)
            return err_prefix(detail, status, "ommers: entry %zu", i);
    }
    env->ommer_count = count;
    return ERR_OK;
}

static int read_withdrawals(struct evmtool_t8n_env *env, const json_t *list, struct arena *arena,
                            struct err_detail *detail)
{
    size_t count = json_array_size(list);
    env->withdrawals = arena_alloc_zeroed(arena, count, sizeof(*env->withdrawals));
    if (!env->withdrawals)
        return no_memory(detail);
    for (size_t i = 0; i < count; i++) {
        struct eth_withdrawal *w = &env->withdrawals[i];
        const json_t *entry = json_array_get(list, i);
        int status = evmtool_json_need_u64(&w->index, entry, "index", detail);
        if (status == ERR_OK)
            status = evmtool_json_need_u64(&w->validator, entry, "validatorIndex", detail);
        if (status == ERR_OK)
            status = evmtool_json_need_u64(&w->amount, entry, "amount", detail);
        if (status == ERR_OK)
            status = evmtool_json_address(&w->address, json_object_get(entry, "address"), "address",
                                          detail);
        if (status != ERR_OK)
            return err_prefix(detail, status, "withdrawals: entry %zu", i);
    }
    env->withdrawal_count = count;
    return ERR_OK;
}

static int read_block_hashes(struct evmtool_t8n_env *env, json_t *object, struct arena *arena,
                             struct err_detail *detail)
{
    const char *key;
    json_t *value;
    env->block_hashes =
        arena_alloc_zeroed(arena, json_object_size(object), sizeof(*env->block_hashes));
    if (!env->block_hashes)
        return no_memory(detail);
    json_object_foreach(object, key, value)
    {
        struct evmtool_block_hash *entry = &env->block_hashes[env->block_hash_count++];
        if (!hex_u64(key, &entry->number))
            return err_set(detail, ERR_INPUT, "blockHashes: \"%.40s\" is not a block number", key);
        int status = evmtool_json_hash(&entry->hash, value, key, detail);
        if (status != ERR_OK)
            return err_prefix(detail, status, "blockHashes");
    }
    return ERR_OK;
}

int evmtool_t8n_read_env(struct evmtool_t8n_env *ret_env, const json_t *object, struct arena *arena,
                         struct err_detail *detail)
{
    struct evmtool_t8n_env env = {0};
    json_t *ommers = json_object_get(object, "ommers");
    json_t *withdrawals = json_object_get(object, "withdrawals");
    json_t *hashes = json_object_get(object, "blockHashes");
    env.has_withdrawals = json_is_array(withdrawals);
    env.has_block_hashes = json_is_object(hashes);
    int status = evmtool_env_read(&env.block, object, detail);
    if (status == ERR_OK && json_is_array(ommers))
        status = read_ommers(&env, ommers, arena, detail);
    if (status == ERR_OK && env.has_withdrawals)
        status = read_withdrawals(&env, withdrawals, arena, detail);
    if (status == ERR_OK && env.has_block_hashes)
        status = read_block_hashes(&env, hashes, arena, detail);
    if (status == ERR_OK)
        *ret_env = env;
    return status;
}

static int complete_base_fee(struct evmtool_t8n *t, struct err_detail *detail)
{
    const struct evmtool_env *env = &t->env.block;
    if (t->fork < FORK_LONDON || env->base_fee.present)
        return ERR_OK;
    if (!env->parent_base_fee.present || env->number == 0)
        return err_set(detail, ERR_INPUT,
                       "%s needs currentBaseFee, or parentBaseFee to work it out",
                       fork_name(t->fork));
    if (env->parent_gas_limit.value < 2)
        return err_set(detail, ERR_INPUT,
                       "parentGasLimit is missing or below 2; without "
                       "currentBaseFee it is needed");
    return ERR_OK;
}

/* The difficulty of a proof-of-work block, where the file leaves it out. */
static int complete_difficulty(struct evmtool_t8n *t, struct err_detail *detail)
{
    static const struct hash256 no_uncles = {
        {0x1d, 0xcc, 0x4d, 0xe8, 0xde, 0xc7, 0x5d, 0x7a, 0xab, 0x85, 0xb5,
         0x67, 0xb6, 0xcc, 0xd4, 0x1a, 0xd3, 0x12, 0x45, 0x1b, 0x94, 0x8a,
         0x74, 0x13, 0xf0, 0xa1, 0x42, 0xfd, 0x40, 0xd4, 0x93, 0x47}}; /* keccak256(rlp([])) */
    struct evmtool_env *env = &t->env.block;
    if (t->fork >= FORK_PARIS || env->difficulty.present)
        return ERR_OK;
    if (!env->parent_difficulty.present || env->number == 0)
        return err_set(detail, ERR_INPUT,
                       "currentDifficulty is missing, and parentDifficulty to "
                       "work it out, too");
    if (env->timestamp <= env->parent_timestamp.value)
        return err_set(detail, ERR_INPUT,
                       "currentTimestamp must be after parentTimestamp to work "
                       "out the difficulty");
    struct eth_config config;
    eth_config_init_fork(&config, t->fork);
    struct eth_difficulty_parent parent = {
        env->parent_difficulty.value, env->parent_timestamp.value,
        env->parent_uncle_hash.present && !hash256_is_zero(&env->parent_uncle_hash.value) &&
            !hash256_equal(&env->parent_uncle_hash.value, &no_uncles)};
    env->difficulty.present = true;
    env->difficulty.value = eth_difficulty(&config, env->number, env->timestamp, &parent);
    return ERR_OK;
}

int evmtool_t8n_complete_env(struct evmtool_t8n *t, struct err_detail *detail)
{
    struct evmtool_env *env = &t->env.block;
    int status = complete_base_fee(t, detail);
    if (status == ERR_OK)
        status = complete_difficulty(t, detail);
    if (status != ERR_OK)
        return status;
    if (t->fork >= FORK_SHANGHAI && !t->env.has_withdrawals)
        return err_set(detail, ERR_INPUT,
                       "withdrawals is missing; %s needs it, an empty list will do",
                       fork_name(t->fork));
    if (t->fork >= FORK_PARIS && !env->random.present)
        return err_set(detail, ERR_INPUT, "currentRandom is missing; %s needs it",
                       fork_name(t->fork));
    if (t->fork >= FORK_PARIS && env->difficulty.present && !u256_is_zero(&env->difficulty.value))
        return err_set(detail, ERR_INPUT, "currentDifficulty must be 0 from Paris on");
    if (t->fork >= FORK_CANCUN && !env->beacon_root.present)
        return err_set(detail, ERR_INPUT, "parentBeaconBlockRoot is missing; %s needs it",
                       fork_name(t->fork));
    return ERR_OK;
}

/* --- Transactions in JSON --- */

static const json_t *either(const json_t *object, const char *key, const char *other)
{
    const json_t *member = json_object_get(object, key);
    return member && !json_is_null(member) ? member : json_object_get(object, other);
}

static int read_fees(struct eth_transaction *tx, const json_t *object, struct err_detail *detail)
{
    if (tx->type <= ETH_ACCESS_LIST) {
        int status = evmtool_json_need_u256(&tx->max_fee, object, "gasPrice", detail);
        tx->max_priority_fee = tx->max_fee;
        return status;
    }
    int status = evmtool_json_need_u256(&tx->max_fee, object, "maxFeePerGas", detail);
    if (status == ERR_OK)
        status =
            evmtool_json_need_u256(&tx->max_priority_fee, object, "maxPriorityFeePerGas", detail);
    if (status == ERR_OK && tx->type == ETH_BLOB)
        status = evmtool_json_need_u256(&tx->max_blob_fee, object, "maxFeePerBlobGas", detail);
    return status;
}

static int read_lists(struct eth_transaction *tx, const json_t *object, struct arena *arena,
                      struct err_detail *detail)
{
    int status = ERR_OK;
    const json_t *access = json_object_get(object, "accessList");
    if (tx->type >= ETH_ACCESS_LIST && access && !json_is_null(access))
        status = evmtool_access_list_read(tx, access, arena, detail);
    if (status == ERR_OK && tx->type == ETH_BLOB)
        status = evmtool_blob_hashes_read(tx, json_object_get(object, "blobVersionedHashes"), arena,
                                          detail);
    if (status == ERR_OK && tx->type == ETH_SET_CODE)
        status = evmtool_authorizations_read(tx, json_object_get(object, "authorizationList"),
                                             arena, detail);
    return status;
}

static int read_fields(struct eth_transaction *tx, const json_t *object, struct arena *arena,
                       struct err_detail *detail)
{
    bool present;
    uint64_t type = ETH_LEGACY;
    int status = evmtool_json_may_u64(&present, &type, object, "type", detail);
    if (status == ERR_OK && type >= ETH_TRANSACTION_TYPES)
        return err_set(detail, ERR_INPUT, "type: there is no transaction type %llu",
                       (unsigned long long)type);
    tx->type = (enum eth_transaction_type)type;
    if (status == ERR_OK)
        status = evmtool_json_may_u256(&present, &tx->chain_id, object, "chainId", detail);
    if (status == ERR_OK)
        status = evmtool_json_need_u64(&tx->nonce, object, "nonce", detail);
    if (status == ERR_OK)
        status = evmtool_json_u64(&tx->gas_limit, either(object, "gas", "gasLimit"), "gas", detail);
    if (status == ERR_OK)
        status = evmtool_json_need_u256(&tx->value, object, "value", detail);
    if (status == ERR_OK)
        status =
            evmtool_json_bytes(&tx->data, either(object, "input", "data"), "input", arena, detail);
    if (status == ERR_OK)
        status = evmtool_to_read(tx, object, detail);
    if (status == ERR_OK)
        status = read_fees(tx, object, detail);
    if (status == ERR_OK)
        status = read_lists(tx, object, arena, detail);
    return status;
}

static int read_signature(struct eth_transaction *tx, const json_t *object,
                          struct err_detail *detail)
{
    bool present;
    int status = evmtool_json_may_u256(&present, &tx->v, object, "v", detail);
    if (status == ERR_OK && !present)
        status = evmtool_json_may_u256(&present, &tx->v, object, "yParity", detail);
    if (status == ERR_OK)
        status = evmtool_json_may_u256(&present, &tx->r, object, "r", detail);
    if (status == ERR_OK)
        status = evmtool_json_may_u256(&present, &tx->s, object, "s", detail);
    return status;
}

/* Signs a transaction that has a "secretKey" and no signature, for the chain unless "protected" is false. */
static int sign(struct eth_transaction *tx, const json_t *object, const struct u256 *chain_id,
                struct err_detail *detail)
{
    const json_t *secret = json_object_get(object, "secretKey");
    bool has_signature = !u256_is_zero(&tx->r) || !u256_is_zero(&tx->s) || !u256_is_zero(&tx->v);
    if (!secret || has_signature)
        return ERR_OK;
    struct hash256 text, hash;
    struct crypto_private_key key;
    struct crypto_signature signature;
    bool is_plain = json_is_false(json_object_get(object, "protected"));
    enum eth_signing how = is_plain ? ETH_SIGN_PLAIN : ETH_SIGN_PROTECTED;
    int status = evmtool_json_hash(&text, secret, "secretKey", detail);
    if (status != ERR_OK)
        return status;
    memcpy(key.b, text.b, sizeof(key.b));
    tx->chain_id = *chain_id;
    status = eth_transaction_signing_hash(tx, how, &hash);
    if (status != ERR_OK)
        return no_memory(detail);
    if (!crypto_ecdsa_sign(&signature, &hash, &key))
        return err_set(detail, ERR_INPUT, "secretKey: not a private key of secp256k1");
    eth_transaction_set_signature(tx, how, signature.rs, signature.recovery_id);
    return ERR_OK;
}

int evmtool_t8n_read_txs(struct evmtool_t8n *t, const json_t *list, struct arena *arena,
                         struct err_detail *detail)
{
    if (!json_is_array(list))
        return err_set(detail, ERR_INPUT, "must be an array of transactions");
    size_t count = json_array_size(list);
    t->txs = arena_alloc_zeroed(arena, count, sizeof(*t->txs));
    if (!t->txs)
        return no_memory(detail);
    for (size_t i = 0; i < count; i++) {
        const json_t *object = json_array_get(list, i);
        struct eth_transaction *tx = &t->txs[i].tx;
        int status = read_fields(tx, object, arena, detail);
        if (status == ERR_OK)
            status = read_signature(tx, object, detail);
        if (status == ERR_OK)
            status = sign(tx, object, &t->chain_id, detail);
        if (status != ERR_OK)
            return err_prefix(detail, status, "transaction %zu", i);
    }
    t->tx_count = count;
    return ERR_OK;
}

/* --- Transactions in RLP --- */

/* One item of the list; what is no transaction is kept with the reason. */
static int read_item(struct evmtool_t8n_tx *item, struct bytes raw, struct arena *arena)
{
    struct err_detail why;
    struct rlp_reader r;
    rlp_reader_init(&r, raw);
    int status = eth_transaction_read(&item->tx, arena, &r, &why);
    if (status != ERR_INPUT && status != ERR_UNSUPPORTED)
        return status;
    snprintf(item->rejected, sizeof(item->rejected), "%.120s", why.text);
    return ERR_OK;
}

int evmtool_t8n_read_txs_rlp(struct evmtool_t8n *t, const char *hex, struct arena *arena,
                             struct err_detail *detail)
{
    struct bytes list;
    struct rlp_reader r;
    json_t *text = json_string(hex);
    int status =
        text ? evmtool_json_bytes(&list, text, "transactions", arena, detail) : no_memory(detail);
    json_decref(text);
    if (status != ERR_OK)
        return status;
    rlp_reader_init(&r, list);
    rlp_enter(&r, "transactions");
    t->tx_count = rlp_count(&r, 1, "transaction");
    t->txs = arena_alloc_zeroed(arena, t->tx_count, sizeof(*t->txs));
    if (!t->txs)
        return no_memory(detail);
    for (size_t i = 0; i < t->tx_count && status == ERR_OK; i++)
        status = read_item(&t->txs[i], rlp_read_raw(&r, "transaction"), arena);
    if (status != ERR_OK)
        return err_set(detail, status, "%s", err_text(status));
    rlp_leave(&r, "transactions");
    return rlp_finish(&r, detail, "transactions");
}
