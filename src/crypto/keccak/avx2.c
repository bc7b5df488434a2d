/* Four states side by side, for x86-64 with AVX2. */
#if defined(__x86_64__)
#    include "crypto/keccak.h"
#    include "crypto/keccak/internal.h"

#    include <immintrin.h>

#    define LANE                 __m256i
#    define LANE_TARGET          __attribute__((target("avx2")))
#    define lane_xor(a, b)       _mm256_xor_si256(a, b)
#    define lane_xor3(a, b, c)   _mm256_xor_si256(_mm256_xor_si256(a, b), c)
#    define lane_chi(a, b, c)    _mm256_xor_si256(a, _mm256_andnot_si256(b, c))
#    define lane_constant(round) _mm256_set1_epi64x((long long)crypto_keccak_round_constants[round])

LANE_TARGET static inline __attribute__((always_inline)) LANE lane_rotate(LANE a, int by)
{
    return _mm256_or_si256(_mm256_slli_epi64(a, by), _mm256_srli_epi64(a, 64 - by));
}

#    include "crypto/keccak_rounds.inc"

LANE_TARGET static inline __attribute__((always_inline)) LANE load(const uint8_t *const *blocks,
                                                                   unsigned i)
{
    long long lane[4];
    for (unsigned j = 0; j < 4; j++)
        memcpy(&lane[j], blocks[j] + 8 * i, sizeof(lane[j]));
    return _mm256_setr_epi64x(lane[0], lane[1], lane[2], lane[3]);
}

LANE_TARGET static void absorb(uint64_t *lanes, const uint8_t *const *blocks, unsigned fresh)
{
    LANE a[25], *states = (LANE *)(void *)lanes;
    LANE bits = _mm256_and_si256(_mm256_set1_epi64x(fresh), _mm256_setr_epi64x(1, 2, 4, 8));
    LANE kept = _mm256_cmpeq_epi64(bits, _mm256_setzero_si256());
    for (unsigned i = 0; i < 25; i++)
        a[i] = _mm256_and_si256(kept, _mm256_load_si256(states + i));
    for (unsigned i = 0; i < CRYPTO_KECCAK256_RATE / 8; i++)
        a[i] = _mm256_xor_si256(a[i], load(blocks, i));
    keccak_rounds(a);
    for (unsigned i = 0; i < 25; i++)
        _mm256_store_si256(states + i, a[i]);
}

const struct crypto_keccak_wide crypto_keccak_avx2 = {
    .name = "avx2",
    .width = 4,
    .absorb = absorb,
};
#endif
