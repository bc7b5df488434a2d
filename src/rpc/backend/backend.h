/* What the node gives to its methods: pointers and callbacks, all for the loop's thread. */
#ifndef RPC_BACKEND_BACKEND_H
#define RPC_BACKEND_BACKEND_H

#include "base/buf.h"
#include "base/error.h"
#include "base/types.h"
#include "base/u256.h"
#include "io/loop.h"
#include "io/worker.h"

struct accounts;
struct chain;
struct chain_pool;
struct chain_psis;
struct p2p_server;
struct privacy_tm;
struct p2p_peer;
struct permission;

enum {
    RPC_WORKERS_MAX = 8,
    /* Requests to the transaction manager under way at a time: it answers a send when two databases have it durably, and
     * those that come together share one write. */
    RPC_WAITERS_MAX = 16,
    RPC_DESKS_MAX = 8,
};

/* How far behind the node is; `syncing` false when it is not. */
struct rpc_sync {
    bool syncing;
    uint64_t starting, current, highest; /* block numbers */
};

/* A vote that the node casts (istanbul_candidates). */
struct rpc_candidate {
    struct address address;
    bool authorize;
};

struct rpc_light_token; /* rpc/backend/token.h */
struct rpc_proxy;       /* rpc/backend/proxy.h */
struct rpc_raft;        /* rpc/backend/raft.h */
struct rpc_servers;     /* rpc/backend/servers.h */

/* Pointers are borrowed and outlive the rpc. What is NULL is not there: its methods answer as GoQuorum's do when
 * the service is off. */
struct rpc_backend {
    void *context; /* given to each callback */
    struct io_loop *loop;
    /* For calls that take long, one each at a time; not the chain's own. NULL: no more of them. */
    struct io_worker *workers[RPC_WORKERS_MAX];
    /* For calls that wait for the transaction manager most of their time. NULL: no more of them; none: they go to `workers`. */
    struct io_worker *waiters[RPC_WAITERS_MAX];
    struct io_worker
        *light; /* for signatures and short reads, so that they do not wait behind those */
    size_t
        desks; /* threads that serve clients beside the loop (rpc/dispatch/desk.h); 0: the loop does */
    struct chain *chain;
    struct chain_pool *pool;
    struct p2p_server *server;
    struct p2p_server *light_server; /* of QLight clients; NULL: none are served */
    struct privacy_tm *privacy;      /* the transaction manager; NULL: none is in use */
    const struct chain_psis *psis;   /* the private states of several tenants; NULL: there is one */
    bool multitenancy;               /* a token is to grant the private state that is asked for */
    struct permission *permission;   /* of a network with permission contracts; NULL: none */

    /* Of a QLight client; NULL: it is none. */
    const struct rpc_proxy *proxy;             /* who does what it does not do itself */
    const struct rpc_light_token *light_token; /* NULL, too: its token is not set from outside */

    /* Something of an extension (rpc/extension/extension.h) is not done, or not yet. Any thread. NULL: nobody is told. */
    void (*extension_report)(void *context, const char *what, const struct address *management,
                             const char *why);

    bool make_markers; /* --privacymarker.enable: the node's private transactions go in markers */

    const char
        *tracer_program; /* runs clients' JavaScript by TRACEJS_ARGUMENT; NULL: that is refused */
    const char *client_version; /* web3_clientVersion: "Geth/v1.10.3-…(quorum-v24.4.1)/…" */
    const char *datadir;        /* absolute */
    uint64_t network_id;
    uint64_t gas_cap;         /* --rpc.gascap, 0 = none */
    uint64_t call_timeout_ms; /* --vm.calltimeout, 0 = none */
    uint64_t min_gas_price; /* wei: what eth_gasPrice suggests without transactions to learn from */
    bool allow_unprotected; /* --rpc.allow-unprotected-txs */

    bool (*is_mining)(void *context);
    /* What a peer of `server`, or of `light_server`, said of its chain at the handshake; false: it speaks neither eth nor qlight. */
    bool (*peer_status)(void *context, const struct p2p_peer *peer, struct u256 *ret_difficulty,
                        struct hash256 *ret_head);
    bool (*light_peer_status)(void *context, const struct p2p_peer *peer,
                              struct u256 *ret_difficulty, struct hash256 *ret_head);
    void (*sync)(void *context, struct rpc_sync *ret_sync);

    const struct rpc_raft *raft;       /* NULL: no member of a Raft cluster */
    const struct rpc_servers *servers; /* NULL: admin_startHTTP and its kin have nothing to do */

    /* Istanbul: this validator and its votes. */
    struct address node_address;
    bool
        has_etherbase; /* --miner.etherbase, which other engines name in its place; otherwise the first account */
    struct address etherbase;
    void (*propose)(void *context, const struct address *address, bool authorize);
    void (*discard)(void *context, const struct address *address);
    /* Calls fn for each vote. */
    void (*candidates)(void *context,
                       void (*fn)(void *fn_context, const struct rpc_candidate *candidate),
                       void *fn_context);

    /* miner; NULL: this node makes no blocks. `extra`: 32 bytes at most. */
    void (*set_mining)(void *context, bool mining);
    void (*set_extra)(void *context, struct bytes extra);
    /* debug_setHead, admin_importChain: runs `work` on the thread that changes the chain. ERR_NOMEM, ERR_BUSY: it will not
     * run. NULL: there is no such thread, and the methods change it themselves. */
    int (*change_chain)(void *context, void (*work)(void *work_context, struct chain *chain),
                        void *work_context);
    /* debug_verbosity, debug_vmodule and backtraceAt (ERR_INPUT); NULL: no log, or one that has no such thing. */
    void (*set_verbosity)(void *context, int64_t level);
    int (*set_vmodule)(void *context, const char *pattern, struct err_detail *why);
    int (*set_backtrace)(void *context, const char *place, struct err_detail *why);

    /* personal and eth: the accounts of the node; NULL: none. */
    struct accounts *accounts;
    bool unlock_forbidden; /* HTTP or WebSocket is on, without --allow-insecure-unlock */
    double tx_fee_cap;     /* --rpc.txfeecap, ether; 0 = none */
};

#endif
