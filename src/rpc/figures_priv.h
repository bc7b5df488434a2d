/* The counting itself, for dispatch. */
#ifndef RPC_FIGURES_PRIV_H
#define RPC_FIGURES_PRIV_H

#include "rpc/figures.h"

struct rpc_samples;

struct rpc_figures {
    uint64_t good, bad;
    struct rpc_samples *all;
    struct rpc_samples *
        *each; /* two for each method, by its place in the table: good, bad; NULL: not called yet */
    size_t method_count;
};

int rpc_figures_init(struct rpc_figures *figures, size_t method_count) BASE_NODISCARD;
void rpc_figures_release(struct rpc_figures *figures);
/* A call of the method at `index` that began at `began_ns` is over. */
void rpc_figures_add(struct rpc_figures *figures, size_t index, bool good, uint64_t began_ns);
/* What they are now; false: none yet. */
bool rpc_figures_read(const struct rpc_samples *samples, struct rpc_timer *ret_timer);

#endif
