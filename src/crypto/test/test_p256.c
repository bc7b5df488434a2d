#include "crypto/p256.h"

#include "crypto/test/support.h"

#include <openssl/err.h>

static const struct {
    const char *input;
    bool valid;
} vectors[] = {
#define X(input, valid) {input, valid},
#include "crypto/test/vectors/p256.inc"
#undef X
};

static bool verify(const uint8_t input[160])
{
    bool valid = false, opposite = true;
    assert_int_equal(crypto_p256_verify(&valid, input), ERR_OK);
    assert_int_equal(crypto_p256_verify(&opposite, input), ERR_OK);
    assert_int_equal(valid, opposite);
    return valid;
}

static void published_vectors(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < BASE_COUNT(vectors); i++) {
        uint8_t input[160];
        take_hex(input, sizeof(input), vectors[i].input);
        if (verify(input) != vectors[i].valid)
            fail_msg("vector %zu: %s", i, vectors[i].input);
    }
}

enum { HASH = 0, R = 32, S = 64, X = 96, Y = 128 };

static const char *const order = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
static const char *const prime = "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff";

/* Each field of a valid signature put out of range, or replaced by the neighbour that is in range.
 */
static void field_ranges(void **unused)
{
    (void)unused;
    const struct {
        unsigned field;
        const char *value;
    } bad[] = {{R, order}, {S, order}, {X, prime}, {Y, prime}};
    uint8_t good[160], input[160];
    take_hex(good, sizeof(good), vectors[0].input);
    assert_true(verify(good));
    for (size_t i = 0; i < BASE_COUNT(bad); i++) {
        memcpy(input, good, sizeof(input));
        memset(input + bad[i].field, 0, 32);
        assert_false(verify(input));
        memset(input + bad[i].field, 0xff, 32);
        assert_false(verify(input));
        take_hex(input + bad[i].field, 32, bad[i].value);
        assert_false(verify(input));
        input[bad[i].field + 31]--;
        assert_false(verify(input));
    }
    memcpy(input, good, sizeof(input));
    memset(input + X, 0, 64); /* "infinity" */
    assert_false(verify(input));
}

/* The point at infinity as the sum: key = G, hash + r = 0 modulo the order. And the hash is taken
 * modulo the order: adding the order to a small one changes nothing. */
static void sums_at_infinity(void **unused)
{
    (void)unused;
    uint8_t input[160] = {0};
    take_hex(input + HASH, 32, order);
    input[HASH + 31]--; /* order - 1 */
    input[R + 31] = 1;
    input[S + 31] = 1;
    take_hex(input + X, 32, "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296");
    take_hex(input + Y, 32, "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5");
    assert_false(verify(input));
}

/* What is refused leaves nothing behind in the library's error queue. */
static void no_errors_left(void **unused)
{
    (void)unused;
    uint8_t input[160];
    take_hex(input, sizeof(input), vectors[0].input);
    input[Y + 31] ^= 1;
    assert_false(verify(input));
    assert_int_equal(ERR_peek_error(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_vectors),
        cmocka_unit_test(field_ranges),
        cmocka_unit_test(sums_at_infinity),
        cmocka_unit_test(no_errors_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
