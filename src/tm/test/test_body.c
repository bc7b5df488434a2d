/* JSON bodies with long texts: what is cut out and looked up says the same as the body read as a whole. */
#include "tm/api/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static char long_text[3000], longer_text[5000];

/* '#' and '%' in a pattern stand for a long text. */
static void expand(struct buf *b, const char *pattern)
{
    for (const char *p = pattern; *p; p++)
        if (*p == '#' || *p == '%')
            buf_append_text(b, *p == '#' ? long_text : longer_text);
        else
            buf_append_byte(b, (uint8_t)*p);
}

static struct tm_request *load(struct io_http_request *http, struct tm_request *request,
                               const struct buf *body, bool *ret_good)
{
    json_error_t error;
    *http = (struct io_http_request){.body = buf_bytes(body)};
    *request = (struct tm_request){.http = http};
    arena_init(&request->arena);
    request->json = tm_body_load(request, &error);
    *ret_good = request->json != NULL;
    return request;
}

static const char *const names[] = {"payload", "from", "key", "x"};

/* The members by either way. */
static void compare(const char *pattern, size_t asides)
{
    struct buf body = BUF_INIT;
    struct io_http_request http;
    struct tm_request request;
    json_error_t error;
    bool good;
    expand(&body, pattern);
    load(&http, &request, &body, &good);
    json_t *whole = json_loadb((const char *)body.data, body.len, 0, &error);
    assert_int_equal(good, whole != NULL);
    assert_int_equal(request.aside_count, asides);
    for (size_t i = 0; good && i < BASE_COUNT(names); i++) {
        struct bytes got = bytes_none();
        json_t *value = json_object_get(whole, names[i]);
        if (!json_is_string(value))
            continue;
        assert_true(tm_json_text(&request, &got, names[i]));
        assert_true(
            bytes_equal(got, bytes_of(json_string_value(value), json_string_length(value))));
    }
    json_decref(whole);
    json_decref(request.json);
    arena_release(&request.arena);
    buf_release(&body);
}

static void test_same(void **state)
{
    static const struct {
        const char *pattern;
        size_t asides;
    } rows[] = {
        {"{\"payload\":\"#\"}", 1},
        {" { \"from\" : \"a\" , \"payload\"\n:\t\"#\", \"key\":\"%\" } ", 2},
        {"{\"payload\":\"#\",\"payload\":\"\"}", 0}, /* twice: the last one counts */
        {"{\"payload\":\"\",\"payload\":\"#\"}", 0},
        {"{\"payload\":\"#\",\"payload\":\"%\"}", 0},
        {"{\"payload\":\"#\\n\"}", 0}, /* an escape */
        {"{\"pay\\u006coad\":\"#\"}", 0},
        {"{\"payload\":[\"#\"],\"x\":\"%\"}", 1},
        {"{\"x\":{\"payload\":\"#\"},\"payload\":\"y\"}", 0}, /* not of the outermost */
        {"{\"#\":\"x\",\"x\":\"%\"}", 1},
        {"[\"payload\",\"#\"]", 0},
        {"\"#\"", 0},
        {"{\"payload\":\"#\"", 0}, /* does not end */
        {"{\"payload\":\"#", 0},
        {"{\"payload\":\"#\"}}", 0},
        {"{\"payload\":\"#\" \"x\":1}", 0},
        {"{\"payload\":\"# \x01\"}", 0},
        {"{\"payload\":\"#\xff\"}", 0},
        {"{\"payload\":\"#\xc3\xbc\"}", 0}, /* UTF-8 is for the reader of the whole */
        {"{\"payload\"::\"#\"}", 0},
        {"{,:\"#\"}", 0},
        {"{\"x\":1,:\"#\"}", 0},
        {"]]{\"payload\":\"#\"}", 0},
    };
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(rows); i++)
        compare(rows[i].pattern, rows[i].asides);
}

/* More long texts than are set aside: the others are read as always. */
static void test_many(void **state)
{
    (void)state;
    compare("{\"a\":\"#\",\"b\":\"#\",\"c\":\"#\",\"d\":\"#\",\"payload\":\"%\",\"x\":\"#\"}",
            TM_ASIDE_MAX);
}

static void test_decoded(void **state)
{
    struct buf body = BUF_INIT;
    struct io_http_request http;
    struct tm_request request;
    struct bytes data;
    bool good;
    (void)state;
    expand(&body, "{\"payload\":\"#\",\"from\":\"AAEC\"}");
    load(&http, &request, &body, &good);
    assert_true(good);
    assert_true(tm_json_bytes(&request, &data, "payload"));
    assert_int_equal(data.len, (sizeof(long_text) - 1) / 4 * 3 + 2); /* padding may be left out */
    assert_true(tm_json_bytes(&request, &data, "from"));
    assert_true(bytes_equal(data, bytes_of("\0\1\2", 3)));
    json_decref(request.json);
    arena_release(&request.arena);
    buf_release(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_decoded),
    };
    memset(long_text, 'A', sizeof(long_text) - 1);
    memset(longer_text, 'B', sizeof(longer_text) - 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
