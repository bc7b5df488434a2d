/* The counting itself, for dispatch. */
#ifndef RPC_FIGURES_PRIV_H
#define RPC_FIGURES_PRIV_H

#include "rpc/figures/figures.h"

#include <pthread.h>
#include <stdatomic.h>

/* From any thread, once there are some. */
struct rpc_figures {
    atomic_bool counting; /* the rest is there */
    pthread_mutex_t lock;
    uint64_t good, bad;
    struct rpc_samples *all;
    struct rpc_samples *
        *each; /* two for each method, by its place in the table: good, bad; NULL: not called yet */
    size_t method_count;
};

/* Whether calls are counted. */
static inline bool rpc_figures_wanted(const struct rpc_figures *figures)
{
    return atomic_load_explicit(&figures->counting, memory_order_acquire);
}

int rpc_figures_init(struct rpc_figures *figures, size_t method_count) BASE_NODISCARD;
void rpc_figures_release(struct rpc_figures *figures);
/* A call of the method at `index` that began at `began_ns` is over. */
void rpc_figures_add(struct rpc_figures *figures, size_t index, bool good, uint64_t began_ns);
/* What they are now: of all calls, or of the good or bad ones of the method at `index`; false: there were none. */
bool rpc_figures_read_all(struct rpc_figures *figures, struct rpc_timer *ret_timer);
bool rpc_figures_read(struct rpc_figures *figures, size_t index, bool good,
                      struct rpc_timer *ret_timer);

#endif
