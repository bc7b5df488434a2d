/*
 * Many blocks at once: one thread runs ahead, decoding and recovering senders on all cores, the
 * caller's executes and commits. Recovery takes most of the time; the rest hides behind it.
 */
#include "chain/import_priv.h"

#include "base/mem.h"
#include "chain/chain_priv.h"

#include <inttypes.h>

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

/* The next block, or NULL at the end; then a->err is set. */
static struct chain_block *take(struct ahead *a)
{
    struct chain_block *block = NULL;
    pthread_mutex_lock(&a->lock);
    while (a->first == a->next && !a->ended)
        pthread_cond_wait(&a->changed, &a->lock);
    if (a->first != a->next) {
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
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->changed, NULL);
    if (pthread_create(&a->thread, NULL, run_ahead, a)) {
        mem_free(a);
        return ERR_NOMEM;
    }
    *ret_ahead = a;
    return 0;
}

int chain_import_source(struct chain *chain, enum chain_verdict *ret_verdict,
                        struct chain_progress *progress, struct err_detail *why,
                        const struct chain_source *source)
{
    struct ahead *a;
    struct chain_block *block;
    int err = start(&a, chain, source);
    if (err)
        return err_set(why, err, "import: %s", err_text(err));
    enum chain_verdict verdict = CHAIN_VALID;
    while (!err && (block = take(a))) {
        err = chain_commit(chain, &verdict, why, block);
        bool known = !err && verdict == CHAIN_KNOWN;
        if (known || (!err && verdict == CHAIN_VALID)) {
            progress->blocks++;
            progress->known += known;
            progress->transactions += block->body->body.transaction_count;
            progress->head = block->header.number;
            verdict = CHAIN_VALID;
        } else {
            err_prefix(why, err, "block %" PRIu64, block->header.number);
        }
        chain_block_unref(block);
        if (verdict != CHAIN_VALID ||
            (!err && source->progress && !source->progress(source->context, progress)))
            break;
    }
    if (!err && verdict == CHAIN_VALID && a->err)
        err = err_set(why, a->err, "%s", *a->detail.text ? a->detail.text : err_text(a->err));
    finish(a);
    *ret_verdict = verdict;
    return err;
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
    int err = chain_import_source(chain, ret_verdict, &progress, why ? why : &unused, &source);
    *ret_count = progress.blocks;
    return err;
}
