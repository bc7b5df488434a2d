#include "crypto/bls12_381.h"

#include "base/mem.h"
#include "crypto/pairing/bls12_381_map.h"
#include "crypto/pairing/bls12_381_pairing.h"

enum {
    FP_SIZE = CRYPTO_BLS12_381_FP_SIZE,
    FP_PADDING = FP_SIZE - FP_BYTES,
    G1_SIZE = CRYPTO_BLS12_381_G1_SIZE,
    G2_SIZE = CRYPTO_BLS12_381_G2_SIZE,
};

static bool load_fp(struct fp *r, const uint8_t in[FP_SIZE])
{
    static const uint8_t zeros[FP_PADDING];
    return memcmp(in, zeros, FP_PADDING) == 0 && fp_load(r, in + FP_PADDING);
}

static void store_fp(uint8_t ret[FP_SIZE], const struct fp *a)
{
    memset(ret, 0, FP_PADDING);
    fp_store(ret + FP_PADDING, a);
}

static bool load_fp2(struct fp2 *r, const uint8_t in[2 * FP_SIZE])
{
    return load_fp(&r->c0, in) && load_fp(&r->c1, in + FP_SIZE);
}

static void store_fp2(uint8_t ret[2 * FP_SIZE], const struct fp2 *a)
{
    store_fp(ret, &a->c0);
    store_fp(ret + FP_SIZE, &a->c1);
}

static bool load_g1(struct g1_affine *r, const uint8_t in[G1_SIZE])
{
    return load_fp(&r->x, in) && load_fp(&r->y, in + FP_SIZE) && g1_is_on_curve(r);
}

static void store_g1(uint8_t ret[G1_SIZE], const struct g1_affine *p)
{
    store_fp(ret, &p->x);
    store_fp(ret + FP_SIZE, &p->y);
}

static bool load_g2(struct g2_affine *r, const uint8_t in[G2_SIZE])
{
    return load_fp2(&r->x, in) && load_fp2(&r->y, in + G2_SIZE / 2) && g2_is_on_curve(r);
}

static void store_g2(uint8_t ret[G2_SIZE], const struct g2_affine *p)
{
    store_fp2(ret, &p->x);
    store_fp2(ret + G2_SIZE / 2, &p->y);
}

static bool load_g1_of_order_r(struct g1_affine *r, const uint8_t in[G1_SIZE])
{
    return load_g1(r, in) && bls_g1_in_subgroup(r);
}

static bool load_g2_of_order_r(struct g2_affine *r, const uint8_t in[G2_SIZE])
{
    return load_g2(r, in) && bls_g2_in_subgroup(r);
}

bool crypto_bls12_381_g1_add(uint8_t ret[128], const uint8_t in[256])
{
    struct g1_affine p, q;
    if (!load_g1(&p, in) || !load_g1(&q, in + G1_SIZE))
        return false;
    g1_affine_add(&p, &p, &q);
    store_g1(ret, &p);
    return true;
}

bool crypto_bls12_381_g2_add(uint8_t ret[256], const uint8_t in[512])
{
    struct g2_affine p, q;
    if (!load_g2(&p, in) || !load_g2(&q, in + G2_SIZE))
        return false;
    g2_affine_add(&p, &p, &q);
    store_g2(ret, &p);
    return true;
}

int crypto_bls12_381_g1_msm(uint8_t ret[128], bool *ret_valid, struct bytes in)
{
    enum { TERM = CRYPTO_BLS12_381_G1_TERM_SIZE };
    *ret_valid = false;
    if (in.len == 0 || in.len % TERM)
        return ERR_OK;
    size_t terms = in.len / TERM, count = 0;
    struct g1_affine *points = mem_alloc(terms * (sizeof(*points) + sizeof(struct u256)));
    if (!points)
        return ERR_NOMEM;
    struct u256 *scalars = (struct u256 *)(points + terms);
    int rc = ERR_OK;
    for (size_t i = 0; i < terms; i++) {
        if (!load_g1_of_order_r(&points[count], in.data + i * TERM))
            goto out;
        scalars[count] = u256_load(in.data + i * TERM + G1_SIZE);
        count += !g1_affine_is_infinity(&points[count]);
    }
    struct g1_point sum;
    rc = g1_msm(&sum, points, scalars, count);
    if (rc == ERR_OK) {
        struct g1_affine affine;
        g1_to_affine(&affine, &sum);
        store_g1(ret, &affine);
        *ret_valid = true;
    }
out:
    mem_free(points);
    return rc;
}

int crypto_bls12_381_g2_msm(uint8_t ret[256], bool *ret_valid, struct bytes in)
{
    enum { TERM = CRYPTO_BLS12_381_G2_TERM_SIZE };
    *ret_valid = false;
    if (in.len == 0 || in.len % TERM)
        return ERR_OK;
    size_t terms = in.len / TERM, count = 0;
    struct g2_affine *points = mem_alloc(terms * (sizeof(*points) + sizeof(struct u256)));
    if (!points)
        return ERR_NOMEM;
    struct u256 *scalars = (struct u256 *)(points + terms);
    int rc = ERR_OK;
    for (size_t i = 0; i < terms; i++) {
        if (!load_g2_of_order_r(&points[count], in.data + i * TERM))
            goto out;
        scalars[count] = u256_load(in.data + i * TERM + G2_SIZE);
        count += !g2_affine_is_infinity(&points[count]);
    }
    struct g2_point sum;
    rc = g2_msm(&sum, points, scalars, count);
    if (rc == ERR_OK) {
        struct g2_affine affine;
        g2_to_affine(&affine, &sum);
        store_g2(ret, &affine);
        *ret_valid = true;
    }
out:
    mem_free(points);
    return rc;
}

bool crypto_bls12_381_pairing(bool *ret_one, struct bytes in)
{
    enum { PAIR = CRYPTO_BLS12_381_PAIR_SIZE };
    if (in.len == 0 || in.len % PAIR)
        return false;
    struct miller_pair pairs[MILLER_PAIRS];
    struct fp12 product, f;
    int count = 0;
    fp12_set_one(&product);
    for (size_t at = 0; at < in.len; at += PAIR) {
        struct miller_pair *m = &pairs[count];
        if (!load_g1_of_order_r(&m->p, in.data + at) ||
            !load_g2_of_order_r(&m->q, in.data + at + G1_SIZE))
            return false;
        /* A pair with infinity is one. */
        count += !g1_affine_is_infinity(&m->p) && !g2_affine_is_infinity(&m->q);
        if (count == MILLER_PAIRS || (at + PAIR == in.len && count)) {
            bls12_381_miller_loop(&f, pairs, count);
            fp12_mul(&product, &product, &f);
            count = 0;
        }
    }
    bls12_381_final_exponentiation(&product, &product);
    *ret_one = fp12_is_one(&product);
    return true;
}

bool crypto_bls12_381_map_fp_to_g1(uint8_t ret[128], const uint8_t in[64])
{
    struct fp u;
    struct g1_affine p;
    if (!load_fp(&u, in))
        return false;
    bls_map_to_g1(&p, &u);
    store_g1(ret, &p);
    return true;
}

bool crypto_bls12_381_map_fp2_to_g2(uint8_t ret[256], const uint8_t in[128])
{
    struct fp2 u;
    struct g2_affine p;
    if (!load_fp2(&u, in))
        return false;
    bls_map_to_g2(&p, &u);
    store_g2(ret, &p);
    return true;
}
