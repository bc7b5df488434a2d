/* Why connections end: the reasons of devp2p's Disconnect message (devp2p, rlpx.md, "Disconnect (0x01)"), with
 * the texts that geth has for them. */
#ifndef P2P_REASON_H
#define P2P_REASON_H

/* X(name, code on the wire, text) */
#define P2P_REASON_LIST(X)                                                                         \
    X(P2P_REQUESTED, 0x00, "disconnect requested")                                                 \
    X(P2P_NETWORK_ERROR, 0x01, "network error")                                                    \
    X(P2P_PROTOCOL_BREACH, 0x02, "breach of protocol")                                             \
    X(P2P_USELESS_PEER, 0x03, "useless peer")                                                      \
    X(P2P_TOO_MANY_PEERS, 0x04, "too many peers")                                                  \
    X(P2P_ALREADY_CONNECTED, 0x05, "already connected")                                            \
    X(P2P_BAD_VERSION, 0x06, "incompatible p2p protocol version")                                  \
    X(P2P_BAD_IDENTITY, 0x07, "invalid node identity")                                             \
    X(P2P_QUITTING, 0x08, "client quitting")                                                       \
    X(P2P_UNEXPECTED_IDENTITY, 0x09, "unexpected identity")                                        \
    X(P2P_SELF, 0x0a, "connected to self")                                                         \
    X(P2P_READ_TIMEOUT, 0x0b, "read timeout")                                                      \
    X(P2P_SUBPROTOCOL_ERROR, 0x10, "subprotocol error")                                            \
    X(P2P_AUTH_ERROR, 0x20, "invalid auth error")

/* A peer may send any number below 256; those not listed read "unknown reason". */
enum p2p_reason {
#define X(name, code, text) name = code,
    P2P_REASON_LIST(X)
#undef X
};

const char *p2p_reason_text(enum p2p_reason reason);

#endif
