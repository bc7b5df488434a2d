/* The machine through EVMC's interface does what it does directly: a client in C over the small
 * world of the tests, compared with the world as the machine's own host. */
#include "evm/evmc/abi.h"
#include "evm/test/run.h"

#include <stdlib.h>

enum { GAS = 3000000 };

/* The client. */
struct evmc_host_context {
    struct evm_test_host world;
    struct evmc_vm *vm;
    int calls_until_failure; /* the client's call then fails with `failure`; 0: never */
    enum evmc_status_code failure;
};

static const struct evm_host_ops *const ops = &evm_test_host_ops;

static const struct address *address_of(const struct evmc_address *a)
{
    return (const struct address *)a;
}

static struct u256 word_of(const struct evmc_bytes32 *be)
{
    return u256_load(be->bytes);
}

static struct evmc_bytes32 bytes_of_word(struct u256 word)
{
    struct evmc_bytes32 be;
    u256_store(be.bytes, &word);
    return be;
}

static bool account_exists(struct evmc_host_context *c, const struct evmc_address *a)
{
    bool exists;
    assert_int_equal(ops->account_exists(&c->world, address_of(a), &exists), 0);
    return exists;
}

static struct evm_test_slot *slot_of(struct evmc_host_context *c, const struct evmc_address *a,
                                     const struct evmc_bytes32 *key)
{
    struct u256 word = word_of(key);
    for (size_t i = 0; i < c->world.slot_count; i++)
        if (address_equal(&c->world.slots[i].address, address_of(a)) &&
            u256_equal(&c->world.slots[i].key, &word))
            return &c->world.slots[i];
    struct u256 value;
    assert_int_equal(ops->get_transient(&c->world, address_of(a), &word, &value), 0);
    return slot_of(c, a, key);
}

static struct evmc_bytes32 get_storage(struct evmc_host_context *c, const struct evmc_address *a,
                                       const struct evmc_bytes32 *key)
{
    return bytes_of_word(slot_of(c, a, key)->current);
}

static enum evmc_access_status access_storage(struct evmc_host_context *c,
                                              const struct evmc_address *a,
                                              const struct evmc_bytes32 *key)
{
    struct u256 word = word_of(key), value;
    bool cold;
    assert_int_equal(ops->get_storage(&c->world, address_of(a), &word, &value, &cold), 0);
    return cold ? EVMC_ACCESS_COLD : EVMC_ACCESS_WARM;
}

static enum evmc_storage_status status_of(const struct u256 *original, const struct u256 *current,
                                          const struct u256 *value)
{
    bool from_zero = u256_is_zero(original);
    if (u256_equal(current, value))
        return EVMC_STORAGE_ASSIGNED;
    if (u256_equal(original, current)) {
        if (from_zero)
            return EVMC_STORAGE_ADDED;
        return u256_is_zero(value) ? EVMC_STORAGE_DELETED : EVMC_STORAGE_MODIFIED;
    }
    if (from_zero)
        return u256_is_zero(value) ? EVMC_STORAGE_ADDED_DELETED : EVMC_STORAGE_ASSIGNED;
    if (u256_is_zero(value))
        return EVMC_STORAGE_MODIFIED_DELETED;
    bool restored = u256_equal(original, value);
    if (u256_is_zero(current))
        return restored ? EVMC_STORAGE_DELETED_RESTORED : EVMC_STORAGE_DELETED_ADDED;
    return restored ? EVMC_STORAGE_MODIFIED_RESTORED : EVMC_STORAGE_ASSIGNED;
}

static enum evmc_storage_status set_storage(struct evmc_host_context *c,
                                            const struct evmc_address *a,
                                            const struct evmc_bytes32 *key,
                                            const struct evmc_bytes32 *be)
{
    struct u256 word = word_of(key), value = word_of(be);
    struct evm_storage_change change;
    bool cold;
    assert_int_equal(ops->set_storage(&c->world, address_of(a), &word, &value, &change, &cold), 0);
    return status_of(&change.original, &change.current, &value);
}

static struct evmc_bytes32 get_balance(struct evmc_host_context *c, const struct evmc_address *a)
{
    struct u256 balance;
    assert_int_equal(ops->get_balance(&c->world, address_of(a), &balance), 0);
    return bytes_of_word(balance);
}

static struct bytes code_of(struct evmc_host_context *c, const struct evmc_address *a)
{
    struct bytes code;
    assert_int_equal(ops->get_code(&c->world, address_of(a), &code), 0);
    return code;
}

static size_t get_code_size(struct evmc_host_context *c, const struct evmc_address *a)
{
    return code_of(c, a).len;
}

static struct evmc_bytes32 get_code_hash(struct evmc_host_context *c, const struct evmc_address *a)
{
    struct hash256 hash;
    struct evmc_bytes32 be;
    assert_int_equal(ops->get_code_hash(&c->world, address_of(a), &hash), 0);
    memcpy(be.bytes, hash.b, sizeof(be.bytes));
    return be;
}

static size_t copy_code(struct evmc_host_context *c, const struct evmc_address *a, size_t offset,
                        uint8_t *buffer, size_t size)
{
    struct bytes code = code_of(c, a);
    if (offset >= code.len)
        return 0;
    size_t n = code.len - offset < size ? code.len - offset : size;
    if (n)
        memcpy(buffer, code.data + offset, n);
    return n;
}

static bool selfdestruct(struct evmc_host_context *c, const struct evmc_address *a,
                         const struct evmc_address *beneficiary)
{
    bool first;
    assert_int_equal(ops->selfdestruct(&c->world, address_of(a), address_of(beneficiary), &first),
                     0);
    return first;
}

static struct evmc_tx_context get_tx_context(struct evmc_host_context *c)
{
    const struct evm_context *x = &c->world.context;
    struct evmc_tx_context tx = {.tx_gas_price = bytes_of_word(x->gas_price),
                                 .block_number = (int64_t)x->number,
                                 .block_timestamp = (int64_t)x->timestamp,
                                 .block_gas_limit = (int64_t)x->gas_limit,
                                 .block_prev_randao = bytes_of_word(x->prev_randao),
                                 .chain_id = bytes_of_word(x->chain_id),
                                 .block_base_fee = bytes_of_word(x->base_fee),
                                 .blob_base_fee = bytes_of_word(x->blob_base_fee),
                                 .blob_hashes = (const struct evmc_bytes32 *)x->blob_hashes,
                                 .blob_hashes_count = x->blob_hash_count};
    memcpy(tx.tx_origin.bytes, x->origin.b, 20);
    memcpy(tx.block_coinbase.bytes, x->coinbase.b, 20);
    return tx;
}

static struct evmc_bytes32 get_block_hash(struct evmc_host_context *c, int64_t number)
{
    struct hash256 hash;
    struct evmc_bytes32 be;
    assert_int_equal(ops->get_block_hash(&c->world, (uint64_t)number, &hash), 0);
    memcpy(be.bytes, hash.b, sizeof(be.bytes));
    return be;
}

static void emit_log(struct evmc_host_context *c, const struct evmc_address *a, const uint8_t *data,
                     size_t size, const struct evmc_bytes32 *topics, size_t topic_count)
{
    assert_int_equal(ops->emit_log(&c->world, address_of(a), (const struct hash256 *)topics,
                                   topic_count, bytes_of(data, size)),
                     0);
}

static enum evmc_access_status access_account(struct evmc_host_context *c,
                                              const struct evmc_address *a)
{
    bool cold;
    assert_int_equal(ops->access_account(&c->world, address_of(a), &cold), 0);
    return cold ? EVMC_ACCESS_COLD : EVMC_ACCESS_WARM;
}

static struct evmc_bytes32 get_transient(struct evmc_host_context *c, const struct evmc_address *a,
                                         const struct evmc_bytes32 *key)
{
    return bytes_of_word(slot_of(c, a, key)->transient);
}

static void set_transient(struct evmc_host_context *c, const struct evmc_address *a,
                          const struct evmc_bytes32 *key, const struct evmc_bytes32 *be)
{
    struct u256 word = word_of(key), value = word_of(be);
    assert_int_equal(ops->set_transient(&c->world, address_of(a), &word, &value), 0);
}

static void free_output(const struct evmc_result *result)
{
    free((void *)result->output_data);
}

static struct evmc_result result_of(const struct evm_result *r)
{
    struct evmc_result out = {.status_code = EVMC_FAILURE,
                              .gas_left = r->gas_left,
                              .gas_refund = r->gas_refund,
                              .output_size = r->output.len,
                              .release = free_output};
    if (r->status == EVM_SUCCESS || r->status == EVM_REVERT)
        out.status_code = r->status == EVM_SUCCESS ? EVMC_SUCCESS : EVMC_REVERT;
    if (r->output.len) {
        out.output_data = malloc(r->output.len);
        assert_non_null(out.output_data);
        memcpy((void *)out.output_data, r->output.data, r->output.len);
    }
    memcpy(out.create_address.bytes, r->created.b, 20);
    return out;
}

static struct evm_message message_of(const struct evmc_message *m)
{
    const enum evm_call_kind kinds[] = {EVM_CALL, EVM_DELEGATECALL, EVM_CALLCODE, EVM_CREATE,
                                        EVM_CREATE2};
    struct evm_message in = {.kind = kinds[m->kind],
                             .is_static = m->flags & EVMC_STATIC,
                             .depth = (uint32_t)m->depth,
                             .gas = m->gas,
                             .sender = *address_of(&m->sender),
                             .recipient = *address_of(&m->recipient),
                             .code_address = *address_of(&m->code_address),
                             .value = word_of(&m->value),
                             .input = bytes_of(m->input_data, m->input_size)};
    memcpy(in.salt.b, m->create2_salt.bytes, 32);
    return in;
}

static const struct evmc_host_interface interface;

static struct evmc_result call(struct evmc_host_context *c, const struct evmc_message *m)
{
    struct evm_message in = message_of(m);
    struct evm_entry entry;
    if (c->calls_until_failure && --c->calls_until_failure == 0)
        return (struct evmc_result){.status_code = c->failure};
    assert_int_equal(ops->enter(&c->world, &in, &entry), 0);
    if (entry.action == EVM_ENTER_DONE)
        return result_of(&entry.result);
    struct evmc_message inner = *m;
    memcpy(inner.recipient.bytes, in.recipient.b, 20);
    if (m->kind == EVMC_CREATE || m->kind == EVMC_CREATE2) {
        inner.input_data = NULL;
        inner.input_size = 0;
    }
    struct evmc_result out = c->vm->execute(c->vm, &interface, c, (enum evmc_revision)c->world.fork,
                                            &inner, entry.code.data, entry.code.len);
    struct evm_result result = {.status = out.status_code == EVMC_SUCCESS  ? EVM_SUCCESS
                                          : out.status_code == EVMC_REVERT ? EVM_REVERT
                                                                           : EVM_OUT_OF_GAS,
                                .gas_left = out.gas_left,
                                .gas_refund = out.gas_refund,
                                .output = bytes_of(out.output_data, out.output_size)};
    assert_int_equal(ops->leave(&c->world, &in, &result), 0);
    struct evmc_result converted = result_of(&result);
    if (out.release)
        out.release(&out);
    return converted;
}

static const struct evmc_host_interface interface = {
    account_exists, get_storage,    set_storage,   get_balance,    get_code_size,  get_code_hash,
    copy_code,      selfdestruct,   call,          get_tx_context, get_block_hash, emit_log,
    access_account, access_storage, get_transient, set_transient,
};

static const char callee[] = "CALLER SLOAD 1 ADD CALLER SSTORE 7 0 TSTORE CALLDATASIZE 0 0 "
                             "CALLDATACOPY CALLDATASIZE 0 LOG1 CALLDATASIZE 0 REVERT";

static void prepare(struct evm_test_host *h, enum fork fork, const char *code)
{
    static const struct hash256 blobs[] = {{{7}}};
    evm_test_host_init(h, fork);
    h->context = (struct evm_context){.origin = EVM_TEST_CALLER,
                                      .gas_price = u256_from(3),
                                      .coinbase = evm_test_address(4),
                                      .number = 1000,
                                      .timestamp = 5,
                                      .gas_limit = 6,
                                      .prev_randao = u256_from(7),
                                      .chain_id = u256_from(8),
                                      .base_fee = u256_from(9),
                                      .blob_base_fee = u256_from(10),
                                      .blob_hashes = blobs,
                                      .blob_hash_count = 1};
    evm_test_account(h, EVM_TEST_CALLER, 1000, bytes_none());
    evm_test_account(h, EVM_TEST_CONTRACT, 1000, evm_asm(code));
    evm_test_account(h, evm_test_address(0xca), 3, evm_asm(callee));
    evm_test_account(h, evm_test_address(0xcc), 3, evm_asm("5 CALLER SSTORE GAS 0 SSTORE STOP"));
    evm_test_account(h, evm_test_address(0xcd), 3,
                     evm_asm("#ef010000000000000000000000000000000000000000cc"));
    evm_test_slot(h, EVM_TEST_CONTRACT, 1, 1);
    evm_test_slot(h, EVM_TEST_CONTRACT, 2, 9);
}

/* The contract's frame, as either interface begins it. */
static struct evm_message first_message(void)
{
    return (struct evm_message){.kind = EVM_CALL,
                                .gas = GAS,
                                .sender = EVM_TEST_CALLER,
                                .recipient = EVM_TEST_CONTRACT,
                                .code_address = EVM_TEST_CONTRACT};
}

static struct evmc_result run_through_evmc(struct evmc_host_context *c)
{
    struct evm_message m = first_message();
    struct evmc_message out = {.kind = EVMC_CALL, .gas = GAS};
    memcpy(out.sender.bytes, m.sender.b, 20);
    memcpy(out.recipient.bytes, m.recipient.b, 20);
    memcpy(out.code_address.bytes, m.code_address.b, 20);
    return call(c, &out);
}

static void compare(enum fork fork, const char *code)
{
    static struct evm_test_host direct;
    static struct evmc_host_context client;
    struct evm *evm;
    struct evm_result want;
    struct evm_message m = first_message();
    prepare(&direct, fork, code);
    assert_int_equal(evm_new(&evm), 0);
    assert_int_equal(evm_execute(evm, fork, &direct.context, ops, &direct, &m, &want), 0);
    client = (struct evmc_host_context){.vm = evmc_create_quorate_evm()};
    assert_non_null(client.vm);
    prepare(&client.world, fork, code);
    struct evmc_result got = run_through_evmc(&client);
    assert_int_equal(got.status_code == EVMC_SUCCESS, want.status == EVM_SUCCESS);
    assert_int_equal(got.status_code == EVMC_REVERT, want.status == EVM_REVERT);
    assert_int_equal(got.gas_left, want.gas_left);
    assert_int_equal(got.gas_refund, want.gas_refund);
    assert_true(bytes_equal(bytes_of(got.output_data, got.output_size), want.output));
    assert_true(evm_test_host_equal(&direct, &client.world));
    got.release(&got);
    client.vm->destroy(client.vm);
    evm_free(evm);
    evm_test_host_release(&direct);
    evm_test_host_release(&client.world);
}

#define KEEP(code) code " 0 MSTORE 32 0 RETURN"

static void compare_all(void)
{
    static const char *const codes[] = {
        "STOP",
        "ADD",
        "INVALID",
        "1 JUMP",
        "#0c",
        "1 0 MSTORE 32 0 REVERT",
        KEEP("ORIGIN GASPRICE ADD COINBASE ADD NUMBER ADD TIMESTAMP ADD GASLIMIT ADD PREVRANDAO "
             "ADD 999 BLOCKHASH ADD"),
        KEEP("CHAINID SELFBALANCE ADD BASEFEE ADD BLOBBASEFEE ADD 0 BLOBHASH ADD"),
        KEEP("0xca BALANCE 0xca EXTCODESIZE ADD 0xca EXTCODEHASH ADD 0xcb EXTCODEHASH ADD"),
        "5 2 0 0xca EXTCODECOPY 32 0 RETURN",
        /* All ways in which a slot may change. */
        "0 0 SSTORE 1 0 SSTORE 2 0 SSTORE 2 0 SSTORE 0 0 SSTORE 1 1 SSTORE 2 1 SSTORE 3 1 SSTORE "
        "1 1 SSTORE 0 1 SSTORE 1 1 SSTORE 5 1 SSTORE 0 1 SSTORE 7 1 SSTORE 0 2 SSTORE 9 2 SSTORE",
        "1 0 TSTORE 0 TLOAD 0 SSTORE",
        "0xabcd SELFDESTRUCT",
        KEEP("32 0 5 0 1 0xca 100000 CALL RETURNDATASIZE ADD"),
        KEEP("32 0 5 0 1 0xca 100000 CALLCODE RETURNDATASIZE ADD"),
        KEEP("32 0 5 0 0xca 100000 DELEGATECALL RETURNDATASIZE ADD"),
        KEEP("32 0 5 0 0xcc 100000 DELEGATECALL RETURNDATASIZE ADD"),
        KEEP("32 0 5 0 0xcc 100000 STATICCALL RETURNDATASIZE ADD"),
        KEEP("0 0 0 0 1 0xcd 100000 CALL 0 0 0 0 0xcd 100000 DELEGATECALL ADD"),
        KEEP("0 0 0 0 1 0xcc 100000 CALL"),
        KEEP("32 0 64 0 0 4 100000 CALL"),
        KEEP("0 0 0 0 0 9 100000 CALL"),
        KEEP("0x605b60005360016000f3 0 MSTORE 10 22 1 CREATE"),
        KEEP("0x605b60005360016000f3 0 MSTORE 77 10 22 0 CREATE2"),
        KEEP("0x60016000fd 0 MSTORE 5 27 0 CREATE RETURNDATASIZE ADD"),
        KEEP("0 SLOAD 1 ADD 0 SSTORE 0 0 0 0 0 ADDRESS 50000 GAS SUB CALL"),
    };
    for (int fork = FORK_FRONTIER; fork < FORK_COUNT; fork++)
        for (size_t i = 0; i < BASE_COUNT(codes); i++)
            compare((enum fork)fork, codes[i]);
}

/* Here calls do recurse in C, through the client. */
static void test_same(void **state)
{
    (void)state;
    evm_test_on_stack(32 << 20, compare_all);
}

static void test_failures(void **state)
{
    (void)state;
    static struct evmc_host_context client;
    const char *code = "0 0 0 0 0 0xcc 100000 CALL";
    const struct {
        enum evmc_status_code given, want;
    } list[] = {{EVMC_OUT_OF_MEMORY, EVMC_OUT_OF_MEMORY},
                {EVMC_INTERNAL_ERROR, EVMC_INTERNAL_ERROR},
                {EVMC_REJECTED, EVMC_INTERNAL_ERROR}};
    for (size_t i = 0; i < BASE_COUNT(list); i++) {
        client = (struct evmc_host_context){
            .vm = evmc_create_quorate_evm(), .calls_until_failure = 1, .failure = list[i].given};
        prepare(&client.world, FORK_OSAKA, code);
        struct evmc_message m = {.kind = EVMC_CALL, .gas = GAS};
        struct bytes text = evm_asm(code);
        struct evmc_result got =
            client.vm->execute(client.vm, &interface, &client, EVMC_OSAKA, &m, text.data, text.len);
        assert_int_equal(got.status_code, list[i].want);
        assert_int_equal(got.gas_left, 0);
        client.vm->destroy(client.vm);
        evm_test_host_release(&client.world);
    }
}

static void test_interface(void **state)
{
    (void)state;
    struct evmc_vm *vm = evmc_create_quorate_evm();
    struct evmc_message m = {.kind = EVMC_EOFCREATE};
    assert_int_equal(vm->abi_version, 12);
    assert_string_equal(vm->name, "quorate-evm");
    assert_int_equal(vm->get_capabilities(vm), EVMC_CAPABILITY_EVM1);
    assert_int_equal(vm->set_option(vm, "interpreter", "plain"), EVMC_SET_OPTION_SUCCESS);
    assert_int_equal(vm->set_option(vm, "interpreter", "fast"), EVMC_SET_OPTION_SUCCESS);
    assert_int_equal(vm->set_option(vm, "interpreter", ""), EVMC_SET_OPTION_INVALID_VALUE);
    assert_int_equal(vm->set_option(vm, "interpreters", "fast"), EVMC_SET_OPTION_INVALID_NAME);
    assert_int_equal(vm->execute(vm, &interface, NULL, EVMC_OSAKA, &m, NULL, 0).status_code,
                     EVMC_REJECTED);
    m.kind = EVMC_CALL;
    assert_int_equal(vm->execute(vm, &interface, NULL, EVMC_EXPERIMENTAL, &m, NULL, 0).status_code,
                     EVMC_REJECTED);
    vm->destroy(vm);
    /* As the compiler of any client lays them out. */
    assert_int_equal(sizeof(struct evmc_message), 184);
    assert_int_equal(offsetof(struct evmc_message, code_address), 144);
    assert_int_equal(sizeof(struct evmc_result), 72);
    assert_int_equal(sizeof(struct evmc_tx_context), 256);
    assert_int_equal(sizeof(struct evmc_vm), 56);
    assert_int_equal(sizeof(struct evmc_host_interface), 128);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_interface),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
