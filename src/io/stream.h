/*
 * TCP and unix-socket streams.
 *
 * Writes are collected and go to the system once a turn, so that many small ones cost one call. Reads go
 * into a buffer of the loop, or straight into the owner's when it gives one.
 */
#ifndef IO_STREAM_H
#define IO_STREAM_H

#include "base/buf.h"
#include "io/address.h"
#include "io/tls.h"

struct io_stream;
struct io_listener;

/* What a stream tells its owner. All may be NULL but `read` and `closed`. */
struct io_stream_ops {
    /* An outgoing stream is open and reads from now on. */
    void (*connected)(void *context, struct io_stream *stream);
    /* Memory for the next read: returns it with its size (at least 1) in *ret_len; it must stay until `read`
     * or `closed`, or until the stream is closed or paused. NULL pauses reading. */
    uint8_t *(*room)(void *context, struct io_stream *stream, size_t *ret_len);
    /* Bytes came (one or more). They are valid during the call, or lie at the beginning of what `room` gave. */
    void (*read)(void *context, struct io_stream *stream, struct bytes data);
    /* Everything queued has gone to the system. */
    void (*drained)(void *context, struct io_stream *stream);
    /* The other side sends nothing more, but may still read (shutdown of one direction, or close_notify of TLS). True: the stream stays, for
     * what is still to be written, until its owner ends it, who hears only of what is `drained`, or that it cannot be written. False, and NULL: it
     * ends by `closed`. */
    bool (*ended)(void *context, struct io_stream *stream);
    /* The stream has ended by itself: status 0 when the other side closed it, else ERR_IO (or ERR_NOTFOUND: no
     * such name; ERR_NOMEM) with a message such as "connection refused". The stream is freed after the call;
     * the callback must not close it. Also the answer to a connection that did not come about. */
    void (*closed)(void *context, struct io_stream *stream, int status, const char *message);
};

/* A stream of the listener. The callee takes it with io_stream_accept; otherwise it is closed when the call
 * returns. */
typedef void io_accept_fn(void *context, struct io_stream *stream);

/* `host` is an IP, or "" for all addresses; port 0 takes a free one. ERR_IO (in use, no permission: with the
 * address in `detail`), ERR_INPUT (no IP), ERR_NOMEM. */
int io_listen_tcp(struct io_listener **ret_listener, struct io_loop *loop, const char *host,
                  uint16_t port, io_accept_fn *fn, void *context,
                  struct err_detail *detail) BASE_NODISCARD;
/* The same with TLS: streams carry what is inside, and need no other care. A connection whose handshake fails ends by
 * `closed`; one that never comes to its end is its owner's to time out. `tls` is a server's, kept by a reference. */
int io_listen_tls(struct io_listener **ret_listener, struct io_loop *loop, const char *host,
                  uint16_t port, struct io_tls *tls, io_accept_fn *fn, void *context,
                  struct err_detail *detail) BASE_NODISCARD;
/* Makes the socket file, for its owner only (mode 0600). A socket there that nobody listens on is replaced;
 * ERR_BUSY when someone does, ERR_EXISTS when the path is no socket, ERR_INPUT when it is too long for one
 * (107 bytes), ERR_IO, ERR_NOMEM. Closing removes the file. */
int io_listen_unix(struct io_listener **ret_listener, struct io_loop *loop, const char *path,
                   io_accept_fn *fn, void *context, struct err_detail *detail) BASE_NODISCARD;
/* Where it listens, with the port it took. */
const struct io_address *io_listener_address(const struct io_listener *listener);
/* NULL is fine. Streams that were accepted live on. */
void io_listener_close(struct io_listener *listener);

/* Inside an io_accept_fn: takes the stream, which reads from then on. `ops` stays with the stream by pointer. */
void io_stream_accept(struct io_stream *stream, const struct io_stream_ops *ops, void *context);
/* Another owner from now on, who hears what the one before would have heard. Also inside a callback. */
void io_stream_hand_over(struct io_stream *stream, const struct io_stream_ops *ops, void *context);

/* Connects; answers by `connected` or `closed`, never before this returns. `host` is a name or an IP.
 * `timeout_ms` covers name and connection, 0 = none. ERR_NOMEM, ERR_INPUT, ERR_IO. */
int io_connect_tcp(struct io_stream **ret_stream, struct io_loop *loop, const char *host,
                   uint16_t port, uint64_t timeout_ms, const struct io_stream_ops *ops,
                   void *context) BASE_NODISCARD;
/* The same with TLS, as the client: `host` must be in the other side's certificate. `connected` comes before the handshake,
 * which goes on by itself, and for as long as it likes: what is written waits for it. One that fails ends by `closed`, with the
 * reason. `tls` is kept by a reference. ERR_CRYPTO, too. */
int io_connect_tls(struct io_stream **ret_stream, struct io_loop *loop, const char *host,
                   uint16_t port, struct io_tls *tls, uint64_t timeout_ms,
                   const struct io_stream_ops *ops, void *context) BASE_NODISCARD;
int io_connect_unix(struct io_stream **ret_stream, struct io_loop *loop, const char *path,
                    const struct io_stream_ops *ops, void *context) BASE_NODISCARD;

/*
 * Queues a copy. ERR_NOMEM; the stream is then broken and ends by `closed` in the next turn, so that callers
 * may ignore the result. A stream that is connecting queues; one that has ended drops what is written.
 */
int io_stream_write(struct io_stream *stream, struct bytes data);
/* Queues the content and leaves `data` empty; large ones are not copied. */
int io_stream_write_buf(struct io_stream *stream, struct buf *data);
/* Room for `len` bytes at the end of the queue, to be filled before the callback under way returns and before
 * the next write. NULL as ERR_NOMEM above. */
uint8_t *io_stream_write_room(struct io_stream *stream, size_t len);
/* Gives back the last `unused` bytes of that room, likewise before anything else is written. */
void io_stream_write_trim(struct io_stream *stream, size_t unused);
/* Bytes written that the system has not taken yet: the figure for back-pressure. */
size_t io_stream_queued(const struct io_stream *stream);

/* Bytes of all streams of the process that wait for the other sides to read. From any thread. */
size_t io_streams_waiting(void);
/* From now on what waits for the other side to read is waited for no longer than this; then the stream ends by `closed`. 0: for ever. */
void io_stream_limit(struct io_stream *stream, uint64_t write_ms);

/* No `read` until resumed: the system's own flow control then holds the other side back. */
void io_stream_pause(struct io_stream *stream);
void io_stream_resume(struct io_stream *stream);

/* What the streams of a loop have queued goes to the system at once, as far as it takes it, not at the end of the turn: for last words. Not inside a
 * callback of a stream. */
void io_streams_flush(struct io_loop *loop);

/* Of the other side and of this one; unknown (ip_len 0) before `connected` and for unix sockets. */
const struct io_address *io_stream_peer(const struct io_stream *stream);
const struct io_address *io_stream_local(const struct io_stream *stream);

/* At once; what is queued is dropped. NULL is fine. */
void io_stream_close(struct io_stream *stream);
/* Sends what is queued first, for at most `timeout_ms`, and less when a thousand others of the loop wait likewise. As with close, the owner hears
 * nothing more. */
void io_stream_finish(struct io_stream *stream, uint64_t timeout_ms);

#endif
