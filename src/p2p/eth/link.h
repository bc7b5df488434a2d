/* A connection of the server as the handler of eth sees it: for the capability eth, and for QLight, which has its messages. */
#ifndef P2P_ETH_LINK_H
#define P2P_ETH_LINK_H

#include "p2p/eth/eth.h"
#include "p2p/server.h"

struct p2p_eth_link {
    struct p2p_eth *eth;
    struct p2p_peer *peer;
    const char *protocol; /* the capability; a literal */
    struct p2p_eth_peer *eth_peer;
    void (*report)(void *context, enum p2p_eth_level level, const char *message);
    void *context;
};

/* All but `eth_peer` is set by the caller. `version` is of eth's messages. Sends Status. False: the connection is being ended. */
bool p2p_eth_link_open(struct p2p_eth_link *link, unsigned version);
void p2p_eth_link_message(struct p2p_eth_link *link, unsigned code, struct bytes payload);
void p2p_eth_link_drained(struct p2p_eth_link *link);
/* Also of one that was not opened. */
void p2p_eth_link_close(struct p2p_eth_link *link);
/* Ends the connection, and tells why. */
void p2p_eth_link_drop(struct p2p_eth_link *link, enum p2p_reason reason, const char *why);

#endif
