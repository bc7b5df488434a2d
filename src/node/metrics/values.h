/* The values of all metrics at one moment, and the table of their names. */
#ifndef NODE_METRICS_VALUES_H
#define NODE_METRICS_VALUES_H

#include "chain/pool/pool.h"
#include "node/metrics/metrics.h"
#include "p2p/server.h"

struct node_values {
    uint64_t head, transactions, gas_used, gas_limit, pending, queued, local, peers, store;
    uint64_t manager_waited, manager_failures;
    uint64_t requests, good, bad;
    struct chain_pool_stats pool;
    uint64_t pool_invalid;
    struct node_figures figures;
    struct p2p_traffic traffic;
    struct node_system system;
};

/* What geth's registry has under the name; to InfluxDB goes what a counter has gained. */
enum node_metric_kind {
    NODE_METRIC_GAUGE,
    NODE_METRIC_COUNTER,
    NODE_METRIC_METER, /* events, and how many a second */
};

struct node_metric {
    const char *name; /* with '/' */
    size_t offset;    /* in struct node_values: of a uint64_t */
    enum node_metric_kind kind;
};

extern const struct node_metric node_metrics[];
extern const size_t node_metric_count;

/* On the loop. */
void node_values_gather(struct node_values *ret_values, const struct node_metrics_source *source,
                        struct node_system *system);
uint64_t node_metric_value(const struct node_values *values, const struct node_metric *metric);

typedef void node_timer_fn(void *context, const char *name, const struct rpc_timer *timer);
/* Calls fn for each timer: the node's, then those of the calls. */
void node_values_timers(const struct node_values *values, const struct node_metrics_source *source,
                        node_timer_fn *fn, void *context);

#endif
