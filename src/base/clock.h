/* The monotonic clock, for deadlines and durations. Protocol code has none: it is told the time. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

/* Since some moment before the program's start: only differences mean something. */
uint64_t base_now_ms(void);
uint64_t base_now_ns(void);
double base_now_seconds(void);

#endif
