/* The maps of field elements to the groups of BLS12-381 (RFC 9380). */
#ifndef CRYPTO_PAIRING_BLS12_381_MAP_H
#define CRYPTO_PAIRING_BLS12_381_MAP_H

#include "crypto/pairing/bls12_381_groups.h"

/* sgn0 of RFC 9380, section 4.1. */
static inline unsigned fp_sign(const struct fp *a)
{
    uint64_t plain[FP_LIMBS];
    fp_to_plain(plain, a);
    return plain[0] & 1;
}

static inline unsigned fp2_sign(const struct fp2 *a)
{
    return fp_is_zero(&a->c0) ? fp_sign(&a->c1) : fp_sign(&a->c0);
}

#define FIELD(name)   fp_##name
#define MAP(name)     bls_map_g1_##name
#define MAP_FIELD     struct fp
#define MAP_ONE       FP_ONE
#define MAP_POINT     struct g1_point
#define SSWU(name)    SSWU_G1_##name
#define ISOGENY(name) ISO_G1_##name
#include "crypto/pairing/sswu.inc"
#include "crypto/pairing/undef.inc"

#define FIELD(name)   fp2_##name
#define MAP(name)     bls_map_g2_##name
#define MAP_FIELD     struct fp2
#define MAP_ONE       FP2_ONE
#define MAP_POINT     struct g2_point
#define SSWU(name)    SSWU_G2_##name
#define ISOGENY(name) ISO_G2_##name
#include "crypto/pairing/sswu.inc"
#include "crypto/pairing/undef.inc"

/* Section 8.8.1: h_eff = 1 - x. */
static inline void bls_map_to_g1(struct g1_affine *r, const struct fp *u)
{
    struct g1_point p;
    bls_map_g1_curve(&p, u);
    g1_mul_u64(&p, &p, BLS_X + 1);
    g1_to_affine(r, &p);
}

/* Appendix G.3: (x^2 - x - 1) P + (x - 1) psi(P) + psi^2(2 P), which is h_eff P. */
static inline void bls_map_to_g2(struct g2_affine *r, const struct fp2 *u)
{
    struct g2_point p, xp, psi_p, sum, t;
    bls_map_g2_curve(&p, u);
    g2_mul_u64(&xp, &p, BLS_X);
    g2_neg(&xp, &xp);
    bls_psi(&psi_p, &p);
    g2_add(&t, &xp, &psi_p); /* x (x P + psi(P)) */
    g2_mul_u64(&sum, &t, BLS_X);
    g2_neg(&sum, &sum);
    g2_neg(&t, &t); /* - x P - psi(P) */
    g2_add(&sum, &sum, &t);
    g2_neg(&t, &p);
    g2_add(&sum, &sum, &t);
    g2_double(&t, &p);
    bls_psi(&t, &t);
    bls_psi(&t, &t);
    g2_add(&sum, &sum, &t);
    g2_to_affine(r, &sum);
}

#endif
