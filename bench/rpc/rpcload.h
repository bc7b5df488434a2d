/*
 * A load of JSON-RPC: connections to one node, each with one request under way, all asking the same. One thread, over
 * the loop of `io`, so that the client costs little beside what it measures.
 */
#ifndef BENCH_RPC_RPCLOAD_H
#define BENCH_RPC_RPCLOAD_H

#include "io/http_head.h"
#include "io/loop.h"
#include "io/stream.h"
#include "io/websocket_frame.h"

enum {
    RPCLOAD_ANSWER_MAX =
        256 << 20, /* bytes of an answer; the greatest that is asked for has a few MB */
    RPCLOAD_CONNECTIONS_MAX = 10000,
};

enum rpcload_transport { RPCLOAD_HTTP, RPCLOAD_WS, RPCLOAD_IPC };

/* --- answer.c: where an answer ends --- */

struct answer {
    enum rpcload_transport transport;
    struct buf in;   /* of the head, while it is not whole */
    struct buf body; /* of the answer, when it is whole, if it is kept */
    uint64_t length; /* of the body so far */
    uint64_t left;   /* of it, still to come; of an HTTP body that tells its length */
    bool keep;       /* set by the owner before each answer: false saves copying it */
    bool in_body, is_chunked, is_whole;
    struct io_http_chunks chunks;
    struct io_websocket_reader frames;
};

void answer_init(struct answer *a, enum rpcload_transport transport);
void answer_release(struct answer *a);
/* Takes bytes. 1: the answer is whole (until the next call); 0: more is to come; ERR_INPUT (no answer of this transport, or a
 * status other than 200), ERR_NOMEM. */
int answer_feed(struct answer *a, struct bytes data) BASE_NODISCARD;
/* Takes the answer to a WebSocket's opening: 1 when it is there and says yes, else as above. */
int answer_feed_opening(struct answer *a, struct bytes data) BASE_NODISCARD;

/* --- connection.c --- */

struct load;

struct connection {
    struct load *load;
    struct io_stream *stream; /* NULL: closed */
    struct answer answer;
    uint64_t sent_ns;
    bool opening; /* of a WebSocket */
};

struct load {
    struct io_loop *loop;
    enum rpcload_transport transport;
    const char *place; /* host, or the path of a socket */
    uint16_t port;
    struct buf request; /* as it goes on the wire */
    struct connection *connections;
    size_t count, open;
    bool measuring, ended;
    struct buf latencies; /* uint32_t each: microseconds, of the time that is measured */
    uint64_t bytes;       /* of the bodies of these */
    char failure[256];    /* "" */
};

/* The request of a body, for the transport. ERR_NOMEM. */
int load_make_request(struct load *load, const char *body) BASE_NODISCARD;
/* Opens it; asks from then on. */
int connection_open(struct connection *c, struct load *load) BASE_NODISCARD;
void connection_close(struct connection *c);

/* The run ends with this message, the first one. */
void load_fail(struct load *load, const char *message);

#endif
