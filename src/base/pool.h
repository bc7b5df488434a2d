/*
 * A fixed set of threads that work through an array. Work is handed out in small runs, so uneven
 * items even out.
 */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include "base/error.h"

struct pool;

/* One item; runs on any thread, `worker` is 0 … pool_workers - 1 and never used by two at once. */
typedef void pool_fn(void *context, size_t index, unsigned worker);

/* `threads` in all, the caller's included; 0 takes one per processor. ERR_NOMEM, ERR_IO. */
int pool_new(struct pool **ret_pool, unsigned threads) BASE_NODISCARD;
/* Waits for nothing: no pool_run may be under way. NULL is fine. */
void pool_free(struct pool *pool);
unsigned pool_workers(const struct pool *pool);

/* Calls fn for 0 … count - 1 and returns when all are done. The caller works too. Not re-entrant.
 * `pool` may be NULL: then the caller does all. */
void pool_run(struct pool *pool, size_t count, pool_fn *fn, void *context);

#endif
