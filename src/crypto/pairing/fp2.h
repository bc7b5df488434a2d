/*
 * Fp2 = Fp[u] / (u^2 + 1), for both curves: c0 + c1 u.
 *
 * Products are Karatsuba's three, and reduced once for each coordinate (lazy reduction).
 */
#ifndef CRYPTO_PAIRING_FP2_H
#define CRYPTO_PAIRING_FP2_H

#include "crypto/pairing/fp.h"

static const struct fp2 fp2_zero;

PAIRING_INLINE bool fp2_is_zero(const struct fp2 *a)
{
    return fp_is_zero(&a->c0) && fp_is_zero(&a->c1);
}

PAIRING_INLINE bool fp2_equal(const struct fp2 *a, const struct fp2 *b)
{
    return fp_equal(&a->c0, &b->c0) && fp_equal(&a->c1, &b->c1);
}

PAIRING_INLINE void fp2_add(struct fp2 *r, const struct fp2 *a, const struct fp2 *b)
{
    fp_add(&r->c0, &a->c0, &b->c0);
    fp_add(&r->c1, &a->c1, &b->c1);
}

PAIRING_INLINE void fp2_sub(struct fp2 *r, const struct fp2 *a, const struct fp2 *b)
{
    fp_sub(&r->c0, &a->c0, &b->c0);
    fp_sub(&r->c1, &a->c1, &b->c1);
}

PAIRING_INLINE void fp2_double(struct fp2 *r, const struct fp2 *a)
{
    fp2_add(r, a, a);
}

PAIRING_INLINE void fp2_neg(struct fp2 *r, const struct fp2 *a)
{
    fp_neg(&r->c0, &a->c0);
    fp_neg(&r->c1, &a->c1);
}

PAIRING_INLINE void fp2_halve(struct fp2 *r, const struct fp2 *a)
{
    fp_halve(&r->c0, &a->c0);
    fp_halve(&r->c1, &a->c1);
}

/* a^p */
PAIRING_INLINE void fp2_conjugate(struct fp2 *r, const struct fp2 *a)
{
    r->c0 = a->c0;
    fp_neg(&r->c1, &a->c1);
}

/* r = a times the non-residue FP2_XI_REAL + u that the tower above is built on. */
PAIRING_INLINE void fp2_mul_xi(struct fp2 *r, const struct fp2 *a)
{
    struct fp real = a->c0, imaginary = a->c1;
#if FP2_XI_REAL == 9
    for (int i = 0; i < 3; i++) {
        fp_double(&real, &real);
        fp_double(&imaginary, &imaginary);
    }
    fp_add(&real, &real, &a->c0);
    fp_add(&imaginary, &imaginary, &a->c1);
#elif FP2_XI_REAL != 1
#    error "the non-residue is 9 + u or 1 + u"
#endif
    struct fp c0 = a->c0;
    fp_sub(&r->c0, &real, &a->c1);
    fp_add(&r->c1, &imaginary, &c0);
}

/* An element of Fp2 whose coordinates are not reduced yet. */
struct fp2_wide {
    struct fp_wide c0, c1;
};

PAIRING_INLINE void fp2_wide_add(struct fp2_wide *r, const struct fp2_wide *a,
                                 const struct fp2_wide *b)
{
    fp_wide_add(&r->c0, &a->c0, &b->c0);
    fp_wide_add(&r->c1, &a->c1, &b->c1);
}

PAIRING_INLINE void fp2_wide_sub(struct fp2_wide *r, const struct fp2_wide *a,
                                 const struct fp2_wide *b)
{
    fp_wide_sub(&r->c0, &a->c0, &b->c0);
    fp_wide_sub(&r->c1, &a->c1, &b->c1);
}

PAIRING_INLINE void fp2_reduce(struct fp2 *r, const struct fp2_wide *a)
{
    fp_reduce(&r->c0, &a->c0);
    fp_reduce(&r->c1, &a->c1);
}

PAIRING_INLINE void fp2_wide_mul_xi(struct fp2_wide *r, const struct fp2_wide *a)
{
    struct fp_wide real = a->c0, imaginary = a->c1;
#if FP2_XI_REAL == 9
    for (int i = 0; i < 3; i++) {
        fp_wide_add(&real, &real, &real);
        fp_wide_add(&imaginary, &imaginary, &imaginary);
    }
    fp_wide_add(&real, &real, &a->c0);
    fp_wide_add(&imaginary, &imaginary, &a->c1);
#endif
    struct fp_wide c0 = a->c0;
    fp_wide_sub(&r->c0, &real, &a->c1);
    fp_wide_add(&r->c1, &imaginary, &c0);
}

/* (a0 + a1)(b0 + b1) < 4 p^2, which is below p * 2^(64 n) as p < 2^(64 n - 2). */
PAIRING_FUNCTION void fp2_mul_wide(struct fp2_wide *r, const struct fp2 *a, const struct fp2 *b)
{
    struct fp sum_a, sum_b;
    struct fp_wide t0, t1, t2;
    fp_add_lazy(&sum_a, &a->c0, &a->c1);
    fp_add_lazy(&sum_b, &b->c0, &b->c1);
    fp_mul_wide(&t0, &a->c0, &b->c0);
    fp_mul_wide(&t1, &a->c1, &b->c1);
    fp_mul_wide(&t2, &sum_a, &sum_b);
    fp_wide_sub_lazy(&t2, &t2, &t0);
    fp_wide_sub_lazy(&r->c1, &t2, &t1);
    fp_wide_sub(&r->c0, &t0, &t1);
}

PAIRING_FUNCTION void fp2_mul(struct fp2 *r, const struct fp2 *a, const struct fp2 *b)
{
    struct fp2_wide t;
    fp2_mul_wide(&t, a, b);
    fp2_reduce(r, &t);
}

PAIRING_FUNCTION void fp2_sqr(struct fp2 *r, const struct fp2 *a)
{
    struct fp sum, difference, product;
    fp_add(&sum, &a->c0, &a->c1);
    fp_sub(&difference, &a->c0, &a->c1);
    fp_mul(&product, &a->c0, &a->c1);
    fp_mul(&r->c0, &sum, &difference);
    fp_double(&r->c1, &product);
}

PAIRING_INLINE void fp2_mul_fp(struct fp2 *r, const struct fp2 *a, const struct fp *b)
{
    fp_mul(&r->c0, &a->c0, b);
    fp_mul(&r->c1, &a->c1, b);
}

/* 1 / (a + b u) = (a - b u) / (a^2 + b^2); zero for zero. */
PAIRING_FUNCTION void fp2_inverse(struct fp2 *r, const struct fp2 *a)
{
    struct fp norm, t;
    fp_sqr(&norm, &a->c0);
    fp_sqr(&t, &a->c1);
    fp_add(&norm, &norm, &t);
    fp_inverse(&norm, &norm);
    fp_mul(&r->c0, &a->c0, &norm);
    fp_mul(&t, &a->c1, &norm);
    fp_neg(&r->c1, &t);
}

/* A root of a in Fp2, when there is one: with a root s of the norm, the square of the root's real
 * part is t = (a0 + s) / 2 or (a0 - s) / 2, and their product is -(a1 / 2)^2. */
PAIRING_FUNCTION bool fp2_sqrt(struct fp2 *r, const struct fp2 *a)
{
    struct fp s, t, root, other, square;
    fp_sqr(&s, &a->c0);
    fp_sqr(&t, &a->c1);
    fp_add(&s, &s, &t);
    if (!fp_sqrt(&s, &s))
        return false;
    fp_add(&t, &a->c0, &s);
    if (fp_is_zero(&t)) /* then a1 = 0, as s^2 = a0^2; either choice of t serves else */
        fp_sub(&t, &a->c0, &s);
    fp_halve(&t, &t);
    fp_pow(&root, &t, FP_EXPONENT_ROOT.w, FP_LIMBS);
    fp_double(&other, &root);
    fp_inverse(&other, &other);
    fp_mul(&other, &other, &a->c1); /* a1 / (2 root) */
    fp_sqr(&square, &root);
    if (fp_equal(&square, &t))
        *r = (struct fp2){root, other};
    else /* root^2 = -t, so that other^2 is the other choice of t */
        *r = (struct fp2){other, root};
    return true;
}

#endif
