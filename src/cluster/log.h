/*
 * A Raft member's durable log, one file of its own that only grows, and is written anew when most of it is old:
 *
 *     8 bytes    "QRAFTLG1"
 *     record*    length of the payload (4 bytes little endian), CRC-32 of type and payload (4), type (1), payload
 *
 *     type 1     hard state: term, vote, commit (8 bytes little endian each)
 *     type 2     an entry (protobuf); replaces what stands from its index on
 *     type 3     a snapshot that this member made (protobuf): entries up to its index are old
 *     type 4     a snapshot that was received: all entries are old
 *     type 5     the id of the member that the file belongs to (8 bytes); the first record
 *
 * What has been written is durable when cluster_log_write returns, at whatever instruction the process ends afterwards; a record
 * that was not finished is cut off at the next start. A damaged record with sound ones behind it is no such end, and refused.
 */
#ifndef CLUSTER_LOG_H
#define CLUSTER_LOG_H

#include "consensus/raft/machine.h"

struct cluster_log;

enum {
    /* A file of less is never written anew. */
    CLUSTER_LOG_SMALL = 4 * 1024 * 1024,
};

/* What was read at the start. */
struct cluster_log_content {
    bool fresh; /* the file was made now */
    struct raft_hard_state hard;
    const struct raft_snapshot *snapshot; /* NULL: none */
    const struct raft_entry *entries;     /* behind the snapshot, without a gap */
    size_t entry_count;
    uint64_t cut; /* bytes of an unfinished record that were cut off */
};

/* Opens or makes it, for the member `id`, and locks it. ERR_BUSY: another process has it; ERR_EXISTS: it belongs to another
 * member; ERR_CORRUPT, ERR_IO, ERR_NOSPACE, ERR_NOMEM; the message names the file and a remedy. */
int cluster_log_open(struct cluster_log **ret_log, const char *path, uint64_t id,
                     struct err_detail *detail) BASE_NODISCARD;
/* NULL is nothing. */
void cluster_log_close(struct cluster_log *log);

/* Valid until cluster_log_forget, which gives its memory back. */
const struct cluster_log_content *cluster_log_content(const struct cluster_log *log);
void cluster_log_forget(struct cluster_log *log);

/* Any thread, one call at a time. A batch: hard state, snapshot, entries, in one durable write. After a failure nothing of it
 * counts, and it may be tried again. ERR_NOSPACE, ERR_IO, ERR_NOMEM. */
int cluster_log_write(struct cluster_log *log, const struct raft_ready *ready,
                      struct err_detail *detail) BASE_NODISCARD;
/* A snapshot that this member made; the file may be written anew. */
int cluster_log_snapshot(struct cluster_log *log, const struct raft_snapshot *snapshot,
                         struct err_detail *detail) BASE_NODISCARD;
/* Bytes of the file. */
uint64_t cluster_log_size(const struct cluster_log *log);

#endif
