#include "p2p/rlpx/frames.h"

#include "base/mem.h"
#include "crypto/aes.h"

static const uint8_t zero_iv[16]; /* the key is used for one connection alone */

int p2p_frames_init(struct p2p_frames *f, const struct p2p_session *session, bool egress)
{
    struct bytes aes = bytes_of(session->aes_secret, sizeof(session->aes_secret));
    struct bytes mac = bytes_of(session->mac_secret, sizeof(session->mac_secret));
    struct p2p_frames made = {.mac = egress ? session->egress : session->ingress};
    int status = crypto_aes_stream_new(&made.cipher, aes, zero_iv);
    if (status == 0)
        status = crypto_aes_block_new(&made.mac_cipher, mac);
    if (status < 0)
        p2p_frames_release(&made);
    else
        *f = made;
    return status;
}

void p2p_frames_release(struct p2p_frames *f)
{
    crypto_aes_stream_free(f->cipher);
    crypto_aes_block_free(f->mac_cipher);
    mem_wipe(f, sizeof(*f));
}

/* The first 16 bytes of the hash of all so far, which goes on afterwards. */
static void peek(const struct crypto_keccak256 *mac, uint8_t ret[16])
{
    struct crypto_keccak256 copy = *mac;
    struct hash256 hash;
    crypto_keccak256_final(&copy, &hash);
    memcpy(ret, hash.b, 16);
}

/* Stirs the seed (NULL: the hash itself) into the MAC state and gives the MAC. */
static int stir(struct p2p_frames *f, const uint8_t *seed, uint8_t ret_mac[16])
{
    uint8_t sum[16], mixed[16];
    peek(&f->mac, sum);
    int status = crypto_aes_block_run(f->mac_cipher, mixed, sum);
    for (size_t i = 0; i < 16; i++)
        mixed[i] ^= (seed ? seed : sum)[i];
    crypto_keccak256_update(&f->mac, bytes_of(mixed, sizeof(mixed)));
    peek(&f->mac, ret_mac);
    return status;
}

int p2p_frame_seal(struct p2p_frames *f, uint8_t *frame, size_t len)
{
    assert(len > 0 && len <= P2P_FRAME_BODY_MAX);
    uint8_t *tail = frame + P2P_FRAME_HEAD;
    size_t padded = p2p_frame_tail(len) - P2P_FRAME_MAC;
    const uint8_t header[16] = {
        (uint8_t)(len >> 16), (uint8_t)(len >> 8), (uint8_t)len, 0xc2, 0x80, 0x80};
    memset(tail + len, 0, padded - len);
    int status = crypto_aes_stream_run(f->cipher, frame, bytes_of(header, sizeof(header)));
    if (status == 0)
        status = stir(f, frame, frame + 16);
    if (status == 0)
        status = crypto_aes_stream_run(f->cipher, tail, bytes_of(tail, padded));
    if (status < 0)
        return status;
    crypto_keccak256_update(&f->mac, bytes_of(tail, padded));
    return stir(f, NULL, tail + padded);
}

int p2p_frame_open_head(struct p2p_frames *f, uint8_t *head, size_t *ret_len)
{
    uint8_t mac[16];
    int status = stir(f, head, mac);
    if (status < 0)
        return status;
    if (!mem_equal_secret(mac, head + 16, 16))
        return P2P_FRAME_BAD_HEADER_MAC;
    status = crypto_aes_stream_run(f->cipher, head, bytes_of(head, 16));
    if (status < 0)
        return status;
    size_t len = (size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2];
    if (len == 0)
        return P2P_FRAME_EMPTY;
    *ret_len = len;
    return P2P_FRAME_OPEN;
}

int p2p_frame_open_body(struct p2p_frames *f, uint8_t *tail, size_t len)
{
    size_t padded = p2p_frame_tail(len) - P2P_FRAME_MAC;
    uint8_t mac[16];
    crypto_keccak256_update(&f->mac, bytes_of(tail, padded));
    int status = stir(f, NULL, mac);
    if (status < 0)
        return status;
    if (!mem_equal_secret(mac, tail + padded, 16))
        return P2P_FRAME_BAD_BODY_MAC;
    return crypto_aes_stream_run(f->cipher, tail, bytes_of(tail, padded));
}

const char *p2p_frame_text(enum p2p_frame_status status)
{
    switch (status) {
    case P2P_FRAME_OPEN:
        return "ok";
    case P2P_FRAME_BAD_HEADER_MAC:
        return "bad header MAC";
    case P2P_FRAME_BAD_BODY_MAC:
        return "bad frame MAC";
    case P2P_FRAME_EMPTY:
        return "invalid message code: unexpected end of input";
    }
    return "unknown";
}
