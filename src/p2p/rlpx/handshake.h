/*
 * The encryption handshake of RLPx (devp2p, rlpx.md, "Initial Handshake"; EIP-8; node-consensus-and-wire §7.1): who
 * the other side is, and the secrets of the frames. Pure: bytes in, bytes out; all randomness is the caller's.
 *
 *     initiator                                   responder
 *     p2p_handshake_start  --- auth --->  p2p_handshake_respond   (its session is ready)
 *     p2p_handshake_finish <--- ack ----
 *
 * Packets are a 2-byte size and ECIES of RLP with padding (EIP-8). The form before EIP-8, without size and RLP, is
 * understood, and answered in kind; it is never begun with.
 */
#ifndef P2P_RLPX_HANDSHAKE_H
#define P2P_RLPX_HANDSHAKE_H

#include "base/buf.h"
#include "crypto/keccak.h"
#include "crypto/secp256k1.h"

enum {
    P2P_HANDSHAKE_PLAIN_AUTH = 307, /* 65 + 32 + 64 + 32 + 1, and 113 of ECIES */
    P2P_HANDSHAKE_PLAIN_ACK = 210,  /* 64 + 32 + 1, and 113 */
    P2P_HANDSHAKE_PADDING_MIN = 100,
    P2P_HANDSHAKE_PADDING_MAX = 299,
    /* A packet with its size. The content has at most 170 bytes and the padding 299 with ECIES's 113; the rest is room
     * for fields to come. geth reads up to 64 KiB, from anybody, before it knows who that is. */
    P2P_HANDSHAKE_MAX = 2048,
};

/* What must be random and used once. */
struct p2p_handshake_entropy {
    struct crypto_private_key ephemeral;
    struct hash256 nonce;
    struct crypto_private_key ecies_key;
    uint8_t ecies_iv[16];
    uint16_t padding;            /* how many bytes, P2P_HANDSHAKE_PADDING_MIN … _MAX */
    const uint8_t *padding_data; /* what bytes; NULL: zeros, as geth's. Borrowed */
};

/* From the system. ERR_IO. The owner wipes it (mem_wipe). */
int p2p_handshake_entropy_make(struct p2p_handshake_entropy *ret_entropy) BASE_NODISCARD;

/* The result: what the frames are sealed and opened with. Secret; the owner wipes it (mem_wipe). */
struct p2p_session {
    struct crypto_public_key remote;
    uint8_t aes_secret[32], mac_secret[32];
    struct crypto_keccak256 egress, ingress;
};

/* X(name, text) */
#define P2P_HANDSHAKE_LIST(X)                                                                      \
    X(P2P_HANDSHAKE_DONE, "done")                                                                  \
    X(P2P_HANDSHAKE_MORE, "bytes are missing")                                                     \
    X(P2P_HANDSHAKE_BAD_SIZE, "handshake packet too short or too long")                            \
    X(P2P_HANDSHAKE_BAD_PACKET, "handshake packet is not for this node's key")                     \
    X(P2P_HANDSHAKE_BAD_CONTENT, "handshake packet is malformed")                                  \
    X(P2P_HANDSHAKE_BAD_KEY, "handshake with an invalid public key")                               \
    X(P2P_HANDSHAKE_BAD_SIGNATURE, "handshake with an invalid signature")

enum p2p_handshake_status {
#define X(name, text) name,
    P2P_HANDSHAKE_LIST(X)
#undef X
};

const char *p2p_handshake_text(enum p2p_handshake_status status);

struct p2p_handshake {
    const struct crypto_private_key *key; /* the node's */
    struct p2p_handshake_entropy entropy;
    struct crypto_public_key remote; /* known to the initiator from the start */
    struct crypto_public_key remote_ephemeral;
    struct hash256 remote_nonce;
    struct buf auth, ack; /* as they went over the wire: part of the MACs */
};

/* `key` is borrowed for the object's life, `entropy` copied. */
void p2p_handshake_init(struct p2p_handshake *h, const struct crypto_private_key *key,
                        const struct p2p_handshake_entropy *entropy);
/* Wipes it. */
void p2p_handshake_release(struct p2p_handshake *h);

/* Initiator: makes the auth packet, valid as long as `h`. ERR_INPUT when the remote key is no point, ERR_NOMEM. */
int p2p_handshake_start(struct p2p_handshake *h, const struct crypto_public_key *remote,
                        struct bytes *ret_auth) BASE_NODISCARD;

/*
 * Both take all that has come so far and return an enum p2p_handshake_status, or ERR_NOMEM. With P2P_HANDSHAKE_MORE,
 * *ret_size is how many bytes there must be before it is worth calling again; with P2P_HANDSHAKE_DONE, how many belong to
 * the packet: what is behind are frames.
 *
 * Responder: from the auth packet, makes the ack and the session. `ret_ack` is valid as long as `h`.
 */
int p2p_handshake_respond(struct p2p_handshake *h, struct bytes input, size_t *ret_size,
                          struct bytes *ret_ack, struct p2p_session *ret_session) BASE_NODISCARD;
/* Initiator: from the ack packet, makes the session. */
int p2p_handshake_finish(struct p2p_handshake *h, struct bytes input, size_t *ret_size,
                         struct p2p_session *ret_session) BASE_NODISCARD;

#endif
