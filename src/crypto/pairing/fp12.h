/*
 * The tower above Fp2: Fp6 = Fp2[v] / (v^3 - xi) and Fp12 = Fp6[w] / (w^2 - v), for both curves.
 *
 * So w^6 = xi, and c0.c0, c1.c0, c0.c1, c1.c1, c0.c2, c1.c2 are the coefficients of w^0 ... w^5.
 */
#ifndef CRYPTO_PAIRING_FP12_H
#define CRYPTO_PAIRING_FP12_H

#include "crypto/pairing/fp2.h"

struct fp6 {
    struct fp2 c0, c1, c2;
};

struct fp12 {
    struct fp6 c0, c1;
};

PAIRING_INLINE void fp6_add(struct fp6 *r, const struct fp6 *a, const struct fp6 *b)
{
    fp2_add(&r->c0, &a->c0, &b->c0);
    fp2_add(&r->c1, &a->c1, &b->c1);
    fp2_add(&r->c2, &a->c2, &b->c2);
}

PAIRING_INLINE void fp6_sub(struct fp6 *r, const struct fp6 *a, const struct fp6 *b)
{
    fp2_sub(&r->c0, &a->c0, &b->c0);
    fp2_sub(&r->c1, &a->c1, &b->c1);
    fp2_sub(&r->c2, &a->c2, &b->c2);
}

PAIRING_INLINE void fp6_neg(struct fp6 *r, const struct fp6 *a)
{
    fp2_neg(&r->c0, &a->c0);
    fp2_neg(&r->c1, &a->c1);
    fp2_neg(&r->c2, &a->c2);
}

/* r = a v */
PAIRING_INLINE void fp6_mul_v(struct fp6 *r, const struct fp6 *a)
{
    struct fp2 t;
    fp2_mul_xi(&t, &a->c2);
    r->c2 = a->c1;
    r->c1 = a->c0;
    r->c0 = t;
}

/* (a0 + a1)(b0 + b1) - p0 - p1: the mixed terms of a product from its outer ones. */
PAIRING_INLINE void fp2_mul_mixed(struct fp2_wide *r, const struct fp2 *a0, const struct fp2 *a1,
                                  const struct fp2 *b0, const struct fp2 *b1,
                                  const struct fp2_wide *p0, const struct fp2_wide *p1)
{
    struct fp2 sum_a, sum_b;
    fp2_add(&sum_a, a0, a1);
    fp2_add(&sum_b, b0, b1);
    fp2_mul_wide(r, &sum_a, &sum_b);
    fp2_wide_sub(r, r, p0);
    fp2_wide_sub(r, r, p1);
}

/* Karatsuba's six products, each coordinate of the result reduced once. */
PAIRING_FUNCTION void fp6_mul(struct fp6 *r, const struct fp6 *a, const struct fp6 *b)
{
    struct fp2_wide p0, p1, p2, t;
    struct fp6 out;
    fp2_mul_wide(&p0, &a->c0, &b->c0);
    fp2_mul_wide(&p1, &a->c1, &b->c1);
    fp2_mul_wide(&p2, &a->c2, &b->c2);

    fp2_mul_mixed(&t, &a->c1, &a->c2, &b->c1, &b->c2, &p1, &p2); /* c0 = p0 + xi t */
    fp2_wide_mul_xi(&t, &t);
    fp2_wide_add(&t, &t, &p0);
    fp2_reduce(&out.c0, &t);

    fp2_mul_mixed(&t, &a->c0, &a->c1, &b->c0, &b->c1, &p0, &p1); /* c1 = t + xi p2 */
    struct fp2_wide xi_p2;
    fp2_wide_mul_xi(&xi_p2, &p2);
    fp2_wide_add(&t, &t, &xi_p2);
    fp2_reduce(&out.c1, &t);

    fp2_mul_mixed(&t, &a->c0, &a->c2, &b->c0, &b->c2, &p0, &p2); /* c2 = t + p1 */
    fp2_wide_add(&t, &t, &p1);
    fp2_reduce(&out.c2, &t);
    *r = out;
}

/* r = a (b0 + b1 v) */
PAIRING_FUNCTION void fp6_mul_01(struct fp6 *r, const struct fp6 *a, const struct fp2 *b0,
                                 const struct fp2 *b1)
{
    struct fp2_wide p0, p1, t;
    struct fp6 out;
    fp2_mul_wide(&p0, &a->c0, b0);
    fp2_mul_wide(&p1, &a->c1, b1);

    fp2_mul_wide(&t, &a->c2, b1); /* c0 = p0 + xi a2 b1 */
    fp2_wide_mul_xi(&t, &t);
    fp2_wide_add(&t, &t, &p0);
    fp2_reduce(&out.c0, &t);

    fp2_mul_mixed(&t, &a->c0, &a->c1, b0, b1, &p0, &p1); /* c1 = a0 b1 + a1 b0 */
    fp2_reduce(&out.c1, &t);

    fp2_mul_wide(&t, &a->c2, b0); /* c2 = a2 b0 + p1 */
    fp2_wide_add(&t, &t, &p1);
    fp2_reduce(&out.c2, &t);
    *r = out;
}

PAIRING_INLINE void fp6_mul_fp2(struct fp6 *r, const struct fp6 *a, const struct fp2 *b)
{
    fp2_mul(&r->c0, &a->c0, b);
    fp2_mul(&r->c1, &a->c1, b);
    fp2_mul(&r->c2, &a->c2, b);
}

/* By the norm to Fp2; zero for zero. */
PAIRING_FUNCTION void fp6_inverse(struct fp6 *r, const struct fp6 *a)
{
    struct fp2 t0, t1, t2, norm, t;
    fp2_sqr(&t0, &a->c0); /* t0 = a0^2 - xi a1 a2 */
    fp2_mul(&t, &a->c1, &a->c2);
    fp2_mul_xi(&t, &t);
    fp2_sub(&t0, &t0, &t);
    fp2_sqr(&t1, &a->c2); /* t1 = xi a2^2 - a0 a1 */
    fp2_mul_xi(&t1, &t1);
    fp2_mul(&t, &a->c0, &a->c1);
    fp2_sub(&t1, &t1, &t);
    fp2_sqr(&t2, &a->c1); /* t2 = a1^2 - a0 a2 */
    fp2_mul(&t, &a->c0, &a->c2);
    fp2_sub(&t2, &t2, &t);

    fp2_mul(&norm, &a->c2, &t1); /* a0 t0 + xi (a2 t1 + a1 t2) */
    fp2_mul(&t, &a->c1, &t2);
    fp2_add(&norm, &norm, &t);
    fp2_mul_xi(&norm, &norm);
    fp2_mul(&t, &a->c0, &t0);
    fp2_add(&norm, &norm, &t);
    fp2_inverse(&norm, &norm);
    fp2_mul(&r->c0, &t0, &norm);
    fp2_mul(&r->c1, &t1, &norm);
    fp2_mul(&r->c2, &t2, &norm);
}

static inline void fp12_set_one(struct fp12 *r)
{
    *r = (struct fp12){0};
    r->c0.c0.c0 = FP_ONE;
}

static inline bool fp12_is_one(const struct fp12 *a)
{
    struct fp12 one;
    fp12_set_one(&one);
    return limbs_equal(a->c0.c0.c0.w, one.c0.c0.c0.w, 12 * FP_LIMBS);
}

PAIRING_FUNCTION void fp12_mul(struct fp12 *r, const struct fp12 *a, const struct fp12 *b)
{
    struct fp6 p0, p1, sum_a, sum_b;
    fp6_mul(&p0, &a->c0, &b->c0);
    fp6_mul(&p1, &a->c1, &b->c1);
    fp6_add(&sum_a, &a->c0, &a->c1);
    fp6_add(&sum_b, &b->c0, &b->c1);
    fp6_mul(&r->c1, &sum_a, &sum_b);
    fp6_sub(&r->c1, &r->c1, &p0);
    fp6_sub(&r->c1, &r->c1, &p1);
    fp6_mul_v(&p1, &p1);
    fp6_add(&r->c0, &p0, &p1);
}

/* (a0 + a1)(a0 + v a1) = a0^2 + v a1^2 + (1 + v) a0 a1 */
PAIRING_FUNCTION void fp12_sqr(struct fp12 *r, const struct fp12 *a)
{
    struct fp6 product, sum, other;
    fp6_mul_v(&other, &a->c1);
    fp6_add(&other, &other, &a->c0);
    fp6_add(&sum, &a->c0, &a->c1);
    fp6_mul(&product, &a->c0, &a->c1);
    fp6_mul(&sum, &sum, &other);
    fp6_sub(&sum, &sum, &product);
    fp6_add(&r->c1, &product, &product);
    fp6_mul_v(&product, &product);
    fp6_sub(&r->c0, &sum, &product);
}

/* a^(p^6), which is the inverse of elements that the easy part of a final exponentiation gives. */
PAIRING_INLINE void fp12_conjugate(struct fp12 *r, const struct fp12 *a)
{
    r->c0 = a->c0;
    fp6_neg(&r->c1, &a->c1);
}

/* By the norm to Fp6; zero for zero. */
PAIRING_FUNCTION void fp12_inverse(struct fp12 *r, const struct fp12 *a)
{
    struct fp6 norm, t;
    fp6_mul(&norm, &a->c0, &a->c0);
    fp6_mul(&t, &a->c1, &a->c1);
    fp6_mul_v(&t, &t);
    fp6_sub(&norm, &norm, &t);
    fp6_inverse(&norm, &norm);
    fp6_mul(&r->c0, &a->c0, &norm);
    fp6_mul(&t, &a->c1, &norm);
    fp6_neg(&r->c1, &t);
}

/* a^p: the coefficient of w^i is conjugated and multiplied by xi^(i (p-1) / 6). */
PAIRING_FUNCTION void fp12_frobenius(struct fp12 *r, const struct fp12 *a)
{
    fp2_conjugate(&r->c0.c0, &a->c0.c0);
    fp2_conjugate(&r->c1.c0, &a->c1.c0);
    fp2_conjugate(&r->c0.c1, &a->c0.c1);
    fp2_conjugate(&r->c1.c1, &a->c1.c1);
    fp2_conjugate(&r->c0.c2, &a->c0.c2);
    fp2_conjugate(&r->c1.c2, &a->c1.c2);
    fp2_mul(&r->c1.c0, &r->c1.c0, &FP2_FROBENIUS[1]);
    fp2_mul(&r->c0.c1, &r->c0.c1, &FP2_FROBENIUS[2]);
    fp2_mul(&r->c1.c1, &r->c1.c1, &FP2_FROBENIUS[3]);
    fp2_mul(&r->c0.c2, &r->c0.c2, &FP2_FROBENIUS[4]);
    fp2_mul(&r->c1.c2, &r->c1.c2, &FP2_FROBENIUS[5]);
}

/* (a + b s)^2 with s^2 = xi */
PAIRING_INLINE void fp4_sqr(struct fp2 *r0, struct fp2 *r1, const struct fp2 *a,
                            const struct fp2 *b)
{
    struct fp2 sqr_a, sqr_b, sum;
    fp2_sqr(&sqr_a, a);
    fp2_sqr(&sqr_b, b);
    fp2_add(&sum, a, b);
    fp2_sqr(&sum, &sum);
    fp2_sub(&sum, &sum, &sqr_a);
    fp2_sub(r1, &sum, &sqr_b);
    fp2_mul_xi(&sqr_b, &sqr_b);
    fp2_add(r0, &sqr_a, &sqr_b);
}

/* z = 3 t - 2 z, or 3 t + 2 z. */
PAIRING_INLINE void fp2_cyclotomic_less(struct fp2 *z, const struct fp2 *t)
{
    fp2_sub(z, t, z);
    fp2_double(z, z);
    fp2_add(z, z, t);
}

PAIRING_INLINE void fp2_cyclotomic_more(struct fp2 *z, const struct fp2 *t)
{
    fp2_add(z, t, z);
    fp2_double(z, z);
    fp2_add(z, z, t);
}

/* The square of an element whose order divides p^4 - p^2 + 1 (Granger and Scott, eprint 2009/565).
 */
PAIRING_FUNCTION void fp12_cyclotomic_sqr(struct fp12 *a)
{
    struct fp2 t0, t1, t2, t3;
    fp4_sqr(&t0, &t1, &a->c0.c0, &a->c1.c1);
    fp2_cyclotomic_less(&a->c0.c0, &t0);
    fp2_cyclotomic_more(&a->c1.c1, &t1);
    fp4_sqr(&t0, &t1, &a->c1.c0, &a->c0.c2);
    fp4_sqr(&t2, &t3, &a->c0.c1, &a->c1.c2);
    fp2_cyclotomic_less(&a->c0.c1, &t0);
    fp2_cyclotomic_more(&a->c1.c2, &t1);
    fp2_mul_xi(&t3, &t3);
    fp2_cyclotomic_more(&a->c1.c0, &t3);
    fp2_cyclotomic_less(&a->c0.c2, &t2);
}

/* r = a^e for an `a` as above; e is given by signed binary digits, the highest (1) first. */
PAIRING_FUNCTION void fp12_cyclotomic_pow(struct fp12 *r, const struct fp12 *a,
                                          const int8_t *digits, int count)
{
    struct fp12 base = *a, inverse, t = *a;
    fp12_conjugate(&inverse, a);
    for (int i = 1; i < count; i++) {
        fp12_cyclotomic_sqr(&t);
        if (digits[i])
            fp12_mul(&t, &t, digits[i] > 0 ? &base : &inverse);
    }
    *r = t;
}

/* The easy part of a final exponentiation: a^((p^6 - 1)(p^2 + 1)). */
static inline void fp12_easy_part(struct fp12 *r, const struct fp12 *a)
{
    struct fp12 t, inverse;
    fp12_conjugate(&t, a);
    fp12_inverse(&inverse, a);
    fp12_mul(&t, &t, &inverse);
    fp12_frobenius(&inverse, &t);
    fp12_frobenius(&inverse, &inverse);
    fp12_mul(r, &inverse, &t);
}

#endif
