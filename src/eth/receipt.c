#include "eth/receipt.h"

/* The least encoded sizes of valid list entries, which bound the memory of their arrays. */
enum { LOG_SIZE = 24 /* an address and two empty items */, TOPIC_SIZE = 33 };

/* Adds the log's address and topics. */
static void add_log(struct eth_bloom *bloom, const struct eth_log *log)
{
    eth_bloom_add(bloom, bytes_of(log->address.b, sizeof(log->address.b)));
    for (size_t i = 0; i < log->topic_count; i++)
        eth_bloom_add(bloom, bytes_of(log->topics[i].b, sizeof(log->topics[i].b)));
}

void eth_receipt_make_bloom(struct eth_receipt *receipt)
{
    receipt->bloom = (struct eth_bloom){{0}};
    for (size_t i = 0; i < receipt->log_count; i++)
        add_log(&receipt->bloom, &receipt->logs[i]);
}

static int read_log(struct eth_log *log, struct arena *arena, struct rlp_reader *r)
{
    rlp_enter(r, "log");
    log->address = rlp_read_address(r, "log address");
    rlp_enter(r, "log topics");
    size_t count = rlp_count(r, TOPIC_SIZE, "log topic");
    if (count > ETH_TOPICS_MAX)
        rlp_fail(r, RLP_EXCESS, "log topics");
    struct hash256 *topics = rlp_ok(r) ? arena_alloc(arena, count * sizeof(*topics)) : NULL;
    if (rlp_ok(r) && !topics)
        return ERR_NOMEM;
    for (size_t i = 0; i < count && rlp_ok(r); i++)
        topics[i] = rlp_read_hash(r, "log topic");
    rlp_leave(r, "log topics");
    log->topics = topics;
    log->topic_count = count;
    log->data = rlp_read_bytes(r, "log data");
    rlp_leave(r, "log");
    return ERR_OK;
}

static int read_logs(struct eth_receipt *receipt, struct arena *arena, struct rlp_reader *r)
{
    rlp_enter(r, "logs");
    size_t count = rlp_count(r, LOG_SIZE, "log");
    struct eth_log *logs = arena_alloc(arena, count * sizeof(*logs));
    if (!logs)
        return ERR_NOMEM;
    for (size_t i = 0; i < count && rlp_ok(r); i++) {
        int status = read_log(&logs[i], arena, r);
        if (status != ERR_OK)
            return status;
    }
    rlp_leave(r, "logs");
    receipt->logs = logs;
    receipt->log_count = count;
    return ERR_OK;
}

/* EIP-658: 0 or 1; before Byzantium the state root. */
static void read_outcome(struct eth_receipt *receipt, struct rlp_reader *r)
{
    if (rlp_more(r) && *r->at == 0x80 + sizeof(receipt->post_state.b)) {
        receipt->has_post_state = true;
        receipt->post_state = rlp_read_hash(r, "post state");
    } else {
        receipt->success = rlp_read_bool(r, "status");
    }
}

int eth_receipt_decode(struct eth_receipt *ret_receipt, struct arena *arena, struct bytes input,
                       struct err_detail *detail)
{
    struct eth_receipt receipt = {.type = ETH_LEGACY};
    uint8_t first = input.len ? input.data[0] : 0xc0;
    if (first < 0xc0) {
        if (first == ETH_LEGACY || first >= ETH_TRANSACTION_TYPES)
            return err_set(detail, ERR_INPUT, "receipt: type 0x%02x is not known", first);
        receipt.type = (enum eth_transaction_type)first;
        input = bytes_slice(input, 1, input.len - 1);
    }
    struct rlp_reader r;
    rlp_reader_init(&r, input);
    rlp_enter(&r, NULL);
    read_outcome(&receipt, &r);
    receipt.cumulative_gas = rlp_read_u64(&r, "cumulative gas");
    rlp_read_fixed(&r, receipt.bloom.b, sizeof(receipt.bloom.b), "bloom");
    int status = read_logs(&receipt, arena, &r);
    if (status != ERR_OK)
        return err_set(detail, status, "receipt: %s", err_text(status));
    rlp_leave(&r, "field after the logs");
    status = rlp_finish(&r, detail, "receipt");
    if (status == ERR_OK)
        *ret_receipt = receipt;
    return status;
}

int eth_receipt_read(struct eth_receipt *ret_receipt, struct arena *arena, struct rlp_reader *r,
                     struct err_detail *detail)
{
    bool is_list = rlp_peek(r) == RLP_LIST;
    struct bytes item = is_list ? rlp_read_raw(r, NULL) : rlp_read_bytes(r, NULL);
    if (!rlp_ok(r))
        return rlp_finish(r, detail, "receipt");
    if (!is_list && (item.len == 0 || item.data[0] >= 0xc0))
        return err_set(detail, ERR_INPUT, "receipt: a string that has no type");
    return eth_receipt_decode(ret_receipt, arena, item, detail);
}

void eth_log_write(struct buf *b, const struct eth_log *log)
{
    size_t list = rlp_begin(b);
    rlp_write_address(b, &log->address);
    size_t topics = rlp_begin(b);
    for (size_t i = 0; i < log->topic_count; i++)
        rlp_write_hash(b, &log->topics[i]);
    rlp_end_list(b, topics);
    rlp_write_bytes(b, log->data);
    rlp_end_list(b, list);
}

void eth_logs_write(struct buf *b, const struct eth_log *logs, size_t count)
{
    size_t list = rlp_begin(b);
    for (size_t i = 0; i < count; i++)
        eth_log_write(b, &logs[i]);
    rlp_end_list(b, list);
}

void eth_receipt_encode(struct buf *b, const struct eth_receipt *receipt)
{
    if (receipt->type != ETH_LEGACY)
        buf_append_byte(b, (uint8_t)receipt->type);
    size_t list = rlp_begin(b);
    if (receipt->has_post_state)
        rlp_write_hash(b, &receipt->post_state);
    else
        rlp_write_bool(b, receipt->success);
    rlp_write_u64(b, receipt->cumulative_gas);
    rlp_write_bytes(b, bytes_of(receipt->bloom.b, sizeof(receipt->bloom.b)));
    eth_logs_write(b, receipt->logs, receipt->log_count);
    rlp_end_list(b, list);
}

void eth_receipt_write(struct buf *b, const struct eth_receipt *receipt)
{
    if (receipt->type == ETH_LEGACY) {
        eth_receipt_encode(b, receipt);
        return;
    }
    size_t string = rlp_begin(b);
    eth_receipt_encode(b, receipt);
    rlp_end_string(b, string);
}
