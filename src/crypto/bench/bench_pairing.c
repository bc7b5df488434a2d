/* Microseconds for each operation on the pairing-friendly curves. */
#include "base/hex.h"
#include "crypto/bn254.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { PAIRS_MAX = 4 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

/* The best of several rounds, so that another program's share of the machine counts little. */
#define MEASURE(name, count, call)                                                                 \
    do {                                                                                           \
        double best = 1e18;                                                                        \
        for (int round = 0; round < 7; round++) {                                                  \
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
    MEASURE("bn254 mul", 1000, crypto_bn254_mul(out, in));
    memcpy(in + 64, out, 64);
    MEASURE("bn254 add", 10000, crypto_bn254_add(out, in));
    bool one;
    for (size_t n = 1; n <= PAIRS_MAX; n++) {
        char name[32];
        snprintf(name, sizeof(name), "bn254 pairing, %zu pairs", n);
        memcpy(pairs + (n - 1) * CRYPTO_BN254_PAIR_SIZE, pairs, CRYPTO_BN254_PAIR_SIZE);
        MEASURE(name, 50, crypto_bn254_pairing(&one, bytes_of(pairs, n * CRYPTO_BN254_PAIR_SIZE)));
    }
}

int main(void)
{
    bench_bn254();
    return 0;
}
