/* Any bytes as an IBFT message: what is decoded is encoded to the same bytes. Its block, if it has one, is tried as one. */
#include "base/fuzz/fuzz.h"
#include "consensus/ibft/message.h"
#include "consensus/machine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes input = bytes_of(data, size);
    struct ibft_message message;
    struct err_detail detail;
    if (ibft_message_decode(&message, input, &detail) != ERR_OK)
        return 0;
    struct buf b = BUF_INIT;
    ibft_message_write(&b, &message);
    require(buf_status(&b) == ERR_OK && bytes_equal(buf_bytes(&b), input));
    buf_release(&b);
    require(ibft_message_verify(&message) >= 0);
    struct consensus_block *block;
    if (message.code == IBFT_PRE_PREPARE &&
        consensus_block_new(&block, message.block, &detail) == ERR_OK)
        consensus_block_unref(block);
    return 0;
}
