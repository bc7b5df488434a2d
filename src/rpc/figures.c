#include "base/clock.h"
#include "base/mem.h"
#include "rpc/figures_priv.h"

#include <stdlib.h>

struct rpc_samples {
    uint64_t count;
    uint32_t ns
        [RPC_SAMPLES]; /* a ring; four seconds at most, which is where a call is too long anyway */
};

const double rpc_quantiles[RPC_QUANTILES] = {0.5, 0.75, 0.95, 0.99, 0.999, 0.9999};

int rpc_figures_init(struct rpc_figures *figures, size_t method_count)
{
    if (figures->all)
        return 0;
    figures->all = mem_alloc_zeroed(1, sizeof(*figures->all));
    figures->each = mem_alloc_zeroed(2 * method_count, sizeof(struct rpc_samples *));
    figures->method_count = method_count;
    if (!figures->all || !figures->each) {
        rpc_figures_release(figures);
        return ERR_NOMEM;
    }
    pthread_mutex_init(&figures->lock, NULL);
    atomic_store_explicit(&figures->counting, true, memory_order_release);
    return 0;
}

void rpc_figures_release(struct rpc_figures *figures)
{
    for (size_t i = 0; figures->each && i < 2 * figures->method_count; i++)
        mem_free(figures->each[i]);
    mem_free(figures->each);
    mem_free(figures->all);
    if (rpc_figures_wanted(figures))
        pthread_mutex_destroy(&figures->lock);
    *figures = (struct rpc_figures){.good = 0};
}

static void add(struct rpc_samples *samples, uint64_t ns)
{
    samples->ns[samples->count++ % RPC_SAMPLES] = ns < UINT32_MAX ? (uint32_t)ns : UINT32_MAX;
}

void rpc_figures_add(struct rpc_figures *figures, size_t index, bool good, uint64_t began_ns)
{
    uint64_t took = base_now_ns() - began_ns;
    struct rpc_samples **own = &figures->each[2 * index + !good];
    pthread_mutex_lock(&figures->lock);
    if (good)
        figures->good++;
    else
        figures->bad++;
    add(figures->all, took);
    if (!*own)
        *own = mem_alloc_zeroed(1, sizeof(**own)); /* without memory it is not counted */
    if (*own)
        add(*own, took);
    pthread_mutex_unlock(&figures->lock);
}

static int compare(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

/* Between the two samples that the quantile lies between (go-ethereum, metrics/sample.go). */
static uint64_t quantile(const uint32_t *sorted, size_t count, double p)
{
    double at = p * (double)(count + 1);
    if (at < 1)
        return sorted[0];
    if (at >= (double)count)
        return sorted[count - 1];
    size_t below = (size_t)at;
    double low = sorted[below - 1], high = sorted[below];
    return (uint64_t)(low + (at - (double)below) * (high - low));
}

static bool read_samples(struct rpc_figures *figures, const struct rpc_samples *samples,
                         struct rpc_timer *ret_timer)
{
    uint32_t sorted[RPC_SAMPLES];
    if (!samples)
        return false;
    pthread_mutex_lock(&figures->lock);
    size_t count = samples->count < RPC_SAMPLES ? (size_t)samples->count : RPC_SAMPLES;
    *ret_timer = (struct rpc_timer){.count = samples->count};
    memcpy(sorted, samples->ns, count * sizeof(*sorted));
    pthread_mutex_unlock(&figures->lock);
    if (!count)
        return true;
    qsort(sorted, count, sizeof(*sorted), compare);
    for (size_t i = 0; i < RPC_QUANTILES; i++)
        ret_timer->quantiles[i] = quantile(sorted, count, rpc_quantiles[i]);
    return true;
}

bool rpc_figures_read_all(struct rpc_figures *figures, struct rpc_timer *ret_timer)
{
    return read_samples(figures, figures->all, ret_timer);
}

bool rpc_figures_read(struct rpc_figures *figures, size_t index, bool good,
                      struct rpc_timer *ret_timer)
{
    pthread_mutex_lock(&figures->lock);
    const struct rpc_samples *samples = figures->each[2 * index + !good];
    pthread_mutex_unlock(&figures->lock);
    return read_samples(figures, samples, ret_timer);
}
