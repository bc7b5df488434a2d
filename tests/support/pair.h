/* A certificate and its key, made on the spot. */
#ifndef TESTS_SUPPORT_PAIR_H
#define TESTS_SUPPORT_PAIR_H

#include "base/buf.h"

/* PEM, both. */
struct pair {
    struct buf certificate, key;
};

/* For a `host`; NULL: an authority. `issuer` has signed it; NULL: itself. Released by pair_release. */
void pair_make(struct pair *ret_pair, const char *name, const char *host,
               const struct pair *issuer);
void pair_release(struct pair *pair);

#endif
