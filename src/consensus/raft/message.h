/*
 * What members of a Raft cluster say to each other, and keep: etcd's raftpb in protobuf (proto2), as etcd 3.3 writes it, so
 * that GoQuorum and this program read each other.
 *
 *     Message     1 type  2 to  3 from  4 term  5 logTerm  6 index  7 entries*  8 commit  9 snapshot  10 reject  11 rejectHint
 *                 12 context
 *     Entry       1 type  2 term  3 index  4 data
 *     Snapshot    1 data  2 metadata { 1 confState { 1 nodes*  2 learners* }  2 index  3 term }
 *     HardState   1 term  2 vote  3 commit
 *     ConfChange  1 id  2 type  3 node  4 context
 *
 * Scalars are written even when zero, the snapshot in every message; bytes (Entry 4, Message 12, Snapshot 1, ConfChange 4)
 * only when they are there, which is told by a pointer that is not NULL. Read this file first, then machine.h.
 */
#ifndef CONSENSUS_RAFT_MESSAGE_H
#define CONSENSUS_RAFT_MESSAGE_H

#include "base/arena.h"
#include "base/buf.h"

enum raft_message_type {
    RAFT_HUP, /* local, as are BEAT, UNREACHABLE, SNAP_STATUS and CHECK_QUORUM: never taken from another member */
    RAFT_BEAT,
    RAFT_PROP,
    RAFT_APP,
    RAFT_APP_RESP,
    RAFT_VOTE,
    RAFT_VOTE_RESP,
    RAFT_SNAP,
    RAFT_HEARTBEAT,
    RAFT_HEARTBEAT_RESP,
    RAFT_UNREACHABLE,
    RAFT_SNAP_STATUS,
    RAFT_CHECK_QUORUM,
    RAFT_TRANSFER_LEADER,
    RAFT_TIMEOUT_NOW,
    RAFT_READ_INDEX,
    RAFT_READ_INDEX_RESP,
    RAFT_PRE_VOTE,
    RAFT_PRE_VOTE_RESP,
    RAFT_MESSAGE_TYPES,
};

enum raft_entry_type {
    RAFT_ENTRY_NORMAL,
    RAFT_ENTRY_CONF_CHANGE,
};

enum raft_conf_change_type {
    RAFT_ADD_NODE,
    RAFT_REMOVE_NODE,
    RAFT_UPDATE_NODE, /* never proposed; means nothing here */
    RAFT_ADD_LEARNER,
};

enum {
    /* Members and learners together. GoQuorum has no limit; its largest published networks have some dozens, and a
     * leader keeps 2 KiB for each. */
    RAFT_MEMBERS_MAX = 128,
    /* A message holds one entry at least, and an entry a block: twenty times GoQuorum's default block of plain transfers
     * (800 M gas, 4 MB). The reference allows 512 MiB. */
    RAFT_MESSAGE_MAX = 96 * 1024 * 1024,
    /* Entries of one message: an empty one takes 8 bytes, and GoQuorum sends 4,096 bytes of them at a time. */
    RAFT_ENTRIES_MAX = 4096,
};

struct raft_blob;

struct raft_entry {
    uint64_t type; /* enum raft_entry_type, or a number that means nothing */
    uint64_t term, index;
    struct bytes data;      /* data NULL: none */
    struct raft_blob *blob; /* where `data` lies, when the machine holds it; NULL: borrowed */
};

struct raft_conf_state {
    uint64_t *nodes, *learners;
    size_t node_count, learner_count;
};

struct raft_snapshot {
    struct bytes data;
    struct raft_conf_state conf;
    uint64_t index, term; /* index 0: no snapshot */
};

struct raft_hard_state {
    uint64_t term, vote, commit;
};

struct raft_conf_change {
    uint64_t id, type, node;
    struct bytes context;
};

struct raft_message {
    uint64_t type; /* enum raft_message_type, or a number that means nothing */
    uint64_t to, from, term, log_term, index;
    struct raft_entry *entries;
    size_t entry_count;
    uint64_t commit;
    struct raft_snapshot snapshot;
    bool reject;
    uint64_t reject_hint;
    struct bytes context;
};

/*
 * Decoding: spans borrow `input`, arrays lie in `arena`. Fields that are not known are passed over, as protobuf wants it.
 * ERR_INPUT with a message that names field and offset, ERR_LIMIT, ERR_NOMEM.
 */
int raft_message_decode(struct raft_message *ret_message, struct arena *arena, struct bytes input,
                        struct err_detail *detail) BASE_NODISCARD;
int raft_entry_decode(struct raft_entry *ret_entry, struct bytes input,
                      struct err_detail *detail) BASE_NODISCARD;
int raft_snapshot_decode(struct raft_snapshot *ret_snapshot, struct arena *arena,
                         struct bytes input, struct err_detail *detail) BASE_NODISCARD;
int raft_conf_change_decode(struct raft_conf_change *ret_change, struct bytes input,
                            struct err_detail *detail) BASE_NODISCARD;

/* Encoding, as etcd's MarshalTo. Failures: buf_status(b). */
void raft_message_write(struct buf *b, const struct raft_message *message);
void raft_entry_write(struct buf *b, const struct raft_entry *entry);
void raft_snapshot_write(struct buf *b, const struct raft_snapshot *snapshot);
void raft_conf_change_write(struct buf *b, const struct raft_conf_change *change);

/* Bytes of the encodings. */
size_t raft_message_size(const struct raft_message *message);
size_t raft_entry_size(const struct raft_entry *entry);

#endif
