/* Meters and timers, beside what go-ethereum's give for the same events. */
#include "base/mem.h"
#include "rpc/figures/samples.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const uint64_t second = 1000000000;

static void assert_near(double a, double b)
{
    double off = a > b ? a - b : b - a;
    assert_true(off <= 1e-9 * (b < 0 ? -b : b) + 1e-15);
}

static void test_rates(void **state)
{
    (void)state;
    struct rpc_rates rates = {.uncounted = 0};
    rpc_rates_advance(&rates, 100 * second);
    rates.uncounted += 10;
    rpc_rates_advance(&rates, 105 * second - 1);
    assert_false(rates.stepped);
    rpc_rates_advance(&rates, 105 * second);
    assert_near(rates.m1, 2); /* the first step is taken as it is */
    assert_near(rates.m5, 2);
    assert_near(rates.m15, 2);
    rates.uncounted += 5;
    rpc_rates_advance(&rates, 111 * second);
    assert_near(rates.m1, 2 + 0.07995558537067671 * (1 - 2));
    assert_near(rates.m5, 2 + 0.01652854617838251 * (1 - 2));
    assert_near(rates.m15, 2 + 0.005540151995103271 * (1 - 2));
    /* a minute without events: a twelfth of it each step */
    double before = rates.m1;
    rpc_rates_advance(&rates, 170 * second);
    assert_near(rates.m1, before * 0.36787944117144233);
    assert_near(rpc_rates_mean(&rates, 15, 250 * second), 0.1);
    /* stepped one at a time it is the same */
    struct rpc_rates single = {.uncounted = 0};
    rpc_rates_advance(&single, 100 * second);
    single.uncounted += 10;
    rpc_rates_advance(&single, 105 * second);
    single.uncounted += 5;
    for (uint64_t at = 106; at <= 170; at++)
        rpc_rates_advance(&single, at * second);
    assert_near(single.m1, rates.m1);
    assert_near(single.m15, rates.m15);
    /* and long afterwards there is nothing left */
    rpc_rates_advance(&rates, UINT64_MAX / 2);
    assert_true(rates.m15 == 0);
}

static void test_no_rates(void **state)
{
    (void)state;
    const struct rpc_rates rates = {.uncounted = 0};
    assert_true(rpc_rates_mean(&rates, 0, 5) == 0);
}

static void test_timer(void **state)
{
    (void)state;
    struct rpc_samples *samples = mem_alloc_zeroed(1, sizeof(*samples));
    struct rpc_timer timer;
    assert_non_null(samples);
    rpc_samples_read(samples, 9 * second, &timer);
    assert_int_equal(timer.count, 0);
    assert_int_equal(timer.max, 0);
    assert_true(timer.mean == 0 && timer.variance == 0 && timer.rates.m1 == 0);
    for (uint64_t i = 1; i <= 4; i++)
        rpc_samples_add(samples, 5 - i, 100 * second);
    rpc_samples_read(samples, 105 * second, &timer);
    assert_int_equal(timer.count, 4);
    assert_int_equal(timer.min, 1);
    assert_int_equal(timer.max, 4);
    assert_near(timer.mean, 2.5);
    assert_near(timer.variance, 1.25);
    assert_near(timer.quantiles[0], 2.5);
    assert_near(timer.quantiles[1], 3.75);
    assert_near(timer.quantiles[5], 4);
    assert_near(timer.rates.m1, 0.8);
    assert_false(samples->rates.stepped); /* reading leaves it as it was */
    /* the count goes on, times are those of the last RPC_SAMPLES */
    for (uint64_t i = 0; i < RPC_SAMPLES; i++)
        rpc_samples_add(samples, 7, 106 * second);
    rpc_samples_read(samples, 106 * second, &timer);
    assert_int_equal(timer.count, 4 + RPC_SAMPLES);
    assert_int_equal(timer.min, 7);
    assert_near(timer.mean, 7);
    mem_free(samples);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rates),
        cmocka_unit_test(test_no_rates),
        cmocka_unit_test(test_timer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
