/* An HTTP server's connections, for http.c (what comes), http_answer.c (what goes) and http_share.c (several threads). */
#ifndef IO_HTTP_INTERNAL_H
#define IO_HTTP_INTERNAL_H

#include "base/list.h"
#include "io/held.h"
#include "io/http.h"
#include "io/mailbox.h"
#include "io/timer.h"

#include <stdatomic.h>

enum {
    IO_HTTP_LISTENERS_MAX = 4,
    /* Bytes of a body that nobody wants, read over so that the client gets to see the answer. */
    IO_HTTP_SKIP_MAX = 16 * 1024 * 1024,
};

enum io_http_state {
    IO_HTTP_HEAD,     /* reading a head */
    IO_HTTP_BODY,     /* reading a body */
    IO_HTTP_HANDLING, /* the request is with its owner */
    IO_HTTP_SKIPPING, /* reading over what is left of an answered request's body */
    IO_HTTP_WAITING,  /* for the client to take answers */
    IO_HTTP_GIVEN,    /* the stream has another owner; to be freed */
};

struct io_http_connection {
    struct io_http_server *server;
    struct io_stream *stream;
    struct list_item item;
    struct io_http_request *request; /* in BODY and HANDLING */
    struct buf in;                   /* bytes that no request has taken yet, from `taken` on */
    size_t taken;                    /* less than all of `in`, or 0 */
    size_t scanned;                  /* of what is not taken, without the end of a head */
    size_t held;                     /* bytes that `in` adds to io_held */
    uint64_t left;                   /* of a body that is read or skipped */
    uint64_t deadline;               /* by io_loop_now; 0 = none */
    struct io_http_chunks chunks;
    enum io_http_state state;
    bool running;     /* in run(), which goes on by itself */
    bool close_after; /* the answer under way is the last one */
    bool old;         /* HTTP/1.0, where staying open must be said */
    bool ended;       /* the client sends nothing more */
    bool paused;
};

struct io_http_server {
    struct io_loop *loop;
    struct io_http_options options;
    struct io_listener *listeners[IO_HTTP_LISTENERS_MAX];
    size_t listener_count;
    struct list_item *connections;
    atomic_size_t
        count; /* of connections, those included that are on their way from another thread */
    struct io_mailbox *inbox; /* where they come; NULL: none can */
    struct io_http_server *
        *others; /* who has the listeners' connections; NULL: the server itself */
    size_t other_count;
    size_t turn; /* who of those that have as few as others is next */
    bool ended;
    struct io_timer sweep;
    uint64_t sweep_ms; /* at least, between two sweeps */
    uint64_t sweep_at; /* while it is started: by io_loop_now */
    uint64_t date_second;
    char date[40];
    struct buf head;               /* of the answer that is being written */
    struct io_http_request *spare; /* one that is over, with its memory, for the next; NULL: none */
};

/* http.c: `in` has only what no request has taken. */
void io_http_forget_taken(struct io_http_connection *c);
/* Goes as far as the bytes that are there allow. */
void io_http_run(struct io_http_connection *c);
void io_http_set_deadline(struct io_http_connection *c, uint64_t ms);
void io_http_request_free(struct io_http_request *request);
/* A stream that has been counted already; NULL, without memory: it is closed and counted no more. */
struct io_http_connection *io_http_connect(struct io_http_server *server, struct io_stream *stream);
/* As if the bytes had just been read. */
void io_http_feed(struct io_http_connection *c, struct bytes data);

/* http_share.c: gives a stream of the listeners to whoever has fewest; false: the server has it for itself. */
bool io_http_pass(struct io_http_server *server, struct io_stream *stream);
/* How many there are with all who share. */
size_t io_http_total(const struct io_http_server *server);

#endif
