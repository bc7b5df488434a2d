/* The order of events in a transaction (Yellow Paper, section 6.2). */
#include "base/mem.h"
#include "eth/address.h"
#include "exec/exec_priv.h"

static const struct exec_hooks no_hooks;

int exec_new(struct exec **ret_exec)
{
    struct exec *x = mem_alloc_zeroed(1, sizeof(*x));
    if (!x)
        return ERR_NOMEM;
    int err = evm_new(&x->evm);
    if (err) {
        mem_free(x);
        return err;
    }
    arena_init(&x->arena);
    buf_init(&x->output);
    *ret_exec = x;
    return 0;
}

void exec_free(struct exec *x)
{
    if (!x)
        return;
    evm_free(x->evm);
    arena_release(&x->arena);
    buf_release(&x->output);
    mem_free(x);
}

struct evm *exec_machine(struct exec *x)
{
    return x->evm;
}

void exec_begin_block(struct exec *x, const struct exec_block *block, struct state_view *view,
                      const struct exec_hooks *hooks)
{
    x->block = block;
    x->views[0] = x->view = x->own = view;
    x->view_count = 1;
    x->hooks = hooks ? hooks : &no_hooks;
    x->gas_used = x->gas_taken = x->blob_gas_used = 0;
    arena_clear(&x->arena);
    x->context = (struct evm_context){
        .coinbase = block->coinbase,
        .number = block->number,
        .timestamp = block->timestamp,
        .gas_limit = block->gas_limit,
        .prev_randao = block->prev_randao,
        .chain_id = block->chain_id,
        .base_fee = block->base_fee,
        .blob_base_fee = block->blob_base_fee,
    };
}

uint64_t exec_gas_used(const struct exec *x)
{
    return x->gas_used;
}

uint64_t exec_blob_gas_used(const struct exec *x)
{
    return x->blob_gas_used;
}

uint64_t exec_gas_left(const struct exec *x)
{
    return x->block->gas_limit - x->gas_taken;
}

/* One transaction under way. */
struct transition {
    struct exec *x;
    const struct eth_transaction *tx;
    const struct address *sender;
    struct exec_run run;
    struct exec_cost cost;
    size_t start; /* the block's view, before anything is charged */
    struct evm_result outcome;
    int64_t refund; /* beside the outcome's */
};

/* --- Before the message --- */

/* EIP-2929, EIP-2930, EIP-3651: what is warm from the start. Precompiled contracts always are. */
static int warm_up(struct transition *t)
{
    struct state_view *view = t->x->views[0];
    const struct eth_transaction *tx = t->tx;
    enum fork fork = t->x->block->fork;
    bool cold;
    if (fork < FORK_BERLIN)
        return 0;
    int err = state_view_access_account(view, &cold, t->sender);
    if (!err && !tx->is_creation)
        err = state_view_access_account(view, &cold, &tx->to);
    if (!err && fork >= FORK_SHANGHAI)
        err = state_view_access_account(view, &cold, &t->x->block->coinbase);
    for (size_t i = 0; i < tx->access_count && !err; i++) {
        const struct eth_access *access = &tx->access_list[i];
        err = state_view_access_account(view, &cold, &access->address);
        for (size_t k = 0; k < access->key_count && !err; k++) {
            struct u256 slot = u256_load(access->keys[k].b);
            err = state_view_access_slot(view, &cold, &access->address, &slot);
        }
    }
    return err;
}

static int increase_nonce(struct transition *t)
{
    struct state_view *view = t->x->views[0];
    const struct state_account *account;
    int err = state_view_account(view, &account, t->sender);
    return err ? err : state_view_set_nonce(view, t->sender, (account ? account->nonce : 0) + 1);
}

/* EIP-7702: the delegate of the recipient is warm, too. */
static int warm_up_delegate(struct transition *t)
{
    struct bytes code;
    struct address target;
    bool cold;
    if (t->x->block->fork < FORK_PRAGUE)
        return 0;
    int err = state_view_code(t->run.view, &code, &t->tx->to);
    if (err || !exec_delegation(code, &target))
        return err;
    return state_view_access_account(t->x->views[0], &cold, &target);
}

static int prepare(struct transition *t)
{
    int err = state_view_sub_balance(t->x->views[0], t->sender, &t->cost.prepaid);
    if (!err)
        err = warm_up(t);
    if (t->tx->is_creation &&
        (!t->run.nothing || t->run.keep_nonce)) /* its nonce is counted by the message */
        return err;
    if (!err)
        err = increase_nonce(t);
    if (!err && t->tx->authorization_count)
        err = exec_authorize(t->x, &t->refund, t->tx);
    if (!err && !t->tx->is_creation)
        err = warm_up_delegate(t);
    return err;
}

/* --- The message --- */

static int run_message(struct transition *t)
{
    struct exec *x = t->x;
    const struct eth_transaction *tx = t->tx;
    struct evm_message message = {
        .kind = tx->is_creation ? EVM_CREATE : EVM_CALL,
        .gas = (int64_t)(tx->gas_limit - t->cost.intrinsic.gas),
        .sender = *t->sender,
        .recipient = tx->to,
        .code_address = tx->to,
        .value = tx->value,
        .input = t->run.input,
    };
    if (t->run.nothing) {
        t->outcome = (struct evm_result){.status = EVM_SUCCESS, .gas_left = message.gas};
        return x->hooks->ran ? x->hooks->ran(x->hooks->context, tx, &t->run, &t->outcome) : 0;
    }
    x->context.origin = *t->sender;
    x->context.gas_price = t->cost.gas_price;
    x->context.blob_hashes = tx->blob_hashes;
    x->context.blob_hash_count = tx->blob_count;
    x->view = t->run.view;
    int err =
        evm_execute(x->evm, x->block->fork, &x->context, &exec_host_ops, x, &message, &t->outcome);
    x->view = x->views[0];
    if (!err && x->hooks->ran)
        err = x->hooks->ran(x->hooks->context, tx, &t->run, &t->outcome);
    return err;
}

/* --- After it --- */

/* EIP-3529 lowers the part of the gas that can come back; EIP-7623 sets the least that stays. */
static void count_gas(const struct transition *t, struct exec_result *result)
{
    uint64_t used = t->tx->gas_limit - (uint64_t)t->outcome.gas_left;
    int64_t refund = t->refund + t->outcome.gas_refund;
    uint64_t most = used / (t->x->block->fork >= FORK_LONDON ? 5 : 2);
    result->gas_refunded = refund < 0 ? 0 : (uint64_t)refund < most ? (uint64_t)refund : most;
    result->gas_used = used - result->gas_refunded;
    if (result->gas_used < t->cost.intrinsic.floor)
        result->gas_used = t->cost.intrinsic.floor;
    if (t->run.intrinsic_only) {
        result->gas_used = t->cost.intrinsic.gas;
        result->gas_refunded = 0;
    }
    if (t->run.free)
        result->gas_used = 0;
}

static struct u256 times(uint64_t gas, const struct u256 *price)
{
    const struct u256 wide = u256_from(gas);
    struct u256 product;
    u256_mul(&product, &wide, price);
    return product;
}

/* Returns what was not used, and pays for what was: from London on without the base fee, which is
 * nobody's any more. */
static int settle_fees(struct transition *t, const struct exec_result *result)
{
    struct exec *x = t->x;
    if (t->run.unsettled)
        return 0;
    struct u256 back = times(t->tx->gas_limit - result->gas_used, &t->cost.gas_price);
    struct u256 tip = t->cost.gas_price;
    if (!u256_sub_checked(&tip, &tip, &x->block->base_fee))
        tip = u256_from(0); /* EXEC_SKIP_BASE_FEE */
    struct u256 fee = times(result->gas_used, &tip);
    int err = state_view_add_balance(x->views[0], t->sender, &back);
    return err ? err : state_view_add_balance(x->views[0], &t->run.fee_recipient, &fee);
}

static int receipt_of(struct transition *t, struct eth_receipt *receipt, struct state_view *view,
                      bool success, const struct exec_result *result)
{
    struct exec *x = t->x;
    size_t count;
    const struct eth_log *logs = state_view_logs(view, &count);
    struct eth_log *kept = arena_alloc(&x->arena, count * sizeof(*kept));
    if (!kept)
        return ERR_NOMEM;
    if (count)
        memcpy(kept, logs, count * sizeof(*kept));
    *receipt = (struct eth_receipt){
        .type = t->tx->type,
        .has_post_state = x->block->fork < FORK_BYZANTIUM,
        .success = success,
        .cumulative_gas = x->gas_used + (t->run.hide_gas ? 0 : result->gas_used),
        .logs = kept,
        .log_count = count,
    };
    eth_receipt_make_bloom(receipt);
    return 0;
}

static int make_receipts(struct transition *t, struct exec_result *result)
{
    struct state_view *block = t->x->views[0];
    bool success = t->outcome.status == EVM_SUCCESS;
    result->has_other_receipt = t->run.view != block;
    int err = receipt_of(t, &result->receipt, block, success || result->has_other_receipt, result);
    if (!err && result->has_other_receipt)
        err = receipt_of(t, &result->other_receipt, t->run.view, success, result);
    if (!err && result->status == EVM_REVERT)
        (result->has_other_receipt ? &result->other_receipt : &result->receipt)->revert_reason =
            result->output;
    return err;
}

static int finish(struct transition *t, struct exec_result *result)
{
    result->verdict = EXEC_VALID;
    result->status = t->outcome.status;
    result->output = t->outcome.output;
    result->gas_price = t->cost.gas_price;
    result->blob_gas_used = t->cost.blob_gas;
    result->has_contract = t->tx->is_creation;
    if (t->tx->is_creation)
        eth_create_address(&result->contract, t->sender, t->tx->nonce);
    count_gas(t, result);
    int err = settle_fees(t, result);
    if (!err)
        err = make_receipts(t, result);
    if (!err && t->x->hooks->after)
        err = t->x->hooks->after(t->x->hooks->context, t->tx, t->sender, result);
    return err;
}

/* Nothing can fail from here on, except for the post state. */
static int settle_state(struct transition *t, struct exec_result *result)
{
    struct exec *x = t->x;
    if (t->run.discard)
        state_view_rollback(x->views[0], t->start);
    for (size_t i = 0; i < x->view_count; i++)
        state_view_end_transaction(x->views[i], x->block->fork >= FORK_SPURIOUS);
    x->gas_taken += t->run.unsettled ? t->tx->gas_limit : result->gas_used;
    x->gas_used = result->receipt.cumulative_gas;
    x->blob_gas_used += result->blob_gas_used;
    if (!result->receipt.has_post_state || !x->block->post_states)
        return 0;
    return state_root(x->views[0], &result->receipt.post_state, NULL);
}

/* --- Together --- */

static int check(struct transition *t, enum exec_verdict *ret_verdict, struct err_detail *why,
                 unsigned flags)
{
    struct exec *x = t->x;
    const struct exec_hooks *hooks = x->hooks;
    *ret_verdict = EXEC_VALID;
    t->run = (struct exec_run){
        .view = x->views[0], .input = t->tx->data, .fee_recipient = x->block->coinbase};
    int err = 0;
    x->view_count = 1;
    x->own = x->views[0];
    if (hooks->before)
        err = hooks->before(hooks->context, t->tx, t->sender, &t->run, ret_verdict, why);
    if (err || *ret_verdict != EXEC_VALID)
        return err;
    if (t->run.view != x->views[0])
        x->views[x->view_count++] = x->own = t->run.view;
    if (t->run.notes)
        x->views[x->view_count++] = t->run.notes;
    return exec_check(x, ret_verdict, &t->cost, why, t->tx, t->sender, flags);
}

int exec_transaction(struct exec *x, struct exec_result *ret_result, struct err_detail *why,
                     const struct eth_transaction *tx, const struct address *sender, unsigned flags)
{
    struct transition t = {.x = x, .tx = tx, .sender = sender};
    struct exec_result result = {0};
    int err = check(&t, &result.verdict, why, flags);
    if (!err && result.verdict == EXEC_VALID) {
        t.start = state_view_checkpoint(x->views[0]);
        err = prepare(&t);
        if (!err)
            err = run_message(&t);
        if (!err)
            err = finish(&t, &result);
        if (!err)
            err = settle_state(&t, &result);
    }
    if (!err)
        *ret_result = result;
    return err;
}
