/* Clique: the rules of consensus/clique, on the store. Branches are possible: the one with the most
 * difficulty is the chain. */
#include "consensus/clique/clique.h"
#include "base/mem.h"
#include "chain/chain_priv.h"

#include <inttypes.h>

enum {
    CHECKPOINT = 1024, /* blocks between stored snapshots, as in the reference */
};

static struct clique_config config_of(const struct chain *chain)
{
    const struct chain_clique *key = &chain->config->clique;
    return (struct clique_config){
        .period = key->period,
        .epoch = key->epoch ? key->epoch : CLIQUE_EPOCH_DEFAULT,
        .allowed_future_time = key->allowed_future,
    };
}

/* --- Snapshots --- */

/* Of a block that one can start from: genesis, or one that was stored. */
static int load_base(struct chain_reader *reader, struct clique_snapshot *ret, uint64_t number,
                     const struct hash256 *hash)
{
    struct bytes value;
    if (number == 0) {
        const struct clique_config config = config_of(reader->chain);
        int verdict = clique_snapshot_genesis(ret, &config, &reader->chain->genesis->header);
        if (verdict > 0)
            return err_set(&reader->detail, ERR_INPUT, "genesis: %s",
                           clique_verdict_text((enum clique_verdict)verdict));
        ret->voting.hash = *hash;
        return verdict;
    }
    int err = store_get(reader->txn, &value, CHAIN_SNAPSHOTS, bytes_of(hash->b, sizeof(hash->b)));
    return err ? err : clique_snapshot_read(ret, value);
}

static int find_base(struct chain_reader *reader, struct clique_snapshot *ret, uint64_t *ret_at,
                     uint64_t number)
{
    for (uint64_t at = number;; at--) {
        struct hash256 hash;
        if (at % CHECKPOINT)
            continue;
        int err = chain_reader_hash(reader, &hash, at);
        if (!err)
            err = load_base(reader, ret, at, &hash);
        if (err != ERR_NOTFOUND) {
            *ret_at = at;
            return err;
        }
    }
}

static int step(struct chain_reader *reader, struct clique_snapshot *snapshot, uint64_t number)
{
    struct eth_header header;
    struct hash256 hash;
    int err = chain_reader_header(reader, &header, number);
    if (!err)
        err = chain_reader_hash(reader, &hash, number);
    if (err)
        return err;
    int verdict = clique_snapshot_apply(snapshot, &header, &hash);
    return verdict > 0 ? err_set(&reader->detail, ERR_CORRUPT, "stored block %" PRIu64 ": %s",
                                 number, clique_verdict_text((enum clique_verdict)verdict))
                       : verdict;
}

/* The last one is kept in the chain: blocks come one after the other. */
static bool take_last(struct chain *chain, struct clique_snapshot *ret, struct chain_reader *reader,
                      uint64_t number, int *ret_err)
{
    struct hash256 hash;
    bool found = false;
    pthread_mutex_lock(&chain->lock);
    const struct clique_snapshot *last = chain->clique_snapshot;
    if (last && last->voting.number <= number && last->voting.number + CHECKPOINT > number &&
        chain_reader_hash(reader, &hash, last->voting.number) == 0 &&
        hash256_equal(&hash, &last->voting.hash)) {
        found = true;
        *ret_err = clique_snapshot_copy(ret, last);
    }
    pthread_mutex_unlock(&chain->lock);
    return found;
}

/* Keeping it is of use, not of need. */
static void keep_last(struct chain *chain, const struct clique_snapshot *snapshot)
{
    struct clique_snapshot *copy = mem_alloc(sizeof(*copy));
    if (!copy)
        return;
    clique_snapshot_init(copy);
    if (clique_snapshot_copy(copy, snapshot)) {
        chain_clique_free(copy);
        return;
    }
    pthread_mutex_lock(&chain->lock);
    struct clique_snapshot *old = chain->clique_snapshot;
    chain->clique_snapshot = copy;
    pthread_mutex_unlock(&chain->lock);
    chain_clique_free(old);
}

void chain_clique_free(struct clique_snapshot *snapshot)
{
    if (snapshot)
        clique_snapshot_release(snapshot);
    mem_free(snapshot);
}

static int snapshot_after(struct chain_reader *reader, struct clique_snapshot *ret, uint64_t number)
{
    uint64_t at = 0;
    int err = 0;
    clique_snapshot_init(ret);
    if (take_last(reader->chain, ret, reader, number, &err))
        at = ret->voting.number;
    else
        err = find_base(reader, ret, &at, number);
    while (!err && at < number)
        err = step(reader, ret, ++at);
    if (err)
        clique_snapshot_release(ret);
    else
        keep_last(reader->chain, ret);
    return err;
}

int chain_clique_store(struct chain *chain, struct store_txn *txn, const struct chain_block *block)
{
    struct buf record = BUF_INIT;
    if (block->header.number == 0 || block->header.number % CHECKPOINT)
        return 0;
    pthread_mutex_lock(&chain->lock);
    const struct clique_snapshot *last = chain->clique_snapshot;
    if (last && hash256_equal(&last->voting.hash, &block->hash))
        clique_snapshot_write(&record, last);
    pthread_mutex_unlock(&chain->lock);
    int err = buf_status(&record);
    if (!err && record.len)
        err = store_put(txn, CHAIN_SNAPSHOTS, bytes_of(block->hash.b, 32), buf_bytes(&record),
                        STORE_PUT);
    buf_release(&record);
    return err;
}

int chain_clique_snapshot(struct chain_reader *reader, struct clique_snapshot *ret_snapshot,
                          uint64_t number)
{
    return snapshot_after(reader, ret_snapshot, number);
}

int chain_clique_turn(struct chain_reader *reader, struct chain_clique_turn *ret_turn,
                      uint64_t number, const struct address *signer)
{
    struct clique_snapshot snapshot;
    struct chain_clique_turn turn = {.period = config_of(reader->chain).period};
    int err = snapshot_after(reader, &snapshot, number);
    if (err)
        return err;
    turn.authorized = istanbul_set_has(&snapshot.voting.set, signer);
    turn.recent = clique_signed_recently(&snapshot, signer);
    turn.in_turn = clique_in_turn(&snapshot, signer);
    turn.wiggle_ms = clique_wiggle_ms(&snapshot);
    istanbul_set_init(&turn.signers);
    err = istanbul_set_copy(&turn.signers, &snapshot.voting.set);
    clique_snapshot_release(&snapshot);
    if (err)
        return err_set(&reader->detail, err, "%s", err_text(err));
    *ret_turn = turn;
    return 0;
}

/* --- Engine --- */

static int author(struct chain *chain, struct address *ret_author, const struct eth_header *header)
{
    (void)chain;
    if (header->number == 0) {
        *ret_author = header->coinbase;
        return 0;
    }
    int verdict = clique_author(header, ret_author);
    return verdict > 0 ? ERR_INPUT : verdict;
}

static enum chain_verdict verdict_of(enum clique_verdict verdict)
{
    return verdict == CLIQUE_VALID       ? CHAIN_VALID
           : verdict == CLIQUE_FUTURE    ? CHAIN_FUTURE
           : verdict == CLIQUE_NO_PARENT ? CHAIN_UNKNOWN_PARENT
                                         : CHAIN_BAD_HEADER;
}

static int check_header(struct chain *chain, struct chain_reader *reader,
                        enum chain_verdict *ret_verdict, struct err_detail *why,
                        const struct eth_header *header, const struct chain_block *parent,
                        uint64_t now, unsigned flags)
{
    const struct clique_config config = config_of(chain);
    struct clique_snapshot snapshot;
    struct clique_check check = {
        .config = &config,
        .parent = parent ? &parent->header : NULL,
        .parent_hash = parent ? &parent->hash : NULL,
        .snapshot = &snapshot,
        .now = flags & CHAIN_CHECK_NO_TIME ? UINT64_MAX / 2 : now,
    };
    if (parent) {
        int err = snapshot_after(reader, &snapshot, parent->header.number);
        if (err)
            return err_set(why, err, "signers after block %" PRIu64 ": %s", parent->header.number,
                           *reader->detail.text ? reader->detail.text : err_text(err));
    } else {
        clique_snapshot_init(&snapshot);
    }
    int verdict = clique_check_header(&check, header);
    clique_snapshot_release(&snapshot);
    if (verdict < 0)
        return verdict;
    *ret_verdict = verdict_of((enum clique_verdict)verdict);
    if (verdict)
        err_set(why, 0, "%s", clique_verdict_text((enum clique_verdict)verdict));
    return 0;
}

static int prepare(struct chain *chain, struct chain_reader *reader, struct eth_header *header,
                   struct arena *arena, const struct chain_block *parent,
                   const struct chain_prepare *in, struct err_detail *why)
{
    const struct clique_config config = config_of(chain);
    struct clique_snapshot snapshot;
    int err = snapshot_after(reader, &snapshot, parent->header.number);
    if (err)
        return err_set(why, err, "%s", *reader->detail.text ? reader->detail.text : err_text(err));
    struct buf extra = BUF_INIT;
    clique_prepare(header, &extra, &config, &snapshot, &parent->header, &in->coinbase, in->extra,
                   in->has_vote ? &in->candidate : NULL, in->authorize, in->now);
    clique_snapshot_release(&snapshot);
    err = buf_status(&extra);
    if (!err) {
        header->extra = arena_copy(arena, buf_bytes(&extra));
        err = header->extra.data ? 0 : ERR_NOMEM;
    }
    buf_release(&extra);
    return err ? err_set(why, err, "%s", err_text(err)) : 0;
}

static int may_sign(struct chain *chain, struct chain_reader *reader,
                    const struct eth_header *header, bool *ret_may)
{
    struct clique_snapshot snapshot;
    struct address signer;
    struct chain_head head;
    *ret_may = false;
    int verdict = clique_author(header, &signer);
    if (verdict)
        return verdict < 0 ? verdict : 0;
    chain_head(chain, &head);
    int err = snapshot_after(reader, &snapshot, head.block->header.number);
    chain_head_release(&head);
    if (err)
        return err;
    *ret_may = istanbul_set_has(&snapshot.voting.set, &signer);
    clique_snapshot_release(&snapshot);
    return 0;
}

static int finish(struct chain *chain, struct exec *x, const struct eth_header *header)
{
    (void)chain, (void)x, (void)header; /* no rewards */
    return 0;
}

const struct chain_engine_ops chain_engine_clique = {
    .name = "clique",
    .is_final = false,
    .author = author,
    .check_header = check_header,
    .prepare = prepare,
    .may_sign = may_sign,
    .finish = finish,
};
