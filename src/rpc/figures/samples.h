/* How often something happened and how long it took: a count with its rates, and the last times. Zeroed it is empty; belongs to one thread, or to
 * who has its lock. */
#ifndef RPC_FIGURES_SAMPLES_H
#define RPC_FIGURES_SAMPLES_H

#include "rpc/figures/rates.h"

enum {
    RPC_SAMPLES = 256, /* the last of a kind, for quantiles */
    RPC_QUANTILES = 6,
};

struct rpc_samples {
    uint64_t count;
    struct rpc_rates rates;
    uint64_t ns[RPC_SAMPLES]; /* a ring */
};

/* A timer as GoQuorum's metrics show one: times in ns, of the last RPC_SAMPLES; 0 when there were none. */
struct rpc_timer {
    uint64_t count;
    double quantiles[RPC_QUANTILES]; /* 0.5 … 0.9999 */
    uint64_t min, max;
    double mean, variance;
    struct rpc_rates rates;
};

/* Something that took `ns` is over. */
void rpc_samples_add(struct rpc_samples *samples, uint64_t ns, uint64_t now_ns);
/* Works out the timer. */
void rpc_samples_read(const struct rpc_samples *samples, uint64_t now_ns,
                      struct rpc_timer *ret_timer);

#endif
