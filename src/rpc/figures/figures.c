#include "base/clock.h"
#include "base/mem.h"
#include "rpc/figures/priv.h"

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
    rpc_rates_advance(&figures->all->rates, base_now_ns());
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

void rpc_figures_add(struct rpc_figures *figures, size_t index, bool good, uint64_t began_ns)
{
    uint64_t now = base_now_ns(), took = now - began_ns;
    struct rpc_samples **own = &figures->each[2 * index + !good];
    pthread_mutex_lock(&figures->lock);
    if (good)
        figures->good++;
    else
        figures->bad++;
    rpc_samples_add(figures->all, took, now);
    if (!*own)
        *own = mem_alloc_zeroed(1, sizeof(**own)); /* without memory it is not counted */
    if (*own)
        rpc_samples_add(*own, took, now);
    pthread_mutex_unlock(&figures->lock);
}

static bool read_samples(struct rpc_figures *figures, const struct rpc_samples *samples,
                         struct rpc_timer *ret_timer)
{
    if (!samples)
        return false;
    pthread_mutex_lock(&figures->lock);
    struct rpc_samples copy = *samples;
    pthread_mutex_unlock(&figures->lock);
    rpc_samples_read(&copy, base_now_ns(), ret_timer);
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
