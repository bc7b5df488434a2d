/* The optimal ate pairing of BN254. */
#ifndef CRYPTO_PAIRING_BN254_PAIRING_H
#define CRYPTO_PAIRING_BN254_PAIRING_H

#include "crypto/pairing/bn254_groups.h"
#include "crypto/pairing/miller.h"

/* f = f (y + x w + constant w^3): (x, y) of the twist is (x w^2, y w^3) on the curve. */
PAIRING_FUNCTION void bn254_mul_line(struct fp12 *f, const struct miller_line *line)
{
    struct fp6 p0, p1, sum;
    struct fp2 t;
    fp6_mul_fp2(&p0, &f->c0, &line->y);
    fp6_mul_01(&p1, &f->c1, &line->x, &line->constant);
    fp2_add(&t, &line->y, &line->x);
    fp6_add(&sum, &f->c0, &f->c1);
    fp6_mul_01(&sum, &sum, &t, &line->constant);
    fp6_sub(&sum, &sum, &p0);
    fp6_sub(&f->c1, &sum, &p1);
    fp6_mul_v(&p1, &p1);
    fp6_add(&f->c0, &p0, &p1);
}

/* r = the product of the Miller functions f_{6x+2,Q}(P) and of the two lines that complete the
 * optimal ate pairing: through psi(Q), and through -psi^2(Q). Points are not infinity. */
PAIRING_FUNCTION void bn254_miller_loop(struct fp12 *r, struct miller_pair *pairs, int count)
{
    struct miller_line line;
    struct g2_affine q;
    fp12_set_one(r);
    for (int i = 0; i < count; i++)
        miller_pair_init(&pairs[i]);
    for (size_t bit = 1; bit < BASE_COUNT(BN254_ATE_DIGITS); bit++) {
        if (bit > 1)
            fp12_sqr(r, r);
        for (int i = 0; i < count; i++) {
            miller_double(&line, &pairs[i]);
            bn254_mul_line(r, &line);
            if (!BN254_ATE_DIGITS[bit])
                continue;
            q = pairs[i].q;
            if (BN254_ATE_DIGITS[bit] < 0)
                g2_affine_neg(&q, &q);
            miller_add(&line, &pairs[i], &q);
            bn254_mul_line(r, &line);
        }
    }
    for (int i = 0; i < count; i++) {
        bn254_psi_affine(&q, &pairs[i].q);
        miller_add(&line, &pairs[i], &q);
        bn254_mul_line(r, &line);
        bn254_psi_affine(&q, &q);
        g2_affine_neg(&q, &q);
        miller_add(&line, &pairs[i], &q);
        bn254_mul_line(r, &line);
    }
}

/*
 * r = f^((p^12 - 1) / order * h) for an h prime to the order: the hard part raises to
 * l0 + l1 p + l2 p^2 + l3 p^3 = h (p^4 - p^2 + 1) / order with h = 2 x (6 x^2 + 3 x + 1),
 *   l0 = 1 + 6 x + 12 x^2 + 12 x^3   l1 = 4 x + 6 x^2 + 12 x^3
 *   l2 = 6 x + 6 x^2 + 12 x^3        l3 = l1 - 1
 * (Fuentes-Castaneda, Knapp and Rodriguez-Henriquez, SAC 2011).
 */
PAIRING_FUNCTION void bn254_final_exponentiation(struct fp12 *r, const struct fp12 *a)
{
    enum { DIGITS = sizeof(BN254_X_DIGITS) };
    struct fp12 f, a2, a6, b, c, l0, l1, l2, l3;
    fp12_easy_part(&f, a);

    fp12_cyclotomic_pow(&a2, &f, BN254_X_DIGITS, DIGITS); /* f^(2 x) */
    fp12_cyclotomic_sqr(&a2);
    a6 = a2; /* f^(6 x) */
    fp12_cyclotomic_sqr(&a6);
    fp12_mul(&a6, &a6, &a2);
    fp12_cyclotomic_pow(&b, &a6, BN254_X_DIGITS, DIGITS); /* f^(6 x^2) */
    c = b;                                                /* f^(12 x^3) */
    fp12_cyclotomic_sqr(&c);
    fp12_cyclotomic_pow(&c, &c, BN254_X_DIGITS, DIGITS);

    fp12_mul(&l2, &a6, &b);
    fp12_mul(&l2, &l2, &c);
    fp12_conjugate(&a2, &a2);
    fp12_mul(&l1, &l2, &a2);
    fp12_mul(&l0, &l2, &b);
    fp12_mul(&l0, &l0, &f);
    fp12_conjugate(&f, &f);
    fp12_mul(&l3, &l1, &f);

    fp12_frobenius(&l3, &l3); /* ((l3^p l2)^p l1)^p l0 */
    fp12_mul(&l2, &l2, &l3);
    fp12_frobenius(&l2, &l2);
    fp12_mul(&l1, &l1, &l2);
    fp12_frobenius(&l1, &l1);
    fp12_mul(r, &l0, &l1);
}

#endif
