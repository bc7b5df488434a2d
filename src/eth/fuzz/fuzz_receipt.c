/* Any bytes as a receipt: what is accepted is encoded to the same bytes. */
#include "base/fuzz/fuzz.h"
#include "eth/receipt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes input = bytes_of(data, size);
    struct arena arena;
    arena_init_limited(&arena, 16 * size + 65536);
    struct eth_receipt receipt, again;
    struct err_detail detail;
    int status = eth_receipt_decode(&receipt, &arena, input, &detail);
    require(status != ERR_NOMEM);
    if (status == ERR_OK) {
        struct buf b = BUF_INIT;
        eth_receipt_encode(&b, &receipt);
        require(bytes_equal(buf_bytes(&b), input));
        eth_receipt_make_bloom(&receipt);
        for (size_t i = 0; i < receipt.log_count; i++)
            require(eth_bloom_test(&receipt.bloom, bytes_of(receipt.logs[i].address.b, 20)));
        buf_clear(&b);
        eth_receipt_write(&b, &receipt);
        struct rlp_reader r;
        rlp_reader_init(&r, buf_bytes(&b));
        require(eth_receipt_read(&again, &arena, &r, &detail) == ERR_OK);
        require(rlp_finish(&r, &detail, "item") == ERR_OK);
        require(eth_bloom_equal(&receipt.bloom, &again.bloom));
        buf_release(&b);
    }
    arena_release(&arena);
    return 0;
}
