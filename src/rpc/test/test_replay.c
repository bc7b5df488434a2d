/*
 * Every exchange that was recorded of GoQuorum is asked again of a chain with the same blocks, and the answers are compared,
 * whatever the order of their keys.
 */
#include "rpc/method.h"
#include "rpc/test/world.h"
#include "tests/support/recordings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* Answers that depend on what happened to the node before it was asked. */
static const struct {
    const char *network, *method, *param, *why;
} histories[] = {
    {"ibft-order", "istanbul_getSnapshot", "0x37",
     "votes are null, not [], because the node went over blocks 50 to 55 in one go"},
    {"ibft-order", "eth_getHeaderByNumber", "0x78", "it had two sets of seals of this block"},
    {"ibft-order", "istanbul_getSignersFromBlock", "0x78", "likewise"},
    {"raft", "admin_peers", "", "of the network, which is not there"},
};

static bool is_history(const char *network, const char *method, const json_t *params)
{
    const char *param = json_string_value(json_array_get(params, 0));
    for (size_t i = 0; i < BASE_COUNT(histories); i++)
        if (strcmp(histories[i].network, network) == 0 &&
            strcmp(histories[i].method, method) == 0 &&
            strcmp(histories[i].param, param ? param : "") == 0)
            return true;
    return false;
}

/* Keys that cannot be the same. */
static bool is_excepted(const char *method, const char *key)
{
    static const char *const volatile_keys[] = {"id", "name",  "enode",     "enr",
                                                "ip", "ports", "listenAddr"};
    if (strncmp(method, "debug_trace", 11) == 0)
        return strcmp(key, "time") == 0; /* how long callTracer took */
    if (strcmp(method, "admin_nodeInfo") != 0)
        return false;
    for (size_t i = 0; i < BASE_COUNT(volatile_keys); i++)
        if (strcmp(key, volatile_keys[i]) == 0)
            return true; /* of the network, which is not there */
    return false;
}

/* Where the reference fails by a bug of its own, and an answer is given here (docs/compatibility.md). */
static bool is_bug(const char *method, const json_t *error)
{
    const char *message = json_string_value(json_object_get(error, "message"));
    if (!message)
        return false;
    if (strcmp(method, "eth_createAccessList") == 0)
        return strcmp(message, "method handler crashed") == 0;
    return strcmp(method, "debug_traceTransaction") == 0 &&
           strncmp(message, "TypeError: cannot read property", 31) == 0;
}

struct count {
    const char *method;
    size_t same, other, histories, better;
};

struct replay {
    struct world world;
    const char *network;
    size_t sample, steps; /* of the traces that list each step, one in `sample` is asked for */
    struct count counts[128];
    size_t count;
    size_t shown;
};

static struct count *count_of(struct replay *r, const char *method)
{
    for (size_t i = 0; i < r->count; i++)
        if (strcmp(r->counts[i].method, method) == 0)
            return &r->counts[i];
    assert_true(r->count < BASE_COUNT(r->counts));
    char *copy = strdup(method);
    r->counts[r->count] = (struct count){.method = copy};
    return &r->counts[r->count++];
}

static bool same(const char *method, const json_t *theirs, const json_t *ours)
{
    if (!theirs || !ours)
        return theirs == ours;
    bool partly = strcmp(method, "admin_nodeInfo") == 0 || strncmp(method, "debug_trace", 11) == 0;
    if (!json_is_object(theirs) || !partly)
        return json_equal(theirs, ours);
    if (strcmp(method, "admin_nodeInfo") != 0 && json_object_size(theirs) != json_object_size(ours))
        return false;
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)theirs, key, value)
    {
        if (!is_excepted(method, key) && !json_equal(value, json_object_get(ours, key)))
            return false;
    }
    return true;
}

static void show(struct replay *r, const char *message, const json_t *line, const json_t *answer)
{
    if (++r->shown > 20)
        return;
    json_t *theirs = json_object_get(line, "error") ? json_object_get(line, "error")
                                                    : json_object_get(line, "result");
    json_t *ours = json_object_get(answer, "error") ? json_object_get(answer, "error")
                                                    : json_object_get(answer, "result");
    char *a = json_dumps(theirs, JSON_ENCODE_ANY | JSON_SORT_KEYS);
    char *b = json_dumps(ours, JSON_ENCODE_ANY | JSON_SORT_KEYS);
    size_t at = 0;
    while (a && b && a[at] && a[at] == b[at])
        at++;
    at = at > 40 ? at - 40 : 0;
    print_message("%s: %.300s\n    GoQuorum: …%.300s\n    here:     …%.300s\n", r->network, message,
                  a ? a + at : "", b ? b + at : "");
    free(a);
    free(b);
}

/* Whole lists of steps are nearly all of a recording's bytes: builds that are slow by nature take some of them. */
static bool is_left_out(struct replay *r, const char *method, const json_t *line)
{
    const json_t *options = json_array_get(json_object_get(line, "params"), 1);
    bool steps =
        strcmp(method, "debug_traceTransaction") == 0 && !json_object_get(options, "tracer");
    return steps && r->steps++ % r->sample != 0;
}

static void replay_line(const json_t *line, void *context)
{
    struct replay *r = context;
    const char *method = json_string_value(json_object_get(line, "method"));
    if (is_left_out(r, method, line))
        return;
    struct count *count = count_of(r, method);
    json_t *request = json_pack("{s:s, s:i, s:s, s:O}", "jsonrpc", "2.0", "id", 1, "method", method,
                                "params", json_object_get(line, "params"));
    char *message = json_dumps(request, JSON_COMPACT);
    json_t *answer = world_ask(&r->world, rpc_access_all(), message);
    json_t *error = json_object_get(answer, "error");
    if (is_bug(method, json_object_get(line, "error"))) {
        assert_null(error);
        count->better++;
    } else if (is_history(r->network, method, json_object_get(line, "params"))) {
        count->histories++;
    } else if (same(method, json_object_get(line, "result"), json_object_get(answer, "result")) &&
               same(method, json_object_get(line, "error"), error)) {
        count->same++;
    } else {
        count->other++;
        show(r, message, line, answer);
    }
    json_decref(answer);
    free(message);
    json_decref(request);
}

static void replay(const char *network)
{
    recordings_require(network);
    static struct replay r;
    const char *sample = getenv("QUORATE_SAMPLE");
    r = (struct replay){.network = network, .sample = sample ? strtoul(sample, NULL, 10) | 1 : 1};
    world_begin(&r.world, network);
    recordings_lines(network, "rpc.jsonl.gz", replay_line, &r);
    size_t other = 0, same_in_all = 0;
    for (size_t i = 0; i < r.count; i++) {
        const struct count *c = &r.counts[i];
        print_message("%-45s %5zu same %5zu other %5zu of the node's history %5zu where it fails\n",
                      c->method, c->same, c->other, c->histories, c->better);
        other += c->other;
        same_in_all += c->same;
        free((char *)c->method);
    }
    print_message("%s: %zu answers the same, %zu other\n", network, same_in_all, other);
    world_end(&r.world);
    assert_int_equal(other, 0);
}

static void test_qbft(void **state)
{
    (void)state;
    replay("qbft");
}

static void test_ibft_to_qbft(void **state)
{
    (void)state;
    replay("ibft-to-qbft");
}

static void test_ibft_order(void **state)
{
    (void)state;
    replay("ibft-order");
}

static void test_qbft_order(void **state)
{
    (void)state;
    replay("qbft-order");
}

static void test_raft(void **state)
{
    (void)state;
    replay("raft");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_qbft),       cmocka_unit_test(test_ibft_to_qbft),
        cmocka_unit_test(test_ibft_order), cmocka_unit_test(test_qbft_order),
        cmocka_unit_test(test_raft),
    };
    return cmocka_run_group_tests_name("replay", tests, NULL, NULL);
}
