/* BLS12-381 and KZG: the official vectors, valid and failing. */
#include "crypto/bls12_381.h"
#include "crypto/kzg.h"
#include "crypto/test/vectors.h"

static const struct vector g1_add_vectors[] = {
#include "crypto/test/vectors/bls_g1_add.inc"
};
static const struct vector g2_add_vectors[] = {
#include "crypto/test/vectors/bls_g2_add.inc"
};
static const struct vector g1_msm_vectors[] = {
#include "crypto/test/vectors/bls_g1_msm.inc"
};
static const struct vector g2_msm_vectors[] = {
#include "crypto/test/vectors/bls_g2_msm.inc"
};
static const struct vector pairing_vectors[] = {
#include "crypto/test/vectors/bls_pairing.inc"
};
static const struct vector map_g1_vectors[] = {
#include "crypto/test/vectors/bls_map_g1.inc"
};
static const struct vector map_g2_vectors[] = {
#include "crypto/test/vectors/bls_map_g2.inc"
};
static const struct vector kzg_vectors[] = {
#include "crypto/test/vectors/kzg.inc"
};

/* One contract over raw bytes: its whole rule about lengths included. Returns the output's length,
 * 0 for failure. */
typedef size_t run_fn(uint8_t *out, struct bytes in);

static size_t run_g1_add(uint8_t *out, struct bytes in)
{
    return in.len == 256 && crypto_bls12_381_g1_add(out, in.data) ? 128 : 0;
}

static size_t run_g2_add(uint8_t *out, struct bytes in)
{
    return in.len == 512 && crypto_bls12_381_g2_add(out, in.data) ? 256 : 0;
}

static size_t run_g1_msm(uint8_t *out, struct bytes in)
{
    bool valid;
    assert_int_equal(crypto_bls12_381_g1_msm(out, &valid, in), ERR_OK);
    return valid ? 128 : 0;
}

static size_t run_g2_msm(uint8_t *out, struct bytes in)
{
    bool valid;
    assert_int_equal(crypto_bls12_381_g2_msm(out, &valid, in), ERR_OK);
    return valid ? 256 : 0;
}

static size_t run_pairing(uint8_t *out, struct bytes in)
{
    bool one = false;
    bool valid = crypto_bls12_381_pairing(&one, in);
    memset(out, 0, 32);
    out[31] = one;
    return valid ? 32 : 0;
}

static size_t run_map_g1(uint8_t *out, struct bytes in)
{
    return in.len == 64 && crypto_bls12_381_map_fp_to_g1(out, in.data) ? 128 : 0;
}

static size_t run_map_g2(uint8_t *out, struct bytes in)
{
    return in.len == 128 && crypto_bls12_381_map_fp2_to_g2(out, in.data) ? 256 : 0;
}

/* The contract's input: versioned hash, z, y, commitment, proof. Its output: 4096 and the order. */
static size_t run_kzg(uint8_t *out, struct bytes in)
{
    static const char answer[] = "0000000000000000000000000000000000000000000000000000000000001000"
                                 "73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001";
    assert_true(hex_decode_exact(answer, out, 64));
    return in.len == 192 &&
                   crypto_kzg_verify_proof(in.data + 96, in.data + 32, in.data + 64, in.data + 144)
               ? 64
               : 0;
}

static void run_vectors(const struct vector *vectors, size_t count, run_fn *run)
{
    struct buf in = BUF_INIT;
    assert_true(count > 0);
    for (size_t i = 0; i < count; i++) {
        uint8_t out[256];
        vector_decode(&in, &vectors[i], vectors[i].input);
        size_t len = run(out, bytes_of(in.data, in.len));
        vector_expect(&vectors[i], len > 0, out, len);
    }
    buf_release(&in);
}

#define VECTOR_TEST(name)                                                                          \
    static void test_##name(void **state)                                                          \
    {                                                                                              \
        (void)state;                                                                               \
        run_vectors(name##_vectors, BASE_COUNT(name##_vectors), run_##name);                       \
    }
VECTOR_TEST(g1_add)
VECTOR_TEST(g2_add)
VECTOR_TEST(g1_msm)
VECTOR_TEST(g2_msm)
VECTOR_TEST(pairing)
VECTOR_TEST(map_g1)
VECTOR_TEST(map_g2)
VECTOR_TEST(kzg)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_g1_add),  cmocka_unit_test(test_g2_add),
        cmocka_unit_test(test_g1_msm),  cmocka_unit_test(test_g2_msm),
        cmocka_unit_test(test_pairing), cmocka_unit_test(test_map_g1),
        cmocka_unit_test(test_map_g2),  cmocka_unit_test(test_kzg),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
