#include "node/chain_thread.h"

#include "base/clock.h"
#include "base/map.h"
#include "base/mem.h"
#include "node/log/log.h"

struct node_chain {
    struct node_chain_options options;
    struct io_worker *worker;
    _Atomic(struct chain_pool *) pool;
    struct node_head *head; /* the loop's */
    /* The chain thread's: what commits have gathered since the head was told last. */
    struct {
        bool moved, all;
        struct map changed; /* address to chain_pool_account */
        struct chain_block **removed;
        size_t removed_count;
        uint64_t blocks, transactions, gas;
    } gathered;
};

enum job_kind {
    JOB_BUILD,
    JOB_CHECK,
    JOB_COMMIT,
    JOB_IMPORT,
    JOB_CHANGE,
};

struct job {
    struct node_chain *chain;
    enum job_kind kind;
    void *context;
    struct node_head *head; /* new one, when the job has moved it */
    int head_status;
    union {
        struct {
            struct node_build in;
            struct buf extra;
            struct node_built out;
            node_built_fn *fn;
        } build;
        struct {
            struct consensus_block *proposal;
            struct node_checked out;
            node_checked_fn *fn;
        } check;
        struct {
            struct chain_block *block;
            struct buf extra;
            struct node_checked out;
            node_committed_fn *fn;
        } commit;
        struct {
            struct chain_block **blocks;
            size_t count;
            struct node_imported out;
            node_imported_fn *fn;
        } import;
        struct {
            node_chain_work_fn *work;
        } change;
    };
};

static uint64_t monotonic_us(void)
{
    return base_now_ns() / 1000;
}

/* --- The head --- */

static void head_free(struct node_head *head)
{
    if (!head)
        return;
    chain_block_unref(head->block);
    istanbul_set_release(&head->validators);
    for (size_t i = 0; i < head->removed_count; i++)
        chain_block_unref(head->removed[i]);
    mem_free(head->removed);
    mem_free(head->changed);
    mem_free(head);
}

/* Chain's thread, in each commit. What cannot be remembered makes all accounts suspects. */
static void gather(void *context, const struct chain_event *event)
{
    struct node_chain *chain = context;
    chain->gathered.moved = true;
    chain->gathered.blocks++;
    chain->gathered.transactions += event->block->body->body.transaction_count;
    chain->gathered.gas += event->block->header.gas_used;
    for (size_t i = 0; i < event->changed_count && !chain->gathered.all; i++) {
        struct chain_pool_account *account =
            map_put(&chain->gathered.changed, &event->changed[i].address, NULL);
        if (account)
            *account = event->changed[i];
        else
            chain->gathered.all = true;
    }
    if (event->removed_count == 0)
        return;
    chain->gathered.all = true;
    if (chain->options.on_removed)
        chain->options.on_removed(chain->options.context, event);
    struct chain_block **more = mem_realloc(chain->gathered.removed,
                                            (chain->gathered.removed_count + event->removed_count) *
                                                sizeof(struct chain_block *));
    if (!more)
        return; /* their transactions are lost to the pool: their senders send them again */
    chain->gathered.removed = more;
    for (size_t i = 0; i < event->removed_count; i++)
        more[chain->gathered.removed_count++] = chain_block_ref(event->removed[i]);
}

static void take_changed(struct node_chain *chain, struct node_head *head)
{
    size_t count = map_count(&chain->gathered.changed);
    head->all = chain->gathered.all;
    if (head->all || count == 0)
        return;
    head->changed = mem_alloc(count * sizeof(*head->changed));
    if (!head->changed) {
        head->all = true;
        return;
    }
    for (size_t i = 0; i < count; i++)
        head->changed[i] = *(struct chain_pool_account *)map_value_at(&chain->gathered.changed, i);
    head->changed_count = count;
}

static int look_up_istanbul(struct node_chain *chain, struct chain_reader *reader,
                            struct node_head *head)
{
    const struct chain_config *config = chain_configuration(chain->options.chain);
    uint64_t number = head->block->header.number;
    if (config->engine != CHAIN_ENGINE_ISTANBUL)
        return ERR_OK;
    head->istanbul = true;
    istanbul_params_at(&config->istanbul, number + 1, &head->params);
    int status = chain_validators_after(reader, &head->validators, number);
    if (status == ERR_OK && number > 0)
        status = chain_author(chain->options.chain, &head->author, &head->block->header);
    return status;
}

/* Chain's thread (or the loop's, at the start): everything about the head as it is now. */
static int head_make(struct node_chain *chain, struct node_head **ret_head)
{
    struct chain_reader reader;
    struct chain_head now;
    struct node_head *head = mem_alloc_zeroed(1, sizeof(*head));
    if (!head)
        return ERR_NOMEM;
    istanbul_set_init(&head->validators);
    chain_head(chain->options.chain, &now);
    head->block = now.block;
    head->total_difficulty = now.total_difficulty;
    head->blocks = chain->gathered.blocks;
    head->transactions = chain->gathered.transactions;
    head->gas = chain->gathered.gas;
    int status = chain_reader_open(&reader, chain->options.chain);
    if (status == ERR_OK) {
        status = look_up_istanbul(chain, &reader, head);
        chain_reader_close(&reader);
    }
    if (status != ERR_OK) {
        head_free(head);
        return status;
    }
    take_changed(chain, head);
    head->removed = chain->gathered.removed;
    head->removed_count = chain->gathered.removed_count;
    chain->gathered.removed = NULL;
    chain->gathered.removed_count = 0;
    chain->gathered.moved = chain->gathered.all = false;
    chain->gathered.blocks = chain->gathered.transactions = chain->gathered.gas = 0;
    map_clear(&chain->gathered.changed);
    *ret_head = head;
    return ERR_OK;
}

/* --- Jobs on the chain's thread --- */

static struct chain_tx *next_transaction(void *context)
{
    struct job *job = context;
    struct chain_tx *tx = chain_pool_batch_next(&job->build.in.batch);
    job->build.out.offered += tx != NULL;
    return tx;
}

static void on_offered(void *context, struct chain_tx *tx, enum chain_offer offer, const char *why)
{
    struct job *job = context;
    (void)tx;
    (void)why;
    if (offer == CHAIN_OFFER_TAKEN)
        job->build.out.transactions++;
    else if (offer != CHAIN_OFFER_STALE)
        chain_pool_batch_skip_sender(&job->build.in.batch);
}

static bool out_of_time(void *context)
{
    struct job *job = context;
    return monotonic_us() / 1000 >= job->build.in.stop_ms;
}

static void work_build(struct job *job)
{
    struct node_built *out = &job->build.out;
    uint64_t began = monotonic_us(), least = began / 1000 + job->build.in.least_ms;
    if (job->build.in.stop_ms < least)
        job->build.in.stop_ms = least;
    struct chain_build in = {
        .prepare = job->build.in.prepare,
        .gas_floor = job->build.in.gas_floor,
        .gas_ceil = job->build.in.gas_ceil,
        .next = job->build.in.batch.count ? next_transaction : NULL,
        .likely = job->build.in.batch.txs,
        .likely_count = job->build.in.batch.count,
        .offered = on_offered,
        .stop = out_of_time,
        .context = job,
        .raft_id = job->build.in.raft_id,
        .sign = job->build.in.sign,
        .sign_context = job->build.in.sign_context,
    };
    in.prepare.extra = buf_bytes(&job->build.extra);
    out->status = chain_build(job->chain->options.chain, &out->block, &in, &out->detail);
    if (out->status == ERR_OK) {
        chain_block_write(&out->rlp, out->block);
        out->status = buf_status(&out->rlp);
        if (out->status != ERR_OK)
            err_set(&out->detail, out->status, "%s", err_text(out->status));
    }
    out->took_us = monotonic_us() - began;
}

/* Senders that the pool knows are taken from there: 64 lookups under one lock. */
static void adopt_senders(struct node_chain *chain, struct chain_block *block)
{
    enum { RUN = 256 };
    struct chain_tx *found[RUN];
    struct chain_pool *pool = atomic_load(&chain->pool);
    struct chain_body *body = block->body;
    size_t total = body->body.transaction_count;
    for (size_t at = 0; pool && at < total; at += RUN) {
        size_t count = total - at < RUN ? total - at : RUN;
        chain_pool_find(pool, body->hashes + at, count, found);
        for (size_t i = 0; i < count; i++) {
            struct eth_transaction *tx = &body->body.transactions[at + i];
            if (found[i] && found[i]->tx.sender_known && !tx->sender_known) {
                tx->sender = found[i]->tx.sender;
                tx->sender_known = true;
            }
            chain_tx_unref(found[i]);
        }
    }
}

static int recover_senders(struct node_chain *chain, struct chain_block *block,
                           struct node_checked *out)
{
    enum eth_tx_status tx_status;
    size_t index;
    const struct eth_header *header = &block->header;
    struct chain_rules rules = chain_config_rules(chain_configuration(chain->options.chain),
                                                  header->number, header->timestamp);
    adopt_senders(chain, block);
    int status =
        chain_block_recover(block, &tx_status, &index, &rules.transactions, chain->options.threads);
    if (status == ERR_OK && tx_status != ETH_TX_OK) {
        out->verdict = CHAIN_BAD_SENDER;
        err_set(&out->why, ERR_INPUT, "transaction %zu has no valid signature", index);
    }
    return status;
}

static void work_check(struct job *job)
{
    struct node_checked *out = &job->check.out;
    uint64_t began = monotonic_us();
    out->verdict = CHAIN_VALID;
    out->status = chain_block_decode(&out->block, job->check.proposal->rlp, &out->why);
    if (out->status == ERR_INPUT || out->status == ERR_LIMIT || out->status == ERR_UNSUPPORTED) {
        out->status = ERR_OK;
        out->verdict = CHAIN_BAD_BODY;
        return;
    }
    if (out->status == ERR_OK)
        out->status = recover_senders(job->chain, out->block, out);
    if (out->status == ERR_OK && out->verdict == CHAIN_VALID)
        out->status = chain_execute(job->chain->options.chain, &out->verdict, &out->why, out->block,
                                    CHAIN_CHECK_NO_SEALS);
    out->took_us = monotonic_us() - began;
}

static void work_commit(struct job *job)
{
    struct node_checked *out = &job->commit.out;
    uint64_t began = monotonic_us();
    out->status = ERR_OK;
    if (job->commit.extra.len)
        out->status =
            chain_block_with_extra(&out->block, job->commit.block, buf_bytes(&job->commit.extra));
    else
        out->block = chain_block_ref(job->commit.block);
    if (out->status == ERR_OK)
        out->status = recover_senders(job->chain, out->block, out);
    if (out->status == ERR_OK)
        out->status = chain_commit(job->chain->options.chain, &out->verdict, &out->why, out->block);
    out->took_us = monotonic_us() - began;
}

static void work_import(struct job *job)
{
    struct node_imported *out = &job->import.out;
    for (size_t i = 0; i < job->import.count; i++)
        adopt_senders(job->chain, job->import.blocks[i]);
    out->status = chain_import(job->chain->options.chain, &out->verdict, &out->count, &out->why,
                               job->import.blocks, job->import.count);
}

/* Whatever it does: when the head is another one behind it, everybody hears of it, and of all accounts. */
static void work_change(struct job *job)
{
    struct node_chain *chain = job->chain;
    struct chain_head before, after;
    chain_head(chain->options.chain, &before);
    job->change.work(job->context, chain->options.chain);
    chain_head(chain->options.chain, &after);
    if (!hash256_equal(&before.block->hash, &after.block->hash))
        chain->gathered.moved = chain->gathered.all = true;
    chain_head_release(&before);
    chain_head_release(&after);
}

static void work(void *context)
{
    struct job *job = context;
    static void (*const works[])(struct job *job) = {work_build, work_check, work_commit,
                                                     work_import, work_change};
    uint64_t began = monotonic_us();
    works[job->kind](job);
    uint64_t took = monotonic_us() - began;
    if (job->chain->gathered.moved)
        job->head_status = head_make(job->chain, &job->head);
    if (!job->head)
        return;
    job->head->took_us = took;
    job->head->fresh =
        job->kind == JOB_COMMIT || (job->kind == JOB_IMPORT && job->import.count == 1);
}

/* --- Back on the loop --- */

static void job_free(struct job *job)
{
    switch (job->kind) {
    case JOB_BUILD:
        chain_pool_batch_release(&job->build.in.batch);
        buf_release(&job->build.extra);
        buf_release(&job->build.out.rlp);
        chain_block_unref(job->build.out.block);
        break;
    case JOB_CHECK:
        consensus_block_unref(job->check.proposal);
        chain_block_unref(job->check.out.block);
        break;
    case JOB_COMMIT:
        chain_block_unref(job->commit.block);
        chain_block_unref(job->commit.out.block);
        buf_release(&job->commit.extra);
        break;
    case JOB_IMPORT:
        for (size_t i = 0; i < job->import.count; i++)
            chain_block_unref(job->import.blocks[i]);
        mem_free(job->import.blocks);
        break;
    case JOB_CHANGE:
        break;
    }
    mem_free(job);
}

static void tell_head(struct job *job)
{
    struct node_chain *chain = job->chain;
    if (job->head_status != ERR_OK)
        NODE_LOG(NODE_LOG_ERROR, "The new head cannot be looked up",
                 node_text("err", err_text(job->head_status)));
    if (!job->head)
        return;
    head_free(chain->head);
    chain->head = job->head;
    chain->options.on_head(chain->options.context, chain->head);
}

static void done(void *context)
{
    struct job *job = context;
    tell_head(job);
    switch (job->kind) {
    case JOB_BUILD:
        job->build.fn(job->context, &job->build.out);
        break;
    case JOB_CHECK:
        job->check.fn(job->context, job->check.proposal, &job->check.out);
        break;
    case JOB_COMMIT:
        job->commit.fn(job->context, job->commit.block, &job->commit.out);
        break;
    case JOB_IMPORT:
        job->import.fn(job->context, &job->import.out);
        break;
    case JOB_CHANGE:
        break;
    }
    job_free(job);
}

static struct job *job_new(struct node_chain *chain, enum job_kind kind, void *context)
{
    struct job *job = mem_alloc_zeroed(1, sizeof(*job));
    if (!job)
        return NULL;
    job->chain = chain;
    job->kind = kind;
    job->context = context;
    return job;
}

static int job_run(struct job *job)
{
    int status = job->chain->worker ? io_worker_run(job->chain->worker, work, done, job) : ERR_BUSY;
    if (status != ERR_OK)
        job_free(job);
    return status;
}

int node_chain_build(struct node_chain *chain, struct node_build *build, node_built_fn *fn,
                     void *context)
{
    struct job *job = job_new(chain, JOB_BUILD, context);
    if (!job) {
        chain_pool_batch_release(&build->batch);
        return ERR_NOMEM;
    }
    job->build.in = *build;
    job->build.fn = fn;
    buf_append_bytes(&job->build.extra, build->prepare.extra);
    if (buf_status(&job->build.extra) != ERR_OK) {
        job_free(job);
        return ERR_NOMEM;
    }
    return job_run(job);
}

int node_chain_check(struct node_chain *chain, struct consensus_block *proposal,
                     node_checked_fn *fn, void *context)
{
    struct job *job = job_new(chain, JOB_CHECK, context);
    if (!job)
        return ERR_NOMEM;
    job->check.proposal = consensus_block_ref(proposal);
    job->check.fn = fn;
    return job_run(job);
}

int node_chain_commit(struct node_chain *chain, struct chain_block *block, struct bytes extra,
                      node_committed_fn *fn, void *context)
{
    struct job *job = job_new(chain, JOB_COMMIT, context);
    if (!job)
        return ERR_NOMEM;
    job->commit.block = chain_block_ref(block);
    job->commit.fn = fn;
    buf_append_bytes(&job->commit.extra, extra);
    if (buf_status(&job->commit.extra) != ERR_OK) {
        job_free(job);
        return ERR_NOMEM;
    }
    return job_run(job);
}

int node_chain_import(struct node_chain *chain, struct chain_block *const *blocks, size_t count,
                      node_imported_fn *fn, void *context)
{
    struct job *job = job_new(chain, JOB_IMPORT, context);
    if (!job)
        return ERR_NOMEM;
    job->import.fn = fn;
    job->import.blocks = mem_alloc(count * sizeof(struct chain_block *));
    if (!job->import.blocks) {
        mem_free(job);
        return ERR_NOMEM;
    }
    for (size_t i = 0; i < count; i++)
        job->import.blocks[i] = chain_block_ref(blocks[i]);
    job->import.count = count;
    return job_run(job);
}

int node_chain_change(struct node_chain *chain, node_chain_work_fn *change, void *context)
{
    struct job *job = job_new(chain, JOB_CHANGE, context);
    if (!job)
        return ERR_NOMEM;
    job->change.work = change;
    return job_run(job);
}

/* --- Life --- */

int node_chain_new(struct node_chain **ret_chain, const struct node_chain_options *options,
                   struct err_detail *detail)
{
    struct node_chain *chain = mem_alloc_zeroed(1, sizeof(*chain));
    if (!chain)
        return err_set(detail, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
    chain->options = *options;
    map_init(&chain->gathered.changed, sizeof(struct address), sizeof(struct chain_pool_account));
    int status = head_make(chain, &chain->head);
    if (status == ERR_OK)
        status = io_worker_new(&chain->worker, options->loop);
    if (status != ERR_OK) {
        node_chain_free(chain);
        return err_set(detail, status, "the chain's head cannot be read: %s", err_text(status));
    }
    chain_on_head(options->chain, gather, chain);
    *ret_chain = chain;
    return ERR_OK;
}

void node_chain_stop(struct node_chain *chain)
{
    if (!chain)
        return;
    io_worker_free(chain->worker);
    chain->worker = NULL;
}

void node_chain_free(struct node_chain *chain)
{
    if (!chain)
        return;
    node_chain_stop(chain);
    chain_on_head(chain->options.chain, NULL, NULL);
    for (size_t i = 0; i < chain->gathered.removed_count; i++)
        chain_block_unref(chain->gathered.removed[i]);
    mem_free(chain->gathered.removed);
    map_release(&chain->gathered.changed);
    head_free(chain->head);
    mem_free(chain);
}

void node_chain_set_pool(struct node_chain *chain, struct chain_pool *pool)
{
    atomic_store(&chain->pool, pool);
}

const struct node_head *node_chain_head(const struct node_chain *chain)
{
    return chain->head;
}

struct chain *node_chain_of(const struct node_chain *chain)
{
    return chain->options.chain;
}
