#include "chain/tx.h"

#include "base/mem.h"
#include "base/pool.h"
#include "crypto/keccak.h"

int chain_tx_decode(struct chain_tx **ret_tx, struct bytes encoded, bool is_quorum,
                    uint64_t arrival, struct err_detail *detail)
{
    if (encoded.len > CHAIN_TX_SIZE_MAX)
        return err_set(detail, ERR_LIMIT, "transaction of %zu bytes, at most %d are accepted",
                       encoded.len, CHAIN_TX_SIZE_MAX);
    /* The object and the encoding are one allocation: a pool holds tens of thousands. */
    struct chain_tx *tx = mem_alloc(sizeof(*tx) + encoded.len);
    if (!tx)
        return err_set(detail, ERR_NOMEM, "transaction: out of memory");
    uint8_t *copy = (uint8_t *)(tx + 1);
    if (encoded.len)
        memcpy(copy, encoded.data, encoded.len);
    arena_init(&tx->arena);
    int err = eth_transaction_decode(&tx->tx, &tx->arena, bytes_of(copy, encoded.len), detail);
    if (err) {
        arena_release(&tx->arena);
        mem_free(tx);
        return err;
    }
    crypto_keccak256(&tx->hash, tx->tx.encoded);
    tx->arrival = arrival;
    tx->is_private = is_quorum && eth_transaction_is_private(&tx->tx);
    atomic_init(&tx->refs, 1);
    *ret_tx = tx;
    return 0;
}

int chain_tx_read(struct chain_tx **ret_tx, struct rlp_reader *r, bool is_quorum, uint64_t arrival,
                  struct err_detail *detail)
{
    /* A legacy transaction is a list, others stand in a string. */
    struct bytes encoded =
        rlp_peek(r) == RLP_LIST ? rlp_read_raw(r, "transaction") : rlp_read_bytes(r, "transaction");
    if (!rlp_ok(r))
        return rlp_finish(r, detail, "transactions");
    if (encoded.len == 0)
        return err_set(detail, ERR_INPUT, "transaction: empty");
    return chain_tx_decode(ret_tx, encoded, is_quorum, arrival, detail);
}

void chain_tx_unref(struct chain_tx *tx)
{
    if (!tx || atomic_fetch_sub_explicit(&tx->refs, 1, memory_order_acq_rel) != 1)
        return;
    arena_release(&tx->arena);
    mem_free(tx);
}

struct recovery {
    struct chain_tx *const *txs;
    enum eth_tx_status *statuses;
    size_t count;
    const struct eth_rules *rules;
    atomic_int err;
};

static void recover_chunk(void *context, size_t index, unsigned worker)
{
    struct recovery *r = context;
    struct eth_transaction *chunk[ETH_RECOVER_CHUNK];
    size_t first = index * ETH_RECOVER_CHUNK;
    size_t count = r->count - first < ETH_RECOVER_CHUNK ? r->count - first : ETH_RECOVER_CHUNK;
    (void)worker;
    for (size_t i = 0; i < count; i++)
        chunk[i] = &r->txs[first + i]->tx;
    int err = eth_transactions_recover_chunk(chunk, r->statuses + first, count, r->rules);
    if (err)
        atomic_store(&r->err, err);
}

int chain_txs_recover(struct chain_tx *const *txs, enum eth_tx_status *ret_statuses, size_t count,
                      const struct eth_rules *rules, struct pool *pool)
{
    struct recovery r = {txs, ret_statuses, count, rules, 0};
    pool_run(pool, (count + ETH_RECOVER_CHUNK - 1) / ETH_RECOVER_CHUNK, recover_chunk, &r);
    return atomic_load(&r.err);
}

void chain_tx_write(struct buf *b, const struct chain_tx *tx)
{
    if (tx->tx.type == ETH_LEGACY)
        rlp_write_raw(b, tx->tx.encoded);
    else
        rlp_write_bytes(b, tx->tx.encoded);
}
