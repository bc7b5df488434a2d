/* The fields and groups of BN254, their endomorphisms and subgroup checks. */
#ifndef CRYPTO_PAIRING_BN254_GROUPS_H
#define CRYPTO_PAIRING_BN254_GROUPS_H

#include "crypto/pairing/bn254_constants.h"
#include "crypto/pairing/fp12.h"

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
#include "crypto/pairing/undef.inc"

/* floor(a b / 2^256) mod 2^128 */
static inline struct u256 bn254_mul_high(const struct u256 *a, const struct u256 *b)
{
    uint64_t product[8];
    limbs_mul(product, a->w, b->w, 4);
    return (struct u256){{product[4], product[5], product[6], product[7]}};
}

static inline struct short_scalar bn254_short(const struct u256 *k)
{
    struct u256 magnitude = *k;
    bool negative = u256_is_negative(k);
    if (negative)
        u256_negate(&magnitude, k);
    BASE_VERIFY((magnitude.w[2] | magnitude.w[3]) == 0);
    return (struct short_scalar){{magnitude.w[0], magnitude.w[1]}, negative};
}

/* k = k1 + k2 lambda mod r with k1 and k2 of about half the length, for k below r (Gallant, Lambert
 * and Vanstone): k minus a vector of the lattice that is close to (k, 0). */
static inline void bn254_split(struct short_scalar *k1, struct short_scalar *k2,
                               const struct u256 *k)
{
    struct u256 c1 = bn254_mul_high(k, &GLV_G1), c2 = bn254_mul_high(k, &GLV_G2);
    struct u256 t1, t2, part;
    u256_mul(&part, &c1, &GLV_A1); /* t1 = k - c1 a1 - c2 a2 */
    u256_sub(&t1, k, &part);
    u256_mul(&part, &c2, &GLV_A2);
    u256_sub(&t1, &t1, &part);
    u256_mul(&t2, &c1, &GLV_B1); /* t2 = -c1 b1 - c2 b2 */
    u256_mul(&part, &c2, &GLV_B2);
    u256_add(&t2, &t2, &part);
    u256_negate(&t2, &t2);
    *k1 = bn254_short(&t1);
    *k2 = bn254_short(&t2);
}

/* r = k p for any k; p is not infinity (and of order r, as all of G1 is). */
static inline void bn254_g1_mul(struct g1_point *r, const struct g1_affine *p,
                                const struct u256 *scalar)
{
    struct u256 k = *scalar;
    while (!u256_less(&k, &FR_ORDER)) /* 2^256 < 6 r */
        u256_sub(&k, &k, &FR_ORDER);
    struct short_scalar parts[2];
    bn254_split(&parts[0], &parts[1], &k);
    struct g1_table tables[2];
    g1_fill_tables(tables, p, 1);
    for (int i = 0; i < STRAUS_ODD; i++) { /* lambda (x, y) = (beta x, y) */
        fp_mul(&tables[1].odd[i].x, &tables[0].odd[i].x, &G1_BETA);
        tables[1].odd[i].y = tables[0].odd[i].y;
    }
    g1_straus(r, tables, parts, 2);
}

/* psi: the Frobenius map seen from the twist; on G2 it multiplies by p. */
static inline void bn254_psi_affine(struct g2_affine *r, const struct g2_affine *q)
{
    fp2_conjugate(&r->x, &q->x);
    fp2_mul(&r->x, &r->x, &FP2_FROBENIUS[2]);
    fp2_conjugate(&r->y, &q->y);
    fp2_mul(&r->y, &r->y, &FP2_FROBENIUS[3]);
}

static inline void bn254_psi(struct g2_point *r, const struct g2_point *q)
{
    fp2_conjugate(&r->x, &q->x);
    fp2_mul(&r->x, &r->x, &FP2_FROBENIUS[2]);
    fp2_conjugate(&r->y, &q->y);
    fp2_mul(&r->y, &r->y, &FP2_FROBENIUS[3]);
    fp2_conjugate(&r->z, &q->z);
}

/* Whether a point of the twist has order r: (x + 1) Q + psi(x Q) + psi^2(x Q) = psi^3(2 x Q) is
 * necessary and sufficient (Dai, Lin, Zhao and Zhou, eprint 2022/348, section 5). */
PAIRING_FUNCTION bool bn254_g2_in_subgroup(const struct g2_affine *q)
{
    struct g2_point xq, left, t;
    g2_mul_affine_u64(&xq, q, BN254_X);
    g2_add_affine(&left, &xq, q);
    bn254_psi(&t, &xq);
    g2_add(&left, &left, &t);
    bn254_psi(&t, &t);
    g2_add(&left, &left, &t);
    bn254_psi(&t, &t);
    g2_double(&t, &t);
    return g2_equal(&left, &t);
}

#endif
