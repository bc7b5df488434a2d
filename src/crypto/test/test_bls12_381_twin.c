/* BLS12-381 against a second implementation. */
#include "base/mem.h"
#include "crypto/pairing/bls12_381_map.h"
#include "crypto/pairing/bls12_381_pairing.h"

#define TWIN(name)       bls12_381_##name
#define TWIN_M_TWIST     1
#define TWIN_LOOP(e)     mpz_set_ui(e, BLS_X)
#define TWIN_COFACTOR(e) mpz_set_si(e, 3)

#include <gmp.h>

struct twin_fp12;
struct twin_point;
static void bls12_381_twin_end(struct twin_fp12 *f, struct twin_point *t, const struct g2_affine *q,
                               const struct twin_point *p);
static struct g1_affine random_g1(void);
static struct g2_affine random_g2(void);

#include "crypto/test/pairing_twin.inc"

/* The parameter is negative: the inverse, up to what the final exponentiation drops: f^(p^6). */
static void bls12_381_twin_end(struct twin_fp12 *f, struct twin_point *t, const struct g2_affine *q,
                               const struct twin_point *p)
{
    (void)t, (void)q, (void)p;
    for (int i = 1; i < 12; i += 2) { /* w^(p^6) = -w */
        mpz_neg(f->c[i], f->c[i]);
        mpz_mod(f->c[i], f->c[i], prime);
    }
}

static struct g1_affine random_g1(void)
{
    struct fp u = random_fp();
    struct g1_affine p;
    bls_map_to_g1(&p, &u);
    return p;
}

static struct g2_affine random_g2(void)
{
    struct fp2 u = random_fp2();
    struct g2_affine p;
    bls_map_to_g2(&p, &u);
    return p;
}

static void test_subgroup(void **state)
{
    (void)state;
    struct twin_point t;
    twin_point_init(&t);
    for (int i = 0; i < 20; i++) {
        struct g1_affine p = i % 2 ? random_g1() : random_g1_curve();
        twin_point_set_g1(&t, &p);
        twin_mul(&t, &t, order);
        assert_int_equal(t.infinity, i % 2);
        assert_int_equal(bls_g1_in_subgroup(&p), t.infinity);

        struct g2_affine q = i % 2 ? random_g2() : random_g2_curve();
        twin_point_set(&t, &q);
        twin_mul(&t, &t, order);
        assert_int_equal(t.infinity, i % 2);
        assert_int_equal(bls_g2_in_subgroup(&q), t.infinity);
    }
    assert_true(bls_g1_in_subgroup(&(struct g1_affine){0}));
    assert_true(bls_g2_in_subgroup(&(struct g2_affine){0}));
    twin_point_clear(&t);
}

/* Sums over every count where the ways of computing change; terms repeat and cancel. */
static void check_msm(size_t count)
{
    struct g1_affine *g1 = mem_alloc(count * sizeof(*g1) + 1);
    struct g2_affine *g2 = mem_alloc(count * sizeof(*g2) + 1);
    struct u256 *scalars = mem_alloc(count * sizeof(*scalars) + 1);
    assert_true(g1 && g2 && scalars);
    struct g1_point fast_g1, slow_g1;
    struct g2_point fast_g2, slow_g2;
    for (size_t i = 0; i < count; i++) {
        scalars[i] = random_scalar();
        if (i >= 4 && i % 2) { /* the same points over and over, some negated */
            g1[i] = g1[i - 3];
            g2[i] = g2[i - 4];
            if (i % 3 == 0)
                g1_affine_neg(&g1[i], &g1[i]);
            if (i % 5 == 0)
                g2_affine_neg(&g2[i], &g2[i]);
            if (i % 7 == 0)
                scalars[i] = scalars[i - 4];
        } else {
            g1[i] = random_g1();
            g2[i] = random_g2();
        }
    }
    assert_int_equal(g1_msm(&fast_g1, g1, scalars, count), ERR_OK);
    assert_int_equal(g2_msm(&fast_g2, g2, scalars, count), ERR_OK);
    g1_msm_small(&slow_g1, g1, scalars, count);
    g2_msm_small(&slow_g2, g2, scalars, count);
    assert_true(g1_equal(&fast_g1, &slow_g1));
    assert_true(g2_equal(&fast_g2, &slow_g2));
    if (count <= 17) {
        struct twin_point sum, t;
        mpz_t k;
        mpz_init(k);
        twin_point_init(&t);
        twin_point_init(&sum);
        for (size_t i = 0; i < count; i++) {
            scalar_to_mpz(k, &scalars[i]);
            twin_point_set_g1(&t, &g1[i]);
            twin_mul(&t, &t, k);
            twin_add(&sum, &sum, &t);
        }
        expect_g1(&sum, &fast_g1);
        sum.infinity = true;
        for (size_t i = 0; i < count; i++) {
            scalar_to_mpz(k, &scalars[i]);
            twin_point_set(&t, &g2[i]);
            twin_mul(&t, &t, k);
            twin_add(&sum, &sum, &t);
        }
        expect_g2(&sum, &fast_g2);
        twin_point_clear(&t);
        twin_point_clear(&sum);
        mpz_clear(k);
    }
    mem_free(g1);
    mem_free(g2);
    mem_free(scalars);
}

static void test_msm(void **state)
{
    (void)state;
    static const size_t counts[] = {0, 1, 2, 3, 8, 9, 16, 17, 31, 32, 33, 63, 64, 65, 200, 700};
    for (size_t i = 0; i < BASE_COUNT(counts); i++)
        check_msm(counts[i]);
}

static void test_msm_without_memory(void **state)
{
    (void)state;
    enum { COUNT = 300 };
    static struct g1_affine g1[COUNT];
    static struct g2_affine g2[COUNT];
    static struct u256 scalars[COUNT];
    struct g1_point r1;
    struct g2_point r2;
    for (int i = 0; i < COUNT; i++) {
        g1[i] = i < 10 ? random_g1() : g1[i - 10];
        g2[i] = i < 10 ? random_g2() : g2[i - 10];
        scalars[i] = random_scalar();
    }
    mem_fail_at(1, 1);
    assert_int_equal(g1_msm(&r1, g1, scalars, COUNT), ERR_NOMEM);
    mem_fail_at(1, 1);
    assert_int_equal(g2_msm(&r2, g2, scalars, COUNT), ERR_NOMEM);
    mem_fail_at(0, 0);
}

/* Every result of the maps is in its subgroup; u and -u give opposite points (the sign of u chooses
 * y). */
static void test_maps(void **state)
{
    (void)state;
    for (int i = 0; i < 40; i++) {
        struct fp u = random_fp(), minus_u;
        struct g1_affine p, opposite;
        bls_map_to_g1(&p, &u);
        assert_true(g1_is_on_curve(&p) && bls_g1_in_subgroup(&p));
        fp_neg(&minus_u, &u);
        bls_map_to_g1(&opposite, &minus_u);
        if (!fp_is_zero(&u)) {
            g1_affine_neg(&opposite, &opposite);
            assert_memory_equal(&p, &opposite, sizeof(p));
        }
        struct fp2 v = random_fp2();
        struct g2_affine q;
        bls_map_to_g2(&q, &v);
        assert_true(g2_is_on_curve(&q) && bls_g2_in_subgroup(&q));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prime_field),
        cmocka_unit_test(test_kernels),
        cmocka_unit_test(test_tower),
        cmocka_unit_test(test_addition),
        cmocka_unit_test(test_subgroup),
        cmocka_unit_test(test_msm),
        cmocka_unit_test(test_msm_without_memory),
        cmocka_unit_test(test_maps),
        cmocka_unit_test(test_pairing_value),
        cmocka_unit_test(test_bilinear),
    };
    return cmocka_run_group_tests(tests, twin_setup, twin_teardown);
}
