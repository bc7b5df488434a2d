/* BN254 against a second implementation. */
#include "crypto/pairing/bn254_pairing.h"

#define TWIN(name)       bn254_##name
#define TWIN_M_TWIST     0
#define TWIN_LOOP(e)     twin_loop(e)
#define TWIN_COFACTOR(e) twin_cofactor(e)

#include <gmp.h>

static void twin_loop(mpz_t ret);
static void twin_cofactor(mpz_t ret);
struct twin_fp12;
struct twin_point;
static void bn254_twin_end(struct twin_fp12 *f, struct twin_point *t, const struct g2_affine *q,
                           const struct twin_point *p);
static struct g1_affine random_g1(void);
static struct g2_affine random_g2(void);

#include "crypto/test/pairing_twin.inc"

static void twin_loop(mpz_t ret)
{
    mpz_set_ui(ret, BN254_X); /* 6 x + 2 */
    mpz_mul_ui(ret, ret, 6);
    mpz_add_ui(ret, ret, 2);
}

/* 2 x (6 x^2 + 3 x + 1) */
static void twin_cofactor(mpz_t ret)
{
    mpz_set_ui(ret, BN254_X);
    mpz_mul_ui(ret, ret, 6);
    mpz_add_ui(ret, ret, 3);
    mpz_mul_ui(ret, ret, BN254_X);
    mpz_add_ui(ret, ret, 1);
    mpz_mul_ui(ret, ret, BN254_X);
    mpz_mul_ui(ret, ret, 2);
}

/* The lines through the images of Q under the Frobenius map p and the negated one of p^2. */
static void bn254_twin_end(struct twin_fp12 *f, struct twin_point *t, const struct g2_affine *q,
                           const struct twin_point *p)
{
    struct twin_point image;
    struct g2_affine psi;
    twin_point_init(&image);
    bn254_psi_affine(&psi, q);
    twin_point_set(&image, &psi);
    twin_step(f, t, &image, p);
    bn254_psi_affine(&psi, &psi);
    g2_affine_neg(&psi, &psi);
    twin_point_set(&image, &psi);
    twin_step(f, t, &image, p);
    twin_point_clear(&image);
}

static struct g1_affine random_g1(void)
{
    return random_g1_curve(); /* the whole curve has order r */
}

/* (x, y) times the cofactor 2 p - r. */
static struct g2_affine random_g2(void)
{
    struct g2_affine p = random_g2_curve();
    struct twin_point t;
    mpz_t cofactor;
    mpz_init(cofactor);
    mpz_mul_ui(cofactor, prime, 2);
    mpz_sub(cofactor, cofactor, order);
    twin_point_init(&t);
    twin_point_set(&t, &p);
    twin_mul(&t, &t, cofactor);
    to_fp(&p.x.c0, t.x.c[0]);
    to_fp(&p.x.c1, t.x.c[1]);
    to_fp(&p.y.c0, t.y.c[0]);
    to_fp(&p.y.c1, t.y.c[1]);
    twin_point_clear(&t);
    mpz_clear(cofactor);
    return p;
}

static void test_mul(void **state)
{
    (void)state;
    struct twin_point t;
    mpz_t k;
    mpz_init(k);
    twin_point_init(&t);
    for (int i = 0; i < 50; i++) {
        struct g1_affine p = random_g1_curve();
        struct u256 scalar = random_scalar();
        struct g1_point r;
        if (i == 0)
            scalar = FR_ORDER;
        if (i == 1)
            memset(&scalar, 0xff, sizeof(scalar));
        if (i == 2)
            scalar = u256_from(0);
        bn254_g1_mul(&r, &p, &scalar);
        scalar_to_mpz(k, &scalar);
        twin_point_set_g1(&t, &p);
        twin_mul(&t, &t, k);
        expect_g1(&t, &r);
    }
    twin_point_clear(&t);
    mpz_clear(k);
}

static void test_subgroup(void **state)
{
    (void)state;
    struct twin_point t;
    twin_point_init(&t);
    for (int i = 0; i < 20; i++) {
        struct g2_affine q = i % 2 ? random_g2() : random_g2_curve();
        twin_point_set(&t, &q);
        twin_mul(&t, &t, order);
        assert_int_equal(t.infinity, i % 2);
        assert_int_equal(bn254_g2_in_subgroup(&q), t.infinity);
    }
    twin_point_clear(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prime_field),   cmocka_unit_test(test_kernels),
        cmocka_unit_test(test_tower),         cmocka_unit_test(test_addition),
        cmocka_unit_test(test_mul),           cmocka_unit_test(test_subgroup),
        cmocka_unit_test(test_pairing_value), cmocka_unit_test(test_bilinear),
    };
    return cmocka_run_group_tests(tests, twin_setup, twin_teardown);
}
