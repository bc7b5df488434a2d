#include "crypto/keccak.h"

#include "crypto/keccak/internal.h"
#include "crypto/sha3.h"
#include "crypto/test/support.h"

#include <openssl/evp.h>

enum { LENGTHS = 301, LONGEST = 5000 };

static uint8_t data[LONGEST + 8];

static int fill_data(void **unused)
{
    (void)unused;
    uint64_t seed = 7;
    fill_random(data, sizeof(data), &seed);
    return 0;
}

/* Published values: Yellow Paper, appendix on the trie; the ERC-20 selector; the Keccak team's
 * vectors of the empty string. */
static void known_answers(void **unused)
{
    (void)unused;
    struct hash256 hash;
    crypto_keccak256(&hash, bytes_none());
    expect_hex(hash.b, 32, "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
    assert_true(hash256_equal(&hash, &crypto_keccak256_empty));
    crypto_keccak256(&hash, bytes_str("\x80"));
    expect_hex(hash.b, 32, "56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421");
    crypto_keccak256(&hash, bytes_str("transfer(address,uint256)"));
    expect_hex(hash.b, 32, "a9059cbb2ab09eb219583f4a59a5d0623ade346d962bcd4e46b11da047c9049b");
}

/* The standard's sponge over the plain permutation, for any rate and padding. */
static void plain_sponge(uint8_t *ret_hash, size_t hash_len, size_t len, size_t rate, uint8_t pad)
{
    uint64_t state[25] = {0};
    uint8_t *bytes = (uint8_t *)state;
    size_t at = 0;
    for (size_t i = 0; i < len; i++) {
        bytes[at++] ^= data[i];
        if (at == rate) {
            crypto_keccak_f1600_plain(state);
            at = 0;
        }
    }
    bytes[at] ^= pad;
    bytes[rate - 1] ^= 0x80;
    crypto_keccak_f1600_plain(state);
    memcpy(ret_hash, bytes, hash_len);
}

/* The plain permutation itself against another author's: with SHA-3's padding it is SHA3-256. */
static void plain_is_the_standard(void **unused)
{
    (void)unused;
    for (size_t len = 0; len < LENGTHS; len++) {
        uint8_t expected[32], actual[32];
        assert_int_equal(EVP_Digest(data, len, expected, NULL, EVP_sha3_256(), NULL), 1);
        plain_sponge(actual, 32, len, CRYPTO_KECCAK256_RATE, 0x06);
        assert_memory_equal(actual, expected, 32);
    }
}

static void hashes_equal_plain(void **unused)
{
    (void)unused;
    for (size_t len = 0; len < LENGTHS; len++) {
        struct hash256 expected, actual;
        crypto_keccak256_plain(&expected, bytes_of(data + 1, len));
        crypto_keccak256(&actual, bytes_of(data + 1, len));
        assert_memory_equal(actual.b, expected.b, 32);
    }
}

static void output_over_input(void **unused)
{
    (void)unused;
    struct hash256 chain = {{0}}, plain = {{0}};
    for (int i = 0; i < 50; i++) {
        crypto_keccak256(&chain, bytes_of(chain.b, 32));
        crypto_keccak256_plain(&plain, bytes_of(plain.b, 32));
    }
    assert_memory_equal(chain.b, plain.b, 32);
}

/* Each implementation that this processor runs, not only the one chosen. */
static void every_single_equals_plain(void **unused)
{
    (void)unused;
    const struct crypto_keccak_single *singles[CRYPTO_KECCAK_SINGLES];
    size_t count = crypto_keccak_singles(singles);
    assert_true(count >= 1);
    assert_string_equal(crypto_keccak_implementation(), singles[0]->name);
    assert_ptr_equal(singles[count - 1], &crypto_keccak_scalar);
    for (size_t i = 0; i < count; i++) {
        uint64_t expected[25], actual[25];
        memcpy(expected, data, sizeof(expected));
        memcpy(actual, data, sizeof(actual));
        for (int round = 0; round < 100; round++) {
            crypto_keccak_f1600_plain(expected);
            singles[i]->permute(actual);
            assert_memory_equal(actual, expected, sizeof(actual));
        }
        for (size_t len = 0; len < CRYPTO_KECCAK256_RATE; len++) {
            struct hash256 plain, hash;
            crypto_keccak256_plain(&plain, bytes_of(data + 3, len));
            singles[i]->hash_short(&hash, data + 3, len);
            assert_memory_equal(hash.b, plain.b, 32);
        }
    }
}

enum { MANY = 70 };

/* Lengths that end in different steps, short and long mixed. */
static void make_inputs(struct bytes inputs[MANY], struct hash256 expected[MANY])
{
    uint64_t seed = 11;
    for (size_t i = 0; i < MANY; i++) {
        size_t len = next_random(&seed) % (i % 9 == 0 ? LONGEST - MANY : 300);
        inputs[i] = i == 5 ? bytes_none() : bytes_of(data + i, len);
        crypto_keccak256_plain(&expected[i], inputs[i]);
    }
}

static void expect_hashes(const struct hash256 *actual, const struct hash256 *expected,
                          size_t count)
{
    static const struct hash256 untouched = {{0xee}};
    for (size_t i = 0; i < count; i++)
        assert_memory_equal(actual[i].b, expected[i].b, 32);
    assert_memory_equal(actual[count].b, untouched.b, 32);
}

static void many_equals_plain(void **unused)
{
    (void)unused;
    struct bytes inputs[MANY];
    struct hash256 expected[MANY], actual[MANY + 1];
    const struct crypto_keccak_wide *wides[CRYPTO_KECCAK_WIDES];
    size_t wide_count = crypto_keccak_wides(wides);
    make_inputs(inputs, expected);
    for (size_t count = 0; count <= MANY; count++) {
        memset(actual, 0, sizeof(actual));
        actual[count] = (struct hash256){{0xee}};
        crypto_keccak256_many(actual, inputs, count);
        expect_hashes(actual, expected, count);
        for (size_t i = 0; i < wide_count; i++) {
            memset(actual, 0, count * sizeof(*actual));
            crypto_keccak_many_with(wides[i], &crypto_keccak256_sponge, (uint8_t *)actual, inputs,
                                    count);
            expect_hashes(actual, expected, count);
        }
    }
}

/* Another author's, for the names of payloads: as many as come, and each implementation. */
static void many_sha3_512(void **unused)
{
    (void)unused;
    enum { COUNT = 20 };
    struct bytes inputs[MANY];
    struct hash256 others[MANY];
    uint8_t expected[COUNT][64], actual[COUNT + 1][64];
    const struct crypto_keccak_wide *wides[CRYPTO_KECCAK_WIDES];
    size_t wide_count = crypto_keccak_wides(wides);
    make_inputs(inputs, others);
    for (size_t i = 0; i < COUNT; i++)
        assert_int_equal(EVP_Digest(inputs[i].data ? inputs[i].data : data, inputs[i].len,
                                    expected[i], NULL, EVP_sha3_512(), NULL),
                         1);
    for (size_t count = 0; count <= COUNT; count++) {
        memset(actual, 0xee, sizeof(actual));
        crypto_sha3_512_many(actual, inputs, count);
        assert_memory_equal(actual, expected, 64 * count);
        assert_int_equal(actual[count][0], 0xee);
        for (size_t i = 0; i < wide_count; i++) {
            memset(actual, 0xee, sizeof(actual));
            crypto_keccak_many_with(wides[i], &crypto_sha3_512_sponge, actual[0], inputs, count);
            assert_memory_equal(actual, expected, 64 * count);
            assert_int_equal(actual[count][0], 0xee);
        }
    }
}

/* The best is taken for so many as it is worth while for. */
static void widths_by_count(void **unused)
{
    (void)unused;
    const struct crypto_keccak_wide *wides[CRYPTO_KECCAK_WIDES];
    size_t wide_count = crypto_keccak_wides(wides);
    assert_null(crypto_keccak_wide_for(1));
    for (size_t i = 0; i < wide_count; i++)
        assert_in_range(wides[i]->least, 2, wides[i]->width);
    assert_ptr_equal(crypto_keccak_wide_for(CRYPTO_KECCAK_MAX_WIDTH), wide_count ? wides[0] : NULL);
}

/* Every way to cut 300 bytes in two, and one byte at a time. */
static void in_pieces(void **unused)
{
    (void)unused;
    struct hash256 expected, actual;
    crypto_keccak256_plain(&expected, bytes_of(data, 300));
    for (size_t cut = 0; cut <= 300; cut++) {
        struct crypto_keccak256 k, copy;
        crypto_keccak256_init(&k);
        crypto_keccak256_update(&k, bytes_of(data, cut));
        copy = k;
        crypto_keccak256_update(&k, bytes_of(data + cut, 300 - cut));
        crypto_keccak256_final(&k, &actual);
        assert_memory_equal(actual.b, expected.b, 32);
        for (size_t i = cut; i < 300; i++)
            crypto_keccak256_update(&copy, bytes_of(data + i, 1));
        crypto_keccak256_final(&copy, &actual);
        assert_memory_equal(actual.b, expected.b, 32);
    }
    struct crypto_keccak256 empty;
    crypto_keccak256_init(&empty);
    crypto_keccak256_update(&empty, bytes_none());
    crypto_keccak256_final(&empty, &actual);
    assert_memory_equal(actual.b, crypto_keccak256_empty.b, 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers),
        cmocka_unit_test(plain_is_the_standard),
        cmocka_unit_test(hashes_equal_plain),
        cmocka_unit_test(output_over_input),
        cmocka_unit_test(every_single_equals_plain),
        cmocka_unit_test(many_equals_plain),
        cmocka_unit_test(many_sha3_512),
        cmocka_unit_test(widths_by_count),
        cmocka_unit_test(in_pieces),
    };
    return cmocka_run_group_tests(tests, fill_data, NULL);
}
