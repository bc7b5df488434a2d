/*
 * `rpc` answers JSON-RPC 2.0 as GoQuorum v24.4.1 does, in fields, codes and texts.
 *
 *     transport/         bytes from clients: HTTP, WebSocket, IPC; limits, who may connect, what a connection is told unasked
 *     access/            who may call what: access tokens, origins, which private state a request is about
 *     rpc.h              this file: messages in, answers out; one exchange at a time a connection
 *     dispatch/          from a message to its answer, at the loop's desk or another; what a desk keeps of the head
 *     method.h           the table: each method's name, parameters, types, where it runs
 *     json/, params/     reading requests; writing chain values
 *     methods/           the methods, a file for each namespace or kind of thing
 *     run/               what they run on: blocks and states looked up, calls simulated
 *     trace/             running again, with a tracer
 *     graphql/           the other language in which the chain can be asked
 *     events/            subscriptions and filters
 *     extension/         what the node does about extensions of private contracts without being asked
 *     backend/           what the node gives
 *     figures/           how many calls, and how long they took
 *
 * Everything is on the loop's thread but methods that the table marks for the worker, and what it marks for any desk.
 */
#ifndef RPC_RPC_H
#define RPC_RPC_H

#include "rpc/backend/backend.h"

struct rpc;
struct rpc_desk;
struct rpc_exchange;
struct rpc_session;

enum {
    RPC_BODY_MAX = 5 * 1024 * 1024, /* bytes of an HTTP request (GoQuorum, rpc/http.go) */
    RPC_IPC_MAX =
        15 * 1024 * 1024, /* of a message by IPC, which has no limit there; WebSocket's own */
    RPC_BATCH_MAX = 1000, /* calls of a batch, which has no limit there */
    /* Bytes of all answers of a batch; geth's later default is 25 MB for a batch. One answer may exceed it. */
    RPC_ANSWER_MAX = 100 * 1024 * 1024,
    /* Bytes of all answers that are being written, or that clients have not read; above, none becomes longer than the second. */
    RPC_ANSWERS_MAX = 1024 * 1024 * 1024,
    RPC_ANSWER_SHARE = 1024 * 1024,
    /* Bytes of what clients have sent and is not answered, those counted that have more than IO_HELD_SHARE: a hundred of the largest bodies of HTTP, and
     * half of what answers may have. The owner, by IPC, may go on to the double of it, whatever strangers do. */
    RPC_HELD_MAX = 512 * 1024 * 1024,
    RPC_PSI_ROOM =
        130, /* of a private state's name (CHAIN_PSI_MAX), its end, and one more: too long */
};

struct rpc_grant;

/* Namespaces that a transport offers: bits by the order of rpc_namespaces(). */
struct rpc_access {
    uint32_t namespaces;
    bool subscriptions; /* whether the transport can carry notifications */
    /* What the asker's access token allows besides (token.h); NULL: no token is asked for. An exchange keeps it. */
    struct rpc_grant *grant;
    bool psi_in_id;         /* a call's id may name a private state: IPC */
    char psi[RPC_PSI_ROOM]; /* that the request names (psi.h); "": none */
};

/* Every namespace. */
struct rpc_access rpc_access_all(void);
/* Those of a comma list such as "net,web3,eth". Unknown names are appended to `unknown` (unless NULL), with commas
 * between: GoQuorum only logs them. `rpc` itself is always there. */
struct rpc_access rpc_access_parse(const char *list, struct buf *unknown);

/* `backend` is borrowed. ERR_NOMEM. */
int rpc_new(struct rpc **ret_rpc, const struct rpc_backend *backend) BASE_NODISCARD;
/* Transports are stopped first, and the backend's workers freed: nothing is under way. NULL is fine. */
void rpc_free(struct rpc *rpc);
struct io_loop *rpc_loop(const struct rpc *rpc);

/* The answer, with its newline; empty when there is nothing to answer (notifications, an empty message). Taken or
 * left. Called once, before or after rpc_ask returns. */
typedef void rpc_answer_fn(void *context, struct buf *answer);

/*
 * Answers one message, a request or a batch. The content of `message` is taken (it is left empty). Returns NULL
 * when `fn` has been called already, or an exchange for rpc_abandon. Out of memory is answered as an error.
 */
struct rpc_exchange *rpc_ask(struct rpc *rpc, struct rpc_access access, struct buf *message,
                             rpc_answer_fn *fn, void *context);
/* The same for a session (session.h; NULL: none), which what is asked may subscribe. */
struct rpc_exchange *rpc_ask_as(struct rpc *rpc, struct rpc_access access,
                                struct rpc_session *session, struct buf *message, rpc_answer_fn *fn,
                                void *context);
/* The same at a desk (desk.h), on its thread: `fn` is called there. */
struct rpc_exchange *rpc_ask_at(struct rpc_desk *desk, struct rpc_access access,
                                struct buf *message, rpc_answer_fn *fn, void *context);
/* GraphQL at a desk: `message` is a body as graphql.h has it, and the answer JSON-RPC's with that as its result. */
struct rpc_exchange *rpc_ask_graphql(struct rpc_desk *desk, struct rpc_access access,
                                     struct buf *message, rpc_answer_fn *fn, void *context);
/* Nobody will read the answer, though `fn` is called: what only reads is not begun any more. NULL is fine. */
void rpc_abandon(struct rpc_exchange *exchange);

#endif
