/*
 * The consensus machine's record on disk: the newest bytes that it wanted durable, nothing else.
 *
 * Two files take turns; each begins with a sequence number and a checksum, so that a write that a crash cut off
 * leaves the one before. They keep their size, so that a record can be written when the disk is full.
 */
#ifndef NODE_VALIDATOR_RECORD_H
#define NODE_VALIDATOR_RECORD_H

#include "base/buf.h"

enum {
    /* A record holds a prepared block at most twice, and signatures: two messages' worth. */
    NODE_RECORD_MAX = 24 << 20,
    /* What each file has from the start: a record without a large block. */
    NODE_RECORD_ROOM = 1 << 20,
};

struct node_record {
    int files[2];
    int next; /* which is written next */
    uint64_t sequence;
    char path[4096]; /* of the first, for messages */
};

/* Opens or makes `<prefix>.0` and `.1`, and appends the newest record to ret_last (nothing on the first start).
 * ERR_IO, ERR_NOSPACE, ERR_CORRUPT: both are damaged or one is lost, so that it is not known what this validator has signed; the
 * message says what to do. */
int node_record_open(struct node_record *ret_record, const char *prefix, struct buf *ret_last,
                     struct err_detail *detail) BASE_NODISCARD;
void node_record_close(struct node_record *record);

/* Writes and syncs. Any thread, one at a time. After a failure the record before is still there, and the call may be
 * repeated. ERR_LIMIT, ERR_IO, ERR_NOSPACE. */
int node_record_write(struct node_record *record, struct bytes content,
                      struct err_detail *detail) BASE_NODISCARD;

#endif
