/* Servers on one loop, over real sockets on loopback, and what happened at each. */
#ifndef P2P_TEST_SERVER_NET_H
#define P2P_TEST_SERVER_NET_H

#include "p2p/server_internal.h"

struct node {
    struct p2p_server *server;
    struct p2p_enode enode;
    struct p2p_protocol protocols[3];
    struct p2p_server_options options;
    struct buf log; /* what happened: "eth+", "eth 3:payload", "eth-4" … */
    struct buf reports;
    struct p2p_peer *peer; /* the last that was opened */
    unsigned opened, closed, asked;
    bool refuse, last_by_peer, report_off;
    const char *why; /* what was told of the end of the last peer */
    enum p2p_reason last_reason;
    size_t received;
};

/* Made for each test. */
extern struct io_loop *loop;
int loop_new(void **state);
int loop_free(void **state);

/* A node with eth/65, eth/66 and istanbul/100, listening; started by node_start(). */
void node_prepare(struct node *node);
void node_start(struct node *node);
/* With another, which has been started, as a static node. */
void node_start_to(struct node *node, const struct node *other);
void node_stop(struct node *node);
bool node_reported(struct node *node, const char *text);

#define until(condition)                                                                           \
    while (!(condition))                                                                           \
    io_loop_turn(loop, true)

/* For what becomes true without an event: queues that are flushed before the loop waits. */
#define until_flushed(condition)                                                                   \
    while (!(condition))                                                                           \
    io_loop_turn(loop, false)

#endif
