#include "base/clock.h"

#include <time.h>

uint64_t base_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t base_now_ms(void)
{
    return base_now_ns() / 1000000;
}

double base_now_seconds(void)
{
    return (double)base_now_ns() / 1e9;
}
