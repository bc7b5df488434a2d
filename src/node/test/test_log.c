/* The log: lines as GoQuorum writes them, recorded ones among them, and which are written at all. */
#include "base/error.h"
#include "node/log/filter.h"
#include "node/log/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

enum { MOMENT_MS = 534 };

static const uint64_t MOMENT = 1795463409;

static const char *line_of(enum node_log_form form, enum node_log_level level, const char *message,
                           const struct node_log_field *fields, size_t count)
{
    static char text[512];
    struct node_log_line line = {
        .level = level,
        .wall_ns = MOMENT * 1000000000 + MOMENT_MS * 1000000ull,
        .message = message,
        .fields = fields,
        .count = count,
    };
    node_log_format(text, sizeof(text), form, &line);
    return text;
}

static const char *plain(const char *message, const struct node_log_field *fields, size_t count)
{
    return line_of(NODE_LOG_PLAIN, NODE_LOG_INFO, message, fields, count);
}

static const char *json(const char *message, const struct node_log_field *fields, size_t count)
{
    return line_of(NODE_LOG_JSON, NODE_LOG_INFO, message, fields, count);
}

/* First of all: the widths are remembered. */
static void test_recorded(void **state)
{
    (void)state;
    struct hash256 hash = {{0x4b, 0x05, 0x70}};
    memcpy(hash.b + 29, "\xf5\x0e\xb4", 3);
    const struct node_log_field fields[] = {node_text("database", "chaindata"),
                                            node_hash("hash", &hash)};
    /* live/command-line.json, but for the width that another line left. */
    assert_string_equal(plain("Successfully wrote genesis state", fields, 2),
                        "INFO [11-23|19:50:09.534] Successfully wrote genesis state         "
                        "database=chaindata hash=4b0570..f50eb4");
    const struct node_log_field cap[] = {node_number("cap", 25000000), node_text("x", "")};
    assert_string_equal(plain("Set global gas cap", cap, 1),
                        "INFO [11-23|19:50:09.534] Set global gas cap                       "
                        "cap=25,000,000");
    const struct node_log_field narrow[] = {node_number("cap", 1), node_text("x", "")};
    assert_string_equal(plain("Set", narrow, 2), "INFO [11-23|19:50:09.534] Set                   "
                                                 "                   cap=1          x=");
    assert_string_equal(plain("Got interrupt, shutting down...", NULL, 0),
                        "INFO [11-23|19:50:09.534] Got interrupt, shutting down... ");
    /* Characters are counted, not bytes. */
    const struct node_log_field number[] = {node_number("number", 1)};
    assert_string_equal(plain("🔨 mined potential block", number, 1),
                        "INFO [11-23|19:50:09.534] 🔨 mined potential block                  "
                        "number=1");
}

static void test_values(void **state)
{
    (void)state;
    static const uint8_t key[20] = {0xfe, 0xe6, 0x41, 0xb3, 0x3c, 0x3d, 0x05, 0x86, 0xb6, 0xae,
                                    0xbe, 0x11, 0xc9, 0x60, 0x00, 0x45, 0x85, 0x4b, 0x62, 0x2a};
    struct address address;
    memcpy(address.b, key, 20);
    const struct {
        struct node_log_field field;
        const char *text;
    } cases[] = {
        {node_number("a", 99999), "a=99999"},
        {node_number("a", 100000), "a=100,000"},
        {node_big("a", 18446744073709551615u), "a=18,446,744,073,709,551,615"},
        {node_real("a", 0), "a=0.000"},
        {node_real("a", 1234.5678), "a=1234.568"},
        {node_address("a", &address), "a=0xFEE641B33c3D0586b6aebe11c9600045854B622A"},
        {node_micros("a", 0), "a=0s"},
        {node_micros("a", 7), "a=\"7µs\""},
        {node_micros("a", 2338), "a=2.338ms"},
        {node_micros("a", 5000), "a=5ms"},
        {node_micros("a", 1000400), "a=1.000s"},
        {node_micros("a", 1500000), "a=1.5s"},
        {node_millis("a", 61000), "a=1m1s"},
        {node_millis("a", 3600000), "a=1h0m0s"},
        {node_age("a", 5, 5), "a=0"},
        {node_age("a", 9, 5), "a=0"},
        {node_age("a", 0, 61), "a=1m1s"},
        {node_age("a", 0, 200000000), "a=6y5mo4d"},
        {node_flag("a", true), "a=true"},
        {node_text("a", "plain/text~"), "a=plain/text~"},
        {node_text("a", ""), "a="},
        {node_text("a", "!"), "a=\"!\""},
        {node_text("a", "a=b"), "a=\"a=b\""},
        {node_text("a", "a \"b\"\\\n\t\x01\x7f"), "a=\"a \\\"b\\\"\\\\\\n\\t\\x01\\x7f\""},
        {node_text("a", "é"), "a=\"é\""},
        {node_text("a", "\xff\xc3"), "a=\"\\xff\\xc3\""},
        {node_text("a", "\u202etxt"), "a=\"\\u202etxt\""},
        {node_text("a", "\U000e0001"), "a=\"\\U000e0001\""},
    };
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        const char *line = plain("0123456789012345678901234567890123456789", &cases[i].field, 1);
        assert_string_equal(strchr(line, ']') + 43, cases[i].text);
    }
}

static void test_forms_of_lines(void **state)
{
    (void)state;
    struct hash256 hash = {{0}};
    const struct node_log_field fields[] = {
        node_number("number", 12),           node_big("blocks", 2), node_hash("hash", &hash),
        node_text("err", "<a> \"b\"\n\xff"), node_real("x", 1.5),   node_text("err", "later"),
    };
    assert_string_equal(
        json("M", fields, 4),
        "{\"blocks\":\"2\",\"err\":\"\\u003ca\\u003e \\\"b\\\"\\n\\ufffd\",\"hash\":\"0x"
        "0000000000000000000000000000000000000000000000000000000000000000\","
        "\"lvl\":\"info\",\"msg\":\"M\",\"number\":12,"
        "\"t\":\"2026-11-23T19:50:09.534Z\"}");
    assert_string_equal(json("M", fields + 4, 2),
                        "{\"err\":\"later\",\"lvl\":\"info\",\"msg\":\"M\","
                        "\"t\":\"2026-11-23T19:50:09.534Z\",\"x\":1.500}");
    setenv("TZ", "IST-5:30", 1);
    tzset();
    assert_non_null(strstr(json("M", NULL, 0), "\"t\":\"2026-11-24T01:20:09.534+05:30\""));
    setenv("TZ", "UTC", 1);
    tzset();
    assert_string_equal(line_of(NODE_LOG_COLOURED, NODE_LOG_WARN, "M", fields, 1),
                        "\x1b[33mWARN \x1b[0m[11-23|19:50:09.534] M                              "
                        "          \x1b[33mnumber\x1b[0m=12");
    char tiny[20];
    struct node_log_line line = {.message = "message", .fields = fields, .count = 6};
    assert_int_equal(node_log_format(tiny, sizeof(tiny), NODE_LOG_JSON, &line), 19);
    assert_int_equal(strlen(tiny), 19);
}

/* --log.debug: the place, lined up with the longest so far. */
static void test_origins(void **state)
{
    (void)state;
    char text[200];
    const struct node_log_place far = {"../src/node/raft.c", 1234}, near = {"p2p/server.c", 5};
    struct node_log_line line = {
        .level = NODE_LOG_WARN, .wall_ns = MOMENT * 1000000000, .place = &far, .message = "one"};
    node_log_format(text, sizeof(text), NODE_LOG_PLAIN, &line);
    assert_string_equal(text, "WARN [11-23|19:50:09.000|node/raft.c:1234] one ");
    line.place = &near;
    node_log_format(text, sizeof(text), NODE_LOG_PLAIN, &line);
    assert_string_equal(text, "WARN [11-23|19:50:09.000|p2p/server.c:5]   one ");
}

/* --vmodule, by GoQuorum's rules (log/handler_glog.go). */
static void test_vmodule(void **state)
{
    (void)state;
    static const struct {
        const char *rules, *file;
        int level;
    } cases[] = {
        {"", "node/raft.c", 0},
        {"raft.c=5", "node/raft.c", 5},
        {"raft.c=5", "node/raft_api.c", 0},
        {"node=4", "node/raft.c", 4},
        {"node=4", "p2p/eth/peer.c", 0},
        {"p2p=4", "p2p/eth/peer.c", 0},
        {"p2p/*=4", "p2p/eth/peer.c", 4},
        {"p2p/*=4", "p2p/server.c", 4},
        {"p2p/eth=5,p2p/*=4", "p2p/eth/peer.c", 5},
        {" node = 4 ,,raft.c=2", "node/raft.c", 4},
        {"node=0,node=-3", "node/raft.c", 0},
        {"*=4", "node/raft.c", 4},
        {"n.de=4", "node/raft.c", 0},
        {"nod=4", "node/raft.c", 0},
    };
    static const char *const wrong[] = {"node",     "node=",   "=4", "node=x",
                                        "node=1=2", "node=4x", " =1"};
    struct err_detail why;
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        assert_int_equal(node_log_set_vmodule(cases[i].rules, &why), 0);
        int level = node_log_level_of(cases[i].file);
        if (level != cases[i].level)
            fail_msg("%s: %s has %d, wanted %d", cases[i].rules, cases[i].file, level,
                     cases[i].level);
    }
    node_log_setup(NODE_LOG_ERROR, NODE_LOG_PLAIN, false);
    assert_int_equal(node_log_set_vmodule("raft.c=4", &why), 0);
    for (size_t i = 0; i < BASE_COUNT(wrong); i++) {
        assert_int_equal(node_log_set_vmodule(wrong[i], &why), ERR_INPUT);
        assert_string_equal(why.text, "expect comma-separated list of filename=N");
    }
    assert_true(node_log_enabled(NODE_LOG_DEBUG, "../src/node/raft.c"));
    assert_false(node_log_enabled(NODE_LOG_TRACE, "../src/node/raft.c"));
    assert_false(node_log_enabled(NODE_LOG_WARN, "../src/node/main.c"));
    assert_int_equal(node_log_set_vmodule("", &why), 0);
    node_log_setup(NODE_LOG_INFO, NODE_LOG_PLAIN, false);
}

static void test_backtrace(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",          "raft.c",   "raft.c:", ":5",
                                        "raft.go:5", "raft.c:x", "a.c:1:2"};
    struct err_detail why;
    for (size_t i = 0; i < BASE_COUNT(wrong); i++) {
        assert_int_equal(node_log_set_backtrace(wrong[i], &why), ERR_INPUT);
        assert_string_equal(why.text, "expect file.c:234");
    }
    assert_false(node_log_wants_backtrace("node/raft.c", 0));
    assert_int_equal(node_log_set_backtrace("raft.c:12", &why), 0);
    assert_true(node_log_wants_backtrace("node/raft.c", 12));
    assert_false(node_log_wants_backtrace("node/raft.c", 13));
    assert_false(node_log_wants_backtrace("node/draft.c", 12));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recorded),       cmocka_unit_test(test_values),
        cmocka_unit_test(test_forms_of_lines), cmocka_unit_test(test_origins),
        cmocka_unit_test(test_vmodule),        cmocka_unit_test(test_backtrace),
    };
    setenv("TZ", "UTC", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
