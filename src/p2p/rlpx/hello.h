/*
 * The base protocol of devp2p (rlpx.md, "p2p Capability"; node-consensus-and-wire §7.1): the first 16 message codes of
 * every connection, and how the codes above them are given to the capabilities.
 */
#ifndef P2P_RLPX_HELLO_H
#define P2P_RLPX_HELLO_H

#include "base/buf.h"
#include "crypto/secp256k1.h"
#include "p2p/reason.h"

enum p2p_base_code {
    P2P_HELLO = 0,
    P2P_DISCONNECT = 1,
    P2P_PING = 2,
    P2P_PONG = 3,
    P2P_BASE_LENGTH = 16,
};

enum {
    P2P_VERSION = 5,          /* from here on payloads are compressed with Snappy */
    P2P_HELLO_MAX = 2048,     /* bytes of Hello, and of each message of the base protocol (geth) */
    P2P_HELLO_NAME_MAX = 255, /* of the client; longer ones are cut */
    P2P_CAPABILITIES_MAX =
        64, /* of one Hello; further ones are not looked at. Clients offer up to a dozen */
    P2P_CAPABILITY_NAME_MAX = 31, /* the standard says 8; longer ones are not looked at */
};

struct p2p_capability {
    char name[P2P_CAPABILITY_NAME_MAX + 1];
    uint32_t version;
};

struct p2p_hello {
    uint64_t version;
    char name[P2P_HELLO_NAME_MAX + 1]; /* printable ASCII; other bytes come in as '.' */
    struct p2p_capability capabilities[P2P_CAPABILITIES_MAX];
    size_t capability_count;
    uint64_t port;
    struct crypto_public_key key; /* as claimed: 64 bytes, not checked to be a point */
};

/* Appends. The port is 0, as GoQuorum sends it. */
void p2p_hello_encode(struct buf *out, const struct p2p_hello *hello);
/* Fields behind the known ones are ignored. P2P_REQUESTED (0) when it is good; P2P_BAD_IDENTITY when the key has not 64
 * bytes or is zero; P2P_PROTOCOL_BREACH when it is malformed. */
enum p2p_reason p2p_hello_decode(struct p2p_hello *ret_hello, struct bytes payload);

/* Disconnect is [reason], from some clients the bare reason; anything else is taken for P2P_REQUESTED, as in geth. */
void p2p_disconnect_encode(struct buf *out, enum p2p_reason reason);
enum p2p_reason p2p_disconnect_decode(struct bytes payload);

/* Sorted by name, then version: the order that code windows are given in. */
void p2p_capabilities_sort(struct p2p_capability *capabilities, size_t count);

/* A capability of this node. */
struct p2p_offer {
    const char *name;
    uint32_t version;
    uint32_t length;
};

/* One that runs on a connection: codes offset … offset + length - 1 are its. */
struct p2p_window {
    size_t offer; /* index */
    uint32_t offset, length;
};

/* The highest common version of each name, in the order of names, from P2P_BASE_LENGTH on. `theirs` must be sorted;
 * `ret_windows` has room for `offer_count`. Returns how many. */
size_t p2p_windows(struct p2p_window *ret_windows, const struct p2p_offer *offers,
                   size_t offer_count, const struct p2p_capability *theirs, size_t their_count);

#endif
