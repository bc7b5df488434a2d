/* Connections that go from one thread's server to another's. */
#include "io/http_internal.h"

#include "base/mem.h"
#include "io/parcel.h"

static size_t count_of(const struct io_http_server *server)
{
    return atomic_load_explicit(&server->count, memory_order_relaxed);
}

size_t io_http_total(const struct io_http_server *server)
{
    size_t total = count_of(server);
    for (size_t i = 0; i < server->other_count; i++)
        total += count_of(server->others[i]);
    return total;
}

static void on_arrival(void *context, struct io_mail *mail)
{
    struct io_http_server *server = context;
    struct io_stream *stream;
    struct buf bytes = BUF_INIT;
    struct io_http_connection *c = NULL;
    if (server->ended)
        io_stream_refuse(mail);
    else if (io_stream_receive(&stream, &bytes, server->loop, mail))
        atomic_fetch_sub_explicit(&server->count, 1, memory_order_relaxed);
    else
        c = io_http_connect(server, stream);
    if (c && bytes.len)
        io_http_feed(c, buf_bytes(&bytes));
    buf_release(&bytes);
}

static bool send(struct io_http_server *to, struct io_stream *stream, struct buf *bytes)
{
    /* Counted first: it may be there, and gone, at once. */
    atomic_fetch_add_explicit(&to->count, 1, memory_order_relaxed);
    if (io_stream_send(stream, to->inbox, bytes))
        return true;
    atomic_fetch_sub_explicit(&to->count, 1, memory_order_relaxed);
    return false;
}

static int open_inbox(struct io_http_server *server)
{
    return server->inbox ? 0 : io_mailbox_new(&server->inbox, server->loop, on_arrival, server);
}

int io_http_share(struct io_http_server *server, struct io_http_server *const *others, size_t count)
{
    struct io_http_server **copy = mem_alloc(count * sizeof(*copy));
    int status = copy ? open_inbox(server) : ERR_NOMEM;
    for (size_t i = 0; i < count && status == 0; i++) {
        copy[i] = others[i];
        status = open_inbox(others[i]);
    }
    if (status) {
        mem_free(copy);
        return status;
    }
    mem_free(server->others);
    server->others = copy;
    server->other_count = count;
    return 0;
}

bool io_http_pass(struct io_http_server *server, struct io_stream *stream)
{
    struct io_http_server *least = NULL;
    struct buf nothing = BUF_INIT;
    /* By turns: connections that are given away are not counted any more, so that all may have as few. */
    server->turn++;
    for (size_t i = 0; i < server->other_count; i++) {
        struct io_http_server *other = server->others[(server->turn + i) % server->other_count];
        if (!least || count_of(other) < count_of(least))
            least = other;
    }
    return least && send(least, stream, &nothing);
}

bool io_http_move(struct io_http_request *request, struct io_http_server *server)
{
    struct io_http_connection *c = request->connection;
    struct buf bytes = BUF_INIT;
    assert(c->running && c->state == IO_HTTP_BODY && c->request == request);
    buf_append_bytes(&bytes, buf_bytes(&request->memory));
    io_http_forget_taken(c);
    buf_append_bytes(&bytes, buf_bytes(&c->in));
    if (!send(server, c->stream, &bytes)) {
        buf_release(&bytes);
        return false;
    }
    c->stream = NULL;
    c->request = NULL;
    c->state = IO_HTTP_GIVEN;
    io_http_request_free(request);
    return true;
}
