#include "p2p/eth/local.h"

#include "base/mem.h"
#include "chain/config/forkid.h"
#include "chain/nodes.h"
#include "p2p/eth/link.h"

#include <sys/random.h>

enum {
    PROTOCOLS = 5,
    /* The pool is not given transactions of peers beyond this many waiting recoveries. */
    RECOVERIES_MAX = 64,
    LOOK_AT_ONE_OF = 16, /* messages that come while the pool is full */
    SECOND = 1000,
};

struct p2p_local {
    struct p2p_local_options options;
    struct p2p_eth *eth;
    struct p2p_istanbul *istanbul;
    struct p2p_qlight *qlight;
    struct p2p_protocol protocols[PROTOCOLS];
    size_t protocol_count;
    struct io_timer timer, second;
    struct io_worker *recovery;
    struct chain_nodes nodes;
    uint64_t random;      /* state of ids */
    unsigned turned_away; /* messages since the pool was full */
};

/* --- The chain --- */

static void head(void *context, struct p2p_eth_head *ret_head)
{
    const struct p2p_local *l = context;
    struct chain_head h;
    chain_head(l->options.chain, &h);
    *ret_head = (struct p2p_eth_head){.hash = h.block->hash,
                                      .number = h.block->header.number,
                                      .time = h.block->header.timestamp,
                                      .td = h.total_difficulty};
    chain_head_release(&h);
}

static void fork_id(void *context, struct p2p_eth_fork_id *ret_fork)
{
    const struct p2p_local *l = context;
    struct p2p_eth_head h;
    head(context, &h);
    struct chain_forkid id =
        chain_forkid(chain_configuration(l->options.chain),
                     &chain_genesis_of(l->options.chain)->hash, h.number, h.time);
    memcpy(ret_fork->hash, id.hash, sizeof(id.hash));
    ret_fork->next = id.next;
}

static const char *fork_check(void *context, const struct p2p_eth_fork_id *fork)
{
    const struct p2p_local *l = context;
    struct p2p_eth_head h;
    struct chain_forkid id = {.next = fork->next};
    memcpy(id.hash, fork->hash, sizeof(id.hash));
    head(context, &h);
    enum chain_forkid_verdict verdict =
        chain_forkid_check(chain_configuration(l->options.chain),
                           &chain_genesis_of(l->options.chain)->hash, h.number, h.time, &id);
    return verdict == CHAIN_FORKID_OK ? NULL : chain_forkid_verdict_text(verdict);
}

static int hash_at(void *context, uint64_t number, struct hash256 *ret_hash)
{
    struct p2p_local *l = context;
    struct chain_reader reader;
    int status = chain_reader_open(&reader, l->options.chain);
    if (status != ERR_OK)
        return status;
    status = chain_reader_hash(&reader, ret_hash, number);
    chain_reader_close(&reader);
    return status;
}

static int number_of(void *context, const struct hash256 *hash, uint64_t *ret_number)
{
    struct p2p_local *l = context;
    struct chain_reader reader;
    int status = chain_reader_open(&reader, l->options.chain);
    if (status != ERR_OK)
        return status;
    status = chain_reader_number(&reader, ret_number, hash);
    chain_reader_close(&reader);
    return status;
}

static int read_part(struct chain_reader *reader, uint64_t number, enum p2p_eth_part part,
                     struct buf *b)
{
    struct bytes rlp;
    if (part != P2P_ETH_HEADER && part != P2P_ETH_BODY)
        return chain_reader_receipts_rlp(reader, b, number);
    int status = part == P2P_ETH_HEADER ? chain_reader_header_rlp(reader, &rlp, number)
                                        : chain_reader_body_rlp(reader, &rlp, number);
    if (status != ERR_OK)
        return status;
    size_t list = part == P2P_ETH_BODY ? rlp_begin(b) : 0;
    rlp_write_raw(b, rlp);
    if (part == P2P_ETH_BODY)
        rlp_end_list(b, list);
    return buf_status(b);
}

static int read_block(void *context, uint64_t number, enum p2p_eth_part part, struct buf *b)
{
    struct p2p_local *l = context;
    struct chain_reader reader;
    int status = chain_reader_open(&reader, l->options.chain);
    if (status != ERR_OK)
        return status;
    status = read_part(&reader, number, part, b);
    chain_reader_close(&reader);
    return status;
}

static int node_data(void *context, const struct hash256 *hash, struct buf *b)
{
    struct p2p_local *l = context;
    struct chain_reader reader;
    int status = chain_reader_open(&reader, l->options.chain);
    if (status != ERR_OK)
        return status;
    status = chain_nodes_get(&l->nodes, b, &reader, hash);
    chain_reader_close(&reader);
    return status;
}

static int import(void *context, struct chain_block *const *blocks, size_t count,
                  p2p_eth_imported_fn *done, void *done_context)
{
    const struct p2p_local *l = context;
    return l->options.import(l->options.context, blocks, count, done, done_context);
}

static void report(void *context, enum p2p_eth_level level, const char *message)
{
    const struct p2p_local *l = context;
    if (l->options.report)
        l->options.report(l->options.context, level, message);
}

/* --- The pool --- */

static struct chain_tx *transaction(void *context, const struct hash256 *hash)
{
    const struct p2p_local *l = context;
    return chain_pool_get(l->options.pool, hash);
}

static bool has_transaction(void *context, const struct hash256 *hash)
{
    const struct p2p_local *l = context;
    return chain_pool_has(l->options.pool, hash);
}

struct visit {
    void (*fn)(void *context, const struct chain_tx *tx);
    void *context;
};

static bool visit_account(void *context, const struct address *sender, struct chain_tx *const *txs,
                          size_t count, size_t pending)
{
    const struct visit *v = context;
    (void)sender;
    (void)count;
    for (size_t i = 0; i < pending; i++)
        v->fn(v->context, txs[i]);
    return true;
}

static void each_pending(void *context, void (*visit)(void *context, const struct chain_tx *tx),
                         void *visit_context)
{
    const struct p2p_local *l = context;
    struct visit v = {visit, visit_context};
    /* Some are not announced, then; they come when they are asked for, or in a block. */
    if (chain_pool_visit(l->options.pool, visit_account, &v) != ERR_OK)
        report(context, P2P_ETH_WARN, "not all that waits could be announced: out of memory");
}

/* Transactions on their way: recovered on the worker, then offered on the loop. */
struct offer {
    struct p2p_local *local;
    bool is_local;
    int status;
    struct eth_rules rules;
    p2p_local_added_fn *added;
    p2p_eth_taken_fn *taken;
    void *context;
    size_t count;
    struct chain_tx **txs;
    enum eth_tx_status *recovered;
    enum chain_pool_status *statuses;
};

static void offer_recover(void *context)
{
    struct offer *o = context;
    o->status =
        chain_txs_recover(o->txs, o->recovered, o->count, &o->rules, o->local->options.threads);
}

static void offer_free(struct offer *o)
{
    for (size_t i = 0; i < o->count; i++)
        chain_tx_unref(o->txs[i]);
    mem_free(o->txs);
    mem_free(o->recovered);
    mem_free(o->statuses);
    mem_free(o);
}

static void offer_done(void *context)
{
    struct offer *o = context;
    struct p2p_local *l = o->local;
    if (o->status == ERR_OK)
        o->status = chain_pool_add(l->options.pool, o->txs, o->count, o->is_local,
                                   io_loop_now(l->options.loop), o->statuses);
    if (o->added)
        o->added(o->context, o->status, o->statuses, o->count);
    if (o->taken)
        o->taken(o->context);
    offer_free(o);
}

static struct offer *offer_new(struct p2p_local *l, struct chain_tx *const *txs, size_t count)
{
    struct offer *o = mem_alloc_zeroed(1, sizeof(*o));
    if (!o)
        return NULL;
    o->local = l;
    o->txs = mem_alloc((count + 1) * sizeof(struct chain_tx *));
    o->recovered = mem_alloc_zeroed(count + 1, sizeof(*o->recovered));
    o->statuses = mem_alloc_zeroed(count + 1, sizeof(*o->statuses));
    if (!o->txs || !o->recovered || !o->statuses) {
        offer_free(o);
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
        o->txs[o->count++] = txs[i];
    l->options.rules(l->options.context, &o->rules);
    return o;
}

static int offer_run(struct p2p_local *l, struct offer *o, struct chain_tx *const *txs,
                     size_t count)
{
    if (!o) {
        for (size_t i = 0; i < count; i++)
            chain_tx_unref(txs[i]);
        return ERR_NOMEM;
    }
    int status = io_worker_run(l->recovery, offer_recover, offer_done, o);
    if (status != ERR_OK)
        offer_free(o);
    return status;
}

static int take(void *context, struct chain_tx *const *txs, size_t count, p2p_eth_taken_fn *done,
                void *done_context)
{
    struct p2p_local *l = context;
    struct offer *o = offer_new(l, txs, count);
    if (o) {
        o->taken = done;
        o->context = done_context;
    }
    return offer_run(l, o, txs, count);
}

int p2p_local_add(struct p2p_local *l, struct chain_tx *const *txs, size_t count, bool is_local,
                  p2p_local_added_fn *done, void *context)
{
    struct offer *o = offer_new(l, txs, count);
    if (o) {
        o->is_local = is_local;
        o->added = done;
        o->context = context;
    }
    return offer_run(l, o, txs, count);
}

/* A full pool still looks at some, since they may be better than what it has (more gas paid, a sender who has none
 * waiting), but not at all: recovering senders to refuse them is what makes an overloaded node slow. What is turned away
 * is offered again by the node whose client sent it. */
static bool is_full(void *context)
{
    struct p2p_local *l = context;
    if (io_worker_pending(l->recovery) > RECOVERIES_MAX)
        return true;
    return chain_pool_pressure(l->options.pool, false) >= CHAIN_POOL_PRESSURE_HIGH &&
           ++l->turned_away % LOOK_AT_ONE_OF != 0;
}

/* --- The world --- */

static uint64_t now(void *context)
{
    const struct p2p_local *l = context;
    return io_loop_now(l->options.loop);
}

static void tick(void *context)
{
    struct p2p_local *l = context;
    p2p_eth_tick(l->eth);
}

static void wake(void *context, uint64_t at)
{
    struct p2p_local *l = context;
    uint64_t present = now(context);
    if (at == UINT64_MAX)
        io_timer_stop(&l->timer);
    else
        io_timer_start(&l->timer, at > present ? at - present : 0);
}

/* splitmix64, seeded by the system: an id need not be secret, a peer that guesses it answers its own request. */
static uint64_t next_random(void *context)
{
    struct p2p_local *l = context;
    uint64_t z = l->random += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static void syncing(void *context, bool is_syncing)
{
    const struct p2p_local *l = context;
    if (l->options.syncing)
        l->options.syncing(l->options.context, is_syncing);
}

/* --- Connections: eth --- */

static void eth_opened(void *context, struct p2p_peer *peer)
{
    struct p2p_local *l = context;
    struct p2p_eth_link *link = mem_alloc_zeroed(1, sizeof(*link));
    if (!link) {
        p2p_peer_disconnect(peer, P2P_TOO_MANY_PEERS);
        return;
    }
    *link = (struct p2p_eth_link){
        .eth = l->eth, .peer = peer, .protocol = "eth", .report = report, .context = l};
    p2p_peer_set_data(peer, "eth", link);
    p2p_eth_link_open(link, p2p_peer_version(peer, "eth"));
}

static void eth_message(void *context, struct p2p_peer *peer, unsigned code, struct bytes payload)
{
    struct p2p_eth_link *link = p2p_peer_data(peer, "eth");
    (void)context;
    if (link)
        p2p_eth_link_message(link, code, payload);
}

static void eth_drained(void *context, struct p2p_peer *peer)
{
    struct p2p_eth_link *link = p2p_peer_data(peer, "eth");
    (void)context;
    if (link)
        p2p_eth_link_drained(link);
}

static void eth_closed(void *context, struct p2p_peer *peer, enum p2p_reason reason, bool by_peer)
{
    struct p2p_eth_link *link = p2p_peer_data(peer, "eth");
    (void)context;
    (void)reason;
    (void)by_peer;
    if (link)
        p2p_eth_link_close(link);
    p2p_peer_set_data(peer, "eth", NULL);
    mem_free(link);
}

static const struct p2p_protocol_ops eth_ops = {
    .opened = eth_opened,
    .message = eth_message,
    .drained = eth_drained,
    .closed = eth_closed,
};

/* --- Connections: istanbul --- */

static int istanbul_send(void *link, unsigned code, struct bytes payload)
{
    return p2p_peer_send(link, "istanbul", code, payload);
}

static void istanbul_disconnect(void *link, const char *why)
{
    (void)why;
    p2p_peer_disconnect(link, P2P_SUBPROTOCOL_ERROR);
}

/* "eth" comes before "istanbul": its Status has been sent, but not come yet, so that the peer is never ready before. */
static void istanbul_opened(void *context, struct p2p_peer *peer)
{
    struct p2p_local *l = context;
    if (p2p_istanbul_opened(l->istanbul, p2p_peer_address(peer), p2p_peer_version(peer, "istanbul"),
                            peer) != ERR_OK)
        p2p_peer_disconnect(peer, P2P_TOO_MANY_PEERS);
}

static void istanbul_message(void *context, struct p2p_peer *peer, unsigned code,
                             struct bytes payload)
{
    struct p2p_local *l = context;
    p2p_istanbul_message(l->istanbul, p2p_peer_address(peer), code, payload);
}

static void istanbul_closed(void *context, struct p2p_peer *peer, enum p2p_reason reason,
                            bool by_peer)
{
    struct p2p_local *l = context;
    p2p_istanbul_closed(l->istanbul, p2p_peer_address(peer),
                        by_peer && reason == P2P_SUBPROTOCOL_ERROR);
}

static const struct p2p_protocol_ops istanbul_ops = {
    .opened = istanbul_opened,
    .message = istanbul_message,
    .closed = istanbul_closed,
};

static void ready(void *context, void *link, bool gone)
{
    struct p2p_local *l = context;
    const struct p2p_eth_link *end = link;
    if (!gone && l->istanbul && p2p_istanbul_ready(l->istanbul, p2p_peer_address(end->peer)) &&
        !io_timer_started(&l->second))
        io_timer_start(&l->second, SECOND);
}

/* Counts the silence towards peers whose engine does not run. */
static void on_second(void *context)
{
    struct p2p_local *l = context;
    if (p2p_istanbul_second(l->istanbul))
        io_timer_start(&l->second, SECOND);
}

/* --- Life --- */

static void add_protocol(struct p2p_local *l, const char *name, unsigned version, unsigned length,
                         const struct p2p_protocol_ops *ops)
{
    l->protocols[l->protocol_count++] = (struct p2p_protocol){.name = name,
                                                              .version = version,
                                                              .length = length,
                                                              .max_message = P2P_ETH_MESSAGE_MAX,
                                                              .ops = ops,
                                                              .context = l};
}

static void add_protocols(struct p2p_local *l)
{
    if (l->qlight) {
        l->protocols[l->protocol_count++] = p2p_qlight_protocol(l->qlight);
        return;
    }
    add_protocol(l, "eth", P2P_ETH_65, P2P_ETH_LENGTH, &eth_ops);
    add_protocol(l, "eth", P2P_ETH_66, P2P_ETH_LENGTH, &eth_ops);
    if (!l->istanbul)
        return;
    add_protocol(l, "istanbul", 64, P2P_ISTANBUL_99_LENGTH, &istanbul_ops);
    add_protocol(l, "istanbul", 99, P2P_ISTANBUL_99_LENGTH, &istanbul_ops);
    add_protocol(l, "istanbul", 100, P2P_ISTANBUL_100_LENGTH, &istanbul_ops);
}

static int make_eth(struct p2p_local *l)
{
    const struct p2p_local_options *o = &l->options;
    struct p2p_eth_backend backend = {
        .context = l,
        .role = !o->qlight          ? P2P_ETH_AMONG_EQUALS
                : o->qlight->server ? P2P_ETH_SERVES
                                    : P2P_ETH_IS_SERVED,
        .network = o->network,
        .genesis = chain_genesis_of(o->chain)->hash,
        .is_quorum = chain_configuration(o->chain)->is_quorum,
        .authorized = o->authorized,
        .authorized_count = o->authorized_count,
        .head = head,
        .fork_id = fork_id,
        .fork_check = fork_check,
        .hash_at = hash_at,
        .number_of = number_of,
        .read = read_block,
        .node_data = node_data,
        .import = import,
        .transaction = transaction,
        .has_transaction = has_transaction,
        .each_pending = each_pending,
        .take = take,
        .is_full = is_full,
        .now = now,
        .wake = wake,
        .draw = next_random,
        .ready = ready,
        .syncing = syncing,
        .report = report,
    };
    return p2p_eth_new(&l->eth, &backend);
}

static int make_istanbul(struct p2p_local *l)
{
    const struct p2p_local_options *o = &l->options;
    const struct p2p_istanbul_options options = {
        .message = o->message,
        .peer = o->peer,
        .context = o->context,
        .send = istanbul_send,
        .disconnect = istanbul_disconnect,
    };
    return o->istanbul ? p2p_istanbul_new(&l->istanbul, &options) : ERR_OK;
}

int p2p_local_new(struct p2p_local **ret_local, const struct p2p_local_options *options)
{
    struct p2p_local *l = mem_alloc_zeroed(1, sizeof(*l));
    if (!l)
        return ERR_NOMEM;
    l->options = *options;
    io_timer_init(&l->timer, options->loop, tick, l);
    io_timer_init(&l->second, options->loop, on_second, l);
    if (getrandom(&l->random, sizeof(l->random), 0) != sizeof(l->random))
        l->random = io_loop_wall_ms(options->loop);
    int status = io_worker_new(&l->recovery, options->loop);
    if (status == ERR_OK)
        status = make_eth(l);
    if (status == ERR_OK)
        status = make_istanbul(l);
    if (status == ERR_OK && options->qlight)
        status = p2p_qlight_new(&l->qlight, l->eth, options->qlight, options->loop);
    if (status != ERR_OK) {
        p2p_local_free(l);
        return status;
    }
    add_protocols(l);
    *ret_local = l;
    return ERR_OK;
}

void p2p_local_free(struct p2p_local *l)
{
    if (!l)
        return;
    io_worker_free(l->recovery);
    io_timer_stop(&l->timer);
    io_timer_stop(&l->second);
    p2p_qlight_free(l->qlight);
    p2p_eth_free(l->eth);
    p2p_istanbul_free(l->istanbul);
    chain_nodes_release(&l->nodes);
    mem_free(l);
}

const struct p2p_protocol *p2p_local_protocols(const struct p2p_local *l, size_t *ret_count)
{
    *ret_count = l->protocol_count;
    return l->protocols;
}

struct p2p_eth *p2p_local_eth(struct p2p_local *l)
{
    return l->eth;
}

struct p2p_istanbul *p2p_local_istanbul(struct p2p_local *l)
{
    return l->istanbul;
}

struct p2p_qlight *p2p_local_qlight(struct p2p_local *l)
{
    return l->qlight;
}
