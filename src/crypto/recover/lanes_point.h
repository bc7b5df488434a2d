/*
 * Points of secp256k1 in eight lanes: y^2 = x^3 + 7, Jacobian (x = X / Z^2, y = Y / Z^3). Formulas of the Explicit-
 * Formulas Database, dbl-2009-l and madd-2004-hmv, for a = 0.
 *
 * An addition of a point to itself, or to its negative, makes Z zero, and so it stays through all that follows: whoever
 * uses these looks at Z once, at the end, and leaves such lanes to other code. X and Y are of size up to 10, Z up to 2.
 */
#ifndef CRYPTO_RECOVER_LANES_POINT_H
#define CRYPTO_RECOVER_LANES_POINT_H

#include "crypto/recover/lanes_field.h"

struct lanes_point {
    struct lanes x, y, z;
};

LANES_INLINE void lanes_point_double(struct lanes_point *p)
{
    struct lanes a, b, c, e, s, t;
    lanes_sqr(&a, &p->x);
    lanes_sqr(&b, &p->y);
    lanes_mul(&p->z, &p->y, &p->z);
    lanes_shift(&p->z, 1); /* 2 Y Z */
    lanes_carry(&p->z);
    lanes_mul(&s, &p->x, &b);
    lanes_sqr(&c, &b);
    e = a;
    lanes_shift(&e, 1);
    lanes_add_limbs(&e, &a); /* 3 X^2 */
    lanes_carry(&e);

    lanes_sqr(&p->x, &e);
    lanes_sub_shifted(&p->x, &s, 3);
    lanes_add_p(&p->x, 9); /* E^2 - 8 S: below 10 */
    lanes_carry(&p->x);

    t = s;
    lanes_shift(&t, 2);
    lanes_sub_limbs(&t, &p->x);
    lanes_add_p(&t, 11); /* 4 S - X: below 15 */
    lanes_carry(&t);
    lanes_mul(&p->y, &e, &t);
    lanes_sub_shifted(&p->y, &c, 3);
    lanes_add_p(&p->y, 9); /* E (4 S - X) - 8 C: below 10 */
    lanes_carry(&p->y);
}

/* p += (x, ±y) in the lanes of `where`, negated in those of `negative`. `ret_ratio`, unless NULL, is by what Z grew. */
LANES_INLINE void lanes_point_add(struct lanes_point *p, const struct lanes *x,
                                  const struct lanes *y, __mmask8 negative, __mmask8 where,
                                  struct lanes *ret_ratio)
{
    struct lanes zz, h, hh, hhh, r, v, w, next;
    lanes_sqr(&zz, &p->z);
    lanes_mul(&h, x, &zz);
    lanes_sub_limbs(&h, &p->x);
    lanes_add_p(&h, 11); /* below 12 */
    lanes_carry(&h);

    lanes_mul(&v, &p->z, &zz);
    lanes_mul(&v, y, &v);
    for (int i = 0; i < LIMBS; i++)
        r.l[i] = _mm512_mask_sub_epi64(v.l[i], negative, _mm512_setzero_si512(), v.l[i]);
    lanes_sub_limbs(&r, &p->y);
    lanes_add_p(&r, 12); /* below 13 */
    lanes_carry(&r);

    lanes_sqr(&hh, &h);
    lanes_mul(&hhh, &h, &hh);
    lanes_mul(&v, &p->x, &hh);
    lanes_sqr(&next, &r);
    lanes_sub_limbs(&next, &hhh);
    lanes_sub_shifted(&next, &v, 1);
    lanes_add_p(&next, 4); /* below 5 */
    lanes_carry(&next);
    lanes_blend(&p->x, where, &next);

    w = v;
    lanes_sub_limbs(&w, &next);
    lanes_add_p(&w, 6); /* below 7 */
    lanes_carry(&w);
    lanes_mul(&next, &r, &w);
    lanes_mul(&v, &p->y, &hhh);
    lanes_sub_limbs(&next, &v);
    lanes_add_p(&next, 2); /* below 3 */
    lanes_carry(&next);
    lanes_blend(&p->y, where, &next);

    lanes_mul(&next, &p->z, &h);
    lanes_blend(&p->z, where, &next);
    if (ret_ratio)
        *ret_ratio = h;
}

#endif
