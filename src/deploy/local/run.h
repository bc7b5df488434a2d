/* A program run to its end. */
#ifndef DEPLOY_LOCAL_RUN_H
#define DEPLOY_LOCAL_RUN_H

#include "base/buf.h"

/* Runs arguments[0] with an empty standard input and this process's environment, waits, and appends what it printed
 * (both streams, at most 64 KiB; the rest is dropped). *ret_code is its exit code, or 128 + the signal that ended it.
 * ERR_IO, ERR_NOTFOUND, ERR_NOMEM. */
int deploy_run(int *ret_code, struct buf *output, const char *const *arguments,
               struct err_detail *detail) BASE_NODISCARD;

#endif
