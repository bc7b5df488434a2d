/* What is not the contract's doing: failures of this machine, tracing, memory given back. */
#include "base/mem.h"
#include "evm/opcodes.h"
#include "evm/space.h"
#include "evm/test/run.h"

#include <stdio.h>

/* A bit of everything that allocates: memory over several blocks, nested calls, a creation, jumps,
 * logs, output. */
static const char busy[] = "1 0 SSTORE @over JUMP INVALID :over 1 400000 MSTORE "
                           "0x605b60005360016000f3 0 MSTORE 10 22 0 CREATE POP "
                           "200000 0 1000 0 0 0xca 1000000 CALL POP "
                           "0 0 LOG0 32 0 0 0 1 500000 STATICCALL POP 300000 0 RETURN";
static const char callee[] = "@here JUMP :here 1 100000 MSTORE 1 0 CALLDATASIZE 0 0 0xcb 500000 "
                             "CALL POP 90000 0 RETURN";

static int execute(struct evm *evm, struct evm_test_host *h, struct evm_result *ret_result)
{
    struct evm_message message = {.kind = EVM_CALL,
                                  .gas = 10000000,
                                  .sender = EVM_TEST_CALLER,
                                  .recipient = EVM_TEST_CONTRACT,
                                  .code_address = EVM_TEST_CONTRACT};
    return evm_execute(evm, h->fork, &h->context, &evm_test_host_ops, h, &message, ret_result);
}

static void prepare(struct evm_test_host *h)
{
    evm_test_host_init(h, FORK_OSAKA);
    evm_test_account(h, EVM_TEST_CALLER, 1000, bytes_none());
    evm_test_account(h, EVM_TEST_CONTRACT, 1000, evm_asm(busy));
    evm_test_account(h, evm_test_address(0xca), 0, evm_asm(callee));
    evm_test_account(h, evm_test_address(0xcb), 0, evm_asm("1 150000 MSTORE 7 0 SSTORE"));
}

/* Every allocation fails once: the error comes out, never an outcome; afterwards the machine works
 * as before. */
static void check_out_of_memory(bool plain)
{
    static struct evm_test_host h;
    const struct evm_result untouched = {.status = EVM_REVERT, .gas_left = 123};
    struct evm_result result = untouched, good;
    size_t n = 0;
    for (bool reached = true; reached; n++) {
        struct evm *evm = NULL;
        prepare(&h);
        mem_fail_at(n + 1, 1);
        int err = evm_new(&evm);
        if (!err) {
            evm_set_plain(evm, plain);
            err = execute(evm, &h, &result);
        }
        reached = mem_fail_left() == 0;
        mem_fail_at(0, 0);
        if (reached) {
            assert_int_equal(err, ERR_NOMEM);
            assert_memory_equal(&result, &untouched, sizeof(result));
        }
        evm_test_host_release(&h);
        if (evm) {
            prepare(&h);
            assert_int_equal(execute(evm, &h, &good), 0);
            assert_int_equal(good.status, EVM_SUCCESS);
            assert_int_equal(good.output.len, 300000);
            assert_int_equal(evm_test_storage(&h, evm_test_address(0xcb), 0), 7);
            evm_test_host_release(&h);
        }
        evm_free(evm);
    }
    assert_true(n > 10);
}

static void test_out_of_memory(void **state)
{
    (void)state;
    check_out_of_memory(true);
    check_out_of_memory(false);
}

/* So does every call of the host. */
static void test_host_fails(void **state)
{
    (void)state;
    static struct evm_test_host h;
    const char *everything =
        "CALLER BALANCE POP SELFBALANCE POP CALLER EXTCODESIZE POP 1 0 0 CALLER EXTCODECOPY "
        "CALLER EXTCODEHASH POP 99 BLOCKHASH POP 0 SLOAD POP 1 0 SSTORE 0 TLOAD POP 1 0 TSTORE "
        "0 0 LOG0 0 0 1 CREATE POP 0 0 0 0 1 0xca 5000 CALL POP 0 0 0 0 0xcd 0 STATICCALL POP "
        "0xabcd SELFDESTRUCT";
    for (int plain = 0; plain <= 1; plain++) {
        int n = 1, err;
        do {
            struct evm *evm;
            struct evm_result result;
            prepare(&h);
            evm_test_account(&h, EVM_TEST_CONTRACT, 1000, evm_asm(everything));
            evm_test_account(&h, evm_test_address(0xcd), 0,
                             evm_asm("#ef010000000000000000000000000000000000000000ca"));
            h.context.number = 100;
            h.fail_at = n;
            assert_int_equal(evm_new(&evm), 0);
            evm_set_plain(evm, plain);
            err = execute(evm, &h, &result);
            assert_int_equal(err, h.fail_at == 0 ? ERR_IO : 0);
            if (!err)
                assert_int_equal(result.status, EVM_SUCCESS);
            evm_free(evm);
            evm_test_host_release(&h);
            n++;
        } while (err);
        assert_int_equal(n, 37);
    }
}

struct trace {
    char text[8192];
    size_t len;
    int fail_after; /* events; 0: never */
};

static int note(struct trace *t)
{
    t->len = strlen(t->text);
    return t->fail_after && --t->fail_after == 0 ? ERR_USAGE : 0;
}

static int on_enter(void *context, const struct evm_message *message, struct bytes code)
{
    struct trace *t = context;
    (void)snprintf(t->text + t->len, sizeof(t->text) - t->len,
                   "enter %d depth %u gas %lld code %zu\n", (int)message->kind, message->depth,
                   (long long)message->gas, code.len);
    return note(t);
}

static int on_step(void *context, const struct evm_step *step)
{
    struct trace *t = context;
    (void)snprintf(t->text + t->len, sizeof(t->text) - t->len,
                   "%llu %s gas %lld cost %lld depth %u stack %zu memory %zu refund %lld%s%s\n",
                   (unsigned long long)step->pc, evm_opcode_name(step->op), (long long)step->gas,
                   (long long)step->gas_cost, step->depth, step->stack_size, step->memory.len,
                   (long long)step->refund, step->status == EVM_SUCCESS ? "" : " ",
                   step->status == EVM_SUCCESS ? "" : evm_status_text(step->status));
    return note(t);
}

static int on_leave(void *context, const struct evm_message *message,
                    const struct evm_result *result)
{
    struct trace *t = context;
    (void)snprintf(t->text + t->len, sizeof(t->text) - t->len, "leave %d %s left %lld\n",
                   (int)message->kind, evm_status_text(result->status),
                   (long long)result->gas_left);
    return note(t);
}

static int trace(struct trace *t, const char *code, int64_t gas)
{
    static struct evm_test_host h;
    struct evm *evm;
    struct evm_result result;
    const struct evm_tracer tracer = {t, on_enter, on_step, on_leave};
    evm_test_host_init(&h, FORK_LONDON);
    evm_test_account(&h, EVM_TEST_CALLER, 1000, bytes_none());
    evm_test_account(&h, EVM_TEST_CONTRACT, 1000, evm_asm(code));
    evm_test_account(&h, evm_test_address(0xca), 0, evm_asm("0 0 SSTORE GAS INVALID"));
    evm_test_slot(&h, EVM_TEST_CONTRACT, 0, 5)->warm = true;
    struct evm_message message = {.kind = EVM_CALL,
                                  .gas = gas,
                                  .sender = EVM_TEST_CALLER,
                                  .recipient = EVM_TEST_CONTRACT,
                                  .code_address = EVM_TEST_CONTRACT};
    assert_int_equal(evm_new(&evm), 0);
    evm_set_tracer(evm, &tracer);
    int err = evm_execute(evm, h.fork, &h.context, &evm_test_host_ops, &h, &message, &result);
    evm_free(evm);
    evm_test_host_release(&h);
    return err;
}

static void test_tracing(void **state)
{
    (void)state;
    static const struct {
        const char *code;
        int64_t gas;
        const char *trace;
    } list[] = {
        {"0 0 SSTORE 1 32 MSTORE", 100000,
         "enter 0 depth 0 gas 100000 code 10\n"
         "0 PUSH1 gas 100000 cost 3 depth 1 stack 0 memory 0 refund 0\n"
         "2 PUSH1 gas 99997 cost 3 depth 1 stack 1 memory 0 refund 0\n"
         "4 SSTORE gas 99994 cost 2900 depth 1 stack 2 memory 0 refund 0\n"
         "5 PUSH1 gas 97094 cost 3 depth 1 stack 0 memory 0 refund 4800\n"
         "7 PUSH1 gas 97091 cost 3 depth 1 stack 1 memory 0 refund 4800\n"
         "9 MSTORE gas 97088 cost 9 depth 1 stack 2 memory 0 refund 4800\n"
         "10 STOP gas 97079 cost 0 depth 1 stack 0 memory 64 refund 4800\n"
         "leave 0 success left 97079\n"},
        {"0 0 0 0 0 0xca 3000 CALL", 100000,
         "enter 0 depth 0 gas 100000 code 16\n"
         "0 PUSH1 gas 100000 cost 3 depth 1 stack 0 memory 0 refund 0\n"
         "2 PUSH1 gas 99997 cost 3 depth 1 stack 1 memory 0 refund 0\n"
         "4 PUSH1 gas 99994 cost 3 depth 1 stack 2 memory 0 refund 0\n"
         "6 PUSH1 gas 99991 cost 3 depth 1 stack 3 memory 0 refund 0\n"
         "8 PUSH1 gas 99988 cost 3 depth 1 stack 4 memory 0 refund 0\n"
         "10 PUSH1 gas 99985 cost 3 depth 1 stack 5 memory 0 refund 0\n"
         "12 PUSH2 gas 99982 cost 3 depth 1 stack 6 memory 0 refund 0\n"
         "15 CALL gas 99979 cost 5600 depth 1 stack 7 memory 0 refund 0\n"
         "enter 0 depth 1 gas 3000 code 7\n"
         "0 PUSH1 gas 3000 cost 3 depth 2 stack 0 memory 0 refund 0\n"
         "2 PUSH1 gas 2997 cost 3 depth 2 stack 1 memory 0 refund 0\n"
         "4 SSTORE gas 2994 cost 2200 depth 2 stack 2 memory 0 refund 0\n"
         "5 GAS gas 794 cost 2 depth 2 stack 0 memory 0 refund 0\n"
         "6 INVALID gas 792 cost 0 depth 2 stack 1 memory 0 refund 0\n"
         "leave 0 invalid opcode: INVALID left 0\n"
         "16 STOP gas 94379 cost 0 depth 1 stack 1 memory 0 refund 0\n"
         "leave 0 success left 94379\n"},
        {"1 0 MSTORE", 8,
         "enter 0 depth 0 gas 8 code 5\n"
         "0 PUSH1 gas 8 cost 3 depth 1 stack 0 memory 0 refund 0\n"
         "2 PUSH1 gas 5 cost 3 depth 1 stack 1 memory 0 refund 0\n"
         "4 MSTORE gas 2 cost 3 depth 1 stack 2 memory 0 refund 0 out of gas\n"
         "leave 0 out of gas left 0\n"},
        {"1 0 MSTORE", 11,
         "enter 0 depth 0 gas 11 code 5\n"
         "0 PUSH1 gas 11 cost 3 depth 1 stack 0 memory 0 refund 0\n"
         "2 PUSH1 gas 8 cost 3 depth 1 stack 1 memory 0 refund 0\n"
         "4 MSTORE gas 5 cost 6 depth 1 stack 2 memory 0 refund 0 out of gas\n"
         "leave 0 out of gas left 0\n"},
        {"ADD", 11,
         "enter 0 depth 0 gas 11 code 1\n"
         "0 ADD gas 11 cost 3 depth 1 stack 0 memory 0 refund 0 stack underflow\n"
         "leave 0 stack underflow left 0\n"},
        {"", 11, "enter 0 depth 0 gas 11 code 0\nleave 0 success left 11\n"},
        /* Creations: what goes to the init code is not part of the cost, as geth has it. */
        {"0 0 0 CREATE", 100000,
         "enter 0 depth 0 gas 100000 code 7\n"
         "0 PUSH1 gas 100000 cost 3 depth 1 stack 0 memory 0 refund 0\n"
         "2 PUSH1 gas 99997 cost 3 depth 1 stack 1 memory 0 refund 0\n"
         "4 PUSH1 gas 99994 cost 3 depth 1 stack 2 memory 0 refund 0\n"
         "6 CREATE gas 99991 cost 32000 depth 1 stack 3 memory 0 refund 0\n"
         "enter 4 depth 1 gas 66929 code 0\n"
         "leave 4 success left 66929\n"
         "7 STOP gas 67991 cost 0 depth 1 stack 1 memory 0 refund 0\n"
         "leave 0 success left 67991\n"},
        /* A call that is refused is seen, too. */
        {"0 0 0 0 2000 0xcb 0 CALL", 100000,
         "enter 0 depth 0 gas 100000 code 16\n"
         "0 PUSH1 gas 100000 cost 3 depth 1 stack 0 memory 0 refund 0\n"
         "2 PUSH1 gas 99997 cost 3 depth 1 stack 1 memory 0 refund 0\n"
         "4 PUSH1 gas 99994 cost 3 depth 1 stack 2 memory 0 refund 0\n"
         "6 PUSH1 gas 99991 cost 3 depth 1 stack 3 memory 0 refund 0\n"
         "8 PUSH2 gas 99988 cost 3 depth 1 stack 4 memory 0 refund 0\n"
         "11 PUSH1 gas 99985 cost 3 depth 1 stack 5 memory 0 refund 0\n"
         "13 PUSH1 gas 99982 cost 3 depth 1 stack 6 memory 0 refund 0\n"
         "15 CALL gas 99979 cost 36600 depth 1 stack 7 memory 0 refund 0\n"
         "enter 0 depth 1 gas 2300 code 0\n"
         "leave 0 insufficient balance for transfer left 2300\n"
         "16 STOP gas 65679 cost 0 depth 1 stack 1 memory 0 refund 0\n"
         "leave 0 success left 65679\n"},
    };
    for (size_t i = 0; i < BASE_COUNT(list); i++) {
        struct trace t = {.len = 0};
        assert_int_equal(trace(&t, list[i].code, list[i].gas), 0);
        assert_string_equal(t.text, list[i].trace);
    }
}

static void test_tracer_ends_execution(void **state)
{
    (void)state;
    for (int n = 1; n <= 18; n++) { /* of its 18 events */
        struct trace t = {.fail_after = n};
        assert_int_equal(trace(&t, "0 0 0 0 0 0xca 3000 CALL", 100000), ERR_USAGE);
    }
}

static void test_space(void **state)
{
    (void)state;
    struct evm_space s;
    size_t room;
    evm_space_init(&s, 1000);
    uint8_t *a = evm_space_room(&s, &room, 100);
    assert_int_equal(room, 1000);
    assert_int_equal((uintptr_t)a % 64, 0);
    assert_ptr_equal(evm_space_room(&s, &room, 1000), a);
    evm_space_take(&s, 100);
    struct evm_space_mark mark = s.top;
    assert_ptr_equal(evm_space_room(&s, &room, 872), a + 128);
    assert_int_equal(room, 872);
    uint8_t *b = evm_space_room(&s, &room, 873); /* in the next block */
    assert_true(room >= 2000);
    evm_space_take(&s, 500);
    assert_ptr_equal(evm_space_room(&s, &room, 10), b + 512);
    evm_space_rewind(&s, mark);
    assert_ptr_equal(evm_space_room(&s, &room, 1), a + 128);
    assert_ptr_equal(evm_space_room(&s, &room, 1500), b); /* kept for the next time */
    assert_null(evm_space_room(&s, &room, (size_t)1 << 40));
    evm_space_reset(&s, 1500);
    assert_ptr_equal(evm_space_room(&s, &room, 1000), a);
    evm_space_release(&s);
}

/* Whether more gas could have made a difference. */
static void test_gas_mattered(void **state)
{
    (void)state;
    static const struct {
        const char *code;
        bool mattered;
    } cases[] = {
        {"1 0 SSTORE 0 SLOAD 0 MSTORE 32 0 RETURN", false},
        {"GAS 0 MSTORE 32 0 RETURN", true},
        {"0 0 0 0 0xce GAS STATICCALL POP", false},
        {"0 0 0 0 0xce GAS DELEGATECALL POP", false},
        {"0 0 0 0 0xce 100 STATICCALL POP", false},
        {"0 0 0 0 0xce GAS 1 ADD STATICCALL POP", true},
        {"0 0 0 0 0xcf GAS STATICCALL POP", true}, /* it fails */
        {"0 0 0 0 0xd0 GAS STATICCALL POP", true}, /* it looks */
        {"0 0 0 0 0xce 3 STATICCALL POP", true},   /* it has too little */
        {"0 0 REVERT", false},
    };
    static struct evm_test_host h;
    for (size_t i = 0; i < 2 * BASE_COUNT(cases); i++) {
        struct evm *evm;
        struct evm_result result;
        prepare(&h);
        evm_test_account(&h, EVM_TEST_CONTRACT, 1000, evm_asm(cases[i / 2].code));
        evm_test_account(&h, evm_test_address(0xce), 0, evm_asm("1 POP 2 POP"));
        evm_test_account(&h, evm_test_address(0xcf), 0, evm_asm("INVALID"));
        evm_test_account(&h, evm_test_address(0xd0), 0, evm_asm("GAS POP"));
        assert_int_equal(evm_new(&evm), 0);
        evm_set_plain(evm, i % 2);
        assert_int_equal(execute(evm, &h, &result), 0);
        if (evm_gas_mattered(evm) != cases[i / 2].mattered)
            fail_msg("%s: not %d", cases[i / 2].code, cases[i / 2].mattered);
        evm_free(evm);
        evm_test_host_release(&h);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_out_of_memory),         cmocka_unit_test(test_host_fails),
        cmocka_unit_test(test_gas_mattered),          cmocka_unit_test(test_tracing),
        cmocka_unit_test(test_tracer_ends_execution), cmocka_unit_test(test_space),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
