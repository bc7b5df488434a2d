#include "crypto/bn254.h"

#include "crypto/pairing/bn254_pairing.h"

static bool load_g1(struct g1_affine *r, const uint8_t in[64])
{
    return fp_load(&r->x, in) && fp_load(&r->y, in + 32) && g1_is_on_curve(r);
}

static void store_g1(uint8_t ret[64], const struct g1_affine *p)
{
    fp_store(ret, &p->x);
    fp_store(ret + 32, &p->y);
}

static bool load_g2(struct g2_affine *r, const uint8_t in[128])
{
    return fp_load(&r->x.c1, in) && fp_load(&r->x.c0, in + 32) && fp_load(&r->y.c1, in + 64) &&
           fp_load(&r->y.c0, in + 96) && g2_is_on_curve(r) &&
           (g2_affine_is_infinity(r) || bn254_g2_in_subgroup(r));
}

bool crypto_bn254_add(uint8_t ret[64], const uint8_t in[128])
{
    struct g1_affine p, q;
    if (!load_g1(&p, in) || !load_g1(&q, in + 64))
        return false;
    g1_affine_add(&p, &p, &q);
    store_g1(ret, &p);
    return true;
}

bool crypto_bn254_mul(uint8_t ret[64], const uint8_t in[96])
{
    struct g1_affine p;
    if (!load_g1(&p, in))
        return false;
    if (!g1_affine_is_infinity(&p)) {
        struct u256 scalar = u256_load(in + 64);
        struct g1_point product;
        bn254_g1_mul(&product, &p, &scalar);
        g1_to_affine(&p, &product);
    }
    store_g1(ret, &p);
    return true;
}

bool crypto_bn254_pairing(bool *ret_one, struct bytes in)
{
    if (in.len % CRYPTO_BN254_PAIR_SIZE)
        return false;
    struct miller_pair pairs[MILLER_PAIRS];
    struct fp12 product, f;
    int count = 0;
    fp12_set_one(&product);
    for (size_t at = 0; at < in.len; at += CRYPTO_BN254_PAIR_SIZE) {
        struct miller_pair *m = &pairs[count];
        if (!load_g1(&m->p, in.data + at) || !load_g2(&m->q, in.data + at + 64))
            return false;
        /* A pair with infinity is one. */
        count += !g1_affine_is_infinity(&m->p) && !g2_affine_is_infinity(&m->q);
        if (count == MILLER_PAIRS || (at + CRYPTO_BN254_PAIR_SIZE == in.len && count)) {
            bn254_miller_loop(&f, pairs, count);
            fp12_mul(&product, &product, &f);
            count = 0;
        }
    }
    bn254_final_exponentiation(&product, &product);
    *ret_one = fp12_is_one(&product);
    return true;
}
