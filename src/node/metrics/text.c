/* The metrics as text for Prometheus, where names have '_' in place of '/', and as JSON, where the number of what counts events is NAME.count. */
#include "node/metrics/text.h"

#include "node/metrics/values.h"

struct writing {
    struct buf *b;
    bool json;
};

static void write_key(struct buf *b, const char *name)
{
    for (; *name; name++)
        buf_append_byte(b, *name == '/' ? '_' : (uint8_t)*name);
}

static void write_timer(void *context, const char *key, const struct rpc_timer *timer)
{
    const struct writing *w = context;
    static const char *const percents[RPC_QUANTILES] = {"50", "75", "95", "99", "999", "9999"};
    struct buf *b = w->b;
    if (w->json) {
        buf_append_format(b, ",\n\"%s.count\": %llu", key, (unsigned long long)timer->count);
        for (size_t i = 0; i < RPC_QUANTILES; i++)
            buf_append_format(b, ",\n\"%s.%s-percentile\": %llu", key, percents[i],
                              (unsigned long long)timer->quantiles[i]);
        return;
    }
    buf_append_text(b, "# TYPE ");
    write_key(b, key);
    buf_append_text(b, "_count counter\n");
    write_key(b, key);
    buf_append_format(b, "_count %llu\n\n# TYPE ", (unsigned long long)timer->count);
    write_key(b, key);
    buf_append_text(b, " summary\n");
    for (size_t i = 0; i < RPC_QUANTILES; i++) {
        write_key(b, key);
        buf_append_format(b, " {quantile=\"0.%s\"} %llu\n", i ? percents[i] : "5",
                          (unsigned long long)timer->quantiles[i]);
    }
    buf_append_byte(b, '\n');
}

void node_metrics_write(struct buf *b, const struct node_metrics_source *source,
                        struct node_system *system, bool json)
{
    struct node_values values;
    struct writing w = {b, json};
    node_values_gather(&values, source, system);
    buf_append_text(b, json ? "{\n" : "");
    for (size_t i = 0; i < node_metric_count; i++) {
        const struct node_metric *metric = &node_metrics[i];
        unsigned long long value = node_metric_value(&values, metric);
        if (json) {
            buf_append_format(b, "%s\"%s%s\": %llu", i ? ",\n" : "", metric->name,
                              metric->kind == NODE_METRIC_METER ? ".count" : "", value);
            continue;
        }
        buf_append_text(b, "# TYPE ");
        write_key(b, metric->name);
        buf_append_text(b, " gauge\n");
        write_key(b, metric->name);
        buf_append_format(b, " %llu\n\n", value);
    }
    node_values_timers(&values, source, write_timer, &w);
    buf_append_text(b, json ? "\n}\n" : "");
}
