/* How often something happened and how long it took: a count, and the quantiles of the last ones. Zeroed it is empty; belongs to one
 * thread, or to who has its lock. */
#ifndef RPC_FIGURES_SAMPLES_H
#define RPC_FIGURES_SAMPLES_H

#include "base/compiler.h"

enum {
    RPC_SAMPLES = 256, /* the last of a kind, for quantiles */
    RPC_QUANTILES = 6,
};

struct rpc_samples {
    uint64_t count;
    uint64_t ns[RPC_SAMPLES]; /* a ring */
};

/* A timer as GoQuorum's metrics show one. */
struct rpc_timer {
    uint64_t count;
    uint64_t quantiles[RPC_QUANTILES]; /* 0.5 … 0.9999, ns, of the last RPC_SAMPLES */
};

void rpc_samples_add(struct rpc_samples *samples, uint64_t ns);
/* The quantiles are worked out. */
void rpc_samples_read(const struct rpc_samples *samples, struct rpc_timer *ret_timer);

#endif
