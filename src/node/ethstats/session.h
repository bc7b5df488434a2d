/*
 * What is said with an ethstats server, and when, as a step machine (GoQuorum, ethstats/ethstats.go; spec 13.6): messages and
 * times in, what is to be sent out. ethstats.h puts it on a connection.
 *
 *     server                                  node
 *                                     ◂──     hello
 *     ready                           ──▸     (anything else: unauthorized)
 *                                     ◂──     node-ping       now, and every 15 s
 *     node-pong                       ──▸
 *                                     ◂──     latency, block, pending, stats
 *                                     ◂──     block, pending  at a new head
 *                                     ◂──     pending         when transactions came, once a second
 *     history                         ──▸
 *                                     ◂──     history
 *     "primus::ping::…"               ──▸
 *                                     ◂──     "primus::pong::…"
 *
 * Whatever the server sends, what waits to be done is one set: nothing can be made to pile up.
 */
#ifndef NODE_ETHSTATS_SESSION_H
#define NODE_ETHSTATS_SESSION_H

#include "base/buf.h"

enum {
    /* Bytes of a server's message. The longest of eth-netstats and its kin, a request for 50 blocks, has 1 KiB. */
    NODE_ETHSTATS_MESSAGE_MAX = 64 << 10,
    /* And of all of them from one full report to the next, so that a server that talks without an end is hung up on; each counts for 64
     * more than it has. A request a block has a thousandth of that. */
    NODE_ETHSTATS_HEARD_MAX = 4 << 20,
    NODE_ETHSTATS_NEWEST = 50, /* blocks of a history that nobody chose */
    NODE_ETHSTATS_HISTORY_MAX =
        1024, /* and of one that the server chooses; those behind are left out */

    NODE_ETHSTATS_LOGIN_MS = 30 * 1000, /* for the answer to hello; GoQuorum waits for ever */
    NODE_ETHSTATS_PONG_MS = 5 * 1000,
    NODE_ETHSTATS_REPORT_MS = 15 * 1000, /* from one full report to the next */
    NODE_ETHSTATS_PENDING_MS = 1000,     /* from one report of transactions that came to the next */
    NODE_ETHSTATS_STRANGE_TOLD = 8,      /* unknown messages of a session that the log has */
};

/* What is to be done, in this order. */
enum {
    NODE_ETHSTATS_HELLO = 1 << 0,
    NODE_ETHSTATS_PING = 1 << 1,
    NODE_ETHSTATS_PRIMUS = 1 << 2, /* send `primus` */
    NODE_ETHSTATS_LATENCY = 1 << 3,
    NODE_ETHSTATS_BLOCK = 1 << 4, /* the head */
    NODE_ETHSTATS_PENDING = 1 << 5,
    NODE_ETHSTATS_STATS = 1 << 6,
    NODE_ETHSTATS_HISTORY = 1 << 7, /* of `asked`; then node_ethstats_history_done */
    NODE_ETHSTATS_STRANGE = 1 << 8, /* say that `strange` came */
    NODE_ETHSTATS_END = 1 << 9,     /* say `end`, and close */
};

struct node_ethstats_session {
    enum { NODE_ETHSTATS_CLOSED, NODE_ETHSTATS_LOGIN, NODE_ETHSTATS_OPEN } state;
    unsigned todo;
    uint64_t opened;       /* by the clock of the calls, as all times are */
    bool pinging;          /* a report has begun, its pong is awaited */
    bool is_first;         /* it is the first one */
    uint64_t pinged;       /* when */
    uint64_t latency_ms;   /* half the time to the last pong */
    uint64_t report_due;   /* the next full report */
    size_t heard;          /* since the last one began */
    uint64_t pending_next; /* transactions that come before that are not told at once */
    uint64_t asked[NODE_ETHSTATS_HISTORY_MAX]; /* numbers; UINT64_MAX: of no block */
    size_t asked_count;                        /* 0: the newest blocks */
    bool is_reading;                           /* a history is being made */
    struct buf primus;
    unsigned strange_count;
    char strange[64];
    struct {
        const char *message, *why; /* for the log; `why` may be NULL */
    } end;
};

void node_ethstats_init(struct node_ethstats_session *session);
void node_ethstats_release(struct node_ethstats_session *session);

/* There is a connection. */
void node_ethstats_open(struct node_ethstats_session *session, uint64_t now);
/* It has gone. */
void node_ethstats_closed(struct node_ethstats_session *session);
void node_ethstats_message(struct node_ethstats_session *session, struct bytes text, uint64_t now);
/* To be called at node_ethstats_due; earlier does no harm. */
void node_ethstats_tick(struct node_ethstats_session *session, uint64_t now);
/* UINT64_MAX: never. */
uint64_t node_ethstats_due(const struct node_ethstats_session *session);
/* There is a new head; transactions have come; a history is on its way. */
void node_ethstats_new_head(struct node_ethstats_session *session);
void node_ethstats_new_transactions(struct node_ethstats_session *session, uint64_t now);
void node_ethstats_history_done(struct node_ethstats_session *session);

/* What may be done now; it counts as done. What came while a pong is awaited waits for it, as at GoQuorum's. */
unsigned node_ethstats_take(struct node_ethstats_session *session);

#endif
