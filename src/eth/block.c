#include "eth/block.h"

#include "crypto/keccak.h"

/* The least encoded sizes of valid list entries, which bound the memory of their arrays. */
enum {
    TRANSACTION_SIZE = 10, /* nine empty strings */
    UNCLE_SIZE = 496,      /* 3 + 6 hashes * 33 + 21 + 259 + 6 + 9 */
    WITHDRAWAL_SIZE = 25,  /* three integers and an address */
};

static int read_transactions(struct eth_body *body, struct arena *arena, struct rlp_reader *r,
                             struct err_detail *detail)
{
    rlp_enter(r, "transactions");
    size_t count = rlp_count(r, TRANSACTION_SIZE, "transaction");
    body->transactions = arena_alloc(arena, count * sizeof(*body->transactions));
    if (!body->transactions)
        return ERR_NOMEM;
    for (size_t i = 0; i < count; i++) {
        int status = eth_transaction_read(&body->transactions[i], arena, r, detail);
        if (status != ERR_OK)
            return err_prefix(detail, status, "transaction %zu", i);
    }
    body->transaction_count = count;
    rlp_leave(r, "transactions");
    return ERR_OK;
}

static int read_uncles(struct eth_body *body, struct arena *arena, struct rlp_reader *r)
{
    rlp_enter(r, "uncles");
    size_t count = rlp_count(r, UNCLE_SIZE, "uncle");
    body->uncles = arena_alloc(arena, count * sizeof(*body->uncles));
    if (!body->uncles)
        return ERR_NOMEM;
    for (size_t i = 0; i < count; i++)
        eth_header_read(&body->uncles[i], r);
    body->uncle_count = count;
    rlp_leave(r, "uncles");
    return ERR_OK;
}

static int read_withdrawals(struct eth_body *body, struct arena *arena, struct rlp_reader *r)
{
    if (!rlp_more(r))
        return ERR_OK;
    rlp_enter(r, "withdrawals");
    size_t count = rlp_count(r, WITHDRAWAL_SIZE, "withdrawal");
    body->withdrawals = arena_alloc(arena, count * sizeof(*body->withdrawals));
    if (!body->withdrawals)
        return ERR_NOMEM;
    for (size_t i = 0; i < count; i++) {
        struct eth_withdrawal *w = &body->withdrawals[i];
        rlp_enter(r, "withdrawal");
        w->index = rlp_read_u64(r, "withdrawal index");
        w->validator = rlp_read_u64(r, "withdrawal validator");
        w->address = rlp_read_address(r, "withdrawal address");
        w->amount = rlp_read_u64(r, "withdrawal amount");
        rlp_leave(r, "withdrawal");
    }
    body->has_withdrawals = true;
    body->withdrawal_count = count;
    rlp_leave(r, "withdrawals");
    return ERR_OK;
}

/* The items of a body up to the end of the open list. */
static int read_body(struct eth_body *body, struct arena *arena, struct rlp_reader *r,
                     struct err_detail *detail)
{
    int status = read_transactions(body, arena, r, detail);
    if (status == ERR_INPUT || status == ERR_UNSUPPORTED)
        return status;
    if (status == ERR_OK)
        status = read_uncles(body, arena, r);
    if (status == ERR_OK)
        status = read_withdrawals(body, arena, r);
    return status == ERR_OK ? ERR_OK : err_set(detail, status, "block: %s", err_text(status));
}

int eth_body_read(struct eth_body *ret_body, struct arena *arena, struct rlp_reader *r,
                  struct err_detail *detail)
{
    struct eth_body body = {.transactions = NULL};
    rlp_enter(r, "body");
    int status = read_body(&body, arena, r, detail);
    if (status != ERR_OK)
        return status;
    rlp_leave(r, "item after the withdrawals");
    if (!rlp_ok(r))
        return rlp_finish(r, detail, "body");
    *ret_body = body;
    return ERR_OK;
}

/* The same for a block as an item of a list. */
static int block_read(struct eth_block *ret_block, struct arena *arena, struct rlp_reader *r,
                      struct err_detail *detail)
{
    struct eth_block block = {.body = {.transactions = NULL}};
    rlp_enter(r, "block");
    eth_header_read(&block.header, r);
    int status = read_body(&block.body, arena, r, detail);
    if (status != ERR_OK)
        return status;
    rlp_leave(r, "item after the withdrawals");
    if (!rlp_ok(r))
        return rlp_finish(r, detail, "block");
    *ret_block = block;
    return ERR_OK;
}

int eth_block_decode(struct eth_block *ret_block, struct arena *arena, struct bytes input,
                     struct err_detail *detail)
{
    struct rlp_reader r;
    struct eth_block block;
    rlp_reader_init(&r, input);
    int status = block_read(&block, arena, &r, detail);
    if (status == ERR_OK)
        status = rlp_finish(&r, detail, "block");
    if (status == ERR_OK)
        *ret_block = block;
    return status;
}

void eth_withdrawal_write(struct buf *b, const struct eth_withdrawal *withdrawal)
{
    size_t list = rlp_begin(b);
    rlp_write_u64(b, withdrawal->index);
    rlp_write_u64(b, withdrawal->validator);
    rlp_write_address(b, &withdrawal->address);
    rlp_write_u64(b, withdrawal->amount);
    rlp_end_list(b, list);
}

static void write_headers(struct buf *b, const struct eth_header *headers, size_t count)
{
    size_t list = rlp_begin(b);
    for (size_t i = 0; i < count; i++)
        eth_header_write(b, &headers[i]);
    rlp_end_list(b, list);
}

static void write_body(struct buf *b, const struct eth_body *body)
{
    size_t list = rlp_begin(b);
    for (size_t i = 0; i < body->transaction_count; i++)
        eth_transaction_write(b, &body->transactions[i]);
    rlp_end_list(b, list);
    write_headers(b, body->uncles, body->uncle_count);
    if (!body->has_withdrawals)
        return;
    list = rlp_begin(b);
    for (size_t i = 0; i < body->withdrawal_count; i++)
        eth_withdrawal_write(b, &body->withdrawals[i]);
    rlp_end_list(b, list);
}

void eth_body_write(struct buf *b, const struct eth_body *body)
{
    size_t list = rlp_begin(b);
    write_body(b, body);
    rlp_end_list(b, list);
}

void eth_block_write(struct buf *b, const struct eth_block *block)
{
    size_t list = rlp_begin(b);
    eth_header_write(b, &block->header);
    write_body(b, &block->body);
    rlp_end_list(b, list);
}

int eth_uncles_hash(const struct eth_header *uncles, size_t count, struct hash256 *ret_hash)
{
    struct buf b = BUF_INIT;
    write_headers(&b, uncles, count);
    int status = buf_status(&b);
    if (status == ERR_OK)
        crypto_keccak256(ret_hash, buf_bytes(&b));
    buf_release(&b);
    return status;
}
