#include "chain/block_priv.h"

#include "base/mem.h"
#include "consensus/istanbul/hash.h"
#include "crypto/keccak.h"
#include "trie/trie.h"

/* --- Bodies --- */

static struct chain_body *body_alloc(void)
{
    struct chain_body *body = mem_alloc_zeroed(1, sizeof(*body));
    if (!body)
        return NULL;
    arena_init(&body->arena);
    buf_init(&body->storage);
    atomic_init(&body->refs, 1);
    return body;
}

void chain_body_unref(struct chain_body *body)
{
    if (!body || atomic_fetch_sub_explicit(&body->refs, 1, memory_order_acq_rel) != 1)
        return;
    if (body->txs)
        for (size_t i = 0; i < body->body.transaction_count; i++)
            chain_tx_unref(body->txs[i]);
    arena_release(&body->arena);
    buf_release(&body->storage);
    mem_free(body);
}

static int withdrawals_root(struct chain_body *body)
{
    struct arena_mark mark = arena_mark(&body->arena);
    size_t count = body->body.withdrawal_count;
    struct bytes *items = arena_alloc(&body->arena, count * sizeof(*items));
    size_t *ends = arena_alloc(&body->arena, count * sizeof(*ends));
    if (!items || !ends)
        return ERR_NOMEM;
    struct buf b = BUF_INIT;
    for (size_t i = 0; i < count; i++) {
        eth_withdrawal_write(&b, &body->body.withdrawals[i]);
        ends[i] = b.len;
    }
    for (size_t i = 0, at = 0; i < count; at = ends[i++])
        items[i] = bytes_of(b.data + at, ends[i] - at);
    int err = buf_status(&b);
    if (!err)
        err = trie_list_root(&body->withdrawals_root, items, count);
    buf_release(&b);
    arena_rewind(&body->arena, mark);
    return err;
}

/* Hashes and roots of what the body has. */
static int body_finish(struct chain_body *body)
{
    size_t count = body->body.transaction_count;
    struct bytes *items = arena_alloc(&body->arena, count * sizeof(*items));
    body->hashes = arena_alloc(&body->arena, count * sizeof(*body->hashes));
    if (!items || !body->hashes)
        return ERR_NOMEM;
    for (size_t i = 0; i < count; i++)
        items[i] = body->body.transactions[i].encoded;
    if (body->txs)
        for (size_t i = 0; i < count; i++)
            body->hashes[i] = body->txs[i]->hash;
    else
        crypto_keccak256_many(body->hashes, items, count);
    int err = trie_list_root(&body->transactions_root, items, count);
    if (!err)
        err = eth_uncles_hash(body->body.uncles, body->body.uncle_count, &body->uncles_hash);
    if (!err && body->body.has_withdrawals)
        err = withdrawals_root(body);
    return err;
}

int chain_body_build(struct chain_body **ret_body, struct chain_tx *const *txs, size_t count,
                     bool has_withdrawals)
{
    struct chain_body *body = body_alloc();
    if (!body)
        return ERR_NOMEM;
    body->body.transactions = arena_alloc(&body->arena, count * sizeof(*body->body.transactions));
    body->txs = arena_alloc(&body->arena, count * sizeof(struct chain_tx *));
    if (!body->body.transactions || !body->txs) {
        body->txs = NULL;
        chain_body_unref(body);
        return ERR_NOMEM;
    }
    size_t list = rlp_begin(&body->storage);
    for (size_t i = 0; i < count; i++) {
        body->txs[i] = chain_tx_ref(txs[i]);
        body->body.transactions[i] = txs[i]->tx;
        chain_tx_write(&body->storage, txs[i]);
    }
    body->body.transaction_count = count;
    rlp_end_list(&body->storage, list);
    rlp_end_list(&body->storage, rlp_begin(&body->storage));
    if (has_withdrawals)
        rlp_end_list(&body->storage, rlp_begin(&body->storage));
    body->body.has_withdrawals = has_withdrawals;
    body->rlp = buf_bytes(&body->storage);
    int err = buf_status(&body->storage);
    if (!err)
        err = body_finish(body);
    if (err)
        chain_body_unref(body);
    else
        *ret_body = body;
    return err;
}

/* --- Blocks --- */

static struct chain_block *block_alloc(struct chain_body *body)
{
    struct chain_block *block = mem_alloc_zeroed(1, sizeof(*block));
    if (!block)
        return NULL;
    block->body = body;
    buf_init(&block->storage);
    atomic_init(&block->refs, 1);
    return block;
}

void chain_block_unref(struct chain_block *block)
{
    if (!block || atomic_fetch_sub_explicit(&block->refs, 1, memory_order_acq_rel) != 1)
        return;
    chain_body_unref(block->body);
    buf_release(&block->storage);
    mem_free(block);
}

int chain_block_decode(struct chain_block **ret_block, struct bytes rlp, struct err_detail *detail)
{
    if (rlp.len > CHAIN_BLOCK_SIZE_MAX)
        return err_set(detail, ERR_LIMIT, "block of %zu bytes, at most %d are accepted", rlp.len,
                       CHAIN_BLOCK_SIZE_MAX);
    struct chain_body *body = body_alloc();
    struct chain_block *block = body ? block_alloc(body) : NULL;
    if (!block) {
        chain_body_unref(body);
        return err_set(detail, ERR_NOMEM, "block: out of memory");
    }
    buf_append_bytes(&body->storage, rlp);
    struct bytes copy = buf_bytes(&body->storage);
    struct eth_block decoded;
    int err = buf_status(&body->storage);
    if (!err)
        err = eth_block_decode(&decoded, &body->arena, copy, detail);
    if (!err) {
        struct rlp_reader r;
        rlp_reader_init(&r, copy);
        rlp_enter(&r, "block");
        block->header = decoded.header;
        block->header_rlp = rlp_read_raw(&r, "header");
        body->body = decoded.body;
        body->rlp = bytes_of(r.at, rlp_left(&r));
        err = body_finish(body);
    }
    if (!err)
        err = istanbul_block_hash(&block->header, &block->hash);
    if (err)
        chain_block_unref(block);
    else
        *ret_block = block;
    return err;
}

/* `body_rlp` with or without the list around its items. */
static int body_decode(struct chain_body **ret_body, struct bytes body_rlp, bool is_list,
                       struct err_detail *detail)
{
    struct chain_body *body = body_alloc();
    if (!body)
        return err_set(detail, ERR_NOMEM, "block: out of memory");
    size_t header_size = 0;
    if (is_list) {
        struct rlp_reader r;
        rlp_reader_init(&r, body_rlp);
        rlp_enter(&r, "body");
        header_size = body_rlp.len - rlp_left(&r);
        buf_append_bytes(&body->storage, body_rlp);
    } else {
        size_t list = rlp_begin(&body->storage);
        buf_append_bytes(&body->storage, body_rlp);
        rlp_end_list(&body->storage, list);
        header_size = body->storage.len - body_rlp.len;
    }
    struct rlp_reader r;
    rlp_reader_init(&r, buf_bytes(&body->storage));
    int err = buf_status(&body->storage);
    if (!err)
        err = eth_body_read(&body->body, &body->arena, &r, detail);
    if (!err)
        err = rlp_finish(&r, detail, "body");
    if (!err) {
        struct bytes whole = buf_bytes(&body->storage);
        body->rlp = bytes_slice(whole, header_size, whole.len - header_size);
        err = body_finish(body);
    }
    if (err)
        chain_body_unref(body);
    else
        *ret_body = body;
    return err;
}

static int block_join(struct chain_block **ret_block, struct bytes header_rlp,
                      struct bytes body_rlp, bool is_list, struct err_detail *detail)
{
    struct chain_body *body;
    int err = body_decode(&body, body_rlp, is_list, detail);
    if (err)
        return err;
    struct chain_block *block = block_alloc(body);
    if (!block) {
        chain_body_unref(body);
        return err_set(detail, ERR_NOMEM, "block: out of memory");
    }
    buf_append_bytes(&block->storage, header_rlp);
    block->header_rlp = buf_bytes(&block->storage);
    err = buf_status(&block->storage);
    if (!err)
        err = eth_header_decode(&block->header, block->header_rlp, detail);
    if (!err)
        err = istanbul_block_hash(&block->header, &block->hash);
    if (err)
        chain_block_unref(block);
    else
        *ret_block = block;
    return err;
}

int chain_block_join(struct chain_block **ret_block, struct bytes header_rlp, struct bytes body_rlp,
                     struct err_detail *detail)
{
    size_t size = header_rlp.len + body_rlp.len;
    if (size > CHAIN_BLOCK_SIZE_MAX)
        return err_set(detail, ERR_LIMIT, "block of %zu bytes, at most %d are accepted", size,
                       CHAIN_BLOCK_SIZE_MAX);
    return block_join(ret_block, header_rlp, body_rlp, true, detail);
}

int chain_block_load(struct chain_block **ret_block, struct bytes header_rlp, struct bytes body_rlp,
                     struct err_detail *detail)
{
    int err = block_join(ret_block, header_rlp, body_rlp, false, detail);
    return err == ERR_INPUT || err == ERR_UNSUPPORTED ? ERR_CORRUPT : err;
}

int chain_block_build(struct chain_block **ret_block, const struct eth_header *header,
                      struct chain_body *body)
{
    struct chain_block *block = block_alloc(body);
    if (!block)
        return ERR_NOMEM;
    atomic_fetch_add_explicit(&body->refs, 1, memory_order_relaxed);
    eth_header_write(&block->storage, header);
    block->header_rlp = buf_bytes(&block->storage);
    int err = buf_status(&block->storage);
    if (!err) /* so that `extra` points into the block's own bytes */
        err = eth_header_decode(&block->header, block->header_rlp, NULL);
    assert(err != ERR_INPUT);
    if (!err)
        err = istanbul_block_hash(&block->header, &block->hash);
    if (err)
        chain_block_unref(block);
    else
        *ret_block = block;
    return err;
}

int chain_block_with_extra(struct chain_block **ret_block, const struct chain_block *block,
                           struct bytes extra)
{
    struct eth_header header = block->header;
    header.extra = extra;
    return chain_block_build(ret_block, &header, block->body);
}

bool chain_block_matches(const struct chain_block *block)
{
    const struct eth_header *h = &block->header;
    const struct chain_body *body = block->body;
    bool has_root = h->tail >= ETH_HEADER_WITHDRAWALS_ROOT;
    return hash256_equal(&h->transactions_root, &body->transactions_root) &&
           hash256_equal(&h->uncles_hash, &body->uncles_hash) &&
           has_root == body->body.has_withdrawals &&
           (!has_root || hash256_equal(&h->withdrawals_root, &body->withdrawals_root));
}

void chain_block_write(struct buf *b, const struct chain_block *block)
{
    size_t list = rlp_begin(b);
    buf_append_bytes(b, block->header_rlp);
    buf_append_bytes(b, block->body->rlp);
    rlp_end_list(b, list);
}

void chain_body_write(struct buf *b, const struct chain_body *body)
{
    size_t list = rlp_begin(b);
    buf_append_bytes(b, body->rlp);
    rlp_end_list(b, list);
}

size_t chain_block_size(const struct chain_block *block)
{
    return rlp_size_list(block->header_rlp.len + block->body->rlp.len);
}

/* --- Senders --- */

int chain_block_recover(struct chain_block *block, enum eth_tx_status *ret_status,
                        size_t *ret_index, const struct eth_rules *rules, struct pool *pool)
{
    struct eth_body *body = &block->body->body;
    size_t count = body->transaction_count;
    enum eth_tx_status *statuses = mem_alloc_zeroed(count + 1, sizeof(*statuses));
    if (!statuses)
        return ERR_NOMEM;
    int err = eth_transactions_recover(body->transactions, statuses, count, rules, pool);
    if (!err) {
        size_t i = 0;
        while (i < count && statuses[i] == ETH_TX_OK)
            i++;
        *ret_status = i < count ? statuses[i] : ETH_TX_OK;
        *ret_index = i;
    }
    mem_free(statuses);
    return err;
}
