#include "base/mem.h"
#include "io/stream_internal.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    /* Connections that wait to be taken; the system's own limit (net.core.somaxconn, 4096) may be lower. With fewer, some of
     * hundreds of clients that come at once have to try again after a second. */
    BACKLOG = 4096,
    TAKEN_MAX = 256, /* connections in one turn of the loop, so that others have theirs */
    RETRY = 100, /* milliseconds until connections are taken again, without a descriptor for one */
};

/* Connections are taken here, not by libuv (uv_listen): without a descriptor for one it asks the system again and again, and the loop
 * does nothing else until another thread closes something. */
struct io_listener {
    uv_poll_t poll;
    int fd;
    struct io_loop *loop;
    io_accept_fn *fn;
    void *context;
    struct io_address address;
    struct io_timer retry;
    struct io_tls *tls;                                     /* of its streams, NULL: none */
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)]; /* of a unix socket, else "" */
    bool closed;
};

static void give(struct io_listener *listener, int fd)
{
    bool is_pipe = listener->path[0] != 0;
    struct io_stream *stream = io_stream_make(listener->loop, is_pipe);
    int status = !stream   ? UV_ENOMEM
                 : is_pipe ? uv_pipe_open(&stream->uv.pipe, fd)
                           : uv_tcp_open(&stream->uv.tcp, fd);
    if (status < 0)
        close(fd);
    if (status < 0 || (listener->tls && io_stream_use_tls(stream, listener->tls) < 0)) {
        io_stream_close(stream);
        return;
    }
    io_stream_opened(stream, is_pipe);
    listener->fn(listener->context, stream);
    if (!stream->ops && !stream->finishing)
        io_stream_close(stream);
}

static void on_ready(uv_poll_t *poll, int status, int events);

static void wait_for_connections(void *context)
{
    struct io_listener *listener = context;
    if (uv_poll_start(&listener->poll, UV_READABLE, on_ready) < 0)
        io_timer_start(&listener->retry, RETRY);
}

/* Whether the connection that was next has gone; anything else is wrong with this machine. */
static bool is_passing(int fault)
{
    return fault == EINTR || fault == ECONNABORTED || fault == EPROTO || fault == EPERM ||
           fault == ENETDOWN || fault == ENETUNREACH || fault == EHOSTDOWN || fault == EHOSTUNREACH;
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct io_listener *listener = poll->data;
    (void)status; /* accept says it better */
    (void)events;
    for (int i = 0; i < TAKEN_MAX && !listener->closed; i++) {
        int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            give(listener, fd);
        } else if (errno == EAGAIN) {
            break;
        } else if (!is_passing(errno)) {
            uv_poll_stop(poll);
            io_timer_start(&listener->retry, RETRY);
            break;
        }
    }
}

static void on_closed(uv_handle_t *handle)
{
    struct io_listener *listener = handle->data;
    io_tls_free(listener->tls);
    mem_free(listener);
}

/* Takes over the socket, which listens from then on; closes it when it returns a failure, by libuv's number. */
static int listen_with(struct io_listener **ret_listener, struct io_loop *loop, int fd,
                       io_accept_fn *fn, void *context)
{
    struct io_listener *listener = mem_alloc_zeroed(1, sizeof(*listener));
    int status = !listener                 ? UV_ENOMEM
                 : listen(fd, BACKLOG) < 0 ? -errno
                                           : uv_poll_init(&loop->uv, &listener->poll, fd);
    if (status < 0) {
        mem_free(listener);
        close(fd);
        return status;
    }
    listener->poll.data = listener;
    listener->fd = fd;
    listener->loop = loop;
    listener->fn = fn;
    listener->context = context;
    io_timer_init(&listener->retry, loop, wait_for_connections, listener);
    wait_for_connections(listener);
    *ret_listener = listener;
    return 0;
}

/* A socket at the address, by libuv's number when it fails. */
static int bind_tcp(int *ret_fd, const char *host, uint16_t port)
{
    struct io_address address;
    struct sockaddr_storage at;
    const int on = 1, off = 0;
    if (!io_address_parse_ip(&address, host))
        return UV_EINVAL;
    bool v6 = address.ip_len == 16;
    address.port = port;
    io_address_to(&address, v6, &at);
    int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
        (v6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) < 0) ||
        bind(fd, (const struct sockaddr *)&at,
             v6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in)) < 0) {
        int status = -errno;
        close(fd);
        return status;
    }
    *ret_fd = fd;
    return 0;
}

static int listen_at(struct io_listener **ret_listener, struct io_loop *loop, const char *host,
                     uint16_t port, io_accept_fn *fn, void *context)
{
    struct sockaddr_storage at;
    socklen_t len = sizeof(at);
    int fd = -1;
    int status = bind_tcp(&fd, host, port);
    if (status == 0)
        status = listen_with(ret_listener, loop, fd, fn, context);
    if (status == 0 && getsockname(fd, (struct sockaddr *)&at, &len) == 0)
        io_address_from(&(*ret_listener)->address, (const struct sockaddr *)&at);
    return status;
}

int io_listen_tcp(struct io_listener **ret_listener, struct io_loop *loop, const char *host,
                  uint16_t port, io_accept_fn *fn, void *context, struct err_detail *detail)
{
    struct io_address probe;
    if (*host && !io_address_parse_ip(&probe, host))
        return err_set(detail, ERR_INPUT, "listen tcp %s:%u: not an IP address", host, port);
    int status = listen_at(ret_listener, loop, *host ? host : "::", port, fn, context);
    if (status == UV_EAFNOSUPPORT && !*host)
        status = listen_at(ret_listener, loop, "0.0.0.0", port, fn, context);
    return status == UV_ENOMEM ? err_set(detail, ERR_NOMEM, "out of memory")
           : status < 0
               ? err_set(detail, ERR_IO, "listen tcp %s:%u: %s", host, port, io_bind_text(status))
               : 0;
}

int io_listen_tls(struct io_listener **ret_listener, struct io_loop *loop, const char *host,
                  uint16_t port, struct io_tls *tls, io_accept_fn *fn, void *context,
                  struct err_detail *detail)
{
    struct io_listener *listener;
    int status = io_listen_tcp(&listener, loop, host, port, fn, context, detail);
    if (status < 0)
        return status;
    listener->tls = io_tls_keep(tls);
    *ret_listener = listener;
    return 0;
}

/* Makes way for a new socket at `path`: removes one that nobody listens on. */
static int clear_path(const char *path, const struct sockaddr_un *at, struct err_detail *detail)
{
    struct stat info;
    if (lstat(path, &info) < 0)
        return errno == ENOENT ? 0 : err_set(detail, ERR_IO, "%s: %s", path, strerror(errno));
    if (!S_ISSOCK(info.st_mode))
        return err_set(detail, ERR_EXISTS,
                       "%s: exists and is no socket; remove it or choose another path", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return err_set(detail, ERR_IO, "%s: %s", path, strerror(errno));
    bool alive = connect(fd, (const struct sockaddr *)at, sizeof(*at)) == 0 || errno == EAGAIN;
    close(fd);
    if (alive)
        return err_set(detail, ERR_BUSY, "%s: another process listens there", path);
    if (unlink(path) < 0)
        return err_set(detail, ERR_IO, "%s: %s", path, strerror(errno));
    return 0;
}

/* The mode is the socket's before there is a name for it, so that it is never open to others. */
static int bind_unix(int *ret_fd, const char *path, const struct sockaddr_un *at,
                     struct err_detail *detail)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || fchmod(fd, 0600) < 0 || bind(fd, (const struct sockaddr *)at, sizeof(*at)) < 0) {
        int status = err_set(detail, ERR_IO, "listen unix %s: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return status;
    }
    *ret_fd = fd;
    return 0;
}

int io_listen_unix(struct io_listener **ret_listener, struct io_loop *loop, const char *path,
                   io_accept_fn *fn, void *context, struct err_detail *detail)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    size_t len = strlen(path);
    if (len == 0 || len >= sizeof(at.sun_path))
        return err_set(detail, ERR_INPUT, "%s: a socket's path has 1 to %zu bytes, this one %zu",
                       path, sizeof(at.sun_path) - 1, len);
    memcpy(at.sun_path, path, len);
    int fd = -1;
    int status = clear_path(path, &at, detail);
    if (status == 0)
        status = bind_unix(&fd, path, &at, detail);
    if (status < 0)
        return status;
    status = listen_with(ret_listener, loop, fd, fn, context);
    if (status < 0) {
        unlink(path);
        return err_set(detail, status == UV_ENOMEM ? ERR_NOMEM : ERR_IO, "listen unix %s: %s", path,
                       uv_strerror(status));
    }
    memcpy((*ret_listener)->path, path, len);
    return 0;
}

const struct io_address *io_listener_address(const struct io_listener *listener)
{
    return &listener->address;
}

void io_listener_close(struct io_listener *listener)
{
    if (!listener)
        return;
    if (listener->path[0])
        unlink(listener->path);
    listener->closed = true;
    io_timer_stop(&listener->retry);
    uv_close((uv_handle_t *)&listener->poll, on_closed);
    close(listener->fd);
}
