#include "crypto/hash.h"

#include "crypto/test/support.h"

#include <openssl/evp.h>

/* FIPS 180-4 examples; the RIPEMD-160 page of its authors. */
static void known_answers(void **unused)
{
    (void)unused;
    const char *const long_text = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    struct hash256 hash;
    uint8_t short_hash[20];
    crypto_sha256(&hash, bytes_none());
    expect_hex(hash.b, 32, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    crypto_sha256(&hash, bytes_str("abc"));
    expect_hex(hash.b, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    crypto_sha256(&hash, bytes_str(long_text));
    expect_hex(hash.b, 32, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    crypto_ripemd160(short_hash, bytes_none());
    expect_hex(short_hash, 20, "9c1185a5c5e9fc54612808977ee8f548b2258d31");
    crypto_ripemd160(short_hash, bytes_str("abc"));
    expect_hex(short_hash, 20, "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc");
    crypto_ripemd160(short_hash, bytes_str(long_text));
    expect_hex(short_hash, 20, "12a053384a9c0c88e405a06c27dcf49ada62eb2b");
}

/* RFC 4231, cases 1, 2, 3 and 6 (a key longer than a block). */
static void hmac_vectors(void **unused)
{
    (void)unused;
    uint8_t key[131], data[50];
    struct hash256 mac;
    memset(key, 0x0b, 20);
    crypto_hmac_sha256(&mac, bytes_of(key, 20), bytes_str("Hi There"));
    expect_hex(mac.b, 32, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    crypto_hmac_sha256(&mac, bytes_str("Jefe"), bytes_str("what do ya want for nothing?"));
    expect_hex(mac.b, 32, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, sizeof(key));
    memset(data, 0xdd, sizeof(data));
    crypto_hmac_sha256(&mac, bytes_of(key, 20), bytes_of(data, sizeof(data)));
    expect_hex(mac.b, 32, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
    crypto_hmac_sha256(&mac, bytes_of(key, sizeof(key)),
                       bytes_str("Test Using Larger Than Block-Size Key - Hash Key First"));
    expect_hex(mac.b, 32, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void pbkdf2_is_openssls(void **unused)
{
    (void)unused;
    uint8_t salt[33], expected[100], actual[101];
    uint64_t seed = 3;
    fill_random(salt, sizeof(salt), &seed);
    for (size_t len = 0; len <= 100; len += 1 + len / 3) {
        uint32_t iterations = 1 + (uint32_t)len % 5;
        actual[len] = 0xee;
        crypto_pbkdf2_sha256(actual, len, bytes_str("password"), bytes_of(salt, sizeof(salt)),
                             iterations);
        assert_int_equal(actual[len], 0xee);
        if (len == 0)
            continue;
        assert_int_equal(PKCS5_PBKDF2_HMAC("password", 8, salt, sizeof(salt), (int)iterations,
                                           EVP_sha256(), (int)len, expected),
                         1);
        assert_memory_equal(actual, expected, len);
    }
}

static const struct {
    const char *input, *expected;
} blake2f_vectors[] = {
#define X(input, expected) {input, expected},
#include "crypto/test/vectors/blake2f.inc"
#undef X
};

static void blake2f_published(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < BASE_COUNT(blake2f_vectors); i++) {
        uint8_t input[213];
        uint32_t rounds;
        uint64_t h[8], m[16], t[2];
        take_hex(input, sizeof(input), blake2f_vectors[i].input);
        memcpy(&rounds, input, 4);
        memcpy(h, input + 4, 64);
        memcpy(m, input + 68, 128);
        memcpy(t, input + 196, 16);
        crypto_blake2f(h, m, t, input[212] == 1, __builtin_bswap32(rounds));
        expect_hex(h, 64, blake2f_vectors[i].expected);
    }
}

static void blake2f_equals_plain(void **unused)
{
    (void)unused;
    uint64_t seed = 5;
    for (uint32_t rounds = 0; rounds < 200; rounds++) {
        uint64_t expected[8], actual[8], m[16], t[2];
        fill_random(expected, sizeof(expected), &seed);
        fill_random(m, sizeof(m), &seed);
        fill_random(t, sizeof(t), &seed);
        memcpy(actual, expected, sizeof(actual));
        crypto_blake2f_plain(expected, m, t, rounds % 2, rounds);
        crypto_blake2f(actual, m, t, rounds % 2, rounds);
        assert_memory_equal(actual, expected, sizeof(actual));
    }
}

/* BLAKE2b-512 made of F is another author's BLAKE2b-512. */
static void blake2f_makes_blake2b(void **unused)
{
    (void)unused;
    uint8_t data[400], expected[64];
    uint64_t seed = 6;
    fill_random(data, sizeof(data), &seed);
    for (size_t len = 1; len <= sizeof(data); len++) {
        /* The hash of nothing mixed with the parameters "64 bytes, no key". */
        uint64_t h[8] = {0x6a09e667f3bcc908 ^ 0x01010040,
                         0xbb67ae8584caa73b,
                         0x3c6ef372fe94f82b,
                         0xa54ff53a5f1d36f1,
                         0x510e527fade682d1,
                         0x9b05688c2b3e6c1f,
                         0x1f83d9abfb41bd6b,
                         0x5be0cd19137e2179};
        uint64_t t[2] = {0, 0};
        for (size_t at = 0; at < len; at += 128) {
            uint64_t m[16] = {0};
            size_t n = len - at < 128 ? len - at : 128;
            memcpy(m, data + at, n);
            t[0] += n;
            crypto_blake2f(h, m, t, at + n == len, 12);
        }
        assert_int_equal(EVP_Digest(data, len, expected, NULL, EVP_blake2b512(), NULL), 1);
        assert_memory_equal(h, expected, 64);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers),        cmocka_unit_test(hmac_vectors),
        cmocka_unit_test(pbkdf2_is_openssls),   cmocka_unit_test(blake2f_published),
        cmocka_unit_test(blake2f_equals_plain), cmocka_unit_test(blake2f_makes_blake2b),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
