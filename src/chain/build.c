/* The block after the head, made here: GoQuorum's miner/worker.go without its waiting. */
#include "base/mem.h"
#include "chain/chain_priv.h"
#include "chain/private/priv.h"
#include "consensus/clique/clique.h"
#include "consensus/istanbul/hash.h"
#include "consensus/raft/cluster.h"
#include "eth/fee.h"

enum {
    GAS_FLOOR = 700000000, /* --miner.gastarget */
    GAS_CEIL = 800000000,  /* --miner.gaslimit */
    GAS_BOUND_DIVISOR = 4096,
    TX_GAS = 21000,
    /* Of a message of 10 MiB the rest is for header, seals and justification. */
    SIZE_MAX_DEFAULT = 9 << 20,
};

struct builder {
    struct chain *chain;
    const struct chain_build *in;
    struct chain_result *result;
    struct arena arena;
    struct eth_header header;
    struct chain_tx **txs;
    size_t count, capacity;
    size_t size; /* bytes of their encodings */
    struct err_detail *detail;
};

/* CalcGasLimit of core/block_validator.go. */
static uint64_t next_gas_limit(const struct eth_header *parent, uint64_t least, uint64_t floor,
                               uint64_t ceil)
{
    uint64_t contribution = (parent->gas_used + parent->gas_used / 2) / GAS_BOUND_DIVISOR;
    uint64_t decay = parent->gas_limit / GAS_BOUND_DIVISOR - 1; /* wraps below 4096, as in Go */
    uint64_t limit = parent->gas_limit - decay + contribution;
    if (limit < least)
        limit = least;
    if (limit < floor) {
        limit = parent->gas_limit + decay;
        if (limit > floor)
            limit = floor;
    } else if (limit > ceil) {
        limit = parent->gas_limit - decay;
        if (limit < ceil)
            limit = ceil;
    }
    return limit;
}

static int prepare_header(struct builder *b, struct chain_reader *reader,
                          const struct chain_block *parent)
{
    struct chain *chain = b->chain;
    struct eth_header *h = &b->header;
    uint64_t floor = b->in->gas_floor ? b->in->gas_floor : GAS_FLOOR;
    uint64_t ceil = b->in->gas_ceil ? b->in->gas_ceil : GAS_CEIL;
    uint64_t least = chain_config_min_gas_limit(chain->config, parent->header.number);
    *h = (struct eth_header){
        .parent_hash = parent->hash,
        .number = parent->header.number + 1,
        .uncles_hash = eth_empty_uncles_hash,
        .gas_limit = next_gas_limit(&parent->header, least, floor, ceil),
    };
    int err =
        chain->engine->prepare(chain, reader, h, &b->arena, parent, &b->in->prepare, b->detail);
    if (!err)
        chain_header_tail(h, chain->config, &parent->header);
    return err;
}

static enum chain_offer offer_of(enum exec_verdict verdict)
{
    switch (verdict) {
    case EXEC_VALID:
        return CHAIN_OFFER_TAKEN;
    case EXEC_GAS_LIMIT_REACHED:
    case EXEC_BLOB_GAS_LIMIT_REACHED:
        return CHAIN_OFFER_NO_ROOM;
    case EXEC_NONCE_TOO_LOW:
        return CHAIN_OFFER_STALE;
    case EXEC_NONCE_TOO_HIGH:
        return CHAIN_OFFER_EARLY;
    default:
        return CHAIN_OFFER_INVALID;
    }
}

static int keep(struct builder *b, struct chain_tx *tx)
{
    if (MEM_RESERVE(b->txs, b->capacity, b->count + 1, 256))
        return ERR_NOMEM;
    b->txs[b->count++] = chain_tx_ref(tx);
    return 0;
}

/* Room for it before it is executed, so that a failure leaves nothing half done. */
static int offer(struct builder *b, struct chain_tx *tx, enum chain_offer *ret_offer,
                 struct err_detail *why)
{
    const struct eth_rules *rules = &b->result->environment.rules.transactions;
    size_t most = b->in->max_size ? b->in->max_size : SIZE_MAX_DEFAULT;
    enum exec_verdict verdict = EXEC_VALID;
    *ret_offer = CHAIN_OFFER_INVALID;
    if (!tx->tx.sender_known)
        return err_set(why, 0, "the sender is not known");
    enum eth_tx_status status = eth_transaction_check(&tx->tx, rules);
    if (status == ETH_TX_TYPE_NOT_SUPPORTED || status == ETH_TX_WRONG_CHAIN_ID)
        return err_set(why, 0, "%s", eth_tx_status_text(status));
    *ret_offer = CHAIN_OFFER_NO_ROOM;
    if (b->size + tx->tx.encoded.len > most)
        return err_set(why, 0, "the block is full");
    int err = chain_run_transaction(b->chain, b->result, &verdict, why, &tx->tx, &tx->tx.sender);
    if (err)
        return err_set(b->detail, err, "candidate block: %s",
                       *b->result->reader.detail.text ? b->result->reader.detail.text
                                                      : err_text(err));
    *ret_offer = offer_of(verdict);
    if (verdict != EXEC_VALID)
        return *why->text ? 0 : err_set(why, 0, "%s", exec_verdict_text(verdict));
    b->size += tx->tx.encoded.len;
    return keep(b, tx);
}

static const struct eth_transaction *likely_at(const void *list, size_t index)
{
    return &((struct chain_tx *const *)list)[index]->tx;
}

static int take_transactions(struct builder *b)
{
    const struct chain_build *in = b->in;
    if (b->result->environment.private)
        chain_private_expect(b->result->environment.private, in->likely_count, likely_at,
                             in->likely);
    uint32_t most = in->max_transactions ? in->max_transactions : UINT32_MAX;
    while (in->next && b->count < most && !(in->stop && in->stop(in->context))) {
        /* Not exact where private transactions gave gas back; then the transaction itself is told. */
        if (b->header.gas_limit < TX_GAS + exec_gas_used(b->chain->exec))
            break;
        struct chain_tx *tx = in->next(in->context);
        enum chain_offer outcome;
        struct err_detail why = {""};
        if (!tx)
            break;
        int err = offer(b, tx, &outcome, &why);
        if (err)
            return err;
        if (in->offered)
            in->offered(in->context, tx, outcome, *why.text ? why.text : NULL);
    }
    return 0;
}

/* Clique's seal stands in the extra data already, as zeros. */
static int sign_clique(struct builder *b)
{
    struct eth_header *h = &b->header;
    struct hash256 digest;
    struct istanbul_seal seal;
    if (!b->in->sign)
        return err_set(b->detail, ERR_USAGE, "a Clique block is built with a key only");
    int err = clique_seal_digest(h, &digest);
    if (!err)
        err = b->in->sign(b->in->sign_context, &digest, seal.b);
    struct bytes extra = err ? bytes_none() : arena_copy(&b->arena, h->extra);
    if (!err && !extra.data)
        err = ERR_NOMEM;
    if (err)
        return err;
    clique_put_seal((uint8_t *)(uintptr_t)extra.data, extra.len, &seal);
    h->extra = extra;
    return 0;
}

/*
 * Raft's minter signs the header as it is before the body's hashes, the bloom and the extra data are in it, but for the gas that
 * was used (raft/minter.go). Nobody verifies that.
 */
static int sign_raft(struct builder *b)
{
    struct eth_header unsealed = b->header;
    struct hash256 digest;
    struct buf extra = BUF_INIT;
    uint8_t signature[65];
    if (!b->in->sign || !b->in->raft_id)
        return 0;
    memset(&unsealed.transactions_root, 0, sizeof(unsealed.transactions_root));
    memset(&unsealed.receipts_root, 0, sizeof(unsealed.receipts_root));
    memset(&unsealed.uncles_hash, 0, sizeof(unsealed.uncles_hash));
    memset(&unsealed.bloom, 0, sizeof(unsealed.bloom));
    unsealed.extra = bytes_none();
    int err = eth_header_hash(&unsealed, &digest);
    if (!err)
        err = b->in->sign(b->in->sign_context, &digest, signature);
    if (err)
        return err;
    raft_extra_write(&extra, b->in->raft_id, signature);
    b->header.extra = arena_copy(&b->arena, buf_bytes(&extra));
    err = b->header.extra.data ? buf_status(&extra) : ERR_NOMEM;
    buf_release(&extra);
    return err;
}

/* IBFT's proposer seal, Clique's, and Raft's. */
static int sign_header(struct builder *b)
{
    struct eth_header *h = &b->header;
    struct hash256 digest;
    struct istanbul_seal seal;
    struct buf extra = BUF_INIT;
    if (b->chain->config->engine == CHAIN_ENGINE_CLIQUE)
        return sign_clique(b);
    if (b->chain->config->engine == CHAIN_ENGINE_FAKE)
        return sign_raft(b);
    if (b->chain->config->engine != CHAIN_ENGINE_ISTANBUL ||
        istanbul_engine_at(&b->chain->config->istanbul, h->number) != ISTANBUL_IBFT)
        return 0;
    if (!b->in->sign)
        return err_set(b->detail, ERR_USAGE, "an IBFT block is built with a key only");
    int err = istanbul_proposer_digest(h, &digest);
    if (!err)
        err = b->in->sign(b->in->sign_context, &digest, seal.b);
    if (!err)
        err = istanbul_extra_put_seal(&extra, h->extra, &seal);
    if (!err) {
        h->extra = arena_copy(&b->arena, buf_bytes(&extra));
        err = h->extra.data ? 0 : ERR_NOMEM;
    }
    buf_release(&extra);
    return err;
}

static int finish(struct builder *b, struct chain_block **ret_block)
{
    struct eth_header *h = &b->header;
    struct chain_body *body;
    int err = chain_run_end(b->chain, b->result, h, b->detail);
    if (err)
        return err;
    err = chain_body_build(&body, b->txs, b->count, h->tail >= ETH_HEADER_WITHDRAWALS_ROOT);
    if (err)
        return err;
    h->transactions_root = body->transactions_root;
    h->receipts_root = b->result->receipts_root;
    h->state_root = b->result->state_root;
    h->bloom = b->result->bloom;
    h->gas_used = b->result->gas_used;
    struct chain_block *block = NULL;
    err = sign_header(b);
    if (!err)
        err = chain_block_build(&block, h, body);
    chain_body_unref(body);
    if (err)
        return err;
    b->result->hash = block->hash;
    *ret_block = block;
    return 0;
}

static int build(struct builder *b, struct chain_block **ret_block)
{
    struct chain_head head;
    struct chain_reader reader;
    int err = chain_reader_open(&reader, b->chain);
    if (err)
        return err_set(b->detail, err, "%s", reader.detail.text);
    chain_head(b->chain, &head);
    err = prepare_header(b, &reader, head.block);
    chain_head_release(&head);
    chain_reader_close(&reader);
    if (!err)
        err = chain_result_take(b->chain, &b->result);
    if (!err)
        err = chain_run_begin(b->chain, b->result, &b->header, &b->in->prepare.coinbase, b->detail);
    if (!err)
        err = take_transactions(b);
    if (!err)
        err = finish(b, ret_block);
    if (err && b->result)
        chain_result_close(b->result);
    return err;
}

int chain_build(struct chain *chain, struct chain_block **ret_block, const struct chain_build *in,
                struct err_detail *detail)
{
    struct err_detail unused;
    struct builder b = {.chain = chain, .in = in, .detail = detail ? detail : &unused};
    b.detail->text[0] = '\0';
    arena_init(&b.arena);
    int err = build(&b, ret_block);
    if (err && !*b.detail->text)
        err_set(b.detail, err, "candidate block: %s", err_text(err));
    for (size_t i = 0; i < b.count; i++)
        chain_tx_unref(b.txs[i]);
    mem_free(b.txs);
    arena_release(&b.arena);
    return err;
}
