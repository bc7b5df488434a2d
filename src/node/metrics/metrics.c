#include "node/metrics/metrics.h"

#include "base/mem.h"
#include "chain/chain.h"
#include "chain/pool/pool.h"
#include "io/http.h"
#include "io/timer.h"
#include "node/manager.h"
#include "p2p/server.h"
#include "rpc/figures/figures.h"

#include <stdio.h>
#include <sys/stat.h>

enum { CONNECTIONS_MAX = 16, BODY_MAX = 4096, WAIT_MS = 30000 };

struct node_metrics {
    struct node_metrics_source source;
    struct io_http_server *server;
    struct io_timer timer;
    struct node_system system;
    struct node_ticks ticks;
};

/* --- Values --- */

struct values {
    uint64_t head, transactions, gas_used, gas_limit, pending, queued, local, peers, store;
    uint64_t manager_waited, manager_failures;
    uint64_t requests, good, bad;
    struct chain_pool_stats pool;
    uint64_t pool_invalid;
    struct node_figures figures;
    struct p2p_traffic traffic;
    struct node_system system;
};

static void gather_chain(struct values *v, const struct node_metrics_source *source)
{
    struct chain_head head;
    struct chain_pool_stats stats = {0};
    chain_head(source->chain, &head);
    v->head = head.block->header.number;
    v->transactions = head.block->body ? head.block->body->body.transaction_count : 0;
    v->gas_used = head.block->header.gas_used;
    v->gas_limit = head.block->header.gas_limit;
    chain_head_release(&head);
    chain_pool_stats(source->pool, &stats);
    v->pending = stats.pending;
    v->queued = stats.queued;
    v->local = stats.local;
    v->pool = stats;
    for (unsigned i = 0; i < CHAIN_POOL_STATUSES; i++)
        if (i != CHAIN_POOL_OK && i != CHAIN_POOL_ALREADY_KNOWN && i != CHAIN_POOL_UNDERPRICED &&
            i != CHAIN_POOL_REPLACE_UNDERPRICED && i != CHAIN_POOL_FULL)
            v->pool_invalid += stats.answers[i];
}

static void gather(struct values *v, const struct node_metrics_source *source,
                   struct node_system *system)
{
    struct node_manager_state manager;
    struct stat file;
    node_system_read(system);
    *v = (struct values){.system = *system};
    gather_chain(v, source);
    v->peers = p2p_server_peer_count(source->server);
    p2p_server_traffic(source->server, &v->traffic);
    node_manager_look(source->manager, &manager);
    if (source->figures)
        v->figures = *source->figures;
    v->manager_waited = manager.waited_ms;
    v->manager_failures = manager.failures;
    if (source->rpc)
        rpc_call_counts(source->rpc, &v->good, &v->bad);
    v->requests = v->good + v->bad;
    if (source->store && stat(source->store, &file) == 0)
        v->store = (uint64_t)file.st_blocks * 512;
}

/* The names are those of geth's registry, with '/'; Prometheus has '_' in its place. What counts events ("meters") has its number under
 * NAME.count in JSON. */
#define GAUGE(name, field) {name, offsetof(struct values, field), false}
#define METER(name, field) {name, offsetof(struct values, field), true}
static const struct {
    const char *name;
    size_t offset;
    bool counts;
} metrics[] = {
    GAUGE("chain/head/block", head),
    GAUGE("chain/head/header", head),
    GAUGE("chain/head/receipt", head),
    GAUGE("chain/head/transactions", transactions),
    GAUGE("chain/head/gasused", gas_used),
    GAUGE("chain/head/gaslimit", gas_limit),
    GAUGE("txpool/pending", pending),
    GAUGE("txpool/queued", queued),
    GAUGE("txpool/local", local),
    GAUGE("txpool/slots", pool.slots),
    METER("txpool/valid", pool.answers[CHAIN_POOL_OK]),
    METER("txpool/known", pool.answers[CHAIN_POOL_ALREADY_KNOWN]),
    METER("txpool/invalid", pool_invalid),
    METER("txpool/underpriced", pool.answers[CHAIN_POOL_UNDERPRICED]),
    METER("txpool/overflowed", pool.answers[CHAIN_POOL_FULL]),
    METER("txpool/pending/replace", pool.replaced),
    METER("txpool/pending/discard", pool.answers[CHAIN_POOL_REPLACE_UNDERPRICED]),
    METER("txpool/queued/eviction", pool.evicted),
    METER("chain/reorg/executes", figures.reorgs),
    METER("chain/reorg/add", figures.put_instead),
    METER("chain/reorg/drop", figures.dropped),
    METER("consensus/istanbul/core/round", figures.rounds[ISTANBUL_IBFT].rounds),
    METER("consensus/istanbul/core/sequence", figures.rounds[ISTANBUL_IBFT].heights),
    METER("consensus/istanbul/qbft/core/round", figures.rounds[ISTANBUL_QBFT].rounds),
    METER("consensus/istanbul/qbft/core/sequence", figures.rounds[ISTANBUL_QBFT].heights),
    GAUGE("p2p/peers", peers),
    METER("p2p/ingress", traffic.ingress),
    METER("p2p/egress", traffic.egress),
    METER("p2p/serves", traffic.serves),
    METER("p2p/dials", traffic.dials),
    GAUGE("rpc/requests", requests),
    GAUGE("rpc/success", good),
    GAUGE("rpc/failure", bad),
    GAUGE("eth/db/chaindata/disk/size", store),
    GAUGE("system/memory/used", system.memory),
    GAUGE("system/memory/held", system.memory),
    GAUGE("system/cpu/sysload", system.sysload),
    GAUGE("system/cpu/syswait", system.syswait),
    GAUGE("system/cpu/procload", system.procload),
    GAUGE("system/cpu/threads", system.threads),
    GAUGE("system/cpu/proctime", system.cpu_ms),
    METER("system/disk/readcount", system.reads),
    METER("system/disk/readdata", system.read_bytes),
    GAUGE("system/disk/readbytes", system.read_bytes),
    METER("system/disk/writecount", system.writes),
    METER("system/disk/writedata", system.written_bytes),
    GAUGE("system/disk/writebytes", system.written_bytes),
    /* Not geth's: how long a block has been waiting for the private transaction manager, in ms. */
    GAUGE("quorum/ptm/waiting", manager_waited),
    GAUGE("quorum/ptm/failures", manager_failures),
};

/* --- Writing --- */

struct writing {
    struct buf *b;
    bool json;
};

static void write_key(struct buf *b, const char *name)
{
    for (; *name; name++)
        buf_append_byte(b, *name == '/' ? '_' : (uint8_t)*name);
}

static void write_timer(const struct writing *w, const char *key, const struct rpc_timer *timer)
{
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

static void write_call(void *context, const char *name, const struct rpc_timer *timer)
{
    char key[192];
    snprintf(key, sizeof(key), "rpc/duration/%s", name);
    write_timer(context, key, timer);
}

static void write_samples(const struct writing *w, const char *key,
                          const struct rpc_samples *samples)
{
    struct rpc_timer timer;
    rpc_samples_read(samples, &timer);
    write_timer(w, key, &timer);
}

/* The values as one of the two texts. */
static void write_values(struct buf *b, const struct node_metrics_source *source,
                         struct node_system *system, bool json)
{
    struct values values;
    struct writing w = {b, json};
    gather(&values, source, system);
    buf_append_text(b, json ? "{\n" : "");
    for (size_t i = 0; i < BASE_COUNT(metrics); i++) {
        unsigned long long value =
            *(const uint64_t *)(const void *)((const char *)&values + metrics[i].offset);
        if (json) {
            buf_append_format(b, "%s\"%s%s\": %llu", i ? ",\n" : "", metrics[i].name,
                              metrics[i].counts ? ".count" : "", value);
            continue;
        }
        buf_append_text(b, "# TYPE ");
        write_key(b, metrics[i].name);
        buf_append_text(b, " gauge\n");
        write_key(b, metrics[i].name);
        buf_append_format(b, " %llu\n\n", value);
    }
    write_samples(&w, "chain/inserts", &values.figures.inserts);
    write_samples(&w, "consensus/istanbul/core/consensus",
                  &values.figures.rounds[ISTANBUL_IBFT].took);
    write_samples(&w, "consensus/istanbul/qbft/core/consensus",
                  &values.figures.rounds[ISTANBUL_QBFT].took);
    if (source->rpc)
        rpc_call_timers(source->rpc, write_call, &w);
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
    write_values(&body, &m->source, &m->system, is_json);
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
    io_timer_init(&m->timer, source->loop, on_time, m);
    on_time(m);
    struct io_http_options options = {
        .context = m,
        .request = on_request,
        .body_max = BODY_MAX,
        .connections_max = CONNECTIONS_MAX,
        .read_ms = WAIT_MS,
        .write_ms = WAIT_MS,
        .idle_ms = WAIT_MS,
    };
    int status = source->rpc ? rpc_count_calls(source->rpc) : ERR_OK;
    if (status == ERR_OK)
        status = io_http_new(&m->server, source->loop, &options);
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
    io_timer_stop(&metrics_->timer);
    io_http_free(metrics_->server);
    mem_free(metrics_);
}
