/* Messages: what happens to accounts when a frame begins and ends (Yellow Paper, sections 7, 8). */
#include "crypto/keccak.h"
#include "eth/address.h"
#include "evm/precompile/precompile.h"
#include "exec/exec_priv.h"

enum {
    GAS_CODE_BYTE = 200,     /* code deposit, Yellow Paper appendix G */
    CODE_SIZE_MAX = 24576,   /* EIP-170 */
    FORBIDDEN_PREFIX = 0xef, /* EIP-3541 */
    RIPEMD160 = 3,           /* address of that precompiled contract */
};

static bool is_creation(const struct evm_message *message)
{
    return message->kind == EVM_CREATE || message->kind == EVM_CREATE2;
}

static void take_checkpoints(struct exec *x, struct exec_frame *frame)
{
    frame->view = x->view;
    for (size_t i = 0; i < x->view_count; i++)
        frame->checkpoints[i] = state_view_checkpoint(x->views[i]);
}

/* Ends a frame; without `keep`, with all that it did. */
static void end_frame(struct exec *x, const struct exec_frame *frame, bool keep)
{
    x->view = frame->view;
    for (size_t i = 0; i < x->view_count && !keep; i++)
        state_view_rollback(x->views[i], frame->checkpoints[i]);
}

static void answer(struct evm_entry *entry, enum evm_status status, int64_t gas_left)
{
    entry->action = EVM_ENTER_DONE;
    entry->result = (struct evm_result){.status = status, .gas_left = gas_left};
}

/* --- Calls --- */

/* The account 3 stays touched even if its call is rolled back: see state_view_touch. */
static bool touches_for_good(const struct exec *x, const struct address *a)
{
    static const struct address ripemd = {{[19] = RIPEMD160}};
    return x->block->fork >= FORK_SPURIOUS && address_equal(a, &ripemd);
}

static int transfer(struct exec *x, const struct evm_message *message)
{
    struct state_view *from, *to;
    int err = exec_view_of(x, &from, &message->sender);
    if (!err)
        err = exec_view_of(x, &to, &message->recipient);
    if (err)
        return err;
    if (u256_is_zero(&message->value))
        return state_view_touch(to, &message->recipient, touches_for_good(x, &message->recipient));
    err = state_view_sub_balance(from, &message->sender, &message->value);
    return err ? err : state_view_add_balance(to, &message->recipient, &message->value);
}

/*
 * GoQuorum makes the account of a precompiled contract that is called, and does not touch it when
 * nothing is paid. Where an earlier transaction of the block had made it, too (and its end deleted
 * it), the journal of the reference does not note the second making: the empty account stays, and
 * is in the state root. Seen in the chains of real networks. Before Byzantium it never got there.
 */
static int revive_precompile(const struct exec *x, struct state_view *view, bool *ret_revived,
                             const struct address *address)
{
    if (x->block->fork < FORK_BYZANTIUM || !evm_is_precompile(x->block->fork, address))
        return 0;
    return state_view_revive(view, ret_revived, address);
}

static bool is_hooked(const struct exec *x, const struct address *address)
{
    for (size_t i = 0; i < x->hooks->precompile_count; i++)
        if (address_equal(&x->hooks->precompiles[i], address))
            return true;
    return false;
}

/* Makes and pays the account that is called. *ret_absent: there is nothing to call, and the call
 * leaves no trace (EIP-161). */
static int pay_recipient(struct exec *x, bool *ret_absent, const struct evm_message *message)
{
    *ret_absent = false;
    if (x->system_call || message->kind == EVM_CALLCODE || message->kind == EVM_DELEGATECALL)
        return 0;
    struct state_view *view;
    const struct state_account *account;
    int err = exec_view_of(x, &view, &message->recipient);
    if (!err)
        err = state_view_account(view, &account, &message->recipient);
    if (err)
        return err;
    bool nothing = u256_is_zero(&message->value);
    if (message->kind == EVM_CALL && nothing && is_hooked(x, &message->code_address))
        return 0;
    if (message->kind == EVM_CALL && !account && nothing && x->block->fork >= FORK_SPURIOUS &&
        !exec_is_precompile(x, &message->code_address)) {
        *ret_absent = true;
        return 0;
    }
    if (message->kind == EVM_CALL && nothing && x->block->skip_empty_transfers) {
        if (account)
            return 0;
        bool revived = false;
        err = revive_precompile(x, view, &revived, &message->recipient);
        if (err || revived)
            return err;
    }
    return transfer(x, message);
}

static int run_precompile(struct exec *x, const struct evm_message *message,
                          struct evm_entry *ret_entry)
{
    const struct exec_hooks *hooks = x->hooks;
    ret_entry->action = EVM_ENTER_DONE;
    for (size_t i = 0; i < hooks->precompile_count; i++)
        if (address_equal(&hooks->precompiles[i], &message->code_address))
            return hooks->run_precompile(hooks->context, message, &ret_entry->result);
    return evm_precompile_run(x->block->fork, &message->code_address, message->input, message->gas,
                              &x->output, &ret_entry->result);
}

/* The code that a call runs, with one delegation followed (EIP-7702). */
static int find_code(struct exec *x, struct evm_entry *ret_entry, struct exec_frame *frame,
                     struct address a)
{
    struct state_view *view;
    struct address target;
    int err = exec_view_of(x, &view, &a);
    if (!err)
        err = state_view_code(view, &ret_entry->code, &a);
    if (!err && x->block->fork >= FORK_PRAGUE && exec_delegation(ret_entry->code, &target)) {
        a = target;
        err = exec_view_of(x, &view, &a);
        if (!err)
            err = state_view_code(view, &ret_entry->code, &a);
    }
    if (err || ret_entry->code.len == 0)
        return err;
    const struct state_account *account;
    err = state_view_account(view, &account, &a);
    if (err)
        return err;
    frame->code_hash = account->code_hash;
    ret_entry->code_hash = &frame->code_hash;
    return 0;
}

/* Chooses the state of the new frame; another one than the transaction's is only read. */
static int choose_view(struct exec *x, struct evm_message *message)
{
    if (message->kind == EVM_STATICCALL || x->own == x->views[0])
        return 0;
    int err = exec_view_of(x, &x->view, &message->code_address);
    if (!err && x->view != x->own)
        message->is_static = true;
    return err;
}

static int enter_call(struct exec *x, struct evm_message *message, struct evm_entry *ret_entry)
{
    struct exec_frame *frame = &x->frames[message->depth];
    bool absent;
    take_checkpoints(x, frame);
    int err = pay_recipient(x, &absent, message);
    if (err)
        return err;
    if (absent) {
        answer(ret_entry, EVM_SUCCESS, message->gas);
        return 0;
    }
    if (exec_is_precompile(x, &message->code_address)) {
        err = run_precompile(x, message, ret_entry);
        if (!err)
            end_frame(x, frame, ret_entry->result.status == EVM_SUCCESS);
        return err;
    }
    ret_entry->action = EVM_ENTER_RUN;
    err = find_code(x, ret_entry, frame, message->code_address);
    if (!err && x->hooks->entered)
        err = x->hooks->entered(x->hooks->context, message);
    if (!err && ret_entry->code.len == 0)
        answer(ret_entry, EVM_SUCCESS, message->gas);
    else if (!err)
        err = choose_view(x, message);
    return err;
}

/* --- Creations --- */

static void new_address(struct address *ret_address, const struct evm_message *message,
                        uint64_t nonce)
{
    if (message->kind == EVM_CREATE) {
        eth_create_address(ret_address, &message->sender, nonce);
        return;
    }
    struct hash256 hash;
    crypto_keccak256(&hash, message->input);
    eth_create2_address(ret_address, &message->sender, &message->salt, &hash);
}

/* EIP-684, EIP-7610 */
static int collides(struct state_view *view, bool *ret_collides, const struct address *address)
{
    const struct state_account *account;
    int err = state_view_account(view, &account, address);
    if (err)
        return err;
    if (account &&
        (account->nonce != 0 || !hash256_equal(&account->code_hash, &crypto_keccak256_empty))) {
        *ret_collides = true;
        return 0;
    }
    return state_view_has_storage(view, ret_collides, address);
}

/* Counts the creation in its creator's nonce, which stays whatever becomes of it. The creator of a
 * transaction is an account of the block's state, even if the contract is not. */
static int count_creation(struct exec *x, uint64_t *ret_nonce, const struct evm_message *message)
{
    struct state_view *view = message->depth == 0 ? x->views[0] : x->view;
    const struct state_account *account;
    int err = state_view_account(view, &account, &message->sender);
    if (err)
        return err;
    uint64_t nonce = account ? account->nonce : 0;
    *ret_nonce = nonce;
    if (nonce == UINT64_MAX) /* EIP-2681 */
        return 0;
    return state_view_set_nonce(view, &message->sender, nonce + 1);
}

static int make_contract(struct exec *x, const struct evm_message *message)
{
    const struct address *a = &message->recipient;
    int err = state_view_mark_created(x->view, a);
    if (!err && x->block->fork >= FORK_SPURIOUS) /* EIP-161 */
        err = state_view_set_nonce(x->view, a, 1);
    if (!err && u256_is_zero(&message->value))
        err = state_view_touch(x->view, a, false);
    else if (!err)
        err = transfer(x, message);
    return err;
}

static int enter_creation(struct exec *x, struct evm_message *message, struct evm_entry *ret_entry)
{
    struct exec_frame *frame = &x->frames[message->depth];
    uint64_t nonce;
    bool cold, collision;
    int err = count_creation(x, &nonce, message);
    if (err)
        return err;
    if (nonce == UINT64_MAX) {
        answer(ret_entry, EVM_NONCE_OVERFLOW, message->gas);
        return 0;
    }
    new_address(&message->recipient, message, nonce);
    message->code_address = message->recipient;
    if (x->block->fork >= FORK_BERLIN)
        err = state_view_access_account(x->view, &cold, &message->recipient);
    if (!err)
        err = collides(x->view, &collision, &message->recipient);
    if (err)
        return err;
    if (collision) {
        answer(ret_entry, EVM_ADDRESS_COLLISION, 0);
        return 0;
    }
    take_checkpoints(x, frame);
    *ret_entry = (struct evm_entry){.action = EVM_ENTER_RUN, .code = message->input};
    err = make_contract(x, message);
    return err || !x->hooks->entered ? err : x->hooks->entered(x->hooks->context, message);
}

int exec_enter(void *host, struct evm_message *message, struct evm_entry *ret_entry)
{
    struct exec *x = host;
    return is_creation(message) ? enter_creation(x, message, ret_entry)
                                : enter_call(x, message, ret_entry);
}

/* --- The end --- */

/* Whether the code may be stored and paid for, in geth's order; charges the gas. */
static enum evm_status pay_code(const struct exec *x, int64_t *gas, struct bytes code)
{
    const struct exec_block *block = x->block;
    size_t max = block->max_code_size           ? block->max_code_size
                 : block->fork >= FORK_SPURIOUS ? CODE_SIZE_MAX
                                                : SIZE_MAX;
    if (block->fork >= FORK_LONDON && code.len && code.data[0] == FORBIDDEN_PREFIX)
        return EVM_INVALID_CODE_PREFIX;
    if ((int64_t)code.len > *gas / GAS_CODE_BYTE)
        return EVM_CODE_STORE_OUT_OF_GAS;
    if (code.len > max)
        return EVM_CODE_SIZE_EXCEEDED;
    *gas -= (int64_t)code.len * GAS_CODE_BYTE;
    return EVM_SUCCESS;
}

/* Before Homestead, a contract whose code could not be paid exists without code, and nothing is
 * charged (EIP-2). */
static int store_code(struct exec *x, const struct evm_message *message, struct evm_result *result)
{
    enum evm_status status = pay_code(x, &result->gas_left, result->output);
    bool forgiven = status == EVM_CODE_STORE_OUT_OF_GAS && x->block->fork < FORK_HOMESTEAD;
    result->created = message->recipient;
    if (status == EVM_SUCCESS && result->output.len)
        return state_view_set_code(x->view, &message->recipient, result->output);
    if (status != EVM_SUCCESS && !forgiven)
        *result = (struct evm_result){.status = status, .output = result->output};
    return 0;
}

int exec_leave(void *host, const struct evm_message *message, struct evm_result *result)
{
    struct exec *x = host;
    int err = 0;
    if (is_creation(message) && result->status == EVM_SUCCESS)
        err = store_code(x, message, result);
    if (!err)
        end_frame(x, &x->frames[message->depth], result->status == EVM_SUCCESS);
    return err;
}
