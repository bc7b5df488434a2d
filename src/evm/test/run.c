#include "evm/test/run.h"

#include <pthread.h>
#include <stdio.h>

static const int64_t plenty = 10000000;

void evm_test_begin(struct evm_test *t, enum fork fork)
{
    memset(t, 0, sizeof(*t));
    assert_int_equal(evm_new(&t->evm), 0);
    evm_test_host_init(&t->host, fork);
    evm_test_account(&t->host, EVM_TEST_CALLER, 1000000, bytes_none())->warm = true;
    evm_test_account(&t->host, EVM_TEST_CONTRACT, 1000, bytes_none())->warm = true;
    t->message = (struct evm_message){.kind = EVM_CALL,
                                      .sender = EVM_TEST_CALLER,
                                      .recipient = EVM_TEST_CONTRACT,
                                      .code_address = EVM_TEST_CONTRACT};
}

void evm_test_end(struct evm_test *t)
{
    evm_test_host_release(&t->host);
    evm_free(t->evm);
}

static void assert_same(const struct evm_result *plain, const struct evm_result *fast)
{
    assert_string_equal(evm_status_text(plain->status), evm_status_text(fast->status));
    assert_int_equal(plain->gas_left, fast->gas_left);
    assert_int_equal(plain->gas_refund, fast->gas_refund);
    assert_true(bytes_equal(plain->output, fast->output));
    assert_memory_equal(&plain->created, &fast->created, sizeof(plain->created));
}

void evm_test_run(struct evm_test *t, struct bytes code, int64_t gas)
{
    static struct evm_test_host twin;
    struct evm_test_host *h = &t->host;
    struct evm *other;
    struct evm_result fast;
    evm_test_find(h, EVM_TEST_CONTRACT)->code = code;
    t->message.gas = gas;
    buf_clear(&h->undo);
    twin = *h;
    arena_init(&twin.arena);
    buf_init(&twin.undo);
    buf_init(&twin.marks);
    buf_init(&twin.precompile);
    evm_set_plain(t->evm, true);
    assert_int_equal(
        evm_execute(t->evm, h->fork, &h->context, &evm_test_host_ops, h, &t->message, &t->result),
        0);
    assert_int_equal(evm_new(&other), 0);
    assert_int_equal(
        evm_execute(other, h->fork, &h->context, &evm_test_host_ops, &twin, &t->message, &fast), 0);
    assert_same(&t->result, &fast);
    assert_true(evm_test_host_equal(h, &twin));
    evm_free(other);
    evm_test_host_release(&twin);
}

enum evm_status evm_test_once(enum fork fork, const char *code, int64_t gas, int64_t *ret_used)
{
    struct evm_test t;
    evm_test_begin(&t, fork);
    evm_test_run(&t, evm_asm(code), gas);
    *ret_used = gas - t.result.gas_left;
    evm_test_end(&t);
    return t.result.status;
}

struct u256 evm_test_output(const struct evm_test *t)
{
    assert_int_equal(t->result.output.len, 32);
    return u256_load(t->result.output.data);
}

static void hex_of(char ret[65], const struct u256 *word)
{
    uint8_t be[32];
    u256_store(be, word);
    size_t from = 0;
    while (from < 31 && be[from] == 0)
        from++;
    for (size_t i = from; i < 32; i++)
        (void)snprintf(ret + 2 * (i - from), 3, "%02x", be[i]);
}

void evm_test_expect(enum fork fork, const char *code, const char *hex_result, int64_t gas_used)
{
    struct evm_test t;
    char text[4096], hex[65];
    /* Storing and returning the result: 3 + 3 (and 3 for memory), 3 + 3. */
    (void)snprintf(text, sizeof(text), "%s 0 MSTORE 32 0 RETURN", code);
    evm_test_begin(&t, fork);
    evm_test_run(&t, evm_asm(text), plenty);
    if (t.result.status != EVM_SUCCESS)
        fail_msg("%s on %s: %s", code, fork_name(fork), evm_status_text(t.result.status));
    struct u256 word = evm_test_output(&t);
    hex_of(hex, &word);
    int64_t used = plenty - t.result.gas_left - 12;
    used -= hex_result[0] == 'm' ? 0 : 3; /* "m": the code has touched the first word already */
    hex_result += hex_result[0] == 'm';
    if (strcmp(hex, hex_result) != 0 || used != gas_used)
        fail_msg("%s on %s: result %s, gas %lld", code, fork_name(fork), hex, (long long)used);
    evm_test_end(&t);
}

void evm_test_expect_failure(enum fork fork, const char *code, int64_t gas, enum evm_status status)
{
    int64_t used;
    enum evm_status got = evm_test_once(fork, code, gas, &used);
    if (got != status)
        fail_msg("%s on %s: %s, not %s", code, fork_name(fork), evm_status_text(got),
                 evm_status_text(status));
    if (got != EVM_REVERT && used != gas)
        fail_msg("%s on %s: a failure left %lld gas", code, fork_name(fork),
                 (long long)(gas - used));
}

#ifdef __has_feature
#    if __has_feature(address_sanitizer)
#        define SANITIZED 1
#    endif
#endif
#if defined(SANITIZED) || defined(__SANITIZE_ADDRESS__)
static const size_t stack_factor = 16;
#else
static const size_t stack_factor = 1;
#endif

static void *run_thread(void *context)
{
    void (*const *call)(void) = context;
    (*call)();
    return NULL;
}

void evm_test_on_stack(size_t bytes, void (*call)(void))
{
    pthread_attr_t attributes;
    pthread_t thread;
    assert_int_equal(pthread_attr_init(&attributes), 0);
    assert_int_equal(pthread_attr_setstacksize(&attributes, bytes * stack_factor), 0);
    assert_int_equal(pthread_create(&thread, &attributes, run_thread, &call), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    (void)pthread_attr_destroy(&attributes);
}
