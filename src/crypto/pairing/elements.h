/* The elements of a curve's fields, for the FP_LIMBS of the constants that include this. */
#ifndef CRYPTO_PAIRING_ELEMENTS_H
#define CRYPTO_PAIRING_ELEMENTS_H

#include "base/u256.h"

/* In Montgomery form, the least significant limb first: see fp.h. */
struct fp {
    uint64_t w[FP_LIMBS];
};

/* c0 + c1 u with u^2 = -1. */
struct fp2 {
    struct fp c0, c1;
};

#endif
