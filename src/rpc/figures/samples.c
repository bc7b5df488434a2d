#include "rpc/figures/samples.h"

#include <stdlib.h>
#include <string.h>

static const double quantiles[RPC_QUANTILES] = {0.5, 0.75, 0.95, 0.99, 0.999, 0.9999};

void rpc_samples_add(struct rpc_samples *samples, uint64_t ns)
{
    samples->ns[samples->count++ % RPC_SAMPLES] = ns;
}

static int compare(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

/* Between the two samples that the quantile lies between (go-ethereum, metrics/sample.go). */
static uint64_t quantile(const uint64_t *sorted, size_t count, double p)
{
    double at = p * (double)(count + 1);
    if (at < 1)
        return sorted[0];
    if (at >= (double)count)
        return sorted[count - 1];
    size_t below = (size_t)at;
    double low = (double)sorted[below - 1], high = (double)sorted[below];
    return (uint64_t)(low + (at - (double)below) * (high - low));
}

void rpc_samples_read(const struct rpc_samples *samples, struct rpc_timer *ret_timer)
{
    uint64_t sorted[RPC_SAMPLES];
    size_t count = samples->count < RPC_SAMPLES ? (size_t)samples->count : RPC_SAMPLES;
    *ret_timer = (struct rpc_timer){.count = samples->count};
    if (!count)
        return;
    memcpy(sorted, samples->ns, count * sizeof(*sorted));
    qsort(sorted, count, sizeof(*sorted), compare);
    for (size_t i = 0; i < RPC_QUANTILES; i++)
        ret_timer->quantiles[i] = quantile(sorted, count, quantiles[i]);
}
