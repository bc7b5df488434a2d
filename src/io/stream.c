#include "io/stream.h"

#include "base/mem.h"
#include "io/stream_internal.h"
#include "io/sum.h"

#include <poll.h>

enum {
    /* Memory that an idle stream keeps for its next writes. */
    KEEP_BUFFER = 64 << 10,
    /* A buffer from this size on is taken over instead of copied. */
    TAKE_OVER = 4 << 10,
    /* Bytes taken over in one turn of the loop, above which the streams are flushed at once: hundreds of clients that ask for
     * blocks together are answered out of a few buffers that stay in the processor's cache. */
    FLUSH_EARLY = 1 << 20,
    /* Streams of a loop that wait to be read to their end: nobody counts them any more, so that the oldest gives way. */
    FINISHING_MAX = 1024,
    /* Bytes that TLS has to say by itself to who does not read: answers to new keys and the like, which can be asked for without end. */
    UNSENT_MAX = 256 << 10,
};

static struct io_sum all_waiting;

/* Only while the system has not taken all: who keeps up is not counted. */
static void count_waiting(struct io_stream *stream)
{
    io_sum_change(&all_waiting, &stream->waiting,
                  stream->writing && !stream->dead ? io_stream_queued(stream) : 0);
}

size_t io_streams_waiting(void)
{
    return io_sum_of(&all_waiting);
}

static void link_dirty(struct io_stream *stream)
{
    if (stream->dirty_back)
        return;
    struct io_stream **head = &stream->loop->dirty;
    stream->dirty_next = *head;
    if (*head)
        (*head)->dirty_back = &stream->dirty_next;
    stream->dirty_back = head;
    *head = stream;
}

static void unlink_dirty(struct io_stream *stream)
{
    if (!stream->dirty_back)
        return;
    *stream->dirty_back = stream->dirty_next;
    if (stream->dirty_next)
        stream->dirty_next->dirty_back = stream->dirty_back;
    stream->dirty_back = NULL;
    stream->dirty_next = NULL;
}

void io_stream_wake(struct io_stream *stream)
{
    link_dirty(stream);
}

static void on_closed(uv_handle_t *handle)
{
    struct io_stream *stream = handle->data;
    buf_release(&stream->out);
    buf_release(&stream->tail);
    buf_release(&stream->sending);
    buf_release(&stream->wire);
    io_tls_session_free(stream->tls);
    mem_free(stream);
}

static void link_finishing(struct io_stream *stream)
{
    struct io_loop *loop = stream->loop;
    stream->finishing_back = loop->finishing_end;
    *loop->finishing_end = stream;
    loop->finishing_end = &stream->finishing_next;
    loop->finishing_count++;
}

static void unlink_finishing(struct io_stream *stream)
{
    struct io_loop *loop = stream->loop;
    if (!stream->finishing_back)
        return;
    *stream->finishing_back = stream->finishing_next;
    if (stream->finishing_next)
        stream->finishing_next->finishing_back = stream->finishing_back;
    else
        loop->finishing_end = stream->finishing_back;
    stream->finishing_back = NULL;
    stream->finishing_next = NULL;
    loop->finishing_count--;
}

/* The end of a stream for libuv; its memory goes in a later turn. */
static void destroy(struct io_stream *stream)
{
    if (stream->dead)
        return;
    stream->dead = true;
    stream->ops = NULL;
    unlink_dirty(stream);
    unlink_finishing(stream);
    io_timer_stop(&stream->timer);
    io_resolve_cancel(stream->resolve);
    stream->resolve = NULL;
    if (!stream->allocating)
        uv_close(&stream->uv.handle, on_closed);
}

/* The stream ended by itself. */
static void fail(struct io_stream *stream, int status, const char *message)
{
    const struct io_stream_ops *ops = stream->ops;
    void *context = stream->context;
    if (stream->dead)
        return;
    destroy(stream);
    if (ops)
        ops->closed(context, stream, status, message);
}

static void fail_uv(struct io_stream *stream, int status)
{
    fail(stream, status == UV_ENOMEM ? ERR_NOMEM : ERR_IO, uv_strerror(status));
}

static void on_timer(void *context)
{
    struct io_stream *stream = context;
    if (stream->finishing)
        destroy(stream);
    else
        fail(stream, ERR_IO, stream->fault ? stream->fault : "connection timed out");
}

struct io_stream *io_stream_make(struct io_loop *loop, bool is_pipe)
{
    struct io_stream *stream = mem_alloc_zeroed(1, sizeof(*stream));
    if (!stream)
        return NULL;
    stream->loop = loop;
    if (is_pipe)
        uv_pipe_init(&loop->uv, &stream->uv.pipe, 0);
    else
        uv_tcp_init(&loop->uv, &stream->uv.tcp);
    stream->uv.handle.data = stream;
    stream->write.data = stream->connect.data = stream->shutdown.data = stream;
    io_timer_init(&stream->timer, loop, on_timer, stream);
    return stream;
}

/* ---- reading ---- */

static void on_alloc(uv_handle_t *handle, size_t hint, uv_buf_t *ret_buf)
{
    (void)hint;
    struct io_stream *stream = handle->data;
    size_t len = IO_READ_BUFFER;
    uint8_t *data = stream->loop->read_buffer;
    if (stream->ops && stream->ops->room && !stream->tls) {
        stream->allocating = true;
        data = stream->ops->room(stream->context, stream, &len);
        stream->paused |= !data;
        len = stream->paused || stream->dead ? 0 : len;
    }
    *ret_buf = uv_buf_init((char *)data, (unsigned)(len < INT32_MAX ? len : INT32_MAX));
}

/* Where plain bytes go: the owner's room, or the loop's buffer, which holds nothing any more. */
static uint8_t *plain_room(struct io_stream *stream, size_t *ret_len)
{
    *ret_len = IO_READ_BUFFER;
    if (!stream->ops || !stream->ops->room)
        return stream->loop->read_buffer;
    uint8_t *room = stream->ops->room(stream->context, stream, ret_len);
    if (!room && !stream->dead)
        io_stream_pause(stream);
    return room;
}

/* Whether the other side has closed both directions, as far as the system knows it: of a unix socket always, of TCP when it was reset. */
static bool has_gone(const struct io_stream *stream)
{
    struct pollfd at = {.events = 0};
    return uv_fileno(&stream->uv.handle, &at.fd) < 0 ||
           (poll(&at, 1, 0) > 0 && at.revents & (POLLHUP | POLLERR));
}

/* The other side has said that it sends nothing more: by TCP, or inside TLS, whose last word ends one direction alone (RFC 8446, section 6.1). */
static void end(struct io_stream *stream)
{
    const struct io_stream_ops *ops = stream->ops;
    stream->ended = true;
    uv_read_stop(&stream->uv.stream);
    if (stream->finishing && !stream->shut)
        return; /* what is queued goes first */
    if (!ops || !ops->ended || has_gone(stream) || !ops->ended(stream->context, stream))
        fail(stream, 0, "closed by the other side");
}

/* Gives the owner what lies in the TLS session. */
static void read_plain(struct io_stream *stream)
{
    size_t len = 1;
    while (len > 0 && !stream->dead && !stream->paused && !stream->ended) {
        uint8_t *room = plain_room(stream, &len);
        if (!room || stream->dead || stream->paused)
            return;
        enum io_tls_state state = io_tls_session_read(&len, stream->tls, room, len);
        if (state == IO_TLS_ENDED) {
            end(stream);
        } else if (state == IO_TLS_FAILED) {
            io_tls_session_collect(stream->tls, &stream->wire);
            uv_buf_t alert = uv_buf_init((char *)stream->wire.data, (unsigned)stream->wire.len);
            if (alert.len && !stream->writing)
                (void)uv_try_write(&stream->uv.stream, &alert, 1);
            fail(stream, ERR_IO, io_tls_session_fault(stream->tls));
        } else if (len > 0 && stream->ops) {
            stream->ops->read(stream->context, stream, bytes_of(room, len));
        }
    }
}

/* In pieces, for the session keeps as much memory as it was given at once. */
static void feed(struct io_stream *stream, struct bytes wire)
{
    link_dirty(stream); /* a handshake answers by itself */
    if (io_tls_session_unsent(stream->tls) > UNSENT_MAX) {
        fail(stream, ERR_IO, "TLS failed");
        return;
    }
    while (wire.len && !stream->dead && !stream->ended) {
        size_t len = wire.len < IO_TLS_PIECE ? wire.len : IO_TLS_PIECE;
        if (!io_tls_session_feed(stream->tls, bytes_slice(wire, 0, len)))
            fail(stream, ERR_NOMEM, err_text(ERR_NOMEM));
        else
            read_plain(stream);
        wire = bytes_slice(wire, len, wire.len - len);
    }
}

static void on_read(uv_stream_t *handle, ssize_t len, const uv_buf_t *buf)
{
    struct io_stream *stream = handle->data;
    struct io_loop *loop = stream->loop;
    stream->allocating = false;
    if (len == UV_ENOBUFS) { /* now libuv bears what it does not bear while it asks for room */
        if (stream->dead)
            uv_close(&stream->uv.handle, on_closed);
        else if (stream->paused)
            uv_read_stop(handle);
        return;
    }
    if (stream->dead || len == 0)
        return;
    if (len == UV_EOF && stream->tls) /* without TLS' last word: cut off, perhaps by another */
        fail(stream, 0, "closed by the other side");
    else if (len == UV_EOF)
        end(stream);
    else if (len < 0)
        fail_uv(stream, (int)len);
    else if (stream->tls)
        feed(stream, bytes_of(buf->base, (size_t)len));
    else if (stream->ops)
        stream->ops->read(stream->context, stream, bytes_of(buf->base, (size_t)len));
    io_streams_flush_early(loop);
}

static void start_reading(struct io_stream *stream)
{
    if (!stream->dead && stream->open && !stream->paused && !stream->ended)
        uv_read_start(&stream->uv.stream, on_alloc, on_read);
}

void io_stream_pause(struct io_stream *stream)
{
    stream->paused = true;
    if (!stream->dead && stream->open && !stream->allocating)
        uv_read_stop(&stream->uv.stream);
}

void io_stream_resume(struct io_stream *stream)
{
    stream->paused = false;
    if (stream->tls && !stream->dead)
        link_dirty(stream); /* what the session holds is read by flush */
    start_reading(stream);
}

/* ---- writing ---- */

static void on_shutdown(uv_shutdown_t *request, int status)
{
    struct io_stream *stream = request->data;
    if (status < 0)
        destroy(stream);
}

/* Everything has gone to the system. */
static void drained(struct io_stream *stream)
{
    if (stream->out.capacity > KEEP_BUFFER)
        buf_release(&stream->out);
    if (stream->wire.capacity > KEEP_BUFFER)
        buf_release(&stream->wire);
    buf_release(&stream->tail);
    if (stream->finishing && stream->tls && !stream->last_word) {
        io_tls_session_finish(stream->tls);
        stream->last_word = true;
        link_dirty(stream);
    } else if (stream->finishing && stream->ended) {
        destroy(stream);
    } else if (stream->finishing) {
        /* Closing now could throw away what the other side has not read yet: it is told that nothing more comes,
         * and its own close is waited for. */
        if (!stream->shut && uv_shutdown(&stream->shutdown, &stream->uv.stream, on_shutdown) < 0)
            destroy(stream);
        stream->shut = true;
    } else if (stream->ops && stream->ops->drained) {
        stream->ops->drained(stream->context, stream);
    }
}

static void flush(struct io_stream *stream);

static void on_written(uv_write_t *request, int status)
{
    struct io_stream *stream = request->data;
    stream->writing = false;
    count_waiting(stream);
    if (stream->dead)
        return;
    if (!stream->finishing)
        io_timer_stop(&stream->timer);
    buf_clear(&stream->sending);
    if (stream->sending.capacity > KEEP_BUFFER)
        buf_release(&stream->sending);
    if (status < 0)
        fail_uv(stream, status);
    else if (stream->out.len || stream->wire.len)
        flush(stream);
    else
        drained(stream);
}

/* Brings `out` into the wire's form. */
static void encrypt(struct io_stream *stream)
{
    if (!stream->paused && io_tls_session_pending(stream->tls))
        read_plain(stream);
    if (stream->dead)
        return;
    if (io_tls_session_write(stream->tls, &stream->out, &stream->wire) == IO_TLS_FAILED)
        fail(stream, ERR_IO, "TLS failed");
    else if (buf_status(&stream->wire))
        fail(stream, ERR_NOMEM, err_text(ERR_NOMEM));
}

/* Appends what was taken over to `source`, for want of a better way. */
static void join(struct io_stream *stream, struct buf *source)
{
    buf_append_bytes(source, buf_bytes(&stream->tail));
    buf_release(&stream->tail);
    stream->broken |= buf_status(source) != 0;
}

/* libuv gets what the system did not take at once: `sent` bytes went, of `source` and of the tail. */
static void send_rest(struct io_stream *stream, struct buf *source, size_t sent)
{
    if (stream->tail.len && sent >= source->len) {
        sent -= source->len;
        buf_clear(source);
        source = &stream->tail;
    } else if (stream->tail.len) {
        join(stream, source);
    }
    if (stream->broken) {
        fail(stream, ERR_NOMEM, err_text(ERR_NOMEM));
        return;
    }
    struct buf out = *source;
    *source = stream->sending;
    stream->sending = out;
    stream->sent = sent;
    uv_buf_t buf = uv_buf_init((char *)out.data + sent, (unsigned)(out.len - sent));
    int status = uv_write(&stream->write, &stream->uv.stream, &buf, 1, on_written);
    if (status < 0)
        fail_uv(stream, status);
    else
        stream->writing = true;
    if (!stream->writing)
        return;
    count_waiting(stream);
    if (stream->write_ms && !stream->finishing)
        io_timer_start(&stream->timer, stream->write_ms);
}

static void flush(struct io_stream *stream)
{
    if (!stream->broken && stream->tls && stream->tail.len)
        join(stream, &stream->out);
    if (stream->broken) {
        fail(stream, ERR_NOMEM, err_text(ERR_NOMEM));
        return;
    }
    if (!stream->open || stream->writing)
        return;
    if (stream->tls)
        encrypt(stream);
    if (stream->dead)
        return;
    struct buf *source = stream->tls ? &stream->wire : &stream->out;
    int sent = 0;
    if (source->len) {
        uv_buf_t bufs[] = {uv_buf_init((char *)source->data, (unsigned)source->len),
                           uv_buf_init((char *)stream->tail.data, (unsigned)stream->tail.len)};
        sent = uv_try_write(&stream->uv.stream, bufs, stream->tail.len ? 2 : 1);
        if (sent == UV_EAGAIN)
            sent = 0;
    }
    if (sent < 0) {
        fail_uv(stream, sent);
    } else if ((size_t)sent < source->len + stream->tail.len) {
        send_rest(stream, source, (size_t)sent);
    } else {
        buf_clear(source);
        buf_clear(&stream->tail);
        if (stream->out.len == 0) /* before the end of a TLS handshake it waits */
            drained(stream);
    }
}

void io_streams_flush(struct io_loop *loop)
{
    struct io_stream *list = loop->dirty;
    loop->dirty = NULL;
    loop->taken = 0;
    if (list)
        list->dirty_back = &list;
    while (list) {
        struct io_stream *stream = list;
        unlink_dirty(stream);
        flush(stream);
    }
}

void io_streams_flush_early(struct io_loop *loop)
{
    if (loop->taken > FLUSH_EARLY)
        io_streams_flush(loop);
}

/* Where the queue ends. */
static struct buf *end_of(struct io_stream *stream)
{
    return stream->tail.len ? &stream->tail : &stream->out;
}

static int written(struct io_stream *stream)
{
    if (buf_status(end_of(stream)) != 0)
        stream->broken = true;
    if (stream->writing)
        count_waiting(stream);
    link_dirty(stream);
    return stream->broken ? ERR_NOMEM : 0;
}

int io_stream_write(struct io_stream *stream, struct bytes data)
{
    if (stream->dead || stream->finishing || data.len == 0)
        return 0;
    buf_append_bytes(end_of(stream), data);
    return written(stream);
}

int io_stream_write_buf(struct io_stream *stream, struct buf *data)
{
    int status = buf_status(data);
    if (status == 0 && stream->tail.len == 0 && data->len >= TAKE_OVER && !stream->dead &&
        !stream->finishing && !stream->broken) {
        struct buf *place = stream->out.len ? &stream->tail : &stream->out;
        struct buf old = *place;
        *place = *data;
        *data = old;
        stream->loop->taken += place->len;
        buf_clear(data);
        return written(stream);
    }
    if (status == 0)
        status = io_stream_write(stream, buf_bytes(data));
    buf_clear(data);
    return status;
}

uint8_t *io_stream_write_room(struct io_stream *stream, size_t len)
{
    assert(!stream->dead && !stream->finishing);
    uint8_t *room = stream->broken ? NULL : buf_extend(end_of(stream), len);
    (void)written(stream);
    return room;
}

void io_stream_write_trim(struct io_stream *stream, size_t unused)
{
    struct buf *end = end_of(stream);
    assert(unused <= end->len);
    end->len -= unused;
}

size_t io_stream_queued(const struct io_stream *stream)
{
    return stream->out.len + stream->tail.len + stream->wire.len +
           (stream->writing ? stream->sending.len - stream->sent : 0);
}

void io_stream_limit(struct io_stream *stream, uint64_t write_ms)
{
    stream->write_ms = write_ms;
}

/* ---- the beginning ---- */

void io_stream_opened(struct io_stream *stream, bool is_pipe)
{
    stream->open = true;
    if (is_pipe)
        return;
    struct sockaddr_storage at;
    int len = sizeof(at);
    uv_tcp_nodelay(&stream->uv.tcp, 1);
    if (uv_tcp_getpeername(&stream->uv.tcp, (struct sockaddr *)&at, &len) == 0)
        io_address_from(&stream->peer, (const struct sockaddr *)&at);
    len = sizeof(at);
    if (uv_tcp_getsockname(&stream->uv.tcp, (struct sockaddr *)&at, &len) == 0)
        io_address_from(&stream->local, (const struct sockaddr *)&at);
}

int io_stream_use_tls(struct io_stream *stream, struct io_tls *tls)
{
    return io_tls_session_new(&stream->tls, tls);
}

void io_stream_accept(struct io_stream *stream, const struct io_stream_ops *ops, void *context)
{
    stream->ops = ops;
    stream->context = context;
    start_reading(stream);
}

void io_stream_hand_over(struct io_stream *stream, const struct io_stream_ops *ops, void *context)
{
    stream->ops = ops;
    stream->context = context;
}

static void on_connected(uv_connect_t *request, int status)
{
    struct io_stream *stream = request->data;
    if (stream->dead)
        return;
    if (!stream->finishing)
        io_timer_stop(&stream->timer);
    if (status < 0) {
        fail_uv(stream, status);
        return;
    }
    io_stream_opened(stream, stream->uv.handle.type == UV_NAMED_PIPE);
    link_dirty(stream);
    start_reading(stream);
    if (stream->ops && stream->ops->connected)
        stream->ops->connected(stream->context, stream);
}

static int connect_to(struct io_stream *stream, const struct io_address *address)
{
    struct sockaddr_storage to;
    io_address_to(address, address->ip_len == 16, &to);
    return uv_tcp_connect(&stream->connect, &stream->uv.tcp, (const struct sockaddr *)&to,
                          on_connected);
}

static void on_resolved(void *context, int status, const struct io_address *address,
                        const char *message)
{
    struct io_stream *stream = context;
    stream->resolve = NULL;
    if (status < 0) {
        fail(stream, status, message);
        return;
    }
    struct io_address to = *address;
    to.port = stream->port;
    status = connect_to(stream, &to);
    if (status < 0)
        fail_uv(stream, status);
}

int io_connect_tcp(struct io_stream **ret_stream, struct io_loop *loop, const char *host,
                   uint16_t port, uint64_t timeout_ms, const struct io_stream_ops *ops,
                   void *context)
{
    struct io_stream *stream = io_stream_make(loop, false);
    if (!stream)
        return ERR_NOMEM;
    stream->ops = ops;
    stream->context = context;
    stream->port = port;
    if (timeout_ms)
        io_timer_start(&stream->timer, timeout_ms);
    struct io_address address;
    int status = 0;
    if (io_address_parse_ip(&address, host)) {
        address.port = port;
        int failed = connect_to(stream, &address);
        if (failed < 0) { /* the answer comes later, as all do */
            stream->fault = uv_strerror(failed);
            io_timer_start(&stream->timer, 0);
        }
    } else {
        status = io_resolve(&stream->resolve, loop, host, on_resolved, stream);
    }
    if (status < 0) {
        destroy(stream);
        return status;
    }
    *ret_stream = stream;
    return 0;
}

int io_connect_tls(struct io_stream **ret_stream, struct io_loop *loop, const char *host,
                   uint16_t port, struct io_tls *tls, uint64_t timeout_ms,
                   const struct io_stream_ops *ops, void *context)
{
    struct io_stream *stream = NULL;
    int status = io_connect_tcp(&stream, loop, host, port, timeout_ms, ops, context);
    if (status == 0)
        status = io_tls_session_dial(&stream->tls, tls, host);
    if (status < 0) {
        io_stream_close(stream);
        return status;
    }
    *ret_stream = stream;
    return 0;
}

int io_connect_unix(struct io_stream **ret_stream, struct io_loop *loop, const char *path,
                    const struct io_stream_ops *ops, void *context)
{
    struct sockaddr_un probe;
    if (strlen(path) >= sizeof(probe.sun_path))
        return ERR_INPUT;
    struct io_stream *stream = io_stream_make(loop, true);
    if (!stream)
        return ERR_NOMEM;
    stream->ops = ops;
    stream->context = context;
    uv_pipe_connect(&stream->connect, &stream->uv.pipe, path, on_connected);
    *ret_stream = stream;
    return 0;
}

const struct io_address *io_stream_peer(const struct io_stream *stream)
{
    return &stream->peer;
}

const struct io_address *io_stream_local(const struct io_stream *stream)
{
    return &stream->local;
}

/* ---- the end ---- */

void io_stream_close(struct io_stream *stream)
{
    if (stream)
        destroy(stream);
}

void io_stream_finish(struct io_stream *stream, uint64_t timeout_ms)
{
    if (stream->dead || stream->finishing)
        return;
    stream->ops = NULL;
    stream->finishing = true;
    link_finishing(stream);
    if (stream->loop->finishing_count > FINISHING_MAX)
        destroy(stream->loop->finishing);
    io_timer_start(&stream->timer, timeout_ms);
    io_stream_resume(stream);
    link_dirty(stream);
}

void io_streams_drop(struct io_loop *loop)
{
    while (loop->finishing)
        destroy(loop->finishing);
}
