/* Bytes as frames of a connection: never opened, as nobody knows the MAC. The same bytes sealed: opened to what they were,
 * and not when one of them has been changed. As the body of a frame: code and payload; what can be unpacked is within the
 * limit, and packed again it unpacks to the same. */
#include "base/fuzz/fuzz.h"
#include "base/mem.h"
#include "p2p/rlpx/frames.h"
#include "p2p/rlpx/message.h"

static void try_frames(const struct p2p_session *session, const uint8_t *data, size_t size)
{
    struct p2p_frames out, in;
    size_t len;
    uint8_t head[P2P_FRAME_HEAD];
    require(p2p_frames_init(&in, session, true) == 0);
    if (size >= P2P_FRAME_HEAD) {
        memcpy(head, data, sizeof(head));
        require(p2p_frame_open_head(&in, head, &len) == P2P_FRAME_BAD_HEADER_MAC);
    }
    p2p_frames_release(&in);

    uint8_t *frame = mem_alloc(p2p_frame_size(size));
    memcpy(frame + P2P_FRAME_HEAD, data, size);
    require(p2p_frames_init(&out, session, true) == 0 && p2p_frames_init(&in, session, true) == 0);
    require(p2p_frame_seal(&out, frame, size) == 0);
    size_t changed = data[0] * 7919u % p2p_frame_size(size);
    bool change = size > 1 && data[1] & 1;
    frame[changed] ^= change ? 1 : 0;
    int status = p2p_frame_open_head(&in, frame, &len);
    require(change && changed < P2P_FRAME_HEAD ? status == P2P_FRAME_BAD_HEADER_MAC
                                               : status == P2P_FRAME_OPEN && len == size);
    if (status == P2P_FRAME_OPEN) {
        status = p2p_frame_open_body(&in, frame + P2P_FRAME_HEAD, size);
        require(status == (change ? P2P_FRAME_BAD_BODY_MAC : P2P_FRAME_OPEN));
        require(change || memcmp(frame + P2P_FRAME_HEAD, data, size) == 0);
    }
    p2p_frames_release(&in);
    p2p_frames_release(&out);
    mem_free(frame);
}

static void try_message(struct bytes body)
{
    enum { MAX = 1 << 16 };
    uint32_t code;
    struct bytes packed;
    struct buf payload = BUF_INIT, again = BUF_INIT, back = BUF_INIT;
    if (p2p_message_split(body, &code, &packed) != P2P_MESSAGE_OK)
        return;
    uint8_t text[P2P_MESSAGE_CODE_MAX];
    size_t text_len = p2p_message_put_code(text, code);
    require(text_len == body.len - packed.len && memcmp(text, body.data, text_len) == 0);
    if (p2p_message_unpack(&payload, packed, MAX) == P2P_MESSAGE_OK) {
        require(payload.len <= MAX);
        uint8_t *room = buf_extend(&again, p2p_message_packed_max(payload.len));
        size_t len = p2p_message_pack(room, buf_bytes(&payload));
        require(p2p_message_unpack(&back, bytes_of(room, len), payload.len) == P2P_MESSAGE_OK);
        require(bytes_equal(buf_bytes(&back), buf_bytes(&payload)));
    }
    buf_release(&payload);
    buf_release(&again);
    buf_release(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct p2p_session session = {.aes_secret = {1}, .mac_secret = {2}};
    crypto_keccak256_init(&session.egress);
    try_frames(&session, data, size);
    try_message(bytes_of(data, size));
    return 0;
}
