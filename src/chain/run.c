/* The execution of a block: the environment of its transactions, their receipts, the roots. */
#include "base/mem.h"
#include "chain/private/priv.h"
#include "eth/fee.h"
#include "exec/system.h"
#include "trie/trie.h"

/* --- Environment --- */

static int block_hash(void *context, uint64_t number, struct hash256 *ret_hash)
{
    return chain_reader_hash(context, ret_hash, number);
}

static int before(void *context, const struct eth_transaction *tx, const struct address *sender,
                  struct exec_run *run, enum exec_verdict *verdict, struct err_detail *why)
{
    struct chain_environment *env = context;
    bool quorum = env->rules.is_quorum;
    if (quorum && !env->is_call && !env->rules.gas_price && !u256_is_zero(&tx->max_fee)) {
        *verdict = EXEC_REFUSED;
        err_set(why, 0, "Gas price not 0");
        return 0;
    }
    if (!env->has_reward_account) {
        *verdict = EXEC_REFUSED;
        err_set(why, 0, "BeneficiaryMode must be coinbase|fixed");
        return 0;
    }
    run->fee_recipient = env->reward_account;
    if (quorum && env->private) {
        int err = chain_private_before(env->private, tx, sender, run, verdict, why);
        if (err || *verdict != EXEC_VALID)
            return err;
    } else if (quorum && eth_transaction_is_private(tx) && !env->is_call) {
        chain_private_keep_out(env, tx, run);
    }
    if (env->inner && env->inner->before)
        return env->inner->before(env->inner->context, tx, sender, run, verdict, why);
    return 0;
}

static int after(void *context, const struct eth_transaction *tx, const struct address *sender,
                 struct exec_result *result)
{
    const struct chain_environment *env = context;
    return env->inner->after(env->inner->context, tx, sender, result);
}

static int view_of(void *context, struct state_view **ret_view, struct state_view *current,
                   const struct address *address)
{
    const struct chain_environment *env = context;
    return chain_private_view_of(env->private, ret_view, current, address);
}

static int entered(void *context, const struct evm_message *message)
{
    const struct chain_environment *env = context;
    return chain_private_entered(env->private, message);
}

static int ran(void *context, const struct eth_transaction *tx, struct exec_run *run,
               struct evm_result *outcome)
{
    const struct chain_environment *env = context;
    (void)tx;
    return chain_private_ran(env->private, run, outcome);
}

/* What stands at 0x7a on every node: a node that is party to nothing runs nothing in it. */
static int run_marker(void *context, const struct evm_message *message, struct evm_result *result)
{
    const struct chain_environment *env = context;
    if (env->private)
        return chain_private_marker(env->private, message, result);
    *result = (struct evm_result){.status = EVM_SUCCESS, .gas_left = message->gas};
    return 0;
}

void chain_environment_set_private(struct chain_environment *env, struct chain_private *p)
{
    env->private = p;
    env->hooks.view_of = view_of;
    env->hooks.entered = entered;
    env->hooks.ran = ran;
}

static void set_hooks(struct chain_environment *env, const struct exec_hooks *inner)
{
    env->inner = inner;
    env->hooks = (struct exec_hooks){.context = env, .before = before};
    if (env->rules.is_quorum && env->rules.privacy_precompile) {
        env->hooks.precompiles = &chain_marker_address;
        env->hooks.precompile_count = 1;
        env->hooks.run_precompile = run_marker;
    }
    if (inner)
        env->hooks.after = inner->after ? after : NULL;
}

/* `author` NULL: by the header's seal. */
static int environment_of(struct chain_environment *env, struct chain_reader *reader,
                          const struct eth_header *header, const struct address *author)
{
    struct chain *chain = reader->chain;
    *env = (struct chain_environment){.reader = reader};
    struct chain_rules *rules = &env->rules;
    *rules = chain_config_rules(chain->config, header->number, header->timestamp);
    env->block = (struct exec_block){
        .fork = rules->fork,
        .number = header->number,
        .timestamp = header->timestamp,
        .gas_limit = header->gas_limit,
        .prev_randao =
            rules->fork >= FORK_PARIS ? u256_load(header->mix_hash.b) : header->difficulty,
        .chain_id = chain->config->eth.chain_id,
        .base_fee = header->tail >= ETH_HEADER_BASE_FEE ? header->base_fee : u256_from(0),
        .max_code_size = rules->is_quorum ? rules->max_code_size : 0,
        .max_initcode_size = rules->is_quorum ? 2 * rules->max_code_size : 0,
        .skip_empty_transfers = rules->is_quorum,
        .post_states = rules->fork < FORK_BYZANTIUM,
        .block_hash = block_hash,
        .block_hash_context = reader,
    };
    const struct eth_blob_schedule *blobs = eth_blob_schedule(rules->fork);
    if (blobs) /* no blobs, but BLOBBASEFEE has a value */
        env->block.blob_base_fee = eth_blob_base_fee(blobs, 0);
    set_hooks(env, chain->hooks);
    int err = 0;
    if (author)
        env->block.coinbase = *author;
    else
        err = chain->engine->author(chain, &env->block.coinbase, header);
    env->has_reward_account =
        !err && chain_config_reward_account(chain->config, header->number, &env->block.coinbase,
                                            &env->reward_account) == 0;
    return err;
}

int chain_environment_init(struct chain_environment *ret_environment, struct chain_reader *reader,
                           const struct eth_header *header)
{
    return environment_of(ret_environment, reader, header, NULL);
}

static bool find_author(struct chain *chain, struct address *ret_author, const struct hash256 *hash)
{
    const struct chain_author_entry *entry = &chain->authors[hash->b[0] % CHAIN_AUTHOR_CACHE];
    pthread_mutex_lock(&chain->lock);
    bool found = hash256_equal(&entry->hash, hash);
    if (found)
        *ret_author = entry->author;
    pthread_mutex_unlock(&chain->lock);
    return found;
}

static void keep_author(struct chain *chain, const struct address *author,
                        const struct hash256 *hash)
{
    pthread_mutex_lock(&chain->lock);
    chain->authors[hash->b[0] % CHAIN_AUTHOR_CACHE] = (struct chain_author_entry){*hash, *author};
    pthread_mutex_unlock(&chain->lock);
}

int chain_environment_init_known(struct chain_environment *ret_environment,
                                 struct chain_reader *reader, const struct eth_header *header,
                                 const struct hash256 *hash)
{
    struct address author;
    if (find_author(reader->chain, &author, hash))
        return environment_of(ret_environment, reader, header, &author);
    int err = environment_of(ret_environment, reader, header, NULL);
    if (!err)
        keep_author(reader->chain, &ret_environment->block.coinbase, hash);
    return err;
}

/* --- Results --- */

void chain_result_close(struct chain_result *result)
{
    if (result->has_update)
        state_update_release(&result->update);
    result->has_update = false;
    chain_private_close(&result->private);
    if (result->view)
        state_view_reset(result->view, NULL);
    if (result->is_open)
        chain_reader_close(&result->reader);
    result->is_open = false;
    result->hash = (struct hash256){{0}};
}

void chain_result_free(struct chain_result *result)
{
    if (!result)
        return;
    chain_result_close(result);
    state_view_free(result->view);
    buf_release(&result->message);
    buf_release(&result->stored);
    buf_release(&result->spans);
    chain_private_release(&result->private);
    mem_free(result);
}

struct chain_result *chain_result_find(struct chain *chain, const struct hash256 *hash)
{
    for (int i = 0; i < CHAIN_RESULTS; i++) {
        struct chain_result *result = chain->results[i];
        if (result && result->has_update && hash256_equal(&result->hash, hash)) {
            result->last_use = ++chain->uses;
            return result;
        }
    }
    return NULL;
}

int chain_result_take(struct chain *chain, struct chain_result **ret_result)
{
    struct chain_result **slot = &chain->results[0];
    /* One that is not in use has warm memory; a place that was never used has none. */
    for (int i = 1; i < CHAIN_RESULTS; i++) {
        struct chain_result **at = &chain->results[i];
        uint64_t age = *at && (*at)->is_open ? (*at)->last_use : *at ? 0 : 1;
        uint64_t best = *slot && (*slot)->is_open ? (*slot)->last_use : *slot ? 0 : 1;
        if (age < best)
            slot = at;
    }
    if (!*slot)
        *slot = mem_alloc_zeroed(1, sizeof(**slot));
    if (!*slot)
        return ERR_NOMEM;
    chain_result_close(*slot);
    (*slot)->last_use = ++chain->uses;
    *ret_result = *slot;
    return 0;
}

void chain_results_drop(struct chain *chain)
{
    for (int i = 0; i < CHAIN_RESULTS; i++)
        if (chain->results[i])
            chain_result_close(chain->results[i]);
}

/* --- A block --- */

/* The readers of the private states cost three look-ups; the rest waits for a transaction that needs
 * it. */
static int begin_private(struct chain *chain, struct chain_result *result)
{
    struct chain_private *p = &result->private;
    chain_private_close(p);
    buf_clear(&p->entries);
    memset(&p->bloom, 0, sizeof(p->bloom));
    if (!chain->payloads || !result->environment.rules.is_quorum ||
        (chain->config->is_mps && !chain->psis))
        return 0;
    p->payloads = chain->payloads;
    p->reasons = chain->revert_reasons;
    p->environment = &result->environment;
    p->block_view = result->view;
    p->tx = NULL;
    int err = chain_private_begin(p, chain, result->reader.txn, result->environment.block.number);
    if (!err)
        chain_environment_set_private(&result->environment, p);
    return err;
}

int chain_run_begin(struct chain *chain, struct chain_result *result,
                    const struct eth_header *header, const struct address *author,
                    struct err_detail *detail)
{
    struct chain_reader *reader = &result->reader;
    assert(!result->is_open);
    buf_clear(&result->message);
    buf_clear(&result->stored);
    buf_clear(&result->spans);
    memset(&result->bloom, 0, sizeof(result->bloom));
    result->gas_used = 0;
    result->agreed = false;
    int err = chain_reader_open_tip(reader, chain);
    if (err)
        return err_set(detail, err, "%s", reader->detail.text);
    result->is_open = true;
    err = state_reader_open(&result->state, &chain->db, reader->txn, state_public());
    if (!err && !result->view)
        err = state_view_new(&result->view, &result->state);
    else if (!err)
        state_view_reset(result->view, &result->state);
    if (!err)
        err = environment_of(&result->environment, reader, header, author);
    if (!err)
        err = begin_private(chain, result);
    if (err)
        return err_set(detail, err, "execution: %s",
                       *reader->detail.text ? reader->detail.text : err_text(err));
    exec_begin_block(chain->exec, &result->environment.block, result->view,
                     &result->environment.hooks);
    /* EIP-2935; of Cancun's beacon roots (EIP-4788) there are none. */
    if (result->environment.rules.fork >= FORK_PRAGUE)
        err = exec_store_parent_hash(chain->exec, &header->parent_hash);
    return err ? err_set(detail, err, "execution: %s", reader->detail.text) : 0;
}

static int keep_receipt(const struct chain *chain, struct chain_result *result,
                        const struct eth_receipt *receipt)
{
    struct buf *b = &result->message;
    /* Types 1 to 4 stand in a string; the trie has them without. */
    size_t string = receipt->type == ETH_LEGACY ? 0 : rlp_begin(b), from = b->len;
    eth_receipt_encode(b, receipt);
    struct chain_span span = {.len = b->len - from};
    if (receipt->type != ETH_LEGACY)
        rlp_end_string(b, string);
    span.from = b->len - span.len;
    buf_append(&result->spans, &span, sizeof(span));
    chain_receipt_store(&result->stored, receipt, chain->revert_reasons);
    eth_bloom_merge(&result->bloom, &receipt->bloom);
    int err = buf_status(b);
    if (!err)
        err = buf_status(&result->spans);
    return err ? err : buf_status(&result->stored);
}

void chain_set_permission(struct chain *chain, const struct chain_permission *permission)
{
    chain->permission = permission;
}

void chain_set_private_roots(struct chain *chain, const struct chain_private_roots *roots)
{
    chain->private_roots = roots;
}

/* GoQuorum's text, in which clients and operators look for the cause. */
static int check_permission(struct chain *chain, const struct chain_result *result,
                            enum exec_verdict *ret_verdict, struct err_detail *why,
                            const struct eth_transaction *tx, const struct address *sender)
{
    bool allowed = true;
    int err = chain->permission->allows(chain->permission->context, &allowed, result->agreed,
                                        &result->environment.block, result->view, tx, sender);
    *ret_verdict = EXEC_VALID;
    if (!err && !allowed) {
        *ret_verdict = EXEC_REFUSED;
        err_set(why, 0, "account does not have permission for the transaction");
    }
    return err;
}

int chain_run_transaction(struct chain *chain, struct chain_result *result,
                          enum exec_verdict *ret_verdict, struct err_detail *why,
                          const struct eth_transaction *tx, const struct address *sender)
{
    struct exec_result outcome;
    if (chain->permission) {
        int status = check_permission(chain, result, ret_verdict, why, tx, sender);
        if (status || *ret_verdict != EXEC_VALID)
            return status;
    }
    struct chain_private *p = result->environment.private;
    int err = 0;
    *ret_verdict = EXEC_VALID;
    if (p && p->psis) {
        p->index = (uint32_t)(result->spans.len / sizeof(struct chain_span));
        err = chain_private_run_states(p, ret_verdict, why, tx, sender, exec_gas_left(chain->exec),
                                       exec_gas_used(chain->exec));
    }
    if (err || *ret_verdict != EXEC_VALID)
        return err;
    err = exec_transaction(chain->exec, &outcome, why, tx, sender, 0);
    if (err)
        return err;
    *ret_verdict = outcome.verdict;
    if (outcome.verdict != EXEC_VALID)
        return 0;
    if (result->environment.private)
        err = chain_private_keep(
            &result->private, (uint32_t)(result->spans.len / sizeof(struct chain_span)), &outcome);
    return err ? err : keep_receipt(chain, result, &outcome.receipt);
}

static int receipts_root(struct chain_result *result)
{
    const struct chain_span *spans = (const struct chain_span *)(const void *)result->spans.data;
    size_t count = result->spans.len / sizeof(*spans);
    struct bytes *items = mem_alloc(count * sizeof(*items));
    if (!items)
        return ERR_NOMEM;
    for (size_t i = 0; i < count; i++)
        items[i] = bytes_of(result->message.data + spans[i].from, spans[i].len);
    int err = trie_list_root(&result->receipts_root, items, count);
    mem_free(items);
    return err;
}

/* Puts the list around what was appended item by item. */
static int enclose(struct buf *b)
{
    struct buf whole = BUF_INIT;
    uint8_t header[RLP_HEADER_MAX];
    uint8_t *end = rlp_put_list_header(header, b->len);
    int err = buf_reserve(&whole, (size_t)(end - header) + b->len);
    buf_append(&whole, header, (size_t)(end - header));
    buf_append_bytes(&whole, buf_bytes(b));
    if (!err)
        err = buf_status(&whole);
    if (err) {
        buf_release(&whole);
        return err;
    }
    buf_release(b);
    *b = whole;
    return 0;
}

/* What a private state became; without a change there is nothing to write. */
static int end_view(struct chain_result *result, struct state_update *update, bool *ret_has,
                    struct state_view *view)
{
    struct hash256 root;
    int err = state_update_init(update, view, &result->reader.detail);
    if (err)
        return err;
    *ret_has = update->account_count > 0;
    if (!*ret_has)
        state_update_release(update);
    return *ret_has ? state_update_root(update, &root) : 0;
}

static int end_side(struct chain_result *result, struct chain_private_side *side)
{
    if (!side->is_open)
        return 0;
    int err = end_view(result, &side->update, &side->has_update, side->view);
    return err ? err : end_view(result, &side->notes_update, &side->has_notes_update, side->notes);
}

static int end_private(struct chain_result *result)
{
    struct chain_private *p = &result->private;
    int err = end_side(result, &p->own);
    for (size_t i = 0; i < p->other_count && !err; i++)
        err = end_side(result, &p->others[i]);
    return err;
}

int chain_run_end(struct chain *chain, struct chain_result *result, const struct eth_header *header,
                  struct err_detail *detail)
{
    int err = chain->engine->finish(chain, chain->exec, header);
    if (!err)
        err = receipts_root(result);
    if (!err)
        err = enclose(&result->message);
    if (!err)
        err = enclose(&result->stored);
    if (err)
        return err_set(detail, err, "execution: %s", err_text(err));
    result->gas_used = exec_gas_used(chain->exec);
    err = state_update_init(&result->update, result->view, &result->reader.detail);
    if (err)
        return err_set(detail, err, "state: %s", err_text(err));
    result->has_update = true;
    err = state_update_root(&result->update, &result->state_root);
    if (!err)
        err = end_private(result);
    return err ? err_set(detail, err, "state: %s",
                         *result->reader.detail.text ? result->reader.detail.text : err_text(err))
               : 0;
}
