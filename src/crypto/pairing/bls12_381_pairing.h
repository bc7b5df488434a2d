/* The optimal ate pairing of BLS12-381. */
#ifndef CRYPTO_PAIRING_BLS12_381_PAIRING_H
#define CRYPTO_PAIRING_BLS12_381_PAIRING_H

#include "crypto/pairing/bls12_381_groups.h"
#include "crypto/pairing/miller.h"

/* f = f (constant + x w^2 + y w^3): (x, y) of the twist is (x / w^2, y / w^3) on the curve, and the
 * line is taken times w^3. */
PAIRING_FUNCTION void bls12_381_mul_line(struct fp12 *f, const struct miller_line *line)
{
    struct fp6 p0, p1, sum;
    struct fp2 t;
    fp6_mul_01(&p0, &f->c0, &line->constant, &line->x);
    fp6_mul_fp2(&p1, &f->c1, &line->y);
    fp6_mul_v(&p1, &p1);
    fp2_add(&t, &line->x, &line->y);
    fp6_add(&sum, &f->c0, &f->c1);
    fp6_mul_01(&sum, &sum, &line->constant, &t);
    fp6_sub(&sum, &sum, &p0);
    fp6_sub(&f->c1, &sum, &p1);
    fp6_mul_v(&p1, &p1);
    fp6_add(&f->c0, &p0, &p1);
}

/* r = the product of the Miller functions f_{x,Q}(P). Points are not infinity. */
PAIRING_FUNCTION void bls12_381_miller_loop(struct fp12 *r, struct miller_pair *pairs, int count)
{
    struct miller_line line;
    fp12_set_one(r);
    for (int i = 0; i < count; i++)
        miller_pair_init(&pairs[i]);
    for (size_t bit = 1; bit < BASE_COUNT(BLS_X_DIGITS); bit++) {
        if (bit > 1)
            fp12_sqr(r, r);
        for (int i = 0; i < count; i++) {
            miller_double(&line, &pairs[i]);
            bls12_381_mul_line(r, &line);
            if (BLS_X_DIGITS[bit]) {
                miller_add(&line, &pairs[i], &pairs[i].q);
                bls12_381_mul_line(r, &line);
            }
        }
    }
    fp12_conjugate(r, r); /* x is negative */
}

static inline void bls12_381_pow_x(struct fp12 *r, const struct fp12 *a)
{
    fp12_cyclotomic_pow(r, a, BLS_X_DIGITS, sizeof(BLS_X_DIGITS));
    fp12_conjugate(r, r);
}

/* r = f^(3 (p^12 - 1) / order): the hard part raises to
 * 3 (p^4 - p^2 + 1) / order = (x - 1)^2 (x + p)(x^2 + p^2 - 1) + 3
 * (Hayashida, Hayasaka and Teruya, eprint 2020/875). */
PAIRING_FUNCTION void bls12_381_final_exponentiation(struct fp12 *r, const struct fp12 *a)
{
    struct fp12 f, t, u, inverse;
    fp12_easy_part(&f, a);
    t = f;
    for (int i = 0; i < 2; i++) { /* t = t^(x - 1) */
        fp12_conjugate(&inverse, &t);
        bls12_381_pow_x(&u, &t);
        fp12_mul(&t, &u, &inverse);
    }
    bls12_381_pow_x(&u, &t); /* t = t^(x + p) */
    fp12_frobenius(&t, &t);
    fp12_mul(&t, &t, &u);
    bls12_381_pow_x(&u, &t); /* t = t^(x^2 + p^2 - 1) */
    bls12_381_pow_x(&u, &u);
    fp12_conjugate(&inverse, &t);
    fp12_frobenius(&t, &t);
    fp12_frobenius(&t, &t);
    fp12_mul(&t, &t, &u);
    fp12_mul(&t, &t, &inverse);
    u = f; /* f^3 */
    fp12_cyclotomic_sqr(&u);
    fp12_mul(&u, &u, &f);
    fp12_mul(r, &t, &u);
}

#endif
