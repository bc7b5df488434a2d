/* Who is told what: subscriptions (which a session has) and filters (which anybody asks for what came). Loop only. */
#ifndef RPC_EVENTS_PRIV_H
#define RPC_EVENTS_PRIV_H

#include "base/arena.h"
#include "io/timer.h"
#include "rpc/events/events.h"
#include "rpc/method.h"
#include "rpc/transport/session.h"

enum {
    RPC_FILTERS_MAX = 4096,             /* of all clients; GoQuorum has no limit */
    RPC_FILTER_LIFE_MS = 5 * 60 * 1000, /* without being asked (GoQuorum, eth/filters/api.go) */
    /* Bytes that one filter, and all of them, may hold until somebody asks: a million hashes or 30,000 logs. One that
     * would hold more is removed, as if its time were over. */
    RPC_FILTER_MAX = 64 * 1024 * 1024,
    RPC_FILTERS_SIZE_MAX = 256 * 1024 * 1024,
    /* Blocks that are read at once, and bytes of what is told of them. */
    RPC_EVENT_BLOCKS_MAX = 64,
    RPC_EVENT_SIZE_MAX = 64 * 1024 * 1024,
    RPC_EVENT_ID = 16,
    RPC_EVENT_ID_TEXT = 2 * RPC_EVENT_ID + 3,
    RPC_CRITERIA_MAX = 1024 * 1024, /* bytes of a subscription's or filter's own criteria */
};

enum rpc_event_kind {
    RPC_EVENT_HEADS,
    RPC_EVENT_LOGS,
    RPC_EVENT_TRANSACTIONS,
    RPC_EVENT_FULL_TRANSACTIONS,
    RPC_EVENT_SYNC,
    RPC_EVENT_PEERS,
    RPC_EVENT_CHAIN_TRACE, /* told by trace/chain.c alone */
    RPC_EVENT_KINDS,
};

struct rpc_chain_trace;

/* A subscription, or a filter when it has no session. */
struct rpc_event_target {
    enum rpc_event_kind kind;
    uint8_t id[RPC_EVENT_ID];
    const char *space;                     /* "eth": notifications are eth_subscription */
    struct rpc_event_target *next, **back; /* of its kind */
    struct rpc_session *session;           /* NULL: a filter */
    struct rpc_event_target *session_next; /* of its session */
    struct arena arena;
    struct rpc_filter *criteria; /* of logs, in the arena */
    struct bytes criteria_json;  /* likewise */
    char psi[RPC_PSI_ROOM];      /* of logs: the private state whose they are, beside public ones */
    bool never;                  /* logs of the pending block alone, which there are none of */
    struct buf found;            /* of a filter: items with commas between */
    uint64_t deadline;           /* of a filter */
    struct rpc_chain_trace *trace; /* that it is told; NULL: none, or over */
};

struct rpc_events {
    struct rpc *rpc;
    const struct rpc_backend *backend;
    struct rpc_event_target *targets[RPC_EVENT_KINDS];
    size_t filter_count, filter_size;
    size_t trace_count;      /* of chains, under way */
    struct io_timer sweep;   /* of filters */
    struct io_timer overrun; /* sessions are ended */
    bool timers;
    struct rpc_event_blocks *reading; /* with the worker */
    bool waiting;                     /* blocks from `from` to `to` are to be read */
    uint64_t from, to;
    struct rpc_removed *removed; /* to be told before anything else, in order */
};

/* With an rpc. */
void rpc_events_init(struct rpc_events *events, struct rpc *rpc, const struct rpc_backend *backend);
void rpc_events_release(struct rpc_events *events);
struct rpc_events *rpc_events_of(struct rpc *rpc);

/* A new target; NULL and *ret_status: ERR_LIMIT (too many), ERR_NOMEM, ERR_IO. `criteria` may be NULL. */
struct rpc_event_target *rpc_events_add(struct rpc_events *events, int *ret_status,
                                        enum rpc_event_kind kind, const char *space,
                                        struct rpc_session *session, const struct bytes *criteria);
void rpc_events_remove(struct rpc_events *events, struct rpc_event_target *target);
/* By its id as text; NULL: none of that session (NULL: no such filter). */
struct rpc_event_target *rpc_events_find(struct rpc_events *events,
                                         const struct rpc_session *session, struct bytes id);
void rpc_events_id_text(char ret_text[RPC_EVENT_ID_TEXT], const struct rpc_event_target *target);
/* What a filter has found since it was asked last, between brackets; its time begins anew. */
void rpc_events_take(struct rpc_events *events, struct rpc_event_target *target, struct buf *out);
/* A session ends: its subscriptions go. */
void rpc_events_leave(struct rpc_session *session);
/* Some session has overrun: it is ended when what is under way is done. */
void rpc_events_overrun(struct rpc *rpc);

/* Gives an item, JSON, to a target. */
void rpc_events_give(struct rpc_events *events, struct rpc_event_target *target, struct bytes item);

/* blocks.c: tells what is removed and begins to read what is to be read. */
void rpc_events_read(struct rpc_events *events);
/* Drops what is removed and not told. */
void rpc_events_drop_removed(struct rpc_events *events);

#endif
