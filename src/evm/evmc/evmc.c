/*
 * The machine behind EVMC's interface: the shared library libquorate-evm.so.
 *
 * An EVMC client runs nested calls itself, so every execution here is of one frame: entering the
 * first message runs the code that the client gave, entering any other is a call of the client.
 */
#include "evm/evmc/abi.h"

#include "base/mem.h"
#include "evm/evm.h"
#include "evm/evmc/codes.h"

#ifndef QUORATE_VERSION
#    define QUORATE_VERSION "0"
#endif

static_assert(sizeof(struct evmc_bytes32) == sizeof(struct hash256), "the same bytes");
static_assert(sizeof(struct evmc_address) == sizeof(struct address), "the same bytes");
static_assert((int)EVMC_OSAKA == (int)FORK_OSAKA, "forks in the same order");

/* A machine, free or at work. Executions nest, and the machine does not: each takes one of its own.
 */
struct worker {
    struct worker *next; /* free ones */
    struct evm *evm;
};

struct quorate_vm {
    struct evmc_vm vm; /* first: what clients hold */
    struct worker *free_workers;
    struct evmc_codes codes;
    bool plain;
};

/* One execution, as the machine's host. */
struct run {
    const struct evmc_host_interface *host;
    struct evmc_host_context *context;
    enum fork fork;
    struct bytes code;
    struct hash256 code_id;
    bool code_known; /* code_id names the code for the machine's cache */
    bool entered;    /* the first message */
    uint8_t *copied; /* code of another account, as the machine last asked for it */
    /* The delegation (EIP-7702) that the machine last saw: of which account, to which. */
    bool delegated;
    struct address delegator, delegate;
    struct evmc_result called; /* the client's last result, until its output is not needed */
};

static struct run *run_of(void *host)
{
    return host;
}

static const struct evmc_address *address_out(const struct address *a)
{
    return (const struct evmc_address *)a;
}

static struct evmc_bytes32 word_out(const struct u256 *word)
{
    struct evmc_bytes32 be;
    u256_store(be.bytes, word);
    return be;
}

static struct u256 word_in(struct evmc_bytes32 be)
{
    return u256_load(be.bytes);
}

static int account_exists(void *host, const struct address *a, bool *ret_exists)
{
    struct run *r = run_of(host);
    *ret_exists = r->host->account_exists(r->context, address_out(a));
    return 0;
}

static int access_account(void *host, const struct address *a, bool *ret_cold)
{
    struct run *r = run_of(host);
    *ret_cold = r->host->access_account(r->context, address_out(a)) == EVMC_ACCESS_COLD;
    return 0;
}

static int get_balance(void *host, const struct address *a, struct u256 *ret_balance)
{
    struct run *r = run_of(host);
    *ret_balance = word_in(r->host->get_balance(r->context, address_out(a)));
    return 0;
}

static int get_code_size(void *host, const struct address *a, size_t *ret_size)
{
    struct run *r = run_of(host);
    *ret_size = r->host->get_code_size(r->context, address_out(a));
    return 0;
}

static int get_code(void *host, const struct address *a, struct bytes *ret_code)
{
    struct run *r = run_of(host);
    size_t size = r->host->get_code_size(r->context, address_out(a));
    uint8_t *copy = mem_realloc(r->copied, size);
    if (!copy)
        return ERR_NOMEM;
    r->copied = copy;
    *ret_code = bytes_of(copy, r->host->copy_code(r->context, address_out(a), 0, copy, size));
    return 0;
}

static int get_code_hash(void *host, const struct address *a, struct hash256 *ret_hash)
{
    struct run *r = run_of(host);
    struct evmc_bytes32 hash = r->host->get_code_hash(r->context, address_out(a));
    memcpy(ret_hash->b, hash.bytes, sizeof(ret_hash->b));
    return 0;
}

/* EIP-7702: 0xef0100, then the address. */
static int get_delegation(void *host, const struct address *a, bool *ret_delegated,
                          struct address *ret_target)
{
    static const uint8_t prefix[] = {0xef, 0x01, 0x00};
    struct run *r = run_of(host);
    uint8_t code[sizeof(prefix) + sizeof(ret_target->b) + 1];
    size_t size = r->host->copy_code(r->context, address_out(a), 0, code, sizeof(code));
    r->delegated = size == sizeof(code) - 1 && memcmp(code, prefix, sizeof(prefix)) == 0;
    if (r->delegated) {
        r->delegator = *a;
        memcpy(r->delegate.b, code + sizeof(prefix), sizeof(r->delegate.b));
        *ret_target = r->delegate;
    }
    *ret_delegated = r->delegated;
    return 0;
}

static bool access_storage(struct run *r, const struct address *a, const struct evmc_bytes32 *key)
{
    return r->fork >= FORK_BERLIN &&
           r->host->access_storage(r->context, address_out(a), key) == EVMC_ACCESS_COLD;
}

static int get_storage(void *host, const struct address *a, const struct u256 *key,
                       struct u256 *ret_value, bool *ret_cold)
{
    struct run *r = run_of(host);
    struct evmc_bytes32 slot = word_out(key);
    *ret_cold = access_storage(r, a, &slot);
    *ret_value = word_in(r->host->get_storage(r->context, address_out(a), &slot));
    return 0;
}

/* The client says what the write was, the machine wants values: some that make it such a write. */
static struct evm_storage_change change_of(enum evmc_storage_status status,
                                           const struct u256 *value)
{
    const struct u256 zero = {{0}}, other = u256_from(value->w[0] == 1 ? 2 : 1);
    switch (status) {
    case EVMC_STORAGE_ASSIGNED:
        break;
    case EVMC_STORAGE_ADDED:
        return (struct evm_storage_change){zero, zero};
    case EVMC_STORAGE_DELETED:
    case EVMC_STORAGE_MODIFIED:
        return (struct evm_storage_change){other, other};
    case EVMC_STORAGE_DELETED_ADDED:
        return (struct evm_storage_change){other, zero};
    case EVMC_STORAGE_MODIFIED_DELETED:
        return (struct evm_storage_change){u256_from(1), u256_from(2)};
    case EVMC_STORAGE_DELETED_RESTORED:
        return (struct evm_storage_change){*value, zero};
    case EVMC_STORAGE_ADDED_DELETED:
        return (struct evm_storage_change){zero, other};
    case EVMC_STORAGE_MODIFIED_RESTORED:
        return (struct evm_storage_change){*value, other};
    }
    return (struct evm_storage_change){*value, *value};
}

static int set_storage(void *host, const struct address *a, const struct u256 *key,
                       const struct u256 *value, struct evm_storage_change *ret_change,
                       bool *ret_cold)
{
    struct run *r = run_of(host);
    struct evmc_bytes32 slot = word_out(key), word = word_out(value);
    *ret_cold = access_storage(r, a, &slot);
    *ret_change = change_of(r->host->set_storage(r->context, address_out(a), &slot, &word), value);
    return 0;
}

static int get_transient(void *host, const struct address *a, const struct u256 *key,
                         struct u256 *ret_value)
{
    struct run *r = run_of(host);
    struct evmc_bytes32 slot = word_out(key);
    *ret_value = word_in(r->host->get_transient_storage(r->context, address_out(a), &slot));
    return 0;
}

static int set_transient(void *host, const struct address *a, const struct u256 *key,
                         const struct u256 *value)
{
    struct run *r = run_of(host);
    struct evmc_bytes32 slot = word_out(key), word = word_out(value);
    r->host->set_transient_storage(r->context, address_out(a), &slot, &word);
    return 0;
}

static int selfdestruct(void *host, const struct address *a, const struct address *beneficiary,
                        bool *ret_first)
{
    struct run *r = run_of(host);
    *ret_first = r->host->selfdestruct(r->context, address_out(a), address_out(beneficiary));
    return 0;
}

static int emit_log(void *host, const struct address *a, const struct hash256 *topics,
                    size_t topic_count, struct bytes data)
{
    struct run *r = run_of(host);
    r->host->emit_log(r->context, address_out(a), data.data, data.len,
                      (const struct evmc_bytes32 *)topics, topic_count);
    return 0;
}

static int get_block_hash(void *host, uint64_t number, struct hash256 *ret_hash)
{
    struct run *r = run_of(host);
    struct evmc_bytes32 hash = r->host->get_block_hash(r->context, (int64_t)number);
    memcpy(ret_hash->b, hash.bytes, sizeof(ret_hash->b));
    return 0;
}

static void release_called(struct run *r)
{
    if (r->called.release)
        r->called.release(&r->called);
    r->called.release = NULL;
}

static enum evmc_call_kind kind_out(enum evm_call_kind kind)
{
    switch (kind) {
    case EVM_CALL:
    case EVM_STATICCALL:
        break;
    case EVM_CALLCODE:
        return EVMC_CALLCODE;
    case EVM_DELEGATECALL:
        return EVMC_DELEGATECALL;
    case EVM_CREATE:
        return EVMC_CREATE;
    case EVM_CREATE2:
        return EVMC_CREATE2;
    }
    return EVMC_CALL;
}

static struct evmc_message message_out(const struct run *r, const struct evm_message *m)
{
    struct evmc_message out = {.kind = kind_out(m->kind),
                               .flags = m->is_static ? EVMC_STATIC : 0,
                               .depth = (int32_t)m->depth,
                               .gas = m->gas,
                               .input_data = m->input.data,
                               .input_size = m->input.len,
                               .value = word_out(&m->value)};
    bool delegated =
        r->fork >= FORK_PRAGUE && r->delegated && address_equal(&r->delegator, &m->code_address);
    memcpy(out.recipient.bytes, m->recipient.b, sizeof(out.recipient.bytes));
    memcpy(out.sender.bytes, m->sender.b, sizeof(out.sender.bytes));
    memcpy(out.create2_salt.bytes, m->salt.b, sizeof(out.create2_salt.bytes));
    memcpy(out.code_address.bytes, delegated ? r->delegate.b : m->code_address.b,
           sizeof(out.code_address.bytes));
    if (delegated)
        out.flags |= EVMC_DELEGATED;
    return out;
}

static enum evm_status status_in(enum evmc_status_code code)
{
    if (code == EVMC_SUCCESS)
        return EVM_SUCCESS;
    return code == EVMC_REVERT ? EVM_REVERT : EVM_PRECOMPILE_FAILURE; /* any failure will do */
}

static int call_client(struct run *r, const struct evm_message *m, struct evm_entry *ret_entry)
{
    struct evmc_message out = message_out(r, m);
    release_called(r);
    r->called = r->host->call(r->context, &out);
    if (r->called.status_code < 0)
        return r->called.status_code == EVMC_OUT_OF_MEMORY ? ERR_NOMEM : ERR_UNSUPPORTED;
    ret_entry->action = EVM_ENTER_DONE;
    ret_entry->result =
        (struct evm_result){.status = status_in(r->called.status_code),
                            .gas_left = r->called.gas_left,
                            .gas_refund = r->called.gas_refund,
                            .output = bytes_of(r->called.output_data, r->called.output_size)};
    memcpy(ret_entry->result.created.b, r->called.create_address.bytes,
           sizeof(ret_entry->result.created.b));
    return 0;
}

static int enter(void *host, struct evm_message *message, struct evm_entry *ret_entry)
{
    struct run *r = run_of(host);
    if (r->entered)
        return call_client(r, message, ret_entry);
    r->entered = true;
    ret_entry->action = EVM_ENTER_RUN;
    ret_entry->code = r->code;
    ret_entry->code_hash = r->code_known ? &r->code_id : NULL;
    return 0;
}

static int leave(void *host, const struct evm_message *message, struct evm_result *result)
{
    (void)host;
    (void)message;
    (void)result;
    return 0; /* the client's matter */
}

static const struct evm_host_ops host_ops = {
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
    .enter = enter,
    .leave = leave,
};

static struct evm_context context_in(const struct evmc_tx_context *tx)
{
    struct evm_context context = {.gas_price = word_in(tx->tx_gas_price),
                                  .number = (uint64_t)tx->block_number,
                                  .timestamp = (uint64_t)tx->block_timestamp,
                                  .gas_limit = (uint64_t)tx->block_gas_limit,
                                  .prev_randao = word_in(tx->block_prev_randao),
                                  .chain_id = word_in(tx->chain_id),
                                  .base_fee = word_in(tx->block_base_fee),
                                  .blob_base_fee = word_in(tx->blob_base_fee),
                                  .blob_hashes = (const struct hash256 *)tx->blob_hashes,
                                  .blob_hash_count = tx->blob_hashes_count};
    memcpy(context.origin.b, tx->tx_origin.bytes, sizeof(context.origin.b));
    memcpy(context.coinbase.b, tx->block_coinbase.bytes, sizeof(context.coinbase.b));
    return context;
}

static enum evm_call_kind kind_in(enum evmc_call_kind kind)
{
    static const enum evm_call_kind kinds[] = {
        [EVMC_CALL] = EVM_CALL,         [EVMC_DELEGATECALL] = EVM_DELEGATECALL,
        [EVMC_CALLCODE] = EVM_CALLCODE, [EVMC_CREATE] = EVM_CREATE,
        [EVMC_CREATE2] = EVM_CREATE2,
    };
    return kinds[kind];
}

static struct evm_message message_in(const struct evmc_message *m)
{
    struct evm_message in = {.kind = kind_in(m->kind),
                             .is_static = m->flags & EVMC_STATIC,
                             .depth = (uint32_t)m->depth,
                             .gas = m->gas,
                             .value = word_in(m->value),
                             .input = bytes_of(m->input_data, m->input_size)};
    memcpy(in.sender.b, m->sender.bytes, sizeof(in.sender.b));
    memcpy(in.recipient.b, m->recipient.bytes, sizeof(in.recipient.b));
    memcpy(in.code_address.b, m->code_address.bytes, sizeof(in.code_address.b));
    return in;
}

static enum evmc_status_code status_out(enum evm_status status)
{
    switch (status) {
    case EVM_SUCCESS:
        return EVMC_SUCCESS;
    case EVM_REVERT:
        return EVMC_REVERT;
    case EVM_OUT_OF_GAS:
    case EVM_CODE_STORE_OUT_OF_GAS:
        return EVMC_OUT_OF_GAS;
    case EVM_UNDEFINED_INSTRUCTION:
        return EVMC_UNDEFINED_INSTRUCTION;
    case EVM_INVALID_INSTRUCTION:
        return EVMC_INVALID_INSTRUCTION;
    case EVM_STACK_UNDERFLOW:
        return EVMC_STACK_UNDERFLOW;
    case EVM_STACK_OVERFLOW:
        return EVMC_STACK_OVERFLOW;
    case EVM_BAD_JUMP_DESTINATION:
        return EVMC_BAD_JUMP_DESTINATION;
    case EVM_RETURN_DATA_OUT_OF_BOUNDS:
        return EVMC_INVALID_MEMORY_ACCESS;
    case EVM_WRITE_PROTECTION:
        return EVMC_STATIC_MODE_VIOLATION;
    case EVM_CALL_DEPTH_EXCEEDED:
        return EVMC_CALL_DEPTH_EXCEEDED;
    case EVM_INSUFFICIENT_BALANCE:
        return EVMC_INSUFFICIENT_BALANCE;
    case EVM_INITCODE_SIZE_EXCEEDED: /* EIP-3860 calls it out of gas */
        return EVMC_OUT_OF_GAS;
    case EVM_INVALID_INPUT_LENGTH:
    case EVM_INVALID_FINAL_FLAG:
    case EVM_BAD_PAIRING_SIZE:
    case EVM_COORDINATE_EXCEEDS_MODULUS:
    case EVM_COORDINATE_EQUALS_MODULUS:
    case EVM_MALFORMED_POINT:
    case EVM_MISMATCHED_VERSION:
    case EVM_INVALID_KZG_PROOF:
    case EVM_PRECOMPILE_FAILURE:
        return EVMC_PRECOMPILE_FAILURE;
    case EVM_NONCE_OVERFLOW:
    case EVM_ADDRESS_COLLISION:
    case EVM_CODE_SIZE_EXCEEDED:
    case EVM_INVALID_CODE_PREFIX:
        break;
    }
    return EVMC_FAILURE;
}

static void release_output(const struct evmc_result *result)
{
    mem_free((void *)result->output_data);
}

static struct evmc_result error_out(int err)
{
    return (struct evmc_result){.status_code =
                                    err == ERR_NOMEM ? EVMC_OUT_OF_MEMORY : EVMC_INTERNAL_ERROR};
}

static struct evmc_result result_out(const struct evm_result *result)
{
    struct evmc_result out = {.status_code = status_out(result->status),
                              .gas_left = result->gas_left,
                              .gas_refund = result->gas_refund};
    if (result->output.len) {
        uint8_t *copy = mem_alloc(result->output.len);
        if (!copy)
            return error_out(ERR_NOMEM);
        memcpy(copy, result->output.data, result->output.len);
        out.output_data = copy;
        out.output_size = result->output.len;
        out.release = release_output;
    }
    return out;
}

static struct worker *take_worker(struct quorate_vm *q)
{
    struct worker *worker = q->free_workers;
    if (worker) {
        q->free_workers = worker->next;
        return worker;
    }
    worker = mem_alloc(sizeof(*worker));
    if (worker && evm_new(&worker->evm)) {
        mem_free(worker);
        worker = NULL;
    }
    return worker;
}

static void give_worker(struct quorate_vm *q, struct worker *worker)
{
    worker->next = q->free_workers;
    q->free_workers = worker;
}

static struct evmc_result execute(struct evmc_vm *vm, const struct evmc_host_interface *host,
                                  struct evmc_host_context *host_context,
                                  enum evmc_revision revision, const struct evmc_message *message,
                                  const uint8_t *code, size_t code_size)
{
    struct quorate_vm *q = (struct quorate_vm *)vm;
    if ((unsigned)revision > EVMC_OSAKA || (unsigned)message->kind > EVMC_CREATE2)
        return (struct evmc_result){.status_code = EVMC_REJECTED};
    struct worker *worker = take_worker(q);
    if (!worker)
        return error_out(ERR_NOMEM);
    struct run r = {.host = host,
                    .context = host_context,
                    .fork = (enum fork)revision,
                    .code = bytes_of(code, code_size)};
    bool creates = message->kind == EVMC_CREATE || message->kind == EVMC_CREATE2;
    if (!creates)
        r.code_known = evmc_codes_identify(&q->codes, &r.code_id, r.code);
    struct evmc_tx_context tx = host->get_tx_context(host_context);
    struct evm_context context = context_in(&tx);
    struct evm_message in = message_in(message);
    struct evm_result result;
    evm_set_plain(worker->evm, q->plain);
    int err = evm_execute(worker->evm, r.fork, &context, &host_ops, &r, &in, &result);
    struct evmc_result out = err ? error_out(err) : result_out(&result);
    release_called(&r);
    mem_free(r.copied);
    give_worker(q, worker);
    return out;
}

static void destroy(struct evmc_vm *vm)
{
    struct quorate_vm *q = (struct quorate_vm *)vm;
    while (q->free_workers) {
        struct worker *worker = q->free_workers;
        q->free_workers = worker->next;
        evm_free(worker->evm);
        mem_free(worker);
    }
    evmc_codes_release(&q->codes);
    mem_free(q);
}

static uint32_t get_capabilities(struct evmc_vm *vm)
{
    (void)vm;
    return EVMC_CAPABILITY_EVM1;
}

static enum evmc_set_option_result set_option(struct evmc_vm *vm, const char *name,
                                              const char *value)
{
    struct quorate_vm *q = (struct quorate_vm *)vm;
    if (strcmp(name, "interpreter") != 0)
        return EVMC_SET_OPTION_INVALID_NAME;
    if (strcmp(value, "plain") != 0 && strcmp(value, "fast") != 0)
        return EVMC_SET_OPTION_INVALID_VALUE;
    q->plain = value[0] == 'p';
    return EVMC_SET_OPTION_SUCCESS;
}

BASE_EXPORT struct evmc_vm *evmc_create_quorate_evm(void)
{
    static const struct evmc_vm vm = {.abi_version = EVMC_ABI_VERSION,
                                      .name = "quorate-evm",
                                      .version = QUORATE_VERSION,
                                      .destroy = destroy,
                                      .execute = execute,
                                      .get_capabilities = get_capabilities,
                                      .set_option = set_option};
    struct quorate_vm *q = mem_alloc_zeroed(1, sizeof(*q));
    if (!q)
        return NULL;
    memcpy(&q->vm, &vm, sizeof(vm));
    return &q->vm;
}
