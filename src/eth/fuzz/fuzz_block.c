/* Any bytes as a block, its header or a body: what is accepted is encoded to the same bytes. */
#include "base/fuzz/fuzz.h"
#include "eth/block.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes input = bytes_of(data, size);
    struct arena arena;
    arena_init_limited(&arena, 64 * size + 65536); /* the bound that block.h promises */
    struct err_detail detail;
    struct buf b = BUF_INIT;

    struct eth_block block;
    int status = eth_block_decode(&block, &arena, input, &detail);
    require(status != ERR_NOMEM);
    if (status == ERR_OK) {
        eth_block_write(&b, &block);
        require(bytes_equal(buf_bytes(&b), input));
    }

    struct eth_header header;
    if (eth_header_decode(&header, input, &detail) == ERR_OK) {
        buf_clear(&b);
        eth_header_write(&b, &header);
        require(bytes_equal(buf_bytes(&b), input));
    }

    arena_clear(&arena);
    struct rlp_reader r;
    struct eth_body body;
    rlp_reader_init(&r, input);
    if (eth_body_read(&body, &arena, &r, &detail) == ERR_OK) {
        buf_clear(&b);
        eth_body_write(&b, &body);
        require(bytes_equal(buf_bytes(&b), bytes_of(data, (size_t)(r.at - data))));
    }
    buf_release(&b);
    arena_release(&arena);
    return 0;
}
