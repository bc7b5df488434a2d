/*
 * The frames of rafthttp's two streams, which flow in the body of an HTTP answer (etcd 3.3, integers of 8 bytes big endian):
 *
 *     msgapp    00                                         link heartbeat
 *               01 count (len Entry)* commit               append that goes on from the one before on this stream
 *               02 len Message                             append in full
 *     message   len Message                                heartbeat: a Message of type 8 from and to 0
 *
 * The short append leaves out what follows from the last full frame: its term is also logTerm, index is the last entry's.
 * Pure: bytes in, messages out. One of these holds one direction of one stream.
 */
#ifndef CONSENSUS_RAFT_STREAM_H
#define CONSENSUS_RAFT_STREAM_H

#include "consensus/raft/message.h"

enum raft_stream_kind {
    RAFT_STREAM_MSGAPP,
    RAFT_STREAM_MESSAGE,
};

struct raft_stream {
    enum raft_stream_kind kind;
    uint64_t local, remote; /* the receiver and the sender: a short append names neither */
    uint64_t term, index;   /* of the last append */
};

/* Appends the frame of a message. Failures: buf_status(b). */
void raft_stream_write(struct raft_stream *stream, struct buf *b,
                       const struct raft_message *message);
/* A link heartbeat, which is sent when nothing else is. */
void raft_stream_write_heartbeat(struct raft_stream *stream, struct buf *b);

/*
 * The frame that `input` begins with. *ret_used is its length, 0: it is not complete (*ret_message is then nothing), and
 * *ret_wanted, a least number of bytes worth to come back with. *ret_heartbeat: a link heartbeat, no message. Spans borrow
 * `input`, arrays lie in `arena`. ERR_INPUT, ERR_LIMIT, ERR_NOMEM: the stream is to be closed.
 */
int raft_stream_read(struct raft_stream *stream, struct raft_message *ret_message,
                     bool *ret_heartbeat, size_t *ret_used, size_t *ret_wanted, struct arena *arena,
                     struct bytes input, struct err_detail *detail) BASE_NODISCARD;

#endif
