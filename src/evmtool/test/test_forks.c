/* State tests of our own, fork by fork; each says what it shows in its "_info". Both interpreters. */
#include "evmtool/statetest.h"
#include "evmtool/world.h"
#include "tests/support/fixtures.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct suite {
    const char *file; /* from the root of the sources */
    size_t cases;
    bool plain;
};

static struct suite suites[] = {
    {"src/evmtool/test/vectors/before_berlin.json", 121, false},
    {"src/evmtool/test/vectors/before_berlin.json", 121, true},
    {"src/evmtool/test/vectors/prague.json", 66, false},
    {"src/evmtool/test/vectors/prague.json", 66, true},
    {"src/evmtool/test/vectors/osaka.json", 44, false},
    {"src/evmtool/test/vectors/osaka.json", 44, true},
};

struct tally {
    bool plain;
    size_t cases, failed;
};

static void count_case(void *context, const struct evmtool_statetest_result *result)
{
    struct tally *tally = context;
    tally->cases++;
    if (result->pass)
        return;
    tally->failed++;
    print_error("%s [%s]: %s\n", result->test, result->fork, result->cause);
}

static void run_file(const char *path, void *context)
{
    struct tally *tally = context;
    struct evmtool_statetest_options options = {.all_forks = true, .plain = tally->plain};
    struct evmtool_world *world;
    struct err_detail detail = {""};
    assert_int_equal(evmtool_world_new(&world), ERR_OK);
    int status = evmtool_statetest_file(world, path, &options, count_case, tally, &detail);
    evmtool_world_free(world);
    if (status != ERR_OK)
        fail_msg("%s", detail.text);
}

static void every_case_passes(void **state)
{
    const struct suite *suite = *state;
    struct tally tally = {.plain = suite->plain};
    assert_int_equal(fixtures_each_own(suite->file, run_file, &tally), 1);
    assert_int_equal(tally.failed, 0);
    assert_int_equal(tally.cases, suite->cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"before Berlin", every_case_passes, NULL, NULL, &suites[0]},
        {"before Berlin, plain interpreter", every_case_passes, NULL, NULL, &suites[1]},
        {"Prague", every_case_passes, NULL, NULL, &suites[2]},
        {"Prague, plain interpreter", every_case_passes, NULL, NULL, &suites[3]},
        {"Osaka", every_case_passes, NULL, NULL, &suites[4]},
        {"Osaka, plain interpreter", every_case_passes, NULL, NULL, &suites[5]},
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
