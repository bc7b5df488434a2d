/* What the node counts of its own work, for --metrics. Everything on the loop. */
#ifndef NODE_METRICS_FIGURES_H
#define NODE_METRICS_FIGURES_H

#include "consensus/istanbul/config.h"
#include "rpc/figures/samples.h"

enum { NODE_ENGINES = ISTANBUL_QBFT + 1 };

/* Of IBFT and of QBFT (GoQuorum, consensus/istanbul/…/core/core.go). */
struct node_rounds {
    uint64_t heights;        /* gone through since the first */
    uint64_t rounds;         /* beyond the first ones */
    struct rpc_samples took; /* from a proposal to its commit */
};

struct node_figures {
    struct node_rounds rounds[NODE_ENGINES];
    struct rpc_samples inserts;            /* blocks of others: their execution and writing */
    uint64_t reorgs, dropped, put_instead; /* times that blocks were taken back, and blocks */
};

#endif
