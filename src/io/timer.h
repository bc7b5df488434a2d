/* One-shot timers, embedded in their owner. They cost nothing while they are not started, starting cannot
 * fail, and there are no limits to their number: a heap of them stands on one timer of the system. */
#ifndef IO_TIMER_H
#define IO_TIMER_H

#include "io/loop.h"

/* Read and written by timer.c alone. */
struct io_timer {
    struct io_loop *loop;
    io_fn *fn;
    void *context;
    uint64_t due;   /* by io_loop_now */
    uint64_t order; /* of starting: timers due together fire in this order */
    struct io_timer *child, *next, *back;
    bool started;
};

void io_timer_init(struct io_timer *timer, struct io_loop *loop, io_fn *fn, void *context);
/* Calls fn(context) once, `after_ms` from now (0: in the next turn), not earlier. Starting a started timer
 * moves it. fn may start it again. */
void io_timer_start(struct io_timer *timer, uint64_t after_ms);
/* Does nothing when it is not started. A timer must be stopped before its memory goes. */
void io_timer_stop(struct io_timer *timer);

static inline bool io_timer_started(const struct io_timer *timer)
{
    return timer->started;
}

#endif
