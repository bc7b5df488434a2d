/* Receipts in the store: without what can be computed, which is most of a plain transfer's. */
#include "chain/chain_priv.h"

enum {
    RECEIPT_SIZE = 5, /* the least: a list of four empty items */
    LOG_SIZE = 24,    /* the least: a list of an address and two empty items */
};

void chain_receipt_store(struct buf *b, const struct eth_receipt *receipt, bool with_reason)
{
    size_t list = rlp_begin(b);
    rlp_write_u64(b, receipt->type);
    if (receipt->has_post_state)
        rlp_write_hash(b, &receipt->post_state);
    else
        rlp_write_bool(b, receipt->success);
    rlp_write_u64(b, receipt->cumulative_gas);
    eth_logs_write(b, receipt->logs, receipt->log_count);
    if (with_reason && receipt->revert_reason.len)
        rlp_write_bytes(b, receipt->revert_reason);
    rlp_end_list(b, list);
}

static int load_logs(struct eth_receipt *receipt, struct arena *arena, struct rlp_reader *r)
{
    rlp_enter(r, "logs");
    size_t count = rlp_count(r, LOG_SIZE, "log");
    struct eth_log *logs = arena_alloc(arena, count * sizeof(*logs));
    if (!logs)
        return ERR_NOMEM;
    for (size_t i = 0; i < count; i++) {
        rlp_enter(r, "log");
        logs[i].address = rlp_read_address(r, "log address");
        rlp_enter(r, "topics");
        size_t topics = rlp_count(r, 33, "topic");
        struct hash256 *kept = arena_alloc(arena, topics * sizeof(*kept));
        if (!kept)
            return ERR_NOMEM;
        for (size_t t = 0; t < topics; t++)
            kept[t] = rlp_read_hash(r, "topic");
        rlp_leave(r, "topics");
        logs[i].topics = kept;
        logs[i].topic_count = topics;
        logs[i].data = rlp_read_bytes(r, "log data");
        rlp_leave(r, "log");
    }
    rlp_leave(r, "logs");
    receipt->logs = logs;
    receipt->log_count = count;
    return 0;
}

int chain_receipt_read(struct eth_receipt *receipt, struct arena *arena, struct rlp_reader *r)
{
    rlp_enter(r, "receipt");
    receipt->type = (enum eth_transaction_type)rlp_read_u64(r, "type");
    struct bytes outcome = rlp_read_bytes(r, "status or root");
    receipt->has_post_state = outcome.len == sizeof(receipt->post_state);
    if (receipt->has_post_state)
        memcpy(receipt->post_state.b, outcome.data, outcome.len);
    else
        receipt->success = outcome.len == 1;
    receipt->cumulative_gas = rlp_read_u64(r, "cumulative gas");
    if (load_logs(receipt, arena, r))
        return ERR_NOMEM;
    if (rlp_more(r))
        receipt->revert_reason = rlp_read_bytes(r, "revert reason");
    rlp_leave(r, "receipt");
    return 0;
}

int chain_receipts_load(struct eth_receipt **ret_receipts, size_t *ret_count, struct arena *arena,
                        struct bytes stored, struct err_detail *detail)
{
    struct rlp_reader r;
    rlp_reader_init(&r, stored);
    rlp_enter(&r, "receipts");
    size_t count = rlp_count(&r, RECEIPT_SIZE, "receipt");
    struct eth_receipt *receipts = arena_alloc_zeroed(arena, count + 1, sizeof(*receipts));
    if (!receipts)
        return err_set(detail, ERR_NOMEM, "receipts: out of memory");
    for (size_t i = 0; i < count; i++)
        if (chain_receipt_read(&receipts[i], arena, &r))
            return err_set(detail, ERR_NOMEM, "receipts: out of memory");
    rlp_leave(&r, "receipts");
    if (rlp_finish(&r, detail, "stored receipts"))
        return ERR_CORRUPT;
    *ret_receipts = receipts;
    *ret_count = count;
    return 0;
}

int chain_receipt_load(struct eth_receipt *ret_receipt, uint64_t *ret_gas_before,
                       uint64_t *ret_logs_before, struct arena *arena, struct bytes stored,
                       uint64_t index, struct err_detail *detail)
{
    struct rlp_reader r;
    rlp_reader_init(&r, stored);
    rlp_enter(&r, "receipts");
    *ret_gas_before = *ret_logs_before = 0;
    for (; index > 0 && rlp_more(&r); index--) {
        rlp_enter(&r, "receipt");
        rlp_skip(&r, "type");
        rlp_skip(&r, "status or root");
        *ret_gas_before = rlp_read_u64(&r, "cumulative gas");
        rlp_enter(&r, "logs");
        for (; rlp_more(&r); ++*ret_logs_before)
            rlp_skip(&r, "log");
        rlp_leave(&r, "logs");
        if (rlp_more(&r))
            rlp_skip(&r, "revert reason");
        rlp_leave(&r, "receipt");
    }
    if (rlp_ok(&r) && !rlp_more(&r))
        return ERR_NOTFOUND;
    *ret_receipt = (struct eth_receipt){.has_post_state = false};
    if (chain_receipt_read(ret_receipt, arena, &r))
        return err_set(detail, ERR_NOMEM, "receipts: out of memory");
    eth_receipt_make_bloom(ret_receipt);
    return rlp_ok(&r) ? 0 : err_set(detail, ERR_CORRUPT, "stored receipts are damaged");
}
