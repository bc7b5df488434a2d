/* A node with a chain, and one peer that the test plays. */
#ifndef P2P_TEST_ETH_WORLD_H
#define P2P_TEST_ETH_WORLD_H

#include "p2p/test/eth_net.h"

enum { ETH_WINDOW = 16, BLOCKS = 1100 };

struct world {
    struct net net;
    struct chain_block **chain;
    size_t count;
    struct net_node *node;
    struct net_link *link; /* to a peer that the test plays */
};

void world_open(struct world *w, size_t count, size_t have);

void world_close(struct world *w);

/* What the node would say of itself, to be changed before it is sent to it. */
struct p2p_eth_status world_own_status(struct net_link *link);

void world_give(struct net_link *link, const struct p2p_eth_message *m);

void world_give_hex(struct net_link *link, unsigned code, const char *hex);

void world_give_status(struct net_link *link, const struct p2p_eth_status *status);

void world_shake_hands(struct net_link *link);

#endif
