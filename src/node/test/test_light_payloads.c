/* A light client's payloads: given by p2p, or asked for; what of either is remembered, and what is no answer of a manager. */
#include "node/light/payloads.h"

#include "base/hex.h"
#include "tests/support/recorded_tm.h"
#include "tests/support/recordings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct world {
    struct rpc_proxy proxy;
    struct privacy_tm *tm;
    struct arena arena;
    struct err_detail detail;
    uint64_t now;
    /* What the server says: a result, or an error's message, or nothing. */
    const char *result, *error;
    int status;
    unsigned asked;
    char method[64], params[512];
};

static int call(void *context, struct rpc_proxied *ret_answer, const char *method,
                struct bytes params, struct arena *arena, struct err_detail *detail)
{
    struct world *w = context;
    (void)arena;
    w->asked++;
    snprintf(w->method, sizeof(w->method), "%s", method);
    snprintf(w->params, sizeof(w->params), "%.*s", (int)params.len, (const char *)params.data);
    if (w->status)
        return err_set(detail, w->status, "the server gives no answer");
    *ret_answer = (struct rpc_proxied){.is_error = w->error != NULL,
                                       .code = -32000,
                                       .message = bytes_str(w->error ? w->error : ""),
                                       .result = bytes_str(w->result ? w->result : "")};
    return 0;
}

static uint64_t clock_ms(void *context)
{
    const struct world *w = context;
    return w->now;
}

static void begin_with(struct world *w, bool is_patient)
{
    *w = (struct world){.proxy = {w, call}};
    const struct privacy_options options = {.exchange = node_light_exchange,
                                            .exchange_context = &w->proxy,
                                            .clock_ms = clock_ms,
                                            .context = w,
                                            .is_light = true};
    arena_init(&w->arena);
    assert_int_equal(privacy_new(&w->tm, &options), 0);
    assert_int_equal(privacy_open(w->tm, &w->detail), 0);
    assert_int_equal(w->asked, 0);
    assert_true(privacy_is_tessera(w->tm) && privacy_has(w->tm, PRIVACY_ENHANCEMENTS));
    assert_false(privacy_has(w->tm, PRIVACY_MANDATORY) || privacy_has(w->tm, PRIVACY_STATES));
    if (!is_patient)
        privacy_stop(w->tm); /* nobody waits to ask again */
}

static void begin(struct world *w)
{
    begin_with(w, false);
}

static void end(struct world *w)
{
    privacy_free(w->tm);
    arena_release(&w->arena);
}

/* With characters of base64 that a path escapes. */
static struct chain_payload_hash hash_of(uint8_t first)
{
    struct chain_payload_hash hash;
    memset(&hash, 0xff, sizeof(hash));
    hash.b[0] = first;
    return hash;
}

static struct chain_payload receive(struct world *w, uint8_t first)
{
    struct chain_payload payload;
    struct chain_payload_hash hash = hash_of(first);
    int status = privacy_receive(w->tm, &payload, &hash, false, &w->arena, &w->detail);
    if (status)
        fail_msg("%s", w->detail.text);
    return payload;
}

static int fail_to_receive(struct world *w, uint8_t first)
{
    struct chain_payload payload;
    struct chain_payload_hash hash = hash_of(first);
    return privacy_receive(w->tm, &payload, &hash, false, &w->arena, &w->detail);
}

static bool is_sender(struct world *w, uint8_t first)
{
    struct chain_payload_hash hash = hash_of(first);
    bool sender;
    assert_int_equal(privacy_is_sender(w->tm, &sender, &hash, &w->detail), 0);
    return sender;
}

static void check(struct bytes got, const char *wanted)
{
    if (!bytes_equal(got, bytes_str(wanted)))
        fail_msg("%.*s, not %s", (int)got.len, (const char *)got.data, wanted);
}

#define EXTRA(flag)                                                                                \
    "\"ExtraMetaData\":{\"ACHashes\":[\"" HASH64 "\"],\"ACMerkleRoot\":"                           \
    "\"0x00000000000000000000000000000000000000000000000000000000000000ab\",\"PrivacyFlag\":" flag \
    ",\"ManagedParties\":[\"k1=\",\"k2=\"],\"Sender\":\"k\\u003d\",\"MandatoryRecipients\":null}"
#define HASH64                                                                                     \
    "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQ=="

static void test_asked(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    w.result = "{\"Payload\":\"0x7061796C6f6164\"," EXTRA("3") ",\"IsSender\":true}";
    struct chain_payload payload = receive(&w, 1);
    assert_true(payload.is_party);
    check(payload.data, "payload");
    check(payload.sender, "k=");
    assert_int_equal(payload.flag, 3);
    assert_int_equal(payload.exec_hash.b[31], 0xab);
    assert_int_equal(payload.affected_count, 1);
    assert_int_equal(payload.affected[0].b[63], 1);
    assert_int_equal(payload.managed_count, 2);
    check(payload.managed_parties[1], "k2=");
    assert_string_equal(w.method, "eth_getQuorumPayloadExtra");
    assert_string_equal(w.params,
                        "[\"0x01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
                        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\"]");
    (void)receive(&w, 1);
    assert_int_equal(w.asked, 1); /* remembered */
    assert_true(is_sender(&w, 1));
    assert_int_equal(w.asked, 2);
    w.now = PRIVACY_CACHE_MS + 1;
    (void)receive(&w, 1);
    assert_int_equal(w.asked, 3);
    end(&w);
}

static void test_none(void **state)
{
    (void)state;
    static const char *const results[] = {
        "null",
        "{\"Payload\":\"0x\",\"ExtraMetaData\":null,\"IsSender\":false}",
        "{\"Payload\":\"\",\"ExtraMetaData\":null}",
    };
    struct world w;
    begin(&w);
    for (size_t i = 0; i < BASE_COUNT(results); i++) {
        w.result = results[i];
        assert_false(receive(&w, 1).is_party);
        assert_false(is_sender(&w, 1));
        assert_int_equal(w.asked, 2 * (i + 1)); /* not remembered: it may come to be there */
    }
    end(&w);
}

/* None of these is "not a party". */
static void test_no_answer(void **state)
{
    (void)state;
    static const char *const results[] = {
        "{}",
        "[]",
        "\"0x12\"",
        "{\"Payload\":5," EXTRA("0") "}",
        "{\"Payload\":\"12\"," EXTRA("0") "}",
        "{\"Payload\":\"0x123\"," EXTRA("0") "}",
        "{\"Payload\":\"0xzz\"," EXTRA("0") "}",
        "{\"Payload\":\"0x12\",\"ExtraMetaData\":null}",
        "{\"Payload\":\"0x12\",\"ExtraMetaData\":{\"ACMerkleRoot\":\"ab\"}}",
        "{\"Payload\":\"0x12\"," EXTRA("-1") "}",
        "{\"Payload\":\"0x12\"," EXTRA("\"3\"") "}",
    };
    struct world w;
    begin_with(&w, true);
    for (size_t i = 0; i < BASE_COUNT(results); i++) {
        w.result = results[i];
        if (fail_to_receive(&w, 1) != PRIVACY_FAILED)
            fail_msg("%s", results[i]);
    }
    w.status = ERR_IO;
    assert_int_equal(fail_to_receive(&w, 1), PRIVACY_FAILED);
    assert_string_equal(w.detail.text, "the server gives no answer");
    assert_int_equal(w.asked, BASE_COUNT(results) + 1); /* once each */
    w.status = ERR_NOMEM;
    assert_int_equal(fail_to_receive(&w, 1), ERR_NOMEM);
    w.status = 0;
    w.error = "the method does not exist";
    assert_int_equal(fail_to_receive(&w, 1), PRIVACY_FAILED);
    assert_string_equal(w.detail.text, "the method does not exist");
    end(&w);
}

/* --- Given --- */

static const struct chain_payload given = {
    .is_party = true, .data = {(const uint8_t *)"given", 5}, .flag = 1};

static void give(struct world *w, uint8_t first, const struct chain_payload *payload, bool sender)
{
    struct chain_payload_hash hash = hash_of(first);
    privacy_give(w->tm, &hash, payload, sender);
}

static void test_given(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    w.status = ERR_IO; /* nothing is asked for */
    give(&w, 1, &given, true);
    give(&w, 2, &given, false);
    give(&w, 3, NULL, true);
    check(receive(&w, 1).data, "given");
    assert_int_equal(receive(&w, 1).flag, 1);
    assert_true(is_sender(&w, 1));
    assert_true(receive(&w, 2).is_party);
    assert_false(is_sender(&w, 2));
    assert_false(receive(&w, 3).is_party);
    assert_false(is_sender(&w, 3));

    give(&w, 1, NULL, false); /* what is there stays */
    check(receive(&w, 1).data, "given");
    assert_true(is_sender(&w, 1));
    give(&w, 3, &given, true); /* and a payload replaces it */
    assert_true(receive(&w, 3).is_party && is_sender(&w, 3));
    assert_int_equal(w.asked, 0);

    struct chain_payload_hash zero = {{0}};
    struct chain_payload payload;
    privacy_give(w.tm, &zero, &given, true);
    assert_int_equal(privacy_receive(w.tm, &payload, &zero, false, &w.arena, &w.detail), 0);
    assert_false(payload.is_party);
    w.now = PRIVACY_CACHE_MS + 1;
    give(&w, 1, NULL, false); /* too old to stay */
    assert_false(receive(&w, 1).is_party);
    assert_int_equal(fail_to_receive(&w, 2), PRIVACY_FAILED);
    end(&w);
}

/* What a block is about to ask for: nobody asks for what was given, were it "not a party". */
static void test_expected(void **state)
{
    (void)state;
    struct world w;
    struct chain_payload_hash hashes[2 * PRIVACY_AHEAD_LEAST];
    begin_with(&w, true);
    struct chain_payloads payloads = privacy_payloads(w.tm);
    w.status = ERR_IO;
    for (size_t i = 0; i < BASE_COUNT(hashes); i++) {
        hashes[i] = hash_of((uint8_t)(i + 1));
        give(&w, (uint8_t)(i + 1), i % 2 ? &given : NULL, false);
    }
    payloads.expect(payloads.context, hashes, BASE_COUNT(hashes));
    for (size_t i = 0; i < BASE_COUNT(hashes); i++) {
        struct chain_payload payload;
        assert_int_equal(payloads.receive(payloads.context, &payload, &hashes[i], &w.arena), 0);
        assert_int_equal(payload.is_party, i % 2);
    }
    assert_int_equal(w.asked, 0);
    end(&w);
}

/* --- Votes, and what a client cannot do --- */

static void test_decrypt(void **state)
{
    (void)state;
    struct world w;
    struct chain_payload payload;
    struct address management = {.b = {1, 2, 3}};
    struct chain_payload_hash vote = hash_of(9);
    bool own;
    begin(&w);
    struct chain_payloads payloads = privacy_payloads(w.tm);
    w.result = "{\"Payload\":\"0x0102030000000000000000000000000000000000\"," EXTRA("0") "}";
    assert_int_equal(privacy_decrypt(w.tm, &payload, bytes_str("{\"a\":1}"), &w.arena, &w.detail),
                     0);
    assert_string_equal(w.method, "eth_decryptQuorumPayload");
    assert_string_equal(w.params, "[\"0x7b2261223a317d\"]");
    assert_int_equal(payload.data.len, 20);

    give(&w, 9, &given, true);
    assert_int_equal(payloads.is_own_vote(payloads.context, &own, &vote, &management, &w.arena), 0);
    assert_true(own);
    give(&w, 9, &given, false);
    assert_int_equal(payloads.is_own_vote(payloads.context, &own, &vote, &management, &w.arena), 0);
    assert_false(own);

    /* The server's manager refuses; or nobody knows. */
    give(&w, 9, &given, true);
    w.error = "400 status: no such recipient";
    assert_int_equal(payloads.is_own_vote(payloads.context, &own, &vote, &management, &w.arena), 0);
    assert_false(own);
    assert_int_equal(privacy_decrypt(w.tm, &payload, bytes_str("{}"), &w.arena, &w.detail),
                     PRIVACY_FAILED);
    assert_string_equal(w.detail.text, "400 status: no such recipient");
    w.error = "unable to submit request";
    assert_int_equal(payloads.is_own_vote(payloads.context, &own, &vote, &management, &w.arena),
                     ERR_BUSY);
    end(&w);
}

static void test_refused(void **state)
{
    (void)state;
    struct world w;
    struct chain_payload_hash hash = hash_of(1);
    struct privacy_keys keys;
    const struct privacy_send in = {.payload = bytes_str("x"), .mandatory = {.is_null = true}};
    begin(&w);
    assert_int_equal(privacy_send(w.tm, &hash, &in, &w.detail), PRIVACY_FAILED);
    assert_non_null(strstr(w.detail.text, "a QLight client has no transaction manager"));
    assert_int_equal(privacy_participants(w.tm, &keys, &hash, &w.arena, &w.detail), PRIVACY_FAILED);
    assert_int_equal(privacy_mandatory(w.tm, &keys, &hash, &w.arena, &w.detail), PRIVACY_FAILED);
    assert_int_equal(w.asked, 0);
    end(&w);
}

/* --- What GoQuorum said of payloads, and what its manager had said of them --- */

struct recorded {
    struct recorded_tm *manager;
    struct privacy_tm *tm;
    struct arena arena;
    size_t parties, none;
};

static int exchange(void *context, struct privacy_answer *ret_answer,
                    const struct privacy_request *request, struct err_detail *detail)
{
    struct recorded *r = context;
    if (recorded_tm_answer(r->manager, request->method, request->path, request->body,
                           &ret_answer->status, &ret_answer->body))
        return 0;
    return err_set(detail, PRIVACY_FAILED, "not recorded: %s", request->path);
}

static void compare(const struct chain_payload *a, const struct chain_payload *b)
{
    assert_int_equal(a->is_party, b->is_party);
    if (!a->is_party)
        return;
    assert_true(bytes_equal(a->data, b->data));
    assert_int_equal(a->flag, b->flag);
    assert_memory_equal(&a->exec_hash, &b->exec_hash, sizeof(a->exec_hash));
    assert_int_equal(a->affected_count, b->affected_count);
    if (a->affected_count)
        assert_memory_equal(a->affected, b->affected, a->affected_count * sizeof(a->affected[0]));
}

static void compare_line(const json_t *line, void *context)
{
    struct recorded *r = context;
    struct world w;
    struct chain_payload ours, theirs;
    struct chain_payload_hash hash;
    struct err_detail detail = {""};
    bool sender;
    if (json_integer_value(json_object_get(line, "peer")) != 0 ||
        strcmp(json_string_value(json_object_get(line, "method")), "eth_getQuorumPayloadExtra") !=
            0 ||
        !json_object_get(line, "result"))
        return;
    const char *digest = json_string_value(json_array_get(json_object_get(line, "params"), 0));
    assert_true(hex_decode_exact(digest, hash.b, sizeof(hash.b)));
    char *result = json_dumps(json_object_get(line, "result"), 0);
    begin(&w);
    w.result = result;
    assert_int_equal(privacy_receive(w.tm, &ours, &hash, false, &w.arena, &detail), 0);
    if (privacy_receive(r->tm, &theirs, &hash, false, &r->arena, &detail))
        fail_msg("%s", detail.text);
    compare(&ours, &theirs);
    assert_int_equal(privacy_is_sender(w.tm, &sender, &hash, &detail), 0);
    assert_int_equal(sender,
                     json_is_true(json_object_get(json_object_get(line, "result"), "IsSender")));
    *(ours.is_party ? &r->parties : &r->none) += 1;
    end(&w);
    free(result);
}

static void test_recorded(void **state)
{
    (void)state;
    recordings_require("private");
    struct recorded r = {.manager = recorded_tm_open("private", 0)};
    struct err_detail detail = {""};
    const struct privacy_options options = {.exchange = exchange, .exchange_context = &r};
    arena_init(&r.arena);
    assert_int_equal(privacy_new(&r.tm, &options), 0);
    if (privacy_open(r.tm, &detail))
        fail_msg("%s", detail.text);
    recordings_lines("private", "rpc.jsonl.gz", compare_line, &r);
    print_message("%zu payloads the same, %zu of others\n", r.parties, r.none);
    assert_true(r.parties > 20);
    privacy_free(r.tm);
    recorded_tm_close(r.manager);
    arena_release(&r.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_asked),     cmocka_unit_test(test_none),
        cmocka_unit_test(test_no_answer), cmocka_unit_test(test_given),
        cmocka_unit_test(test_expected),  cmocka_unit_test(test_decrypt),
        cmocka_unit_test(test_refused),   cmocka_unit_test(test_recorded),
    };
    return cmocka_run_group_tests_name("light_payloads", tests, NULL, NULL);
}
