/* What is in a frame: a code, and a payload that is compressed with Snappy once both sides have said Hello (devp2p,
 * rlpx.md, "Hello", version 5). */
#ifndef P2P_RLPX_MESSAGE_H
#define P2P_RLPX_MESSAGE_H

#include "base/buf.h"

enum p2p_message_status {
    P2P_MESSAGE_OK,
    P2P_MESSAGE_BAD_CODE,   /* no RLP integer, or over 32 bits */
    P2P_MESSAGE_BAD_SNAPPY, /* not Snappy's block format */
    P2P_MESSAGE_TOO_LARGE,  /* would be longer than allowed */
};

enum { P2P_MESSAGE_CODE_MAX = 5 }; /* bytes of a code */

/* Splits a frame's body. */
enum p2p_message_status p2p_message_split(struct bytes body, uint32_t *ret_code,
                                          struct bytes *ret_packed);
/* Writes the code's 1 to P2P_MESSAGE_CODE_MAX bytes; returns how many. */
size_t p2p_message_put_code(uint8_t *at, uint32_t code);

/* Replaces the content of `scratch` by the payload. The length that the peer claims is looked at before any memory is
 * taken for it: at most `max`. An enum p2p_message_status or ERR_NOMEM. */
int p2p_message_unpack(struct buf *scratch, struct bytes packed, size_t max) BASE_NODISCARD;

/* Room that packing may need, and packing into it; returns the size. */
size_t p2p_message_packed_max(size_t len);
size_t p2p_message_pack(uint8_t *ret_packed, struct bytes payload);

#endif
