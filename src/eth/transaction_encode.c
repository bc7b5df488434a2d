#include "crypto/keccak.h"
#include "eth/transaction.h"

static void write_access_list(struct buf *b, const struct eth_transaction *tx)
{
    size_t list = rlp_begin(b);
    for (size_t i = 0; i < tx->access_count; i++) {
        const struct eth_access *access = &tx->access_list[i];
        size_t entry = rlp_begin(b);
        rlp_write_address(b, &access->address);
        size_t keys = rlp_begin(b);
        for (size_t k = 0; k < access->key_count; k++)
            rlp_write_hash(b, &access->keys[k]);
        rlp_end_list(b, keys);
        rlp_end_list(b, entry);
    }
    rlp_end_list(b, list);
}

static void write_blob_hashes(struct buf *b, const struct eth_transaction *tx)
{
    size_t list = rlp_begin(b);
    for (size_t i = 0; i < tx->blob_count; i++)
        rlp_write_hash(b, &tx->blob_hashes[i]);
    rlp_end_list(b, list);
}

static void write_authorizations(struct buf *b, const struct eth_transaction *tx)
{
    size_t list = rlp_begin(b);
    for (size_t i = 0; i < tx->authorization_count; i++) {
        const struct eth_authorization *a = &tx->authorizations[i];
        size_t entry = rlp_begin(b);
        rlp_write_u256(b, &a->chain_id);
        rlp_write_address(b, &a->address);
        rlp_write_u64(b, a->nonce);
        rlp_write_u256(b, &a->y_parity);
        rlp_write_u256(b, &a->r);
        rlp_write_u256(b, &a->s);
        rlp_end_list(b, entry);
    }
    rlp_end_list(b, list);
}

/* All fields before the signature. */
static void write_fields(struct buf *b, const struct eth_transaction *tx)
{
    if (tx->type != ETH_LEGACY)
        rlp_write_u256(b, &tx->chain_id);
    rlp_write_u64(b, tx->nonce);
    if (tx->type >= ETH_DYNAMIC_FEE)
        rlp_write_u256(b, &tx->max_priority_fee);
    rlp_write_u256(b, &tx->max_fee);
    rlp_write_u64(b, tx->gas_limit);
    rlp_write_optional_address(b, tx->is_creation ? NULL : &tx->to);
    rlp_write_u256(b, &tx->value);
    rlp_write_bytes(b, tx->data);
    if (tx->type != ETH_LEGACY)
        write_access_list(b, tx);
    if (tx->type == ETH_BLOB) {
        rlp_write_u256(b, &tx->max_blob_fee);
        write_blob_hashes(b, tx);
    }
    if (tx->type == ETH_SET_CODE)
        write_authorizations(b, tx);
}

void eth_transaction_encode(struct buf *b, const struct eth_transaction *tx)
{
    if (tx->type != ETH_LEGACY)
        buf_append_byte(b, (uint8_t)tx->type);
    size_t list = rlp_begin(b);
    write_fields(b, tx);
    rlp_write_u256(b, &tx->v);
    rlp_write_u256(b, &tx->r);
    rlp_write_u256(b, &tx->s);
    rlp_end_list(b, list);
}

void eth_transaction_write(struct buf *b, const struct eth_transaction *tx)
{
    if (tx->type == ETH_LEGACY) {
        eth_transaction_encode(b, tx);
        return;
    }
    size_t string = rlp_begin(b);
    eth_transaction_encode(b, tx);
    rlp_end_string(b, string);
}

int eth_transaction_hash(const struct eth_transaction *tx, struct hash256 *ret_hash)
{
    if (tx->encoded.len) {
        crypto_keccak256(ret_hash, tx->encoded);
        return ERR_OK;
    }
    struct buf b = BUF_INIT;
    eth_transaction_encode(&b, tx);
    int status = buf_status(&b);
    if (status == ERR_OK)
        crypto_keccak256(ret_hash, buf_bytes(&b));
    buf_release(&b);
    return status;
}

int eth_transaction_signing_hash(const struct eth_transaction *tx, enum eth_signing how,
                                 struct hash256 *ret_hash)
{
    struct buf b = BUF_INIT;
    if (tx->type != ETH_LEGACY)
        buf_append_byte(&b, (uint8_t)tx->type);
    size_t list = rlp_begin(&b);
    write_fields(&b, tx);
    if (tx->type == ETH_LEGACY && how == ETH_SIGN_PROTECTED) {
        rlp_write_u256(&b, &tx->chain_id);
        rlp_write_u64(&b, 0);
        rlp_write_u64(&b, 0);
    }
    rlp_end_list(&b, list);
    int status = buf_status(&b);
    if (status == ERR_OK)
        crypto_keccak256(ret_hash, buf_bytes(&b));
    buf_release(&b);
    return status;
}

void eth_authorization_signing_hash(const struct eth_authorization *authorization,
                                    struct hash256 *ret_hash)
{
    enum { MAGIC = 0x05, LARGEST = 2 + 33 + 21 + 9 };
    const struct eth_authorization *a = authorization;
    uint8_t message[LARGEST], *at = message;
    size_t size = rlp_size_u256(&a->chain_id) + 1 + sizeof(a->address.b) + rlp_size_u64(a->nonce);
    *at++ = MAGIC;
    at = rlp_put_list_header(at, size);
    at = rlp_put_u256(at, &a->chain_id);
    at = rlp_put_bytes(at, bytes_of(a->address.b, sizeof(a->address.b)));
    at = rlp_put_u64(at, a->nonce);
    crypto_keccak256(ret_hash, bytes_of(message, (size_t)(at - message)));
}
