#include "node/metrics.h"

#include "base/mem.h"
#include "chain/chain.h"
#include "chain/pool.h"
#include "io/http.h"
#include "node/manager.h"
#include "p2p/server.h"

#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 16, BODY_MAX = 4096, WAIT_MS = 30000 };

struct node_metrics {
    struct node_metrics_source source;
    struct io_http_server *server;
};

/* --- Values --- */

struct values {
    uint64_t head, transactions, gas_used, gas_limit, pending, queued, peers, memory, cpu_ms;
    uint64_t manager_waited, manager_failures;
};

static uint64_t resident_bytes(void)
{
    unsigned long long size = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    bool read = f && fscanf(f, "%llu %llu", &size, &resident) == 2;
    if (f)
        fclose(f);
    return read ? resident * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

static void gather(struct values *v, const struct node_metrics_source *source)
{
    struct chain_head head;
    struct chain_pool_stats stats = {0};
    struct node_manager_state manager;
    struct rusage usage;
    *v = (struct values){.memory = resident_bytes()};
    chain_head(source->chain, &head);
    v->head = head.block->header.number;
    v->transactions = head.block->body ? head.block->body->body.transaction_count : 0;
    v->gas_used = head.block->header.gas_used;
    v->gas_limit = head.block->header.gas_limit;
    chain_head_release(&head);
    chain_pool_stats(source->pool, &stats);
    v->pending = stats.pending;
    v->queued = stats.queued;
    v->peers = p2p_server_peer_count(source->server);
    node_manager_look(source->manager, &manager);
    v->manager_waited = manager.waited_ms;
    v->manager_failures = manager.failures;
    if (getrusage(RUSAGE_SELF, &usage) == 0)
        v->cpu_ms = (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
                    (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000;
}

/* The names are those of geth's registry, with '/'; Prometheus has '_' in its place. */
static const struct {
    const char *name;
    size_t offset;
} metrics[] = {
    {"chain/head/block", offsetof(struct values, head)},
    {"chain/head/header", offsetof(struct values, head)},
    {"chain/head/receipt", offsetof(struct values, head)},
    {"chain/head/transactions", offsetof(struct values, transactions)},
    {"chain/head/gasused", offsetof(struct values, gas_used)},
    {"chain/head/gaslimit", offsetof(struct values, gas_limit)},
    {"txpool/pending", offsetof(struct values, pending)},
    {"txpool/queued", offsetof(struct values, queued)},
    {"p2p/peers", offsetof(struct values, peers)},
    {"system/memory/used", offsetof(struct values, memory)},
    {"system/memory/held", offsetof(struct values, memory)},
    {"system/cpu/proctime", offsetof(struct values, cpu_ms)},
    /* Not geth's: how long a block has been waiting for the private transaction manager, in ms. */
    {"quorum/ptm/waiting", offsetof(struct values, manager_waited)},
    {"quorum/ptm/failures", offsetof(struct values, manager_failures)},
};

void node_metrics_write(struct buf *b, const struct node_metrics_source *source, bool json)
{
    struct values values;
    gather(&values, source);
    buf_append_text(b, json ? "{\n" : "");
    for (size_t i = 0; i < BASE_COUNT(metrics); i++) {
        unsigned long long value =
            *(const uint64_t *)(const void *)((const char *)&values + metrics[i].offset);
        char name[64];
        snprintf(name, sizeof(name), "%s", metrics[i].name);
        for (char *c = name; *c && !json; c++)
            *c = *c == '/' ? '_' : *c;
        if (json)
            buf_append_format(b, "%s\"%s\": %llu", i ? ",\n" : "", name, value);
        else
            buf_append_format(b, "# TYPE %s gauge\n%s %llu\n\n", name, name, value);
    }
    buf_append_text(b, json ? "\n}\n" : "");
}

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

static void on_request(void *context, struct io_http_request *request)
{
    const struct node_metrics *m = context;
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
    node_metrics_write(&body, &m->source, is_json);
    io_http_answer(request, 200, is_json ? &json : &text, 1, &body);
    buf_release(&body);
}

int node_metrics_start(struct node_metrics **ret_metrics, const struct node_metrics_source *source,
                       const char *host, uint16_t port, struct err_detail *detail)
{
    struct node_metrics *m = mem_alloc_zeroed(1, sizeof(*m));
    if (!m)
        return err_set(detail, ERR_NOMEM, "out of memory");
    m->source = *source;
    struct io_http_options options = {
        .context = m,
        .request = on_request,
        .body_max = BODY_MAX,
        .connections_max = CONNECTIONS_MAX,
        .read_ms = WAIT_MS,
        .write_ms = WAIT_MS,
        .idle_ms = WAIT_MS,
    };
    int status = io_http_new(&m->server, source->loop, &options);
    if (status == ERR_OK)
        status = io_http_listen_tcp(m->server, host, port, detail);
    else
        err_set(detail, status, "%s", err_text(status));
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
    io_http_free(metrics_->server);
    mem_free(metrics_);
}
