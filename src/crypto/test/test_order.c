/* Numbers modulo the group's order, against GMP. */
#include "crypto/recover/order.h"

#include "crypto/keccak.h"

#include <gmp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static mpz_t n, lambda;

static void to_gmp(mpz_t ret, const struct crypto_order *a)
{
    mpz_import(ret, 4, -1, 8, 0, 0, a->w);
}

static struct crypto_order number(uint64_t seed)
{
    struct crypto_order a;
    struct hash256 hash;
    static const struct crypto_order edges[] = {
        {{0}},
        {{1}},
        {{0xbfd25e8cd0364140, 0xbaaedce6af48a03b, 0xfffffffffffffffe, 0xffffffffffffffff}},
        {{0, 0, 1}},
        {{UINT64_MAX, UINT64_MAX, 0}},
        {{0, 0, 0, 1}},
        {{0xdfe92f46681b20a0, 0x5d576e7357a4501d, 0xffffffffffffffff, 0x7fffffffffffffff}},
    };
    if (seed < BASE_COUNT(edges))
        return edges[seed];
    crypto_keccak256(&hash, bytes_of(&seed, sizeof(seed)));
    (void)crypto_order_parse(&a, hash.b);
    return a;
}

enum { NUMBERS = 60 };

static void products(void **state)
{
    (void)state;
    mpz_t x, y, z;
    mpz_inits(x, y, z, NULL);
    for (uint64_t i = 0; i < NUMBERS; i++) {
        for (uint64_t j = 0; j < NUMBERS; j++) {
            struct crypto_order a = number(i), b = number(j), c;
            crypto_order_mul(&c, &a, &b);
            to_gmp(x, &a);
            to_gmp(y, &b);
            mpz_mul(x, x, y);
            mpz_mod(x, x, n);
            to_gmp(z, &c);
            assert_int_equal(mpz_cmp(x, z), 0);
        }
    }
    mpz_clears(x, y, z, NULL);
}

static void inverses(void **state)
{
    (void)state;
    struct crypto_order numbers[NUMBERS], scratch[NUMBERS], product;
    for (size_t count = 1; count < NUMBERS; count += 13) {
        for (size_t i = 0; i < count; i++)
            numbers[i] = number(i + 1);
        crypto_order_invert_all(numbers, scratch, count);
        for (size_t i = 0; i < count; i++) {
            struct crypto_order a = number(i + 1);
            crypto_order_mul(&product, &a, &numbers[i]);
            assert_memory_equal(&product, &((struct crypto_order){{1}}), sizeof(product));
        }
    }
}

static void half(mpz_t ret, const struct crypto_order_halves *halves, int which, unsigned bits)
{
    int16_t digits[CRYPTO_ORDER_WINDOWS_4];
    unsigned count = 128 / bits;
    crypto_order_digits(digits, 1, halves->magnitude[which], halves->negative[which], bits);
    mpz_set_si(ret, 0);
    for (int i = (int)count; i >= 0; i--) {
        assert_true(abs(digits[i]) <= 1 << (bits - 1));
        mpz_mul_2exp(ret, ret, bits);
        if (digits[i] >= 0)
            mpz_add_ui(ret, ret, (unsigned long)digits[i]);
        else
            mpz_sub_ui(ret, ret, (unsigned long)-digits[i]);
    }
}

static void halves(void **state)
{
    (void)state;
    mpz_t a, b, k;
    mpz_inits(a, b, k, NULL);
    for (uint64_t i = 0; i < 3000; i++) {
        struct crypto_order own = number(i);
        struct crypto_order_halves split;
        crypto_order_split(&split, &own);
        for (unsigned bits = 4; bits <= 8; bits += 4) {
            half(a, &split, 0, bits);
            half(b, &split, 1, bits);
            assert_true(mpz_sizeinbase(a, 2) <= 128 && mpz_sizeinbase(b, 2) <= 128);
            mpz_mul(b, b, lambda);
            mpz_add(a, a, b);
            mpz_mod(a, a, n);
            to_gmp(k, &own);
            assert_int_equal(mpz_cmp(a, k), 0);
        }
    }
    mpz_clears(a, b, k, NULL);
}

static void negatives(void **state)
{
    (void)state;
    mpz_t x, y;
    mpz_inits(x, y, NULL);
    for (uint64_t i = 0; i < NUMBERS; i++) {
        struct crypto_order a = number(i), b;
        crypto_order_negate(&b, &a);
        to_gmp(x, &a);
        to_gmp(y, &b);
        assert_true(mpz_cmp(y, n) < 0);
        mpz_add(x, x, y);
        mpz_mod(x, x, n);
        assert_int_equal(mpz_sgn(x), 0);
    }
    mpz_clears(x, y, NULL);
}

int main(void)
{
    mpz_init_set_str(n, "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", 16);
    mpz_init_set_str(lambda, "5363ad4cc05c30e0a5261c028812645a122e22ea20816678df02967c1b23bd72",
                     16);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products),
        cmocka_unit_test(inverses),
        cmocka_unit_test(halves),
        cmocka_unit_test(negatives),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    mpz_clears(n, lambda, NULL);
    return failed;
}
