/*
 * Arbitrary bytes to every operation on the pairing-friendly curves, and, where they are valid, the
 * laws that the results obey. The first byte chooses the operation, the rest is its input, padded
 * with zeros where the length is fixed.
 */
#include "base/fuzz/fuzz.h"
#include "crypto/bls12_381.h"
#include "crypto/bn254.h"
#include "crypto/kzg.h"

#include <stdlib.h>

enum { INPUT_MAX = 4096 };

#define REQUIRE(x)                                                                                 \
    do {                                                                                           \
        if (!(x))                                                                                  \
            abort();                                                                               \
    } while (0)

typedef bool add_fn(uint8_t *ret, const uint8_t *in);

/* P + Q = Q + P, and the sum is a point itself: (P + Q) + 0 = P + Q. */
static void check_add(add_fn *add, const uint8_t *in, size_t point)
{
    uint8_t sum[256], again[256], other[512] = {0};
    bool valid = add(sum, in);
    memcpy(other, in + point, point);
    memcpy(other + point, in, point);
    REQUIRE(add(again, other) == valid);
    if (!valid)
        return;
    REQUIRE(memcmp(sum, again, point) == 0);
    memcpy(other, sum, point);
    memset(other + point, 0, point);
    REQUIRE(add(again, other));
    REQUIRE(memcmp(sum, again, point) == 0);
}

/* s P for the point as given; with 2 s: s P + s P. */
static void check_bn254_mul(const uint8_t *in)
{
    uint8_t product[64], twice[96], sum[64], pair[128];
    if (!crypto_bn254_mul(product, in))
        return;
    memcpy(pair, product, 64);
    memcpy(pair + 64, product, 64);
    REQUIRE(crypto_bn254_add(sum, pair));
    memcpy(twice, product, 64);
    memset(twice + 64, 0, 32);
    twice[95] = 2;
    REQUIRE(crypto_bn254_mul(product, twice));
    REQUIRE(memcmp(product, sum, 64) == 0);
}

typedef int msm_fn(uint8_t *ret, bool *ret_valid, struct bytes in);

/* A sum of terms is that of its first and its rest; a sum with one bad term is bad. */
static void check_msm(msm_fn *msm, add_fn *add, struct bytes in, size_t point)
{
    size_t term = point + 32;
    uint8_t whole[256], parts[512], sum[256];
    bool valid, first, rest;
    if (msm(whole, &valid, in) != ERR_OK || in.len < 2 * term)
        return;
    if (msm(parts, &first, bytes_slice(in, 0, term)) != ERR_OK ||
        msm(parts + point, &rest, bytes_slice(in, term, in.len - term)) != ERR_OK)
        return;
    REQUIRE(valid == (first && rest));
    if (valid) {
        REQUIRE(add(sum, parts));
        REQUIRE(memcmp(sum, whole, point) == 0);
    }
}

/* The order of the pairs does not matter. */
static void check_pairing(bool (*pairing)(bool *, struct bytes), struct bytes in, size_t pair)
{
    uint8_t turned[INPUT_MAX];
    bool one = false, again = false;
    bool valid = pairing(&one, in);
    if (in.len < pair || in.len % pair)
        return;
    memcpy(turned, in.data + pair, in.len - pair);
    memcpy(turned + in.len - pair, in.data, pair);
    REQUIRE(pairing(&again, bytes_of(turned, in.len)) == valid);
    REQUIRE(!valid || one == again);
}

/* What a map gives is in the subgroup, which a product with 1 tells. */
static void check_map(bool (*map)(uint8_t *, const uint8_t *), msm_fn *msm, const uint8_t *in,
                      size_t point)
{
    uint8_t term[288], product[256];
    bool valid;
    if (!map(term, in))
        return;
    memset(term + point, 0, 32);
    term[point + 31] = 1;
    if (msm(product, &valid, bytes_of(term, point + 32)) != ERR_OK)
        return;
    REQUIRE(valid && memcmp(product, term, point) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t in[INPUT_MAX] = {0};
    if (size == 0 || size - 1 > sizeof(in))
        return 0;
    memcpy(in, data + 1, size - 1);
    struct bytes raw = {in, size - 1};
    switch (data[0] % 11) {
    case 0:
        check_add(crypto_bn254_add, in, 64);
        break;
    case 1:
        check_bn254_mul(in);
        break;
    case 2:
        check_pairing(crypto_bn254_pairing, raw, CRYPTO_BN254_PAIR_SIZE);
        break;
    case 3:
        check_add(crypto_bls12_381_g1_add, in, CRYPTO_BLS12_381_G1_SIZE);
        break;
    case 4:
        check_add(crypto_bls12_381_g2_add, in, CRYPTO_BLS12_381_G2_SIZE);
        break;
    case 5:
        check_msm(crypto_bls12_381_g1_msm, crypto_bls12_381_g1_add, raw, CRYPTO_BLS12_381_G1_SIZE);
        break;
    case 6:
        check_msm(crypto_bls12_381_g2_msm, crypto_bls12_381_g2_add, raw, CRYPTO_BLS12_381_G2_SIZE);
        break;
    case 7:
        check_pairing(crypto_bls12_381_pairing, raw, CRYPTO_BLS12_381_PAIR_SIZE);
        break;
    case 8:
        check_map(crypto_bls12_381_map_fp_to_g1, crypto_bls12_381_g1_msm, in,
                  CRYPTO_BLS12_381_G1_SIZE);
        break;
    case 9:
        check_map(crypto_bls12_381_map_fp2_to_g2, crypto_bls12_381_g2_msm, in,
                  CRYPTO_BLS12_381_G2_SIZE);
        break;
    default: { /* z, y, commitment, proof; a proof for y is none for another value */
        bool holds = crypto_kzg_verify_proof(in + 64, in, in + 32, in + 112);
        in[63] ^= 1;
        REQUIRE(!(holds && crypto_kzg_verify_proof(in + 64, in, in + 32, in + 112)));
    }
    }
    return 0;
}
