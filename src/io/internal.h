/* What the files of `io` share. Not for other libraries. */
#ifndef IO_INTERNAL_H
#define IO_INTERNAL_H

#include "io/address.h"
#include "io/timer.h"

#include <pthread.h>
#include <sys/un.h>
#include <uv.h>

enum { IO_READ_BUFFER = 64 << 10 }; /* one read of a stream, at most */

/* Why one cannot listen somewhere, by libuv's number, in Go's words, which scripts look for. */
const char *io_bind_text(int status);

/* A function on its way to the loop. */
struct io_post {
    struct io_post *next;
    io_fn *fn;
    void *context;
    bool owned; /* freed after the call */
};

struct io_loop {
    uv_loop_t uv;
    uv_async_t wake;
    uv_prepare_t prepare; /* the last thing before the loop waits: flushes, arms the timer */
    uv_timer_t timer;

    struct io_timer *timers; /* a pairing heap, the next due on top */
    uint64_t timer_order;

    pthread_mutex_t lock; /* of the posts alone */
    struct io_post *posts, **posts_end;
    struct io_post *batch; /* those of this turn that are still to run */

    struct io_stream *dirty; /* streams with something to flush */
    size_t taken;            /* bytes that streams took over since they were flushed */
    struct io_stream *finishing,
        **finishing_end; /* streams that nobody owns any more, the oldest first */
    size_t finishing_count;
    uint8_t *read_buffer;
};

/* From any thread; `node` stays until its fn is called or it is taken back. */
void io_loop_post_node(struct io_loop *loop, struct io_post *node);
void io_loop_unpost(struct io_loop *loop, struct io_post *node);

/* timer.c: runs those that are due; the time until the next one, false when there is none. */
void io_timers_run(struct io_loop *loop);
bool io_timers_next(const struct io_loop *loop, uint64_t *ret_wait);

/* stream.c */
/* io_streams_flush when much has been written in this turn. Under no callback of a stream's owner. */
void io_streams_flush_early(struct io_loop *loop);
void io_streams_drop(struct io_loop *loop);

/* address.c. `v6`: as an IPv6 socket wants it, IPv4 in mapped form. */
void io_address_from(struct io_address *ret_address, const struct sockaddr *from);
void io_address_to(const struct io_address *address, bool v6, struct sockaddr_storage *ret_to);

#endif
