/* A thread that serves a loop of its own, beside the program's. */
#ifndef IO_THREAD_H
#define IO_THREAD_H

#include "io/loop.h"

struct io_thread;

/* `name` is what the system shows of it (15 characters). ERR_NOMEM, ERR_IO: no more threads. */
int io_thread_new(struct io_thread **ret_thread, const char *name) BASE_NODISCARD;
struct io_loop *io_thread_loop(const struct io_thread *thread);
/* Runs fn(context) on the thread, and waits until it has: for objects of its loop to be made and freed. From another thread. */
void io_thread_call(struct io_thread *thread, io_fn *fn, void *context);
/* The objects of its loop must have been closed. What was posted to it runs first. NULL is fine. */
void io_thread_free(struct io_thread *thread);

#endif
