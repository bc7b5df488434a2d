/*
 * `io` is the node's only door to sockets, clocks and threads: thin over libuv. Read this file first, then
 * stream.h; each of the others stands alone.
 *
 * One thread, the loop's, calls io_loop_run and with it every callback of this library. All functions are
 * for that thread alone, except where a header says otherwise. Nothing here blocks but what says so.
 *
 * Objects live on the loop: whoever made one closes it, and the loop is freed last. Closing is safe inside
 * any callback, the object's own included; after a `…_close` or `…_free` has returned, none of its callbacks
 * comes any more.
 */
#ifndef IO_LOOP_H
#define IO_LOOP_H

#include "base/error.h"

#include <stdbool.h>

struct io_loop;

typedef void io_fn(void *context);

/* ERR_NOMEM, ERR_IO. SIGPIPE is ignored from the first loop on, as every network program needs it. */
int io_loop_new(struct io_loop **ret_loop) BASE_NODISCARD;
/* All objects of the loop must have been closed (workers freed). Posted functions that have not run yet run
 * here. NULL is fine. */
void io_loop_free(struct io_loop *loop);

/* Serves until io_loop_stop; callable again afterwards. */
void io_loop_run(struct io_loop *loop);
/* Makes io_loop_run return after the callback under way; remembered when it is not running yet. */
void io_loop_stop(struct io_loop *loop);
/* Waits for something to happen (or not, when `wait` is false), serves it, and returns: for tests, and for
 * programs that wait for one answer. */
void io_loop_turn(struct io_loop *loop, bool wait);

/* Milliseconds of a clock that never jumps, taken at the beginning of the turn. */
uint64_t io_loop_now(const struct io_loop *loop);
/* Milliseconds since 1970 by the machine's clock, which may jump; asked afresh at each call. */
uint64_t io_loop_wall_ms(const struct io_loop *loop);

/* From any thread: runs fn(context) on the loop, in the order of posting. ERR_NOMEM. */
int io_loop_post(struct io_loop *loop, io_fn *fn, void *context) BASE_NODISCARD;

#endif
