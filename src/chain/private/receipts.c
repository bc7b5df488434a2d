/*
 * What of a block's receipts only parties know, as it is stored:
 *
 *     RLP [bloom, [[index, is inner, receipt as chain_receipt_store has it, (private state)], …]]
 *
 * The last is there where there are multiple private states; without it the receipt is the state's "private".
 * Nothing is stored for a block without any, nor for a transaction that was a success without logs:
 * that is what everybody sees.
 */
#include "chain/private/priv.h"

enum { ENTRY_SIZE = 8 }; /* the least: a list of two numbers and a receipt */

void chain_private_append(struct chain_private *p, uint32_t index, bool is_inner,
                          const struct eth_receipt *receipt, struct bytes psi)
{
    size_t list = rlp_begin(&p->entries);
    rlp_write_u64(&p->entries, index);
    rlp_write_bool(&p->entries, is_inner);
    chain_receipt_store(&p->entries, receipt, p->reasons);
    if (psi.len)
        rlp_write_bytes(&p->entries, psi);
    rlp_end_list(&p->entries, list);
    eth_bloom_merge(&p->bloom, &receipt->bloom);
}

int chain_private_keep(struct chain_private *p, uint32_t index, const struct exec_result *outcome)
{
    const struct eth_receipt *other = &outcome->other_receipt;
    int err = 0;
    if (p->psis) /* what a state has of it is kept as it runs */
        return buf_status(&p->entries);
    if (p->is_private && outcome->has_other_receipt)
        err = chain_private_extend(p, other);
    if (!err && p->has_inner_receipt)
        err = chain_private_extend(p, &p->inner_receipt);
    if (err)
        return err;
    if (p->is_private && outcome->has_other_receipt && (!other->success || other->log_count))
        chain_private_append(p, index, false, other, bytes_none());
    if (p->has_inner_receipt)
        chain_private_append(p, index, true, &p->inner_receipt, bytes_none());
    p->has_inner_receipt = false;
    return buf_status(&p->entries);
}

int chain_private_write(struct store_txn *txn, const struct chain_private *p, uint64_t number)
{
    struct buf record = BUF_INIT;
    if (p->entries.len == 0)
        return 0;
    size_t whole = rlp_begin(&record);
    rlp_write_bytes(&record, bytes_of(&p->bloom, sizeof(p->bloom)));
    size_t list = rlp_begin(&record);
    buf_append_bytes(&record, buf_bytes(&p->entries));
    rlp_end_list(&record, list);
    rlp_end_list(&record, whole);
    int err = buf_status(&record);
    if (!err)
        err = store_put_id(txn, CHAIN_PRIVATE, number, buf_bytes(&record), STORE_PUT);
    buf_release(&record);
    return err;
}

/* Of one state alone when it has a name. */
static int load(struct chain_private_receipts *ret, struct arena *arena, struct bytes psi,
                struct rlp_reader *r)
{
    rlp_enter(r, "private receipts");
    struct bytes bloom = rlp_read_bytes(r, "bloom");
    if (bloom.len == sizeof(ret->bloom))
        memcpy(&ret->bloom, bloom.data, bloom.len);
    rlp_enter(r, "list");
    size_t count = rlp_count(r, ENTRY_SIZE, "private receipt"), kept = 0;
    struct chain_private_receipt *list = arena_alloc_zeroed(arena, count + 1, sizeof(*list));
    if (!list)
        return ERR_NOMEM;
    for (size_t i = 0; i < count; i++) {
        rlp_enter(r, "private receipt");
        list[kept].index = (uint32_t)rlp_read_u64(r, "index");
        list[kept].is_inner = rlp_read_u64(r, "is inner") != 0;
        int err = chain_receipt_read(&list[kept].receipt, arena, r);
        if (err)
            return err;
        eth_receipt_make_bloom(&list[kept].receipt);
        struct bytes whose = rlp_more(r) ? rlp_read_bytes(r, "private state") : chain_psi_private();
        kept += psi.len == 0 || bytes_equal(psi, whose);
        rlp_leave(r, "private receipt");
    }
    rlp_leave(r, "list");
    rlp_leave(r, "private receipts");
    ret->list = list;
    ret->count = kept;
    return 0;
}

int chain_reader_private_receipts(struct chain_reader *reader,
                                  struct chain_private_receipts *ret_receipts, struct arena *arena,
                                  struct bytes psi, uint64_t number)
{
    struct bytes stored;
    struct rlp_reader r;
    *ret_receipts = (struct chain_private_receipts){.count = 0};
    int err = store_get_id(reader->txn, &stored, CHAIN_PRIVATE, number);
    if (err)
        return err == ERR_NOTFOUND ? 0 : err;
    rlp_reader_init(&r, stored);
    err = load(ret_receipts, arena, reader->chain->config->is_mps ? psi : bytes_none(), &r);
    if (!err && rlp_finish(&r, &reader->detail, "stored private receipts"))
        err = ERR_CORRUPT;
    return err;
}

const struct chain_private_receipt *
chain_private_receipt_of(const struct chain_private_receipts *receipts, uint64_t index)
{
    for (size_t i = 0; i < receipts->count; i++)
        if (receipts->list[i].index == index)
            return &receipts->list[i];
    return NULL;
}
