/*
 * Points of y^2 = x^3 + b over a field, included once for each group of a curve.
 *
 * Before: CURVE(name) and FIELD(name) make the names of the group's and its field's functions,
 * CURVE_FIELD is the field's struct, CURVE_B the constant b. Jacobian coordinates: x = X / Z^2,
 * y = Y / Z^3, infinity has Z = 0. An affine point at infinity is (0, 0), which is on neither
 * curve as b is not 0.
 *
 * Formulas: dbl-2009-l, add-2007-bl, madd-2007-bl of the Explicit-Formulas Database.
 */

struct CURVE(affine) {
    CURVE_FIELD x, y;
};

struct CURVE(point) {
    CURVE_FIELD x, y, z;
};

BASE_ALWAYS_INLINE bool CURVE(affine_is_infinity)(const struct CURVE(affine) * a)
{
    return FIELD(is_zero)(&a->x) && FIELD(is_zero)(&a->y);
}

BASE_ALWAYS_INLINE bool CURVE(is_infinity)(const struct CURVE(point) * a)
{
    return FIELD(is_zero)(&a->z);
}

static inline void CURVE(set_infinity)(struct CURVE(point) * r)
{
    *r = (struct CURVE(point)){0};
}

static inline void CURVE(from_affine)(struct CURVE(point) * r, const struct CURVE(affine) * a)
{
    if (CURVE(affine_is_infinity)(a)) {
        CURVE(set_infinity)(r);
        return;
    }
    *r = (struct CURVE(point)){a->x, a->y, CURVE_ONE};
}

/* Whether y^2 = x^3 + b; infinity is. */
PAIRING_FUNCTION bool CURVE(is_on_curve)(const struct CURVE(affine) * a)
{
    CURVE_FIELD left, right;
    FIELD(sqr)(&left, &a->y);
    FIELD(sqr)(&right, &a->x);
    FIELD(mul)(&right, &right, &a->x);
    FIELD(add)(&right, &right, &CURVE_B);
    return FIELD(equal)(&left, &right) || CURVE(affine_is_infinity)(a);
}

static inline void CURVE(neg)(struct CURVE(point) * r, const struct CURVE(point) * a)
{
    r->x = a->x;
    FIELD(neg)(&r->y, &a->y);
    r->z = a->z;
}

static inline void CURVE(affine_neg)(struct CURVE(affine) * r, const struct CURVE(affine) * a)
{
    r->x = a->x;
    FIELD(neg)(&r->y, &a->y);
}

PAIRING_FUNCTION void CURVE(double)(struct CURVE(point) * r, const struct CURVE(point) * p)
{
    CURVE_FIELD a, b, c, d, e, f;
    FIELD(sqr)(&a, &p->x);
    FIELD(sqr)(&b, &p->y);
    FIELD(sqr)(&c, &b);
    FIELD(add)(&d, &p->x, &b); /* d = 2 ((X + b)^2 - a - c) */
    FIELD(sqr)(&d, &d);
    FIELD(sub)(&d, &d, &a);
    FIELD(sub)(&d, &d, &c);
    FIELD(double)(&d, &d);
    FIELD(double)(&e, &a); /* e = 3 a */
    FIELD(add)(&e, &e, &a);
    FIELD(sqr)(&f, &e);
    FIELD(mul)(&r->z, &p->y, &p->z); /* Z = 2 Y Z */
    FIELD(double)(&r->z, &r->z);
    FIELD(sub)(&r->x, &f, &d); /* X = f - 2 d */
    FIELD(sub)(&r->x, &r->x, &d);
    FIELD(double)(&c, &c); /* Y = e (d - X) - 8 c */
    FIELD(double)(&c, &c);
    FIELD(double)(&c, &c);
    FIELD(sub)(&d, &d, &r->x);
    FIELD(mul)(&r->y, &e, &d);
    FIELD(sub)(&r->y, &r->y, &c);
}

/* The common end of both additions: h = U2 - U1 and s = S2 - S1 are not both zero; u = U1, v = S1,
 * and z is what 2 h times it gives Z. */
BASE_ALWAYS_INLINE void CURVE(add_end)(struct CURVE(point) * r, const CURVE_FIELD *h,
                                       const CURVE_FIELD *s, const CURVE_FIELD *u,
                                       const CURVE_FIELD *v, const CURVE_FIELD *z)
{
    CURVE_FIELD i, j, k, w, t;
    FIELD(double)(&i, h);
    FIELD(mul)(&r->z, z, &i);
    FIELD(sqr)(&i, &i); /* (2 h)^2 */
    FIELD(mul)(&j, h, &i);
    FIELD(double)(&k, s);
    FIELD(mul)(&w, u, &i);
    FIELD(mul)(&t, v, &j);
    FIELD(sqr)(&r->x, &k); /* X = k^2 - j - 2 w */
    FIELD(sub)(&r->x, &r->x, &j);
    FIELD(sub)(&r->x, &r->x, &w);
    FIELD(sub)(&r->x, &r->x, &w);
    FIELD(sub)(&w, &w, &r->x); /* Y = k (w - X) - 2 v j */
    FIELD(mul)(&r->y, &k, &w);
    FIELD(double)(&t, &t);
    FIELD(sub)(&r->y, &r->y, &t);
}

/* r = p + q */
PAIRING_FUNCTION void CURVE(add_affine)(struct CURVE(point) * r, const struct CURVE(point) * p,
                                        const struct CURVE(affine) * q)
{
    if (CURVE(affine_is_infinity)(q)) {
        *r = *p;
        return;
    }
    if (CURVE(is_infinity)(p)) {
        CURVE(from_affine)(r, q);
        return;
    }
    CURVE_FIELD zz, h, s, u = p->x, v = p->y, z = p->z;
    FIELD(sqr)(&zz, &p->z);
    FIELD(mul)(&h, &q->x, &zz);
    FIELD(sub)(&h, &h, &p->x);
    FIELD(mul)(&s, &q->y, &p->z);
    FIELD(mul)(&s, &s, &zz);
    FIELD(sub)(&s, &s, &p->y);
    if (FIELD(is_zero)(&h)) {
        if (FIELD(is_zero)(&s))
            CURVE(double)(r, p);
        else
            CURVE(set_infinity)(r);
        return;
    }
    CURVE(add_end)(r, &h, &s, &u, &v, &z);
}

/* r = p + q */
PAIRING_FUNCTION void CURVE(add)(struct CURVE(point) * r, const struct CURVE(point) * p,
                                 const struct CURVE(point) * q)
{
    if (CURVE(is_infinity)(p)) {
        *r = *q;
        return;
    }
    if (CURVE(is_infinity)(q)) {
        *r = *p;
        return;
    }
    CURVE_FIELD zz_p, zz_q, h, s, u, v, z;
    FIELD(sqr)(&zz_p, &p->z);
    FIELD(sqr)(&zz_q, &q->z);
    FIELD(mul)(&u, &p->x, &zz_q);
    FIELD(mul)(&h, &q->x, &zz_p);
    FIELD(sub)(&h, &h, &u);
    FIELD(mul)(&v, &p->y, &q->z);
    FIELD(mul)(&v, &v, &zz_q);
    FIELD(mul)(&s, &q->y, &p->z);
    FIELD(mul)(&s, &s, &zz_p);
    FIELD(sub)(&s, &s, &v);
    if (FIELD(is_zero)(&h)) {
        if (FIELD(is_zero)(&s))
            CURVE(double)(r, p);
        else
            CURVE(set_infinity)(r);
        return;
    }
    FIELD(mul)(&z, &p->z, &q->z);
    CURVE(add_end)(r, &h, &s, &u, &v, &z);
}

/* Whether both are the same point. */
PAIRING_FUNCTION bool CURVE(equal)(const struct CURVE(point) * p, const struct CURVE(point) * q)
{
    if (CURVE(is_infinity)(p) || CURVE(is_infinity)(q))
        return CURVE(is_infinity)(p) && CURVE(is_infinity)(q);
    CURVE_FIELD zz_p, zz_q, left, right;
    FIELD(sqr)(&zz_p, &p->z);
    FIELD(sqr)(&zz_q, &q->z);
    FIELD(mul)(&left, &p->x, &zz_q);
    FIELD(mul)(&right, &q->x, &zz_p);
    if (!FIELD(equal)(&left, &right))
        return false;
    FIELD(mul)(&left, &p->y, &q->z);
    FIELD(mul)(&left, &left, &zz_q);
    FIELD(mul)(&right, &q->y, &p->z);
    FIELD(mul)(&right, &right, &zz_p);
    return FIELD(equal)(&left, &right);
}

/* The affine point for a known 1 / Z. */
BASE_ALWAYS_INLINE void CURVE(scale)(struct CURVE(affine) * r, const struct CURVE(point) * p,
                                     const CURVE_FIELD *z_inverse)
{
    CURVE_FIELD zz;
    FIELD(sqr)(&zz, z_inverse);
    FIELD(mul)(&r->x, &p->x, &zz);
    FIELD(mul)(&zz, &zz, z_inverse);
    FIELD(mul)(&r->y, &p->y, &zz);
}

PAIRING_FUNCTION void CURVE(to_affine)(struct CURVE(affine) * r, const struct CURVE(point) * p)
{
    CURVE_FIELD z_inverse;
    FIELD(inverse)(&z_inverse, &p->z); /* zero for infinity, which becomes (0, 0) */
    CURVE(scale)(r, p, &z_inverse);
}

/* r = p + q, the operation of the precompiled contracts: one inversion, no projective detour. */
PAIRING_FUNCTION void CURVE(affine_add)(struct CURVE(affine) * r, const struct CURVE(affine) * p,
                                        const struct CURVE(affine) * q)
{
    if (CURVE(affine_is_infinity)(p) || CURVE(affine_is_infinity)(q)) {
        *r = CURVE(affine_is_infinity)(p) ? *q : *p;
        return;
    }
    CURVE_FIELD slope, below, t;
    if (!FIELD(equal)(&p->x, &q->x)) { /* (y2 - y1) / (x2 - x1) */
        FIELD(sub)(&below, &q->x, &p->x);
        FIELD(sub)(&slope, &q->y, &p->y);
    } else if (FIELD(equal)(&p->y, &q->y) && !FIELD(is_zero)(&p->y)) { /* 3 x^2 / (2 y) */
        FIELD(double)(&below, &p->y);
        FIELD(sqr)(&t, &p->x);
        FIELD(double)(&slope, &t);
        FIELD(add)(&slope, &slope, &t);
    } else {
        *r = (struct CURVE(affine)){0};
        return;
    }
    FIELD(inverse)(&below, &below);
    FIELD(mul)(&slope, &slope, &below);
    struct CURVE(affine) sum;
    FIELD(sqr)(&sum.x, &slope);
    FIELD(sub)(&sum.x, &sum.x, &p->x);
    FIELD(sub)(&sum.x, &sum.x, &q->x);
    FIELD(sub)(&t, &p->x, &sum.x);
    FIELD(mul)(&sum.y, &slope, &t);
    FIELD(sub)(&sum.y, &sum.y, &p->y);
    *r = sum;
}

/* r = k p for a short k, bit by bit. */
PAIRING_FUNCTION void CURVE(mul_u64)(struct CURVE(point) * r, const struct CURVE(point) * p,
                                     uint64_t k)
{
    struct CURVE(point) base = *p, t;
    CURVE(set_infinity)(&t);
    for (int bit = k ? 63 - __builtin_clzll(k) : -1; bit >= 0; bit--) {
        CURVE(double)(&t, &t);
        if (k >> bit & 1)
            CURVE(add)(&t, &t, &base);
    }
    *r = t;
}

/* The same for a point whose Z is 1. */
PAIRING_FUNCTION void CURVE(mul_affine_u64)(struct CURVE(point) * r, const struct CURVE(affine) * p,
                                            uint64_t k)
{
    struct CURVE(point) t;
    CURVE(set_infinity)(&t);
    for (int bit = k ? 63 - __builtin_clzll(k) : -1; bit >= 0; bit--) {
        CURVE(double)(&t, &t);
        if (k >> bit & 1)
            CURVE(add_affine)(&t, &t, p);
    }
    *r = t;
}
