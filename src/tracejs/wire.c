#include "tracejs/wire.h"
#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

struct head {
    uint32_t kind, len;
};

void tracejs_append(struct buf *b, enum tracejs_kind kind, struct bytes payload)
{
    struct head head = {kind, (uint32_t)payload.len};
    buf_append(b, &head, sizeof(head));
    buf_append_bytes(b, payload);
}

int tracejs_send(int fd, enum tracejs_kind kind, struct bytes payload)
{
    struct head head = {kind, (uint32_t)payload.len};
    struct iovec parts[2] = {{&head, sizeof(head)}, {(void *)(uintptr_t)payload.data, payload.len}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    if (payload.len > TRACEJS_MESSAGE_MAX)
        return ERR_LIMIT;
    while (parts[0].iov_len || parts[1].iov_len) {
        ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return ERR_IO;
        for (size_t i = 0; i < 2 && sent > 0; i++) {
            size_t here = (size_t)sent < parts[i].iov_len ? (size_t)sent : parts[i].iov_len;
            parts[i].iov_base = (uint8_t *)parts[i].iov_base + here;
            parts[i].iov_len -= here;
            sent -= (ssize_t)here;
        }
    }
    return ERR_OK;
}

static int wait_until(int fd, uint64_t deadline)
{
    uint64_t now = base_now_ms();
    struct pollfd wanted = {.fd = fd, .events = POLLIN};
    if (now >= deadline)
        return ERR_LIMIT;
    uint64_t left = deadline - now;
    int ready = poll(&wanted, 1, left > 1000 ? 1000 : (int)left);
    return ready < 0 && errno != EINTR ? ERR_IO : ERR_OK;
}

static int read_all(int fd, void *data, size_t len, uint64_t deadline)
{
    uint8_t *at = data;
    while (len) {
        ssize_t got = recv(fd, at, len, deadline ? MSG_DONTWAIT : 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && errno == EAGAIN) {
            int status = wait_until(fd, deadline);
            if (status != ERR_OK)
                return status;
            continue;
        }
        if (got <= 0)
            return ERR_IO;
        at += got;
        len -= (size_t)got;
    }
    return ERR_OK;
}

int tracejs_receive(int fd, enum tracejs_kind *ret_kind, struct buf *b, uint64_t deadline)
{
    struct head head;
    buf_clear(b);
    int status = read_all(fd, &head, sizeof(head), deadline);
    if (status != ERR_OK)
        return status;
    if (head.kind >= TRACEJS_KINDS || head.len > TRACEJS_MESSAGE_MAX)
        return ERR_IO;
    uint8_t *data = buf_extend(b, head.len);
    if (!data && head.len)
        return ERR_NOMEM;
    *ret_kind = (enum tracejs_kind)head.kind;
    return read_all(fd, data, head.len, deadline);
}
