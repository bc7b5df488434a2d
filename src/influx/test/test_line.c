/* The text of points. */
#include "base/mem.h"
#include "influx/line.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void test_lines(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    struct influx_line line;
    struct influx_tags tags;
    influx_tags_read(&tags, "host=localhost", NULL, NULL);
    influx_line_begin(&line, &b, "geth.chain/head/block.gauge", &tags);
    influx_line_integer(&line, "value", 7);
    influx_line_end(&line, 1465839830100400200);
    influx_line_begin(&line, &b, "a b,c=d\"e\\f", &(struct influx_tags){.count = 0});
    influx_line_integer(&line, "k,=y z", UINT64_MAX);
    influx_line_real(&line, "r", 0.25);
    influx_line_end(&line, 0);
    influx_line_begin(&line, &b, "nothing", &tags);
    influx_line_real(&line, "inf", INFINITY);
    influx_line_real(&line, "ninf", -INFINITY);
    influx_line_real(&line, "nan", NAN);
    influx_line_end(&line, 1);
    assert_string_equal(buf_text(&b),
                        "geth.chain/head/block.gauge,host=localhost value=7i 1465839830100400200\n"
                        "a\\ b\\,c=d\"e\\f k\\,\\=y\\ z=9223372036854775807i,r=0.25\n");
    buf_release(&b);
}

static void test_reals(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } rows[] = {
        {0, "0"},
        {1, "1"},
        {-2.5, "-2.5"},
        {0.1, "0.1"},
        {1.0 / 3, "0.3333333333333333"},
        {2.0 / 3, "0.6666666666666666"},
        {100, "100"},
        {123456789, "123456789"},
        {1e-7, "0.0000001"},
        {1e21, "1000000000000000000000"},
        {5e-324, NULL},
        {1.7976931348623157e308, NULL},
    };
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        struct buf b = BUF_INIT;
        struct influx_line line;
        influx_line_begin(&line, &b, "m", &(struct influx_tags){.count = 0});
        influx_line_real(&line, "v", rows[i].value);
        influx_line_end(&line, 0);
        const char *text = buf_text(&b) + strlen("m v=");
        assert_true(strtod(text, NULL) == rows[i].value);
        assert_int_equal(strspn(text, "-.0123456789"), strlen(text) - 1);
        if (rows[i].text) {
            assert_int_equal(strlen(rows[i].text), strlen(text) - 1);
            assert_memory_equal(text, rows[i].text, strlen(rows[i].text));
        }
        buf_release(&b);
    }
}

static void note(void *context, struct bytes part)
{
    buf_append_byte(context, '<');
    buf_append_bytes(context, part);
    buf_append_byte(context, '>');
}

static void test_tags(void **state)
{
    (void)state;
    static const struct {
        const char *list, *line, *left_out;
    } rows[] = {
        {"", "m v=1i\n", ""},
        {"host=localhost", "m,host=localhost v=1i\n", ""},
        {"b=2,a=1,aa=3", "m,a=1,aa=3,b=2 v=1i\n", ""},
        {"a=1,b=2,a=3", "m,a=3,b=2 v=1i\n", ""}, /* the last one stands */
        {",,a=1,,", "m,a=1 v=1i\n", ""},
        {"a,=b,c=,d=e=f,g=1", "m,g=1 v=1i\n", "<a><=b><c=><d=e=f>"},
        {"a b=c d\\ e", "m,a\\ b=c\\ d\\\\ e v=1i\n", ""},
        {"a=b\\,c\\=d,e=f\ng,h\t=i", "m v=1i\n", "<a=b\\><c\\=d><e=f\ng><h\t=i>"},
        {"ort=K\xc3\xb6ln", "m,ort=K\xc3\xb6ln v=1i\n", ""},
    };
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        struct buf b = BUF_INIT, left_out = BUF_INIT;
        struct influx_tags tags;
        struct influx_line line;
        influx_tags_read(&tags, rows[i].list, note, &left_out);
        influx_line_begin(&line, &b, "m", &tags);
        influx_line_integer(&line, "v", 1);
        influx_line_end(&line, 0);
        assert_string_equal(buf_text(&b), rows[i].line);
        assert_string_equal(buf_text(&left_out), rows[i].left_out);
        buf_release(&b);
        buf_release(&left_out);
    }
}

static void test_many_tags(void **state)
{
    (void)state;
    struct buf list = BUF_INIT, left_out = BUF_INIT;
    struct influx_tags tags;
    for (int i = INFLUX_TAGS_MAX; i >= 0; i--)
        buf_append_format(&list, "k%03d=v,", i);
    influx_tags_read(&tags, buf_text(&list), note, &left_out);
    assert_int_equal(tags.count, INFLUX_TAGS_MAX);
    assert_string_equal(buf_text(&left_out), "<k000=v>");
    for (size_t i = 1; i < tags.count; i++)
        assert_true(memcmp(tags.items[i - 1].key.data, tags.items[i].key.data, 4) < 0);
    buf_release(&list);
    buf_release(&left_out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_reals),
        cmocka_unit_test(test_tags),
        cmocka_unit_test(test_many_tags),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
