/*
 * Frames of RLPx (devp2p, rlpx.md, "Framing"; node-consensus-and-wire §7.1), sealed and opened in place:
 *
 *     header (16): size of the body (3), c2 80 80, zeros      header MAC (16)
 *     body, padded with zeros to a multiple of 16             body MAC (16)
 */
#ifndef P2P_RLPX_FRAMES_H
#define P2P_RLPX_FRAMES_H

#include "p2p/rlpx/handshake.h"

enum {
    P2P_FRAME_HEAD = 32, /* header and its MAC */
    P2P_FRAME_MAC = 16,
    P2P_FRAME_BODY_MAX = (1 << 24) - 1, /* the size has three bytes */
};

struct crypto_aes_stream;
struct crypto_aes_block;

/* One direction of a connection. */
struct p2p_frames {
    struct crypto_aes_stream *cipher;
    struct crypto_aes_block *mac_cipher;
    struct crypto_keccak256 mac;
};

/* ERR_NOMEM. After p2p_frames_release, or zeroed, release does nothing. */
int p2p_frames_init(struct p2p_frames *f, const struct p2p_session *session,
                    bool egress) BASE_NODISCARD;
void p2p_frames_release(struct p2p_frames *f);

/* The size of a whole frame around a body of `len` bytes, and of what follows the head in it. */
static inline size_t p2p_frame_tail(size_t len)
{
    return ((len + 15) & ~(size_t)15) + P2P_FRAME_MAC;
}
static inline size_t p2p_frame_size(size_t len)
{
    return P2P_FRAME_HEAD + p2p_frame_tail(len);
}

/* The body stands at frame + P2P_FRAME_HEAD and has `len` bytes, 1 to P2P_FRAME_BODY_MAX; writes all of
 * p2p_frame_size(len). ERR_CRYPTO. */
int p2p_frame_seal(struct p2p_frames *f, uint8_t *frame, size_t len) BASE_NODISCARD;

enum p2p_frame_status {
    P2P_FRAME_OPEN,
    P2P_FRAME_BAD_HEADER_MAC,
    P2P_FRAME_BAD_BODY_MAC,
    P2P_FRAME_EMPTY, /* a body without even a message code */
};

/* "bad header MAC", … as geth says it. */
const char *p2p_frame_text(enum p2p_frame_status status);

/* Opens the P2P_FRAME_HEAD bytes in place and gives the size of the body. An enum p2p_frame_status or ERR_CRYPTO. */
int p2p_frame_open_head(struct p2p_frames *f, uint8_t *head, size_t *ret_len) BASE_NODISCARD;
/* Then the p2p_frame_tail(len) bytes that follow: the first `len` are the body. */
int p2p_frame_open_body(struct p2p_frames *f, uint8_t *tail, size_t len) BASE_NODISCARD;

#endif
