/* What the files of the transport share: transport.c (life, members, sending), server.c (who dials this member), dial.c (what
 * this member dials). */
#ifndef CLUSTER_TRANSPORT_PRIV_H
#define CLUSTER_TRANSPORT_PRIV_H

#include "cluster/transport.h"
#include "consensus/raft/stream.h"
#include "io/http_head.h"
#include "io/stream.h"
#include "io/timer.h"

enum { CLUSTER_STREAMS = 2, CLUSTER_URL_MAX = 300 };

struct cluster_peer;

/* A connection that came: requests, until it has become the writing end of a stream. */
struct cluster_connection {
    struct cluster_transport *transport;
    struct io_stream *stream;
    struct cluster_connection *next, **back;
    struct buf in;
    struct cluster_peer *peer; /* whose stream it is; NULL: none */
    struct raft_stream codec;
};

/* A stream that this member dials and reads. */
struct cluster_reader {
    struct cluster_peer *peer;
    enum raft_stream_kind kind;
    struct io_stream *stream;
    bool in_body;
    struct buf in, body;
    size_t wanted;
    struct io_http_chunks chunks;
    struct raft_stream codec;
    uint64_t last, dial_at; /* by io_loop_now */
};

struct cluster_post {
    struct buf request;
    bool snapshot;
};

struct cluster_pipe {
    struct cluster_peer *peer;
    struct io_stream *stream;
    bool connected;
    struct cluster_post queue[CLUSTER_QUEUE_POSTS]; /* [0] is under way */
    size_t count;
    struct buf in;
    uint64_t since;
};

struct cluster_peer {
    struct cluster_transport *transport;
    struct cluster_peer *next;
    uint64_t id;
    char host[256];
    uint16_t port;
    bool member; /* false: known only to answer it */
    bool gone;   /* it says that this member was removed */
    bool pre_vote;
    struct cluster_reader readers[CLUSTER_STREAMS];
    struct cluster_connection *writers[CLUSTER_STREAMS];
    struct cluster_pipe pipe;
    uint64_t heartbeat_at;
};

struct cluster_transport {
    struct cluster_transport_options options;
    struct io_listener *listener;
    struct io_timer timer, soon;
    char url[CLUSTER_URL_MAX];
    struct cluster_peer *peers;
    struct cluster_connection *connections;
    size_t connection_count;
    /* Told in the next turn, so that callbacks never come inside a call. */
    struct {
        uint64_t id;
        enum { CLUSTER_TELL_LOST, CLUSTER_TELL_ARRIVED, CLUSTER_TELL_NOT_ARRIVED } what;
    } tell[256];
    size_t tell_count;
    struct arena arena;
};

struct cluster_peer *cluster_peer_find(const struct cluster_transport *t, uint64_t id);
/* One that is answered at the URL that it told. */
void cluster_peer_learn(struct cluster_transport *t, uint64_t id, const char *url);
void cluster_tell(struct cluster_transport *t, uint64_t id, int what);
void cluster_report(struct cluster_transport *t, bool warn, const char *format, ...)
    BASE_PRINTF(3, 4);

/* Header lines that every request carries. */
void cluster_write_headers(struct buf *b, const struct cluster_transport *t);

/* dial.c */
void cluster_readers_init(struct cluster_peer *peer);
void cluster_reader_tick(struct cluster_reader *reader, uint64_t now);
void cluster_reader_close(struct cluster_reader *reader);
void cluster_pipe_post(struct cluster_pipe *pipe, const struct raft_message *message);
void cluster_pipe_tick(struct cluster_pipe *pipe, uint64_t now);
void cluster_pipe_close(struct cluster_pipe *pipe);

/* server.c */
void cluster_accept(void *context, struct io_stream *stream);
void cluster_connection_free(struct cluster_connection *c);
void cluster_writer_send(struct cluster_connection *writer, const struct raft_message *message);

#endif
