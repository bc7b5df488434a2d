/* What the engine's process says to the node: messages of any kind and length, or none. */
#include "base/fuzz/fuzz.h"
#include "tracejs/wire.h"

#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf b = BUF_INIT;
    enum tracejs_kind kind;
    int pair[2];
    if (size > 1 << 16 || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
        return 0;
    ssize_t sent = size ? send(pair[1], data, size, MSG_NOSIGNAL) : 0;
    close(pair[1]);
    size_t read = 0;
    while (sent == (ssize_t)size && tracejs_receive(pair[0], &kind, &b, UINT64_MAX) == ERR_OK) {
        read += 8 + b.len;
        assert(kind < TRACEJS_KINDS && b.len <= TRACEJS_MESSAGE_MAX && read <= size);
    }
    close(pair[0]);
    buf_release(&b);
    return 0;
}
