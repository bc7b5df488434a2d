/* The fields and groups of BLS12-381, their endomorphisms, subgroup checks and multiples. */
#ifndef CRYPTO_PAIRING_BLS12_381_GROUPS_H
#define CRYPTO_PAIRING_BLS12_381_GROUPS_H

#include "base/error.h"
#include "base/mem.h"
#include "crypto/pairing/bls12_381_constants.h"
#include "crypto/pairing/fp12.h"

#include <stdlib.h>

#define CURVE(name) g1_##name
#define FIELD(name) fp_##name
#define CURVE_FIELD struct fp
#define CURVE_B     G1_B
#define CURVE_ONE   FP_ONE
#include "crypto/pairing/curve.inc"
#include "crypto/pairing/straus.inc"
#include "crypto/pairing/undef.inc"

#define CURVE(name) g2_##name
#define FIELD(name) fp2_##name
#define CURVE_FIELD struct fp2
#define CURVE_B     G2_B
#define CURVE_ONE   FP2_ONE
#include "crypto/pairing/curve.inc"
#include "crypto/pairing/straus.inc"
#include "crypto/pairing/undef.inc"

/* Into how many short terms the endomorphism of each group splits one. */
enum { BLS_G1_PARTS = 2, BLS_G2_PARTS = 4 };

/* psi: the Frobenius map seen from the twist; on G2 it multiplies by x. */
static inline void bls_psi_affine(struct g2_affine *r, const struct g2_affine *q)
{
    fp2_conjugate(&r->x, &q->x);
    fp2_mul(&r->x, &r->x, &G2_PSI_X);
    fp2_conjugate(&r->y, &q->y);
    fp2_mul(&r->y, &r->y, &G2_PSI_Y);
}

static inline void bls_psi(struct g2_point *r, const struct g2_point *q)
{
    fp2_conjugate(&r->x, &q->x);
    fp2_mul(&r->x, &r->x, &G2_PSI_X);
    fp2_conjugate(&r->y, &q->y);
    fp2_mul(&r->y, &r->y, &G2_PSI_Y);
    fp2_conjugate(&r->z, &q->z);
}

/* Order r on E1 if and only if (beta x, y) = -x^2 P (Scott, eprint 2021/1130). */
PAIRING_FUNCTION bool bls_g1_in_subgroup(const struct g1_affine *p)
{
    struct g1_point t, image;
    g1_mul_affine_u64(&t, p, BLS_X);
    g1_mul_u64(&t, &t, BLS_X);
    g1_neg(&t, &t);
    g1_from_affine(&image, p);
    fp_mul(&image.x, &image.x, &G1_BETA);
    return g1_equal(&t, &image);
}

/* Order r on E2 if and only if psi(Q) = x Q (the same). */
PAIRING_FUNCTION bool bls_g2_in_subgroup(const struct g2_affine *q)
{
    struct g2_point t, image;
    g2_mul_affine_u64(&t, q, BLS_X);
    g2_neg(&t, &t);
    g2_from_affine(&image, q);
    bls_psi(&image, &image);
    return g2_equal(&t, &image);
}

static inline struct u256 bls_scalar_reduce(struct u256 k)
{
    while (!u256_less(&k, &FR_ORDER)) /* 2^256 < 3 r */
        u256_sub(&k, &k, &FR_ORDER);
    return k;
}

/* k P = k0 P + k1 (x^2 P) = k0 P - k1 (beta x, y), k0 and k1 below 2^128. */
static inline void bls_g1_split(struct short_scalar *parts, const struct u256 *scalar)
{
    struct u256 k = bls_scalar_reduce(*scalar), quotient, rest;
    u256_divmod(&quotient, &rest, &k, &BLS_X_SQUARED);
    parts[0] = (struct short_scalar){{rest.w[0], rest.w[1]}, false};
    parts[1] = (struct short_scalar){{quotient.w[0], quotient.w[1]}, true};
}

/* k Q = sum of k_i |x|^i Q = sum of k_i (-psi)^i Q, each k_i below |x|. */
static inline void bls_g2_split(struct short_scalar *parts, const struct u256 *scalar)
{
    const struct u256 base = u256_from(BLS_X);
    struct u256 k = bls_scalar_reduce(*scalar), rest;
    for (int i = 0; i < BLS_G2_PARTS; i++) {
        u256_divmod(&k, &rest, &k, &base);
        parts[i] = (struct short_scalar){{rest.w[0], 0}, i & 1};
    }
}

/* The point that belongs to part i + 1, from that of part i. */
BASE_ALWAYS_INLINE void bls_g1_next_part(struct g1_affine *r, const struct g1_affine *p)
{
    fp_mul(&r->x, &p->x, &G1_BETA);
    r->y = p->y;
}

BASE_ALWAYS_INLINE void bls_g2_next_part(struct g2_affine *r, const struct g2_affine *q)
{
    bls_psi_affine(r, q);
}

/* From how many short terms on buckets beat tables. */
enum { MSM_BUCKETS_FROM = 128 };

#include "crypto/pairing/msm_window.h"

#define CURVE(name)   g1_##name
#define FIELD(name)   fp_##name
#define CURVE_FIELD   struct fp
#define CURVE_ONE     FP_ONE
#define MSM_PARTS     BLS_G1_PARTS
#define MSM_BITS      128
#define MSM_SPLIT     bls_g1_split
#define MSM_NEXT_PART bls_g1_next_part
#include "crypto/pairing/msm.inc"
#include "crypto/pairing/undef.inc"

#define CURVE(name)   g2_##name
#define FIELD(name)   fp2_##name
#define CURVE_FIELD   struct fp2
#define CURVE_ONE     FP2_ONE
#define MSM_PARTS     BLS_G2_PARTS
#define MSM_BITS      64
#define MSM_SPLIT     bls_g2_split
#define MSM_NEXT_PART bls_g2_next_part
#include "crypto/pairing/msm.inc"
#include "crypto/pairing/undef.inc"

#endif
