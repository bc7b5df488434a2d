#include "node/transactions.h"

#include "base/hex.h"
#include "base/mem.h"
#include "io/timer.h"
#include "node/datadir.h"
#include "node/log/log.h"
#include "p2p/eth/local.h"
#include "permission/permission.h"

#include <stdio.h>

enum {
    EXPIRE_MS = 60 * 1000,
    /* A local transaction that has waited for so long while blocks came was turned away somewhere, most likely; in quiet
     * none waits longer than a block period or two. */
    OFFER_AGAIN_MS = 1000,
    OFFER_AFTER_MS = 3000,
    OFFER_MAX = 2048, /* 64 KiB of hashes to each peer */
    JOURNAL_BATCH = 1024,
};

struct node_transactions {
    struct node_transactions_options options;
    struct chain_pool *pool;
    struct p2p_local *local; /* NULL: not started, or stopped */
    char journal_path[NODE_PATH_MAX];
    struct io_timer expire, rejournal, offer;
    /* State at the head that the pool knows, opened when it is asked for. */
    struct chain_reader reader;
    struct state_reader state;
    bool reading;
    struct chain_pool_journal_reader *journal; /* being read at the start */
    bool journalling, rotating;
};

/* --- The pool's view of the state --- */

static void stop_reading(struct node_transactions *t)
{
    if (t->reading)
        chain_reader_close(&t->reader);
    t->reading = false;
}

static int start_reading(struct node_transactions *t)
{
    uint64_t number = node_chain_head(t->options.chain)->block->header.number, stored;
    struct hash256 hash;
    int status = chain_reader_open(&t->reader, node_chain_of(t->options.chain));
    if (status != ERR_OK)
        return status;
    /* While the chain takes blocks back for others, what is stored ends below the head that the pool will hear is gone. */
    status = chain_reader_head(&t->reader, &stored, &hash);
    if (status == ERR_OK)
        status = chain_reader_state(&t->reader, &t->state, stored < number ? stored : number);
    if (status != ERR_OK)
        chain_reader_close(&t->reader);
    t->reading = status == ERR_OK;
    return status;
}

static int account(void *context, const struct address *address,
                   struct chain_pool_account *ret_account)
{
    struct node_transactions *t = context;
    struct state_account found;
    bool exists;
    int status = t->reading ? ERR_OK : start_reading(t);
    if (status == ERR_OK)
        status = state_reader_account(&t->state, &found, &exists, address);
    if (status != ERR_OK)
        return status;
    *ret_account = (struct chain_pool_account){.address = *address};
    if (exists) {
        ret_account->nonce = found.nonce;
        ret_account->balance = found.balance;
    }
    return ERR_OK;
}

static bool permitted(void *context, const struct chain_tx *tx)
{
    struct node_transactions *t = context;
    return permission_allows_transaction(t->options.permission, &tx->tx, &tx->tx.sender);
}

static void executable(void *context, struct chain_tx *const *txs, size_t count)
{
    struct node_transactions *t = context;
    if (t->local && !io_timer_started(&t->offer))
        io_timer_start(&t->offer, OFFER_AGAIN_MS);
    if (t->options.executable)
        t->options.executable(t->options.context, txs, count);
}

struct chain_pool_rules node_transactions_rules(const struct node_transactions *t)
{
    const struct eth_header *head = &node_chain_head(t->options.chain)->block->header;
    const struct chain_config *config = chain_configuration(node_chain_of(t->options.chain));
    struct chain_rules now = chain_config_rules(config, head->number, head->timestamp);
    struct chain_rules next = chain_config_rules(config, head->number + 1, head->timestamp);
    struct chain_pool_rules rules = {
        .eth = next.transactions,
        .gas_limit = head->gas_limit,
        .is_quorum = next.is_quorum,
        .gas_price_enabled = now.gas_price,
    };
    rules.eth.max_size = now.max_transaction;
    if (next.base_fee && !next.zero_base_fee)
        rules.base_fee = head->base_fee; /* within an eighth of the next block's */
    return rules;
}

/* --- Time --- */

static void on_expire(void *context)
{
    struct node_transactions *t = context;
    chain_pool_expire(t->pool, io_loop_now(t->options.loop));
    io_timer_start(&t->expire, EXPIRE_MS);
}

/* The next local ones in line that others should have put into a block by now. */
static void offer_again(struct node_transactions *t)
{
    struct chain_pool_batch batch;
    struct chain_tx *tx;
    if (!t->local || chain_pool_take(t->pool, OFFER_MAX, &batch) != ERR_OK)
        return;
    struct hash256 hashes[OFFER_MAX];
    size_t count = 0;
    uint64_t now = io_loop_now(t->options.loop);
    while ((tx = chain_pool_batch_next(&batch)))
        if (tx->arrival + OFFER_AFTER_MS <= now && chain_pool_is_local(t->pool, &tx->tx.sender))
            hashes[count++] = tx->hash;
    if (count)
        p2p_eth_offer_again(p2p_local_eth(t->local), hashes, count);
    chain_pool_batch_release(&batch);
}

/* While there are local ones; the next that can be executed begins it again. */
static void on_offer(void *context)
{
    struct node_transactions *t = context;
    struct chain_pool_stats stats;
    chain_pool_stats(t->pool, &stats);
    if (!stats.local)
        return;
    offer_again(t);
    io_timer_start(&t->offer, OFFER_AGAIN_MS);
}

struct rotation {
    struct node_transactions *t;
    struct chain_pool_rotation *rotation;
    int status;
    struct err_detail detail;
};

static void rotation_write(void *context)
{
    struct rotation *r = context;
    r->status = chain_pool_rotation_write(r->rotation, &r->detail);
}

static void rotation_done(void *context)
{
    struct rotation *r = context;
    struct err_detail detail = {""};
    int status = chain_pool_journal_end(r->t->pool, r->rotation, &detail);
    if (r->status != ERR_OK || status != ERR_OK)
        NODE_LOG(NODE_LOG_WARN, "Failed to rotate local tx journal",
                 node_text("err", r->status != ERR_OK ? r->detail.text : detail.text));
    r->t->rotating = false;
    mem_free(r);
}

static void rotate(struct node_transactions *t)
{
    struct rotation *r = mem_alloc_zeroed(1, sizeof(*r));
    if (!r)
        return;
    r->t = t;
    if (chain_pool_journal_begin(t->pool, &r->rotation) != ERR_OK) {
        mem_free(r);
        return;
    }
    t->rotating = true;
    if (io_worker_run(t->options.worker, rotation_write, rotation_done, r) != ERR_OK) {
        r->status = err_set(&r->detail, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
        rotation_done(r);
    }
}

static void on_rejournal(void *context)
{
    struct node_transactions *t = context;
    struct err_detail detail = {""};
    if (chain_pool_journal_status(t->pool, &detail) != ERR_OK)
        NODE_LOG(NODE_LOG_WARN, "Failed to journal local transaction",
                 node_text("err", detail.text));
    if (t->journalling && !t->rotating)
        rotate(t);
    io_timer_start(&t->rejournal, t->options.config->pool_rejournal_ms);
}

/* --- Heads --- */

/* The transactions of blocks that are no longer part of the chain come back. */
static void give_back(struct node_transactions *t, const struct node_head *head)
{
    bool quorum = node_transactions_rules(t).is_quorum;
    for (size_t i = head->removed_count; i-- > 0 && t->local;) {
        const struct eth_body *body = &head->removed[i]->body->body;
        for (size_t j = 0; j < body->transaction_count; j++) {
            struct chain_tx *tx;
            struct err_detail detail;
            if (chain_tx_decode(&tx, body->transactions[j].encoded, quorum,
                                io_loop_now(t->options.loop), &detail) != ERR_OK)
                continue;
            if (p2p_local_add(t->local, &tx, 1, false, NULL, NULL) != ERR_OK)
                NODE_LOG(NODE_LOG_WARN, "A transaction of a dropped block is lost to the pool");
        }
    }
}

void node_transactions_head(struct node_transactions *t, const struct node_head *head)
{
    stop_reading(t);
    struct chain_pool_head change = {
        .rules = node_transactions_rules(t),
        .changed = head->changed,
        .changed_count = head->changed_count,
        .forget = head->all,
    };
    int status = chain_pool_head(t->pool, &change, io_loop_now(t->options.loop));
    if (status != ERR_OK)
        NODE_LOG(NODE_LOG_ERROR, "The pool lost transactions at a new head",
                 node_text("err", err_text(status)));
    give_back(t, head);
    if (t->journalling && !t->rotating && chain_pool_journal_due(t->pool))
        rotate(t);
}

/* --- The journal at the start --- */

static void read_journal(struct node_transactions *t);

static void journal_added(void *context, int status, const enum chain_pool_status *statuses,
                          size_t count)
{
    struct node_transactions *t = context;
    size_t dropped = 0;
    for (size_t i = 0; i < count; i++)
        dropped += status != ERR_OK || statuses[i] != CHAIN_POOL_OK;
    NODE_LOG(NODE_LOG_INFO, "Loaded local transaction journal", node_number("transactions", count),
             node_number("dropped", dropped));
    if (t->local)
        read_journal(t);
}

/* What was in the file has been added: from now on it is written. */
static void journal_ready(struct node_transactions *t)
{
    struct err_detail detail = {""};
    chain_pool_journal_reader_free(t->journal);
    t->journal = NULL;
    t->journalling = chain_pool_journal_open(t->pool, t->journal_path, &detail) == ERR_OK;
    if (!t->journalling)
        NODE_LOG(NODE_LOG_WARN, "Local transactions are not journalled",
                 node_text("err", detail.text));
}

/* The next batch, or the end. */
static void read_journal(struct node_transactions *t)
{
    struct chain_tx *txs[JOURNAL_BATCH];
    struct err_detail detail = {""};
    size_t count = 0;
    int status = chain_pool_journal_read(t->journal, txs, JOURNAL_BATCH, &count, &detail);
    if (status != ERR_OK)
        NODE_LOG(NODE_LOG_WARN,
                 status == ERR_CORRUPT
                     ? "The end of the journal of local transactions is damaged and left out"
                     : "The journal of local transactions cannot be read, and is left as it is",
                 node_text("err", detail.text));
    if (status != ERR_OK && status != ERR_CORRUPT) {
        chain_pool_journal_reader_free(t->journal);
        t->journal = NULL;
    } else if (count == 0 ||
               p2p_local_add(t->local, txs, count, true, journal_added, t) != ERR_OK) {
        journal_ready(t);
    }
}

static void begin_journal(struct node_transactions *t)
{
    struct err_detail detail = {""};
    if (!*t->journal_path)
        return;
    int status = chain_pool_journal_reader_new(&t->journal, t->journal_path,
                                               node_transactions_rules(t).is_quorum,
                                               io_loop_now(t->options.loop), &detail);
    if (status == ERR_OK) {
        read_journal(t);
        return;
    }
    t->journal = NULL;
    if (status != ERR_NOTFOUND)
        NODE_LOG(NODE_LOG_WARN, "The journal of local transactions cannot be read",
                 node_text("err", detail.text));
    journal_ready(t);
}

/* --- Life --- */

/* --txpool.locals: addresses, separated by commas. */
static int read_locals(struct buf *ret_addresses, const char *list, struct err_detail *detail)
{
    while (*list) {
        char text[44];
        struct address address;
        size_t len = strcspn(list, ",");
        snprintf(text, sizeof(text), "%.*s", (int)(len < 43 ? len : 43), list);
        if (len > 42 || !hex_decode_exact(text, address.b, sizeof(address.b)))
            return err_set(detail, ERR_USAGE, "Invalid account in --txpool.locals: %s", text);
        buf_append(ret_addresses, address.b, sizeof(address.b));
        list += len + (list[len] == ',');
    }
    return buf_status(ret_addresses);
}

static int make_pool(struct node_transactions *t, const struct buf *locals)
{
    const struct node_config *config = t->options.config;
    struct chain_pool_options options;
    chain_pool_options_init(&options);
    options.price_limit = config->pool_pricelimit;
    options.price_bump = (unsigned)config->pool_pricebump;
    options.account_slots = config->pool_accountslots;
    options.global_slots = config->pool_globalslots;
    options.account_queue = config->pool_accountqueue;
    options.global_queue = config->pool_globalqueue;
    options.lifetime = config->pool_lifetime_ms;
    options.no_locals = config->pool_nolocals;
    options.locals = (const struct address *)(const void *)locals->data;
    options.local_count = locals->len / sizeof(struct address);
    options.account = account;
    options.permitted = t->options.permission ? permitted : NULL;
    options.executable = executable;
    options.context = t;
    struct chain_pool_rules rules = node_transactions_rules(t);
    return chain_pool_new(&t->pool, &options, &rules);
}

int node_transactions_new(struct node_transactions **ret_transactions,
                          const struct node_transactions_options *options,
                          struct err_detail *detail)
{
    struct node_transactions *t = mem_alloc_zeroed(1, sizeof(*t));
    if (!t)
        return err_set(detail, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
    t->options = *options;
    if (options->journal)
        snprintf(t->journal_path, sizeof(t->journal_path), "%s", options->journal);
    t->options.journal = NULL;
    io_timer_init(&t->expire, options->loop, on_expire, t);
    io_timer_init(&t->rejournal, options->loop, on_rejournal, t);
    io_timer_init(&t->offer, options->loop, on_offer, t);
    struct buf locals = BUF_INIT;
    struct err_detail why = {""};
    int status = read_locals(&locals, options->config->pool_locals, &why);
    if (status == ERR_OK)
        status = make_pool(t, &locals);
    buf_release(&locals);
    if (status != ERR_OK) {
        node_transactions_free(t);
        return *why.text ? err_set(detail, status, "%s", why.text)
                         : err_set(detail, status, "the transaction pool cannot be made: %s",
                                   err_text(status));
    }
    node_chain_set_pool(options->chain, t->pool);
    *ret_transactions = t;
    return ERR_OK;
}

void node_transactions_start(struct node_transactions *t, struct p2p_local *local)
{
    t->local = local;
    io_timer_start(&t->expire, EXPIRE_MS);
    io_timer_start(&t->offer, OFFER_AGAIN_MS);
    io_timer_start(&t->rejournal, t->options.config->pool_rejournal_ms);
    begin_journal(t);
}

void node_transactions_stop(struct node_transactions *t)
{
    if (!t)
        return;
    t->local = NULL;
    io_timer_stop(&t->expire);
    io_timer_stop(&t->offer);
    io_timer_stop(&t->rejournal);
}

void node_transactions_free(struct node_transactions *t)
{
    if (!t)
        return;
    node_transactions_stop(t);
    stop_reading(t);
    if (t->journal)
        chain_pool_journal_reader_free(t->journal);
    if (t->pool)
        chain_pool_free(t->pool);
    mem_free(t);
}

struct chain_pool *node_transactions_pool(struct node_transactions *t)
{
    return t->pool;
}
