/*
 * The protocol eth/65 and eth/66 of a full node among GoQuorum nodes (spec sections 6.4, 7.2 to 7.4 and 11;
 * GoQuorum's eth/handler.go and eth/protocols/eth):
 *
 *     peer.c      Status, whose it is to come first, and where each message goes
 *     serve.c     answers: headers, bodies, receipts, transactions
 *     sync.c      catches up with the peer that has the greatest total difficulty: a skeleton of headers from it, all
 *                 else from all peers in parallel; whoever stalls or lies goes
 *     fetcher.c   single blocks that peers send or announce
 *     gossip.c    transactions and blocks to those who lack them
 *
 * All on one thread, the loop's; the world is backend.h, a connection is struct p2p_eth_transport. What peers can make
 * this hold is bounded by the named limits in eth_priv.h.
 */
#ifndef P2P_ETH_ETH_H
#define P2P_ETH_ETH_H

#include "p2p/eth/backend.h"
#include "p2p/reason.h"

struct p2p_eth;
struct p2p_eth_peer;

/* A connection, as the handler sees it. */
struct p2p_eth_transport {
    int (*send)(void *link, unsigned code, struct bytes payload);
    /* Bytes that wait to go out. */
    size_t (*queued)(void *link);
    /* Ends it: p2p_eth_closed comes later. */
    void (*disconnect)(void *link, enum p2p_reason reason, const char *why);
    /* Counts against the peer; at 100 points it is disconnected as useless. */
    void (*penalize)(void *link, unsigned points, const char *why);
    void (*pause)(void *link);
    void (*resume)(void *link);
};

/* The backend is copied. ERR_NOMEM. */
int p2p_eth_new(struct p2p_eth **ret_eth, const struct p2p_eth_backend *backend) BASE_NODISCARD;
/* All peers must have been closed. Callbacks of jobs under way do nothing any more, but must have come before the
 * handler is freed. NULL is fine. */
void p2p_eth_free(struct p2p_eth *eth);

/* --- Connections --- */

/* A peer that speaks `version`; sends our Status. `link` is passed to the transport's functions. NULL: out of memory. */
struct p2p_eth_peer *p2p_eth_opened(struct p2p_eth *eth, const struct p2p_eth_transport *transport,
                                    void *link, const struct hash256 *id, unsigned version);
/* A message; `payload` is borrowed for the call. */
void p2p_eth_message(struct p2p_eth *eth, struct p2p_eth_peer *peer, unsigned code,
                     struct bytes payload);
/* Nothing waits to go out any more. */
void p2p_eth_drained(struct p2p_eth *eth, struct p2p_eth_peer *peer);
/* The connection has ended. The peer is gone when this returns. */
void p2p_eth_closed(struct p2p_eth *eth, struct p2p_eth_peer *peer);

/* --- What happens in the node --- */

/* The time that was asked for by `wake` has come. */
void p2p_eth_tick(struct p2p_eth *eth);
/* The head has moved, by whatever means; to be called before the `done` of the import that moved it. The network hears of
 * `fresh` blocks, which were agreed on here, and of those that this handler has imported singly. */
void p2p_eth_new_head(struct p2p_eth *eth, struct chain_block *block, const struct u256 *td,
                      bool fresh);
/* The pool has transactions that can be executed (its `executable` callback): they go to all peers that lack them. */
void p2p_eth_new_transactions(struct p2p_eth *eth, struct chain_tx *const *txs, size_t count);
/* These have waited for long, as they do when a peer had no room for them: their hashes are announced to all peers, whatever
 * was sent before; who lacks one asks for it, when it has room. A peer that is slow or has not heard the last ones yet is
 * passed over. Not within the pool's call. */
void p2p_eth_offer_again(struct p2p_eth *eth, const struct hash256 *hashes, size_t count);
/* Transactions of peers are taken from now on even if no block has been imported yet: this node mines. */
void p2p_eth_accept_transactions(struct p2p_eth *eth);

/* Somebody who knows better says that peers may be ahead of what they told: those that seem not to be are tried. For clusters
 * in which blocks are not announced. */
void p2p_eth_look_for_more(struct p2p_eth *eth);

/* --- Looking --- */

struct p2p_eth_progress {
    bool syncing;
    uint64_t start, current,
        highest; /* numbers of blocks: where the sync began, is, and will end */
};
void p2p_eth_progress(const struct p2p_eth *eth, struct p2p_eth_progress *ret_progress);

/* What admin_peers says of a peer's eth protocol; not `ready`: "handshake". */
struct p2p_eth_peer_info {
    bool ready;
    unsigned version;
    struct u256 td;
    struct hash256 head;
};
/* False when there is no such peer. */
bool p2p_eth_peer_info(const struct p2p_eth *eth, const struct hash256 *id,
                       struct p2p_eth_peer_info *ret_info);
/* Peers whose Status has come and was welcome. */
size_t p2p_eth_peer_count(const struct p2p_eth *eth);

#endif
