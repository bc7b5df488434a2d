/*
 * A prime field in Montgomery form: x is held as x * 2^(64 FP_LIMBS) mod p, always below p.
 *
 * The file that includes this has included one curve's constants before (FP_LIMBS, FP_INVERSE,
 * FP_P, FP_ONE, FP_SQUARED_R, ...), so that one set of names serves each curve in its own file.
 * Results may be operands everywhere.
 */
#ifndef CRYPTO_PAIRING_FP_H
#define CRYPTO_PAIRING_FP_H

#include "crypto/pairing/limbs.h"
#include "crypto/pairing/limbs_adx.h"

enum { FP_BYTES = 8 * FP_LIMBS };

/* A product that still waits for its reduction: any value below p * 2^(64 FP_LIMBS). Sums and
 * differences of such are kept in that range, which concerns their upper half only. */
struct fp_wide {
    uint64_t w[2 * FP_LIMBS];
};

static const struct fp fp_zero;

PAIRING_INLINE bool fp_is_zero(const struct fp *a)
{
    return limbs_is_zero(a->w, FP_LIMBS);
}

PAIRING_INLINE bool fp_equal(const struct fp *a, const struct fp *b)
{
    return limbs_equal(a->w, b->w, FP_LIMBS);
}

PAIRING_INLINE void fp_add(struct fp *r, const struct fp *a, const struct fp *b)
{
    uint64_t sum[FP_LIMBS];
    limbs_add(sum, a->w, b->w, FP_LIMBS);
    limbs_reduce_once(r->w, sum, FP_P.w, FP_LIMBS);
}

PAIRING_INLINE void fp_sub(struct fp *r, const struct fp *a, const struct fp *b)
{
    uint64_t difference[FP_LIMBS];
    unsigned char borrow = limbs_sub(difference, a->w, b->w, FP_LIMBS);
    limbs_add_if(r->w, difference, FP_P.w, borrow, FP_LIMBS);
}

PAIRING_INLINE void fp_double(struct fp *r, const struct fp *a)
{
    fp_add(r, a, a);
}

PAIRING_INLINE void fp_neg(struct fp *r, const struct fp *a)
{
    fp_sub(r, &fp_zero, a);
}

PAIRING_INLINE void fp_halve(struct fp *r, const struct fp *a)
{
    struct fp t;
    limbs_add_if(t.w, a->w, FP_P.w, a->w[0] & 1, FP_LIMBS);
    limbs_halve(t.w, 0, FP_LIMBS);
    *r = t;
}

PAIRING_FUNCTION void fp_mul(struct fp *r, const struct fp *a, const struct fp *b)
{
#ifdef LIMBS_HAVE_ADX
    if (BASE_LIKELY(limbs_cpu_has_adx())) {
        FP_ADX(limbs_mul_montgomery)(r->w, a->w, b->w, FP_P.w, FP_INVERSE);
        return;
    }
#endif
    limbs_mul_montgomery(r->w, a->w, b->w, FP_P.w, FP_INVERSE, FP_LIMBS);
}

PAIRING_INLINE void fp_sqr(struct fp *r, const struct fp *a)
{
    fp_mul(r, a, a);
}

/* Operands of the wide product may be sums: anything whose product stays below p * 2^(64 n). */
PAIRING_FUNCTION void fp_mul_wide(struct fp_wide *r, const struct fp *a, const struct fp *b)
{
#ifdef LIMBS_HAVE_ADX
    if (BASE_LIKELY(limbs_cpu_has_adx())) {
        FP_ADX(limbs_mul)(r->w, a->w, b->w);
        return;
    }
#endif
    limbs_mul(r->w, a->w, b->w, FP_LIMBS);
}

PAIRING_FUNCTION void fp_reduce(struct fp *r, const struct fp_wide *a)
{
#ifdef LIMBS_HAVE_ADX
    if (BASE_LIKELY(limbs_cpu_has_adx())) {
        FP_ADX(limbs_reduce_montgomery)(r->w, a->w, FP_P.w, FP_INVERSE);
        return;
    }
#endif
    limbs_reduce_montgomery(r->w, a->w, FP_P.w, FP_INVERSE, FP_LIMBS);
}

/* A sum of two that is known to be in range without reduction. */
PAIRING_INLINE void fp_add_lazy(struct fp *r, const struct fp *a, const struct fp *b)
{
    limbs_add(r->w, a->w, b->w, FP_LIMBS);
}

PAIRING_INLINE void fp_wide_add(struct fp_wide *r, const struct fp_wide *a, const struct fp_wide *b)
{
    struct fp_wide sum;
    limbs_add(sum.w, a->w, b->w, 2 * FP_LIMBS);
    memcpy(r->w, sum.w, FP_BYTES);
    limbs_reduce_once(r->w + FP_LIMBS, sum.w + FP_LIMBS, FP_P.w, FP_LIMBS);
}

PAIRING_INLINE void fp_wide_sub(struct fp_wide *r, const struct fp_wide *a, const struct fp_wide *b)
{
    unsigned char borrow = limbs_sub(r->w, a->w, b->w, 2 * FP_LIMBS);
    limbs_add_if(r->w + FP_LIMBS, r->w + FP_LIMBS, FP_P.w, borrow, FP_LIMBS);
}

/* The difference of two of which the first is known to be the larger. */
PAIRING_INLINE void fp_wide_sub_lazy(struct fp_wide *r, const struct fp_wide *a,
                                     const struct fp_wide *b)
{
    limbs_sub(r->w, a->w, b->w, 2 * FP_LIMBS);
}

/* From big endian bytes; false when the number is not below p. */
static inline bool fp_load(struct fp *r, const uint8_t *be)
{
    struct fp t;
    limbs_load(t.w, be, FP_LIMBS);
    if (!limbs_less(t.w, FP_P.w, FP_LIMBS))
        return false;
    fp_mul(r, &t, &FP_SQUARED_R);
    return true;
}

/* Out of Montgomery form. */
static inline void fp_to_plain(uint64_t *ret_plain, const struct fp *a)
{
    struct fp_wide t = {{0}};
    memcpy(t.w, a->w, FP_BYTES);
    struct fp plain;
    fp_reduce(&plain, &t);
    memcpy(ret_plain, plain.w, FP_BYTES);
}

static inline void fp_store(uint8_t *be, const struct fp *a)
{
    uint64_t plain[FP_LIMBS];
    fp_to_plain(plain, a);
    limbs_store(be, plain, FP_LIMBS);
}

/* r = a^e for an exponent of `limbs` limbs, four bits at a time. */
PAIRING_FUNCTION void fp_pow(struct fp *r, const struct fp *a, const uint64_t *e, int limbs)
{
    struct fp powers[16];
    powers[0] = FP_ONE;
    for (int i = 1; i < 16; i++)
        fp_mul(&powers[i], &powers[i - 1], a);
    struct fp t = FP_ONE;
    for (int bit = 64 * limbs - 4; bit >= 0; bit -= 4) {
        for (int i = 0; i < 4; i++)
            fp_sqr(&t, &t);
        fp_mul(&t, &t, &powers[e[bit / 64] >> (bit % 64) & 15]);
    }
    *r = t;
}

#include "crypto/pairing/fp_inverse.h"

/* A root of a, when there is one: p = 3 mod 4 for both curves, so a^((p+1)/4) is the candidate. */
PAIRING_FUNCTION bool fp_sqrt(struct fp *r, const struct fp *a)
{
    struct fp root, square;
    fp_pow(&root, a, FP_EXPONENT_ROOT.w, FP_LIMBS);
    fp_sqr(&square, &root);
    if (!fp_equal(&square, a))
        return false;
    *r = root;
    return true;
}

#endif
