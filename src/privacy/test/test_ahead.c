/* Payloads that are asked for ahead of a block: each is asked for once, the answers are those of the manager, a failure is none. */
#include "privacy/privacy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { COUNT = 500 };

static atomic_uint asked;
static atomic_uint failures;

/* Whether this request is one of those that get no answer. */
static bool fails(void)
{
    unsigned left = atomic_load(&failures);
    while (left && !atomic_compare_exchange_weak(&failures, &left, left - 1))
        ; /* another one was */
    return left > 0;
}

/* Of the names every second one is known; as many requests as `failures` says get no answer. */
static int exchange(void *context, struct privacy_answer *ret_answer,
                    const struct privacy_request *request, struct err_detail *detail)
{
    (void)context;
    ret_answer->status = 200;
    if (strcmp(request->path, "/version/api") == 0) {
        buf_append_text(&ret_answer->body, "[\"1.0\",\"2.0\",\"2.1\"]");
    } else if (strncmp(request->path, "/transaction/", 13) == 0) {
        atomic_fetch_add(&asked, 1);
        if (fails())
            return err_set(detail, PRIVACY_FAILED, "connection refused");
        bool known = strncmp(request->path + 13, "AAAA", 4) == 0;
        ret_answer->status = known ? 200 : 404;
        buf_append_text(&ret_answer->body,
                        known ? "{\"payload\":\"AQID\",\"privacyFlag\":0,\"senderKey\":\"a2V5\","
                                "\"managedParties\":[\"a2V5\",\"b3RoZXI=\"]}"
                              : "Message was not found");
    } else {
        buf_append_text(&ret_answer->body, "I'm up!");
    }
    return buf_status(&ret_answer->body);
}

static struct chain_payload_hash name(unsigned i)
{
    struct chain_payload_hash hash = {{0}};
    hash.b[0] = i % 2 ? 0xff : 0;
    hash.b[63] = 1;
    memcpy(hash.b + 32, &i, sizeof(i));
    return hash;
}

static struct privacy_tm *begin(void)
{
    struct privacy_tm *tm;
    struct err_detail detail = {""};
    const struct privacy_options options = {.exchange = exchange};
    atomic_store(&asked, 0);
    assert_int_equal(privacy_new(&tm, &options), 0);
    assert_int_equal(privacy_open(tm, &detail), 0);
    return tm;
}

static void receive_all(const struct chain_payloads *payloads, unsigned from, unsigned to)
{
    struct arena arena;
    arena_init(&arena);
    for (unsigned i = from; i < to; i++) {
        struct chain_payload payload;
        struct chain_payload_hash hash = name(i);
        assert_int_equal(payloads->receive(payloads->context, &payload, &hash, &arena), 0);
        assert_int_equal(payload.is_party, i % 2 == 0);
        if (payload.is_party) {
            assert_true(bytes_equal(payload.data, bytes_of("\1\2\3", 3)));
            assert_true(bytes_equal(payload.sender, bytes_str("a2V5")));
            assert_int_equal(payload.managed_count, 2);
            assert_true(bytes_equal(payload.managed_parties[1], bytes_str("b3RoZXI=")));
        }
        arena_clear(&arena);
    }
    arena_release(&arena);
}

static void expect(const struct chain_payloads *payloads, unsigned from, unsigned to)
{
    static struct chain_payload_hash hashes[COUNT];
    for (unsigned i = from; i < to; i++)
        hashes[i - from] = name(i);
    payloads->expect(payloads->context, hashes, to - from);
}

static void test_once(void **state)
{
    (void)state;
    atomic_store(&failures, 0);
    struct privacy_tm *tm = begin();
    struct chain_payloads payloads = privacy_payloads(tm);
    expect(&payloads, 0, COUNT);
    receive_all(&payloads, 0, COUNT);
    assert_int_equal(atomic_load(&asked), COUNT);
    /* An answer is taken once: what is there none of is asked for again. */
    receive_all(&payloads, 0, COUNT);
    assert_int_equal(atomic_load(&asked), COUNT + COUNT / 2);
    privacy_free(tm);
}

/* Not all of them come, in another order, and others are expected while these are under way. */
static void test_other_order(void **state)
{
    (void)state;
    atomic_store(&failures, 0);
    struct privacy_tm *tm = begin();
    struct chain_payloads payloads = privacy_payloads(tm);
    expect(&payloads, 0, COUNT);
    receive_all(&payloads, 100, 120);
    receive_all(&payloads, 10, 20);
    for (unsigned i = 0; i < 20; i++) {
        expect(&payloads, i * 10, i * 10 + 50);
        receive_all(&payloads, i * 10, i * 10 + 25);
    }
    expect(&payloads, 0, 0);
    receive_all(&payloads, COUNT, COUNT + 4);
    expect(&payloads, 0, 0); /* as before: nobody is told */
    expect(&payloads, 0, 10);
    receive_all(&payloads, 0, 10);
    privacy_free(tm);
}

/* Those that fail are asked for by whoever waits for them; nothing becomes "not a party". */
static void test_failures(void **state)
{
    (void)state;
    atomic_store(&failures, 0);
    struct privacy_tm *tm = begin();
    struct chain_payloads payloads = privacy_payloads(tm);
    atomic_store(&failures, 1);
    expect(&payloads, 0, COUNT);
    receive_all(&payloads, 0, COUNT);
    assert_in_range(atomic_load(&asked), COUNT + 1, COUNT + 2);
    privacy_free(tm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_once),
        cmocka_unit_test(test_other_order),
        cmocka_unit_test(test_failures),
    };
    return cmocka_run_group_tests_name("ahead", tests, NULL, NULL);
}
