/* The recorded bytes between the raft ports of a live GoQuorum cluster, as messages, for tests. */
#ifndef CONSENSUS_TEST_RAFT_WIRE_H
#define CONSENSUS_TEST_RAFT_WIRE_H

#include "consensus/raft/stream.h"

enum { RAFT_WIRE_MESSAGES_MAX = 4096 };

struct raft_wire_message {
    double t;
    bool posted; /* by POST, not by a stream */
    struct raft_message message;
};

/* Counts of what was read: each frame and posted message was also encoded again and compared. */
struct raft_wire {
    struct arena arena;
    struct raft_wire_message *messages; /* by time of their last byte */
    size_t count;
    size_t frames, heartbeats, posts, short_appends, requests;
};

/* Skips the test unless the recording is there; fails it at the first byte that differs. */
void raft_wire_read(struct raft_wire *wire, const char *network);
void raft_wire_release(struct raft_wire *wire);

#endif
