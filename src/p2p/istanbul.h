/*
 * The capability istanbul/100 (and 99, 64): how consensus messages of IBFT and QBFT travel (spec section 6; GoQuorum's
 * consensus/istanbul/backend/handler.go and Gossip).
 *
 * A message goes to the directly connected members of the validator set, each named by the address of its node key. It
 * is known by keccak(RLP(payload)): one that has come before is dropped in silence, one that a peer is known to have is
 * not sent to it. GoQuorum ends the connection when such a message reaches a node that is no validator, or comes before
 * both Status messages of eth: nothing is sent to peers that are not ready.
 *
 * It ends it, too, when a message reaches a validator whose engine does not run yet (ErrStoppedEngine): one that waits for
 * its permission contracts is so for a quarter of a minute. Who has ended a connection that way is spoken to again once it
 * has spoken, or after a while that grows; until then it stays connected, gets its blocks, and counts as absent.
 */
#ifndef P2P_ISTANBUL_H
#define P2P_ISTANBUL_H

#include "base/bytes.h"
#include "base/error.h"
#include "base/types.h"

#include <stdbool.h>

struct istanbul_set;
struct p2p_istanbul;

enum {
    P2P_ISTANBUL_100_LENGTH =
        22, /* codes of version 100: those of eth up to 0x10, then 0x11 … 0x15 */
    P2P_ISTANBUL_99_LENGTH = 18, /* of versions 99 and 64: up to 0x11, IBFT's */
    P2P_ISTANBUL_FIRST = 0x11,
    P2P_ISTANBUL_LAST = 0x15,
    /* Messages that are remembered: of each peer, and in all (GoQuorum's caches). */
    P2P_ISTANBUL_KNOWN = 1024,
    /* Seconds of silence towards who has ended a connection over a message: twice as many each time. */
    P2P_ISTANBUL_HOLD_FIRST = 3,
    P2P_ISTANBUL_HOLD_MAX = 12,
    /* How many such are remembered, the newest. */
    P2P_ISTANBUL_WARY = 64,
};

struct p2p_istanbul_options {
    /* A consensus message that has not come before; payload as on the wire, borrowed for the call. */
    void (*message)(void *context, const struct address *from, unsigned code, struct bytes payload);
    /* A validator's connection is ready for messages, or has ended. May be NULL. */
    void (*peer)(void *context, const struct address *address, bool gone);
    void *context;

    /* The way to a peer. */
    int (*send)(void *link, unsigned code, struct bytes payload);
    void (*disconnect)(void *link, const char *why); /* with "subprotocol error" */
};

/* ERR_NOMEM. */
int p2p_istanbul_new(struct p2p_istanbul **ret_istanbul,
                     const struct p2p_istanbul_options *options) BASE_NODISCARD;
/* NULL is fine. */
void p2p_istanbul_free(struct p2p_istanbul *istanbul);

/* A connection speaks the capability in `version`; nothing is sent before it is `ready`. A second one of the same
 * address is ignored. ERR_NOMEM. */
int p2p_istanbul_opened(struct p2p_istanbul *istanbul, const struct address *address,
                        unsigned version, void *link) BASE_NODISCARD;
/* Both Status messages of eth have been exchanged and were welcome. True: nothing is sent to it yet, p2p_istanbul_second
 * must be called each second. */
bool p2p_istanbul_ready(struct p2p_istanbul *istanbul, const struct address *address);
/* A second has passed. Whether there are peers left that nothing is sent to yet. */
bool p2p_istanbul_second(struct p2p_istanbul *istanbul);
/* `refused`: the peer has ended the connection with "subprotocol error". */
void p2p_istanbul_closed(struct p2p_istanbul *istanbul, const struct address *address,
                         bool refused);
/* A message of the capability; codes that are not of consensus are ignored, an empty payload ends the connection. */
void p2p_istanbul_message(struct p2p_istanbul *istanbul, const struct address *from, unsigned code,
                          struct bytes payload);

/* To every ready peer of `set` that lacks it, but `except` (NULL: none). */
void p2p_istanbul_broadcast(struct p2p_istanbul *istanbul, const struct istanbul_set *set,
                            const struct address *except, unsigned code, struct bytes payload);
/* To one, even if it is believed to have it; dropped when it is not ready. */
void p2p_istanbul_send(struct p2p_istanbul *istanbul, const struct address *to, unsigned code,
                       struct bytes payload);
/* Calls fn for each ready peer. */
void p2p_istanbul_each_peer(const struct p2p_istanbul *istanbul,
                            void (*fn)(void *context, const struct address *address),
                            void *context);
/* Whether there is a ready one with this address. */
bool p2p_istanbul_has(const struct p2p_istanbul *istanbul, const struct address *address);

#endif
