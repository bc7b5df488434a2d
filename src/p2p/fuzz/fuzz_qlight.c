/* Any bytes as a message of QLight: the first byte is the code. What is accepted and of one block is written to the same bytes. */
#include "base/fuzz/fuzz.h"
#include "p2p/qlight/wire.h"

static void read_status(struct bytes payload)
{
    struct p2p_qlight_status s;
    struct err_detail detail;
    struct buf b = BUF_INIT;
    if (p2p_qlight_read_status(&s, payload, &detail) != ERR_OK)
        return;
    p2p_qlight_write_status(&b, &s);
    require(bytes_equal(buf_bytes(&b), payload));
    buf_release(&b);
}

static void read_token(struct bytes payload)
{
    struct bytes token;
    struct err_detail detail;
    struct buf b = BUF_INIT;
    if (p2p_qlight_read_token(&token, payload, &detail) != ERR_OK)
        return;
    p2p_qlight_write_token(&b, token);
    require(bytes_equal(buf_bytes(&b), payload));
    buf_release(&b);
}

static void read_private_data(struct bytes payload)
{
    struct p2p_qlight_private_data data;
    struct err_detail detail;
    struct arena arena;
    struct buf b = BUF_INIT;
    arena_init_limited(&arena, 16 * payload.len + 65536); /* in proportion */
    int status = p2p_qlight_read_private_data(&data, &arena, payload, &detail);
    require(status != ERR_NOMEM);
    if (status == ERR_OK && data.count == 1) {
        p2p_qlight_write_private_data(&b, &data.blocks[0]);
        require(bytes_equal(buf_bytes(&b), payload));
    }
    buf_release(&b);
    arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct bytes payload = bytes_of(data + 1, size - 1);
    if (data[0] == P2P_QLIGHT_STATUS)
        read_status(payload);
    else if (data[0] == P2P_QLIGHT_TOKEN_UPDATE)
        read_token(payload);
    else
        read_private_data(payload);
    return 0;
}
