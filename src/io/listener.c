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
    RETRY = 100, /* milliseconds until a connection is taken that there was no memory for */
};

struct io_listener {
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } uv;
    struct io_loop *loop;
    io_accept_fn *fn;
    void *context;
    struct io_address address;
    struct io_timer retry;
    struct io_tls *tls;                                     /* of its streams, NULL: none */
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)]; /* of a unix socket, else "" */
};

/* libuv listens on only when the connection has been taken. */
static void take_connection(void *context)
{
    struct io_listener *listener = context;
    bool is_pipe = listener->path[0] != 0;
    struct io_stream *stream = io_stream_make(listener->loop, is_pipe);
    if (!stream) {
        io_timer_start(&listener->retry, RETRY);
        return;
    }
    if (uv_accept(&listener->uv.stream, &stream->uv.stream) < 0) {
        io_stream_close(stream);
        return;
    }
    if (listener->tls && io_stream_use_tls(stream, listener->tls) < 0) {
        io_stream_close(stream);
        return;
    }
    io_stream_opened(stream, is_pipe);
    listener->fn(listener->context, stream);
    if (!stream->ops && !stream->finishing)
        io_stream_close(stream);
}

static void on_connection(uv_stream_t *handle, int status)
{
    if (status >= 0)
        take_connection(handle->data);
}

static void on_closed(uv_handle_t *handle)
{
    struct io_listener *listener = handle->data;
    io_tls_free(listener->tls);
    mem_free(listener);
}

static struct io_listener *make(struct io_loop *loop, io_accept_fn *fn, void *context)
{
    struct io_listener *listener = mem_alloc_zeroed(1, sizeof(*listener));
    if (listener) {
        *listener = (struct io_listener){.loop = loop, .fn = fn, .context = context};
        io_timer_init(&listener->retry, loop, take_connection, listener);
    }
    return listener;
}

static int listen_at(struct io_listener *listener, const char *host, uint16_t port)
{
    struct io_address address;
    struct sockaddr_storage at;
    if (!io_address_parse_ip(&address, host))
        return UV_EINVAL;
    address.port = port;
    io_address_to(&address, address.ip_len == 16, &at);
    int status = uv_tcp_bind(&listener->uv.tcp, (const struct sockaddr *)&at, 0);
    if (status == 0)
        status = uv_listen(&listener->uv.stream, BACKLOG, on_connection);
    int len = sizeof(at);
    if (status == 0)
        status = uv_tcp_getsockname(&listener->uv.tcp, (struct sockaddr *)&at, &len);
    if (status == 0)
        io_address_from(&listener->address, (const struct sockaddr *)&at);
    return status;
}

int io_listen_tcp(struct io_listener **ret_listener, struct io_loop *loop, const char *host,
                  uint16_t port, io_accept_fn *fn, void *context, struct err_detail *detail)
{
    struct io_address probe;
    if (*host && !io_address_parse_ip(&probe, host))
        return err_set(detail, ERR_INPUT, "listen tcp %s:%u: not an IP address", host, port);
    struct io_listener *listener = make(loop, fn, context);
    if (!listener)
        return err_set(detail, ERR_NOMEM, "out of memory");
    uv_tcp_init(&loop->uv, &listener->uv.tcp);
    listener->uv.handle.data = listener;
    int status = listen_at(listener, *host ? host : "::", port);
    if (status == UV_EAFNOSUPPORT && !*host)
        status = listen_at(listener, "0.0.0.0", port);
    if (status < 0) {
        uv_close(&listener->uv.handle, on_closed);
        return err_set(detail, ERR_IO, "listen tcp %s:%u: %s", host, port, io_bind_text(status));
    }
    *ret_listener = listener;
    return 0;
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
    struct io_listener *listener = make(loop, fn, context);
    if (!listener) {
        close(fd);
        unlink(path);
        return err_set(detail, ERR_NOMEM, "out of memory");
    }
    uv_pipe_init(&loop->uv, &listener->uv.pipe, 0);
    listener->uv.handle.data = listener;
    status = uv_pipe_open(&listener->uv.pipe, fd);
    if (status < 0)
        close(fd);
    else
        status = uv_listen(&listener->uv.stream, BACKLOG, on_connection);
    if (status < 0) {
        unlink(path);
        uv_close(&listener->uv.handle, on_closed);
        return err_set(detail, ERR_IO, "listen unix %s: %s", path, uv_strerror(status));
    }
    memcpy(listener->path, path, len);
    *ret_listener = listener;
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
    io_timer_stop(&listener->retry);
    uv_close(&listener->uv.handle, on_closed);
}
