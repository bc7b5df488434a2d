/* Is the block after the head valid? In the order and the words of GoQuorum (core/blockchain.go,
 * block_validator.go, state_processor.go). */
#include "base/hex.h"
#include "chain/chain_priv.h"
#include "chain/private/priv.h"

#include <inttypes.h>

/* A hash as GoQuorum's messages print it. */
struct hex_text {
    char text[65];
};

static struct hex_text hex(const struct hash256 *hash)
{
    struct hex_text h;
    hex_encode(h.text, bytes_of(hash->b, sizeof(hash->b)));
    h.text[64] = '\0';
    return h;
}

/* --- Header --- */

static int check_header(struct chain *chain, struct chain_reader *reader,
                        enum chain_verdict *ret_verdict, struct err_detail *why,
                        const struct eth_header *header, const struct chain_block *parent,
                        unsigned flags)
{
    if (parent && (header->number != parent->header.number + 1 ||
                   !hash256_equal(&header->parent_hash, &parent->hash))) {
        *ret_verdict =
            header->number != parent->header.number + 1 ? CHAIN_BAD_NUMBER : CHAIN_UNKNOWN_PARENT;
        err_set(why, 0, "%s", chain_verdict_text(*ret_verdict));
        return 0;
    }
    int err = chain->engine->check_header(chain, reader, ret_verdict, why, header, parent,
                                          chain_now(chain), flags);
    if (!err && *ret_verdict == CHAIN_VALID &&
        !chain_header_tail_check(header, chain->config, parent ? &parent->header : NULL, why))
        *ret_verdict = CHAIN_BAD_HEADER;
    return err;
}

/* --- Body --- */

static enum chain_verdict check_body(const struct chain_block *block, struct err_detail *why)
{
    const struct chain_body *body = block->body;
    const struct eth_header *h = &block->header;
    if (body->body.uncle_count) {
        err_set(why, 0, "uncles not allowed");
        return CHAIN_BAD_BODY;
    }
    if (!hash256_equal(&h->uncles_hash, &body->uncles_hash)) {
        err_set(why, 0, "uncle root hash mismatch: have %s, want %s", hex(&body->uncles_hash).text,
                hex(&h->uncles_hash).text);
        return CHAIN_BAD_BODY;
    }
    if (!hash256_equal(&h->transactions_root, &body->transactions_root)) {
        err_set(why, 0, "transaction root hash mismatch: have %s, want %s",
                hex(&body->transactions_root).text, hex(&h->transactions_root).text);
        return CHAIN_BAD_BODY;
    }
    if (!chain_block_matches(block)) {
        err_set(why, 0, "the body's withdrawals are not those of the header");
        return CHAIN_BAD_BODY;
    }
    return CHAIN_VALID;
}

/* --- Execution --- */

static const struct eth_transaction *transaction_at(const void *list, size_t index)
{
    return (const struct eth_transaction *)list + index;
}

static int run_transactions(struct chain *chain, struct chain_result *result,
                            enum chain_verdict *ret_verdict, struct err_detail *why,
                            const struct chain_block *block)
{
    const struct chain_body *body = block->body;
    const struct eth_rules *rules = &result->environment.rules.transactions;
    if (result->environment.private)
        chain_private_expect(result->environment.private, body->body.transaction_count,
                             transaction_at, body->body.transactions);
    for (size_t i = 0; i < body->body.transaction_count; i++) {
        struct eth_transaction *tx = &body->body.transactions[i];
        enum eth_tx_status status;
        enum exec_verdict verdict = EXEC_VALID;
        struct err_detail reason = {""};
        /* With a known sender this only looks at the signature's form. */
        int err = eth_transaction_recover(tx, &status, rules);
        if (err)
            return err;
        if (status != ETH_TX_OK) {
            *ret_verdict = CHAIN_BAD_SENDER;
            return err_set(why, 0, "could not apply tx %zu [0x%s]: %s", i,
                           hex(&body->hashes[i]).text, eth_tx_status_text(status));
        }
        err = chain_run_transaction(chain, result, &verdict, &reason, tx, &tx->sender);
        if (err)
            return err_set(
                why, err, "transaction %zu of block %" PRIu64 ": %s", i, block->header.number,
                *result->reader.detail.text ? result->reader.detail.text : err_text(err));
        if (verdict != EXEC_VALID) {
            *ret_verdict = CHAIN_BAD_TRANSACTION;
            return err_set(why, 0, "could not apply tx %zu [0x%s]: %s", i,
                           hex(&body->hashes[i]).text,
                           *reason.text ? reason.text : exec_verdict_text(verdict));
        }
    }
    *ret_verdict = CHAIN_VALID;
    return 0;
}

static enum chain_verdict check_result(const struct chain_result *result,
                                       const struct eth_header *h, struct err_detail *why)
{
    if (h->gas_used != result->gas_used)
        err_set(why, 0, "invalid gas used (remote: %" PRIu64 " local: %" PRIu64 ")", h->gas_used,
                result->gas_used);
    else if (!eth_bloom_equal(&h->bloom, &result->bloom))
        err_set(why, 0, "invalid bloom");
    else if (!hash256_equal(&h->receipts_root, &result->receipts_root))
        err_set(why, 0, "invalid receipt root hash (remote: %s local: %s)",
                hex(&h->receipts_root).text, hex(&result->receipts_root).text);
    else if (!hash256_equal(&h->state_root, &result->state_root))
        err_set(why, 0, "invalid merkle root (remote: %s local: %s)", hex(&h->state_root).text,
                hex(&result->state_root).text);
    else
        return CHAIN_VALID;
    return CHAIN_BAD_RESULT;
}

/* GoQuorum, core/blockchain.go: ValidatePrivateStateRoot. */
static enum chain_verdict check_private_root(const struct chain *chain,
                                             const struct chain_result *result,
                                             const struct chain_block *block,
                                             struct err_detail *why)
{
    const struct chain_private_side *side = &result->private.own;
    const struct chain_private_roots *roots = chain->private_roots;
    struct hash256 theirs, ours = side->has_update ? side->update.root : side->state.root.hash;
    if (!roots || !roots->find(roots->context, &theirs, &block->hash) ||
        hash256_equal(&ours, &theirs))
        return CHAIN_VALID;
    err_set(why, 0, "private root hash mismatch for block 0x%s (server: %s local: %s)",
            hex(&block->hash).text, hex(&theirs).text, hex(&ours).text);
    return CHAIN_PRIVATE_STATE;
}

static int execute(struct chain *chain, struct chain_result *result,
                   enum chain_verdict *ret_verdict, struct err_detail *why,
                   struct chain_block *block, unsigned flags)
{
    int err = chain_run_begin(chain, result, &block->header, NULL, why);
    result->agreed = !(flags & CHAIN_CHECK_NO_SEALS);
    if (!err)
        err = run_transactions(chain, result, ret_verdict, why, block);
    if (err || *ret_verdict != CHAIN_VALID)
        return err;
    err = chain_run_end(chain, result, &block->header, why);
    if (err)
        return err;
    *ret_verdict = check_result(result, &block->header, why);
    if (*ret_verdict == CHAIN_VALID)
        *ret_verdict = check_private_root(chain, result, block, why);
    if (*ret_verdict == CHAIN_VALID)
        result->hash = block->hash;
    return 0;
}

/* Whether the block stands right on the head; otherwise why not. */
static int place(struct chain *chain, struct chain_reader *reader, enum chain_verdict *ret_verdict,
                 const struct chain_block *block, const struct chain_block *head)
{
    struct hash256 canonical;
    *ret_verdict = CHAIN_VALID;
    if (block->header.number == head->header.number + 1) {
        if (!hash256_equal(&block->header.parent_hash, &head->hash))
            *ret_verdict = chain->engine->is_final ? CHAIN_SIDE_CHAIN : CHAIN_UNKNOWN_PARENT;
        return 0;
    }
    if (block->header.number > head->header.number) {
        *ret_verdict = CHAIN_UNKNOWN_PARENT;
        return 0;
    }
    int err = chain_reader_hash(reader, &canonical, block->header.number);
    if (!err)
        *ret_verdict = hash256_equal(&canonical, &block->hash) ? CHAIN_KNOWN : CHAIN_SIDE_CHAIN;
    return err;
}

static int check_and_execute(struct chain *chain, struct chain_reader *reader,
                             struct chain_result **ret_result, enum chain_verdict *ret_verdict,
                             struct err_detail *why, struct chain_block *block, unsigned flags)
{
    struct chain_head head;
    chain_tip(chain, &head);
    int err = place(chain, reader, ret_verdict, block, head.block);
    if (!err && *ret_verdict != CHAIN_VALID)
        err_set(why, 0, "%s", chain_verdict_text(*ret_verdict));
    else if (!err)
        err = check_header(chain, reader, ret_verdict, why, &block->header, head.block, flags);
    chain_head_release(&head);
    if (err || *ret_verdict != CHAIN_VALID)
        return err;
    *ret_result = chain_result_find(chain, &block->hash);
    if (*ret_result)
        return 0;
    *ret_verdict = check_body(block, why);
    if (*ret_verdict != CHAIN_VALID)
        return 0;
    err = chain_result_take(chain, ret_result);
    if (!err)
        err = execute(chain, *ret_result, ret_verdict, why, block, flags);
    if (*ret_result && (err || *ret_verdict != CHAIN_VALID))
        chain_result_close(*ret_result);
    return err;
}

int chain_execute_result(struct chain *chain, struct chain_result **ret_result,
                         enum chain_verdict *ret_verdict, struct err_detail *why,
                         struct chain_block *block, unsigned flags)
{
    struct chain_reader reader;
    *ret_result = NULL;
    int err = chain_reader_open_tip(&reader, chain);
    if (err)
        return err_set(why, err, "%s", reader.detail.text);
    err = check_and_execute(chain, &reader, ret_result, ret_verdict, why, block, flags);
    chain_reader_close(&reader);
    if (err && chain->batch.txn && *chain->batch.detail.text) /* it was read through */
        err_set(why, err, "%s", chain->batch.detail.text);
    return err;
}

int chain_execute(struct chain *chain, enum chain_verdict *ret_verdict, struct err_detail *why,
                  struct chain_block *block, unsigned flags)
{
    struct chain_result *result;
    struct err_detail unused;
    return chain_execute_result(chain, &result, ret_verdict, why ? why : &unused, block, flags);
}
