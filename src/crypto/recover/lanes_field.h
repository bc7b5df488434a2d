/*
 * Eight numbers modulo p = 2^256 - 2^32 - 977 side by side, one in each 64-bit lane: five limbs of 52 bits, for the
 * multiply-add of AVX-512 IFMA, which takes the low 52 bits of its factors and adds the low or high half of their
 * product to 64 bits.
 *
 * Every function here takes limbs from 0 to 2^52 - 1 (a value below 2^260) and returns such. A product is below
 * 2^256 + 2^214. Sums and differences are made on whole limbs, as signed numbers, and then carried once; what they may
 * reach is said in units of 2^256 ("size"), and must stay below 16.
 */
#ifndef CRYPTO_RECOVER_LANES_FIELD_H
#define CRYPTO_RECOVER_LANES_FIELD_H

#include <immintrin.h>
#include <stdint.h>

/* Under both sanitizers clang would take two minutes for these: loops of fixed bounds, which the address sanitizer watches. */
#if defined(__has_feature)
#    if __has_feature(undefined_behavior_sanitizer)
#        define LANES_CHECKS no_sanitize("undefined")
#    endif
#endif
#ifndef LANES_CHECKS
#    define LANES_CHECKS
#endif

#define LANES_TARGET                                                                               \
    __attribute__((target("avx512f,avx512dq,avx512vl,avx512bw,avx512ifma"), LANES_CHECKS))
#define LANES_INLINE LANES_TARGET static inline __attribute__((always_inline))

enum { LANES = 8, LIMBS = 5, LIMB_BITS = 52, TOP_BITS = 48 };

struct lanes {
    __m512i l[LIMBS];
};

#define LIMB_MASK UINT64_C(0xfffffffffffff)
#define TOP_MASK  UINT64_C(0xffffffffffff)
#define FOLD_256  UINT64_C(0x1000003d1)  /* 2^256 modulo p */
#define FOLD_260  UINT64_C(0x1000003d10) /* 2^260 modulo p */

LANES_INLINE __m512i lanes_all(uint64_t value)
{
    return _mm512_set1_epi64((long long)value);
}

LANES_INLINE __m512i lanes_lo(__m512i sum, __m512i a, __m512i b)
{
    return _mm512_madd52lo_epu64(sum, a, b);
}

LANES_INLINE __m512i lanes_hi(__m512i sum, __m512i a, __m512i b)
{
    return _mm512_madd52hi_epu64(sum, a, b);
}

/* Limbs of any size and sign, of a value from 0 to 2^260 - 1, into limbs of 52 bits. */
LANES_INLINE void lanes_carry(struct lanes *r)
{
    const __m512i mask = lanes_all(LIMB_MASK);
    for (int i = 0; i < LIMBS - 1; i++) {
        r->l[i + 1] = _mm512_add_epi64(r->l[i + 1], _mm512_srai_epi64(r->l[i], LIMB_BITS));
        r->l[i] = _mm512_and_si512(r->l[i], mask);
    }
}

/* Ten columns of a product, each below 2^57, to its value modulo p. */
LANES_INLINE void lanes_reduce(struct lanes *r, __m512i c[2 * LIMBS])
{
    const __m512i mask = lanes_all(LIMB_MASK), fold = lanes_all(FOLD_260);
    const __m512i zero = _mm512_setzero_si512();
    for (int i = LIMBS; i < 2 * LIMBS - 1; i++) {
        c[i + 1] = _mm512_add_epi64(c[i + 1], _mm512_srli_epi64(c[i], LIMB_BITS));
        c[i] = _mm512_and_si512(c[i], mask);
    }
    __m512i over = lanes_hi(zero, c[9], fold); /* at 2^260 again; below 2^37 */
    for (int i = 0; i < LIMBS; i++)
        c[i] = lanes_lo(c[i], c[LIMBS + i], fold);
    for (int i = 1; i < LIMBS; i++)
        c[i] = lanes_hi(c[i], c[LIMBS + i - 1], fold);
    c[0] = lanes_lo(c[0], over, fold);
    c[1] = lanes_hi(c[1], over, fold);
    /* What lies over 2^256 in the top column; the carries into it that follow are small. */
    __m512i top = _mm512_srli_epi64(c[4], TOP_BITS);
    c[4] = _mm512_and_si512(c[4], lanes_all(TOP_MASK));
    c[0] = lanes_lo(c[0], top, lanes_all(FOLD_256));
    for (int i = 0; i < LIMBS - 1; i++) {
        r->l[i] = _mm512_and_si512(c[i], mask);
        c[i + 1] = _mm512_add_epi64(c[i + 1], _mm512_srli_epi64(c[i], LIMB_BITS));
    }
    r->l[4] = c[4];
}

LANES_INLINE void lanes_mul(struct lanes *r, const struct lanes *a, const struct lanes *b)
{
    __m512i c[2 * LIMBS];
    for (int i = 0; i < 2 * LIMBS; i++)
        c[i] = _mm512_setzero_si512();
    for (int i = 0; i < LIMBS; i++) {
        for (int j = 0; j < LIMBS; j++) {
            c[i + j] = lanes_lo(c[i + j], a->l[i], b->l[j]);
            c[i + j + 1] = lanes_hi(c[i + j + 1], a->l[i], b->l[j]);
        }
    }
    lanes_reduce(r, c);
}

LANES_INLINE void lanes_sqr(struct lanes *r, const struct lanes *a)
{
    __m512i c[2 * LIMBS];
    for (int i = 0; i < 2 * LIMBS; i++)
        c[i] = _mm512_setzero_si512();
    for (int i = 0; i < LIMBS; i++) {
        for (int j = i + 1; j < LIMBS; j++) {
            c[i + j] = lanes_lo(c[i + j], a->l[i], a->l[j]);
            c[i + j + 1] = lanes_hi(c[i + j + 1], a->l[i], a->l[j]);
        }
    }
    for (int i = 0; i < 2 * LIMBS; i++)
        c[i] = _mm512_add_epi64(c[i], c[i]);
    for (int i = 0; i < LIMBS; i++) {
        c[2 * i] = lanes_lo(c[2 * i], a->l[i], a->l[i]);
        c[2 * i + 1] = lanes_hi(c[2 * i + 1], a->l[i], a->l[i]);
    }
    lanes_reduce(r, c);
}

/* Adds k * p, limb by limb, to make a difference positive. k <= 12. */
LANES_INLINE void lanes_add_p(struct lanes *r, uint64_t k)
{
    static const uint64_t p[LIMBS] = {UINT64_C(0xffffefffffc2f), LIMB_MASK, LIMB_MASK, LIMB_MASK,
                                      TOP_MASK};
    for (int i = 0; i < LIMBS; i++)
        r->l[i] = _mm512_add_epi64(r->l[i], lanes_all(k * p[i]));
}

LANES_INLINE void lanes_add_limbs(struct lanes *r, const struct lanes *a)
{
    for (int i = 0; i < LIMBS; i++)
        r->l[i] = _mm512_add_epi64(r->l[i], a->l[i]);
}

LANES_INLINE void lanes_sub_limbs(struct lanes *r, const struct lanes *a)
{
    for (int i = 0; i < LIMBS; i++)
        r->l[i] = _mm512_sub_epi64(r->l[i], a->l[i]);
}

/* r -= a * 2^shift */
LANES_INLINE void lanes_sub_shifted(struct lanes *r, const struct lanes *a, unsigned shift)
{
    for (int i = 0; i < LIMBS; i++)
        r->l[i] = _mm512_sub_epi64(r->l[i], _mm512_slli_epi64(a->l[i], shift));
}

LANES_INLINE void lanes_shift(struct lanes *r, unsigned shift)
{
    for (int i = 0; i < LIMBS; i++)
        r->l[i] = _mm512_slli_epi64(r->l[i], shift);
}

/* r = a in the lanes of `mask` */
LANES_INLINE void lanes_blend(struct lanes *r, __mmask8 mask, const struct lanes *a)
{
    for (int i = 0; i < LIMBS; i++)
        r->l[i] = _mm512_mask_mov_epi64(r->l[i], mask, a->l[i]);
}

/* The one representation below p. */
LANES_INLINE void lanes_normalize(struct lanes *r)
{
    __m512i top = _mm512_srli_epi64(r->l[4], TOP_BITS);
    r->l[4] = _mm512_and_si512(r->l[4], lanes_all(TOP_MASK));
    r->l[0] = lanes_lo(r->l[0], top, lanes_all(FOLD_256));
    lanes_carry(r);         /* below 2^256 + 2^37 */
    struct lanes less = *r; /* r - p + 2^256 */
    less.l[0] = _mm512_add_epi64(less.l[0], lanes_all(FOLD_256));
    lanes_carry(&less);
    __mmask8 over = _mm512_test_epi64_mask(less.l[4], lanes_all(~TOP_MASK));
    less.l[4] = _mm512_and_si512(less.l[4], lanes_all(TOP_MASK));
    lanes_blend(r, over, &less);
}

/* Lanes that are zero; normalized numbers. */
LANES_INLINE __mmask8 lanes_zero(const struct lanes *a)
{
    __m512i all = a->l[0];
    for (int i = 1; i < LIMBS; i++)
        all = _mm512_or_si512(all, a->l[i]);
    return _mm512_testn_epi64_mask(all, all);
}

LANES_INLINE void lanes_set(struct lanes *r, const uint64_t limbs[LIMBS])
{
    for (int i = 0; i < LIMBS; i++)
        r->l[i] = lanes_all(limbs[i]);
}

/* r = a^(2^times) * b */
LANES_TARGET static __attribute__((noinline)) void
lanes_power_step(struct lanes *r, const struct lanes *a, unsigned times, const struct lanes *b)
{
    struct lanes x = *a;
    for (unsigned i = 0; i < times; i++)
        lanes_sqr(&x, &x);
    lanes_mul(r, &x, b);
}

/* a^(2^223 - 1), with a^3 and a^(2^22 - 1) by the way: the long runs of ones that p - 2 and (p + 1) / 4 begin with. */
LANES_TARGET static __attribute__((noinline)) void lanes_power_ones(struct lanes *ret_223,
                                                                    struct lanes *ret_22,
                                                                    struct lanes *ret_2,
                                                                    const struct lanes *a)
{
    struct lanes x3, x6, x9, x11, x44, x88, x176, x220;
    lanes_power_step(ret_2, a, 1, a);
    lanes_power_step(&x3, ret_2, 1, a);
    lanes_power_step(&x6, &x3, 3, &x3);
    lanes_power_step(&x9, &x6, 3, &x3);
    lanes_power_step(&x11, &x9, 2, ret_2);
    lanes_power_step(ret_22, &x11, 11, &x11);
    lanes_power_step(&x44, ret_22, 22, ret_22);
    lanes_power_step(&x88, &x44, 44, &x44);
    lanes_power_step(&x176, &x88, 88, &x88);
    lanes_power_step(&x220, &x176, 44, &x44);
    lanes_power_step(ret_223, &x220, 3, &x3);
}

/* a^(p - 2): the inverse, or 0 of 0. */
LANES_TARGET static void lanes_invert(struct lanes *r, const struct lanes *a)
{
    struct lanes x2, x22, x223, t;
    lanes_power_ones(&x223, &x22, &x2, a);
    lanes_power_step(&t, &x223, 23, &x22);
    lanes_power_step(&t, &t, 5, a);
    lanes_power_step(&t, &t, 3, &x2);
    lanes_power_step(r, &t, 2, a);
}

/* a^((p + 1) / 4): a square root where there is one. */
LANES_TARGET static void lanes_root(struct lanes *r, const struct lanes *a)
{
    struct lanes x2, x22, x223, t;
    lanes_power_ones(&x223, &x22, &x2, a);
    lanes_power_step(&t, &x223, 23, &x22);
    lanes_power_step(&t, &t, 6, &x2);
    lanes_sqr(&t, &t);
    lanes_sqr(r, &t);
}

#endif
