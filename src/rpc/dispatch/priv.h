/* The parts of dispatch: rpc.c (the object and its table of methods), dispatch.c (one call), exchange.c (a message with one
 * or many of them). */
#ifndef RPC_DISPATCH_PRIV_H
#define RPC_DISPATCH_PRIV_H

#include "io/sum.h"
#include "rpc/dispatch/ahead.h"
#include "rpc/dispatch/desk.h"
#include "rpc/events/priv.h"
#include "rpc/extension/priv.h"
#include "rpc/figures/priv.h"
#include "rpc/json/json.h"
#include "rpc/json/texts.h"
#include "rpc/methods/async.h"
#include "rpc/run/machine.h"

struct rpc {
    const struct rpc_backend *backend;
    const struct rpc_method **methods; /* sorted by name */
    size_t method_count;
    struct rpc_method *proxied; /* rows of `methods` that ask another node; NULL: none does */
    uint32_t available;         /* namespaces */
    size_t under_way;           /* exchanges on the worker */
    struct io_sum
        written; /* bytes of answers, and notifications behind them, under way, at all desks */
    struct rpc_call *holding;                     /* an account each */
    struct rpc_exchange *waiting, **waiting_end;  /* for one of those, first come first */
    struct rpc_machine machines[RPC_WORKERS_MAX]; /* of the workers */
    struct rpc_machine waiting_machines[RPC_WAITERS_MAX];
    struct rpc_kept kept;
    struct rpc_texts texts;
    struct rpc_desk desks[1 + RPC_DESKS_MAX]; /* the loop's is the first */
    size_t desk_count;
    bool closing;
    struct rpc_events events;
    struct rpc_async async;
    struct rpc_extension extension;
    struct rpc_figures figures; /* `all` NULL: calls are not counted */
};

/* A request's parts, as they stand in the message. */
struct envelope {
    struct bytes id;     /* len 0 = none */
    struct bytes method; /* characters; len 0 = none */
    struct bytes params; /* len 0 = none */
    bool has_result;     /* it is an answer, to nobody's question */
};

struct rpc_exchange {
    struct io_mail mail; /* from one desk to another */
    struct rpc *rpc;
    struct rpc_desk *home; /* where it was asked, and `fn` is called */
    struct rpc_desk *desk; /* where it is now */
    struct rpc_access access;
    struct rpc_session *session;
    struct buf message;
    struct buf out;
    struct arena arena;
    rpc_answer_fn *fn;
    atomic_bool gone;
    void *context;
    bool batch, one_left;
    bool graphql;              /* `single` is a body of GraphQL's */
    struct rpc_json_walk walk; /* of a batch */
    struct rpc_ahead ahead;
    struct bytes single;
    size_t answers;
    uint64_t now;
    struct envelope envelope;
    struct rpc_call call;
    size_t out_mark;    /* where the answer under way begins */
    size_t counted;     /* bytes that `out` adds to rpc->written */
    size_t held;        /* bytes that `message` adds to io_held */
    int status;         /* what the method's last part returned */
    bool is_again;      /* in the method's second round */
    bool is_tried;      /* `quick` has been called, at another desk */
    struct bytes moved; /* the call's message, on its way to the loop's desk */
    uint64_t began_ns;  /* where calls are counted, and this is one to count; else 0 */
    struct rpc_exchange *next_waiting;
};

/* --- rpc.c --- */

/* NULL: there is none of that name. */
const struct rpc_method *rpc_find_method(const struct rpc *rpc, struct bytes name);
/* The call of the exchange is over, well or not; where calls are counted. */
void rpc_count_call(struct rpc_exchange *x, bool good);

/* --- proxy.c --- */

/* With a backend that has a proxy: puts rows that ask it in the place of those that are marked. ERR_NOMEM. */
int rpc_proxy_rows(struct rpc *rpc) BASE_NODISCARD;

/* --- dispatch.c --- */

/* Starts the call of one message. False when it goes on on the worker or at the loop's desk, or waits for an account. */
bool rpc_call_one(struct rpc_exchange *x, struct bytes message);
/* What follows the worker's part. False when the call goes on later. */
bool rpc_end_round(struct rpc_exchange *x);
/* Whether what is being written, or not read, is more than all may have. */
bool rpc_is_full(struct rpc *rpc);
/* An error in the place of an answer. */
void rpc_write_error(struct rpc_exchange *x, struct bytes id, int code, const char *text);

/* --- exchange.c --- */

/* The worker's part of a call is done. */
void rpc_exchange_worked(void *exchange);
/* An account is free again: who waits for one tries it. */
void rpc_wake(struct rpc *rpc);
/* It has come to a desk: to the loop's with a call to do, or home with its answer. */
void rpc_exchange_arrived(void *desk, struct io_mail *mail);
void rpc_exchange_spare_release(struct rpc_desk *desk);

#endif
