/* The parts of the program: what node.c wires, for the files that share it. */
#ifndef NODE_PARTS_H
#define NODE_PARTS_H

#include "io/signal.h"
#include "io/timer.h"
#include "node/audit/answer.h"
#include "node/commands/command.h"
#include "node/ethstats/ethstats.h"
#include "node/light/client.h"
#include "node/light/server.h"
#include "node/manager.h"
#include "node/metrics/metrics.h"
#include "node/network.h"
#include "node/permission.h"
#include "node/raft/raft.h"
#include "node/servers/endpoints.h"
#include "node/servers/security.h"
#include "node/unlock.h"
#include "rpc/backend/raft.h"
#include "rpc/events/events.h"
#include "rpc/transport/ipc.h"

#include <pthread.h>

/* Everything that runs, in the order in which it is made; taken down in reverse. */
struct node {
    const struct node_config *config;
    struct node_datadir dir;
    struct crypto_private_key key;
    char name[P2P_NAME_MAX + 1];
    char root[NODE_PATH_MAX];       /* the data directory's absolute path */
    char store_file[NODE_PATH_MAX]; /* of the chain */
    char ipc_path[NODE_PATH_MAX];
    struct pool *threads;
    struct node_manager *manager;         /* of private transactions; NULL: none */
    struct node_audit_answerer *answerer; /* of other parties; NULL: none */
    struct chain *store;
    struct node_permission *permission; /* by contracts; NULL: none */
    struct io_loop *loop;
    struct io_signal *signals[2];
    struct node_chain *chain;
    struct node_transactions *transactions;
    struct node_light_client *light_client; /* NULL: this node is no QLight client */
    struct node_network *network;
    struct node_light_server *light_server; /* of QLight clients; NULL: without --qlight.server */
    struct node_validator *validator;
    struct node_raft *raft;
    struct rpc_raft raft_methods;
    struct node_signer *signer;               /* of a chain of Clique's */
    struct node_votes idle_votes;             /* of a node that makes no blocks: told, never cast */
    struct io_worker *background;             /* for what the pool has done elsewhere */
    struct io_worker *calls[RPC_WORKERS_MAX]; /* the same for RPC */
    struct io_worker *waiters[RPC_WAITERS_MAX]; /* and for what waits for the manager */
    size_t call_count;
    struct io_worker *light; /* what must not wait behind that */
    struct rpc_backend backend;
    struct rpc *rpc;
    struct rpc_ipc *ipc;
    struct node_endpoints *endpoints; /* HTTP and WebSocket */
    struct rpc_servers servers;       /* the same, as RPC sees it */
    struct node_security security;    /* theirs */
    struct accounts *accounts;
    struct node_metrics *metrics;
    struct node_figures figures;
    struct node_ethstats *ethstats; /* NULL: without --ethstats */
    struct io_timer forgetting;     /* of keys whose time is over */
    struct io_timer thrift;         /* of memory that was freed */
    struct node_unlocking *unlocking;
    pthread_mutex_t lock;        /* of `removed` */
    struct rpc_removed *removed; /* logs of blocks that were taken back, not told yet */
    const char *failing;         /* what stands before the reason why it does not start */
    struct err_detail failure;   /* what ended it while it ran; "" */
};

/* What happens (node_events.c); the context is the node. */
void node_on_signal(void *context);
void node_on_removed(void *context, const struct chain_event *event);
void node_on_head(void *context, const struct node_head *head);
void node_on_syncing(void *context, bool syncing);
void node_on_peer(void *context, const struct p2p_peer *peer, const char *why);
void node_on_executable(void *context, struct chain_tx *const *txs, size_t count);
void node_on_forget(void *context);
void node_on_timed(void *context);
void node_on_thrift(void *context);
void node_on_unlock_failed(void *context, const char *message);
enum {
    NODE_FORGET_MS = 1000,      /* between two looks at keys whose time is over */
    NODE_THRIFT_MS = 60 * 1000, /* and at memory that was freed */
    NODE_THRIFT_LEAST = 8 << 20 /* bytes that are worth giving back */
};

/* Making, in this order (node_make.c, node_rpc.c). Each fails with `detail` set, and leaves what it made to be taken down. */
int node_make_files(struct node *node, struct err_detail *detail) BASE_NODISCARD;
int node_make_core(struct node *node, struct err_detail *detail) BASE_NODISCARD;
int node_make_network(struct node *node, struct err_detail *detail) BASE_NODISCARD;
int node_make_accounts(struct node *node, struct err_detail *detail) BASE_NODISCARD;
int node_make_validator(struct node *node, struct err_detail *detail) BASE_NODISCARD;
int node_make_rpc(struct node *node, struct err_detail *detail) BASE_NODISCARD;
int node_make_metrics(struct node *node, struct err_detail *detail) BASE_NODISCARD;
/* When the network runs. */
int node_start_ethstats(struct node *node, struct err_detail *detail) BASE_NODISCARD;

#endif
