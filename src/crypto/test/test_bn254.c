/* BN254: the official vectors, and the group laws that the operations must obey. */
#include "crypto/bn254.h"
#include "crypto/test/vectors.h"

static const struct vector add_vectors[] = {
#include "crypto/test/vectors/bn254_add.inc"
};
static const struct vector mul_vectors[] = {
#include "crypto/test/vectors/bn254_mul.inc"
};
static const struct vector pairing_vectors[] = {
#include "crypto/test/vectors/bn254_pairing.inc"
};

/* Cut or padded with zeros on the right, as the contract does with its call data. */
static void fit(struct buf *b, size_t len)
{
    static const uint8_t zeros[128];
    if (b->len < len)
        buf_append(b, zeros, len - b->len);
}

static void test_add_vectors(void **state)
{
    (void)state;
    struct buf in = BUF_INIT;
    for (size_t i = 0; i < BASE_COUNT(add_vectors); i++) {
        uint8_t out[64];
        vector_decode(&in, &add_vectors[i], add_vectors[i].input);
        fit(&in, 128);
        bool valid = crypto_bn254_add(out, in.data);
        vector_expect(&add_vectors[i], valid, out, sizeof(out));
    }
    buf_release(&in);
}

static void test_mul_vectors(void **state)
{
    (void)state;
    struct buf in = BUF_INIT;
    for (size_t i = 0; i < BASE_COUNT(mul_vectors); i++) {
        uint8_t out[64];
        vector_decode(&in, &mul_vectors[i], mul_vectors[i].input);
        fit(&in, 96);
        bool valid = crypto_bn254_mul(out, in.data);
        vector_expect(&mul_vectors[i], valid, out, sizeof(out));
    }
    buf_release(&in);
}

static void test_pairing_vectors(void **state)
{
    (void)state;
    struct buf in = BUF_INIT;
    for (size_t i = 0; i < BASE_COUNT(pairing_vectors); i++) {
        uint8_t out[32] = {0};
        bool one = false;
        vector_decode(&in, &pairing_vectors[i], pairing_vectors[i].input);
        bool valid = crypto_bn254_pairing(&one, bytes_of(in.data, in.len));
        out[31] = one;
        vector_expect(&pairing_vectors[i], valid, out, sizeof(out));
    }
    buf_release(&in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_add_vectors),
        cmocka_unit_test(test_mul_vectors),
        cmocka_unit_test(test_pairing_vectors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
