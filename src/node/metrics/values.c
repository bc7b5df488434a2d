#include "node/metrics/values.h"

#include "base/clock.h"
#include "chain/chain.h"
#include "node/manager.h"
#include "rpc/figures/figures.h"

#include <stdio.h>
#include <sys/stat.h>

static void gather_chain(struct node_values *v, const struct node_metrics_source *source)
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

void node_values_gather(struct node_values *ret_values, const struct node_metrics_source *source,
                        struct node_system *system)
{
    struct node_values *v = ret_values;
    struct node_manager_state manager;
    struct stat file;
    node_system_read(system);
    *v = (struct node_values){.system = *system};
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

/* The names are those of geth's registry. */
#define GAUGE(name, field)   {name, offsetof(struct node_values, field), NODE_METRIC_GAUGE}
#define COUNTER(name, field) {name, offsetof(struct node_values, field), NODE_METRIC_COUNTER}
#define METER(name, field)   {name, offsetof(struct node_values, field), NODE_METRIC_METER}
const struct node_metric node_metrics[] = {
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
    COUNTER("system/disk/readbytes", system.read_bytes),
    METER("system/disk/writecount", system.writes),
    METER("system/disk/writedata", system.written_bytes),
    COUNTER("system/disk/writebytes", system.written_bytes),
    /* Not geth's: how long a block has been waiting for the private transaction manager, in ms. */
    GAUGE("quorum/ptm/waiting", manager_waited),
    GAUGE("quorum/ptm/failures", manager_failures),
};
const size_t node_metric_count = BASE_COUNT(node_metrics);

uint64_t node_metric_value(const struct node_values *values, const struct node_metric *metric)
{
    return *(const uint64_t *)(const void *)((const char *)values + metric->offset);
}

/* --- Timers --- */

struct telling {
    node_timer_fn *fn;
    void *context;
};

static void tell_call(void *context, const char *name, const struct rpc_timer *timer)
{
    const struct telling *telling = context;
    char key[192];
    snprintf(key, sizeof(key), "rpc/duration/%s", name);
    telling->fn(telling->context, key, timer);
}

void node_values_timers(const struct node_values *values, const struct node_metrics_source *source,
                        node_timer_fn *fn, void *context)
{
    const struct node_figures *figures = &values->figures;
    const struct {
        const char *name;
        const struct rpc_samples *samples;
    } own[] = {
        {"chain/inserts", &figures->inserts},
        {"consensus/istanbul/core/consensus", &figures->rounds[ISTANBUL_IBFT].took},
        {"consensus/istanbul/qbft/core/consensus", &figures->rounds[ISTANBUL_QBFT].took},
    };
    struct telling telling = {fn, context};
    for (size_t i = 0; i < BASE_COUNT(own); i++) {
        struct rpc_timer timer;
        rpc_samples_read(own[i].samples, base_now_ns(), &timer);
        fn(context, own[i].name, &timer);
    }
    if (source->rpc)
        rpc_call_timers(source->rpc, tell_call, &telling);
}
