/*
 * Where requests are answered. The loop's desk answers everything. The others have a thread each, with a loop of its own, for clients: what the
 * table marks as `anywhere` they answer by themselves, from a snapshot of the head of their own; the rest goes to the loop, and its answer
 * comes back. So clients who ask small things take nothing of consensus' time, and with several processors are answered on several.
 */
#ifndef RPC_DISPATCH_DESK_H
#define RPC_DISPATCH_DESK_H

#include "io/mailbox.h"
#include "io/thread.h"
#include "rpc/dispatch/head.h"

struct rpc_exchange;

struct rpc_desk {
    struct rpc *rpc;
    struct io_loop *loop;     /* NULL: what is asked is answered at once, in tests */
    struct io_thread *thread; /* NULL: the loop's */
    struct io_mailbox *inbox; /* exchanges that come from another desk; NULL: there is no other */
    struct rpc_head head;
    struct rpc_exchange *spare; /* one that is over, with its memory; NULL: none */
};

/* The loop's. */
struct rpc_desk *rpc_main_desk(struct rpc *rpc);
static inline bool rpc_desk_is_main(const struct rpc_desk *desk)
{
    return !desk->thread;
}

/* On the loop's thread. Makes the desks that the backend wants, unless they are there; fewer, when there are no more threads. Their number,
 * without the loop's, and the `index`-th of these. */
size_t rpc_desks_open(struct rpc *rpc);
struct rpc_desk *rpc_desk_at(struct rpc *rpc, size_t index);
/* The head has changed: nobody answers from the snapshot of the one before. Desks that have none are not woken. */
void rpc_desks_head(struct rpc *rpc);
/* Behind the last transport and the last worker: what is still on its way between them goes home without an answer, and their threads end. */
void rpc_desks_close(struct rpc *rpc);

#endif
