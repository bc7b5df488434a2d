/* The processor time that a message takes between protocol and socket: packed and sealed, then opened and unpacked, in batches of plain
 * transfers as they are gossiped, down to a single consensus message. */
#include "p2p/rlpx/frames.h"
#include "p2p/rlpx/message.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void run(const char *what, size_t size)
{
    struct p2p_session session = {.aes_secret = {1}, .mac_secret = {2}};
    struct p2p_frames out, in;
    struct buf payload = BUF_INIT, frame = BUF_INIT, back = BUF_INIT;
    crypto_keccak256_init(&session.egress);
    require(p2p_frames_init(&out, &session, true) == 0 &&
            p2p_frames_init(&in, &session, true) == 0);
    uint8_t *data = buf_extend(&payload, size);
    uint64_t seed = 1;
    for (size_t i = 0; i < size;
         i++) { /* signatures and addresses do not compress, the rest does */
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        data[i] = i % 110 < 84 ? (uint8_t)(seed >> 56) : 0;
    }
    uint8_t *at = buf_extend(&frame, p2p_frame_size(1 + p2p_message_packed_max(size)));
    require(data && at);

    double sealing = 0, opening = 0;
    size_t rounds = (64u << 20) / (size + 2000);
    for (size_t i = 0; i < rounds; i++) {
        double start = now();
        uint8_t *body = at + P2P_FRAME_HEAD;
        size_t len = p2p_message_put_code(body, 18);
        len += p2p_message_pack(body + len, buf_bytes(&payload));
        require(p2p_frame_seal(&out, at, len) == 0);
        double sealed = now();
        uint32_t code;
        struct bytes packed;
        require(p2p_frame_open_head(&in, at, &len) == P2P_FRAME_OPEN);
        require(p2p_frame_open_body(&in, body, len) == P2P_FRAME_OPEN);
        require(p2p_message_split(bytes_of(body, len), &code, &packed) == P2P_MESSAGE_OK);
        require(p2p_message_unpack(&back, packed, size) == P2P_MESSAGE_OK);
        sealing += sealed - start;
        opening += now() - sealed;
    }
    printf("%-28s %8zu bytes   send %8.2f us, receive %8.2f us   (%.0f MB/s both)\n", what, size,
           1e6 * sealing / (double)rounds, 1e6 * opening / (double)rounds,
           (double)size * (double)rounds / (sealing + opening) / 1e6);
    p2p_frames_release(&out);
    p2p_frames_release(&in);
    buf_release(&payload);
    buf_release(&frame);
    buf_release(&back);
}

int main(void)
{
    run("a commit", 105);
    run("one transfer", 110);
    run("100 transfers", 11000);
    run("a block of 5,000 transfers", 550000);
    return 0;
}
