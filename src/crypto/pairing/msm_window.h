/* What the bucket method of msm.inc needs of scalars, the same for every group. */
#ifndef CRYPTO_PAIRING_MSM_WINDOW_H
#define CRYPTO_PAIRING_MSM_WINDOW_H

#include "crypto/pairing/limbs.h"

/* The widest window: 2^11 buckets. Wider ones would pay from some 50,000 terms on. */
enum { MSM_WINDOW_MAX = 12 };

/* A short scalar plus the half of every window: window i less that half is a signed digit. */
struct msm_scalar {
    uint64_t w[3];
    bool negative;
};

/* The width for which windows times (an addition for each term, two for each bucket, a few
 * inversions) is the least; weights are products of the field. */
static inline int msm_window_width(size_t terms, int bits)
{
    int best = 2;
    size_t best_cost = SIZE_MAX;
    for (int width = 2; width <= MSM_WINDOW_MAX; width++) {
        size_t windows = (size_t)(bits / width + 1);
        size_t cost = windows * (6 * terms + ((size_t)27 << (width - 1)) + 300);
        if (cost < best_cost) {
            best = width;
            best_cost = cost;
        }
    }
    return best;
}

static inline void msm_scalar_set(struct msm_scalar *r, const struct short_scalar *k, int width,
                                  int windows)
{
    uint64_t halves[3] = {0}, value[3] = {k->w[0], k->w[1], 0};
    for (int i = 0; i < windows; i++) {
        int bit = i * width + width - 1;
        halves[bit / 64] |= (uint64_t)1 << bit % 64;
    }
    limbs_add(r->w, value, halves, 3);
    r->negative = k->negative;
}

/* The digit of window `i`, between -2^(width - 1) and 2^(width - 1), the scalar's sign included. */
static inline int msm_digit(const struct msm_scalar *k, int width, int i)
{
    int bit = i * width, word = bit / 64, shift = bit % 64;
    uint64_t bits = k->w[word] >> shift;
    if (shift && word + 1 < 3)
        bits |= k->w[word + 1] << (64 - shift);
    int digit = (int)(bits & (((uint64_t)1 << width) - 1)) - (1 << (width - 1));
    return k->negative ? -digit : digit;
}

#endif
