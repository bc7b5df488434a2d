/*
 * The steps of a Miller loop: doubling and adding in homogeneous coordinates of the twist, each
 * with the line that it draws (Costello, Lange and Naehrig, eprint 2009/615; Aranha et al., eprint
 * 2010/526). Lines are scaled by factors of proper subfields, which the final exponentiation drops.
 */
#ifndef CRYPTO_PAIRING_MILLER_H
#define CRYPTO_PAIRING_MILLER_H

/* Pairs that run through one loop together, sharing its squarings; more than that start another. */
enum { MILLER_PAIRS = 16 };

struct miller_pair {
    struct g1_affine p;
    struct g2_affine q;
    struct g2_point t; /* x = X / Z, y = Y / Z: homogeneous, unlike elsewhere */
};

/* The tangent or chord through T = (xT, yT) with slope s, evaluated at P and scaled by some factor
 * k: y = k yP, x = -k s xP, constant = k (s xT - yT). Where each goes in Fp12, the twist says. */
struct miller_line {
    struct fp2 y, x, constant;
};

BASE_ALWAYS_INLINE void miller_pair_init(struct miller_pair *m)
{
    m->t = (struct g2_point){m->q.x, m->q.y, FP2_ONE};
}

BASE_ALWAYS_INLINE void miller_line_evaluate(struct miller_line *line, const struct g1_affine *p)
{
    fp2_mul_fp(&line->y, &line->y, &p->y);
    fp2_mul_fp(&line->x, &line->x, &p->x);
}

/* T = 2 T, and the tangent at T. */
PAIRING_FUNCTION void miller_double(struct miller_line *line, struct miller_pair *m)
{
    struct g2_point *t = &m->t;
    struct fp2 a, b, c, e, f, g, h, sqr_e, sqr_x;
    fp2_mul(&a, &t->x, &t->y); /* a = X Y / 2 */
    fp2_halve(&a, &a);
    fp2_sqr(&b, &t->y);
    fp2_sqr(&c, &t->z);
    fp2_double(&e, &c); /* e = 3 b' Z^2 */
    fp2_add(&e, &e, &c);
    fp2_mul(&e, &e, &G2_B);
    fp2_double(&f, &e); /* f = 3 e */
    fp2_add(&f, &f, &e);
    fp2_add(&g, &b, &f); /* g = (b + f) / 2 */
    fp2_halve(&g, &g);
    fp2_add(&h, &t->y, &t->z); /* h = 2 Y Z */
    fp2_sqr(&h, &h);
    fp2_sub(&h, &h, &b);
    fp2_sub(&h, &h, &c);
    fp2_sqr(&sqr_x, &t->x);
    fp2_sqr(&sqr_e, &e);

    fp2_sub(&line->constant, &e, &b);
    fp2_double(&line->x, &sqr_x);
    fp2_add(&line->x, &line->x, &sqr_x);
    fp2_neg(&line->y, &h);

    fp2_sub(&f, &b, &f); /* X = a (b - f) */
    fp2_mul(&t->x, &a, &f);
    fp2_sqr(&t->y, &g); /* Y = g^2 - 3 e^2 */
    fp2_sub(&t->y, &t->y, &sqr_e);
    fp2_double(&sqr_e, &sqr_e);
    fp2_sub(&t->y, &t->y, &sqr_e);
    fp2_mul(&t->z, &b, &h); /* Z = b h */
    miller_line_evaluate(line, &m->p);
}

/* T = T + Q, and the chord through both; T is neither Q nor -Q. */
PAIRING_FUNCTION void miller_add(struct miller_line *line, struct miller_pair *m,
                                 const struct g2_affine *q)
{
    struct g2_point *t = &m->t;
    struct fp2 theta, lambda, c, d, e, f, g, h;
    fp2_mul(&theta, &q->y, &t->z);
    fp2_sub(&theta, &t->y, &theta);
    fp2_mul(&lambda, &q->x, &t->z);
    fp2_sub(&lambda, &t->x, &lambda);
    fp2_sqr(&c, &theta);
    fp2_sqr(&d, &lambda);
    fp2_mul(&e, &lambda, &d);
    fp2_mul(&f, &t->z, &c);
    fp2_mul(&g, &t->x, &d);
    fp2_add(&h, &e, &f); /* h = e + f - 2 g */
    fp2_sub(&h, &h, &g);
    fp2_sub(&h, &h, &g);

    fp2_mul(&t->x, &lambda, &h); /* X = lambda h */
    fp2_sub(&g, &g, &h);         /* Y = theta (g - h) - e Y */
    fp2_mul(&g, &theta, &g);
    fp2_mul(&t->y, &e, &t->y);
    fp2_sub(&t->y, &g, &t->y);
    fp2_mul(&t->z, &t->z, &e); /* Z = Z e */

    fp2_mul(&line->constant, &theta, &q->x);
    fp2_mul(&c, &lambda, &q->y);
    fp2_sub(&line->constant, &line->constant, &c);
    fp2_neg(&line->x, &theta);
    line->y = lambda;
    miller_line_evaluate(line, &m->p);
}

#endif
