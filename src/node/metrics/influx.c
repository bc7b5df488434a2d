#include "node/metrics/influx.h"

#include "base/clock.h"
#include "base/mem.h"
#include "influx/line.h"
#include "influx/push.h"
#include "io/timer.h"
#include "node/log/log.h"
#include "node/metrics/values.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct meter {
    struct rpc_rates rates;
    uint64_t seen;   /* counted up to the last step */
    uint64_t pushed; /* what a counter stood at */
};

struct node_influx {
    const struct node_metrics_source *source;
    struct node_system *system;
    struct influx_push *push;
    struct io_timer timer; /* of the meters' steps */
    struct meter *meters;  /* one a metric */
    struct buf tag_text;   /* what `tags` points into */
    struct influx_tags tags;
};

/* --- Meters --- */

/* What has been counted since the last step belongs to the one that ends now, even if the timer is a little before or behind it. */
static void step(struct node_influx *x)
{
    struct node_values values;
    uint64_t now = base_now_ns();
    node_values_gather(&values, x->source, x->system);
    for (size_t i = 0; i < node_metric_count; i++) {
        struct meter *meter = &x->meters[i];
        uint64_t count = node_metric_value(&values, &node_metrics[i]);
        meter->rates.uncounted += count > meter->seen ? count - meter->seen : 0;
        meter->seen = count;
        rpc_rates_advance(&meter->rates, now + (meter->rates.began_ns ? RPC_RATE_STEP_NS / 2 : 0));
    }
}

static void on_step(void *context)
{
    struct node_influx *x = context;
    io_timer_start(&x->timer, RPC_RATE_STEP_NS / 1000000);
    step(x);
}

/* --- Lines --- */

struct writing {
    struct node_influx *influx;
    struct buf *b;
    uint64_t wall_ns, now_ns;
};

static void begin_line(struct influx_line *line, const struct writing *w, const char *name,
                       const char *kind)
{
    char measurement[256];
    snprintf(measurement, sizeof(measurement), "geth.%s.%s", name, kind);
    influx_line_begin(line, w->b, measurement, &w->influx->tags);
}

static void write_rates(struct influx_line *line, const struct rpc_rates *rates)
{
    influx_line_real(line, "m1", rates->m1);
    influx_line_real(line, "m15", rates->m15);
    influx_line_real(line, "m5", rates->m5);
}

static void write_metric(const struct writing *w, const struct node_metric *metric, uint64_t value,
                         struct meter *meter)
{
    static const char *const kinds[] = {"gauge", "count", "meter"};
    bool meters = metric->kind == NODE_METRIC_METER, counts = metric->kind == NODE_METRIC_COUNTER;
    struct influx_line line;
    begin_line(&line, w, metric->name, kinds[metric->kind]);
    influx_line_integer(&line, meters ? "count" : "value", value - (counts ? meter->pushed : 0));
    if (meters) {
        write_rates(&line, &meter->rates);
        influx_line_real(&line, "mean", rpc_rates_mean(&meter->rates, value, w->now_ns));
    }
    influx_line_end(&line, w->wall_ns);
    meter->pushed = value;
}

static void write_timer(void *context, const char *name, const struct rpc_timer *timer)
{
    static const char *const percents[RPC_QUANTILES] = {"p50", "p75",  "p95",
                                                        "p99", "p999", "p9999"};
    const struct writing *w = context;
    struct influx_line line;
    begin_line(&line, w, name, "timer");
    influx_line_integer(&line, "count", timer->count);
    write_rates(&line, &timer->rates);
    influx_line_integer(&line, "max", timer->max);
    influx_line_real(&line, "mean", timer->mean);
    influx_line_real(&line, "meanrate", rpc_rates_mean(&timer->rates, timer->count, w->now_ns));
    influx_line_integer(&line, "min", timer->min);
    for (size_t i = 0; i < RPC_QUANTILES; i++)
        influx_line_real(&line, percents[i], timer->quantiles[i]);
    influx_line_real(&line, "stddev", sqrt(timer->variance));
    influx_line_real(&line, "variance", timer->variance);
    influx_line_end(&line, w->wall_ns);
}

static void write_lines(void *context, struct buf *b)
{
    struct node_influx *x = context;
    struct node_values values;
    struct timespec wall;
    clock_gettime(CLOCK_REALTIME, &wall);
    struct writing w = {x, b, (uint64_t)wall.tv_sec * 1000000000 + (uint64_t)wall.tv_nsec,
                        base_now_ns()};
    node_values_gather(&values, x->source, x->system);
    for (size_t i = 0; i < node_metric_count; i++)
        write_metric(&w, &node_metrics[i], node_metric_value(&values, &node_metrics[i]),
                     &x->meters[i]);
    node_values_timers(&values, x->source, write_timer, &w);
}

/* --- Life --- */

static void tell(void *context, bool well, const char *endpoint, const char *why)
{
    (void)context;
    if (well)
        NODE_LOG(NODE_LOG_INFO, "Metrics reach InfluxDB", node_text("endpoint", endpoint));
    else
        NODE_LOG(NODE_LOG_WARN, "Unable to send to InfluxDB", node_text("endpoint", endpoint),
                 node_text("err", why));
}

static void tell_left_out(void *context, struct bytes part)
{
    char text[128];
    (void)context;
    snprintf(text, sizeof(text), "%.*s", (int)(part.len < 100 ? part.len : 100),
             (const char *)part.data);
    NODE_LOG(NODE_LOG_WARN, "Tag of --metrics.influxdb.tags left out", node_text("tag", text),
             node_text("wanted", "key=value"));
}

int node_influx_start(struct node_influx **ret_influx, const struct node_metrics_source *source,
                      struct node_system *system, const struct node_influx_options *options,
                      struct err_detail *detail)
{
    struct node_influx *x = mem_alloc_zeroed(1, sizeof(*x));
    struct meter *meters = mem_alloc_zeroed(node_metric_count, sizeof(*meters));
    if (!x || !meters) {
        mem_free(x);
        mem_free(meters);
        return err_set(detail, ERR_NOMEM, "out of memory");
    }
    x->source = source;
    x->system = system;
    x->meters = meters;
    io_timer_init(&x->timer, source->loop, on_step, x);
    buf_append_text(&x->tag_text, options->tags);
    influx_tags_read(&x->tags, buf_text(&x->tag_text), tell_left_out, NULL);
    const struct influx_push_options push = {
        .endpoint = options->endpoint,
        .database = options->database,
        .username = options->username,
        .password = options->password,
        .query = "&consistency=&precision=&rp=", /* as go-ethereum's client asks */
        .every_ms = NODE_INFLUX_EVERY_MS,
        .write = write_lines,
        .tell = tell,
        .context = x,
    };
    int status = buf_status(&x->tag_text);
    if (status != ERR_OK)
        err_set(detail, status, "%s", err_text(status));
    else
        status = influx_push_start(&x->push, source->loop, &push, detail);
    if (status != ERR_OK) {
        node_influx_stop(x);
        if (status == ERR_INPUT)
            NODE_LOG(NODE_LOG_WARN, "Metrics are not sent to InfluxDB: --metrics.influxdb.endpoint",
                     node_text("err", detail->text));
        return status == ERR_INPUT ? ERR_OK : status;
    }
    on_step(x);
    NODE_LOG(NODE_LOG_INFO, "Enabling metrics export to InfluxDB");
    *ret_influx = x;
    return ERR_OK;
}

void node_influx_stop(struct node_influx *influx)
{
    if (!influx)
        return;
    io_timer_stop(&influx->timer);
    influx_push_stop(influx->push);
    buf_release(&influx->tag_text);
    mem_free(influx->meters);
    mem_free(influx);
}
