#include "node/ethstats/ethstats.h"

#include "base/mem.h"
#include "io/timer.h"
#include "io/websocket_client.h"
#include "node/ethstats/session.h"
#include "node/log/log.h"
#include "rpc/run/lookup.h"

#include <stdio.h>

enum {
    DIAL_MS = 5 * 1000,   /* GoQuorum's HandshakeTimeout */
    AGAIN_MS = 10 * 1000, /* from a failure to the next attempt; connections do not begin faster */
    SILENCE_MS = 60 * 1000,
    TAKEN_MS = 15 * 1000, /* for the server to take what was sent to it */
    SCHEMES = 2,
    /* Bytes of a history, after which it is cut: 50 blocks of 4,000 transactions. */
    HISTORY_BYTES = 16 << 20,
};

/* A history under way: what the worker has in hand. */
struct history {
    uint64_t session; /* for which one */
    uint64_t numbers[NODE_ETHSTATS_HISTORY_MAX];
    size_t count;
    struct buf document;
};

struct node_ethstats {
    struct node_ethstats_options options;
    struct node_ethstats_target target;
    struct node_ethstats_session session;
    struct io_timer timer; /* of the session, or until the next attempt */
    struct io_tls *tls;    /* made for the first wss:// */
    struct io_websocket_dial *dial;
    struct io_websocket *ws;
    uint64_t sessions; /* that there have been */
    unsigned scheme;   /* which is being tried */
    struct history history;
};

/* --- What there is to say --- */

static void look_block(struct node_ethstats_block *ret_block, struct chain *chain,
                       const struct chain_block *block, const struct u256 *total_difficulty)
{
    *ret_block =
        (struct node_ethstats_block){.block = block, .total_difficulty = *total_difficulty};
    if (chain_author(chain, &ret_block->author, &block->header) != ERR_OK)
        memset(&ret_block->author, 0, sizeof(ret_block->author)); /* of block 0 */
}

static void write_head(struct buf *b, const struct node_ethstats *e)
{
    struct node_ethstats_block block;
    const struct node_head *head = node_chain_head(e->options.chain);
    look_block(&block, node_chain_of(e->options.chain), head->block, &head->total_difficulty);
    node_ethstats_write_block(b, e->target.name, &block);
}

static void write_pending(struct buf *b, const struct node_ethstats *e)
{
    struct chain_pool_stats stats = {0};
    chain_pool_stats(e->options.backend->pool, &stats);
    node_ethstats_write_pending(b, e->target.name, stats.pending);
}

static void write_stats(struct buf *b, const struct node_ethstats *e)
{
    const struct rpc_backend *backend = e->options.backend;
    struct rpc_sync sync = {.syncing = false};
    uint64_t head = node_chain_head(e->options.chain)->block->header.number;
    if (backend->sync)
        backend->sync(backend->context, &sync);
    struct node_ethstats_figures figures = {
        /* GoQuorum says so of a node that has caught up, and services know no other. */
        .syncing = !sync.syncing || head >= sync.highest,
        .mining = backend->is_mining && backend->is_mining(backend->context),
        .peers = backend->server ? p2p_server_peer_count(backend->server) : 0,
        .gas_price = rpc_suggested_price(backend),
    };
    node_ethstats_write_stats(b, e->target.name, &figures);
}

static void write_hello(struct buf *b, const struct node_ethstats *e)
{
    const struct rpc_backend *backend = e->options.backend;
    struct p2p_enode self = {.tcp = 0};
    if (backend->server)
        p2p_server_self(backend->server, &self);
    struct node_ethstats_info info = {
        .target = &e->target,
        .client = backend->client_version,
        .port = self.tcp,
        .network_id = backend->network_id,
        .protocols = e->options.protocols,
        .protocol_count = e->options.protocol_count,
    };
    node_ethstats_write_hello(b, &info);
}

/* --- Histories, on the worker --- */

/* How many of them there are before the first that is not; the newest ones where none is named. */
static size_t choose(struct history *h, uint64_t head)
{
    size_t count = 0;
    if (h->count == 0) {
        uint64_t newest = head + 1 < NODE_ETHSTATS_NEWEST ? head + 1 : NODE_ETHSTATS_NEWEST;
        for (; h->count < newest; h->count++)
            h->numbers[h->count] = head + 1 - newest + h->count;
    }
    while (count < h->count && h->numbers[count] <= head)
        count++;
    return count;
}

static int add_block(struct buf *b, struct chain_reader *reader, uint64_t number)
{
    struct chain_block *block;
    struct node_ethstats_block shown;
    struct u256 total_difficulty;
    int status = chain_reader_total_difficulty(reader, &total_difficulty, number);
    if (status == ERR_OK)
        status = chain_reader_block(reader, &block, number);
    if (status != ERR_OK)
        return status;
    look_block(&shown, reader->chain, block, &total_difficulty);
    node_ethstats_add_history(b, &shown);
    chain_block_unref(block);
    return buf_status(b);
}

static void read_history(void *context)
{
    struct node_ethstats *e = context;
    struct history *h = &e->history;
    struct chain_reader reader;
    struct hash256 hash;
    uint64_t head;
    if (chain_reader_open(&reader, node_chain_of(e->options.chain)) != ERR_OK)
        return;
    int status = chain_reader_head(&reader, &head, &hash);
    node_ethstats_begin_history(&h->document);
    /* The last one first, as GoQuorum. */
    for (size_t i = status == ERR_OK ? choose(h, head) : 0;
         i > 0 && status == ERR_OK && h->document.len < HISTORY_BYTES; i--)
        status = add_block(&h->document, &reader, h->numbers[i - 1]);
    node_ethstats_end_history(&h->document, e->target.name);
    chain_reader_close(&reader);
}

static void act(struct node_ethstats *e);

static void on_history(void *context)
{
    struct node_ethstats *e = context;
    struct history *h = &e->history;
    bool is_wanted = e->ws && h->session == e->sessions;
    if (is_wanted && h->document.len && buf_status(&h->document) == ERR_OK)
        io_websocket_send_buf(e->ws, &h->document);
    else if (is_wanted)
        NODE_LOG(NODE_LOG_WARN, "Requested history report failed");
    buf_release(&h->document);
    h->session = 0;
    if (!is_wanted)
        return;
    node_ethstats_history_done(&e->session);
    act(e);
}

static void begin_history(struct node_ethstats *e)
{
    struct history *h = &e->history;
    if (h->session) { /* one for a session that has ended is still being read */
        node_ethstats_history_done(&e->session);
        return;
    }
    memcpy(h->numbers, e->session.asked, e->session.asked_count * sizeof(h->numbers[0]));
    h->count = e->session.asked_count;
    if (io_worker_run(e->options.worker, read_history, on_history, e) == ERR_OK)
        h->session = e->sessions;
    else
        node_ethstats_history_done(&e->session);
}

/* --- The session --- */

/* "err" where there is one, as GoQuorum. */
static void log_end(const char *message, const char *why)
{
    if (why)
        NODE_LOG(NODE_LOG_WARN, message, node_text("err", why));
    else
        NODE_LOG(NODE_LOG_WARN, message);
}

/* The connection has gone, or goes. A server that takes connections and drops them is not called faster than one that is not
 * there. */
static void hang_up(struct node_ethstats *e)
{
    uint64_t since = io_loop_now(e->options.loop) - e->session.opened;
    io_websocket_close(e->ws, IO_WEBSOCKET_NORMAL);
    e->ws = NULL;
    node_ethstats_closed(&e->session);
    io_timer_start(&e->timer, since < AGAIN_MS ? AGAIN_MS - since : 0);
}

static void send(struct node_ethstats *e, struct buf *document)
{
    if (buf_status(document) == ERR_OK)
        io_websocket_send_buf(e->ws, document);
    buf_release(document);
}

static void send_reports(struct node_ethstats *e, unsigned todo)
{
    static const struct {
        unsigned what;
        void (*write)(struct buf *b, const struct node_ethstats *e);
    } reports[] = {
        {NODE_ETHSTATS_BLOCK, write_head},
        {NODE_ETHSTATS_PENDING, write_pending},
        {NODE_ETHSTATS_STATS, write_stats},
    };
    for (size_t i = 0; i < BASE_COUNT(reports); i++) {
        struct buf document = BUF_INIT;
        if (!(todo & reports[i].what))
            continue;
        reports[i].write(&document, e);
        send(e, &document);
    }
}

/* Wiped behind it: the secret is in it. */
static void send_hello(struct node_ethstats *e)
{
    struct buf document = BUF_INIT;
    write_hello(&document, e);
    if (buf_status(&document) == ERR_OK)
        io_websocket_send(e->ws, buf_bytes(&document));
    if (document.len)
        mem_wipe(document.data, document.len);
    buf_release(&document);
}

static void send_times(struct node_ethstats *e, unsigned todo)
{
    struct buf document = BUF_INIT;
    if (todo & NODE_ETHSTATS_PING) {
        node_ethstats_write_ping(&document, e->target.name, io_loop_wall_ms(e->options.loop));
        send(e, &document);
    }
    if (todo & NODE_ETHSTATS_PRIMUS)
        io_websocket_send(e->ws, buf_bytes(&e->session.primus));
    if (todo & NODE_ETHSTATS_LATENCY) {
        node_ethstats_write_latency(&document, e->target.name, e->session.latency_ms);
        send(e, &document);
    }
}

/* Does what the session wants, unless the server has not taken yet what it was sent: then when it has, with the state of then. */
static void act(struct node_ethstats *e)
{
    bool waits = e->session.state != NODE_ETHSTATS_CLOSED && io_websocket_queued(e->ws);
    unsigned todo = waits ? 0 : node_ethstats_take(&e->session);
    if (todo & NODE_ETHSTATS_HELLO)
        send_hello(e);
    send_times(e, todo);
    send_reports(e, todo);
    if (todo & NODE_ETHSTATS_HISTORY)
        begin_history(e);
    if (todo & NODE_ETHSTATS_STRANGE)
        NODE_LOG(NODE_LOG_INFO, "Unknown stats message", node_text("msg", e->session.strange));
    if (todo & NODE_ETHSTATS_END) {
        log_end(e->session.end.message, e->session.end.why);
        hang_up(e);
        return;
    }
    uint64_t now = io_loop_now(e->options.loop), due = node_ethstats_due(&e->session);
    io_timer_start(&e->timer, due > now ? due - now : 0);
}

static void on_message(void *context, struct io_websocket *ws, struct buf *message)
{
    (void)ws;
    struct node_ethstats *e = context;
    node_ethstats_message(&e->session, buf_bytes(message), io_loop_now(e->options.loop));
    act(e);
}

static void on_drained(void *context, struct io_websocket *ws)
{
    (void)ws;
    act(context);
}

static void on_closed(void *context, struct io_websocket *ws)
{
    (void)ws;
    struct node_ethstats *e = context;
    e->ws = NULL;
    if (e->session.state == NODE_ETHSTATS_LOGIN) /* how servers say that a secret is wrong */
        log_end("Stats login failed", "unauthorized");
    else
        log_end("Failed to retrieve stats server message", "the connection is closed");
    hang_up(e);
}

/* --- Connections --- */

static const struct io_websocket_ops websocket_ops = {
    .message = on_message, .drained = on_drained, .closed = on_closed};

static void try_next(struct node_ethstats *e, const char *why);

static void on_dialled(void *context, struct io_websocket *ws, const char *why)
{
    struct node_ethstats *e = context;
    e->dial = NULL;
    e->ws = ws;
    if (!ws) {
        e->scheme++;
        try_next(e, why);
        return;
    }
    e->sessions++;
    node_ethstats_open(&e->session, io_loop_now(e->options.loop));
    act(e);
}

/* The URL to try; false: there is no other. */
static bool next_url(struct buf *url, const struct node_ethstats *e)
{
    static const char *const schemes[SCHEMES] = {"wss://", "ws://"};
    bool is_named = strstr(e->target.host, "://") != NULL;
    if (e->scheme >= (is_named ? 1 : SCHEMES))
        return false;
    buf_append_format(url, "%s%s/api", is_named ? "" : schemes[e->scheme], e->target.host);
    return true;
}

static int dial(struct node_ethstats *e, const char *text, struct err_detail *why)
{
    struct io_websocket_url url;
    static const struct io_http_field fields[] = {{"Origin", "http://localhost"}};
    struct io_websocket_dial_options options = {
        .fields = fields,
        .field_count = BASE_COUNT(fields),
        .timeout_ms = DIAL_MS,
        .websocket = {.message_max = NODE_ETHSTATS_MESSAGE_MAX,
                      .ping_ms = SILENCE_MS,
                      .pong_ms = TAKEN_MS},
        .ops = &websocket_ops,
        .done = on_dialled,
        .context = e,
    };
    int status = io_websocket_url_read(&url, text);
    if (status != ERR_OK)
        return err_set(why, status, "malformed ws or wss URL");
    if (url.tls && !e->tls)
        status = io_tls_new(&e->tls, &(struct io_tls_options){.system_authorities = true}, why);
    if (status != ERR_OK)
        return status;
    options.tls = e->tls;
    status = io_websocket_dial(&e->dial, e->options.loop, &url, &options);
    return status == ERR_OK ? status : err_set(why, status, "%s", err_text(status));
}

/* Begins with the URL whose turn it is, or with the one behind it. */
static void try_next(struct node_ethstats *e, const char *why)
{
    struct err_detail detail = {""};
    struct buf url = BUF_INIT;
    snprintf(detail.text, sizeof(detail.text), "%s", why);
    while (next_url(&url, e)) {
        int status = dial(e, buf_text(&url), &detail);
        buf_release(&url);
        if (status == ERR_OK)
            return;
        e->scheme++;
    }
    NODE_LOG(NODE_LOG_WARN, "Stats server unreachable", node_text("err", detail.text));
    io_timer_start(&e->timer, AGAIN_MS);
}

static void on_timer(void *context)
{
    struct node_ethstats *e = context;
    if (e->ws) {
        node_ethstats_tick(&e->session, io_loop_now(e->options.loop));
        act(e);
    } else {
        e->scheme = 0;
        try_next(e, "");
    }
}

/* --- The whole --- */

int node_ethstats_start(struct node_ethstats **ret_ethstats, const char *value,
                        const struct node_ethstats_options *options, struct err_detail *detail)
{
    struct node_ethstats *e = mem_alloc_zeroed(1, sizeof(*e));
    if (!e)
        return err_set(detail, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
    int status = node_ethstats_target_read(&e->target, value, detail);
    if (status != ERR_OK) {
        mem_free(e);
        return status;
    }
    e->options = *options;
    node_ethstats_init(&e->session);
    buf_init(&e->history.document);
    io_timer_init(&e->timer, options->loop, on_timer, e);
    io_timer_start(&e->timer, 0);
    NODE_LOG(NODE_LOG_INFO, "Stats daemon started");
    *ret_ethstats = e;
    return ERR_OK;
}

void node_ethstats_stop(struct node_ethstats *ethstats)
{
    if (!ethstats)
        return;
    io_websocket_dial_cancel(ethstats->dial);
    ethstats->dial = NULL;
    hang_up(ethstats);
    io_timer_stop(&ethstats->timer);
    NODE_LOG(NODE_LOG_INFO, "Stats daemon stopped");
}

void node_ethstats_free(struct node_ethstats *ethstats)
{
    if (!ethstats)
        return;
    node_ethstats_release(&ethstats->session);
    buf_release(&ethstats->history.document);
    io_tls_free(ethstats->tls);
    mem_free(ethstats);
}

void node_ethstats_on_head(struct node_ethstats *ethstats)
{
    if (!ethstats || !ethstats->ws)
        return;
    node_ethstats_new_head(&ethstats->session);
    act(ethstats);
}

void node_ethstats_on_transactions(struct node_ethstats *ethstats)
{
    if (!ethstats || !ethstats->ws)
        return;
    node_ethstats_new_transactions(&ethstats->session, io_loop_now(ethstats->options.loop));
    act(ethstats);
}
