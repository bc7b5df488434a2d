#include "exec/system.h"

#include "exec/exec_priv.h"

enum { SYSTEM_GAS = 30000000 }; /* EIP-4788, EIP-2935, EIP-7002, EIP-7251 */

#define FE8 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff
const struct address exec_system_address = {{FE8, FE8, 0xff, 0xff, 0xff, 0xfe}};
#undef FE8

const struct address exec_beacon_roots_address = {{0x00, 0x0f, 0x3d, 0xf6, 0xd7, 0x32, 0x80,
                                                   0x7e, 0xf1, 0x31, 0x9f, 0xb7, 0xb8, 0xbb,
                                                   0x85, 0x22, 0xd0, 0xbe, 0xac, 0x02}};
const struct address exec_block_hashes_address = {{0x00, 0x00, 0xf9, 0x08, 0x27, 0xf1, 0xc5,
                                                   0x3a, 0x10, 0xcb, 0x7a, 0x02, 0x33, 0x5b,
                                                   0x17, 0x53, 0x20, 0x00, 0x29, 0x35}};
const struct address exec_withdrawal_queue_address = {{0x00, 0x00, 0x09, 0x61, 0xef, 0x48, 0x0e,
                                                       0xb5, 0x5e, 0x80, 0xd1, 0x9a, 0xd8, 0x35,
                                                       0x79, 0xa6, 0x4c, 0x00, 0x70, 0x02}};
const struct address exec_consolidation_queue_address = {{0x00, 0x00, 0xbb, 0xdd, 0xc7, 0xce, 0x48,
                                                          0x86, 0x42, 0xfb, 0x57, 0x9f, 0x8b, 0x00,
                                                          0xf3, 0xa5, 0x90, 0x00, 0x72, 0x51}};

const char *exec_queue_status_text(enum exec_queue_status status)
{
    static const char *const texts[] = {
#define X(name, text) [EXEC_QUEUE_##name] = text,
        EXEC_QUEUE_LIST(X)
#undef X
    };
    return texts[status];
}

/* --- Messages without a transaction --- */

/* Runs it as a whole transaction's message; its effects wait to be settled. */
static int execute(struct exec *x, struct evm_result *ret_result, const struct evm_message *message,
                   const struct u256 *gas_price)
{
    x->context.origin = message->sender;
    x->context.gas_price = *gas_price;
    x->context.blob_hashes = NULL;
    x->context.blob_hash_count = 0;
    x->view = x->views[0];
    x->view_count = 1;
    x->own = x->views[0];
    return evm_execute(x->evm, x->block->fork, &x->context, &exec_host_ops, x, message, ret_result);
}

static int system_call(struct exec *x, struct evm_result *ret_result, const struct address *to,
                       struct bytes input)
{
    const struct u256 no_price = u256_from(0);
    const struct evm_message message = {
        .kind = EVM_CALL,
        .gas = SYSTEM_GAS,
        .sender = exec_system_address,
        .recipient = *to,
        .code_address = *to,
        .input = input,
    };
    bool cold;
    int err = state_view_access_account(x->views[0], &cold, to);
    if (err)
        return err;
    x->system_call = true;
    err = execute(x, ret_result, &message, &no_price);
    x->system_call = false;
    if (!err)
        state_view_end_transaction(x->views[0], true);
    return err;
}

static int can_pay(const struct exec *x, bool *ret_can, const struct evm_message *message)
{
    const struct state_account *account;
    int err = state_view_account(x->views[0], &account, &message->sender);
    if (err)
        return err;
    struct u256 balance = account ? account->balance : u256_from(0);
    *ret_can = !u256_less(&balance, &message->value);
    return 0;
}

static int warm_up(const struct exec *x, const struct evm_message *message)
{
    struct state_view *view = x->views[0];
    bool cold;
    int err = state_view_access_account(view, &cold, &message->sender);
    if (!err && message->kind != EVM_CREATE && message->kind != EVM_CREATE2)
        err = state_view_access_account(view, &cold, &message->recipient);
    return err ? err : state_view_access_account(view, &cold, &x->block->coinbase);
}

int exec_message(struct exec *x, struct evm_result *ret_result, const struct evm_message *message,
                 const struct u256 *gas_price)
{
    bool can;
    int err = can_pay(x, &can, message);
    if (!err && !can) {
        *ret_result =
            (struct evm_result){.status = EVM_INSUFFICIENT_BALANCE, .gas_left = message->gas};
        return 0;
    }
    if (!err)
        err = warm_up(x, message);
    if (!err)
        err = execute(x, ret_result, message, gas_price);
    if (!err)
        state_view_end_transaction(x->views[0], x->block->fork >= FORK_SPURIOUS);
    return err;
}

/* --- Around the transactions --- */

int exec_store_beacon_root(struct exec *x, const struct hash256 *parent_beacon_root)
{
    struct evm_result result;
    return system_call(x, &result, &exec_beacon_roots_address,
                       bytes_of(parent_beacon_root, sizeof(*parent_beacon_root)));
}

int exec_store_parent_hash(struct exec *x, const struct hash256 *parent_hash)
{
    struct evm_result result;
    return system_call(x, &result, &exec_block_hashes_address,
                       bytes_of(parent_hash, sizeof(*parent_hash)));
}

int exec_read_queue(struct exec *x, enum exec_queue_status *ret_status, struct buf *requests,
                    const struct address *queue)
{
    struct bytes code;
    struct evm_result result;
    int err = state_view_code(x->views[0], &code, queue);
    if (err)
        return err;
    if (code.len == 0) {
        *ret_status = EXEC_QUEUE_NO_CODE;
        return 0;
    }
    err = system_call(x, &result, queue, bytes_none());
    if (err)
        return err;
    if (result.status == EVM_SUCCESS)
        buf_append_bytes(requests, result.output);
    err = buf_status(requests);
    if (!err)
        *ret_status = result.status == EVM_SUCCESS ? EXEC_QUEUE_OK : EXEC_QUEUE_FAILED;
    return err;
}

/* --- Deposits: EIP-6110 --- */

/* keccak256("DepositEvent(bytes,bytes,bytes,bytes,bytes)") */
static const struct hash256 deposit_topic = {{0x64, 0x9b, 0xbc, 0x62, 0xd0, 0xe3, 0x13, 0x42,
                                              0xaf, 0xea, 0x4e, 0x5c, 0xd8, 0x2d, 0x40, 0x49,
                                              0xe7, 0xe1, 0xee, 0x91, 0x2f, 0xc0, 0x88, 0x9a,
                                              0xa7, 0x90, 0x80, 0x3b, 0xe3, 0x90, 0x38, 0xc5}};

/* The event's data is five ABI byte strings, whose places and sizes are fixed. */
struct deposit_field {
    size_t offset, size; /* of the length word of the string; of the string */
};

static const struct deposit_field deposit_fields[] = {
    {160, 48}, /* public key */
    {256, 32}, /* withdrawal credentials */
    {320, 8},  /* amount */
    {384, 96}, /* signature */
    {512, 8},  /* index */
};

enum { DEPOSIT_DATA_SIZE = 576 };

static bool word_is(struct bytes data, size_t at, size_t value)
{
    struct u256 word = u256_load(data.data + at), expected = u256_from(value);
    return u256_equal(&word, &expected);
}

static bool read_deposit(struct buf *requests, struct bytes data)
{
    if (data.len != DEPOSIT_DATA_SIZE)
        return false;
    for (size_t i = 0; i < BASE_COUNT(deposit_fields); i++)
        if (!word_is(data, 32 * i, deposit_fields[i].offset) ||
            !word_is(data, deposit_fields[i].offset, deposit_fields[i].size))
            return false;
    for (size_t i = 0; i < BASE_COUNT(deposit_fields); i++)
        buf_append_bytes(requests,
                         bytes_slice(data, deposit_fields[i].offset + 32, deposit_fields[i].size));
    return true;
}

int exec_read_deposits(enum exec_queue_status *ret_status, struct buf *requests,
                       const struct eth_log *logs, size_t count,
                       const struct address *deposit_contract)
{
    enum exec_queue_status status = EXEC_QUEUE_OK;
    for (size_t i = 0; i < count && status == EXEC_QUEUE_OK; i++) {
        const struct eth_log *log = &logs[i];
        if (address_equal(&log->address, deposit_contract) && log->topic_count > 0 &&
            hash256_equal(&log->topics[0], &deposit_topic) && !read_deposit(requests, log->data))
            status = EXEC_QUEUE_BAD_DEPOSIT;
    }
    if (!buf_status(requests))
        *ret_status = status;
    return buf_status(requests);
}

/* --- Ether out of nothing --- */

int exec_credit(struct exec *x, const struct address *address, const struct u256 *wei)
{
    int err = state_view_add_balance(x->views[0], address, wei);
    if (!err)
        state_view_end_transaction(x->views[0], x->block->fork >= FORK_SPURIOUS);
    return err;
}

int exec_withdraw(struct exec *x, const struct eth_withdrawal *withdrawals, size_t count)
{
    const struct u256 gwei = u256_from(1000000000);
    int err = 0;
    for (size_t i = 0; i < count && !err; i++) {
        struct u256 wei = u256_from(withdrawals[i].amount);
        u256_mul(&wei, &wei, &gwei);
        err = exec_credit(x, &withdrawals[i].address, &wei);
    }
    return err;
}

int exec_ask(struct exec *x, struct evm_result *ret_result, const struct evm_message *message)
{
    const struct u256 no_price = u256_from(0);
    size_t checkpoint = state_view_checkpoint(x->views[0]);
    int err = warm_up(x, message);
    if (!err)
        err = execute(x, ret_result, message, &no_price);
    if (!err)
        state_view_rollback(x->views[0], checkpoint);
    return err;
}
