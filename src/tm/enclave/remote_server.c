/* The enclave's side: connections from managers of the same machine. */
#include "base/mem.h"
#include "io/stream.h"
#include "tm/enclave/remote.h"
#include "tm/enclave/remote_wire.h"

struct connection {
    struct connection *next, **back;
    struct tm_enclave_server *server;
    struct io_stream *stream;
    struct buf in;
};

struct tm_enclave_server {
    struct tm_enclave *enclave;
    struct io_listener *listener;
    struct connection *connections;
    size_t count;
};

static void drop(struct connection *c)
{
    *c->back = c->next;
    if (c->next)
        c->next->back = c->back;
    c->server->count--;
    if (c->in.data)
        mem_wipe(c->in.data, c->in.capacity);
    buf_release(&c->in);
    mem_free(c);
}

static void closed(void *context, struct io_stream *stream, int status, const char *message)
{
    (void)stream;
    (void)status;
    (void)message;
    drop(context);
}

static void end(struct connection *c)
{
    io_stream_close(c->stream);
    drop(c);
}

/* Answers the request of `len` bytes behind the first four. False when the connection cannot go on. */
static bool answer(struct connection *c, size_t len)
{
    struct buf out = BUF_INIT;
    tm_wire_write_u32(&out, 0); /* the length, when it is known */
    int status = tm_enclave_serve_message(c->server->enclave, &out, bytes_of(c->in.data + 4, len));
    if (status == 0) {
        uint32_t size = __builtin_bswap32((uint32_t)(out.len - 4));
        memcpy(out.data, &size, sizeof(size));
        status = io_stream_write_buf(c->stream, &out);
    }
    buf_release(&out);
    return status == 0;
}

static void read_data(void *context, struct io_stream *stream, struct bytes data)
{
    struct connection *c = context;
    (void)stream;
    buf_append_bytes(&c->in, data);
    bool good = buf_status(&c->in) == 0;
    while (good && c->in.len >= 4) {
        const uint8_t *b = c->in.data;
        size_t len = (size_t)b[0] << 24 | (size_t)b[1] << 16 | (size_t)b[2] << 8 | b[3];
        good = len <= TM_ENCLAVE_MESSAGE_MAX;
        if (!good || c->in.len < 4 + len)
            break;
        good = answer(c, len);
        memmove(c->in.data, c->in.data + 4 + len, c->in.len - 4 - len);
        c->in.len -= 4 + len;
    }
    if (!good)
        end(c);
}

static const struct io_stream_ops stream_ops = {.read = read_data, .closed = closed};

static void take_stream(void *context, struct io_stream *stream)
{
    struct tm_enclave_server *server = context;
    if (server->count >= TM_ENCLAVE_CONNECTIONS_MAX)
        return;
    struct connection *c = mem_alloc_zeroed(1, sizeof(*c));
    if (!c)
        return;
    *c = (struct connection){.server = server,
                             .stream = stream,
                             .next = server->connections,
                             .back = &server->connections};
    if (c->next)
        c->next->back = &c->next;
    server->connections = c;
    server->count++;
    io_stream_accept(stream, &stream_ops, c);
}

int tm_enclave_serve(struct tm_enclave_server **ret_server, struct io_loop *loop,
                     struct tm_enclave *enclave, const char *path, struct err_detail *detail)
{
    struct tm_enclave_server *server = mem_alloc_zeroed(1, sizeof(*server));
    if (!server)
        return err_set(detail, ERR_NOMEM, "out of memory");
    server->enclave = enclave;
    int status = io_listen_unix(&server->listener, loop, path, take_stream, server, detail);
    if (status < 0)
        mem_free(server);
    else
        *ret_server = server;
    return status;
}

void tm_enclave_server_free(struct tm_enclave_server *server)
{
    if (!server)
        return;
    io_listener_close(server->listener);
    while (server->connections)
        end(server->connections);
    mem_free(server);
}
