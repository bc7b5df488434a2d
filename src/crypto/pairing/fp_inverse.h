/*
 * The inverse in the prime field, by Bernstein and Yang's "safegcd" division steps in the variable
 * time form: 62 steps at a time are gathered into a 2 x 2 matrix by looking at the low 64 bits
 * alone, then applied to the whole numbers (eprint 2019/266). Part of fp.h.
 */
#ifndef CRYPTO_PAIRING_FP_INVERSE_H
#define CRYPTO_PAIRING_FP_INVERSE_H

enum { FP_S62_LIMBS = (64 * FP_LIMBS + 61) / 62 };

/* A signed number: the sum of v[i] 2^(62 i); all limbs but the last lie in [0, 2^62). */
struct fp_s62 {
    int64_t v[FP_S62_LIMBS];
};

/* 2^62 (f', g') = (u f + v g, q f + r g); |u| + |v| and |q| + |r| are at most 2^62. */
struct fp_steps {
    int64_t u, v, q, r;
};

__extension__ typedef __int128 fp_signed_wide;

#define FP_S62_MASK (UINT64_MAX >> 2)

static inline void fp_s62_from(struct fp_s62 *r, const uint64_t *limbs)
{
    for (int i = 0; i < FP_S62_LIMBS; i++) {
        int word = 62 * i / 64, shift = 62 * i % 64;
        uint64_t bits = word < FP_LIMBS ? limbs[word] >> shift : 0;
        if (shift > 2 && word + 1 < FP_LIMBS)
            bits |= limbs[word + 1] << (64 - shift);
        r->v[i] = (int64_t)(bits & FP_S62_MASK);
    }
}

/* For numbers that are not negative. */
static inline void fp_s62_to(uint64_t *limbs, const struct fp_s62 *a)
{
    for (int i = 0; i < FP_LIMBS; i++) {
        int word = 64 * i / 62, shift = 64 * i % 62;
        uint64_t bits = (uint64_t)a->v[word] >> shift;
        if (word + 1 < FP_S62_LIMBS)
            bits |= (uint64_t)a->v[word + 1] << (62 - shift);
        limbs[i] = bits;
    }
}

/* 62 division steps on the low bits of f (odd) and g; returns the new eta, which is -delta. */
static inline int64_t fp_steps_gather(struct fp_steps *t, int64_t eta, uint64_t f, uint64_t g)
{
    uint64_t u = 1, v = 0, q = 0, r = 1;
    int left = 62;
    for (;;) {
        int zeros = __builtin_ctzll(g | UINT64_MAX << left);
        g >>= zeros;
        u <<= zeros;
        v <<= zeros;
        eta -= zeros;
        left -= zeros;
        if (left == 0)
            break;
        /* Both odd now. Add to g the multiple w of f that clears as many low bits as may be cleared
         * before eta changes sign again. */
        uint64_t w, swap;
        int limit;
        if (eta < 0) {
            eta = -eta;
            swap = f, f = g, g = 0 - swap;
            swap = u, u = q, q = 0 - swap;
            swap = v, v = r, r = 0 - swap;
            limit = eta + 1 > left ? left : (int)eta + 1;
            w = f * g * (f * f - 2) & UINT64_MAX >> (64 - limit) & 63; /* -g / f mod 2^6 */
        } else {
            limit = eta + 1 > left ? left : (int)eta + 1;
            w = (0 - (f + (((f + 1) & 4) << 1)) * g) & UINT64_MAX >> (64 - limit) & 15;
        }
        g += f * w;
        q += u * w;
        r += v * w;
    }
    *t = (struct fp_steps){(int64_t)u, (int64_t)v, (int64_t)q, (int64_t)r};
    return eta;
}

/* (f, g) = t (f, g) / 2^62, exactly. */
static inline void fp_steps_apply(struct fp_s62 *f, struct fp_s62 *g, const struct fp_steps *t)
{
    fp_signed_wide cf = 0, cg = 0;
    for (int i = 0; i < FP_S62_LIMBS; i++) {
        int64_t fi = f->v[i], gi = g->v[i];
        cf += (fp_signed_wide)t->u * fi + (fp_signed_wide)t->v * gi;
        cg += (fp_signed_wide)t->q * fi + (fp_signed_wide)t->r * gi;
        if (i > 0) {
            f->v[i - 1] = (int64_t)((uint64_t)cf & FP_S62_MASK);
            g->v[i - 1] = (int64_t)((uint64_t)cg & FP_S62_MASK);
        }
        cf >>= 62;
        cg >>= 62;
    }
    f->v[FP_S62_LIMBS - 1] = (int64_t)cf;
    g->v[FP_S62_LIMBS - 1] = (int64_t)cg;
}

/* r = (x d + y e) / 2^62 mod p, for d, e and r in [-p, p]: the multiple of p that makes the low 62
 * bits vanish is taken with the sign opposite to the sum's. */
static inline void fp_steps_combine(struct fp_s62 *r, const struct fp_s62 *d,
                                    const struct fp_s62 *e, int64_t x, int64_t y,
                                    const struct fp_s62 *p)
{
    struct fp_s62 sum;
    fp_signed_wide c = 0;
    for (int i = 0; i < FP_S62_LIMBS; i++) {
        c += (fp_signed_wide)x * d->v[i] + (fp_signed_wide)y * e->v[i];
        sum.v[i] = (int64_t)((uint64_t)c & FP_S62_MASK);
        c >>= 62;
    }
    int64_t top = (int64_t)c;
    int64_t m = (int64_t)((uint64_t)sum.v[0] * FP_INVERSE & FP_S62_MASK);
    if (top >= 0)
        m -= (int64_t)1 << 62;
    c = 0;
    for (int i = 0; i < FP_S62_LIMBS; i++) {
        c += (fp_signed_wide)m * p->v[i] + sum.v[i];
        if (i > 0)
            r->v[i - 1] = (int64_t)((uint64_t)c & FP_S62_MASK);
        c >>= 62;
    }
    r->v[FP_S62_LIMBS - 1] = (int64_t)c + top;
}

/* r = x a + y p with x = 1 or -1, limbs carried. */
static inline void fp_s62_adjust(struct fp_s62 *a, int64_t x, int64_t y, const struct fp_s62 *p)
{
    int64_t c = 0;
    for (int i = 0; i < FP_S62_LIMBS; i++) {
        c += x * a->v[i] + y * p->v[i];
        a->v[i] = i + 1 < FP_S62_LIMBS ? (int64_t)((uint64_t)c & FP_S62_MASK) : c;
        c >>= 62;
    }
}

/* 1 / a; zero for zero. */
PAIRING_FUNCTION void fp_inverse(struct fp *r, const struct fp *a)
{
    struct fp_s62 p, f, g, d = {{0}}, e = {{1}};
    fp_s62_from(&p, FP_P.w);
    fp_s62_from(&g, a->w);
    f = p;
    int64_t eta = -1;
    for (;;) {
        int64_t nonzero = 0;
        for (int i = 0; i < FP_S62_LIMBS; i++)
            nonzero |= g.v[i];
        if (!nonzero)
            break;
        struct fp_steps t;
        struct fp_s62 d_old = d;
        uint64_t f_low = (uint64_t)f.v[0] | (uint64_t)f.v[1] << 62;
        uint64_t g_low = (uint64_t)g.v[0] | (uint64_t)g.v[1] << 62;
        eta = fp_steps_gather(&t, eta, f_low, g_low);
        fp_steps_apply(&f, &g, &t);
        fp_steps_combine(&d, &d_old, &e, t.u, t.v, &p);
        fp_steps_combine(&e, &d_old, &e, t.q, t.r, &p);
    }
    /* f is 1 or -1 (or p when a is zero, and d then 0): the inverse is f d. */
    if (f.v[FP_S62_LIMBS - 1] < 0)
        fp_s62_adjust(&d, -1, 0, &p);
    if (d.v[FP_S62_LIMBS - 1] < 0)
        fp_s62_adjust(&d, 1, 1, &p);
    struct fp plain;
    fp_s62_to(plain.w, &d);
    fp_mul(r, &plain, &FP_CUBED_R);
}

#endif
