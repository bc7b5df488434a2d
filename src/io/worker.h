/* A thread with a queue, for what would keep the loop waiting. */
#ifndef IO_WORKER_H
#define IO_WORKER_H

#include "io/loop.h"

struct io_worker;

/* ERR_NOMEM, ERR_IO. */
int io_worker_new(struct io_worker **ret_worker, struct io_loop *loop) BASE_NODISCARD;
/* Waits until all jobs have run, and calls their `done` functions that are still to come. Jobs that these add run
 * too. NULL is fine. Not inside a `done` of this worker. */
void io_worker_free(struct io_worker *worker);

/* work(context) on the worker's thread, then done(context) (may be NULL) on the loop. Jobs run one at a time in
 * the order of this call; so do their `done`s. ERR_NOMEM. On the loop's thread only. */
int io_worker_run(struct io_worker *worker, io_fn *work, io_fn *done, void *context) BASE_NODISCARD;
/* Jobs whose `done` has not been called yet. */
size_t io_worker_pending(const struct io_worker *worker);

#endif
