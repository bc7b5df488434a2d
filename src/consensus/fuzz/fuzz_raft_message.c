/* Any bytes as a Raft message, an entry, a snapshot and a change of members: what is decoded is the same when it is encoded and
 * decoded again, and has the size that was foretold. */
#include "base/fuzz/fuzz.h"
#include "consensus/raft/message.h"

static void message(struct arena *arena, struct bytes input)
{
    struct raft_message m, again;
    struct buf first = BUF_INIT, second = BUF_INIT;
    struct err_detail why;
    if (raft_message_decode(&m, arena, input, &why) != ERR_OK)
        return;
    raft_message_write(&first, &m);
    require(buf_status(&first) == ERR_OK && first.len == raft_message_size(&m));
    require(raft_message_decode(&again, arena, buf_bytes(&first), &why) == ERR_OK);
    raft_message_write(&second, &again);
    require(bytes_equal(buf_bytes(&first), buf_bytes(&second)));
    buf_release(&first);
    buf_release(&second);
}

static void change(struct bytes input)
{
    struct raft_conf_change c, again;
    struct buf b = BUF_INIT;
    if (raft_conf_change_decode(&c, input, NULL) != ERR_OK)
        return;
    raft_conf_change_write(&b, &c);
    require(raft_conf_change_decode(&again, buf_bytes(&b), NULL) == ERR_OK);
    require(again.id == c.id && again.type == c.type && again.node == c.node &&
            bytes_equal(again.context, c.context));
    buf_release(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes input = bytes_of(data, size);
    struct arena arena;
    struct raft_snapshot snapshot;
    arena_init(&arena);
    message(&arena, input);
    change(input);
    if (raft_snapshot_decode(&snapshot, &arena, input, NULL) == ERR_OK) {
        struct buf b = BUF_INIT;
        raft_snapshot_write(&b, &snapshot);
        require(raft_snapshot_decode(&snapshot, &arena, buf_bytes(&b), NULL) == ERR_OK);
        buf_release(&b);
    }
    arena_release(&arena);
    return 0;
}
