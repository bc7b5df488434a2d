#include "p2p/rlpx/message.h"

#include "rlp/rlp.h"

#include <snappy-c.h>

enum p2p_message_status p2p_message_split(struct bytes body, uint32_t *ret_code,
                                          struct bytes *ret_packed)
{
    struct rlp_reader r;
    rlp_reader_init(&r, body);
    uint64_t code = rlp_read_u64(&r, "message code");
    if (!rlp_ok(&r) || code > UINT32_MAX)
        return P2P_MESSAGE_BAD_CODE;
    *ret_code = (uint32_t)code;
    *ret_packed = bytes_slice(body, body.len - rlp_left(&r), rlp_left(&r));
    return P2P_MESSAGE_OK;
}

size_t p2p_message_put_code(uint8_t *at, uint32_t code)
{
    return (size_t)(rlp_put_u64(at, code) - at);
}

int p2p_message_unpack(struct buf *scratch, struct bytes packed, size_t max)
{
    size_t len;
    if (snappy_uncompressed_length((const char *)packed.data, packed.len, &len) != SNAPPY_OK)
        return P2P_MESSAGE_BAD_SNAPPY;
    if (len > max)
        return P2P_MESSAGE_TOO_LARGE;
    buf_clear(scratch);
    if (len && !buf_extend(scratch, len))
        return ERR_NOMEM;
    if (len == 0)
        return packed.len == 1 ? P2P_MESSAGE_OK : P2P_MESSAGE_BAD_SNAPPY;
    if (snappy_uncompress((const char *)packed.data, packed.len, (char *)scratch->data, &len) !=
        SNAPPY_OK)
        return P2P_MESSAGE_BAD_SNAPPY;
    return P2P_MESSAGE_OK;
}

size_t p2p_message_packed_max(size_t len)
{
    return snappy_max_compressed_length(len);
}

size_t p2p_message_pack(uint8_t *ret_packed, struct bytes payload)
{
    size_t len = p2p_message_packed_max(payload.len);
    snappy_status status =
        snappy_compress((const char *)payload.data, payload.len, (char *)ret_packed, &len);
    assert(status == SNAPPY_OK); /* it fails for want of room only */
    (void)status;
    return len;
}
