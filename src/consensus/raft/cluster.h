/*
 * What GoQuorum puts into Raft: addresses of members (the context of a change that adds one), and the application's part of a
 * snapshot. RLP (raft/peer.go, raft/snapshot.go):
 *
 *     address    host an IP:    [raftId, nodeId 64 bytes, ip 16 bytes, p2pPort, raftPort]
 *                host a name:   [raftId, nodeId, "", p2pPort, raftPort, hostname, …]       further items are ignored
 *     snapshot   [[address …] by raftId, [removed raftId …], hash of the head]            addresses all of one form
 *
 * and the seal that a minter leaves in its block's extra data, which nobody verifies:
 *
 *     32 zero bytes, [raftId in hex digits, signature 65 bytes]
 */
#ifndef CONSENSUS_RAFT_CLUSTER_H
#define CONSENSUS_RAFT_CLUSTER_H

#include "base/buf.h"
#include "base/types.h"
#include "consensus/raft/message.h"

enum {
    RAFT_CLUSTER_ID = 0x1000, /* of every GoQuorum cluster */
    RAFT_HOST_MAX = 253,      /* characters of a DNS name (RFC 1035, 2.3.4) */
    RAFT_NODE_ID_SIZE = 64,
    RAFT_REMOVED_MAX = UINT16_MAX, /* ids are never used again */
    RAFT_EXTRA_VANITY = 32,
};

struct raft_address {
    uint16_t id;
    uint8_t node[RAFT_NODE_ID_SIZE]; /* public key without its first byte */
    char host[RAFT_HOST_MAX + 1];    /* a name, or an IP as text, without brackets */
    uint16_t p2p_port, raft_port;
};

struct raft_cluster {
    struct raft_address *members; /* by id */
    size_t count;
    uint16_t *removed;
    size_t removed_count;
    struct hash256 head;
};

/* Failures: buf_status(b). */
void raft_address_write(struct buf *b, const struct raft_address *address);
/* ERR_INPUT with a message. */
int raft_address_decode(struct raft_address *ret_address, struct bytes input,
                        struct err_detail *detail) BASE_NODISCARD;

void raft_cluster_write(struct buf *b, const struct raft_cluster *cluster);
/* Arrays lie in `arena`. ERR_INPUT, ERR_LIMIT, ERR_NOMEM. */
int raft_cluster_decode(struct raft_cluster *ret_cluster, struct arena *arena, struct bytes input,
                        struct err_detail *detail) BASE_NODISCARD;

/* A block's extra data. */
void raft_extra_write(struct buf *b, uint16_t id, const uint8_t signature[65]);

/* "http://host:port", IPv6 in brackets. */
void raft_address_url(struct buf *b, const struct raft_address *address);

#endif
