/*
 * What many holders have together, over all threads: bytes that strangers cost. A change is an atomic operation on memory that all threads share, so
 * that holders of little are better not counted.
 */
#ifndef IO_SUM_H
#define IO_SUM_H

#include <stdatomic.h>
#include <stddef.h>

struct io_sum {
    atomic_size_t all;
};

/* A holder has `now`, and *part before: 0 at first and, for its end, at last. */
static inline void io_sum_change(struct io_sum *sum, size_t *part, size_t now)
{
    if (*part == now)
        return;
    atomic_fetch_add_explicit(&sum->all, now - *part, memory_order_relaxed);
    *part = now;
}

static inline size_t io_sum_of(struct io_sum *sum)
{
    return atomic_load_explicit(&sum->all, memory_order_relaxed);
}

#endif
