#include "eth/header.h"

#include "crypto/keccak.h"

const struct hash256 eth_empty_uncles_hash = {{0x1d, 0xcc, 0x4d, 0xe8, 0xde, 0xc7, 0x5d, 0x7a,
                                               0xab, 0x85, 0xb5, 0x67, 0xb6, 0xcc, 0xd4, 0x1a,
                                               0xd3, 0x12, 0x45, 0x1b, 0x94, 0x8a, 0x74, 0x13,
                                               0xf0, 0xa1, 0x42, 0xfd, 0x40, 0xd4, 0x93, 0x47}};

const struct hash256 eth_empty_trie_root = {{0x56, 0xe8, 0x1f, 0x17, 0x1b, 0xcc, 0x55, 0xa6,
                                             0xff, 0x83, 0x45, 0xe6, 0x92, 0xc0, 0xf8, 0x6e,
                                             0x5b, 0x48, 0xe0, 0x1b, 0x99, 0x6c, 0xad, 0xc0,
                                             0x01, 0x62, 0x2f, 0xb5, 0xe3, 0x63, 0xb4, 0x21}};

static void read_tail(struct eth_header *h, struct rlp_reader *r)
{
    if (!rlp_more(r))
        return;
    h->tail = ETH_HEADER_BASE_FEE;
    h->base_fee = rlp_read_u256(r, "base fee");
    if (!rlp_more(r))
        return;
    h->tail = ETH_HEADER_WITHDRAWALS_ROOT;
    h->withdrawals_root = rlp_read_hash(r, "withdrawals root");
    if (!rlp_more(r))
        return;
    h->tail = ETH_HEADER_BLOB_GAS_USED;
    h->blob_gas_used = rlp_read_u64(r, "blob gas used");
    if (!rlp_more(r))
        return;
    h->tail = ETH_HEADER_EXCESS_BLOB_GAS;
    h->excess_blob_gas = rlp_read_u64(r, "excess blob gas");
    if (!rlp_more(r))
        return;
    h->tail = ETH_HEADER_BEACON_ROOT;
    h->parent_beacon_root = rlp_read_hash(r, "parent beacon root");
    if (!rlp_more(r))
        return;
    h->tail = ETH_HEADER_REQUESTS_HASH;
    h->requests_hash = rlp_read_hash(r, "requests hash");
}

void eth_header_read(struct eth_header *ret_header, struct rlp_reader *r)
{
    struct eth_header h = {.tail = ETH_HEADER_PLAIN};
    rlp_enter(r, "header");
    h.parent_hash = rlp_read_hash(r, "parent hash");
    h.uncles_hash = rlp_read_hash(r, "uncles hash");
    h.coinbase = rlp_read_address(r, "coinbase");
    h.state_root = rlp_read_hash(r, "state root");
    h.transactions_root = rlp_read_hash(r, "transactions root");
    h.receipts_root = rlp_read_hash(r, "receipts root");
    rlp_read_fixed(r, h.bloom.b, sizeof(h.bloom.b), "bloom");
    h.difficulty = rlp_read_u256(r, "difficulty");
    h.number = rlp_read_u64(r, "number");
    h.gas_limit = rlp_read_u64(r, "gas limit");
    h.gas_used = rlp_read_u64(r, "gas used");
    h.timestamp = rlp_read_u64(r, "timestamp");
    h.extra = rlp_read_bytes(r, "extra data");
    h.mix_hash = rlp_read_hash(r, "mix hash");
    rlp_read_fixed(r, h.nonce, sizeof(h.nonce), "nonce");
    read_tail(&h, r);
    rlp_leave(r, "field after the last");
    if (rlp_ok(r))
        *ret_header = h;
}

int eth_header_decode(struct eth_header *ret_header, struct bytes input, struct err_detail *detail)
{
    struct rlp_reader r;
    struct eth_header header;
    rlp_reader_init(&r, input);
    eth_header_read(&header, &r);
    int status = rlp_finish(&r, detail, "header");
    if (status == ERR_OK)
        *ret_header = header;
    return status;
}

void eth_header_write(struct buf *b, const struct eth_header *h)
{
    enum {
        ROOM = 768
    }; /* for all but `extra`, and what begins lists: at once, not piece by piece */
    if (buf_reserve(b, ROOM + h->extra.len) != ERR_OK)
        return; /* the buffer has the failure */
    size_t list = rlp_begin(b);
    rlp_write_hash(b, &h->parent_hash);
    rlp_write_hash(b, &h->uncles_hash);
    rlp_write_address(b, &h->coinbase);
    rlp_write_hash(b, &h->state_root);
    rlp_write_hash(b, &h->transactions_root);
    rlp_write_hash(b, &h->receipts_root);
    rlp_write_bytes(b, bytes_of(h->bloom.b, sizeof(h->bloom.b)));
    rlp_write_u256(b, &h->difficulty);
    rlp_write_u64(b, h->number);
    rlp_write_u64(b, h->gas_limit);
    rlp_write_u64(b, h->gas_used);
    rlp_write_u64(b, h->timestamp);
    rlp_write_bytes(b, h->extra);
    rlp_write_hash(b, &h->mix_hash);
    rlp_write_bytes(b, bytes_of(h->nonce, sizeof(h->nonce)));
    if (h->tail >= ETH_HEADER_BASE_FEE)
        rlp_write_u256(b, &h->base_fee);
    if (h->tail >= ETH_HEADER_WITHDRAWALS_ROOT)
        rlp_write_hash(b, &h->withdrawals_root);
    if (h->tail >= ETH_HEADER_BLOB_GAS_USED)
        rlp_write_u64(b, h->blob_gas_used);
    if (h->tail >= ETH_HEADER_EXCESS_BLOB_GAS)
        rlp_write_u64(b, h->excess_blob_gas);
    if (h->tail >= ETH_HEADER_BEACON_ROOT)
        rlp_write_hash(b, &h->parent_beacon_root);
    if (h->tail >= ETH_HEADER_REQUESTS_HASH)
        rlp_write_hash(b, &h->requests_hash);
    rlp_end_list(b, list);
}

int eth_header_hash(const struct eth_header *header, struct hash256 *ret_hash)
{
    struct buf b = BUF_INIT;
    eth_header_write(&b, header);
    int status = buf_status(&b);
    if (status == ERR_OK)
        crypto_keccak256(ret_hash, buf_bytes(&b));
    buf_release(&b);
    return status;
}
