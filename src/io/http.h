/*
 * An HTTP/1.1 server over the loop's streams (RFC 9110, RFC 9112): requests with their bodies come to one
 * function, answers may be given at once or later. http_head.h reads heads and chunks and stands alone.
 *
 * Connections are kept open; one request of a connection is with its owner at a time, the next is read from the
 * connection only after the answer, so that a client which asks without listening holds back itself.
 */
#ifndef IO_HTTP_H
#define IO_HTTP_H

#include "io/http_head.h"
#include "io/stream.h"

struct io_http_server;
struct io_http_connection;

/* A request, valid until it is answered. Spans lie in its own memory. */
struct io_http_request {
    struct io_http_head head;
    struct bytes body;  /* none in a call of `head` */
    struct bytes path;  /* of the target, without what begins with '?'; not decoded */
    struct bytes query; /* behind '?' */
    bool has_query;
    struct io_address peer; /* unknown (ip_len 0) when it came by a unix socket */
    void *owner, *task;     /* the handler's own; NULL at first */

    struct io_http_connection *connection; /* http.c's; NULL once the client has gone */
    struct buf memory;                     /* http.c's */
    bool answered;                         /* http.c's */
    bool wants_head;  /* http.c's: the method is HEAD; `head` may move with the memory */
    size_t body_from; /* http.c's */
    size_t held;      /* http.c's: bytes that the memory adds to io_held */
};

struct io_http_options {
    void *context;
    /* Called when the head of a request is complete, before its body is read; may answer it (a wrong method, a
     * body too large). NULL: every head is fine. `request->head.body_length` tells what is to come. */
    void (*head)(void *context, struct io_http_request *request);
    /* Called with each whole request. It must be answered, now or later. */
    void (*request)(void *context, struct io_http_request *request);
    /* The client has gone before its request was answered (or has said long ago that it sends nothing more), which is still to be done, though
     * nobody reads it. NULL: nothing is to be known of it. */
    void (*gone)(void *context, struct io_http_request *request);
    size_t body_max;        /* bytes of a body; above it the answer is 413 */
    size_t connections_max; /* further ones are closed at once */
    /* Bytes of what came and is not answered, of all servers of the process (held.h); above it the answer to who has his share and sends on is 503. 0:
     * no bound. */
    size_t held_max;
    /* Milliseconds: for a request from its first byte to its last; for an answer to be taken by the client; and
     * without any request. Then the connection is closed. */
    uint64_t read_ms, write_ms, idle_ms;
    /* For an answer to a client that has said that it sends nothing more, but may still read, as "nc -N" does. Whoever closes a connection looks the
     * same. 0: such a one has gone. */
    uint64_t half_ms;
};

/* `options` is copied. ERR_NOMEM. */
int io_http_new(struct io_http_server **ret_server, struct io_loop *loop,
                const struct io_http_options *options) BASE_NODISCARD;
/* Serves on a TCP address too, with TLS or without, or on a unix socket; failures as io_listen_tcp and
 * io_listen_unix. Any number of times. */
int io_http_listen_tcp(struct io_http_server *server, const char *host, uint16_t port,
                       struct err_detail *detail) BASE_NODISCARD;
int io_http_listen_tls(struct io_http_server *server, const char *host, uint16_t port,
                       struct io_tls *tls, struct err_detail *detail) BASE_NODISCARD;
int io_http_listen_unix(struct io_http_server *server, const char *path,
                        struct err_detail *detail) BASE_NODISCARD;
/* Of the listener that was added last. */
const struct io_address *io_http_address(const struct io_http_server *server);
size_t io_http_connections(const struct io_http_server *server);
/* Closes all connections. Requests that are not answered stay valid until they are; their answers are dropped.
 * NULL is fine. */
void io_http_free(struct io_http_server *server);

/*
 * Answers a request and frees it. Date, Content-Length and Connection are added. The content of `body` is taken
 * (it is left empty); NULL is an empty one. On the loop's thread, inside the handler or at any time after it.
 */
void io_http_answer(struct io_http_request *request, unsigned status,
                    const struct io_http_field *fields, size_t count, struct buf *body);
/* An answer of plain text: "<text>\n", as Go's http.Error writes it (text/plain; charset=utf-8, nosniff). */
void io_http_answer_text(struct io_http_request *request, unsigned status, const char *text);

/* Inside `request` alone: the body as the owner's, whose status tells a failure; the request has it no longer. A large one is not copied. */
void io_http_take_body(struct io_http_request *request, struct buf *ret_body);

/*
 * Answers a request with 101 and the fields, and gives the connection away: the stream, to be handed over to its new
 * owner (io_stream_hand_over) or closed, and in *ret_rest what came behind the request. Inside `request` alone. The
 * request is freed.
 */
struct io_stream *io_http_upgrade(struct io_http_request *request,
                                  const struct io_http_field *fields, size_t count,
                                  struct buf *ret_rest);

/*
 * Several threads: each has a server of its own, made and freed there, and one of them (`server`) the listeners and whatever only its thread can
 * serve. From now on its listeners' connections go to the others, each to the one that has fewest; its connections_max is for all together. The others
 * are freed first. ERR_NOMEM: all is as it was.
 */
int io_http_share(struct io_http_server *server, struct io_http_server *const *others,
                  size_t count) BASE_NODISCARD;
/* Inside `head` alone: the connection goes to `server`, of another thread, which reads the request anew, and this one is freed. False: it cannot be
 * moved now. */
bool io_http_move(struct io_http_request *request, struct io_http_server *server) BASE_NODISCARD;

/* "Not Found"; "" for a status without a name here. */
const char *io_http_reason(unsigned status);

#endif
