#include "rpc/figures/samples.h"

#include <stdlib.h>
#include <string.h>

static const double quantiles[RPC_QUANTILES] = {0.5, 0.75, 0.95, 0.99, 0.999, 0.9999};

void rpc_samples_add(struct rpc_samples *samples, uint64_t ns, uint64_t now_ns)
{
    rpc_rates_advance(&samples->rates, now_ns);
    samples->rates.uncounted++;
    samples->ns[samples->count++ % RPC_SAMPLES] = ns;
}

static int compare(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

/* Between the two samples that the quantile lies between (go-ethereum, metrics/sample.go). */
static double quantile(const uint64_t *sorted, size_t count, double p)
{
    double at = p * (double)(count + 1);
    if (at < 1)
        return (double)sorted[0];
    if (at >= (double)count)
        return (double)sorted[count - 1];
    size_t below = (size_t)at;
    double low = (double)sorted[below - 1], high = (double)sorted[below];
    return low + (at - (double)below) * (high - low);
}

static void read_spread(const uint64_t *sorted, size_t count, struct rpc_timer *timer)
{
    for (size_t i = 0; i < count; i++)
        timer->mean += (double)sorted[i] / (double)count;
    for (size_t i = 0; i < count; i++) {
        double off = (double)sorted[i] - timer->mean;
        timer->variance += off * off / (double)count;
    }
    timer->min = sorted[0];
    timer->max = sorted[count - 1];
}

void rpc_samples_read(const struct rpc_samples *samples, uint64_t now_ns,
                      struct rpc_timer *ret_timer)
{
    uint64_t sorted[RPC_SAMPLES];
    size_t count = samples->count < RPC_SAMPLES ? (size_t)samples->count : RPC_SAMPLES;
    *ret_timer = (struct rpc_timer){.count = samples->count, .rates = samples->rates};
    if (!count)
        return;
    rpc_rates_advance(&ret_timer->rates, now_ns);
    memcpy(sorted, samples->ns, count * sizeof(*sorted));
    qsort(sorted, count, sizeof(*sorted), compare);
    for (size_t i = 0; i < RPC_QUANTILES; i++)
        ret_timer->quantiles[i] = quantile(sorted, count, quantiles[i]);
    read_spread(sorted, count, ret_timer);
}
