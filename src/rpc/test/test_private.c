/*
 * What each of the three peers of the recorded private networks answered is asked again of a chain with the same blocks and
 * that peer's payloads.
 */
#include "base/base64.h"
#include "base/file.h"
#include "extension/list.h"
#include "rpc/backend/proxy.h"
#include "rpc/events/events.h"
#include "rpc/extension/extension.h"
#include "rpc/json/encode.h"
#include "rpc/method.h"
#include "rpc/test/world.h"
#include "tests/support/recordings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

/* Not questions about what is there: they send; the list of extensions is below. */
static bool is_asked(const char *method)
{
    return strncmp(method, "eth_send", 8) != 0 &&
           (strncmp(method, "quorumExtension", 15) != 0 ||
            strcmp(method, "quorumExtension_getExtensionStatus") == 0);
}

/* Where the reference fails, or reports nonsense, by bugs of its own (docs/compatibility.md): receipts of a block with
 * several markers, and logs where one of another's markers is. */
static bool is_bug(const char *method, const json_t *theirs, const json_t *error)
{
    const char *message = json_string_value(json_object_get(error, "message"));
    if (strcmp(method, "eth_getTransactionReceipt") == 0)
        return json_is_null(theirs);
    if (strcmp(method, "eth_getLogs") == 0)
        return message && (strcmp(message, "method handler crashed") == 0 ||
                           strcmp(message, "could not find receipt for private transaction") == 0);
    if (strcmp(method, "eth_getPrivateTransactionReceipt") == 0)
        return message && strcmp(message, "could not find receipt for private transaction") == 0;
    return false;
}

/* The gas of a private receipt is what stood before it, subtracted from 0. */
static void mend(const char *method, json_t *theirs)
{
    const char *gas = json_string_value(json_object_get(theirs, "gasUsed"));
    if (strcmp(method, "eth_getPrivateTransactionReceipt") == 0 && gas &&
        strncmp(gas, "0xffffff", 8) == 0)
        json_object_set_new(theirs, "gasUsed", json_string("0x0"));
}

struct replay {
    struct world world;
    const char *network;
    unsigned peer;
    size_t same, other, bugs, shown;
};

static void show(const struct replay *r, const char *message, const json_t *theirs,
                 const json_t *ours)
{
    char *a = json_dumps(theirs, JSON_ENCODE_ANY | JSON_SORT_KEYS);
    char *b = json_dumps(ours, JSON_ENCODE_ANY | JSON_SORT_KEYS);
    size_t at = 0;
    while (a && b && a[at] && a[at] == b[at])
        at++;
    at = at > 40 ? at - 40 : 0;
    print_message("%s, peer %u: %.200s\n    GoQuorum: …%.300s\n    here:     …%.300s\n", r->network,
                  r->peer, message, a ? a + at : "", b ? b + at : "");
    free(a);
    free(b);
}

static void ask(const json_t *line, void *context)
{
    struct replay *r = context;
    const char *method = json_string_value(json_object_get(line, "method"));
    json_t *theirs = json_object_get(line, "result"), *error = json_object_get(line, "error");
    if (json_integer_value(json_object_get(line, "peer")) != r->peer || !is_asked(method))
        return;
    json_t *request = json_pack("{s:s, s:i, s:s, s:O}", "jsonrpc", "2.0", "id", 1, "method", method,
                                "params", json_object_get(line, "params"));
    char *message = json_dumps(request, JSON_COMPACT);
    json_t *answer = world_ask(&r->world, rpc_access_all(), message);
    json_t *ours = json_object_get(answer, "result");
    mend(method, theirs);
    if (theirs ? json_equal(theirs, ours) : json_equal(error, json_object_get(answer, "error"))) {
        r->same++;
    } else if (is_bug(method, theirs, error) && ours) {
        r->bugs++;
    } else {
        r->other++;
        if (r->shown++ < 12)
            show(r, message, theirs ? theirs : error,
                 ours ? ours : json_object_get(answer, "error"));
    }
    json_decref(answer);
    free(message);
    json_decref(request);
}

static void replay(const char *network)
{
    static struct replay r;
    recordings_require(network);
    for (unsigned peer = 0; peer < 3; peer++) {
        r = (struct replay){.network = network, .peer = peer};
        world_begin_private(&r.world, network, peer);
        recordings_lines(network, "rpc.jsonl.gz", ask, &r);
        print_message(
            "%s, peer %u: %zu answers the same, %zu other, %zu where the reference fails\n",
            network, peer, r.same, r.other, r.bugs);
        world_end(&r.world);
        assert_int_equal(r.other, 0);
        assert_true(r.same > 200);
    }
}

static void test_private(void **state)
{
    (void)state;
    replay("private");
}

static void test_marker(void **state)
{
    (void)state;
    replay("private-marker");
}

/* --- Extensions --- */

struct listed {
    unsigned peer;
    json_t *theirs; /* the last one */
};

static void keep_list(const json_t *line, void *context)
{
    struct listed *l = context;
    const char *method = json_string_value(json_object_get(line, "method"));
    if (json_integer_value(json_object_get(line, "peer")) != l->peer ||
        strcmp(method, "quorumExtension_activeExtensionContracts") != 0)
        return;
    json_decref(l->theirs);
    l->theirs = json_incref(json_object_get(line, "result"));
}

static unsigned reports;

static void count_report(void *context, const char *what, const struct address *management,
                         const char *why)
{
    (void)what;
    (void)management;
    (void)why;
    (void)context;
    reports++;
}

/* The list is what the recorded blocks say, and what the file says afterwards. Whoever began it would vote, and cannot: it has no accounts. A
 * light client does not come to that. */
static void watch(const char *network, unsigned peer, const struct rpc_proxy *proxy)
{
    static const char empty[] = "{\"psiContracts\":{\"private\":{}},\"watchedBlock\":0}";
    static const char question[] =
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"quorumExtension_activeExtensionContracts\"}";
    char path[] = "/tmp/quorate-extensions-XXXXXX";
    static struct world w;
    struct listed listed = {.peer = peer};
    struct extension_list kept;
    struct err_detail detail = {""};
    struct chain_head head;
    int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    assert_int_equal(file_write(path, bytes_str(empty), &detail), 0);
    recordings_lines(network, "rpc.jsonl.gz", keep_list, &listed);
    assert_int_equal(json_array_size(listed.theirs), 1);
    world_begin_private(&w, network, peer);
    reports = 0;
    w.backend.proxy = proxy;
    w.backend.extension_report = count_report;
    assert_int_equal(rpc_extension_open(w.rpc, path, &detail), 0);
    chain_head(w.chain, &head);
    uint64_t number = head.block->header.number;
    chain_head_release(&head);
    rpc_tell_head(w.rpc, number, number, 1);
    json_t *answer = world_ask(&w, rpc_access_all(), question);
    if (!json_equal(json_object_get(answer, "result"), listed.theirs)) {
        char *text = json_dumps(answer, 0);
        fail_msg("%s, peer %u: %s", network, peer, text);
    }
    json_decref(answer);
    json_decref(listed.theirs);
    assert_int_equal(reports, peer == 0 && !proxy);
    world_end(&w);
    assert_int_equal(extension_list_load(&kept, path, &detail), 0);
    assert_int_equal(kept.count, 1);
    assert_int_equal(kept.watched, number);
    extension_list_release(&kept);
    unlink(path);
}

static void test_extensions(void **state)
{
    static const char *const networks[] = {"private", "private-marker"};
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(networks); i++) {
        recordings_require(networks[i]);
        watch(networks[i], 0, NULL);
        watch(networks[i], 2, NULL);
        watch(networks[i], 0, &(const struct rpc_proxy){.context = NULL});
    }
}

/* --- What goes into markers --- */

static void write_again(const json_t *line, void *context)
{
    const char *encoded = json_string_value(json_object_get(line, "body"));
    struct buf body = BUF_INIT, inner = BUF_INIT, ours = BUF_INIT;
    struct arena arena;
    struct eth_transaction tx;
    struct hash256 hash;
    int err = 0;
    if (strcmp(json_string_value(json_object_get(line, "path")), "/send") != 0)
        return;
    arena_init(&arena);
    assert_int_equal(base64_decode(&body, bytes_str(encoded)), 0);
    json_t *request = json_loadb((const char *)body.data, body.len, 0, NULL);
    encoded = json_string_value(json_object_get(request, "payload"));
    assert_int_equal(base64_decode(&inner, bytes_str(encoded)), 0);
    if (chain_private_parse(&tx, &arena, buf_bytes(&inner), &err)) {
        assert_int_equal(eth_transaction_hash(&tx, &hash), 0);
        rpc_write_signed(&ours, &tx, &hash);
        if (inner.data[inner.len - 1] == '\n')
            buf_append_byte(&ours, '\n');
        assert_int_equal(ours.len, inner.len);
        assert_memory_equal(ours.data, inner.data, inner.len);
        ++*(size_t *)context;
    }
    json_decref(request);
    buf_release(&body);
    buf_release(&inner);
    buf_release(&ours);
    arena_release(&arena);
}

static void test_inner(void **state)
{
    size_t count = 0;
    (void)state;
    recordings_require("private-marker");
    recordings_lines("private-marker", "tm-wire.jsonl.gz", write_again, &count);
    print_message("%zu transactions inside of markers, written as GoQuorum did\n", count);
    assert_true(count > 10);
}

/* What no management contract answers: the precompiled contract at 4 gives the question back, that at 2 a hash. */
static void test_no_management(void **state)
{
    (void)state;
    static const struct {
        unsigned contract;
        const char *wanted;
    } rows[] = {
        {2, "abi: improperly encoded boolean value"},
        {4, "abi: improperly formatted output: \x19"
            "b\xcb\x9b - Bytes: [[25 98 203 155]]"},
        {0x77, "no contract code at given address"},
    };
    struct world w;
    world_begin_private(&w, "private", 0);
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        char message[200];
        snprintf(
            message, sizeof(message),
            "{\"id\":1,\"method\":\"quorumExtension_getExtensionStatus\",\"params\":[\"0x%040x\"]}",
            rows[i].contract);
        json_t *answer = world_ask(&w, rpc_access_all(), message);
        const char *text =
            json_string_value(json_object_get(json_object_get(answer, "error"), "message"));
        assert_non_null(text);
        assert_string_equal(text, rows[i].wanted);
        json_decref(answer);
    }
    world_end(&w);
}

/* The value of a call on a private contract is the sender's private account's, which has nothing; what its public one lacks comes first. */
static void test_value(void **state)
{
    (void)state;
    static const char private_contract[] = "0x3634852ab193e17551cee13fa8c0ac08d0d3afe6";
    static const struct {
        const char *from, *value, *wanted;
    } rows[] = {
        {"0x1fa2ce2b19907481c638ee9cf88b32df6a1f5264", "0x1",
         "err: insufficient balance for transfer (supplied gas 1048576)"},
        {"0x1fa2ce2b19907481c638ee9cf88b32df6a1f5264", "0x0", "execution reverted"},
        {"0x0000000000000000000000000000000000000123", "0x1",
         "err: insufficient funds for transfer: address "
         "0x0000000000000000000000000000000000000123 (supplied gas 1048576)"},
    };
    struct world w;
    world_begin_private(&w, "private-marker", 0);
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        char message[400];
        snprintf(message, sizeof(message),
                 "{\"id\":1,\"method\":\"eth_call\",\"params\":[{\"from\":\"%s\",\"to\":\"%s\","
                 "\"gas\":\"0x100000\",\"value\":\"%s\",\"data\":\"0x22d3764e\"},\"latest\"]}",
                 rows[i].from, private_contract, rows[i].value);
        json_t *answer = world_ask(&w, rpc_access_all(), message);
        const char *text =
            json_string_value(json_object_get(json_object_get(answer, "error"), "message"));
        assert_non_null(text);
        assert_string_equal(text, rows[i].wanted);
        json_decref(answer);
    }
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_private),       cmocka_unit_test(test_marker),
        cmocka_unit_test(test_extensions),    cmocka_unit_test(test_inner),
        cmocka_unit_test(test_no_management), cmocka_unit_test(test_value),
    };
    return cmocka_run_group_tests_name("private", tests, NULL, NULL);
}
