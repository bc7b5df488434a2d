#include "crypto/hash.h"

#include "base/hex.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void expect(const void *actual, size_t len, const char *expected)
{
    char text[2 * 128 + 1] = {0};
    assert_true(len <= 128);
    hex_encode(text, bytes_of(actual, len));
    assert_string_equal(text, expected);
}

/* FIPS 180-4 examples; the RIPEMD-160 page of its authors. */
static void known_answers(void **state)
{
    (void)state;
    struct hash256 hash;
    uint8_t short_hash[20];
    crypto_sha256(&hash, bytes_none());
    expect(hash.b, 32, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    crypto_sha256(&hash, bytes_str("abc"));
    expect(hash.b, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    crypto_ripemd160(short_hash, bytes_none());
    expect(short_hash, 20, "9c1185a5c5e9fc54612808977ee8f548b2258d31");
    crypto_ripemd160(short_hash, bytes_str("abc"));
    expect(short_hash, 20, "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
