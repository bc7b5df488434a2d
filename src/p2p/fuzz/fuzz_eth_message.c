/* Any bytes as a message: the first byte is the code, with 0x80 for eth/65. What is accepted is
 * encoded to the same bytes. */
#include "base/fuzz/fuzz.h"
#include "p2p/eth/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    unsigned version = data[0] & 0x80 ? P2P_ETH_65 : P2P_ETH_66;
    struct bytes payload = bytes_of(data + 1, size - 1);
    struct arena arena;
    arena_init_limited(&arena, 16 * size + 65536); /* the bound that wire.h promises */
    struct p2p_eth_message m;
    struct err_detail detail;
    int status = p2p_eth_decode(&m, &arena, version, data[0] & 0x7f, payload, &detail);
    require(status != ERR_NOMEM);
    if (status == ERR_OK) {
        struct buf b = BUF_INIT;
        p2p_eth_encode(&b, version, &m);
        require(bytes_equal(buf_bytes(&b), payload));
        buf_release(&b);
    }
    arena_release(&arena);
    return 0;
}
