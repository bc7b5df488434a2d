/* What stands around transactions: system calls, credits, hooks, traces, failures of the machine. */
#include "base/mem.h"
#include "eth/address.h"
#include "exec/test/support.h"
#include "exec/trace_struct.h"
#include "store/fault.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* --- System calls --- */

/* SSTORE(0, CALLDATALOAD(0)); SSTORE(1, CALLER); SSTORE(2, GAS > 29,000,000) */
#define KEEPER "600035600055336001556301ba81405a1160025500"

static void test_system_calls(void **unused)
{
    (void)unused;
    struct support s;
    struct hash256 root = {{[31] = 0x77}};
    support_start(&s, FORK_PRAGUE);
    /* Without code nothing happens at all. */
    assert_int_equal(exec_store_beacon_root(s.exec, &root), 0);
    assert_false(support_exists(&s, &exec_beacon_roots_address));
    assert_false(support_exists(&s, &exec_system_address));

    support_set_code(&s, &exec_beacon_roots_address, KEEPER);
    support_set_code(&s, &exec_block_hashes_address, "600035600055600080fd");
    assert_int_equal(exec_store_beacon_root(s.exec, &root), 0);
    assert_int_equal(support_slot(&s, &exec_beacon_roots_address, 0), 0x77);
    struct u256 one = u256_from(1), caller;
    assert_int_equal(state_view_load(s.view, &caller, NULL, &exec_beacon_roots_address, &one), 0);
    struct u256 expected = u256_load_short(&exec_system_address, sizeof(exec_system_address));
    assert_true(u256_equal(&caller, &expected));
    assert_int_equal(support_slot(&s, &exec_beacon_roots_address, 2), 1);
    assert_false(support_exists(&s, &exec_system_address));
    assert_int_equal(exec_store_parent_hash(s.exec, &root), 0); /* reverts */
    assert_int_equal(support_slot(&s, &exec_block_hashes_address, 0), 0);
    assert_int_equal(exec_gas_used(s.exec), 0);
    support_stop(&s);
}

static void test_queues(void **unused)
{
    (void)unused;
    struct support s;
    struct buf requests = BUF_INIT;
    enum exec_queue_status status;
    support_start(&s, FORK_PRAGUE);
    const struct address *queue = &exec_withdrawal_queue_address;
    assert_int_equal(exec_read_queue(s.exec, &status, &requests, queue), 0);
    assert_string_equal(exec_queue_status_text(status), "empty system contract");
    support_set_code(&s, queue, "60ab60005360026000f3");
    assert_int_equal(exec_read_queue(s.exec, &status, &requests, queue), 0);
    assert_int_equal(status, EXEC_QUEUE_OK);
    assert_int_equal(requests.len, 2);
    assert_int_equal(requests.data[0], 0xab);
    support_set_code(&s, queue, "fe");
    assert_int_equal(exec_read_queue(s.exec, &status, &requests, queue), 0);
    assert_int_equal(status, EXEC_QUEUE_FAILED);
    assert_int_equal(requests.len, 2);
    buf_release(&requests);
    support_stop(&s);
}

/* The data of a deposit event: five byte strings, their places and sizes given. */
static void make_deposit(uint8_t ret_data[576])
{
    static const uint16_t places[] = {160, 256, 320, 384, 512}, sizes[] = {48, 32, 8, 96, 8};
    memset(ret_data, 0, 576);
    for (size_t i = 0; i < BASE_COUNT(places); i++) {
        ret_data[32 * i + 30] = (uint8_t)(places[i] >> 8);
        ret_data[32 * i + 31] = (uint8_t)places[i];
        ret_data[places[i] + 31] = (uint8_t)sizes[i];
        memset(ret_data + places[i] + 32, (int)(0xa0 + i), sizes[i]);
    }
}

static void test_deposits(void **unused)
{
    (void)unused;
    uint8_t data[577];
    struct hash256 topic;
    struct bytes digits =
        support_hex("649bbc62d0e31342afea4e5cd82d4049e7e1ee912fc0889aa790803be39038c5");
    memcpy(topic.b, digits.data, sizeof(topic.b));
    struct eth_log logs[3] = {
        {.address = support_contract, .topics = &topic, .topic_count = 1, .data = {data, 576}},
        {.address = support_nobody, .topics = &topic, .topic_count = 1, .data = {data, 3}},
        {.address = support_contract, .data = {data, 3}},
    };
    struct buf requests = BUF_INIT;
    enum exec_queue_status status;
    make_deposit(data);
    assert_int_equal(exec_read_deposits(&status, &requests, logs, 3, &support_contract), 0);
    assert_int_equal(status, EXEC_QUEUE_OK);
    assert_int_equal(requests.len, 192);
    static const uint8_t starts[] = {0, 48, 80, 88, 184};
    for (size_t i = 0; i < BASE_COUNT(starts); i++)
        assert_int_equal(requests.data[starts[i]], 0xa0 + i);
    for (size_t place = 0; place < 160; place += 32) { /* each place, and each size */
        make_deposit(data);
        data[place + 31] ^= 1;
        assert_int_equal(exec_read_deposits(&status, &requests, logs, 1, &support_contract), 0);
        assert_string_equal(exec_queue_status_text(status), "unable to parse deposit data");
    }
    make_deposit(data);
    data[160 + 31]++;
    assert_int_equal(exec_read_deposits(&status, &requests, logs, 1, &support_contract), 0);
    assert_int_equal(status, EXEC_QUEUE_BAD_DEPOSIT);
    make_deposit(data);
    logs[0].data.len = 575;
    assert_int_equal(exec_read_deposits(&status, &requests, logs, 1, &support_contract), 0);
    assert_int_equal(status, EXEC_QUEUE_BAD_DEPOSIT);
    buf_release(&requests);
}

static void test_withdrawals(void **unused)
{
    (void)unused;
    struct support s;
    const struct eth_withdrawal withdrawals[] = {{.address = support_nobody, .amount = 3},
                                                 {.address = support_nobody, .amount = 1},
                                                 {.address = support_contract, .amount = 0}};
    support_start(&s, FORK_SHANGHAI);
    assert_int_equal(exec_withdraw(s.exec, withdrawals, 3), 0);
    assert_int_equal(support_balance(&s, &support_nobody), 4000000000);
    assert_false(support_exists(&s, &support_contract));
    support_stop(&s);
}

static void test_message(void **unused)
{
    (void)unused;
    struct support s;
    struct evm_result result;
    struct evm_message message = {.kind = EVM_CALL,
                                  .gas = 50000,
                                  .sender = support_sender,
                                  .recipient = support_contract,
                                  .code_address = support_contract,
                                  .value = u256_from(8)};
    const struct u256 price = u256_from(3);
    support_start(&s, FORK_CANCUN);
    support_set_code(&s, &support_contract, "3a600055"); /* SSTORE(0, GASPRICE) */
    assert_int_equal(exec_message(s.exec, &result, &message, &price), 0);
    assert_int_equal(result.status, EVM_SUCCESS);
    assert_int_equal(result.gas_left, 50000 - 2 - 3 - 22100);
    assert_int_equal(support_slot(&s, &support_contract, 0), 3);
    assert_int_equal(support_balance(&s, &support_contract), 8);
    assert_int_equal(support_nonce(&s, &support_sender), 0);
    message.sender = support_nobody;
    assert_int_equal(exec_message(s.exec, &result, &message, &price), 0);
    assert_int_equal(result.status, EVM_INSUFFICIENT_BALANCE);
    assert_int_equal(result.gas_left, 50000);
    support_stop(&s);
}

/* --- Hooks --- */

struct hooked {
    struct support s;
    struct state_view *private;
    bool refuse;
    struct exec_run run; /* what `before` makes of it, where set */
    bool change;
    unsigned afters, precompiles;
};

static int before(void *context, const struct eth_transaction *tx, const struct address *sender,
                  struct exec_run *run, enum exec_verdict *verdict, struct err_detail *why)
{
    struct hooked *h = context;
    assert_ptr_equal(tx, &h->s.tx);
    assert_true(address_equal(sender, &support_sender));
    assert_true(address_equal(&run->fee_recipient, &support_coinbase));
    if (h->refuse) {
        *verdict = EXEC_REFUSED;
        err_set(why, 0, "no account permission");
    }
    if (h->change)
        *run = h->run;
    return 0;
}

static int after(void *context, const struct eth_transaction *tx, const struct address *sender,
                 struct exec_result *result)
{
    struct hooked *h = context;
    (void)tx, (void)sender;
    assert_int_equal(result->verdict, EXEC_VALID);
    h->afters++;
    return 0;
}

/* Private accounts first, then public ones, then where we are. */
static int view_of(void *context, struct state_view **ret_view, struct state_view *current,
                   const struct address *address)
{
    struct hooked *h = context;
    const struct state_account *account;
    *ret_view = current;
    if (current == h->s.view && !h->change)
        return 0;
    int err = state_view_account(h->private, &account, address);
    if (!err && account) {
        *ret_view = h->private;
        return 0;
    }
    if (!err)
        err = state_view_account(h->s.view, &account, address);
    if (!err && account)
        *ret_view = h->s.view;
    return err;
}

static int run_precompile(void *context, const struct evm_message *message,
                          struct evm_result *result)
{
    struct hooked *h = context;
    h->precompiles++;
    *result = (struct evm_result){.gas_left = message->gas, .output = message->input};
    return 0;
}

static const struct address marker = {{[19] = 0x7a}};

static void hooked_start(struct hooked *h)
{
    *h = (struct hooked){0};
    support_start(&h->s, FORK_BERLIN);
    assert_int_equal(state_view_new(&h->private, NULL), 0);
    h->s.hooks = (struct exec_hooks){.context = h,
                                     .before = before,
                                     .after = after,
                                     .view_of = view_of,
                                     .precompiles = &marker,
                                     .precompile_count = 1,
                                     .run_precompile = run_precompile};
    h->run = (struct exec_run){.view = h->private, .fee_recipient = support_nobody};
}

static void hooked_stop(struct hooked *h)
{
    state_view_free(h->private);
    support_stop(&h->s);
}

static void set_private_code(struct hooked *h, const struct address *address, const char *code)
{
    assert_int_equal(state_view_set_code(h->private, address, support_hex(code)), 0);
    state_view_end_transaction(h->private, false);
}

static uint64_t private_slot(struct hooked *h, const struct address *address, uint64_t slot)
{
    struct u256 key = u256_from(slot), value;
    assert_int_equal(state_view_load(h->private, &value, NULL, address, &key), 0);
    return value.w[0];
}

static void test_hook_refuses(void **unused)
{
    (void)unused;
    struct hooked h;
    hooked_start(&h);
    h.refuse = true;
    support_execute(&h.s, EXEC_REFUSED);
    assert_string_equal(h.s.why.text, "no account permission");
    assert_int_equal(h.afters, 0);
    h.refuse = false;
    support_expect(&h.s, EVM_SUCCESS, 21000);
    assert_int_equal(h.afters, 1);
    hooked_stop(&h);
}

static void test_hook_precompile(void **unused)
{
    (void)unused;
    struct hooked h;
    hooked_start(&h);
    h.s.tx.to = marker;
    support_expect(&h.s, EVM_SUCCESS, 21000);
    assert_int_equal(h.precompiles, 1);
    assert_false(support_exists(&h.s, &marker));
    h.s.tx.nonce = 1; /* and it is warm: CALL(gas, 7a, 0, …) */
    h.s.tx.to = support_contract;
    support_set_code(&h.s, &support_contract, "600080808080607a5af100");
    support_expect(&h.s, EVM_SUCCESS, 21000 + 3 + 4 * 3 + 3 + 2 + 100);
    assert_int_equal(h.precompiles, 2);
    hooked_stop(&h);
}

/* A private call: runs the payload on the other state; what is public pays intrinsic gas and counts
 * the nonce. */
static void test_private_call(void **unused)
{
    (void)unused;
    struct hooked h;
    hooked_start(&h);
    h.change = h.run.intrinsic_only = h.run.hide_gas = true;
    h.run.input = support_hex("0000000000000000000000000000000000000000000000000000000000000009");
    h.s.tx.data = bytes_of("\1\1", 2);
    /* SSTORE(0, CALLDATALOAD(0)); LOG0(0, 0) */
    set_private_code(&h, &support_contract, "60003560005560006000a0");
    support_expect(&h.s, EVM_SUCCESS, 21032);
    assert_int_equal(private_slot(&h, &support_contract, 0), 9);
    assert_int_equal(support_slot(&h.s, &support_contract, 0), 0);
    assert_int_equal(support_nonce(&h.s, &support_sender), 1);
    assert_int_equal(support_balance(&h.s, &support_sender), SUPPORT_ETHER - 210320);
    assert_int_equal(support_balance(&h.s, &support_nobody), 210320);
    assert_false(support_exists(&h.s, &support_coinbase));
    assert_int_equal(h.s.result.receipt.cumulative_gas, 0);
    assert_int_equal(h.s.result.receipt.log_count, 0); /* what everybody sees */
    assert_true(h.s.result.has_other_receipt);
    assert_int_equal(h.s.result.other_receipt.log_count, 1);
    assert_int_equal(h.s.result.other_receipt.cumulative_gas, 0);
    assert_int_equal(exec_gas_used(h.s.exec), 0);
    size_t count;
    state_view_logs(h.private, &count);
    assert_int_equal(count, 0);
    hooked_stop(&h);
}

/* A private creation: counted in the public nonce, made in the private state; without payload, and
 * with nothing to run. */
static void test_private_creation(void **unused)
{
    (void)unused;
    struct hooked h;
    hooked_start(&h);
    h.change = h.run.intrinsic_only = h.run.hide_gas = true;
    h.run.input = support_hex("60056000f3");
    h.s.tx.is_creation = true;
    support_expect(&h.s, EVM_SUCCESS, 53000);
    struct bytes code;
    assert_int_equal(state_view_code(h.private, &code, &h.s.result.contract), 0);
    assert_int_equal(code.len, 5);
    assert_false(support_exists(&h.s, &h.s.result.contract));
    assert_int_equal(support_nonce(&h.s, &support_sender), 1);

    h.s.tx.nonce = 1;
    h.run.nothing = true;
    support_expect(&h.s, EVM_SUCCESS, 53000);
    assert_int_equal(support_nonce(&h.s, &support_sender), 2);
    struct address address;
    const struct state_account *account;
    eth_create_address(&address, &support_sender, 1);
    assert_true(address_equal(&address, &h.s.result.contract));
    assert_int_equal(state_view_account(h.private, &account, &address), 0);
    assert_null(account);

    h.s.tx.nonce = 2;
    h.run.free = true;
    support_expect(&h.s, EVM_SUCCESS, 0);
    hooked_stop(&h);
}

/* Private code may read public state, and not write it. */
static void test_private_reads_public(void **unused)
{
    (void)unused;
    struct hooked h;
    hooked_start(&h);
    h.change = true;
    /* Public: returns SLOAD(1), or writes when it gets data. */
    support_set_code(&h.s, &support_nobody, "3615600a5760016002555b60015460005260206000f3");
    support_set_slot(&h.s, &support_nobody, 1, 66);
    /* Private: SSTORE(0, CALL(nobody, in = CALLDATASIZE)), SSTORE(1, MLOAD(0)) */
    set_private_code(&h, &support_contract,
                     "6020600036600060007f000000000000000000000000"
                     "0b030000000000000000000000000000000000006161a8f160005560005160015500");
    support_execute(&h.s, EXEC_VALID);
    assert_int_equal(h.s.result.status, EVM_SUCCESS);
    assert_int_equal(private_slot(&h, &support_contract, 0), 1);
    assert_int_equal(private_slot(&h, &support_contract, 1), 66);

    h.s.tx.nonce = 1;
    h.run.input = bytes_of("\1", 1);
    support_execute(&h.s, EXEC_VALID);
    assert_int_equal(h.s.result.status, EVM_SUCCESS);
    assert_int_equal(private_slot(&h, &support_contract, 0), 0);
    assert_int_equal(support_slot(&h.s, &support_nobody, 2), 0);

    /* Alone, and public, it may. */
    h.change = false;
    h.s.tx.nonce = 2;
    h.s.tx.to = support_nobody;
    h.s.tx.data = bytes_of("\1", 1);
    support_execute(&h.s, EXEC_VALID);
    assert_int_equal(support_slot(&h.s, &support_nobody, 2), 1);
    hooked_stop(&h);
}

/* GoQuorum: a transfer of nothing leaves no touch. */
static void test_skip_empty_transfers(void **unused)
{
    (void)unused;
    for (int skip = 0; skip < 2; skip++) {
        struct support s;
        support_start(&s, FORK_BERLIN);
        s.block.skip_empty_transfers = skip;
        support_set(&s, &support_contract, 0, 0);
        support_expect(&s, EVM_SUCCESS, 21000);
        assert_int_equal(support_exists(&s, &support_contract), skip);
        support_stop(&s);
    }
}

/* --- Trace --- */

static int keep_line(void *context, struct bytes line)
{
    buf_append_bytes(context, line);
    return buf_status((struct buf *)context);
}

static void trace(struct support *s, struct buf *text, struct exec_trace_options options)
{
    struct exec_trace log;
    buf_clear(text);
    exec_trace_init(&log, &options, keep_line, text);
    evm_set_tracer(exec_machine(s->exec), &log.tracer);
    support_execute(s, EXEC_VALID);
    evm_set_tracer(exec_machine(s->exec), NULL);
    exec_trace_release(&log);
}

static void test_trace(void **unused)
{
    (void)unused;
    struct support s;
    struct buf text = BUF_INIT;
    support_start(&s, FORK_CANCUN);
    support_set_code(&s, &support_contract, "60016000525f5ffd");
    trace(&s, &text, (struct exec_trace_options){0});
    assert_string_equal(
        buf_text(&text),
        "{\"pc\":0,\"op\":96,\"gas\":\"0x13498\",\"gasCost\":\"0x3\",\"memSize\":0,\"stack\":[],"
        "\"depth\":1,\"refund\":0,\"opName\":\"PUSH1\"}\n"
        "{\"pc\":2,\"op\":96,\"gas\":\"0x13495\",\"gasCost\":\"0x3\",\"memSize\":0,"
        "\"stack\":[\"0x1\"],\"depth\":1,\"refund\":0,\"opName\":\"PUSH1\"}\n"
        "{\"pc\":4,\"op\":82,\"gas\":\"0x13492\",\"gasCost\":\"0x6\",\"memSize\":0,"
        "\"stack\":[\"0x1\",\"0x0\"],\"depth\":1,\"refund\":0,\"opName\":\"MSTORE\"}\n"
        "{\"pc\":5,\"op\":95,\"gas\":\"0x1348c\",\"gasCost\":\"0x2\",\"memSize\":32,\"stack\":[],"
        "\"depth\":1,\"refund\":0,\"opName\":\"PUSH0\"}\n"
        "{\"pc\":6,\"op\":95,\"gas\":\"0x1348a\",\"gasCost\":\"0x2\",\"memSize\":32,"
        "\"stack\":[\"0x0\"],\"depth\":1,\"refund\":0,\"opName\":\"PUSH0\"}\n"
        "{\"pc\":7,\"op\":253,\"gas\":\"0x13488\",\"gasCost\":\"0x0\",\"memSize\":32,"
        "\"stack\":[\"0x0\",\"0x0\"],\"depth\":1,\"refund\":0,\"opName\":\"REVERT\"}\n"
        "{\"pc\":7,\"op\":253,\"gas\":\"0x13488\",\"gasCost\":\"0x0\",\"memSize\":32,\"stack\":[],"
        "\"depth\":1,\"refund\":0,\"opName\":\"REVERT\",\"error\":\"execution reverted\"}\n"
        "{\"output\":\"\",\"gasUsed\":\"0x10\",\"error\":\"execution reverted\"}\n");

    /* With memory, without stack; an instruction that does not exist. */
    s.tx.nonce = 1;
    support_set_code(&s, &support_contract, "60ff5f530c");
    trace(&s, &text, (struct exec_trace_options){.memory = true, .no_stack = true});
    const char *last = strstr(buf_text(&text), "{\"pc\":4");
    assert_non_null(last);
    assert_string_equal(
        last, "{\"pc\":4,\"op\":12,\"gas\":\"0x1348d\",\"gasCost\":\"0x0\",\"memory\":\"0x"
              "ff00000000000000000000000000000000000000000000000000000000000000\",\"memSize\":32,"
              "\"stack\":null,\"depth\":1,\"refund\":0,\"opName\":\"opcode 0xc not defined\"}\n"
              "{\"pc\":4,\"op\":12,\"gas\":\"0x1348d\",\"gasCost\":\"0x0\",\"memSize\":32,"
              "\"stack\":null,\"depth\":1,\"refund\":0,\"opName\":\"opcode 0xc not defined\","
              "\"error\":\"invalid opcode: opcode 0xc not defined\"}\n"
              "{\"output\":\"\",\"gasUsed\":\"0x13498\","
              "\"error\":\"invalid opcode: opcode 0xc not defined\"}\n");
    buf_release(&text);
    support_stop(&s);
}

static int fail_line(void *context, struct bytes line)
{
    (void)context, (void)line;
    return ERR_NOSPACE;
}

static void test_trace_failure(void **unused)
{
    (void)unused;
    struct support s;
    struct exec_trace log;
    support_start(&s, FORK_CANCUN);
    support_set_code(&s, &support_contract, "6001");
    exec_trace_init(&log, &(struct exec_trace_options){0}, fail_line, NULL);
    evm_set_tracer(exec_machine(s.exec), &log.tracer);
    assert_int_equal(exec_transaction(s.exec, &s.result, NULL, &s.tx, &support_sender, 0),
                     ERR_NOSPACE);
    exec_trace_release(&log);
    support_stop(&s);
}

/* --- Failures of the machine --- */

/* A contract with storage, a call of another, a log and a creation: makes most things happen. */
#define BUSY                                                                                       \
    "600154600101600155"             /* SSTORE(1, SLOAD(1) + 1) */                                 \
    "600060006000600060065af4"       /* DELEGATECALL of the account 6, */                          \
    "60006000600060006001610bad5af1" /* and CALL of 0xbad with a wei that there is not */          \
    "60206000a0"                     /* LOG0 of 32 bytes */                                        \
    "600060006000f0"                 /* CREATE of nothing */

static void make_world(struct support *s)
{
    support_set_code(s, &support_contract, BUSY);
    support_set_slot(s, &support_contract, 1, 5);
}

static void test_out_of_memory(void **unused)
{
    (void)unused;
    int err = ERR_NOMEM;
    for (size_t n = 1; err; n++) {
        struct support s;
        support_start(&s, FORK_CANCUN);
        make_world(&s);
        mem_fail_at(n, 1);
        err = exec_transaction(s.exec, &s.result, NULL, &s.tx, &support_sender, 0);
        size_t left = mem_fail_left();
        mem_fail_at(0, 0);
        assert_true(err == 0 || err == ERR_NOMEM);
        if (err == 0) {
            assert_true(left > 0); /* none failed unnoticed */
            assert_int_equal(s.result.status, EVM_SUCCESS);
            assert_int_equal(support_slot(&s, &support_contract, 1), 6);
        }
        support_stop(&s);
    }
    struct exec *x = NULL;
    mem_fail_at(1, 1);
    assert_int_equal(exec_new(&x), ERR_NOMEM);
    mem_fail_at(2, 1);
    assert_int_equal(exec_new(&x), ERR_NOMEM);
    mem_fail_at(0, 0);
    exec_free(NULL);
}

/* Puts the view of `s` over a store that can fail. */
static struct store *store_world(struct support *s, struct state_db *db)
{
    struct store *memory, *store;
    struct store_txn *read, *write;
    struct state_reader reader;
    struct state_update update;
    struct state_commit commit;
    assert_int_equal(store_memory_new(&memory, state_tables, STATE_TABLES), 0);
    assert_int_equal(store_fault_new(&store, memory), 0);
    assert_int_equal(state_db_open(db, store, 0, false, NULL), 0);
    assert_int_equal(store_begin_read(&read, store, NULL), 0);
    assert_int_equal(state_reader_open(&reader, db, read, state_public()), 0);
    state_view_reset(s->view, &reader);
    support_set(s, &support_sender, 0, SUPPORT_ETHER);
    make_world(s);
    assert_int_equal(state_update_init(&update, s->view, NULL), 0);
    assert_int_equal(store_begin_write(&write, store, NULL), 0);
    assert_int_equal(state_commit_begin(&commit, db, write, 0, NULL, NULL), 0);
    assert_int_equal(state_update_commit(&update, &commit), 0);
    assert_int_equal(state_commit_end(&commit), 0);
    assert_int_equal(store_commit(write), 0);
    state_update_release(&update);
    store_abort(read);
    return store;
}

/* Each read of the store fails once: an error, never an account that is not there. */
static void test_read_failures(void **unused)
{
    (void)unused;
    int err = ERR_IO;
    struct support s;
    struct state_db db;
    support_start(&s, FORK_CANCUN);
    struct store *store = store_world(&s, &db);
    uint64_t n = 0;
    while (err) {
        struct state_reader reader;
        struct store_txn *read;
        assert_int_equal(store_begin_read(&read, store, NULL), 0);
        assert_int_equal(state_reader_open(&reader, &db, read, state_public()), 0);
        state_view_reset(s.view, &reader);
        support_begin(&s);
        store_fault_set(store, STORE_FAULT_READ, ++n, ERR_IO);
        err = exec_transaction(s.exec, &s.result, NULL, &s.tx, &support_sender, 0);
        store_fault_set(store, STORE_FAULT_READ, 0, 0);
        assert_true(err == 0 || err == ERR_IO);
        if (err == 0) {
            assert_int_equal(s.result.verdict, EXEC_VALID);
            assert_int_equal(s.result.status, EVM_SUCCESS);
            assert_int_equal(support_slot(&s, &support_contract, 1), 6);
        }
        store_abort(read);
        state_view_reset(s.view, NULL);
    }
    assert_true(n > 4); /* sender, contract, its code, its slot, the called account, coinbase */
    support_stop(&s);
    store_free(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_system_calls),
        cmocka_unit_test(test_queues),
        cmocka_unit_test(test_deposits),
        cmocka_unit_test(test_withdrawals),
        cmocka_unit_test(test_message),
        cmocka_unit_test(test_hook_refuses),
        cmocka_unit_test(test_hook_precompile),
        cmocka_unit_test(test_private_call),
        cmocka_unit_test(test_private_creation),
        cmocka_unit_test(test_private_reads_public),
        cmocka_unit_test(test_skip_empty_transfers),
        cmocka_unit_test(test_trace),
        cmocka_unit_test(test_trace_failure),
        cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_read_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
