/* Shared by the benchmarks of crypto: the shortest of some runs, which other load disturbs least.
 */
#ifndef CRYPTO_BENCH_MEASURE_H
#define CRYPTO_BENCH_MEASURE_H

#include "base/compiler.h"

#include <stdio.h>
#include <time.h>

enum { MEASURE_RUNS = 15 };

static inline double measure_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Nanoseconds for each of the `count` operations that one call of fn makes. */
static inline double measure(void (*fn)(void *context), void *context, size_t count)
{
    double best = 0;
    for (int run = 0; run < MEASURE_RUNS; run++) {
        double begun = measure_now();
        fn(context);
        double each = (measure_now() - begun) / (double)count;
        best = run == 0 || each < best ? each : best;
    }
    return best;
}

/* One line: what, by which implementation, time, and how many times faster than `reference` (0:
 * this is the reference). */
static inline void measure_print(const char *what, const char *by, double nanoseconds,
                                 double reference)
{
    printf("%-28s %-24s %12.1f ns", what, by, nanoseconds);
    if (reference > 0)
        printf(" %8.2fx", reference / nanoseconds);
    printf("\n");
}

#endif
