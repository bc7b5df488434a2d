/* Events a second: the moving averages over one, five and fifteen minutes of go-ethereum's meters, which take a step each five seconds. No clock is
 * read here. Zeroed it is empty. */
#ifndef RPC_FIGURES_RATES_H
#define RPC_FIGURES_RATES_H

#include "base/compiler.h"

#include <stdbool.h>

#define RPC_RATE_STEP_NS 5000000000ull

struct rpc_rates {
    uint64_t began_ns, stepped_ns; /* by base_now_ns */
    uint64_t uncounted;            /* events since the last step */
    bool stepped;
    double m1, m5, m15;
};

/* Takes the steps up to now; the first call begins. */
void rpc_rates_advance(struct rpc_rates *rates, uint64_t now_ns);
/* Events a second since the beginning, of a meter that stands at `count`. */
double rpc_rates_mean(const struct rpc_rates *rates, uint64_t count, uint64_t now_ns);

#endif
