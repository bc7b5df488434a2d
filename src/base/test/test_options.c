#include "base/options.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static bool verbose;
static const char *name;
static uint64_t count;

static const struct options_row rows[] = {
    {"verbose", NULL, OPTIONS_SWITCH, &verbose, "Says more."},
    {"name", "NAME", OPTIONS_TEXT, &name,
     "What it is called, at such length that the line has to be broken somewhere."},
    {"count", "N", OPTIONS_NUMBER, &count, "How many."},
};

static int parse(size_t *n, struct err_detail *detail, int argc, const char **argv)
{
    verbose = false;
    name = NULL;
    count = 7;
    return options_parse(n, argc, (char **)argv, rows, BASE_COUNT(rows), detail);
}

#define PARSE(n, detail, ...)                                                                      \
    parse(n, detail, (int)(sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)),                \
          (const char *[]){__VA_ARGS__})

static void test_accepts(void **unused)
{
    (void)unused;
    size_t n;
    struct err_detail detail;
    const char *argv[] = {"a", "--name", "x", "-verbose", "b", "--count=0x10", "--", "--c"};
    assert_int_equal(parse(&n, &detail, 8, argv), ERR_OK);
    assert_int_equal(n, 3);
    assert_string_equal(argv[0], "a");
    assert_string_equal(argv[1], "b");
    assert_string_equal(argv[2], "--c");
    assert_true(verbose && count == 16);
    assert_string_equal(name, "x");
    assert_int_equal(PARSE(&n, &detail, "--verbose=false", "-"), ERR_OK);
    assert_true(!verbose && n == 1 && count == 7);
}

static void test_refuses(void **unused)
{
    (void)unused;
    size_t n = 99;
    struct err_detail detail;
    assert_int_equal(PARSE(&n, &detail, "--nmae", "x"), ERR_USAGE);
    assert_string_equal(detail.text, "unknown option --nmae; did you mean --name?");
    assert_int_equal(PARSE(&n, &detail, "--entirely-other=3"), ERR_USAGE);
    assert_string_equal(detail.text, "unknown option --entirely-other");
    assert_int_equal(PARSE(&n, &detail, "--count", "many"), ERR_USAGE);
    assert_string_equal(detail.text, "--count needs a whole number, not 'many'");
    assert_int_equal(PARSE(&n, &detail, "--count"), ERR_USAGE);
    assert_string_equal(detail.text, "--count needs a value: --count N");
    assert_int_equal(PARSE(&n, &detail, "--verbose=maybe"), ERR_USAGE);
    assert_int_equal(n, 99);
}

static void test_help(void **unused)
{
    (void)unused;
    const struct options_command command = {"do", "FILE ...", "Does it.", ""};
    struct buf b = BUF_INIT;
    options_help(&b, "prog", &command, rows, BASE_COUNT(rows));
    assert_string_equal(
        buf_text(&b),
        "usage: prog do [OPTION ...] FILE ...\n\nDoes it.\n\noptions:\n"
        "  --verbose               Says more.\n"
        "  --name NAME             What it is called, at such length that the line has to\n"
        "                          be broken somewhere.\n"
        "  --count N               How many.\n");
    buf_clear(&b);
    options_man(&b, "prog", &command, rows, 1);
    assert_string_equal(buf_text(&b), ".SS prog do [OPTION ...] FILE ...\nDoes it.\n"
                                      ".TP\n\\fB\\-\\-verbose\\fR\nSays more.\n");
    const struct options_command bare = {"undo", "", "Takes it back.", ""};
    buf_clear(&b);
    options_help(&b, "prog", &bare, NULL, 0);
    assert_string_equal(buf_text(&b), "usage: prog undo\n\nTakes it back.\n");
    buf_clear(&b);
    options_help_row(&b, "short", 9, "fits");
    options_help_row(&b, "longer", 9, "leaves a space");
    options_help_row(&b, "longest", 9, "does not");
    assert_string_equal(buf_text(&b), "  short  fits\n  longer leaves a space\n"
                                      "  longest\n         does not\n");
    buf_clear(&b);
    options_troff(&b, ".ethereum, a-b \\");
    assert_string_equal(buf_text(&b), "\\&.ethereum, a\\-b \\\\");
    buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepts),
        cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_help),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
