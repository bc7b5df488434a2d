#include "console/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static const struct {
    const char *utf8, *engine;
} same[] = {
    {"", ""},
    {"eth.blockNumber", "eth.blockNumber"},
    {"\xc3\xa9\xe2\x82\xac", "\xc3\xa9\xe2\x82\xac"},
    {"a\xf0\x9f\x98\x80z", "a\xed\xa0\xbd\xed\xb8\x80z"},
    {"\xf4\x8f\xbf\xbf", "\xed\xaf\xbf\xed\xbf\xbf"},
};

static void test_both_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(same); i++) {
        struct buf b = BUF_INIT;
        console_text_to_engine(&b, bytes_str(same[i].utf8));
        assert_string_equal(buf_text(&b), same[i].engine);
        buf_clear(&b);
        console_text_from_engine(&b, bytes_str(same[i].engine));
        assert_string_equal(buf_text(&b), same[i].utf8);
        buf_release(&b);
    }
}

static void test_what_is_none(void **state)
{
    static const char bad[] = "\xef\xbf\xbd";
    static const char *const texts[] = {"\xff",         "\xc0",     "\xe2\x82", "\xed\xa0\xbd",
                                        "\xed\xb8\x80", "\xc1\x81", "\xf5"};
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(texts); i++) {
        struct buf b = BUF_INIT;
        console_text_to_engine(&b, bytes_str(texts[i]));
        assert_memory_equal(b.data, bad, 3);
        buf_clear(&b);
        console_text_from_engine(&b, bytes_str(texts[i]));
        assert_memory_equal(b.data, bad, 3);
        buf_release(&b);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_ways),
        cmocka_unit_test(test_what_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
