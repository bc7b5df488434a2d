/* Microseconds for each operation on the pairing-friendly curves. */
#include "base/hex.h"
#include "crypto/bls12_381.h"
#include "crypto/bn254.h"
#include "crypto/kzg.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { PAIRS_MAX = 4, TERMS_MAX = 1024, ROUNDS = 25 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

/* The best of several rounds, and the processor's time of this thread alone, so that other programs count little. */
#define MEASURE(name, count, call)                                                                 \
    do {                                                                                           \
        double best = 1e18;                                                                        \
        for (int round = 0; round < ROUNDS; round++) {                                             \
            double start = now();                                                                  \
            for (int i = 0; i < (count); i++) {                                                    \
                if (!(call))                                                                       \
                    abort();                                                                       \
            }                                                                                      \
            double took = (now() - start) / (count);                                               \
            best = took < best ? took : best;                                                      \
        }                                                                                          \
        printf("%-28s %10.2f us\n", name, best);                                                   \
    } while (0)

static void decode(uint8_t *ret, size_t len, const char *hex)
{
    if (!hex_decode_exact(hex, ret, len))
        abort();
}

/* The generators (EIP-196, EIP-197). */
static const char bn254_generators[] =
    "0000000000000000000000000000000000000000000000000000000000000001"
    "0000000000000000000000000000000000000000000000000000000000000002"
    "198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2"
    "1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed"
    "090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b"
    "12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa";

static void bench_bn254(void)
{
    uint8_t pairs[PAIRS_MAX * CRYPTO_BN254_PAIR_SIZE], in[128], out[64];
    decode(pairs, CRYPTO_BN254_PAIR_SIZE, bn254_generators);
    memcpy(in, pairs, 64);
    memset(in + 64, 0xa7, 32);
    MEASURE("bn254 mul", 100, crypto_bn254_mul(out, in));
    memcpy(in + 64, out, 64);
    MEASURE("bn254 add", 1000, crypto_bn254_add(out, in));
    bool one;
    for (size_t n = 1; n <= PAIRS_MAX; n++) {
        char name[32];
        snprintf(name, sizeof(name), "bn254 pairing, %zu pairs", n);
        memcpy(pairs + (n - 1) * CRYPTO_BN254_PAIR_SIZE, pairs, CRYPTO_BN254_PAIR_SIZE);
        MEASURE(name, 5, crypto_bn254_pairing(&one, bytes_of(pairs, n * CRYPTO_BN254_PAIR_SIZE)));
    }
}

/* z, y, commitment and proof of go-ethereum's test of the contract. */
static const char kzg_example[] =
    "564c0a11a0f704f4fc3e8acfe0f8245f0ad1347b378fbf96e206da11a5d36306"
    "24d25032e67a7e6a4910df5834b8fe70e6bcfeeac0352434196bdf4b2485d5a1"
    "8f59a8d2a1a625a17f3fea0fe5eb8c896db3764f3185481bc22f91b4aaffcca2"
    "5f26936857bc3a7c2539ea8ec3a952b7873033e038326e87ed3e1276fd140253"
    "fa08e9fc25fb2d9a98527fc22a2c9612fbeafdad446cbc7bcdbdcd780af2c16a";

/* Points by the maps of small numbers; scalars with every byte different. */
static void fill_terms(uint8_t *terms, size_t count, size_t point)
{
    for (size_t i = 0; i < count; i++) {
        uint8_t u[128] = {0}, *term = terms + i * (point + 32);
        u[62] = (uint8_t)(i >> 8);
        u[63] = (uint8_t)(i + 1);
        if (!(point == CRYPTO_BLS12_381_G1_SIZE ? crypto_bls12_381_map_fp_to_g1(term, u)
                                                : crypto_bls12_381_map_fp2_to_g2(term, u)))
            abort();
        for (int j = 0; j < 32; j++)
            term[point + (size_t)j] = (uint8_t)(0x9d * (i + 1) * (size_t)(j + 3) + (i >> 3));
    }
}

static void bench_bls12_381_g1(void)
{
    enum { POINT = CRYPTO_BLS12_381_G1_SIZE, TERM = POINT + 32 };
    static uint8_t terms[TERMS_MAX * TERM];
    uint8_t in[2 * POINT], out[POINT];
    bool valid;
    fill_terms(terms, TERMS_MAX, POINT);
    memcpy(in, terms, POINT);
    memcpy(in + POINT, terms + TERM, POINT);
    MEASURE("bls12-381 g1 add", 500, crypto_bls12_381_g1_add(out, in));
    for (size_t n = 1; n <= TERMS_MAX; n = n == 1 ? 16 : n * 8) {
        char name[40];
        snprintf(name, sizeof(name), "bls12-381 g1 msm, %zu", n);
        MEASURE(name, 20 / (int)n + 1,
                crypto_bls12_381_g1_msm(out, &valid, bytes_of(terms, n * TERM)) == ERR_OK && valid);
    }
    uint8_t u[64] = {0};
    u[63] = 5;
    MEASURE("bls12-381 map to g1", 20, crypto_bls12_381_map_fp_to_g1(out, u));
}

static void bench_bls12_381_g2(void)
{
    enum { POINT = CRYPTO_BLS12_381_G2_SIZE, TERM = POINT + 32 };
    static uint8_t terms[TERMS_MAX * TERM];
    uint8_t in[2 * POINT], out[POINT];
    bool valid;
    fill_terms(terms, TERMS_MAX, POINT);
    memcpy(in, terms, POINT);
    memcpy(in + POINT, terms + TERM, POINT);
    MEASURE("bls12-381 g2 add", 500, crypto_bls12_381_g2_add(out, in));
    for (size_t n = 1; n <= TERMS_MAX; n = n == 1 ? 16 : n * 8) {
        char name[40];
        snprintf(name, sizeof(name), "bls12-381 g2 msm, %zu", n);
        MEASURE(name, 20 / (int)n + 1,
                crypto_bls12_381_g2_msm(out, &valid, bytes_of(terms, n * TERM)) == ERR_OK && valid);
    }
    uint8_t u[128] = {0};
    u[63] = 5;
    MEASURE("bls12-381 map to g2", 10, crypto_bls12_381_map_fp2_to_g2(out, u));
}

static void bench_bls12_381_pairing(void)
{
    uint8_t pairs[PAIRS_MAX * CRYPTO_BLS12_381_PAIR_SIZE];
    bool one;
    for (size_t n = 1; n <= PAIRS_MAX; n++) {
        uint8_t u[128] = {0}, *pair = pairs + (n - 1) * CRYPTO_BLS12_381_PAIR_SIZE;
        char name[40];
        u[63] = (uint8_t)n;
        if (!crypto_bls12_381_map_fp_to_g1(pair, u) ||
            !crypto_bls12_381_map_fp2_to_g2(pair + CRYPTO_BLS12_381_G1_SIZE, u))
            abort();
        snprintf(name, sizeof(name), "bls12-381 pairing, %zu pairs", n);
        MEASURE(name, 4,
                crypto_bls12_381_pairing(&one, bytes_of(pairs, n * CRYPTO_BLS12_381_PAIR_SIZE)));
    }
}

static void bench_kzg(void)
{
    uint8_t in[160];
    decode(in, sizeof(in), kzg_example);
    MEASURE("kzg proof", 4, crypto_kzg_verify_proof(in + 64, in, in + 32, in + 112));
}

int main(void)
{
    bench_bn254();
    bench_bls12_381_g1();
    bench_bls12_381_g2();
    bench_bls12_381_pairing();
    bench_kzg();
    return 0;
}
