/*
 * Failures of this machine and of outside input.
 *
 * Three kinds of result are never mixed (architecture, rule 2): an outcome that a protocol defines
 * is an enum of its own library and is never negative; what is here is negative and means that the
 * operation could not be done at all; a bug is an assert.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include "base/compiler.h"

/* X(name, code, text) */
#define ERR_LIST(X)                                                                                \
    X(ERR_NOMEM, -1, "out of memory")                                                              \
    X(ERR_IO, -2, "input/output error")                                                            \
    X(ERR_NOSPACE, -3, "no space left on the disk")                                                \
    X(ERR_CORRUPT, -4, "stored data is damaged")                                                   \
    X(ERR_INPUT, -5, "malformed input")                                                            \
    X(ERR_LIMIT, -6, "a size limit is exceeded")                                                   \
    X(ERR_NOTFOUND, -7, "not found")                                                               \
    X(ERR_EXISTS, -8, "exists already")                                                            \
    X(ERR_BUSY, -9, "in use by another process")                                                   \
    X(ERR_UNSUPPORTED, -10, "not supported")                                                       \
    X(ERR_CRYPTO, -11, "a cryptographic library failed")                                           \
    X(ERR_USAGE, -12, "wrong use")                                                                 \
    X(ERR_TIMEOUT, -13, "out of time")

enum {
    ERR_OK = 0,
#define X(name, code, text) name = code,
    ERR_LIST(X)
#undef X
};

/* "ERR_NOMEM" and "out of memory". `code` is 0 or one of the list; anything else reads "unknown".
 */
const char *err_name(int code);
const char *err_text(int code);

/* Where a function can say more than a code: which thing, at which place, what to do. */
struct err_detail {
    char text[512];
};

/* Writes the message (cut at the size of `text`) and returns `code`. `detail` may be NULL. */
int err_set(struct err_detail *detail, int code, const char *format, ...) BASE_PRINTF(3, 4);

/* Puts "<prefix>: " before the message that is there, for callers who know the place. Returns
 * `code`. */
int err_prefix(struct err_detail *detail, int code, const char *format, ...) BASE_PRINTF(3, 4);

/* The code for an errno value (ENOMEM, ENOSPC, EDQUOT, ENOENT, EEXIST; all others ERR_IO). */
int err_from_errno(int errnum);

#endif
