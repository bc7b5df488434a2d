#include "evmtool/testtx.h"

#include "crypto/secp256k1.h"

int evmtool_to_read(struct eth_transaction *tx, const json_t *object, struct err_detail *detail)
{
    const json_t *to = json_object_get(object, "to");
    const char *text = json_string_value(to);
    tx->is_creation = !to || json_is_null(to) || (text && !*text);
    return tx->is_creation ? ERR_OK : evmtool_json_address(&tx->to, to, "to", detail);
}

static int read_keys(struct eth_access *access, const json_t *keys, struct arena *arena,
                     struct err_detail *detail)
{
    size_t count = json_array_size(keys);
    struct hash256 *hashes = arena_alloc(arena, count * sizeof(*hashes));
    if (!hashes)
        return err_set(detail, ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < count; i++) {
        int status = evmtool_json_hash(&hashes[i], json_array_get(keys, i), "storageKeys", detail);
        if (status != ERR_OK)
            return status;
    }
    access->keys = hashes;
    access->key_count = count;
    return ERR_OK;
}

int evmtool_access_list_read(struct eth_transaction *tx, const json_t *list, struct arena *arena,
                             struct err_detail *detail)
{
    if (!json_is_array(list))
        return err_set(detail, ERR_INPUT, "access list: must be an array");
    size_t count = json_array_size(list);
    struct eth_access *entries = arena_alloc_zeroed(arena, count, sizeof(*entries));
    if (!entries)
        return err_set(detail, ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < count; i++) {
        const json_t *entry = json_array_get(list, i);
        int status = evmtool_json_address(&entries[i].address, json_object_get(entry, "address"),
                                          "address", detail);
        if (status == ERR_OK)
            status = read_keys(&entries[i], json_object_get(entry, "storageKeys"), arena, detail);
        if (status != ERR_OK)
            return err_prefix(detail, status, "access list: entry %zu", i);
    }
    tx->access_list = entries;
    tx->access_count = count;
    return ERR_OK;
}

static int read_authorization(struct eth_authorization *authorization, const json_t *object,
                              struct err_detail *detail)
{
    const char *parity = json_object_get(object, "yParity") ? "yParity" : "v";
    int status = evmtool_json_need_u256(&authorization->chain_id, object, "chainId", detail);
    if (status == ERR_OK)
        status = evmtool_json_address(&authorization->address, json_object_get(object, "address"),
                                      "address", detail);
    if (status == ERR_OK)
        status = evmtool_json_need_u64(&authorization->nonce, object, "nonce", detail);
    if (status == ERR_OK)
        status = evmtool_json_need_u256(&authorization->y_parity, object, parity, detail);
    if (status == ERR_OK)
        status = evmtool_json_need_u256(&authorization->r, object, "r", detail);
    if (status == ERR_OK)
        status = evmtool_json_need_u256(&authorization->s, object, "s", detail);
    return status;
}

int evmtool_authorizations_read(struct eth_transaction *tx, const json_t *list, struct arena *arena,
                                struct err_detail *detail)
{
    if (!json_is_array(list))
        return err_set(detail, ERR_INPUT, "authorizationList: must be an array");
    size_t count = json_array_size(list);
    struct eth_authorization *entries = arena_alloc_zeroed(arena, count, sizeof(*entries));
    if (!entries)
        return err_set(detail, ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < count; i++) {
        int status = read_authorization(&entries[i], json_array_get(list, i), detail);
        if (status != ERR_OK)
            return err_prefix(detail, status, "authorizationList: entry %zu", i);
    }
    tx->authorizations = entries;
    tx->authorization_count = count;
    return ERR_OK;
}

int evmtool_blob_hashes_read(struct eth_transaction *tx, const json_t *list, struct arena *arena,
                             struct err_detail *detail)
{
    if (!json_is_array(list))
        return err_set(detail, ERR_INPUT, "blobVersionedHashes: must be an array");
    size_t count = json_array_size(list);
    struct hash256 *hashes = arena_alloc(arena, count * sizeof(*hashes));
    if (!hashes)
        return err_set(detail, ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < count; i++) {
        int status =
            evmtool_json_hash(&hashes[i], json_array_get(list, i), "blobVersionedHashes", detail);
        if (status != ERR_OK)
            return status;
    }
    tx->blob_hashes = hashes;
    tx->blob_count = count;
    return ERR_OK;
}

/* The entry of a list that the case's index chooses. */
static int choose(const json_t **ret_entry, const json_t *object, const char *key, size_t index,
                  struct err_detail *detail)
{
    const json_t *list;
    int status = evmtool_json_member(&list, object, key, detail);
    if (status == ERR_OK && index >= json_array_size(list))
        status = err_set(detail, ERR_INPUT, "%s: the index %zu is past the %zu entries", key, index,
                         json_array_size(list));
    if (status == ERR_OK)
        *ret_entry = json_array_get(list, index);
    return status;
}

static int read_fees(struct eth_transaction *tx, const json_t *object, struct err_detail *detail)
{
    bool dynamic;
    int status = evmtool_json_may_u256(&dynamic, &tx->max_fee, object, "maxFeePerGas", detail);
    if (status != ERR_OK)
        return status;
    if (dynamic) {
        tx->type = ETH_DYNAMIC_FEE;
        return evmtool_json_need_u256(&tx->max_priority_fee, object, "maxPriorityFeePerGas",
                                      detail);
    }
    status = evmtool_json_need_u256(&tx->max_fee, object, "gasPrice", detail);
    tx->max_priority_fee = tx->max_fee;
    return status;
}

/* What makes a transaction one of the later types. */
static int read_extensions(struct eth_transaction *tx, const json_t *object, size_t data_index,
                           struct arena *arena, struct err_detail *detail)
{
    int status = ERR_OK;
    bool present;
    const json_t *lists = json_object_get(object, "accessLists");
    const json_t *list = json_array_get(lists, data_index);
    if (list && !json_is_null(list)) {
        if (tx->type == ETH_LEGACY)
            tx->type = ETH_ACCESS_LIST;
        status = evmtool_access_list_read(tx, list, arena, detail);
    }
    const json_t *blobs = json_object_get(object, "blobVersionedHashes");
    if (status == ERR_OK && blobs) {
        tx->type = ETH_BLOB;
        status = evmtool_blob_hashes_read(tx, blobs, arena, detail);
        if (status == ERR_OK)
            status = evmtool_json_may_u256(&present, &tx->max_blob_fee, object, "maxFeePerBlobGas",
                                           detail);
    }
    const json_t *authorizations = json_object_get(object, "authorizationList");
    if (status == ERR_OK && authorizations) {
        tx->type = ETH_SET_CODE;
        status = evmtool_authorizations_read(tx, authorizations, arena, detail);
    }
    return status;
}

static int sender_of_key(struct eth_transaction *tx, const json_t *secret,
                         struct err_detail *detail)
{
    struct hash256 text;
    struct crypto_private_key key;
    struct crypto_public_key public_key;
    int status = evmtool_json_hash(&text, secret, "secretKey", detail);
    if (status != ERR_OK)
        return status;
    memcpy(key.b, text.b, sizeof(key.b));
    if (!crypto_public_key_of(&public_key, &key))
        return err_set(detail, ERR_INPUT, "secretKey: not a private key of secp256k1");
    crypto_address_of(&tx->sender, &public_key);
    return ERR_OK;
}

static int read_sender(struct eth_transaction *tx, const json_t *object, struct err_detail *detail)
{
    bool present;
    int status = evmtool_json_may_address(&present, &tx->sender, object, "sender", detail);
    if (status == ERR_OK && !present) {
        const json_t *secret;
        status = evmtool_json_member(&secret, object, "secretKey", detail);
        if (status == ERR_OK)
            status = sender_of_key(tx, secret, detail);
    }
    tx->sender_known = status == ERR_OK;
    return status;
}

int evmtool_testtx_read(struct eth_transaction *ret_tx, const json_t *object, size_t data_index,
                        size_t gas_index, size_t value_index, struct arena *arena,
                        struct err_detail *detail)
{
    struct eth_transaction tx = {.chain_id = u256_from(1)};
    const json_t *entry;
    int status = choose(&entry, object, "data", data_index, detail);
    if (status == ERR_OK)
        status = evmtool_json_bytes(&tx.data, entry, "data", arena, detail);
    if (status == ERR_OK)
        status = choose(&entry, object, "gasLimit", gas_index, detail);
    if (status == ERR_OK)
        status = evmtool_json_u64(&tx.gas_limit, entry, "gasLimit", detail);
    if (status == ERR_OK)
        status = choose(&entry, object, "value", value_index, detail);
    if (status == ERR_OK)
        status = evmtool_json_u256(&tx.value, entry, "value", detail);
    if (status == ERR_OK)
        status = evmtool_json_need_u64(&tx.nonce, object, "nonce", detail);
    if (status == ERR_OK)
        status = evmtool_to_read(&tx, object, detail);
    if (status == ERR_OK)
        status = read_fees(&tx, object, detail);
    if (status == ERR_OK)
        status = read_extensions(&tx, object, data_index, arena, detail);
    if (status == ERR_OK)
        status = read_sender(&tx, object, detail);
    if (status == ERR_OK)
        *ret_tx = tx;
    return status;
}
