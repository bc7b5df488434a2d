/* How many calls there were, and how long they took: the timers of GoQuorum's rpc/metrics.go, for --metrics. On the loop's thread, but what counts. */
#ifndef RPC_FIGURES_FIGURES_H
#define RPC_FIGURES_FIGURES_H

#include "rpc/figures/samples.h"
#include "rpc/rpc.h"

/* From now on calls are counted. ERR_NOMEM. */
int rpc_count_calls(struct rpc *rpc) BASE_NODISCARD;
/* Calls that went well, and that did not; 0 before rpc_count_calls. Subscribing, unknown methods and wrong parameters do not count,
 * as in the reference. */
void rpc_call_counts(struct rpc *rpc, uint64_t *ret_good, uint64_t *ret_bad);
/* Calls fn for "all", then for each method that was called: "eth_call/success", "eth_call/failure". */
void rpc_call_timers(struct rpc *rpc,
                     void (*fn)(void *context, const char *name, const struct rpc_timer *timer),
                     void *context);

#endif
