#include "io/udp.h"

#include "base/mem.h"
#include "io/internal.h"

struct io_udp {
    uv_udp_t uv;
    struct io_loop *loop;
    io_udp_fn *fn;
    void *context;
    struct io_address address;
    bool v6;
};

static void on_close(uv_handle_t *handle)
{
    mem_free(handle->data);
}

static void on_alloc(uv_handle_t *handle, size_t hint, uv_buf_t *ret_buf)
{
    (void)hint;
    struct io_udp *udp = handle->data;
    *ret_buf = uv_buf_init((char *)udp->loop->read_buffer, IO_UDP_MAX);
}

static void on_datagram(uv_udp_t *handle, ssize_t len, const uv_buf_t *buf,
                        const struct sockaddr *from, unsigned flags)
{
    (void)flags;
    struct io_udp *udp = handle->data;
    if (len < 0 || !from)
        return;
    struct io_address address;
    io_address_from(&address, from);
    udp->fn(udp->context, &address, bytes_of(buf->base, (size_t)len));
}

static int open_at(struct io_udp *udp, const char *host, uint16_t port)
{
    struct io_address address;
    struct sockaddr_storage at;
    if (!io_address_parse_ip(&address, host))
        return UV_EINVAL;
    address.port = port;
    udp->v6 = address.ip_len == 16;
    io_address_to(&address, udp->v6, &at);
    int status = uv_udp_bind(&udp->uv, (const struct sockaddr *)&at, 0);
    int len = sizeof(at);
    if (status == 0)
        status = uv_udp_getsockname(&udp->uv, (struct sockaddr *)&at, &len);
    if (status == 0) {
        io_address_from(&udp->address, (const struct sockaddr *)&at);
        status = uv_udp_recv_start(&udp->uv, on_alloc, on_datagram);
    }
    return status;
}

int io_udp_open(struct io_udp **ret_udp, struct io_loop *loop, const char *host, uint16_t port,
                io_udp_fn *fn, void *context, struct err_detail *detail)
{
    struct io_address probe;
    if (*host && !io_address_parse_ip(&probe, host))
        return err_set(detail, ERR_INPUT, "listen udp %s:%u: not an IP address", host, port);
    struct io_udp *udp = mem_alloc_zeroed(1, sizeof(*udp));
    if (!udp)
        return err_set(detail, ERR_NOMEM, "out of memory");
    udp->loop = loop;
    udp->fn = fn;
    udp->context = context;
    uv_udp_init(&loop->uv, &udp->uv);
    udp->uv.data = udp;
    int status = open_at(udp, *host ? host : "::", port);
    if (status == UV_EAFNOSUPPORT && !*host)
        status = open_at(udp, "0.0.0.0", port);
    if (status < 0) {
        uv_close((uv_handle_t *)&udp->uv, on_close);
        return err_set(detail, ERR_IO, "listen udp %s:%u: %s", host, port, io_bind_text(status));
    }
    *ret_udp = udp;
    return 0;
}

const struct io_address *io_udp_address(const struct io_udp *udp)
{
    return &udp->address;
}

void io_udp_send(struct io_udp *udp, const struct io_address *to, struct bytes data)
{
    struct sockaddr_storage at;
    if (to->ip_len == 16 && !udp->v6)
        return;
    io_address_to(to, udp->v6, &at);
    uv_buf_t buf = uv_buf_init((char *)(uintptr_t)data.data, (unsigned)data.len);
    (void)uv_udp_try_send(&udp->uv, &buf, 1, (const struct sockaddr *)&at);
}

void io_udp_close(struct io_udp *udp)
{
    if (!udp)
        return;
    uv_udp_recv_stop(&udp->uv);
    uv_close((uv_handle_t *)&udp->uv, on_close);
}
