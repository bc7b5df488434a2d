/* What is said with an ethstats server: the flag, the session step by step, the documents. */
#include "node/ethstats/report.h"
#include "node/ethstats/session.h"
#include "node/ethstats/target.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* --- The flag --- */

static void test_target(void **state)
{
    (void)state;
    static const struct {
        const char *value, *name, *secret, *host;
    } good[] = {
        {"n:s@h:3000", "n", "s", "h:3000"},
        {"n@h", "n", "", "h"},
        {"n:@h", "n", "", "h"},
        {"@h", "", "", "h"},
        {":s@h", "", "s", "h"},
        {"n:s:t@h", "n", "s:t", "h"},
        {"n:s@wss://h/x", "n", "s", "wss://h/x"},
        {"n:s@h@i", "n", "s", "h@i"},
        {"a b:s@h", "a b", "s", "h"},
    };
    static const char *const bad[][2] = {
        {"n", "n"}, {"n:s", "n:***"}, {"n:s@", "n:***@"},     {"n@", "n@"},
        {"@", "@"}, {":s@", ":***@"}, {"n:s@a\nb", "n:***@"},
    };
    struct node_ethstats_target target;
    struct err_detail detail;
    char text[256];
    for (size_t i = 0; i < BASE_COUNT(good); i++) {
        assert_int_equal(node_ethstats_target_read(&target, good[i].value, &detail), ERR_OK);
        assert_true(bytes_equal(target.name, bytes_str(good[i].name)));
        assert_true(bytes_equal(target.secret, bytes_str(good[i].secret)));
        assert_string_equal(target.host, good[i].host);
    }
    for (size_t i = 0; i < BASE_COUNT(bad); i++) {
        assert_int_equal(node_ethstats_target_read(&target, bad[i][0], &detail), ERR_USAGE);
        snprintf(text, sizeof(text),
                 "invalid netstats url: \"%s\", should be nodename:secret@host:port", bad[i][1]);
        assert_string_equal(detail.text, text);
    }
}

/* --- The session --- */

enum {
    REPORT =
        NODE_ETHSTATS_LATENCY | NODE_ETHSTATS_BLOCK | NODE_ETHSTATS_PENDING | NODE_ETHSTATS_STATS,
    HEAD = NODE_ETHSTATS_BLOCK | NODE_ETHSTATS_PENDING,
};

static void say(struct node_ethstats_session *s, const char *text, uint64_t now)
{
    node_ethstats_message(s, bytes_str(text), now);
}

static const char ready[] = "{\"emit\":[\"ready\"]}";
static const char pong[] = "{\"emit\":[\"node-pong\",{\"clientTime\":1,\"serverTime\":2}]}";

/* Up to the end of the first report, at 1100. */
static void log_in(struct node_ethstats_session *s)
{
    node_ethstats_init(s);
    assert_true(node_ethstats_due(s) == UINT64_MAX);
    node_ethstats_open(s, 1000);
    assert_int_equal(node_ethstats_take(s), NODE_ETHSTATS_HELLO);
    assert_int_equal(node_ethstats_take(s), 0);
    say(s, ready, 1050);
    assert_int_equal(node_ethstats_take(s), NODE_ETHSTATS_PING);
    say(s, pong, 1100);
    assert_int_equal(node_ethstats_take(s), REPORT);
    assert_int_equal(s->latency_ms, 25);
}

static void expect_end(struct node_ethstats_session *s, const char *message, const char *why)
{
    assert_int_equal(node_ethstats_take(s), NODE_ETHSTATS_END);
    assert_string_equal(s->end.message, message);
    if (why)
        assert_string_equal(s->end.why, why);
    else
        assert_null(s->end.why);
    assert_true(node_ethstats_due(s) == UINT64_MAX);
    /* Nothing more is listened to. */
    say(s, pong, 2000);
    node_ethstats_new_head(s);
    node_ethstats_new_transactions(s, 2000);
    assert_int_equal(node_ethstats_take(s), 0);
    node_ethstats_release(s);
}

static void test_login(void **state)
{
    (void)state;
    static const char *const refusals[] = {
        "",
        "rubbish",
        "\"primus::ping::1\"",
        "[]",
        "{}",
        "{\"emit\":\"ready\"}",
        "{\"emit\":[]}",
        "{\"emit\":[1]}",
        "{\"emit\":[\"not ready\"]}",
        "{\"emit\":[\"ready\",1]}",
        "{\"emit\":[\"ready\"]",
    };
    struct node_ethstats_session s;
    for (size_t i = 0; i < BASE_COUNT(refusals); i++) {
        node_ethstats_init(&s);
        node_ethstats_open(&s, 1000);
        assert_int_equal(node_ethstats_take(&s), NODE_ETHSTATS_HELLO);
        say(&s, refusals[i], 1001);
        expect_end(&s, "Stats login failed", "unauthorized");
    }
    node_ethstats_init(&s);
    node_ethstats_open(&s, 1000);
    node_ethstats_new_head(&s);
    assert_int_equal(node_ethstats_take(&s), NODE_ETHSTATS_HELLO);
    node_ethstats_tick(&s, 1000 + NODE_ETHSTATS_LOGIN_MS - 1);
    assert_int_equal(node_ethstats_take(&s), 0);
    assert_int_equal(node_ethstats_due(&s), 1000 + NODE_ETHSTATS_LOGIN_MS);
    node_ethstats_tick(&s, 1000 + NODE_ETHSTATS_LOGIN_MS);
    expect_end(&s, "Stats login failed", "timed out");
}

static void test_reports(void **state)
{
    (void)state;
    struct node_ethstats_session s;
    log_in(&s);
    assert_int_equal(node_ethstats_due(&s), 1050 + NODE_ETHSTATS_REPORT_MS);
    node_ethstats_new_head(&s);
    assert_int_equal(node_ethstats_take(&s), HEAD);
    node_ethstats_new_transactions(&s, 2000);
    assert_int_equal(node_ethstats_take(&s), NODE_ETHSTATS_PENDING);
    node_ethstats_new_transactions(&s, 2999);
    assert_int_equal(node_ethstats_take(&s), 0);
    node_ethstats_new_transactions(&s, 3000);
    node_ethstats_new_head(&s);
    node_ethstats_new_head(&s);
    assert_int_equal(node_ethstats_take(&s), HEAD);

    node_ethstats_tick(&s, 16049);
    assert_int_equal(node_ethstats_take(&s), 0);
    node_ethstats_tick(&s, 16050);
    assert_int_equal(node_ethstats_due(&s), 16050 + NODE_ETHSTATS_PONG_MS);
    node_ethstats_new_head(&s); /* waits for the pong */
    assert_int_equal(node_ethstats_take(&s), NODE_ETHSTATS_PING);
    say(&s, "\"primus::ping::1\"", 16060); /* does not */
    assert_int_equal(node_ethstats_take(&s), NODE_ETHSTATS_PRIMUS);
    say(&s, pong, 16100);
    assert_int_equal(node_ethstats_take(&s), REPORT);
    assert_int_equal(node_ethstats_due(&s), 16050 + NODE_ETHSTATS_REPORT_MS);
    node_ethstats_closed(&s);
    assert_int_equal(node_ethstats_take(&s), 0);
    assert_true(node_ethstats_due(&s) == UINT64_MAX);
    node_ethstats_release(&s);
}

static void test_pings(void **state)
{
    (void)state;
    struct node_ethstats_session s;
    log_in(&s);
    node_ethstats_tick(&s, 16050);
    assert_int_equal(node_ethstats_take(&s), NODE_ETHSTATS_PING);
    node_ethstats_tick(&s, 21050);
    expect_end(&s, "Full stats report failed", "ping timed out");

    log_in(&s);
    say(&s, pong, 1200);
    expect_end(&s, "Stats server pinger seems to have died", NULL);

    node_ethstats_init(&s);
    node_ethstats_open(&s, 1000);
    say(&s, ready, 1000);
    node_ethstats_tick(&s, 6000);
    expect_end(&s, "Initial stats report failed", "ping timed out");

    log_in(&s);
    say(&s, "\"primus::ping::1583929 ping\"", 1200);
    assert_int_equal(node_ethstats_take(&s), NODE_ETHSTATS_PRIMUS);
    assert_string_equal(buf_text(&s.primus), "\"primus::pong::1583929 pong\"");
    node_ethstats_release(&s);
}

static void test_history(void **state)
{
    (void)state;
    struct node_ethstats_session s;
    static const uint64_t wanted[] = {3, 1, 7, 1000, UINT64_MAX, UINT64_MAX, UINT64_MAX};
    log_in(&s);
    say(&s,
        "{\"emit\":[\"history\",{\"max\":7,\"list\":[3, 1,7.9,1e3,-1,1e300,9007199254740992]}]}",
        1200);
    assert_int_equal(node_ethstats_take(&s), NODE_ETHSTATS_HISTORY);
    assert_int_equal(s.asked_count, BASE_COUNT(wanted));
    assert_memory_equal(s.asked, wanted, sizeof(wanted));
    /* One at a time: what is being read is not written over. */
    say(&s, "{\"emit\":[\"history\",{\"list\":[9]}]}", 1200);
    assert_int_equal(node_ethstats_take(&s), NODE_ETHSTATS_STRANGE);
    assert_string_equal(s.strange, "history");
    assert_int_equal(s.asked[0], 3);
    node_ethstats_history_done(&s);
    say(&s, "{\"emit\":[\"history\",null]}", 1200);
    assert_int_equal(node_ethstats_take(&s), NODE_ETHSTATS_HISTORY);
    assert_int_equal(s.asked_count, 0);
    node_ethstats_history_done(&s);

    struct buf b = BUF_INIT;
    buf_append_text(&b, "{\"emit\":[\"history\",{\"list\":[0");
    for (unsigned i = 1; i < 5000; i++)
        buf_append_format(&b, ",%u", i);
    buf_append_text(&b, "]}]}");
    node_ethstats_message(&s, buf_bytes(&b), 1200);
    buf_release(&b);
    assert_int_equal(node_ethstats_take(&s), NODE_ETHSTATS_HISTORY);
    assert_int_equal(s.asked_count, NODE_ETHSTATS_HISTORY_MAX);
    assert_int_equal(s.asked[NODE_ETHSTATS_HISTORY_MAX - 1], NODE_ETHSTATS_HISTORY_MAX - 1);
    node_ethstats_release(&s);
}

static void test_faults(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"rubbish", "Failed to retrieve stats server message"},
        {"", "Failed to retrieve stats server message"},
        {"{\"emit\":[", "Failed to retrieve stats server message"},
        {"1", "Failed to decode stats server message"},
        {"\"primus::pong::1\"", "Failed to decode stats server message"},
        {"[\"emit\"]", "Failed to decode stats server message"},
        {"{}", "Stats server sent non-broadcast"},
        {"{\"emit\":[]}", "Stats server sent non-broadcast"},
        {"{\"emit\":1}", "Stats server sent non-broadcast"},
        {"{\"emit\":[{}]}", "Invalid stats server message type"},
        {"{\"emit\":[\"history\",{}]}", "Invalid stats history block list"},
        {"{\"emit\":[\"history\",{\"list\":{}}]}", "Invalid stats history block list"},
        {"{\"emit\":[\"history\",{\"list\":[1,\"2\"]}]}", "Invalid stats history block number"},
    };
    struct node_ethstats_session s;
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        log_in(&s);
        say(&s, cases[i][0], 1200);
        expect_end(&s, cases[i][1], i < 3 ? "it is no JSON" : NULL);
    }
}

/* What nobody knows is said, but not for ever, and in a form that cannot be taken for another line of the log. */
static void test_strange(void **state)
{
    (void)state;
    struct node_ethstats_session s;
    log_in(&s);
    say(&s, "{\"emit\":[\"a b\\nc\\u0007=\xc3\xa4\\\"d\",1,2]}", 1200);
    assert_int_equal(node_ethstats_take(&s), NODE_ETHSTATS_STRANGE);
    assert_string_equal(s.strange, "ab\\nc\\u0007=\\d");
    for (unsigned i = 1; i < 100; i++) {
        say(&s, "{\"emit\":[\"node-pong\"]}", 1200);
        assert_int_equal(node_ethstats_take(&s),
                         i < NODE_ETHSTATS_STRANGE_TOLD ? NODE_ETHSTATS_STRANGE : 0);
    }
    node_ethstats_release(&s);
}

/* What is said without an end, however short, is not listened to for ever; what comes now and then is. */
static void test_flood(void **state)
{
    (void)state;
    struct node_ethstats_session s;
    char text[1024] = "\"primus::ping::";
    memset(text + 15, '1', sizeof(text) - 15 - 64 - 1);
    text[sizeof(text) - 64 - 1] = '"';
    const struct bytes ping = bytes_of(text, sizeof(text) - 64);
    log_in(&s);
    for (uint64_t round = 0; round < 3; round++) {
        uint64_t now = 16050 + round * NODE_ETHSTATS_REPORT_MS;
        for (size_t i = 0; i < 4000; i++)
            node_ethstats_message(&s, ping, now);
        node_ethstats_tick(&s, now);
        assert_int_equal(node_ethstats_take(&s), NODE_ETHSTATS_PING | NODE_ETHSTATS_PRIMUS);
        say(&s, pong, now);
        assert_int_equal(node_ethstats_take(&s), REPORT);
    }
    for (size_t i = 0; i < 4096; i++)
        node_ethstats_message(&s, ping, 50000);
    expect_end(&s, "Stats server sends too much", NULL);
}

/* --- Documents --- */

static void test_documents(void **state)
{
    (void)state;
    struct node_ethstats_target target;
    struct p2p_protocol protocols[] = {{.name = "eth", .version = 65},
                                       {.name = "eth", .version = 66},
                                       {.name = "istanbul", .version = 100}};
    struct err_detail detail;
    struct buf b = BUF_INIT;
    assert_int_equal(node_ethstats_target_read(&target, "a\"b:s<c@h", &detail), ERR_OK);
    struct node_ethstats_info info = {.target = &target,
                                      .client = "Geth/x",
                                      .port = 30303,
                                      .network_id = 10,
                                      .protocols = protocols,
                                      .protocol_count = 3};
    node_ethstats_write_hello(&b, &info);
    assert_non_null(
        strstr(buf_text(&b),
               "{\"emit\":[\"hello\",{\"id\":\"a\\\"b\",\"info\":{\"name\":\"a\\\"b\","
               "\"node\":\"Geth/x\",\"port\":30303,\"net\":\"10\","
               "\"protocol\":\"eth/66, eth/65, istanbul/100\",\"api\":\"No\",\"os\":\"linux\","));
    assert_non_null(strstr(buf_text(&b), "\"client\":\"0.1.1\",\"canUpdateHistory\":true},"
                                         "\"secret\":\"s\\u003cc\"}]}"));
    buf_clear(&b);
    node_ethstats_write_ping(&b, target.name, 1700000000007);
    assert_string_equal(buf_text(&b), "{\"emit\":[\"node-ping\",{\"clientTime\":"
                                      "\"2023-11-14 22:13:20.007 +0000 UTC\",\"id\":\"a\\\"b\"}]}");
    buf_clear(&b);
    node_ethstats_write_latency(&b, target.name, 12);
    assert_string_equal(buf_text(&b),
                        "{\"emit\":[\"latency\",{\"id\":\"a\\\"b\",\"latency\":\"12\"}]}");
    buf_clear(&b);
    node_ethstats_write_pending(&b, target.name, 3);
    assert_string_equal(buf_text(&b),
                        "{\"emit\":[\"pending\",{\"id\":\"a\\\"b\",\"stats\":{\"pending\":3}}]}");
    buf_clear(&b);
    struct node_ethstats_figures figures = {.mining = true, .peers = 4, .gas_price = 5};
    node_ethstats_write_stats(&b, target.name, &figures);
    assert_string_equal(buf_text(&b),
                        "{\"emit\":[\"stats\",{\"id\":\"a\\\"b\",\"stats\":{\"active\":true,"
                        "\"syncing\":false,\"mining\":true,\"hashrate\":0,\"peers\":4,"
                        "\"gasPrice\":5,\"uptime\":100}}]}");
    buf_clear(&b);
    node_ethstats_begin_history(&b);
    node_ethstats_end_history(&b, target.name);
    assert_string_equal(buf_text(&b),
                        "{\"emit\":[\"history\",{\"history\":[],\"id\":\"a\\\"b\"}]}");
    buf_release(&b);
}

static void test_block(void **state)
{
    (void)state;
    struct hash256 hashes[2] = {{{1}}, {{2}}};
    struct chain_body body = {.hashes = hashes, .body = {.transaction_count = 2}};
    struct chain_block block = {.header = {.number = 7,
                                           .timestamp = 1732900000000000000, /* a Raft chain's */
                                           .gas_limit = 9,
                                           .gas_used = 8,
                                           .difficulty = u256_from(1)},
                                .body = &body};
    struct node_ethstats_block shown = {
        .block = &block, .total_difficulty = u256_from(8), .author = {{0xab}}};
    struct buf b = BUF_INIT;
#define ZEROS_31 "00000000000000000000000000000000000000000000000000000000000000"
    node_ethstats_write_block(&b, bytes_str("n"), &shown);
    assert_string_equal(
        buf_text(&b),
        "{\"emit\":[\"block\",{\"block\":{\"number\":7,\"hash\":\"0x00" ZEROS_31 "\","
        "\"parentHash\":\"0x00" ZEROS_31 "\",\"timestamp\":1732900000000000000,"
        "\"miner\":\"0xab00000000000000000000000000000000000000\",\"gasUsed\":8,\"gasLimit\":9,"
        "\"difficulty\":\"1\",\"totalDifficulty\":\"8\",\"transactions\":[{\"hash\":\"0x01" ZEROS_31
        "\"},{\"hash\":\"0x02" ZEROS_31 "\"}],\"transactionsRoot\":\"0x00" ZEROS_31
        "\",\"stateRoot\":\"0x00" ZEROS_31 "\",\"uncles\":[]},\"id\":\"n\"}]}");
    buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_target),    cmocka_unit_test(test_login),
        cmocka_unit_test(test_reports),   cmocka_unit_test(test_pings),
        cmocka_unit_test(test_history),   cmocka_unit_test(test_faults),
        cmocka_unit_test(test_strange),   cmocka_unit_test(test_flood),
        cmocka_unit_test(test_documents), cmocka_unit_test(test_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
