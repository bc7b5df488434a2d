/*
 * Many blocks at once: one thread runs ahead, decoding and recovering senders on all cores, the
 * caller's executes and commits, several blocks at a time (batch.c). Recovery takes most of the time; the rest hides
 * behind it.
 */
#include "chain/import_priv.h"

#include "base/hex.h"
#include "base/mem.h"
#include "chain/private/priv.h"

#include <errno.h>
#include <inttypes.h>
#include <time.h>

enum {
    /* Blocks and bytes that the thread may be ahead: enough to keep all cores busy over the largest
     * block, little against what execution needs. */
    AHEAD_BLOCKS = 256,
    AHEAD_BYTES = 64 << 20,
};

struct ahead {
    struct chain *chain;
    const struct chain_source *source;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct chain_block *blocks[AHEAD_BLOCKS];
    uint64_t first, next; /* those in between are ready */
    size_t bytes;
    bool stop, ended;
    int err; /* of the source, once its blocks are used up */
    struct err_detail detail;
};

/* Waits for room; false: stop. */
static bool put(struct ahead *a, struct chain_block *block)
{
    pthread_mutex_lock(&a->lock);
    while (!a->stop && a->next > a->first &&
           (a->next - a->first == AHEAD_BLOCKS || a->bytes >= AHEAD_BYTES))
        pthread_cond_wait(&a->changed, &a->lock);
    bool go_on = !a->stop;
    if (go_on) {
        a->blocks[a->next++ % AHEAD_BLOCKS] = block;
        a->bytes += chain_block_size(block);
        pthread_cond_broadcast(&a->changed);
    }
    pthread_mutex_unlock(&a->lock);
    return go_on;
}

static int recover(struct chain *chain, struct chain_block *block)
{
    enum eth_tx_status status;
    size_t index;
    struct chain_rules rules =
        chain_config_rules(chain->config, block->header.number, block->header.timestamp);
    /* Who has none is found again, and named, at execution. */
    return chain_block_recover(block, &status, &index, &rules.transactions, chain->pool);
}

static void *run_ahead(void *context)
{
    struct ahead *a = context;
    int err = 0;
    for (bool go_on = true; go_on && !err;) {
        struct chain_block *block = NULL;
        err = a->source->next(a->source->context, &block, &a->detail);
        if (err || !block)
            break;
        err = recover(a->chain, block);
        go_on = !err && put(a, block);
        if (!go_on)
            chain_block_unref(block);
    }
    pthread_mutex_lock(&a->lock);
    a->ended = true;
    a->err = err;
    pthread_cond_broadcast(&a->changed);
    pthread_mutex_unlock(&a->lock);
    return NULL;
}

/* --- The importing thread --- */

struct importing {
    struct chain *chain;
    const struct chain_source *source;
    struct chain_progress *progress; /* of what is durable */
    struct chain_progress tip;       /* of what is written */
    struct err_detail *why;
    enum chain_verdict verdict;
    int err;
    bool stop; /* the source has enough */
};

static void tell(struct importing *im)
{
    *im->progress = im->tip;
    if (im->source->progress && !im->source->progress(im->source->context, im->progress))
        im->stop = true;
}

/* Makes durable what is written. */
static void settle(struct importing *im)
{
    if (im->chain->batch.count == 0)
        return;
    im->err = chain_batch_commit(im->chain, im->why);
    if (!im->err)
        tell(im);
}

/* True: the batch has waited for long enough. */
static bool wait_until(struct ahead *a, const struct chain_batch *batch)
{
    uint64_t at = batch->began_ms + batch->limits.milliseconds;
    const struct timespec end = {(time_t)(at / 1000), (long)(at % 1000) * 1000000};
    return pthread_cond_timedwait(&a->changed, &a->lock, &end) == ETIMEDOUT;
}

/* The next block, or NULL at the end; then a->err is set. Before it waits for long it does what must not wait. */
static struct chain_block *take(struct ahead *a, struct importing *im)
{
    struct chain_block *block = NULL;
    pthread_mutex_lock(&a->lock);
    while (a->first == a->next && !a->ended && !im->err) {
        if (!im->chain->batch.count) {
            pthread_cond_wait(&a->changed, &a->lock);
        } else if (wait_until(a, &im->chain->batch)) {
            pthread_mutex_unlock(&a->lock);
            settle(im);
            pthread_mutex_lock(&a->lock);
        }
    }
    if (a->first != a->next && !im->err) {
        block = a->blocks[a->first++ % AHEAD_BLOCKS];
        a->bytes -= chain_block_size(block);
        pthread_cond_broadcast(&a->changed);
    }
    pthread_mutex_unlock(&a->lock);
    return block;
}

static void finish(struct ahead *a)
{
    pthread_mutex_lock(&a->lock);
    a->stop = true;
    pthread_cond_broadcast(&a->changed);
    pthread_mutex_unlock(&a->lock);
    pthread_join(a->thread, NULL);
    while (a->first != a->next)
        chain_block_unref(a->blocks[a->first++ % AHEAD_BLOCKS]);
    pthread_mutex_destroy(&a->lock);
    pthread_cond_destroy(&a->changed);
    mem_free(a);
}

static int start(struct ahead **ret_ahead, struct chain *chain, const struct chain_source *source)
{
    struct ahead *a = mem_alloc_zeroed(1, sizeof(*a));
    if (!a)
        return ERR_NOMEM;
    a->chain = chain;
    a->source = source;
    pthread_condattr_t attributes;
    pthread_mutex_init(&a->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&a->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    if (pthread_create(&a->thread, NULL, run_ahead, a)) {
        mem_free(a);
        return ERR_NOMEM;
    }
    *ret_ahead = a;
    return 0;
}

static bool is_good(enum chain_verdict verdict)
{
    return verdict == CHAIN_VALID || verdict == CHAIN_KNOWN;
}

/* What a block says when the file's first one is another genesis block would name no chain. */
static bool is_foreign(struct importing *im, const struct chain_block *block)
{
    char theirs[65], ours[65];
    const struct chain_block *genesis = chain_genesis_of(im->chain);
    if (block->header.number != 0 || hash256_equal(&block->hash, &genesis->hash))
        return false;
    hex_encode(theirs, bytes_of(block->hash.b, sizeof(block->hash.b)));
    hex_encode(ours, bytes_of(genesis->hash.b, sizeof(genesis->hash.b)));
    im->verdict = CHAIN_SIDE_CHAIN;
    err_set(im->why, ERR_INPUT,
            "this is another chain: it has genesis block 0x%s, the data directory 0x%s; `init` "
            "with that chain's genesis file makes a data directory for it",
            theirs, ours);
    return true;
}

/* *ret_result is NULL where there is nothing to write. */
static void execute(struct importing *im, struct chain_result **ret_result,
                    struct chain_block *block)
{
    im->err = chain_execute_result(im->chain, ret_result, &im->verdict, im->why, block, 0);
    if (!im->err && chain_is_elsewhere(im->chain, im->verdict)) {
        settle(im);
        if (!im->err)
            im->err = chain_commit(im->chain, &im->verdict, im->why, block);
    }
    if (im->err || !is_good(im->verdict))
        err_prefix(im->why, im->err, "block %" PRIu64, block->header.number);
}

/* A block that may wait, for as long as the manager is silent: those before it would wait with it. So it may not while there
 * are any; when the manager cannot be asked they are made durable, and the block begins again. */
static void execute_private(struct importing *im, struct chain_result **ret_result,
                            struct chain_block *block)
{
    const struct chain_payloads *payloads = im->chain->payloads;
    if (im->chain->batch.count && payloads->set_patience) {
        payloads->set_patience(payloads->context, false);
        execute(im, ret_result, block);
        payloads->set_patience(payloads->context, true);
        if (im->err != ERR_TIMEOUT)
            return;
        im->err = 0;
        im->why->text[0] = '\0';
    }
    settle(im);
    if (!im->err)
        execute(im, ret_result, block);
}

static void take_in(struct importing *im, struct chain_block *block)
{
    struct chain_result *result = NULL;
    if (is_foreign(im, block))
        return;
    if (chain_private_waits(im->chain, block))
        execute_private(im, &result, block);
    else
        execute(im, &result, block);
    if (!im->err && is_good(im->verdict) && result)
        im->err = chain_batch_add(im->chain, block, result, im->why);
    if (im->err || !is_good(im->verdict))
        return;
    im->tip.blocks++;
    im->tip.known += im->verdict == CHAIN_KNOWN;
    im->tip.transactions += block->body->body.transaction_count;
    im->tip.gas += block->header.gas_used;
    im->tip.head = block->header.number;
    if (im->chain->batch.count == 0)
        tell(im);
    else if (chain_batch_is_full(&im->chain->batch))
        settle(im);
}

/* What is written before the end, for whatever reason it came, is kept. */
static void settle_last(struct importing *im)
{
    struct err_detail why = {""}, *first = im->why;
    int err = im->err;
    if (!err && is_good(im->verdict)) {
        settle(im);
        return;
    }
    im->why = &why;
    settle(im);
    im->why = first;
    if (im->err && !err)
        *first = why;
    else
        im->err = err;
}

/* What is written is durable, and the block that was refused (NULL: none was) is kept when it is a bad one. */
static void end(struct importing *im, struct chain_block *refused, enum chain_verdict *ret_verdict)
{
    settle_last(im);
    if (!im->err && refused && chain_is_bad(im->verdict))
        chain_keep_bad(im->chain, refused);
    *ret_verdict = is_good(im->verdict) ? CHAIN_VALID : im->verdict;
}

int chain_import_source(struct chain *chain, enum chain_verdict *ret_verdict,
                        struct chain_progress *progress, struct err_detail *why,
                        const struct chain_source *source)
{
    struct ahead *a;
    struct chain_block *block, *refused = NULL;
    struct importing im = {.chain = chain,
                           .source = source,
                           .progress = progress,
                           .tip = *progress,
                           .why = why,
                           .verdict = CHAIN_VALID};
    int err = start(&a, chain, source);
    if (err)
        return err_set(why, err, "import: %s", err_text(err));
    while (!im.err && !refused && !im.stop && (block = take(a, &im))) {
        take_in(&im, block);
        if (is_good(im.verdict))
            chain_block_unref(block);
        else
            refused = block;
    }
    end(&im, refused, ret_verdict);
    if (!im.err && !refused && a->err)
        im.err = err_set(why, a->err, "%s", *a->detail.text ? a->detail.text : err_text(a->err));
    chain_block_unref(refused);
    finish(a);
    return im.err;
}

/* --- One block: there is nothing to run ahead of, and a thread costs more than an empty block does --- */

static int import_one(struct chain *chain, enum chain_verdict *ret_verdict,
                      struct chain_progress *progress, struct err_detail *why,
                      struct chain_block *block)
{
    static const struct chain_source none;
    struct importing im = {
        .chain = chain, .source = &none, .progress = progress, .why = why, .verdict = CHAIN_VALID};
    int err = recover(chain, block);
    if (err)
        return err_set(why, err, "%s", err_text(err));
    take_in(&im, block);
    end(&im, is_good(im.verdict) ? NULL : block, ret_verdict);
    return im.err;
}

/* --- From an array --- */

struct array {
    struct chain_block *const *blocks;
    size_t count, at;
};

static int next_of_array(void *context, struct chain_block **ret_block, struct err_detail *detail)
{
    struct array *array = context;
    (void)detail;
    if (array->at < array->count)
        *ret_block = chain_block_ref(array->blocks[array->at++]);
    return 0;
}

int chain_import(struct chain *chain, enum chain_verdict *ret_verdict, size_t *ret_count,
                 struct err_detail *why, struct chain_block *const *blocks, size_t count)
{
    struct array array = {blocks, count, 0};
    struct chain_progress progress = {0};
    struct err_detail unused;
    const struct chain_source source = {next_of_array, NULL, &array};
    why = why ? why : &unused;
    int err = count == 1 ? import_one(chain, ret_verdict, &progress, why, blocks[0])
                         : chain_import_source(chain, ret_verdict, &progress, why, &source);
    *ret_count = progress.blocks;
    return err;
}
