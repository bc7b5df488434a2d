/*
 * Memory for what clients of this process' servers have sent and what is not done with: requests and messages that are not whole yet or not answered, and
 * what was sent behind them. For all servers and threads together; what goes the other way is io_streams_waiting.
 *
 * Who has his share is not counted and never refused. Who wants more is, while all together have more than the server allows.
 */
#ifndef IO_HELD_H
#define IO_HELD_H

#include "io/sum.h"

#include <stdbool.h>

enum { IO_HELD_SHARE = 64 * 1024 }; /* bytes; a read's, so that each connection can have one */

extern struct io_sum io_held_sum;

static inline size_t io_held(void)
{
    return io_sum_of(&io_held_sum);
}

/* Whether all have more than `max`; 0: no bound. */
static inline bool io_held_is_full(size_t max)
{
    return max && io_held() > max;
}

/* A holder has memory for so many bytes, *part being the holder's own note; 0 at first, and at last. */
static inline void io_held_set(size_t *part, size_t capacity)
{
    io_sum_change(&io_held_sum, part, capacity > IO_HELD_SHARE ? capacity : 0);
}

/* The same. False: it has become more, and may not, for all have more than `max`. */
static inline bool io_held_may_grow(size_t *part, size_t capacity, size_t max)
{
    size_t before = *part;
    io_held_set(part, capacity);
    return *part <= before || !io_held_is_full(max);
}

#endif
