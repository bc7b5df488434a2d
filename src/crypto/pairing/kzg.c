#include "crypto/kzg.h"

#include "crypto/pairing/bls12_381_pairing.h"

/* Compressed G1 points (the serialization of ZCash, which the consensus specification uses): the
 * top three bits of x tell that it is compressed, infinity, and that y is the larger root. */
enum { FLAG_COMPRESSED = 0x80, FLAG_INFINITY = 0x40, FLAG_LARGER = 0x20, FLAGS = 0xe0 };

/* Whether y > -y, as numbers. */
static bool is_larger_root(const struct fp *y)
{
    struct fp opposite;
    uint64_t a[FP_LIMBS], b[FP_LIMBS];
    fp_neg(&opposite, y);
    fp_to_plain(a, y);
    fp_to_plain(b, &opposite);
    return limbs_less(b, a, FP_LIMBS);
}

static bool load_compressed(struct g1_affine *r, const uint8_t in[48])
{
    uint8_t x[FP_BYTES], flags = in[0] & FLAGS;
    memcpy(x, in, sizeof(x));
    x[0] &= (uint8_t)~FLAGS;
    if (!(flags & FLAG_COMPRESSED) || !fp_load(&r->x, x))
        return false;
    if (flags & FLAG_INFINITY) {
        r->y = fp_zero;
        return !(flags & FLAG_LARGER) && fp_is_zero(&r->x);
    }
    struct fp square;
    fp_sqr(&square, &r->x);
    fp_mul(&square, &square, &r->x);
    fp_add(&square, &square, &G1_B);
    if (!fp_sqrt(&r->y, &square))
        return false;
    if (is_larger_root(&r->y) != !!(flags & FLAG_LARGER))
        fp_neg(&r->y, &r->y);
    return bls_g1_in_subgroup(r);
}

bool crypto_kzg_verify_proof(const uint8_t commitment[48], const uint8_t z[32], const uint8_t y[32],
                             const uint8_t proof[48])
{
    /* The proof is of q with q(tau) (tau - z) = p(tau) - y. In the exponents, and with what z
     * multiplies moved to G1: e(C - y G1 + z proof, -G2) e(proof, tau G2) = 1. */
    struct g1_affine points[2] = {{G1_GENERATOR[0], G1_GENERATOR[1]}};
    struct u256 scalars[2] = {u256_load(y), u256_load(z)};
    struct g1_affine c;
    if (!u256_less(&scalars[0], &FR_ORDER) || !u256_less(&scalars[1], &FR_ORDER) ||
        !load_compressed(&c, commitment) || !load_compressed(&points[1], proof))
        return false;
    g1_affine_neg(&points[0], &points[0]);

    bool proof_is_infinity = g1_affine_is_infinity(&points[1]);
    struct g1_point left;
    g1_msm_small(&left, points, scalars, proof_is_infinity ? 1 : 2);
    g1_add_affine(&left, &left, &c);

    struct miller_pair pairs[2];
    int count = 0;
    if (!g1_is_infinity(&left)) {
        g1_to_affine(&pairs[count].p, &left);
        pairs[count].q = (struct g2_affine){G2_GENERATOR[0], G2_GENERATOR[1]};
        g2_affine_neg(&pairs[count].q, &pairs[count].q);
        count++;
    }
    if (!proof_is_infinity) {
        pairs[count].p = points[1];
        pairs[count].q = (struct g2_affine){KZG_TAU_G2_POINT[0], KZG_TAU_G2_POINT[1]};
        count++;
    }
    struct fp12 f;
    bls12_381_miller_loop(&f, pairs, count);
    bls12_381_final_exponentiation(&f, &f);
    return fp12_is_one(&f);
}
