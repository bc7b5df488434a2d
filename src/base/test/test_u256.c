/* Every operation against GMP, over random values of every length and the corners of each limb. */
#include "base/u256.h"

#include "base/decimal.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <gmp.h>

enum { ROUNDS = 200000 };

static uint64_t state = 0x243f6a8885a308d3u;

static uint64_t next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

/* Limbs that are zero, full, small, single bits or random; between 0 and 4 of them. */
static struct u256 sample(void)
{
    struct u256 v = {{0}};
    unsigned limbs = (unsigned)(next() % 5);
    for (unsigned i = 0; i < limbs; i++) {
        uint64_t r = next();
        switch (next() % 6) {
        case 0:
            v.w[i] = 0;
            break;
        case 1:
            v.w[i] = UINT64_MAX;
            break;
        case 2:
            v.w[i] = r % 4;
            break;
        case 3:
            v.w[i] = 1ull << r % 64;
            break;
        default:
            v.w[i] = r;
        }
    }
    return v;
}

static void to_mpz(mpz_t z, const struct u256 *a)
{
    mpz_import(z, 4, -1, 8, 0, 0, a->w);
}

static void to_mpz_signed(mpz_t z, const struct u256 *a)
{
    to_mpz(z, a);
    if (u256_is_negative(a)) {
        mpz_t top;
        mpz_init(top);
        mpz_setbit(top, 256);
        mpz_sub(z, z, top);
        mpz_clear(top);
    }
}

static void expect(mpz_t want, struct u256 got)
{
    struct u256 w = {{0}};
    mpz_t low;
    mpz_init(low);
    mpz_fdiv_r_2exp(low, want, 256);
    mpz_export(w.w, NULL, -1, 8, 0, 0, low);
    mpz_clear(low);
    assert_memory_equal(w.w, got.w, sizeof(w.w));
}

static void test_ring(void **unused)
{
    (void)unused;
    mpz_t x, y, z;
    mpz_inits(x, y, z, NULL);
    for (int i = 0; i < ROUNDS; i++) {
        struct u256 a = sample(), b = sample(), r;
        to_mpz(x, &a);
        to_mpz(y, &b);
        mpz_add(z, x, y);
        assert_int_equal(u256_add(&r, &a, &b), mpz_tstbit(z, 256));
        expect(z, r);
        mpz_sub(z, x, y);
        assert_int_equal(u256_sub(&r, &a, &b), mpz_sgn(z) < 0);
        expect(z, r);
        mpz_mul(z, x, y);
        u256_mul(&r, &a, &b);
        expect(z, r);
        assert_int_equal(u256_mul_checked(&r, &a, &b), mpz_sizeinbase(z, 2) <= 256);
        assert_int_equal(u256_compare(&a, &b) < 0, mpz_cmp(x, y) < 0);
        assert_int_equal(u256_compare(&a, &b) > 0, mpz_cmp(x, y) > 0);
        assert_int_equal(u256_bit_length(&a), mpz_sgn(x) ? mpz_sizeinbase(x, 2) : 0);
    }
    mpz_clears(x, y, z, NULL);
}

static void test_division(void **unused)
{
    (void)unused;
    mpz_t x, y, z, w;
    mpz_inits(x, y, z, w, NULL);
    for (int i = 0; i < ROUNDS; i++) {
        struct u256 a = sample(), b = sample(), q, r;
        to_mpz(x, &a);
        to_mpz(y, &b);
        u256_divmod(&q, &r, &a, &b);
        if (u256_is_zero(&b)) {
            assert_true(u256_is_zero(&q) && u256_is_zero(&r));
            continue;
        }
        mpz_tdiv_qr(z, w, x, y);
        expect(z, q);
        expect(w, r);
        to_mpz_signed(x, &a);
        to_mpz_signed(y, &b);
        mpz_tdiv_qr(z, w, x, y);
        u256_div_signed(&q, &a, &b);
        u256_mod_signed(&r, &a, &b);
        expect(z, q);
        expect(w, r);
        assert_int_equal(u256_less_signed(&a, &b), mpz_cmp(x, y) < 0);
    }
    mpz_clears(x, y, z, w, NULL);
}

static void test_modular(void **unused)
{
    (void)unused;
    mpz_t x, y, m, z;
    mpz_inits(x, y, m, z, NULL);
    for (int i = 0; i < ROUNDS; i++) {
        struct u256 a = sample(), b = sample(), n = sample(), r;
        if (i % 3 == 0) { /* operands that are reduced already: the shortcut */
            u256_divmod(NULL, &a, &a, &n);
            u256_divmod(NULL, &b, &b, &n);
        }
        to_mpz(x, &a);
        to_mpz(y, &b);
        to_mpz(m, &n);
        u256_add_mod(&r, &a, &b, &n);
        if (u256_is_zero(&n)) {
            assert_true(u256_is_zero(&r));
            u256_mul_mod(&r, &a, &b, &n);
            assert_true(u256_is_zero(&r));
            continue;
        }
        mpz_add(z, x, y);
        mpz_mod(z, z, m);
        expect(z, r);
        u256_mul_mod(&r, &a, &b, &n);
        mpz_mul(z, x, y);
        mpz_mod(z, z, m);
        expect(z, r);
        struct u256_modulus modulus;
        u256_modulus_init(&modulus, &n);
        u256_mul_mod_by(&r, &a, &b, &modulus);
        expect(z, r);
    }
    mpz_clears(x, y, m, z, NULL);
}

static void test_exp(void **unused)
{
    (void)unused;
    mpz_t x, y, m, z;
    mpz_inits(x, y, m, z, NULL);
    mpz_setbit(m, 256);
    for (int i = 0; i < 5000; i++) {
        struct u256 a = i % 5 ? sample() : u256_from(2), b = sample(), r;
        to_mpz(x, &a);
        to_mpz(y, &b);
        mpz_powm(z, x, y, m);
        u256_exp(&r, &a, &b);
        expect(z, r);
    }
    mpz_clears(x, y, m, z, NULL);
}

static void test_shifts(void **unused)
{
    (void)unused;
    mpz_t x, z;
    mpz_inits(x, z, NULL);
    for (int i = 0; i < ROUNDS; i++) {
        struct u256 a = sample(), r;
        unsigned n = (unsigned)(next() % 300);
        to_mpz(x, &a);
        mpz_mul_2exp(z, x, n);
        u256_shift_left(&r, &a, n);
        expect(z, r);
        mpz_fdiv_q_2exp(z, x, n);
        u256_shift_right(&r, &a, n);
        expect(z, r);
        to_mpz_signed(x, &a);
        mpz_fdiv_q_2exp(z, x, n);
        u256_shift_right_signed(&r, &a, n);
        expect(z, r);
    }
    mpz_clears(x, z, NULL);
}

static void test_sign_extend(void **unused)
{
    (void)unused;
    for (int i = 0; i < ROUNDS; i++) {
        struct u256 a = sample(), byte = i % 50 ? u256_from(next() % 40) : sample(), r;
        uint8_t want[32], got[32];
        u256_store(want, &a);
        if (u256_is_u64(&byte) && byte.w[0] < 31) {
            unsigned sign_at = 31 - (unsigned)byte.w[0];
            memset(want, want[sign_at] & 0x80 ? 0xff : 0, sign_at);
        }
        u256_sign_extend(&r, &byte, &a);
        u256_store(got, &r);
        assert_memory_equal(want, got, 32);
    }
}

static void test_bytes(void **unused)
{
    (void)unused;
    const uint8_t be[3] = {1, 2, 3};
    struct u256 v = u256_load_short(be, sizeof(be));
    assert_true(u256_is_u64(&v) && v.w[0] == 0x010203);
    v = u256_load_short(NULL, 0);
    assert_true(u256_is_zero(&v));
    for (int i = 0; i < 1000; i++) {
        struct u256 a = sample();
        uint8_t text[32];
        u256_store(text, &a);
        struct u256 b = u256_load(text);
        assert_true(u256_equal(&a, &b));
        for (unsigned n = 0; n < 32; n++)
            assert_int_equal(text[n], (uint8_t)(a.w[3 - n / 8] >> (8 * (7 - n % 8))));
    }
}

static void test_decimal(void **unused)
{
    (void)unused;
    static const struct {
        struct u256 value;
        const char *text;
    } cases[] = {
        {{{0}}, "0"},
        {{{10}}, "10"},
        {{{UINT64_MAX}}, "18446744073709551615"},
        {{{0, 1}}, "18446744073709551616"},
        {{{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}},
         "115792089237316195423570985008687907853269984665640564039457584007913129639935"},
    };
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        char text[DECIMAL_U256_MAX];
        decimal_format_u256(text, &cases[i].value);
        assert_string_equal(text, cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ring),    cmocka_unit_test(test_division),
        cmocka_unit_test(test_modular), cmocka_unit_test(test_exp),
        cmocka_unit_test(test_shifts),  cmocka_unit_test(test_sign_extend),
        cmocka_unit_test(test_bytes),   cmocka_unit_test(test_decimal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
