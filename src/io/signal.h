/* Signals of the system, as callbacks on the loop. */
#ifndef IO_SIGNAL_H
#define IO_SIGNAL_H

#include "io/loop.h"

struct io_signal;

/* fn(context) at each `signum` (SIGINT, SIGTERM, SIGHUP, SIGUSR1, …). ERR_NOMEM, ERR_IO. */
int io_signal_new(struct io_signal **ret_signal, struct io_loop *loop, int signum, io_fn *fn,
                  void *context) BASE_NODISCARD;
/* NULL is fine. */
void io_signal_free(struct io_signal *sig);

#endif
