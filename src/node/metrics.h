/* --metrics: what the node counts, for Prometheus, under the names of go-ethereum's registry. */
#ifndef NODE_METRICS_H
#define NODE_METRICS_H

#include "base/buf.h"
#include "io/loop.h"

struct chain;
struct chain_pool;
struct node_manager;
struct p2p_server;
struct node_metrics;

/* Borrowed; outlive the metrics. */
struct node_metrics_source {
    struct io_loop *loop;
    struct chain *chain;
    struct chain_pool *pool;
    struct p2p_server *server;
    struct node_manager *manager; /* NULL: none */
};

/* Serves /debug/metrics/prometheus, /metrics (text) and /debug/metrics (JSON); /health (200 while the process serves) and /ready
 * (503 with the reason while a block waits for the transaction manager). ERR_IO: the address is in the
 * message; ERR_NOMEM. */
int node_metrics_start(struct node_metrics **ret_metrics, const struct node_metrics_source *source,
                       const char *host, uint16_t port, struct err_detail *detail) BASE_NODISCARD;
/* NULL is fine. */
void node_metrics_stop(struct node_metrics *metrics);

/* The values as one of the two texts; for the server and its test. */
void node_metrics_write(struct buf *b, const struct node_metrics_source *source, bool json);

#endif
