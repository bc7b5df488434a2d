#include "node/metrics/metrics.h"

#include "base/mem.h"
#include "io/http.h"
#include "io/timer.h"
#include "node/manager.h"
#include "node/metrics/influx.h"
#include "node/metrics/text.h"
#include "rpc/figures/figures.h"

#include <stdio.h>

enum { CONNECTIONS_MAX = 16, BODY_MAX = 4096, WAIT_MS = 30000 };

struct node_metrics {
    struct node_metrics_source source;
    struct io_http_server *server;
    struct node_influx *influx;
    struct io_timer timer;
    struct node_system system;
    struct node_ticks ticks;
};

/* --- Serving --- */

static void answer_ready(struct io_http_request *request, const struct node_metrics *m)
{
    struct node_manager_state manager;
    char text[sizeof(manager.why.text) + 80];
    node_manager_look(m->source.manager, &manager);
    snprintf(text, sizeof(text), "a block waits for the private transaction manager: %s",
             manager.why.text);
    io_http_answer_text(request, manager.waits ? 503 : 200, manager.waits ? text : "ready");
}

static void on_time(void *context)
{
    struct node_metrics *m = context;
    node_system_load(&m->system, &m->ticks, io_loop_now(m->source.loop));
    io_timer_start(&m->timer, NODE_SYSTEM_MS);
}

static void on_request(void *context, struct io_http_request *request)
{
    struct node_metrics *m = context;
    static const struct io_http_field text = {"Content-Type", "text/plain; charset=utf-8"};
    static const struct io_http_field json = {"Content-Type", "application/json; charset=utf-8"};
    struct buf body = BUF_INIT;
    bool is_json = bytes_equal(request->path, bytes_str("/debug/metrics"));
    bool is_text = bytes_equal(request->path, bytes_str("/debug/metrics/prometheus")) ||
                   bytes_equal(request->path, bytes_str("/metrics"));
    if (bytes_equal(request->path, bytes_str("/ready"))) {
        answer_ready(request, m);
        return;
    }
    if (bytes_equal(request->path, bytes_str("/health"))) {
        io_http_answer_text(request, 200, "healthy");
        return;
    }
    if (!is_json && !is_text) {
        io_http_answer_text(request, 404, "404 page not found");
        return;
    }
    node_metrics_write(&body, &m->source, &m->system, is_json);
    io_http_answer(request, 200, is_json ? &json : &text, 1, &body);
    buf_release(&body);
}

static int serve(struct node_metrics *m, const char *host, uint16_t port, struct err_detail *detail)
{
    struct io_http_options options = {
        .context = m,
        .request = on_request,
        .body_max = BODY_MAX,
        .connections_max = CONNECTIONS_MAX,
        .read_ms = WAIT_MS,
        .write_ms = WAIT_MS,
        .idle_ms = WAIT_MS,
    };
    int status = io_http_new(&m->server, m->source.loop, &options);
    if (status != ERR_OK)
        return err_set(detail, status, "%s", err_text(status));
    return io_http_listen_tcp(m->server, host, port, detail);
}

int node_metrics_start(struct node_metrics **ret_metrics, const struct node_metrics_source *source,
                       const struct node_metrics_options *options, struct err_detail *detail)
{
    struct node_metrics *m = mem_alloc_zeroed(1, sizeof(*m));
    if (!m)
        return err_set(detail, ERR_NOMEM, "out of memory");
    m->source = *source;
    io_timer_init(&m->timer, source->loop, on_time, m);
    on_time(m);
    int status = source->rpc ? rpc_count_calls(source->rpc) : ERR_OK;
    if (status != ERR_OK)
        err_set(detail, status, "%s", err_text(status));
    if (status == ERR_OK && options->host)
        status = serve(m, options->host, options->port, detail);
    if (status == ERR_OK && options->influx)
        status = node_influx_start(&m->influx, &m->source, &m->system, options->influx, detail);
    if (status == ERR_OK)
        *ret_metrics = m;
    else
        node_metrics_stop(m);
    return status == ERR_OK ? status : err_prefix(detail, status, "metrics");
}

void node_metrics_stop(struct node_metrics *metrics_)
{
    if (!metrics_)
        return;
    io_timer_stop(&metrics_->timer);
    io_http_free(metrics_->server);
    node_influx_stop(metrics_->influx);
    mem_free(metrics_);
}
