/* What the machine sees of the accounts; messages are in frames.c. */
#include "evm/precompile/precompile.h"
#include "exec/exec_priv.h"

int exec_view_of(struct exec *x, struct state_view **ret_view, const struct address *address)
{
    *ret_view = x->view;
    if (x->own == x->views[0] || !x->hooks->view_of)
        return 0;
    return x->hooks->view_of(x->hooks->context, ret_view, x->view, address);
}

bool exec_is_precompile(const struct exec *x, const struct address *a)
{
    for (size_t i = 0; i < x->hooks->precompile_count; i++)
        if (address_equal(&x->hooks->precompiles[i], a))
            return true;
    uint64_t first;
    memcpy(&first, a->b, sizeof(first));
    return first == 0 && evm_is_precompile(x->block->fork, a);
}

static int find_account(struct exec *x, const struct state_account **ret_account,
                        const struct address *a)
{
    struct state_view *view;
    int err = exec_view_of(x, &view, a);
    return err ? err : state_view_account(view, ret_account, a);
}

static int account_exists(void *host, const struct address *a, bool *ret_exists)
{
    struct exec *x = host;
    const struct state_account *account;
    int err = find_account(x, &account, a);
    if (err)
        return err;
    bool dead_when_empty = x->block->fork >= FORK_SPURIOUS; /* EIP-161 */
    *ret_exists = account && !(dead_when_empty && state_account_is_empty(account));
    return 0;
}

/* Each view has an access list; that of a transaction's own view begins empty, without the precompiled
 * contracts, too (GoQuorum prepares the list of the public state alone). */
static int access_account(void *host, const struct address *a, bool *ret_cold)
{
    struct exec *x = host;
    if (x->view != x->views[0])
        return state_view_access_account(x->view, ret_cold, a);
    if (!exec_is_precompile(x, a))
        return state_view_access_account(x->views[0], ret_cold, a);
    *ret_cold = false;
    return 0;
}

static int get_balance(void *host, const struct address *a, struct u256 *ret_balance)
{
    const struct state_account *account;
    int err = find_account(host, &account, a);
    if (!err)
        *ret_balance = account ? account->balance : u256_from(0);
    return err;
}

static int get_code(void *host, const struct address *a, struct bytes *ret_code)
{
    struct state_view *view;
    int err = exec_view_of(host, &view, a);
    return err ? err : state_view_code(view, ret_code, a);
}

static int get_code_size(void *host, const struct address *a, size_t *ret_size)
{
    struct bytes code;
    int err = get_code(host, a, &code);
    if (!err)
        *ret_size = code.len;
    return err;
}

static int get_code_hash(void *host, const struct address *a, struct hash256 *ret_hash)
{
    const struct state_account *account;
    int err = find_account(host, &account, a);
    if (err)
        return err;
    bool dead = !account || state_account_is_empty(account); /* EIP-1052 */
    *ret_hash = dead ? (struct hash256){{0}} : account->code_hash;
    return 0;
}

static int get_delegation(void *host, const struct address *a, bool *ret_delegated,
                          struct address *ret_target)
{
    struct bytes code;
    int err = get_code(host, a, &code);
    if (!err)
        *ret_delegated = exec_delegation(code, ret_target);
    return err;
}

static int get_storage(void *host, const struct address *a, const struct u256 *key,
                       struct u256 *ret_value, bool *ret_cold)
{
    struct exec *x = host;
    struct state_view *view;
    int err = exec_view_of(x, &view, a);
    if (err)
        return err;
    *ret_cold = false;
    return state_view_load(view, ret_value, x->block->fork >= FORK_BERLIN ? ret_cold : NULL, a,
                           key);
}

static int set_storage(void *host, const struct address *a, const struct u256 *key,
                       const struct u256 *value, struct evm_storage_change *ret_change,
                       bool *ret_cold)
{
    struct exec *x = host;
    struct state_view *view;
    int err = exec_view_of(x, &view, a);
    if (err)
        return err;
    *ret_cold = false;
    return state_view_store(view, &ret_change->original, &ret_change->current,
                            x->block->fork >= FORK_BERLIN ? ret_cold : NULL, a, key, value);
}

static int get_transient(void *host, const struct address *a, const struct u256 *key,
                         struct u256 *ret_value)
{
    struct state_view *view;
    int err = exec_view_of(host, &view, a);
    return err ? err : state_view_load_transient(view, ret_value, a, key);
}

static int set_transient(void *host, const struct address *a, const struct u256 *key,
                         const struct u256 *value)
{
    struct state_view *view;
    int err = exec_view_of(host, &view, a);
    return err ? err : state_view_store_transient(view, a, key, value);
}

/* From Cancun on only what was created in this transaction is destructed (EIP-6780); the others
 * only give their balance away, to themselves without effect. */
static int selfdestruct(void *host, const struct address *a, const struct address *beneficiary,
                        bool *ret_first)
{
    struct exec *x = host;
    const struct u256 zero = u256_from(0);
    struct u256 balance;
    struct state_view *view, *to;
    bool destructs = true;
    int err = exec_view_of(x, &view, a);
    if (!err)
        err = exec_view_of(x, &to, beneficiary);
    if (!err)
        err = get_balance(x, a, &balance);
    if (!err && x->block->fork >= FORK_CANCUN)
        err = state_view_is_created(view, &destructs, a);
    if (!err && !destructs)
        err = state_view_sub_balance(view, a, &balance);
    if (!err)
        err = state_view_add_balance(to, beneficiary, &balance);
    *ret_first = false;
    if (err || !destructs)
        return err;
    err = state_view_set_balance(view, a, &zero);
    return err ? err : state_view_mark_destructed(view, ret_first, a);
}

static int emit_log(void *host, const struct address *a, const struct hash256 *topics,
                    size_t topic_count, struct bytes data)
{
    struct exec *x = host;
    return state_view_add_log(x->view, a, topics, topic_count, data);
}

static int get_block_hash(void *host, uint64_t number, struct hash256 *ret_hash)
{
    const struct exec_block *block = ((struct exec *)host)->block;
    *ret_hash = (struct hash256){{0}};
    return block->block_hash ? block->block_hash(block->block_hash_context, number, ret_hash) : 0;
}

const struct evm_host_ops exec_host_ops = {
    .account_exists = account_exists,
    .access_account = access_account,
    .get_balance = get_balance,
    .get_code = get_code,
    .get_code_size = get_code_size,
    .get_code_hash = get_code_hash,
    .get_delegation = get_delegation,
    .get_storage = get_storage,
    .set_storage = set_storage,
    .get_transient = get_transient,
    .set_transient = set_transient,
    .selfdestruct = selfdestruct,
    .emit_log = emit_log,
    .get_block_hash = get_block_hash,
    .enter = exec_enter,
    .leave = exec_leave,
};
