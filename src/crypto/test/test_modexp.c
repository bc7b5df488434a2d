#include "crypto/modexp.h"

#include "base/mem.h"
#include "crypto/test/support.h"

static const struct {
    const char *input, *expected;
} vectors[] = {
#define X(input, expected) {input, expected},
#include "crypto/test/vectors/modexp.inc"
#undef X
};

/* `len` bytes at `at` of the input, which goes on with zeros for ever. */
static uint8_t *padded(const struct buf *input, size_t at, size_t len)
{
    uint8_t *part = mem_alloc_zeroed(len + 1, 1);
    assert_non_null(part);
    if (at < input->len)
        memcpy(part, input->data + at, len < input->len - at ? len : input->len - at);
    return part;
}

static size_t length_at(const struct buf *input, size_t at)
{
    uint8_t *word = padded(input, at, 32);
    size_t len = (size_t)word[30] << 8 | word[31];
    for (size_t i = 0; i < 30; i++)
        assert_int_equal(word[i], 0);
    mem_free(word);
    return len;
}

static void run_vector(const char *text, const char *expected)
{
    struct buf input = BUF_INIT;
    assert_int_equal(hex_decode(text, &input), ERR_OK);
    size_t base_len = length_at(&input, 0), exponent_len = length_at(&input, 32),
           modulus_len = length_at(&input, 64);
    uint8_t *base = padded(&input, 96, base_len),
            *exponent = padded(&input, 96 + base_len, exponent_len),
            *modulus = padded(&input, 96 + base_len + exponent_len, modulus_len);
    assert_int_equal(crypto_modexp(modulus, bytes_of(base, base_len),
                                   bytes_of(exponent, exponent_len),
                                   bytes_of(modulus, modulus_len)),
                     ERR_OK);
    expect_hex(modulus, modulus_len, expected);
    mem_free(modulus);
    mem_free(exponent);
    mem_free(base);
    buf_release(&input);
}

static void published_vectors(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < BASE_COUNT(vectors); i++)
        run_vector(vectors[i].input, vectors[i].expected);
}

static const struct {
    const char *base, *exponent, *modulus, *expected;
} corners[] = {
    {"", "", "", ""},
    {"02", "05", "", ""},
    {"02", "05", "00", "00"},
    {"02", "05", "000000", "000000"},
    {"02", "05", "01", "00"},
    {"", "", "01", "00"},
    {"", "", "05", "01"}, /* 0 ^ 0 */
    {"00", "00", "0005", "0001"},
    {"07", "", "05", "01"},
    {"", "07", "05", "00"},
    {"000000000000000000000003", "0000000000000002", "00000000000000000007",
     "00000000000000000002"},
    {"03", "04", "0100", "0051"},
    {"03", "04", "010000000000000000", "000000000000000051"},
    {"ffffffffffffffffff", "01", "0a", "05"}, /* 2^72 - 1 */
};

static void corner_cases(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < BASE_COUNT(corners); i++) {
        struct buf b = BUF_INIT, e = BUF_INIT, m = BUF_INIT;
        uint8_t result[32];
        memset(result, 0xee, sizeof(result));
        assert_int_equal(hex_decode(corners[i].base, &b), ERR_OK);
        assert_int_equal(hex_decode(corners[i].exponent, &e), ERR_OK);
        assert_int_equal(hex_decode(corners[i].modulus, &m), ERR_OK);
        assert_int_equal(crypto_modexp(result, buf_bytes(&b), buf_bytes(&e), buf_bytes(&m)),
                         ERR_OK);
        expect_hex(result, m.len, corners[i].expected);
        assert_int_equal(result[m.len], 0xee);
        buf_release(&b);
        buf_release(&e);
        buf_release(&m);
    }
}

/* Against square and multiply on machine words. */
static void small_numbers(void **unused)
{
    (void)unused;
    uint64_t seed = 1;
    for (int i = 0; i < 2000; i++) {
        uint8_t base[8], exponent[3], modulus[8], result[8];
        fill_random(base, 8, &seed);
        fill_random(exponent, 3, &seed);
        fill_random(modulus, 8, &seed);
        memset(modulus, 0, (size_t)(i % 8));
        uint64_t b, m, power = 1, actual;
        memcpy(&b, base, 8);
        memcpy(&m, modulus, 8);
        b = __builtin_bswap64(b);
        m = __builtin_bswap64(m);
        for (int bit = 0; m && bit < 24; bit++) {
            power = (uint64_t)((unsigned __int128)power * power % m);
            if (exponent[bit / 8] >> (7 - bit % 8) & 1)
                power = (uint64_t)((unsigned __int128)power * b % m);
        }
        assert_int_equal(
            crypto_modexp(result, bytes_of(base, 8), bytes_of(exponent, 3), bytes_of(modulus, 8)),
            ERR_OK);
        memcpy(&actual, result, 8);
        assert_int_equal(__builtin_bswap64(actual), m ? power % m : 0);
    }
}

static void limits(void **unused)
{
    (void)unused;
    uint8_t byte = 1, *large = mem_alloc_zeroed(CRYPTO_MODEXP_MAX_MODULUS + 1, 1);
    struct bytes one = bytes_of(&byte, 1);
    assert_non_null(large);
    large[CRYPTO_MODEXP_MAX_MODULUS - 1] = 7;
    struct bytes most = bytes_of(large, CRYPTO_MODEXP_MAX_MODULUS),
                 more = bytes_of(large, CRYPTO_MODEXP_MAX_MODULUS + 1);
    assert_int_equal(crypto_modexp(large, more, one, one), ERR_LIMIT);
    assert_int_equal(crypto_modexp(large, one, one, more), ERR_LIMIT);
    /* Refused before it is read. */
    assert_int_equal(
        crypto_modexp(large, one, bytes_of(large, (size_t)CRYPTO_MODEXP_MAX_EXPONENT + 1), one),
        ERR_LIMIT);
    byte = 11;
    assert_int_equal(crypto_modexp(large, one, one, most), ERR_OK);
    assert_int_equal(large[CRYPTO_MODEXP_MAX_MODULUS - 1], 2);
    assert_int_equal(large[CRYPTO_MODEXP_MAX_MODULUS - 2], 0);
    mem_free(large);
}

static void out_of_memory(void **unused)
{
    (void)unused;
    uint8_t base[1024], exponent[1024], modulus[1024], result[1024] = {0};
    uint64_t seed = 2;
    fill_random(base, sizeof(base), &seed);
    fill_random(exponent, 4, &seed);
    fill_random(modulus, sizeof(modulus), &seed);
    int status, failures = -1;
    size_t n = 0;
    do {
        mem_fail_at(++n, 1);
        status = crypto_modexp(result, bytes_of(base, sizeof(base)), bytes_of(exponent, 4),
                               bytes_of(modulus, sizeof(modulus)));
        assert_true(status == ERR_OK || status == ERR_NOMEM);
        assert_int_equal(status == ERR_OK, result[1023] || result[1022]);
        failures++;
    } while (status);
    mem_fail_at(0, 0);
    assert_int_equal(failures, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_vectors), cmocka_unit_test(corner_cases),
        cmocka_unit_test(small_numbers),     cmocka_unit_test(limits),
        cmocka_unit_test(out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
