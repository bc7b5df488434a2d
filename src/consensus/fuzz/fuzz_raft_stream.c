/* Any bytes as a stream between members, whole and in pieces: both give the same messages, or the same end. */
#include "base/fuzz/fuzz.h"
#include "consensus/raft/stream.h"

/* Reads all that `input` holds; appends what was read, encoded, to `all`. */
static int drain(struct raft_stream *s, struct buf *all, struct arena *arena, struct bytes *input)
{
    struct raft_message m;
    bool heartbeat;
    size_t used = 1, wanted;
    int status = ERR_OK;
    while (input->len && used) {
        status = raft_stream_read(s, &m, &heartbeat, &used, &wanted, arena, *input, NULL);
        if (status != ERR_OK)
            return status;
        require(used <= input->len && (used || wanted > input->len));
        if (used && !heartbeat)
            raft_message_write(all, &m);
        *input = bytes_slice(*input, used, input->len - used);
    }
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    enum raft_stream_kind kind = data[0] & 1 ? RAFT_STREAM_MESSAGE : RAFT_STREAM_MSGAPP;
    size_t piece = 1 + data[0] / 2;
    struct raft_stream whole = {.kind = kind, .local = 1, .remote = 2}, pieces = whole;
    struct buf first = BUF_INIT, second = BUF_INIT;
    struct arena arena;
    struct bytes rest = bytes_of(data + 1, size - 1);
    arena_init(&arena);
    int status = drain(&whole, &first, &arena, &rest), again = ERR_OK;
    size_t at = 1, have = 0;
    while (again == ERR_OK && at + have < size) {
        have = at + have + piece < size ? have + piece : size - at;
        struct bytes input = bytes_of(data + at, have);
        again = drain(&pieces, &second, &arena, &input);
        at += have - input.len;
        have = input.len;
    }
    require(status == again && bytes_equal(buf_bytes(&first), buf_bytes(&second)));
    arena_release(&arena);
    buf_release(&first);
    buf_release(&second);
    return 0;
}
