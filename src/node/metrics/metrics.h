/* --metrics: what the node counts, for Prometheus and InfluxDB, under the names of go-ethereum's registry. */
#ifndef NODE_METRICS_METRICS_H
#define NODE_METRICS_METRICS_H

#include "base/buf.h"
#include "io/loop.h"
#include "node/metrics/figures.h"

struct chain;
struct chain_pool;
struct node_manager;
struct p2p_server;
struct rpc;
struct node_metrics;

/* What the system says of itself and of this process. */
struct node_system {
    uint64_t sysload, syswait,
        procload;             /* percent of one processor, over the last NODE_SYSTEM_MS */
    uint64_t threads, memory; /* memory: bytes resident */
    uint64_t cpu_ms;          /* of this process */
    uint64_t reads, read_bytes, writes,
        written_bytes; /* system calls and bytes of this process, of files and sockets */
};

enum { NODE_SYSTEM_MS = 3000 };

/* What loads are the difference of, in ticks. */
struct node_ticks {
    uint64_t at_ms, system, wait, process;
};

/* Reads it; the loads are those since `before`, which becomes now. Zero where the system does not say. */
void node_system_load(struct node_system *system, struct node_ticks *before, uint64_t now_ms);
/* All but the loads, which stay. */
void node_system_read(struct node_system *system);

/* Borrowed; outlive the metrics. */
struct node_metrics_source {
    struct io_loop *loop;
    struct chain *chain;
    struct chain_pool *pool;
    struct p2p_server *server;
    struct node_manager *manager; /* NULL: none */
    struct rpc *rpc;              /* NULL: its calls are not shown */
    const struct node_figures *figures;
    const char *store; /* the chain's file; NULL: its size is not shown */
};

/* Of an InfluxDB 1 that they are pushed to. */
struct node_influx_options {
    const char *endpoint, *database, *username, *password;
    const char *tags; /* "key=value,…", of each point */
};

struct node_metrics_options {
    const char *host; /* to serve at; NULL: not */
    uint16_t port;
    const struct node_influx_options *influx; /* NULL: not */
};

/* Serves /debug/metrics/prometheus, /metrics (text) and /debug/metrics (JSON); /health (200 while the process serves) and /ready
 * (503 with the reason while a block waits for the transaction manager); pushes. ERR_IO: the address is in the
 * message; ERR_NOMEM. */
int node_metrics_start(struct node_metrics **ret_metrics, const struct node_metrics_source *source,
                       const struct node_metrics_options *options,
                       struct err_detail *detail) BASE_NODISCARD;
/* NULL is fine. */
void node_metrics_stop(struct node_metrics *metrics);

#endif
