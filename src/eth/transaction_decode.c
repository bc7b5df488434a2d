#include "eth/transaction.h"

/* The least encoded sizes of valid list entries, which bound the memory of their arrays. */
enum {
    ACCESS_SIZE = 23, /* [address, []] */
    HASH_SIZE = 33,
    AUTHORIZATION_SIZE = 27, /* six fields, one an address */
};

/* An array in the arena for what rlp_count found, NULL when out of memory. */
static void *new_array(struct arena *arena, size_t count, size_t size, int *status)
{
    void *array = arena_alloc(arena, count * size);
    if (!array)
        *status = ERR_NOMEM;
    return array;
}

static const struct hash256 *read_hashes(struct rlp_reader *r, struct arena *arena,
                                         size_t *ret_count, int *status, const char *name)
{
    rlp_enter(r, name);
    size_t count = rlp_count(r, HASH_SIZE, name);
    struct hash256 *hashes = count ? new_array(arena, count, sizeof(*hashes), status) : NULL;
    if (!hashes)
        count = 0;
    for (size_t i = 0; i < count; i++)
        hashes[i] = rlp_read_hash(r, name);
    if (*status == ERR_OK)
        rlp_leave(r, name);
    *ret_count = count;
    return hashes;
}

static void read_access_list(struct eth_transaction *tx, struct rlp_reader *r, struct arena *arena,
                             int *status)
{
    rlp_enter(r, "access list");
    size_t count = rlp_count(r, ACCESS_SIZE, "access list entry");
    struct eth_access *list = count ? new_array(arena, count, sizeof(*list), status) : NULL;
    for (size_t i = 0; i < count && *status == ERR_OK; i++) {
        rlp_enter(r, "access list entry");
        list[i].address = rlp_read_address(r, "access list address");
        list[i].keys = read_hashes(r, arena, &list[i].key_count, status, "access list key");
        if (*status == ERR_OK)
            rlp_leave(r, "access list entry");
    }
    if (*status != ERR_OK)
        return;
    rlp_leave(r, "access list");
    tx->access_list = list;
    tx->access_count = count;
}

static void read_authorizations(struct eth_transaction *tx, struct rlp_reader *r,
                                struct arena *arena, int *status)
{
    rlp_enter(r, "authorization list");
    size_t count = rlp_count(r, AUTHORIZATION_SIZE, "authorization");
    struct eth_authorization *list = count ? new_array(arena, count, sizeof(*list), status) : NULL;
    if (*status != ERR_OK)
        return;
    for (size_t i = 0; i < count; i++) {
        rlp_enter(r, "authorization");
        list[i].chain_id = rlp_read_u256(r, "authorization chain id");
        list[i].address = rlp_read_address(r, "authorization address");
        list[i].nonce = rlp_read_u64(r, "authorization nonce");
        list[i].y_parity = rlp_read_u256(r, "authorization y parity");
        list[i].r = rlp_read_u256(r, "authorization r");
        list[i].s = rlp_read_u256(r, "authorization s");
        rlp_leave(r, "authorization");
    }
    rlp_leave(r, "authorization list");
    tx->authorizations = list;
    tx->authorization_count = count;
}

/* The order of fields is that of eth_transaction_encode. */
static void read_fields(struct eth_transaction *tx, struct rlp_reader *r, struct arena *arena,
                        int *status)
{
    if (tx->type != ETH_LEGACY)
        tx->chain_id = rlp_read_u256(r, "chain id");
    tx->nonce = rlp_read_u64(r, "nonce");
    if (tx->type >= ETH_DYNAMIC_FEE) {
        tx->max_priority_fee = rlp_read_u256(r, "max priority fee");
        tx->max_fee = rlp_read_u256(r, "max fee");
    } else {
        tx->max_fee = tx->max_priority_fee = rlp_read_u256(r, "gas price");
    }
    tx->gas_limit = rlp_read_u64(r, "gas limit");
    tx->is_creation = !rlp_read_optional_address(r, &tx->to, "to");
    tx->value = rlp_read_u256(r, "value");
    tx->data = rlp_read_bytes(r, "data");
    if (tx->type != ETH_LEGACY)
        read_access_list(tx, r, arena, status);
    if (tx->type == ETH_BLOB) {
        tx->max_blob_fee = rlp_read_u256(r, "max blob fee");
        tx->blob_hashes = read_hashes(r, arena, &tx->blob_count, status, "blob hash");
    }
    if (tx->type == ETH_SET_CODE)
        read_authorizations(tx, r, arena, status);
    tx->v = rlp_read_u256(r, tx->type == ETH_LEGACY ? "v" : "y parity");
    tx->r = rlp_read_u256(r, "r");
    tx->s = rlp_read_u256(r, "s");
}

/* EIP-155: v = chain id * 2 + 35 or 36. */
static void find_chain_id(struct eth_transaction *tx)
{
    const struct u256 offset = u256_from(35);
    if (tx->type == ETH_LEGACY && !u256_less(&tx->v, &offset)) {
        u256_sub(&tx->chain_id, &tx->v, &offset);
        u256_shift_right(&tx->chain_id, &tx->chain_id, 1);
    }
}

/* Public networks exchange type 3 as [transaction, blobs, commitments, proofs] (EIP-4844). */
static bool has_blobs(struct bytes list)
{
    struct rlp_reader r;
    rlp_reader_init(&r, list);
    rlp_enter(&r, NULL);
    return rlp_peek(&r) == RLP_LIST;
}

static int read_type(struct eth_transaction *tx, struct bytes *list, struct bytes input,
                     struct err_detail *detail)
{
    *list = input;
    uint8_t first = input.len ? input.data[0] : 0xc0;
    if (first >= 0xc0) {
        tx->type = ETH_LEGACY;
        return ERR_OK;
    }
    if (first == ETH_LEGACY || first >= ETH_TRANSACTION_TYPES)
        return err_set(detail, ERR_INPUT, "transaction: type 0x%02x is not known", first);
    tx->type = (enum eth_transaction_type)first;
    *list = bytes_slice(input, 1, input.len - 1);
    if (tx->type == ETH_BLOB && has_blobs(*list))
        return err_set(detail, ERR_UNSUPPORTED,
                       "transaction: blobs beside a blob transaction are not supported");
    return ERR_OK;
}

int eth_transaction_decode(struct eth_transaction *ret_tx, struct arena *arena, struct bytes input,
                           struct err_detail *detail)
{
    struct eth_transaction tx = {.encoded = input};
    struct bytes list;
    int status = read_type(&tx, &list, input, detail);
    if (status != ERR_OK)
        return status;

    struct rlp_reader r;
    rlp_reader_init(&r, list);
    rlp_enter(&r, NULL);
    read_fields(&tx, &r, arena, &status);
    if (status != ERR_OK)
        return err_set(detail, status, "transaction: %s", err_text(status));
    rlp_leave(&r, "field after s");
    status = rlp_finish(&r, detail, "transaction");
    if (status != ERR_OK)
        return status;
    find_chain_id(&tx);
    *ret_tx = tx;
    return ERR_OK;
}

int eth_transaction_read(struct eth_transaction *ret_tx, struct arena *arena, struct rlp_reader *r,
                         struct err_detail *detail)
{
    bool is_list = rlp_peek(r) == RLP_LIST;
    struct bytes item = is_list ? rlp_read_raw(r, NULL) : rlp_read_bytes(r, NULL);
    if (!rlp_ok(r))
        return rlp_finish(r, detail, "transaction");
    if (!is_list && item.len > 0 && item.data[0] >= 0xc0)
        return err_set(detail, ERR_INPUT, "transaction: a legacy transaction inside a string");
    if (item.len == 0)
        return err_set(detail, ERR_INPUT, "transaction: an empty string");
    return eth_transaction_decode(ret_tx, arena, item, detail);
}
