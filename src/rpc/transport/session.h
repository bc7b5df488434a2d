/*
 * A connection that carries messages both ways (WebSocket, IPC): what it may call, and what it is told unasked.
 *
 * The transport owns the session and what is below; the session knows only how to send. Notifications never wait for
 * the client: what it does not read is held up to RPC_UNREAD_MAX, then the connection ends. Who subscribes is served on the loop; at other desks
 * (desk.h) are connections that have not yet asked for a subscription: with the first they move to the loop.
 */
#ifndef RPC_TRANSPORT_SESSION_H
#define RPC_TRANSPORT_SESSION_H

#include "rpc/rpc.h"

enum {
    /* Bytes of answers and notifications that a client has not read; GoQuorum drops one that is 20,000 notifications
     * behind. */
    RPC_UNREAD_MAX = 16 * 1024 * 1024,
    RPC_SUBSCRIPTIONS_MAX = 1000, /* of a connection; GoQuorum has no limit */
};

struct rpc_event_target;

struct rpc_session {
    struct rpc *rpc;
    struct rpc_access access;
    void *context;
    /* One whole notification. Must not end the session. */
    void (*send)(void *context, struct bytes text);
    size_t (*unread)(void *context);
    /* It reads too slowly: the transport closes the connection, and releases the session. Called between other
     * things, never inside `send`. */
    void (*overrun)(void *context);

    /* session.c's and events.c's */
    struct rpc_event_target *targets; /* its subscriptions */
    size_t count;
    unsigned asking;  /* exchanges under way: until their answers are sent, what is told waits */
    struct buf held;  /* that; */
    struct buf marks; /* the length of each piece of it, as size_t */
    size_t counted;   /* bytes of it that count with answers under way */
    bool overran;
};

void rpc_session_init(struct rpc_session *session, struct rpc *rpc, struct rpc_access access);
/* Ends its subscriptions. */
void rpc_session_release(struct rpc_session *session);
/* Sends a notification, now or behind the answer that is under way. */
void rpc_session_tell(struct rpc_session *session, struct bytes text);

/* Whether a message may have to do with subscriptions, which are the loop's. */
bool rpc_may_subscribe(struct bytes message);
/* As rpc_ask, for this session, with what it may. It outlives the exchange. */
struct rpc_exchange *rpc_session_ask(struct rpc_session *session, struct buf *message,
                                     rpc_answer_fn *fn, void *context);
/* The transport has sent an answer that it was given. */
void rpc_session_answered(struct rpc_session *session);

#endif
