/* A stream, for stream.c (its life) and listener.c (where it comes from). */
#ifndef IO_STREAM_INTERNAL_H
#define IO_STREAM_INTERNAL_H

#include "io/internal.h"
#include "io/stream.h"
#include "io/tls_internal.h"

struct io_stream {
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } uv;
    struct io_loop *loop;
    const struct io_stream_ops *ops; /* NULL: nobody owns it */
    void *context;
    struct io_address peer, local;

    struct buf out;     /* not given to libuv yet */
    struct buf tail;    /* what follows it, taken over as a whole; empty while `out` is */
    struct buf sending; /* with libuv, from `sent` on, while `writing` */
    size_t sent;
    size_t waiting; /* bytes that it adds to io_streams_waiting */
    uv_write_t write;

    struct io_tls_session *tls; /* NULL: the wire carries what the owner writes and reads */
    struct buf wire; /* with TLS: `out` as it goes over the wire, not given to libuv yet */
    bool last_word;  /* TLS has said that nothing more comes */

    uv_shutdown_t shutdown;

    uv_connect_t connect;
    struct io_resolve *resolve;
    struct io_timer timer; /* of connecting, then of writing, then of finishing */
    uint64_t write_ms;     /* 0: writing takes as long as it takes */
    const char *fault;     /* why connecting failed, told when the timer fires */
    uint16_t port;

    bool open;    /* connected or accepted */
    bool writing; /* `write` is under way */
    bool paused;
    bool ended;      /* the other side sends nothing more */
    bool broken;     /* out of memory: ends at the next flush */
    bool finishing;  /* no owner; closes when all is sent and the other side has closed too */
    bool shut;       /* `shutdown` is under way or done */
    bool allocating; /* inside `room`: nothing of libuv may be called */
    bool dead;       /* being closed */

    /* In the loop's lists `dirty` and `finishing`; `…_back` points at what points here, NULL when not in it. */
    struct io_stream *dirty_next, **dirty_back;
    struct io_stream *finishing_next, **finishing_back;
};

/* A stream on the loop that is not open yet. NULL when out of memory. */
struct io_stream *io_stream_make(struct io_loop *loop, bool is_pipe);
/* What goes over the wire is TLS, as its server. ERR_NOMEM. */
int io_stream_use_tls(struct io_stream *stream, struct io_tls *tls) BASE_NODISCARD;
/* Takes the addresses, marks it open; reading begins when it has an owner. */
void io_stream_opened(struct io_stream *stream, bool is_pipe);
/* It has something to send, or its TLS session something to read: it is looked at before the loop waits. */
void io_stream_wake(struct io_stream *stream);

#endif
