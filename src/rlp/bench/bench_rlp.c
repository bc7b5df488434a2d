/* Decodes and encodes a block of plain transfers, as RLP alone: the fields of every transaction,
 * each read by its type. */
#include "base/clock.h"
#include "rlp/rlp.h"

#include <stdio.h>
#include <stdlib.h>

struct transfer {
    uint64_t nonce, gas;
    struct u256 gas_price, value, v, r, s;
    struct address to;
    struct bytes data;
};

static void write_transfer(struct buf *b, const struct transfer *t)
{
    size_t list = rlp_begin(b);
    rlp_write_u64(b, t->nonce);
    rlp_write_u256(b, &t->gas_price);
    rlp_write_u64(b, t->gas);
    rlp_write_address(b, &t->to);
    rlp_write_u256(b, &t->value);
    rlp_write_bytes(b, t->data);
    rlp_write_u256(b, &t->v);
    rlp_write_u256(b, &t->r);
    rlp_write_u256(b, &t->s);
    rlp_end_list(b, list);
}

static void read_transfer(struct transfer *t, struct rlp_reader *r)
{
    rlp_enter(r, "transaction");
    t->nonce = rlp_read_u64(r, "nonce");
    t->gas_price = rlp_read_u256(r, "gas price");
    t->gas = rlp_read_u64(r, "gas");
    rlp_read_optional_address(r, &t->to, "to");
    t->value = rlp_read_u256(r, "value");
    t->data = rlp_read_bytes(r, "data");
    t->v = rlp_read_u256(r, "v");
    t->r = rlp_read_u256(r, "r");
    t->s = rlp_read_u256(r, "s");
    rlp_leave(r, "transaction");
}

/* A block's body with its lists; the header is 500 bytes that are read in no time. */
static void write_block(struct buf *b, size_t count)
{
    struct transfer t = {.gas = 21000,
                         .gas_price = {{1000000000}},
                         .value = {{1000000000000000000}},
                         .v = {{2709}},
                         .r = {{0x5a5a5a5a5a5a5a5a, 1, 2, 0x5a5a5a5a5a5a5a5a}},
                         .s = {{0x3c3c3c3c3c3c3c3c, 3, 4, 0x3c3c3c3c3c3c3c3c}},
                         .to = {{0x35}}};
    size_t block = rlp_begin(b), list = rlp_begin(b);
    for (size_t i = 0; i < count; i++) {
        t.nonce = i;
        write_transfer(b, &t);
    }
    rlp_end_list(b, list);
    rlp_end_list(b, block);
}

static size_t read_block(struct transfer *transfers, struct bytes input)
{
    struct rlp_reader r;
    rlp_reader_init(&r, input);
    rlp_enter(&r, "block");
    rlp_enter(&r, "transactions");
    size_t count = rlp_count(&r, 10, "transaction");
    for (size_t i = 0; i < count; i++)
        read_transfer(&transfers[i], &r);
    rlp_leave(&r, "transactions");
    rlp_leave(&r, "block");
    return rlp_finish(&r, NULL, "block") == ERR_OK ? count : 0;
}

static void measure(size_t count)
{
    enum { ROUNDS = 40, TRANSFERS_PER_ROUND = 50000 };
    size_t repeat = TRANSFERS_PER_ROUND / count;
    struct buf b = BUF_INIT;
    struct transfer *transfers = calloc(count, sizeof(*transfers));
    double best_read = 1e9, best_write = 1e9, best_validate = 1e9;
    for (int round = 0; transfers && round < ROUNDS; round++) {
        double start = base_now_seconds();
        for (size_t i = 0; i < repeat; i++) {
            buf_clear(&b);
            write_block(&b, count);
        }
        double written = base_now_seconds();
        for (size_t i = 0; i < repeat; i++)
            if (read_block(transfers, buf_bytes(&b)) != count)
                abort();
        double read = base_now_seconds();
        for (size_t i = 0; i < repeat; i++)
            if (rlp_validate(buf_bytes(&b)) != RLP_OK)
                abort();
        double validated = base_now_seconds();
        best_write = written - start < best_write ? written - start : best_write;
        best_read = read - written < best_read ? read - written : best_read;
        best_validate = validated - read < best_validate ? validated - read : best_validate;
    }
    double scale = 1e9 / (double)(repeat * count);
    printf("%5zu transfers, %7zu bytes: read %6.1f ns, write %6.1f ns, validate %6.1f ns each\n",
           count, b.len, best_read * scale, best_write * scale, best_validate * scale);
    free(transfers);
    buf_release(&b);
}

int main(void)
{
    measure(200);
    measure(5000);
    return 0;
}
