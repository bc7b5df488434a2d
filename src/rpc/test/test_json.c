/* The JSON scanner and what is read of it; jansson is the judge of what is JSON. */
#include "rpc/json/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <jansson.h>

/* Scans in pieces of `piece` bytes; *ret_used is where it stopped. */
static enum rpc_json_status scan(const char *text, size_t piece, size_t *ret_used)
{
    struct rpc_json_scanner s;
    enum rpc_json_status status = RPC_JSON_MORE;
    size_t len = strlen(text), at = 0;
    rpc_json_scanner_init(&s);
    while (status == RPC_JSON_MORE && at < len) {
        size_t used, take = len - at < piece ? len - at : piece;
        status = rpc_json_scan(&s, &used, bytes_of(text + at, take));
        at += used;
    }
    *ret_used = at;
    return status == RPC_JSON_MORE ? rpc_json_scan_end(&s) : status;
}

static void test_scanner(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum rpc_json_status status;
        const char *rest;
    } cases[] = {
        {"", RPC_JSON_MORE, ""},
        {" \r\n\t", RPC_JSON_MORE, ""},
        {"{}", RPC_JSON_VALUE, ""},
        {" [ ] ", RPC_JSON_VALUE, " "},
        {"[1,-2.5e+7,0,0.1,\"a\\u00e4\\n\",true,false,null,{\"k\":[{}]}]x", RPC_JSON_VALUE, "x"},
        {"17 ", RPC_JSON_VALUE, " "},
        {"17", RPC_JSON_VALUE, ""},
        {"0{}", RPC_JSON_VALUE, "{}"},
        {"null{}", RPC_JSON_VALUE, "{}"},
        {"\"x\"\"y\"", RPC_JSON_VALUE, "\"y\""},
        {"{\"a\":1}{\"b\":2}", RPC_JSON_VALUE, "{\"b\":2}"},
        {"{", RPC_JSON_BAD, ""},
        {"[1,]", RPC_JSON_BAD, NULL},
        {"[,1]", RPC_JSON_BAD, NULL},
        {"{\"a\":1,}", RPC_JSON_BAD, NULL},
        {"{\"a\"}", RPC_JSON_BAD, NULL},
        {"{a:1}", RPC_JSON_BAD, NULL},
        {"[1}", RPC_JSON_BAD, NULL},
        {"[01]", RPC_JSON_BAD, NULL},
        {"[1.]", RPC_JSON_BAD, NULL},
        {"[-]", RPC_JSON_BAD, NULL},
        {"[1e]", RPC_JSON_BAD, NULL},
        {"-", RPC_JSON_BAD, ""},
        {"tru", RPC_JSON_BAD, ""},
        {"[trux]", RPC_JSON_BAD, NULL},
        {"\"\\x\"", RPC_JSON_BAD, NULL},
        {"\"\\u12g4\"", RPC_JSON_BAD, NULL},
        {"\"\n\"", RPC_JSON_BAD, NULL},
        {"]", RPC_JSON_BAD, NULL},
        {"[1 2]", RPC_JSON_BAD, NULL},
        {"{\"a\" 1}", RPC_JSON_BAD, NULL},
    };
    for (size_t i = 0; i < BASE_COUNT(cases); i++)
        for (size_t piece = 1; piece <= strlen(cases[i].text) + 1; piece++) {
            size_t used;
            enum rpc_json_status status = scan(cases[i].text, piece, &used);
            if (status != cases[i].status)
                fail_msg("%s in pieces of %zu: %d", cases[i].text, piece, (int)status);
            if (cases[i].rest)
                assert_string_equal(cases[i].text + used, cases[i].rest);
        }
}

static void test_depth(void **state)
{
    (void)state;
    for (size_t depth = RPC_JSON_DEPTH_MAX; depth <= RPC_JSON_DEPTH_MAX + 1; depth++) {
        struct buf b = BUF_INIT;
        struct bytes value;
        for (size_t i = 0; i < depth; i++)
            buf_append_byte(&b, '[');
        for (size_t i = 0; i < depth; i++)
            buf_append_byte(&b, ']');
        assert_int_equal(rpc_json_first(&value, buf_bytes(&b)),
                         depth > RPC_JSON_DEPTH_MAX ? RPC_JSON_BAD : RPC_JSON_VALUE);
        buf_release(&b);
    }
}

static void check_string(struct arena *arena, const char *json, const char *text)
{
    struct bytes value;
    assert_int_equal(rpc_json_first(&value, bytes_str(json)), RPC_JSON_VALUE);
    struct bytes got = rpc_json_string(value, arena);
    if (!bytes_equal(got, bytes_str(text)))
        fail_msg("%s: %.*s", json, (int)got.len, (const char *)got.data);
}

static void test_strings(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    check_string(&arena, "\"\"", "");
    check_string(&arena, "\"plain\"", "plain");
    check_string(&arena, "\"a\\\"\\\\\\/\\b\\f\\n\\r\\tz\"", "a\"\\/\b\f\n\r\tz");
    check_string(&arena, "\"\\u0041\\u00e4\\u20ac\\ud83d\\ude00\"", "A\u00e4\u20ac\U0001f600");
    check_string(&arena, "\"\\ud83d\"", "\ufffd");
    check_string(&arena, "\"\\ude00x\"", "\ufffdx");
    check_string(&arena, "\"\\ud83d\\u0041\"", "\ufffdA");
    arena_release(&arena);
}

/* What a walk finds in an array of that string alone. */
static void check_element(const char *string, size_t len)
{
    char text[80];
    struct rpc_json_walk walk;
    struct bytes value;
    size_t size = (size_t)snprintf(text, sizeof(text), "[%.*s]", (int)len, string);
    rpc_json_walk_begin(&walk, bytes_of(text, size));
    assert_true(rpc_json_element(&walk, &value) && bytes_equal(value, bytes_of(string, len)));
    assert_false(rpc_json_element(&walk, &value));
}

/* Every byte at every place of strings of some lengths: which is plain, which ends the string, which is wrong. */
static void test_runs(void **state)
{
    (void)state;
    char text[64];
    for (size_t len = 1; len <= 20; len++) {
        for (size_t at = 0; at < len; at++) {
            for (unsigned byte = 1; byte < 256; byte++) {
                size_t used, wanted = byte == '"' ? at + 2 : len + 2;
                memset(text, 0x80 + (int)(at % 2) * 0x21, sizeof(text));
                text[0] = '"';
                text[at + 1] = (char)byte;
                snprintf(text + len + 1, 8, "\"%s", byte == '\\' && at + 1 == len ? "\"" : "");
                if (byte == '\\' && at + 1 < len)
                    text[at + 2] = 'n';
                wanted += byte == '\\' && at + 1 == len;
                enum rpc_json_status status = scan(text, sizeof(text), &used);
                assert_int_equal(status, byte < 32 ? RPC_JSON_BAD : RPC_JSON_VALUE);
                assert_true(byte < 32 || used == wanted);
                if (byte >= 32)
                    check_element(text, used);
            }
        }
    }
}

static void test_walk(void **state)
{
    (void)state;
    struct rpc_json_walk walk;
    struct bytes value, key;
    static const char text[] =
        " { \"A\" : [ 1 , \"]\" , { \"x\" : \"}\\\"\" } ] , \"b\":null,\"c\":-1.5e3 } ";
    assert_int_equal(rpc_json_first(&value, bytes_str(text)), RPC_JSON_VALUE);
    assert_int_equal(rpc_json_kind(value), RPC_JSON_OBJECT);
    struct rpc_json_walk members;
    rpc_json_walk_begin(&members, value);
    assert_true(rpc_json_member(&members, &key, &value));
    assert_true(rpc_json_key_is(key, "a") && !rpc_json_key_is(key, "b") &&
                !rpc_json_key_is(key, "aa"));
    assert_int_equal(rpc_json_kind(value), RPC_JSON_ARRAY);
    rpc_json_walk_begin(&walk, value);
    assert_true(rpc_json_element(&walk, &value) && bytes_equal(value, bytes_str("1")));
    assert_true(rpc_json_element(&walk, &value) && bytes_equal(value, bytes_str("\"]\"")));
    assert_true(rpc_json_element(&walk, &value) && rpc_json_kind(value) == RPC_JSON_OBJECT);
    assert_false(rpc_json_element(&walk, &value));
    assert_true(rpc_json_member(&members, &key, &value) && rpc_json_kind(value) == RPC_JSON_NULL);
    assert_true(rpc_json_member(&members, &key, &value) && bytes_equal(value, bytes_str("-1.5e3")));
    assert_false(rpc_json_member(&members, &key, &value));
}

static void test_find(void **state)
{
    (void)state;
    struct bytes object = bytes_str("{\"a\":{\"b\":1},\"B\":[2],\"a\":3}");
    struct bytes inner = rpc_json_find(object, "a");
    assert_true(bytes_equal(inner, bytes_str("{\"b\":1}")));
    assert_true(bytes_equal(rpc_json_find(inner, "b"), bytes_str("1")));
    assert_true(bytes_equal(rpc_json_find(object, "b"), bytes_str("[2]")));
    assert_int_equal(rpc_json_find(object, "c").len, 0);
    assert_int_equal(rpc_json_find(bytes_str("[\"a\"]"), "a").len, 0);
    assert_int_equal(rpc_json_find(bytes_none(), "a").len, 0);
    assert_int_equal(rpc_json_count(object), 3);
    assert_int_equal(rpc_json_count(bytes_str("{ }")), 0);
    assert_int_equal(rpc_json_count(bytes_str("[ ]")), 0);
    assert_int_equal(rpc_json_count(bytes_str("[[1,2], {\"a\":3} ,null]")), 3);
}

static void test_writing(void **state)
{
    (void)state;
    static const struct {
        const char *text, *json;
    } cases[] = {
        {"plain", "\"plain\""},
        {"\"\\\n\r\t\x01", "\"\\\"\\\\\\n\\r\\t\\u0001\""},
        {"<a&b>", "\"\\u003ca\\u0026b\\u003e\""},
        {"\u00e4\u20ac\U0001f600", "\"\u00e4\u20ac\U0001f600\""},
        {"\u2028\u2029\u202a", "\"\\u2028\\u2029\u202a\""},
        {"\xff\xc0\x80\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\""},
    };
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        struct buf b = BUF_INIT;
        rpc_json_write_string(&b, bytes_str(cases[i].text));
        assert_string_equal(buf_text(&b), cases[i].json);
        buf_release(&b);
    }
}

/* Random texts of the characters that matter: ours and jansson's agree. */
static void test_against_jansson(void **state)
{
    (void)state;
    static const char alphabet[] = "[]{},:\"\\ 01-.eEtrufalsn\"[]{}";
    uint32_t seed = 12345;
    size_t good = 0;
    for (int round = 0; round < 60000; round++) {
        char text[16];
        size_t len = 1 + (seed >> 8) % 12;
        for (size_t i = 0; i < len; i++) {
            seed = seed * 1664525 + 1013904223;
            text[i] = alphabet[(seed >> 12) % (sizeof(alphabet) - 1)];
        }
        struct bytes value;
        json_t *theirs = json_loadb(text, len, JSON_DECODE_ANY | JSON_DISABLE_EOF_CHECK, NULL);
        enum rpc_json_status ours = rpc_json_first(&value, bytes_of(text, len));
        if (ours == RPC_JSON_VALUE) {
            json_t *part = json_loadb((const char *)value.data, value.len, JSON_DECODE_ANY, NULL);
            /* What jansson does not take: numbers beyond its range, and keys twice are fine. */
            if (!part && !memchr(value.data, 'e', value.len) &&
                !memchr(value.data, 'E', value.len) && value.len < 12)
                fail_msg("jansson refuses %.*s", (int)value.len, (const char *)value.data);
            json_decref(part);
            good++;
        } else if (theirs) {
            fail_msg("we refuse %.*s", (int)len, text);
        }
        json_decref(theirs);
    }
    assert_true(good > 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scanner), cmocka_unit_test(test_depth),
        cmocka_unit_test(test_strings), cmocka_unit_test(test_runs),
        cmocka_unit_test(test_walk),    cmocka_unit_test(test_find),
        cmocka_unit_test(test_writing), cmocka_unit_test(test_against_jansson),
    };
    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
