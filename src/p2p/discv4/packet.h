/*
 * Packets of the node discovery protocol, version 4 (devp2p, discv4.md; EIP-8, EIP-868; node-consensus-and-wire §7.5):
 *
 *     hash (32) || signature (65) || type (1) || RLP
 *
 * Pure: bytes in, bytes out. Fields behind the known ones, and bytes behind the list, are ignored (EIP-8).
 */
#ifndef P2P_DISCV4_PACKET_H
#define P2P_DISCV4_PACKET_H

#include "base/buf.h"
#include "p2p/enode.h"

enum p2p_packet_type {
    P2P_PACKET_PING = 1,
    P2P_PACKET_PONG,
    P2P_PACKET_FINDNODE,
    P2P_PACKET_NEIGHBORS,
    P2P_PACKET_ENR_REQUEST,
    P2P_PACKET_ENR_RESPONSE,
};

enum {
    P2P_PACKET_MAX = 1280, /* bytes; longer datagrams are not looked at (discv4.md) */
    P2P_PACKET_HEAD = 97,
    P2P_NEIGHBORS_MAX = 12, /* nodes that surely fit into one packet, so how many are sent */
    /* Nodes taken from a packet that came: the smallest has 71 bytes. */
    P2P_NEIGHBORS_TAKEN = (P2P_PACKET_MAX - P2P_PACKET_HEAD) / 71,
};

struct p2p_endpoint {
    struct io_address ip; /* ip_len 0 when it is empty or no IP; the port is not used */
    uint16_t udp, tcp;
};

struct p2p_neighbor {
    struct p2p_endpoint endpoint;
    struct crypto_public_key key; /* 64 bytes as they came, perhaps no point */
};

/* Of one of the types, only its fields are used. */
struct p2p_packet {
    enum p2p_packet_type type;
    struct crypto_public_key sender; /* decoding: who signed */
    struct hash256 hash;             /* of the packet: replies refer to it */

    uint64_t version;                               /* Ping */
    struct p2p_endpoint from, to;                   /* Ping; Pong has `to` */
    struct hash256 reply_to;                        /* Pong, ENRResponse */
    struct crypto_public_key target;                /* Findnode: 64 bytes, any */
    struct p2p_neighbor nodes[P2P_NEIGHBORS_TAKEN]; /* Neighbors */
    size_t node_count;
    struct bytes record; /* ENRResponse: RLP, within the input */
    uint64_t expiration; /* seconds since 1970; all but ENRResponse */
    uint64_t sequence;   /* of the sender's record; Ping and Pong, 0 when there is none */
};

enum p2p_packet_status {
    P2P_PACKET_OK,
    P2P_PACKET_BAD_SIZE,      /* too small or too large */
    P2P_PACKET_BAD_HASH,      /* bad hash */
    P2P_PACKET_BAD_SIGNATURE, /* invalid signature */
    P2P_PACKET_UNKNOWN,       /* unknown type */
    P2P_PACKET_MALFORMED,     /* malformed */
};

enum p2p_packet_status p2p_packet_decode(struct p2p_packet *ret_packet, struct bytes input);

/* Appends the packet, signed, and gives its hash. At most P2P_NEIGHBORS_MAX nodes, and a valid key. ERR_INPUT for another
 * key, ERR_NOMEM. */
int p2p_packet_encode(struct buf *out, const struct p2p_packet *packet,
                      const struct crypto_private_key *key,
                      struct hash256 *ret_hash) BASE_NODISCARD;

#endif
